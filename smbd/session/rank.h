/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of a session's channels is best for what the server sends by itself: as clients rank them
 * (RDMA over RSS over plain, then speed: protocol-facts 20; of those alike the quickest), but a
 * channel that was found silent, and has not been heard since, comes after all that are not; before
 * it come those whose peers took long to acknowledge lately. A connection that is worse than
 * another of its session is granted fewer credits (credits.h).
 *
 * Thread: any; what of it is of a channel is under its session's mutex.
 */
#ifndef SMBD_SESSION_RANK_H
#define SMBD_SESSION_RANK_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/channel.h"

struct connection;
struct session;
struct session_channel;

/* More is better. */
uint64_t rank_of_link(const struct channel_link *link);

/* How good a channel is: comparable when nobody holds its session's mutex any more. */
struct rank {
	bool silent, slow;
	uint64_t link;
	uint64_t latency_steps;
	uint64_t channel_id; /* of equals the oldest is best */
};

/* Under the session's mutex. */
struct rank rank_of(const struct session_channel *channel);
bool rank_is_better(const struct rank *a, const struct rank *b);

/* Under the session's mutex: the best channel that requests may come on and that is none of those
 * (by channel id) tried already. NULL: none. Borrowed. */
struct session_channel *rank_best(struct session *session, const uint64_t *tried, unsigned count);

/* It took a message and its peer was silent; or its machine has acknowledged it after so long. */
void rank_silent(struct session_channel *channel);
void rank_delivered(struct session_channel *channel, uint64_t took_ns);

/* What the host says of the link beneath connections that do not know by themselves, TCP's: of one,
 * and of all of a session to this address. */
void rank_connection_known(struct connection *conn, uint64_t bits_per_sec, bool rss);
void rank_address_known(struct session *session, const struct sockaddr_storage *local,
			uint64_t bits_per_sec, bool rss);

/* Under the session's mutex: its channels are others, or other. */
void rank_refresh(struct session *session);

#endif
