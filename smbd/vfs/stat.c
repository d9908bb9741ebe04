/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file is, put together from statx() and user.DOSATTRIB; and how attributes are stored.
 * The attribute is read as the process itself: POSIX wants read permission on the data for it, SMB
 * does not.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "smbd/vfs/dosattrib.h"
#include "smbd/vfs/impl.h"
#include "smbd/wire/fscc/attributes.h"

/* What a client can store; the rest follows from what the file is. */
#define STORED                                                                            \
	(FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM |        \
	 FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_TEMPORARY | FILE_ATTRIBUTE_SPARSE_FILE | \
	 FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_OFFLINE |                          \
	 FILE_ATTRIBUTE_NOT_CONTENT_INDEXED)

static struct timespec ts_of(struct statx_timestamp t)
{
	return (struct timespec){.tv_sec = t.tv_sec, .tv_nsec = t.tv_nsec};
}

static bool before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static void times_from(struct vfs_stat *st, const struct statx *sx)
{
	st->atime = ts_of(sx->stx_atime);
	st->mtime = ts_of(sx->stx_mtime);
	st->ctime = ts_of(sx->stx_ctime);
	if (sx->stx_mask & STATX_BTIME) {
		st->btime = ts_of(sx->stx_btime);
		st->id.btime_ns =
			(uint64_t)sx->stx_btime.tv_sec * 1000000000ull + sx->stx_btime.tv_nsec;
		return;
	}
	st->btime = before(&st->mtime, &st->ctime) ? st->mtime : st->ctime;
	if (before(&st->atime, &st->btime))
		st->btime = st->atime;
}

static void stat_from(struct vfs_stat *st, const struct statx *sx)
{
	memset(st, 0, sizeof(*st));
	st->id.dev = (uint64_t)sx->stx_dev_major << 32 | sx->stx_dev_minor;
	st->id.ino = sx->stx_ino;
	st->directory = S_ISDIR(sx->stx_mode);
	st->size = st->directory ? 0 : sx->stx_size;
	st->alloc = st->directory ? 0 : sx->stx_blocks * 512;
	st->links = sx->stx_nlink;
	st->mode = sx->stx_mode;
	st->uid = sx->stx_uid;
	st->gid = sx->stx_gid;
	times_from(st, sx);
}

int stat_change(int fd, struct vfs_id *id, struct timespec *change)
{
	struct vfs_stat st;
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &sx) != 0)
		return -errno;
	stat_from(&st, &sx);
	*id = st.id;
	*change = st.ctime;
	return 0;
}

int stat_id(int fd, struct vfs_id *id)
{
	struct timespec change;

	return stat_change(fd, id, &change);
}

/* The last of the attributes. What says that it is a reparse point must have the data of one. The
 * file is `name` in fd, or, without a name, fd. */
static void reparse_from(struct vfs_stat *st, int fd, const char *name)
{
	char path[PROC_FD_MAX + NAME_MAX + 2];

	if (reparse_is_special(st->mode)) {
		st->reparse_tag = IO_REPARSE_TAG_NFS;
		st->attributes |= FILE_ATTRIBUTE_REPARSE_POINT;
	} else if (st->attributes & FILE_ATTRIBUTE_REPARSE_POINT) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d%s%s", fd, name ? "/" : "",
			 name ? name : "");
		st->reparse_tag = reparse_tag_of(path, !name);
		if (!st->reparse_tag)
			st->attributes &= ~FILE_ATTRIBUTE_REPARSE_POINT;
	}
	if (!st->attributes)
		st->attributes = FILE_ATTRIBUTE_NORMAL;
}

/* value: of the extended attribute, len < 0: there is none. */
static void attributes_from(const struct vfs_share *share, struct vfs_stat *st, const char *leaf,
			    const void *value, ssize_t len)
{
	struct dosattrib dos = {0};

	if (len > 0 && !dosattrib_decode(value, (size_t)len, &dos))
		memset(&dos, 0, sizeof(dos));
	if (dos.has_birth)
		st->btime = dos.birth;
	if (dos.has_attributes)
		st->attributes = dos.attributes & STORED;
	else if (!st->directory && !(st->mode & 0222))
		st->attributes = FILE_ATTRIBUTE_READONLY;
	if (share->options.hide_dot_files && leaf && leaf[0] == '.' && strcmp(leaf, ".") != 0 &&
	    strcmp(leaf, "..") != 0)
		st->attributes |= FILE_ATTRIBUTE_HIDDEN;
	if (st->directory)
		st->attributes |= FILE_ATTRIBUTE_DIRECTORY;
}

