/* SPDX-License-Identifier: Apache-2.0 */
/*
 * [MS-SMBD] 3.1.5.8, 3.1.6: messages in fragments and the idle connection, with clients, good and
 * bad, by hand.
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

#define ALONE 200u

static void BVT_SmbdDataTransfer_Basic_SendSmallBytesOfData(void **state)
{
	struct direct_peer *p;

	direct_server_start(*state);
	p = direct_server_friend(*state, 100);
	for (uint32_t n = 1; n < 140; n += 13)
		direct_server_echo(p, n, 1340);
	direct_peer_close(p);
}

static void BVT_SmbdDataTransfer_Basic_SendModerateBytesData(void **state)
{
	struct direct_peer *p;

	direct_server_start(*state);
	p = direct_server_friend(*state, 100);
	direct_server_echo(p, 65536, 1340);
	direct_peer_close(p);
}

static void SmbdDataTransfer_ReceiveMaxReceiveSize(void **state)
{
	struct direct_peer *p;

	direct_server_start(*state);
	p = direct_server_friend(*state, 100);
	direct_server_echo(p, 1340, 1340);
	direct_peer_close(p);
}

static void SmbdDataTransfer_SmallLengthSegment(void **state)
{
	struct direct_server *s = *state;
	struct direct_peer *p;

	s->echo.head_len = 64;
	direct_server_start(s);
	p = direct_server_friend(s, 100);
	direct_server_echo(p, 200, 1);
	direct_server_echo(p, 130, 63);
	direct_peer_close(p);
}

static void SmbdDataTransfer_VariableLengthSegment(void **state)
{
	struct direct_server *s = *state;
	struct direct_peer *p;

	s->echo.head_len = 112;
	direct_server_start(s);
	p = direct_server_friend(s, 100);
	for (uint32_t part = 7; part < 1340; part += 211)
		direct_server_echo(p, part * 11 + 3, part);
	direct_peer_close(p);
}

static void bad_data(struct direct_server *s, uint32_t len, uint32_t remaining, uint32_t offset,
		     uint32_t claimed)
{
	uint8_t message[2048] = {0};
	struct wr w = wr_init(message, sizeof(message));
	struct direct_peer *p;

	direct_server_start(s);
	p = direct_server_friend(s, 10);
	wr_u16(&w, 255);
	wr_u16(&w, 0);
	wr_u32(&w, 0);
	wr_u32(&w, remaining);
	wr_u32(&w, offset);
	wr_u32(&w, claimed);
	direct_peer_send(p, message, 24 + len);
	direct_server_dies(s, p, -EPROTO);
	assert_int_equal(atomic_load(&s->echo.messages), 0);
}

static void SmbdDataTransfer_NegativeParameter_AgainstMaxFragmentedSize(void **state)
{
	bad_data(*state, 100, (1u << 20) - 99, 24, 100);
}

static void SmbdDataTransfer_NegativeParameter_DataLength_AgainstMessageLength(void **state)
{
	bad_data(*state, 100, 0, 24, 101);
}

static void SmbdDataTransfer_NegativeParameter_DataOffset_Against8ByteAligned(void **state)
{
	bad_data(*state, 100, 0, 25, 10);
}

static void SmbdDataTransfer_NegativeParameter_DataOffset_AgainstMessageLength(void **state)
{
	bad_data(*state, 100, 0, 128, 1);
}

static void
SmbdDataTransfer_NegativeParameter_RemainingDataLength_AgainstMaxFragmentedSize(void **state)
{
	bad_data(*state, 100, 0xffffffffu, 24, 100);
}

/* A message longer than the receives: the device ends the connection. */
static void SmbdDataTransfer_NegativeParameter_DataLength_AgainstMaxReceiveSize(void **state)
{
	struct direct_server *s = *state;
	struct direct_peer *p;

	direct_server_start(s);
	p = direct_server_friend(s, 10);
	assert_false(direct_peer_data(p, 0, direct_server_pattern(), 1341, 0));
	direct_server_dies(s, p, -ECONNRESET);
}

static void second_fragment(struct direct_server *s, uint32_t len, uint32_t remaining)
{
	struct direct_peer *p;

	direct_server_start(s);
	p = direct_server_friend(s, 10);
	assert_true(direct_peer_data(p, 0, direct_server_pattern(), 500, 1000));
	direct_peer_data(p, 0, direct_server_pattern(), len, remaining);
	direct_server_dies(s, p, -EPROTO);
	assert_int_equal(atomic_load(&s->echo.messages), 0);
}

static void
SmbdDataTransfer_NegativeParameter_RemainingDataLength_AgainstFragmentReassemblyRemaining(
	void **state)
{
	second_fragment(*state, 500, 501);
}

static void SmbdDataTransfer_NegativeParameter_RemainingDataLength_Zero(void **state)
{
	second_fragment(*state, 500, 0);
}

