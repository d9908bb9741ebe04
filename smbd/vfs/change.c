/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Change times that clients set: SMB lets them, Linux doesn't. What was set is kept here, beside
 * the kernel's own change time after it, and shown as long as that one stands: whatever changes the
 * file after, by whatever way, makes it void. In memory, a fixed number of them; one that is pushed
 * out or lost with the process shows the kernel's time again.
 *
 * Thread: any. Does not block.
 */
#include <string.h>

#include "smbd/vfs/impl.h"

#define SLOTS   4096
#define MUTEXES 64

struct slot {
	struct vfs_id id;
	struct timespec real, shown;
};

static struct slot slots[SLOTS];
static pthread_mutex_t mutexes[MUTEXES] = {[0 ... MUTEXES - 1] = PTHREAD_MUTEX_INITIALIZER};
static _Atomic bool used; /* most servers never need to look */

static size_t slot_of(const struct vfs_id *id)
{
	uint64_t h = (id->ino ^ id->dev << 32 ^ id->btime_ns) * 0x9e3779b97f4a7c15ull;

	return h >> 52; /* 12 bits: SLOTS */
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

void change_time_show(const struct vfs_id *id, const struct timespec *real,
		      const struct timespec *shown)
{
	size_t i = slot_of(id);

	pthread_mutex_lock(&mutexes[i % MUTEXES]);
	slots[i] = (struct slot){*id, *real, *shown};
	pthread_mutex_unlock(&mutexes[i % MUTEXES]);
	atomic_store_explicit(&used, true, memory_order_release);
}

void change_time_apply(struct vfs_stat *st)
{
	size_t i = slot_of(&st->id);

	if (!atomic_load_explicit(&used, memory_order_acquire))
		return;
	pthread_mutex_lock(&mutexes[i % MUTEXES]);
	if (vfs_id_equal(&slots[i].id, &st->id) && same_time(&slots[i].real, &st->ctime))
		st->ctime = slots[i].shown;
	pthread_mutex_unlock(&mutexes[i % MUTEXES]);
}
