/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, ports and addresses that come, go and fail while the server runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <infiniband/verbs.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fake/direct_server.h"
#include "tests/fake/log_capture.h"

#define LOOK_MS 20

/* ---- waiting: ten seconds at most ---- */

static unsigned listening(struct direct_server *s)
{
	struct direct_listener_stats stats;

	direct_listener_stats(s->listener, &stats);
	return stats.addresses;
}

static void wait_listening(struct direct_server *s, unsigned count)
{
	for (unsigned i = 0; i < 5000 && listening(s) != count; i++)
		usleep(2000);
	assert_int_equal(listening(s), count);
}

static void wait_said(const char *text, unsigned count)
{
	for (unsigned i = 0; i < 5000 && log_capture_count(text) < count; i++)
		usleep(2000);
	assert_int_equal(log_capture_count(text), count);
}

/* Nobody has a device open that went. */
static void wait_let_go(void)
{
	struct fake_verbs_counts counts;

	fake_verbs_counts(&counts);
	for (unsigned i = 0; i < 5000 && counts.held; i++) {
		usleep(2000);
		fake_verbs_counts(&counts);
	}
	assert_int_equal(counts.held, 0);
}

/* And what it had is released: so many registrations are left, of other devices. */
static void wait_given_back(unsigned mrs)
{
	struct fake_verbs_counts counts;

	wait_let_go();
	fake_verbs_counts(&counts);
	assert_int_equal(counts.mrs, mrs);
}

/* Several looks pass. */
static void looks(void)
{
	usleep(5 * LOOK_MS * 1000);
}

/* ---- fixtures ---- */

static int prepare(void **state)
{
	struct direct_server *s;

	log_capture_begin();
	if (direct_server_prepare(state) != 0)
		return -1;
	s = *state;
	s->look_ms = LOOK_MS;
	s->fabric.absent = 1u << 1; /* of one device at a time */
	return 0;
}

static int finish(void **state)
{
	int err = direct_server_finish(state);

	log_capture_end();
	return err;
}

static void friend_is_served(struct direct_server *s)
{
	struct direct_peer *p = direct_server_friend(s, 20);

	direct_server_echo(p, 5000, 1000);
	direct_peer_close(p);
}

/* ---- devices ---- */

static void device_that_comes_later(void **state)
{
	struct direct_server *s = *state;

	s->fabric.absent = 3;
	direct_server_start(s);
	looks();
	assert_int_equal(listening(s), 0);
	assert_int_equal(log_capture_count("no RDMA device can be used: serving TCP only"), 1);
	fake_verbs_present(0, true);
	wait_listening(s, 1);
	assert_int_equal(log_capture_count("SMB Direct listens on 127.0.0.1:445, fake0 (RoCE)"), 1);
	friend_is_served(s);
}

/* Channels end, registrations and the protection domain go with the last of them, and the device is
 * given back: its driver may be waiting for that. Then it comes again. */
static void device_that_goes_and_returns(void **state)
{
	struct direct_server *s = *state;
	struct fake_verbs_counts counts;
	struct direct_peer *one, *two;

	direct_server_start(s);
	one = direct_server_friend(s, 20);
	two = direct_server_friend(s, 20);
	direct_server_echo(one, 5000, 1000);
	fake_verbs_counts(&counts);
	assert_true(counts.mrs > 0);
	fake_verbs_present(0, false);
	assert_true(direct_peer_gone(one));
	assert_true(echo_wait(&s->echo.closed, 2));
	assert_int_equal(atomic_load(&s->echo.last_err), -ECONNRESET);
	direct_peer_close(one);
	direct_peer_close(two);
	wait_listening(s, 0);
	wait_given_back(0);
	assert_int_equal(log_capture_count("fake0: given back"), 1);
	fake_verbs_present(0, true);
	wait_listening(s, 1);
	friend_is_served(s);
}

