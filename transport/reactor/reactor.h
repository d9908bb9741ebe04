/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reactor: one thread, one epoll set with one io_uring in it. Gives readiness, completions,
 * timers, and posts from other threads. Hides epoll, the ring and the wake-up.
 *
 * Thread: everything is on the reactor's own thread (or anywhere while the loop does not run) but
 * reactor_post(), reactor_stop() and create/start/destroy. Ownership: watches, timers, posts, ops
 * and defers are embedded in the caller's objects, and must live until deleted, fired or done.
 * Callbacks never nest: one callback is never run from inside another's call into the reactor.
 * Units: nanoseconds unless named. Errors: negative errno.
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

/* At most so many live at once. */
#define REACTOR_MAX 256

/* NULL and errno on failure. Everything it will need is allocated here. Where io_uring is forbidden
 * the reactor works without a ring. */
struct reactor *reactor_create(const struct reactor_config *config);

/* Run on a new thread; or run on this one until reactor_stop(). */
int reactor_start(struct reactor *r);
void reactor_run(struct reactor *r);

/* Any thread. Ends the loop after the current turn; joins the thread if reactor_start() made it,
 * unless called on that thread. */
void reactor_stop(struct reactor *r);

/* Of a stopped reactor. Fibers that are still suspended, ops that are not done and posts that were
 * not run are dropped; the kernel is through with the memory of ops. Nobody may post to it any
 * more: stop workers and other reactors first. */
void reactor_destroy(struct reactor *r);

/* The reactor whose thread this is; NULL elsewhere. */
struct reactor *reactor_current(void);

/* The lowest number, from 0, that no other live reactor has; under REACTOR_MAX. */
unsigned reactor_index(const struct reactor *r);

/* Cached at the start of the turn. */
uint64_t reactor_now_ns(const struct reactor *r);

/* ---- readiness ---- */
struct reactor_watch {
	int fd;
	void (*ready)(struct reactor_watch *watch, uint32_t epoll_events);
	uint32_t events; /* the reactor's: what is asked for now */
};

int reactor_watch_add(struct reactor *r, struct reactor_watch *watch, uint32_t epoll_events);
int reactor_watch_modify(struct reactor *r, struct reactor_watch *watch, uint32_t epoll_events);
/* Before the fd is closed. After it returns ready() is not called, not even for an event that was
 * already collected; the watch may be freed or added again. */
void reactor_watch_delete(struct reactor *r, struct reactor_watch *watch);

/* ---- timers: one shot; armed again from fire() for a period ---- */
struct reactor_timer {
	void (*fire)(struct reactor_timer *timer);
	uint64_t deadline_ns; /* the reactor's from here */
	uint64_t order;       /* of arming: equal deadlines fire in it */
	size_t heap_index;    /* 0: not armed */
};

/* -ENOMEM: a timer is counted here, so that arming it cannot fail. */
int reactor_timer_init(struct reactor *r, struct reactor_timer *timer,
		       void (*fire)(struct reactor_timer *timer));
void reactor_timer_fini(struct reactor *r, struct reactor_timer *timer); /* cancels it */
/* Arms or re-arms. Never fires early, nor in the timers' part of the turn that armed it. */
void reactor_timer_set(struct reactor *r, struct reactor_timer *timer, uint64_t delay_ns);
void reactor_timer_cancel(struct reactor *r, struct reactor_timer *timer);

/* ---- posts: any thread to this reactor; FIFO; each run once; the post may be used again, or
 * freed, in run() ---- */
struct reactor_post {
	void (*run)(struct reactor_post *post);
	struct reactor_post *next; /* the reactor's */
};

void reactor_post(struct reactor *r, struct reactor_post *post);

/* ---- defers: once, at the end of this turn (of the next, if called from a defer's run()); a
 * second call before it ran is a no-op ---- */
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

/* False where io_uring is forbidden: then reactor_sqe() gives NULL. */
bool reactor_has_ring(const struct reactor *r);

/* A submission entry for the caller to prepare (io_uring_prep_*) before it calls the reactor again;
 * its user data is set. Submits what is queued when the ring is full. NULL when there is no ring,
 * or the kernel cannot take more now (-EBUSY): wait a turn. */
struct io_uring_sqe *reactor_sqe(struct reactor *r, struct reactor_op *op);

/* ---- the end: run by reactor_destroy(), for what other modules keep for a reactor ---- */
struct reactor_exit {
	void (*run)(struct reactor_exit *hook);
	struct list_node node; /* the reactor's */
};

void reactor_at_exit(struct reactor *r, struct reactor_exit *hook);

#endif
