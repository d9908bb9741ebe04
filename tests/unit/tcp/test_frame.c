/* SPDX-License-Identifier: Apache-2.0 */
/* The framer: [MS-SMB2] 2.1 Direct TCP frames in every cut, and what is not one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tcp/frame.h"
#include "transport/buf/buf.h"

struct seen {
	struct tcp_rx rx;
	struct buf_pool *pool;
	size_t head_len; /* what split() says; 0: all */
	bool dry;
	bool hold;
	unsigned messages, session_requests, splits;
	size_t have;
	struct channel_msg *held[64];
	uint8_t *bytes; /* of all messages */
	size_t len;
};

static struct seen *seen_of(struct tcp_rx *rx)
{
	return container_of(rx, struct seen, rx);
}

static size_t seen_split(struct tcp_rx *rx, const uint8_t *first, size_t have, size_t total)
{
	struct seen *s = seen_of(rx);

	s->splits++;
	s->have = have;
	assert_true(have >= (total < CHANNEL_PEEK ? total : CHANNEL_PEEK) && have <= total);
	return s->head_len ? s->head_len : total;
}

static void seen_message(struct tcp_rx *rx, struct channel_msg *msg)
{
	struct seen *s = seen_of(rx);

	s->bytes = realloc(s->bytes, s->len + msg->head_len + msg->body.len + 1);
	memcpy(s->bytes + s->len, msg->head, msg->head_len);
	s->len += msg->head_len;
	if (msg->body.len) {
		assert_int_equal((uintptr_t)msg->body.data % 4096, 0);
		assert_non_null(msg->body.region);
		memcpy(s->bytes + s->len, msg->body.data, msg->body.len);
		s->len += msg->body.len;
	}
	if (s->hold)
		s->held[s->messages] = msg;
	else
		tcp_rx_release(rx, msg);
	s->messages++;
}

static void seen_session_request(struct tcp_rx *rx)
{
	seen_of(rx)->session_requests++;
}

static struct buf *seen_get(struct tcp_rx *rx, size_t size)
{
	return seen_of(rx)->dry ? NULL : buf_get(seen_of(rx)->pool, size);
}

static void seen_put(struct tcp_rx *rx, struct buf *buf)
{
	buf_put(seen_of(rx)->pool, buf);
}

static const struct tcp_rx_user user = {seen_split, seen_message, seen_session_request, seen_get,
					seen_put};

static void seen_init(struct seen *s)
{
	struct buf_pool_config config = {.bytes = 32u << 20, .region_bytes = 16u << 20};

	memset(s, 0, sizeof(*s));
	s->pool = buf_pool_create(&config);
	assert_non_null(s->pool);
	tcp_rx_init(&s->rx, &user, 1u << 20, 16);
}

static void seen_fini(struct seen *s)
{
	tcp_rx_fini(&s->rx);
	buf_pool_destroy(s->pool);
	free(s->bytes);
}

/* Feeds in pieces of at most `piece` bytes. */
static int feed(struct seen *s, const uint8_t *p, size_t len, size_t piece)
{
	while (len && tcp_rx_wants(&s->rx)) {
		size_t n = len < piece ? len : piece, done = 0;
		struct iovec iov[TCP_RX_IOV];
		int count = tcp_rx_room(&s->rx, iov), err;

		assert_in_range(count, 1, TCP_RX_IOV);
		for (int i = 0; i < count && done < n; i++) {
			size_t part = n - done < iov[i].iov_len ? n - done : iov[i].iov_len;

			memcpy(iov[i].iov_base, p + done, part);
			done += part;
		}
		assert_true(done > 0);
		err = tcp_rx_take(&s->rx, done);
		if (err)
			return err;
		p += done;
		len -= done;
	}
	return 0;
}

/* A frame of `len` patterned bytes at p; how long it is with its header. */
static size_t frame(uint8_t *p, size_t len, uint8_t seed)
{
	p[0] = 0;
	p[1] = (uint8_t)(len >> 16);
	p[2] = (uint8_t)(len >> 8);
	p[3] = (uint8_t)len;
	for (size_t i = 0; i < len; i++)
		p[4 + i] = (uint8_t)(seed + i * 7 + (i >> 8));
	return len + 4;
}

