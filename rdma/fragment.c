/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes out: [MS-SMBD] 3.1.5.1, 3.1.5.4. One message after the other, its fragments contiguous:
 * an empty message in their middle is never sent, as some receivers take it for the message's end;
 * what it would say goes with the next fragment. Payload in pool memory is gathered from where it
 * is; what is short, or elsewhere, or beyond the device's entries, is copied behind the header.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "rdma/private.h"

#define GATHER_LEAST 256 /* bytes: fewer are copied sooner than described */

static size_t slices_len(const struct slice *s, unsigned count)
{
	size_t n = 0;

	for (unsigned i = 0; i < count; i++)
		n += s[i].len;
	return n;
}

static struct channel_send *send_first(const struct list_node *list)
{
	struct list_node *n = list_first(list);

	return n ? container_of(n, struct channel_send, node) : NULL;
}

bool direct_send_idle(const struct direct_channel *c)
{
	const struct channel_send *send = send_first(&c->sends);

	/* what came after close() is not sent */
	return list_empty(&c->sent) && (!send || send->result);
}

void direct_send(struct channel *ch, struct channel_send *send)
{
	struct direct_channel *c = container_of(ch, struct direct_channel, ch);
	size_t len = slices_len(send->msg, send->msg_count);

	assert(c->state != DIRECT_CLOSED);
	assert(len > 0 && len <= ch->limits.msg_bytes && send->file.len == 0);
	assert(send->msg_count <= ch->limits.slices && send->push_count <= ch->limits.slices);
	assert(send->push_to_count <= ch->limits.remote_slices);
	assert(slices_len(send->push, send->push_count) <= ch->limits.remote_bytes);
	send->sent = 0;
	send->transport = NULL;
	/* after close() an op is cancelled, even one that an orderly close could still send */
	send->result = c->state == DIRECT_OPEN       ? 0
		       : c->state == DIRECT_DRAINING ? -ECONNRESET
						     : -ECANCELED;
	if (c->state == DIRECT_ENDED)
		send->result = c->op_err;
	list_push(&c->sends, &send->node);
	reactor_defer(ch->reactor, &c->turn);
}

/* ---- a fragment ---- */

/* One that is being put together: the first entry begins with its header. */
struct fragment {
	struct ibv_send_wr *wr;
	struct direct_out *out;
	size_t copied; /* bytes of the out in use */
	size_t len;    /* payload */
	bool copying;  /* the last entry is of the out */
};

static bool fragment_full(const struct direct_channel *c, const struct fragment *f)
{
	return (unsigned)f->wr->num_sge == c->sge_max;
}

/* How many of the n bytes were copied. */
static size_t fragment_copy(struct direct_channel *c, struct fragment *f, const uint8_t *from,
			    size_t n)
{
	uint8_t *to = f->out->data + f->copied;

	n = n < DIRECT_OUT_BYTES - f->copied ? n : DIRECT_OUT_BYTES - f->copied;
	if (n == 0 || (!f->copying && fragment_full(c, f)))
		return 0;
	if (!f->copying)
		f->wr->sg_list[f->wr->num_sge++] =
			(struct ibv_sge){.addr = (uintptr_t)to, .lkey = f->out->lkey};
	memcpy(to, from, n);
	f->wr->sg_list[f->wr->num_sge - 1].length += (uint32_t)n;
	f->copied += n;
	f->copying = true;
	return n;
}

/* Likewise, of n bytes that can stay where they are. */
static size_t fragment_gather(struct direct_channel *c, struct fragment *f, const struct slice *s,
			      const uint8_t *from, size_t n)
{
	if (!s->region || n < GATHER_LEAST || fragment_full(c, f))
		return 0;
	f->wr->sg_list[f->wr->num_sge++] =
		(struct ibv_sge){.addr = (uintptr_t)from,
				 .length = (uint32_t)n,
				 .lkey = direct_device_lkey(c->device, s->region)};
	f->copying = false;
	return n;
}

