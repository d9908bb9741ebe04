/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/rank.h"

#include <netinet/in.h>
#include <string.h>

#include "smbd/session/connection.h"
#include "smbd/session/server.h"
#include "smbd/session/session.h"
#include "transport/base/clock.h"

#define RANK_RDMA  (1ull << 63)
#define RANK_RSS   (1ull << 62)
#define RANK_SPEED (RANK_RSS - 1)

uint64_t rank_of_link(const struct channel_link *link)
{
	uint64_t speed = link->bits_per_sec < RANK_SPEED ? link->bits_per_sec : RANK_SPEED;

	return (link->rdma ? RANK_RDMA : 0) | (link->rss ? RANK_RSS : 0) | speed;
}

static bool is_silent(const struct session_channel *channel)
{
	uint64_t heard =
		atomic_load_explicit(&channel->conn->totals.heard_ns, memory_order_relaxed);

	return channel->silent_ns && channel->silent_ns >= heard;
}

/* What is slower than this is in trouble, whatever its link; for so long after the last of it. */
#define RANK_SLOW_NS   (200 * NS_PER_MS)
#define RANK_MEMORY_NS (60 * NS_PER_SEC)
#define RANK_STEP_NS   (50 * NS_PER_MS) /* it is looked at no more closely */

static bool is_slow(const struct session_channel *channel)
{
	return channel->latency_ns >= RANK_SLOW_NS &&
	       clock_mono_ns() - channel->latency_at_ns < RANK_MEMORY_NS;
}

static uint64_t link_rank(const struct session_channel *channel)
{
	return atomic_load_explicit(&channel->conn->link_rank, memory_order_relaxed);
}

struct rank rank_of(const struct session_channel *channel)
{
	return (struct rank){.silent = is_silent(channel),
			     .slow = is_slow(channel),
			     .link = link_rank(channel),
			     .latency_steps = channel->latency_ns / RANK_STEP_NS,
			     .channel_id = channel->conn->channel_id};
}

bool rank_is_better(const struct rank *a, const struct rank *b)
{
	if (a->silent != b->silent)
		return b->silent;
	if (a->slow != b->slow)
		return b->slow;
	if (a->link != b->link)
		return a->link > b->link;
	if (a->latency_steps != b->latency_steps)
		return a->latency_steps < b->latency_steps;
	return a->channel_id < b->channel_id;
}

static bool was_tried(const struct session_channel *channel, const uint64_t *tried, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (tried[i] == channel->conn->channel_id)
			return true;
	return false;
}

struct session_channel *rank_best(struct session *session, const uint64_t *tried, unsigned count)
{
	struct session_channel *best = NULL;
	struct rank best_rank = {0};

	list_for_each (n, &session->channels) {
		struct session_channel *channel = container_of(n, struct session_channel, node);
		struct rank rank = rank_of(channel);

		if (!channel->established || was_tried(channel, tried, count) ||
		    (best && !rank_is_better(&rank, &best_rank)))
			continue;
		best = channel;
		best_rank = rank;
	}
	return best;
}

/* ---- what is learnt ---- */

/* Under the session's mutex: a quarter of it is new, so once is no history. */
static void remember(struct session_channel *channel, uint64_t took_ns)
{
	uint64_t now = clock_mono_ns(), former = channel->latency_ns;

	if (now - channel->latency_at_ns >= RANK_MEMORY_NS)
		former = 0;
	channel->latency_ns = former - former / 4 + took_ns / 4;
	channel->latency_at_ns = now;
}

void rank_silent(struct session_channel *channel)
{
	struct session *session = channel->session;

	pthread_mutex_lock(&session->mutex);
	channel->silent_ns = clock_mono_ns();
	remember(channel, session->server->config.notify_silence_ns);
	rank_refresh(session);
	pthread_mutex_unlock(&session->mutex);
}

void rank_delivered(struct session_channel *channel, uint64_t took_ns)
{
	pthread_mutex_lock(&channel->session->mutex);
	remember(channel, took_ns);
	rank_refresh(channel->session);
	pthread_mutex_unlock(&channel->session->mutex);
}

void rank_connection_known(struct connection *conn, uint64_t bits_per_sec, bool rss)
{
	const struct channel_link link = {.bits_per_sec = bits_per_sec, .rss = rss};

	if (!conn->link.rdma)
		atomic_store(&conn->link_rank, rank_of_link(&link));
}

void rank_address_known(struct session *session, const struct sockaddr_storage *local,
			uint64_t bits_per_sec, bool rss)
{
	pthread_mutex_lock(&session->mutex);
	list_for_each (n, &session->channels) {
		struct connection *conn = container_of(n, struct session_channel, node)->conn;

		if (channel_address_same_host(&conn->link.local, local))
			rank_connection_known(conn, bits_per_sec, rss);
	}
	rank_refresh(session);
	pthread_mutex_unlock(&session->mutex);
}

/* What counts is the link: a moment of trouble takes no credits away. */
void rank_refresh(struct session *session)
{
	const struct session_channel *best = rank_best(session, NULL, 0);

	list_for_each (n, &session->channels) {
		struct session_channel *channel = container_of(n, struct session_channel, node);

		if (channel->established)
			atomic_store(&channel->conn->inferior,
				     link_rank(channel) < link_rank(best));
	}
}
