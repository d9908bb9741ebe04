/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of a file's data: holes, copies, and what two files share. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smbd/vfs/impl.h"

#define COPY_BYTES (1u << 20) /* of the buffer, where the kernel copies nothing for us */
#define ZERO_BYTES (64u * 1024)

static bool range_ok(const struct vfs_range *r)
{
	return r->offset <= INT64_MAX && r->len <= INT64_MAX - r->offset;
}

/* ---- zeros ---- */

struct zero_job {
	struct vfs_node *node;
	const struct vfs_range *range;
	bool free;
};

static int zero_write(int fd, uint64_t offset, uint64_t end)
{
	static const uint8_t zeros[ZERO_BYTES];

	while (offset < end) {
		size_t part = end - offset < sizeof(zeros) ? (size_t)(end - offset) : sizeof(zeros);
		ssize_t n = pwrite(fd, zeros, part, (off_t)offset);

		if (n < 0 && errno != EINTR)
			return -errno;
		offset += n > 0 ? (uint64_t)n : 0;
	}
	return 0;
}

static int zero_job(void *arg)
{
	struct zero_job *job = arg;
	int mode = job->free ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;
	int fd = job->node->fd, err = 0;
	uint64_t end = job->range->offset + job->range->len;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (end > (uint64_t)st.st_size)
		end = (uint64_t)st.st_size;
	if (job->range->offset >= end)
		return 0;
	if (fallocate(fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)job->range->offset,
		      (off_t)(end - job->range->offset)) != 0)
		err = errno == EOPNOTSUPP || errno == ENOSYS
			      ? zero_write(fd, job->range->offset, end)
			      : -errno;
	return err ? err : hold_times(job->node, VFS_TIME_WRITE | VFS_TIME_CHANGE);
}

/* A stream is an attribute, and written as a whole: zeros are just data. */
static int zero_stream(struct vfs_node *node, const struct vfs_range *range)
{
	uint64_t end = range->offset + range->len;
	struct vfs_stat st;
	struct iovec iov;
	ssize_t n;
	int err = vfs_node_stat(node, &st);

	if (err)
		return err;
	if (end > st.size)
		end = st.size;
	if (range->offset >= end)
		return 0;
	iov.iov_len = (size_t)(end - range->offset);
	iov.iov_base = calloc(1, iov.iov_len);
	if (!iov.iov_base)
		return -ENOMEM;
	n = vfs_node_pwritev(node, &iov, 1, (off_t)range->offset, false);
	free(iov.iov_base);
	return n < 0 ? (int)n : 0;
}

int vfs_node_zero(struct vfs_node *node, const struct vfs_range *range, bool free)
{
	struct zero_job job = {node, range, free};

	if (node_is_frozen(node))
		return -EROFS;
	if (!node->can_write)
		return -EBADF;
	if (!range_ok(range))
		return -EINVAL;
	return node->stream ? zero_stream(node, range) : vfs_run(zero_job, &job);
}

/* ---- what is there ---- */

struct ranges_job {
	struct vfs_node *node;
	const struct vfs_range *range;
	struct vfs_range *out;
	unsigned max;
};

/* SEEK_DATA and SEEK_HOLE move the descriptor's offset, which nobody here goes by. */
static int ranges_job(void *arg)
{
	struct ranges_job *job = arg;
	off_t at = (off_t)job->range->offset, end = at + (off_t)job->range->len;
	unsigned count = 0;

	while (at < end) {
		off_t data = lseek(job->node->fd, at, SEEK_DATA), hole;

		if (data < 0 && errno == ENXIO) /* nothing but a hole from here, or the end */
			break;
		if (data < 0)
			return -errno;
		if (data >= end)
			break;
		hole = lseek(job->node->fd, data, SEEK_HOLE);
		if (hole < 0)
			return errno == ENXIO ? (int)count : -errno;
		if (count == job->max)
			return -E2BIG;
		at = hole < end ? hole : end;
		job->out[count++] = (struct vfs_range){(uint64_t)data, (uint64_t)(at - data)};
	}
	return (int)count;
}

static int ranges_whole(struct vfs_node *node, const struct vfs_range *range, struct vfs_range *out,
			unsigned max)
{
	uint64_t end = range->offset + range->len;
	struct vfs_stat st;
	int err = vfs_node_stat(node, &st);

	if (err)
		return err;
	if (end > st.size)
		end = st.size;
	if (range->offset >= end)
		return 0;
	if (max == 0)
		return -E2BIG;
	*out = (struct vfs_range){range->offset, end - range->offset};
	return 1;
}