static void SmbdDataTransfer_UncompletedMessage(void **state)
{
	struct direct_server *s = *state;
	struct direct_peer *p;

	direct_server_start(s);
	p = direct_server_friend(s, 10);
	direct_peer_send(p, direct_server_pattern(), 19);
	direct_server_dies(s, p, -EPROTO);
}

static void SmbdDataTransfer_Redundancy(void **state)
{
	struct direct_server *s = *state;
	uint8_t message[600] = {0};
	struct wr w = wr_init(message, sizeof(message));
	struct direct_data header = {.credits_requested = 9, .len = 5}, out;
	struct direct_peer *p;
	unsigned credits = 0;

	direct_server_start(s);
	p = direct_server_friend(s, 10);
	direct_data_encode(&w, &header);
	wr_bytes(&w, "hello", 5);
	assert_true(direct_peer_send(p, message, sizeof(message)));
	assert_true(direct_peer_next_payload(p, &out, &credits));
	assert_int_equal(out.len, 5);
	direct_peer_close(p);
}

/* Fact 3: an empty message in the middle of ours is none of the message. */
static void an_empty_message_between_fragments(void **state)
{
	struct direct_server *s = *state;
	struct direct_data out;
	struct direct_peer *p;
	unsigned credits = 0;

	direct_server_start(s);
	p = direct_server_friend(s, 10);
	assert_true(direct_peer_data(p, 0, "first ", 6, 4));
	assert_true(direct_peer_data(p, 3, NULL, 0, 0));
	assert_true(direct_peer_data(p, 0, "last", 4, 0));
	assert_true(direct_peer_next_payload(p, &out, &credits));
	assert_int_equal(out.len, 10);
	assert_memory_equal(out.bytes, "first last", 10);
	direct_peer_close(p);
}

/* Facts 33 */
static void SmbdDataTransfer_IdleConnection_Client(void **state)
{
	struct direct_server *s = *state;
	struct direct_data ask = {.credits_requested = 255,
				  .credits_granted = 5,
				  .flags = DIRECT_RESPONSE_REQUESTED},
			   out;
	struct direct_peer *p;

	direct_server_start(s);
	p = direct_server_friend(s, 0);
	for (unsigned i = 0; i < 5; i++) {
		assert_true(direct_peer_data_of(p, &ask, NULL));
		assert_true(direct_peer_next(p, &out));
		assert_int_equal(out.len, 0);
		assert_int_equal(out.flags, 0);
	}
	direct_peer_close(p);
}

static void SmbdDataTransfer_IdleConnection_Server(void **state)
{
	struct direct_server *s = *state;
	struct direct_data out;
	struct direct_peer *p;

	s->config.keepalive_ms = 50;
	direct_server_start(s);
	p = direct_server_friend(s, 5);
	for (unsigned i = 0; i < 4; i++) {
		assert_true(direct_peer_next(p, &out));
		assert_int_equal(out.len, 0);
		assert_int_equal(out.flags, DIRECT_RESPONSE_REQUESTED);
		assert_true(direct_peer_data(p, 1, NULL, 0, 0));
	}
	direct_peer_close(p);
}

static void SmbdDataTransfer_IdleConnection_Server_Timeout(void **state)
{
	struct direct_server *s = *state;
	struct direct_peer *p;

	s->config.keepalive_ms = 50;
	s->config.keepalive_timeout_ms = 50;
	direct_server_start(s);
	p = direct_server_friend(s, 5);
	direct_server_dies(s, p, -ETIMEDOUT);
}

/* Fact 3: while a message is under way, a keepalive is answered by its next fragment. */
static void fact_3_fragments_are_contiguous(void **state)
{
	struct direct_server *s = *state;
	struct direct_data ask = {.credits_requested = 255,
				  .credits_granted = 2,
				  .flags = DIRECT_RESPONSE_REQUESTED},
			   out;
	struct direct_peer *p;
	uint32_t left = 6000;
	unsigned credits = 0;

	direct_server_start(s);
	p = direct_server_friend(s, 2);
	for (uint32_t at = 0; at < 6000; at += 1000)
		assert_true(direct_peer_data(p, 0, direct_server_pattern() + at, 1000, 5000 - at));
	assert_true(direct_peer_next_payload(p, &out, &credits));
	assert_int_equal(out.remaining, left - out.len);
	left = out.remaining;
	while (left) { /* it has no credits but these */
		assert_true(direct_peer_data_of(p, &ask, NULL));
		for (unsigned i = 0; i < 2 && left; i++) {
			assert_true(direct_peer_next(p, &out));
			assert_true(out.len > 0);
			assert_int_equal(out.remaining, left - out.len);
			left = out.remaining;
		}
	}
	direct_peer_close(p);
}

