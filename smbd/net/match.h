/* SPDX-License-Identifier: Apache-2.0 */
/* Does an item of `interfaces` and its like mean this address? Internal to net/. Thread: any. */
#ifndef SMBD_NET_MATCH_H
#define SMBD_NET_MATCH_H

#include <stdbool.h>
#include <sys/socket.h>

#include "smbd/conf/conf.h"

/* The bytes of an IPv4 or IPv6 address in network order, 4 or 16 of them. */
const uint8_t *net_address_bytes(const struct sockaddr *address);

bool net_address_equal(const struct sockaddr *a, const struct sockaddr *b);

/* link: the name of the address's interface. */
bool net_item_matches(const struct conf_interface *item, const char *link,
		      const struct sockaddr *address);

#endif
