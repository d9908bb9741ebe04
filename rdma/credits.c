/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credits both ways: [MS-SMBD] 3.1.5.1, 3.1.5.8, 3.1.5.9. A grant is never more than the receives
 * that are posted and not granted yet: with rnr_retry 0 each mistake here ends the connection.
 */
#include "rdma/private.h"

/* What the peer has at hand is refilled when it lacks a quarter. */
static unsigned credits_quarter(const struct direct_channel *c)
{
	return c->receive_target >= 4 ? c->receive_target / 4 : 1;
}

/* Up to the peer's target. */
static unsigned credits_grantable(const struct direct_channel *c)
{
	unsigned fresh = c->posted - c->granted;
	unsigned room = c->receive_target > c->granted ? c->receive_target - c->granted : 0;

	return fresh < room ? fresh : room;
}

unsigned direct_credits_to_grant(const struct direct_channel *c)
{
	unsigned n = credits_grantable(c);

	/* 3.1.5.9: "if SendCredits is one": over the target rather than not at all */
	if (n == 0 && c->send_credits == 1 && c->posted > c->granted)
		n = 1;
	return n;
}

/* 3.1.5.1: the last credit is spent only on a message that grants some. */
bool direct_credits_may_send(const struct direct_channel *c)
{
	return c->send_credits > 1 || (c->send_credits == 1 && direct_credits_to_grant(c) > 0);
}

void direct_credits_spend(struct direct_channel *c, struct direct_data *header)
{
	unsigned n = direct_credits_to_grant(c);

	c->send_credits--;
	c->granted += n;
	c->owes_answer = false;
	if (n)
		c->owes_grant = false;
	header->credits_requested = (uint16_t)c->config.send_credits;
	header->credits_granted = (uint16_t)n;
	header->flags = c->ask ? DIRECT_RESPONSE_REQUESTED : 0;
	if (c->ask)
		c->asked_since = reactor_now_ns(c->ch.reactor);
	c->ask = false;
}

bool direct_credits_receive(struct direct_channel *c, const struct direct_data *header)
{
	unsigned target = header->credits_requested;

	if (c->granted == 0)
		return false;
	c->granted--;
	c->send_credits += header->credits_granted;
	/* two at least: else each grant would take the credit it gives. One slot is kept back. */
	target = target < 2 ? 2 : target;
	c->receive_target = target < c->slot_count ? target : c->slot_count - 1;
	c->owes_grant |= header->len > 0;
	c->owes_answer |= header->flags & DIRECT_RESPONSE_REQUESTED;
	return true;
}

bool direct_credits_refill(const struct direct_channel *c)
{
	unsigned n = credits_grantable(c);

	/* Only payload is answered by a grant: two ends that answer empty messages never rest. */
	return n > 0 && (c->granted == 0 || (c->owes_grant && n >= credits_quarter(c)));
}
