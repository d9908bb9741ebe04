/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/file/file_io.h"

#include "smbd/file/private.h"

/*
 * Who takes a lock first says so in io_watched and then looks at the counts; who begins counts
 * himself first and then looks at io_watched. So one of them sees the other.
 */

static bool kind_writes(enum file_io_kind kind)
{
	return kind != FILE_IO_READ;
}

static void file_io_ended(struct file *file)
{
	fiber_cond_broadcast(&file->io_ended);
}

/* ---- while nobody watches ---- */

static void count_end(struct file *file, enum file_io_kind kind)
{
	if (atomic_fetch_sub(&file->io_counts[kind_writes(kind)], 1) > 1 ||
	    atomic_load(&file->io_watched) == 0)
		return;
	pthread_mutex_lock(&file->shard->mutex);
	file_io_ended(file);
	pthread_mutex_unlock(&file->shard->mutex);
}

static bool count_begin(struct file *file, enum file_io_kind kind)
{
	if (kind == FILE_IO_APPEND || atomic_load(&file->io_watched) != 0)
		return false;
	atomic_fetch_add(&file->io_counts[kind_writes(kind)], 1);
	if (atomic_load(&file->io_watched) == 0)
		return true;
	count_end(file, kind);
	return false;
}

/* ---- with the mutex held ---- */

void file_io_watch(struct file *file)
{
	atomic_store(&file->io_watched, file->locks.count + file->io_watchers);
}

static void io_wait(struct file *file)
{
	(void)fiber_cond_wait(&file->io_ended, &file->shard->mutex, 0);
}

static struct file_io *io_of(struct list_node *n)
{
	return container_of(n, struct file_io, node);
}

static bool somebody_writes(const struct file *file)
{
	if (atomic_load(&file->io_counts[true]) != 0)
		return true;
	list_for_each (n, &file->ios) {
		if (kind_writes(io_of(n)->kind))
			return true;
	}
	return false;
}

/* Alone, behind who writes already; who wants to write waits from here on. */
static void append_begin(struct file *file, struct file_io *io)
{
	file->appender = io;
	file->io_watchers++;
	file_io_watch(file);
	while (somebody_writes(file))
		io_wait(file);
}

static void append_end(struct file *file)
{
	file->appender = NULL;
	file->io_watchers--;
	file_io_watch(file);
	file_io_ended(file);
}

static struct nt_status list_begin(struct file *file, struct file_io *io)
{
	while (kind_writes(io->kind) && file->appender)
		io_wait(file);
	if (io->kind == FILE_IO_APPEND)
		append_begin(file, io);
	if (lock_io_conflicts(&file->locks, &io->open->locks, io->offset, io->length,
			      kind_writes(io->kind))) {
		if (io->kind == FILE_IO_APPEND)
			append_end(file);
		return STATUS_FILE_LOCK_CONFLICT;
	}
	io->listed = true;
	io->number = file->io_listed++;
	list_push(&file->ios, &io->node);
	return STATUS_SUCCESS;
}

/* ---- the calls ---- */

struct nt_status file_io_begin(struct file_open *open, enum file_io_kind kind, uint64_t offset,
			       uint64_t length, struct file_io *io)
{
	struct file *file = open->file;
	struct nt_status status;

	*io = (struct file_io){.open = open, .offset = offset, .length = length, .kind = kind};
	if (count_begin(file, kind))
		return STATUS_SUCCESS;
	pthread_mutex_lock(&file->shard->mutex);
	status = list_begin(file, io);
	pthread_mutex_unlock(&file->shard->mutex);
	return status;
}

void file_io_end(struct file_io *io)
{
	struct file *file = io->open->file;

	if (!io->listed) {
		count_end(file, io->kind);
		return;
	}
	pthread_mutex_lock(&file->shard->mutex);
	list_del(&io->node);
	if (io->kind == FILE_IO_APPEND)
		append_end(file);
	file_io_ended(file);
	pthread_mutex_unlock(&file->shard->mutex);
}

/* ---- a lock that was taken ---- */

/* Of what was only counted nobody knows where it is, or whose. */
static bool counted_in_the_way(const struct file *file, const struct lock_range *range)
{
	return atomic_load(&file->io_counts[true]) != 0 ||
	       (range->exclusive && atomic_load(&file->io_counts[false]) != 0);
}

static bool listed_in_the_way(const struct file *file, const struct file_open *open,
			      const struct lock_range *range)
{
	list_for_each (n, &file->ios) {
		const struct file_io *io = io_of(n);

		if (lock_range_excludes(range, &open->locks, &io->open->locks, io->offset,
					io->length, kind_writes(io->kind)))
			return true;
	}
	return false;
}

void file_io_drain(struct file_open *open, const struct lock_range *ranges, unsigned count)
{
	struct file *file = open->file;

	file->io_watchers++;
	file_io_watch(file);
	for (unsigned i = 0; i < count; i++) {
		while (counted_in_the_way(file, &ranges[i]) ||
		       listed_in_the_way(file, open, &ranges[i]))
			io_wait(file);
	}
	file->io_watchers--;
	file_io_watch(file);
}

/* ---- an oplock that is given back ---- */

static bool writes_before(const struct file *file, uint64_t number)
{
	list_for_each (n, &file->ios) {
		if (kind_writes(io_of(n)->kind) && io_of(n)->number < number)
			return true;
	}
	return false;
}

void file_io_settle(struct file *file)
{
	uint64_t next = file->io_listed;

	file->io_watchers++;
	file_io_watch(file);
	while (atomic_load(&file->io_counts[true]) != 0 || writes_before(file, next))
		io_wait(file);
	file->io_watchers--;
	file_io_watch(file);
}
