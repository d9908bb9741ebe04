/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <talloc.h>

#include "smbd/session/cancel.h"
#include "smbd/session/exchange.h"
#include "smbd/session/notify.h"
#include "smbd/session/open.h"
#include "smbd/session/rank.h"
#include "smbd/session/receive.h"
#include "smbd/session/response.h"
#include "smbd/session/server.h"
#include "smbd/session/session.h"
#include "smbd/wire/header.h"
#include "smbd/wire/negotiate.h"
#include "transport/base/clock.h"
#include "transport/base/log.h"

/* What takes longer gets STATUS_PENDING: long enough for a cold read of a disk, short enough that a
 * client's credits come back. */
#define PENDING_AFTER_NS (20 * NS_PER_MS)

/* ---- sessions on it ---- */

static struct list_node *bucket_of(struct connection *conn, uint64_t session_id)
{
	return &conn->sessions[session_id % CONNECTION_SESSION_BUCKETS];
}

struct session_channel *connection_session(struct connection *conn, uint64_t session_id)
{
	list_for_each (n, bucket_of(conn, session_id)) {
		struct session_channel *channel =
			container_of(n, struct session_channel, conn_node);

		if (channel->session->id == session_id)
			return channel;
	}
	return NULL;
}

void connection_session_insert(struct connection *conn, struct session_channel *channel)
{
	list_push_front(bucket_of(conn, channel->session->id), &channel->conn_node);
	conn->session_count++;
	conn->setups++;
}

void connection_session_established(struct connection *conn, struct session_channel *channel)
{
	if (channel->established)
		return;
	pthread_mutex_lock(&channel->session->mutex);
	channel->established = !channel->detaching;
	rank_refresh(channel->session);
	pthread_mutex_unlock(&channel->session->mutex);
	if (!channel->established) /* it is being taken off */
		return;
	conn->setups--;
	atomic_store(&conn->totals.session_id, channel->session->id);
}

void connection_session_remove(struct connection *conn, struct session_channel *channel)
{
	if (list_empty(&channel->conn_node))
		return;
	list_del(&channel->conn_node);
	conn->session_count--;
	if (!channel->established)
		conn->setups--;
	session_channel_put(channel);
}

/* ---- status ---- */

static void total_set(_Atomic uint64_t *total, uint64_t value)
{
	atomic_store_explicit(total, value, memory_order_relaxed);
}

static void count_state(struct connection *conn)
{
	struct connection_totals *to = &conn->totals;
	struct channel_stats stats;

	channel_stats(conn->ch, &stats);
	atomic_store_explicit(&to->state, stats.state, memory_order_relaxed);
	atomic_store_explicit(&to->send_credits, stats.send_credits, memory_order_relaxed);
	atomic_store_explicit(&to->receive_credits, stats.receive_credits, memory_order_relaxed);
}

void connection_count(struct connection *conn)
{
	const struct channel_counters *c;

	if (conn->channel_closed)
		return;
	c = &conn->ch->counters;
	total_set(&conn->totals.msgs_in, c->msgs_in);
	total_set(&conn->totals.msgs_out, c->msgs_out);
	total_set(&conn->totals.invalidations, c->invalidations);
	count_state(conn);
	total_set(&conn->totals.bytes_in, c->bytes_in);
	total_set(&conn->totals.bytes_out, c->bytes_out);
	total_set(&conn->totals.bytes_pulled, c->bytes_pulled);
	total_set(&conn->totals.bytes_pushed, c->bytes_pushed);
}

/* ---- preauthentication integrity ---- */

int connection_preauth_request(const struct request *req, struct preauth *preauth)
{
	const struct iovec iov = {(void *)(uintptr_t)req->in.data, req->in.len};

	return preauth_update(preauth, &iov, 1);
}

int connection_preauth_reply(const struct request *req, const struct iovec *iov, unsigned count)
{
	struct connection *conn = req->conn;

	if (conn->negotiated.dialect != SMB2_DIALECT_311)
		return 0;
	if (req->command == SMB2_NEGOTIATE && nt_success(req->status))
		return preauth_update(&conn->negotiated.preauth, iov, count);
	if (req->command == SMB2_SESSION_SETUP && req->channel &&
	    nt_equal(req->status, STATUS_MORE_PROCESSING_REQUIRED))
		return preauth_update(&req->channel->preauth, iov, count);
	return 0;
}

/* ---- interim answers ---- */

static bool wants_interim(const struct exchange *x)
{
	return x->running && !container_of(x->requests.prev, struct request, node)->async_id;
}

/* What sets up sessions and trees never gets one: Windows sends none, and the header of an
 * asynchronous reply has no room for the TreeId that a TREE_CONNECT answers with (2.2.1.1). Nor, in
 * Windows, does a SET_INFO, however long a rename waits for who caches handles. */
static bool may_interim(const struct exchange *x)
{
	const struct request *req = x->current;

	return req && req->checked && exchange_is_last(x, req) &&
	       req->command > SMB2_TREE_CONNECT && req->command != SMB2_SET_INFO;
}

