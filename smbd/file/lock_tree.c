/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/file/lock_tree.h"

#include <stddef.h>

static int height(const struct lock_entry *e)
{
	return e ? e->height : 0;
}

static void take_in(struct lock_entry *e, const struct lock_entry *below)
{
	if (!below)
		return;
	if (below->max_last > e->max_last)
		e->max_last = below->max_last;
	if (below->only != e->only)
		e->only = NULL;
}

/* From its children. */
static void update(struct lock_entry *e)
{
	int left = height(e->child[0]), right = height(e->child[1]);

	e->height = 1 + (left > right ? left : right);
	e->max_last = lock_last(e->offset, e->length);
	e->only = e->owner;
	take_in(e, e->child[0]);
	take_in(e, e->child[1]);
}

/* child[!side] comes up, *root goes down to that side. */
static void rotate(struct lock_entry **root, int side)
{
	struct lock_entry *down = *root, *up = down->child[!side];

	down->child[!side] = up->child[side];
	up->child[side] = down;
	update(down);
	update(up);
	*root = up;
}

static void balance(struct lock_entry **root)
{
	struct lock_entry *e = *root;

	update(e);
	for (int side = 0; side < 2; side++) {
		struct lock_entry *heavy = e->child[!side];

		if (height(heavy) <= height(e->child[side]) + 1)
			continue;
		if (height(heavy->child[side]) > height(heavy->child[!side]))
			rotate(&e->child[!side], !side);
		rotate(root, side);
		return;
	}
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare(uint64_t offset, uint64_t length, const struct lock_owner *owner,
		   const struct lock_entry *e)
{
	int c = compare_u64(offset, e->offset);

	if (c == 0)
		c = compare_u64(length, e->length);
	if (c == 0)
		c = compare_u64((uintptr_t)owner, (uintptr_t)e->owner);
	return c;
}

void lock_tree_insert(struct lock_entry **root, struct lock_entry *entry)
{
	struct lock_entry *e = *root;

	if (!e) {
		entry->child[0] = entry->child[1] = NULL;
		update(entry);
		*root = entry;
		return;
	}
	lock_tree_insert(&e->child[compare(entry->offset, entry->length, entry->owner, e) > 0],
			 entry);
	balance(root);
}

static struct lock_entry *remove_leftmost(struct lock_entry **root)
{
	struct lock_entry *e = *root;

	if (!e->child[0]) {
		*root = e->child[1];
		return e;
	}
	e = remove_leftmost(&e->child[0]);
	balance(root);
	return e;
}

static void remove_root(struct lock_entry **root)
{
	struct lock_entry *e = *root, *next;

	if (!e->child[0] || !e->child[1]) {
		*root = e->child[e->child[0] == NULL];
		return;
	}
	next = remove_leftmost(&e->child[1]);
	next->child[0] = e->child[0];
	next->child[1] = e->child[1];
	*root = next;
	balance(root);
}

void lock_tree_remove(struct lock_entry **root, struct lock_entry *entry)
{
	struct lock_entry *e = *root;

	if (e == entry) {
		remove_root(root);
		return;
	}
	lock_tree_remove(&e->child[compare(entry->offset, entry->length, entry->owner, e) > 0],
			 entry);
	balance(root);
}

struct lock_entry *lock_tree_find(struct lock_entry *root, uint64_t offset, uint64_t length,
				  const struct lock_owner *owner)
{
	while (root) {
		int c = compare(offset, length, owner, root);

		if (c == 0)
			break;
		root = root->child[c > 0];
	}
	return root;
}

static bool overlaps(const struct lock_entry *e, uint64_t first, uint64_t last)
{
	return e->offset <= last && lock_last(e->offset, e->length) >= first;
}

bool lock_tree_overlaps(const struct lock_entry *root, uint64_t first, uint64_t last,
			const struct lock_owner *except)
{
	for (; root; root = root->child[1]) {
		if (root->max_last < first || (except && root->only == except))
			return false;
		if (lock_tree_overlaps(root->child[0], first, last, except))
			return true;
		if (root->offset > last) /* and so are those to the right */
			return false;
		if (root->owner != except && overlaps(root, first, last))
			return true;
	}
	return false;
}

const struct lock_entry *lock_tree_first_of(const struct lock_entry *root, uint64_t first,
					    uint64_t last, const struct lock_owner *owner)
{
	for (; root; root = root->child[1]) {
		const struct lock_entry *found;

		if (root->max_last < first || (root->only && root->only != owner))
			return NULL;
		found = lock_tree_first_of(root->child[0], first, last, owner);
		if (found)
			return found;
		if (root->offset > last)
			return NULL;
		if (root->owner == owner && root->length && overlaps(root, first, last))
			return root;
	}
	return NULL;
}