static void check_stream(const size_t *lens, unsigned count, size_t head_len, size_t piece)
{
	uint8_t *wire = malloc(4u << 20), *want = malloc(4u << 20);
	size_t wire_len = 0, want_len = 0;
	struct seen s;

	seen_init(&s);
	s.head_len = head_len;
	for (unsigned i = 0; i < count; i++) {
		size_t n = frame(wire + wire_len, lens[i], (uint8_t)i);

		memcpy(want + want_len, wire + wire_len + 4, lens[i]);
		wire_len += n;
		want_len += lens[i];
	}
	assert_int_equal(feed(&s, wire, wire_len, piece), 0);
	assert_int_equal(s.messages, count);
	assert_int_equal(s.splits, count);
	assert_int_equal(s.len, want_len);
	assert_memory_equal(s.bytes, want, want_len);
	assert_false(tcp_rx_partial(&s.rx));
	seen_fini(&s);
	free(wire);
	free(want);
}

static void every_cut(void **state)
{
	static const size_t lens[] = {1,   64,    120, 200,   5000, 3,      128,
				      129, 15000, 90,  40000, 68,   300000, 12};
	static const size_t heads[] = {0, 1, 64, 112, 12u * 1024, 12u * 1024 + 1, 20000, 1u << 30};
	static const size_t pieces[] = {1, 3, 4, 5, 127, 1000, 4096, 16384, 70000, 1u << 30};

	for (unsigned h = 0; h < sizeof(heads) / sizeof(heads[0]); h++) {
		for (unsigned p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++)
			check_stream(lens, sizeof(lens) / sizeof(lens[0]), heads[h], pieces[p]);
	}
}

static void refuses(const uint8_t *bytes, size_t len, int want)
{
	for (size_t piece = 1; piece <= len; piece++) {
		struct seen s;

		seen_init(&s);
		assert_int_equal(feed(&s, bytes, len, piece), want);
		assert_int_equal(s.messages, 0);
		seen_fini(&s);
	}
}

/* [MS-SMB2] 2.1: Zero (1 byte) MUST be zero. */
static void not_a_frame(void **state)
{
	refuses((const uint8_t *)"GET / HTTP/1.1\r\n", 16, -EPROTO);
	refuses((const uint8_t *)"\x01\x00\x00\x40", 4, -EPROTO);
	refuses((const uint8_t *)"\xff\x00\x00\x40", 4, -EPROTO);
	refuses((const uint8_t *)"\x82\x00\x00\x00", 4, -EPROTO);
	refuses((const uint8_t *)"\x00\x00\x00\x00", 4, -EPROTO); /* nothing to be said */
	refuses((const uint8_t *)"\x85\x00\x00\x01", 4, -EPROTO);
	refuses((const uint8_t *)"\x81\x00\xff\xff", 4, -EPROTO);
}

static void too_large(void **state)
{
	refuses((const uint8_t *)"\x00\x10\x00\x01", 4, -EMSGSIZE);
	refuses((const uint8_t *)"\x00\xff\xff\xff", 4, -EMSGSIZE);
}

/* [RFC1002] 4.3.2, as Samba answers it on port 445; and 4.3.6. */
static void netbios(void **state)
{
	uint8_t wire[400];
	size_t len = 0;

	memcpy(wire, "\x81\x00\x00\x44", 4);
	memset(wire + 4, 'C', 0x44);
	len = 4 + 0x44;
	memcpy(wire + len, "\x85\x00\x00\x00", 4);
	len += 4;
	len += frame(wire + len, 100, 1);
	memcpy(wire + len, "\x85\x00\x00\x00", 4);
	len += 4;
	for (size_t piece = 1; piece <= len; piece++) {
		struct seen s;

		seen_init(&s);
		assert_int_equal(feed(&s, wire, len, piece), 0);
		assert_int_equal(s.session_requests, 1);
		assert_int_equal(s.messages, 1);
		assert_int_equal(s.len, 100);
		/* a second one, after a message, is out of place */
		assert_int_equal(feed(&s, wire, 4 + 0x44, piece), -EPROTO);
		seen_fini(&s);
	}
}

