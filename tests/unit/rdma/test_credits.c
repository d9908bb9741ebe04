/* SPDX-License-Identifier: Apache-2.0 */
/*
 * [MS-SMBD] 3.1.5.1, 3.1.5.9: credits both ways, with clients that give and take them by hand.
 * The cases of Microsoft's MS-SMBD suite have its names; what others got wrong is fact_N.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fake/direct_server.h"

/* One credit is asked for: two are granted, for a grant must not cost the credit it gives. */
static void BVT_SmbdCreditMgmt_OperationWithMinimumCredits(void **state)
{
	struct direct_server *s = *state;
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_negotiate_rsp rsp;
	struct direct_data header = {.credits_requested = 1, .credits_granted = 1, .len = 9}, out;
	struct direct_peer *p;
	unsigned credits;

	req.credits_requested = 1;
	direct_server_start(s);
	p = direct_peer_connect(&s->address, 4);
	assert_true(direct_peer_negotiate(p, &req, &rsp));
	credits = rsp.credits_granted;
	assert_int_equal(credits, 2);
	for (unsigned i = 0; i < 50; i++) {
		assert_true(credits > 0);
		credits--;
		header.credits_granted = i ? 1 : 2;
		assert_true(direct_peer_data_of(p, &header, "minimum c"));
		assert_true(direct_peer_next_payload(p, &out, &credits));
		assert_memory_equal(out.bytes, "minimum c", 9);
		while (credits == 0) { /* the grant that follows costs the server a credit */
			assert_true(direct_peer_next(p, &out));
			credits += out.credits_granted;
		}
	}
	direct_peer_close(p);
}

/* A few credits each way, and messages that need many times as many. */
static void SmbdCreditMgmt_OperationWithLimitedCredits(void **state)
{
	struct direct_server *s = *state;
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_negotiate_rsp rsp;
	struct direct_data header = {.credits_requested = 10}, out;
	struct direct_peer *p;
	unsigned credits, owed = 4; /* receives of ours that the server knows nothing of */
	uint32_t at = 0, got = 0;

	req.credits_requested = 10;
	direct_server_start(s);
	p = direct_peer_connect(&s->address, 5); /* one is for the answer */
	assert_true(direct_peer_negotiate(p, &req, &rsp));
	credits = rsp.credits_granted;
	assert_int_equal(credits, 10);
	owed++;
	while (got < 60000) {
		bool more = credits > 1 && at < 60000;

		if (more || owed > 1) {
			header.len = more ? (60000 - at < 1340 ? 60000 - at : 1340) : 0;
			header.remaining = more ? 60000 - at - header.len : 0;
			header.credits_granted = (uint16_t)owed;
			assert_true(direct_peer_data_of(p, &header, direct_server_pattern() + at));
			at += header.len;
			owed = 0;
			credits--;
			continue;
		}
		assert_true(direct_peer_next(p, &out));
		credits += out.credits_granted;
		assert_memory_equal(out.bytes, direct_server_pattern() + got, out.len);
		got += out.len;
		owed++;
	}
	direct_peer_close(p);
}

/* The server has no credit: what it has to say waits until there is one. */
static void SmbdCreditMgmt_ConsumeAllSendCredits(void **state)
{
	struct direct_server *s = *state;
	struct direct_data out;
	struct direct_peer *p;
	unsigned credits = 0;

	direct_server_start(s);
	p = direct_server_friend(s, 0);
	assert_true(direct_peer_data(p, 0, "waits", 5, 0));
	assert_true(echo_wait(&s->echo.messages, 1));
	assert_true(direct_peer_quiet(p, 50));
	assert_true(direct_peer_data(p, 5, NULL, 0, 0));
	assert_true(direct_peer_next_payload(p, &out, &credits));
	assert_memory_equal(out.bytes, "waits", 5);
	direct_peer_close(p);
}

static void SmbdCreditMgmt_ConsumeAllCreditServer_Timeout(void **state)
{
	struct direct_server *s = *state;
	struct direct_peer *p;

	s->config.stall_timeout_ms = 100;
	direct_server_start(s);
	p = direct_server_friend(s, 0);
	assert_true(direct_peer_data(p, 0, "waits", 5, 0));
	direct_server_dies(s, p, -ETIMEDOUT);
}

/* Fact 1: all that were granted can be used at once, by a peer that is not answered meanwhile. */
static void SmbdCreditMgmt_ConsumeAllReceiveCredits(void **state)
{
	struct direct_server *s = *state;
	struct fake_verbs_counts counts;
	struct direct_peer *p;

	s->echo.mute = true;
	direct_server_start(s);
	p = direct_server_friend(s, 0);
	for (unsigned i = 0; i < 31; i++)
		assert_true(direct_peer_data(p, 0, "x", 1, 0));
	assert_true(echo_wait(&s->echo.messages, 31));
	fake_verbs_counts(&counts);
	assert_int_equal(counts.rnr, 0);
	direct_peer_close(p);
}

