/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake/mem_channel.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transport/base/clock.h"
#include "transport/buf/buf.h"
#include "transport/reactor/reactor.h"

#define MEM_TOKENS 64
#define MEM_BASE   0x10000001ull /* where a registration's offsets begin */

struct mem_registration {
	uint8_t *base;
	uint32_t len;
	uint32_t token; /* 0: free */
	unsigned access;
};

enum mem_state {
	MEM_NEW,     /* not yet accepted */
	MEM_OPEN,    /* both ways */
	MEM_CLOSING, /* orderly: what was sent goes out, what comes is dropped */
	MEM_ENDED,   /* ops complete at the end of the turn, then closed() */
	MEM_CLOSED
};

struct mem_channel {
	struct channel ch;
	struct mem_wire *wire;
	struct mem_channel *peer;
	struct buf_pool *pool;
	struct channel_acceptor *acceptor;
	enum mem_state state;
	int op_err, why;
	bool peer_ended;

	struct list_node unsent;  /* struct channel_send */
	struct list_node unacked; /* struct channel_send */
	struct list_node pulls;   /* struct channel_pull */
	struct list_node inbox;   /* struct mem_packet */
	unsigned unreleased;

	struct buf_wait body_wait;
	bool body_waits;
	size_t body_head_len; /* the split of the message that waits for its body buffer */
	struct reactor_defer turn;
	struct reactor_timer close_timer;

	struct mem_registration memory[MEM_TOKENS]; /* under the wire's lock */
};

/* Both ends, so that a packet under way always finds its target. */
struct mem_wire {
	pthread_mutex_t lock;
	atomic_int refs; /* ends that live, and packets */
	uint32_t next_token;
	struct mem_config config;
	struct mem_channel end[2];
};

enum mem_packet_kind { MEM_ACCEPT, MEM_MESSAGE, MEM_ACK, MEM_END, MEM_RESET };

struct mem_packet {
	struct reactor_post post;
	struct list_node node;
	struct mem_channel *to;
	enum mem_packet_kind kind;
	size_t len;
	uint8_t bytes[];
};

struct mem_msg {
	struct channel_msg msg;
	struct buf *body;
	uint8_t head[];
};

static void mem_end(struct mem_channel *m, int why, int op_err, enum mem_packet_kind tell);
static void mem_deliver(struct mem_channel *m);

static struct mem_channel *mem_of(struct channel *ch)
{
	return container_of(ch, struct mem_channel, ch);
}

static void mem_wire_unref(struct mem_wire *wire)
{
	if (atomic_fetch_sub(&wire->refs, 1) != 1)
		return;
	pthread_mutex_destroy(&wire->lock);
	free(wire);
}

/* ---- packets ---- */

static void mem_packet_free(struct mem_packet *p)
{
	struct mem_wire *wire = p->to->wire;

	free(p);
	mem_wire_unref(wire);
}

static void mem_packet_run(struct reactor_post *post);

static struct mem_packet *mem_packet_new(struct mem_channel *to, enum mem_packet_kind kind,
					 size_t len)
{
	struct mem_packet *p = malloc(sizeof(*p) + len);

	if (!p)
		abort();
	p->post.run = mem_packet_run;
	list_init(&p->node);
	p->to = to;
	p->kind = kind;
	p->len = len;
	atomic_fetch_add(&to->wire->refs, 1);
	return p;
}

static void mem_post(struct mem_channel *to, enum mem_packet_kind kind)
{
	struct mem_packet *p = mem_packet_new(to, kind, 0);

	reactor_post(to->ch.reactor, &p->post);
}

/* ---- remote memory ---- */

static struct mem_registration *mem_find(struct mem_channel *m, uint32_t token)
{
	for (unsigned i = 0; token && i < MEM_TOKENS; i++) {
		if (m->memory[i].token == token)
			return &m->memory[i];
	}
	return NULL;
}

/* The bytes that the descriptor names in m's memory, or NULL. Under the lock. */
static uint8_t *mem_resolve(struct mem_channel *m, const struct remote_slice *at, unsigned access)
{
	struct mem_registration *reg = mem_find(m, at->token);
	uint64_t off = at->offset - MEM_BASE;

	if (!reg || (reg->access & access) != access || at->offset < MEM_BASE)
		return NULL;
	return off > reg->len || at->length > reg->len - off ? NULL : reg->base + off;
}

