/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to names: rename, link, unlink; and where a node's name is now. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <talloc.h>

#include "smbd/vfs/impl.h"
#include "smbd/vfs/name.h"

/* ---- where a node is ---- */

static char *fd_where(void *ctx, int fd)
{
	char proc[PROC_FD_MAX], path[PATH_MAX];
	ssize_t n = readlink(proc_fd_path(fd, proc), path, sizeof(path));

	return n > 0 && n < (ssize_t)sizeof(path) ? talloc_strndup(ctx, path, (size_t)n) : NULL;
}

/* Does path, links followed as the share has it, lead to what fd is? As the cred. */
static bool leads_to(const struct where *where, const char *path, int fd)
{
	int found = resolve_open(where, path, O_PATH, false);
	bool same = found >= 0 && same_inode(fd, found, "");

	if (found >= 0)
		close(found);
	return same;
}

/* The kernel's own knowledge: the path of the directory entry that fd was opened by. */
static int kernel_path(const struct where *where, int fd, void *ctx, char **path)
{
	char *root = fd_where(ctx, where->root->fd), *full = fd_where(ctx, fd);
	size_t n = root ? strlen(root) : 0;

	if (!root || !full)
		return -ESTALE;
	if (n == 1)
		n = 0; /* the share is "/" */
	if (strncmp(root, full, n) != 0 || (full[n] != '/' && full[n] != '\0'))
		return -ESTALE;
	*path = talloc_strdup(ctx, full[n] ? full + n + 1 : "");
	if (!*path)
		return -ENOMEM;
	return leads_to(where, *path, fd) ? 0 : -ESTALE; /* "name (deleted)" leads nowhere */
}

static int where_of(const struct vfs_node *node, struct where *where)
{
	int err;

	*where = (struct where){.share = node->share, .cred = node->cred};
	where->root = root_get(node->share, false, &err);
	return err;
}

int vfs_node_path(struct vfs_node *node, void *talloc_ctx, char **path)
{
	void *ctx = talloc_new(NULL);
	struct where where;
	int err = where_of(node, &where);

	if (!err) {
		err = kernel_path(&where, node->fd, ctx, path);
		root_put(where.root);
	}
	*path = err ? NULL : talloc_strdup(talloc_ctx, *path);
	talloc_free(ctx);
	return err ? err : *path ? 0 : -ENOMEM;
}

/* Is the name in this place the node's, or a link's that leads to it? */
static bool is_node_at(const struct where *where, const struct vfs_node *node,
		       const struct place *place)
{
	return same_inode(node->fd, place->parent, place->leaf) ||
	       leads_to(where, place->path, node->fd);
}

/* The directory and name that the node goes by: `path`, or if that is somebody else's by now, what
 * the kernel says. */
static int place_of(const struct where *where, const struct vfs_node *node, void *ctx,
		    const char *path, struct place *place)
{
	char *real;
	int err = resolve_place(where, ctx, path, place);

	if (!err) {
		if (is_node_at(where, node, place))
			return 0;
		place_clear(place);
	}
	if (err == -EBUSY)
		return err;
	err = kernel_path(where, node->fd, ctx, &real);
	if (err)
		return err;
	return resolve_place(where, ctx, real, place);
}

/* ---- rename ---- */

struct rename_job {
	struct vfs_node *node;
	const char *path, *new_path;
	bool replace;
	void *tmp;
	struct place to;
};

