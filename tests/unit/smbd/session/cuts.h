/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channels that are cut at a message of the test's choice, and every choice in turn. For the tests
 * of this folder, one of which includes it in a program: what is static here is one's own.
 */
#ifndef TESTS_UNIT_SMBD_SESSION_CUTS_H
#define TESTS_UNIT_SMBD_SESSION_CUTS_H

#include "tests/fake/fault_channel.h"

#define CUTS_ROUNDS 40 /* more messages than any of the tests has */

/* Seen from the server: before the message is there, or right after, when nothing else has gone
 * through. */
enum cuts_where { CUTS_BEFORE_IN, CUTS_AFTER_IN, CUTS_BEFORE_OUT, CUTS_AFTER_OUT, CUTS_WHERE };

static struct {
	struct channel_acceptor acceptor, *server;
	struct fault_plan plan;   /* of the next channel */
	struct channel_link link; /* likewise */
} cuts;

static int cuts_accepted(struct channel_acceptor *acceptor, struct channel *inner)
{
	struct channel *ch = fault_wrap(inner, &cuts.plan);

	ch->link = cuts.link;
	return cuts.server->accepted(cuts.server, ch);
}

/* For a world_config. */
static inline struct channel_acceptor *cuts_acceptor(struct channel_acceptor *server)
{
	cuts.server = server;
	cuts.acceptor.accepted = cuts_accepted;
	return &cuts.acceptor;
}

/* NULL: nothing happens to the next channels. */
static inline void cuts_plan(const struct fault_plan *plan)
{
	cuts.plan = plan ? *plan : (struct fault_plan){.seed = 1};
}

/* round(): with a channel by the plan; true when that has lived, as it does when the plan's message
 * never came. At least so many have to come. */
static inline void cuts_everywhere(enum cuts_where where, unsigned delay_us, unsigned at_least,
				   bool (*round)(const struct fault_plan *plan))
{
	for (unsigned at = 1; at <= CUTS_ROUNDS; at++) {
		struct fault_plan plan = {
			.seed = at, .delay_in_us = delay_us, .delay_out_us = delay_us};
		unsigned *const which[CUTS_WHERE] = {&plan.cut_at_message, &plan.cut_after_message,
						     &plan.cut_at_op, &plan.cut_after_op};

		*which[where] = at;
		if (round(&plan)) {
			assert_true(at > at_least);
			return;
		}
	}
	fail_msg("the channel never lived");
}

#endif
