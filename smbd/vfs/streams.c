/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named streams, each an extended attribute of its file or directory, as Samba's streams_xattr
 * keeps them: user.DosStream.NAME:$DATA, whose value is the stream and one byte more (0), so that
 * an empty stream has a value too. NAME is UTF-8 as the client gave it; without regard to case
 * unless the share is case sensitive.
 *
 * A stream is read and written as a whole, under its file's inode_lock(); who may do so was
 * checked when it was opened, so it is done as the process itself.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <talloc.h>

#include "smbd/vfs/impl.h"
#include "smbd/vfs/name.h"

#define PREFIX      "user.DosStream."
#define SUFFIX      ":$DATA"
#define PREFIX_LEN  (sizeof(PREFIX) - 1)
#define SUFFIX_LEN  (sizeof(SUFFIX) - 1)
#define VALUE_BYTES 65536 /* XATTR_SIZE_MAX */
/* Names of one open that are kept till it ends: so often it may be renamed through that. */
#define OLD_STREAMS_MAX 1024

/* The name may be changed by a rename while I/O goes on; who has the old one meets -ENOENT. */
static const char *stream_of(const struct vfs_node *node)
{
	return __atomic_load_n(&node->stream, __ATOMIC_ACQUIRE);
}

static void stream_set(struct vfs_node *node, const char *name)
{
	bool exact = node->share->options.case_sensitive;
	uint64_t h = 0xcbf29ce484222325ull;

	for (const char *s = name; exact && *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3ull;
	__atomic_store_n(&node->id.stream, (exact ? h : name_fold_hash(name, strlen(name))) | 1,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&node->stream, name, __ATOMIC_RELEASE);
}

/* ---- names ---- */

/* -ENAMETOOLONG: more than an attribute's name can be. */
static int xattr_name(const char *stream, char name[XATTR_NAME_MAX_SIZE])
{
	size_t len = strlen(stream);

	if (PREFIX_LEN + len + SUFFIX_LEN >= XATTR_NAME_MAX_SIZE)
		return -ENAMETOOLONG;
	memcpy(name, PREFIX, PREFIX_LEN);
	memcpy(name + PREFIX_LEN, stream, len);
	memcpy(name + PREFIX_LEN + len, SUFFIX, SUFFIX_LEN + 1);
	return 0;
}

/* The stream that an attribute is, and the length of its name; NULL: it is something else. */
static const char *stream_in(const char *name, size_t *len)
{
	size_t all = strlen(name);

	if (all <= PREFIX_LEN + SUFFIX_LEN || memcmp(name, PREFIX, PREFIX_LEN) != 0 ||
	    strcasecmp(name + all - SUFFIX_LEN, SUFFIX) != 0)
		return NULL;
	*len = all - PREFIX_LEN - SUFFIX_LEN;
	return name + PREFIX_LEN;
}

/* The spelling on disk of a stream: 0 and name, or -ENOENT. */
static int find(const struct vfs_node *node, const char *stream, char name[XATTR_NAME_MAX_SIZE])
{
	char proc[PROC_FD_MAX], *list = NULL;
	size_t wanted = strlen(stream), len;
	const char *s;
	ssize_t n;
	int err = xattr_name(stream, name);

	if (err)
		return err;
	if (getxattr(proc_fd_path(node->fd, proc), name, NULL, 0) >= 0)
		return 0;
	if (errno != ENODATA)
		return errno == EOPNOTSUPP ? -ENOENT : -errno;
	if (node->share->options.case_sensitive)
		return -ENOENT;
	n = xattr_list(node->fd, &list);
	for (const char *at = list; at && at < list + n; at += strlen(at) + 1) {
		s = stream_in(at, &len);
		if (!s || !name_fold_equal(s, len, stream, wanted))
			continue;
		strcpy(name, at);
		free(list);
		return 0;
	}
	free(list);
	return n < 0 ? (int)n : -ENOENT;
}

/* ---- values ---- */

/* All of the stream into `value`; its size. */
static ssize_t load(const struct vfs_node *node, const char *name, uint8_t *value)
{
	char proc[PROC_FD_MAX];
	ssize_t n = getxattr(proc_fd_path(node->fd, proc), name, value, VALUE_BYTES);

	if (n < 0)
		return errno == ENODATA ? -ENOENT : -errno;
	return n ? n - 1 : 0;
}

/* flags: XATTR_CREATE or 0. value has room for one byte more than size. */
static int store(const struct vfs_node *node, const char *name, uint8_t *value, size_t size,
		 int flags)
{
	char proc[PROC_FD_MAX];

	value[size] = 0;
	if (setxattr(proc_fd_path(node->fd, proc), name, value, size + 1, flags) == 0)
		return 0;
	return errno == E2BIG || errno == ERANGE ? -ENOSPC : -errno;
}

/* Streams share the times of their file, which an attribute's change does not move. */
static int touch(int fd, const void *arg)
{
	static const struct timespec now[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};
	char proc[PROC_FD_MAX];

	return utimensat(AT_FDCWD, proc_fd_path(fd, proc), now, 0) == 0 ? 0 : -errno;
}

/* ---- I/O: called by data.c and node.c ---- */

enum stream_op { STREAM_READ, STREAM_WRITE, STREAM_RESIZE };

struct io_job {
	struct vfs_node *node;
	enum stream_op op;
	const struct iovec *iov;
	unsigned iov_count;
	uint64_t at; /* offset, or the new size */
	size_t done;
};

static void copy_out(struct io_job *job, const uint8_t *value, size_t size)
{
	size_t at = job->at < size ? (size_t)job->at : size;

	for (unsigned i = 0; i < job->iov_count && at < size; i++) {
		size_t n = job->iov[i].iov_len < size - at ? job->iov[i].iov_len : size - at;

		memcpy(job->iov[i].iov_base, value + at, n);
		at += n;
		job->done += n;
	}
}

/* -ENOSPC: larger than an extended attribute can be; nothing was written. */
static int copy_in(struct io_job *job, uint8_t *value, size_t *size)
{
	uint64_t end = job->at;

	for (unsigned i = 0; i < job->iov_count; i++)
		end += job->iov[i].iov_len;
	if (job->at >= VALUE_BYTES || end >= VALUE_BYTES)
		return -ENOSPC;
	if (job->at > *size)
		memset(value + *size, 0, job->at - *size);
	for (unsigned i = 0; i < job->iov_count; i++) {
		memcpy(value + job->at + job->done, job->iov[i].iov_base, job->iov[i].iov_len);
		job->done += job->iov[i].iov_len;
	}
	if (job->op == STREAM_RESIZE || end > *size)
		*size = (size_t)end;
	return 0;
}

static int io_value(struct io_job *job, const char *name, uint8_t *value)
{
	ssize_t n = load(job->node, name, value);
	size_t size = n > 0 ? (size_t)n : 0;
	int err;

	if (n < 0)
		return (int)n;
	if (job->op == STREAM_READ) {
		copy_out(job, value, size);
		return 0;
	}
	err = copy_in(job, value, &size);
	if (!err)
		err = store(job->node, name, value, size, 0);
	if (!err && !holds_times(job->node, VFS_TIME_WRITE))
		(void)touch(job->node->fd, NULL);
	return err;
}

static int io_job(void *arg)
{
	struct io_job *job = arg;
	uint8_t *value = malloc(VALUE_BYTES);
	char name[XATTR_NAME_MAX_SIZE];
	int err = value ? 0 : -ENOMEM;

	if (err)
		return err;
	inode_lock(job->node);
	err = find(job->node, stream_of(job->node), name);
	if (!err)
		err = io_value(job, name, value);
	inode_unlock(job->node);
	free(value);
	return err;
}

ssize_t stream_preadv(struct vfs_node *node, const struct iovec *iov, unsigned count, off_t off)
{
	struct io_job job = {node, STREAM_READ, iov, count, (uint64_t)off, 0};
	int err = vfs_run(io_job, &job);

	return err ? err : (ssize_t)job.done;
}

ssize_t stream_pwritev(struct vfs_node *node, const struct iovec *iov, unsigned count, off_t off)
{
	struct io_job job = {node, STREAM_WRITE, iov, count, (uint64_t)off, 0};
	int err = vfs_run(io_job, &job);

	return err ? err : (ssize_t)job.done;
}

int stream_set_eof(struct vfs_node *node, uint64_t size)
{
	struct io_job job = {node, STREAM_RESIZE, NULL, 0, size, 0};

	return vfs_run(io_job, &job);
}

/* The attribute was written at once; what is left is that of its file. */
int stream_fsync(struct vfs_node *node)
{
	char proc[PROC_FD_MAX];
	int fd = open(proc_fd_path(node->fd, proc), O_RDONLY | O_NONBLOCK | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd) != 0)
		err = -errno;
	close(fd);
	return err;
}