/* Copies between the peer's memory and local slices, each filled in order. */
static bool mem_copy_remote(struct mem_channel *m, const struct remote_slice *remote,
			    unsigned remote_count, const struct slice *local, unsigned local_count,
			    bool push, uint64_t *bytes)
{
	unsigned l = 0;
	size_t at = 0;

	for (unsigned i = 0; i < remote_count; i++) {
		uint8_t *p =
			mem_resolve(m->peer, &remote[i], push ? MEM_REMOTE_WRITE : MEM_REMOTE_READ);
		size_t left = remote[i].length;

		if (!p)
			return false;
		while (left && l < local_count) {
			size_t n = local[l].len - at < left ? local[l].len - at : left;

			if (push && n)
				memcpy(p, (uint8_t *)local[l].data + at, n);
			else if (n)
				memcpy((uint8_t *)local[l].data + at, p, n);
			p += n;
			at += n;
			left -= n;
			*bytes += n;
			if (at == local[l].len) {
				l++;
				at = 0;
			}
		}
	}
	return true;
}

struct remote_slice mem_register(struct channel *ch, void *base, uint32_t len, unsigned access)
{
	struct mem_channel *m = mem_of(ch);
	struct mem_registration *reg = NULL;
	struct remote_slice at;

	pthread_mutex_lock(&m->wire->lock);
	for (unsigned i = 0; i < MEM_TOKENS && !reg; i++)
		reg = m->memory[i].token ? NULL : &m->memory[i];
	assert(reg);
	*reg = (struct mem_registration){base, len, ++m->wire->next_token, access};
	at = (struct remote_slice){.offset = MEM_BASE, .token = reg->token, .length = len};
	pthread_mutex_unlock(&m->wire->lock);
	return at;
}

void mem_deregister(struct channel *ch, uint32_t token)
{
	struct mem_channel *m = mem_of(ch);
	struct mem_registration *reg;

	pthread_mutex_lock(&m->wire->lock);
	reg = mem_find(m, token);
	if (reg)
		reg->token = 0;
	pthread_mutex_unlock(&m->wire->lock);
}

bool mem_registered(struct channel *ch, uint32_t token)
{
	struct mem_channel *m = mem_of(ch);
	bool found;

	pthread_mutex_lock(&m->wire->lock);
	found = mem_find(m, token) != NULL;
	pthread_mutex_unlock(&m->wire->lock);
	return found;
}

/* ---- sending ---- */

static size_t slices_len(const struct slice *s, unsigned count)
{
	size_t n = 0;

	for (unsigned i = 0; i < count; i++)
		n += s[i].len;
	return n;
}

static size_t remote_len(const struct remote_slice *s, unsigned count)
{
	size_t n = 0;

	for (unsigned i = 0; i < count; i++)
		n += s[i].length;
	return n;
}

static bool mem_push(struct mem_channel *m, struct channel_send *send)
{
	bool ok = true;

	if (!send->push_count && !send->invalidate)
		return true;
	pthread_mutex_lock(&m->wire->lock);
	if (send->push_count)
		ok = mem_copy_remote(m, send->push_to, send->push_to_count, send->push,
				     send->push_count, true, &m->ch.counters.bytes_pushed);
	if (ok && send->invalidate && m->ch.limits.remote_invalidate) {
		struct mem_registration *reg = mem_find(m->peer, send->invalidate_token);

		ok = reg != NULL;
		if (reg)
			reg->token = 0;
		m->ch.counters.invalidations += ok;
	}
	pthread_mutex_unlock(&m->wire->lock);
	return ok;
}

static bool mem_copy_file(const struct file_slice *file, uint8_t *to)
{
	size_t done = 0;
	ssize_t n = 1;

	while (done < file->len && n > 0) {
		n = pread(file->fd, to + done, file->len - done, file->offset + (off_t)done);
		done += n > 0 ? (size_t)n : 0;
	}
	memset(to + done, 0, file->len - done);
	return n >= 0;
}

