/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enumeration: getdents64 through a small buffer, filtered by the pattern, with each entry's state
 * gathered in the same job, a batch at a time. The batch is all that is held.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <talloc.h>

#include "smbd/vfs/impl.h"
#include "smbd/vfs/name.h"
#include "smbd/vfs/wildcard.h"

#define RAW_BYTES 16384
#define BATCH     48
#define AHEAD     4 /* of the first batch of a request, which may want no more; then twice as many */

/* Positions of what no file system gives us at a known place. */
#define POSITION_START  (UINT64_MAX - 2)
#define POSITION_DOT    (UINT64_MAX - 1)
#define POSITION_DOTDOT UINT64_MAX

struct linux_dirent64 {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

struct slot {
	struct vfs_dirent entry;
	char name[NAME_MAX + 1];
	uint8_t wire[NAME_WIRE_MAX];
};

enum phase { PHASE_DOT, PHASE_DOTDOT, PHASE_NAMES, PHASE_END };

struct vfs_dir {
	struct vfs_node *node;
	int fd;
	enum phase phase;
	bool single; /* the pattern is one name, in `leaf` */
	char leaf[NAME_DISK_MAX];
	uint8_t *pattern;
	size_t pattern_len;
	uint64_t at, before; /* positions of the last entry given out, and of the one before it */

