/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel in memory: the whole of transport/channel.h with nothing under it, for tests and
 * simulators. Two ends, on one reactor or two; remote memory is a table of tokens with bounds and
 * rights, checked as a network adapter would. Hides the packets that the ends post to each other.
 *
 * Thread: mem_connect() on any; an end on its reactor; the memory table on any. Ownership: reactors
 * and pools outlive both ends, which free themselves when both are closed and released.
 * A breach of the contract by the user of an end is an assertion.
 */
#ifndef TESTS_FAKE_MEM_CHANNEL_H
#define TESTS_FAKE_MEM_CHANNEL_H

#include "transport/channel.h"

struct buf_pool;

struct mem_config {
	struct channel_limits limits; /* of both ends */
	struct channel_link link;     /* of both ends; made up */
	unsigned close_timeout_ms;    /* for an orderly close */
	bool pulls_reversed;          /* the pulls of a turn complete last to first */
};

/* Everything the contract has, with small bounds. */
void mem_config_default(struct mem_config *config);

struct mem_end {
	struct reactor *reactor;
	struct buf_pool *pool; /* for bodies */
	struct channel_acceptor *acceptor;
};

/* Makes a connection; accepted() of each end is called on its reactor, soon. 0 or -ENOMEM. */
int mem_connect(const struct mem_config *config, const struct mem_end ends[2]);

enum mem_access { MEM_REMOTE_READ = 1, MEM_REMOTE_WRITE = 2 };

/*
 * Let the peer of `ch` at memory of this end, until deregistered or invalidated. Offsets count from
 * an odd base, so that one taken for a plain offset fails. Returns the descriptor for the peer.
 */
struct remote_slice mem_register(struct channel *ch, void *base, uint32_t len, unsigned access);
void mem_deregister(struct channel *ch, uint32_t token);
/* Whether the token still stands. */
bool mem_registered(struct channel *ch, uint32_t token);

#endif
