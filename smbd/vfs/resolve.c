/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a path to a descriptor, never out of the root: every step is an openat2() that the kernel
 * keeps beneath the root, also while directories are being moved; what takes a name (unlink,
 * rename) gets one component and the descriptor of its directory.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <talloc.h>

#include "smbd/vfs/impl.h"
#include "smbd/vfs/name.h"

#define RACE_RETRIES   128  /* openat2 says EAGAIN when a rename crosses its ".." */
#define ABSOLUTE_LINKS 8    /* followed for one path */
#define CHUNK_BYTES    4000 /* of a path that is longer than one system call takes (PATH_MAX) */

static uint64_t resolve_flags(const struct vfs_share *share, bool cached)
{
	uint64_t flags = RESOLVE_NO_MAGICLINKS | (cached ? RESOLVE_CACHED : 0);

	switch (share->options.symlinks) {
	case VFS_SYMLINKS_WIDE:
		return flags;
	case VFS_SYMLINKS_NONE:
		return flags | RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
	default:
		return flags | RESOLVE_BENEATH;
	}
}

static int open_once(int dir, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC), .resolve = resolve};
	long fd = -1;

	for (unsigned i = 0; i < RACE_RETRIES; i++) {
		fd = syscall(SYS_openat2, dir, *path ? path : ".", &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN || (resolve & RESOLVE_CACHED))
			break;
	}
	if (fd >= 0)
		return (int)fd;
	return errno == EXDEV ? -ELOOP : -errno; /* EXDEV: it would leave the root */
}

/* A long path, in steps: each must stay beneath the directory that the last one reached, which only
 * forbids more (a link from one chunk back into a former). */
static int open_chunks(int dir, const char *path, int flags, uint64_t resolve)
{
	char chunk[CHUNK_BYTES + 1];
	int at = dir, next = -1;

	while (strlen(path) > CHUNK_BYTES) {
		size_t n = CHUNK_BYTES;

		while (n && path[n] != '/')
			n--;
		if (!n)
			next = -ENAMETOOLONG;
		else {
			memcpy(chunk, path, n);
			chunk[n] = '\0';
			next = open_once(at, chunk, O_PATH | O_DIRECTORY, resolve);
		}
		if (at != dir)
			close(at);
		if (next < 0)
			return next;
		at = next;
		path += n + 1;
	}
	next = open_once(at, path, flags, resolve);
	if (at != dir)
		close(at);
	return next;
}

static int open_as(const struct where *where, const char *path, int flags, bool cached)
{
	int fd, err = cred_enter(where->cred);

	if (err)
		return err;
	fd = open_chunks(where->root->fd, path, flags, resolve_flags(where->share, cached));
	cred_leave();
	return fd;
}

/* What an absolute link's target is called from the root: NULL if it is outside. */
static const char *below_root(const struct where *where, const char *target)
{
	char proc[PROC_FD_MAX], real[PATH_MAX];
	ssize_t n = readlink(proc_fd_path(where->root->fd, proc), real, sizeof(real));
	const char *const names[] = {real, where->share->path}; /* as it is, and as configured */
	size_t lens[] = {n > 0 ? (size_t)n : 0, strlen(where->share->path)};

	for (unsigned i = 0; i < 2; i++) {
		size_t len = lens[i];

		while (len && names[i][len - 1] == '/')
			len--;
		if (len && strncmp(target, names[i], len) == 0 &&
		    (target[len] == '/' || target[len] == '\0'))
			return target + len + strspn(target + len, "/");
	}
	return NULL;
}

/* The first component of path that is an absolute link to below the root, replaced by what it leads
 * to; NULL: there is none. */
static char *follow_absolute(const struct where *where, void *ctx, const char *path)
{
	for (size_t start = 0, end; path[start]; start = end + (path[end] == '/')) {
		char target[PATH_MAX], *parent = talloc_strndup(ctx, path, start ? start - 1 : 0);
		char *name;
		const char *below;
		ssize_t n = -1;
		int dir;

		end = start + strcspn(path + start, "/");
		name = talloc_strndup(ctx, path + start, end - start);
		dir = parent && name ? open_as(where, parent, O_PATH | O_DIRECTORY, false) : -1;
		if (dir < 0)
			return NULL;
		n = readlinkat(dir, name, target, sizeof(target) - 1);
		close(dir);
		if (n <= 0 || target[0] != '/')
			continue;
		target[n] = '\0';
		below = below_root(where, target);
		return below ? talloc_asprintf(ctx, "%s%s", below,
					       path[end] && !*below ? path + end + 1 : path + end)
			     : NULL;
	}
	return NULL;
}

/*
 * Absolute links are out of the root to the kernel, wherever they lead. Those that stay inside are
 * followed here, by name, one at a time; what comes of it is opened beneath the root like any path.
 */
static int open_by_absolute_links(const struct where *where, const char *path, int flags)
{
	void *ctx = talloc_new(NULL);
	int fd = -ELOOP;

	for (unsigned links = 0; links < ABSOLUTE_LINKS && fd == -ELOOP; links++) {
		path = follow_absolute(where, ctx, path);
		if (!path)
			break;
		fd = open_as(where, path, flags, false);
	}
	talloc_free(ctx);
	return fd;
}

