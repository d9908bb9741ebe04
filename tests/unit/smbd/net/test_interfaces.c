/* SPDX-License-Identifier: Apache-2.0 */
/* What clients are told, over networks made up here; facts 19 and 20 of the multichannel facts. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "smbd/net/interfaces.h"

#define GBIT 1000000000ull

struct fixture {
	struct conf *conf;
	struct net_link links[16];
	struct net_address addresses[16];
	struct net_links net;
	struct net_interfaces *made;
};

static void setup(struct fixture *f, const char *settings)
{
	char text[512];

	memset(f, 0, sizeof(*f));
	snprintf(text, sizeof(text), "[global]\n%s\n", settings);
	f->conf = conf_parse(NULL, "t", text, strlen(text), NULL);
	assert_non_null(f->conf);
	f->net.links = f->links;
	f->net.addresses = f->addresses;
}

static void teardown(struct fixture *f)
{
	talloc_free(f->made);
	talloc_free(f->conf);
}

static struct net_link *link_add(struct fixture *f, const char *name, unsigned gbit)
{
	struct net_link *link = &f->links[f->net.count++];

	link->index = 10 + f->net.count;
	snprintf(link->name, sizeof(link->name), "%s", name);
	link->running = true;
	link->has_speed = gbit > 0;
	link->bits_per_sec = gbit * GBIT;
	return link;
}

static struct sockaddr_storage address_of(const char *text)
{
	struct sockaddr_storage a = {.ss_family = strchr(text, ':') ? AF_INET6 : AF_INET};

	assert_int_equal(inet_pton(a.ss_family, text,
				   a.ss_family == AF_INET6
					   ? (void *)&((struct sockaddr_in6 *)&a)->sin6_addr
					   : (void *)&((struct sockaddr_in *)&a)->sin_addr),
			 1);
	return a;
}

static struct net_address *address_add(struct fixture *f, const struct net_link *link,
				       const char *text)
{
	struct net_address *a = &f->addresses[f->net.address_count++];

	a->address = address_of(text);
	a->index = link->index;
	return a;
}

static bool listens_everywhere(const struct net_rdma *rdma, const struct sockaddr_storage *address)
{
	return true;
}

static const struct net_rdma everywhere = {listens_everywhere};

static void make(struct fixture *f)
{
	f->made = net_interfaces_make(NULL, f->conf, &f->net, &everywhere);
	assert_non_null(f->made);
}

static struct net_interface *find(const struct fixture *f, const char *text)
{
	struct sockaddr_storage a = address_of(text);

	for (unsigned i = 0; i < f->made->count; i++)
		if (memcmp(&f->made->list[i].address, &a, sizeof(a)) == 0)
			return &f->made->list[i];
	return NULL;
}

static enum net_why why(const struct fixture *f, const char *text)
{
	assert_non_null(find(f, text));
	return find(f, text)->why;
}

static void tell(struct fixture *f, const char *local)
{
	struct sockaddr_storage a = address_of(local);

	((struct sockaddr_in *)&a)->sin_port = htons(445);
	net_interfaces_tell(f->made, &a);
}

/* Fact 19: speed 0, link-local and the like are left out; every address of an interface is there.
 */
static void test_fact_19_what_is_left_out(void **state)
{
	struct fixture f;
	struct net_link *lo, *up, *down, *still;

	setup(&f, "");
	lo = link_add(&f, "lo", 0);
	lo->loopback = true;
	up = link_add(&f, "eth0", 10);
	down = link_add(&f, "eth1", 10);
	down->running = false;
	still = link_add(&f, "eth2", 1);
	still->bits_per_sec = 0;
	address_add(&f, lo, "127.0.0.1");
	address_add(&f, up, "192.0.2.1");
	address_add(&f, up, "192.0.2.2");
	address_add(&f, up, "2001:db8::1");
	address_add(&f, up, "fe80::1");
	address_add(&f, up, "169.254.3.4");
	address_add(&f, up, "2001:db8::2")->tentative = true;
	address_add(&f, down, "192.0.2.3");
	address_add(&f, still, "192.0.2.4");
	make(&f);
	assert_int_equal(why(&f, "127.0.0.1"), NET_LOOPBACK);
	assert_int_equal(why(&f, "192.0.2.1"), NET_TOLD);
	assert_int_equal(why(&f, "192.0.2.2"), NET_TOLD);
	assert_int_equal(why(&f, "2001:db8::1"), NET_TOLD);
	assert_int_equal(why(&f, "fe80::1"), NET_LINK_LOCAL);
	assert_int_equal(why(&f, "169.254.3.4"), NET_LINK_LOCAL);
	assert_int_equal(why(&f, "2001:db8::2"), NET_TENTATIVE);
	assert_int_equal(why(&f, "192.0.2.3"), NET_DOWN);
	assert_int_equal(why(&f, "192.0.2.4"), NET_NO_SPEED);
	tell(&f, "192.0.2.1");
	assert_int_equal(f.made->count, 3);
	teardown(&f);
}

