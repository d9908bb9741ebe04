/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes in: [MS-SMBD] 3.1.5.8. Credits and flags count as soon as a message arrives; its
 * payload goes to the reassembler, which may keep it waiting.
 */
#include <errno.h>

#include "rdma/private.h"
#include "transport/base/log.h"

static struct direct_channel *receive_channel(struct direct_rx *rx)
{
	return container_of(rx, struct direct_channel, rx);
}

static size_t receive_split(struct direct_rx *rx, const uint8_t *first, size_t have, size_t total)
{
	struct direct_channel *c = receive_channel(rx);

	return c->ch.user_ops->split(&c->ch, first, have, total);
}

static void receive_message(struct direct_rx *rx, struct channel_msg *msg)
{
	struct direct_channel *c = receive_channel(rx);

	c->ch.counters.msgs_in++;
	c->ch.counters.bytes_in += msg->head_len + msg->body.len;
	c->ch.user_ops->message(&c->ch, msg);
}

static struct buf *receive_buf_get(struct direct_rx *rx, size_t size)
{
	return buf_get(receive_channel(rx)->pool, size);
}

static void receive_buf_put(struct direct_rx *rx, struct buf *buf)
{
	buf_put(receive_channel(rx)->pool, buf);
}

/* Posted at the end of the turn, with the others. */
static void receive_recycle(struct direct_rx *rx, struct direct_slot *slot)
{
	struct direct_channel *c = receive_channel(rx);

	list_push(&c->idle_slots, &slot->node);
	if (c->state <= DIRECT_CLOSING)
		reactor_defer(c->ch.reactor, &c->turn);
}

const struct direct_rx_user direct_receive_user = {
	.split = receive_split,
	.message = receive_message,
	.buf_get = receive_buf_get,
	.buf_put = receive_buf_put,
	.recycle = receive_recycle,
};

static void receive_fail(struct direct_channel *c, int err, const char *what)
{
	log_info("%s: %s", c->ch.name, what);
	direct_channel_end(c, err, -ECONNRESET);
}

static void receive_buf_ready(struct buf_wait *wait, struct buf *buf)
{
	struct direct_channel *c = container_of(wait, struct direct_channel, rx_wait);
	int err;

	c->rx_waits = false;
	err = direct_rx_give(&c->rx, buf);
	if (err)
		receive_fail(c, err, "the message is too large");
	direct_channel_turn(c);
}

/* What the reassembler waits for is waited for in the pool's queue. */
static void receive_settle(struct direct_channel *c, int err)
{
	size_t size = direct_rx_waits_for(&c->rx);

	if (err) {
		receive_fail(c, err,
			     err == -EPROTO   ? "fragments do not fit together"
			     : err == -ENOMEM ? "no memory for a message"
					      : "the message is too large");
		return;
	}
	if (size && !c->rx_waits && !c->rx.stopped) {
		c->rx_wait = (struct buf_wait){.ready = receive_buf_ready, .size = size};
		c->rx_waits = true;
		buf_wait(c->pool, &c->rx_wait);
	}
}

void direct_receive_resume(struct direct_channel *c)
{
	if (!c->rx.stopped && !c->rx_waits)
		receive_settle(c, direct_rx_resume(&c->rx));
}

void direct_receive_stop(struct direct_channel *c)
{
	if (c->rx_waits)
		buf_wait_cancel(&c->rx_wait);
	c->rx_waits = false;
	if (c->rx_ready)
		direct_rx_stop(&c->rx);
}

static void receive_data(struct direct_channel *c, struct direct_slot *slot, uint32_t len)
{
	struct rd r = rd_init(slot->data, len);
	struct direct_data header;
	const char *wrong;
	int err;

	if (direct_data_decode(&r, c->config.fragmented_bytes, &header) != 0) {
		receive_fail(c, -EPROTO, "a message breaks the rules of SMB Direct");
		return;
	}
	wrong = direct_credits_receive(c, &header);
	if (wrong) {
		receive_fail(c, -EPROTO, wrong);
		return;
	}
	if (!header.len || c->state == DIRECT_CLOSING) {
		if (header.len && c->rx.expect != 0 &&
		    (uint64_t)header.len + header.remaining != c->rx.expect)
			receive_fail(c, -EPROTO, "fragments do not fit together");
		c->rx.expect = header.len ? header.remaining : c->rx.expect;
		return;
	}
	list_del(&slot->node);
	slot->bytes = header.bytes;
	slot->len = header.len;
	slot->remaining = header.remaining;
	err = direct_rx_push(&c->rx, slot);
	if (err == -EPROTO)
		list_push(&c->idle_slots, &slot->node);
	receive_settle(c, err);
}

/* A receive completed: the slot is not posted any more. */
void direct_receive(struct direct_channel *c, struct direct_slot *slot, uint32_t len)
{
	c->posted--;
	list_push(&c->idle_slots, &slot->node); /* until the reassembler takes it */
	c->heard_ns = reactor_now_ns(c->ch.reactor);
	c->asked_since = 0;
	if (c->state == DIRECT_NEGOTIATING) {
		direct_negotiate_receive(c, slot->data, len);
		return;
	}
	if (c->state == DIRECT_ANSWERED) /* it has our answer, whatever the queue says */
		direct_channel_opened(c);
	if (c->state >= DIRECT_OPEN && c->state < DIRECT_ENDED)
		receive_data(c, slot, len);
}

void direct_receive_release(struct channel *ch, struct channel_msg *msg)
{
	struct direct_channel *c = container_of(ch, struct direct_channel, ch);

	direct_rx_release(&c->rx, msg);
	if (c->state < DIRECT_ENDED)
		reactor_defer(ch->reactor, &c->turn);
	direct_channel_released(c);
}
