/* SPDX-License-Identifier: Apache-2.0 */
#include "rdma/reassemble.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "transport/buf/buf.h"

#define RX_PAGE 4096u

struct direct_rx_msg {
	struct channel_msg msg;
	struct list_node node;
	struct direct_slot *slot; /* the head's; NULL: the head is in buf, after the body */
	struct buf *buf;
};

void direct_rx_init(struct direct_rx *rx, const struct direct_rx_user *user,
		    unsigned unreleased_max, unsigned held_max)
{
	*rx = (struct direct_rx){
		.user = user, .unreleased_max = unreleased_max, .held_max = held_max};
	list_init(&rx->inbox);
	list_init(&rx->free_msgs);
}

void direct_rx_fini(struct direct_rx *rx)
{
	struct list_node *n;

	assert(rx->unreleased == 0);
	direct_rx_stop(rx);
	while ((n = list_pop(&rx->free_msgs)) != NULL)
		free(container_of(n, struct direct_rx_msg, node));
}

static struct direct_slot *rx_first(const struct direct_rx *rx)
{
	struct list_node *n = list_first(&rx->inbox);

	return n ? container_of(n, struct direct_slot, node) : NULL;
}

static void rx_msg_free(struct direct_rx *rx, struct direct_rx_msg *m)
{
	if (m->buf)
		rx->user->buf_put(rx, m->buf);
	if (m->slot) {
		rx->held--;
		rx->user->recycle(rx, m->slot);
	}
	m->buf = NULL;
	m->slot = NULL;
	list_push(&rx->free_msgs, &m->node);
}

void direct_rx_release(struct direct_rx *rx, struct channel_msg *msg)
{
	assert(rx->unreleased > 0);
	rx->unreleased--;
	rx_msg_free(rx, container_of(msg, struct direct_rx_msg, msg));
}

void direct_rx_stop(struct direct_rx *rx)
{
	struct list_node *n;

	rx->stopped = true;
	if (rx->cur)
		rx_msg_free(rx, rx->cur);
	rx->cur = NULL;
	rx->state = DIRECT_RX_BEGIN;
	rx->peeked = 0;
	while ((n = list_pop(&rx->inbox)) != NULL)
		rx->user->recycle(rx, container_of(n, struct direct_slot, node));
}

/* The body is first in the buffer, page-aligned; the head comes after it. */
static size_t rx_head_at(const struct direct_rx *rx)
{
	return (rx->total - rx->head_len + RX_PAGE - 1) & ~(size_t)(RX_PAGE - 1);
}

size_t direct_rx_waits_for(const struct direct_rx *rx)
{
	return rx->state == DIRECT_RX_BUF ? rx_head_at(rx) + rx->head_len : 0;
}

bool direct_rx_pending(const struct direct_rx *rx)
{
	/* the last message is cut off if `expect` bytes of it never came */
	list_for_each (n, &rx->inbox) {
		if (container_of(n, struct direct_slot, node)->remaining == 0)
			return true;
	}
	return false;
}

/* ---- parsing: each step gives 1: go on, 0: more slots, room or a buffer is needed, -errno ---- */

static void rx_deliver(struct direct_rx *rx, struct direct_rx_msg *m)
{
	rx->cur = NULL;
	rx->state = DIRECT_RX_BEGIN;
	rx->peeked = 0;
	rx->unreleased++;
	rx->user->message(rx, &m->msg);
}

static struct direct_rx_msg *rx_msg_new(struct direct_rx *rx)
{
	struct list_node *n = list_pop(&rx->free_msgs);
	struct direct_rx_msg *m =
		n ? container_of(n, struct direct_rx_msg, node) : calloc(1, sizeof(*m));

	if (m)
		m->msg = (struct channel_msg){.head_len = rx->head_len};
	return m;
}

/* The message is its slot. */
static int rx_keep_slot(struct direct_rx *rx, struct direct_slot *slot)
{
	struct direct_rx_msg *m = rx_msg_new(rx);

	if (!m)
		return -ENOMEM;
	list_del(&slot->node);
	m->slot = slot;
	rx->held++;
	m->msg.head = slot->bytes;
	rx_deliver(rx, m);
	return 1;
}

