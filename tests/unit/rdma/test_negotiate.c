/* SPDX-License-Identifier: Apache-2.0 */
/*
 * [MS-SMBD] 3.1.5.6: how the server answers negotiations, good and bad, made by hand.
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

static void BVT_SmbdNegotiate_Basic(void **state)
{
	struct direct_server *s = *state;
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_negotiate_rsp rsp;
	struct direct_peer *p;

	direct_server_start(s);
	p = direct_peer_connect(&s->address, 255);
	assert_true(direct_peer_negotiate(p, &req, &rsp));
	assert_int_equal(rsp.min_version, 0x100);
	assert_int_equal(rsp.max_version, 0x100);
	assert_int_equal(rsp.negotiated_version, 0x100);
	assert_int_equal(rsp.credits_requested, 255);
	assert_int_equal(rsp.credits_granted, 31); /* at first: test_credits.c */
	assert_int_equal(rsp.max_readwrite_size, 8u << 20);
	assert_int_equal(rsp.preferred_send_size, 8192); /* what it said it takes */
	assert_int_equal(rsp.max_receive_size, 1364);
	assert_int_equal(rsp.max_fragmented_size, 1u << 20);
	assert_true(echo_wait(&s->echo.accepted, 1));
	direct_server_echo(p, 100, 1000);
	direct_peer_close(p);
}

static void SmbdNegotiate_DisconnectAfterNegotiate(void **state)
{
	struct direct_server *s = *state;

	direct_server_start(s);
	direct_peer_close(direct_server_friend(s, 0));
	assert_true(echo_wait(&s->echo.accepted, 1));
	assert_true(echo_wait(&s->echo.closed, 1));
	assert_int_equal(atomic_load(&s->echo.last_err), -ECONNRESET);
}

/* No answer, the end, and the user hears nothing of it. */
static void refused(struct direct_server *s, const struct direct_negotiate_req *req)
{
	struct direct_negotiate_rsp rsp;
	struct direct_listener_stats stats;
	struct direct_peer *p;

	direct_server_start(s);
	p = direct_peer_connect(&s->address, 255);
	assert_false(direct_peer_negotiate(p, req, &rsp));
	assert_true(direct_peer_gone(p));
	direct_peer_close(p);
	for (unsigned i = 0; i < 1000; i++) {
		direct_listener_stats(s->listener, &stats);
		if (stats.failed)
			break;
		usleep(1000);
	}
	assert_int_equal(stats.failed, 1);
	assert_int_equal(atomic_load(&s->echo.accepted), 0);
}

static void SmbdNegotiate_NegativeParameter_CreditsRequested(void **state)
{
	struct direct_negotiate_req req = direct_peer_request();

	req.credits_requested = 0;
	refused(*state, &req);
}

static void SmbdNegotiate_NegativeParameter_MaxReceiveSize(void **state)
{
	struct direct_negotiate_req req = direct_peer_request();

	req.max_receive_size = 127;
	refused(*state, &req);
}

static void SmbdNegotiate_NegativeParameter_MaxFragmentedSize(void **state)
{
	struct direct_negotiate_req req = direct_peer_request();

	req.max_fragmented_size = 131071;
	refused(*state, &req);
}

static void SmbdNegotiate_UncompletedMessage(void **state)
{
	struct direct_server *s = *state;
	struct direct_peer *p;

	direct_server_start(s);
	p = direct_peer_connect(&s->address, 255);
	direct_peer_send(p, "\x00\x01\x00\x01\0\0\xff\0\0\x04\0\0\0\x04\0\0\0\0\x02", 19);
	assert_true(direct_peer_gone(p));
	direct_peer_close(p);
	assert_int_equal(atomic_load(&s->echo.accepted), 0);
}

