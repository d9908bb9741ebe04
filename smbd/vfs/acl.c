/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Security descriptors on disk, beside the POSIX ACL that they were mapped to: Linux's own
 * attributes system.posix_acl_access and _default, and the one of ntacl.h, which is bound to them
 * by a hash. A descriptor that the file's owner, mode or ACL has been changed under does not count.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <talloc.h>

#include "smbd/crypto/hash.h"
#include "smbd/vfs/impl.h"
#include "smbd/vfs/ntacl.h"

#define ACCESS        "system.posix_acl_access"
#define DEFAULT       "system.posix_acl_default"
#define ACL_VERSION   2u
#define ACL_BYTES     (4 + 8 * VFS_ACL_MAX)
#define NTACL_TYPICAL 1024
#define NTACL_MAX     65536

/* ---- POSIX ACLs ---- */

static bool acl_from_xattr(const void *value, size_t len, struct vfs_acl *acl)
{
	struct rd r = rd_init(value, len);

	acl->count = 0;
	if (rd_u32(&r) != ACL_VERSION)
		return false;
	while (rd_ok(&r) && rd_left(&r) && acl->count < VFS_ACL_MAX) {
		struct vfs_acl_entry *e = &acl->entries[acl->count++];

		e->tag = rd_u16(&r);
		e->perm = rd_u16(&r);
		e->id = rd_u32(&r);
	}
	return rd_ok(&r) && !rd_left(&r);
}

static size_t acl_to_xattr(const struct vfs_acl *acl, uint8_t value[ACL_BYTES])
{
	struct wr w = wr_init(value, ACL_BYTES);

	wr_u32(&w, ACL_VERSION);
	for (unsigned i = 0; i < acl->count; i++) {
		wr_u16(&w, acl->entries[i].tag);
		wr_u16(&w, acl->entries[i].perm);
		wr_u32(&w, acl->entries[i].id);
	}
	return w.len;
}

static void acl_from_mode(mode_t mode, struct vfs_acl *acl)
{
	*acl = (struct vfs_acl){.count = 3,
				.entries = {{VFS_ACL_USER_OBJ, mode >> 6 & 7, UINT32_MAX},
					    {VFS_ACL_GROUP_OBJ, mode >> 3 & 7, UINT32_MAX},
					    {VFS_ACL_OTHER, mode & 7, UINT32_MAX}}};
}

/* Where there is a mask, it is what the mode has of the group. */
static mode_t acl_mode(const struct vfs_acl *acl)
{
	mode_t user = 0, group = 0, other = 0;

	for (unsigned i = 0; i < acl->count; i++) {
		const struct vfs_acl_entry *e = &acl->entries[i];

		if (e->tag == VFS_ACL_USER_OBJ)
			user = e->perm;
		else if (e->tag == VFS_ACL_GROUP_OBJ || e->tag == VFS_ACL_MASK)
			group = e->perm;
		else if (e->tag == VFS_ACL_OTHER)
			other = e->perm;
	}
	return user << 6 | group << 3 | other;
}

/* 0, with no entries where there is none. */
static int acl_read(int fd, const char *name, struct vfs_acl *acl)
{
	char proc[PROC_FD_MAX];
	uint8_t value[ACL_BYTES];
	ssize_t n = getxattr(proc_fd_path(fd, proc), name, value, sizeof(value));

	acl->count = 0;
	if (n < 0)
		return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -errno;
	return acl_from_xattr(value, (size_t)n, acl) ? 0 : -EINVAL;
}

/* ---- the hash that binds: of Samba's smb_acl_wrapper, in NDR ---- */

/* Samba's numbers for the kinds of entries. */
static uint16_t samba_tag(uint16_t tag)
{
	switch (tag) {
	case VFS_ACL_USER:
		return 1;
	case VFS_ACL_USER_OBJ:
		return 2;
	case VFS_ACL_GROUP:
		return 3;
	case VFS_ACL_GROUP_OBJ:
		return 4;
	case VFS_ACL_OTHER:
		return 5;
	default:
		return 6; /* mask */
	}
}

