/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/rank.h"

#include "smbd/session/connection.h"
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

struct rank rank_of(const struct session_channel *channel)
{
	return (struct rank){.silent = is_silent(channel),
			     .link = rank_of_link(&channel->conn->link),
			     .channel_id = channel->conn->channel_id};
}

bool rank_is_better(const struct rank *a, const struct rank *b)
{
	if (a->silent != b->silent)
		return b->silent;
	if (a->link != b->link)
		return a->link > b->link;
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
	struct rank best_rank;

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

void rank_silent(struct session_channel *channel)
{
	pthread_mutex_lock(&channel->session->mutex);
	channel->silent_ns = clock_mono_ns();
	pthread_mutex_unlock(&channel->session->mutex);
}
