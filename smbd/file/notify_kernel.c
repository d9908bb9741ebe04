/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/file/notify_kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <talloc.h>

#include "smbd/file/notify.h"
#include "transport/base/clock.h"
#include "transport/base/log.h"

#define EVENTS                                                                         \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY | IN_ATTRIB | \
	 IN_ONLYDIR | IN_EXCL_UNLINK)

/* Events are looked at so much later than they were read, that what is our own has been told by
 * then. */
#define SETTLE_MS 200
/* What the kernel may bring in that time without a queue that grows: its own holds 16384 events. */
#define EVENTS_BYTES (256u << 10)
/* For how long an event may be our own: that a name came or went is counted, so it may come late,
 * on a machine that is busy. */
#define OWN_NAME_NS  (20 * NS_PER_SEC)
#define OWN_DATA_NS  (2 * NS_PER_SEC)
#define OWN_SLOTS    4096
#define DEPTH_MAX    128
#define WD_BUCKETS   1024
#define ROOT_BUCKETS 1024

/* What one notify_kernel_add() asked for. */
struct notify_root {
	struct list_node node, by_path;
	char *path;
	int fd;
	bool tree, walked;
};

struct watched {
	struct list_node node, by_wd;
	char *path;
	int wd;
	bool dropped; /* but what was queued before that is yet to be read */
};

enum own_kind { OWN_APPEARED, OWN_WENT, OWN_MODIFIED, OWN_KINDS };

struct own {
	uint64_t hash, at_ns[OWN_KINDS];
	unsigned times[OWN_KINDS]; /* that the kernel has not told back */
};

struct notify_kernel {
	struct notify *notify;
	unsigned max;
	int inotify, wake; /* -1: not begun */
	pthread_t thread;
	atomic_bool stop, complained;

	pthread_mutex_t mutex; /* of what follows */
	struct list_node roots, by_path[ROOT_BUCKETS];
	struct list_node watched, by_wd[WD_BUCKETS];
	unsigned count;
	struct own own[OWN_SLOTS];

	_Alignas(struct inotify_event) char events[EVENTS_BYTES]; /* the thread's */
};

static struct notify_root *root_of(struct list_node *n)
{
	return container_of(n, struct notify_root, node);
}

static struct watched *watched_of(struct list_node *n)
{
	return container_of(n, struct watched, node);
}

static bool is_at_or_below(const char *path, const char *dir, size_t len)
{
	return strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static void complain(struct notify_kernel *k, const char *path, const char *why)
{
	if (!atomic_exchange(&k->complained, true))
		log_warning(
			"clients are not told of what local processes change below %s, and "
			"perhaps elsewhere: %s",
			path, why);
}

/* ---- our own changes ---- */

static uint64_t path_hash(const char *path, size_t len)
{
	uint64_t hash = 14695981039346656037ull;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)path[i]) * 1099511628211ull;
	return hash ^ hash >> 29;
}

static enum own_kind own_kind(uint32_t action)
{
	switch (action) {
	case FILE_ACTION_ADDED:
	case FILE_ACTION_RENAMED_NEW_NAME:
		return OWN_APPEARED;
	case FILE_ACTION_REMOVED:
	case FILE_ACTION_RENAMED_OLD_NAME:
		return OWN_WENT;
	default:
		return OWN_MODIFIED;
	}
}

static uint64_t own_ns(enum own_kind kind)
{
	return kind == OWN_MODIFIED ? OWN_DATA_NS : OWN_NAME_NS;
}

/* The mutex is held. */
static void own_count(struct own *own, uint64_t hash, enum own_kind kind)
{
	uint64_t now = clock_mono_ns();

	if (own->hash != hash)
		*own = (struct own){.hash = hash};
	if (now - own->at_ns[kind] > own_ns(kind))
		own->times[kind] = 0;
	own->times[kind]++;
	own->at_ns[kind] = now;
	own->at_ns[OWN_MODIFIED] = now; /* a new name is a change too */
}

