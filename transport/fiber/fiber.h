/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stackful fibers: a request is straight-line code that suspends its fiber, never its thread.
 * Hides the context switch, the stacks (guard page below each, from a fixed pool), the annotations
 * that ASan and TSan need, and the worker pool for calls that block.
 *
 * Thread: a fiber runs on one reactor from birth to end. Ownership: a task is lent from
 * fiber_spawn() until its fn is called, which may free it. Units: nanoseconds. Errors: negative
 * errno.
 *
 * The thread-local log context is saved and restored over every suspension.
 */
#ifndef TRANSPORT_FIBER_FIBER_H
#define TRANSPORT_FIBER_FIBER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "transport/base/list.h"
#include "transport/reactor/reactor.h"

struct fiber;

/* What to run. Embedded in the request: spawning cannot fail. When all fibers are in use the task
 * waits its turn, FIFO. It starts on the reactor's run queue, never inside fiber_spawn(). */
struct fiber_task {
	void (*fn)(struct fiber_task *task);
	struct list_node node; /* the scheduler's until fn starts; then the caller's */
};

/* On the reactor's own thread. */
void fiber_spawn(struct reactor *r, struct fiber_task *task);

/* The running fiber; NULL outside any (plain callbacks, workers, main). */
struct fiber *fiber_self(void);

/* Suspend until fiber_wake(). A wake of the running fiber is remembered, once; wakes of a fiber
 * that was woken already and did not run yet are one. From another thread: through a reactor_post,
 * or use a fiber_cond. */
void fiber_suspend(void);
void fiber_wake(struct fiber *f); /* on the fiber's reactor */

/* Let everything else that is ready run first; for long loops. */
void fiber_yield(void);

void fiber_sleep(uint64_t ns);

/* ---- condition: fibers of any reactor (and plain threads that only signal) under one mutex ----
 */
struct fiber_cond {
	struct list_node waiters; /* under the caller's mutex */
};

void fiber_cond_init(struct fiber_cond *c);
/* The caller holds m: it is released while suspended and held again on return. timeout_ns 0: none.
 * 0, or -ETIMEDOUT. Spurious returns are possible: wait in a loop on a predicate. */
int fiber_cond_wait(struct fiber_cond *c, pthread_mutex_t *m, uint64_t timeout_ns);
/* The caller holds the mutex. Any thread. */
void fiber_cond_broadcast(struct fiber_cond *c);

/* ---- blocking calls ---- */
/* The worker pool of the process; once, before reactors start. Stopping finishes what is queued,
 * and comes after reactor_stop(), before reactor_destroy(). No-op if there are none. */
int fiber_workers_start(unsigned threads);
void fiber_workers_stop(void);

/* Run fn(arg) on a worker; suspends the fiber meanwhile; its result. Outside a fiber, or with no
 * workers, calls fn here: code under it is testable without a reactor. */
int fiber_offload(int (*fn)(void *arg), void *arg);

/* ---- file I/O: at once where the page cache allows it, else by io_uring (or a worker), the fiber
 * suspended; the plain system call outside a fiber. Results as the system call's: bytes (fewer than
 * asked only at the end of the file or the disk) or a negative errno. off is never negative. ----
 */
ssize_t fiber_preadv(int fd, const struct iovec *iov, unsigned count, off_t off);
ssize_t fiber_pwritev(int fd, const struct iovec *iov, unsigned count, off_t off, int rwf_flags);
int fiber_fsync(int fd, bool data_only);

struct fiber_stats {
	unsigned alive, limit; /* running or suspended; how many may be */
	unsigned waiting;      /* tasks without a fiber */
};

/* On the reactor's thread. */
void fiber_stats(const struct reactor *r, struct fiber_stats *stats);

#endif