static void hash_add_acl(struct wr *w, const struct vfs_acl *acl)
{
	wr_u32(w, acl->count);
	wr_align(w, 8);
	wr_u32(w, acl->count);
	wr_u32(w, 0);
	for (unsigned i = 0; i < acl->count; i++) {
		uint16_t tag = samba_tag(acl->entries[i].tag);

		wr_align(w, 8);
		wr_u16(w, tag);
		wr_u16(w, tag);
		if (tag == 1 || tag == 3) {
			wr_align(w, 8);
			wr_u64(w, acl->entries[i].id);
		}
		wr_u32(w, acl->entries[i].perm);
	}
}

/* As it is, or as it will be once it has this ACL. */
static int system_hash(int fd, const struct vfs_acl *planned, uint8_t hash[NTACL_HASH_BYTES])
{
	uint8_t bytes[64 + 2 * (16 + 24 * VFS_ACL_MAX)];
	struct wr w = wr_init(bytes, sizeof(bytes));
	struct vfs_acl access, inherited = {0};
	struct stat st;
	int err = fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 ? acl_read(fd, ACCESS, &access) : -errno;

	if (!err && S_ISDIR(st.st_mode))
		err = acl_read(fd, DEFAULT, &inherited);
	if (err)
		return err;
	if (planned) {
		access = *planned;
		st.st_mode = (st.st_mode & ~(mode_t)0777) | acl_mode(planned);
	} else if (!access.count) {
		acl_from_mode(st.st_mode, &access);
	}
	wr_u32(&w, 0x20000);
	wr_u32(&w, S_ISDIR(st.st_mode) ? 0x20004 : 0);
	wr_u64(&w, st.st_uid);
	wr_u64(&w, st.st_gid);
	wr_u32(&w, st.st_mode);
	hash_add_acl(&w, &access);
	if (S_ISDIR(st.st_mode))
		hash_add_acl(&w, &inherited);
	memset(hash, 0, NTACL_HASH_BYTES);
	return wr_ok(&w) ? hash_sha256(bytes, w.len, hash) : -EOVERFLOW;
}

/* ---- reading ---- */

struct read_job {
	struct vfs_node *node;
	void *ctx;
	struct ntacl *ntacl;
};

/* The attribute's bytes on ctx; -ENODATA: none. */
static ssize_t ntacl_read(const struct vfs_node *node, void *ctx, uint8_t **value)
{
	const char *name = node->share->options.ntacl_name;
	char proc[PROC_FD_MAX];
	size_t cap = NTACL_TYPICAL;
	ssize_t n;

	for (;;) {
		*value = talloc_size(ctx, cap);
		if (!*value)
			return -ENOMEM;
		n = getxattr(proc_fd_path(node->fd, proc), name, *value, cap);
		if (n >= 0 || errno != ERANGE || cap == NTACL_MAX)
			break;
		talloc_free(*value);
		cap = NTACL_MAX;
	}
	if (n >= 0)
		return n;
	n = errno == EOPNOTSUPP || errno == EPERM ? -ENODATA : -errno;
	talloc_free(*value);
	return n;
}

static int read_job(void *arg)
{
	struct read_job *job = arg;
	uint8_t *value, hash[NTACL_HASH_BYTES];
	ssize_t n = ntacl_read(job->node, job->ctx, &value);
	int err;

	if (n < 0)
		return (int)n;
	if (!ntacl_decode(value, (size_t)n, job->ntacl))
		return -ENODATA;
	if (job->ntacl->version < 3)
		return 0; /* these hold in any case */
	if (!job->ntacl->has_system_hash)
		return -ENODATA;
	err = system_hash(job->node->fd, NULL, hash);
	if (!err && memcmp(hash, job->ntacl->system_hash, sizeof(hash)) != 0)
		err = -ENODATA;
	return err;
}

int vfs_node_descriptor(struct vfs_node *node, void *ctx, struct security_descriptor *sd)
{
	struct ntacl ntacl;
	struct read_job job = {.node = node, .ctx = ctx, .ntacl = &ntacl};
	int err = -ENODATA;

	if (node->share->options.ntacl_name)
		err = read_job(&job); /* of an inode that is at hand, as its attributes are */
	if (!err)
		*sd = ntacl.sd;
	return err;
}

