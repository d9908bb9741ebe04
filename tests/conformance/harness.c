/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/harness.h"

#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_SECONDS 30

static void broken(struct end *e, const char *what)
{
	if (!e->broken[0])
		snprintf(e->broken, sizeof(e->broken), "%s", what);
}

/* What holds for every callback. Under the lock. */
static void check_callback(struct end *e, const char *name)
{
	char text[128];

	snprintf(text, sizeof(text), "%s%s", name,
		 reactor_current() != e->reactor ? " off its reactor"
		 : e->in_call                    ? " inside a call"
		 : e->closed                     ? " after closed()"
						 : "");
	if (strlen(text) > strlen(name))
		broken(e, text);
}

bool end_wait_change(struct end *e)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_SECONDS;
	return pthread_cond_timedwait(&e->changed, &e->lock, &until) == 0;
}

/* ---- what the channel calls ---- */

static size_t end_split(struct channel *ch, const uint8_t *first, size_t have, size_t total)
{
	struct end *e = ch->user;
	size_t head_len;

	pthread_mutex_lock(&e->lock);
	check_callback(e, "split()");
	e->splits++;
	e->split_have = have;
	e->split_total = total;
	if (have > total || (have < CHANNEL_PEEK && have < total))
		broken(e, "split() was shown too little or too much");
	head_len = e->head_len ? e->head_len : total;
	pthread_cond_broadcast(&e->changed);
	pthread_mutex_unlock(&e->lock);
	return head_len;
}

static void end_record(struct end *e, struct channel_msg *msg)
{
	struct got *g = &e->got[e->got_count];

	if (e->got_count == CONF_GOT_MAX) {
		broken(e, "more messages than can be recorded");
		return;
	}
	g->head_len = msg->head_len;
	g->len = msg->head_len + msg->body.len;
	g->bytes = malloc(g->len + 1);
	memcpy(g->bytes, msg->head, msg->head_len);
	if (msg->body.len)
		memcpy(g->bytes + msg->head_len, msg->body.data, msg->body.len);
	g->body_aligned = ((uintptr_t)msg->body.data & 4095) == 0;
	g->body_in_pool = msg->body.region != NULL;
	g->msg = msg;
	e->got_count++;
	pthread_cond_broadcast(&e->changed);
}

static void end_message(struct channel *ch, struct channel_msg *msg)
{
	struct end *e = ch->user;
	void (*hook)(struct end * e);
	bool hold;

	pthread_mutex_lock(&e->lock);
	check_callback(e, "message()");
	end_record(e, msg);
	hold = e->hold;
	hook = e->on_message;
	pthread_mutex_unlock(&e->lock);
	if (!hold)
		end_call_release(e, e->got_count - 1);
	if (hook)
		hook(e);
}

static void end_closed(struct channel *ch, int err)
{
	struct end *e = ch->user;

	pthread_mutex_lock(&e->lock);
	check_callback(e, "closed()");
	e->closed = true;
	e->closed_err = err;
	pthread_cond_broadcast(&e->changed);
	pthread_mutex_unlock(&e->lock);
}

static const struct channel_user end_user = {
	.split = end_split,
	.message = end_message,
	.closed = end_closed,
};

static int end_accepted(struct channel_acceptor *acceptor, struct channel *ch)
{
	struct end *e = container_of(acceptor, struct end, acceptor);

	pthread_mutex_lock(&e->lock);
	if (reactor_current() != e->reactor || ch->reactor != e->reactor)
		broken(e, "accepted() off its reactor");
	ch->user_ops = &end_user;
	ch->user = e;
	e->ch = ch;
	e->accepted = true;
	pthread_cond_broadcast(&e->changed);
	pthread_mutex_unlock(&e->lock);
	return e->refuse;
}

/* ---- calls ---- */

static void op_done(struct op *op, int err)
{
	struct end *e = op->end;
	void (*hook)(struct end * e);

	pthread_mutex_lock(&e->lock);
	check_callback(e, "done()");
	if (op->done++)
		broken(e, "done() twice");
	if (err != 0 && err != -ECANCELED && err != -ECONNRESET)
		broken(e, "done() with an error that channel.h does not name");
	if (op->submitted && op->submitted != ++e->send_order)
		broken(e, "sends done out of order");
	op->err = err;
	e->done_count++;
	if (op->submitted) /* lent until now, and not needed any more */
		memset(op->bytes, 0xdd, op->len);
	hook = e->on_done;
	pthread_cond_broadcast(&e->changed);
	pthread_mutex_unlock(&e->lock);
	if (hook)
		hook(e);
}

