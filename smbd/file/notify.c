/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/file/notify.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include <talloc.h>

#include "smbd/file/notify_kernel.h"
#include "smbd/vfs/name.h"

#define EVENT_BYTES  12 /* of FILE_NOTIFY_INFORMATION, before the name */
#define EVENT_ALIGN  4
#define EVENTS_FIRST 256u /* bytes that a watch begins with */

static struct list_node *bucket_of(struct notify *n, const char *path, size_t len)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)path[i]) * 16777619u;
	return &n->buckets[(hash ^ hash >> 15) % NOTIFY_BUCKETS];
}

static struct notify_watch *watch_of(struct list_node *node)
{
	return container_of(node, struct notify_watch, node);
}

/* ---- events ---- */

static void events_free(struct notify_events *events)
{
	talloc_free(events->bytes);
	*events = (struct notify_events){.last = SIZE_MAX};
}

/* Room for so many bytes more, if that is not above max in all. */
static bool events_reserve(struct notify_events *events, size_t more, size_t max)
{
	size_t has = talloc_get_size(events->bytes), wants = events->len + more;
	uint8_t *bytes;

	if (wants <= has)
		return true;
	has = 2 * has > EVENTS_FIRST ? 2 * has : EVENTS_FIRST;
	if (wants < has)
		wants = has;
	bytes = talloc_realloc_size(NULL, events->bytes, wants < max ? wants : max);
	if (!bytes)
		return false;
	events->bytes = bytes;
	return true;
}

/* The same again, with nothing between, is no news. */
static bool is_repeated(const struct notify_events *events,
			const struct file_notify_information *info)
{
	struct file_notify_information last;
	struct rd r;

	if (events->len == 0 || info->action != FILE_ACTION_MODIFIED)
		return false;
	r = rd_init(events->bytes + events->last, events->len - events->last);
	return file_notify_information_next(&r, &last) && last.action == info->action &&
	       last.file_name.len == info->file_name.len &&
	       memcmp(last.file_name.data, info->file_name.data, last.file_name.len) == 0;
}

/* False: above max, or out of memory. */
static bool events_add(struct notify_events *events, const struct file_notify_information *info,
		       size_t max)
{
	struct wr w;
	bool added;

	if (is_repeated(events, info))
		return true;
	if (!events_reserve(events, EVENT_ALIGN + EVENT_BYTES + info->file_name.len, max))
		return false;
	w = wr_init(events->bytes, talloc_get_size(events->bytes));
	w.len = events->len;
	added = file_notify_information_encode(&w, info, &events->last);
	events->len = w.len;
	return added;
}

static void watch_overflow(struct notify_watch *watch)
{
	events_free(&watch->events);
	watch->overflow = true;
}

static void watch_add(struct notify_watch *watch, uint32_t action, const char *name)
{
	size_t cap = 2 * strlen(name); /* each byte becomes at most one unit */
	struct file_notify_information info = {.action = action};
	uint8_t *wire;

	if (watch->overflow)
		return; /* the client will have to look anyway */
	wire = talloc_size(NULL, cap);
	if (wire)
		info.file_name = WIRE_BLOB(wire, name_path_to_wire(name, wire, cap));
	if (!wire || !events_add(&watch->events, &info, watch->bytes_max))
		watch_overflow(watch);
	talloc_free(wire);
}

/* ---- answers ---- */

static void wait_decide(struct notify_wait *wait, struct nt_status status)
{
	list_del(&wait->node);
	wait->status = status;
	wait->decided(wait);
}

static struct nt_status watch_take(struct notify_watch *watch, struct notify_wait *wait)
{
	if (!nt_equal(watch->ended, STATUS_SUCCESS))
		return watch->ended;
	if (watch->overflow) {
		watch->overflow = false;
		return STATUS_NOTIFY_ENUM_DIR;
	}
	if (watch->events.len == 0)
		return STATUS_PENDING;
	wait->events = watch->events;
	watch->events = (struct notify_events){.last = SIZE_MAX};
	return STATUS_SUCCESS;
}

