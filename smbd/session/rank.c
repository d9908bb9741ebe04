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

static bool is_better(const struct session_channel *a, const struct session_channel *b)
{
	if (is_silent(a) != is_silent(b))
		return is_silent(b);
	return rank_of_link(&a->conn->link) > rank_of_link(&b->conn->link);
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

	list_for_each (n, &session->channels) {
		struct session_channel *channel = container_of(n, struct session_channel, node);

		if (!channel->established || was_tried(channel, tried, count))
			continue;
		if (!best || is_better(channel, best))
			best = channel;
	}
	return best;
}

void rank_silent(struct session_channel *channel)
{
	pthread_mutex_lock(&channel->session->mutex);
	channel->silent_ns = clock_mono_ns();
	pthread_mutex_unlock(&channel->session->mutex);
}
