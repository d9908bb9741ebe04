/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes, sizes, and the times and attributes of an open file. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "smbd/vfs/impl.h"
#include "transport/fiber/fiber.h"

#define IOV_PART 64 /* of a write that came back short, and is then finished in parts */

/* ---- held times: put back what I/O has moved ---- */

struct both_times {
	struct timespec atime, mtime;
};

static int set_times(int fd, const void *arg)
{
	const struct both_times *t = arg;
	struct timespec ts[2] = {t->atime, t->mtime};
	char proc[PROC_FD_MAX];

	return utimensat(AT_FDCWD, proc_fd_path(fd, proc), ts, 0) == 0 ? 0 : -errno;
}

/* The file's change time is to look like this from here on, until something changes the file. */
static int show_change(struct vfs_node *node, const struct timespec *shown)
{
	struct timespec real;
	struct vfs_id id;
	int err = stat_change(node->fd, &id, &real);

	if (!err)
		change_time_show(&id, &real, shown);
	return err;
}

struct hold_job {
	struct vfs_node *node;
	struct both_times times;
};

static int hold_job(void *arg)
{
	struct hold_job *job = arg;

	return set_as(node_worker(job->node), job->node->fd, set_times, &job->times);
}

int hold_times(struct vfs_node *node, unsigned touched)
{
	static const struct timespec omit = {.tv_nsec = UTIME_OMIT};
	struct timespec change;
	struct hold_job job;
	unsigned held;
	int err = 0;

	if (!holds_times(node, touched))
		return 0;
	pthread_mutex_lock(&node->held_mutex);
	held = node->held_times & touched;
	job = (struct hold_job){node,
				{held & VFS_TIME_ACCESS ? node->held_atime : omit,
				 held & VFS_TIME_WRITE ? node->held_mtime : omit}};
	change = node->held_ctime;
	pthread_mutex_unlock(&node->held_mutex);
	if (held & (VFS_TIME_ACCESS | VFS_TIME_WRITE))
		err = cred_run(node_worker(node), hold_job, &job);
	if (!err && (held & VFS_TIME_CHANGE))
		err = show_change(node, &change);
	return err;
}

/* ---- data ---- */

ssize_t vfs_node_preadv(struct vfs_node *node, const struct iovec *iov, unsigned iov_count,
			off_t off)
{
	ssize_t n;

	if (!node->can_read)
		return -EBADF;
	if (node->stream)
		return stream_preadv(node, iov, iov_count, off);
	do {
		n = fiber_preadv(node->fd, iov, iov_count, off);
	} while (n == -EINTR);
	if (n > 0)
		(void)hold_times(node, VFS_TIME_ACCESS | VFS_TIME_CHANGE);
	return n;
}

/* The rest of a write, after the first `done` bytes of iov. */
static ssize_t write_rest(struct vfs_node *node, const struct iovec *iov, unsigned iov_count,
			  off_t off, size_t done, int rwf)
{
	while (iov_count) {
		struct iovec part[IOV_PART];
		unsigned parts = 0;
		size_t skip = done;
		ssize_t n;

		for (unsigned i = 0; i < iov_count && parts < IOV_PART; i++) {
			if (skip >= iov[i].iov_len) {
				skip -= iov[i].iov_len;
				continue;
			}
			part[parts].iov_base = (char *)iov[i].iov_base + skip;
			part[parts++].iov_len = iov[i].iov_len - skip;
			skip = 0;
		}
		if (!parts)
			break;
		n = fiber_pwritev(node->fd, part, parts, off + (off_t)done, rwf);
		if (n == 0)
			return -EIO;
		if (n < 0 && n != -EINTR)
			return n;
		done += n > 0 ? (size_t)n : 0;
	}
	return (ssize_t)done;
}

static int stream_fsync_job(void *arg)
{
	return stream_fsync(arg);
}

static ssize_t write_stream(struct vfs_node *node, const struct iovec *iov, unsigned iov_count,
			    off_t off, bool through)
{
	ssize_t n = stream_pwritev(node, iov, iov_count, off);
	int err = n > 0 && through ? vfs_run(stream_fsync_job, node) : 0;

	return err ? err : n;
}

ssize_t vfs_node_pwritev(struct vfs_node *node, const struct iovec *iov, unsigned iov_count,
			 off_t off, bool through)
{
	int rwf = through ? RWF_DSYNC : 0, err;
	size_t all = 0;
	ssize_t n;

	if (node_is_frozen(node))
		return -EROFS;
	if (!node->can_write)
		return -EBADF;
	for (unsigned i = 0; i < iov_count; i++)
		all += iov[i].iov_len;
	if (!all)
		return 0;
	if (node->stream)
		return write_stream(node, iov, iov_count, off, through);
	n = fiber_pwritev(node->fd, iov, iov_count, off, rwf);
	if (n == -EINTR || (n >= 0 && (size_t)n < all))
		n = write_rest(node, iov, iov_count, off, n > 0 ? (size_t)n : 0, rwf);
	if (n < 0)
		return n;
	err = hold_times(node, VFS_TIME_WRITE | VFS_TIME_CHANGE);
	return err ? err : n;
}

int vfs_node_fsync(struct vfs_node *node, bool data_only)
{
	int err;

	if (node->stream)
		return vfs_run(stream_fsync_job, node);
	do {
		err = fiber_fsync(node->fd, data_only);
	} while (err == -EINTR);
	return err;
}

struct size_job {
	struct vfs_node *node;
	uint64_t bytes;
};

static int eof_job(void *arg)
{
	struct size_job *job = arg;

	if (ftruncate(job->node->fd, (off_t)job->bytes) != 0)
		return -errno;
	return hold_times(job->node, VFS_TIME_WRITE | VFS_TIME_CHANGE);
}