/* Bytes of the message, in the order they came: head, then body. */
static void rx_put(struct direct_rx *rx, const uint8_t *p, size_t n)
{
	uint8_t *data = rx->cur->buf->data;
	size_t head = rx->filled < rx->head_len ? rx->head_len - rx->filled : 0;

	head = head < n ? head : n;
	memcpy(data + rx_head_at(rx) + rx->filled, p, head);
	rx->filled += head;
	if (n > head)
		memcpy(data + (rx->filled - rx->head_len), p + head, n - head);
	rx->filled += n - head;
}

static void rx_begin_fill(struct direct_rx *rx, struct buf *buf)
{
	rx->cur->buf = buf;
	rx->state = DIRECT_RX_FILL;
	rx->filled = 0;
	rx_put(rx, rx->peek, rx->peeked);
}

static int rx_want_buf(struct direct_rx *rx)
{
	struct buf *buf;

	rx->cur = rx_msg_new(rx);
	if (!rx->cur)
		return -ENOMEM;
	rx->state = DIRECT_RX_BUF;
	buf = rx->user->buf_get(rx, direct_rx_waits_for(rx));
	if (!buf)
		return 0;
	rx_begin_fill(rx, buf);
	return 1;
}

/* Enough of a message is there to ask what of it is head. */
static int rx_split(struct direct_rx *rx, const uint8_t *first, size_t have)
{
	struct direct_slot *slot = rx_first(rx);
	size_t n = rx->user->split(rx, first, have, rx->total);

	if (rx->stopped)
		return 0;
	if (n == CHANNEL_REFUSE)
		return -EMSGSIZE;
	rx->head_len = n < rx->total ? n : rx->total;
	if (!rx->peeked && slot->len == rx->total && rx->head_len == rx->total &&
	    rx->held < rx->held_max)
		return rx_keep_slot(rx, slot);
	return rx_want_buf(rx);
}

/* Fragments shorter than what split() wants to see are gathered, and their slots go round. */
static int rx_peek(struct direct_rx *rx, struct direct_slot *slot, size_t want)
{
	size_t n = want - rx->peeked < slot->len ? want - rx->peeked : slot->len;

	memcpy(rx->peek + rx->peeked, slot->bytes, n);
	rx->peeked += n;
	slot->bytes += n;
	slot->len -= (uint32_t)n;
	if (!slot->len) {
		list_del(&slot->node);
		rx->user->recycle(rx, slot);
	}
	return rx->peeked == want ? rx_split(rx, rx->peek, want) : 1;
}

static int rx_begin(struct direct_rx *rx)
{
	struct direct_slot *slot = rx_first(rx);
	size_t want;

	if (!slot || rx->unreleased >= rx->unreleased_max)
		return 0;
	if (!rx->peeked)
		rx->total = (size_t)slot->len + slot->remaining;
	want = rx->total < CHANNEL_PEEK ? rx->total : CHANNEL_PEEK;
	if (!rx->peeked && slot->len >= want)
		return rx_split(rx, slot->bytes, slot->len);
	return rx_peek(rx, slot, want);
}

static int rx_fill(struct direct_rx *rx)
{
	struct direct_slot *slot;

	if (rx->filled == rx->total) {
		struct direct_rx_msg *m = rx->cur;
		size_t body = rx->total - rx->head_len;

		m->msg.head = m->buf->data + rx_head_at(rx);
		if (body)
			m->msg.body = buf_slice(m->buf, 0, body);
		rx_deliver(rx, m);
		return 1;
	}
	slot = rx_first(rx);
	if (!slot)
		return 0;
	rx_put(rx, slot->bytes, slot->len);
	list_del(&slot->node);
	rx->user->recycle(rx, slot);
	return 1;
}

int direct_rx_resume(struct direct_rx *rx)
{
	int more = 1;

	while (more > 0 && !rx->stopped) {
		if (rx->state == DIRECT_RX_BEGIN)
			more = rx_begin(rx);
		else
			more = rx->state == DIRECT_RX_FILL ? rx_fill(rx) : 0;
	}
	return more < 0 && !rx->stopped ? more : 0;
}

int direct_rx_push(struct direct_rx *rx, struct direct_slot *slot)
{
	uint64_t sum = (uint64_t)slot->len + slot->remaining;

	assert(slot->len > 0);
	if (rx->expect && sum != rx->expect)
		return -EPROTO;
	rx->expect = slot->remaining;
	list_push(&rx->inbox, &slot->node);
	return direct_rx_resume(rx);
}

int direct_rx_give(struct direct_rx *rx, struct buf *buf)
{
	assert(rx->state == DIRECT_RX_BUF);
	rx_begin_fill(rx, buf);
	return direct_rx_resume(rx);
}
