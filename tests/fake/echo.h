/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user of channels that sends every message back, for tests of transports: an acceptor on any
 * number of reactors. Counts what it sees. A message's bytes are sent from where they were
 * received, and released when the answer is out.
 *
 * Thread: echo_accept on each channel's reactor; the counts on any.
 */
#ifndef TESTS_FAKE_ECHO_H
#define TESTS_FAKE_ECHO_H

#include <stdatomic.h>

#include "transport/channel.h"

struct echo {
	struct channel_acceptor acceptor;
	size_t head_len;  /* what split() says; 0: all */
	bool mute;        /* keep messages, answer nothing */
	unsigned answers; /* to each message; 0: one */
	unsigned hold; /* of one channel: answers only when so many messages are there; up to 16 */
	struct channel_msg *held[16];
	unsigned held_count;
	atomic_int refuse;                            /* accepted() gives this */
	atomic_uint accepted, closed, messages, done; /* done: answers that are */
	atomic_int last_err;                          /* of closed() */
	atomic_uintptr_t last_reactor;                /* of the newest channel */
	struct channel *_Atomic answered; /* whom the last done() was of, and where it ended */
	_Atomic uint64_t answered_to;
};

void echo_init(struct echo *e);

/* Polls until *count is at least n; false after ten seconds. */
bool echo_wait(atomic_uint *count, unsigned n);

#endif
