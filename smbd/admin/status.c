/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/admin/status.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
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

/* ---- the network interface of a channel whose transport has no device of its own ---- */

struct channels_report {
	struct admin_report *report;
	struct ifaddrs *addresses; /* NULL: unknown */
	char speed_of[IFNAMSIZ];   /* the latest, since most channels are on one */
	uint64_t bits_per_sec;
};

static const char *interface_of(const struct channels_report *r,
				const struct sockaddr_storage *local)
{
	for (const struct ifaddrs *a = r->addresses; a; a = a->ifa_next)
		if (a->ifa_addr && channel_address_same_host((const void *)a->ifa_addr, local))
			return a->ifa_name;
	return "";
}

static uint64_t speed_of(struct channels_report *r, const char *interface)
{
	char path[64];
	long mbit = 0;
	FILE *in;

	if (strcmp(r->speed_of, interface) == 0)
		return r->bits_per_sec;
	snprintf(r->speed_of, sizeof(r->speed_of), "%s", interface);
	snprintf(path, sizeof(path), "/sys/class/net/%.16s/speed", interface);
	in = fopen(path, "re");
	if (in) {
		if (fscanf(in, "%ld", &mbit) != 1 || mbit < 0)
			mbit = 0;
		fclose(in);
	}
	r->bits_per_sec = (uint64_t)mbit * 1000000;
	return r->bits_per_sec;
}

static void describe_link(struct channels_report *r, const struct channel_link *link,
			  struct admin_channel *out)
{
	out->device = link->device;
	out->bits_per_sec = link->bits_per_sec;
	if (!*link->device)
		out->device = interface_of(r, &link->local);
	if (!out->bits_per_sec && *out->device)
		out->bits_per_sec = speed_of(r, out->device);
}

static void report_channel(struct connection *conn, void *arg)
{
	const struct connection_totals *totals = &conn->totals;
	struct channels_report *r = arg;
	struct channel_name name;
	struct admin_channel out;

	channel_name_split(conn->name, &name);
	out = (struct admin_channel){
		.session_id = atomic_load(&totals->session_id),
		.transport = name.transport,
		.local = name.local,
		.peer = name.peer,
		.state = atomic_load(&totals->state),
		.reactor = reactor_index(conn->reactor),
		.send_credits = atomic_load(&totals->send_credits),
		.receive_credits = atomic_load(&totals->receive_credits),
		.msgs_in = atomic_load(&totals->msgs_in),
		.msgs_out = atomic_load(&totals->msgs_out),
		.bytes_in = atomic_load(&totals->bytes_in),
		.bytes_out = atomic_load(&totals->bytes_out),
		.bytes_pulled = atomic_load(&totals->bytes_pulled),
		.bytes_pushed = atomic_load(&totals->bytes_pushed),
		.invalidations = atomic_load(&totals->invalidations),
	};
	describe_link(r, &conn->link, &out);
	admin_report_channel(r->report, &out);
}

static void report_channels(struct server *server, struct admin_report *report)
{
	struct channels_report r = {.report = report};

	if (getifaddrs(&r.addresses) != 0)
		r.addresses = NULL;
	server_connections_each(server, report_channel, &r);
	if (r.addresses)
		freeifaddrs(r.addresses);
}

void admin_status_report(struct server *server, struct admin_report *report)
{
	report_server(server, report);
	server_sessions_each(server, report_session, report);
	report_channels(server, report);
}