/* A message that the user holds keeps the channel, and the channel the device. */
static void device_that_goes_under_a_held_message(void **state)
{
	struct direct_server *s = *state;
	struct direct_peer *p;

	s->echo.mute = true;
	direct_server_start(s);
	p = direct_server_friend(s, 20);
	assert_true(direct_peer_data(p, 5, direct_server_pattern(), 100, 0));
	assert_true(echo_wait(&s->echo.messages, 1));
	fake_verbs_present(0, false);
	assert_true(echo_wait(&s->echo.closed, 1)); /* the echo lets go here */
	direct_peer_close(p);
	wait_given_back(0);
}

static void device_that_fails(void **state)
{
	struct direct_server *s = *state;
	struct direct_peer *p;

	s->config.keepalive_timeout_ms = 200; /* how often a channel looks */
	direct_server_start(s);
	p = direct_server_friend(s, 20);
	fake_verbs_async(0, IBV_EVENT_DEVICE_FATAL);
	assert_true(echo_wait(&s->echo.closed, 1));
	direct_peer_close(p);
	wait_listening(s, 0);
	looks();
	assert_int_equal(listening(s), 0);
	wait_said("fake0: not used: it has failed", 1);
	fake_verbs_present(0, false); /* the driver resets it */
	wait_given_back(0);
	fake_verbs_present(0, true);
	wait_listening(s, 1);
	friend_is_served(s);
}

/* The other device is none the worse. */
static void one_of_two_devices_goes(void **state)
{
	struct direct_server *s = *state;
	struct fake_verbs_counts counts;

	s->fabric.absent = 0;
	s->many = true;
	direct_server_start(s);
	wait_listening(s, 3);
	fake_verbs_counts(&counts);
	fake_verbs_present(0, false);
	wait_listening(s, 1);
	wait_given_back(counts.mrs / 2);
	s->address = s->addresses[1];
	((struct sockaddr_in *)&s->address)->sin_port = htons(DIRECT_PORT_IWARP);
	friend_is_served(s);
}

static void devices_that_come_and_go_for_ever(void **state)
{
	struct direct_server *s = *state;

	direct_server_start(s);
	for (unsigned i = 0; i < 20; i++) {
		friend_is_served(s);
		fake_verbs_present(0, false);
		if (i % 2)
			wait_listening(s, 0);
		fake_verbs_present(0, true);
		wait_let_go();
		wait_listening(s, 1);
	}
}

/* ---- ports ---- */

/* Whoever is out of reach does not answer, and ends; whoever answers stays. */
static void port_that_goes_down(void **state)
{
	struct direct_server *s = *state;
	struct direct_peer *silent, *good;
	struct direct_data data;

	s->config.keepalive_timeout_ms = 400;
	direct_server_start(s);
	silent = direct_server_friend(s, 20);
	good = direct_server_friend(s, 20);
	fake_verbs_async(0, IBV_EVENT_PORT_ERR);
	assert_true(direct_peer_next(good, &data));
	assert_int_equal(data.flags & DIRECT_RESPONSE_REQUESTED, DIRECT_RESPONSE_REQUESTED);
	assert_true(direct_peer_data(good, 5, NULL, 0, 0));
	assert_true(echo_wait(&s->echo.closed, 1));
	assert_int_equal(atomic_load(&s->echo.last_err), -ETIMEDOUT);
	wait_said("fake0: port 1 is down", 1);
	wait_said("fake0: of no use: no port is active", 1);
	fake_verbs_async(0, IBV_EVENT_PORT_ACTIVE);
	wait_said("fake0: port 1 is active", 1);
	direct_server_echo(good, 100, 100);
	assert_int_equal(atomic_load(&s->echo.closed), 1);
	direct_peer_close(silent);
	direct_peer_close(good);
}

/* ---- addresses ---- */

struct addresses {
	struct direct_address_source source;
	pthread_mutex_t mutex;
	uint32_t host[4];
	unsigned count;
};

