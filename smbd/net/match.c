/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/net/match.h"

#include <fnmatch.h>
#include <netinet/in.h>
#include <string.h>

const uint8_t *net_address_bytes(const struct sockaddr *address)
{
	return address->sa_family == AF_INET6
		       ? ((const struct sockaddr_in6 *)address)->sin6_addr.s6_addr
		       : (const uint8_t *)&((const struct sockaddr_in *)address)->sin_addr;
}

bool net_address_equal(const struct sockaddr *a, const struct sockaddr *b)
{
	return a->sa_family == b->sa_family && memcmp(net_address_bytes(a), net_address_bytes(b),
						      a->sa_family == AF_INET6 ? 16 : 4) == 0;
}

static bool in_network(const struct conf_interface *item, const struct sockaddr *address)
{
	const struct sockaddr *network = (const struct sockaddr *)&item->address;
	const uint8_t *a = net_address_bytes(address), *n = net_address_bytes(network);
	unsigned bytes = item->prefix / 8, bits = item->prefix % 8;

	if (network->sa_family != address->sa_family || memcmp(a, n, bytes) != 0)
		return false;
	return bits == 0 || (a[bytes] ^ n[bytes]) >> (8 - bits) == 0;
}

bool net_item_matches(const struct conf_interface *item, const char *link,
		      const struct sockaddr *address)
{
	switch (item->kind) {
	case CONF_INTERFACE_NAME:
		return fnmatch(item->name, link, 0) == 0;
	case CONF_INTERFACE_ADDRESS:
		return net_address_equal((const struct sockaddr *)&item->address, address);
	case CONF_INTERFACE_NETWORK:
		return in_network(item, address);
	}
	return false;
}
