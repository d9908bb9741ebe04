/* SPDX-License-Identifier: Apache-2.0 */
#include "tcp/frame.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/cursor.h"
#include "transport/buf/buf.h"

#define FRAME_HEADER  4
#define FRAME_PAGE    4096u
#define FRAME_LOOK    (FRAME_HEADER + CHANNEL_PEEK) /* what has to be contiguous to begin */
#define FRAME_SKIP    512                           /* most bytes of a session request */
#define FRAME_TAIL    2048       /* a chunk with less room than this is changed for a fresh one */
#define FRAME_SEGMENT (1u << 20) /* most bytes of a buffer asked for at once: fairness */

enum frame_type { FRAME_MESSAGE = 0, FRAME_SESSION_REQUEST = 0x81, FRAME_KEEPALIVE = 0x85 };

/* Bytes as received: [start, end) is not parsed yet. */
struct tcp_chunk {
	unsigned refs; /* messages whose head is here */
	size_t start, end;
	uint8_t data[TCP_CHUNK_BYTES];
};

struct tcp_rx_msg {
	struct channel_msg msg;
	struct list_node node;
	struct tcp_chunk *chunk; /* of the head; NULL: the head is in buf, after the body */
	struct buf *buf;
	size_t body_len;
	size_t buf_head_len; /* how much of the head is in buf: all or nothing */
};

void tcp_rx_init(struct tcp_rx *rx, const struct tcp_rx_user *user, size_t msg_bytes,
		 unsigned unreleased_max)
{
	*rx = (struct tcp_rx){
		.user = user, .msg_bytes = msg_bytes, .unreleased_max = unreleased_max};
	list_init(&rx->free_msgs);
}

void tcp_rx_fini(struct tcp_rx *rx)
{
	struct list_node *n;

	assert(rx->unreleased == 0);
	tcp_rx_stop(rx);
	while ((n = list_pop(&rx->free_msgs)) != NULL)
		free(container_of(n, struct tcp_rx_msg, node));
	free(rx->chunk);
	free(rx->spare);
	rx->chunk = rx->spare = NULL;
}

/* ---- chunks and descriptors ---- */

static void chunk_free(struct tcp_rx *rx, struct tcp_chunk *chunk)
{
	if (rx->spare)
		free(chunk);
	else
		rx->spare = chunk;
}

static struct tcp_chunk *chunk_new(struct tcp_rx *rx)
{
	struct tcp_chunk *chunk = rx->spare;

	if (chunk)
		rx->spare = NULL;
	else
		chunk = malloc(sizeof(*chunk));
	if (!chunk)
		return NULL;
	chunk->refs = 0;
	chunk->start = chunk->end = 0;
	return chunk;
}

static size_t chunk_avail(const struct tcp_rx *rx)
{
	return rx->chunk ? rx->chunk->end - rx->chunk->start : 0;
}

static void chunk_unref(struct tcp_rx *rx, struct tcp_chunk *chunk)
{
	if (chunk && --chunk->refs == 0 && chunk != rx->chunk)
		chunk_free(rx, chunk);
}

/* A chunk in which `need` bytes from the first unparsed one fit, with some room behind. */
static int chunk_prepare(struct tcp_rx *rx, size_t need)
{
	struct tcp_chunk *old = rx->chunk, *fresh;
	size_t left = chunk_avail(rx);

	if (old && !left && !old->refs)
		old->start = old->end = 0;
	if (old && TCP_CHUNK_BYTES - old->start >= need && TCP_CHUNK_BYTES - old->end >= FRAME_TAIL)
		return 0;
	if (old && !old->refs) {
		memmove(old->data, old->data + old->start, left);
		old->start = 0;
		old->end = left;
		return 0;
	}
	fresh = chunk_new(rx);
	if (!fresh)
		return -ENOMEM;
	if (left)
		memcpy(fresh->data, old->data + old->start, left);
	fresh->end = left;
	rx->chunk = fresh;
	return 0;
}

static struct tcp_rx_msg *rx_msg_new(struct tcp_rx *rx)
{
	struct list_node *n = list_pop(&rx->free_msgs);
	struct tcp_rx_msg *m = n ? container_of(n, struct tcp_rx_msg, node) : malloc(sizeof(*m));

	if (m) {
		memset(m, 0, sizeof(*m));
		list_init(&m->node);
	}
	return m;
}

static void rx_msg_free(struct tcp_rx *rx, struct tcp_rx_msg *m)
{
	if (m->buf)
		rx->user->buf_put(rx, m->buf);
	chunk_unref(rx, m->chunk);
	list_push(&rx->free_msgs, &m->node);
}

void tcp_rx_release(struct tcp_rx *rx, struct channel_msg *msg)
{
	assert(rx->unreleased > 0);
	rx->unreleased--;
	rx_msg_free(rx, container_of(msg, struct tcp_rx_msg, msg));
}

