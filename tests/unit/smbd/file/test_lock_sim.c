/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock engine against a model that is too simple to be wrong: seeded schedules of owners that
 * lock, wait, cancel, unlock and close, and of local processes that lock beside them. After every
 * step both say the same; again and again, what local processes see is what is held, nobody waits
 * for what he could have, and no two locks conflict. A million steps. Prints the seed that failed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "smbd/file/lock.h"
#include "transport/base/list.h"

#define SEEDS  25
#define STEPS  40000 /* of each */
#define LOOK   97    /* steps between looks at everything */
#define OWNERS 6
#define LOCKS  48 /* held at once */
#define WAITS  12
#define CELLS  96 /* half of them at the beginning of the file, half at the end of what there is */

/* ---- chance ---- */

static uint64_t chance;

static unsigned any(unsigned below)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return (unsigned)((chance >> 11) % below);
}

static uint64_t cell_offset(unsigned cell)
{
	return cell < CELLS / 2 ? cell : UINT64_MAX - (CELLS - 1 - cell);
}

/* Mostly short; some empty, some over nearly everything, a few beyond the end. */
static struct lock_range any_range(void)
{
	unsigned from = any(CELLS), kind = any(16);
	struct lock_range r = {.offset = cell_offset(from), .exclusive = any(2)};

	if (kind == 0)
		r.length = 0;
	else if (kind == 1)
		r.length = cell_offset(from + any(CELLS - from)) - r.offset + 1;
	else
		r.length = 1 + any(6);
	return r;
}

/* ---- the model ---- */

struct held {
	unsigned owner;
	struct lock_range range;
};

struct waiter {
	struct lock_wait wait; /* the engine's */
	bool used, decided;
	struct nt_status model; /* PENDING until the model decides it */
	uint64_t order;
};

static struct lock_set set;
static struct lock_owner owners[OWNERS];
static enum lock_map seen[OWNERS][CELLS]; /* what the engine told */
static enum lock_map local[CELLS];        /* what local processes hold */
static struct held held[LOCKS + WAITS];
static unsigned held_count;
static struct waiter waiters[WAITS];
static uint64_t arrivals;
static uint64_t seed, step;

#define agree(condition)                                                                        \
	do {                                                                                    \
		if (!(condition))                                                               \
			fail_msg("seed %llu, step %llu: " #condition, (unsigned long long)seed, \
				 (unsigned long long)step);                                     \
	} while (0)

static bool empty_at_zero(const struct lock_range *r)
{
	return r->offset == 0 && r->length == 0;
}

static bool beyond(const struct lock_range *r)
{
	return r->length && r->length - 1 > UINT64_MAX - r->offset;
}

/* Is there a byte of one in the other, or does one cover both sides of the other, an empty one? */
static bool touch(const struct lock_range *a, const struct lock_range *b)
{
	if (empty_at_zero(a) || empty_at_zero(b) || (!a->length && !b->length))
		return false;
	if (!a->length)
		return b->offset < a->offset && a->offset - 1 - b->offset < b->length - 1;
	if (!b->length)
		return touch(b, a);
	return a->offset <= b->offset ? b->offset - a->offset < a->length
				      : a->offset - b->offset < b->length;
}

static bool stands_in_way(const struct held *h, unsigned owner, const struct lock_range *r)
{
	if (!touch(&h->range, r))
		return false;
	if (h->range.exclusive && !r->exclusive)
		return h->owner != owner;
	return h->range.exclusive || r->exclusive;
}

static bool covers(const struct lock_range *r, unsigned cell)
{
	uint64_t at = cell_offset(cell);

	return r->offset <= at && at - r->offset < r->length;
}

static enum lock_map should_see(unsigned owner, unsigned cell)
{
	enum lock_map map = LOCK_MAP_NONE;

	for (unsigned i = 0; i < held_count; i++) {
		if (held[i].owner != owner || !covers(&held[i].range, cell))
			continue;
		if (held[i].range.exclusive)
			return LOCK_MAP_EXCLUSIVE;
		map = LOCK_MAP_SHARED;
	}
	return map;
}

static bool excludes(enum lock_map a, enum lock_map b)
{
	return (a == LOCK_MAP_EXCLUSIVE && b != LOCK_MAP_NONE) ||
	       (b == LOCK_MAP_EXCLUSIVE && a != LOCK_MAP_NONE);
}

static bool locals_stand_in_way(const struct lock_range *r)
{
	for (unsigned cell = 0; cell < CELLS; cell++) {
		if (covers(r, cell) &&
		    excludes(local[cell], r->exclusive ? LOCK_MAP_EXCLUSIVE : LOCK_MAP_SHARED))
			return true;
	}
	return false;
}

