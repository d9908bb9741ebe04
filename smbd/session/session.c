/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/session.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <talloc.h>

#include "smbd/auth/auth.h"
#include "smbd/crypto/rand.h"
#include "smbd/crypto/sign.h"
#include "smbd/session/cancel.h"
#include "smbd/session/connection.h"
#include "smbd/session/open.h"
#include "smbd/session/rank.h"
#include "smbd/session/server.h"
#include "smbd/session/tree.h"
#include "transport/base/clock.h"
#include "transport/base/log.h"

void session_user_get(struct session_user *user)
{
	atomic_fetch_add(&user->refs, 1);
}

void session_user_put(struct session_user *user)
{
	if (user && atomic_fetch_sub(&user->refs, 1) == 1)
		user->release(user);
}

/* ---- the registry ---- */

static struct server_shard *shard_of(struct server *server, uint64_t id)
{
	return &server->shards[id % SERVER_SHARDS];
}

static struct server_shard *client_shard_of(struct server *server, const uint8_t client_guid[16])
{
	unsigned hash = 0;

	for (unsigned i = 0; i < 16; i++)
		hash = hash * 31 + client_guid[i];
	return &server->clients[hash % SERVER_CLIENT_SHARDS];
}

void client_sessions_each(struct server *server, const uint8_t client_guid[16],
			  void (*one)(struct session *session, void *arg), void *arg)
{
	struct server_shard *shard = client_shard_of(server, client_guid);

	pthread_mutex_lock(&shard->mutex);
	list_for_each (n, &shard->sessions) {
		struct session *session = container_of(n, struct session, client_node);

		if (memcmp(session->client_guid, client_guid, 16) == 0)
			one(session, arg);
	}
	pthread_mutex_unlock(&shard->mutex);
}

/* Under the shard's mutex; no reference. */
static struct session *shard_find(struct server_shard *shard, uint64_t id)
{
	list_for_each (n, &shard->sessions) {
		struct session *session = container_of(n, struct session, node);

		if (session->id == id)
			return session;
	}
	return NULL;
}

struct session *session_find(struct server *server, uint64_t id)
{
	struct server_shard *shard = shard_of(server, id);
	struct session *session;

	pthread_mutex_lock(&shard->mutex);
	session = shard_find(shard, id);
	if (session)
		session_get(session);
	pthread_mutex_unlock(&shard->mutex);
	return session;
}

/* Ids are random, of 32 bits as Samba's: some clients (its own test suite) keep no more of them.
 * They are no secret: a session takes requests only on connections that it was set up on. */
static int session_register(struct session *session)
{
	struct server_shard *shard;
	uint32_t id;
	bool taken;

	do {
		if (rand_fill(&id, sizeof(id)) != 0)
			return -1;
		session->id = id;
		shard = shard_of(session->server, session->id);
		pthread_mutex_lock(&shard->mutex);
		taken = id == 0 || id == UINT32_MAX || shard_find(shard, session->id);
		if (!taken)
			list_push(&shard->sessions, &session->node);
		pthread_mutex_unlock(&shard->mutex);
	} while (taken);
	shard = client_shard_of(session->server, session->client_guid);
	pthread_mutex_lock(&shard->mutex);
	list_push(&shard->sessions, &session->client_node);
	pthread_mutex_unlock(&shard->mutex);
	return 0;
}

static void session_unregister(struct session *session)
{
	struct server_shard *shard = shard_of(session->server, session->id);

	pthread_mutex_lock(&shard->mutex);
	list_del(&session->node);
	pthread_mutex_unlock(&shard->mutex);
	shard = client_shard_of(session->server, session->client_guid);
	pthread_mutex_lock(&shard->mutex);
	list_del(&session->client_node);
	pthread_mutex_unlock(&shard->mutex);
}

/* ---- life ---- */

static struct session *session_alloc(struct connection *conn)
{
	struct session *session = talloc_zero(NULL, struct session);

	if (!session)
		return NULL;
	session->server = conn->server;
	session->dialect = conn->negotiated.dialect;
	memcpy(session->client_guid, conn->negotiated.client_guid, sizeof(session->client_guid));
	session->created_ns = clock_mono_ns();
	pthread_mutex_init(&session->mutex, NULL);
	fiber_cond_init(&session->changed);
	list_init(&session->channels);
	list_init(&session->node);
	list_init(&session->client_node);
	id_table_init(&session->trees, SESSION_TREES_MAX);
	id_table_init(&session->opens, conn->server->config.max_opens);
	atomic_init(&session->refs, 1); /* the caller's */
	atomic_fetch_add(&conn->server->session_count, 1);
	return session;
}

