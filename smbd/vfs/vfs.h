/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The POSIX file system beneath a share's root, as an SMB server needs it. Hides how a name is
 * resolved (never out of the root), case, DOS attributes, the identity work is done as, and what
 * blocks.
 *
 * Calls look blocking. They run in a request's fiber: what may block is offloaded to the workers or
 * goes through the ring, and suspends the fiber; outside a fiber it happens here. No caller holds a
 * lock over any call that is not marked "does not suspend".
 *
 * Thread: any; one node or dir is used by one fiber at a time, but for reads, writes, syncs and
 * stats of one node, which may overlap. Shares and creds are shared and counted.
 * Units: bytes; times are struct timespec of the real-time clock.
 *
 * Errors: negative errno, for nt_status_from_errno(). Names resolve so that the errno is enough:
 *   -ENOENT   only the last component is missing        (OBJECT_NAME_NOT_FOUND)
 *   -ENOTDIR  an inner one is missing or no directory   (OBJECT_PATH_NOT_FOUND)
 *   -ELOOP    a symbolic link that policy forbids       (OBJECT_PATH_NOT_FOUND)
 *   -EREMOTE  a reparse point on the way, which only the client may follow
 *             (IO_REPARSE_TAG_NOT_HANDLED)
 *   -ENODEV   the share's root is gone                  (NO_SUCH_DEVICE); it is found again when it
 *             comes back
 *   -ESTALE   the name no longer stands for this node
 * Anything the kernel says of the medium (ENOSPC, EDQUOT, EROFS, EIO) comes through unchanged.
 *
 * Paths are on-disk bytes as struct name has them: '/' between components, "" for the root.
 */
#ifndef SMBD_VFS_VFS_H
#define SMBD_VFS_VFS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include "smbd/wire/fscc/attributes.h"

struct security_descriptor;
struct vfs_share;
struct vfs_dir;

/* ---- process ----
 * Once in main, before any thread starts. As root: gives up what would let a user's writes ignore
 * quotas (CAP_SYS_RESOURCE) or keep set-id bits (CAP_FSETID); data I/O is done as root, so raise
 * resource limits before. umask becomes 0: the masks of the share are what counts. */
int vfs_init(void);

/* Once in main, before any thread starts: reactors shall never take a user's identity, not even for
 * what needs no worker. The kernel's RDMA files refuse a thread whose credentials changed since
 * they were opened, even if they changed back. */
void vfs_keep_identity(void);

/* ---- who ----
 * The unix identity that work is done as when the process is root; a process that is not root does
 * everything as itself. Immutable and counted; any thread. */
struct vfs_cred {
	unsigned refs;   /* atomic */
	uint64_t serial; /* of this cred, never used again: what a thread's ids are cached by */
	uid_t uid;
	gid_t gid;
	unsigned group_count;
	gid_t groups[]; /* supplementary */
};

struct vfs_cred *vfs_cred_new(uid_t uid, gid_t gid, const gid_t *groups, unsigned count);
struct vfs_cred *vfs_cred_get(struct vfs_cred *cred);
void vfs_cred_put(struct vfs_cred *cred);

/* ---- share ---- */
enum vfs_symlinks {
	VFS_SYMLINKS_BENEATH, /* links that stay inside the root are followed */
	VFS_SYMLINKS_NONE,    /* no link is followed, or listed */
	VFS_SYMLINKS_WIDE     /* links may lead anywhere on this machine */
};

/* Where the share's previous versions are: see vfs_snapshots(). Strings are copied. */
struct vfs_snapshot_options {
	const char *dir;        /* that holds them: absolute, or beneath the mount point; NULL or
				 * empty: there are none */
	const char *mountpoint; /* of the file system; NULL or empty: look for it */
	const char *basedir; /* what each is a copy of: absolute; NULL or empty: the mount point */
	const char *format;  /* of their names, for strftime() */
	bool localtime;      /* names are in local time, not in UTC */
	enum vfs_snapshot_sort { VFS_SNAPSHOT_DESC, VFS_SNAPSHOT_ASC, VFS_SNAPSHOT_UNSORTED } sort;
};