void tcp_rx_trim(struct tcp_rx *rx)
{
	free(rx->spare);
	rx->spare = NULL;
	if (rx->chunk && !rx->chunk->refs && !chunk_avail(rx)) {
		free(rx->chunk);
		rx->chunk = NULL;
	}
}

void tcp_rx_stop(struct tcp_rx *rx)
{
	rx->stopped = true;
	if (rx->cur)
		rx_msg_free(rx, rx->cur);
	rx->cur = NULL;
	rx->state = TCP_RX_FRAME;
}

/* ---- what it wants ---- */

static bool rx_full(const struct tcp_rx *rx)
{
	return rx->state == TCP_RX_FRAME && rx->unreleased >= rx->unreleased_max;
}

bool tcp_rx_wants(const struct tcp_rx *rx)
{
	return !rx->stopped && rx->state != TCP_RX_BUF && !rx_full(rx);
}

bool tcp_rx_partial(const struct tcp_rx *rx)
{
	return rx->state != TCP_RX_FRAME || chunk_avail(rx) > 0;
}

/* The body is first in the buffer, page-aligned; a head too long for a chunk comes after it. */
static size_t buf_head_at(const struct tcp_rx_msg *m)
{
	return (m->body_len + FRAME_PAGE - 1) & ~(size_t)(FRAME_PAGE - 1);
}

size_t tcp_rx_waits_for(const struct tcp_rx *rx)
{
	if (rx->state != TCP_RX_BUF)
		return 0;
	return rx->cur->buf_head_len ? buf_head_at(rx->cur) + rx->cur->buf_head_len
				     : rx->cur->body_len;
}

/* Where the buffer's bytes from `filled` on go, in the order of the stream: head, then body. */
static int fill_room(const struct tcp_rx *rx, struct iovec *iov)
{
	const struct tcp_rx_msg *m = rx->cur;
	size_t at = rx->filled, head_left;
	int n = 0;

	head_left = at < m->buf_head_len ? m->buf_head_len - at : 0;
	if (head_left) {
		iov[n++] = (struct iovec){m->buf->data + buf_head_at(m) + at, head_left};
		at = m->buf_head_len;
	}
	at -= m->buf_head_len;
	if (at < m->body_len)
		iov[n++] = (struct iovec){m->buf->data + at, m->body_len - at};
	return n;
}

int tcp_rx_room(struct tcp_rx *rx, struct iovec iov[TCP_RX_IOV])
{
	size_t need = rx->state == TCP_RX_HEAD ? rx->head_len : FRAME_LOOK;
	int n = 0, err;

	assert(tcp_rx_wants(rx));
	if (rx->state == TCP_RX_FILL) {
		size_t left;

		n = fill_room(rx, iov);
		left = iov[0].iov_len + (n > 1 ? iov[1].iov_len : 0);
		if (left > FRAME_SEGMENT) {
			if (iov[0].iov_len > FRAME_SEGMENT)
				iov[0].iov_len = FRAME_SEGMENT;
			return 1;
		}
	}
	err = chunk_prepare(rx, need);
	if (err)
		return err;
	iov[n++] =
		(struct iovec){rx->chunk->data + rx->chunk->end, TCP_CHUNK_BYTES - rx->chunk->end};
	return n;
}

/* ---- parsing: each step gives 1: go on, 0: more bytes or a buffer are needed, -errno ---- */

static int rx_deliver(struct tcp_rx *rx)
{
	struct tcp_rx_msg *m = rx->cur;

	rx->cur = NULL;
	rx->state = TCP_RX_FRAME;
	rx->frames++;
	rx->unreleased++;
	if (m->buf && m->buf_head_len)
		m->msg.head = m->buf->data + buf_head_at(m);
	m->msg.head_len = rx->head_len;
	if (m->body_len)
		m->msg.body = buf_slice(m->buf, 0, m->body_len);
	rx->user->message(rx, &m->msg);
	return 1;
}

/* What of the message is in the chunk already goes into its buffer. */
static int rx_begin_fill(struct tcp_rx *rx)
{
	struct tcp_rx_msg *m = rx->cur;
	struct iovec iov[TCP_RX_IOV];
	int count;

	rx->state = TCP_RX_FILL;
	rx->filled = 0;
	count = fill_room(rx, iov);
	for (int i = 0; i < count && chunk_avail(rx); i++) {
		size_t n = chunk_avail(rx) < iov[i].iov_len ? chunk_avail(rx) : iov[i].iov_len;

		memcpy(iov[i].iov_base, rx->chunk->data + rx->chunk->start, n);
		rx->chunk->start += n;
		rx->filled += n;
	}
	return rx->filled == m->buf_head_len + m->body_len ? rx_deliver(rx) : 0;
}