/* A name comes or goes once each time; that it was changed may be said often. */
static bool is_own(struct notify_kernel *k, uint32_t action, const char *path)
{
	uint64_t hash = path_hash(path, strlen(path));
	struct own *own = &k->own[hash % OWN_SLOTS];
	enum own_kind kind = own_kind(action);
	bool is;

	pthread_mutex_lock(&k->mutex);
	is = own->hash == hash && clock_mono_ns() - own->at_ns[kind] < own_ns(kind) &&
	     (kind == OWN_MODIFIED || own->times[kind] > 0);
	if (is && kind != OWN_MODIFIED)
		own->times[kind]--;
	pthread_mutex_unlock(&k->mutex);
	return is;
}

/* ---- what is watched; the mutex is held ---- */

static struct list_node *wd_bucket(struct notify_kernel *k, int wd)
{
	return &k->by_wd[(unsigned)wd % WD_BUCKETS];
}

static struct watched *watched_find(struct notify_kernel *k, int wd)
{
	list_for_each (n, wd_bucket(k, wd)) {
		struct watched *w = container_of(n, struct watched, by_wd);

		if (w->wd == wd)
			return w;
	}
	return NULL;
}

static void watched_free(struct watched *w)
{
	list_del(&w->node);
	list_del(&w->by_wd);
	talloc_free(w);
}

/* The kernel says IN_IGNORED after the last of its events. */
static void watched_drop(struct notify_kernel *k, struct watched *w)
{
	if (w->dropped)
		return;
	w->dropped = true;
	k->count--;
	inotify_rm_watch(k->inotify, w->wd);
}

static struct list_node *root_bucket(struct notify_kernel *k, const char *path, size_t len)
{
	return &k->by_path[path_hash(path, len) % ROOT_BUCKETS];
}

/* Of the first len bytes of the path, and of the directories above those only the trees: each
 * change of ours asks, however much is watched. */
static bool is_covered(struct notify_kernel *k, const char *path, size_t len)
{
	const char *end = path + len;

	for (bool itself = true; end; itself = false) {
		len = (size_t)(end - path);
		list_for_each (n, root_bucket(k, path, len)) {
			const struct notify_root *r = container_of(n, struct notify_root, by_path);

			if ((itself || r->tree) && strncmp(r->path, path, len) == 0 &&
			    r->path[len] == '\0')
				return true;
		}
		end = memrchr(path, '/', len);
	}
	return false;
}

/* What is not watched is not told back. */
void notify_kernel_own(struct notify_kernel *k, uint32_t action, const char *path)
{
	uint64_t hash = path_hash(path, strlen(path));

	pthread_mutex_lock(&k->mutex);
	if (is_covered(k, path, (size_t)(strrchr(path, '/') - path)))
		own_count(&k->own[hash % OWN_SLOTS], hash, own_kind(action));
	pthread_mutex_unlock(&k->mutex);
}

static bool watched_add(struct notify_kernel *k, int fd, const char *path)
{
	struct watched *w;
	char proc[64];
	int wd;

	if (k->count >= k->max) {
		complain(k, path, "the limit 'smb3d:notify watches' is reached");
		return false;
	}
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	wd = inotify_add_watch(k->inotify, proc, EVENTS);
	if (wd < 0) {
		complain(k, path,
			 errno == ENOSPC ? "the limit fs.inotify.max_user_watches is reached"
					 : strerror(errno));
		return false;
	}
	w = watched_find(k, wd);
	if (w)
		return true;
	w = talloc_zero(NULL, struct watched);
	if (!w || !(w->path = talloc_strdup(w, path))) {
		talloc_free(w);
		inotify_rm_watch(k->inotify, wd);
		return false;
	}
	w->wd = wd;
	list_push(&k->watched, &w->node);
	list_push(wd_bucket(k, wd), &w->by_wd);
	k->count++;
	return true;
}

static void root_free(struct notify_root *r)
{
	list_del(&r->node);
	list_del(&r->by_path);
	if (r->fd >= 0)
		close(r->fd);
	talloc_free(r);
}

/* ---- trees: on the thread ---- */

static void walk(struct notify_kernel *k, int fd, const char *path, unsigned depth);

