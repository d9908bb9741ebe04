/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server does to clients, good and bad, that speak SMB Direct by hand. The cases of
 * Microsoft's MS-SMBD suite have its names; facts of docs that others got wrong are fact_N.
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

#include "rdma/listener.h"
#include "tests/fake/direct_peer.h"
#include "tests/fake/echo.h"
#include "tests/fake/verbs.h"
#include "transport/reactor/reactor.h"

struct server {
	struct fake_verbs_config fabric;
	struct direct_config config;
	struct direct_devices *devices;
	struct reactor *reactor;
	struct buf_pool *pool;
	struct echo echo;
	struct direct_listener *listener;
	struct sockaddr_storage address;
	bool many; /* listens on all of: RoCE, iWARP, RoCE by IPv6, no device */
	struct sockaddr_storage addresses[4];
};

static int prepare(void **state)
{
	struct server *s = calloc(1, sizeof(*s));

	echo_init(&s->echo);
	direct_config_default(&s->config);
	s->config.close_timeout_ms = 200;
	*state = s;
	return 0;
}

static void many_addresses(struct server *s)
{
	static const uint32_t hosts[] = {INADDR_LOOPBACK, INADDR_LOOPBACK + 1, 0, 0x0a000001};

	for (unsigned i = 0; i < 4; i++) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)&s->addresses[i];

		v4->sin_family = AF_INET;
		v4->sin_addr.s_addr = htonl(hosts[i]);
	}
	*(struct sockaddr_in6 *)&s->addresses[2] =
		(struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
}

