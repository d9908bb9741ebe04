/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/notify.h"

#include <assert.h>

#include <talloc.h>

#include "smbd/session/connection.h"
#include "smbd/session/session.h"
#include "smbd/wire/header.h"
#include "transport/base/log.h"

/* How many channels are tried: each at most about once, so that it ends though they come and go. */
#define NOTIFY_TRIES 32

struct notification {
	struct session *session; /* held */
	struct reactor *reactor; /* where a channel of it was seen */
	struct reactor_post post;
	unsigned tries;
	uint16_t command;
	struct channel_send send;
	struct slice slice;
	uint8_t bytes[SMB2_HEADER_SIZE + NOTIFY_BODY_BYTES_MAX];
};

static void notification_free(struct notification *n)
{
	session_put(n->session);
	talloc_free(n);
}

/* Which one: the first, and so the oldest; after that one failed, whichever is next to it. */
static struct reactor *channel_reactor(struct session *session, unsigned tries)
{
	struct reactor *reactor = NULL;
	unsigned at = 0, wanted;

	pthread_mutex_lock(&session->mutex);
	wanted = session->channel_count ? tries % session->channel_count : 0;
	list_for_each (node, &session->channels) {
		reactor = container_of(node, struct session_channel, node)->conn->reactor;
		if (at++ == wanted)
			break;
	}
	pthread_mutex_unlock(&session->mutex);
	return reactor;
}

/* On its reactor: a connection of this thread, which does not go while we are here. */
static struct connection *connection_here(const struct notification *n)
{
	struct connection *found = NULL;

	pthread_mutex_lock(&n->session->mutex);
	list_for_each (node, &n->session->channels) {
		struct connection *conn = container_of(node, struct session_channel, node)->conn;

		if (conn->reactor == n->reactor && !conn->closing) {
			found = conn;
			break;
		}
	}
	pthread_mutex_unlock(&n->session->mutex);
	return found;
}

static bool notification_post(struct notification *n)
{
	n->reactor = n->tries < NOTIFY_TRIES ? channel_reactor(n->session, n->tries++) : NULL;
	if (n->reactor)
		reactor_post(n->reactor, &n->post);
	return n->reactor != NULL;
}

static void notification_again(struct notification *n)
{
	if (notification_post(n))
		return;
	log_info("no connection takes the %s for session %llx", smb2_command_name(n->command),
		 (unsigned long long)n->session->id);
	notification_free(n);
}

static void notification_done(struct channel_send *send, int err)
{
	struct notification *n = container_of(send, struct notification, send);

	if (err)
		notification_again(n);
	else
		notification_free(n);
}

static void notification_run(struct reactor_post *post)
{
	struct notification *n = container_of(post, struct notification, post);
	struct connection *conn = connection_here(n);

	if (!conn) {
		notification_again(n);
		return;
	}
	n->send =
		(struct channel_send){.msg = &n->slice, .msg_count = 1, .done = notification_done};
	channel_send(conn->ch, &n->send);
}

bool session_notify(struct session *session, uint16_t command, const void *body, size_t len)
{
	const struct smb2_header header = {
		.command = command,
		.flags = SMB2_FLAGS_SERVER_TO_REDIR,
		.message_id = UINT64_MAX,
	};
	struct notification *n = talloc_zero(NULL, struct notification);
	struct wr w;

	assert(len <= NOTIFY_BODY_BYTES_MAX);
	if (!n)
		return false;
	w = wr_init(n->bytes, sizeof(n->bytes));
	smb2_header_encode(&w, &header);
	wr_bytes(&w, body, len);
	assert(wr_ok(&w));
	n->slice = (struct slice){n->bytes, w.len, NULL};
	n->command = command;
	n->post.run = notification_run;
	n->session = session;
	session_get(session);
	if (notification_post(n))
		return true;
	notification_free(n);
	return false;
}
