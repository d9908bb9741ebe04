/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credits both ways: [MS-SMBD] 3.1.5.1, 3.1.5.8, 3.1.5.9. A grant is never more than the receives
 * that are posted and not granted yet: with rnr_retry 0 each mistake here ends the connection.
 */
#include "rdma/private.h"

#define CREDITS_MAX 65535u /* to spend: what one message can grant at most */

/* What the peer is to have at hand: what it asks for, as far as there are slots. */
static unsigned credits_target(const struct direct_channel *c)
{
	return c->receive_target < c->slots_made ? c->receive_target : c->slots_made - 1;
}

/* It is refilled when it lacks a quarter. */
static unsigned credits_quarter(const struct direct_channel *c)
{
	return credits_target(c) >= 4 ? credits_target(c) / 4 : 1;
}

/* Up to the target; of what is posted, one is kept back. */
static unsigned credits_grantable(const struct direct_channel *c)
{
	unsigned fresh = c->posted - c->granted;
	unsigned target = credits_target(c);
	unsigned room = target > c->granted ? target - c->granted : 0;

	if (c->granted && fresh)
		fresh--;
	return fresh < room ? fresh : room;
}

void direct_credits_request(struct direct_channel *c, unsigned requested)
{
	/* two at least: else each grant would take the credit it gives */
	unsigned target = requested < 2 ? 2 : requested;

	c->receive_target = target < c->slot_count ? target : c->slot_count - 1;
}

unsigned direct_credits_to_grant(const struct direct_channel *c)
{
	unsigned n = credits_grantable(c);

	/* 3.1.5.9: "if SendCredits is one": the one that was kept back, rather than none */
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

/* The peer needs more at once than it has: for this message, or for the many it sends. */
static bool credits_lacking(const struct direct_channel *c, const struct direct_data *header)
{
	return header->len &&
	       (c->granted < c->slots_made / 2 || header->remaining / header->len > c->granted);
}

const char *direct_credits_receive(struct direct_channel *c, const struct direct_data *header)
{
	if (c->granted == 0)
		return "the peer sends without a credit";
	/* each stands for a receive that is posted now: so many no queue can have */
	if (header->credits_granted > CREDITS_MAX - c->send_credits)
		return "the peer grants more credits than it can have receives";
	c->granted--;
	c->send_credits += header->credits_granted;
	direct_credits_request(c, header->credits_requested);
	if (credits_lacking(c, header) && c->receive_target >= c->slots_made)
		direct_memory_grow(c);
	c->owes_grant |= header->len > 0;
	c->owes_answer |= header->flags & DIRECT_RESPONSE_REQUESTED;
	return NULL;
}

bool direct_credits_refill(const struct direct_channel *c)
{
	unsigned n = credits_grantable(c);

	/* Only payload is answered by a grant: two ends that answer empty messages never rest. */
	return n > 0 && (c->granted == 0 || (c->owes_grant && n >= credits_quarter(c)));
}