int vfs_node_set_eof(struct vfs_node *node, uint64_t size)
{
	struct size_job job = {node, size};

	if (node_is_frozen(node))
		return -EROFS;
	if (!node->can_write)
		return -EBADF;
	if (node->stream)
		return stream_set_eof(node, size);
	return size > INT64_MAX ? -EINVAL : vfs_run(eof_job, &job);
}

static int alloc_job(void *arg)
{
	struct size_job *job = arg;
	struct stat st;

	if (fstat(job->node->fd, &st) != 0)
		return -errno;
	if (job->bytes < (uint64_t)st.st_size)
		return eof_job(job);
	if (job->bytes == 0 ||
	    fallocate(job->node->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)job->bytes) == 0 ||
	    errno == EOPNOTSUPP || errno == ENOSYS)
		return 0;
	return -errno;
}

int vfs_node_set_alloc(struct vfs_node *node, uint64_t bytes)
{
	struct size_job job = {node, bytes};
	struct vfs_stat st;
	int err;

	if (node_is_frozen(node))
		return -EROFS;
	if (!node->can_write)
		return -EBADF;
	if (node->stream) { /* nothing can be reserved in an attribute */
		err = vfs_node_stat(node, &st);
		return err || bytes >= st.size ? err : stream_set_eof(node, bytes);
	}
	return bytes > INT64_MAX ? -EINVAL : vfs_run(alloc_job, &job);
}

/* ---- times and attributes ---- */

struct times_job {
	struct vfs_node *node;
	const struct vfs_times *times;
};

static struct timespec chosen(const struct vfs_times *t, unsigned which, struct timespec value)
{
	return t->set & which ? value : (struct timespec){.tv_nsec = UTIME_OMIT};
}

static int times_job(void *arg)
{
	struct times_job *job = arg;
	const struct vfs_times *t = job->times;
	struct vfs_node *node = job->node;
	struct both_times both = {chosen(t, VFS_TIME_ACCESS, t->atime),
				  chosen(t, VFS_TIME_WRITE, t->mtime)};
	struct vfs_stat st;
	int err = 0;

	if (t->set & VFS_TIME_BIRTH) {
		inode_lock(node);
		err = stat_fd(node->share, node->fd, NULL, &st);
		if (!err) {
			st.btime = t->btime;
			err = stat_store(node->share, node_worker(node), node->fd, &st);
		}
		inode_unlock(node);
	}
	if (!err && (t->set & (VFS_TIME_ACCESS | VFS_TIME_WRITE)))
		err = set_as(node_worker(node), node->fd, set_times, &both);
	if (!err && (t->set & VFS_TIME_CHANGE))
		err = show_change(node, &t->ctime);
	else if (!err)
		err = hold_times(node, VFS_TIME_CHANGE & ~t->release);
	return err;
}

static void hold_from(struct vfs_node *node, const struct vfs_times *times,
		      const struct vfs_stat *now)
{
	const unsigned ours = VFS_TIME_ACCESS | VFS_TIME_WRITE | VFS_TIME_CHANGE;
	unsigned hold = (times->set | times->hold) & ours;

	pthread_mutex_lock(&node->held_mutex);
	if (hold & VFS_TIME_ACCESS)
		node->held_atime = now->atime;
	if (hold & VFS_TIME_WRITE)
		node->held_mtime = now->mtime;
	if (hold & VFS_TIME_CHANGE)
		node->held_ctime = now->ctime;
	__atomic_store_n(&node->held_times, (node->held_times & ~times->release) | hold,
			 __ATOMIC_RELAXED);
	pthread_mutex_unlock(&node->held_mutex);
}

int vfs_node_set_times(struct vfs_node *node, const struct vfs_times *times)
{
	struct times_job job = {node, times};
	struct vfs_stat now;
	int err = 0;

	if (node_is_frozen(node))
		return -EROFS;
	if (times->set)
		err = vfs_run(times_job, &job);
	if (!err)
		err = vfs_node_stat(node, &now);
	if (!err)
		hold_from(node, times, &now);
	return err;
}

struct attributes_job {
	struct vfs_node *node;
	uint32_t attributes;
};

/* All that may be set but what `kept` says. */
static int attributes_store(struct attributes_job *job, const struct vfs_cred *cred, uint32_t kept)
{
	struct vfs_node *node = job->node;
	struct vfs_stat st;
	int err;

	inode_lock(node);
	err = vfs_node_stat(node, &st);
	if (!err) {
		st.attributes = (st.attributes & kept) |
				(job->attributes & ~(kept | FILE_ATTRIBUTE_NORMAL));
		err = stat_store(node->share, cred, node->fd, &st);
	}
	inode_unlock(node);
	return err;
}

static int attributes_job(void *arg)
{
	struct attributes_job *job = arg;
	int err = attributes_store(job, node_worker(job->node),
				   FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_SPARSE_FILE |
					   FILE_ATTRIBUTE_REPARSE_POINT);

	return err ? err : hold_times(job->node, VFS_TIME_CHANGE);
}

static int sparse_job(void *arg)
{
	struct attributes_job *job = arg;

	return attributes_store(job, job->node->cred, ~FILE_ATTRIBUTE_SPARSE_FILE);
}

int vfs_node_set_sparse(struct vfs_node *node, bool sparse)
{
	struct attributes_job job = {node, sparse ? FILE_ATTRIBUTE_SPARSE_FILE : 0};

	if (node_is_frozen(node))
		return -EROFS;
	return vfs_run(sparse_job, &job);
}

int vfs_node_set_attributes(struct vfs_node *node, uint32_t attributes)
{
	struct attributes_job job = {node, attributes};

	if (node_is_frozen(node))
		return -EROFS;
	return vfs_run(attributes_job, &job);
}
