/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel is cut at every message boundary of a bind and of the writes after it, either way, with
 * and without delays; the client goes on over the other one and sends again what was not answered,
 * as [MS-SMB2] 3.2.4.1.8 and 3.3.5.2.10 have it. Every acknowledged write is there, none comes late
 * over a newer one, and the client never sees an error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "smbd/crypto/sign.h"
#include "tests/fake/world.h"
#include "tests/unit/smbd/session/cuts.h"

#define WRITES 4 /* in flight on the channel that is cut */
#define BLOCK  512

#define HEADER_OFFSET_CHANNEL_SEQUENCE 8

static struct world *world;
static struct msg msg;
static struct reply reply;

#define assert_status(got, wanted) assert_string_equal(nt_status_name(got), nt_status_name(wanted))

static int setup(void **state)
{
	world = world_create(&(struct world_config){.reactors = 2, .acceptor = cuts_acceptor});
	return 0;
}

static int teardown(void **state)
{
	world_destroy(world);
	return 0;
}

/* ---- the client ---- */

struct client {
	struct peer stays, goes;
	struct smb2_file_id file;
	uint16_t sequence;
	bool bound;
	uint64_t message_ids[WRITES]; /* on the one that goes */
	bool acknowledged[WRITES];
};

static void put_block(struct client *c, struct peer *p, unsigned block, uint8_t fill, bool replay)
{
	uint8_t data[BLOCK];

	memset(data, fill, sizeof(data));
	msg_begin(p, &msg, SMB2_WRITE);
	put_write(&msg, c->file, (uint64_t)block * BLOCK, data, BLOCK);
	msg_set_u16(&msg, HEADER_OFFSET_CHANNEL_SEQUENCE, c->sequence);
	if (replay)
		msg_set_u32(&msg, SMB2_HEADER_OFFSET_FLAGS, SMB2_FLAGS_REPLAY_OPERATION);
}

static void bind_it(struct client *c)
{
	peer_connect(world, &c->goes);
	c->goes.may_be_cut = true;
	if (!nt_success(peer_try_negotiate(&c->goes, SMB2_DIALECT_311)))
		return;
	c->bound = nt_success(peer_try_bind(&c->goes, &c->stays, world_user(), WORLD_PASSWORD));
}

/* All at once, then the answers, as far as they come. */
static void write_over_it(struct client *c)
{
	for (unsigned i = 0; i < WRITES; i++) {
		put_block(c, &c->goes, i, (uint8_t)('A' + i), false);
		c->message_ids[i] = c->goes.message_id - 1;
		msg_send(&c->goes, &msg);
	}
	for (unsigned n = 0; n < WRITES;) {
		reply_recv(&c->goes, &reply);
		if (!reply.len)
			return;
		if (nt_equal(reply.header.status, STATUS_PENDING))
			continue;
		assert_status(reply.header.status, STATUS_SUCCESS);
		for (unsigned i = 0; i < WRITES; i++)
			if (c->message_ids[i] == reply.header.message_id)
				c->acknowledged[i] = true;
		n++;
	}
}

/* 3.2.5.1.8: until what may still be under way is over. */
static void replay(struct client *c, unsigned block)
{
	struct nt_status status;
	unsigned tries = 0;

	do {
		put_block(c, &c->stays, block, (uint8_t)('A' + block), true);
		status = peer_finish(&c->stays, &msg, &reply);
		if (nt_equal(status, STATUS_FILE_NOT_AVAILABLE))
			usleep(1000);
	} while (nt_equal(status, STATUS_FILE_NOT_AVAILABLE) && ++tries < 10000);
	assert_status(status, STATUS_SUCCESS);
}

static void expect_blocks(struct client *c, unsigned first, const char *fills)
{
	for (unsigned i = 0; fills[i]; i++) {
		msg_begin(&c->stays, &msg, SMB2_READ);
		put_read(&msg, c->file, (uint64_t)(first + i) * BLOCK, BLOCK);
		assert_status(peer_finish(&c->stays, &msg, &reply), STATUS_SUCCESS);
		assert_int_equal(reply.len, 80 + BLOCK);
		for (unsigned at = 0; at < BLOCK; at++)
			assert_int_equal(reply.bytes[80 + at], fills[i]);
	}
}

static void fail_over(struct client *c)
{
	c->sequence++;
	for (unsigned i = 0; i < WRITES; i++)
		if (!c->acknowledged[i])
			replay(c, i);
	/* something newer, which nothing may come late over */
	put_block(c, &c->stays, 0, 'n', false);
	assert_status(peer_finish(&c->stays, &msg, &reply), STATUS_SUCCESS);
}

/* True: the plan was not met, the channel lived to the end. */
static bool round_of(const struct fault_plan *plan)
{
	struct client c = {.bound = false};
	bool whole;

	cuts_plan(NULL);
	peer_start(world, &c.stays, SMB2_DIALECT_311);
	assert_status(peer_create(&c.stays, "cuts.bin", &c.file), STATUS_SUCCESS);
	for (unsigned i = 0; i < WRITES; i++) {
		put_block(&c, &c.stays, i, '0', false);
		assert_status(peer_finish(&c.stays, &msg, &reply), STATUS_SUCCESS);
	}

	cuts_plan(plan);
	bind_it(&c);
	if (c.bound)
		write_over_it(&c);
	whole = c.bound && nt_success(peer_echo(&c.goes));
	if (c.bound)
		fail_over(&c);
	peer_close(&c.goes);
	expect_blocks(&c, 0, c.bound ? "nBCD" : "0000");
	assert_status(peer_close_file(&c.stays, c.file), STATUS_SUCCESS);
	peer_close(&c.stays);
	world_wait_counts(world, 0, 0, 0);
	return whole;
}

static void cut_everywhere(enum cuts_where where, unsigned delay_us)
{
	/* NEGOTIATE, two legs, and the writes */
	cuts_everywhere(where, delay_us, 3 + WRITES, round_of);
}

static void test_cut_at_every_message_in(void **state)
{
	cut_everywhere(CUTS_BEFORE_IN, 0);
	cut_everywhere(CUTS_AFTER_IN, 0);
}

static void test_cut_at_every_message_out(void **state)
{
	cut_everywhere(CUTS_BEFORE_OUT, 0);
	cut_everywhere(CUTS_AFTER_OUT, 0);
}

static void test_cut_everywhere_with_delays(void **state)
{
	for (enum cuts_where where = CUTS_BEFORE_IN; where < CUTS_WHERE; where++)
		cut_everywhere(where, 2000);
}

/* Cut by the bytes: inside a turn's answers, whichever they are. */
static void test_cut_at_random_bytes(void **state)
{
	struct fault_plan plan = {.delay_in_us = 500};
	uint32_t random = 1;

	for (unsigned i = 0; i < 40; i++) {
		random = random * 1664525 + 1013904223;
		plan.seed = i + 1;
		plan.cut_at_byte = 1 + (random >> 8) % 1500;
		(void)round_of(&plan);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_at_every_message_in),
		cmocka_unit_test(test_cut_at_every_message_out),
		cmocka_unit_test(test_cut_everywhere_with_delays),
		cmocka_unit_test(test_cut_at_random_bytes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
