/* SPDX-License-Identifier: Apache-2.0 */
/* The channel that fails on purpose fails as planned, and the same way each time. What it does not
 * hurt is checked by tests/conformance, which runs over it too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <cmocka.h>
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/fault_channel.h"
#include "tests/fake/mem_channel.h"
#include "transport/buf/buf.h"
#include "transport/reactor/reactor.h"

#define SENDS 50

/* Both ends run on one reactor, so that a run is the same each time; main reads when both are
 * closed. The left end is wrapped; it sends, the right end answers each message. */
struct pair;

struct end {
	struct channel_acceptor acceptor;
	struct pair *pair;
	struct channel *ch;
	uint32_t got[SENDS * 2];
	unsigned got_count;
	int closed_err;
	bool closed;
};

struct op {
	struct channel_send send;
	struct slice slice;
	uint32_t number;
	struct end *end;
	int err;
	unsigned done;
};

struct pair {
	struct end left, right;
	struct op ops[SENDS], answers[SENDS];
	struct fault_acceptor fault;
	struct reactor *reactor;
	struct buf_pool *pool;
	unsigned done;      /* of the left's ops */
	unsigned last_done; /* number of the last, to see the order */
	bool disordered;
	sem_t over;
	struct reactor_post post;
};

static size_t end_split(struct channel *ch, const uint8_t *first, size_t have, size_t total)
{
	return total;
}

static void check_over(struct pair *p)
{
	if (p->left.closed && p->right.closed)
		sem_post(&p->over);
}

static void op_done(struct channel_send *send, int err)
{
	struct op *op = container_of(send, struct op, send);
	struct pair *p = op->end->pair;

	op->err = err;
	op->done++;
	if (op->end != &p->left)
		return;
	p->disordered |= op->number < p->last_done;
	p->last_done = op->number;
	if (++p->done == SENDS && !p->left.closed && !p->fault.plan.cut_at_message &&
	    !p->fault.plan.cut_after_message)
		channel_close(p->left.ch, 0);
}

static void op_send(struct end *e, struct op *op, uint32_t number)
{
	*op = (struct op){.number = number, .end = e};
	op->slice = (struct slice){.data = &op->number, .len = sizeof(op->number)};
	op->send.msg = &op->slice;
	op->send.msg_count = 1;
	op->send.done = op_done;
	channel_send(e->ch, &op->send);
}

static void end_message(struct channel *ch, struct channel_msg *msg)
{
	struct end *e = ch->user;
	uint32_t number;

	memcpy(&number, msg->head, sizeof(number));
	e->got[e->got_count++] = number;
	channel_release(ch, msg);
	if (e == &e->pair->right)
		op_send(e, &e->pair->answers[number], number);
}

static void end_closed(struct channel *ch, int err)
{
	struct end *e = ch->user;

	e->closed = true;
	e->closed_err = err;
	check_over(e->pair);
}

static const struct channel_user end_user = {end_split, end_message, end_closed};

static int end_accepted(struct channel_acceptor *acceptor, struct channel *ch)
{
	struct end *e = container_of(acceptor, struct end, acceptor);
	struct pair *p = e->pair;

	e->ch = ch;
	ch->user_ops = &end_user;
	ch->user = e;
	if (e == &p->left) {
		for (uint32_t i = 0; i < SENDS; i++)
			op_send(e, &p->ops[i], i);
	}
	return 0;
}

static void pair_drained(struct reactor_post *post)
{
	sem_post(&container_of(post, struct pair, post)->over);
}

static void pair_run(struct pair *p, const struct fault_plan *plan)
{
	struct reactor_config rc = {.name = "fault", .cpu = -1};
	struct buf_pool_config pc = {.bytes = 16u << 20, .region_bytes = 8u << 20};
	struct mem_config config;
	struct mem_end ends[2];

	memset(p, 0, sizeof(*p));
	p->left.acceptor.accepted = p->right.acceptor.accepted = end_accepted;
	p->left.pair = p->right.pair = p;
	sem_init(&p->over, 0, 0);
	p->reactor = reactor_create(&rc);
	p->pool = buf_pool_create(&pc);
	fault_acceptor_init(&p->fault, plan, &p->left.acceptor);
	mem_config_default(&config);
	ends[0] = (struct mem_end){p->reactor, p->pool, &p->right.acceptor};
	ends[1] = (struct mem_end){p->reactor, p->pool, &p->fault.acceptor};
	assert_int_equal(mem_connect(&config, ends), 0);
	assert_int_equal(reactor_start(p->reactor), 0);
	while (sem_wait(&p->over) != 0)
		;
	for (unsigned i = 0; i < 4; i++) { /* what the ends posted to each other last */
		p->post.run = pair_drained;
		reactor_post(p->reactor, &p->post);
		while (sem_wait(&p->over) != 0)
			;
	}
	reactor_stop(p->reactor);
	buf_pool_destroy(p->pool);
	reactor_destroy(p->reactor);
	sem_destroy(&p->over);
	for (unsigned i = 0; i < SENDS; i++)
		assert_int_equal(p->ops[i].done, 1);
	assert_false(p->disordered);
}

