/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of hashes of names, for directories that are too large for their names to be kept: what is
 * not in it is not there; what is, may be. Nothing is taken out. Thread: the owner's. Ownership:
 * the memory is the set's, until name_set_free(); all zero is an empty one.
 */
#ifndef SMBD_VFS_NAME_SET_H
#define SMBD_VFS_NAME_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct name_set {
	uint64_t *slots; /* 0: empty */
	size_t size;     /* a power of two, or 0 */
	size_t count;
};

/* False: no memory, and the set is as it was. */
bool name_set_add(struct name_set *set, uint64_t hash);
bool name_set_has(const struct name_set *set, uint64_t hash);
size_t name_set_bytes(const struct name_set *set);
void name_set_free(struct name_set *set);

#endif