static void mem_transmit(struct mem_channel *m, struct channel_send *send)
{
	size_t len = slices_len(send->msg, send->msg_count);
	struct mem_packet *p = mem_packet_new(m->peer, MEM_MESSAGE, len + send->file.len);
	size_t at = 0;

	for (unsigned i = 0; i < send->msg_count; i++) {
		if (send->msg[i].len)
			memcpy(p->bytes + at, send->msg[i].data, send->msg[i].len);
		at += send->msg[i].len;
	}
	if (send->file.len && !mem_copy_file(&send->file, p->bytes + at)) {
		mem_packet_free(p);
		mem_end(m, -EIO, -ECONNRESET, MEM_RESET);
		return;
	}
	m->ch.counters.msgs_out++;
	m->ch.counters.bytes_out += p->len;
	reactor_post(m->peer->ch.reactor, &p->post);
}

static void mem_send(struct channel *ch, struct channel_send *send)
{
	struct mem_channel *m = mem_of(ch);
	size_t len = slices_len(send->msg, send->msg_count) + send->file.len;

	assert(reactor_current() == ch->reactor);
	assert(m->state != MEM_NEW && m->state != MEM_CLOSED);
	assert(len > 0 && len <= ch->limits.msg_bytes);
	assert(send->msg_count <= ch->limits.slices && send->push_count <= ch->limits.slices);
	assert(send->push_to_count <= ch->limits.remote_slices);
	assert(slices_len(send->push, send->push_count) <=
	       remote_len(send->push_to, send->push_to_count));
	assert(slices_len(send->push, send->push_count) <= ch->limits.remote_bytes);
	assert(!send->file.len || ch->limits.file_slices);
	list_push(&m->unsent, &send->node);
	send->result = m->state == MEM_OPEN ? 0 : -ECANCELED;
	reactor_defer(ch->reactor, &m->turn);
}

static void mem_send_all(struct mem_channel *m)
{
	struct list_node *n;

	while ((n = list_first(&m->unsent)) != NULL) {
		struct channel_send *send = container_of(n, struct channel_send, node);

		if (send->result) /* came after close(), as did all that follow */
			break;
		list_del(n);
		list_push(&m->unacked, n);
		if (!mem_push(m, send)) {
			mem_end(m, -ECONNRESET, -ECONNRESET, MEM_RESET);
			break;
		}
		mem_transmit(m, send);
		if (m->state == MEM_ENDED)
			break;
	}
}

static void mem_acked(struct mem_channel *m)
{
	struct list_node *n = list_pop(&m->unacked);
	struct channel_send *send = n ? container_of(n, struct channel_send, node) : NULL;

	if (send)
		send->done(send, 0);
	if (m->state == MEM_CLOSING)
		reactor_defer(m->ch.reactor, &m->turn);
}

/* ---- pulling ---- */

static void mem_pull(struct channel *ch, struct channel_pull *pull)
{
	struct mem_channel *m = mem_of(ch);

	assert(reactor_current() == ch->reactor);
	assert(m->state != MEM_NEW && m->state != MEM_CLOSED);
	assert(pull->from_count <= ch->limits.remote_slices && pull->to_count <= ch->limits.slices);
	assert(remote_len(pull->from, pull->from_count) <= ch->limits.remote_bytes);
	assert(slices_len(pull->to, pull->to_count) >= remote_len(pull->from, pull->from_count));
	if (m->wire->config.pulls_reversed)
		list_push_front(&m->pulls, &pull->node);
	else
		list_push(&m->pulls, &pull->node);
	reactor_defer(ch->reactor, &m->turn);
}

static void mem_pull_all(struct mem_channel *m)
{
	struct list_node ready = LIST_INIT(ready), *n;

	list_splice(&ready, &m->pulls);
	while (m->state == MEM_OPEN && (n = list_pop(&ready)) != NULL) {
		struct channel_pull *pull = container_of(n, struct channel_pull, node);
		bool ok;

		pthread_mutex_lock(&m->wire->lock);
		ok = mem_copy_remote(m, pull->from, pull->from_count, pull->to, pull->to_count,
				     false, &m->ch.counters.bytes_pulled);
		pthread_mutex_unlock(&m->wire->lock);
		if (ok) {
			pull->done(pull, 0);
			continue;
		}
		list_push(&m->pulls, n);
		mem_end(m, -ECONNRESET, -ECONNRESET, MEM_RESET);
	}
	list_splice(&m->pulls, &ready);
}