static void ascending(const struct end *e)
{
	for (unsigned i = 1; i < e->got_count; i++)
		assert_true(e->got[i] > e->got[i - 1]);
}

static void no_fault(void **state)
{
	struct fault_plan plan = {.seed = 1};
	static struct pair p;

	pair_run(&p, &plan);
	assert_int_equal(p.right.got_count, SENDS);
	assert_int_equal(p.left.closed_err, 0);
	assert_int_equal(p.right.closed_err, -ECONNRESET);
}

static void delays(void **state)
{
	struct fault_plan plan = {.seed = 7, .delay_out_us = 3000, .delay_in_us = 3000};
	static struct pair p;

	pair_run(&p, &plan);
	assert_int_equal(p.right.got_count, SENDS);
	ascending(&p.right);
	ascending(&p.left);
}

/* Lost: the peer never sees it, the sender is told that all is well. */
static void drops(void **state)
{
	struct fault_plan plan = {.seed = 3, .drop_out_one_in = 4};
	static struct pair p, again;

	pair_run(&p, &plan);
	assert_in_range(p.right.got_count, SENDS / 2, SENDS - 1);
	ascending(&p.right);
	for (unsigned i = 0; i < SENDS; i++)
		assert_int_equal(p.ops[i].err, 0);
	pair_run(&again, &plan);
	assert_int_equal(again.right.got_count, p.right.got_count);
	assert_memory_equal(again.right.got, p.right.got, sizeof(p.right.got));
	plan.seed = 4;
	pair_run(&again, &plan);
	assert_memory_not_equal(again.right.got, p.right.got, sizeof(p.right.got));
}

static void check_cut(struct pair *p, unsigned whole)
{
	assert_true(p->right.got_count <= whole); /* what was under way may be lost as well */
	for (unsigned i = whole; i < SENDS; i++)
		assert_int_equal(p->ops[i].err, -ECONNRESET);
	assert_int_equal(p->left.closed_err, -ECONNRESET);
	assert_int_equal(p->right.closed_err, -ECONNRESET);
}

static void cut_at_op(void **state)
{
	struct fault_plan plan = {.seed = 1, .cut_at_op = 21};
	static struct pair p;

	pair_run(&p, &plan);
	check_cut(&p, 20);
}

static void cut_at_byte(void **state)
{
	struct fault_plan plan = {.seed = 1,
				  .cut_at_byte = 81}; /* the 21st message, of four bytes */
	static struct pair p;

	pair_run(&p, &plan);
	check_cut(&p, 20);
}

static void cut_at_message(void **state)
{
	struct fault_plan plan = {.seed = 1, .cut_at_message = 10};
	static struct pair p;

	pair_run(&p, &plan);
	assert_int_equal(p.left.got_count, 9);
	assert_int_equal(p.left.closed_err, -ECONNRESET);
	assert_int_equal(p.right.closed_err, -ECONNRESET);
}

static void cut_after_op(void **state)
{
	struct fault_plan plan = {.seed = 1, .cut_after_op = 21};
	static struct pair p;

	pair_run(&p, &plan);
	for (unsigned i = 0; i < 21; i++)
		assert_int_equal(p.ops[i].err, 0);
	assert_int_equal(p.left.closed_err, -ECONNRESET);
	assert_int_equal(p.right.closed_err, -ECONNRESET);
}

static void cut_after_message(void **state)
{
	struct fault_plan plan = {.seed = 1, .cut_after_message = 10};
	static struct pair p;

	pair_run(&p, &plan);
	assert_int_equal(p.left.got_count, 10);
	assert_int_equal(p.left.closed_err, -ECONNRESET);
	assert_int_equal(p.right.closed_err, -ECONNRESET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_fault),     cmocka_unit_test(delays),
		cmocka_unit_test(drops),        cmocka_unit_test(cut_at_op),
		cmocka_unit_test(cut_at_byte),  cmocka_unit_test(cut_at_message),
		cmocka_unit_test(cut_after_op), cmocka_unit_test(cut_after_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