/* The oldest who waits is told all that there is. */
static void watch_deliver(struct notify_watch *watch)
{
	struct list_node *node = list_first(&watch->waits);
	struct notify_wait *wait = container_of(node, struct notify_wait, node);
	struct nt_status status;

	if (!node)
		return;
	status = watch_take(watch, wait);
	if (!nt_equal(status, STATUS_PENDING))
		wait_decide(wait, status);
}

struct nt_status notify_wait_begin(struct notify *n, struct notify_watch *watch,
				   struct notify_wait *wait)
{
	list_init(&wait->node);
	wait->events = (struct notify_events){.last = SIZE_MAX};
	pthread_mutex_lock(&n->mutex);
	/* who came first is served first, though nothing can be left when somebody waits */
	wait->status = watch_take(watch, wait);
	if (nt_equal(wait->status, STATUS_PENDING))
		list_push(&watch->waits, &wait->node);
	pthread_mutex_unlock(&n->mutex);
	return wait->status;
}

void notify_wait_cancel(struct notify *n, struct notify_wait *wait)
{
	pthread_mutex_lock(&n->mutex);
	if (nt_equal(wait->status, STATUS_PENDING))
		wait_decide(wait, STATUS_CANCELLED);
	pthread_mutex_unlock(&n->mutex);
}

void notify_wait_clear(struct notify_wait *wait)
{
	events_free(&wait->events);
}

/* ---- watches ---- */

void notify_init(struct notify *n)
{
	pthread_mutex_init(&n->mutex, NULL);
	for (unsigned i = 0; i < NOTIFY_BUCKETS; i++)
		list_init(&n->buckets[i]);
	atomic_init(&n->watches, 0);
	n->kernel = NULL;
}

void notify_fini(struct notify *n)
{
	notify_kernel_free(n->kernel);
	assert(atomic_load(&n->watches) == 0);
	pthread_mutex_destroy(&n->mutex);
}

void notify_watch_init(struct notify_watch *watch)
{
	*watch = (struct notify_watch){.ended = STATUS_SUCCESS, .events.last = SIZE_MAX};
	list_init(&watch->node);
	list_init(&watch->waits);
}

struct nt_status notify_watch_begin(struct notify *n, struct notify_watch *watch, const char *path,
				    uint32_t filter, bool tree, size_t bytes_max, bool *begun)
{
	struct nt_status status = STATUS_SUCCESS;

	pthread_mutex_lock(&n->mutex);
	*begun = !notify_watch_is_active(watch);
	if (!*begun)
		goto unlock;
	watch->path = talloc_strdup(NULL, path);
	if (!watch->path) {
		status = STATUS_INSUFFICIENT_RESOURCES;
		goto unlock;
	}
	watch->path_len = strlen(path);
	watch->filter = filter;
	watch->tree = tree;
	watch->bytes_max = bytes_max < NOTIFY_BYTES_MAX ? bytes_max : NOTIFY_BYTES_MAX;
	list_push(bucket_of(n, path, watch->path_len), &watch->node);
	atomic_fetch_add(&n->watches, 1);
unlock:
	pthread_mutex_unlock(&n->mutex);
	return status;
}

void notify_watch_end(struct notify *n, struct notify_watch *watch, struct nt_status status)
{
	struct list_node *node;

	pthread_mutex_lock(&n->mutex);
	watch->ended = status;
	while ((node = list_first(&watch->waits)))
		wait_decide(container_of(node, struct notify_wait, node), status);
	pthread_mutex_unlock(&n->mutex);
}

void notify_watch_resume(struct notify *n, struct notify_watch *watch)
{
	pthread_mutex_lock(&n->mutex);
	if (nt_equal(watch->ended, STATUS_DELETE_PENDING))
		watch->ended = STATUS_SUCCESS;
	pthread_mutex_unlock(&n->mutex);
}

void notify_watch_fini(struct notify *n, struct notify_watch *watch)
{
	pthread_mutex_lock(&n->mutex);
	assert(list_empty(&watch->waits));
	events_free(&watch->events);
	if (notify_watch_is_active(watch)) {
		list_del(&watch->node);
		talloc_free(watch->path);
		watch->path = NULL;
		atomic_fetch_sub(&n->watches, 1);
	}
	pthread_mutex_unlock(&n->mutex);
}

