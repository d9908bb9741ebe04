/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What devices can do and what becomes of it: queue sizes, memory, ports.
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

static void fact_11_small_queues(void **state)
{
	struct direct_server *s = *state;
	struct direct_peer *p;

	s->fabric.wr_max = 300; /* of the peer's own; ours asks for 64 + 32 + 1 and 256 */
	s->config.send_slots = 1000;
	s->config.receive_credits = 1000;
	direct_server_start(s);
	p = direct_server_friend(s, 100);
	direct_server_echo(p, 60000, 1340);
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
	struct direct_server *s = *state;
	struct direct_listener_stats stats;

	s->many = true;
	direct_server_start(s);
	direct_listener_stats(s->listener, &stats);
	assert_int_equal(stats.addresses, 3);
	for (unsigned i = 0; i < 3; i++) {
		struct direct_peer *p;

		s->address = s->addresses[i];
		if (s->address.ss_family == AF_INET6)
			((struct sockaddr_in6 *)&s->address)->sin6_port = htons(445);
		else
			((struct sockaddr_in *)&s->address)->sin_port = htons(i == 1 ? 5445 : 445);
		p = direct_server_friend(s, 5);
		direct_server_echo(p, 10, 10);
		direct_peer_close(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIRECT_CASE(fact_11_small_queues),
		DIRECT_CASE(fact_34_memlock),
		DIRECT_CASE(devices_that_are_not_named),
		DIRECT_CASE(fact_4_ports),
	};

	return cmocka_run_group_tests_name("rdma/devices", tests, NULL, NULL);
}
