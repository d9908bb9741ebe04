/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/file/private.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include "smbd/file/file_notify.h"
#include "smbd/wire/access.h"
#include "smbd/wire/create.h"
#include "transport/base/clock.h"
#include "transport/base/log.h"

/* What sharing is about, [MS-FSA] 2.1.5.1.2.2; an open with none of it only looks. */
#define ACCESS_READ  (FILE_READ_DATA | FILE_EXECUTE)
#define ACCESS_WRITE (FILE_WRITE_DATA | FILE_APPEND_DATA)
#define ACCESS_ANY   (ACCESS_READ | ACCESS_WRITE | DELETE)

/* ---- the table ---- */

static uint64_t id_hash(const struct vfs_id *id)
{
	uint64_t h = (id->ino ^ id->dev << 32 ^ id->dev >> 32) * 0x9e3779b97f4a7c15ull;

	return h ^ h >> 29;
}

struct shard *shard_of(struct file_table *table, const struct vfs_id *id)
{
	return &table->shards[id_hash(id) % SHARDS];
}

static struct list_node *bucket_of(struct shard *shard, const struct vfs_id *id)
{
	return &shard->buckets[id_hash(id) / SHARDS % BUCKETS];
}

static struct file *file_of(const struct list_node *n)
{
	return container_of(n, struct file, node);
}

static struct file_open *open_of(struct list_node *n)
{
	return container_of(n, struct file_open, node_in_file);
}

struct file *file_find(struct shard *shard, const struct vfs_id *id)
{
	list_for_each (n, bucket_of(shard, id)) {
		if (vfs_id_equal(&file_of(n)->id, id))
			return file_of(n);
	}
	return NULL;
}

static void file_forget_delete(struct file *file)
{
	vfs_cred_put(file->delete_cred);
	talloc_free(file->delete_path);
	file->delete_cred = NULL;
	file->delete_path = NULL;
	file->delete_pending = false;
}

static void file_free(struct file *file)
{
	assert(list_empty(&file->oplocks) && list_empty(&file->ios));
	list_del(&file->node);
	file_forget_delete(file);
	talloc_free(file);
}

struct file *file_make(struct shard *shard, const struct vfs_id *id)
{
	struct file *file = talloc_zero(NULL, struct file);

	if (!file)
		return NULL;
	file->id = *id;
	file->shard = shard;
	list_init(&file->opens);
	list_init(&file->streams);
	list_init(&file->oplocks);
	fiber_cond_init(&file->changed);
	lock_set_init(&file->locks);
	list_init(&file->ios);
	fiber_cond_init(&file->io_ended);
	fiber_cond_init(&file->facts_free);
	list_push(bucket_of(shard, id), &file->node);
	return file;
}

void file_pin(struct file *file)
{
	file->pins++;
}

void file_unpin(struct file *file)
{
	if (--file->pins == 0 && list_empty(&file->opens) && list_empty(&file->streams))
		file_free(file);
}

void file_stir(struct file *file)
{
	file->changes++;
	fiber_cond_broadcast(&file->changed);
}

struct file_table *file_table_new(const struct file_breaker *breaker)
{
	struct file_table *table = talloc_zero(NULL, struct file_table);

	if (!table)
		return NULL;
	table->breaker = breaker;
	table->now_ns = clock_mono_ns;
	notify_init(&table->notify);
	atomic_init(&table->break_timeout_ns, OPLOCK_TIMEOUT_NS);
	lease_table_init(&table->leases);
	for (unsigned i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&table->shards[i].mutex, NULL);
		table->shards[i].table = table;
		for (unsigned k = 0; k < BUCKETS; k++)
			list_init(&table->shards[i].buckets[k]);
	}
	return table;
}

void file_table_free(struct file_table *table)
{
	if (!table)
		return;
	for (unsigned i = 0; i < SHARDS; i++)
		pthread_mutex_destroy(&table->shards[i].mutex);
	notify_fini(&table->notify);
	lease_table_fini(&table->leases);
	talloc_free(table);
}

unsigned file_table_count(struct file_table *table)
{
	unsigned count = 0;

	for (unsigned i = 0; i < SHARDS; i++) {
		pthread_mutex_lock(&table->shards[i].mutex);
		count += table->shards[i].opens;
		pthread_mutex_unlock(&table->shards[i].mutex);
	}
	return count;
}

