/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing, at most three quarters full. */
#include "smbd/vfs/name_set.h"

#include <stdlib.h>

/* Where it is, or where it would be. */
static uint64_t *slot_of(const struct name_set *set, uint64_t hash)
{
	size_t at = hash & (set->size - 1);

	while (set->slots[at] && set->slots[at] != hash)
		at = (at + 1) & (set->size - 1);
	return &set->slots[at];
}

static uint64_t not_empty(uint64_t hash)
{
	return hash ? hash : 1;
}

static bool grow(struct name_set *set)
{
	struct name_set bigger = {.size = set->size ? set->size * 2 : 64};

	bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
	if (!bigger.slots)
		return false;
	for (size_t i = 0; i < set->size; i++)
		if (set->slots[i])
			*slot_of(&bigger, set->slots[i]) = set->slots[i];
	bigger.count = set->count;
	free(set->slots);
	*set = bigger;
	return true;
}

bool name_set_add(struct name_set *set, uint64_t hash)
{
	uint64_t *slot;

	if (set->count >= set->size / 4 * 3 && !grow(set))
		return false;
	hash = not_empty(hash);
	slot = slot_of(set, hash);
	set->count += *slot == 0;
	*slot = hash;
	return true;
}

bool name_set_has(const struct name_set *set, uint64_t hash)
{
	return set->size && *slot_of(set, not_empty(hash));
}

size_t name_set_bytes(const struct name_set *set)
{
	return set->size * sizeof(*set->slots);
}

void name_set_free(struct name_set *set)
{
	free(set->slots);
	*set = (struct name_set){.count = 0};
}