static bool walk_entry(struct notify_kernel *k, int dir, const char *path, const char *name,
		       unsigned depth)
{
	int fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char *below = fd >= 0 ? talloc_asprintf(NULL, "%s/%s", path, name) : NULL;
	bool more = true;

	if (below) {
		pthread_mutex_lock(&k->mutex);
		more = watched_add(k, fd, below);
		pthread_mutex_unlock(&k->mutex);
	}
	if (below && more)
		walk(k, fd, below, depth + 1);
	talloc_free(below);
	if (fd >= 0)
		close(fd);
	return more;
}

/* All directories below, which is watched itself already. */
static void walk(struct notify_kernel *k, int fd, const char *path, unsigned depth)
{
	int dir = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = dir >= 0 ? fdopendir(dir) : NULL;
	struct dirent *entry;
	bool more = depth < DEPTH_MAX;

	if (!stream) {
		if (dir >= 0)
			close(dir);
		return;
	}
	while (more && !atomic_load(&k->stop) && (entry = readdir(stream)) != NULL) {
		if ((entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN) &&
		    strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			more = walk_entry(k, dir, path, entry->d_name, depth);
	}
	closedir(stream);
}

/* New trees that were asked for. */
static void walk_roots(struct notify_kernel *k)
{
	int fd = -1;
	char *path = NULL;

	do {
		talloc_free(path);
		path = NULL;
		pthread_mutex_lock(&k->mutex);
		list_for_each (n, &k->roots) {
			struct notify_root *r = root_of(n);

			if (!r->tree || r->walked)
				continue;
			r->walked = true;
			fd = fcntl(r->fd, F_DUPFD_CLOEXEC, 0);
			path = talloc_strdup(NULL, r->path);
			break;
		}
		pthread_mutex_unlock(&k->mutex);
		if (path && fd >= 0)
			walk(k, fd, path, 0);
		if (path && fd >= 0)
			close(fd);
	} while (path);
}

/* A directory came into a watched one: it, and what is in it. */
static void directory_came(struct notify_kernel *k, const char *parent, const char *name,
			   const char *path)
{
	int dir;
	bool covered;

	pthread_mutex_lock(&k->mutex);
	covered = is_covered(k, path, strlen(path));
	pthread_mutex_unlock(&k->mutex);
	dir = covered ? open(parent, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
	if (dir >= 0) {
		(void)walk_entry(k, dir, parent, name, 0);
		close(dir);
	}
}

static void directory_went(struct notify_kernel *k, const char *path)
{
	size_t len = strlen(path);

	pthread_mutex_lock(&k->mutex);
	list_for_each_safe (n, &k->watched) {
		struct watched *w = watched_of(n);

		if (is_at_or_below(w->path, path, len) && strcmp(w->path, path) != 0)
			watched_drop(k, w);
	}
	pthread_mutex_unlock(&k->mutex);
}

/* ---- events: on the thread ---- */

/* watched: it still is. */
static char *event_path(struct notify_kernel *k, const struct inotify_event *e, char **parent,
			bool *watched)
{
	struct watched *w;
	char *path = NULL;

	*parent = NULL;
	if (e->len == 0)
		return NULL;
	pthread_mutex_lock(&k->mutex);
	w = watched_find(k, e->wd);
	if (w) {
		path = talloc_asprintf(NULL, "%s/%s", w->path, e->name);
		*parent = path ? talloc_strdup(path, w->path) : NULL;
		*watched = !w->dropped;
	}
	pthread_mutex_unlock(&k->mutex);
	return path;
}

static struct notify_change change_of(const struct inotify_event *e, const char *path)
{
	struct notify_change change = {.path = path,
				       .filter = e->mask & IN_ISDIR ? FILE_NOTIFY_CHANGE_DIR_NAME
								    : FILE_NOTIFY_CHANGE_FILE_NAME};

	if (e->mask & (IN_CREATE | IN_MOVED_TO)) {
		change.action = FILE_ACTION_ADDED;
	} else if (e->mask & (IN_DELETE | IN_MOVED_FROM)) {
		change.action = FILE_ACTION_REMOVED;
	} else {
		change.action = FILE_ACTION_MODIFIED;
		change.filter =
			e->mask & IN_MODIFY
				? FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_LAST_WRITE
				: FILE_NOTIFY_CHANGE_ATTRIBUTES | FILE_NOTIFY_CHANGE_LAST_WRITE |
					  FILE_NOTIFY_CHANGE_LAST_ACCESS | FILE_NOTIFY_CHANGE_EA |
					  FILE_NOTIFY_CHANGE_SECURITY;
	}
	return change;
}

static void tell(struct notify_kernel *k, struct notify_change *changes, unsigned count,
		 bool watched)
{
	unsigned own = 0;

	for (unsigned i = 0; i < count; i++)
		own += is_own(k, changes[i].action, changes[i].path);
	if (own < count && watched)
		notify_tell_local(k->notify, changes, count);
}

static bool is_renamed(const struct inotify_event *e, const struct inotify_event *next)
{
	return next && (e->mask & IN_MOVED_FROM) && (next->mask & IN_MOVED_TO) &&
	       e->cookie == next->cookie && e->wd == next->wd;
}

/* Returns how many of the two it was about. */
static unsigned event(struct notify_kernel *k, const struct inotify_event *e,
		      const struct inotify_event *next)
{
	bool renamed = is_renamed(e, next), watched = false;
	char *parent, *to_parent = NULL, *path = event_path(k, e, &parent, &watched);
	char *to = renamed ? event_path(k, next, &to_parent, &watched) : NULL;
	struct notify_change changes[2];

	if (e->mask & IN_Q_OVERFLOW)
		notify_overflow(k->notify);
	if (!path || !parent || (renamed && !to))
		goto free_paths;
	changes[0] = change_of(e, path);
	if (renamed) {
		changes[1] = change_of(next, to);
		changes[0].action = FILE_ACTION_RENAMED_OLD_NAME;
		changes[1].action = FILE_ACTION_RENAMED_NEW_NAME;
	}
	tell(k, changes, renamed ? 2 : 1, watched);
	if ((e->mask & IN_ISDIR) && (e->mask & (IN_MOVED_FROM | IN_DELETE)))
		directory_went(k, path);
	if ((e->mask & IN_ISDIR) && (e->mask & (IN_MOVED_TO | IN_CREATE)))
		directory_came(k, parent, e->name, path);
	if (renamed && (next->mask & IN_ISDIR))
		directory_came(k, parent, next->name, to);
free_paths:
	talloc_free(path);
	talloc_free(to);
	return renamed ? 2 : 1;
}

/* It was dropped, or the directory is gone. */
static void event_ignored(struct notify_kernel *k, int wd)
{
	struct watched *w;

	pthread_mutex_lock(&k->mutex);
	w = watched_find(k, wd);
	if (w && !w->dropped)
		k->count--;
	if (w)
		watched_free(w);
	pthread_mutex_unlock(&k->mutex);
}

static void read_events(struct notify_kernel *k)
{
	const struct timespec settle = {.tv_nsec = SETTLE_MS * NS_PER_MS};
	ssize_t n = read(k->inotify, k->events, sizeof(k->events));

	nanosleep(&settle, NULL);
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *e = (const void *)(k->events + at), *next = NULL;
		ssize_t after = at + (ssize_t)(sizeof(*e) + e->len);

		if (after < n)
			next = (const void *)(k->events + after);
		if (e->mask & IN_IGNORED)
			event_ignored(k, e->wd);
		else if (event(k, e, next) == 2)
			after += (ssize_t)(sizeof(*next) + next->len);
		at = after;
	}
}

static void *run(void *arg)
{
	struct notify_kernel *k = arg;
	struct pollfd fds[] = {{.fd = k->inotify, .events = POLLIN},
			       {.fd = k->wake, .events = POLLIN}};
	eventfd_t woken;

	while (!atomic_load(&k->stop)) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents)
			(void)eventfd_read(k->wake, &woken);
		walk_roots(k);
		if ((fds[0].revents & POLLIN) && !atomic_load(&k->stop))
			read_events(k);
	}
	return NULL;
}