/* More bytes than the message has are ignored. */
static void SmbdNegotiate_Redundancy(void **state)
{
	struct direct_server *s = *state;
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_negotiate_rsp rsp;
	uint8_t bytes[512] = {0}, answer[512];
	struct wr w = wr_init(bytes, sizeof(bytes));
	struct direct_peer *p;
	struct rd r;
	int len;

	direct_server_start(s);
	p = direct_peer_connect(&s->address, 255);
	direct_negotiate_req_encode(&w, &req);
	assert_true(direct_peer_send(p, bytes, sizeof(bytes)));
	len = direct_peer_receive(p, answer, sizeof(answer));
	assert_int_equal(len, 32);
	r = rd_init(answer, 32);
	assert_int_equal(direct_negotiate_rsp_decode(&r, &rsp), 0);
	assert_int_equal(rsp.status, 0);
	direct_peer_close(p);
}

/* 3.1.6.1: a request that comes late, but in time. */
static void SmbdNegotiate_NegotiationTimer(void **state)
{
	struct direct_server *s = *state;
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_negotiate_rsp rsp;
	struct direct_peer *p;

	s->config.negotiate_timeout_ms = 60000;
	direct_server_start(s);
	p = direct_peer_connect(&s->address, 255);
	assert_true(direct_peer_quiet(p, 100));
	assert_true(direct_peer_negotiate(p, &req, &rsp));
	assert_int_equal(rsp.status, 0);
	direct_server_echo(p, 100, 1000);
	direct_peer_close(p);
}

/* What the Linux client sends, and what it wants to see in the answer. */
static void fact_26_linux_client(void **state)
{
	struct direct_server *s = *state;
	struct direct_negotiate_req req = {.min_version = 0x100,
					   .max_version = 0x100,
					   .credits_requested = 255,
					   .preferred_send_size = 1364,
					   .max_receive_size = 1364,
					   .max_fragmented_size = 173910};
	struct direct_negotiate_rsp rsp;
	struct direct_peer *p;

	direct_server_start(s);
	p = direct_peer_connect(&s->address, 255);
	assert_true(direct_peer_negotiate(p, &req, &rsp));
	assert_int_not_equal(rsp.credits_granted, 0);
	assert_int_not_equal(rsp.credits_requested, 0);
	assert_in_range(rsp.preferred_send_size, 128, 1364);
	assert_in_range(rsp.max_receive_size, 128, 1364);
	assert_true(rsp.max_fragmented_size >= 131072);
	assert_int_not_equal(rsp.max_readwrite_size, 0); /* fact 30 */
	direct_server_echo(p, 5000, 1340);
	direct_peer_close(p);
}

static void SmbdNegotiate_NegotiationTimer_Timeout(void **state)
{
	struct direct_server *s = *state;
	struct direct_peer *p;

	s->config.negotiate_timeout_ms = 100;
	direct_server_start(s);
	p = direct_peer_connect(&s->address, 255);
	assert_true(direct_peer_gone(p));
	direct_peer_close(p);
	assert_int_equal(atomic_load(&s->echo.accepted), 0);
}

static void preferred(struct direct_server *s, uint32_t send, uint32_t want)
{
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_negotiate_rsp rsp;
	struct direct_peer *p;

	req.preferred_send_size = send;
	direct_server_start(s);
	p = direct_peer_connect(&s->address, 255);
	assert_true(direct_peer_negotiate(p, &req, &rsp));
	assert_int_equal(rsp.status, 0);
	assert_int_equal(rsp.max_receive_size, want);
	direct_server_echo(p, 100, want - 24);
	direct_peer_close(p);
}

static void SmbdNegotiate_PreferredSendSizeLessThan128(void **state)
{
	preferred(*state, 127, 128);
}

static void SmbdNegotiate_PreferredSendSizeWithZero(void **state)
{
	preferred(*state, 0, 128);
}

static void SmbdNegotiate_PreferredSendSizeMaxValue(void **state)
{
	preferred(*state, 0xffffffffu, 1364);
}