/* ---- receiving ---- */

static void mem_body_ready(struct buf_wait *wait, struct buf *buf);

/* The first message of the inbox, with its body's buffer if it has one. */
static void mem_deliver_one(struct mem_channel *m, size_t head_len, struct buf *body)
{
	struct mem_packet *p = container_of(list_pop(&m->inbox), struct mem_packet, node);
	struct mem_msg *msg = malloc(sizeof(*msg) + head_len);

	if (!msg)
		abort();
	memcpy(msg->head, p->bytes, head_len);
	msg->msg = (struct channel_msg){.head = msg->head, .head_len = head_len};
	msg->body = body;
	if (body) {
		memcpy(body->data, p->bytes + head_len, p->len - head_len);
		msg->msg.body = buf_slice(body, 0, p->len - head_len);
	}
	m->unreleased++;
	m->ch.counters.msgs_in++;
	m->ch.counters.bytes_in += p->len;
	mem_packet_free(p);
	mem_post(m->peer, MEM_ACK);
	m->ch.user_ops->message(&m->ch, &msg->msg);
}

static size_t mem_split(struct mem_channel *m, const struct mem_packet *p)
{
	size_t have = p->len < CHANNEL_PEEK ? p->len : CHANNEL_PEEK;
	size_t n = m->ch.user_ops->split(&m->ch, p->bytes, have, p->len);

	return n == CHANNEL_REFUSE || n < p->len ? n : p->len;
}

/* False: nothing more can be delivered now. */
static bool mem_deliver_next(struct mem_channel *m)
{
	struct list_node *n = list_first(&m->inbox);
	struct mem_packet *p = n ? container_of(n, struct mem_packet, node) : NULL;
	struct buf *body = NULL;
	size_t head_len;

	if (m->state != MEM_OPEN || m->body_waits || m->unreleased >= m->ch.limits.unreleased)
		return false;
	if (!p) {
		if (m->peer_ended)
			mem_end(m, -ECONNRESET, -ECONNRESET, MEM_RESET);
		return false;
	}
	head_len = mem_split(m, p);
	if (head_len == CHANNEL_REFUSE) {
		mem_end(m, -EMSGSIZE, -ECONNRESET, MEM_RESET);
		return false;
	}
	if (m->state != MEM_OPEN)
		return false;
	if (head_len < p->len && !(body = buf_get(m->pool, p->len - head_len))) {
		m->body_waits = true;
		m->body_head_len = head_len;
		m->body_wait.ready = mem_body_ready;
		m->body_wait.size = p->len - head_len;
		buf_wait(m->pool, &m->body_wait);
		return false;
	}
	mem_deliver_one(m, head_len, body);
	return true;
}

static void mem_deliver(struct mem_channel *m)
{
	while (mem_deliver_next(m))
		;
}

static void mem_body_ready(struct buf_wait *wait, struct buf *buf)
{
	struct mem_channel *m = container_of(wait, struct mem_channel, body_wait);

	m->body_waits = false;
	mem_deliver_one(m, m->body_head_len, buf);
	mem_deliver(m);
}

static void mem_unref_if_over(struct mem_channel *m)
{
	if (m->state == MEM_CLOSED && !m->unreleased)
		mem_wire_unref(m->wire);
}

static void mem_release(struct channel *ch, struct channel_msg *cm)
{
	struct mem_channel *m = mem_of(ch);
	struct mem_msg *msg = container_of(cm, struct mem_msg, msg);

	assert(reactor_current() == ch->reactor);
	assert(m->unreleased > 0);
	if (msg->body)
		buf_put(m->pool, msg->body);
	free(msg);
	m->unreleased--;
	if (m->state == MEM_OPEN)
		reactor_defer(ch->reactor, &m->turn);
	mem_unref_if_over(m);
}

