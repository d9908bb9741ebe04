/* SPDX-License-Identifier: Apache-2.0 */
/* Finding, making, opening and closing; what a node is and may. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <talloc.h>

#include "smbd/vfs/impl.h"
#include "smbd/vfs/name.h"
#include "transport/fiber/fiber.h"

const struct vfs_cred *node_worker(const struct vfs_node *node)
{
	static const struct vfs_cred process = {.refs = 1}; /* root, where that is what we are */

	return node->trusted ? &process : node->cred;
}

struct vfs_node *node_new(struct vfs_share *share, struct vfs_cred *cred)
{
	struct vfs_node *node = talloc_zero(NULL, struct vfs_node);

	if (!node)
		return NULL;
	node->share = vfs_share_get(share);
	node->cred = vfs_cred_get(cred);
	node->fd = -1;
	pthread_mutex_init(&node->held_mutex, NULL);
	return node;
}

static void node_free(struct vfs_node *node)
{
	pthread_mutex_destroy(&node->held_mutex);
	if (node->fd >= 0)
		close(node->fd);
	vfs_cred_put(node->cred);
	vfs_share_put(node->share);
	talloc_free(node);
}

/* The node has its descriptor and path: learn the rest. */
static int node_learn(struct vfs_node *node)
{
	int err = stat_fd(node->share, node->fd, name_leaf(node->path, NULL), &node->stat);

	node->id = node->stat.id;
	return err;
}

/* ---- finding ---- */

struct find_job {
	struct vfs_node *node;
	const char *path;
	bool cached;
};

/* Another spelling, or nothing: what is missing decides the error. */
static int find_place(struct vfs_node *node, const struct where *where, const char *path)
{
	struct place place;
	int err = resolve_place(where, node, path, &place);

	if (err)
		return err;
	err = place_look(where, node, &place);
	if (err) {
		; /* the directory can't be looked into */
	} else if (!place.exists) {
		err = -ENOENT;
	} else {
		node->fd = resolve_open(where, place.path, O_PATH, false);
		node->path = talloc_strdup(node, place.path);
		err = node->fd < 0 ? node->fd : node->path ? 0 : -ENOMEM;
	}
	place_clear(&place);
	return err;
}

/* Names in a root that was removed are not found: say what is really missing. */
static int find_error(struct vfs_share *share, const struct root *root, int err)
{
	struct root *now;
	struct stat st;

	if ((err != -ENOENT && err != -ENOTDIR) || fstat(root->fd, &st) != 0 || st.st_nlink)
		return err;
	now = root_get(share, true, &err);
	if (!now)
		return err;
	root_put(now);
	return -ENOENT;
}

static int find_job(void *arg)
{
	struct find_job *job = arg;
	struct vfs_node *node = job->node;
	struct where where = {.share = node->share, .cred = node->cred};
	int err;

	if (job->cached && !root_is_fresh(node->share))
		return -EAGAIN;
	where.root = root_get(node->share, false, &err);
	if (!where.root)
		return err;
	node->fd = resolve_open(&where, job->path, O_PATH, job->cached);
	if (node->fd >= 0) {
		node->path = talloc_strdup(node, job->path);
		err = node->path ? 0 : -ENOMEM;
		if (job->cached)
			count(&counters.cached_opens);
	} else if (job->cached) {
		err = -EAGAIN;
	} else {
		err = node->fd == -ENOENT && *job->path ? find_place(node, &where, job->path)
							: node->fd;
		err = find_error(node->share, where.root, err);
	}
	root_put(where.root);
	return err ? err : node_learn(node);
}

int vfs_lookup(struct vfs_share *share, struct vfs_cred *cred, const char *path,
	       struct vfs_node **out)
{
	struct find_job job = {.node = node_new(share, cred), .path = path};
	int err = -EAGAIN;

	if (!job.node)
		return -ENOMEM;
	if (fiber_self() &&
	    cred_is_for_reactors(
		    cred)) { /* what the kernel's caches hold costs less than a worker */
		job.cached = true;
		err = find_job(&job);
		job.cached = false;
	}
	if (err == -EAGAIN)
		err = vfs_run(find_job, &job);
	if (err) {
		node_free(job.node);
		return err;
	}
	*out = job.node;
	return 0;
}

struct parent_job {
	struct where where;
	const char *path;
	struct vfs_id *id;
};

static int parent_job(void *arg)
{
	struct parent_job *job = arg;
	void *ctx = talloc_new(NULL);
	struct place place;
	int err;

	job->where.root = root_get(job->where.share, false, &err);
	if (!job->where.root)
		goto free_ctx;
	err = resolve_place(&job->where, ctx, job->path, &place);
	if (!err) {
		err = stat_id(place.parent, job->id);
		place_clear(&place);
	}
	root_put(job->where.root);
free_ctx:
	talloc_free(ctx);
	return err;
}

