/* SPDX-License-Identifier: Apache-2.0 */
/* Where connections are accepted, how they are spread, and which are refused; and connecting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tcp/connect.h"
#include "tcp/listener.h"
#include "tcp/peers.h"
#include "tests/fake/echo.h"
#include "transport/buf/buf.h"
#include "transport/reactor/reactor.h"

#define REACTORS 3

struct server {
	struct reactor *reactors[REACTORS];
	struct buf_pool *pool;
	struct echo echo;
	struct tcp_listener *listener;
	struct tcp_listener_config config;
	struct sockaddr_storage addresses[2];
};

static struct sockaddr_storage v4_any_port(uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				 .sin_port = htons(port)};
	struct sockaddr_storage a = {0};

	memcpy(&a, &in, sizeof(in));
	return a;
}

static struct sockaddr_storage v6_any_port(uint16_t port)
{
	struct sockaddr_in6 in = {.sin6_family = AF_INET6,
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT,
				  .sin6_port = htons(port)};
	struct sockaddr_storage a = {0};

	memcpy(&a, &in, sizeof(in));
	return a;
}

static uint16_t port_of(const struct sockaddr_storage *a)
{
	return ntohs(
		((const struct sockaddr_in *)(const void *)a)->sin_port); /* same place in v6 */
}

static void server_prepare(struct server *s)
{
	struct buf_pool_config pc = {.bytes = 32u << 20, .region_bytes = 16u << 20};

	memset(s, 0, sizeof(*s));
	echo_init(&s->echo);
	for (unsigned i = 0; i < REACTORS; i++) {
		struct reactor_config rc = {.name = "server", .cpu = -1};

		s->reactors[i] = reactor_create(&rc);
		assert_non_null(s->reactors[i]);
	}
	s->pool = buf_pool_create(&pc);
	assert_non_null(s->pool);
	s->addresses[0] = v4_any_port(0);
	s->config = (struct tcp_listener_config){.addresses = s->addresses,
						 .address_count = 1,
						 .reactors = s->reactors,
						 .reactor_count = REACTORS,
						 .pool = s->pool,
						 .acceptor = &s->echo.acceptor};
	tcp_config_default(&s->config.channel);
}

static void server_start(struct server *s)
{
	assert_int_equal(tcp_listener_create(&s->config, &s->listener, NULL), 0);
	for (unsigned i = 0; i < s->config.address_count; i++)
		tcp_listener_address(s->listener, i, &s->addresses[i]);
	for (unsigned i = 0; i < REACTORS; i++)
		assert_int_equal(reactor_start(s->reactors[i]), 0);
}

static void wait_channels(struct server *s, unsigned n)
{
	struct tcp_listener_stats stats;

	for (unsigned i = 0; i < 5000; i++) {
		tcp_listener_stats(s->listener, &stats);
		if (stats.channels == n)
			return;
		usleep(2000);
	}
	assert_int_equal(stats.channels, n);
}

static void server_free(struct server *s)
{
	for (unsigned i = 0; i < REACTORS; i++)
		reactor_stop(s->reactors[i]);
	tcp_listener_destroy(s->listener);
	buf_pool_destroy(s->pool);
	for (unsigned i = 0; i < REACTORS; i++)
		reactor_destroy(s->reactors[i]);
}

static void server_stop(struct server *s)
{
	wait_channels(s, 0);
	tcp_listener_stop(s->listener);
	server_free(s);
}