struct vfs_share_options {
	bool case_sensitive;
	enum vfs_symlinks symlinks;
	mode_t create_mask;    /* bits a new file may have; 0: 0744 */
	mode_t directory_mask; /* ... a new directory; 0: 0755 */
	mode_t force_create_mode, force_directory_mode;
	bool hide_dot_files;       /* a leading dot shows as FILE_ATTRIBUTE_HIDDEN */
	bool hide_unreadable;      /* listings leave out what the cred may not read */
	bool store_dos_attributes; /* in user.DOSATTRIB, as Samba does */
	bool ea_support;           /* extended attributes of clients are kept, in user.* */
	const char *ntacl_name;    /* of the attribute that keeps descriptors; must outlive the
				    * share; NULL: none are kept */
	struct vfs_snapshot_options snapshots;
	bool frozen; /* of a previous version: what would change it is -EROFS, and no name goes in
		      * or out of it (-EXDEV) */
};

/* Path is absolute, or relative to the working directory now. The root need not exist yet: what
 * fails is each use, with -ENODEV. -ENOTDIR if it is no directory. */
int vfs_share_open(const char *path, const struct vfs_share_options *options,
		   struct vfs_share **share);
struct vfs_share *vfs_share_get(struct vfs_share *share);
void vfs_share_put(struct vfs_share *share); /* every node of it holds a reference */
/* 0 if the root is there and cred may enter it: what a TREE_CONNECT asks. */
int vfs_share_check(struct vfs_share *share, struct vfs_cred *cred);
const char *vfs_share_path(const struct vfs_share *share); /* as it was given */
const struct vfs_share_options *vfs_share_options(const struct vfs_share *share);

/* ---- previous versions ----
 * Snapshots that somebody else makes and takes away, kept as Samba's vfs_shadow_copy2 finds them: a
 * directory of copies of `basedir`, each named by its time. The share's folder in one of them is a
 * share of its own, whose files are the previous versions. Found as the process; what is in them is
 * opened as the user, like anything else. */

#define VFS_SNAPSHOTS_MAX 4096 /* that are told of */

/* Their times, all different, sorted as configured; on talloc_ctx. None is no error, nor is a
 * directory that is not there. */
int vfs_snapshots(struct vfs_share *share, void *talloc_ctx, time_t **times, unsigned *count);
/* The share as of one of these times; a reference. -ENOENT: there is no such snapshot, or the
 * folder was not there then. */
int vfs_snapshot_open(struct vfs_share *share, time_t when, struct vfs_share **snapshot);

/* ---- what a file is ---- */

/* Which file: stable over renames, and not fooled by an inode number used again. */
struct vfs_id {
	uint64_t dev; /* major << 32 | minor */
	uint64_t ino;
	uint64_t
		btime_ns; /* birth time as the file system has it, in place of a generation; or 0 */
	uint64_t stream;  /* 0: the unnamed one; each named stream is shared and locked by itself */
};

static inline bool vfs_id_equal(const struct vfs_id *a, const struct vfs_id *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->btime_ns == b->btime_ns &&
	       a->stream == b->stream;
}

/* The same, whichever stream of it. */
static inline bool vfs_id_same_file(const struct vfs_id *a, const struct vfs_id *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->btime_ns == b->btime_ns;
}

struct vfs_stat {
	struct vfs_id id;
	uint64_t size;  /* 0 for a directory */
	uint64_t alloc; /* bytes on the medium */
	struct timespec btime, atime, mtime,
		ctime;        /* btime as stored for SMB, else the oldest known */
	uint32_t attributes;  /* FILE_ATTRIBUTE_*, never 0 */
	uint32_t reparse_tag; /* with FILE_ATTRIBUTE_REPARSE_POINT; else 0 */
	uint32_t links;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	bool directory;
};

/* ---- node ----
 * A file or directory that was found or made: a descriptor that stays with the file whatever
 * happens to its name. Freed by vfs_node_close(); never by talloc_free(). */
