/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The io_uring of one reactor. Hides liburing, what this kernel can, and that there may be none.
 * Private to reactor/. Thread: the reactor's. Ownership: ops are lent until done().
 */
#ifndef TRANSPORT_REACTOR_RING_H
#define TRANSPORT_REACTOR_RING_H

#include <liburing.h>

#include "transport/reactor/reactor.h"

struct ring {
	struct io_uring uring;
	bool open;
	size_t pending; /* entries given out and not completed */
};

/* 0, or a negative errno: then the ring stays closed, which all below can take. */
int ring_open(struct ring *ring, unsigned entries);
/* Cancels what is pending and waits for that, without done(): then the kernel is through with the
 * memory that the ops name. */
void ring_close(struct ring *ring);

struct io_uring_sqe *ring_sqe(struct ring *ring, struct reactor_op *op);
void ring_submit(struct ring *ring);

/* Calls done() of what is complete; bounded by the size of the ring. */
void ring_reap(struct ring *ring);

/* True when ring_reap() has work; no system call. */
bool ring_ready(const struct ring *ring);
/* True when ring_submit() could not hand over everything: try again soon. */
bool ring_backlog(const struct ring *ring);

#endif
