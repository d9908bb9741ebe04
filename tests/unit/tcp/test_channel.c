/* SPDX-License-Identifier: Apache-2.0 */
/* What a TCP channel does to peers that misbehave on the socket. The clauses of channel.h are in
 * tests/conformance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tcp/listener.h"
#include "tests/fake/echo.h"
#include "transport/buf/buf.h"
#include "transport/reactor/reactor.h"

struct server {
	struct reactor *reactor;
	struct buf_pool *pool;
	struct echo echo;
	struct tcp_listener *listener;
	struct tcp_config config;
	struct sockaddr_storage address;
};

static void server_prepare(struct server *s)
{
	memset(s, 0, sizeof(*s));
	echo_init(&s->echo);
	tcp_config_default(&s->config);
	s->config.read_waits_for_sends = true;
	s->config.close_timeout_ms = 200;
}

static void server_start(struct server *s)
{
	struct reactor_config rc = {.name = "server", .cpu = -1};
	struct buf_pool_config pc = {.bytes = 32u << 20, .region_bytes = 16u << 20};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_storage any = {0};
	struct tcp_listener_config config = {.addresses = &any,
					     .address_count = 1,
					     .reactors = &s->reactor,
					     .reactor_count = 1,
					     .acceptor = &s->echo.acceptor,
					     .channel = s->config};

	memcpy(&any, &v4, sizeof(v4));
	s->reactor = reactor_create(&rc);
	config.pool = s->pool = buf_pool_create(&pc);
	assert_non_null(s->reactor);
	assert_non_null(s->pool);
	assert_int_equal(tcp_listener_create(&config, &s->listener, NULL), 0);
	tcp_listener_address(s->listener, 0, &s->address);
	assert_int_equal(reactor_start(s->reactor), 0);
}

/* Every client has closed its socket. */
static void server_stop(struct server *s)
{
	struct tcp_listener_stats stats;

	for (unsigned i = 0; i < 5000; i++) {
		tcp_listener_stats(s->listener, &stats);
		if (!stats.channels)
			break;
		usleep(2000);
	}
	assert_int_equal(stats.channels, 0);
	tcp_listener_stop(s->listener);
	reactor_stop(s->reactor);
	tcp_listener_destroy(s->listener);
	buf_pool_destroy(s->pool);
	reactor_destroy(s->reactor);
}

static int dial(struct server *s)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&s->address, sizeof(struct sockaddr_in)),
			 0);
	return fd;
}

static void put(int fd, const void *p, size_t len)
{
	assert_int_equal(send(fd, p, len, MSG_NOSIGNAL), len);
}

static void get(int fd, uint8_t *p, size_t len)
{
	while (len) { /* MSG_WAITALL comes back early now and then, where the buffer is tiny */
		ssize_t n = recv(fd, p, len, MSG_WAITALL);

		assert_true(n > 0);
		p += n;
		len -= (size_t)n;
	}
}

/* Bytes until the end; waits ten seconds for it at most. */
static size_t drain(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	uint8_t bytes[65536];
	size_t total = 0;
	ssize_t n;

	for (;;) {
		assert_int_equal(poll(&pfd, 1, 10000), 1);
		n = recv(fd, bytes, sizeof(bytes), 0);
		if (n <= 0)
			return total;
		total += (size_t)n;
	}
}

static void put_frame(int fd, size_t len, uint8_t fill)
{
	uint8_t *p = malloc(len + 4);

	p[0] = 0;
	p[1] = (uint8_t)(len >> 16);
	p[2] = (uint8_t)(len >> 8);
	p[3] = (uint8_t)len;
	memset(p + 4, fill, len);
	put(fd, p, len + 4);
	free(p);
}

static void get_frame(int fd, size_t len, uint8_t fill)
{
	uint8_t *p = malloc(len + 4);

	get(fd, p, len + 4);
	assert_int_equal(p[0], 0);
	assert_int_equal((size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3], len);
	assert_int_equal(p[4], fill);
	assert_int_equal(p[len + 3], fill);
	free(p);
}

static void echoes(void **state)
{
	struct server s;
	int fd;

	server_prepare(&s);
	s.echo.head_len = 112;
	server_start(&s);
	fd = dial(&s);
	for (unsigned i = 1; i < 200000; i = i * 3 + 1) {
		put_frame(fd, i, (uint8_t)i);
		get_frame(fd, i, (uint8_t)i);
	}
	close(fd);
	assert_true(echo_wait(&s.echo.closed, 1));
	assert_int_equal(s.echo.last_err, -ECONNRESET);
	server_stop(&s);
}

