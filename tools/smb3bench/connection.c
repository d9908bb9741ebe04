/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/smb3bench/connection.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "smbd/auth/client.h"
#include "smbd/crypto/rand.h"

/* Of a message, what is not payload. */
#define CONNECTION_HEADERS 4096u

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
	config->verbs = o->verbs;
}

bool bench_by_rdma(const struct bench_options *o, const struct bench_result *result)
{
	return o->direct && o->descriptors && !result->signing &&
	       (o->op < BENCH_METADATA || o->op == BENCH_VERIFY);
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

/* The session's other channels. */
static bool connection_bind(struct client *client, const struct bench_options *o,
			    struct bench_connection *c, const struct client_login *login,
			    struct bench_result *result)
{
	struct smb2_negotiate_response out;

	c->channels[0] = c->channel;
	for (unsigned i = 1; i < o->channels; i++) {
		if (!connection_dial(client, o, c, &c->channels[i], &out, result) ||
		    !bench_check(result, client_bind(c->channels[i], login, c->session), "bind"))
			return false;
	}
	return true;
}

bool bench_connect(struct client *client, const struct bench_options *o, struct bench_connection *c,
		   struct bench_result *result)
{
	const struct auth_credentials who = {.user = o->anonymous ? NULL : o->user,
					     .domain = o->domain,
					     .password = o->password,
					     .workstation = "SMB3BENCH"};
	const struct client_login login = {.who = &who, .sign = o->sign};
	struct smb2_negotiate_response out;

	if (rand_fill(&c->client_guid, sizeof(c->client_guid)) != 0)
		return bench_fail(result, "no random numbers");
	if (!connection_dial(client, o, c, &c->channel, &out, result))
		return false;
	result->dialect = out.dialect_revision;
	result->signing = o->sign || (out.security_mode & SMB2_NEGOTIATE_SIGNING_REQUIRED);
	return connection_bounds(c, o, &out, result) &&
	       bench_check(result, client_login(c->channel, &login, &c->session), "login") &&
	       connection_bind(client, o, c, &login, result) &&
	       bench_check(result, client_tree_connect(c->session, o->share, &c->tree), o->share);
}

void bench_disconnect(struct bench_connection *c)
{
	if (c->session && client_session_channels(c->session))
		(void)!nt_success(client_logoff(c->session));
	else
		client_session_free(c->session);
}
