/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/notify.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <talloc.h>

#include "smbd/session/connection.h"
#include "smbd/session/rank.h"
#include "smbd/session/server.h"
#include "smbd/session/session.h"
#include "smbd/wire/header.h"
#include "transport/base/clock.h"
#include "transport/base/log.h"

/* How many channels are tried: each once, so that it ends though they come and go. */
#define TRIES_MAX 64u

/* A peer's machine acknowledges within its round trip, and one delay of its own. */
#define POLL_NS (20 * NS_PER_MS)

struct notice {
	struct session *session;   /* held */
	bool client;               /* any session of the same client and user will do */
	struct session_user *user; /* held */
	atomic_uint refs;          /* tries, and whoever begins one */
	uint16_t command;
	size_t len;
	uint8_t bytes[SMB2_HEADER_SIZE + NOTIFY_BODY_BYTES_MAX];

	pthread_mutex_t mutex;     /* of what follows; outside the registry's and sessions' */
	uint64_t tried[TRIES_MAX]; /* channel ids */
	unsigned tried_count;
};

/* One channel's part in it. On that one's reactor, once it runs. */
struct
try {
	struct notice *notice;
	struct session_channel *channel; /* does not go before `post` has run; held after */
	struct reactor_post post;
	struct list_node node; /* of the connection, from then on */
	struct channel_send send;
	struct slice slice;
	uint64_t began_ns;
	bool sent;  /* done() said 0 */
	bool moved; /* another channel has taken it over */
};

static void notice_put(struct notice *notice)
{
	if (atomic_fetch_sub(&notice->refs, 1) != 1)
		return;
	session_user_put(notice->user);
	session_put(notice->session);
	pthread_mutex_destroy(&notice->mutex);
	talloc_free(notice);
}

/* ---- choosing ---- */

static void try_run(struct reactor_post *post);

struct best {
	const struct notice *notice;
	struct session *session; /* held; NULL: none has a channel */
	struct rank rank;
};

/* Under the session's mutex. A ClientGuid is no secret: who else says it, and takes what he is
 * told, would have the client lose its lease. */
static bool may_be_told(const struct session *session, const struct notice *notice)
{
	const struct session_user *user = session->user, *holder = notice->user;

	return session == notice->session ||
	       (user && holder && !user->guest && !holder->guest && !user->anonymous &&
		!holder->anonymous && strcmp(user->name, holder->name) == 0);
}

static void best_of_session(struct session *session, void *arg)
{
	struct best *best = arg;
	struct session_channel *channel = NULL;
	struct rank rank;

	pthread_mutex_lock(&session->mutex);
	if (may_be_told(session, best->notice))
		channel = rank_best(session, best->notice->tried, best->notice->tried_count);
	if (channel)
		rank = rank_of(channel);
	pthread_mutex_unlock(&session->mutex);
	if (!channel || (best->session && !rank_is_better(&rank, &best->rank)))
		return;
	session_put(best->session);
	session_get(session);
	best->session = session;
	best->rank = rank;
}

/* The session that has the best channel; a reference; NULL: none has one. */
static struct session *best_session(const struct notice *notice)
{
	struct best best = {.notice = notice};

	if (notice->client)
		client_sessions_each(notice->session->server, notice->session->client_guid,
				     best_of_session, &best);
	else
		best_of_session(notice->session, &best);
	return best.session;
}

/* Posted under the session's mutex: as long as the channel is the session's, its connection is
 * there, and waits for the post (session_channel_drop()). */
static bool try_post_on(struct try *try, struct session *session)
{
	struct notice *notice = try->notice;
	struct session_channel *best;

	pthread_mutex_lock(&session->mutex);
	best = rank_best(session, notice->tried, notice->tried_count);
	if (best) {
		notice->tried[notice->tried_count++] = best->conn->channel_id;
		try->channel = best;
		best->notices++;
		reactor_post(best->conn->reactor, &try->post);
	}
	pthread_mutex_unlock(&session->mutex);
	return best;
}

static bool try_post(struct try *try)
{
	struct notice *notice = try->notice;
	struct session *session;
	bool posted = false;

	pthread_mutex_lock(&notice->mutex);
	/* what was best may have gone since */
	while (!posted && notice->tried_count < TRIES_MAX && (session = best_session(notice))) {
		posted = try_post_on(try, session);
		session_put(session);
	}
	pthread_mutex_unlock(&notice->mutex);
	return posted;
}

/* Any thread. False: nobody is left, or no memory. */
static bool notice_next(struct notice *notice)
{
	struct try *try = talloc_zero(NULL, struct try);

	if (!try)
		return false;
	try->notice = notice;
	try->post.run = try_run;
	list_init(&try->node);
	atomic_fetch_add(&notice->refs, 1);
	if (try_post(try))
		return true;
	talloc_free(try);
	notice_put(notice);
	return false;
}