static void session_free(struct session *session)
{
	assert(list_empty(&session->node) && list_empty(&session->channels));
	atomic_fetch_sub(&session->server->session_count, 1);
	session_user_put(session->user);
	id_table_fini(&session->trees);
	id_table_fini(&session->opens);
	explicit_bzero(session->key, sizeof(session->key));
	explicit_bzero(session->signing_key, sizeof(session->signing_key));
	explicit_bzero(session->application_key, sizeof(session->application_key));
	pthread_mutex_destroy(&session->mutex);
	talloc_free(session);
}

void session_get(struct session *session)
{
	atomic_fetch_add(&session->refs, 1);
}

void session_put(struct session *session)
{
	if (session && atomic_fetch_sub(&session->refs, 1) == 1)
		session_free(session);
}

struct session_user *session_user(struct session *session)
{
	struct session_user *user;

	pthread_mutex_lock(&session->mutex);
	user = session->user;
	if (user)
		session_user_get(user);
	pthread_mutex_unlock(&session->mutex);
	return user;
}

enum session_state session_enter(struct session *session, struct session_user **user)
{
	enum session_state state;

	pthread_mutex_lock(&session->mutex);
	state = session->state;
	*user = session->user;
	if (*user)
		session_user_get(*user);
	pthread_mutex_unlock(&session->mutex);
	return state;
}

/* ---- channels ---- */

static void channel_detach_run(struct reactor_post *post)
{
	struct session_channel *channel = container_of(post, struct session_channel, detach);
	struct connection *conn = channel->conn;

	cancel_session(conn, channel->session);
	if (channel->session->replaced && connection_is_busy_with(conn, channel->session))
		connection_close(conn, -ECONNRESET);
	connection_session_remove(conn, channel);
	connection_changed(conn);
}

struct session_channel *session_channel_new(struct connection *conn, struct session *session)
{
	struct session_channel *channel = talloc_zero(NULL, struct session_channel);

	if (!channel)
		return NULL;
	channel->session = session;
	session_get(session);
	channel->conn = conn;
	channel->preauth = conn->negotiated.preauth;
	channel->detach.run = channel_detach_run;
	channel->refs = 1;
	list_init(&channel->node);
	list_init(&channel->conn_node);
	return channel;
}

/* Under the session's mutex. Its connection frees it, on its reactor. */
static void channel_detach(struct session_channel *channel)
{
	list_del(&channel->node);
	channel->session->channel_count--;
	channel->detaching = true;
	reactor_post(channel->conn->reactor, &channel->detach);
}

/* Under the session's mutex. Who began to bind and never came to an end makes room: anybody who
 * heard a bind may have sent it again. */
static void evict_half_bound(struct session *session)
{
	uint64_t now = clock_mono_ns();

	list_for_each (n, &session->channels) {
		struct session_channel *channel = container_of(n, struct session_channel, node);

		if (channel->established || !channel->binding ||
		    now - channel->began_ns < session->server->config.bind_ns)
			continue;
		log_info("session %llx: a bind that was not finished makes room",
			 (unsigned long long)session->id);
		channel_detach(channel);
		return;
	}
}

struct nt_status session_channel_add(struct session_channel *channel)
{
	struct session *session = channel->session;
	struct nt_status status = STATUS_SUCCESS;

	pthread_mutex_lock(&session->mutex);
	if (session->channel_count >= session->server->config.max_channels)
		evict_half_bound(session);
	channel->began_ns = clock_mono_ns();
	if (session->state == SESSION_ENDED) {
		status = STATUS_USER_SESSION_DELETED;
	} else if (session->channel_count >= session->server->config.max_channels) {
		status = STATUS_INSUFFICIENT_RESOURCES;
	} else {
		list_push(&session->channels, &channel->node);
		session->channel_count++;
	}
	pthread_mutex_unlock(&session->mutex);
	if (nt_error(status))
		return status;
	session_channel_get(channel);
	connection_session_insert(channel->conn, channel);
	return STATUS_SUCCESS;
}

void session_channel_get(struct session_channel *channel)
{
	channel->refs++;
}