/* A user that is slow to answer has the receives of what it holds: one is kept back, so that the
 * last credit is not caught between an early refill and the answers. */
static void fact_1_one_is_kept_back(void **state)
{
	struct direct_server *s = *state;
	struct direct_data out;
	struct direct_peer *p;
	unsigned credits = 0;

	s->echo.hold = 2;
	s->config.receive_credits = 4;
	direct_server_start(s);
	p = direct_server_friend(s, 0);
	assert_true(direct_peer_data(p, 2, "one", 3, 0));
	assert_true(direct_peer_quiet(p, 20));
	assert_true(direct_peer_data(p, 0, "two", 3, 0));
	for (unsigned i = 0; i < 2; i++)
		assert_true(direct_peer_next_payload(p, &out, &credits));
	assert_memory_equal(out.bytes, "two", 3);
	direct_peer_close(p);
}

/* Nor can it hold so many that none is left for credits: what is beyond half of them is copied. */
static void fact_1_messages_that_are_held(void **state)
{
	struct direct_server *s = *state;
	struct direct_data out;
	struct direct_peer *p;
	unsigned credits = 8;

	s->echo.hold = 16;
	s->config.receive_credits = 8;
	direct_server_start(s);
	p = direct_server_friend(s, 0);
	for (unsigned i = 0; i < 16; i++, credits--) {
		while (credits == 0) {
			assert_true(direct_peer_next(p, &out));
			credits += out.credits_granted;
		}
		assert_true(direct_peer_data(p, 2, "held", 4, 0));
	}
	for (unsigned i = 0; i < 16; i++)
		assert_true(direct_peer_next_payload(p, &out, &credits));
	direct_peer_close(p);
}

static void a_message_without_a_credit(void **state)
{
	struct direct_server *s = *state;
	struct direct_peer *p;

	s->echo.mute = true;
	s->config.receive_credits = 4;
	direct_server_start(s);
	p = direct_server_friend(s, 0); /* 4 */
	for (unsigned i = 0; i < 4; i++)
		assert_true(direct_peer_data(p, 0, "x", 1, 0));
	direct_peer_data(p, 0, "y", 1, 0);
	direct_server_dies(s, p, -EPROTO);
}

/* Fact 2: early refill, by a quarter. Each message of the peer is answered by nobody. */
static void fact_2_refill_by_a_quarter(void **state)
{
	struct direct_server *s = *state;
	struct direct_data out;
	struct direct_peer *p;

	s->echo.mute = true;
	s->config.receive_credits = 30;
	direct_server_start(s);
	p = direct_server_friend(s, 20); /* leaves 29 */
	for (unsigned i = 0; i < 5; i++)
		assert_true(direct_peer_data(p, 0, "x", 1, 0));
	assert_true(echo_wait(&s->echo.messages, 5));
	assert_true(direct_peer_quiet(p, 50)); /* 24 left: six lack */
	assert_true(direct_peer_data(p, 0, "x", 1, 0));
	assert_true(direct_peer_next(p, &out));
	assert_int_equal(out.len, 0);
	assert_int_equal(out.credits_granted, 7);
	assert_true(direct_peer_quiet(p, 50));
	direct_peer_close(p);
}

/* Fact 2: the last credit is spent only on a message that grants some. */
static void fact_2_last_credit(void **state)
{
	struct direct_server *s = *state;
	struct direct_data out;
	struct direct_peer *p;

	direct_server_start(s);
	p = direct_server_friend(s, 0);
	for (unsigned i = 0; i < 20; i++) {
		assert_true(direct_peer_data(p, 1, "last", 4, 0)); /* and no more than one */
		assert_true(direct_peer_next(p, &out));
		assert_true(out.credits_granted > 0);
		assert_int_equal(out.len, 4);
	}
	direct_peer_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIRECT_CASE(BVT_SmbdCreditMgmt_OperationWithMinimumCredits),
		DIRECT_CASE(SmbdCreditMgmt_OperationWithLimitedCredits),
		DIRECT_CASE(SmbdCreditMgmt_ConsumeAllSendCredits),
		DIRECT_CASE(SmbdCreditMgmt_ConsumeAllCreditServer_Timeout),
		DIRECT_CASE(SmbdCreditMgmt_ConsumeAllReceiveCredits),
		DIRECT_CASE(fact_1_one_is_kept_back),
		DIRECT_CASE(fact_1_messages_that_are_held),
		DIRECT_CASE(a_message_without_a_credit),
		DIRECT_CASE(fact_2_refill_by_a_quarter),
		DIRECT_CASE(fact_2_last_credit),
	};

	return cmocka_run_group_tests_name("rdma/credits", tests, NULL, NULL);
}