int stream_stat(const struct vfs_node *node, struct vfs_stat *st)
{
	char name[XATTR_NAME_MAX_SIZE], proc[PROC_FD_MAX];
	int err = find(node, stream_of(node), name);
	ssize_t n;

	st->id.stream = __atomic_load_n(&node->id.stream, __ATOMIC_RELAXED);
	st->size = st->alloc = 0;
	st->directory = false;
	st->attributes &= ~FILE_ATTRIBUTE_DIRECTORY;
	if (!st->attributes)
		st->attributes = FILE_ATTRIBUTE_NORMAL;
	if (err == -ENOENT)
		return 0; /* removed by somebody else, as an open file can be */
	if (err)
		return err;
	n = getxattr(proc_fd_path(node->fd, proc), name, NULL, 0);
	if (n > 0)
		st->size = st->alloc = (uint64_t)n - 1;
	return 0;
}

/* ---- opening ---- */

struct open_job {
	struct vfs_node *node;
	const char *stream;
	bool create;
	bool found;
	char name[XATTR_NAME_MAX_SIZE];
};

static int stream_open_job(void *arg)
{
	struct open_job *job = arg;
	uint8_t empty[1];
	int err;

	inode_lock(job->node);
	err = find(job->node, job->stream, job->name);
	if (err == -ENOENT && job->create)
		err = store(job->node, job->name, empty, 0, XATTR_CREATE);
	else if (!err && job->create)
		err = -EEXIST;
	inode_unlock(job->node);
	return err;
}