struct vfs_node {
	struct vfs_share *share;
	struct vfs_cred *cred; /* who it was opened as, and works as */
	struct vfs_id id;
	struct vfs_id parent; /* the directory it was found in; zeros for the root */
	struct vfs_stat stat; /* as of the call that found or made it; vfs_node_stat() asks anew */
	char *path;           /* the real spelling, as of that call; talloc child of the node */
	int fd;               /* O_PATH until vfs_node_open() */
	const char *stream;   /* as spelled on disk; NULL: the unnamed one */
	bool trusted; /* a descriptor gave the rights: what POSIX forbids is done as the process */
	bool can_read,
		can_write;    /* how fd is open; of a stream, what is allowed: fd stays O_PATH */
	unsigned old_streams; /* names that `stream` was, and that are kept */
	unsigned held_times;  /* VFS_TIME_*: see vfs_node_set_times(); atomic */
	pthread_mutex_t held_mutex; /* of what follows, and to change it; for moments */
	struct timespec held_atime, held_mtime, held_ctime;
};

/* Find. Exact spelling first; then any, unless the share is case sensitive. Links are followed by
 * the share's policy. The node is O_PATH: it can be asked and renamed, not read. */
int vfs_lookup(struct vfs_share *share, struct vfs_cred *cred, const char *path,
	       struct vfs_node **node);

/* Make, exclusively: -EEXIST if the name is there in any spelling. A file comes open for reading
 * and writing (whatever its mode says), a directory for reading. Attributes: what the client asked
 * for; a file gets FILE_ATTRIBUTE_ARCHIVE besides. `parent` in the new node names the directory,
 * for the check that it isn't being deleted. */
struct vfs_create {
	bool directory;
	uint32_t attributes;
	uint64_t alloc; /* bytes to reserve, 0: none; a hint, but for -ENOSPC and -EDQUOT */
	bool closed; /* to all but its owner, a directory also to him, until vfs_node_protect() */
};

int vfs_create(struct vfs_share *share, struct vfs_cred *cred, const char *path,
	       const struct vfs_create *create, struct vfs_node **node);

/* The directory that holds or would hold path; the last component is not looked at. */
int vfs_parent(struct vfs_share *share, struct vfs_cred *cred, const char *path,
	       struct vfs_id *parent);

/* Open the found node for real, as its cred, in place: the same inode, whatever happened to the
 * name. Directories are opened for reading only. -EACCES as permissions say; -EACCES too for what
 * is neither a file nor a directory. Write opens refuse nothing for the DOS read-only attribute:
 * that is the caller's. Of a previous version only the reading is opened: writes are -EROFS. */
int vfs_node_open(struct vfs_node *node, bool read, bool write);

/* Everything is given back, also on error; the error is of writes that were not yet reported. */
int vfs_node_close(struct vfs_node *node);

/* What POSIX lets the node's cred do. */
#define VFS_MAY_READ    0x01u
#define VFS_MAY_WRITE   0x02u
#define VFS_MAY_EXECUTE 0x04u /* or search */
#define VFS_MAY_DELETE  0x08u /* remove or rename: as the parent directory has it */
#define VFS_MAY_OWN     0x10u /* is its owner, or root */
int vfs_node_access(struct vfs_node *node, unsigned *may);

/* Ask anew. Does not suspend. */
int vfs_node_stat(struct vfs_node *node, struct vfs_stat *stat);

/* Where the file is now, as the kernel knows; "" for the root. -ESTALE when it has no name left or
 * one outside the root. talloc'ed on ctx. Does not suspend. */
int vfs_node_path(struct vfs_node *node, void *talloc_ctx, char **path);

/* ---- data: the node is open for it ---- */
/* Bytes, fewer only at the end of the file; 0 at or beyond it. */
ssize_t vfs_node_preadv(struct vfs_node *node, const struct iovec *iov, unsigned count, off_t off);
/* All bytes or an error. through: on stable storage before it returns. */
ssize_t vfs_node_pwritev(struct vfs_node *node, const struct iovec *iov, unsigned count, off_t off,
			 bool through);
int vfs_node_fsync(struct vfs_node *node, bool data_only);
int vfs_node_set_eof(struct vfs_node *node, uint64_t size);
/* Reserve so that allocation is at least `bytes`; a smaller number than the size truncates, as
 * [MS-FSA] FileAllocationInformation has it. File systems without fallocate: no error. */
int vfs_node_set_alloc(struct vfs_node *node, uint64_t bytes);

/* What local processes see of a byte range, through this open alone: opens of one file exclude each
 * other. -EAGAIN: somebody else's lock is in the way. What a local lock cannot express (beyond the
 * largest file, or shared without leave to read) is left out; exclusive without leave to write is
 * shared. Does not suspend. */
