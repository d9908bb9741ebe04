/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of vfs/ share and nobody else sees: taking an identity, resolving a name beneath a
 * root, the index of folded names, and how a file's state is read from the medium.
 *
 * Locks, outermost first: names_lock(), the index's mutex; inode_lock(), then the table of change
 * times or a node's held_mutex; the share's is taken alone.
 *
 * Thread: unless it says so, code here runs in a job (vfs_run()): on a worker, or on the caller's
 * thread outside a fiber; it may block and never suspends. Errors: negative errno, as vfs.h has it.
 */
#ifndef SMBD_VFS_IMPL_H
#define SMBD_VFS_IMPL_H

#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "smbd/vfs/vfs.h"

#define PROC_FD_MAX 32 /* "/proc/self/fd/N" */

/* A path to what fd has open, for calls that take no O_PATH descriptor. */
const char *proc_fd_path(int fd, char buf[PROC_FD_MAX]);

/* ---- identity (cred.c) ----
 * The thread is the cred between enter and leave, which do not nest, and nothing in between
 * suspends. enter fails with -EPERM and has then changed nothing. leave cannot fail: a thread that
 * can't become itself again must not go on, and aborts. */
int cred_enter(const struct vfs_cred *cred);
void cred_leave(void);
/* May the caller's thread, a reactor's, be the cred for a moment? Else a worker is wanted. */
bool cred_is_for_reactors(const struct vfs_cred *cred);
/* What does not block, as the cred: here where that may be, else on a worker. */
int cred_run(const struct vfs_cred *cred, int (*fn)(void *arg), void *arg);
/* Whom the kernel takes the work to be done by: the process, where that is not root. Any thread. */
uid_t cred_uid(const struct vfs_cred *cred);

/* ---- the root ---- */
struct root {
	_Atomic unsigned refs;
	int fd; /* O_PATH */
	uint64_t dev, ino;
};

struct vfs_share {
	_Atomic unsigned refs;
	struct vfs_share_options options;
	char *path;
	/* the options' strings, in one allocation; NULL: no previous versions */
	struct vfs_snapshot_options *snapshots;
	pthread_mutex_t mutex; /* of what follows; held over system calls on the root only */
	struct root *root;     /* NULL: gone */
	uint64_t checked_ns;   /* when path was last seen to lead to root */
};

/* The root as it is now, counted; NULL and *err when gone. Looks anew when the last look is old, or
 * when asked to. Any thread. */
struct root *root_get(struct vfs_share *share, bool look, int *err);
void root_put(struct root *root);
/* Not due for a look, so that root_get() makes no system call. Any thread. */
bool root_is_fresh(struct vfs_share *share);

/* ---- previous versions (snapshot.c) ---- */
/* A talloc'ed copy; NULL: no memory. */
struct vfs_snapshot_options *snapshots_copy(const struct vfs_snapshot_options *options);

/* Is it of a previous version? */
static inline bool node_is_frozen(const struct vfs_node *node)
{
	return node->share->options.frozen;
}

/* Whom the work on the node's attributes and names is done as: its cred, or, of a trusted one, the
 * process. */
const struct vfs_cred *node_worker(const struct vfs_node *node);

/* ---- resolving (resolve.c) ---- */
struct where {
	struct vfs_share *share;
	const struct vfs_cred *cred;
	struct root *root;
};

/* Open path beneath the root as the cred. cached: only if no blocking is needed, else -EAGAIN. */
int resolve_open(const struct where *where, const char *path, int flags, bool cached);

/* A directory that was found, and the name in it that was asked for or that stands there. */
struct place {
	int parent;       /* O_PATH of the directory; place_clear() closes it */
	char *path;       /* the real path of the leaf, talloc'ed; */
	const char *leaf; /* its end */
	bool exists;      /* in some spelling: leaf is then the real one */
};

/* Find the directory; the leaf is as given, and `exists` false. -ENOTDIR if it isn't there. */
int resolve_place(const struct where *where, void *ctx, const char *path, struct place *place);
/* Then find out whether the leaf exists, in this spelling or another: not finding it is no error.
 */
int place_look(const struct where *where, void *ctx, struct place *place);
void place_clear(struct place *place);

/* Both descriptors, or name in dir (links not followed) and descriptor, are one inode? */
bool same_inode(int fd, int dir, const char *name);

/* ---- the index of folded names (index.c) ----
 * Which real name in the directory (O_PATH) folds to the same as `leaf`? 0 and real (NAME_MAX + 1
 * bytes), -ENOENT, or an error. Done as the process itself: the directory was opened as the user.
 */
int index_find(int dir, const char *leaf, char *real);
/* For tests: what one directory's may take; 0: as usual. Forgets all. No directory is being read.
 */
void index_limit(size_t dir_bytes);