static void op_send_done(struct channel_send *send, int err)
{
	op_done(container_of(send, struct op, send), err);
}

static void op_pull_done(struct channel_pull *pull, int err)
{
	op_done(container_of(pull, struct op, pull), err);
}

static void end_in_call(struct end *e, bool in_call)
{
	pthread_mutex_lock(&e->lock);
	e->in_call = in_call;
	pthread_mutex_unlock(&e->lock);
}

void end_call_send(struct end *e, struct op *op)
{
	op->submitted = ++e->submitted;
	end_in_call(e, true);
	channel_send(e->ch, &op->send);
	end_in_call(e, false);
}

void end_call_pull(struct end *e, struct op *op)
{
	end_in_call(e, true);
	channel_pull(e->ch, &op->pull);
	end_in_call(e, false);
}

void end_call_close(struct end *e, int why)
{
	end_in_call(e, true);
	channel_close(e->ch, why);
	end_in_call(e, false);
}

void end_call_release(struct end *e, unsigned index)
{
	struct channel_msg *msg = e->got[index].msg;

	e->got[index].msg = NULL;
	if (!msg)
		return;
	end_in_call(e, true);
	channel_release(e->ch, msg);
	end_in_call(e, false);
}

/* ---- the test's thread ---- */

struct command {
	struct reactor_post post;
	struct end *end;
	void (*fn)(struct end *e, void *arg);
	void *arg;
	sem_t done;
};

static void command_run(struct reactor_post *post)
{
	struct command *c = container_of(post, struct command, post);

	c->fn(c->end, c->arg);
	sem_post(&c->done);
}

void end_run(struct end *e, void (*fn)(struct end *e, void *arg), void *arg)
{
	struct command c = {.post.run = command_run, .end = e, .fn = fn, .arg = arg};

	sem_init(&c.done, 0, 0);
	reactor_post(e->reactor, &c.post);
	while (sem_wait(&c.done) != 0)
		;
	sem_destroy(&c.done);
}

struct submission {
	struct op *const *ops;
	unsigned count;
};

static void do_submit(struct end *e, void *arg)
{
	struct submission *s = arg;

	for (unsigned i = 0; i < s->count; i++) {
		if (s->ops[i]->pull.done)
			end_call_pull(e, s->ops[i]);
		else
			end_call_send(e, s->ops[i]);
	}
}

void end_submit(struct end *e, struct op *const *ops, unsigned count)
{
	struct submission s = {ops, count};

	end_run(e, do_submit, &s);
}

void end_submit_one(struct end *e, struct op *op)
{
	end_submit(e, &op, 1);
}

static void do_close(struct end *e, void *arg)
{
	if (!e->closed) /* the peer may have been faster: then there is no channel any more */
		end_call_close(e, *(int *)arg);
}

void end_close(struct end *e, int why)
{
	end_run(e, do_close, &why);
}

static void do_release(struct end *e, void *arg)
{
	end_call_release(e, *(unsigned *)arg);
}

void end_release(struct end *e, unsigned index)
{
	end_run(e, do_release, &index);
}

static void do_release_all(struct end *e, void *arg)
{
	for (unsigned i = 0; i < e->got_count; i++)
		end_call_release(e, i);
}

void end_release_all(struct end *e)
{
	end_run(e, do_release_all, NULL);
}

unsigned end_got_count(struct end *e)
{
	unsigned n;

	pthread_mutex_lock(&e->lock);
	n = e->got_count;
	pthread_mutex_unlock(&e->lock);
	return n;
}

void pair_ping(struct end *from)
{
	struct end *to = &from->pair->end[from == &from->pair->end[0]];
	struct op *op = op_send(from, 77, 32);
	unsigned before = end_got_count(to);

	end_submit_one(from, op);
	END_WAIT(to, to->got_count > before);
	END_WAIT(from, op->done);
	op_free(op);
}

/* ---- bytes ---- */

static uint8_t pattern_at(uint32_t seed, size_t i)
{
	uint32_t x = (uint32_t)(i * 2654435761u) ^ seed * 40503u;

	return (uint8_t)(x >> 13 ^ x >> 24);
}

void pattern_fill(uint8_t *p, uint32_t seed, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = pattern_at(seed, i);
}

bool pattern_is(const uint8_t *p, uint32_t seed, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] != pattern_at(seed, i))
			return false;
	}
	return true;
}