int vfs_parent(struct vfs_share *share, struct vfs_cred *cred, const char *path, struct vfs_id *id)
{
	struct parent_job job = {.where = {.share = share, .cred = cred}, .path = path, .id = id};

	return vfs_run(parent_job, &job);
}

/* ---- making ---- */

/* Two who make one name in two spellings at once: the second has to see the first's. And a name
 * that was found to be a node's must not become another's before it is removed. By directory. */
#define NAMES_MUTEXES 64
static pthread_mutex_t names_mutexes[NAMES_MUTEXES] = {[0 ... NAMES_MUTEXES - 1] =
							       PTHREAD_MUTEX_INITIALIZER};

static size_t names_mutex(int dir)
{
	struct stat st;

	return fstat(dir, &st) == 0 ? st.st_ino % NAMES_MUTEXES : 0;
}

void names_lock(int dir, int other)
{
	size_t a = names_mutex(dir), b = dir == other ? a : names_mutex(other);

	pthread_mutex_lock(&names_mutexes[a < b ? a : b]);
	if (a != b)
		pthread_mutex_lock(&names_mutexes[a < b ? b : a]);
}

void names_unlock(int dir, int other)
{
	size_t a = names_mutex(dir), b = dir == other ? a : names_mutex(other);

	pthread_mutex_unlock(&names_mutexes[a]);
	if (a != b)
		pthread_mutex_unlock(&names_mutexes[b]);
}

static pthread_mutex_t inode_mutexes[NAMES_MUTEXES] = {[0 ... NAMES_MUTEXES - 1] =
							       PTHREAD_MUTEX_INITIALIZER};

void inode_lock(const struct vfs_node *node)
{
	pthread_mutex_lock(&inode_mutexes[node->id.ino % NAMES_MUTEXES]);
}

void inode_unlock(const struct vfs_node *node)
{
	pthread_mutex_unlock(&inode_mutexes[node->id.ino % NAMES_MUTEXES]);
}

struct create_job {
	struct vfs_node *node;
	const char *path;
	const struct vfs_create *create;
};

/* As the cred. */
static int make(struct vfs_node *node, const struct place *place, const struct vfs_create *create)
{
	const struct vfs_share_options *o = &node->share->options;
	bool directory = create->directory;
	mode_t most = !create->closed ? 07777 : directory ? 07600 : 07700;
	struct open_how how = {.flags = O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC,
			       .mode = (0666 & o->create_mask) | o->force_create_mode,
			       .resolve = RESOLVE_BENEATH};

	if (directory) {
		if (mkdirat(place->parent, place->leaf,
			    ((0777 & o->directory_mask) | o->force_directory_mode) & most) != 0)
			return -errno;
		how = (struct open_how){.flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
					.resolve = RESOLVE_BENEATH};
	}
	how.mode &= most;
	node->fd = (int)syscall(SYS_openat2, place->parent, place->leaf, &how, sizeof(how));
	if (node->fd < 0 && directory && errno == EACCES) { /* a mask that shuts its owner out */
		how.flags |= O_PATH;
		node->fd = (int)syscall(SYS_openat2, place->parent, place->leaf, &how, sizeof(how));
	}
	node->can_read = node->fd >= 0 && !(how.flags & O_PATH);
	node->can_write = node->fd >= 0 && !directory;
	return node->fd >= 0 ? 0 : -errno;
}

/* What can still fail once it is there; on failure it goes again. */
static int make_rest(struct vfs_node *node, const struct place *place,
		     const struct vfs_create *create)
{
	int err = stat_id(place->parent, &node->parent);

	node->path = talloc_strdup(node, place->path);
	if (!err && !node->path)
		err = -ENOMEM;
	if (!err)
		err = stat_fd(node->share, node->fd, NULL, &node->stat);
	if (err)
		return err;
	node->stat.attributes &= ~FILE_ATTRIBUTE_NORMAL;
	node->stat.attributes |=
		create->attributes & ~(FILE_ATTRIBUTE_NORMAL | FILE_ATTRIBUTE_DIRECTORY);
	if (!create->directory)
		node->stat.attributes |= FILE_ATTRIBUTE_ARCHIVE;
	err = stat_store(node->share, node->cred, node->fd, &node->stat);
	if (!err && create->alloc && !create->directory &&
	    fallocate(node->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)create->alloc) != 0 &&
	    errno != EOPNOTSUPP && errno != ENOSYS)
		err = -errno;
	return err ? err : node_learn(node);
}