static void mem_drop_inbox(struct mem_channel *m, bool ack)
{
	struct list_node *n;

	if (m->body_waits)
		buf_wait_cancel(&m->body_wait);
	m->body_waits = false;
	while ((n = list_pop(&m->inbox)) != NULL) {
		if (ack)
			mem_post(m->peer, MEM_ACK);
		mem_packet_free(container_of(n, struct mem_packet, node));
	}
}

/* ---- the end ---- */

static void mem_end(struct mem_channel *m, int why, int op_err, enum mem_packet_kind tell)
{
	if (m->state >= MEM_ENDED)
		return;
	if (m->state != MEM_CLOSING) /* else the first reason stands */
		m->why = why;
	m->op_err = m->state == MEM_CLOSING ? -ECANCELED : op_err;
	m->state = MEM_ENDED;
	mem_drop_inbox(m, false);
	mem_post(m->peer, tell);
	reactor_defer(m->ch.reactor, &m->turn);
}

static void mem_complete_all(struct mem_channel *m)
{
	struct list_node *n;

	list_splice(&m->unacked, &m->unsent);
	while ((n = list_pop(&m->unacked)) != NULL) {
		struct channel_send *send = container_of(n, struct channel_send, node);

		send->done(send, send->result ? send->result : m->op_err);
		list_splice(&m->unacked, &m->unsent); /* what done() submitted */
	}
	while ((n = list_pop(&m->pulls)) != NULL) {
		struct channel_pull *pull = container_of(n, struct channel_pull, node);

		pull->done(pull, m->op_err);
	}
}

static void mem_finish(struct mem_channel *m)
{
	while (!list_empty(&m->unsent) || !list_empty(&m->unacked) || !list_empty(&m->pulls))
		mem_complete_all(m);
	reactor_timer_fini(m->ch.reactor, &m->close_timer);
	m->unreleased++; /* closed() may release: keep this end until it has returned */
	m->state = MEM_CLOSED;
	m->ch.user_ops->closed(&m->ch, m->why);
	reactor_defer_cancel(&m->turn);
	m->unreleased--;
	mem_unref_if_over(m);
}

static void mem_turn(struct reactor_defer *turn)
{
	struct mem_channel *m = container_of(turn, struct mem_channel, turn);

	if (m->state == MEM_OPEN || m->state == MEM_CLOSING)
		mem_send_all(m);
	if (m->state == MEM_OPEN)
		mem_pull_all(m);
	if (m->state == MEM_OPEN)
		mem_deliver(m);
	if (m->state == MEM_CLOSING && list_empty(&m->unacked))
		mem_end(m, 0, -ECANCELED, MEM_END);
	if (m->state == MEM_ENDED)
		mem_finish(m);
}

static void mem_close(struct channel *ch, int why)
{
	struct mem_channel *m = mem_of(ch);

	assert(reactor_current() == ch->reactor);
	assert(m->state != MEM_NEW);
	if (m->state >= MEM_ENDED || (m->state == MEM_CLOSING && !why))
		return;
	if (why) {
		mem_end(m, why, -ECANCELED, MEM_RESET);
		return;
	}
	m->state = MEM_CLOSING;
	m->why = 0;
	mem_drop_inbox(m, true);
	reactor_timer_set(ch->reactor, &m->close_timer,
			  m->wire->config.close_timeout_ms * NS_PER_MS);
	reactor_defer(ch->reactor, &m->turn);
}

static void mem_close_timeout(struct reactor_timer *timer)
{
	struct mem_channel *m = container_of(timer, struct mem_channel, close_timer);

	mem_end(m, 0, -ECANCELED, MEM_RESET);
}

/* ---- the beginning, and what comes from the peer ---- */

static void mem_accept(struct mem_channel *m)
{
	m->state = MEM_OPEN;
	if (reactor_timer_init(m->ch.reactor, &m->close_timer, mem_close_timeout) < 0)
		abort();
	if (m->acceptor->accepted(m->acceptor, &m->ch) == 0) {
		assert(m->ch.user_ops);
		mem_deliver(m);
		return;
	}
	mem_drop_inbox(m, false);
	reactor_timer_fini(m->ch.reactor, &m->close_timer);
	m->state = MEM_CLOSED;
	mem_post(m->peer, MEM_RESET);
	mem_wire_unref(m->wire);
}

