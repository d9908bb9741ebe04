/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots for objects that a client names by number (trees, opens): an index and a generation, so
 * that a number that went stale finds nothing, whatever has its slot now.
 *
 * Thread, lock: the owner's. Ownership: the table owns its slots, not the objects. Bounded by
 * limit. Errors: negative errno.
 */
#ifndef SMBD_SESSION_IDS_H
#define SMBD_SESSION_IDS_H

#include <stdbool.h>
#include <stdint.h>

struct id_slot {
	void *object;        /* NULL: free, or reserved */
	uint32_t generation; /* changes with each use */
	uint32_t next_free;
};

struct id_table {
	struct id_slot *slots;
	uint32_t capacity, used, limit;
	uint32_t first_free;
};

void id_table_init(struct id_table *t, uint32_t limit);
void id_table_fini(struct id_table *t); /* no slot is in use: asserts it */

/* A slot that is found only after id_table_set(). -EMFILE: the limit; -ENOMEM. */
int id_table_reserve(struct id_table *t, uint32_t *slot, uint32_t *generation);
void id_table_set(struct id_table *t, uint32_t slot, void *object);
void id_table_free(struct id_table *t, uint32_t slot);

void *id_table_find(const struct id_table *t, uint32_t slot, uint32_t generation);
/* The next object at *slot or after it, and its slot; NULL: no more. For walks; begin with 0. */
void *id_table_next(const struct id_table *t, uint32_t *slot);

#endif