static void start(struct server *s)
{
	struct reactor_config rc = {.name = "server", .cpu = -1};
	struct direct_devices_config dc;
	struct buf_pool_config pc = {.bytes = 32u << 20, .region_bytes = 16u << 20};
	struct sockaddr_in v4 = {.sin_family = AF_INET,
				 .sin_port = htons(DIRECT_PORT),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct direct_listener_config config = {.addresses = &s->address,
						.address_count = 1,
						.reactors = &s->reactor,
						.reactor_count = 1,
						.acceptor = &s->echo.acceptor,
						.channel = s->config};

	fake_verbs_start(&s->fabric);
	memset(&dc, 0, sizeof(dc));
	dc.verbs = &verbs_fake;
	memcpy(&s->address, &v4, sizeof(v4));
	if (s->many) {
		many_addresses(s);
		config.addresses = s->addresses;
		config.address_count = 4;
	}
	s->devices = config.devices = direct_devices_create(&dc);
	pc.region_added = direct_devices_region_added;
	pc.user = s->devices;
	s->reactor = reactor_create(&rc);
	s->pool = config.pool = buf_pool_create(&pc);
	assert_int_equal(direct_listener_create(&config, &s->listener), 0);
	assert_int_equal(reactor_start(s->reactor), 0);
}

/* Every client is gone. Nothing may be left: of queues and regions the fabric knows, of buffers the
 * pool. */
static int finish(void **state)
{
	struct server *s = *state;
	struct direct_listener_stats stats = {.channels = 1};
	struct buf_pool_stats bufs;

	if (!s->listener) {
		free(s);
		return 0;
	}
	for (unsigned i = 0; i < 5000 && stats.channels; i++) {
		direct_listener_stats(s->listener, &stats);
		usleep(2000);
	}
	if (stats.channels)
		return -1;
	direct_listener_stop(s->listener);
	reactor_stop(s->reactor);
	direct_listener_destroy(s->listener);
	direct_devices_destroy(s->devices);
	buf_pool_stats(s->pool, &bufs);
	if (bufs.bufs_out)
		return -1;
	buf_pool_destroy(s->pool);
	reactor_destroy(s->reactor);
	fake_verbs_stop();
	free(s);
	return 0;
}

/* Connected, negotiated, and with `granted` credits given to the server by an empty message. */
static struct direct_peer *friend(struct server *s, uint16_t granted)
{
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_negotiate_rsp rsp;
	struct direct_peer *p = direct_peer_connect(&s->address, 255);

	assert_true(direct_peer_negotiate(p, &req, &rsp));
	assert_int_equal(rsp.status, 0);
	if (granted)
		assert_true(direct_peer_data(p, granted, NULL, 0, 0));
	return p;
}

static const uint8_t *pattern(void)
{
	static uint8_t bytes[1u << 20];

	for (size_t i = 0; !bytes[1] && i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + (i >> 8));
	return bytes;
}

/* Sends a message of len bytes in fragments of at most `part`, and takes the echo. */
static void echo_once(struct direct_peer *p, uint32_t len, uint32_t part)
{
	const uint8_t *bytes = pattern();
	struct direct_data out;
	unsigned credits = 0;
	uint32_t at = 0;

	while (at < len) {
		uint32_t n = len - at < part ? len - at : part;

		assert_true(direct_peer_data(p, at ? 0 : 10, bytes + at, n, len - at - n));
		at += n;
	}
	for (at = 0; at < len; at += out.len) {
		assert_true(direct_peer_next_payload(p, &out, &credits));
		assert_int_equal(out.remaining, len - at - out.len);
		assert_memory_equal(out.bytes, bytes + at, out.len);
	}
}

/* The server ends the connection because of the message; err is what its user is told. */
static void dies(struct server *s, struct direct_peer *p, int err)
{
	assert_true(direct_peer_gone(p));
	direct_peer_close(p);
	assert_true(echo_wait(&s->echo.closed, 1));
	assert_int_equal(atomic_load(&s->echo.last_err), err);
}

/* ---- SmbdNegotiate ---- */

static void BVT_SmbdNegotiate_Basic(void **state)
{
	struct server *s = *state;
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_negotiate_rsp rsp;
	struct direct_peer *p;

	start(s);
	p = direct_peer_connect(&s->address, 255);
	assert_true(direct_peer_negotiate(p, &req, &rsp));
	assert_int_equal(rsp.min_version, 0x100);
	assert_int_equal(rsp.max_version, 0x100);
	assert_int_equal(rsp.negotiated_version, 0x100);
	assert_int_equal(rsp.credits_requested, 255);
	assert_int_equal(rsp.credits_granted, 255);
	assert_int_equal(rsp.max_readwrite_size, 8u << 20);
	assert_int_equal(rsp.preferred_send_size, 1364);
	assert_int_equal(rsp.max_receive_size, 1364);
	assert_int_equal(rsp.max_fragmented_size, 1u << 20);
	assert_true(echo_wait(&s->echo.accepted, 1));
	echo_once(p, 100, 1000);
	direct_peer_close(p);
}

static void SmbdNegotiate_DisconnectAfterNegotiate(void **state)
{
	struct server *s = *state;

	start(s);
	direct_peer_close(friend(s, 0));
	assert_true(echo_wait(&s->echo.accepted, 1));
	assert_true(echo_wait(&s->echo.closed, 1));
	assert_int_equal(atomic_load(&s->echo.last_err), -ECONNRESET);
}

/* No answer, the end, and the user hears nothing of it. */
static void refused(struct server *s, const struct direct_negotiate_req *req)
{
	struct direct_negotiate_rsp rsp;
	struct direct_listener_stats stats;
	struct direct_peer *p;

	start(s);
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
	struct server *s = *state;
	struct direct_peer *p;

	start(s);
	p = direct_peer_connect(&s->address, 255);
	direct_peer_send(p, "\x00\x01\x00\x01\0\0\xff\0\0\x04\0\0\0\x04\0\0\0\0\x02", 19);
	assert_true(direct_peer_gone(p));
	direct_peer_close(p);
	assert_int_equal(atomic_load(&s->echo.accepted), 0);
}

/* More bytes than the message has are ignored. */
static void SmbdNegotiate_Redundancy(void **state)
{
	struct server *s = *state;
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_negotiate_rsp rsp;
	uint8_t bytes[512] = {0}, answer[512];
	struct wr w = wr_init(bytes, sizeof(bytes));
	struct direct_peer *p;
	struct rd r;
	int len;

	start(s);
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

static void SmbdNegotiate_NegotiationTimer_Timeout(void **state)
{
	struct server *s = *state;
	struct direct_peer *p;

	s->config.negotiate_timeout_ms = 100;
	start(s);
	p = direct_peer_connect(&s->address, 255);
	assert_true(direct_peer_gone(p));
	direct_peer_close(p);
	assert_int_equal(atomic_load(&s->echo.accepted), 0);
}

static void preferred(struct server *s, uint32_t send, uint32_t want)
{
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_negotiate_rsp rsp;
	struct direct_peer *p;

	req.preferred_send_size = send;
	start(s);
	p = direct_peer_connect(&s->address, 255);
	assert_true(direct_peer_negotiate(p, &req, &rsp));
	assert_int_equal(rsp.status, 0);
	assert_int_equal(rsp.max_receive_size, want);
	echo_once(p, 100, want - 24);
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

static void version(struct server *s, uint16_t min, uint16_t max, uint32_t status)
{
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_negotiate_rsp rsp;
	struct direct_peer *p;

	req.min_version = min;
	req.max_version = max;
	start(s);
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

/* ---- SmbdCreditManagement ---- */

/* One credit is asked for: two are granted, for a grant must not cost the credit it gives. */
static void BVT_SmbdCreditMgmt_OperationWithMinimumCredits(void **state)
{
	struct server *s = *state;
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_negotiate_rsp rsp;
	struct direct_data header = {.credits_requested = 1, .credits_granted = 1, .len = 9}, out;
	struct direct_peer *p;
	unsigned credits;

	req.credits_requested = 1;
	start(s);
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

/* The server has no credit: what it has to say waits until there is one. */
static void SmbdCreditMgmt_ConsumeAllSendCredits(void **state)
{
	struct server *s = *state;
	struct direct_data out;
	struct direct_peer *p;
	unsigned credits = 0;

	start(s);
	p = friend(s, 0);
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
	struct server *s = *state;
	struct direct_peer *p;

	s->config.stall_timeout_ms = 100;
	start(s);
	p = friend(s, 0);
	assert_true(direct_peer_data(p, 0, "waits", 5, 0));
	dies(s, p, -ETIMEDOUT);
}

/* Fact 1: all that were granted can be used at once, by a peer that is not answered meanwhile. */
static void SmbdCreditMgmt_ConsumeAllReceiveCredits(void **state)
{
	struct server *s = *state;
	struct fake_verbs_counts counts;
	struct direct_peer *p;

	s->echo.mute = true;
	start(s);
	p = friend(s, 0);
	for (unsigned i = 0; i < 254; i++) /* one went with the empty message that was not sent */
		assert_true(direct_peer_data(p, 0, "x", 1, 0));
	assert_true(echo_wait(&s->echo.messages, 254));
	fake_verbs_counts(&counts);
	assert_int_equal(counts.rnr, 0);
	direct_peer_close(p);
}

static void a_message_without_a_credit(void **state)
{
	struct server *s = *state;
	struct direct_peer *p;

	s->echo.mute = true;
	s->config.receive_credits = 4;
	start(s);
	p = friend(s, 0); /* 4 */
	for (unsigned i = 0; i < 4; i++)
		assert_true(direct_peer_data(p, 0, "x", 1, 0));
	direct_peer_data(p, 0, "y", 1, 0);
	dies(s, p, -EPROTO);
}

/* Fact 2: early refill, by a quarter. Each message of the peer is answered by nobody. */
static void fact_2_refill_by_a_quarter(void **state)
{
	struct server *s = *state;
	struct direct_data out;
	struct direct_peer *p;

	s->echo.mute = true;
	s->config.receive_credits = 40;
	start(s);
	p = friend(s, 20); /* leaves 39 */
	for (unsigned i = 0; i < 8; i++)
		assert_true(direct_peer_data(p, 0, "x", 1, 0));
	assert_true(echo_wait(&s->echo.messages, 8));
	assert_true(direct_peer_quiet(p, 50)); /* 31 left: nine lack */
	assert_true(direct_peer_data(p, 0, "x", 1, 0));
	assert_true(direct_peer_next(p, &out));
	assert_int_equal(out.len, 0);
	assert_int_equal(out.credits_granted, 10);
	assert_true(direct_peer_quiet(p, 50));
	direct_peer_close(p);
}

/* Fact 2: the last credit is spent only on a message that grants some. */
static void fact_2_last_credit(void **state)
{
	struct server *s = *state;
	struct direct_data out;
	struct direct_peer *p;

	start(s);
	p = friend(s, 0);
	for (unsigned i = 0; i < 20; i++) {
		assert_true(direct_peer_data(p, 1, "last", 4, 0)); /* and no more than one */
		assert_true(direct_peer_next(p, &out));
		assert_true(out.credits_granted > 0);
		assert_int_equal(out.len, 4);
	}
	direct_peer_close(p);
}

/* ---- SmbdDataTransfer ---- */

static void BVT_SmbdDataTransfer_Basic_SendSmallBytesOfData(void **state)
{
	struct direct_peer *p;

	start(*state);
	p = friend(*state, 100);
	for (uint32_t n = 1; n < 140; n += 13)
		echo_once(p, n, 1340);
	direct_peer_close(p);
}

static void BVT_SmbdDataTransfer_Basic_SendModerateBytesData(void **state)
{
	struct direct_peer *p;

	start(*state);
	p = friend(*state, 100);
	echo_once(p, 65536, 1340);
	direct_peer_close(p);
}

static void SmbdDataTransfer_ReceiveMaxReceiveSize(void **state)
{
	struct direct_peer *p;

	start(*state);
	p = friend(*state, 100);
	echo_once(p, 1340, 1340);
	direct_peer_close(p);
}

static void SmbdDataTransfer_SmallLengthSegment(void **state)
{
	struct server *s = *state;
	struct direct_peer *p;

	s->echo.head_len = 64;
	start(s);
	p = friend(s, 100);
	echo_once(p, 200, 1);
	echo_once(p, 130, 63);
	direct_peer_close(p);
}

static void SmbdDataTransfer_VariableLengthSegment(void **state)
{
	struct server *s = *state;
	struct direct_peer *p;

	s->echo.head_len = 112;
	start(s);
	p = friend(s, 100);
	for (uint32_t part = 7; part < 1340; part += 211)
		echo_once(p, part * 11 + 3, part);
	direct_peer_close(p);
}

static void bad_data(struct server *s, uint32_t len, uint32_t remaining, uint32_t offset,
		     uint32_t claimed)
{
	uint8_t message[2048] = {0};
	struct wr w = wr_init(message, sizeof(message));
	struct direct_peer *p;

	start(s);
	p = friend(s, 10);
	wr_u16(&w, 255);
	wr_u16(&w, 0);
	wr_u32(&w, 0);
	wr_u32(&w, remaining);
	wr_u32(&w, offset);
	wr_u32(&w, claimed);
	direct_peer_send(p, message, 24 + len);
	dies(s, p, -EPROTO);
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
	struct server *s = *state;
	struct direct_peer *p;

	start(s);
	p = friend(s, 10);
	assert_false(direct_peer_data(p, 0, pattern(), 1341, 0));
	dies(s, p, -ECONNRESET);
}

static void second_fragment(struct server *s, uint32_t len, uint32_t remaining)
{
	struct direct_peer *p;

	start(s);
	p = friend(s, 10);
	assert_true(direct_peer_data(p, 0, pattern(), 500, 1000));
	direct_peer_data(p, 0, pattern(), len, remaining);
	dies(s, p, -EPROTO);
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
	struct server *s = *state;
	struct direct_peer *p;

	start(s);
	p = friend(s, 10);
	direct_peer_send(p, pattern(), 19);
	dies(s, p, -EPROTO);
}

static void SmbdDataTransfer_Redundancy(void **state)
{
	struct server *s = *state;
	uint8_t message[600] = {0};
	struct wr w = wr_init(message, sizeof(message));
	struct direct_data header = {.credits_requested = 9, .len = 5}, out;
	struct direct_peer *p;
	unsigned credits = 0;

	start(s);
	p = friend(s, 10);
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
	struct server *s = *state;
	struct direct_data out;
	struct direct_peer *p;
	unsigned credits = 0;

	start(s);
	p = friend(s, 10);
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
	struct server *s = *state;
	struct direct_data ask = {.credits_requested = 255,
				  .credits_granted = 5,
				  .flags = DIRECT_RESPONSE_REQUESTED},
			   out;
	struct direct_peer *p;

	start(s);
	p = friend(s, 0);
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
	struct server *s = *state;
	struct direct_data out;
	struct direct_peer *p;

	s->config.keepalive_ms = 50;
	start(s);
	p = friend(s, 5);
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
	struct server *s = *state;
	struct direct_peer *p;

	s->config.keepalive_ms = 50;
	s->config.keepalive_timeout_ms = 50;
	start(s);
	p = friend(s, 5);
	dies(s, p, -ETIMEDOUT);
}

/* Fact 3: while a message is under way, a keepalive is answered by its next fragment. */
static void fact_3_fragments_are_contiguous(void **state)
{
	struct server *s = *state;
	struct direct_data ask = {.credits_requested = 255,
				  .credits_granted = 2,
				  .flags = DIRECT_RESPONSE_REQUESTED},
			   out;
	struct direct_peer *p;
	uint32_t left = 6000;
	unsigned credits = 0;

	start(s);
	p = friend(s, 2);
	for (uint32_t at = 0; at < 6000; at += 1000)
		assert_true(direct_peer_data(p, 0, pattern() + at, 1000, 5000 - at));
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
	struct server *s = *state;
	struct direct_peer *p;

	s->fabric.late_established = true;
	start(s);
	p = friend(s, 10);
	echo_once(p, 5000, 1340);
	direct_peer_close(p);
}

/* Fact 26: no message is longer than what both said. */
static void fact_26_small_receives(void **state)
{
	struct server *s = *state;
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_negotiate_rsp rsp;
	struct direct_data out;
	struct direct_peer *p;
	uint32_t left = 1000;
	unsigned credits = 0;

	req.max_receive_size = 128;
	start(s);
	p = direct_peer_connect(&s->address, 255);
	assert_true(direct_peer_negotiate(p, &req, &rsp));
	assert_int_equal(rsp.preferred_send_size, 128);
	assert_true(direct_peer_data(p, 50, pattern(), 1000, 0));
	for (; left; left -= out.len) {
		assert_true(direct_peer_next_payload(p, &out, &credits));
		assert_in_range(out.len, 1, 104);
	}
	direct_peer_close(p);
}

/* ---- devices ---- */

static void fact_11_small_queues(void **state)
{
	struct server *s = *state;
	struct direct_peer *p;

	s->fabric.wr_max = 300; /* of the peer's own; ours asks for 64 + 32 + 1 and 256 */
	s->config.send_slots = 1000;
	s->config.receive_credits = 1000;
	start(s);
	p = friend(s, 100);
	echo_once(p, 60000, 1340);
	direct_peer_close(p);
}

/* Fact 34: the pool's first region can't be registered: the server has no memory, and says why. */
static void fact_34_memlock(void **state)
{
	struct direct_devices_config dc = {.verbs = &verbs_fake};
	struct fake_verbs_config fabric = {.fail_mr = 1};
	struct direct_devices_stats stats;
	struct direct_devices *devices;
	static uint8_t memory[4096];
	struct buf_region region = {memory, sizeof(memory), 0};

	fake_verbs_start(&fabric);
	devices = direct_devices_create(&dc);
	assert_int_equal(direct_devices_scan(devices), 2);
	assert_int_equal(direct_devices_region_added(devices, &region), -ENOMEM);
	direct_devices_stats(devices, &stats);
	assert_int_equal(stats.registrations, 0);
	assert_int_equal(direct_devices_region_added(devices, &region), 0);
	direct_devices_stats(devices, &stats);
	assert_int_equal(stats.registrations, 2);
	direct_devices_destroy(devices);
	fake_verbs_stop();
}

static void devices_that_are_not_named(void **state)
{
	const char *const names[] = {"fake1"};
	struct direct_devices_config dc = {.verbs = &verbs_fake, .names = names, .name_count = 1};
	struct fake_verbs_config fabric = {0};
	struct direct_devices *devices;

	fake_verbs_start(&fabric);
	devices = direct_devices_create(&dc);
	assert_int_equal(direct_devices_scan(devices), 1);
	direct_devices_destroy(devices);
	fake_verbs_stop();
}

/* Fact 4: each address gets the port of its device's type; one without a device none. */
static void fact_4_ports(void **state)
{
	struct server *s = *state;
	struct direct_listener_stats stats;

	s->many = true;
	start(s);
	direct_listener_stats(s->listener, &stats);
	assert_int_equal(stats.addresses, 3);
	for (unsigned i = 0; i < 3; i++) {
		struct direct_peer *p;

		s->address = s->addresses[i];
		if (s->address.ss_family == AF_INET6)
			((struct sockaddr_in6 *)&s->address)->sin6_port = htons(445);
		else
			((struct sockaddr_in *)&s->address)->sin_port = htons(i == 1 ? 5445 : 445);
		p = friend(s, 5);
		echo_once(p, 10, 10);
		direct_peer_close(p);
	}
}

static void the_user_refuses(void **state)
{
	struct server *s = *state;
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_negotiate_rsp rsp;
	struct direct_peer *p;

	atomic_store(&s->echo.refuse, -EPERM);
	start(s);
	p = direct_peer_connect(&s->address, 255);
	assert_true(direct_peer_negotiate(p, &req, &rsp));
	assert_true(direct_peer_gone(p));
	direct_peer_close(p);
	assert_int_equal(atomic_load(&s->echo.closed), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, prepare, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(BVT_SmbdNegotiate_Basic),
		CASE(SmbdNegotiate_DisconnectAfterNegotiate),
		CASE(SmbdNegotiate_NegativeParameter_CreditsRequested),
		CASE(SmbdNegotiate_NegativeParameter_MaxReceiveSize),
		CASE(SmbdNegotiate_NegativeParameter_MaxFragmentedSize),
		CASE(SmbdNegotiate_UncompletedMessage),
		CASE(SmbdNegotiate_Redundancy),
		CASE(SmbdNegotiate_NegotiationTimer_Timeout),
		CASE(SmbdNegotiate_PreferredSendSizeLessThan128),
		CASE(SmbdNegotiate_PreferredSendSizeWithZero),
		CASE(SmbdNegotiate_PreferredSendSizeMaxValue),
		CASE(SmbdNegotiate_VersionRangeCover0x0100_EqualMaxVersion),
		CASE(SmbdNegotiate_VersionRangeCover0x0100_EqualMinVersion),
		CASE(SmbdNegotiate_VersionRangeCover0x0100_EqualMinVersionAndMaxVersion),
		CASE(SmbdNegotiate_VersionRangeCover0x0100_InMiddle),
		CASE(SmbdNegotiate_VersionRangeNotCover0x0100_LargerThanMaxVersion),
		CASE(SmbdNegotiate_VersionRangeNotCover0x0100_LessThanMinVersion),
		CASE(BVT_SmbdCreditMgmt_OperationWithMinimumCredits),
		CASE(SmbdCreditMgmt_ConsumeAllSendCredits),
		CASE(SmbdCreditMgmt_ConsumeAllCreditServer_Timeout),
		CASE(SmbdCreditMgmt_ConsumeAllReceiveCredits),
		CASE(a_message_without_a_credit),
		CASE(fact_2_refill_by_a_quarter),
		CASE(fact_2_last_credit),
		CASE(BVT_SmbdDataTransfer_Basic_SendSmallBytesOfData),
		CASE(BVT_SmbdDataTransfer_Basic_SendModerateBytesData),
		CASE(SmbdDataTransfer_ReceiveMaxReceiveSize),
		CASE(SmbdDataTransfer_SmallLengthSegment),
		CASE(SmbdDataTransfer_VariableLengthSegment),
		CASE(SmbdDataTransfer_NegativeParameter_AgainstMaxFragmentedSize),
		CASE(SmbdDataTransfer_NegativeParameter_DataLength_AgainstMessageLength),
		CASE(SmbdDataTransfer_NegativeParameter_DataOffset_Against8ByteAligned),
		CASE(SmbdDataTransfer_NegativeParameter_DataOffset_AgainstMessageLength),
		CASE(SmbdDataTransfer_NegativeParameter_RemainingDataLength_AgainstMaxFragmentedSize),
		CASE(SmbdDataTransfer_NegativeParameter_DataLength_AgainstMaxReceiveSize),
		CASE(SmbdDataTransfer_NegativeParameter_RemainingDataLength_AgainstFragmentReassemblyRemaining),
		CASE(SmbdDataTransfer_NegativeParameter_RemainingDataLength_Zero),
		CASE(SmbdDataTransfer_UncompletedMessage),
		CASE(SmbdDataTransfer_Redundancy),
		CASE(an_empty_message_between_fragments),
		CASE(SmbdDataTransfer_IdleConnection_Client),
		CASE(SmbdDataTransfer_IdleConnection_Server),
		CASE(SmbdDataTransfer_IdleConnection_Server_Timeout),
		CASE(fact_3_fragments_are_contiguous),
		CASE(fact_5_receive_before_established),
		CASE(fact_26_small_receives),
		CASE(fact_11_small_queues),
		CASE(fact_34_memlock),
		CASE(devices_that_are_not_named),
		CASE(fact_4_ports),
		CASE(the_user_refuses),
	};

	return cmocka_run_group_tests_name("rdma/peer", tests, NULL, NULL);
}
