/* SPDX-License-Identifier: Apache-2.0 */
/* What channel.h says of messages that come in: split, ownership, bounds. */
#include <errno.h>
#include <string.h>

#include "tests/conformance/harness.h"

static void set_hold(struct end *e, void *arg)
{
	e->hold = arg != NULL;
}

static void submit_many(struct end *e, struct op **ops, unsigned count, size_t len)
{
	for (unsigned i = 0; i < count; i++)
		ops[i] = op_send(e, i, len);
	end_submit(e, ops, count);
}

static void free_many(struct op **ops, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		op_free(ops[i]);
}

static void split_one(struct pair *p, unsigned index, size_t head_len, size_t len)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	size_t want = head_len && head_len < len ? head_len : len;
	struct op *op = op_send(a, index, len);

	END_SET(b, head_len = head_len);
	end_submit_one(a, op);
	assert_got(b, index, index, len);
	assert_int_equal(b->got[index].head_len, want);
	assert_int_equal(b->split_total, len);
	if (want < len) {
		assert_true(b->got[index].body_aligned);
		assert_true(b->got[index].body_in_pool);
	}
	END_WAIT(a, op->done);
	op_free(op);
}

static void split_bodies(struct pair *p)
{
	unsigned i = 0;

	split_one(p, i++, 112, 113);
	split_one(p, i++, 112, 112 + 4096);
	split_one(p, i++, 112, 112 + 65536);
	split_one(p, i++, 112, p->end[1].ch->limits.msg_bytes);
	split_one(p, i++, 1, 100000);
	split_one(p, i++, 20000, 100000); /* a long head */
	split_one(p, i++, 99999, 100000);
	split_one(p, i++, 100000, 100000); /* all head */
	split_one(p, i++, 200000, 100000); /* over total counts as total */
	split_one(p, i++, 64, 5);
}

static void split_many(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct op *ops[40];

	END_SET(b, head_len = 112);
	for (unsigned i = 0; i < 40; i++)
		ops[i] = op_send(a, i, 60 + (i % 7) * (i % 5) * 5000);
	end_submit(a, ops, 40);
	for (unsigned i = 0; i < 40; i++)
		assert_got(b, i, i, ops[i]->len);
	END_WAIT(a, a->done_count == 40);
	free_many(ops, 40);
}

static void split_refuses(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct op *op = op_send(a, 1, 5000);

	END_SET(b, head_len = CHANNEL_REFUSE);
	end_submit_one(a, op);
	END_WAIT(b, b->closed);
	assert_int_equal(b->closed_err, -EMSGSIZE);
	assert_int_equal(end_got_count(b), 0);
	END_WAIT(a, a->closed);
	assert_int_equal(a->closed_err, -ECONNRESET);
	op_free(op);
}

/* A held message keeps its bytes while others come and go. */
static void held_is_intact(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct op *first = op_send(a, 200, 90000), *small = op_send(a, 201, 90), *ops[60];

	END_SET(b, head_len = 112);
	end_run(b, set_hold, b);
	end_submit(a, (struct op *[]){first, small}, 2);
	END_WAIT(b, b->got_count == 2);
	end_run(b, set_hold, NULL);
	for (unsigned round = 0; round < 2; round++) {
		submit_many(a, ops, 60, round ? 90 : 30000);
		END_WAIT(b, b->got_count == 2 + 60 * (round + 1));
		END_WAIT(a, a->done_count == 2 + 60 * (round + 1));
		free_many(ops, 60);
	}
	assert_true(pattern_is(b->got[0].msg->head, 200, 112));
	assert_memory_equal(b->got[0].msg->body.data, b->got[0].bytes + 112, 90000 - 112);
	assert_true(pattern_is(b->got[1].msg->head, 201, 90));
	end_release_all(b);
	op_free(first);
	op_free(small);
}

