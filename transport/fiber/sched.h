/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam between a reactor and the fibers on it: the reactor owns a scheduler and gives it its
 * part of each turn. Private to reactor/ and fiber/. Thread: the reactor's.
 */
#ifndef TRANSPORT_FIBER_SCHED_H
#define TRANSPORT_FIBER_SCHED_H

#include "transport/reactor/reactor.h"

struct fiber_sched;

/* NULL and errno on failure. fibers_max, stack_bytes: 0 for defaults. */
struct fiber_sched *fiber_sched_create(struct reactor *r, unsigned fibers_max, size_t stack_bytes);
void fiber_sched_destroy(struct fiber_sched *sched);

/* Runs what is ready, and what that makes ready, up to a bound. */
void fiber_sched_run(struct fiber_sched *sched);
bool fiber_sched_ready(const struct fiber_sched *sched);

/* reactor.c has it */
struct fiber_sched *reactor_fibers(const struct reactor *r);

#endif
