/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of folded names: for a name in another spelling, and for one that isn't there, an
 * answer without reading the directory. A directory is read once, when such a question first comes;
 * from before that read on, inotify says what changes in it, whoever changes it, us included. The
 * kernel queues an event before the system call that caused it returns, so a look at the queue
 * before each answer is enough: nobody who waited for a change can miss it.
 *
 * Where inotify does not see everything (network file systems) the directory's times must be
 * those of the read as well, unless events account for the change. Where there is no watch to be
 * had, each question reads the directory.
 *
 * Directories whose file system folds case itself (FS_CASEFOLD_FL) need none of this: there, what
 * the exact lookup didn't find isn't there.
 *
 * Bounded: INDEX_DIRS directories and INDEX_BYTES bytes, the least recently used goes. Of a
 * directory whose names take more than DIR_BYTES only their hashes are kept (8 bytes and some,
 * each): that a name isn't there is then still known, which one stands there takes a read; and over
 * DIR_BYTES again, nothing. malloc, not talloc: a header a name would triple the size.
 *
 * Thread: any; one mutex, never held while a directory is read. Names that come while it is being
 * read are kept in order and applied after.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "smbd/vfs/impl.h"
#include "smbd/vfs/name.h"
#include "smbd/vfs/name_set.h"
#include "transport/base/list.h"
#include "transport/base/log.h"

#define INDEX_DIRS  256
#define INDEX_BYTES (96u << 20)
#define DIR_BYTES   (64u << 20)
#define CHANGES     65536 /* more while it is being read, or in doubt: it is read again */

#define WATCHED (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_ONLYDIR)

struct entry {
	struct entry *next;
	uint64_t hash;
	char name[];
};

/* A change that came while the directory was being read, or one that is doubtful. */
struct change {
	struct change *next;
	bool added;
	char name[];
};

struct changes {
	struct change *first, **end;
	unsigned count;
};

struct dir_index {
	struct list_node node; /* in indexes, least recently used first */
	uint64_t dev, ino;
	int wd;
	bool building; /* its table is the builder's alone; changes are kept */
	bool doomed;   /* to be freed by the builder */
	bool casefold; /* no table is needed */
	bool local;    /* inotify sees every change */
	bool changed;  /* events came since the times were noted */
	struct timespec mtime, ctime;

	struct entry **buckets;
	size_t bucket_count; /* a power of two */
	size_t names;
	size_t bytes;
	bool brief; /* too many: `hashes` is in the table's place */
	struct name_set hashes;
	size_t gone;            /* of the hashes, perhaps */
	struct changes changes; /* while building */
	struct changes doubts;  /* names that were moved away: see event() */
};

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t built;
	struct list_node dirs;
	unsigned dir_count;
	size_t bytes;
	int inotify; /* -1: not tried, -2: none to be had */
	size_t dir_bytes;
} indexes = {.mutex = PTHREAD_MUTEX_INITIALIZER,
	     .built = PTHREAD_COND_INITIALIZER,
	     .dirs = LIST_INIT(indexes.dirs),
	     .inotify = -1,
	     .dir_bytes = DIR_BYTES};

/* ---- the table of one directory ---- */

static struct entry **table_slot(const struct dir_index *d, uint64_t hash)
{
	return &d->buckets[hash & (d->bucket_count - 1)];
}

static bool table_grow(struct dir_index *d)
{
	struct dir_index bigger = {.bucket_count = d->bucket_count ? d->bucket_count * 2 : 64};

	bigger.buckets = calloc(bigger.bucket_count, sizeof(*bigger.buckets));
	if (!bigger.buckets)
		return false;
	for (size_t i = 0; i < d->bucket_count; i++)
		for (struct entry *e = d->buckets[i], *next; e; e = next) {
			struct entry **slot = table_slot(&bigger, e->hash);

			next = e->next;
			e->next = *slot;
			*slot = e;
		}
	free(d->buckets);
	d->bytes += (bigger.bucket_count - d->bucket_count) * sizeof(*d->buckets);
	d->buckets = bigger.buckets;
	d->bucket_count = bigger.bucket_count;
	return true;
}