/* ---- sharing ---- */

static bool refuses(uint32_t sharing, uint32_t access)
{
	return (!(sharing & FILE_SHARE_READ) && (access & ACCESS_READ)) ||
	       (!(sharing & FILE_SHARE_WRITE) && (access & ACCESS_WRITE)) ||
	       (!(sharing & FILE_SHARE_DELETE) && (access & DELETE));
}

/* What an open takes: also, until it has cut off what was there, the writing that is not granted
 * to it. */
static uint32_t open_demand(const struct file_open *open)
{
	return open->access | (open->overwrites ? FILE_WRITE_DATA : 0);
}

static bool conflicts(const struct file_open *o, uint32_t access, uint32_t sharing)
{
	return (access & ACCESS_ANY) && (open_demand(o) & ACCESS_ANY) &&
	       (refuses(o->sharing, access) || refuses(sharing, open_demand(o)));
}

bool file_open_conflict(const struct file_open *a, const struct file_open *b)
{
	return conflicts(a, b->access, b->sharing);
}

/* [MS-FSA] 2.1.5.1.2 (deleted links) and 2.1.5.1.2.2. */
static struct nt_status file_admits(const struct file *file, uint32_t access, uint32_t sharing,
				    const struct file_open *self)
{
	if (file->delete_pending || file->deleting)
		return STATUS_DELETE_PENDING;
	if (!(access & ACCESS_ANY))
		return STATUS_SUCCESS;
	list_for_each (n, &file->opens) {
		const struct file_open *o = open_of(n);

		if (o != self && conflicts(o, access, sharing))
			return STATUS_SHARING_VIOLATION;
	}
	return STATUS_SUCCESS;
}

/* Named streams that are open stand in the way of who wants to delete the file. */
static bool streams_refuse(const struct file *file, uint32_t access)
{
	list_for_each (n, &file->streams) {
		const struct file_open *o = container_of(n, struct file_open, node_in_base);

		if ((access & DELETE) && (o->access & ACCESS_ANY) &&
		    !(o->sharing & FILE_SHARE_DELETE))
			return true;
	}
	return false;
}

/* The unnamed stream of the same file. */
static struct file *file_base(struct shard *shard, const struct vfs_id *id)
{
	struct vfs_id base = *id;

	base.stream = 0;
	return file_find(shard, &base);
}

static struct nt_status shard_admits(struct shard *shard, const struct vfs_id *id, uint32_t access,
				     uint32_t sharing, const struct file_open *self)
{
	const struct file *base = file_base(shard, id), *file = base;

	if (base && (base->delete_pending || base->deleting))
		return STATUS_DELETE_PENDING;
	if (id->stream)
		file = file_find(shard, id);
	else if (base && streams_refuse(base, access))
		return STATUS_SHARING_VIOLATION;
	return file ? file_admits(file, access, sharing, self) : STATUS_SUCCESS;
}

struct nt_status file_open_check(struct file_table *table, const struct vfs_id *id, uint32_t access,
				 uint32_t sharing, const struct file_open *self)
{
	struct shard *shard = shard_of(table, id);
	struct nt_status status;

	pthread_mutex_lock(&shard->mutex);
	status = shard_admits(shard, id, access, sharing, self);
	pthread_mutex_unlock(&shard->mutex);
	return status;
}

/* Find or make the entries that the open goes into. False: out of memory, nothing changed. */
static bool open_link(struct shard *shard, struct file_open *open)
{
	struct vfs_id id = open->node->id;
	struct file *base = file_base(shard, &id), *file = file_find(shard, &id);
	struct file *made = NULL;

	if (id.stream) {
		id.stream = 0;
		if (!base)
			base = made = file_make(shard, &id);
		if (!base)
			return false;
	}
	if (!file)
		file = file_make(shard, &open->node->id);
	if (!file) {
		if (made)
			file_free(made);
		return false;
	}
	open->file = file;
	file_locks_begin(open);
	notify_watch_init(&open->notify);
	list_push(&file->opens, &open->node_in_file);
	open->base = file->id.stream ? base : NULL;
	if (open->base)
		list_push(&base->streams, &open->node_in_base);
	shard->opens++;
	return true;
}