static int create_in(struct create_job *job, const struct where *where)
{
	struct vfs_node *node = job->node;
	struct place place;
	int err = resolve_place(where, node, job->path, &place);

	if (err)
		return err;
	names_lock(place.parent, place.parent);
	err = place_look(where, node, &place);
	if (!err)
		err = place.exists ? -EEXIST : cred_enter(node->cred);
	if (!err) {
		err = make(node, &place, job->create);
		cred_leave();
	}
	if (!err) {
		err = make_rest(node, &place, job->create);
		if (err && same_inode(node->fd, place.parent, place.leaf))
			unlinkat(place.parent, place.leaf,
				 job->create->directory ? AT_REMOVEDIR : 0);
	}
	names_unlock(place.parent, place.parent);
	place_clear(&place);
	return err;
}

static int create_job(void *arg)
{
	struct create_job *job = arg;
	struct where where = {.share = job->node->share, .cred = job->node->cred};
	int err;

	where.root = root_get(where.share, false, &err);
	if (!where.root)
		return err;
	err = find_error(where.share, where.root, create_in(job, &where));
	root_put(where.root);
	return err;
}

int vfs_create(struct vfs_share *share, struct vfs_cred *cred, const char *path,
	       const struct vfs_create *create, struct vfs_node **out)
{
	struct create_job job = {.node = node_new(share, cred), .path = path, .create = create};
	int err;

	if (!job.node)
		return -ENOMEM;
	err = share->options.frozen ? -EROFS : *path ? vfs_run(create_job, &job) : -EEXIST;
	if (err) {
		node_free(job.node);
		return err;
	}
	*out = job.node;
	return 0;
}

/* ---- opening and closing ---- */

struct open_job {
	struct vfs_node *node;
	int flags;
	int fd;
};

