/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/smb3bench/connection.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "smbd/crypto/rand.h"

/* Of a message, what is not payload. */
#define CONNECTION_HEADERS 4096u

/* Where there are other channels, none is waited for in vain for long. */
#define CONNECTION_SILENCE_MS 5000

bool bench_fail(struct bench_result *result, const char *fmt, ...)
{
	va_list ap;

	if (!result->error[0]) {
		va_start(ap, fmt);
		vsnprintf(result->error, sizeof(result->error), fmt, ap);
		va_end(ap);
	}
	return false;
}

bool bench_check(struct bench_result *result, struct nt_status status, const char *what)
{
	return nt_success(status) || bench_fail(result, "%s: %s", what, nt_status_name(status));
}

void bench_client_config(const struct bench_options *o, struct client_config *config)
{
	memcpy(config->congestion, o->congestion, sizeof(config->congestion));
	config->silence_ms = o->silence_ms;
	if (o->discover)
		config->dial_ms = CONNECTION_SILENCE_MS;
	if (o->discover && !config->silence_ms)
		config->silence_ms = CONNECTION_SILENCE_MS;
	config->verbs = o->verbs;
}

bool bench_by_rdma(const struct bench_options *o, const struct bench_result *result)
{
	return o->direct && o->descriptors && !result->signing &&
	       (o->op < BENCH_METADATA || o->op == BENCH_VERIFY);
}

bool bench_connection_by_rdma(const struct bench_options *o, const struct bench_connection *c,
			      const struct bench_result *result)
{
	struct bench_options found = *o;

	found.direct |= c->found_rdma;
	return bench_by_rdma(&found, result);
}

static uint32_t smaller(uint32_t a, size_t b)
{
	return a < b ? a : (uint32_t)b;
}

/* What the server takes at once, and what a message can carry. */
static bool connection_bounds(struct bench_connection *c, const struct bench_options *o,
			      const struct smb2_negotiate_response *out,
			      struct bench_result *result)
{
	size_t room = client_message_max(c->channel) - CONNECTION_HEADERS;

	c->max_read = out->max_read_size;
	c->max_write = out->max_write_size;
	c->max_inline = smaller(smaller(c->max_read, c->max_write), room);
	if (!bench_by_rdma(o, result)) {
		c->max_read = smaller(c->max_read, room);
		c->max_write = smaller(c->max_write, room);
	}
	if (o->op < BENCH_METADATA && (o->block > c->max_read || o->block > c->max_write))
		return bench_fail(result, "at most %u bytes are read and %u written at once",
				  c->max_read, c->max_write);
	return true;
}

/* A channel that has negotiated. */
static bool connection_dial(struct client *client, const struct bench_options *o,
			    const struct bench_connection *c, struct client_channel **ch,
			    struct smb2_negotiate_response *out, struct bench_result *result)
{
	struct smb2_negotiate_request in;
	int err = o->direct ? client_connect_direct(client, o->host, o->port, ch)
			    : client_connect(client, o->host, o->port, ch);

	if (err)
		return bench_fail(result, "%s port %u: %s", o->host, o->port, strerror(-err));
	client_negotiate_default(&in, o->dialect);
	in.client_guid = c->client_guid;
	return bench_check(result, client_negotiate(*ch, &in, out), "NEGOTIATE");
}

/* The session's other channels, to the same address. */
static bool connection_bind(struct client *client, const struct bench_options *o,
			    struct bench_connection *c, struct bench_result *result)
{
	struct smb2_negotiate_response out;

	c->channels[0] = c->channel;
	for (unsigned i = 1; i < o->channels && !o->discover; i++) {
		if (!connection_dial(client, o, c, &c->channels[i], &out, result) ||
		    !bench_check(result, client_bind(c->channels[i], &c->login, c->session),
				 "bind"))
			return false;
	}
	return true;
}

static bool is_settled(const struct client_keeper_status *status, void *arg)
{
	return status->settled;
}

/* The session's other channels, wherever they are best. */
static bool connection_discover(const struct bench_options *o, struct bench_connection *c,
				struct bench_result *result)
{
	const struct client_keeper_config config = {.login = &c->login,
						    .transport = o->either   ? CLIENT_AUTO
								 : o->direct ? CLIENT_DIRECT
									     : CLIENT_TCP,
						    .channels = o->channels,
						    .port = o->port,
						    .direct_port = o->direct_port ? o->direct_port
										  : o->port,
						    .query_ms = o->query_ms};
	struct client_keeper_status status;
	int err = client_keeper_start(&c->tree, &config, &c->keeper);

	if (err)
		return bench_fail(result, "channels: %s", strerror(-err));
	(void)client_keeper_wait(c->keeper, is_settled, NULL, &status);
	c->found_rdma = status.direct > 0;
	if (status.channels < o->channels)
		return bench_fail(result, "%u channels instead of %u: %s", status.channels,
				  o->channels, status.error);
	return true;
}

bool bench_connect(struct client *client, const struct bench_options *o, struct bench_connection *c,
		   struct bench_result *result)
{
	struct smb2_negotiate_response out;

	c->who = (struct auth_credentials){.user = o->anonymous ? NULL : o->user,
					   .domain = o->domain,
					   .password = o->password,
					   .workstation = "SMB3BENCH"};
	c->login = (struct client_login){.who = &c->who, .sign = o->sign};
	if (rand_fill(&c->client_guid, sizeof(c->client_guid)) != 0)
		return bench_fail(result, "no random numbers");
	if (!connection_dial(client, o, c, &c->channel, &out, result))
		return false;
	result->dialect = out.dialect_revision;
	result->signing = o->sign || (out.security_mode & SMB2_NEGOTIATE_SIGNING_REQUIRED);
	return connection_bounds(c, o, &out, result) &&
	       bench_check(result, client_login(c->channel, &c->login, &c->session), "login") &&
	       connection_bind(client, o, c, result) &&
	       bench_check(result, client_tree_connect(c->session, o->share, &c->tree), o->share) &&
	       (!o->discover || connection_discover(o, c, result));
}

void bench_channels(const struct bench_options *o, struct bench_connection *c,
		    struct bench_result *result)
{
	struct client_keeper_status status;

	if (!c->keeper) {
		result->channels = o->channels ? o->channels : 1;
		result->channels_direct = o->direct ? result->channels : 0;
		return;
	}
	client_keeper_status(c->keeper, &status);
	result->channels = status.channels;
	result->channels_direct = status.direct;
	result->lost += status.lost;
	result->dialled += status.dialled;
}

void bench_disconnect(struct bench_connection *c)
{
	if (c->keeper)
		client_keeper_stop(c->keeper);
	if (c->session && client_session_channels(c->session))
		(void)!nt_success(client_logoff(c->session));
	else
		client_session_free(c->session);
	client_keeper_destroy(c->keeper);
}