/* Looking at a file takes nothing from who caches it, [MS-FSA] 2.1.5.1.2. */
static bool open_only_looks(const struct file_open *open)
{
	return !(open_demand(open) & ~(SYNCHRONIZE | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES));
}

/* Whose oplock the open has to wait for; NULL: nobody's. */
static struct file *break_for_open(struct file_table *table, struct file *file, bool conflict,
				   const struct file_open *open, struct list_node *notices)
{
	enum oplock_operation op = conflict           ? OPLOCK_OPEN_CONFLICT
				   : open->overwrites ? OPLOCK_OVERWRITE
						      : OPLOCK_OPEN;

	if (!conflict && open_only_looks(open))
		return NULL;
	if (oplocks_break(table, file, op, open, notices))
		return file;
	if (!conflict)
		return NULL;
	list_for_each (n, &file->streams) {
		struct file *stream = container_of(n, struct file_open, node_in_base)->file;

		if (oplocks_break(table, stream, op, open, notices))
			return stream;
	}
	return NULL;
}

struct nt_status file_open_try(struct file_table *table, struct file_open *open,
			       struct list_node *notices)
{
	const struct vfs_id *id = &open->node->id;
	struct shard *shard = shard_of(table, id);
	struct file *file = file_find(shard, id);
	struct nt_status status = oplocks_check(table, &open->want, id);
	bool conflict;

	if (nt_error(status))
		return status;
	if (file)
		oplocks_expire(table, file);
	if (file && file->moving) {
		open->file = file;
		return STATUS_RETRY;
	}
	status = shard_admits(shard, id, open_demand(open), open->sharing, NULL);
	conflict = nt_equal(status, STATUS_SHARING_VIOLATION);
	if (nt_error(status) && !conflict)
		return status;
	open->file = file ? break_for_open(table, file, conflict, open, notices) : NULL;
	if (open->file)
		return STATUS_RETRY;
	if (nt_error(status))
		return status;
	if (!open_link(shard, open))
		return STATUS_INSUFFICIENT_RESOURCES;
	oplocks_grant(table, open->file, open);
	return STATUS_SUCCESS;
}

static struct nt_status open_add(struct file_table *table, struct file_open *open,
				 struct file_wait *wait)
{
	struct shard *shard = shard_of(table, &open->node->id);
	struct list_node notices = LIST_INIT(notices);
	struct nt_status status;

	pthread_mutex_lock(&shard->mutex);
	status = file_open_try(table, open, &notices);
	if (nt_equal(status, STATUS_RETRY)) {
		open->waited = true;
		if (!oplocks_wait(table, open->file, wait, &notices))
			status = STATUS_CANCELLED;
	}
	pthread_mutex_unlock(&shard->mutex);
	oplock_notices_send(table, &notices);
	return status;
}

struct nt_status file_open_add(struct file_table *table, struct file_open *open,
			       struct file_wait *wait)
{
	struct nt_status status;

	open->path = talloc_strdup(NULL, open->node->path);
	if (!open->path)
		return STATUS_INSUFFICIENT_RESOURCES;
	status = open_add(table, open, wait);
	if (nt_error(status)) {
		talloc_free(open->path);
		open->path = NULL;
		open->file = NULL;
	}
	return status;
}

void file_overwritten(struct file_open *open)
{
	struct shard *shard = open->file->shard;

	pthread_mutex_lock(&shard->mutex);
	open->overwrites = false;
	pthread_mutex_unlock(&shard->mutex);
}

char *file_open_path(struct file_table *table, struct file_open *open, void *talloc_ctx)
{
	struct shard *shard = shard_of(table, &open->node->id);
	char *path;

	pthread_mutex_lock(&shard->mutex);
	path = talloc_strdup(talloc_ctx, open->path);
	pthread_mutex_unlock(&shard->mutex);
	return path;
}

/* ---- deletion ---- */

/* The shard's mutex is held. False: out of memory, nothing changed. */
static bool file_mark(struct file *file, const struct file_open *by)
{
	char *path = talloc_strdup(NULL, by->path);

	if (!path)
		return false;
	file_forget_delete(file);
	file->delete_path = path;
	file->delete_cred = vfs_cred_get(by->node->cred);
	file->delete_trusted = by->node->trusted;
	file->delete_has_parent = by->want.has_parent;
	file->delete_parent_key = by->want.parent_key;
	file->delete_pending = true;
	file_notify_deleting(file, true);
	return true;
}