/* ---- one channel: on its reactor ---- */

static void try_free(struct try *try)
{
	list_del(&try->node);
	session_channel_put(try->channel);
	notice_put(try->notice);
	talloc_free(try);
}

static void try_move(struct try *try)
{
	if (try->moved)
		return;
	try->moved = true;
	if (!notice_next(try->notice))
		log_info("session %llx: no other channel for the %s",
			 (unsigned long long)try->notice->session->id,
			 smb2_command_name(try->notice->command));
}

/* True once, which the ranking hears of. */
static bool is_delivered(const struct try *try)
{
	struct connection *conn = try->channel->conn;

	if (!try->sent || conn->channel_closed || !channel_delivered(conn->ch, try->send.position))
		return false;
	rank_delivered(try->channel, clock_mono_ns() - try->began_ns);
	return true;
}

static void watch(struct connection *conn)
{
	if (list_empty(&conn->notices) || conn->channel_closed)
		return;
	reactor_timer_set(conn->reactor, &conn->notice_timer, POLL_NS);
}

static void try_done(struct channel_send *send, int err)
{
	struct try *try = container_of(send, struct try, send);

	try->sent = true;
	if (err)
		try_move(try);
	if (err || try->moved || is_delivered(try))
		try_free(try);
}

static void try_send(struct try *try)
{
	struct connection *conn = try->channel->conn;

	try->slice = (struct slice){try->notice->bytes, try->notice->len, NULL};
	try->send = (struct channel_send){.msg = &try->slice, .msg_count = 1, .done = try_done};
	try->began_ns = clock_mono_ns();
	list_push(&conn->notices, &try->node);
	channel_send(conn->ch, &try->send);
	watch(conn);
}

static void try_run(struct reactor_post *post)
{
	struct try *try = container_of(post, struct try, post);
	struct session_channel *channel = try->channel;
	struct session *session = channel->session;

	session_channel_get(channel);
	pthread_mutex_lock(&session->mutex);
	channel->notices--;
	fiber_cond_broadcast(&session->changed);
	pthread_mutex_unlock(&session->mutex);
	if (!channel->conn->closing) {
		try_send(try);
		return;
	}
	try_move(try);
	try_free(try);
}

/* Too long without a word from the peer's machine: the next one, but what is on its way stays. */
static void try_look(struct try *try, uint64_t now)
{
	struct session_channel *channel = try->channel;

	if (!try->moved && now - try->began_ns >= channel->conn->server->config.notify_silence_ns) {
		log_info("%s: a %s is not acknowledged", channel->conn->name,
			 smb2_command_name(try->notice->command));
		rank_silent(channel);
		try_move(try);
	}
	if (is_delivered(try) || (try->sent && try->moved))
		try_free(try);
}

void notify_poll(struct connection *conn)
{
	uint64_t now = clock_mono_ns();

	list_for_each_safe (n, &conn->notices)
		try_look(container_of(n, struct try, node), now);
	watch(conn);
}

void notify_closed(struct connection *conn)
{
	struct list_node *n;

	while ((n = list_first(&conn->notices)) != NULL) {
		struct try *try = container_of(n, struct try, node);

		try_move(try);
		try_free(try);
	}
}

/* ---- the beginning ---- */

static struct notice *notice_create(struct session *session, uint16_t command, const void *body,
				    size_t len)
{
	const struct smb2_header header = {
		.command = command,
		.flags = SMB2_FLAGS_SERVER_TO_REDIR,
		.message_id = UINT64_MAX,
	};
	struct notice *notice = talloc_zero(NULL, struct notice);
	struct wr w;

	if (!notice)
		return NULL;
	w = wr_init(notice->bytes, sizeof(notice->bytes));
	smb2_header_encode(&w, &header);
	wr_bytes(&w, body, len);
	assert(wr_ok(&w));
	notice->len = w.len;
	notice->command = command;
	atomic_init(&notice->refs, 1);
	pthread_mutex_init(&notice->mutex, NULL);
	notice->session = session;
	session_get(session);
	return notice;
}

static bool notice_begin(struct notice *notice)
{
	bool begun = notice && notice_next(notice);

	if (notice)
		notice_put(notice);
	return begun;
}

bool session_notify(struct session *session, uint16_t command, const void *body, size_t len)
{
	return notice_begin(notice_create(session, command, body, len));
}

bool client_notify(struct session *session, uint16_t command, const void *body, size_t len)
{
	struct notice *notice = notice_create(session, command, body, len);

	if (notice) {
		notice->client = true;
		notice->user = session_user(session);
	}
	return notice_begin(notice);
}