/* ---- changes ---- */

static bool watch_wants(const struct notify_watch *watch, const struct notify_change *change)
{
	return (watch->filter & change->filter) && !(watch->filter & change->without);
}

/* To whoever watches the directory that is the first len bytes of the path. */
static void tell_directory(struct notify *n, const struct notify_change *changes, unsigned count,
			   size_t len, bool direct)
{
	const struct list_node *bucket = bucket_of(n, changes[0].path, len);

	list_for_each (node, bucket) {
		struct notify_watch *watch = watch_of(node);

		if (watch->path_len != len || memcmp(watch->path, changes[0].path, len) != 0 ||
		    (!direct && !watch->tree))
			continue;
		for (unsigned i = 0; i < count; i++) {
			if (watch_wants(watch, &changes[i]))
				watch_add(watch, changes[i].action, changes[i].path + len + 1);
		}
		if (watch->overflow || watch->events.len > 0)
			watch_deliver(watch);
	}
}

void notify_tell_local(struct notify *n, const struct notify_change *changes, unsigned count)
{
	const char *path = changes[0].path, *slash = strrchr(path, '/');
	bool direct = true;

	pthread_mutex_lock(&n->mutex);
	for (; slash; direct = false) {
		tell_directory(n, changes, count, (size_t)(slash - path), direct);
		slash = slash == path ? NULL : memrchr(path, '/', (size_t)(slash - path));
	}
	pthread_mutex_unlock(&n->mutex);
}

void notify_tell(struct notify *n, const struct notify_change *changes, unsigned count)
{
	if (!notify_is_wanted(n))
		return;
	for (unsigned i = 0; i < count && n->kernel; i++)
		notify_kernel_own(n->kernel, changes[i].action, changes[i].path);
	notify_tell_local(n, changes, count);
}

void notify_overflow(struct notify *n)
{
	pthread_mutex_lock(&n->mutex);
	for (unsigned i = 0; i < NOTIFY_BUCKETS; i++) {
		list_for_each (node, &n->buckets[i]) {
			watch_overflow(watch_of(node));
			watch_deliver(watch_of(node));
		}
	}
	pthread_mutex_unlock(&n->mutex);
}

static bool is_at_or_below(const char *path, const char *dir, size_t len)
{
	return strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* path is its from here; NULL, out of memory: it sees nothing more, and the client is told to look.
 */
static bool watch_place(struct notify *n, struct notify_watch *watch, char *path)
{
	list_del(&watch->node);
	if (!path) {
		watch_overflow(watch);
		watch_deliver(watch);
		return false;
	}
	talloc_free(watch->path);
	watch->path = path;
	watch->path_len = strlen(path);
	list_push(bucket_of(n, path, watch->path_len), &watch->node);
	return true;
}

struct nt_status notify_watch_place(struct notify *n, struct notify_watch *watch, const char *path)
{
	bool placed;

	pthread_mutex_lock(&n->mutex);
	placed = watch_place(n, watch, talloc_strdup(NULL, path));
	pthread_mutex_unlock(&n->mutex);
	return placed ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

void notify_moved(struct notify *n, const char *from, const char *to)
{
	size_t from_len = strlen(from);
	struct list_node moved;
	struct list_node *node;

	if (!notify_is_wanted(n))
		return;
	list_init(&moved);
	pthread_mutex_lock(&n->mutex);
	for (unsigned i = 0; i < NOTIFY_BUCKETS; i++) {
		list_for_each_safe (w, &n->buckets[i]) {
			if (!is_at_or_below(watch_of(w)->path, from, from_len))
				continue;
			list_del(w);
			list_push(&moved, w);
		}
	}
	while ((node = list_pop(&moved))) {
		struct notify_watch *watch = watch_of(node);

		(void)watch_place(n, watch,
				  talloc_asprintf(NULL, "%s%s", to, watch->path + from_len));
	}
	pthread_mutex_unlock(&n->mutex);
	/* after the watches: see kernel_begin() */
	if (n->kernel)
		notify_kernel_moved(n->kernel, from, to);
}