static void bound_and_resume(void **state)
{
	uint8_t *wire = malloc(40 * 104);
	size_t len = 0;
	struct seen s;

	seen_init(&s);
	s.hold = true;
	for (unsigned i = 0; i < 40; i++)
		len += frame(wire + len, 100, (uint8_t)i);
	assert_int_equal(feed(&s, wire, len, len), 0);
	assert_int_equal(s.messages, 16);
	assert_false(tcp_rx_wants(&s.rx));
	for (unsigned i = 0; i < 24; i++) {
		tcp_rx_release(&s.rx, s.held[i]);
		assert_int_equal(tcp_rx_resume(&s.rx), 0);
		assert_int_equal(s.messages, 17 + i);
	}
	for (unsigned i = 24; i < 40; i++)
		tcp_rx_release(&s.rx, s.held[i]);
	assert_true(tcp_rx_wants(&s.rx));
	for (unsigned i = 0; i < 40; i++) {
		frame(wire, 100, (uint8_t)i);
		assert_memory_equal(s.bytes + i * 100, wire + 4, 100);
	}
	seen_fini(&s);
	free(wire);
}

/* No buffer: it waits, wanting no bytes, and goes on where it was. */
static void dry(void **state)
{
	uint8_t *wire = malloc(70000), *p = wire;
	size_t len = frame(wire, 50000, 3), at = 0;
	struct seen s;

	len += frame(wire + len, 80, 4);
	seen_init(&s);
	s.head_len = 112;
	s.dry = true;
	while (tcp_rx_wants(&s.rx)) {
		struct iovec iov[TCP_RX_IOV];

		assert_int_equal(tcp_rx_room(&s.rx, iov), 1);
		memcpy(iov[0].iov_base, p + at, 500);
		assert_int_equal(tcp_rx_take(&s.rx, 500), 0);
		at += 500;
	}
	assert_int_equal(tcp_rx_waits_for(&s.rx), 50000 - 112);
	assert_int_equal(s.messages, 0);
	s.dry = false;
	assert_int_equal(tcp_rx_give(&s.rx, buf_get(s.pool, 50000 - 112)), 0);
	assert_int_equal(feed(&s, p + at, len - at, 1000), 0);
	assert_int_equal(s.messages, 2);
	assert_memory_equal(s.bytes, wire + 4, 50000);
	seen_fini(&s);
	free(wire);
}

/* Stopped in the middle of anything, it lets go of everything. */
static void stopped(void **state)
{
	uint8_t *wire = malloc(70000);
	size_t len = frame(wire, 50000, 3);

	for (size_t cut = 1; cut < len; cut += cut < 300 ? 1 : 997) {
		struct seen s;

		seen_init(&s);
		s.head_len = cut % 2 ? 112 : 13000;
		assert_int_equal(feed(&s, wire, cut, 4096), 0);
		assert_true(tcp_rx_partial(&s.rx));
		tcp_rx_stop(&s.rx);
		assert_false(tcp_rx_wants(&s.rx));
		seen_fini(&s); /* the pool asserts that it has all back */
	}
	free(wire);
}

static void refused_by_split(void **state)
{
	uint8_t wire[5004];
	struct seen s;

	frame(wire, 5000, 1);
	seen_init(&s);
	s.head_len = CHANNEL_REFUSE;
	assert_int_equal(feed(&s, wire, 4 + CHANNEL_PEEK - 1, 1000), 0);
	assert_int_equal(s.splits, 0);
	assert_int_equal(feed(&s, wire + 4 + CHANNEL_PEEK - 1, 1, 1), -EMSGSIZE);
	assert_int_equal(s.messages, 0);
	seen_fini(&s);
}

static void trims(void **state)
{
	uint8_t wire[204];
	struct seen s;

	seen_init(&s);
	for (unsigned i = 0; i < 3; i++) {
		frame(wire, 200, 1);
		assert_int_equal(feed(&s, wire, 204, 50), 0);
		tcp_rx_trim(&s.rx);
		assert_null(s.rx.chunk);
		assert_null(s.rx.spare);
	}
	assert_int_equal(feed(&s, wire, 100, 50), 0);
	tcp_rx_trim(&s.rx); /* in the middle: keeps what it has */
	assert_int_equal(feed(&s, wire + 100, 104, 50), 0);
	assert_int_equal(s.messages, 4);
	seen_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cut),
		cmocka_unit_test(not_a_frame),
		cmocka_unit_test(too_large),
		cmocka_unit_test(netbios),
		cmocka_unit_test(bound_and_resume),
		cmocka_unit_test(dry),
		cmocka_unit_test(stopped),
		cmocka_unit_test(refused_by_split),
		cmocka_unit_test(trims),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
