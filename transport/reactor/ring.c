/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/reactor/ring.h"

#include <errno.h>
#include <string.h>

#include "transport/base/log.h"

#define RING_BATCH 64

int ring_open(struct ring *ring, unsigned entries)
{
	/* Best first: completions without interrupting the thread, a bad entry does not stop the
	 * batch; then what any kernel has. */
	static const unsigned flags[] = {
		IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN,
		IORING_SETUP_CLAMP,
	};
	int err = -EINVAL;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]) && err == -EINVAL; i++)
		err = io_uring_queue_init(entries, &ring->uring, flags[i]);
	ring->open = err == 0;
	return err;
}

/* Counts a completion. NULL: our own cancellation's. */
static struct reactor_op *ring_complete(struct ring *ring, const struct io_uring_cqe *cqe)
{
	struct reactor_op *op = io_uring_cqe_get_data(cqe);

	if (op && !(cqe->flags & IORING_CQE_F_MORE))
		ring->pending--;
	return op;
}

static void ring_cancel_all(struct ring *ring)
{
	struct __kernel_timespec second = {.tv_sec = 1};
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;

	ring_submit(ring);
	sqe = io_uring_get_sqe(&ring->uring);
	if (sqe) {
		io_uring_prep_cancel(sqe, NULL, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
		io_uring_sqe_set_data(sqe, NULL);
		ring_submit(ring);
	}
	while (ring->pending) {
		int err = io_uring_wait_cqe_timeout(&ring->uring, &cqe, &second);

		if (err == -EINTR)
			continue;
		if (err == -ETIME)
			log_warning("waiting for %zu operations on files", ring->pending);
		else if (err < 0)
			return;
		else {
			(void)ring_complete(ring, cqe);
			io_uring_cqe_seen(&ring->uring, cqe);
		}
	}
}

void ring_close(struct ring *ring)
{
	if (!ring->open)
		return;
	if (ring->pending)
		ring_cancel_all(ring);
	io_uring_queue_exit(&ring->uring);
	ring->open = false;
}

struct io_uring_sqe *ring_sqe(struct ring *ring, struct reactor_op *op)
{
	struct io_uring_sqe *sqe;

	if (!ring->open)
		return NULL;
	sqe = io_uring_get_sqe(&ring->uring);
	if (!sqe) {
		ring_submit(ring);
		sqe = io_uring_get_sqe(&ring->uring);
	}
	if (sqe) {
		io_uring_sqe_set_data(sqe, op);
		ring->pending++;
	}
	return sqe;
}

void ring_submit(struct ring *ring)
{
	int n;

	if (!ring->open || !io_uring_sq_ready(&ring->uring))
		return;
	n = io_uring_submit(&ring->uring);
	if (n < 0 && n != -EBUSY && n != -EAGAIN && n != -EINTR)
		log_err("io_uring: cannot submit: %s", strerror(-n));
}

void ring_reap(struct ring *ring)
{
	struct io_uring_cqe *cqes[RING_BATCH];
	struct {
		struct reactor_op *op;
		int32_t res;
	} done[RING_BATCH];
	unsigned n, budget;

	if (!ring_ready(ring))
		return;
	budget = ring->uring.cq.ring_entries;
	do {
		n = io_uring_peek_batch_cqe(&ring->uring, cqes, RING_BATCH);
		/* Free the entries first: what done() submits may complete at once. */
		for (unsigned i = 0; i < n; i++) {
			done[i].op = ring_complete(ring, cqes[i]);
			done[i].res = cqes[i]->res;
		}
		io_uring_cq_advance(&ring->uring, n);
		for (unsigned i = 0; i < n; i++)
			done[i].op->done(done[i].op, done[i].res);
		budget -= n < budget ? n : budget;
	} while (n == RING_BATCH && budget);
}

bool ring_ready(const struct ring *ring)
{
	return ring->open &&
	       (io_uring_cq_ready(&ring->uring) || (IO_URING_READ_ONCE(*ring->uring.sq.kflags) &
						    (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN)));
}

bool ring_backlog(const struct ring *ring)
{
	return ring->open && io_uring_sq_ready(&ring->uring);
}
