/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel that wraps any other and does to it what networks do: delays, loses, cuts. Hides a copy
 * of each op in flight. What is not hurt goes through in order, once, unchanged. The same seed and
 * the same sequence of calls give the same faults.
 *
 * Thread: the wrapped channel's reactor. Ownership: the wrapper owns the inner channel's user_ops
 * and user, and goes when the inner closed() has been passed on and its messages were released.
 * A cut looks to the user like the peer's doing (-ECONNRESET), to the peer like ours.
 */
#ifndef TESTS_FAKE_FAULT_CHANNEL_H
#define TESTS_FAKE_FAULT_CHANNEL_H

#include "transport/channel.h"

struct fault_plan {
	uint64_t seed;

	/* Each message is held back for a random time up to this; order is kept. 0: not. */
	unsigned delay_out_us;
	unsigned delay_in_us;

	/* One message in so many, at random, is lost: a send's done() says 0, the peer never sees
	 * it; an incoming one is released unseen. 0: none. */
	unsigned drop_out_one_in;
	unsigned drop_in_one_in;

	/* The channel is cut instead of the n-th (1, 2 ...) ... 0: never. */
	unsigned cut_at_op;      /* send or pull */
	unsigned cut_at_message; /* incoming */
	uint64_t cut_at_byte;    /* byte of outgoing messages; its message does not go out */

	/* The channel is cut when the n-th has gone through, before anything else does. 0: never.
	 */
	unsigned cut_after_op;      /* its done() has been called */
	unsigned cut_after_message; /* the user has it */
};

/* An acceptor that wraps each channel and gives the wrapper to `next`. */
struct fault_acceptor {
	struct channel_acceptor acceptor; /* give this one to the listener */
	struct channel_acceptor *next;
	struct fault_plan plan;
};

void fault_acceptor_init(struct fault_acceptor *f, const struct fault_plan *plan,
			 struct channel_acceptor *next);

/* Wrap a channel whose user_ops are not yet set, within its accepted(). NULL: no memory. The caller
 * sets user_ops and user of what is returned. */
struct channel *fault_wrap(struct channel *inner, const struct fault_plan *plan);

/* The channel inside. */
struct channel *fault_inner(struct channel *ch);

/* From now on nothing gets through, either way, and neither side is told: done() says 0, and the
 * send is never delivered. */
void fault_silence(struct channel *ch);

/* Cut now. */
void fault_cut(struct channel *ch);

#endif