static struct nt_status model_take(unsigned owner, const struct lock_range *r)
{
	if (beyond(r))
		return STATUS_INVALID_LOCK_RANGE;
	for (unsigned i = 0; i < held_count; i++) {
		if (stands_in_way(&held[i], owner, r))
			return STATUS_LOCK_NOT_GRANTED;
	}
	if (owners[owner].map && locals_stand_in_way(r))
		return STATUS_LOCK_NOT_GRANTED;
	held[held_count++] = (struct held){owner, *r};
	return STATUS_SUCCESS;
}

static bool same_range(const struct held *h, unsigned owner, const struct lock_range *r)
{
	return h->owner == owner && h->range.offset == r->offset && h->range.length == r->length;
}

static struct nt_status model_drop(unsigned owner, const struct lock_range *r)
{
	unsigned found = held_count;

	if (beyond(r))
		return STATUS_INVALID_LOCK_RANGE;
	for (unsigned i = 0; i < held_count; i++) {
		if (!same_range(&held[i], owner, r))
			continue;
		if (found == held_count || held[i].range.exclusive)
			found = i;
	}
	if (found == held_count)
		return STATUS_RANGE_NOT_LOCKED;
	held[found] = held[--held_count];
	return STATUS_SUCCESS;
}

static struct waiter *model_oldest(uint64_t after)
{
	struct waiter *oldest = NULL;

	for (unsigned i = 0; i < WAITS; i++) {
		struct waiter *w = &waiters[i];

		if (w->used && nt_equal(w->model, STATUS_PENDING) && w->order > after &&
		    (!oldest || w->order < oldest->order))
			oldest = w;
	}
	return oldest;
}

static unsigned owner_index(const struct lock_owner *owner)
{
	return (unsigned)(owner - owners);
}

/* Everybody who waits tries again, in the order they came. */
static void model_retry(void)
{
	struct waiter *w = model_oldest(0);

	for (; w; w = model_oldest(w->order)) {
		struct nt_status status = model_take(owner_index(w->wait.owner), &w->wait.range);

		if (!nt_equal(status, STATUS_LOCK_NOT_GRANTED))
			w->model = status;
	}
}

static void model_end(unsigned owner)
{
	for (unsigned i = 0; i < WAITS; i++) {
		struct waiter *w = &waiters[i];

		if (w->used && owner_index(w->wait.owner) == owner &&
		    nt_equal(w->model, STATUS_PENDING))
			w->model = STATUS_RANGE_NOT_LOCKED;
	}
	for (unsigned i = 0; i < held_count;) {
		if (held[i].owner == owner)
			held[i] = held[--held_count];
		else
			i++;
	}
	model_retry();
}

/* ---- what the engine calls ---- */

static bool map(struct lock_owner *owner, uint64_t first, uint64_t last, enum lock_map to)
{
	enum lock_map *cells = seen[owner_index(owner)];

	agree(first <= last);
	for (unsigned cell = 0; cell < CELLS; cell++) {
		if (cell_offset(cell) >= first && cell_offset(cell) <= last &&
		    excludes(local[cell], to))
			return false;
	}
	for (unsigned cell = 0; cell < CELLS; cell++) {
		if (cell_offset(cell) >= first && cell_offset(cell) <= last)
			cells[cell] = to;
	}
	return true;
}

static void decided(struct lock_wait *wait)
{
	struct waiter *w = container_of(wait, struct waiter, wait);

	agree(w->used && !w->decided);
	w->decided = true;
}

/* ---- steps ---- */

static void step_take(void)
{
	struct lock_range ranges[3];
	unsigned owner = any(OWNERS), count = 1 + any(3), before = held_count;
	struct nt_status model = STATUS_SUCCESS;

	if (held_count + count > LOCKS)
		return;
	for (unsigned i = 0; i < count; i++)
		ranges[i] = any_range();
	for (unsigned i = 0; i < count && nt_success(model); i++)
		model = model_take(owner, &ranges[i]);
	if (!nt_success(model))
		held_count = before;
	agree(nt_equal(lock_take(&set, &owners[owner], ranges, count), model));
}

static void step_wait(void)
{
	struct waiter *w = &waiters[any(WAITS)];
	unsigned owner = any(OWNERS);
	struct nt_status status;

	if (w->used || held_count >= LOCKS)
		return;
	*w = (struct waiter){
		.wait = {.owner = &owners[owner], .range = any_range(), .decided = decided},
		.order = ++arrivals};
	w->model = model_take(owner, &w->wait.range);
	if (nt_equal(w->model, STATUS_LOCK_NOT_GRANTED))
		w->model = STATUS_PENDING;
	w->used = true;
	status = lock_take_or_wait(&set, &w->wait);
	agree(nt_equal(status, w->model));
	agree(!w->decided);
	w->used = nt_equal(status, STATUS_PENDING);
}

