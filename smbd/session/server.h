/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all connections of one server share: its identity and bounds, the buffer pool, the table of
 * commands, the registry of sessions, the list of connections.
 *
 * Thread: fixed after server_create(), but for the registry and the lists, which lock themselves.
 * Ownership: main.c makes it before the reactors run and destroys it after they ended.
 */
#ifndef SMBD_SESSION_SERVER_H
#define SMBD_SESSION_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "smbd/session/claim.h"
#include "smbd/session/request.h"
#include "transport/base/list.h"
#include "transport/channel.h"

struct buf_pool;
struct connection;
struct server;

struct server_config {
	uint8_t guid[16];
	uint16_t min_dialect, max_dialect;
	bool signing_required; /* server signing = mandatory */
	bool multi_channel;
	bool leases, directory_leases;
	uint32_t max_transact, max_read, max_write;        /* bytes; of dialects with large MTU */
	unsigned max_credits;                              /* a connection */
	unsigned max_connections, max_sessions, max_opens; /* of the server */
	unsigned max_channels;                             /* of a session */
	uint64_t idle_ns;           /* a connection without opens is closed after; 0: never */
	uint64_t bind_ns;           /* a bind that takes longer makes room; 0: a default */
	uint64_t notify_silence_ns; /* a break goes out on the next channel too; 0: a default */
	struct buf_pool *pool;
	const struct command_table *commands;
	void *service; /* of smbd/cmd: configuration, accounts, shares */
};

#define SERVER_SHARDS        16
#define SERVER_CLIENT_SHARDS 64

struct server_shard {
	pthread_mutex_t mutex;
	struct list_node sessions;
};

struct server {
	struct server_config config;
	uint64_t started_real_ns;
	struct channel_acceptor acceptor; /* for the listeners */
	/* Most of the pool that replies of one connection hold (but one reply is always let), so
	 * that who does not take his answers stops nobody else. */
	size_t connection_payload_bytes;

	struct server_shard shards[SERVER_SHARDS];         /* of session.node */
	struct server_shard clients[SERVER_CLIENT_SHARDS]; /* of session.client_node */
	struct claim_table claims;
	atomic_uint session_count, open_count, tree_count;
	_Atomic uint64_t next_persistent_id;
	_Atomic uint64_t next_async_id; /* not 0 */
	atomic_uint connection_count;
	atomic_bool draining; /* no new connections and requests */
	atomic_bool aborting; /* nor waiting for old ones */

	pthread_mutex_t connections_mutex;
	struct list_node connections; /* of every reactor; by connection.all_node */
};

/* NULL and errno on failure. */
struct server *server_create(const struct server_config *config);
/* Every connection is gone; asserts it. */
void server_destroy(struct server *server);

/*
 * Begin to end: what is in flight is finished, what arrives from now on is not begun; connections
 * close when they are idle. Any thread. server_drained() tells when none is left; server_abort()
 * closes what is left at once.
 */
void server_drain(struct server *server);
bool server_drained(struct server *server);
void server_abort(struct server *server);

/* One channel for status: called under the list's mutex, must not block. */
void server_connections_each(struct server *server, void (*one)(struct connection *conn, void *arg),
			     void *arg);
/* Likewise each session, under its shard's mutex (the session's own is free). */
struct session;
void server_sessions_each(struct server *server, void (*one)(struct session *session, void *arg),
			  void *arg);

#endif