static void session_request(void **state)
{
	uint8_t request[4 + 68] = {0x81, 0, 0, 68}, answer[4];
	struct server s;
	int fd;

	server_prepare(&s);
	server_start(&s);
	fd = dial(&s);
	put(fd, request, sizeof(request));
	get(fd, answer, 4);
	assert_memory_equal(answer, "\x82\0\0\0", 4);
	put_frame(fd, 10, 1);
	get_frame(fd, 10, 1);
	close(fd);
	server_stop(&s);
}

static void closed_with(struct server *s, int fd, int err)
{
	drain(fd);
	close(fd);
	assert_true(echo_wait(&s->echo.closed, 1));
	assert_int_equal(s->echo.last_err, err);
	server_stop(s);
}

static void not_smb(void **state)
{
	struct server s;
	int fd;

	server_prepare(&s);
	server_start(&s);
	fd = dial(&s);
	put(fd, "GET / HTTP/1.1\r\n\r\n", 18);
	closed_with(&s, fd, -EPROTO);
}

static void too_large(void **state)
{
	struct server s;
	int fd;

	server_prepare(&s);
	s.config.msg_bytes = 1000;
	server_start(&s);
	fd = dial(&s);
	put_frame(fd, 1000, 5);
	get_frame(fd, 1000, 5);
	put(fd, "\0\0\x03\xe9", 4);
	closed_with(&s, fd, -EMSGSIZE);
}

/* A connection that says nothing at all. */
static void silent(void **state)
{
	struct server s;
	int fd;

	server_prepare(&s);
	s.config.frame_timeout_ms = 100;
	server_start(&s);
	fd = dial(&s);
	closed_with(&s, fd, -ETIMEDOUT);
}

/* A frame that never ends, in its header, its head and its body, while others are served. */
static void unfinished(void **state)
{
	static const size_t sent[] = {1, 4, 50, 5000};

	for (unsigned i = 0; i < 4; i++) {
		uint8_t bytes[5000] = {0, 0, 0x40, 0};
		struct server s;
		int fd, good;

		server_prepare(&s);
		s.config.frame_timeout_ms = 400;
		s.echo.head_len = 112;
		server_start(&s);
		fd = dial(&s);
		good = dial(&s);
		put_frame(fd, 10, 1);
		get_frame(fd, 10, 1);
		put(fd, bytes, sent[i]);
		for (unsigned n = 0; n < 5; n++) {
			put_frame(good, 30000, 7);
			get_frame(good, 30000, 7);
		}
		close(good);
		assert_true(echo_wait(&s.echo.closed, 1));
		assert_int_equal(s.echo.last_err, -ECONNRESET); /* the good one */
		drain(fd);
		close(fd);
		assert_true(echo_wait(&s.echo.closed, 2));
		assert_int_equal(s.echo.last_err, -ETIMEDOUT);
		server_stop(&s);
	}
}

/* An idle connection with nothing under way is left alone. */
static void idle(void **state)
{
	struct server s;
	int fd;

	server_prepare(&s);
	s.config.frame_timeout_ms = 40;
	s.config.stall_timeout_ms = 40;
	server_start(&s);
	fd = dial(&s);
	put_frame(fd, 10, 1);
	get_frame(fd, 10, 1);
	usleep(400000); /* ten times over */
	put_frame(fd, 10, 2);
	get_frame(fd, 10, 2);
	close(fd);
	server_stop(&s);
}

/* A peer that asks and never reads: the server stops reading, then lets go of it. */
static void never_reads(void **state)
{
	struct server s;
	uint8_t *frames = calloc(64, 1004);
	unsigned sent = 0;
	int fd;

	server_prepare(&s);
	s.config.stall_timeout_ms = 500;
	s.config.send_buffer_bytes = 65536;
	s.config.recv_buffer_bytes = 65536;
	s.echo.answers = 500;
	server_start(&s);
	fd = dial(&s);
	for (unsigned i = 0; i < 64; i++) {
		frames[i * 1004 + 2] = 1000 >> 8;
		frames[i * 1004 + 3] = 1000 & 0xff;
	}
	while (sent < 20000 && !s.echo.closed) {
		ssize_t n = send(fd, frames, 64 * 1004, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			break;
		if (n < 0)
			usleep(1000);
		sent++;
	}
	assert_true(echo_wait(&s.echo.closed, 1));
	assert_int_equal(s.echo.last_err, -ETIMEDOUT);
	/* 4 MiB of answers are 8 requests; then it read no more than what it had */
	assert_in_range(s.echo.messages, 1, 64);
	close(fd);
	free(frames);
	server_stop(&s);
}

/* A peer that takes its answers a few bytes at a time holds their buffers no longer. */
static void trickles(void **state)
{
	struct server s;
	uint8_t frame[1004] = {0, 0, 1000 >> 8, 1000 & 0xff}, bytes[1024];
	unsigned reads = 0;
	int fd, small = 4096;

	server_prepare(&s);
	s.config.stall_timeout_ms = 1000;
	s.config.send_buffer_bytes = 8192;
	s.echo.answers = 500;
	server_start(&s);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&s.address, sizeof(struct sockaddr_in)), 0);
	for (unsigned i = 0; i < 4; i++)
		put(fd, frame, sizeof(frame));
	while (++reads < 300 && !s.echo.closed) {
		if (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) < 0 && errno != EAGAIN)
			break;
		usleep(20000);
	}
	assert_in_range(reads, 1, 299); /* that is six seconds, and a fraction of the answers */
	assert_true(echo_wait(&s.echo.closed, 1));
	assert_int_equal(s.echo.last_err, -ETIMEDOUT);
	close(fd);
	server_stop(&s);
}

