/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listens for SMB Direct and hands each connection, once it is negotiated, as a channel to an
 * acceptor. Hides rdma_cm, which devices there are, which port is theirs, devices and addresses
 * that come and go, how connections are spread over reactors (the one with the fewest gets the
 * next), and what is refused.
 *
 * Thread: create and destroy on any thread while no reactor of the listener runs its code (before
 * start, after the last channel is gone); stop on any. accepted() is called on the new channel's
 * reactor. Ownership: the config is copied but for what it points to; devices, reactors, pool and
 * acceptor outlive the listener. Errors: negative errno.
 */
#ifndef RDMA_LISTENER_H
#define RDMA_LISTENER_H

#include "rdma/config.h"
#include "rdma/device.h"
#include "transport/channel.h"

struct direct_listener;

/* InfiniBand and RoCE have a port space of their own; iWARP shares TCP's. */
#define DIRECT_PORT       445
#define DIRECT_PORT_IWARP 5445

/* Where to listen, and what the channels from there are over. */
struct direct_address {
	struct sockaddr_storage address; /* the port is ignored */
	unsigned if_index;               /* 0: unknown */
	bool rss;
};

#define DIRECT_ADDRESSES_MAX 256

/* What addresses there are now. On the first reactor, or in direct_listener_create(). */
struct direct_address_source {
	unsigned (*find)(struct direct_address_source *source, struct direct_address *out,
			 unsigned max);
};

struct direct_listener_config {
	const struct sockaddr_storage *addresses; /* those that stay; ports are ignored */
	unsigned address_count;
	struct direct_address_source *source; /* instead: asked from time to time; or NULL */
	unsigned look_ms;                /* how often to look what came and went; 0: a default */
	uint16_t port, port_iwarp;       /* 0: the above, by the type of the address's device */
	struct reactor *const *reactors; /* the first one accepts */
	unsigned reactor_count;
	struct buf_pool *pool;
	struct direct_devices *devices;
	struct channel_acceptor *acceptor;
	unsigned backlog;      /* 0: a default */
	unsigned channels_max; /* at once; 0: no limit */
	struct direct_config channel;
};

/*
 * Listens on those of the addresses that have a device, as soon as they have one. None is no error:
 * see stats. The log tells of what is not used, and why.
 */
int direct_listener_create(const struct direct_listener_config *config,
			   struct direct_listener **listener);

/* Is it listened on now? Any thread; the port does not count. */
bool direct_listener_listens(struct direct_listener *l, const struct sockaddr_storage *address);

/* Accept no more. Channels live on. */
void direct_listener_stop(struct direct_listener *l);

struct direct_listener_stats {
	unsigned addresses; /* listened on */
	unsigned channels;  /* now: not yet freed */
	uint64_t accepted;  /* ever: handed to the acceptor */
	uint64_t refused;   /* ever: over the limit, no memory, no device, by accepted() */
	uint64_t failed;    /* ever: in negotiation */
};

void direct_listener_stats(struct direct_listener *l, struct direct_listener_stats *stats);

/* No channel may be left, and the first reactor must have stopped (or never run). */
void direct_listener_destroy(struct direct_listener *l);

#endif