void session_channel_put(struct session_channel *channel)
{
	if (!channel || --channel->refs > 0)
		return;
	assert(list_empty(&channel->conn_node));
	signer_destroy(channel->signer);
	talloc_free(channel->auth);
	session_put(channel->session);
	talloc_free(channel);
}

struct nt_status session_create(struct connection *conn, struct session_channel **out)
{
	struct server *server = conn->server;
	struct session_channel *channel;
	struct session *session;
	struct nt_status status = STATUS_INSUFFICIENT_RESOURCES;

	/* [MS-SMB2] 3.3.5.5.1; what is half open is bounded besides, for it costs no password */
	if (conn->session_count >= CONNECTION_SESSIONS_MAX || conn->setups >= CONNECTION_SETUPS_MAX)
		return STATUS_INSUFFICIENT_RESOURCES;
	if (atomic_load(&server->session_count) >= server->config.max_sessions)
		return STATUS_TOO_MANY_SESSIONS;
	session = session_alloc(conn);
	if (!session)
		return STATUS_INSUFFICIENT_RESOURCES;
	channel = session_channel_new(conn, session);
	session_put(session); /* the channel's from here */
	if (!channel)
		return STATUS_INSUFFICIENT_RESOURCES;
	if (session_register(session) != 0)
		goto put_channel;
	status = session_channel_add(channel);
	if (nt_error(status))
		goto unregister;
	*out = channel;
	return STATUS_SUCCESS;

unregister:
	session_unregister(session);
put_channel:
	session_channel_put(channel);
	return status;
}

/* Under the session's mutex. */
static bool has_established(const struct session *session)
{
	list_for_each (n, &session->channels)
		if (container_of(n, const struct session_channel, node)->established)
			return true;
	return false;
}

/* The session's last channel is going, or this one of several. True: it was the last. Those that
 * are still being bound keep no session: anybody who heard a bind may have sent it again. */
static bool channel_leave(struct session_channel *channel)
{
	struct session *session = channel->session;
	bool last = false;

	pthread_mutex_lock(&session->mutex);
	if (!channel->detaching && !list_empty(&channel->node)) {
		list_del(&channel->node);
		last = --session->channel_count == 0 ||
		       (channel->established && !has_established(session));
		rank_refresh(session);
	}
	pthread_mutex_unlock(&session->mutex);
	return last;
}

bool session_channel_detaching(const struct session_channel *channel)
{
	bool detaching;

	pthread_mutex_lock(&channel->session->mutex);
	detaching = channel->detaching;
	pthread_mutex_unlock(&channel->session->mutex);
	return detaching;
}

/* ---- the end ---- */

/* Under the session's mutex. */
static void session_detach_channels(struct session *session)
{
	struct list_node *n;

	while ((n = list_first(&session->channels)) != NULL)
		channel_detach(container_of(n, struct session_channel, node));
}

static void end(struct session *session, bool replaced)
{
	bool ours;

	pthread_mutex_lock(&session->mutex);
	ours = session->state != SESSION_ENDED;
	session->state = SESSION_ENDED;
	if (ours)
		session->replaced = replaced;
	if (ours)
		session_detach_channels(session);
	while (!ours && !session->ended)
		(void)fiber_cond_wait(&session->changed, &session->mutex, 0);
	pthread_mutex_unlock(&session->mutex);
	if (!ours)
		return;
	session_unregister(session);
	opens_end(session, NULL);
	trees_end(session);
	pthread_mutex_lock(&session->mutex);
	session->ended = true;
	fiber_cond_broadcast(&session->changed);
	pthread_mutex_unlock(&session->mutex);
}

void session_end(struct session *session)
{
	end(session, false);
}

void session_replace(struct session *session)
{
	end(session, true);
}

/* What was posted to it while it was the session's has run. */
static void channel_settle(struct session_channel *channel)
{
	struct session *session = channel->session;

	pthread_mutex_lock(&session->mutex);
	while (channel->notices > 0)
		(void)fiber_cond_wait(&session->changed, &session->mutex, 0);
	pthread_mutex_unlock(&session->mutex);
}

bool session_channel_drop(struct session_channel *channel)
{
	if (channel_leave(channel))
		session_end(channel->session);
	if (session_channel_detaching(channel))
		return false; /* that is posted after them */
	channel_settle(channel);
	connection_session_remove(channel->conn, channel);
	return true;
}
