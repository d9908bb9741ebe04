/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/ids.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "smbd/crypto/rand.h"

#define NO_SLOT     UINT32_MAX
#define FIRST_SLOTS 16u

void id_table_init(struct id_table *t, uint32_t limit)
{
	*t = (struct id_table){.limit = limit, .first_free = NO_SLOT};
}

void id_table_fini(struct id_table *t)
{
	assert(t->used == 0);
	free(t->slots);
	t->slots = NULL;
	t->capacity = 0;
}

static int grow(struct id_table *t)
{
	uint32_t capacity = t->capacity ? t->capacity * 2 : FIRST_SLOTS;
	struct id_slot *slots;
	uint32_t start;

	if (capacity > t->limit)
		capacity = t->limit;
	if (capacity <= t->capacity)
		return -EMFILE;
	if (rand_fill(&start, sizeof(start)) != 0)
		return -EIO;
	slots = realloc(t->slots, capacity * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	t->slots = slots;
	for (uint32_t i = capacity; i-- > t->capacity;) {
		slots[i] = (struct id_slot){.generation = start + i, .next_free = t->first_free};
		t->first_free = i;
	}
	t->capacity = capacity;
	return 0;
}

int id_table_reserve(struct id_table *t, uint32_t *slot, uint32_t *generation)
{
	if (t->first_free == NO_SLOT) {
		int err = grow(t);

		if (err)
			return err;
	}
	*slot = t->first_free;
	t->first_free = t->slots[*slot].next_free;
	*generation = ++t->slots[*slot].generation;
	t->used++;
	return 0;
}

void id_table_set(struct id_table *t, uint32_t slot, void *object)
{
	assert(slot < t->capacity);
	t->slots[slot].object = object;
}

void id_table_free(struct id_table *t, uint32_t slot)
{
	assert(slot < t->capacity && t->used > 0);
	t->slots[slot].object = NULL;
	t->slots[slot].next_free = t->first_free;
	t->first_free = slot;
	t->used--;
}

void *id_table_find(const struct id_table *t, uint32_t slot, uint32_t generation)
{
	if (slot >= t->capacity || t->slots[slot].generation != generation)
		return NULL;
	return t->slots[slot].object;
}

void *id_table_next(const struct id_table *t, uint32_t *slot)
{
	for (; *slot < t->capacity; (*slot)++)
		if (t->slots[*slot].object)
			return t->slots[*slot].object;
	return NULL;
}
