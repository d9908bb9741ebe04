/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "smbd/net/match.h"

static uint16_t *port_of(struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET6 ? &((struct sockaddr_in6 *)address)->sin6_port
					      : &((struct sockaddr_in *)address)->sin_port;
}

static socklen_t length_of(const struct sockaddr *address)
{
	return address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					      : sizeof(struct sockaddr_in);
}

static void add(struct listen_addresses *to, const struct conf_ports *ports,
		const struct sockaddr *address)
{
	for (unsigned i = 0; i < ports->count; i++) {
		struct sockaddr_storage one = {0};
		bool known = false;

		memcpy(&one, address, length_of(address));
		*port_of(&one) = htons(ports->port[i]);
		for (unsigned k = 0; k < to->count; k++)
			known |= memcmp(&to->list[k], &one, sizeof(one)) == 0;
		if (!known && to->count < LISTEN_ADDRESSES_MAX)
			to->list[to->count++] = one;
	}
}

static bool has_address(const struct ifaddrs *ifa)
{
	return ifa->ifa_addr &&
	       (ifa->ifa_addr->sa_family == AF_INET || ifa->ifa_addr->sa_family == AF_INET6);
}

static bool have_ipv6(void)
{
	const struct sockaddr_in6 any = {.sin6_family = AF_INET6};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool have = fd >= 0 && bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0;

	if (fd >= 0)
		close(fd);
	return have;
}

static void add_any(struct listen_addresses *to, const struct conf_ports *ports)
{
	const struct sockaddr_in6 any6 = {.sin6_family = AF_INET6};
	const struct sockaddr_in any4 = {.sin_family = AF_INET};

	add(to, ports, (const struct sockaddr *)&any4);
	if (have_ipv6())
		add(to, ports, (const struct sockaddr *)&any6);
}

int listen_addresses_find(const struct conf *conf, const struct conf_ports *ports,
			  struct listen_addresses *out)
{
	struct ifaddrs *all = NULL;

	out->count = 0;
	/* `interfaces` says where to listen only with `bind interfaces only` */
	if (!conf->bind_interfaces_only || conf->interfaces.count == 0) {
		add_any(out, ports);
		return 0;
	}
	if (getifaddrs(&all) != 0)
		return -errno;
	for (unsigned i = 0; i < conf->interfaces.count; i++) {
		const struct conf_interface *item = &conf->interfaces.items[i];

		if (item->kind == CONF_INTERFACE_ADDRESS)
			add(out, ports, (const struct sockaddr *)&item->address);
		for (struct ifaddrs *ifa = all; ifa; ifa = ifa->ifa_next)
			if (has_address(ifa) &&
			    net_item_matches(item, ifa->ifa_name, ifa->ifa_addr))
				add(out, ports, ifa->ifa_addr);
	}
	freeifaddrs(all);
	return out->count > 0 ? 0 : -ENODEV;
}

static bool is_wanted(const struct conf *conf, const struct ifaddrs *ifa)
{
	if (!conf->bind_interfaces_only || conf->interfaces.count == 0)
		return !(ifa->ifa_flags & IFF_LOOPBACK);
	for (unsigned i = 0; i < conf->interfaces.count; i++) {
		if (net_item_matches(&conf->interfaces.items[i], ifa->ifa_name, ifa->ifa_addr))
			return true;
	}
	return false;
}

static bool has_queues(const char *interface)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/class/net/%s/queues/rx-1", interface);
	return access(path, F_OK) == 0;
}

int local_addresses_find(const struct conf *conf, struct local_addresses *out)
{
	struct ifaddrs *all = NULL;

	out->count = 0;
	if (getifaddrs(&all) != 0)
		return -errno;
	for (struct ifaddrs *ifa = all; ifa && out->count < LISTEN_ADDRESSES_MAX;
	     ifa = ifa->ifa_next) {
		struct local_address *one = &out->list[out->count];

		if (!has_address(ifa) || !(ifa->ifa_flags & IFF_UP) || !is_wanted(conf, ifa))
			continue;
		*one = (struct local_address){.if_index = if_nametoindex(ifa->ifa_name),
					      .rss = has_queues(ifa->ifa_name)};
		memcpy(&one->address, ifa->ifa_addr, length_of(ifa->ifa_addr));
		*port_of(&one->address) = 0;
		out->count++;
	}
	freeifaddrs(all);
	return 0;
}

const char *listen_address_text(const struct sockaddr_storage *address, char text[64],
				unsigned *port)
{
	struct sockaddr_storage copy = *address;

	*port = ntohs(*port_of(&copy));
	if (!inet_ntop(address->ss_family, net_address_bytes((const struct sockaddr *)address),
		       text, 64))
		snprintf(text, 64, "?");
	return text;
}
