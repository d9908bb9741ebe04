/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/admin/status.h"

#include <stdio.h>
#include <string.h>

#include "smbd/session/connection.h"
#include "smbd/session/open.h"
#include "smbd/session/server.h"
#include "smbd/session/session.h"
#include "smbd/session/tree.h"
#include "transport/base/clock.h"
#include "transport/buf/buf.h"

static void report_server(struct server *server, struct admin_report *report)
{
	struct buf_pool_stats pool;
	struct admin_server out = {
		.uptime_sec = (clock_real_ns() - server->started_real_ns) / NS_PER_SEC,
		.connections = atomic_load(&server->connection_count),
		.sessions = atomic_load(&server->session_count),
		.trees = atomic_load(&server->tree_count),
		.opens = atomic_load(&server->open_count),
	};

	buf_pool_stats(server->config.pool, &pool);
	out.buffers_total = pool.bytes_limit;
	out.buffers_used = pool.bytes_mapped;
	out.buffer_waits = pool.waits;
	admin_report_server(report, &out);
}

static void report_open(const struct open *open, void *arg)
{
	const struct admin_open out = {
		.session_id = open->session->id,
		.share = open->tree->share->name,
		.path = open->name ? open->name : "",
		.access = open->granted_access,
	};

	admin_report_open(arg, &out);
}

/* The first of its channels names the client. */
static void client_name(struct session *session, char *name, size_t cap)
{
	const struct list_node *first;
	const char *arrow;

	name[0] = '\0';
	pthread_mutex_lock(&session->mutex);
	first = list_first(&session->channels);
	if (first) {
		const char *full =
			container_of(first, const struct session_channel, node)->conn->name;

		arrow = strstr(full, "<- ");
		snprintf(name, cap, "%s", arrow ? arrow + 3 : full);
	}
	pthread_mutex_unlock(&session->mutex);
}

static void report_session(struct session *session, void *arg)
{
	struct session_user *user = session_user(session);
	char client[96];
	struct admin_session out = {
		.id = session->id,
		.user = user ? user->name : "",
		.client = client,
		.dialect = session->dialect,
		.trees = trees_count(session),
		.opens = opens_each(session, NULL, NULL),
		.age_sec = (clock_mono_ns() - session->created_ns) / NS_PER_SEC,
	};

	client_name(session, client, sizeof(client));
	pthread_mutex_lock(&session->mutex);
	out.signing = session->signing_required;
	pthread_mutex_unlock(&session->mutex);
	admin_report_session(arg, &out);
	(void)opens_each(session, report_open, arg);
	session_user_put(user);
}

/* "tcp 192.0.2.1:445 <- 192.0.2.9:50000" in its three parts. */
struct channel_name {
	char text[96];
	const char *transport, *local, *peer;
};

static void channel_name_split(const char *name, struct channel_name *out)
{
	char *local, *peer;

	snprintf(out->text, sizeof(out->text), "%s", name);
	out->transport = out->text;
	out->local = out->peer = "";
	local = strchr(out->text, ' ');
	if (!local)
		return;
	*local++ = '\0';
	out->local = local;
	peer = strstr(local, " <- ");
	if (!peer)
		return;
	*peer = '\0';
	out->peer = peer + 4;
}

static void report_channel(struct connection *conn, void *arg)
{
	const struct connection_totals *totals = &conn->totals;
	struct channel_name name;
	struct admin_channel out;

	channel_name_split(conn->name, &name);
	out = (struct admin_channel){
		.session_id = atomic_load(&totals->session_id),
		.transport = name.transport,
		.local = name.local,
		.peer = name.peer,
		.reactor = reactor_index(conn->reactor),
		.bytes_in = atomic_load(&totals->bytes_in),
		.bytes_out = atomic_load(&totals->bytes_out),
		.bytes_pulled = atomic_load(&totals->bytes_pulled),
		.bytes_pushed = atomic_load(&totals->bytes_pushed),
	};
	admin_report_channel(arg, &out);
}

void admin_status_report(struct server *server, struct admin_report *report)
{
	report_server(server, report);
	server_sessions_each(server, report_session, report);
	server_connections_each(server, report_channel, report);
}