enum vfs_lock { VFS_LOCK_NONE, VFS_LOCK_SHARED, VFS_LOCK_EXCLUSIVE };
int vfs_node_lock(struct vfs_node *node, uint64_t first, uint64_t last, enum vfs_lock to);

/* ---- ranges of the data: a hole takes no space, and reads as zeros ---- */
struct vfs_range {
	uint64_t offset, len;
};

/* Zeros in place of what is there; nothing beyond the end changes. free: take no space for them, as
 * far as the file system can; else keep it. */
int vfs_node_zero(struct vfs_node *node, const struct vfs_range *range, bool free);
/* What of the range is no hole, clipped to it and to the end of the file: at most `max` of them, in
 * order. How many there are in out; -E2BIG: that many, and more there are. */
int vfs_node_ranges(struct vfs_node *node, const struct vfs_range *range, struct vfs_range *out,
		    unsigned max);
/* Copy within the machine: the range, or less of it at the source's end. What the file systems can
 * share is shared. The bytes, or an error. */
ssize_t vfs_node_copy(struct vfs_node *source, const struct vfs_range *range,
		      struct vfs_node *target, uint64_t target_offset);
/* The same bytes on the medium for both, all or nothing: -EOPNOTSUPP where the file system can't,
 * -EXDEV on another one, -EINVAL for what is not whole blocks. */
int vfs_node_clone(struct vfs_node *source, const struct vfs_range *range, struct vfs_node *target,
		   uint64_t target_offset);
/* FILE_ATTRIBUTE_SPARSE_FILE is a promise to the client that zeroed ranges are holes. */
int vfs_node_set_sparse(struct vfs_node *node, bool sparse);

/* ---- attributes and times ---- */
#define VFS_TIME_BIRTH  0x1u
#define VFS_TIME_ACCESS 0x2u
#define VFS_TIME_WRITE  0x4u
#define VFS_TIME_CHANGE 0x8u

/* [MS-FSA] 2.1.5.15.2: a time that was set through an open is held against what later I/O through
 * this same open would do to it; -1 holds the present value, -2 lets it go. A change time that was
 * set is shown until the file changes, or this process ends: Linux can't store it. */
struct vfs_times {
	unsigned set;     /* VFS_TIME_*: take the values below, and hold */
	unsigned hold;    /* -1 */
	unsigned release; /* -2 */
	struct timespec btime, atime, mtime, ctime;
};

/* Who may write a file may set its times and attributes, though not its owner: the caller has
 * checked the open's granted access, and as root it is then done as root. */
int vfs_node_set_times(struct vfs_node *node, const struct vfs_times *times);
/* Without a place to store them only what mode and name express can be set; others are dropped, as
 * is NORMAL. */
int vfs_node_set_attributes(struct vfs_node *node, uint32_t attributes);

/* ---- protection ----
 * Security descriptors, in Samba's format, and the POSIX ACL beside each. What is done here is done
 * as the process: the caller has checked that it may be. */
#define VFS_ACL_USER_OBJ  0x01 /* tags and rights as Linux has them */
#define VFS_ACL_USER      0x02
#define VFS_ACL_GROUP_OBJ 0x04
#define VFS_ACL_GROUP     0x08
#define VFS_ACL_MASK      0x10
#define VFS_ACL_OTHER     0x20
#define VFS_ACL_MAX       64

struct vfs_acl_entry {
	uint16_t tag, perm; /* perm: 4 read, 2 write, 1 execute */
	uint32_t id;        /* of USER and GROUP; else UINT32_MAX */
};

/* In Linux's order: by tag, then by id. Three entries are no more than a mode. */
struct vfs_acl {
	unsigned count;
	struct vfs_acl_entry entries[VFS_ACL_MAX];
};

/* The stored descriptor, which points into bytes on talloc_ctx. -ENODATA: there is none, or the
 * file's owner, mode or ACL has been changed beside it since. Does not suspend. */
int vfs_node_descriptor(struct vfs_node *node, void *talloc_ctx, struct security_descriptor *sd);
/* The ACL, or the mode as one. Does not suspend. */
int vfs_node_acl(struct vfs_node *node, struct vfs_acl *acl);

struct vfs_protection {
	uid_t uid; /* -1: as it is */
	gid_t gid;
	const struct vfs_acl *acl;            /* NULL: as it is */
	const struct security_descriptor *sd; /* NULL: none is stored now */
	bool closed; /* it was made so: the descriptor counts before the ACL lets anybody in */
};