static size_t entry_bytes(const char *name)
{
	return sizeof(struct entry) + strlen(name) + 1 + 16; /* 16: what malloc keeps */
}

/* False: no memory, and the table can't be trusted any more. */
static bool table_add(struct dir_index *d, const char *name)
{
	size_t len = strlen(name);
	uint64_t hash = name_fold_hash(name, len);
	struct entry *e;

	if (d->names >= d->bucket_count && !table_grow(d))
		return false;
	for (e = *table_slot(d, hash); e; e = e->next)
		if (e->hash == hash && strcmp(e->name, name) == 0)
			return true;
	e = malloc(sizeof(*e) + len + 1);
	if (!e)
		return false;
	e->hash = hash;
	memcpy(e->name, name, len + 1);
	e->next = *table_slot(d, hash);
	*table_slot(d, hash) = e;
	d->names++;
	d->bytes += entry_bytes(name);
	return true;
}

static void table_del(struct dir_index *d, const char *name)
{
	uint64_t hash = name_fold_hash(name, strlen(name));

	if (!d->bucket_count)
		return;
	for (struct entry **p = table_slot(d, hash); *p; p = &(*p)->next)
		if ((*p)->hash == hash && strcmp((*p)->name, name) == 0) {
			struct entry *e = *p;

			*p = e->next;
			d->names--;
			d->bytes -= entry_bytes(name);
			free(e);
			return;
		}
}

/* Of several spellings the one that sorts first: the answer does not depend on the past. */
static const char *table_find(const struct dir_index *d, const char *name)
{
	size_t len = strlen(name);
	uint64_t hash = name_fold_hash(name, len);
	const char *best = NULL;

	if (!d->bucket_count)
		return NULL;
	for (const struct entry *e = *table_slot(d, hash); e; e = e->next)
		if (e->hash == hash && (!best || strcmp(e->name, best) < 0) &&
		    name_fold_equal(e->name, strlen(e->name), name, len))
			best = e->name;
	return best;
}

static void table_clear(struct dir_index *d)
{
	for (size_t i = 0; i < d->bucket_count; i++)
		for (struct entry *e = d->buckets[i], *next; e; e = next) {
			next = e->next;
			free(e);
		}
	free(d->buckets);
	d->buckets = NULL;
	d->bucket_count = d->names = 0;
}

/* ---- its names, or just their hashes ---- */

/* The table has grown too large: from here on it is the hashes alone. */
static bool names_shorten(struct dir_index *d)
{
	for (size_t i = 0; i < d->bucket_count; i++)
		for (const struct entry *e = d->buckets[i]; e; e = e->next)
			if (!name_set_add(&d->hashes, e->hash))
				return false;
	table_clear(d);
	d->brief = true;
	d->bytes = name_set_bytes(&d->hashes);
	return true;
}

/* False: no memory, or no room; it can't be trusted any more. */
static bool names_add(struct dir_index *d, const char *name)
{
	if (!d->brief)
		return table_add(d, name) && (d->bytes <= indexes.dir_bytes || names_shorten(d));
	if (!name_set_add(&d->hashes, name_fold_hash(name, strlen(name))))
		return false;
	d->bytes = name_set_bytes(&d->hashes);
	return d->bytes <= indexes.dir_bytes;
}

static void names_del(struct dir_index *d, const char *name)
{
	if (d->brief)
		d->gone++; /* another name may have the same hash: it stays */
	else
		table_del(d, name);
}

/* -EAGAIN: it may be there, in a spelling that the directory must be read for. */
static int names_find(const struct dir_index *d, const char *name, char *real)
{
	const char *found;

	if (d->casefold)
		return -ENOENT;
	if (d->brief)
		return name_set_has(&d->hashes, name_fold_hash(name, strlen(name))) ? -EAGAIN
										    : -ENOENT;
	found = table_find(d, name);
	if (!found)
		return -ENOENT;
	strcpy(real, found);
	return 0;
}

