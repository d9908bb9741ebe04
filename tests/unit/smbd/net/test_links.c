/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's own word, of links that the test makes in a network namespace of its own. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "smbd/net/links.h"

static struct net_links *all;

static void sh(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
}

static int namespace_setup(void **state)
{
	if (unshare(CLONE_NEWNET) != 0)
		return -1;
	sh("ip link set lo up");
	sh("ip link add v0 numrxqueues 4 numtxqueues 4 type veth peer name v1");
	sh("ip link set v0 up && ip link set v1 up");
	sh("ip addr add 192.0.2.1/24 dev v0 && ip addr add 2001:db8::1/64 dev v0 nodad");
	sh("ip addr add 198.51.100.1 peer 198.51.100.2 dev v0");
	sh("ip link add d0 type ifb"); /* down */
	sh("ip addr add 203.0.113.1/24 dev d0");
	sh("ip link add link v0 name m0 type macvlan && ip link set m0 up");
	sh("ip link add b0 type bridge && ip link set v1 master b0 && ip link set b0 up");
	return net_links_read(NULL, &all);
}

static int namespace_teardown(void **state)
{
	talloc_free(all);
	return 0;
}

static const struct net_link *named(const char *name)
{
	const struct net_link *found = NULL;

	for (unsigned i = 0; i < all->count; i++) {
		if (strcmp(all->links[i].name, name) != 0)
			continue;
		assert_null(found); /* each once */
		found = &all->links[i];
	}
	assert_non_null(found);
	return found;
}

static unsigned address_link(const char *text)
{
	struct sockaddr_storage a = {.ss_family = strchr(text, ':') ? AF_INET6 : AF_INET};
	void *bytes = a.ss_family == AF_INET6 ? (void *)&((struct sockaddr_in6 *)&a)->sin6_addr
					      : (void *)&((struct sockaddr_in *)&a)->sin_addr;

	assert_int_equal(inet_pton(a.ss_family, text, bytes), 1);
	for (unsigned i = 0; i < all->address_count; i++)
		if (memcmp(&all->addresses[i].address, &a, sizeof(a)) == 0)
			return all->addresses[i].index;
	return 0;
}

static void test_links(void **state)
{
	assert_true(named("lo")->loopback);
	assert_true(named("lo")->running);
	assert_false(named("v0")->loopback);
	assert_true(named("v0")->running);
	assert_false(named("d0")->running);
	assert_ptr_equal(net_link_find(all, named("v0")->index), named("v0"));
	assert_null(net_link_find(all, 12345));
}

static void test_speed_and_queues(void **state)
{
	assert_true(named("v0")->has_speed);
	assert_int_equal(named("v0")->bits_per_sec, 10000000000ull); /* what veth says */
	assert_int_equal(named("v0")->rx_queues, 4);
	assert_false(named("d0")->has_speed);
	assert_int_equal(named("d0")->rx_queues, 0);
	assert_false(named("lo")->has_speed);
}

static void test_beneath(void **state)
{
	assert_int_equal(named("m0")->lower, named("v0")->index);
	assert_int_equal(named("v0")->lower, 0); /* the veth's other end is not beneath it */
	assert_int_equal(named("v1")->master, named("b0")->index);
	assert_int_equal(named("v0")->master, 0);
}

static void test_addresses(void **state)
{
	assert_int_equal(address_link("127.0.0.1"), named("lo")->index);
	assert_int_equal(address_link("192.0.2.1"), named("v0")->index);
	assert_int_equal(address_link("2001:db8::1"), named("v0")->index);
	assert_int_equal(address_link("198.51.100.1"), named("v0")->index);
	assert_int_equal(address_link("198.51.100.2"), 0); /* the peer's */
	assert_int_equal(address_link("203.0.113.1"), named("d0")->index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_speed_and_queues),
		cmocka_unit_test(test_beneath),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, namespace_setup, namespace_teardown);
}