/* As much of the message as goes into it. */
static void fragment_fill(struct direct_channel *c, struct fragment *f,
			  const struct channel_send *send)
{
	size_t room = c->send_bytes - DIRECT_DATA_OFFSET;

	room = room < c->msg_left ? room : c->msg_left;
	while (f->len < room) {
		const struct slice *s = &send->msg[c->msg_index];
		size_t part =
			s->len - c->msg_at < room - f->len ? s->len - c->msg_at : room - f->len;
		const uint8_t *from = (const uint8_t *)s->data + c->msg_at;
		size_t n = 0;

		if (part) {
			n = fragment_gather(c, f, s, from, part);
			n = n ? n : fragment_copy(c, f, from, part);
			if (n == 0)
				break;
		}
		f->len += n;
		c->msg_at += n;
		if (c->msg_at == s->len) {
			c->msg_index++;
			c->msg_at = 0;
		}
	}
}

/* Its credits and its header. */
static void fragment_head(struct direct_channel *c, const struct fragment *f)
{
	struct direct_data header = {.len = (uint32_t)f->len};
	struct wr w = wr_init(f->out->data, DIRECT_DATA_OFFSET);

	direct_credits_spend(c, &header);
	c->stalled_since = 0;
	header.remaining = f->len ? (uint32_t)(c->msg_left - f->len) : 0;
	direct_data_encode(&w, &header);
}

/* The message's last fragment takes the peer's token with it. */
static void fragment_invalidate(struct direct_channel *c, struct ibv_send_wr *wr,
				const struct channel_send *send)
{
	if (!send->invalidate || !c->ch.limits.remote_invalidate)
		return;
	wr->opcode = IBV_WR_SEND_WITH_INV;
	wr->invalidate_rkey = send->invalidate_token;
	c->ch.counters.invalidations++;
}

/* A data transfer with the next bytes of the message, or none. False: the channel ended. */
static bool send_transfer(struct direct_channel *c, struct direct_out *out,
			  struct channel_send *send)
{
	struct fragment f = {.out = out, .copied = DIRECT_DATA_OFFSET, .copying = true};
	bool last;

	f.wr = direct_post_begin(c);
	if (!f.wr)
		return false;
	f.wr->opcode = IBV_WR_SEND;
	f.wr->num_sge = 1;
	f.wr->sg_list[0] = (struct ibv_sge){
		.addr = (uintptr_t)out->data, .length = DIRECT_DATA_OFFSET, .lkey = out->lkey};
	if (send)
		fragment_fill(c, &f, send);
	else
		f.wr->sg_list[0].length = DIRECT_EMPTY_BYTES;
	fragment_head(c, &f);
	last = send && c->msg_left == f.len;
	if (last)
		fragment_invalidate(c, f.wr, send);
	if (send) {
		send->sent += f.len;
		c->msg_left -= f.len;
	}
	out->last = last ? send : NULL;
	direct_post_end(c, DIRECT_SEND, out, last);
	return true;
}

/* An out, if a credit is there to spend on it. */
static struct direct_out *send_may(struct direct_channel *c)
{
	if (direct_credits_may_send(c))
		return direct_memory_out(c);
	if (!c->stalled_since)
		c->stalled_since = reactor_now_ns(c->ch.reactor);
	return NULL;
}

/* ---- a message ---- */

static void send_bounce_ready(struct buf_wait *wait, struct buf *buf)
{
	struct direct_channel *c = container_of(wait, struct direct_channel, send_wait);
	struct channel_send *send = send_first(&c->sends);

	c->send_waits = false;
	send->transport = buf;
	direct_channel_turn(c);
}

