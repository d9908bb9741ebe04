/* SPDX-License-Identifier: Apache-2.0 */
/* What channel.h says of the end. The harness checks for every test that closed() is the last. */
#include <errno.h>
#include <string.h>

#include "tests/conformance/harness.h"

#define MANY 40 /* megabytes: more than any socket buffer holds */

struct last_words {
	struct op **ops;
	unsigned count;
	int why;
};

static void send_and_close(struct end *e, void *arg)
{
	struct last_words *w = arg;

	if (e->closed)
		return;
	for (unsigned i = 0; i < w->count; i++)
		end_call_send(e, w->ops[i]);
	end_call_close(e, w->why);
}

static void set_hold(struct end *e, void *arg)
{
	e->hold = true;
}

/* More than the peer, which holds its messages, will take. */
static void fill_up(struct pair *p, struct op **ops)
{
	struct end *a = &p->end[0], *b = &p->end[1];

	end_run(b, set_hold, NULL);
	for (unsigned i = 0; i < MANY; i++)
		ops[i] = op_send(a, i, 1u << 20);
	end_submit(a, ops, MANY);
	END_WAIT(b, b->got_count == CONF_UNRELEASED);
}

/* Each done once (the harness looks), first those that went out, then the others with err. */
static void check_rest(struct op **ops, int err)
{
	unsigned i = 0;

	while (i < MANY && ops[i]->err == 0)
		i++;
	assert_in_range(i, CONF_UNRELEASED, MANY - 1);
	for (; i < MANY; i++) {
		assert_int_equal(ops[i]->done, 1);
		assert_int_equal(ops[i]->err, err);
	}
}

static void free_all(struct op **ops, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		op_free(ops[i]);
}

static void orderly(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct op *ops[20];
	struct last_words w = {ops, 20, 0};

	for (unsigned i = 0; i < 20; i++)
		ops[i] = op_send(a, i, 1 + i * 10000);
	end_run(a, send_and_close, &w);
	END_WAIT(a, a->closed);
	assert_int_equal(a->closed_err, 0);
	END_WAIT(b, b->closed);
	assert_int_equal(b->closed_err, -ECONNRESET);
	assert_int_equal(end_got_count(b), 20);
	for (unsigned i = 0; i < 20; i++) {
		assert_got(b, i, i, ops[i]->len);
		assert_int_equal(ops[i]->err, 0);
	}
	free_all(ops, 20);
}

/* The peer does not read: an orderly close ends all the same. */
static void orderly_is_bounded(struct pair *p)
{
	struct end *a = &p->end[0];
	struct op *ops[MANY];

	fill_up(p, ops);
	end_close(a, 0);
	END_WAIT(a, a->closed);
	assert_int_equal(a->closed_err, 0);
	check_rest(ops, -ECANCELED);
	free_all(ops, MANY);
}

static void at_once(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct op *ops[MANY];

	fill_up(p, ops);
	end_close(a, -EIO);
	END_WAIT(a, a->closed);
	assert_int_equal(a->closed_err, -EIO);
	check_rest(ops, -ECANCELED);
	end_release_all(b);
	END_WAIT(b, b->closed);
	assert_int_equal(b->closed_err, -ECONNRESET);
	free_all(ops, MANY);
}

static void cut_short(struct pair *p)
{
	struct end *a = &p->end[0];
	struct op *ops[MANY];

	fill_up(p, ops);
	end_close(a, 0);
	end_close(a, -EIO);
	END_WAIT(a, a->closed);
	assert_int_equal(a->closed_err, 0); /* the first reason */
	check_rest(ops, -ECANCELED);
	free_all(ops, MANY);
}

static void by_peer(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct op *ops[MANY];

	fill_up(p, ops);
	end_close(b, -EIO);
	END_WAIT(a, a->closed);
	assert_int_equal(a->closed_err, -ECONNRESET);
	check_rest(ops, -ECONNRESET);
	END_WAIT(b, b->closed);
	assert_int_equal(b->closed_err, -EIO);
	free_all(ops, MANY);
}

static void by_peer_in_order(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];

	end_close(b, 0);
	END_WAIT(a, a->closed);
	assert_int_equal(a->closed_err, -ECONNRESET);
	END_WAIT(b, b->closed);
	assert_int_equal(b->closed_err, 0);
}

static void close_thrice(struct end *e, void *arg)
{
	end_call_close(e, 0);
	end_call_close(e, 0);
	end_call_close(e, -EIO);
}

static void idempotent(struct pair *p)
{
	struct end *a = &p->end[0];

	end_run(a, close_thrice, NULL);
	END_WAIT(a, a->closed);
	assert_int_equal(a->closed_err, 0);
}