/* ---- the medium (stat.c) ---- */
/* What fd (O_PATH too) is. leaf: its name, for the hidden dot; NULL: none. Any thread; reads what
 * is in the kernel's caches when the file is open, and so is called without a job too. */
int stat_fd(const struct vfs_share *share, int fd, const char *leaf, struct vfs_stat *st);

/* Only which it is. */
int stat_id(int fd, struct vfs_id *id);

/* The same of a name in a directory. A symbolic link is not followed: 1, and *st is not set. */
int stat_at(const struct vfs_share *share, int dir, const char *name, struct vfs_stat *st);

/* Store attributes and birth time. What fits nowhere is dropped; an error is of the medium, or
 * -EACCES. */
int stat_store(const struct vfs_share *share, const struct vfs_cred *cred, int fd,
	       const struct vfs_stat *st);

/* Run set(fd) as the cred; where that may not but the cred may write or owns the file, as
 * ourselves: SMB's FILE_WRITE_ATTRIBUTES goes further than POSIX's ownership. */
int set_as(const struct vfs_cred *cred, int fd, int (*set)(int fd, const void *arg),
	   const void *arg);

/* The same straight from the kernel: the identity and the real change time. */
int stat_change(int fd, struct vfs_id *id, struct timespec *change);

/* ---- change times that clients set (change.c) ---- */
void change_time_show(const struct vfs_id *id, const struct timespec *real,
		      const struct timespec *shown);
void change_time_apply(struct vfs_stat *st); /* st->ctime is the real one before */

/* Put back the times that are held and that I/O of this kind (VFS_TIME_*) has moved (data.c). In a
 * job or a fiber. */
int hold_times(struct vfs_node *node, unsigned touched);
static inline bool holds_times(const struct vfs_node *node, unsigned any_of)
{
	return __atomic_load_n(&node->held_times, __ATOMIC_RELAXED) & any_of;
}

/* ---- extended attributes (ea.c, streams.c) ---- */
#define XATTR_NAME_MAX_SIZE 256 /* with its NUL */

/* All names, malloc'ed, each with its NUL: their bytes. */
ssize_t xattr_list(int fd, char **list);

/* What the EAs of a name in a directory (NULL: of the descriptor itself) take in a list; 0 also of
 * more than one would look through for each entry of a listing. In a job. */
uint32_t ea_bytes_at(const struct vfs_share *share, int dir, const char *name);

/* What data.c and node.c do for a node that is a stream. All but the last suspend. */
ssize_t stream_preadv(struct vfs_node *node, const struct iovec *iov, unsigned count, off_t off);
ssize_t stream_pwritev(struct vfs_node *node, const struct iovec *iov, unsigned count, off_t off);
int stream_set_eof(struct vfs_node *node, uint64_t size);
int stream_fsync(struct vfs_node *node); /* in a job */
int stream_open_data(struct vfs_node *node, bool read, bool write);
/* st is its file's: make it the stream's. */
int stream_stat(const struct vfs_node *node, struct vfs_stat *st);

/* ---- reparse points (reparse.c) ---- */
bool reparse_is_special(mode_t mode);
/* Is what fd has open, O_PATH too, one by its stored attributes? */
bool reparse_at(int fd);
/* The tag of the one that the file at this path is; 0: it is none. */
uint32_t reparse_tag_of(const char *path, bool follow);

/* ---- quotas (quota.c) ---- */
/* quotactl_fd(2), or what a test has in its place: few kernels that run tests have quotas. */
extern int (*quota_call)(int fd, unsigned cmd, unsigned id, void *addr);
/* As vfs_node_quota(); blocks. */
int quota_get(int fd, uid_t uid, struct vfs_quota *out);

/* ---- running ---- */
/* fn(arg) where it may block. */
int vfs_run(int (*fn)(void *arg), void *arg);

/* Whoever makes, moves or removes names in a directory, or in two, and must see each other: held in
 * a job. Takes descriptors of the directories, which may be the same. */
void names_lock(int dir, int other);
void names_unlock(int dir, int other);

/* Whoever reads something of an inode and stores what follows from it (a stream, attributes), and
 * all who must see that as one step: held in a job. By inode; taken alone. */
void inode_lock(const struct vfs_node *node);
void inode_unlock(const struct vfs_node *node);

struct vfs_node *node_new(struct vfs_share *share, struct vfs_cred *cred);
int node_open_self(struct vfs_node *node, int flags); /* its inode again, as its cred */

/* ---- counters ---- */
struct counters {
	_Atomic uint64_t dir_scans, dir_reads, index_hits, id_switches, cached_opens;
};

extern struct counters counters;

static inline void count(_Atomic uint64_t *c)
{
	atomic_fetch_add_explicit(c, 1, memory_order_relaxed);
}

#endif
