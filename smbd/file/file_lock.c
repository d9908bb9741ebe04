/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/file/file_lock.h"

#include <errno.h>
#include <string.h>

#include "smbd/file/private.h"
#include "transport/base/clock.h"
#include "transport/base/log.h"

/* Nobody tells of the end of a local process's lock: how often we look. */
#define POLL_FIRST_NS (100 * NS_PER_MS)
#define POLL_MOST_NS  (1000 * NS_PER_MS)

/* With the mutex held, as is everything that the engine calls. */
static bool map_to_vfs(struct lock_owner *owner, uint64_t first, uint64_t last, enum lock_map to)
{
	static const enum vfs_lock locks[] = {[LOCK_MAP_NONE] = VFS_LOCK_NONE,
					      [LOCK_MAP_SHARED] = VFS_LOCK_SHARED,
					      [LOCK_MAP_EXCLUSIVE] = VFS_LOCK_EXCLUSIVE};
	static atomic_bool told;
	struct file_open *open = container_of(owner, struct file_open, locks);
	int err = vfs_node_lock(open->node, first, last, locks[to]);

	if (err && err != -EAGAIN && !atomic_exchange(&told, true))
		log_warning("local processes do not see locks that clients take: %s",
			    strerror(-err));
	return err != -EAGAIN;
}

void file_locks_begin(struct file_open *open)
{
	/* what a stream holds is no range of its file */
	if (open->node->id.stream)
		open->posix_locks = false;
	lock_owner_init(&open->locks, open->posix_locks ? map_to_vfs : NULL);
	open->locks_ended = false;
}

static struct file *file_enter(struct file_open *open)
{
	pthread_mutex_lock(&open->file->shard->mutex);
	return open->file;
}

static void file_leave(struct file *file)
{
	file_io_watch(file);
	pthread_mutex_unlock(&file->shard->mutex);
}

void file_locks_end(struct file_open *open)
{
	struct file *file = open->file;

	lock_owner_end(&file->locks, &open->locks);
	file_io_watch(file);
}

struct nt_status file_lock(struct file_open *open, const struct lock_range *ranges, unsigned count)
{
	struct file *file = file_enter(open);
	struct nt_status status = lock_take(&file->locks, &open->locks, ranges, count);

	if (nt_success(status))
		file_io_drain(open, ranges, count);
	file_leave(file);
	return status;
}

struct nt_status file_unlock(struct file_open *open, uint64_t offset, uint64_t length)
{
	struct file *file = file_enter(open);
	struct nt_status status = lock_drop(&file->locks, &open->locks, offset, length);

	file_leave(file);
	return status;
}

static void decided(struct lock_wait *wait)
{
	fiber_cond_broadcast(&container_of(wait, struct file_lock_wait, wait)->decided);
}

struct nt_status file_lock_begin(struct file_open *open, const struct lock_range *range,
				 struct file_lock_wait *w)
{
	struct file *file = file_enter(open);
	struct nt_status status = STATUS_RANGE_NOT_LOCKED;

	*w = (struct file_lock_wait){
		.wait = {.owner = &open->locks, .range = *range, .decided = decided}, .open = open};
	fiber_cond_init(&w->decided);
	if (!open->locks_ended)
		status = lock_take_or_wait(&file->locks, &w->wait);
	if (nt_equal(status, STATUS_SUCCESS))
		file_io_drain(open, range, 1);
	file_leave(file);
	return status;
}

struct nt_status file_lock_await(struct file_lock_wait *w)
{
	uint64_t poll_ns = w->open->posix_locks ? POLL_FIRST_NS : 0;
	struct file *file = file_enter(w->open);

	while (nt_equal(w->wait.status, STATUS_PENDING)) {
		if (fiber_cond_wait(&w->decided, &file->shard->mutex, poll_ns) != -ETIMEDOUT)
			continue;
		lock_wait_retry(&file->locks, &w->wait);
		poll_ns = poll_ns * 2 < POLL_MOST_NS ? poll_ns * 2 : POLL_MOST_NS;
	}
	if (nt_success(w->wait.status))
		file_io_drain(w->open, &w->wait.range, 1);
	file_leave(file);
	return w->wait.status;
}

void file_lock_cancel(struct file_lock_wait *w)
{
	struct file *file = file_enter(w->open);

	lock_wait_cancel(&file->locks, &w->wait);
	file_leave(file);
}

void file_lock_interrupt(struct file_open *open)
{
	struct file *file = file_enter(open);

	open->locks_ended = true;
	lock_owner_interrupt(&file->locks, &open->locks);
	file_leave(file);
}