int vfs_node_stream_open(struct vfs_node *node, const char *stream, bool create)
{
	struct open_job job = {.node = node, .stream = stream, .create = create};
	int err = create && node_is_frozen(node) ? -EROFS : vfs_run(stream_open_job, &job);
	const char *real;
	size_t len;
	char *own;

	if (err)
		return err;
	real = stream_in(job.name, &len);
	own = talloc_strndup(node, real, len);
	if (!own)
		return -ENOMEM;
	node->can_read = node->can_write = create;
	stream_set(node, own);
	return vfs_node_stat(node, &node->stat);
}

struct may_job {
	struct vfs_node *node;
	int mode;
};

static int may_job(void *arg)
{
	struct may_job *job = arg;
	int err = cred_enter(job->node->cred);

	if (err)
		return err;
	if (syscall(SYS_faccessat2, job->node->fd, "", job->mode, AT_EACCESS | AT_EMPTY_PATH) != 0)
		err = -errno;
	cred_leave();
	return err;
}

/* As the cred: what its file allows, its stream does. */
int stream_open_data(struct vfs_node *node, bool read, bool write)
{
	struct may_job job = {node, (read ? R_OK : 0) | (write ? W_OK : 0)};
	int err = node->trusted ? 0 : cred_run(node->cred, may_job, &job);

	if (err)
		return err;
	node->can_read = read;
	node->can_write = write;
	return 0;
}

/* ---- removing and renaming ---- */

static int unlink_job(void *arg)
{
	struct vfs_node *node = arg;
	char name[XATTR_NAME_MAX_SIZE], proc[PROC_FD_MAX];
	int err;

	inode_lock(node);
	err = find(node, stream_of(node), name);
	if (!err && removexattr(proc_fd_path(node->fd, proc), name) != 0)
		err = -errno;
	inode_unlock(node);
	return err == -ENODATA ? -ENOENT : err;
}

int vfs_node_stream_unlink(struct vfs_node *node)
{
	return node_is_frozen(node) ? -EROFS : vfs_run(unlink_job, node);
}

static int unlink_all_job(void *arg)
{
	struct vfs_node *node = arg;
	char proc[PROC_FD_MAX], *list;
	size_t len;
	ssize_t n;
	int err = 0;

	inode_lock(node); /* or who is writing one would bring it back */
	n = xattr_list(node->fd, &list);
	if (n < 0) {
		err = n == -EOPNOTSUPP ? 0 : (int)n;
		n = 0; /* list is NULL */
	}
	for (const char *at = list; at < list + n; at += strlen(at) + 1)
		if (stream_in(at, &len) && removexattr(proc_fd_path(node->fd, proc), at) != 0 &&
		    errno != ENODATA)
			err = -errno;
	inode_unlock(node);
	free(list);
	return err;
}

int vfs_node_streams_unlink(struct vfs_node *node)
{
	return node_is_frozen(node) ? -EROFS : vfs_run(unlink_all_job, node);
}

