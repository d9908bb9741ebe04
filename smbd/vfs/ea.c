/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes as SMB has them, each a user.NAME of Linux, as Samba maps them. What has a
 * meaning of its own (DOS attributes, streams, Samba's and our other state) is neither shown nor
 * touched. Names are without regard to case; an attribute without a value does not exist.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/xattr.h>

#include <talloc.h>

#include "smbd/vfs/impl.h"

#define PREFIX     "user."
#define PREFIX_LEN (sizeof(PREFIX) - 1)

#define EA_FIXED_BYTES 8u   /* of an entry, with its link */
#define LIST_BYTES     4096 /* of names: an entry of a listing with more shows no EaSize */

ssize_t xattr_list(int fd, char **list)
{
	char proc[PROC_FD_MAX];

	*list = NULL;
	for (unsigned tries = 0; tries < 8; tries++) { /* it may grow between the calls */
		ssize_t n = listxattr(proc_fd_path(fd, proc), NULL, 0);

		if (n < 0)
			return -errno;
		free(*list);
		*list = malloc((size_t)n + 1);
		if (!*list)
			return -ENOMEM;
		n = n ? listxattr(proc_fd_path(fd, proc), *list, (size_t)n) : 0;
		if (n >= 0)
			return n;
		if (errno != ERANGE)
			break;
	}
	free(*list);
	*list = NULL;
	return -errno;
}

/* Samba's samba_private_attr_name(). */
static bool is_private(const struct vfs_share *share, const char *name)
{
	static const char *const names[] = {"DOSATTRIB", "SAMBA_PAI", "SAMBA_XATTR_MARKER",
					    "SmbReparse"};
	const char *ntacl = share->options.ntacl_name;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	if (ntacl && strncmp(ntacl, PREFIX, PREFIX_LEN) == 0 &&
	    strcasecmp(name, ntacl + PREFIX_LEN) == 0)
		return true;
	return strncasecmp(name, "DosStream.", 10) == 0;
}

bool vfs_ea_name_valid(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > VFS_EA_NAME_MAX)
		return false;
	for (const char *s = name; *s; s++)
		if ((uint8_t)*s < 0x20 || strchr("\"*+,/:;<=>?[\\]|", *s))
			return false;
	return true;
}

/* ---- how much ---- */

/* Each begins at a multiple of 4. */
uint32_t vfs_ea_bytes(uint32_t bytes, size_t name_len, size_t value_len)
{
	return ((bytes + 3) & ~3u) + EA_FIXED_BYTES + (uint32_t)(name_len + 1 + value_len);
}

/* The EA that an attribute is, as clients see it; NULL: it is none. */
static const char *ea_in(const struct vfs_share *share, const char *attribute)
{
	const char *name = attribute + PREFIX_LEN;

	if (strncmp(attribute, PREFIX, PREFIX_LEN) != 0 || is_private(share, name) ||
	    !vfs_ea_name_valid(name))
		return NULL;
	return name;
}

uint32_t ea_bytes_at(const struct vfs_share *share, int dir, const char *name)
{
	char path[PROC_FD_MAX + NAME_MAX + 2], list[LIST_BYTES];
	uint32_t bytes = 0;
	ssize_t n;

	if (!share->options.ea_support)
		return 0;
	proc_fd_path(dir, path);
	if (name)
		strcat(strcat(path, "/"), name);
	n = name ? llistxattr(path, list, sizeof(list)) : listxattr(path, list, sizeof(list));
	for (const char *at = list; n > 0 && at < list + n; at += strlen(at) + 1) {
		const char *ea = ea_in(share, at);
		ssize_t len = !ea    ? 0
			      : name ? lgetxattr(path, at, NULL, 0)
				     : getxattr(path, at, NULL, 0);

		if (len > 0 && len <= UINT16_MAX)
			bytes = vfs_ea_bytes(bytes, strlen(ea), (size_t)len);
	}
	return bytes;
}

/* ---- asking ---- */

struct ea_job {
	struct vfs_node *node;
	void *ctx;
	struct vfs_ea *eas;
	unsigned count;
	const struct vfs_ea *in;
};