void assert_got(struct end *e, unsigned index, uint32_t seed, size_t len)
{
	bool same;
	size_t got_len;

	END_WAIT(e, e->got_count > index);
	pthread_mutex_lock(&e->lock);
	got_len = e->got[index].len;
	same = got_len == len && pattern_is(e->got[index].bytes, seed, len);
	pthread_mutex_unlock(&e->lock);
	assert_int_equal(got_len, len);
	assert_true(same);
}

struct op *op_send(struct end *e, uint32_t seed, size_t len)
{
	struct op *op = calloc(1, sizeof(*op));

	op->end = e;
	op->len = len;
	op->bytes = malloc(len ? len : 1);
	pattern_fill(op->bytes, seed, len);
	op->slices[0] = (struct slice){.data = op->bytes, .len = len};
	op->send.msg = op->slices;
	op->send.msg_count = 1;
	op->send.done = op_send_done;
	return op;
}

void op_slice(struct op *op, unsigned count)
{
	size_t at = 0;

	for (unsigned i = 0; i < count; i++) {
		size_t n =
			i + 1 == count ? op->len - at : (op->len / count + i % 3) % (op->len - at);

		op->slices[i] = (struct slice){.data = op->bytes + at, .len = n};
		at += n;
	}
	op->send.msg_count = count;
}

struct op *op_pull(struct end *e, size_t len)
{
	struct op *op = calloc(1, sizeof(*op));

	op->end = e;
	op->len = len;
	op->bytes = calloc(1, len);
	op->slices[0] = (struct slice){.data = op->bytes, .len = len};
	op->pull.to = op->slices;
	op->pull.to_count = 1;
	op->pull.from = op->remote;
	op->pull.done = op_pull_done;
	return op;
}

void op_free(struct op *op)
{
	free(op->bytes);
	free(op);
}

/* ---- the pair ---- */

static void end_open(struct pair *p, unsigned i)
{
	struct reactor_config rc = {.name = i ? "end1" : "end0", .cpu = -1};
	struct buf_pool_config pc = {.bytes = CONF_POOL_BYTES, .region_bytes = 12u << 20};
	struct end *e = &p->end[i];

	e->acceptor.accepted = end_accepted;
	e->pair = p;
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->changed, NULL);
	e->reactor = reactor_create(&rc);
	assert_non_null(e->reactor);
	if (p->fixture->pool)
		p->fixture->pool(p, i, &pc);
	e->pool = buf_pool_create(&pc);
	assert_non_null(e->pool);
}

void pair_open(struct pair *p, const struct transport_fixture *fixture)
{
	p->fixture = fixture;
	for (unsigned i = 0; i < 2; i++)
		end_open(p, i);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(reactor_start(p->end[i].reactor), 0);
}

void pair_ready(struct pair *p)
{
	assert_int_equal(p->fixture->connect(p), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct end *e = &p->end[i];

		END_WAIT(e, e->accepted);
	}
}

static void do_nothing(struct end *e, void *arg)
{
}

void end_sync(struct end *e)
{
	end_run(e, do_nothing, NULL);
}

static void end_shut(struct end *e)
{
	if (e->accepted && !e->refuse) {
		END_WAIT(e, e->closed);
		end_release_all(e);
	}
}

void pair_shut(struct pair *p)
{
	end_sync(&p->end[0]);
	end_sync(&p->end[1]);
	for (unsigned i = 0; i < 2; i++) {
		struct end *e = &p->end[i];
		bool closed;

		pthread_mutex_lock(&e->lock);
		closed = e->closed || !e->accepted || e->refuse;
		pthread_mutex_unlock(&e->lock);
		if (!closed)
			end_close(e, -ESHUTDOWN);
	}
	for (unsigned i = 0; i < 2; i++)
		end_shut(&p->end[i]);
	/* what the ends posted to each other last runs before the reactors stop */
	for (unsigned i = 0; i < 6; i++)
		end_sync(&p->end[i % 2]);
	for (unsigned i = 0; i < 2; i++)
		reactor_stop(p->end[i].reactor);
	if (p->fixture->disconnect)
		p->fixture->disconnect(p);
	for (unsigned i = 0; i < 2; i++) {
		struct end *e = &p->end[i];

		buf_pool_destroy(e->pool);
		reactor_destroy(e->reactor);
		for (unsigned g = 0; g < e->got_count; g++)
			free(e->got[g].bytes);
		pthread_mutex_destroy(&e->lock);
		pthread_cond_destroy(&e->changed);
		assert_string_equal(e->broken, "");
	}
}
