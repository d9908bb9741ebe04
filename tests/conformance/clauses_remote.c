/* SPDX-License-Identifier: Apache-2.0 */
/* What channel.h says of push, pull and invalidation; or that they are not there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/conformance/harness.h"

static bool absent(struct pair *p)
{
	struct channel *ch = p->end[0].ch;

	if (ch->limits.remote_bytes)
		return false;
	assert_null(ch->ops->pull);
	assert_int_equal(ch->limits.remote_slices, 0);
	assert_false(ch->limits.remote_invalidate);
	assert_false(ch->link.rdma);
	return true;
}

static struct op *push_op(struct end *e, const uint8_t *bytes, size_t len, struct remote_slice to)
{
	struct op *op = op_send(e, 1, 80);

	op->slices[1] = (struct slice){.data = (void *)bytes, .len = len};
	op->send.push = &op->slices[1];
	op->send.push_count = 1;
	op->remote[0] = to;
	op->send.push_to = op->remote;
	op->send.push_to_count = 1;
	return op;
}

static struct remote_slice part(struct remote_slice s, uint32_t off, uint32_t len)
{
	return (struct remote_slice){.offset = s.offset + off, .token = s.token, .length = len};
}

#define LEN 100000u

static uint8_t there[LEN], here[LEN];

static void push_before_msg(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct remote_slice at;
	struct op *op;

	if (absent(p))
		return;
	for (unsigned round = 0; round < 20; round++) {
		memset(there, 0, LEN);
		pattern_fill(here, round, LEN);
		at = p->fixture->expose(b->ch, there, LEN, REMOTE_WRITE);
		op = push_op(a, here, LEN, at);
		end_submit_one(a, op);
		assert_got(b, round, 1, 80);
		assert_true(pattern_is(there, round, LEN));
		END_WAIT(a, op->done);
		assert_int_equal(op->err, 0);
		op_free(op);
	}
	assert_int_equal(a->ch->counters.bytes_pushed, 20 * LEN);
}

/* Descriptors are filled in order, each to its length; what is over stays untouched. */
static void push_scattered(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct remote_slice at;
	struct op *op;

	if (absent(p))
		return;
	memset(there, 0xee, LEN);
	pattern_fill(here, 4, LEN);
	at = p->fixture->expose(b->ch, there, LEN, REMOTE_WRITE);
	op = push_op(a, here, 1000, part(at, 50000, 1500));
	op->slices[2] = (struct slice){.data = here + 1000, .len = 1001};
	op->send.push_count = 2;
	op->remote[1] = part(at, 7, 400);
	op->remote[2] = part(at, 90000, 10000);
	op->send.push_to_count = 3;
	end_submit_one(a, op);
	assert_got(b, 0, 1, 80);
	assert_memory_equal(there + 50000, here, 1500);
	assert_memory_equal(there + 7, here + 1500, 400);
	assert_memory_equal(there + 90000, here + 1900, 101);
	assert_int_equal(there[90101], 0xee);
	assert_int_equal(there[6], 0xee);
	assert_int_equal(there[407], 0xee);
	END_WAIT(a, op->done);
	op_free(op);
}

static void dies(struct pair *p, struct op *op)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct op *next = op_send(a, 2, 10);
	unsigned before = end_got_count(b);

	end_submit(a, (struct op *[]){op, next}, 2);
	END_WAIT(a, a->closed);
	assert_int_equal(a->closed_err, -ECONNRESET);
	assert_int_equal(op->err, -ECONNRESET);
	assert_int_equal(next->err, -ECONNRESET);
	END_WAIT(b, b->closed);
	assert_int_equal(end_got_count(b), before);
	op_free(op);
	op_free(next);
}

static void push_bad_token(struct pair *p)
{
	struct remote_slice at;

	if (absent(p))
		return;
	at = p->fixture->expose(p->end[1].ch, there, LEN, REMOTE_WRITE);
	at.token ^= 0x5555;
	dies(p, push_op(&p->end[0], here, 100, at));
}