static unsigned addresses_find(struct direct_address_source *source, struct direct_address *out,
			       unsigned max)
{
	struct addresses *a = container_of(source, struct addresses, source);
	unsigned count;

	pthread_mutex_lock(&a->mutex);
	count = a->count;
	for (unsigned i = 0; i < count; i++) {
		struct sockaddr_in v4 = {.sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(a->host[i])};

		out[i] = (struct direct_address){.if_index = 7 + i, .rss = true};
		memcpy(&out[i].address, &v4, sizeof(v4));
	}
	pthread_mutex_unlock(&a->mutex);
	return count;
}

static void addresses_set(struct addresses *a, unsigned first, unsigned count)
{
	pthread_mutex_lock(&a->mutex);
	a->count = count;
	for (unsigned i = 0; i < count; i++)
		a->host[i] = INADDR_LOOPBACK + first + i;
	pthread_mutex_unlock(&a->mutex);
}

static void addresses_that_come_and_go(void **state)
{
	struct addresses addresses = {.source = {addresses_find},
				      .mutex = PTHREAD_MUTEX_INITIALIZER};
	struct direct_server *s = *state;

	s->source = &addresses.source;
	direct_server_start(s);
	looks();
	assert_int_equal(listening(s), 0);
	wait_said("fake0: of no use: no address that may be listened on is on it", 1);
	addresses_set(&addresses, 0, 1);
	wait_listening(s, 1);
	friend_is_served(s);
	addresses_set(&addresses, 2, 2); /* 127.0.0.3, 127.0.0.4; not 127.0.0.1 */
	wait_listening(s, 2);
	assert_false(direct_listener_listens(s->listener, &s->address));
	((struct sockaddr_in *)&s->address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK + 3);
	assert_true(direct_listener_listens(s->listener, &s->address));
	wait_said("SMB Direct listens no more on 127.0.0.1:445: the address is gone", 1);
	addresses_set(&addresses, 0, 0);
	wait_listening(s, 0);
	direct_listener_stop(s->listener); /* it asks no more once it has stopped */
	looks();
}

/* What a channel is over: its device, and the interface of the address that it came in by. */

static struct channel_link link_seen;
static int (*accept_by_echo)(struct channel_acceptor *acceptor, struct channel *ch);

static int accept_and_look(struct channel_acceptor *acceptor, struct channel *ch)
{
	link_seen = ch->link;
	return accept_by_echo(acceptor, ch);
}

static void channel_has_a_link(void **state)
{
	/* the listener looks until the test's teardown has stopped it */
	static struct addresses addresses = {.source = {addresses_find},
					     .mutex = PTHREAD_MUTEX_INITIALIZER};
	struct direct_server *s = *state;

	addresses_set(&addresses, 0, 1);
	s->source = &addresses.source;
	accept_by_echo = s->echo.acceptor.accepted;
	s->echo.acceptor.accepted = accept_and_look;
	direct_server_start(s);
	friend_is_served(s);
	assert_string_equal(link_seen.device, "fake0");
	assert_int_equal(link_seen.if_index, 7);
	assert_true(link_seen.rss);
	assert_true(link_seen.rdma);
	assert_int_equal(link_seen.bits_per_sec, 100000000000);
	assert_int_equal(link_seen.numa_node, -1); /* there is no such device in /sys */
}

static void address_that_moves(void **state)
{
	struct direct_server *s = *state;
	struct direct_peer *p;

	direct_server_start(s);
	p = direct_server_friend(s, 20);
	fake_verbs_move_address(0);
	wait_said("the address moves to another device", 1);
	wait_listening(s, 1);
	direct_server_echo(p, 100, 100); /* answered, so it stays */
	direct_peer_close(p);
	friend_is_served(s);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, prepare, finish)
	const struct CMUnitTest tests[] = {
		CASE(device_that_comes_later),
		CASE(device_that_goes_and_returns),
		CASE(device_that_goes_under_a_held_message),
		CASE(device_that_fails),
		CASE(one_of_two_devices_goes),
		CASE(devices_that_come_and_go_for_ever),
		CASE(port_that_goes_down),
		CASE(addresses_that_come_and_go),
		CASE(channel_has_a_link),
		CASE(address_that_moves),
	};

	return cmocka_run_group_tests_name("rdma/hotplug", tests, NULL, NULL);
}