static int acl_of_mode(int fd, struct vfs_acl *acl)
{
	struct stat st;

	if (fstatat(fd, "", &st, AT_EMPTY_PATH) != 0)
		return -errno;
	acl_from_mode(st.st_mode, acl);
	return 0;
}

int vfs_node_acl(struct vfs_node *node, struct vfs_acl *acl)
{
	int err = acl_read(node->fd, ACCESS, acl);

	if (!err && !acl->count)
		err = acl_of_mode(node->fd, acl);
	return err;
}

/* ---- writing ---- */

struct write_job {
	struct vfs_node *node;
	const struct vfs_protection *to;
};

static bool is_plain(const struct vfs_acl *acl)
{
	return acl->count == 3;
}

static int write_acl(const struct vfs_node *node, const struct vfs_acl *acl)
{
	uint8_t value[ACL_BYTES];
	char proc[PROC_FD_MAX];
	struct stat st;

	/* as it is now: a new owner must not find the set-user-ID bit that the kernel took away */
	if (fstatat(node->fd, "", &st, AT_EMPTY_PATH) != 0)
		return -errno;
	proc_fd_path(node->fd, proc);
	if (!is_plain(acl) && setxattr(proc, ACCESS, value, acl_to_xattr(acl, value), 0) == 0)
		return 0;
	if (!is_plain(acl) && errno != EOPNOTSUPP)
		return -errno;
	if (removexattr(proc, ACCESS) != 0 && errno != ENODATA && errno != EOPNOTSUPP)
		return -errno;
	return chmod(proc, acl_mode(acl) | (st.st_mode & 07000)) == 0 ? 0 : -errno;
}

static int write_ntacl(const struct vfs_node *node, const struct security_descriptor *sd,
		       const uint8_t hash[NTACL_HASH_BYTES])
{
	struct ntacl ntacl = {.version = 4, .sd = *sd};
	size_t cap = ntacl_size(&ntacl);
	uint8_t *value = malloc(cap);
	char proc[PROC_FD_MAX];
	struct wr w = wr_init(value, cap);
	int err = value ? 0 : -ENOMEM;

	if (err)
		return err;
	memcpy(ntacl.system_hash, hash, sizeof(ntacl.system_hash));
	ntacl_encode(&w, &ntacl);
	if (!wr_ok(&w))
		err = -EOVERFLOW;
	else if (setxattr(proc_fd_path(node->fd, proc), node->share->options.ntacl_name, value,
			  w.len, 0) != 0)
		err = errno == E2BIG || errno == ERANGE ? -ENOSPC : -errno;
	free(value);
	return err;
}

static int write_protection(const struct vfs_node *node, const struct vfs_protection *to)
{
	uint8_t planned[NTACL_HASH_BYTES], hash[NTACL_HASH_BYTES];
	int err = 0;

	if (to->closed) {
		err = system_hash(node->fd, to->acl, planned);
		if (!err)
			err = write_ntacl(node, to->sd, planned);
	}
	if (!err && to->acl)
		err = write_acl(node, to->acl);
	if (err || !to->sd)
		return err;
	err = system_hash(node->fd, NULL, hash);
	if (err || (to->closed && memcmp(hash, planned, sizeof(hash)) == 0))
		return err;
	return write_ntacl(node, to->sd, hash);
}

static int write_job(void *arg)
{
	struct write_job *job = arg;
	struct vfs_node *node = job->node;
	const struct vfs_protection *to = job->to;
	char proc[PROC_FD_MAX];

	if ((to->uid != (uid_t)-1 || to->gid != (gid_t)-1) &&
	    chown(proc_fd_path(node->fd, proc), to->uid, to->gid) != 0)
		return -errno;
	return write_protection(node, to);
}

int vfs_node_protect(struct vfs_node *node, const struct vfs_protection *to)
{
	struct write_job job = {node, to};

	if (node_is_frozen(node))
		return -EROFS;
	if (to->sd && !node->share->options.ntacl_name)
		return -EOPNOTSUPP;
	return vfs_run(write_job, &job);
}