static void pending_arm(struct connection *conn)
{
	conn->pending_armed = true;
	reactor_timer_set(conn->reactor, &conn->pending_timer, PENDING_AFTER_NS);
}

static void pending_fire(struct reactor_timer *timer)
{
	struct connection *conn = container_of(timer, struct connection, pending_timer);
	uint64_t now = reactor_now_ns(conn->reactor);
	bool again = false;

	conn->pending_armed = false;
	list_for_each (n, &conn->exchanges) {
		struct exchange *x = container_of(n, struct exchange, node);

		if (!wants_interim(x))
			continue;
		if (now - x->began_ns >= PENDING_AFTER_NS && may_interim(x))
			response_interim(x);
		else
			again = true;
		if (now - x->began_ns < PENDING_AFTER_NS)
			break; /* the others are younger still */
	}
	if (again && !conn->closing)
		pending_arm(conn);
}

void connection_watch_pending(struct connection *conn)
{
	if (!conn->pending_armed)
		pending_arm(conn);
}

/* ---- dead time ---- */

static bool has_opens(const struct connection *conn)
{
	for (unsigned i = 0; i < CONNECTION_SESSION_BUCKETS; i++)
		list_for_each (n, &conn->sessions[i]) {
			struct session_channel *channel =
				container_of(n, struct session_channel, conn_node);

			if (opens_each(channel->session, NULL, NULL) > 0)
				return true;
		}
	return false;
}

/* Nothing open, nothing under way, and nothing asked for in all that time. */
static void idle_fire(struct reactor_timer *timer)
{
	struct connection *conn = container_of(timer, struct connection, idle_timer);
	uint64_t limit = conn->server->config.idle_ns, idle;

	if (conn->closing)
		return;
	idle = reactor_now_ns(conn->reactor) - conn->active_ns;
	if (idle >= limit && list_empty(&conn->exchanges) && !has_opens(conn)) {
		log_info("%s: nothing open and nothing asked for: closed", conn->name);
		connection_close(conn, 0);
		return;
	}
	/* one who keeps something open is looked at again after as long */
	reactor_timer_set(conn->reactor, timer, idle < limit ? limit - idle : limit);
}

static void notice_fire(struct reactor_timer *timer)
{
	notify_poll(container_of(timer, struct connection, notice_timer));
}

/* ---- the end ---- */

bool connection_is_busy_with(const struct connection *conn, const struct session *session)
{
	list_for_each (x, &conn->exchanges)
		list_for_each (n, &container_of(x, const struct exchange, node)->requests)
			if (container_of(n, const struct request, node)->session == session)
				return true;
	return false;
}

static bool is_idle(const struct connection *conn)
{
	return list_empty(&conn->exchanges);
}

void connection_changed(struct connection *conn)
{
	if (conn->reaper)
		fiber_wake(conn->reaper);
	else if (is_idle(conn) && !conn->closing && atomic_load(&conn->server->draining))
		connection_close(conn, 0);
}

void connection_close(struct connection *conn, int why)
{
	if (!conn->closing && why)
		log_info("closed: %s", strerror(-why));
	conn->closing = true;
	if (!conn->channel_closed)
		channel_close(conn->ch, why);
}

static void drain_run(struct reactor_post *post)
{
	struct connection *conn = container_of(post, struct connection, drain);

	pthread_mutex_lock(&conn->server->connections_mutex);
	conn->drain_posted = false;
	pthread_mutex_unlock(&conn->server->connections_mutex);
	if (atomic_load(&conn->server->aborting))
		connection_close(conn, -ECANCELED);
	connection_changed(conn);
}

void connection_drain(struct connection *conn)
{
	if (conn->drain_posted)
		return;
	conn->drain_posted = true;
	reactor_post(conn->reactor, &conn->drain);
}

static void reap_wait(struct connection *conn)
{
	conn->reaper = fiber_self();
	fiber_suspend();
	conn->reaper = NULL;
}

/* One that its session is not already taking off. */
static struct session_channel *reap_next_session(struct connection *conn)
{
	for (unsigned i = 0; i < CONNECTION_SESSION_BUCKETS; i++)
		list_for_each (n, &conn->sessions[i]) {
			struct session_channel *channel =
				container_of(n, struct session_channel, conn_node);

			if (!session_channel_detaching(channel))
				return channel;
		}
	return NULL;
}

static void reap_sessions(struct connection *conn)
{
	while (conn->session_count > 0) {
		struct session_channel *channel = reap_next_session(conn);

		if (!channel) {
			reap_wait(conn);
			continue;
		}
		(void)session_channel_drop(channel);
	}
}

static bool reap_unlist(struct connection *conn)
{
	bool posted;

	pthread_mutex_lock(&conn->server->connections_mutex);
	list_del(&conn->all_node);
	posted = conn->drain_posted;
	pthread_mutex_unlock(&conn->server->connections_mutex);
	return !posted;
}