/* -EOPNOTSUPP: the share keeps no descriptors. */
int vfs_node_protect(struct vfs_node *node, const struct vfs_protection *to);

/* ---- names ----
 * `path` is the node's name as the caller keeps it (node->path, or as file/ followed renames).
 * Where it doesn't stand for the node any more, the kernel's knowledge is tried, and then -ESTALE.
 */

/* -EEXIST: the target exists in any spelling and is another file, and not replace; -EISDIR: it is a
 * directory, which is never replaced; -EBUSY for the root. On success *real is the new path as
 * spelled on disk, talloc'ed on ctx. */
int vfs_node_rename(struct vfs_node *node, const char *path, const char *new_path, bool replace,
		    void *talloc_ctx, char **real);
int vfs_node_link(struct vfs_node *node, const char *new_path, bool replace);
/* File or directory; -ENOTEMPTY. A symbolic link that was followed: the link itself goes. */
int vfs_node_unlink(struct vfs_node *node, const char *path);
/* -ENOTEMPTY if a directory has entries; 0 if none. The node may be O_PATH. */
int vfs_node_is_empty(struct vfs_node *node);

/* ---- enumeration ---- */
struct vfs_dirent {
	const char *name; /* on disk */
	const uint8_t *wire;
	size_t wire_len;   /* bytes of UTF-16LE */
	uint64_t position; /* for vfs_dir_seek() */
	struct vfs_stat stat;
	uint32_t ea_bytes; /* that its extended attributes take in a list, [MS-FSCC] 2.4.12 */
};

/*
 * Entries that match the pattern (UTF-16LE, copied; empty: all), "." and ".." first, in the order
 * of the file system, in bounded memory; a pattern without wildcards is looked up, not searched
 * for. The node is an open directory, borrowed; the enumeration has a descriptor of its own.
 * Entries made or removed meanwhile may or may not be seen; what stays is seen exactly once.
 * Links that don't resolve under the share's policy are left out, as are "." and ".." for a pattern
 * that doesn't match them.
 */
int vfs_dir_open(struct vfs_node *node, const uint8_t *pattern, size_t pattern_len,
		 struct vfs_dir **dir);
void vfs_dir_close(struct vfs_dir *dir);
/* 1 and an entry that is borrowed until the next call; 0 at the end; or an error. */
int vfs_dir_next(struct vfs_dir *dir, const struct vfs_dirent **entry);
/* The entry of the last vfs_dir_next() comes again: it did not fit. Does not suspend. */
void vfs_dir_unread(struct vfs_dir *dir);
/* At the end of a request: what was gathered ahead is forgotten, and gathered anew by the next one,
 * so that it is not older than that. Does not suspend. */
int vfs_dir_pause(struct vfs_dir *dir);
int vfs_dir_restart(struct vfs_dir *dir);
/* Go on after the entry that had this position, or, if name (UTF-16LE, with its length) is given,
 * after that name: -ENOENT if it isn't there any more and the position is left as it was. */
int vfs_dir_seek(struct vfs_dir *dir, uint64_t position);
int vfs_dir_seek_name(struct vfs_dir *dir, const uint8_t *name, size_t name_len);

/* ---- streams ----
 * Kept as Samba's streams_xattr does: a stream is as large as one extended attribute of the file
 * system can be (ext4: some KiB, of all together; XFS, btrfs: 64 KiB or less); beyond that,
 * -ENOSPC.
 */
struct vfs_stream {
	char name[256]; /* on-disk bytes; "" for the unnamed */
	uint64_t size, alloc;
};

/* All of them, the unnamed one first, which directories have not. talloc'ed on ctx. */
int vfs_node_streams(struct vfs_node *node, void *talloc_ctx, struct vfs_stream **streams,
		     unsigned *count);

/* The node, found or made, becomes its stream of that name; one that is made is open for reading
 * and writing, as with vfs_create(). -ENOENT, or with create -EEXIST. What is done to names,
 * attributes and times of it is done to the file. */
