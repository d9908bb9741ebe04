/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/file/lock.h"

#include <assert.h>
#include <stddef.h>

#include <talloc.h>

static bool is_inert(uint64_t offset, uint64_t length)
{
	return offset == 0 && length == 0;
}

/* [MS-FSA] 2.1.5.8: a byte beyond the last one that 64 bits can name. */
static bool wraps(uint64_t offset, uint64_t length)
{
	return length && offset + length - 1 < offset;
}

static struct lock_entry **tree_of(struct lock_set *set, uint64_t offset, uint64_t length,
				   bool exclusive)
{
	if (is_inert(offset, length))
		return &set->inert;
	return exclusive ? &set->exclusive : &set->shared;
}

/* [MS-FSA] 2.1.4.10 for LockIntent: a shared lock goes on its owner's exclusive one, and nothing
 * goes on the other way round. */
static bool lock_conflicts(const struct lock_set *set, const struct lock_owner *owner,
			   const struct lock_range *range)
{
	uint64_t first = range->offset, last = lock_last(range->offset, range->length);

	if (is_inert(range->offset, range->length))
		return false;
	if (!range->exclusive)
		return lock_tree_overlaps(set->exclusive, first, last, owner);
	return lock_tree_overlaps(set->exclusive, first, last, NULL) ||
	       lock_tree_overlaps(set->shared, first, last, NULL);
}

bool lock_io_conflicts(const struct lock_set *set, const struct lock_owner *owner, uint64_t offset,
		       uint64_t length, bool write)
{
	uint64_t last = lock_last(offset, length);

	if (length == 0)
		return false;
	return lock_tree_overlaps(set->exclusive, offset, last, owner) ||
	       (write && lock_tree_overlaps(set->shared, offset, last, NULL));
}

bool lock_range_excludes(const struct lock_range *range, const struct lock_owner *owner,
			 const struct lock_owner *by, uint64_t offset, uint64_t length, bool write)
{
	if (length == 0 || is_inert(range->offset, range->length) ||
	    !(range->exclusive ? owner != by : write))
		return false;
	return range->offset <= lock_last(offset, length) &&
	       lock_last(range->offset, range->length) >= offset;
}

/* ---- what local processes see ---- */

/* What [*from, ...] up to *to, at most to what it was, is to be. */
static enum lock_map map_of(const struct lock_set *set, const struct lock_owner *owner,
			    uint64_t from, uint64_t *to)
{
	const struct lock_entry *exclusive = lock_tree_first_of(set->exclusive, from, *to, owner);
	const struct lock_entry *shared;

	if (exclusive && exclusive->offset <= from) {
		if (lock_last(exclusive->offset, exclusive->length) < *to)
			*to = lock_last(exclusive->offset, exclusive->length);
		return LOCK_MAP_EXCLUSIVE;
	}
	if (exclusive)
		*to = exclusive->offset - 1;
	shared = lock_tree_first_of(set->shared, from, *to, owner);
	if (shared && shared->offset <= from) {
		if (lock_last(shared->offset, shared->length) < *to)
			*to = lock_last(shared->offset, shared->length);
		return LOCK_MAP_SHARED;
	}
	if (shared)
		*to = shared->offset - 1;
	return LOCK_MAP_NONE;
}

static bool map_range(const struct lock_set *set, struct lock_owner *owner, uint64_t offset,
		      uint64_t length)
{
	uint64_t last = lock_last(offset, length), from, to;
	enum lock_map map;

	if (!owner->map || length == 0)
		return true;
	for (from = offset;; from = to + 1) {
		to = last;
		map = map_of(set, owner, from, &to);
		if (map != LOCK_MAP_NONE)
			owner->mapped = true;
		if (!owner->map(owner, from, to, map))
			return false;
		if (to == last)
			return true;
	}
}

/* ---- entries ---- */

static bool entry_add(struct lock_set *set, struct lock_owner *owner,
		      const struct lock_range *range)
{
	struct lock_entry **tree = tree_of(set, range->offset, range->length, range->exclusive);
	struct lock_entry *e = lock_tree_find(*tree, range->offset, range->length, owner);

	if (owner->count == LOCKS_MAX)
		return false;
	if (!e) {
		e = talloc_zero(NULL, struct lock_entry);
		if (!e)
			return false;
		e->offset = range->offset;
		e->length = range->length;
		e->exclusive = range->exclusive;
		e->owner = owner;
		list_push(&owner->held, &e->of_owner);
		lock_tree_insert(tree, e);
	}
	e->count++;
	owner->count++;
	set->count++;
	return true;
}

static void entry_remove(struct lock_set *set, struct lock_entry *e, unsigned count)
{
	assert(count <= e->count);
	e->owner->count -= count;
	set->count -= count;
	e->count -= count;
	if (e->count > 0)
		return;
	lock_tree_remove(tree_of(set, e->offset, e->length, e->exclusive), e);
	list_del(&e->of_owner);
	talloc_free(e);
}

/* An exclusive lock before a shared one, [MS-FSA] 2.1.5.9. */
static struct lock_entry *entry_find(struct lock_set *set, const struct lock_owner *owner,
				     uint64_t offset, uint64_t length)
{
	struct lock_entry *e =
		lock_tree_find(*tree_of(set, offset, length, true), offset, length, owner);

	return e ? e : lock_tree_find(set->shared, offset, length, owner);
}

