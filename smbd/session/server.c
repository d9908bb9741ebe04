/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/server.h"

#include <assert.h>
#include <errno.h>

#include <talloc.h>

#include "smbd/crypto/rand.h"
#include "smbd/session/connection.h"
#include "smbd/session/session.h"
#include "transport/base/clock.h"
#include "transport/buf/buf.h"

#define CONNECTION_POOL_PARTS 8u

/* Above a round trip with the delay of an acknowledgement; all channels that a session may have are
 * tried well within the 35 s that a client has to answer a break. */
#define BIND_NS           (10 * NS_PER_SEC)
#define NOTIFY_SILENCE_NS (300 * NS_PER_MS)

static void shards_init(struct server_shard *shards, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		pthread_mutex_init(&shards[i].mutex, NULL);
		list_init(&shards[i].sessions);
	}
}

static void shards_fini(struct server_shard *shards, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		assert(list_empty(&shards[i].sessions));
		pthread_mutex_destroy(&shards[i].mutex);
	}
}

struct server *server_create(const struct server_config *config)
{
	struct server *server = talloc_zero(NULL, struct server);
	struct buf_pool_stats pool;
	uint32_t start;

	if (!server)
		return NULL;
	if (rand_fill(&start, sizeof(start)) != 0) {
		talloc_free(server);
		errno = EIO;
		return NULL;
	}
	server->config = *config;
	if (server->config.max_credits > WINDOW_MAX / 2)
		server->config.max_credits = WINDOW_MAX / 2;
	buf_pool_stats(config->pool, &pool);
	server->connection_payload_bytes = pool.bytes_limit / CONNECTION_POOL_PARTS;
	server->started_real_ns = clock_real_ns();
	if (!config->bind_ns)
		server->config.bind_ns = BIND_NS;
	if (!config->notify_silence_ns)
		server->config.notify_silence_ns = NOTIFY_SILENCE_NS;
	server->acceptor.accepted = connection_accepted;
	/* never 0 nor all ones, and other numbers in each life of the process */
	atomic_init(&server->next_persistent_id, ((uint64_t)start << 24) + 1);
	atomic_init(&server->next_async_id, 1);
	shards_init(server->shards, SERVER_SHARDS);
	shards_init(server->clients, SERVER_CLIENT_SHARDS);
	claim_table_init(&server->claims);
	pthread_mutex_init(&server->connections_mutex, NULL);
	list_init(&server->connections);
	return server;
}

void server_destroy(struct server *server)
{
	assert(list_empty(&server->connections));
	shards_fini(server->shards, SERVER_SHARDS);
	shards_fini(server->clients, SERVER_CLIENT_SHARDS);
	claim_table_fini(&server->claims);
	pthread_mutex_destroy(&server->connections_mutex);
	talloc_free(server);
}

static void drain_all(struct server *server)
{
	pthread_mutex_lock(&server->connections_mutex);
	list_for_each (n, &server->connections)
		connection_drain(container_of(n, struct connection, all_node));
	pthread_mutex_unlock(&server->connections_mutex);
}

void server_drain(struct server *server)
{
	atomic_store(&server->draining, true);
	drain_all(server);
}

void server_abort(struct server *server)
{
	atomic_store(&server->draining, true);
	atomic_store(&server->aborting, true);
	drain_all(server);
}

bool server_drained(struct server *server)
{
	return atomic_load(&server->connection_count) == 0;
}

void server_connections_each(struct server *server, void (*one)(struct connection *conn, void *arg),
			     void *arg)
{
	pthread_mutex_lock(&server->connections_mutex);
	list_for_each (n, &server->connections)
		one(container_of(n, struct connection, all_node), arg);
	pthread_mutex_unlock(&server->connections_mutex);
}

void server_sessions_each(struct server *server, void (*one)(struct session *session, void *arg),
			  void *arg)
{
	for (unsigned i = 0; i < SERVER_SHARDS; i++) {
		pthread_mutex_lock(&server->shards[i].mutex);
		list_for_each (n, &server->shards[i].sessions)
			one(container_of(n, struct session, node), arg);
		pthread_mutex_unlock(&server->shards[i].mutex);
	}
}
