/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/file/file_notify.h"

#include <errno.h>
#include <string.h>

#include <talloc.h>

#include "smbd/file/notify_kernel.h"
#include "smbd/file/private.h"

/* As the registry has paths: absolute, and a directory's without '/' at its end. */
static char *absolute(const struct vfs_share *share, const char *path)
{
	const char *root = vfs_share_path(share);
	size_t len = strlen(root);

	while (len > 0 && root[len - 1] == '/')
		len--;
	return talloc_asprintf(NULL, "%.*s%s%s", (int)len, root, *path ? "/" : "", path);
}

/* ---- who watches ---- */

static char *watch_path(struct notify *n, const struct notify_watch *watch)
{
	char *path;

	pthread_mutex_lock(&n->mutex);
	path = talloc_strdup(NULL, watch->path);
	pthread_mutex_unlock(&n->mutex);
	return path;
}

static bool watch_is_at(struct notify *n, const struct notify_watch *watch, const char *path)
{
	bool is;

	pthread_mutex_lock(&n->mutex);
	is = strcmp(watch->path, path) == 0;
	pthread_mutex_unlock(&n->mutex);
	return is;
}

/* Who renames the directory meanwhile moves the watch first and then what the kernel side has: so
 * either that is there by then, or the watch is found elsewhere here. */
static void kernel_begin(struct file_table *table, struct file_open *open)
{
	struct notify_watch *watch = &open->notify;
	struct notify *n = &table->notify;
	bool settled = false;
	char *path;

	while (!settled && (path = watch_path(n, watch))) {
		watch->kernel = notify_kernel_add(n->kernel, open->node->fd, path, watch->tree);
		settled = !watch->kernel || watch_is_at(n, watch, path);
		if (!settled) {
			notify_kernel_remove(n->kernel, watch->kernel);
			watch->kernel = NULL; /* there may be no memory for another */
		}
		talloc_free(path);
	}
}

void file_notify_end(struct file_table *table, struct file_open *open)
{
	if (open->notify.kernel)
		notify_kernel_remove(table->notify.kernel, open->notify.kernel);
	open->notify.kernel = NULL;
}

int file_notify_kernel(struct file_table *table, unsigned max)
{
	table->notify.kernel = notify_kernel_new(&table->notify, max);
	return table->notify.kernel ? 0 : -ENOMEM;
}

/* The path of the open as the registry has it, as of now. */
static char *watched_path(struct file_table *table, struct file_open *open)
{
	char *path = file_open_path(table, open, NULL);
	char *full = path ? absolute(open->node->share, path) : NULL;

	talloc_free(path);
	return full;
}

/* Who renames the directory gives the open its new name first, and then moves what is watched: so
 * either the watch was there by then, or the name is found changed here. */
static struct nt_status watch_settle(struct file_table *table, struct file_open *open, char *path)
{
	char *now = watched_path(table, open);
	struct nt_status status = STATUS_SUCCESS;

	while (now && nt_success(status) && strcmp(path, now) != 0) {
		status = notify_watch_place(&table->notify, &open->notify, now);
		talloc_free(path);
		path = now;
		now = watched_path(table, open);
	}
	if (!now)
		status = STATUS_INSUFFICIENT_RESOURCES;
	talloc_free(path);
	talloc_free(now);
	return status;
}

static struct nt_status watch_begin(struct file_table *table, struct file_open *open,
				    uint32_t filter, bool tree, size_t bytes_max)
{
	struct nt_status status;
	char *path;
	bool begun;

	path = watched_path(table, open);
	if (!path)
		return STATUS_INSUFFICIENT_RESOURCES;
	status = notify_watch_begin(&table->notify, &open->notify, path, filter, tree, bytes_max,
				    &begun);
	if (!nt_success(status) || !begun) {
		talloc_free(path);
		return status;
	}
	status = watch_settle(table, open, path);
	if (open->kernel_notify && table->notify.kernel)
		kernel_begin(table, open);
	return status;
}

static void decided(struct notify_wait *wait)
{
	fiber_cond_broadcast(&container_of(wait, struct file_notify_wait, wait)->decided);
}

struct nt_status file_notify_begin(struct file_table *table, struct file_open *open,
				   uint32_t filter, bool tree, size_t bytes_max,
				   struct file_notify_wait *w)
{
	struct nt_status status;

