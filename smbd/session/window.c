/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/window.h"

#include <assert.h>
#include <string.h>

static bool bit_test(const struct window *w, uint64_t id)
{
	return w->used[id % WINDOW_MAX / 64] & UINT64_C(1) << id % 64;
}

static void bit_set(struct window *w, uint64_t id)
{
	w->used[id % WINDOW_MAX / 64] |= UINT64_C(1) << id % 64;
}

static void bit_clear(struct window *w, uint64_t id)
{
	w->used[id % WINDOW_MAX / 64] &= ~(UINT64_C(1) << id % 64);
}

void window_init(struct window *w, uint32_t limit)
{
	assert(limit > 0 && limit <= WINDOW_MAX / 2);
	memset(w, 0, sizeof(*w));
	w->high = 1;
	w->credits = 1;
	w->limit = limit;
}

bool window_use(struct window *w, uint64_t id, uint32_t charge)
{
	uint32_t n = charge ? charge : 1;

	if (id < w->low || id >= w->high || n > w->high - id)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (bit_test(w, id + i))
			return false;
	for (uint32_t i = 0; i < n; i++)
		bit_set(w, id + i);
	assert(w->credits >= n);
	w->credits -= n;
	while (w->low < w->high && bit_test(w, w->low))
		bit_clear(w, w->low++);
	return true;
}

void window_limit(struct window *w, uint32_t limit)
{
	assert(limit > 0 && limit <= WINDOW_MAX / 2);
	w->limit = limit;
}

uint16_t window_grant(struct window *w, uint32_t want)
{
	uint64_t span = w->high - w->low; /* an id held back keeps its place in the bitmap */
	uint32_t most = w->credits < w->limit ? w->limit - w->credits : 0;

	if (most > WINDOW_MAX - span)
		most = (uint32_t)(WINDOW_MAX - span);
	if (want == 0 && w->credits == 0)
		want = 1;
	if (want > most)
		want = most;
	if (want > UINT16_MAX)
		want = UINT16_MAX;
	w->high += want;
	w->credits += want;
	return (uint16_t)want;
}