bool file_delete_pending(struct file_table *table, const struct vfs_id *id)
{
	struct shard *shard = shard_of(table, id);
	struct file *file;
	bool pending;

	pthread_mutex_lock(&shard->mutex);
	file = file_find(shard, id);
	pending = file && (file->delete_pending || file->deleting);
	pthread_mutex_unlock(&shard->mutex);
	return pending;
}

bool file_open_delete_pending(struct file_open *open)
{
	struct shard *shard = open->file->shard;
	bool pending;

	pthread_mutex_lock(&shard->mutex);
	pending = open->file->delete_pending || (open->base && open->base->delete_pending);
	pthread_mutex_unlock(&shard->mutex);
	return pending;
}

/* [MS-FSA] 2.1.5.15.3: what may not be deleted. */
static struct nt_status delete_allowed(struct file_open *open)
{
	struct vfs_stat st;
	int err = vfs_node_stat(open->node, &st);

	if (!err && (st.attributes & FILE_ATTRIBUTE_READONLY))
		return STATUS_CANNOT_DELETE;
	if (!err && st.directory)
		err = vfs_node_is_empty(open->node);
	return nt_status_from_errno(err);
}

/* What came into the directory before it was marked was not seen by delete_allowed(); who comes
 * after sees the mark, and takes back what he made. */
static struct nt_status delete_confirm(struct shard *shard, struct file_open *open)
{
	int err = open->node->stat.directory ? vfs_node_is_empty(open->node) : 0;

	if (err != -ENOTEMPTY)
		return STATUS_SUCCESS;
	pthread_mutex_lock(&shard->mutex);
	file_forget_delete(open->file);
	file_notify_deleting(open->file, false);
	pthread_mutex_unlock(&shard->mutex);
	return STATUS_DIRECTORY_NOT_EMPTY;
}

struct nt_status file_delete_set(struct file_table *table, struct file_open *open, bool pending)
{
	struct shard *shard = shard_of(table, &open->node->id);
	struct nt_status status = pending ? delete_allowed(open) : STATUS_SUCCESS;

	if (nt_error(status))
		return status;
	pthread_mutex_lock(&shard->mutex);
	if (!pending) {
		file_forget_delete(open->file);
		file_notify_deleting(open->file, false);
	} else if (!*open->path) {
		status = STATUS_ACCESS_DENIED;
	} else if (!file_mark(open->file, open)) {
		status = STATUS_INSUFFICIENT_RESOURCES;
	}
	pthread_mutex_unlock(&shard->mutex);
	return pending && nt_success(status) ? delete_confirm(shard, open) : status;
}

/* The last open of a file that is to go. It is in the table yet, so that nobody gets in. A
 * directory that is not empty stays: in Windows too the CLOSE says nothing of it. */
static int file_remove(struct file_table *table, struct vfs_node *node, const struct file *file)
{
	struct vfs_cred *closer = node->cred;
	int err;

	if (file->id.stream) {
		err = vfs_node_stream_unlink(node);
	} else {
		node->cred = file->delete_cred;
		node->trusted = file->delete_trusted;
		err = vfs_node_unlink(node, file->delete_path);
		node->cred = closer;
	}
	if (!err && !file->id.stream)
		file_notify_path(table, node->share, file->delete_path, FILE_ACTION_REMOVED,
				 file_notify_name_filter(node->stat.directory));
	/* -ENOENT, -ESTALE: somebody was faster, on this machine */
	return err == -ESTALE || err == -ENOENT || err == -ENOTEMPTY ? 0 : err;
}

/* An open of it has left. True: it was the last, and it is to be removed, by who then unpins it. */
static bool file_left(struct file *file)
{
	if (!list_empty(&file->opens) || !list_empty(&file->streams))
		return false;
	if (file->delete_pending) {
		file->deleting = true;
		file_pin(file);
		return true;
	}
	if (file->pins == 0)
		file_free(file);
	return false;
}

void file_removed(struct file *file)
{
	file_stir(file);
	file_unpin(file);
}

/* The lease of the directory that both know of, who asked for the deletion and who closes last. */
static const struct file_open *deleted_by(const struct file *gone, const struct file_open *open)
{
	return gone->delete_has_parent && open->want.has_parent &&
			       guid_equal(&gone->delete_parent_key, &open->want.parent_key)
		       ? open
		       : NULL;
}

