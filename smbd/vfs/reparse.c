/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reparse points, in user.SmbReparse as Samba 4.20 and later keep them: the buffer of [MS-FSCC]
 * 2.1.2.2 or 2.1.2.3 as the client sent it; and FILE_ATTRIBUTE_REPARSE_POINT in user.DOSATTRIB,
 * which says whether it counts. Special files of the file system are shown as NFS's, 2.1.2.6.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <talloc.h>

#include "smbd/vfs/dosattrib.h"
#include "smbd/vfs/impl.h"
#include "smbd/wire/fscc/reparse.h"

#define XATTR     "user.SmbReparse"
#define NFS_BYTES 24 /* header, type, device */

bool reparse_is_special(mode_t mode)
{
	return S_ISFIFO(mode) || S_ISSOCK(mode) || S_ISCHR(mode) || S_ISBLK(mode);
}

bool reparse_at(int fd)
{
	char proc[PROC_FD_MAX], value[DOSATTRIB_MAX];
	struct dosattrib dos;
	ssize_t n = getxattr(proc_fd_path(fd, proc), DOSATTRIB_XATTR, value, sizeof(value));

	return n > 0 && dosattrib_decode(value, (size_t)n, &dos) && dos.has_attributes &&
	       (dos.attributes & FILE_ATTRIBUTE_REPARSE_POINT) && reparse_tag_of(proc, true);
}

/* The tag of the attribute of `path`; 0: there is none, or one that nobody understands. */
uint32_t reparse_tag_of(const char *path, bool follow)
{
	uint8_t *value = malloc(VFS_REPARSE_MAX);
	struct reparse_data data;
	uint32_t tag = 0;
	ssize_t n = -1;
	struct rd r;

	if (value)
		n = follow ? getxattr(path, XATTR, value, VFS_REPARSE_MAX)
			   : lgetxattr(path, XATTR, value, VFS_REPARSE_MAX);
	if (n > 0) {
		r = rd_init(value, (size_t)n);
		tag = reparse_data_decode(&r, &data) ? data.reparse_tag : 0;
	}
	free(value);
	return tag;
}

/* ---- reading ---- */

struct reparse_job {
	struct vfs_node *node;
	void *ctx;
	uint8_t *data;
	size_t len;
};

static void special_encode(const struct stat *st, struct wr *w)
{
	uint8_t bytes[NFS_BYTES];
	struct wr data = wr_init(bytes, sizeof(bytes));

	reparse_nfs_encode(&data,
			   &(struct reparse_nfs){.type = S_ISFIFO(st->st_mode)   ? NFS_SPECFILE_FIFO
							 : S_ISSOCK(st->st_mode) ? NFS_SPECFILE_SOCK
							 : S_ISCHR(st->st_mode)  ? NFS_SPECFILE_CHR
										 : NFS_SPECFILE_BLK,
						 .major = major(st->st_rdev),
						 .minor = minor(st->st_rdev)});
	reparse_data_encode(w, &(struct reparse_data){.reparse_tag = IO_REPARSE_TAG_NFS,
						      .data = WIRE_BLOB(bytes, data.len)});
}

static int read_job(void *arg)
{
	struct reparse_job *job = arg;
	char proc[PROC_FD_MAX];
	struct stat st;
	struct wr w;
	ssize_t n;

	job->data = talloc_size(job->ctx, VFS_REPARSE_MAX);
	if (!job->data)
		return -ENOMEM;
	if (fstat(job->node->fd, &st) != 0)
		return -errno;
	if (reparse_is_special(st.st_mode)) {
		w = wr_init(job->data, VFS_REPARSE_MAX);
		special_encode(&st, &w);
		job->len = w.len;
		return 0;
	}
	n = getxattr(proc_fd_path(job->node->fd, proc), XATTR, job->data, VFS_REPARSE_MAX);
	if (n < 0)
		return errno == EOPNOTSUPP ? -ENODATA : -errno;
	job->len = (size_t)n;
	return 0;
}

int vfs_node_reparse(struct vfs_node *node, void *ctx, uint8_t **data, size_t *len)
{
	struct reparse_job job = {.node = node, .ctx = ctx};
	struct vfs_stat st;
	int err = vfs_node_stat(node, &st);

	if (!err && !(st.attributes & FILE_ATTRIBUTE_REPARSE_POINT))
		err = -ENODATA;
	if (!err)
		err = vfs_run(read_job, &job);
	if (err)
		talloc_free(job.data);
	*data = err ? NULL : job.data;
	*len = job.len;
	return err;
}

/* ---- writing ---- */

struct value {
	const uint8_t *data; /* NULL: away with it */
	size_t len;
};

static int set_value(int fd, const void *arg)
{
	const struct value *value = arg;
	char proc[PROC_FD_MAX];

	proc_fd_path(fd, proc);
	if (value->data)
		return setxattr(proc, XATTR, value->data, value->len, 0) == 0 ? 0 : -errno;
	return removexattr(proc, XATTR) == 0 || errno == ENODATA ? 0 : -errno;
}

struct set_job {
	struct vfs_node *node;
	struct value value;
};

/* The attribute goes first and comes last: it never promises what is not there. */
static int store(const struct set_job *job)
{
	struct vfs_node *node = job->node;
	const struct vfs_cred *worker = node_worker(node);
	struct vfs_stat st;
	int err = vfs_node_stat(node, &st);

	if (!err && job->value.data)
		err = set_as(worker, node->fd, set_value, &job->value);
	if (err)
		return err == -E2BIG || err == -ERANGE ? -ENOSPC : err;
	st.attributes &= ~(FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_NORMAL);
	st.attributes |= job->value.data ? FILE_ATTRIBUTE_REPARSE_POINT : 0;
	err = stat_store(node->share, worker, node->fd, &st);
	if (!err && !job->value.data)
		err = set_as(worker, node->fd, set_value, &job->value);
	return err;
}

static int set_job(void *arg)
{
	struct set_job *job = arg;
	int err;

	inode_lock(job->node);
	err = store(job);
	inode_unlock(job->node);
	return err ? err : hold_times(job->node, VFS_TIME_CHANGE);
}

int vfs_node_set_reparse(struct vfs_node *node, const uint8_t *data, size_t len)
{
	struct set_job job = {node, {data, len}};

	if (node_is_frozen(node))
		return -EROFS;
	if (!node->share->options.store_dos_attributes)
		return -EOPNOTSUPP;
	if (!S_ISREG(node->stat.mode) && !S_ISDIR(node->stat.mode))
		return -EACCES;
	if (!*node->path) /* nobody would get past it */
		return -EACCES;
	return vfs_run(set_job, &job);
}