static int rename_plain(const struct place *from, const struct place *to, const char *leaf,
			bool replace)
{
	unsigned flags = replace ? 0 : RENAME_NOREPLACE;

	if (renameat2(from->parent, from->leaf, to->parent, leaf, flags) == 0)
		return 0;
	if (errno != EINVAL || replace)
		return -errno;
	/* a file system without NOREPLACE: all that is lost is the race with a local process */
	if (faccessat(to->parent, leaf, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return renameat(from->parent, from->leaf, to->parent, leaf) == 0 ? 0 : -errno;
}

static bool same_name(const struct place *a, const struct place *b)
{
	return strcmp(a->leaf, b->leaf) == 0 && same_inode(a->parent, b->parent, "");
}

/* The target stands there, as to->leaf, and is not to be spelled so but as `leaf`. As the cred. */
static int rename_over(const struct place *from, const struct place *to, const char *leaf,
		       bool replace)
{
	struct stat source, target;
	int err;

	if (same_name(from, to)) /* the file itself: its case changes, or nothing */
		return strcmp(leaf, from->leaf) ? rename_plain(from, to, leaf, false) : 0;
	if (!replace)
		return -EEXIST;
	if (fstatat(to->parent, to->leaf, &target, AT_SYMLINK_NOFOLLOW) != 0 ||
	    fstatat(from->parent, from->leaf, &source, AT_SYMLINK_NOFOLLOW) != 0)
		return -errno;
	if (S_ISDIR(target.st_mode))
		return -EISDIR;
	if (source.st_dev == target.st_dev && source.st_ino == target.st_ino) /* two links of one */
		err = unlinkat(from->parent, from->leaf, 0) == 0 ? 0 : -errno;
	else
		err = rename_plain(from, to, to->leaf, true);
	if (!err && strcmp(to->leaf, leaf) != 0)
		err = rename_plain(to, to, leaf, false);
	return err;
}

/* In the place `to`, whose leaf is as asked for: look what stands there, and move. */
static int rename_to(const struct where *where, struct rename_job *job, const struct place *from,
		     struct place *to)
{
	char leaf[NAME_MAX + 1];
	int err;

	strcpy(leaf, to->leaf);
	if (!is_node_at(where, job->node, from)) /* before the mutexes, it was */
		return -ESTALE;
	err = place_look(where, job->tmp, to);
	if (err)
		return err;
	err = cred_enter(where->cred);
	if (err)
		return err;
	err = to->exists ? rename_over(from, to, leaf, job->replace)
			 : rename_plain(from, to, leaf, false);
	cred_leave();
	if (!err) {
		to->path[to->leaf - to->path] = '\0';
		to->path = talloc_asprintf_append(to->path, "%s", leaf);
		err = to->path ? 0 : -ENOMEM;
	}
	return err;
}

static int rename_job(void *arg)
{
	struct rename_job *job = arg;
	struct where where;
	struct place from;
	int err = where_of(job->node, &where);

	if (err)
		return err;
	err = place_of(&where, job->node, job->tmp, job->path, &from);
	if (err)
		goto put_root;
	err = resolve_place(&where, job->tmp, job->new_path, &job->to);
	if (err == -EBUSY) /* onto the root: it exists, and is a directory */
		err = job->replace ? -EISDIR : -EEXIST;
	if (err)
		goto clear_from;
	names_lock(from.parent, job->to.parent);
	err = rename_to(&where, job, &from, &job->to);
	names_unlock(from.parent, job->to.parent);
clear_from:
	place_clear(&from);
put_root:
	root_put(where.root);
	return err;
}

int vfs_node_rename(struct vfs_node *node, const char *path, const char *new_path, bool replace,
		    void *talloc_ctx, char **real)
{
	struct rename_job job = {.node = node,
				 .path = path,
				 .new_path = new_path,
				 .replace = replace,
				 .tmp = talloc_new(NULL),
				 .to = {.parent = -1}};
	int err = node_is_frozen(node) ? -EXDEV : job.tmp ? vfs_run(rename_job, &job) : -ENOMEM;

	if (!err && real) {
		*real = talloc_strdup(talloc_ctx, job.to.path);
		err = *real ? 0 : -ENOMEM;
	}
	place_clear(&job.to);
	talloc_free(job.tmp);
	return err;
}

/* ---- link ---- */

struct link_job {
	struct vfs_node *node;
	const char *new_path;
	bool replace;
};

static int link_plain(int fd, int dir, const char *leaf)
{
	char proc[PROC_FD_MAX];

	return linkat(AT_FDCWD, proc_fd_path(fd, proc), dir, leaf, AT_SYMLINK_FOLLOW) == 0 ? 0
											   : -errno;
}

/* Over what is there: by a name of its own and a rename, so that the target is never missing. */
static int link_over(int fd, const struct place *to, const char *leaf)
{
	struct stat st;
	char tmp[64];
	uint64_t r = 0;
	int err;

	if (same_inode(fd, to->parent, to->leaf))
		return 0;
	if (fstatat(to->parent, to->leaf, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		return -EIO;
	snprintf(tmp, sizeof(tmp), ".smb3d-link-%016llx", (unsigned long long)r);
	err = link_plain(fd, to->parent, tmp);
	if (err)
		return err;
	if (renameat(to->parent, tmp, to->parent, to->leaf) != 0) {
		err = -errno;
		unlinkat(to->parent, tmp, 0);
		return err;
	}
	if (strcmp(to->leaf, leaf) != 0 &&
	    renameat2(to->parent, to->leaf, to->parent, leaf, RENAME_NOREPLACE) != 0)
		return -errno;
	return 0;
}

static int link_to(const struct where *where, struct link_job *job, void *ctx, struct place *to)
{
	char leaf[NAME_MAX + 1];
	int err;

	strcpy(leaf, to->leaf);
	err = place_look(where, ctx, to);
	if (!err && to->exists && !job->replace)
		err = -EEXIST;
	if (!err)
		err = cred_enter(where->cred);
	if (err)
		return err;
	err = to->exists ? link_over(job->node->fd, to, leaf)
			 : link_plain(job->node->fd, to->parent, leaf);
	cred_leave();
	return err;
}

static int link_job(void *arg)
{
	struct link_job *job = arg;
	void *ctx = talloc_new(NULL);
	struct where where;
	struct place to;
	int err = where_of(job->node, &where);

	if (err)
		goto free_ctx;
	err = resolve_place(&where, ctx, job->new_path, &to);
	if (!err) {
		names_lock(to.parent, to.parent);
		err = link_to(&where, job, ctx, &to);
		names_unlock(to.parent, to.parent);
		place_clear(&to);
	}
	root_put(where.root);
free_ctx:
	talloc_free(ctx);
	return err;
}

int vfs_node_link(struct vfs_node *node, const char *new_path, bool replace)
{
	struct link_job job = {node, new_path, replace};

	if (node_is_frozen(node))
		return -EXDEV;
	if (node->stat.directory)
		return -EISDIR;
	return *new_path ? vfs_run(link_job, &job) : -EEXIST;
}

/* ---- unlink ---- */

struct unlink_job {
	struct vfs_node *node;
	const char *path;
};

/* The entry itself, which may be a link to the node. */
static int unlink_at(const struct where *where, const struct vfs_node *node,
		     const struct place *place)
{
	struct stat st;
	int err;

	if (!is_node_at(where, node, place))
		return -ESTALE;
	err = cred_enter(where->cred);
	if (err)
		return err;
	if (fstatat(place->parent, place->leaf, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    unlinkat(place->parent, place->leaf, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) != 0)
		err = errno == EEXIST ? -ENOTEMPTY : -errno;
	cred_leave();
	return err;
}

static int unlink_job(void *arg)
{
	struct unlink_job *job = arg;
	void *ctx = talloc_new(NULL);
	struct where where;
	struct place place;
	int err = where_of(job->node, &where);

	if (err)
		goto free_ctx;
	where.cred = node_worker(job->node);
	err = place_of(&where, job->node, ctx, job->path, &place);
	if (!err) {
		names_lock(place.parent, place.parent);
		err = unlink_at(&where, job->node, &place);
		names_unlock(place.parent, place.parent);
		place_clear(&place);
	}
	root_put(where.root);
free_ctx:
	talloc_free(ctx);
	return err;
}

int vfs_node_unlink(struct vfs_node *node, const char *path)
{
	struct unlink_job job = {node, path};

	return node_is_frozen(node) ? -EROFS : vfs_run(unlink_job, &job);
}
