/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of fiber/ share. */
#ifndef TRANSPORT_FIBER_PRIVATE_H
#define TRANSPORT_FIBER_PRIVATE_H

#include "transport/fiber/context.h"
#include "transport/fiber/fiber.h"

enum fiber_state {
	FIBER_IDLE,      /* in the pool */
	FIBER_READY,     /* in the run queue */
	FIBER_RUNNING,   /* the thread is in it */
	FIBER_SUSPENDED, /* waits for fiber_wake() */
};

struct fiber {
	struct fiber_context context;
	struct fiber_sched *sched;
	struct fiber_task *task; /* to begin with when it runs next */
	struct list_node node;   /* in the pool or the run queue */
	enum fiber_state state;
	bool begun;       /* context is set up */
	bool woken;       /* while running: the next suspend returns at once */
	bool timer_fired; /* for who armed the timer */
	unsigned index;   /* of its stack */
	const char *log;  /* the log context while it does not run */
	struct reactor_timer timer;
};

struct reactor *fiber_reactor(const struct fiber *f);

/* Arms the running fiber's one timer: it sets timer_fired and wakes. */
void fiber_timer_arm(struct fiber *f, uint64_t ns);
void fiber_timer_disarm(struct fiber *f);

#endif