static void changes_init(struct changes *l)
{
	*l = (struct changes){.end = &l->first};
}

static void changes_clear(struct changes *l)
{
	for (struct change *c = l->first, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	changes_init(l);
}

static bool changes_add(struct changes *l, const char *name, bool added)
{
	size_t len = strlen(name);
	struct change *c = l->count < CHANGES ? malloc(sizeof(*c) + len + 1) : NULL;

	if (!c)
		return false;
	c->next = NULL;
	c->added = added;
	memcpy(c->name, name, len + 1);
	*l->end = c;
	l->end = &c->next;
	l->count++;
	return true;
}

static void dir_free(struct dir_index *d)
{
	table_clear(d);
	name_set_free(&d->hashes);
	changes_clear(&d->changes);
	changes_clear(&d->doubts);
	free(d);
}

/* ---- the set of directories; the mutex is held ---- */

static struct dir_index *dir_find(uint64_t dev, uint64_t ino)
{
	list_for_each (n, &indexes.dirs) {
		struct dir_index *d = container_of(n, struct dir_index, node);

		if (d->dev == dev && d->ino == ino)
			return d;
	}
	return NULL;
}

static struct dir_index *dir_by_watch(int wd)
{
	list_for_each (n, &indexes.dirs) {
		struct dir_index *d = container_of(n, struct dir_index, node);

		if (d->wd == wd)
			return d;
	}
	return NULL;
}

/* Forget; a builder that is at work frees it when it is done. */
static void dir_drop(struct dir_index *d)
{
	list_del(&d->node);
	indexes.dir_count--;
	if (d->wd >= 0)
		inotify_rm_watch(indexes.inotify, d->wd);
	d->wd = -1;
	if (d->building) {
		d->doomed = true;
		return;
	}
	indexes.bytes -= d->bytes;
	dir_free(d);
}

static void drop_all(void)
{
	while (!list_empty(&indexes.dirs))
		dir_drop(container_of(list_first(&indexes.dirs), struct dir_index, node));
}

static void trim(void)
{
	while (indexes.dir_count > INDEX_DIRS || indexes.bytes > INDEX_BYTES) {
		struct list_node *n = list_first(&indexes.dirs);

		if (!n)
			return;
		dir_drop(container_of(n, struct dir_index, node));
	}
}

static bool change_apply(struct dir_index *d, const char *name, bool added)
{
	size_t before = d->bytes;
	bool ok = true;

	if (d->casefold)
		return true;
	if (added)
		ok = names_add(d, name);
	else
		names_del(d, name);
	indexes.bytes += d->bytes - before;
	return ok;
}

/*
 * A name that was moved away may stand there all the same: an exchange of two names comes as two
 * moves, each to the other's name. Whether it does is seen when the directory is next asked.
 */
static bool event_in(struct dir_index *d, const char *name, uint32_t mask)
{
	bool added = (mask & (IN_CREATE | IN_MOVED_TO)) != 0;

	if (mask & IN_MOVED_FROM)
		return changes_add(&d->doubts, name, false);
	return d->building ? changes_add(&d->changes, name, added) : change_apply(d, name, added);
}

static void event(const struct inotify_event *e)
{
	struct dir_index *d;

	if (e->mask & IN_Q_OVERFLOW) {
		drop_all();
		return;
	}
	d = dir_by_watch(e->wd);
	if (!d)
		return;
	if (e->mask & (IN_DELETE_SELF | IN_IGNORED | IN_UNMOUNT)) {
		dir_drop(d);
		return;
	}
	if (!e->len)
		return;
	d->changed = true;
	if (!event_in(d, e->name, e->mask))
		dir_drop(d);
}

/* dir: any descriptor of the directory. */
static void doubts_settle(struct dir_index *d, int dir)
{
	struct stat st;

	for (struct change *c = d->doubts.first; c; c = c->next)
		if (fstatat(dir, c->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			(void)change_apply(d, c->name, false); /* taking away cannot fail */
	changes_clear(&d->doubts);
}

static void drain(void)
{
	char buf[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	while (indexes.inotify >= 0 && (n = read(indexes.inotify, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n;) {
			const struct inotify_event *e = (const void *)(buf + i);

			event(e);
			i += (ssize_t)(sizeof(*e) + e->len);
		}
}

/* ---- reading a directory; no lock is held ---- */

struct linux_dirent64 {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

/* each() for every name but "." and ".."; it stops the scan by returning false. */
static int scan(int fd, bool (*each)(void *arg, const char *name), void *arg)
{
	char buf[32768] __attribute__((aligned(8)));
	long n;

	count(&counters.dir_scans);
	while ((n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		count(&counters.dir_reads);
		for (long i = 0; i < n;) {
			const struct linux_dirent64 *e = (const void *)(buf + i);

			i += e->reclen;
			if (strcmp(e->name, ".") == 0 || strcmp(e->name, "..") == 0)
				continue;
			if (!each(arg, e->name))
				return 0;
		}
	}
	return n < 0 ? -errno : 0;
}

struct search {
	const char *leaf;
	size_t leaf_len;
	char *real; /* "" until found */
};

static bool search_each(void *arg, const char *name)
{
	struct search *s = arg;

	if (name_fold_equal(name, strlen(name), s->leaf, s->leaf_len) &&
	    (!*s->real || strcmp(name, s->real) < 0))
		strcpy(s->real, name);
	return true;
}

/* Without an index: read all of it for one question. */
static int find_by_scan(int fd, const char *leaf, char *real)
{
	struct search s = {leaf, strlen(leaf), real};
	int err;

	*real = '\0';
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	err = scan(fd, search_each, &s);
	return err ? err : *real ? 0 : -ENOENT;
}

struct fill {
	struct dir_index *d;
	bool failed;
};

static bool fill_each(void *arg, const char *name)
{
	struct fill *f = arg;

	f->failed = !names_add(f->d, name);
	return !f->failed;
}

static bool is_local(int fd)
{
	static const uint32_t magics[] = {
		0xef53 /* ext4 */,         0x58465342 /* xfs */,       0x9123683e /* btrfs */,
		0x01021994 /* tmpfs */,    0xf2f52010 /* f2fs */,      0x2fc12fc1 /* zfs */,
		0xca451a4e /* bcachefs */, 0x794c7630 /* overlayfs */,
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0)
		return false;
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if ((uint32_t)fs.f_type == magics[i])
			return true;
	return false;
}

static bool folds_itself(int fd)
{
	int flags = 0; /* the kernel writes an int, whatever the number says */

	return ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_CASEFOLD_FL);
}

/* ---- building ---- */

/* A new directory in the set, being built by the caller; NULL when there can be no watch. The mutex
 * is held. The watch is there before anything is read. */
static struct dir_index *dir_new(int fd, const struct stat *st)
{
	char proc[PROC_FD_MAX];
	struct dir_index *d;

	if (indexes.inotify == -1) {
		indexes.inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		if (indexes.inotify < 0) {
			log_warning(
				"no inotify (%s): a name in another case costs a whole read of "
				"its directory; see fs.inotify.max_user_instances",
				strerror(errno));
			indexes.inotify = -2;
		}
	}
	if (indexes.inotify < 0)
		return NULL;
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->wd = inotify_add_watch(indexes.inotify, proc_fd_path(fd, proc), WATCHED);
	if (d->wd < 0) {
		free(d);
		return NULL;
	}
	d->dev = st->st_dev;
	d->ino = st->st_ino;
	d->mtime = st->st_mtim;
	d->ctime = st->st_ctim;
	changes_init(&d->changes);
	changes_init(&d->doubts);
	d->building = true;
	list_push(&indexes.dirs, &d->node);
	indexes.dir_count++;
	return d;
}

/* The read is over: take what changed meanwhile and let others in. The mutex is held. False: it
 * could not be kept, and is gone. */
static bool dir_built(struct dir_index *d, int fd, bool ok)
{
	d->building = false;
	pthread_cond_broadcast(&indexes.built);
	if (d->doomed) {
		dir_free(d);
		return false;
	}
	indexes.bytes += d->bytes;
	for (struct change *c = d->changes.first; ok && c; c = c->next)
		ok = change_apply(d, c->name, c->added);
	if (!ok) {
		dir_drop(d);
		return false;
	}
	changes_clear(&d->changes);
	doubts_settle(d, fd);
	return true;
}

/* Read the directory into a fresh index. The mutex is held on entry and exit, and free between. */
static bool dir_build(struct dir_index *d, int fd)
{
	struct fill fill = {.d = d};
	int err = 0;

	pthread_mutex_unlock(&indexes.mutex);
	d->local = is_local(fd);
	d->casefold = folds_itself(fd);
	if (!d->casefold)
		err = scan(fd, fill_each, &fill);
	pthread_mutex_lock(&indexes.mutex);
	drain();
	return dir_built(d, fd, !err && !fill.failed);
}

/* Is what we know still so? Events have been taken in. The mutex is held. */
static bool dir_is_current(struct dir_index *d, const struct stat *st)
{
	bool same =
		st->st_mtim.tv_sec == d->mtime.tv_sec && st->st_mtim.tv_nsec == d->mtime.tv_nsec &&
		st->st_ctim.tv_sec == d->ctime.tv_sec && st->st_ctim.tv_nsec == d->ctime.tv_nsec;

	if (d->local || same)
		return true;
	if (!d->changed)
		return false;
	d->changed = false;
	d->mtime = st->st_mtim;
	d->ctime = st->st_ctim;
	return true;
}

/* The index of this directory if there is one to trust. The mutex is held, and given up to wait for
 * whoever builds it. */
static struct dir_index *dir_get(int dir, const struct stat *st)
{
	struct dir_index *d;

	drain();
	while ((d = dir_find(st->st_dev, st->st_ino)) && d->building) {
		pthread_cond_wait(&indexes.built, &indexes.mutex);
		drain();
	}
	if (d && (!dir_is_current(d, st) || d->gone > d->hashes.count / 2)) {
		dir_drop(d);
		d = NULL;
	}
	if (d) {
		list_del(&d->node);
		list_push(&indexes.dirs, &d->node);
		doubts_settle(d, dir);
	}
	return d;
}

int index_find(int dir, const char *leaf, char *real)
{
	char proc[PROC_FD_MAX];
	struct dir_index *d;
	struct stat st;
	int fd = -1, err;

	if (fstat(dir, &st) != 0)
		return -errno;
	pthread_mutex_lock(&indexes.mutex);
	d = dir_get(dir, &st);
	if (d) {
		err = names_find(d, leaf, real);
		count(&counters.index_hits);
		if (err != -EAGAIN)
			goto unlock;
	}
	fd = open(proc_fd_path(dir, proc), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		goto unlock;
	}
	if (!d) {
		d = dir_new(fd, &st);
		err = d && dir_build(d, fd) ? names_find(d, leaf, real) : -EAGAIN;
		trim();
		if (err != -EAGAIN)
			goto unlock;
	}
	pthread_mutex_unlock(&indexes.mutex);
	err = find_by_scan(fd, leaf, real);
	close(fd);
	return err;
unlock:
	pthread_mutex_unlock(&indexes.mutex);
	if (fd >= 0)
		close(fd);
	return err;
}

void index_limit(size_t dir_bytes)
{
	pthread_mutex_lock(&indexes.mutex);
	indexes.dir_bytes = dir_bytes ? dir_bytes : DIR_BYTES;
	drop_all();
	pthread_mutex_unlock(&indexes.mutex);
}