/* These are ours alone now: none can be added, and there is none to rename them. */
static int remove_left(struct file_table *table, struct file_open *open, struct file *file,
		       struct file *base)
{
	struct file *gone = base ? base : file; /* a stream goes with its file */
	struct shard *shard = gone->shard;
	int err = file_remove(table, open->node, gone);

	if (!err)
		oplock_name_changed(table, open->node->share, gone->delete_cred, gone->delete_path,
				    deleted_by(gone, open));
	pthread_mutex_lock(&shard->mutex);
	if (base)
		file_removed(base);
	if (file)
		file_removed(file);
	pthread_mutex_unlock(&shard->mutex);
	return err;
}

void file_open_leave(struct file_table *table, struct file_open *open, struct file **file,
		     struct file **base, struct list_node *notices)
{
	*file = open->file;
	*base = open->base;
	if (open->delete_if_alone && open->file->opens.next->next != &open->file->opens)
		open->delete_on_close = false;
	if (open->delete_on_close && !open->file->delete_pending) {
		if (!file_mark(open->file, open))
			log_err("no memory to delete %s", open->path);
		/* who keeps it for later, though closed, shall let it go; not waited for */
		(void)oplocks_break(table, open->file, OPLOCK_HANDLE, open, notices);
	}
	file_locks_end(open);
	notify_watch_fini(&table->notify, &open->notify);
	list_del(&open->node_in_file);
	if (open->base)
		list_del(&open->node_in_base);
	open->file->shard->opens--;
	oplocks_leave(table, open->file, open);
	if (!file_left(*file))
		*file = NULL;
	if (*base && !file_left(*base))
		*base = NULL;
}

struct nt_status file_close(struct file_table *table, struct file_open *open)
{
	struct shard *shard = open->file->shard;
	struct list_node notices = LIST_INIT(notices);
	struct file *file, *base;
	int err = 0, close_err;

	file_notify_end(table, open);
	pthread_mutex_lock(&shard->mutex);
	file_open_leave(table, open, &file, &base, &notices);
	pthread_mutex_unlock(&shard->mutex);
	oplock_notices_send(table, &notices);
	if (file || base)
		err = remove_left(table, open, file, base);
	else if (atomic_load(&open->changed))
		oplock_entry_changed(table, open);
	close_err = vfs_node_close(open->node);
	talloc_free(open->path);
	open->path = NULL;
	open->node = NULL;
	open->file = open->base = NULL;
	return nt_status_from_errno(err ? err : close_err);
}

/* ---- all opens of a share ---- */

bool file_path_is_below(const char *path, const char *dir, size_t n)
{
	return strncmp(path, dir, n) == 0 && path[n] == '/';
}

bool file_each_open(struct file_table *table, const struct vfs_share *share,
		    bool (*each)(struct file *file, struct file_open *o, void *arg), void *arg)
{
	bool stop = false;

	for (unsigned i = 0; i < SHARDS && !stop; i++) {
		struct shard *shard = &table->shards[i];

		pthread_mutex_lock(&shard->mutex);
		for (unsigned k = 0; shard->opens && k < BUCKETS; k++) {
			list_for_each (n, &shard->buckets[k]) {
				list_for_each (m, &file_of(n)->opens) {
					struct file_open *o = open_of(m);

					if (!stop && o->node->share == share)
						stop = each(file_of(n), o, arg);
				}
			}
		}
		pthread_mutex_unlock(&shard->mutex);
	}
	return stop;
}

/* ---- one at a time ---- */

static struct file *facts_of(struct file_open *open)
{
	return open->base ? open->base : open->file;
}

void file_facts_begin(struct file_open *open)
{
	struct file *file = facts_of(open);

	pthread_mutex_lock(&file->shard->mutex);
	while (file->facts_taken)
		(void)fiber_cond_wait(&file->facts_free, &file->shard->mutex, 0);
	file->facts_taken = true;
	pthread_mutex_unlock(&file->shard->mutex);
}

void file_facts_end(struct file_open *open)
{
	struct file *file = facts_of(open);

	pthread_mutex_lock(&file->shard->mutex);
	file->facts_taken = false;
	fiber_cond_broadcast(&file->facts_free);
	pthread_mutex_unlock(&file->shard->mutex);
}