static void take_back(struct lock_set *set, struct lock_owner *owner,
		      const struct lock_range *range)
{
	struct lock_entry *e =
		lock_tree_find(*tree_of(set, range->offset, range->length, range->exclusive),
			       range->offset, range->length, owner);

	entry_remove(set, e, 1);
	(void)map_range(set, owner, range->offset, range->length); /* lowers: cannot fail */
}

static struct nt_status take_one(struct lock_set *set, struct lock_owner *owner,
				 const struct lock_range *range)
{
	if (wraps(range->offset, range->length))
		return STATUS_INVALID_LOCK_RANGE;
	if (lock_conflicts(set, owner, range))
		return STATUS_LOCK_NOT_GRANTED;
	if (!entry_add(set, owner, range))
		return STATUS_INSUFFICIENT_RESOURCES;
	if (map_range(set, owner, range->offset, range->length))
		return STATUS_SUCCESS;
	take_back(set, owner, range);
	return STATUS_LOCK_NOT_GRANTED;
}

/* ---- waiting ---- */

static void decide(struct lock_wait *wait, struct nt_status status)
{
	list_del(&wait->node);
	wait->status = status;
	wait->decided(wait);
}

static bool is_waiting(const struct lock_wait *wait)
{
	return nt_equal(wait->status, STATUS_PENDING);
}

void lock_wait_retry(struct lock_set *set, struct lock_wait *wait)
{
	struct nt_status status;

	if (!is_waiting(wait))
		return;
	status = take_one(set, wait->owner, &wait->range);
	if (!nt_equal(status, STATUS_LOCK_NOT_GRANTED))
		decide(wait, status);
}

void lock_wait_cancel(struct lock_set *set, struct lock_wait *wait)
{
	if (is_waiting(wait))
		decide(wait, STATUS_CANCELLED);
}

static bool waits_for(const struct lock_wait *wait, uint64_t first, uint64_t last)
{
	return wait->range.offset <= last &&
	       lock_last(wait->range.offset, wait->range.length) >= first;
}

/* Something in [first, last] has gone. */
static void wake(struct lock_set *set, uint64_t first, uint64_t last)
{
	list_for_each_safe (n, &set->waits) {
		struct lock_wait *wait = container_of(n, struct lock_wait, node);

		if (waits_for(wait, first, last))
			lock_wait_retry(set, wait);
	}
}

/* ---- the calls ---- */

void lock_set_init(struct lock_set *set)
{
	*set = (struct lock_set){.count = 0};
	list_init(&set->waits);
}

bool lock_set_is_empty(const struct lock_set *set)
{
	return set->count == 0 && list_empty(&set->waits);
}

void lock_owner_init(struct lock_owner *owner, bool (*map)(struct lock_owner *owner, uint64_t first,
							   uint64_t last, enum lock_map to))
{
	*owner = (struct lock_owner){.map = map};
	list_init(&owner->held);
}

struct nt_status lock_take(struct lock_set *set, struct lock_owner *owner,
			   const struct lock_range *ranges, unsigned count)
{
	struct nt_status status = STATUS_SUCCESS;
	unsigned taken;

	for (taken = 0; taken < count && nt_success(status); taken++)
		status = take_one(set, owner, &ranges[taken]);
	if (nt_success(status))
		return status;
	for (taken--; taken-- > 0;) /* but the one that failed */
		take_back(set, owner, &ranges[taken]);
	return status;
}

struct nt_status lock_take_or_wait(struct lock_set *set, struct lock_wait *wait)
{
	wait->status = take_one(set, wait->owner, &wait->range);
	list_init(&wait->node);
	if (nt_equal(wait->status, STATUS_LOCK_NOT_GRANTED)) {
		wait->status = STATUS_PENDING;
		list_push(&set->waits, &wait->node);
	}
	return wait->status;
}

struct nt_status lock_drop(struct lock_set *set, struct lock_owner *owner, uint64_t offset,
			   uint64_t length)
{
	struct lock_entry *e;

	if (wraps(offset, length))
		return STATUS_INVALID_LOCK_RANGE;
	e = entry_find(set, owner, offset, length);
	if (!e)
		return STATUS_RANGE_NOT_LOCKED;
	entry_remove(set, e, 1);
	(void)map_range(set, owner, offset, length); /* lowers: cannot fail */
	wake(set, offset, lock_last(offset, length));
	return STATUS_SUCCESS;
}

void lock_owner_interrupt(struct lock_set *set, struct lock_owner *owner)
{
	list_for_each_safe (n, &set->waits) {
		struct lock_wait *wait = container_of(n, struct lock_wait, node);

		if (wait->owner == owner)
			decide(wait, STATUS_RANGE_NOT_LOCKED);
	}
}

void lock_owner_end(struct lock_set *set, struct lock_owner *owner)
{
	bool held = owner->count > 0;

	lock_owner_interrupt(set, owner);
	list_for_each_safe (n, &owner->held) {
		struct lock_entry *e = container_of(n, struct lock_entry, of_owner);

		entry_remove(set, e, e->count);
	}
	if (owner->mapped)
		(void)owner->map(owner, 0, UINT64_MAX, LOCK_MAP_NONE);
	if (held)
		wake(set, 0, UINT64_MAX);
}
