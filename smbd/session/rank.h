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

/* Under the session's mutex: the best channel that requests may come on and that is none of those
 * (by channel id) tried already. NULL: none. Borrowed. */
struct session_channel *rank_best(struct session *session, const uint64_t *tried, unsigned count);

/* It took a message and its peer was silent. */
void rank_silent(struct session_channel *channel);

#endif