static int add(struct ea_job *job, const char *name)
{
	char proc[PROC_FD_MAX], full[XATTR_NAME_MAX_SIZE];
	struct vfs_ea *grown;
	uint8_t *value;
	ssize_t n;

	snprintf(full, sizeof(full), PREFIX "%s", name);
	n = getxattr(proc_fd_path(job->node->fd, proc), full, NULL, 0);
	if (n <= 0 || n > UINT16_MAX)
		return 0; /* nothing, or more than the protocol has room for */
	grown = talloc_realloc(job->ctx, job->eas, struct vfs_ea, job->count + 1);
	if (!grown)
		return -ENOMEM;
	job->eas = grown;
	value = talloc_size(grown, (size_t)n);
	grown[job->count].name = talloc_strdup(grown, name);
	if (!value || !grown[job->count].name)
		return -ENOMEM;
	n = getxattr(proc_fd_path(job->node->fd, proc), full, value, (size_t)n);
	if (n <= 0)
		return 0;
	grown[job->count].value = value;
	grown[job->count].len = (size_t)n;
	job->count++;
	return 0;
}

static int list_job(void *arg)
{
	struct ea_job *job = arg;
	char *list;
	ssize_t n = xattr_list(job->node->fd, &list);
	int err = 0;

	if (n < 0)
		return n == -EOPNOTSUPP ? 0 : (int)n;
	for (const char *at = list; !err && at < list + n; at += strlen(at) + 1)
		if (ea_in(job->node->share, at))
			err = add(job, at + PREFIX_LEN);
	free(list);
	return err;
}

int vfs_node_eas(struct vfs_node *node, void *ctx, struct vfs_ea **eas, unsigned *count)
{
	struct ea_job job = {.node = node, .ctx = ctx};
	int err = node->share->options.ea_support ? vfs_run(list_job, &job) : 0;

	*eas = job.eas;
	*count = job.count;
	return err;
}

/* ---- setting ---- */

/* The name as it stands there in whatever case, else as given. */
static int real_name(const struct vfs_node *node, const char *name, char full[XATTR_NAME_MAX_SIZE])
{
	char *list;
	ssize_t n;

	if ((size_t)snprintf(full, XATTR_NAME_MAX_SIZE, PREFIX "%s", name) >= XATTR_NAME_MAX_SIZE)
		return -ENAMETOOLONG;
	n = xattr_list(node->fd, &list);
	for (const char *at = list; n > 0 && at < list + n; at += strlen(at) + 1)
		if (strcasecmp(at, full) == 0) {
			strcpy(full, at);
			break;
		}
	free(list);
	return n < 0 ? (int)n : 0;
}

struct one {
	const char *full;
	const struct vfs_ea *ea;
};

static int set_one(int fd, const void *arg)
{
	const struct one *one = arg;
	char proc[PROC_FD_MAX];

	proc_fd_path(fd, proc);
	if (one->ea->len)
		return setxattr(proc, one->full, one->ea->value, one->ea->len, 0) == 0 ? 0 : -errno;
	return removexattr(proc, one->full) == 0 || errno == ENODATA ? 0 : -errno;
}

static int set_job(void *arg)
{
	struct ea_job *job = arg;
	char full[XATTR_NAME_MAX_SIZE];
	int err = 0;

	for (unsigned i = 0; !err && i < job->count; i++) {
		struct one one = {full, &job->in[i]};

		err = real_name(job->node, job->in[i].name, full);
		if (!err)
			err = set_as(node_worker(job->node), job->node->fd, set_one, &one);
	}
	return err == -E2BIG || err == -ERANGE ? -ENOSPC : err;
}

int vfs_node_set_eas(struct vfs_node *node, const struct vfs_ea *eas, unsigned count)
{
	struct ea_job job = {.node = node, .in = eas, .count = count};

	if (!node->share->options.ea_support)
		return -EOPNOTSUPP;
	if (node_is_frozen(node))
		return -EROFS;
	for (unsigned i = 0; i < count; i++)
		if (!vfs_ea_name_valid(eas[i].name))
			return -EINVAL;
	for (unsigned i = 0; i < count; i++)
		if (is_private(node->share, eas[i].name))
			return -EACCES;
	return vfs_run(set_job, &job);
}