int vfs_node_stream_open(struct vfs_node *node, const char *stream, bool create);
/* Nobody else has this stream open, or the one that it replaces. -EEXIST. */
int vfs_node_stream_rename(struct vfs_node *node, const char *stream, bool replace);
int vfs_node_stream_unlink(struct vfs_node *node);
/* Of a node that is none itself: all named ones. */
int vfs_node_streams_unlink(struct vfs_node *node);
/* The id that the node's stream of this name has or would have. Does not suspend. */
void vfs_node_stream_id(const struct vfs_node *node, const char *stream, struct vfs_id *id);

/* ---- extended attributes ---- */
#define VFS_EA_NAME_MAX 250 /* with "user." before it on disk */

struct vfs_ea {
	const char *name;
	const uint8_t *value;
	size_t len; /* 0: removes it */
};

/* What a client may see of them. talloc'ed on ctx. */
int vfs_node_eas(struct vfs_node *node, void *talloc_ctx, struct vfs_ea **eas, unsigned *count);
/* -EINVAL: a name that SMB does not have; -EACCES: one that is not for clients; -EOPNOTSUPP. */
int vfs_node_set_eas(struct vfs_node *node, const struct vfs_ea *eas, unsigned count);
bool vfs_ea_name_valid(const char *name);
/* What a list takes, in bytes on the wire, with one more in it; [MS-FSCC] 2.4.15. */
uint32_t vfs_ea_bytes(uint32_t bytes, size_t name_len, size_t value_len);

/* ---- reparse points ----
 * What clients leave for clients to make sense of, symbolic links of their own above all; see
 * [MS-FSCC] 2.1.2. The server keeps them and follows none: what leads through one to nothing is
 * -EREMOTE, or -ENOTDIR. (Symbolic links of the file system are the server's own, and no reparse
 * points: the share's policy says where they lead.) Special files of the file system are reparse
 * points of NFS's, which cannot be changed. */
#define VFS_REPARSE_MAX 16384 /* bytes, of a buffer as the client sends it */

/* On talloc_ctx; -ENODATA: it is none. */
int vfs_node_reparse(struct vfs_node *node, void *talloc_ctx, uint8_t **data, size_t *len);
/* NULL: it shall be none. -EOPNOTSUPP: the share stores no attributes; -EACCES: a special file, or
 * the root; -ENOSPC: more than an extended attribute can be. */
int vfs_node_set_reparse(struct vfs_node *node, const uint8_t *data, size_t len);

/* ---- file system ---- */
struct vfs_space {
	uint32_t block_bytes;         /* allocation unit */
	uint64_t blocks, blocks_free; /* of the file system */
	/* to this cred, whom a quota may leave less */
	uint64_t cred_blocks, blocks_avail;
	uint64_t id;         /* of the file system; volume serial and object id derive from it */
	uint32_t name_bytes; /* longest component on disk */
	bool read_only;
};

int vfs_node_space(struct vfs_node *node, struct vfs_space *space);

/* ---- quotas of users, on the node's file system ----
 * All: -EOPNOTSUPP where it has none, or none that are on. Root sees and sets everybody's, others
 * see their own (-EPERM). */
struct vfs_quota {
	uid_t uid;
	uint64_t used, soft, hard; /* UINT64_MAX: no limit */
};

struct vfs_quota_state {
	bool tracked, enforced;
};

int vfs_node_quota_state(struct vfs_node *node, struct vfs_quota_state *state);
/* Of a user, who need not have anything. */
int vfs_node_quota(struct vfs_node *node, uid_t uid, struct vfs_quota *quota);
/* Of the first one from this uid on that has something; -ENOENT: nobody any more. */
int vfs_node_quota_next(struct vfs_node *node, uid_t from, struct vfs_quota *quota);
/* The limits; `used` does not count. Limits are of KiB, rounded up. */
int vfs_node_set_quota(struct vfs_node *node, const struct vfs_quota *quota);

/* ---- counters, for status and for tests; process-wide ---- */
struct vfs_counters {
	uint64_t dir_scans;   /* whole directories read to index them */
	uint64_t dir_reads;   /* getdents64 calls of any purpose */
	uint64_t index_hits;  /* lookups of another spelling, or of nothing, that the index answered
			       */
	uint64_t id_switches; /* times a thread took another identity */
	uint64_t cached_opens; /* lookups that the kernel's caches answered without a worker */
};

void vfs_counters(struct vfs_counters *counters);

#endif
