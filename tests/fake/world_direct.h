/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMB Direct for a world: the fake fabric, a listener of the real server, connections of peers. The
 * peers have devices and a pool of their own, so that what the server holds can be counted.
 *
 * Private to world.c. Thread: the test's, but world_direct_connect(): the peers' reactor's.
 */
#ifndef TESTS_FAKE_WORLD_DIRECT_H
#define TESTS_FAKE_WORLD_DIRECT_H

#include "rdma/connect.h"
#include "rdma/listener.h"
#include "tests/fake/verbs.h"
#include "transport/buf/buf.h"

struct world_direct {
	struct direct_devices *devices[2]; /* the server's, the peers' */
	struct buf_pool *peer_pool;
	struct direct_listener *listener;
	struct direct_config channel;
	struct sockaddr_storage address;
};

/* Starts the fabric; the server's pool is to be made with what is set in `pool`. */
struct world_direct *world_direct_create(const struct fake_verbs_config *fabric,
					 struct buf_pool_config *pool);
void world_direct_listen(struct world_direct *d, struct reactor *const *reactors,
			 unsigned reactor_count, struct buf_pool *pool,
			 struct channel_acceptor *acceptor);
/* done and reactor of `connect` are the caller's. */
void world_direct_connect(struct world_direct *d, struct direct_connect *connect);
/* After the reactors have stopped, before they and the server's pool go. */
void world_direct_destroy(struct world_direct *d);

#endif
