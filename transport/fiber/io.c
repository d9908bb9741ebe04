/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File I/O of fibers. An attempt that must not block comes first, on the reactor's thread: the page
 * cache answers in less time than a switch takes. What is left goes through the ring, or through a
 * worker where there is none.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <unistd.h>

#include "transport/fiber/private.h"

#define IO_IOVS 16 /* in one operation; longer lists take several */

struct fiber_io {
	bool write;
	int fd;
	int rwf_flags;
	off_t off;
	unsigned count;
	struct iovec iov[IO_IOVS];

	struct reactor_op op;
	struct fiber *fiber;
	bool done;
	int32_t res;
};

static ssize_t fiber_io_call(struct fiber_io *io, int more_flags)
{
	int flags = io->rwf_flags | more_flags;
	ssize_t n;

	do
		n = io->write ? pwritev2(io->fd, io->iov, (int)io->count, io->off, flags)
			      : preadv2(io->fd, io->iov, (int)io->count, io->off, flags);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* tmpfs knows no RWF_NOWAIT, and the ring would hand it to a thread of the kernel's; but it waits
 * for no disk, unless the machine swaps. Its files alone have seals, which can be asked for without
 * a word to any disk or server, as fstatfs() cannot. */
static bool fiber_io_in_memory(const struct fiber_io *io)
{
	return fcntl(io->fd, F_GET_SEALS) >= 0;
}

static void fiber_io_done(struct reactor_op *op, int32_t res)
{
	struct fiber_io *io = container_of(op, struct fiber_io, op);

	io->res = res;
	io->done = true;
	fiber_wake(io->fiber);
}

/* An entry of the ring; NULL when there is no ring. */
static struct io_uring_sqe *fiber_io_sqe(struct fiber_io *io)
{
	struct reactor *r = fiber_reactor(io->fiber);
	struct io_uring_sqe *sqe;

	io->op.done = fiber_io_done;
	io->done = false;
	while (!(sqe = reactor_sqe(r, &io->op)) && reactor_has_ring(r))
		fiber_sleep(1000000); /* the kernel is full */
	return sqe;
}

static int fiber_io_wait(struct fiber_io *io)
{
	while (!io->done)
		fiber_suspend();
	return io->res;
}

static int fiber_io_worker(void *arg)
{
	return (int)fiber_io_call(arg, 0); /* at most 2 GiB */
}

static ssize_t fiber_io_ring(struct fiber_io *io)
{
	struct io_uring_sqe *sqe = fiber_io_sqe(io);

	if (!sqe)
		return -EOPNOTSUPP;
	if (io->write)
		io_uring_prep_writev2(sqe, io->fd, io->iov, io->count, (uint64_t)io->off,
				      io->rwf_flags);
	else
		io_uring_prep_readv2(sqe, io->fd, io->iov, io->count, (uint64_t)io->off,
				     io->rwf_flags);
	return fiber_io_wait(io);
}

/* One operation, all means in turn. */
static ssize_t fiber_io_once(struct fiber_io *io)
{
	ssize_t n = -EAGAIN;

	if (!(io->write && io->rwf_flags)) /* a durable write always blocks */
		n = fiber_io_call(io, RWF_NOWAIT);
	if (n == -EOPNOTSUPP && fiber_io_in_memory(io))
		n = fiber_io_call(io, 0);
	if (n != -EAGAIN && n != -EOPNOTSUPP)
		return n;
	do
		n = fiber_io_ring(io);
	while (n == -EINTR);
	if (n == -EAGAIN || n == -EOPNOTSUPP)
		n = fiber_offload(fiber_io_worker, io);
	return n;
}

/* What is left of iov after `done` bytes, as far as it fits. */
static void fiber_io_fill(struct fiber_io *io, const struct iovec *iov, unsigned count, size_t done)
{
	io->count = 0;
	for (unsigned i = 0; i < count && io->count < IO_IOVS; i++) {
		if (done >= iov[i].iov_len) {
			done -= iov[i].iov_len;
			continue;
		}
		io->iov[io->count].iov_base = (char *)iov[i].iov_base + done;
		io->iov[io->count].iov_len = iov[i].iov_len - done;
		io->count++;
		done = 0;
	}
}

static ssize_t fiber_io_all(struct fiber_io *io, const struct iovec *iov, unsigned count)
{
	off_t start = io->off;
	size_t done = 0;
	ssize_t n;

	for (;;) {
		fiber_io_fill(io, iov, count, done);
		if (!io->count)
			return (ssize_t)done;
		io->off = start + (off_t)done;
		n = io->fiber ? fiber_io_once(io) : fiber_io_call(io, 0);
		if (n <= 0)
			return done ? (ssize_t)done : n;
		done += (size_t)n;
	}
}

ssize_t fiber_preadv(int fd, const struct iovec *iov, unsigned count, off_t off)
{
	struct fiber_io io = {.fd = fd, .off = off, .fiber = fiber_self()};

	return fiber_io_all(&io, iov, count);
}

ssize_t fiber_pwritev(int fd, const struct iovec *iov, unsigned count, off_t off, int rwf_flags)
{
	struct fiber_io io = {
		.write = true, .fd = fd, .off = off, .rwf_flags = rwf_flags, .fiber = fiber_self()};

	return fiber_io_all(&io, iov, count);
}

struct fiber_sync {
	int fd;
	bool data_only;
};

static int fiber_sync_call(void *arg)
{
	struct fiber_sync *sync = arg;
	int err;

	do
		err = sync->data_only ? fdatasync(sync->fd) : fsync(sync->fd);
	while (err < 0 && errno == EINTR);
	return err < 0 ? -errno : 0;
}

int fiber_fsync(int fd, bool data_only)
{
	struct fiber_sync sync = {.fd = fd, .data_only = data_only};
	struct fiber_io io = {.fd = fd, .fiber = fiber_self()};
	struct io_uring_sqe *sqe;

	if (!io.fiber)
		return fiber_sync_call(&sync);
	sqe = fiber_io_sqe(&io);
	if (!sqe)
		return fiber_offload(fiber_sync_call, &sync);
	io_uring_prep_fsync(sqe, fd, data_only ? IORING_FSYNC_DATASYNC : 0);
	return fiber_io_wait(&io);
}
