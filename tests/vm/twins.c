/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several mounts of one share, one truth: `twins SEED STEPS DISK MOUNT...` makes a seeded random
 * mix of opens, reads, writes, truncates, renames, locks, deletes and listings over the same few
 * files, each step by any of the mounts, and compares everything with a model in memory and with
 * DISK, the share's folder on the server's own disk. One step after the other: race.c has what runs
 * at once.
 *
 * What may be asked of a client, and what not:
 * - A mount that made a file, and is the only one that ever opened it, may keep what it writes: who
 *   opens the file next sees it, for the server waits until the lease is given back. (Linux 6.12
 *   gives it back before what it kept is answered, so that it may be late.) Otherwise it may keep
 *   it as well, without a lease, so it is told to write at once.
 * - Linux 6.12 does not notice that another mount has made a file longer: it takes for zeros what
 *   is beyond the old end, and writes them back. So a file has one size for ever, or is read and,
 *   when it is not the mount's own, written past the client's cache (O_DIRECT).
 * - It writes what it keeps through any of its handles, also where another one has locked. So who
 *   locks keeps nothing.
 * - Nobody waits for a break of a read lease, nor of a directory's, so what is read, found or
 *   listed may be late. It must come right by itself; how often and how late it was is told.
 * - A MOUNT is a folder, behind it `:nolease` or `:loose` as it is mounted. With `loose` only the
 *   mount that made a file writes to it, and what a mount keeps is dropped when it is late.
 * A step that takes longer than STEP_S_MAX waited for a break that nobody answered.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/vm/chance.h"

#define MOUNTS_MAX 4
#define NAMES      12
#define FOLDERS    2
#define HANDLES    14
#define FILE_MAX   (192u << 10)
#define PIECE_MAX  (40u << 10)
#define STEP_S_MAX 30.0
#define LATE_S_MAX 60.0
#define HISTORY    8192

struct mount {
	const char *path;
	bool caches, loose;
};

/* A file as it has to be, whatever it is called. */
struct object {
	uint8_t *bytes;
	uint32_t size;
	unsigned maker; /* the mount */
	bool fixed;     /* its size never changes: it is read through the cache */
	bool sole;      /* no other mount ever opened it: it has the lease to write */
	bool dirty;     /* and has used it */
	bool known;     /* has a name */
	unsigned opens;
	unsigned number;
};

struct lock {
	uint32_t from, to; /* none: both 0 */
	bool exclusive;
};

struct handle {
	int fd;
	unsigned mount;
	bool writes;
	struct object *object; /* NULL: not open */
	struct lock lock;
};

struct late {
	unsigned count;
	double most_s;
};

static struct mount mounts[MOUNTS_MAX];
static unsigned mount_count;
static const char *disk;
static struct object *names[NAMES];
static struct handle handles[HANDLES];
static unsigned old_name_of[MOUNTS_MAX][NAMES]; /* see is_old_name() */
static struct late late_kept, late_bytes, late_names;
static unsigned steps_done, writes_kept, locks_denied, disk_compared;
static _Atomic double step_began_s;
static struct {
	char text[160];
	unsigned number, object;
} history[HISTORY], *step_now = history; /* a ring */

/* ---- chance, time, complaints */

static uint64_t chance;

static unsigned pick(unsigned below)
{
	return chance_pick(&chance, below);
}

/* What was done to the same file before. */
static void history_tell(unsigned object)
{
	for (unsigned i = 1; i <= HISTORY; i++) {
		unsigned at = ((unsigned)(step_now - history) + i) % HISTORY;

		if (object && history[at].object == object)
			printf("  %u: %s\n", history[at].number, history[at].text);
	}
}

