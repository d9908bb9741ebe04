/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of a session's channels is best for what the server sends by itself: as clients rank them
 * (RDMA over RSS over plain, then speed: protocol-facts 20), but a channel that was found silent,
 * and has not been heard since, comes after all that are not.
 *
 * Thread: any; what of it is of a channel is under its session's mutex.
 */
#ifndef SMBD_SESSION_RANK_H
#define SMBD_SESSION_RANK_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/channel.h"

struct session;
struct session_channel;

/* More is better. */
uint64_t rank_of_link(const struct channel_link *link);

/* How good a channel is: comparable when nobody holds its session's mutex any more. */
struct rank {
	bool silent;
	uint64_t link;
	uint64_t channel_id; /* of equals the oldest is best */
};

/* Under the session's mutex. */
struct rank rank_of(const struct session_channel *channel);
bool rank_is_better(const struct rank *a, const struct rank *b);

/* Under the session's mutex: the best channel that requests may come on and that is none of those
 * (by channel id) tried already. NULL: none. Borrowed. */
struct session_channel *rank_best(struct session *session, const uint64_t *tried, unsigned count);

/* It took a message and its peer was silent. */
void rank_silent(struct session_channel *channel);

#endif