/* Fact 19: the address that the client came in on is always told. */
static void test_fact_19_where_the_client_came_in(void **state)
{
	struct fixture f;
	struct net_link *lo, *up;

	setup(&f, "");
	lo = link_add(&f, "lo", 0);
	lo->loopback = true;
	up = link_add(&f, "eth0", 10);
	address_add(&f, lo, "127.0.0.1");
	address_add(&f, up, "192.0.2.1");
	address_add(&f, up, "fe80::1");
	make(&f);
	tell(&f, "127.0.0.1");
	assert_int_equal(f.made->count, 2);
	assert_non_null(find(&f, "127.0.0.1"));
	assert_non_null(find(&f, "192.0.2.1"));
	assert_null(find(&f, "fe80::1"));
	teardown(&f);
}

/* Fact 19: who came in on an address that is not allowed is told of that alone. */
static void test_fact_19_policy(void **state)
{
	static const struct {
		const char *settings;
		enum net_why why;
	} cases[] = {
		{"multichannel deny = 192.0.2.9", NET_DENIED},
		{"multichannel deny = 192.0.2.8/29", NET_DENIED},
		{"multichannel deny = vip*", NET_DENIED},
		{"multichannel allow = eth0", NET_NOT_ALLOWED},
		{"multichannel allow = 192.0.2.0/29", NET_NOT_ALLOWED},
		{"interfaces = eth0", NET_NOT_AN_INTERFACE},
		{"multichannel allow = vip0\nmultichannel deny = vip0", NET_DENIED},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sockaddr_storage good = address_of("192.0.2.1");
		struct sockaddr_storage bad = address_of("192.0.2.9");
		struct fixture f;

		setup(&f, cases[i].settings);
		address_add(&f, link_add(&f, "eth0", 10), "192.0.2.1");
		address_add(&f, link_add(&f, "vip0", 10), "192.0.2.9");
		make(&f);
		assert_int_equal(why(&f, "192.0.2.9"), cases[i].why);
		assert_false(net_address_may_bind(f.conf, &f.net, &bad));
		if (i < 6) {
			assert_int_equal(why(&f, "192.0.2.1"), NET_TOLD);
			assert_true(net_address_may_bind(f.conf, &f.net, &good));
		}
		tell(&f, "192.0.2.9");
		assert_int_equal(f.made->count, 1);
		assert_non_null(find(&f, "192.0.2.9"));
		teardown(&f);
	}
}

static void test_nothing_is_forbidden_at_first(void **state)
{
	struct sockaddr_storage a = address_of("127.0.0.1"), gone = address_of("203.0.113.7");
	struct fixture f;
	struct net_link *lo;

	setup(&f, "");
	lo = link_add(&f, "lo", 0);
	lo->loopback = true;
	address_add(&f, lo, "127.0.0.1");
	assert_true(net_address_may_bind(f.conf, &f.net, &a));
	assert_true(net_address_may_bind(f.conf, &f.net, &gone));
	teardown(&f);
}