/* ---- the calls ---- */

struct notify_kernel *notify_kernel_new(struct notify *n, unsigned max)
{
	struct notify_kernel *k = talloc_zero(NULL, struct notify_kernel);

	if (!k)
		return NULL;
	k->notify = n;
	k->max = max;
	k->inotify = k->wake = -1;
	pthread_mutex_init(&k->mutex, NULL);
	list_init(&k->roots);
	list_init(&k->watched);
	for (unsigned i = 0; i < WD_BUCKETS; i++)
		list_init(&k->by_wd[i]);
	for (unsigned i = 0; i < ROOT_BUCKETS; i++)
		list_init(&k->by_path[i]);
	return k;
}

/* The mutex is held. */
static bool begin(struct notify_kernel *k)
{
	if (k->inotify >= 0)
		return true;
	k->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	k->wake = k->inotify >= 0 ? eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) : -1;
	if (k->wake >= 0 && pthread_create(&k->thread, NULL, run, k) == 0)
		return true;
	if (k->inotify >= 0)
		close(k->inotify);
	if (k->wake >= 0)
		close(k->wake);
	k->inotify = k->wake = -1;
	return false;
}

void notify_kernel_free(struct notify_kernel *k)
{
	if (!k)
		return;
	if (k->inotify >= 0) {
		atomic_store(&k->stop, true);
		eventfd_write(k->wake, 1);
		pthread_join(k->thread, NULL);
		while (!list_empty(&k->roots))
			root_free(root_of(list_first(&k->roots)));
		while (!list_empty(&k->watched))
			watched_free(watched_of(list_first(&k->watched)));
		close(k->inotify);
		close(k->wake);
	}
	pthread_mutex_destroy(&k->mutex);
	talloc_free(k);
}

