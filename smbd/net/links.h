/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's network as the kernel tells it now: links, what is beneath them, their addresses.
 * Hides rtnetlink, ethtool's netlink and the RDMA subsystem's.
 *
 * Thread: any; blocks for some milliseconds (a few netlink dumps). Ownership: the caller's talloc
 * context. Units: bits per second. Errors: negative errno.
 */
#ifndef SMBD_NET_LINKS_H
#define SMBD_NET_LINKS_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <talloc.h>

struct net_link {
	unsigned index;
	char name[IFNAMSIZ];
	unsigned lower;  /* what a VLAN, a macvlan, an IPoIB child is over; 0: nothing */
	unsigned master; /* the bond, team or bridge it is a port of; 0: none */
	bool loopback;
	bool running; /* up, and with a carrier */
	bool has_speed;
	uint64_t bits_per_sec; /* its own word, if has_speed; that may be 0 */
	unsigned rx_queues;    /* in use; 0: unknown */
	bool rdma;             /* the netdev of an RDMA device's active port */
};

struct net_address {
	struct sockaddr_storage address; /* port 0 */
	unsigned index;                  /* the link's */
	bool tentative;                  /* being looked whether somebody else has it; or one has */
};

struct net_links {
	struct net_link *links;
	unsigned count;
	struct net_address *addresses;
	unsigned address_count;
};

int net_links_read(TALLOC_CTX *mem, struct net_links **out);

/* NULL: none of that index. */
struct net_link *net_link_find(const struct net_links *all, unsigned index);

#endif
