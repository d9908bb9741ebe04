/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What multichannel clients are told of this host: FSCTL_QUERY_NETWORK_INTERFACE_INFO, [MS-SMB2]
 * 3.3.5.15.11. Hides how speed, RSS and RDMA of a bond, a bridge, a VLAN follow from what is
 * beneath, and which addresses the configuration lets out: `interfaces`, `multichannel allow`,
 * `multichannel deny`.
 *
 * Thread: any; pure but for what net_links_read() gathered. Ownership: the caller's talloc context.
 * Units: bits per second.
 */
#ifndef SMBD_NET_INTERFACES_H
#define SMBD_NET_INTERFACES_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "smbd/conf/conf.h"
#include "smbd/net/links.h"

/* Why an address is not told; those up to _POLICY are the operator's will. */
enum net_why {
	NET_TOLD,
	NET_DENIED,
	NET_NOT_ALLOWED,
	NET_NOT_AN_INTERFACE,
	NET_POLICY = NET_NOT_AN_INTERFACE,
	NET_LOOPBACK,
	NET_LINK_LOCAL,
	NET_TENTATIVE,
	NET_DOWN,
	NET_NO_SPEED,
};

/* An address, with the link that carries it. */
struct net_interface {
	char name[IFNAMSIZ];
	unsigned if_index;
	struct sockaddr_storage address; /* port 0 */
	uint64_t bits_per_sec;
	bool speed_assumed; /* the link does not say; NET_SPEED_ASSUMED */
	bool rss, rdma;
	enum net_why why;
};

struct net_interfaces {
	struct net_interface *list; /* best first: RDMA, RSS, speed */
	unsigned count;
};

/* What virtual NICs that have no speed are taken for, as by Samba. */
#define NET_SPEED_ASSUMED 1000000000ull

/* Is there an SMB Direct listener on that address? Only then it is told as RDMA capable. */
struct net_rdma {
	bool (*listens)(const struct net_rdma *rdma, const struct sockaddr_storage *address);
};

/* Every address of the host. rdma: NULL for none. NULL: no memory. */
struct net_interfaces *net_interfaces_make(TALLOC_CTX *mem, const struct conf *conf,
					   const struct net_links *links,
					   const struct net_rdma *rdma);

/* Keep what a client is told that came in on this address (any port). */
void net_interfaces_tell(struct net_interfaces *all, const struct sockaddr_storage *local);

/* May a session be bound to a connection that came in on this address? */
bool net_address_may_bind(const struct conf *conf, const struct net_links *links,
			  const struct sockaddr_storage *local);

const char *net_why_text(enum net_why why);

#endif