int resolve_open(const struct where *where, const char *path, int flags, bool cached)
{
	int fd = open_as(where, path, flags, cached);

	if (fd == -ELOOP && !cached && where->share->options.symlinks == VFS_SYMLINKS_BENEATH)
		fd = open_by_absolute_links(where, path, flags);
	return fd;
}

bool same_inode(int fd, int dir, const char *name)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 &&
	       fstatat(dir, name, &b, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* real + '/' + name, or name alone when real is the root. */
static char *path_join(void *ctx, const char *real, const char *name)
{
	return talloc_asprintf(ctx, "%s%s%s", real, *real ? "/" : "", name);
}

/* One component further: the directory `name` in `dir`, in any spelling. *real grows by it. */
static int walk_step(const struct where *where, void *ctx, int dir, const char *name, char **real)
{
	char other[NAME_MAX + 1];
	char *longer = path_join(ctx, *real, name);
	int fd = longer ? resolve_open(where, longer, O_PATH | O_DIRECTORY, false) : -ENOMEM;

	if (fd == -ENOENT && index_find(dir, name, other) == 0) {
		talloc_free(longer);
		longer = path_join(ctx, *real, other);
		fd = longer ? resolve_open(where, longer, O_PATH | O_DIRECTORY, false) : -ENOMEM;
	}
	if (fd >= 0)
		*real = longer;
	return fd;
}

/* The directory `path` (len bytes) in any spelling, one component at a time; real: its real path.
 */
static int walk(const struct where *where, void *ctx, const char *path, size_t len, char **real)
{
	int dir = resolve_open(where, "", O_PATH | O_DIRECTORY, false), next;
	char name[NAME_MAX + 1];

	*real = talloc_strdup(ctx, "");
	for (size_t i = 0, n; dir >= 0 && i < len; i += n + 1) {
		n = strcspn(path + i, "/");
		if (n > len - i)
			n = len - i;
		memcpy(name, path + i, n < sizeof(name) ? n : 0);
		name[n < sizeof(name) ? n : 0] = '\0';
		next = n < sizeof(name) && *real ? walk_step(where, ctx, dir, name, real)
						 : -ENAMETOOLONG;
		close(dir);
		dir = next;
	}
	return dir == -ENOENT ? -ENOTDIR : dir;
}

/* Does the leaf stand there, as given or in another spelling? */
static int find_leaf(const struct where *where, struct place *place, const char *leaf, char *real)
{
	struct stat st;
	int err = cred_enter(where->cred);

	if (err)
		return err;
	if (fstatat(place->parent, leaf, &st, AT_SYMLINK_NOFOLLOW) != 0)
		err = -errno;
	cred_leave();
	if (err == 0) {
		strcpy(real, leaf);
		place->exists = true;
	} else if (err == -ENOENT && !where->share->options.case_sensitive) {
		err = index_find(place->parent, leaf, real);
		place->exists = err == 0;
	}
	return err == -ENOENT ? 0 : err;
}

int place_look(const struct where *where, void *ctx, struct place *place)
{
	char real_leaf[NAME_MAX + 1];
	int err = find_leaf(where, place, place->leaf, real_leaf);

	if (err || !place->exists || strcmp(real_leaf, place->leaf) == 0)
		return err;
	place->path[place->leaf - place->path] = '\0'; /* the directory's, with its '/' */
	place->path = talloc_asprintf_append(place->path, "%s", real_leaf);
	if (!place->path)
		return -ENOMEM;
	place->leaf = name_leaf(place->path, NULL);
	return 0;
}

int resolve_place(const struct where *where, void *ctx, const char *path, struct place *place)
{
	size_t parent_len, leaf_len;
	const char *leaf = name_leaf(path, &parent_len);
	char *parent = talloc_strndup(ctx, path, parent_len);

	*place = (struct place){.parent = -1};
	if (!parent)
		return -ENOMEM;
	leaf_len = strlen(leaf);
	if (!leaf_len)
		return -EBUSY; /* the root is no name in a directory */
	if (leaf_len > NAME_MAX)
		return -ENAMETOOLONG;
	place->parent = resolve_open(where, parent, O_PATH | O_DIRECTORY, false);
	if (place->parent == -ENOENT && !where->share->options.case_sensitive)
		place->parent = walk(where, ctx, path, parent_len, &parent);
	if (place->parent < 0)
		return place->parent == -ENOENT ? -ENOTDIR : place->parent;
	/* what is made or sought in it is meant to be where it leads, which is the client's to say
	 */
	if (where->share->options.store_dos_attributes && reparse_at(place->parent)) {
		place_clear(place);
		return -EREMOTE;
	}
	place->path = path_join(ctx, parent, leaf);
	if (!place->path) {
		place_clear(place);
		return -ENOMEM;
	}
	place->leaf = name_leaf(place->path, NULL);
	return 0;
}

void place_clear(struct place *place)
{
	if (place->parent >= 0)
		close(place->parent);
	place->parent = -1;
	talloc_free(place->path);
	place->path = NULL;
	place->leaf = NULL;
}