static void version(struct direct_server *s, uint16_t min, uint16_t max, uint32_t status)
{
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_negotiate_rsp rsp;
	struct direct_peer *p;

	req.min_version = min;
	req.max_version = max;
	direct_server_start(s);
	p = direct_peer_connect(&s->address, 255);
	assert_true(direct_peer_negotiate(p, &req, &rsp));
	assert_int_equal(rsp.status, status);
	assert_int_equal(rsp.min_version, 0x100);
	assert_int_equal(rsp.max_version, 0x100);
	if (status) {
		assert_int_equal(rsp.credits_granted, 0);
		assert_true(direct_peer_gone(p));
	}
	direct_peer_close(p);
}

static void SmbdNegotiate_VersionRangeCover0x0100_EqualMaxVersion(void **state)
{
	version(*state, 0x80, 0x100, 0);
}

static void SmbdNegotiate_VersionRangeCover0x0100_EqualMinVersion(void **state)
{
	version(*state, 0x100, 0x200, 0);
}

static void SmbdNegotiate_VersionRangeCover0x0100_EqualMinVersionAndMaxVersion(void **state)
{
	version(*state, 0x100, 0x100, 0);
}

static void SmbdNegotiate_VersionRangeCover0x0100_InMiddle(void **state)
{
	version(*state, 0x80, 0x200, 0);
}

static void SmbdNegotiate_VersionRangeNotCover0x0100_LargerThanMaxVersion(void **state)
{
	version(*state, 0x10, 0x80, DIRECT_STATUS_NOT_SUPPORTED);
}

static void SmbdNegotiate_VersionRangeNotCover0x0100_LessThanMinVersion(void **state)
{
	version(*state, 0x101, 0x200, DIRECT_STATUS_NOT_SUPPORTED);
}

static void the_user_refuses(void **state)
{
	struct direct_server *s = *state;
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_negotiate_rsp rsp;
	struct direct_peer *p;

	atomic_store(&s->echo.refuse, -EPERM);
	direct_server_start(s);
	p = direct_peer_connect(&s->address, 255);
	assert_true(direct_peer_negotiate(p, &req, &rsp));
	assert_true(direct_peer_gone(p));
	direct_peer_close(p);
	assert_int_equal(atomic_load(&s->echo.closed), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIRECT_CASE(BVT_SmbdNegotiate_Basic),
		DIRECT_CASE(SmbdNegotiate_DisconnectAfterNegotiate),
		DIRECT_CASE(SmbdNegotiate_NegativeParameter_CreditsRequested),
		DIRECT_CASE(SmbdNegotiate_NegativeParameter_MaxReceiveSize),
		DIRECT_CASE(SmbdNegotiate_NegativeParameter_MaxFragmentedSize),
		DIRECT_CASE(SmbdNegotiate_UncompletedMessage),
		DIRECT_CASE(SmbdNegotiate_Redundancy),
		DIRECT_CASE(SmbdNegotiate_NegotiationTimer),
		DIRECT_CASE(SmbdNegotiate_NegotiationTimer_Timeout),
		DIRECT_CASE(fact_26_linux_client),
		DIRECT_CASE(SmbdNegotiate_PreferredSendSizeLessThan128),
		DIRECT_CASE(SmbdNegotiate_PreferredSendSizeWithZero),
		DIRECT_CASE(SmbdNegotiate_PreferredSendSizeMaxValue),
		DIRECT_CASE(SmbdNegotiate_VersionRangeCover0x0100_EqualMaxVersion),
		DIRECT_CASE(SmbdNegotiate_VersionRangeCover0x0100_EqualMinVersion),
		DIRECT_CASE(SmbdNegotiate_VersionRangeCover0x0100_EqualMinVersionAndMaxVersion),
		DIRECT_CASE(SmbdNegotiate_VersionRangeCover0x0100_InMiddle),
		DIRECT_CASE(SmbdNegotiate_VersionRangeNotCover0x0100_LargerThanMaxVersion),
		DIRECT_CASE(SmbdNegotiate_VersionRangeNotCover0x0100_LessThanMinVersion),
		DIRECT_CASE(the_user_refuses),
	};

	return cmocka_run_group_tests_name("rdma/negotiate", tests, NULL, NULL);
}