static int rx_want_buf(struct tcp_rx *rx)
{
	rx->state = TCP_RX_BUF;
	rx->cur->buf = rx->user->buf_get(rx, tcp_rx_waits_for(rx));
	return rx->cur->buf ? rx_begin_fill(rx) : 0;
}

static int rx_head(struct tcp_rx *rx)
{
	struct tcp_chunk *chunk = rx->chunk;

	if (chunk_avail(rx) < rx->head_len)
		return 0;
	rx->cur->chunk = chunk;
	chunk->refs++;
	rx->cur->msg.head = chunk->data + chunk->start;
	chunk->start += rx->head_len;
	return rx->cur->body_len ? rx_want_buf(rx) : rx_deliver(rx);
}

/* Enough of a message is there to ask what of it is head. */
static int rx_begin(struct tcp_rx *rx, size_t total)
{
	const uint8_t *first;
	size_t have, head_len;

	rx->spoken = true;
	rx->chunk->start += FRAME_HEADER;
	first = rx->chunk->data + rx->chunk->start;
	have = chunk_avail(rx) < total ? chunk_avail(rx) : total;
	rx->total = total;
	head_len = rx->user->split(rx, first, have, total);
	if (rx->stopped)
		return 0;
	if (head_len == CHANNEL_REFUSE)
		return -EMSGSIZE;
	rx->head_len = head_len < total ? head_len : total;
	rx->cur = rx_msg_new(rx);
	if (!rx->cur)
		return -ENOMEM;
	rx->cur->body_len = total - rx->head_len;
	if (rx->head_len <= TCP_HEAD_BYTES) {
		rx->state = TCP_RX_HEAD;
		return 1;
	}
	rx->cur->buf_head_len = rx->head_len;
	return rx_want_buf(rx);
}

static int rx_message_frame(struct tcp_rx *rx, size_t len)
{
	size_t look = len < CHANNEL_PEEK ? len : CHANNEL_PEEK;

	if (len == 0)
		return -EPROTO;
	if (len > rx->msg_bytes)
		return -EMSGSIZE;
	return chunk_avail(rx) < FRAME_HEADER + look ? 0 : rx_begin(rx, len);
}

static int rx_frame(struct tcp_rx *rx)
{
	struct rd r;
	uint32_t word;
	size_t len;

	if (rx_full(rx) || chunk_avail(rx) < FRAME_HEADER)
		return 0;
	r = rd_init(rx->chunk->data + rx->chunk->start, FRAME_HEADER);
	word = rd_be32(&r);
	len = word & 0xffffff;
	switch (word >> 24) {
	case FRAME_MESSAGE:
		return rx_message_frame(rx, len);
	case FRAME_SESSION_REQUEST:
		if (rx->spoken || len > FRAME_SKIP)
			return -EPROTO;
		break;
	case FRAME_KEEPALIVE:
		if (len)
			return -EPROTO;
		break;
	default:
		return -EPROTO;
	}
	rx->chunk->start += FRAME_HEADER;
	rx->skip = len;
	rx->total = word >> 24;
	rx->state = TCP_RX_SKIP;
	return 1;
}

static int rx_skip(struct tcp_rx *rx)
{
	size_t n = chunk_avail(rx) < rx->skip ? chunk_avail(rx) : rx->skip;

	rx->chunk->start += n;
	rx->skip -= n;
	if (rx->skip)
		return 0;
	rx->state = TCP_RX_FRAME;
	rx->frames++;
	if (rx->total == FRAME_SESSION_REQUEST)
		rx->user->session_request(rx);
	return 1;
}

static int rx_step(struct tcp_rx *rx)
{
	switch (rx->state) {
	case TCP_RX_FRAME:
		return rx_frame(rx);
	case TCP_RX_HEAD:
		return rx_head(rx);
	case TCP_RX_SKIP:
		return rx_skip(rx);
	default:
		return 0;
	}
}

int tcp_rx_resume(struct tcp_rx *rx)
{
	int more = 1;

	while (more > 0 && !rx->stopped)
		more = rx_step(rx);
	return more < 0 && !rx->stopped ? more : 0;
}

int tcp_rx_give(struct tcp_rx *rx, struct buf *buf)
{
	assert(rx->state == TCP_RX_BUF);
	rx->cur->buf = buf;
	return rx_begin_fill(rx) ? tcp_rx_resume(rx) : 0;
}

int tcp_rx_take(struct tcp_rx *rx, size_t n)
{
	if (rx->state == TCP_RX_FILL) {
		size_t left = rx->cur->buf_head_len + rx->cur->body_len - rx->filled;
		size_t part = n < left ? n : left;

		rx->filled += part;
		n -= part;
		if (part == left) {
			if (n) /* what came after the message */
				rx->chunk->end += n;
			rx_deliver(rx);
			return tcp_rx_resume(rx);
		}
		return 0;
	}
	rx->chunk->end += n;
	return tcp_rx_resume(rx);
}