int stat_fd(const struct vfs_share *share, int fd, const char *leaf, struct vfs_stat *st)
{
	char proc[PROC_FD_MAX], value[DOSATTRIB_MAX];
	ssize_t len = -1;
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &sx) != 0)
		return -errno;
	stat_from(st, &sx);
	change_time_apply(st);
	if (share->options.store_dos_attributes) {
		len = fgetxattr(fd, DOSATTRIB_XATTR, value, sizeof(value));
		if (len < 0 && errno == EBADF) /* O_PATH */
			len = getxattr(proc_fd_path(fd, proc), DOSATTRIB_XATTR, value,
				       sizeof(value));
	}
	attributes_from(share, st, leaf, value, len);
	reparse_from(st, fd, NULL);
	return 0;
}

int stat_at(const struct vfs_share *share, int dir, const char *name, struct vfs_stat *st)
{
	char path[PROC_FD_MAX + NAME_MAX + 2], value[DOSATTRIB_MAX];
	ssize_t len = -1;
	struct statx sx;

	if (statx(dir, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &sx) != 0)
		return -errno;
	if (S_ISLNK(sx.stx_mode))
		return 1;
	stat_from(st, &sx);
	change_time_apply(st);
	if (share->options.store_dos_attributes) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
		len = lgetxattr(path, DOSATTRIB_XATTR, value, sizeof(value));
	}
	attributes_from(share, st, name, value, len);
	reparse_from(st, dir, name);
	return 0;
}

/* Called as the cred. */
static bool may_write_or_owns(const struct vfs_cred *cred, int fd)
{
	struct stat st;

	return syscall(SYS_faccessat2, fd, "", W_OK, AT_EACCESS | AT_EMPTY_PATH) == 0 ||
	       (fstat(fd, &st) == 0 && st.st_uid == cred_uid(cred));
}

int set_as(const struct vfs_cred *cred, int fd, int (*set)(int fd, const void *arg),
	   const void *arg)
{
	int err = cred_enter(cred);
	bool may = false;

	if (err)
		return err;
	err = set(fd, arg);
	if (err == -EPERM || err == -EACCES)
		may = may_write_or_owns(cred, fd);
	cred_leave();
	return may ? set(fd, arg) : err;
}

static int set_xattr(int fd, const void *arg)
{
	const struct vfs_stat *st = arg;
	struct dosattrib dos = {.has_attributes = true,
				.has_birth = true,
				.attributes = st->attributes & (STORED | FILE_ATTRIBUTE_DIRECTORY),
				.birth = st->btime};
	uint8_t value[DOSATTRIB_BYTES];
	char proc[PROC_FD_MAX];

	dosattrib_encode(&dos, value);
	if (fsetxattr(fd, DOSATTRIB_XATTR, value, sizeof(value), 0) == 0)
		return 0;
	if (errno != EBADF) /* O_PATH */
		return -errno;
	if (setxattr(proc_fd_path(fd, proc), DOSATTRIB_XATTR, value, sizeof(value), 0) != 0)
		return -errno;
	return 0;
}

/* Without extended attributes the read-only one is what the mode says. */
static int set_mode(int fd, const void *arg)
{
	const struct vfs_stat *st = arg;
	mode_t mode = st->mode & 07777;
	char proc[PROC_FD_MAX];

	if (st->directory)
		return 0;
	if (st->attributes & FILE_ATTRIBUTE_READONLY)
		mode &= ~(mode_t)0222;
	else if (!(mode & 0222))
		mode |= 0200;
	if (mode == (st->mode & 07777))
		return 0;
	return chmod(proc_fd_path(fd, proc), mode) == 0 ? 0 : -errno;
}

int stat_store(const struct vfs_share *share, const struct vfs_cred *cred, int fd,
	       const struct vfs_stat *st)
{
	int err = -EOPNOTSUPP;

	if (share->options.store_dos_attributes)
		err = set_as(cred, fd, set_xattr, st);
	return err == -EOPNOTSUPP ? set_as(cred, fd, set_mode, st) : err;
}