/* Fact 20: one queue is not RSS. */
static void test_fact_20_rss(void **state)
{
	struct fixture f;

	setup(&f, "");
	for (unsigned queues = 0; queues < 3; queues++) {
		char name[8], text[16];
		struct net_link *link;

		snprintf(name, sizeof(name), "eth%u", queues);
		snprintf(text, sizeof(text), "192.0.2.%u", queues);
		link = link_add(&f, name, 10);
		link->rx_queues = queues;
		address_add(&f, link, text);
	}
	make(&f);
	assert_false(find(&f, "192.0.2.0")->rss);
	assert_false(find(&f, "192.0.2.1")->rss);
	assert_true(find(&f, "192.0.2.2")->rss);
	teardown(&f);
}

static struct net_link *port_add(struct fixture *f, const char *name, const struct net_link *master)
{
	struct net_link *port = link_add(f, name, 25);

	port->rdma = true;
	port->rx_queues = 8;
	port->master = master->index;
	return port;
}

/* Fact 20: a bond of RDMA ports, and a VLAN over it, are RDMA and RSS capable. */
static void test_fact_20_bond_and_vlan(void **state)
{
	struct fixture f;
	struct net_link *bond, *vlan;

	setup(&f, "");
	bond = link_add(&f, "bond0", 50);
	port_add(&f, "eth0", bond);
	port_add(&f, "eth1", bond);
	vlan = link_add(&f, "bond0.7", 50);
	vlan->lower = bond->index;
	address_add(&f, vlan, "192.0.2.7");
	address_add(&f, bond, "192.0.2.1");
	make(&f);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(f.made->list[i].rdma);
		assert_true(f.made->list[i].rss);
		assert_int_equal(f.made->list[i].bits_per_sec, 50 * GBIT);
		assert_int_equal(f.made->list[i].why, NET_TOLD);
	}
	teardown(&f);
}

static void test_bond_with_a_plain_port_is_not_rdma(void **state)
{
	struct fixture f;
	struct net_link *bond;

	setup(&f, "");
	bond = link_add(&f, "bond0", 50);
	port_add(&f, "eth0", bond);
	port_add(&f, "eth1", bond)->rdma = false;
	address_add(&f, bond, "192.0.2.1");
	make(&f);
	assert_false(find(&f, "192.0.2.1")->rdma);
	assert_true(find(&f, "192.0.2.1")->rss);
	teardown(&f);
}

/* A bridge that does not say its speed has that of its running ports. */
static void test_bridge_speed(void **state)
{
	struct fixture f;
	struct net_link *bridge;

	setup(&f, "");
	bridge = link_add(&f, "br0", 0);
	port_add(&f, "eth0", bridge);
	port_add(&f, "eth1", bridge)->running = false;
	address_add(&f, bridge, "192.0.2.1");
	make(&f);
	assert_int_equal(find(&f, "192.0.2.1")->bits_per_sec, 25 * GBIT);
	assert_false(find(&f, "192.0.2.1")->speed_assumed);
	teardown(&f);
}

/* Links that lie over each other in a ring, as the kernel never shows: no endless walk. */
static void test_ring(void **state)
{
	struct fixture f;
	struct net_link *a, *b;

	setup(&f, "");
	a = link_add(&f, "a", 0);
	b = link_add(&f, "b", 0);
	a->lower = b->index;
	b->lower = a->index;
	address_add(&f, a, "192.0.2.1");
	make(&f);
	assert_int_equal(find(&f, "192.0.2.1")->bits_per_sec, NET_SPEED_ASSUMED);
	teardown(&f);
}

static void test_speed_assumed(void **state)
{
	struct fixture f;

	setup(&f, "");
	address_add(&f, link_add(&f, "virtio0", 0), "192.0.2.1");
	make(&f);
	assert_true(find(&f, "192.0.2.1")->speed_assumed);
	assert_int_equal(find(&f, "192.0.2.1")->bits_per_sec, NET_SPEED_ASSUMED);
	assert_int_equal(why(&f, "192.0.2.1"), NET_TOLD);
	teardown(&f);
}

static bool listens_nowhere(const struct net_rdma *rdma, const struct sockaddr_storage *address)
{
	return false;
}