int node_open_self(struct vfs_node *node, int flags)
{
	char proc[PROC_FD_MAX];
	int fd, err = cred_enter(node->cred);

	if (err)
		return err;
	fd = open(proc_fd_path(node->fd, proc), flags | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		fd = -errno;
	cred_leave();
	if (fd == -EACCES && node->trusted) {
		fd = open(proc_fd_path(node->fd, proc), flags | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			fd = -errno;
	}
	return fd;
}

static int open_job(void *arg)
{
	struct open_job *job = arg;

	job->fd = node_open_self(job->node, job->flags);
	return job->fd < 0 ? job->fd : 0;
}

int vfs_node_open(struct vfs_node *node, bool read, bool write)
{
	struct open_job job = {.node = node};
	int err;

	if (!S_ISREG(node->stat.mode) && !S_ISDIR(node->stat.mode))
		return -EACCES;
	if (node_is_frozen(node)) {
		write = false;
		if (!read && !node->stat.directory)
			return 0;
	}
	if (node->stream)
		return stream_open_data(node, read, write);
	job.flags = node->stat.directory ? O_DIRECTORY
		    : write && read      ? O_RDWR
		    : write              ? O_WRONLY
					 : 0;
	/* The inode is at hand: only a local process's lease could make this wait, and then says
	 * so. The flag must go again, or the ring would not wait for the medium. */
	job.flags |= O_NONBLOCK;
	err = cred_run(node->cred, open_job, &job);
	if (err == -EWOULDBLOCK) {
		job.flags &= ~O_NONBLOCK;
		err = vfs_run(open_job, &job);
	}
	if (err)
		return err;
	if (job.flags & O_NONBLOCK)
		fcntl(job.fd, F_SETFL, fcntl(job.fd, F_GETFL) & ~O_NONBLOCK);
	close(node->fd);
	node->fd = job.fd;
	node->can_read = read || node->stat.directory;
	node->can_write = write && !node->stat.directory;
	return 0;
}

static int close_job(void *arg)
{
	struct vfs_node *node = arg;
	int err = close(node->fd) == 0 ? 0 : -errno;

	node->fd = -1;
	node_free(node);
	return err;
}

int vfs_node_close(struct vfs_node *node)
{
	/* the last close of what was written or removed may have much to do */
	return node->can_write ? vfs_run(close_job, node) : close_job(node);
}

/* ---- asking ---- */

int vfs_node_stat(struct vfs_node *node, struct vfs_stat *stat)
{
	int err = stat_fd(node->share, node->fd, name_leaf(node->path, NULL), stat);

	return err || !node->stream ? err : stream_stat(node, stat);
}

struct access_job {
	struct vfs_node *node;
	bool cached;
	unsigned may;
};

static bool may(int fd, int mode)
{
	return syscall(SYS_faccessat2, fd, "", mode, AT_EACCESS | AT_EMPTY_PATH) == 0;
}

/* As the cred, with a directory that holds or held the node. */
static bool may_delete(const struct vfs_node *node, int parent)
{
	uid_t uid = cred_uid(node->cred);
	struct stat dir, st;

	if (!may(parent, W_OK | X_OK) || fstat(parent, &dir) != 0 || fstat(node->fd, &st) != 0)
		return false;
	return !(dir.st_mode & S_ISVTX) || uid == 0 || uid == st.st_uid || uid == dir.st_uid;
}

/* As the cred; parent < 0: none that it could reach. */
static unsigned may_bits(const struct vfs_node *node, int parent)
{
	uid_t uid = cred_uid(node->cred);

	return (may(node->fd, R_OK) ? VFS_MAY_READ : 0) |
	       (may(node->fd, W_OK) ? VFS_MAY_WRITE : 0) |
	       (may(node->fd, X_OK) ? VFS_MAY_EXECUTE : 0) |
	       (parent >= 0 && may_delete(node, parent) ? VFS_MAY_DELETE : 0) |
	       (uid == 0 || uid == node->stat.uid ? VFS_MAY_OWN : 0);
}

static int access_job(void *arg)
{
	struct access_job *job = arg;
	struct vfs_node *node = job->node;
	struct where where = {.share = node->share, .cred = node->cred};
	char *path = talloc_strdup(NULL, node->path);
	size_t parent_len;
	int parent = -1, err = 0;

	if (!path)
		return -ENOMEM;
	name_leaf(path, &parent_len);
	if (job->cached && !root_is_fresh(node->share))
		err = -EAGAIN;
	else
		where.root = root_get(where.share, false, &err);
	if (err)
		goto free_path;
	if (*path) { /* a parent that can't be reached is one that can't be changed */
		path[parent_len] = '\0';
		parent = resolve_open(&where, path, O_PATH | O_DIRECTORY, job->cached);
	}
	err = job->cached && parent == -EAGAIN ? -EAGAIN : cred_enter(node->cred);
	if (!err) {
		job->may = may_bits(node, parent);
		cred_leave();
	}
	if (parent >= 0)
		close(parent);
	root_put(where.root);
free_path:
	talloc_free(path);
	return err;
}

int vfs_node_access(struct vfs_node *node, unsigned *out)
{
	struct access_job job = {.node = node,
				 .cached = fiber_self() && cred_is_for_reactors(node->cred)};
	int err = job.cached ? access_job(&job) : -EAGAIN;

	if (err == -EAGAIN) {
		job.cached = false;
		err = vfs_run(access_job, &job);
	}
	*out = job.may;
	return err;
}

struct space_job {
	struct vfs_node *node;
	struct statfs fs;
	struct vfs_quota quota;
};

static int space_job(void *arg)
{
	struct space_job *job = arg;
	uid_t uid = cred_uid(job->node->cred);

	if (fstatfs(job->node->fd, &job->fs) != 0)
		return -errno;
	/* root's quota does not bind */
	if (uid == 0 || quota_get(job->node->fd, uid, &job->quota) != 0)
		job->quota.hard = job->quota.soft = UINT64_MAX;
	return 0;
}

/* What the cred's quota leaves of it; the soft limit is one for a while only. */
static void space_limit(struct vfs_space *space, const struct vfs_quota *quota)
{
	uint64_t limit = quota->hard != UINT64_MAX ? quota->hard : quota->soft, left;

	if (limit == UINT64_MAX || !space->block_bytes)
		return;
	left = (limit > quota->used ? limit - quota->used : 0) / space->block_bytes;
	if (space->cred_blocks > limit / space->block_bytes)
		space->cred_blocks = limit / space->block_bytes;
	if (space->blocks_avail > left)
		space->blocks_avail = left;
}

int vfs_node_space(struct vfs_node *node, struct vfs_space *space)
{
	struct space_job job = {.node = node};
	struct statfs fs;
	int err = vfs_run(space_job, &job);

	if (err)
		return err;
	fs = job.fs;
	*space = (struct vfs_space){
		.block_bytes = (uint32_t)(fs.f_frsize ? fs.f_frsize : fs.f_bsize),
		.blocks = fs.f_blocks,
		.blocks_free = fs.f_bfree,
		.cred_blocks = fs.f_blocks,
		.blocks_avail = cred_uid(node->cred) == 0 ? fs.f_bfree : fs.f_bavail,
		.id = (uint64_t)(uint32_t)fs.f_fsid.__val[0] << 32 | (uint32_t)fs.f_fsid.__val[1],
		.name_bytes = (uint32_t)fs.f_namelen,
		.read_only = node_is_frozen(node) || (fs.f_flags & 1) != 0 /* ST_RDONLY */,
	};
	space_limit(space, &job.quota);
	return 0;
}