static int dial(const struct sockaddr_storage *a)
{
	socklen_t len =
		a->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	int fd = socket(a->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err;

	assert_true(fd >= 0);
	if (connect(fd, (const struct sockaddr *)a, len) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* Whether the server answers, and did not close. */
static bool answers(int fd)
{
	uint8_t bytes[14] = {0, 0, 0, 10};

	return send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) == sizeof(bytes) &&
	       recv(fd, bytes, sizeof(bytes), MSG_WAITALL) == sizeof(bytes);
}

static void both_families(void **state)
{
	struct server s;
	int v4, v6;

	server_prepare(&s);
	s.addresses[1] = v6_any_port(0);
	s.config.address_count = 2;
	server_start(&s);
	v4 = dial(&s.addresses[0]);
	v6 = dial(&s.addresses[1]);
	assert_true(answers(v4));
	assert_true(answers(v6));
	close(v4);
	close(v6);
	server_stop(&s);
}

/* The same port on v4 and v6 are two sockets: v6 is v6 only. */
static void same_port(void **state)
{
	struct sockaddr_storage a;
	struct server s, t;
	int fd;

	server_prepare(&s);
	server_start(&s);
	server_prepare(&t);
	a = v6_any_port(port_of(&s.addresses[0]));
	((struct sockaddr_in6 *)(void *)&a)->sin6_addr = in6addr_any;
	t.addresses[0] = a;
	server_start(&t);
	fd = dial(&s.addresses[0]);
	assert_true(answers(fd));
	assert_int_equal(s.echo.accepted, 1);
	assert_int_equal(t.echo.accepted, 0);
	close(fd);
	server_stop(&t);
	server_stop(&s);
}

static void in_use(void **state)
{
	struct tcp_listener *l;
	struct server s, t;
	unsigned failed = 99;

	server_prepare(&s);
	server_start(&s);
	server_prepare(&t);
	t.addresses[1] = s.addresses[0];
	t.config.address_count = 2;
	assert_int_equal(tcp_listener_create(&t.config, &l, &failed), -EADDRINUSE);
	assert_int_equal(failed, 1);
	t.listener = NULL;
	server_free(&t);
	server_stop(&s);
}

static void spread(void **state)
{
	unsigned on[REACTORS] = {0};
	struct server s;
	int fds[9];

	server_prepare(&s);
	server_start(&s);
	for (unsigned i = 0; i < 9; i++) {
		fds[i] = dial(&s.addresses[0]);
		assert_true(answers(fds[i]));
		for (unsigned r = 0; r < REACTORS; r++)
			on[r] += atomic_load(&s.echo.last_reactor) == (uintptr_t)s.reactors[r];
	}
	for (unsigned r = 0; r < REACTORS; r++)
		assert_int_equal(on[r], 3);
	for (unsigned i = 0; i < 9; i++)
		close(fds[i]);
	server_stop(&s);
}

static void check_limit(struct server *s, unsigned limit)
{
	struct tcp_listener_stats stats;
	int fds[8];

	server_start(s);
	for (unsigned i = 0; i < limit; i++) {
		fds[i] = dial(&s->addresses[0]);
		assert_true(answers(fds[i]));
	}
	fds[limit] = dial(&s->addresses[0]);
	assert_false(answers(fds[limit])); /* accepted by the kernel, closed by us */
	close(fds[limit]);
	tcp_listener_stats(s->listener, &stats);
	assert_int_equal(stats.channels, limit);
	assert_int_equal(stats.refused, 1);
	close(fds[0]);
	wait_channels(s, limit - 1);
	fds[0] = dial(&s->addresses[0]);
	assert_true(answers(fds[0]));
	for (unsigned i = 0; i < limit; i++)
		close(fds[i]);
	server_stop(s);
}

static void limit_in_all(void **state)
{
	struct server s;

	server_prepare(&s);
	s.config.channels_max = 3;
	check_limit(&s, 3);
}

static void limit_per_peer(void **state)
{
	struct server s;

	server_prepare(&s);
	s.config.channels_peer_max = 4;
	check_limit(&s, 4);
}

static void peers_are_told_apart(void **state)
{
	struct sockaddr_storage a = v4_any_port(1), b = v4_any_port(2), c = v6_any_port(1);
	struct tcp_peers *p = tcp_peers_create();

	((struct sockaddr_in *)(void *)&b)->sin_addr.s_addr = htonl(0x0a000001);
	assert_int_equal(tcp_peers_add(p, &a, 2), 0);
	assert_int_equal(tcp_peers_add(p, &a, 2), 0);
	assert_int_equal(tcp_peers_add(p, &a, 2), -EMFILE);
	assert_int_equal(tcp_peers_add(p, &a, 0), 0);
	assert_int_equal(tcp_peers_add(p, &b, 1), 0);
	assert_int_equal(tcp_peers_add(p, &c, 1), 0);
	assert_int_equal(tcp_peers_add(p, &c, 1), -EMFILE);
	tcp_peers_remove(p, &c);
	assert_int_equal(tcp_peers_add(p, &c, 1), 0);
	tcp_peers_destroy(p);
}

/* No descriptor for a connection: it is closed, not left to wake us for ever; later ones are
 * served. */
static void out_of_descriptors(void **state)
{
	struct tcp_listener_stats stats;
	struct rlimit old, low;
	struct server s;
	int fd, other;

	server_prepare(&s);
	server_start(&s);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	other = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = old;
	low.rlim_cur = (rlim_t)other + 1;
	for (int i = 0; i <= other; i++) { /* no gaps that accept() could use */
		int filler = dup(fd);

		if (filler > other) {
			close(filler);
			break;
		}
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(
		connect(fd, (struct sockaddr *)&s.addresses[0], sizeof(struct sockaddr_in)), 0);
	assert_false(answers(fd));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	tcp_listener_stats(s.listener, &stats);
	assert_in_range(stats.fd_shortages, 1, 10);
	assert_int_equal(
		connect(other, (struct sockaddr *)&s.addresses[0], sizeof(struct sockaddr_in)), 0);
	assert_true(answers(other));
	close(fd);
	close(other);
	server_stop(&s);
}

static void stops(void **state)
{
	struct server s;
	int fd, err;

	server_prepare(&s);
	server_start(&s);
	fd = dial(&s.addresses[0]);
	assert_true(answers(fd));
	tcp_listener_stop(s.listener);
	do { /* reset: it was in the backlog when the socket was closed */
		err = dial(&s.addresses[0]);
		if (err >= 0)
			close(err);
	} while (err >= 0 || err == -ECONNRESET);
	assert_int_equal(err, -ECONNREFUSED);
	assert_true(answers(fd)); /* channels live on */
	close(fd);
	server_stop(&s);
}

/* ---- connecting ---- */

struct dialer {
	struct tcp_connect connect;
	struct reactor_post post;
	atomic_uint done;
	struct channel *ch;
	int err;
	struct echo echo;
};

static void dialer_done(struct tcp_connect *connect, struct channel *ch, int err)
{
	struct dialer *d = container_of(connect, struct dialer, connect);

	d->ch = ch;
	d->err = err;
	if (ch) {
		d->echo.acceptor.accepted(&d->echo.acceptor, ch);
		channel_close(ch, 0);
	}
	atomic_fetch_add(&d->done, 1);
}

static void dialer_start(struct reactor_post *post)
{
	struct dialer *d = container_of(post, struct dialer, post);

	tcp_connect_start(&d->connect);
	if (d->err == -EINPROGRESS) { /* cancel at once */
		tcp_connect_cancel(&d->connect);
		atomic_fetch_add(&d->done, 1);
	}
}

static void dialer_run(struct dialer *d, struct server *s, const struct sockaddr_storage *a)
{
	d->connect = (struct tcp_connect){.reactor = s->reactors[1],
					  .pool = s->pool,
					  .address = *a,
					  .timeout_ms = 5000,
					  .done = dialer_done};
	tcp_config_default(&d->connect.config);
	d->post.run = dialer_start;
	reactor_post(s->reactors[1], &d->post);
	assert_true(echo_wait(&d->done, 1));
}

static void connects(void **state)
{
	struct sockaddr_storage gone;
	struct dialer good = {0}, bad = {0}, cancelled = {.err = -EINPROGRESS};
	struct server s;

	server_prepare(&s);
	server_start(&s);
	echo_init(&good.echo);
	dialer_run(&good, &s, &s.addresses[0]);
	assert_int_equal(good.err, 0);
	assert_non_null(good.ch);
	assert_true(echo_wait(&good.echo.closed, 1));
	assert_int_equal(good.echo.last_err, 0);
	gone = v4_any_port(1);
	dialer_run(&bad, &s, &gone);
	assert_int_equal(bad.err, -ECONNREFUSED);
	assert_null(bad.ch);
	dialer_run(&cancelled, &s, &s.addresses[0]);
	assert_null(cancelled.ch);
	server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_families),
		cmocka_unit_test(same_port),
		cmocka_unit_test(in_use),
		cmocka_unit_test(spread),
		cmocka_unit_test(limit_in_all),
		cmocka_unit_test(limit_per_peer),
		cmocka_unit_test(peers_are_told_apart),
		cmocka_unit_test(out_of_descriptors),
		cmocka_unit_test(stops),
		cmocka_unit_test(connects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