	*w = (struct file_notify_wait){.wait = {.decided = decided}, .table = table};
	fiber_cond_init(&w->decided);
	status = watch_begin(table, open, filter, tree, bytes_max);
	return nt_success(status) ? notify_wait_begin(&table->notify, &open->notify, &w->wait)
				  : status;
}

struct nt_status file_notify_await(struct file_notify_wait *w)
{
	pthread_mutex_t *mutex = &w->table->notify.mutex;

	pthread_mutex_lock(mutex);
	while (nt_equal(w->wait.status, STATUS_PENDING))
		(void)fiber_cond_wait(&w->decided, mutex, 0);
	pthread_mutex_unlock(mutex);
	return w->wait.status;
}

void file_notify_cancel(struct file_notify_wait *w)
{
	notify_wait_cancel(&w->table->notify, &w->wait);
}

void file_notify_clear(struct file_notify_wait *w)
{
	notify_wait_clear(&w->wait);
}

void file_notify_interrupt(struct file_table *table, struct file_open *open)
{
	notify_watch_end(&table->notify, &open->notify, STATUS_NOTIFY_CLEANUP);
}

/* With the shard's mutex held: the registry's is inside it. */
void file_notify_deleting(struct file *file, bool deleting)
{
	list_for_each (n, &file->opens) {
		struct file_open *open = container_of(n, struct file_open, node_in_file);

		if (deleting)
			notify_watch_end(&file->shard->table->notify, &open->notify,
					 STATUS_DELETE_PENDING);
		else
			notify_watch_resume(&file->shard->table->notify, &open->notify);
	}
}

/* ---- what happens ---- */

void file_notify_path(struct file_table *table, const struct vfs_share *share, const char *path,
		      uint32_t action, uint32_t filter)
{
	struct notify_change change = {.action = action, .filter = filter};
	char *full;

	if (!notify_is_wanted(&table->notify))
		return;
	full = absolute(share, path);
	change.path = full;
	if (full)
		notify_tell(&table->notify, &change, 1);
	talloc_free(full);
}

void file_notify(struct file_table *table, struct file_open *open, uint32_t action, uint32_t filter)
{
	char *path;

	if (!notify_is_wanted(&table->notify))
		return;
	path = file_open_path(table, open, NULL);
	if (path)
		file_notify_path(table, open->node->share, path, action, filter);
	talloc_free(path);
}

static bool in_same_directory(const char *a, const char *b)
{
	const char *a_leaf = strrchr(a, '/'), *b_leaf = strrchr(b, '/');

	return a_leaf - a == b_leaf - b && memcmp(a, b, (size_t)(a_leaf - a)) == 0;
}

/* Within a directory the name changes; between two it goes from one and comes to the other. Windows
 * tells of a file's new attributes too, but not to whom the name was told. */
static void tell_renamed(struct notify *n, const char *from, const char *to, bool directory)
{
	uint32_t filter = file_notify_name_filter(directory);
	struct notify_change changes[] = {
		{FILE_ACTION_RENAMED_OLD_NAME, from, filter, 0},
		{FILE_ACTION_RENAMED_NEW_NAME, to, filter, 0},
		{FILE_ACTION_MODIFIED, to,
		 FILE_NOTIFY_CHANGE_ATTRIBUTES | FILE_NOTIFY_CHANGE_CREATION,
		 FILE_NOTIFY_CHANGE_FILE_NAME},
	};

	if (in_same_directory(from, to)) {
		notify_tell(n, changes, 2);
	} else {
		changes[0].action = FILE_ACTION_REMOVED;
		changes[1].action = FILE_ACTION_ADDED;
		notify_tell(n, &changes[0], 1);
		notify_tell(n, &changes[1], 1);
	}
	if (directory)
		notify_moved(n, from, to);
	else
		notify_tell(n, &changes[2], 1);
}

void file_notify_renamed(struct file_table *table, const struct vfs_node *node, const char *from,
			 const char *to)
{
	char *old, *new;

	if (!notify_is_wanted(&table->notify) || strcmp(from, to) == 0)
		return;
	old = absolute(node->share, from);
	new = absolute(node->share, to);
	if (old && new)
		tell_renamed(&table->notify, old, new, node->stat.directory);
	talloc_free(old);
	talloc_free(new);
}