/* Fact 5: the first receive may complete before the connection is told to be established. */
static void fact_5_receive_before_established(void **state)
{
	struct direct_server *s = *state;
	struct direct_peer *p;

	s->fabric.late_established = true;
	direct_server_start(s);
	p = direct_server_friend(s, 10);
	direct_server_echo(p, 5000, 1340);
	direct_peer_close(p);
}

/* Likewise before our own answer to the negotiation is known to have arrived. */
static void fact_5_receive_before_the_answer_completes(void **state)
{
	struct direct_server *s = *state;
	struct direct_data out;
	struct direct_peer *p;
	unsigned credits = 0;

	s->fabric.late_sends = true;
	direct_server_start(s);
	p = direct_server_friend(s, 0);
	assert_true(direct_peer_data(p, 10, "first", 5, 0));
	assert_true(direct_peer_next_payload(p, &out, &credits));
	assert_memory_equal(out.bytes, "first", 5);
	direct_peer_close(p);
}

/* Fact 26: no message is longer than what both said. */
static void fact_26_small_receives(void **state)
{
	struct direct_server *s = *state;
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_negotiate_rsp rsp;
	struct direct_data out;
	struct direct_peer *p;
	uint32_t left = 1000;
	unsigned credits = 0;

	req.max_receive_size = 128;
	direct_server_start(s);
	p = direct_peer_connect(&s->address, 255);
	assert_true(direct_peer_negotiate(p, &req, &rsp));
	assert_int_equal(rsp.preferred_send_size, 128);
	assert_true(direct_peer_data(p, 50, direct_server_pattern(), 1000, 0));
	for (; left; left -= out.len) {
		assert_true(direct_peer_next_payload(p, &out, &credits));
		assert_in_range(out.len, 1, 104);
	}
	direct_peer_close(p);
}

/* A request that comes alone wakes the server once: that its answer has arrived wakes nobody, and
 * is found all the same. The peer polls. */
static void an_answer_that_arrived_wakes_nobody(void **state)
{
	struct direct_server *s = *state;
	struct fake_verbs_counts before, after;
	struct direct_peer *p;

	direct_server_start(s);
	p = direct_server_friend(s, 100);
	direct_server_echo(p, 100, 1340);
	fake_verbs_counts(&before);
	for (unsigned i = 0; i < ALONE; i++)
		direct_server_echo(p, 100, 1340);
	fake_verbs_counts(&after);
	assert_in_range(after.wakes - before.wakes, 1, ALONE + 2);
	assert_true(echo_wait(&s->echo.done, ALONE + 1));
	direct_peer_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIRECT_CASE(BVT_SmbdDataTransfer_Basic_SendSmallBytesOfData),
		DIRECT_CASE(BVT_SmbdDataTransfer_Basic_SendModerateBytesData),
		DIRECT_CASE(SmbdDataTransfer_ReceiveMaxReceiveSize),
		DIRECT_CASE(SmbdDataTransfer_SmallLengthSegment),
		DIRECT_CASE(SmbdDataTransfer_VariableLengthSegment),
		DIRECT_CASE(SmbdDataTransfer_NegativeParameter_AgainstMaxFragmentedSize),
		DIRECT_CASE(SmbdDataTransfer_NegativeParameter_DataLength_AgainstMessageLength),
		DIRECT_CASE(SmbdDataTransfer_NegativeParameter_DataOffset_Against8ByteAligned),
		DIRECT_CASE(SmbdDataTransfer_NegativeParameter_DataOffset_AgainstMessageLength),
		DIRECT_CASE(
			SmbdDataTransfer_NegativeParameter_RemainingDataLength_AgainstMaxFragmentedSize),
		DIRECT_CASE(SmbdDataTransfer_NegativeParameter_DataLength_AgainstMaxReceiveSize),
		DIRECT_CASE(
			SmbdDataTransfer_NegativeParameter_RemainingDataLength_AgainstFragmentReassemblyRemaining),
		DIRECT_CASE(SmbdDataTransfer_NegativeParameter_RemainingDataLength_Zero),
		DIRECT_CASE(SmbdDataTransfer_UncompletedMessage),
		DIRECT_CASE(SmbdDataTransfer_Redundancy),
		DIRECT_CASE(an_empty_message_between_fragments),
		DIRECT_CASE(SmbdDataTransfer_IdleConnection_Client),
		DIRECT_CASE(SmbdDataTransfer_IdleConnection_Server),
		DIRECT_CASE(SmbdDataTransfer_IdleConnection_Server_Timeout),
		DIRECT_CASE(fact_3_fragments_are_contiguous),
		DIRECT_CASE(fact_5_receive_before_established),
		DIRECT_CASE(fact_5_receive_before_the_answer_completes),
		DIRECT_CASE(fact_26_small_receives),
		DIRECT_CASE(an_answer_that_arrived_wakes_nobody),
	};

	return cmocka_run_group_tests_name("rdma/transfer", tests, NULL, NULL);
}