struct rename_job {
	struct vfs_node *node;
	const char *to;
	bool replace;
};

static int move_value(const struct vfs_node *node, const char *from, const char *to)
{
	uint8_t *value = malloc(VALUE_BYTES);
	char proc[PROC_FD_MAX];
	ssize_t n;
	int err;

	if (!value)
		return -ENOMEM;
	n = load(node, from, value);
	err = n < 0 ? (int)n : store(node, to, value, (size_t)n, 0);
	free(value);
	if (!err && removexattr(proc_fd_path(node->fd, proc), from) != 0)
		err = -errno;
	return err;
}

/* The mutex is held. */
static int rename_value(const struct rename_job *job)
{
	char from[XATTR_NAME_MAX_SIZE], to[XATTR_NAME_MAX_SIZE], there[XATTR_NAME_MAX_SIZE];
	char proc[PROC_FD_MAX];
	int err = xattr_name(job->to, to);

	if (!err)
		err = find(job->node, stream_of(job->node), from);
	if (err || strcmp(from, to) == 0)
		return err;
	err = find(job->node, job->to, there);
	if (!err && strcmp(there, from) != 0) { /* another one, in whatever spelling */
		if (!job->replace)
			err = -EEXIST;
		else if (removexattr(proc_fd_path(job->node->fd, proc), there) != 0)
			err = -errno;
	} else if (err == -ENOENT) {
		err = 0;
	}
	return err ? err : move_value(job->node, from, to);
}

/* The old name stays: somebody may be reading it. */
static int stream_rename_job(void *arg)
{
	struct rename_job *job = arg;
	struct vfs_node *node = job->node;
	char *own = NULL;
	int err = -ENOSPC;

	inode_lock(node);
	if (node->old_streams < OLD_STREAMS_MAX)
		own = talloc_strdup(node, job->to);
	if (own)
		err = rename_value(job);
	if (!err) {
		node->old_streams++;
		stream_set(node, own);
	} else {
		talloc_free(own);
	}
	inode_unlock(node);
	return err;
}

int vfs_node_stream_rename(struct vfs_node *node, const char *to, bool replace)
{
	struct rename_job job = {node, to, replace};

	return node_is_frozen(node) ? -EROFS : vfs_run(stream_rename_job, &job);
}

void vfs_node_stream_id(const struct vfs_node *node, const char *stream, struct vfs_id *id)
{
	struct vfs_node other = {.share = node->share, .id = node->id};

	stream_set(&other, stream);
	*id = other.id;
}

/* ---- listing ---- */

struct list_job {
	struct vfs_node *node;
	void *ctx;
	struct vfs_stream *streams;
	unsigned count;
};

static int list_add(struct list_job *job, const char *name, size_t len, uint64_t size,
		    uint64_t alloc)
{
	struct vfs_stream *grown =
		talloc_realloc(job->ctx, job->streams, struct vfs_stream, job->count + 1);

	if (!grown)
		return -ENOMEM;
	job->streams = grown;
	memcpy(grown[job->count].name, name, len);
	grown[job->count].name[len] = '\0';
	grown[job->count].size = size;
	grown[job->count].alloc = alloc;
	job->count++;
	return 0;
}

static int list_job(void *arg)
{
	struct list_job *job = arg;
	char proc[PROC_FD_MAX], *list = NULL;
	struct vfs_stat st;
	int err = stat_fd(job->node->share, job->node->fd, NULL, &st);
	ssize_t n, size;
	size_t len;

	if (!err && !st.directory)
		err = list_add(job, "", 0, st.size, st.alloc);
	if (err)
		return err;
	n = xattr_list(job->node->fd, &list);
	if (n < 0)
		return n == -EOPNOTSUPP ? 0 : (int)n;
	for (const char *at = list; !err && at < list + n; at += strlen(at) + 1) {
		const char *name = stream_in(at, &len);

		if (!name)
			continue;
		size = getxattr(proc_fd_path(job->node->fd, proc), at, NULL, 0);
		if (size >= 0)
			err = list_add(job, name, len, size ? (uint64_t)size - 1 : 0,
				       size ? (uint64_t)size - 1 : 0);
	}
	free(list);
	return err;
}

int vfs_node_streams(struct vfs_node *node, void *ctx, struct vfs_stream **streams, unsigned *count)
{
	struct list_job job = {.node = node, .ctx = ctx};
	int err = vfs_run(list_job, &job);

	*streams = job.streams;
	*count = job.count;
	return err;
}