/* A push from memory that is not the pool's goes by a copy. False: the pool is dry. */
static bool send_bounce(struct direct_channel *c, struct channel_send *send, size_t bytes)
{
	struct buf *buf = send->transport;
	size_t at = 0;

	if (!buf) {
		buf = buf_get(c->pool, bytes);
		send->transport = buf;
	}
	if (!buf) {
		c->send_wait = (struct buf_wait){.ready = send_bounce_ready, .size = bytes};
		c->send_waits = true;
		buf_wait(c->pool, &c->send_wait);
		return false;
	}
	for (unsigned i = 0; i < send->push_count; i++) {
		if (send->push[i].len)
			memcpy(buf->data + at, send->push[i].data, send->push[i].len);
		at += send->push[i].len;
	}
	c->push.bounce = buf_slice(buf, 0, bytes);
	c->push.local = &c->push.bounce;
	c->push.local_count = 1;
	return true;
}

static bool send_begin(struct direct_channel *c, struct channel_send *send)
{
	size_t bounce;

	direct_walk_begin(&c->push, send->push, send->push_count, send->push_to,
			  send->push_to_count, slices_len(send->push, send->push_count), &bounce);
	if (bounce && !send_bounce(c, send, bounce))
		return false;
	c->msg_index = 0;
	c->msg_at = 0;
	c->msg_left = slices_len(send->msg, send->msg_count);
	c->begun = true;
	return true;
}

/* True: all of it is with the device. */
static bool send_message(struct direct_channel *c, struct channel_send *send)
{
	if (!c->begun && !send_begin(c, send))
		return false;
	if (!direct_push_pump(c))
		return false;
	while (c->msg_left) {
		struct direct_out *out = send_may(c);

		if (!out || !send_transfer(c, out, send))
			return false;
	}
	c->begun = false;
	list_del(&send->node);
	list_push(&c->sent, &send->node);
	c->pushed += slices_len(send->push, send->push_count);
	return true;
}

/* Between messages, when there is something to say that no message says. */
static void send_empty(struct direct_channel *c)
{
	bool wanted = c->owes_answer || c->ask || direct_credits_refill(c);
	bool middle = c->begun && send_first(&c->sends)->sent > 0;
	struct direct_out *out;

	if (!wanted || middle || !direct_credits_may_send(c))
		return;
	out = direct_memory_out(c);
	if (out)
		send_transfer(c, out, NULL);
}

void direct_send_pump(struct direct_channel *c)
{
	struct channel_send *send;

	while (c->state == DIRECT_OPEN || c->state == DIRECT_CLOSING) {
		send = send_first(&c->sends);
		if (!send || send->result || c->send_waits || !send_message(c, send))
			break;
	}
	if (c->state == DIRECT_OPEN || c->state == DIRECT_CLOSING)
		send_empty(c);
}

/* ---- the end of a send ---- */

static void send_complete(struct direct_channel *c, struct channel_send *send, int err)
{
	if (send->transport)
		buf_put(c->pool, send->transport);
	send->transport = NULL;
	list_del(&send->node);
	send->done(send, err);
}

/* The device is through with it: the peer's has it. */
void direct_send_done(struct direct_channel *c, struct direct_out *out)
{
	struct channel_send *send = out->last;
	size_t pushed;

	out->last = NULL;
	list_push_front(&c->idle_outs, &out->node);
	if (!send)
		return;
	assert(send == send_first(&c->sent));
	c->ch.counters.msgs_out++;
	c->ch.counters.bytes_out += send->sent;
	pushed = slices_len(send->push, send->push_count);
	c->ch.counters.bytes_pushed += pushed;
	c->pushed -= pushed;
	send_complete(c, send, 0);
}

/* Everything that is left, and what done() submits meanwhile. */
void direct_send_fail(struct direct_channel *c)
{
	struct channel_send *send;

	if (c->send_waits)
		buf_wait_cancel(&c->send_wait);
	c->send_waits = c->begun = false;
	while ((send = send_first(&c->sent)) != NULL || (send = send_first(&c->sends)) != NULL)
		send_complete(c, send, send->result ? send->result : c->op_err);
}
