/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory under the pool: regions cut into granules of 64 KiB. A large buffer is a run of
 * granules; small ones share a granule with their like. What is freed joins its free neighbours at
 * once, so that memory is never caught in a size class. Small ones fill a region from its bottom,
 * large ones from its top: the long-lived small do not break up what the large need.
 *
 * Private to buf/. Thread: the caller serialises. Ownership: of regions and descriptors; nothing is
 * allocated but by heap_region_map(). Units: bytes, or granules where it says so.
 */
#ifndef TRANSPORT_BUF_HEAP_H
#define TRANSPORT_BUF_HEAP_H

#include <stdbool.h>

#include "transport/buf/buf.h"

#define HEAP_GRANULE  (64u * 1024)
#define HEAP_CLASSES  10
#define HEAP_SHARING  2 /* the first classes: several in a granule */
#define HEAP_NO_CLASS HEAP_CLASSES

struct heap_region;

struct heap {
	struct heap_region **regions;
	unsigned count;
	size_t free;                            /* granules */
	size_t small;                           /* granules in use by small ones */
	size_t reserve;                         /* granules that large ones leave to small ones */
	size_t allocated;                       /* buffers */
	struct list_node partial[HEAP_SHARING]; /* granules with room, LIFO */
};

/* The smallest class for size; HEAP_NO_CLASS if there is none. */
unsigned heap_class(size_t size);
size_t heap_class_bytes(unsigned cls);
bool heap_class_small(unsigned cls);
unsigned heap_buf_class(const struct buf *buf);

int heap_init(struct heap *heap, size_t regions_max, size_t reserve_granules);
/* Every buffer must be back. */
void heap_fini(struct heap *heap);

/* Map a region (huge pages if there are any); len is a multiple of the granule. NULL: no memory. */
struct heap_region *heap_region_map(size_t len, unsigned index);
void heap_region_unmap(struct heap_region *region);
const struct buf_region *heap_region_public(const struct heap_region *region);
void heap_add(struct heap *heap, struct heap_region *region);

/* NULL when there is no room. What is free is poisoned for ASan. */
struct buf *heap_alloc(struct heap *heap, unsigned cls);
void heap_free(struct heap *heap, struct buf *buf);

/* For who keeps a buffer that nobody may touch. */
void heap_poison(const struct buf *buf);
void heap_unpoison(const struct buf *buf);

#endif