/* Out of order, and at any time. */
static void release_any_order(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct op *ops[CONF_UNRELEASED];

	END_SET(b, head_len = 112);
	end_run(b, set_hold, b);
	submit_many(a, ops, CONF_UNRELEASED, 3000);
	END_WAIT(b, b->got_count == CONF_UNRELEASED);
	for (unsigned i = 0; i < CONF_UNRELEASED; i++)
		end_release(b, (i * 3) % CONF_UNRELEASED);
	pair_ping(a);
	END_WAIT(a, a->done_count == CONF_UNRELEASED + 1);
	free_many(ops, CONF_UNRELEASED);
}

static void unreleased_bound(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	const unsigned total = CONF_UNRELEASED + 20;
	struct op *ops[CONF_UNRELEASED + 20];

	end_run(b, set_hold, b);
	submit_many(a, ops, total, 100);
	END_WAIT(b, b->got_count == CONF_UNRELEASED);
	pair_ping(b); /* the other way is not held up */
	pair_ping(b);
	assert_int_equal(end_got_count(b), CONF_UNRELEASED);
	for (unsigned i = 0; i < 20; i++) {
		end_release(b, i);
		END_WAIT(b, b->got_count == CONF_UNRELEASED + i + 1);
		assert_got(b, CONF_UNRELEASED + i, CONF_UNRELEASED + i, 100);
	}
	end_release_all(b);
	END_WAIT(a, a->done_count == total);
	free_many(ops, total);
}

struct hoard {
	struct buf *bufs[1024];
	unsigned count;
};

static void hoard_take(struct end *e, void *arg)
{
	struct hoard *h = arg;

	while (h->count < 1024 && (h->bufs[h->count] = buf_get(e->pool, 1u << 20)) != NULL)
		h->count++;
}

static void hoard_give(struct end *e, void *arg)
{
	struct hoard *h = arg;

	while (h->count)
		buf_put(e->pool, h->bufs[--h->count]);
}

/* No buffer for a body is a wait, not an error; nothing else of the channel waits. */
static void dry_pool(struct pair *p)
{
	static struct hoard h;
	struct end *a = &p->end[0], *b = &p->end[1];
	struct op *big = op_send(a, 1, 1u << 20), *small = op_send(a, 2, 50);

	END_SET(b, head_len = 112);
	h.count = 0;
	end_run(b, hoard_take, &h);
	assert_true(h.count > 0);
	end_submit(a, (struct op *[]){big, small}, 2);
	END_WAIT(b, b->splits >= 1);
	pair_ping(b);
	pair_ping(b);
	assert_int_equal(end_got_count(b), 0);
	end_run(b, hoard_give, &h);
	assert_got(b, 0, 1, 1u << 20);
	assert_got(b, 1, 2, 50);
	END_WAIT(a, a->done_count == 2);
	op_free(big);
	op_free(small);
}

static void closed_while_dry(struct pair *p)
{
	static struct hoard h;
	struct end *a = &p->end[0], *b = &p->end[1];
	struct op *big = op_send(a, 1, 1u << 20);

	END_SET(b, head_len = 112);
	h.count = 0;
	end_run(b, hoard_take, &h);
	end_submit_one(a, big);
	END_WAIT(b, b->splits >= 1);
	end_close(b, -EIO);
	END_WAIT(b, b->closed);
	END_WAIT(a, a->closed);
	end_run(b, hoard_give, &h);
	END_WAIT(b, b->got_count == 0);
	op_free(big);
}

const struct clause clauses_receive[] = {
	{"split() says what is head; the body begins on a page of the pool", split_bodies},
	{"messages with and without bodies follow each other", split_many},
	{"split() may refuse: the channel is closed with -EMSGSIZE", split_refuses},
	{"a message stays intact until it is released", held_is_intact},
	{"messages are released in any order", release_any_order},
	{"at limits.unreleased messages none comes until a release", unreleased_bound},
	{"a dry pool makes the message wait, and nothing else", dry_pool},
	{"a channel that waits for the pool can be closed", closed_while_dry},
	{NULL, NULL},
};
