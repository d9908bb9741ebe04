/* SPDX-License-Identifier: Apache-2.0 */
/* What the device is through with, and when it shall say so. */
#include <errno.h>

#include "rdma/private.h"
#include "transport/base/clock.h"
#include "transport/base/log.h"

#define POLL_BATCH 16
#define POLL_MOST  256 /* a turn */

/* How long a send that nobody waits for may keep its buffers after the peer has it, and how much.
 */
#define REAP_NS    (5 * NS_PER_MS)
#define REAP_BYTES (64u << 10)

static void poll_failed(struct direct_channel *c, const struct ibv_wc *wc)
{
	if (c->state < DIRECT_DRAINING && wc->status != IBV_WC_WR_FLUSH_ERR)
		log_info("%s: a %s failed: status %d", c->ch.name,
			 direct_posted_slot(c, wc) ? "receive" : direct_posted_name(c, wc),
			 wc->status);
	if (wc->status != IBV_WC_WR_FLUSH_ERR)
		atomic_fetch_add(&c->device->errors, 1);
	if (wc->status == IBV_WC_RNR_RETRY_EXC_ERR)
		atomic_fetch_add(&c->device->rnr, 1);
	direct_channel_gone(c);
}

/* rxe hands out the kernel's own flags, and the kernel's bit for it is verbs' for a checksum that
 * is good, which says nothing here. Who misses it and invalidates again crashes rxe's kernel. */
#define WC_INVALIDATED (IBV_WC_WITH_INV | IBV_WC_IP_CSUM_OK)

static void poll_completed(struct direct_channel *c, const struct ibv_wc *wc)
{
	struct direct_slot *slot = direct_posted_slot(c, wc);

	if (wc->status != IBV_WC_SUCCESS) {
		poll_failed(c, wc);
		return;
	}
	if (slot) {
		if (wc->wc_flags & WC_INVALIDATED)
			direct_window_invalidated(c, wc->invalidated_rkey);
		direct_receive(c, slot, wc->byte_len);
		return;
	}
	direct_posted_done(c, wc);
	if (c->state == DIRECT_ANSWERED)
		direct_channel_opened(c);
	else if (c->state == DIRECT_REFUSING)
		direct_channel_end(c, -EPROTO, -ECONNRESET);
}

static unsigned poll_queue(struct direct_channel *c, struct ibv_cq *cq)
{
	struct ibv_wc wc[POLL_BATCH];
	unsigned count = 0;
	int n = POLL_BATCH;

	while (n == POLL_BATCH && count < POLL_MOST && c->state < DIRECT_ENDED) {
		n = c->verbs->poll_cq(cq, POLL_BATCH, wc);
		for (int i = 0; i < n && c->state < DIRECT_ENDED; i++)
			poll_completed(c, &wc[i]);
		if (n < 0)
			direct_channel_gone(c);
		count += n > 0 ? (unsigned)n : 0;
	}
	return count;
}

/* Sends first: what answers a send came after it. */
unsigned direct_poll(struct direct_channel *c)
{
	unsigned count = poll_queue(c, c->send_cq);

	return count + poll_queue(c, c->receive_cq);
}

void direct_poll_last(struct direct_channel *c)
{
	struct ibv_wc wc;

	while (c->send_cq && c->verbs->poll_cq(c->send_cq, 1, &wc) == 1) {
		if (wc.status == IBV_WC_SUCCESS)
			direct_posted_done(c, &wc);
	}
}

void direct_poll_event(struct direct_channel *c)
{
	struct ibv_cq *cq;

	if (c->verbs->get_cq_event(c->completions, &cq) == 0) {
		c->polling |= cq == c->receive_cq;
		c->sends_armed &= cq != c->send_cq;
		*(cq == c->send_cq ? &c->send_events : &c->receive_events) += 1;
	}
	direct_poll(c);
	direct_channel_turn(c);
}

/* A request goes on when one of the send queue is through; or nothing may be sent before that; or
 * the peer can hardly send, and an answer under way keeps the receive it was sent to; or buffers
 * would be kept that others may want. */
static bool poll_awaits_sends(const struct direct_channel *c)
{
	return c->state != DIRECT_OPEN || c->reads || c->window_requests ||
	       !list_empty(&c->sends) || list_empty(&c->idle_outs) || c->granted <= 1 ||
	       c->pushed > REAP_BYTES || c->late;
}

void direct_reap_fire(struct reactor_timer *timer)
{
	struct direct_channel *c = container_of(timer, struct direct_channel, reap);
	const char *context = log_context(c->ch.name);

	c->reaping = false;
	poll_queue(c, c->send_cq);
	c->late = !list_empty(&c->sent);
	direct_channel_turn(c);
	log_context(context);
}

/* A queue is polled once more after it was armed: what comes after that makes an event. */
static bool poll_armed(struct direct_channel *c, struct ibv_cq *cq)
{
	if (c->verbs->req_notify_cq(cq) != 0)
		direct_channel_gone(c);
	return poll_queue(c, cq) > 0;
}

static bool poll_receives_on(struct direct_channel *c)
{
	if (!c->polling)
		return false;
	if (direct_poll(c) > 0)
		return true;
	c->polling = false;
	return poll_armed(c, c->receive_cq);
}

static bool poll_sends_on(struct direct_channel *c)
{
	c->late &= !list_empty(&c->sent);
	if (poll_awaits_sends(c)) {
		if (c->sends_armed)
			return false;
		c->sends_armed = true;
		return poll_armed(c, c->send_cq);
	}
	if (!list_empty(&c->sent) && !c->reaping) {
		c->reaping = true;
		reactor_timer_set(c->ch.reactor, &c->reap, REAP_NS);
	}
	return false;
}

void direct_poll_on(struct direct_channel *c)
{
	bool more;

	if (c->state > DIRECT_CLOSING)
		return;
	more = poll_receives_on(c);
	if (!c->polling)
		more |= poll_sends_on(c);
	if (more)
		direct_channel_turn(c);
}