/* RDMA is told only where it is served. */
static void test_rdma_needs_a_listener(void **state)
{
	static const struct net_rdma nowhere = {listens_nowhere};
	struct fixture f;

	setup(&f, "interfaces = \"eth0;capability=RDMA\"");
	address_add(&f, link_add(&f, "eth0", 10), "192.0.2.1");
	make(&f);
	assert_true(find(&f, "192.0.2.1")->rdma);
	talloc_free(f.made);
	f.made = net_interfaces_make(NULL, f.conf, &f.net, &nowhere);
	assert_false(find(&f, "192.0.2.1")->rdma);
	talloc_free(f.made);
	f.made = net_interfaces_make(NULL, f.conf, &f.net, NULL);
	assert_false(find(&f, "192.0.2.1")->rdma);
	teardown(&f);
}

/* The operator's word stands above the kernel's. */
static void test_override(void **state)
{
	struct fixture f;
	struct net_link *link;

	setup(&f, "interfaces = \"192.0.2.1;speed=40000000000,capability=RSS;if_index=77\" eth0");
	link = link_add(&f, "eth0", 0);
	link->rdma = true;
	address_add(&f, link, "192.0.2.1");
	address_add(&f, link, "192.0.2.2");
	make(&f);
	assert_int_equal(find(&f, "192.0.2.1")->bits_per_sec, 40 * GBIT);
	assert_false(find(&f, "192.0.2.1")->speed_assumed);
	assert_int_equal(find(&f, "192.0.2.1")->if_index, 77);
	assert_true(find(&f, "192.0.2.1")->rss);
	assert_false(find(&f, "192.0.2.1")->rdma);
	assert_int_equal(find(&f, "192.0.2.2")->if_index, link->index);
	assert_true(find(&f, "192.0.2.2")->rdma);
	teardown(&f);
}

/* Loopback that is named is told: tests on one host need it, as with Samba. */
static void test_loopback_by_name(void **state)
{
	struct fixture f;
	struct net_link *lo;

	setup(&f, "interfaces = 127.0.0.1");
	lo = link_add(&f, "lo", 0);
	lo->loopback = true;
	address_add(&f, lo, "127.0.0.1");
	make(&f);
	assert_int_equal(why(&f, "127.0.0.1"), NET_TOLD);
	teardown(&f);
}

/* Fact 20: RDMA before RSS before speed. */
static void test_order(void **state)
{
	struct fixture f;
	struct net_link *link;

	setup(&f, "");
	address_add(&f, link_add(&f, "fast", 100), "192.0.2.1");
	address_add(&f, link_add(&f, "slow", 1), "192.0.2.2");
	link = link_add(&f, "rss", 10);
	link->rx_queues = 4;
	address_add(&f, link, "192.0.2.3");
	link = link_add(&f, "rdma", 10);
	link->rdma = true;
	address_add(&f, link, "2001:db8::4");
	address_add(&f, link, "192.0.2.4");
	make(&f);
	assert_string_equal(f.made->list[0].name, "rdma");
	assert_int_equal(f.made->list[0].address.ss_family, AF_INET);
	assert_string_equal(f.made->list[1].name, "rdma");
	assert_string_equal(f.made->list[2].name, "rss");
	assert_string_equal(f.made->list[3].name, "fast");
	assert_string_equal(f.made->list[4].name, "slow");
	teardown(&f);
}

/* Two dumps are not one moment: an address of a link that is gone is not there either. */
static void test_address_without_link(void **state)
{
	struct fixture f;
	struct net_link gone = {.index = 99};

	setup(&f, "");
	address_add(&f, &gone, "192.0.2.1");
	make(&f);
	assert_int_equal(f.made->count, 0);
	tell(&f, "192.0.2.1");
	assert_int_equal(f.made->count, 0);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fact_19_what_is_left_out),
		cmocka_unit_test(test_fact_19_where_the_client_came_in),
		cmocka_unit_test(test_fact_19_policy),
		cmocka_unit_test(test_nothing_is_forbidden_at_first),
		cmocka_unit_test(test_fact_20_rss),
		cmocka_unit_test(test_fact_20_bond_and_vlan),
		cmocka_unit_test(test_bond_with_a_plain_port_is_not_rdma),
		cmocka_unit_test(test_bridge_speed),
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_speed_assumed),
		cmocka_unit_test(test_rdma_needs_a_listener),
		cmocka_unit_test(test_override),
		cmocka_unit_test(test_loopback_by_name),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_address_without_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
