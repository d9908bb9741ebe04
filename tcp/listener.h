/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listens on TCP addresses and hands each connection, as a channel, to an acceptor. Hides sockets,
 * framing, how connections are spread over reactors (the one with the fewest gets the next), and
 * what is refused: over the limits, or for want of file descriptors.
 *
 * Thread: create and destroy on any thread while no reactor of the listener runs its code (before
 * start, after the last channel is gone); tcp_listener_stop() on any. accepted() is called on the
 * new channel's reactor. Ownership: the config is copied but for what it points to; reactors, pool
 * and acceptor outlive the listener. Errors: negative errno.
 */
#ifndef TCP_LISTENER_H
#define TCP_LISTENER_H

#include <sys/socket.h>

#include "tcp/config.h"
#include "transport/channel.h"

struct buf_pool;
struct tcp_listener;

struct tcp_listener_config {
	const struct sockaddr_storage *addresses; /* with ports; IPv6 ones are v6 only */
	unsigned address_count;
	struct reactor *const *reactors; /* the first one accepts */
	unsigned reactor_count;
	struct buf_pool *pool;
	struct channel_acceptor *acceptor;
	unsigned backlog;           /* 0: a default */
	unsigned channels_max;      /* at once; 0: no limit */
	unsigned channels_peer_max; /* at once from one address; 0: no limit */
	struct tcp_config channel;
};

/*
 * Binds and listens on every address, or on none. On failure *failed is the index of the address
 * that could not be had (address_count: it was none of them); may be NULL. Accepting begins when
 * the first reactor runs.
 */
int tcp_listener_create(const struct tcp_listener_config *config, struct tcp_listener **listener,
			unsigned *failed);

/* What address `index` was bound to: tells the port where 0 was asked for. */
void tcp_listener_address(const struct tcp_listener *l, unsigned index,
			  struct sockaddr_storage *address);

/* Accept no more. The sockets are closed by the first reactor, soon. Channels live on. */
void tcp_listener_stop(struct tcp_listener *l);

struct tcp_listener_stats {
	unsigned channels;     /* now: not yet freed */
	uint64_t accepted;     /* ever */
	uint64_t refused;      /* ever, over the limits or by accepted() */
	uint64_t fd_shortages; /* accept() had no descriptor or memory */
};

void tcp_listener_stats(struct tcp_listener *l, struct tcp_listener_stats *stats);

/* No channel may be left, and the first reactor must have stopped (or never run). */
void tcp_listener_destroy(struct tcp_listener *l);

#endif