static void mem_message(struct mem_channel *m, struct mem_packet *p)
{
	if (m->state <= MEM_OPEN) {
		list_push(&m->inbox, &p->node);
		mem_deliver(m);
		return;
	}
	if (m->state == MEM_CLOSING)
		mem_post(m->peer, MEM_ACK);
	mem_packet_free(p);
}

static void mem_packet_run(struct reactor_post *post)
{
	struct mem_packet *p = container_of(post, struct mem_packet, post);
	struct mem_channel *m = p->to;

	if (p->kind == MEM_MESSAGE) {
		mem_message(m, p);
		return;
	}
	if (p->kind == MEM_ACCEPT) {
		mem_accept(m);
	} else if (p->kind == MEM_ACK) {
		mem_acked(m);
	} else if (p->kind == MEM_END && m->state <= MEM_OPEN) {
		m->peer_ended = true;
		mem_deliver(m);
	} else if (m->state == MEM_NEW) { /* reset before it was accepted */
		m->peer_ended = true;
	} else if (m->state <= MEM_CLOSING) {
		mem_end(m, -ECONNRESET, -ECONNRESET, MEM_RESET);
	}
	mem_packet_free(p);
}

static void mem_stats(const struct channel *ch, struct channel_stats *stats)
{
	const struct mem_channel *m = container_of(ch, const struct mem_channel, ch);

	*stats = (struct channel_stats){.state = m->state <= MEM_OPEN      ? "open"
						 : m->state == MEM_CLOSING ? "closing"
									   : "ending"};
}

static const struct channel_ops mem_ops = {
	.name = "mem",
	.send = mem_send,
	.pull = mem_pull,
	.release = mem_release,
	.close = mem_close,
	.stats = mem_stats,
};

static const struct channel_ops mem_ops_no_remote = {
	.name = "mem",
	.send = mem_send,
	.release = mem_release,
	.close = mem_close,
	.stats = mem_stats,
};

void mem_config_default(struct mem_config *config)
{
	*config = (struct mem_config){
		.limits = {.msg_bytes = 1u << 20,
			   .remote_bytes = 8u << 20,
			   .slices = 16,
			   .unreleased = 32,
			   .remote_slices = 8,
			   .remote_invalidate = true,
			   .file_slices = true},
		.link = {.numa_node = -1, .rdma = true},
		.close_timeout_ms = 5000,
	};
}

static void mem_end_init(struct mem_wire *wire, unsigned i, const struct mem_end *end)
{
	struct mem_channel *m = &wire->end[i];

	m->ch.ops = wire->config.limits.remote_bytes ? &mem_ops : &mem_ops_no_remote;
	m->ch.reactor = end->reactor;
	m->ch.limits = wire->config.limits;
	m->ch.link = wire->config.link;
	m->ch.id = channel_id_next();
	snprintf(m->ch.name, sizeof(m->ch.name), "mem %llu", (unsigned long long)m->ch.id);
	m->wire = wire;
	m->peer = &wire->end[!i];
	m->pool = end->pool;
	m->acceptor = end->acceptor;
	list_init(&m->unsent);
	list_init(&m->unacked);
	list_init(&m->pulls);
	list_init(&m->inbox);
	list_init(&m->turn.node);
	m->turn.run = mem_turn;
}

int mem_connect(const struct mem_config *config, const struct mem_end ends[2])
{
	struct mem_wire *wire = calloc(1, sizeof(*wire));

	if (!wire)
		return -ENOMEM;
	pthread_mutex_init(&wire->lock, NULL);
	wire->config = *config;
	wire->next_token = 0x1000;
	atomic_init(&wire->refs, 2);
	for (unsigned i = 0; i < 2; i++)
		mem_end_init(wire, i, &ends[i]);
	for (unsigned i = 0; i < 2; i++)
		mem_post(&wire->end[i], MEM_ACCEPT);
	return 0;
}