/* The answers of a turn are one segment each way, not one for each. */
static void coalesced(void **state)
{
	struct server s;
	struct tcp_info info;
	socklen_t len = sizeof(info);
	uint8_t bytes[100 * 14];
	int fd;

	server_prepare(&s);
	server_start(&s);
	fd = dial(&s);
	memset(bytes, 0, sizeof(bytes));
	for (unsigned i = 0; i < 100; i++)
		bytes[i * 14 + 3] = 10;
	put(fd, bytes, sizeof(bytes));
	get(fd, bytes, sizeof(bytes));
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	assert_in_range(info.tcpi_data_segs_in, 1, 10);
	close(fd);
	server_stop(&s);
}

/* Bytes that came with the peer's end are messages still. */
static void last_words(void **state)
{
	struct server s;
	int fd;

	server_prepare(&s);
	s.echo.mute = true;
	server_start(&s);
	fd = dial(&s);
	put_frame(fd, 100, 1);
	put_frame(fd, 50000, 2);
	put_frame(fd, 100, 3);
	close(fd);
	assert_true(echo_wait(&s.echo.closed, 1));
	assert_int_equal(s.echo.messages, 3);
	server_stop(&s);
}

static void reset_by_peer(void **state)
{
	struct linger linger = {.l_onoff = 1};
	struct server s;
	int fd;

	server_prepare(&s);
	server_start(&s);
	fd = dial(&s);
	put_frame(fd, 10, 1);
	get_frame(fd, 10, 1);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	close(fd);
	assert_true(echo_wait(&s.echo.closed, 1));
	assert_int_equal(s.echo.last_err, -ECONNRESET);
	server_stop(&s);
}

struct question {
	struct reactor_post post;
	struct echo *echo;
	_Atomic int answer; /* -1: none yet */
};

static void question_run(struct reactor_post *post)
{
	struct question *q = container_of(post, struct question, post);

	q->answer = channel_delivered(q->echo->answered, q->echo->answered_to);
}

static bool is_delivered(struct server *s)
{
	struct question q = {.post.run = question_run, .echo = &s->echo, .answer = -1};

	reactor_post(s->reactor, &q.post);
	while (q.answer < 0)
		usleep(1000);
	return q.answer;
}

/* What the socket has taken is not what the peer's machine has: it has no room, and acknowledges
 * nothing. */
static void delivered(void **state)
{
	static uint8_t bytes[200004];
	int small = 4096, fd;
	struct server s;

	server_prepare(&s);
	s.config.send_buffer_bytes = 1 << 20;
	server_start(&s);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&s.address, sizeof(struct sockaddr_in)), 0);
	put_frame(fd, 200000, 7);
	assert_true(echo_wait(&s.echo.messages, 1));
	while (!s.echo.answered_to)
		usleep(1000);
	assert_int_equal(s.echo.answered_to, 200004);
	assert_false(is_delivered(&s));
	get(fd, bytes, sizeof(bytes));
	for (unsigned i = 0; i < 5000 && !is_delivered(&s); i++)
		usleep(1000);
	assert_true(is_delivered(&s));
	close(fd);
	server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echoes),     cmocka_unit_test(session_request),
		cmocka_unit_test(not_smb),    cmocka_unit_test(too_large),
		cmocka_unit_test(silent),     cmocka_unit_test(unfinished),
		cmocka_unit_test(idle),       cmocka_unit_test(never_reads),
		cmocka_unit_test(trickles),   cmocka_unit_test(coalesced),
		cmocka_unit_test(last_words), cmocka_unit_test(reset_by_peer),
		cmocka_unit_test(delivered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
