/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timers of one reactor: a binary heap of what is armed, by deadline and then order of arming.
 * Private to reactor/. Thread: the reactor's. Ownership: the heap borrows the timers. Units:
 * nanoseconds of clock_mono_ns(). Errors: timers_count_one() gives -ENOMEM, nothing else fails.
 */
#ifndef TRANSPORT_REACTOR_TIMERS_H
#define TRANSPORT_REACTOR_TIMERS_H

#include "transport/reactor/reactor.h"

struct timers {
	struct reactor_timer **heap; /* [1] is the next; [0] is not used */
	size_t len;
	size_t counted; /* timers that may be armed at once */
	size_t cap;
	uint64_t order;
};

int timers_count_one(struct timers *t);
void timers_arm(struct timers *t, struct reactor_timer *timer, uint64_t deadline_ns);
void timers_cancel(struct timers *t, struct reactor_timer *timer);

/* Fires what was due at now_ns and armed before the call. */
void timers_fire(struct timers *t, uint64_t now_ns);

/* The next deadline; UINT64_MAX if there is none. */
uint64_t timers_next_ns(const struct timers *t);

#endif
