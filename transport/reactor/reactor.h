/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reactor: one thread, one epoll set with one io_uring in it. Gives readiness, completions,
 * timers, and posts from other threads. Hides epoll, the ring and the wake-up.
 *
 * Thread: everything is on the reactor's own thread but reactor_post(), reactor_stop() and
 * create/start/destroy. Ownership: watches, timers, posts, ops and defers are embedded in the
 * caller's objects, and must live until deleted, fired or done. Callbacks never nest: one callback
 * is never run from inside another's call into the reactor. Units: nanoseconds unless named.
 * Errors: negative errno.
 *
 * A turn: wait; posts; expired timers; ready watches; ring completions; run queue of fibers; then
 * the deferred (what coalesces over a turn, such as a socket's sends); then submit to the ring.
 */
#ifndef TRANSPORT_REACTOR_REACTOR_H
#define TRANSPORT_REACTOR_REACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/base/list.h"

struct io_uring_sqe;
struct reactor;

struct reactor_config {
	const char *name;         /* of the thread; copied */
	unsigned ring_entries;    /* 0: a default */
	unsigned fibers_max;      /* fibers alive at once; 0: a default */
	size_t fiber_stack_bytes; /* 0: a default */
	int cpu;                  /* to run on; -1: any */
};

/* NULL and errno on failure. Everything it will need is allocated here. */
struct reactor *reactor_create(const struct reactor_config *config);

/* Run on a new thread; or run on this one until reactor_stop(). */
int reactor_start(struct reactor *r);
void reactor_run(struct reactor *r);

/* Any thread. Ends the loop after the current turn; joins the thread if reactor_start() made it. */
void reactor_stop(struct reactor *r);
void reactor_destroy(struct reactor *r);

/* The reactor whose thread this is; NULL elsewhere. */
struct reactor *reactor_current(void);
unsigned reactor_index(const struct reactor *r); /* 0, 1, 2 ... in order of creation */

/* Cached at the start of the turn. */
uint64_t reactor_now_ns(const struct reactor *r);

/* ---- readiness ---- */
struct reactor_watch {
	int fd;
	void (*ready)(struct reactor_watch *watch, uint32_t epoll_events);
	bool deleted; /* the reactor's */
	struct list_node node;
};

int reactor_watch_add(struct reactor *r, struct reactor_watch *watch, uint32_t epoll_events);
int reactor_watch_modify(struct reactor *r, struct reactor_watch *watch, uint32_t epoll_events);
/* After it returns ready() is not called, not even for an event that was already collected. */
void reactor_watch_delete(struct reactor *r, struct reactor_watch *watch);

/* ---- timers: one shot; armed again from fire() for a period ---- */
struct reactor_timer {
	void (*fire)(struct reactor_timer *timer);
	uint64_t deadline_ns; /* the reactor's from here */
	size_t heap_index;    /* 0: not armed */
};

/* Arms or re-arms. Cannot fail: the heap grows with the timers that reactor_timer_init() counted.
 */
int reactor_timer_init(struct reactor *r, struct reactor_timer *timer,
		       void (*fire)(struct reactor_timer *timer));
void reactor_timer_fini(struct reactor *r, struct reactor_timer *timer);
void reactor_timer_set(struct reactor *r, struct reactor_timer *timer, uint64_t delay_ns);
void reactor_timer_cancel(struct reactor *r, struct reactor_timer *timer);

/* ---- posts: any thread to this reactor; FIFO per poster; each run exactly once ---- */
struct reactor_post {
	void (*run)(struct reactor_post *post);
	struct reactor_post *next; /* the reactor's */
};

void reactor_post(struct reactor *r, struct reactor_post *post);

/* ---- defers: once, at the end of this turn; a second call in the same turn is no-op ---- */
struct reactor_defer {
	void (*run)(struct reactor_defer *defer);
	struct list_node node; /* self-linked when not queued: list_init() it */
};

void reactor_defer(struct reactor *r, struct reactor_defer *defer);
void reactor_defer_cancel(struct reactor_defer *defer);

/* ---- io_uring ---- */
struct reactor_op {
	void (*done)(struct reactor_op *op, int32_t res);
};

/* A submission entry for the caller to prepare (io_uring_prep_*) before it returns to the loop; its
 * user data is set. Submits what is queued when the ring is full. NULL only when the kernel cannot
 * take more now (-EBUSY): wait a turn. */
struct io_uring_sqe *reactor_sqe(struct reactor *r, struct reactor_op *op);

#endif