__attribute__((format(printf, 1, 2), noreturn)) static void wrong(const char *format, ...)
{
	va_list args;

	history_tell(step_now->object);
	printf("twins: step %u, %s: ", steps_done, step_now->text);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

/* object: NULL, or what it is about */
__attribute__((format(printf, 2, 3))) static void step_is(const struct object *object,
							  const char *format, ...)
{
	va_list args;

	step_now = step_now == &history[HISTORY - 1] ? history : step_now + 1;
	step_now->number = steps_done;
	step_now->object = object ? object->number : 0;
	va_start(args, format);
	vsnprintf(step_now->text, sizeof(step_now->text), format, args);
	va_end(args);
}

/* A call that never comes back cannot tell of itself. */
static void *watch(void *unused)
{
	for (;; sleep(1))
		if (chance_now_s() - step_began_s > 4 * LATE_S_MAX)
			wrong("hangs");
	return unused;
}

static void step_begin(void)
{
	step_began_s = chance_now_s();
}

static void step_end(void)
{
	double took_s = chance_now_s() - step_began_s;

	if (took_s > STEP_S_MAX)
		wrong("took %.1f s: was a break lost?", took_s);
	steps_done++;
}

/* What is late comes right by itself: `is` says whether it has. */
static bool comes(bool (*is)(const void *), const void *what, struct late *late, bool drop)
{
	double began_s = chance_now_s(), waited_s;

	if (is(what))
		return true;
	do {
		chance_nap();
		if (drop) {
			int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

			if (fd < 0 || write(fd, "3", 1) != 1)
				wrong("caches cannot be dropped: %s", strerror(errno));
			close(fd);
		}
		waited_s = chance_now_s() - began_s;
		if (is(what)) {
			late->count++;
			late->most_s = waited_s > late->most_s ? waited_s : late->most_s;
			return true;
		}
	} while (waited_s < LATE_S_MAX);
	return false;
}

/* ---- the model */

static const char *path_at(char *path, const char *root, unsigned name)
{
	snprintf(path, 256, "%s/folder%u/file%u", root, name % FOLDERS, name);
	return path;
}

static const char *path_of(char *path, unsigned mount, unsigned name)
{
	return path_at(path, mounts[mount].path, name);
}

static struct object *object_new(unsigned maker)
{
	static unsigned count;
	struct object *object = calloc(1, sizeof(*object));

	if (!object || !(object->bytes = calloc(1, FILE_MAX)))
		abort();
	object->maker = maker;
	object->number = ++count;
	object->sole = object->known = true;
	return object;
}

static void object_put(struct object *object)
{
	if (object->opens || object->known)
		return;
	free(object->bytes);
	free(object);
}

static void object_size(struct object *object, uint32_t size)
{
	if (size < object->size)
		memset(object->bytes + size, 0, object->size - size);
	object->size = size;
}

static void name_drop(unsigned name)
{
	struct object *object = names[name];

	names[name] = NULL;
	object->known = false;
	object_put(object);
}

static bool may_write(const struct object *object, unsigned mount)
{
	return !mounts[mount].loose || object->maker == mount;
}

static bool overlap(const struct lock *a, uint32_t from, uint32_t to)
{
	return a->to && a->from < to && from < a->to;
}

/* Somebody else's lock that is in the way. */
static bool locked(const struct handle *h, uint32_t from, uint32_t to, bool writes)
{
	for (unsigned i = 0; i < HANDLES; i++)
		if (&handles[i] != h && handles[i].object == h->object &&
		    overlap(&handles[i].lock, from, to) && (writes || handles[i].lock.exclusive))
			return true;
	return false;
}

static bool any_lock(const struct object *object)
{
	for (unsigned i = 0; i < HANDLES; i++)
		if (handles[i].object == object && handles[i].lock.to)
			return true;
	return false;
}

/* The mount has the object open, or only for writing. */
static bool has_open(unsigned mount, unsigned number, bool writing)
{
	for (unsigned i = 0; i < HANDLES; i++)
		if (handles[i].object && handles[i].object->number == number &&
		    handles[i].mount == mount && handles[i].writes >= writing)
			return true;
	return false;
}

/* Linux goes on believing in the name of a file that it has open and a lease of, though another
 * mount has renamed it. */
static bool is_old_name(unsigned mount, unsigned name)
{
	return old_name_of[mount][name] && has_open(mount, old_name_of[mount][name], false);
}

static struct handle *handle_any(void)
{
	unsigned at = pick(HANDLES);

	for (unsigned i = 0; i < HANDLES; i++)
		if (handles[(at + i) % HANDLES].object)
			return &handles[(at + i) % HANDLES];
	return NULL;
}

static struct handle *handle_free(void)
{
	for (unsigned i = 0; i < HANDLES; i++)
		if (!handles[i].object)
			return &handles[i];
	return NULL;
}

/* ---- what is compared */

struct range {
	int fd;
	bool direct;
	const struct object *object;
	uint32_t offset, length;
	bool asks;
	uint32_t differs; /* where, if it does */
	ssize_t got;
};

static void direct_set(int fd, bool direct)
{
	if (fcntl(fd, F_SETFL, direct ? O_DIRECT : 0) != 0)
		wrong("O_DIRECT: %s", strerror(errno));
}

static bool bytes_are(const void *arg)
{
	static uint8_t buffer[FILE_MAX + 4096];
	struct range *r = (struct range *)arg;
	uint32_t left = r->offset < r->object->size ? r->object->size - r->offset : 0;
	uint32_t want = left < r->length ? left : r->length;
	struct stat st;

	if (r->asks) /* cache=loose looks for changes when it is asked what the file is like */
		(void)fstat(r->fd, &st);
	if (r->direct)
		direct_set(r->fd, true);
	r->got = pread(r->fd, buffer, r->length, r->offset);
	if (r->direct)
		direct_set(r->fd, false);
	for (r->differs = 0; r->got >= 0 && r->differs < want && r->differs < (uint32_t)r->got;
	     r->differs++)
		if (buffer[r->differs] != r->object->bytes[r->offset + r->differs])
			return false;
	return r->got == (ssize_t)want;
}

/* Is it the server or the client that has it wrong? */
static const char *disk_has(const struct object *object, const struct range *range)
{
	struct range r = *range;
	char path[256];
	bool right;

	for (unsigned name = 0; name < NAMES; name++) {
		if (names[name] != object)
			continue;
		r.fd = open(path_at(path, disk, name), O_RDONLY);
		r.direct = r.asks = false;
		right = r.fd >= 0 && bytes_are(&r);
		close(r.fd);
		return right ? "the server's disk has it right" : "so has the server's disk";
	}
	return "";
}

static void compare(int fd, const struct object *object, uint32_t offset, uint32_t length,
		    struct late *late, const struct mount *mount)
{
	bool drop = mount && mount->loose;
	struct range r = {.fd = fd,
			  .direct = mount && !drop && !object->fixed,
			  .object = object,
			  .offset = offset,
			  .length = length,
			  .asks = drop};

	if (late ? comes(bytes_are, &r, late, drop) : bytes_are(&r))
		return;
	if (r.got < 0)
		wrong("read %u at %u: %s", length, offset, strerror(errno));
	wrong("read %u at %u of a file of %u: got %zd, of which %u are as they should be; %s%s",
	      length, offset, object->size, r.got, r.differs, disk_has(object, &r),
	      late == &late_kept ? " (its lease to write was broken)" : "");
}

struct lookup {
	unsigned mount, name;
	struct stat st;
	int err;
};

static bool name_is(const void *arg)
{
	struct lookup *l = (struct lookup *)arg;
	const struct object *object = names[l->name];
	char path[256];

	l->err = stat(path_of(path, l->mount, l->name), &l->st) == 0 ? 0 : errno;
	if (!object || l->err)
		return !object && l->err == ENOENT;
	if (object->dirty && l->mount != object->maker)
		return true;
	/* Linux never believes that a file has shrunk which it has open for writing */
	return l->st.st_size == (off_t)object->size ||
	       (l->st.st_size > (off_t)object->size && has_open(l->mount, object->number, true));
}

static void name_check(unsigned mount, unsigned name)
{
	struct lookup l = {.mount = mount, .name = name};

	if (is_old_name(mount, name))
		return;
	if (comes(name_is, &l, &late_names, mounts[mount].loose))
		return;
	wrong("stat says %s, %lld bytes; it should be %s, %u bytes",
	      l.err ? strerror(l.err) : "there", (long long)l.st.st_size,
	      names[name] ? "there" : "absent", names[name] ? names[name]->size : 0);
}

struct listing {
	unsigned mount, folder;
	unsigned more, missing;
};

static bool listing_is(const void *arg)
{
	struct listing *l = (struct listing *)arg;
	bool seen[NAMES] = {false};
	struct dirent *entry;
	char path[256];
	unsigned name;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/folder%u", mounts[l->mount].path, l->folder);
	dir = opendir(path);
	l->more = l->missing = 0;
	while (dir && (entry = readdir(dir)))
		if (sscanf(entry->d_name, "file%u", &name) == 1 && name < NAMES)
			seen[name] = true;
	if (dir)
		closedir(dir);
	for (name = l->folder; name < NAMES; name += FOLDERS) {
		l->more += seen[name] && !names[name];
		l->missing += !seen[name] && names[name];
	}
	return dir && !l->more && !l->missing;
}

static void object_on_disk(unsigned name)
{
	char path[256];
	struct stat st;
	int fd = open(path_at(path, disk, name), O_RDONLY);

	if (fd < 0 || fstat(fd, &st) != 0)
		wrong("on the server's disk: %s", strerror(errno));
	if (st.st_size != (off_t)names[name]->size)
		wrong("has %lld bytes on the server's disk, not %u", (long long)st.st_size,
		      names[name]->size);
	compare(fd, names[name], 0, FILE_MAX, NULL, NULL);
	close(fd);
	disk_compared++;
}

/* ---- the steps */

/* What is written through it may stay with the client. */
static bool keeps(const struct handle *h)
{
	return h->object->sole && mounts[h->mount].caches && !any_lock(h->object);
}

/* A new handle's file is seen as it is, kept writes of another mount included. */
static void opened(struct handle *h, int fd, unsigned mount, bool writes, struct object *object)
{
	bool others = object->maker != mount;
	bool gives_back = others && object->sole && object->dirty;

	*h = (struct handle){.fd = fd, .mount = mount, .writes = writes, .object = object};
	object->opens++;
	if (others) {
		object->sole = object->dirty = false;
		if (!any_lock(object))
			compare(fd, object, 0, FILE_MAX, gives_back ? &late_kept : &late_bytes,
				&mounts[mount]);
	}
}

/* To the size that it keeps, before anybody else has heard of it. */
static void object_fill(struct object *object, int fd)
{
	object->fixed = true;
	object->size = FILE_MAX;
	if (pwrite(fd, object->bytes, FILE_MAX, 0) != FILE_MAX || fsync(fd) != 0)
		wrong("fill: %s", strerror(errno));
}

static void do_open(unsigned mount, unsigned name)
{
	struct object *object = names[name];
	struct handle *h = handle_free();
	bool writes = pick(3) > 0 && (!object || may_write(object, mount));
	bool cut = object && !object->fixed && writes && pick(12) == 0 && !any_lock(object);
	bool exclusive = pick(4) == 0;
	char path[256];
	int flags, fd;

	if (!h || is_old_name(mount, name))
		return;
	flags = (writes ? O_RDWR : O_RDONLY) | (cut ? O_TRUNC : 0);
	flags |= !object || exclusive ? O_CREAT | O_EXCL : 0;
	step_is(object, "mount %u opens file%u, flags %#o", mount, name, (unsigned)flags);
	fd = open(path_of(path, mount, name), flags, 0644);
	if (object && exclusive) {
		if (fd >= 0 || errno != EEXIST)
			wrong("made anew what is there (%s)", fd < 0 ? strerror(errno) : "opened");
		return;
	}
	/* what was deleted or renamed a moment ago may still be known by its old name */
	for (double began_s = chance_now_s(); fd < 0 && chance_now_s() - began_s < LATE_S_MAX;
	     chance_nap()) {
		fd = open(path_of(path, mount, name), flags, 0644);
		late_names.count += fd >= 0;
	}
	if (fd < 0)
		wrong("%s", strerror(errno));
	if (!object) {
		object = names[name] = object_new(mount);
		step_now->object = object->number;
		if (writes && pick(2))
			object_fill(object, fd);
	}
	if (cut)
		object_size(object, 0);
	opened(h, fd, mount, writes, object);
}

static void do_close(struct handle *h)
{
	struct object *object = h->object;

	step_is(object, "mount %u closes", h->mount);
	if (close(h->fd) != 0)
		wrong("%s", strerror(errno));
	if (h->writes && h->mount == object->maker)
		object->dirty = false;
	h->object = NULL;
	object->opens--;
	object_put(object);
}

static void do_read(struct handle *h)
{
	uint32_t offset = pick(h->object->size + 4096), length = 1 + pick(PIECE_MAX);

	step_is(h->object, "mount %u reads %u at %u", h->mount, length, offset);
	if (!locked(h, h->object->fixed ? 0 : offset, h->object->fixed ? FILE_MAX : offset + length,
		    false))
		compare(h->fd, h->object, offset, length, &late_bytes, &mounts[h->mount]);
}

static void do_fsync(struct handle *h)
{
	if (h->writes && fsync(h->fd) != 0)
		wrong("fsync: %s", strerror(errno));
	if (h->writes && h->mount == h->object->maker)
		h->object->dirty = false;
}

static void do_fsync_step(struct handle *h)
{
	step_is(h->object, "mount %u flushes", h->mount);
	do_fsync(h);
}

static ssize_t pwrite_shared(const struct handle *h, const void *bytes, size_t length, off_t offset)
{
	bool direct = !keeps(h) && !mounts[h->mount].loose;
	ssize_t n;

	if (direct)
		direct_set(h->fd, true);
	n = pwrite(h->fd, bytes, length, offset);
	if (direct)
		direct_set(h->fd, false);
	return n;
}

static void do_write(struct handle *h)
{
	struct object *object = h->object;
	uint32_t offset = pick(object->size + (pick(4) == 0 ? 20000 : 1)),
		 length = 1 + pick(PIECE_MAX);
	static uint8_t bytes[PIECE_MAX];
	uint64_t word = chance;
	ssize_t n;

	if (!h->writes || !may_write(object, h->mount) ||
	    offset + length > (object->fixed ? object->size : FILE_MAX) ||
	    locked(h, 0, UINT32_MAX, true) || (h->lock.to && !h->lock.exclusive))
		return; /* a shared lock is against its owner, too */
	step_is(object, "mount %u writes %u at %u of %u", h->mount, length, offset, object->size);
	for (uint32_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)(chance_mix(word + i / 8) >> (8 * (i % 8)));
	n = pwrite_shared(h, bytes, length, offset);
	if (n != (ssize_t)length)
		wrong("%zd written: %s", n, strerror(errno));
	memcpy(object->bytes + offset, bytes, length);
	if (offset + length > object->size)
		object->size = offset + length;
	if (keeps(h)) {
		object->dirty = true;
		writes_kept++;
	} else {
		do_fsync(h);
	}
}

static void do_truncate(struct handle *h)
{
	struct object *object = h->object;
	uint32_t size = pick(2) ? pick(object->size + 1) : pick(FILE_MAX);

	if (!h->writes || object->fixed || !may_write(object, h->mount) || any_lock(object))
		return;
	step_is(object, "mount %u truncates %u to %u", h->mount, object->size, size);
	if (ftruncate(h->fd, size) != 0)
		wrong("%s", strerror(errno));
	object_size(object, size);
	do_fsync(h);
}

/* To a name that is free, or whose file nobody has open. */
static void do_rename(unsigned mount, unsigned from, unsigned to)
{
	char old[256], new[256];
	struct object *object = names[from];

	if (!object || from == to || (names[to] && names[to]->opens) || is_old_name(mount, from) ||
	    is_old_name(mount, to))
		return;
	step_is(object, "mount %u renames file%u (%u opens) to file%u%s", mount, from,
		object->opens, to, names[to] ? ", which is there" : "");
	name_check(mount, from);
	if (rename(path_of(old, mount, from), path_of(new, mount, to)) != 0)
		wrong("%s", strerror(errno));
	if (names[to])
		name_drop(to);
	names[to] = object;
	names[from] = NULL;
	for (unsigned other = 0; other < mount_count; other++)
		old_name_of[other][from] = other == mount ? 0 : object->number;
}

static void do_unlink(unsigned mount, unsigned name)
{
	char path[256];

	if (!names[name] || names[name]->opens || is_old_name(mount, name))
		return;
	step_is(names[name], "mount %u deletes file%u", mount, name);
	name_check(mount, name);
	if (unlink(path_of(path, mount, name)) != 0)
		wrong("%s", strerror(errno));
	name_drop(name);
}

static void do_lock(struct handle *h)
{
	uint32_t from = pick(FILE_MAX), to = from + 1 + pick(FILE_MAX / 4);
	struct lock lock = {from, to, h->writes && pick(2)};
	struct flock fl = {.l_type = lock.exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};
	bool expected = !locked(h, from, to, lock.exclusive);
	bool unlocks = h->lock.to;
	bool got;

	if (h->object->dirty && !h->writes)
		return;

	if (unlocks) {
		fl.l_type = F_UNLCK;
		from = h->lock.from, to = h->lock.to;
	}
	fl.l_start = from, fl.l_len = to - from;
	step_is(h->object, "mount %u %s %u to %u", h->mount,
		unlocks          ? "unlocks"
		: lock.exclusive ? "locks"
				 : "shares",
		from, to);
	if (h->object->dirty)
		do_fsync(h);
	got = fcntl(h->fd, F_OFD_SETLK, &fl) == 0;
	if (!got && (unlocks || (errno != EAGAIN && errno != EACCES)))
		wrong("%s", strerror(errno));
	if (!unlocks && got != expected)
		wrong("%s, though %s", got ? "granted" : "denied",
		      expected ? "nothing is in the way" : "another's is in the way");
	locks_denied += !got;
	if (got)
		h->lock = unlocks ? (struct lock){0} : lock;
}

static void do_list(unsigned mount, unsigned folder)
{
	struct listing l = {.mount = mount, .folder = folder};

	step_is(NULL, "mount %u lists folder%u", mount, folder);
	if (!comes(listing_is, &l, &late_names, mounts[mount].loose))
		wrong("%u names too many, %u missing", l.more, l.missing);
}

static void do_disk(unsigned name)
{
	step_is(names[name], "file%u", name);
	if (names[name] && !names[name]->dirty)
		object_on_disk(name);
}

static void step_with(struct handle *h, unsigned what)
{
	if (what < 30)
		do_read(h);
	else if (what < 55)
		do_write(h);
	else if (what < 60)
		do_truncate(h);
	else if (what < 72)
		do_lock(h);
	else if (what < 75)
		do_fsync_step(h);
	else
		do_close(h);
}

static void step(void)
{
	unsigned mount = pick(mount_count), name = pick(NAMES), what = pick(100);
	struct handle *h = handle_any();

	step_begin();
	if (what < 50 && h) {
		step_with(h, pick(105));
	} else if (what < 70) {
		do_open(mount, name);
	} else if (what < 77) {
		do_rename(mount, name, pick(NAMES));
	} else if (what < 82) {
		do_unlink(mount, name);
	} else if (what < 90) {
		step_is(names[name], "mount %u asks for file%u", mount, name);
		name_check(mount, name);
	} else if (what < 94) {
		do_list(mount, name % FOLDERS);
	} else {
		do_disk(name);
	}
	step_end();
}

static void mix_end(void)
{
	for (unsigned i = 0; i < HANDLES; i++) {
		if (!handles[i].object)
			continue;
		step_begin();
		do_close(&handles[i]);
		step_end();
	}
	for (unsigned name = 0; name < NAMES; name++) {
		step_begin();
		do_disk(name);
		for (unsigned mount = 0; mount < mount_count; mount++) {
			name_check(mount, name);
			if (names[name])
				do_open(mount, name);
			if (handles[0].object)
				do_close(&handles[0]);
		}
		step_end();
	}
}

static int run_mix(unsigned steps)
{
	for (unsigned i = 0; i < steps; i++)
		step();
	mix_end();
	printf("%u steps; %u writes kept under a lease; %u locks denied; %u files compared on the disk\n"
	       "late: %u reads, at most %.3f s; %u of what was kept, %.3f s; %u names, %.3f s\n",
	       steps_done, writes_kept, locks_denied, disk_compared, late_bytes.count,
	       late_bytes.most_s, late_kept.count, late_kept.most_s, late_names.count,
	       late_names.most_s);
	return 0;
}

static void mount_parse(char *word)
{
	struct mount *m = &mounts[mount_count++];
	char *how = strchr(word, ':');

	if (how)
		*how++ = 0;
	m->path = word;
	m->loose = how && strcmp(how, "loose") == 0;
	m->caches = !how || m->loose;
}

static void folders_make(void)
{
	char path[256];

	for (unsigned i = 0; i < FOLDERS; i++) {
		snprintf(path, sizeof(path), "%s/folder%u", mounts[0].path, i);
		if (mkdir(path, 0777) != 0)
			wrong("%s: %s", path, strerror(errno));
	}
}

int main(int argc, char **argv)
{
	pthread_t watcher;

	if (argc < 5 || argc > 4 + MOUNTS_MAX) {
		fputs("usage: twins SEED STEPS DISK MOUNT[:nolease|:loose]...\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	chance = strtoull(argv[1], NULL, 10);
	disk = argv[3];
	for (int i = 4; i < argc; i++)
		mount_parse(argv[i]);
	printf("seed %llu\n", (unsigned long long)chance);
	step_begin();
	if (pthread_create(&watcher, NULL, watch, NULL) != 0)
		abort();
	step_is(NULL, "begin");
	folders_make();
	return run_mix((unsigned)atoi(argv[2]));
}
