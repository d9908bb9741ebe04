/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ranges that somebody holds, found by what they overlap: a balanced tree by offset that knows
 * for each subtree how far it reaches and whether it is all one owner's. Of lock.c.
 *
 * Thread: that of the owner of the root. Ownership: entries are the caller's; the tree links them.
 * Time: logarithmic, but that lock_tree_first_of() passes over the ranges of others that overlap.
 */
#ifndef SMBD_FILE_LOCK_TREE_H
#define SMBD_FILE_LOCK_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/base/list.h"

struct lock_owner;

struct lock_entry {
	uint64_t offset,
		length; /* not {0, 0}, which overlaps nothing, where overlap is asked for */
	struct lock_owner *owner;
	bool exclusive;
	unsigned count; /* the same lock, so many times */
	struct list_node of_owner;

	/* the tree's */
	struct lock_entry *child[2];
	uint64_t max_last;             /* of the subtree */
	const struct lock_owner *only; /* whose the subtree is; NULL: of several */
	int height;
};

/* The last byte of a range. An empty one at p ends before it begins, at p - 1: so, as [MS-FSA]
 * 2.1.4.10 has it, it overlaps what covers both p - 1 and p. A range beyond the last offset ends
 * there. */
static inline uint64_t lock_last(uint64_t offset, uint64_t length)
{
	uint64_t last = offset + length - 1;

	return length && last < offset ? UINT64_MAX : last;
}

void lock_tree_insert(struct lock_entry **root, struct lock_entry *entry);
void lock_tree_remove(struct lock_entry **root, struct lock_entry *entry);

/* The entry with exactly this range and owner. */
struct lock_entry *lock_tree_find(struct lock_entry *root, uint64_t offset, uint64_t length,
				  const struct lock_owner *owner);

/* Does any overlap [first, last] that is not `except`'s (NULL: whoever's)? */
bool lock_tree_overlaps(const struct lock_entry *root, uint64_t first, uint64_t last,
			const struct lock_owner *except);

/* Of this owner's that overlap and are not empty, the one with the lowest offset. */
const struct lock_entry *lock_tree_first_of(const struct lock_entry *root, uint64_t first,
					    uint64_t last, const struct lock_owner *owner);

#endif