struct notify_root *notify_kernel_add(struct notify_kernel *k, int fd, const char *path, bool tree)
{
	struct notify_root *r = talloc_zero(NULL, struct notify_root);

	if (!r || !(r->path = talloc_strdup(r, path))) {
		talloc_free(r);
		return NULL;
	}
	list_init(&r->node);
	list_init(&r->by_path);
	r->tree = tree;
	r->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	pthread_mutex_lock(&k->mutex);
	if (r->fd < 0 || !begin(k)) {
		complain(k, path, strerror(errno));
		root_free(r);
		r = NULL;
	} else {
		list_push(&k->roots, &r->node);
		list_push(root_bucket(k, path, strlen(path)), &r->by_path);
		(void)watched_add(k, fd, path);
		if (tree)
			eventfd_write(k->wake, 1);
	}
	pthread_mutex_unlock(&k->mutex);
	return r;
}

/* Only what is at its path, or in its tree, can be uncovered by this. */
void notify_kernel_remove(struct notify_kernel *k, struct notify_root *root)
{
	size_t len;

	pthread_mutex_lock(&k->mutex);
	len = strlen(root->path);
	list_del(&root->node);
	list_del(&root->by_path);
	list_for_each_safe (n, &k->watched) {
		const char *at = watched_of(n)->path;

		if ((root->tree ? is_at_or_below(at, root->path, len)
				: strcmp(at, root->path) == 0) &&
		    !is_covered(k, at, strlen(at)))
			watched_drop(k, watched_of(n));
	}
	root_free(root);
	pthread_mutex_unlock(&k->mutex);
}

static void path_move(void *owner, char **path, const char *from, size_t from_len, const char *to)
{
	char *moved;

	if (!is_at_or_below(*path, from, from_len))
		return;
	moved = talloc_asprintf(owner, "%s%s", to, *path + from_len);
	if (!moved)
		return;
	talloc_free(*path);
	*path = moved;
}

void notify_kernel_moved(struct notify_kernel *k, const char *from, const char *to)
{
	size_t len = strlen(from);

	pthread_mutex_lock(&k->mutex);
	list_for_each (n, &k->roots) {
		struct notify_root *r = root_of(n);

		path_move(r, &r->path, from, len, to);
		list_del(&r->by_path);
		list_push(root_bucket(k, r->path, strlen(r->path)), &r->by_path);
	}
	list_for_each (n, &k->watched)
		path_move(watched_of(n), &watched_of(n)->path, from, len, to);
	pthread_mutex_unlock(&k->mutex);
}