/* As nearly as two threads can. Who was slower may see the other's end first. */
static void both_at_once(struct pair *p)
{
	struct op *ops[2];

	for (unsigned i = 0; i < 2; i++)
		ops[i] = op_send(&p->end[i], i, 100000);
	for (unsigned i = 0; i < 2; i++) {
		struct last_words w = {&ops[i], 1, 0};

		end_run(&p->end[i], send_and_close, &w);
	}
	for (unsigned i = 0; i < 2; i++) {
		struct end *e = &p->end[i];

		END_WAIT(e, e->closed);
		assert_true(e->closed_err == 0 || (i == 1 && e->closed_err == -ECONNRESET));
		op_free(ops[i]);
	}
}

static void close_now(struct end *e)
{
	end_call_close(e, 0);
}

static void none_after_close(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct op *ops[20];

	END_SET(b, on_message = close_now);
	for (unsigned i = 0; i < 20; i++)
		ops[i] = op_send(a, i, 200);
	end_submit(a, ops, 20);
	END_WAIT(b, b->closed);
	END_WAIT(a, a->closed);
	assert_int_equal(end_got_count(b), 1);
	assert_int_equal(b->closed_err, 0);
	END_WAIT(a, a->done_count == 20);
	free_all(ops, 20);
}

static void close_in_done(struct pair *p)
{
	struct end *a = &p->end[0];
	struct op *ops[3];

	END_SET(a, on_done = close_now);
	for (unsigned i = 0; i < 3; i++)
		ops[i] = op_send(a, i, 200);
	end_submit(a, ops, 3);
	END_WAIT(a, a->closed);
	assert_int_equal(a->closed_err, 0);
	assert_int_equal(a->done_count, 3);
	free_all(ops, 3);
}

struct late {
	struct op *send, *pull;
};

static void close_then_submit(struct end *e, void *arg)
{
	struct late *late = arg;

	end_call_close(e, -EIO);
	end_call_send(e, late->send);
	if (late->pull)
		end_call_pull(e, late->pull);
}

static void op_after_close(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct late late = {.send = op_send(a, 1, 100)};

	if (a->ch->limits.remote_bytes) {
		late.pull = op_pull(a, 10);
		late.pull->remote[0] = (struct remote_slice){.length = 10};
		late.pull->pull.from_count = 1;
	}
	end_run(a, close_then_submit, &late);
	END_WAIT(a, a->closed);
	assert_int_equal(late.send->done, 1);
	assert_int_equal(late.send->err, -ECANCELED);
	if (late.pull) {
		assert_int_equal(late.pull->done, 1);
		assert_int_equal(late.pull->err, -ECANCELED);
		op_free(late.pull);
	}
	END_WAIT(b, b->closed);
	assert_int_equal(end_got_count(b), 0);
	op_free(late.send);
}

static void release_after_closed(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct op *ops[3];

	END_SET(b, head_len = 112);
	end_run(b, set_hold, NULL);
	for (unsigned i = 0; i < 3; i++)
		ops[i] = op_send(a, i, 300 + i * 50000);
	end_submit(a, ops, 3);
	END_WAIT(b, b->got_count == 3);
	end_close(b, -EIO);
	END_WAIT(b, b->closed);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(pattern_is(b->got[i].msg->head, i, 112));
		assert_memory_equal(b->got[i].msg->body.data, b->got[i].bytes + 112,
				    b->got[i].len - 112);
	}
	end_release_all(b);
	END_WAIT(a, a->done_count == 3);
	free_all(ops, 3);
}

static void close_at_birth(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];

	end_close(a, -EIO);
	END_WAIT(a, a->closed);
	END_WAIT(b, b->closed);
	assert_int_equal(end_got_count(a) + end_got_count(b), 0);
}

const struct clause clauses_close[] = {
	{"an orderly close delivers what was sent before", orderly},
	{"an orderly close is bounded by time", orderly_is_bounded},
	{"a close for a cause drops what waits: -ECANCELED", at_once},
	{"a close for a cause cuts short an orderly one", cut_short},
	{"the peer's end fails what waits: -ECONNRESET", by_peer},
	{"the peer's orderly end is told as -ECONNRESET", by_peer_in_order},
	{"close is idempotent; the first reason stands", idempotent},
	{"both ends close at once", both_at_once},
	{"no message is delivered after close", none_after_close},
	{"done() may close", close_in_done},
	{"an op after close gets -ECANCELED", op_after_close},
	{"a held message outlives closed()", release_after_closed},
	{"a channel can be closed before anything was sent", close_at_birth},
	{NULL, NULL},
};