static void step_cancel(void)
{
	struct waiter *w = &waiters[any(WAITS)];

	if (!w->used)
		return;
	w->model = STATUS_CANCELLED;
	lock_wait_cancel(&set, &w->wait);
	lock_wait_cancel(&set, &w->wait); /* twice is once */
}

/* What is held, most of the time. */
static void step_drop(void)
{
	struct held what = {any(OWNERS), any_range()};
	struct nt_status model;

	if (held_count > 0 && any(8))
		what = held[any(held_count)];
	model = model_drop(what.owner, &what.range);
	if (nt_success(model))
		model_retry();
	agree(nt_equal(lock_drop(&set, &owners[what.owner], what.range.offset, what.range.length),
		       model));
}

static void step_end(void)
{
	unsigned owner = any(OWNERS);

	model_end(owner);
	lock_owner_end(&set, &owners[owner]);
}

static void step_io(void)
{
	struct held io = {any(OWNERS), any_range()};
	bool conflict = false, write = io.range.exclusive;

	if (beyond(&io.range))
		return;
	for (unsigned i = 0; i < held_count && io.range.length; i++) {
		const struct held *h = &held[i];

		if (touch(&h->range, &io.range) &&
		    (h->range.exclusive ? h->owner != io.owner : write))
			conflict = true;
	}
	agree(lock_io_conflicts(&set, &owners[io.owner], io.range.offset, io.range.length, write) ==
	      conflict);
}

/* A local process locks a cell, if nobody of ours excludes it, or unlocks it. */
static void step_local(void)
{
	unsigned cell = any(CELLS);
	enum lock_map to = any(3) ? LOCK_MAP_NONE : 1 + any(2);
	struct waiter *w;

	for (unsigned i = 0; i < OWNERS; i++) {
		if (excludes(seen[i][cell], to))
			return;
	}
	local[cell] = to;
	/* nobody tells the engine: it looks again */
	for (w = model_oldest(0); w; w = model_oldest(w->order)) {
		struct nt_status status = model_take(owner_index(w->wait.owner), &w->wait.range);

		if (!nt_equal(status, STATUS_LOCK_NOT_GRANTED))
			w->model = status;
		lock_wait_retry(&set, &w->wait);
	}
}

/* ---- looks ---- */

static void look_at_waits(void)
{
	for (unsigned i = 0; i < WAITS; i++) {
		struct waiter *w = &waiters[i];

		if (!w->used)
			continue;
		agree(nt_equal(w->wait.status, w->model));
		agree(w->decided == !nt_equal(w->model, STATUS_PENDING));
		w->used = !w->decided;
	}
}

static void look_at_everything(void)
{
	unsigned before = held_count;

	for (unsigned i = 0; i < OWNERS; i++) {
		for (unsigned cell = 0; cell < CELLS && owners[i].map; cell++)
			agree(seen[i][cell] == should_see(i, cell));
	}
	for (unsigned i = 0; i < held_count; i++) {
		for (unsigned k = 0; k < i;
		     k++) /* the older is i or k: one of them may be on top */
			agree(!stands_in_way(&held[i], held[k].owner, &held[k].range) ||
			      !stands_in_way(&held[k], held[i].owner, &held[i].range));
	}
	for (unsigned i = 0; i < WAITS; i++) {
		if (waiters[i].used)
			agree(!nt_success(model_take(owner_index(waiters[i].wait.owner),
						     &waiters[i].wait.range)));
	}
	agree(held_count == before && set.count == held_count);
}

static void run_step(void)
{
	static void (*const steps[])(void) = {step_take,   step_take, step_take, step_wait,
					      step_wait,   step_drop, step_drop, step_drop,
					      step_cancel, step_io,   step_io,   step_local};

	if (any(200) == 0)
		step_end();
	else
		steps[any(sizeof(steps) / sizeof(*steps))]();
	look_at_waits();
	if (step % LOOK == 0)
		look_at_everything();
}

static void test_against_model(void **state)
{
	for (seed = 1; seed <= SEEDS; seed++) {
		chance = seed * 0x9e3779b97f4a7c15ull;
		memset(local, 0, sizeof(local));
		memset(seen, 0, sizeof(seen));
		lock_set_init(&set);
		for (unsigned i = 0; i < OWNERS; i++) /* one of them local processes never see */
			lock_owner_init(&owners[i], i ? map : NULL);
		for (step = 1; step <= STEPS; step++)
			run_step();
		for (unsigned i = 0; i < OWNERS; i++) {
			model_end(i);
			lock_owner_end(&set, &owners[i]);
		}
		look_at_waits();
		look_at_everything();
		assert_true(lock_set_is_empty(&set));
		assert_int_equal(held_count, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_model)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