	size_t raw_len, raw_off;
	uint8_t raw[RAW_BYTES] __attribute__((aligned(8)));
	unsigned ahead;       /* how many the next batch is to be */
	unsigned slots, next; /* filled; given out */
	struct slot batch[BATCH];
};

/* ---- filling a slot: in the job ---- */

/* A symbolic link in the directory: what it leads to, as policy and the user's permissions have it.
 * False: it isn't shown. */
static bool slot_follow(struct vfs_dir *dir, struct slot *slot)
{
	struct vfs_node *node = dir->node;
	struct where where = {.share = node->share, .cred = node->cred};
	char *path = NULL;
	bool shown = false;
	int fd, err;

	if (node->share->options.symlinks == VFS_SYMLINKS_NONE ||
	    vfs_node_path(node, NULL, &path) != 0)
		return false;
	path = talloc_asprintf_append(path, "%s%s", *path ? "/" : "", slot->name);
	where.root = root_get(node->share, false, &err);
	if (path && where.root) {
		fd = resolve_open(&where, path, O_PATH, false);
		shown = fd >= 0 && stat_fd(node->share, fd, slot->name, &slot->entry.stat) == 0;
		if (shown)
			slot->entry.ea_bytes = ea_bytes_at(node->share, fd, NULL);
		if (fd >= 0)
			close(fd);
	}
	root_put(where.root);
	talloc_free(path);
	return shown;
}

static bool slot_matches(const struct vfs_dir *dir, const struct slot *slot)
{
	if (dir->single || !dir->pattern_len)
		return true;
	return wildcard_match(dir->pattern, dir->pattern_len, slot->entry.wire,
			      slot->entry.wire_len, dir->node->share->options.case_sensitive);
}

static void slot_name(struct slot *slot, const char *name, size_t len, uint64_t position)
{
	memcpy(slot->name, name, len);
	slot->name[len] = '\0';
	slot->entry = (struct vfs_dirent){
		.name = slot->name,
		.wire = slot->wire,
		.wire_len = name_to_wire(name, len, slot->wire, sizeof(slot->wire)),
		.position = position,
	};
}

/* As the kernel has it for the user, with access lists; without the entry, by a link's target. */
static bool slot_readable(struct vfs_dir *dir, const char *name)
{
	bool readable = false;

	if (!dir->node->share->options.hide_unreadable)
		return true;
	if (cred_enter(dir->node->cred) == 0) {
		readable = syscall(SYS_faccessat2, dir->fd, name, R_OK, AT_EACCESS) == 0;
		cred_leave();
	}
	return readable;
}

/* 1: the slot holds the entry; 0: it isn't shown, or is gone again; else an error. */
static int slot_fill(struct vfs_dir *dir, const char *name, uint64_t position)
{
	struct slot *slot = &dir->batch[dir->slots];
	size_t len = strlen(name);
	int got;

	if (len > NAME_MAX)
		return 0;
	slot_name(slot, name, len, position);
	if (!slot_matches(dir, slot) || !slot_readable(dir, name))
		return 0;
	got = stat_at(dir->node->share, dir->fd, name, &slot->entry.stat);
	if (got == 1)
		return slot_follow(dir, slot);
	if (got == 0)
		slot->entry.ea_bytes = ea_bytes_at(dir->node->share, dir->fd, name);
	return got == 0 ? 1 : got == -ENOENT ? 0 : got;
}

/* "." and "..", by the directory itself and its parent, but never by what is above the root. */
static int slot_fill_dots(struct vfs_dir *dir, bool parent)
{
	struct slot *slot = &dir->batch[dir->slots];
	char real[3] = "..";
	int err;

	if (!parent || !*dir->node->path)
		real[1] = '\0';
	slot_name(slot, "..", parent ? 2 : 1, parent ? POSITION_DOTDOT : POSITION_DOT);
	slot->entry.wire_len = parent ? 4 : 2; /* here a last dot is one */
	memcpy(slot->wire, ".\0.", 4);
	if (!slot_matches(dir, slot))
		return 0;
	err = stat_at(dir->node->share, dir->fd, real, &slot->entry.stat);
	if (!err)
		slot->entry.ea_bytes = ea_bytes_at(dir->node->share, dir->fd, real);
	return err ? err : 1;
}

static int fill_single(struct vfs_dir *dir)
{
	char real[NAME_MAX + 1];
	int got;

	dir->phase = PHASE_END;
	if (strlen(dir->leaf) > NAME_MAX)
		return 0;
	got = slot_fill(dir, dir->leaf, 0);
	if (got == 0 && !dir->node->share->options.case_sensitive) {
		got = index_find(dir->fd, dir->leaf, real);
		got = got == 0 ? slot_fill(dir, real, 0) : got == -ENOENT ? 0 : got;
	}
	if (got > 0)
		dir->slots++;
	return got < 0 ? got : 0;
}

static int raw_more(struct vfs_dir *dir)
{
	long n;

	if (dir->raw_off < dir->raw_len)
		return 1;
	n = syscall(SYS_getdents64, dir->fd, dir->raw, sizeof(dir->raw));
	count(&counters.dir_reads);
	if (n < 0) /* ENOENT: the directory was removed; it has no entries then */
		return errno == ENOENT ? 0 : -errno;
	dir->raw_off = 0;
	dir->raw_len = (size_t)n;
	return n > 0;
}

static int fill_names(struct vfs_dir *dir)
{
	int more = 1;

	while (dir->slots < dir->ahead && (more = raw_more(dir)) > 0) {
		const struct linux_dirent64 *e = (const void *)(dir->raw + dir->raw_off);
		int got = 0;

		if (strcmp(e->name, ".") != 0 && strcmp(e->name, "..") != 0)
			got = slot_fill(dir, e->name, (uint64_t)e->off);
		if (got < 0)
			return got;
		dir->raw_off += e->reclen;
		dir->slots += (unsigned)got;
	}
	if (more == 0)
		dir->phase = PHASE_END;
	return more < 0 ? more : 0;
}

static int fill_job(void *arg)
{
	struct vfs_dir *dir = arg;
	int got;

	dir->slots = dir->next = 0;
	if (dir->single)
		return fill_single(dir);
	while (dir->phase < PHASE_NAMES) {
		got = slot_fill_dots(dir, dir->phase == PHASE_DOTDOT);
		if (got < 0)
			return got;
		dir->slots += (unsigned)got;
		dir->phase++;
	}
	got = fill_names(dir);
	dir->ahead = dir->ahead < BATCH / 2 ? 2 * dir->ahead : BATCH;
	return got;
}

/* ---- the calls ---- */

static bool is_single(const uint8_t *pattern, size_t pattern_len, char leaf[NAME_DISK_MAX])
{
	return pattern_len && !wildcard_in(pattern, pattern_len) &&
	       nt_success(name_component(pattern, pattern_len, leaf, NULL));
}

static int open_job(void *arg)
{
	struct vfs_dir *dir = arg;

	dir->fd = node_open_self(dir->node, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
	return dir->fd < 0 ? dir->fd : 0;
}

int vfs_dir_open(struct vfs_node *node, const uint8_t *pattern, size_t pattern_len,
		 struct vfs_dir **out)
{
	struct vfs_dir *dir = talloc(NULL, struct vfs_dir);
	int err = -ENOMEM;

	if (!dir)
		return err;
	memset(dir, 0, offsetof(struct vfs_dir, raw));
	dir->at = dir->before = POSITION_START;
	dir->ahead = AHEAD;
	dir->slots = dir->next = 0;
	dir->node = node;
	dir->pattern_len = pattern_len & ~(size_t)1;
	dir->pattern = talloc_memdup(dir, pattern ? pattern : (const uint8_t *)"", pattern_len);
	if (!dir->pattern)
		goto free_dir;
	dir->single = is_single(dir->pattern, dir->pattern_len, dir->leaf);
	err = cred_run(node->cred, open_job, dir);
	if (err)
		goto free_dir;
	*out = dir;
	return 0;
free_dir:
	talloc_free(dir);
	return err;
}

void vfs_dir_close(struct vfs_dir *dir)
{
	if (!dir)
		return;
	close(dir->fd);
	talloc_free(dir);
}

int vfs_dir_next(struct vfs_dir *dir, const struct vfs_dirent **entry)
{
	while (dir->next == dir->slots) {
		int err;

		if (dir->phase == PHASE_END)
			return 0;
		err = vfs_run(fill_job, dir);
		if (err && !dir->slots)
			return err; /* else what was found is given first; the error comes again */
	}
	*entry = &dir->batch[dir->next++].entry;
	dir->before = dir->at;
	dir->at = (*entry)->position;
	return 1;
}

void vfs_dir_unread(struct vfs_dir *dir)
{
	if (!dir->next)
		return;
	dir->next--;
	dir->at = dir->before;
}

static int go_to(struct vfs_dir *dir, uint64_t position, enum phase phase, off_t off)
{
	if (lseek(dir->fd, off, SEEK_SET) < 0)
		return -errno;
	dir->at = dir->before = position;
	dir->phase = phase;
	dir->raw_len = dir->raw_off = 0;
	dir->slots = dir->next = 0;
	return 0;
}

int vfs_dir_restart(struct vfs_dir *dir)
{
	return go_to(dir, POSITION_START, PHASE_DOT, 0);
}

int vfs_dir_seek(struct vfs_dir *dir, uint64_t position)
{
	if (position == POSITION_START)
		return vfs_dir_restart(dir);
	if (dir->single)
		return go_to(dir, position, PHASE_END, 0);
	if (position == POSITION_DOT)
		return go_to(dir, position, PHASE_DOTDOT, 0);
	if (position == POSITION_DOTDOT)
		return go_to(dir, position, PHASE_NAMES, 0);
	return position > INT64_MAX ? -EINVAL : go_to(dir, position, PHASE_NAMES, (off_t)position);
}

int vfs_dir_pause(struct vfs_dir *dir)
{
	dir->ahead = AHEAD;
	return dir->next < dir->slots ? vfs_dir_seek(dir, dir->at) : 0;
}

int vfs_dir_seek_name(struct vfs_dir *dir, const uint8_t *name, size_t name_len)
{
	bool exact = dir->node->share->options.case_sensitive;
	const struct vfs_dirent *entry;
	uint64_t was = dir->at;
	int got = vfs_dir_restart(dir);

	if (got)
		return got;
	while ((got = vfs_dir_next(dir, &entry)) > 0)
		if (wildcard_match(name, name_len, entry->wire, entry->wire_len, exact))
			return 0;
	if (got == 0)
		got = vfs_dir_seek(dir, was);
	return got ? got : -ENOENT;
}

static int empty_job(void *arg)
{
	struct vfs_node *node = arg;
	char proc[PROC_FD_MAX], raw[4096] __attribute__((aligned(8)));
	int fd = open(proc_fd_path(node->fd, proc), O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
	long n = 0;

	if (fd < 0)
		return -errno;
	while (!err && (n = syscall(SYS_getdents64, fd, raw, sizeof(raw))) > 0) {
		count(&counters.dir_reads);
		for (long i = 0; i < n && !err;) {
			const struct linux_dirent64 *e = (const void *)(raw + i);

			i += e->reclen;
			if (strcmp(e->name, ".") != 0 && strcmp(e->name, "..") != 0)
				err = -ENOTEMPTY;
		}
	}
	if (n < 0)
		err = -errno;
	close(fd);
	return err;
}

int vfs_node_is_empty(struct vfs_node *node)
{
	return node->stat.directory ? vfs_run(empty_job, node) : 0;
}