static void push_out_of_bounds(struct pair *p)
{
	struct remote_slice at;

	if (absent(p))
		return;
	at = p->fixture->expose(p->end[1].ch, there, LEN - 1, REMOTE_WRITE);
	dies(p, push_op(&p->end[0], here, LEN, part(at, 0, LEN)));
}

static void push_no_right(struct pair *p)
{
	struct remote_slice at;

	if (absent(p))
		return;
	at = p->fixture->expose(p->end[1].ch, there, LEN, REMOTE_READ);
	dies(p, push_op(&p->end[0], here, 100, at));
}

static void pulls(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct remote_slice at;
	struct op *op[3];

	if (absent(p))
		return;
	pattern_fill(there, 8, LEN);
	at = p->fixture->expose(b->ch, there, LEN, REMOTE_READ);
	for (unsigned i = 0; i < 3; i++) {
		op[i] = op_pull(a, 5000);
		op[i]->remote[0] = part(at, i * 10000, 4000);
		op[i]->remote[1] = part(at, 50000 + i, 1000);
		op[i]->pull.from_count = 2;
		op[i]->slices[0].len = 300;
		op[i]->slices[1] = (struct slice){.data = op[i]->bytes + 300, .len = 4700};
		op[i]->pull.to_count = 2;
	}
	end_submit(a, op, 3);
	END_WAIT(a, a->done_count == 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(op[i]->err, 0);
		assert_memory_equal(op[i]->bytes, there + i * 10000, 4000);
		assert_memory_equal(op[i]->bytes + 4000, there + 50000 + i, 1000);
		op_free(op[i]);
	}
	assert_int_equal(a->ch->counters.bytes_pulled, 15000);
}

static void pull_bad(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct op *op;

	if (absent(p))
		return;
	op = op_pull(a, 100);
	op->remote[0] = part(p->fixture->expose(b->ch, there, LEN, REMOTE_WRITE), 0, 100);
	op->pull.from_count = 1;
	end_submit_one(a, op);
	END_WAIT(a, a->closed);
	assert_int_equal(op->err, -ECONNRESET);
	END_WAIT(b, b->closed);
	op_free(op);
}

static void invalidates(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct remote_slice at, other;
	struct op *op;

	if (absent(p))
		return;
	at = p->fixture->expose(b->ch, there, LEN, REMOTE_WRITE);
	other = p->fixture->expose(b->ch, there, LEN, REMOTE_WRITE);
	op = push_op(a, here, 100, at);
	op->send.invalidate = true;
	op->send.invalidate_token = at.token;
	end_submit_one(a, op);
	END_WAIT(b, b->got_count == 1);
	assert_int_equal(p->fixture->exposed(b->ch, at.token), !a->ch->limits.remote_invalidate);
	assert_true(p->fixture->exposed(b->ch, other.token));
	END_WAIT(a, op->done);
	op_free(op);
	if (a->ch->limits.remote_invalidate)
		dies(p, push_op(a, here, 100, at));
}

static void pull_then_close(struct end *e, void *arg)
{
	end_call_pull(e, arg);
	end_call_close(e, -EIO);
}

static void pull_closed(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct op *op;

	if (absent(p))
		return;
	op = op_pull(a, 100);
	op->remote[0] = part(p->fixture->expose(b->ch, there, LEN, REMOTE_READ), 0, 100);
	op->pull.from_count = 1;
	end_run(a, pull_then_close, op);
	END_WAIT(a, a->closed);
	assert_int_equal(op->done, 1);
	assert_int_equal(op->err, -ECANCELED);
	op_free(op);
}

const struct clause clauses_remote[] = {
	{"a push is in the peer's memory before its message is seen", push_before_msg},
	{"a push fills descriptors in order, each to its length", push_scattered},
	{"a push to an unknown token kills the channel", push_bad_token},
	{"a push out of bounds kills the channel", push_out_of_bounds},
	{"a push without the right kills the channel", push_no_right},
	{"a pull fetches descriptors in order into slices", pulls},
	{"a pull without the right kills the channel", pull_bad},
	{"a send invalidates one token, and no other", invalidates},
	{"a close cancels a pull", pull_closed},
	{NULL, NULL},
};
