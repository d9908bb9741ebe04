/* SPDX-License-Identifier: Apache-2.0 */
/* Which paths are best: RDMA over RSS over neither, then speed (protocol-facts 20). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <string.h>

#include "tools/client/paths.h"
#include "transport/channel.h"

#define GBIT 1000000000ull

static struct client_interface at(const char *address, unsigned if_index, uint64_t speed, bool rss,
				  bool rdma)
{
	struct client_interface i = {
		.if_index = if_index, .bits_per_sec = speed, .rss = rss, .rdma = rdma};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&i.address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&i.address;

	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
	} else {
		assert_int_equal(inet_pton(AF_INET6, address, &v6->sin6_addr), 1);
		v6->sin6_family = AF_INET6;
	}
	return i;
}

/* We have one interface, but none to 192.0.2.0/24. */
static struct client_interface ours;

static bool locate(const struct client_locator *l, const struct sockaddr_storage *to,
		   struct client_interface *out)
{
	const uint8_t *a = (const uint8_t *)&((const struct sockaddr_in *)to)->sin_addr;

	*out = ours;
	return to->ss_family == AF_INET6 || a[0] != 192;
}

static const struct client_locator locator = {locate};

static struct client_path paths[32];

static unsigned make(const struct client_interface *list, unsigned n, enum client_transport t)
{
	return client_paths_make(list, n, t, &locator, paths, 32);
}

static void assert_path(unsigned i, const struct client_interface *to, bool direct)
{
	assert_true(channel_address_same_host(&paths[i].to, &to->address));
	assert_int_equal(paths[i].remote, to->if_index);
	assert_int_equal(paths[i].direct, direct);
}

/* A wrong RSS bit beats a right speed. */
static void rss_before_speed(void **state)
{
	const struct client_interface list[] = {at("10.0.0.1", 1, 10 * GBIT, false, false),
						at("10.0.1.1", 2, GBIT, true, false),
						at("10.0.2.1", 3, 25 * GBIT, false, false)};

	ours = at("10.0.0.9", 7, 40 * GBIT, true, true);
	assert_int_equal(make(list, 3, CLIENT_AUTO), 3);
	assert_path(0, &list[1], false);
	assert_path(1, &list[2], false);
	assert_path(2, &list[0], false);
	assert_true(paths[0].quality > paths[1].quality && paths[1].quality > paths[2].quality);
	assert_int_equal(paths[0].channels, 4);
	assert_int_equal(paths[1].channels, 1);
}

static void rdma_before_all(void **state)
{
	const struct client_interface list[] = {at("10.0.0.1", 1, 100 * GBIT, true, false),
						at("10.0.1.1", 2, GBIT, false, true)};

	ours = at("10.0.0.9", 7, 40 * GBIT, true, true);
	assert_int_equal(make(list, 2, CLIENT_AUTO), 3);
	assert_path(0, &list[1], true);
	assert_int_equal(paths[0].channels, 2);
	assert_path(1, &list[0], false);
	assert_path(2, &list[1], false);
	assert_int_equal(make(list, 2, CLIENT_TCP), 2);
	assert_path(0, &list[0], false);
	assert_int_equal(make(list, 2, CLIENT_DIRECT), 1);
	assert_path(0, &list[1], true);
}

/* What the server can and we cannot is of no use. */
static void both_ends_count(void **state)
{
	const struct client_interface list[] = {at("10.0.0.1", 1, 100 * GBIT, true, true),
						at("10.0.1.1", 2, 25 * GBIT, false, false)};

	ours = at("10.0.0.9", 7, 25 * GBIT, false, false);
	assert_int_equal(make(list, 2, CLIENT_AUTO), 2);
	assert_false(paths[0].direct);
	assert_int_equal(paths[0].quality, paths[1].quality);
	assert_int_equal(paths[0].channels, 1);
	/* one whose speed nobody knows is as fast as the other end */
	ours.bits_per_sec = 0;
	assert_int_equal(make(list, 2, CLIENT_AUTO), 2);
	assert_path(0, &list[0], false);
	assert_true(paths[0].quality > paths[1].quality);
}

static void addresses_of_an_interface(void **state)
{
	const struct client_interface list[] = {at("2001:db8::1", 1, GBIT, false, false),
						at("10.0.0.1", 1, GBIT, false, false),
						at("192.0.2.1", 2, 100 * GBIT, true, true)};

	ours = at("10.0.0.9", 7, GBIT, false, false);
	assert_int_equal(make(list, 3, CLIENT_AUTO), 2); /* there is no way to the last one */
	assert_path(0, &list[1], false);
	assert_path(1, &list[0], false);
	assert_int_equal(paths[0].quality, paths[1].quality);
	assert_int_equal(client_paths_make(list, 3, CLIENT_AUTO, &locator, paths, 1), 1);
}

static void address_of_this_machine(void **state)
{
	const struct client_interface loopback = at("127.0.0.1", 1, 0, false, false);
	struct client_interface found;

	assert_true(
		client_locator_kernel.locate(&client_locator_kernel, &loopback.address, &found));
	assert_true(channel_address_same_host(&found.address, &loopback.address));
	assert_int_not_equal(found.if_index, 0);
	assert_false(found.rdma);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rss_before_speed),
		cmocka_unit_test(rdma_before_all),
		cmocka_unit_test(both_ends_count),
		cmocka_unit_test(addresses_of_an_interface),
		cmocka_unit_test(address_of_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