/* A fiber, for what closes with a session's opens can take its time. */
static void reap(struct fiber_task *task)
{
	struct connection *conn = container_of(task, struct connection, reap);
	struct server *server = conn->server;
	const char *former = log_context(conn->name);

	while (!is_idle(conn))
		reap_wait(conn);
	reap_sessions(conn);
	while (!reap_unlist(conn))
		reap_wait(conn);
	exchange_pool_free(conn);
	reactor_timer_fini(conn->reactor, &conn->pending_timer);
	reactor_timer_fini(conn->reactor, &conn->idle_timer);
	reactor_timer_fini(conn->reactor, &conn->notice_timer);
	log_info("gone");
	log_context(former);
	talloc_free(conn);
	atomic_fetch_sub(&server->connection_count, 1);
}

/* ---- the channel's callbacks ---- */

static void on_message(struct channel *ch, struct channel_msg *msg)
{
	struct connection *conn = ch->user;
	const char *former;
	int err;

	if (conn->closing || atomic_load(&conn->server->draining)) {
		channel_release(ch, msg);
		return;
	}
	connection_count(conn);
	conn->active_ns = reactor_now_ns(conn->reactor);
	total_set(&conn->totals.heard_ns, conn->active_ns);
	former = log_context(conn->name);
	err = receive_message(conn, msg);
	if (err)
		connection_close(conn, err);
	log_context(former);
}

static void on_closed(struct channel *ch, int err)
{
	struct connection *conn = ch->user;
	const char *former = log_context(conn->name);

	log_debug("channel closed: %s", err ? strerror(-err) : "by us");
	conn->closing = true;
	conn->channel_closed = true;
	atomic_store(&conn->totals.state, "closed");
	reactor_timer_cancel(conn->reactor, &conn->pending_timer);
	reactor_timer_cancel(conn->reactor, &conn->idle_timer);
	reactor_timer_cancel(conn->reactor, &conn->notice_timer);
	notify_closed(conn);
	cancel_all(conn);
	conn->reap.fn = reap;
	fiber_spawn(conn->reactor, &conn->reap);
	log_context(former);
}

static const struct channel_user connection_user = {
	.split = receive_split,
	.message = on_message,
	.closed = on_closed,
};

static struct connection *connection_create(struct server *server, struct channel *ch)
{
	struct connection *conn = talloc_zero(NULL, struct connection);

	if (!conn)
		return NULL;
	conn->ch = ch;
	conn->server = server;
	conn->pool = server->config.pool;
	conn->reactor = ch->reactor;
	conn->limits = ch->limits;
	conn->link = ch->link;
	atomic_init(&conn->link_rank, rank_of_link(&ch->link));
	atomic_store(&conn->totals.state, "open");
	conn->channel_id = ch->id;
	snprintf(conn->name, sizeof(conn->name), "%s", ch->name);
	conn->negotiated.preauth = PREAUTH_INIT;
	conn->created_ns = clock_mono_ns();
	window_init(&conn->window, server->config.max_credits);
	for (unsigned i = 0; i < CONNECTION_SESSION_BUCKETS; i++)
		list_init(&conn->sessions[i]);
	list_init(&conn->exchanges);
	list_init(&conn->free_exchanges);
	list_init(&conn->payload_waiters);
	list_init(&conn->notices);
	list_init(&conn->all_node);
	conn->drain.run = drain_run;
	if (reactor_timer_init(conn->reactor, &conn->pending_timer, pending_fire) != 0)
		goto free_conn;
	if (reactor_timer_init(conn->reactor, &conn->idle_timer, idle_fire) != 0)
		goto fini_pending;
	if (reactor_timer_init(conn->reactor, &conn->notice_timer, notice_fire) != 0)
		goto fini_idle;
	conn->active_ns = reactor_now_ns(conn->reactor);
	if (server->config.idle_ns)
		reactor_timer_set(conn->reactor, &conn->idle_timer, server->config.idle_ns);
	return conn;

fini_idle:
	reactor_timer_fini(conn->reactor, &conn->idle_timer);
fini_pending:
	reactor_timer_fini(conn->reactor, &conn->pending_timer);
free_conn:
	talloc_free(conn);
	return NULL;
}

int connection_accepted(struct channel_acceptor *acceptor, struct channel *ch)
{
	struct server *server = container_of(acceptor, struct server, acceptor);
	struct connection *conn;

	if (atomic_load(&server->draining))
		return -ECONNREFUSED;
	if (atomic_fetch_add(&server->connection_count, 1) >= server->config.max_connections)
		goto full;
	conn = connection_create(server, ch);
	if (!conn)
		goto full;
	ch->user = conn;
	ch->user_ops = &connection_user;
	pthread_mutex_lock(&server->connections_mutex);
	list_push(&server->connections, &conn->all_node);
	pthread_mutex_unlock(&server->connections_mutex);
	log_info("%s: accepted", conn->name);
	return 0;

full:
	atomic_fetch_sub(&server->connection_count, 1);
	return -ENOBUFS;
}