int vfs_node_ranges(struct vfs_node *node, const struct vfs_range *range, struct vfs_range *out,
		    unsigned max)
{
	struct ranges_job job = {node, range, out, max};
	struct vfs_stat st;
	int err = 0;

	if (!range_ok(range))
		return -EINVAL;
	/* who was not told that the file is sparse takes all of it to be there */
	if (!node->stream)
		err = vfs_node_stat(node, &st);
	if (err)
		return err;
	if (node->stream || !(st.attributes & FILE_ATTRIBUTE_SPARSE_FILE))
		return ranges_whole(node, range, out, max);
	return vfs_run(ranges_job, &job);
}

/* ---- copies ---- */

struct copy_job {
	struct vfs_node *source, *target;
	const struct vfs_range *range;
	uint64_t target_offset;
	uint64_t copied; /* by copy_job() */
};

/* The bytes go through a buffer: streams, file systems that can't copy, overlapping ranges (a piece
 * is read as a whole before it is written). */
static ssize_t copy_by_hand(const struct copy_job *job)
{
	uint8_t *buf = malloc(COPY_BYTES);
	uint64_t done = 0;
	ssize_t n = 1;

	if (!buf)
		return -ENOMEM;
	while (done < job->range->len && n > 0) {
		uint64_t left = job->range->len - done;
		struct iovec iov = {buf, left < COPY_BYTES ? (size_t)left : COPY_BYTES};

		n = vfs_node_preadv(job->source, &iov, 1, (off_t)(job->range->offset + done));
		if (n <= 0)
			break;
		iov.iov_len = (size_t)n;
		n = vfs_node_pwritev(job->target, &iov, 1, (off_t)(job->target_offset + done),
				     false);
		done += n > 0 ? (uint64_t)n : 0;
	}
	free(buf);
	return n < 0 ? n : (ssize_t)done;
}

/* By the kernel, which shares what it can. -EOPNOTSUPP: it can't, and did nothing. */
static int copy_job(void *arg)
{
	struct copy_job *job = arg;
	loff_t from = (loff_t)job->range->offset, to = (loff_t)job->target_offset;
	loff_t end = from + (loff_t)job->range->len;

	while (from < end) {
		ssize_t n = copy_file_range(job->source->fd, &from, job->target->fd, &to,
					    (size_t)(end - from), 0);

		if (n == 0)
			break;
		if (n < 0 && from == (loff_t)job->range->offset &&
		    (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS))
			return -EOPNOTSUPP;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
	job->copied = (uint64_t)from - job->range->offset;
	return hold_times(job->target, VFS_TIME_WRITE | VFS_TIME_CHANGE);
}

ssize_t vfs_node_copy(struct vfs_node *source, const struct vfs_range *range,
		      struct vfs_node *target, uint64_t target_offset)
{
	struct vfs_range clipped = *range;
	struct copy_job job = {source, target, &clipped, target_offset, 0};
	struct vfs_stat st;
	int err = vfs_node_stat(source, &st);

	if (err)
		return err;
	if (node_is_frozen(target))
		return -EROFS;
	if (!source->can_read || !target->can_write)
		return -EBADF;
	if (!range_ok(range) || target_offset > INT64_MAX || range->len > INT64_MAX - target_offset)
		return -EINVAL;
	if (range->offset >= st.size)
		return 0;
	if (clipped.len > st.size - range->offset)
		clipped.len = st.size - range->offset;
	if (source->stream || target->stream)
		return copy_by_hand(&job);
	err = vfs_run(copy_job, &job);
	if (err == -EOPNOTSUPP)
		return copy_by_hand(&job);
	return err ? err : (ssize_t)job.copied;
}

static int clone_job(void *arg)
{
	struct copy_job *job = arg;
	struct file_clone_range range = {
		.src_fd = job->source->fd,
		.src_offset = job->range->offset,
		.src_length = job->range->len,
		.dest_offset = job->target_offset,
	};

	if (ioctl(job->target->fd, FICLONERANGE, &range) != 0)
		return errno == ENOTTY ? -EOPNOTSUPP : -errno;
	return hold_times(job->target, VFS_TIME_WRITE | VFS_TIME_CHANGE);
}

int vfs_node_clone(struct vfs_node *source, const struct vfs_range *range, struct vfs_node *target,
		   uint64_t target_offset)
{
	struct copy_job job = {source, target, range, target_offset, 0};

	if (node_is_frozen(target))
		return -EROFS;
	if (!source->can_read || !target->can_write)
		return -EBADF;
	if (!range_ok(range) || range->len == 0 || target_offset > INT64_MAX)
		return -EINVAL;
	if (source->stream || target->stream)
		return -EOPNOTSUPP;
	return vfs_run(clone_job, &job);
}
