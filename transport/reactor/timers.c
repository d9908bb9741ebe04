/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/reactor/timers.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int timers_count_one(struct timers *t)
{
	struct reactor_timer **heap;
	size_t cap = t->cap ? t->cap * 2 : 64;

	if (t->counted + 1 >= t->cap) {
		heap = realloc(t->heap, cap * sizeof(struct reactor_timer *));
		if (!heap)
			return -ENOMEM;
		t->heap = heap;
		t->cap = cap;
	}
	t->counted++;
	return 0;
}

static bool timers_before(const struct reactor_timer *a, const struct reactor_timer *b)
{
	if (a->deadline_ns != b->deadline_ns)
		return a->deadline_ns < b->deadline_ns;
	return a->order < b->order;
}

static void timers_place(struct timers *t, struct reactor_timer *timer, size_t i)
{
	t->heap[i] = timer;
	timer->heap_index = i;
}

/* Both move the hole at i to where the timer belongs, and put it there. */
static void timers_sift_up(struct timers *t, struct reactor_timer *timer, size_t i)
{
	for (; i > 1 && timers_before(timer, t->heap[i / 2]); i /= 2)
		timers_place(t, t->heap[i / 2], i);
	timers_place(t, timer, i);
}

static void timers_sift_down(struct timers *t, struct reactor_timer *timer, size_t i)
{
	for (size_t child; (child = 2 * i) <= t->len; i = child) {
		if (child < t->len && timers_before(t->heap[child + 1], t->heap[child]))
			child++;
		if (!timers_before(t->heap[child], timer))
			break;
		timers_place(t, t->heap[child], i);
	}
	timers_place(t, timer, i);
}

void timers_arm(struct timers *t, struct reactor_timer *timer, uint64_t deadline_ns)
{
	timers_cancel(t, timer);
	assert(t->len < t->counted);
	timer->deadline_ns = deadline_ns;
	timer->order = t->order++;
	timers_sift_up(t, timer, ++t->len);
}

void timers_cancel(struct timers *t, struct reactor_timer *timer)
{
	size_t i = timer->heap_index;
	struct reactor_timer *last;

	if (!i)
		return;
	assert(t->heap[i] == timer);
	timer->heap_index = 0;
	last = t->heap[t->len--];
	if (last == timer)
		return;
	if (i > 1 && timers_before(last, t->heap[i / 2]))
		timers_sift_up(t, last, i);
	else
		timers_sift_down(t, last, i);
}

void timers_fire(struct timers *t, uint64_t now_ns)
{
	uint64_t order = t->order;

	while (t->len) {
		struct reactor_timer *timer = t->heap[1];

		/* A timer that is armed again at once must not keep the loop here. */
		if (timer->deadline_ns > now_ns || timer->order >= order)
			return;
		timers_cancel(t, timer);
		timer->fire(timer);
	}
}

uint64_t timers_next_ns(const struct timers *t)
{
	return t->len ? t->heap[1]->deadline_ns : UINT64_MAX;
}
