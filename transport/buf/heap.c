/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/buf/heap.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HEAP_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(HEAP_ASAN)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, len)   ((void)(at), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(at, len) ((void)(at), (void)(len))
#endif

#define HEAP_PAGE      4096u
#define HEAP_HUGE      (2u * 1024 * 1024)
#define HEAP_WORD_BITS 64u

/*
 * Powers of two, and from 256 KiB on with a granule more: a payload of that size has room for its
 * headers beside it, as an encrypted message needs. A large class wastes a granule at most if the
 * sizes asked are the usual ones.
 */
static const size_t heap_bytes[HEAP_CLASSES] = {
	4096,
	16384,
	HEAP_GRANULE,
	2 * HEAP_GRANULE,
	5 * HEAP_GRANULE,
	9 * HEAP_GRANULE,
	17 * HEAP_GRANULE,
	33 * HEAP_GRANULE,
	65 * HEAP_GRANULE,
	BUF_MAX_BYTES,
};

_Static_assert(BUF_MAX_BYTES == 129 * HEAP_GRANULE, "the largest cls is whole granules");
_Static_assert(BUF_SMALL_BYTES == HEAP_GRANULE, "small is what fits in a granule");

/* Of the first granule of a run. */
struct heap_granule {
	struct heap_region *region;
	uint8_t cls;
	uint16_t taken;        /* which of the shares; sharing classes only */
	struct list_node node; /* in heap.partial while a share is free */
};

struct heap_region {
	struct buf_region pub;
	unsigned granules;
	unsigned free;
	uint64_t *used;            /* a bit a granule */
	struct heap_granule *meta; /* one a granule */
	struct buf *bufs;          /* one a page: a buffer's is that of its first page */
};

/* ---- classes ---- */

unsigned heap_class(size_t size)
{
	unsigned cls = 0;

	while (cls < HEAP_CLASSES && heap_bytes[cls] < size)
		cls++;
	return cls;
}

size_t heap_class_bytes(unsigned cls)
{
	return heap_bytes[cls];
}

bool heap_class_small(unsigned cls)
{
	return heap_bytes[cls] <= BUF_SMALL_BYTES;
}

static unsigned heap_class_granules(unsigned cls)
{
	return cls < HEAP_SHARING ? 1 : (unsigned)(heap_bytes[cls] / HEAP_GRANULE);
}

static struct heap_region *heap_buf_region(const struct buf *buf)
{
	/* the region is ours, const only to users */
	return container_of((struct buf_region *)(uintptr_t)buf->region, struct heap_region, pub);
}

static unsigned heap_buf_granule(const struct buf *buf)
{
	return (unsigned)((size_t)(buf->data - (uint8_t *)buf->region->base) / HEAP_GRANULE);
}

unsigned heap_buf_class(const struct buf *buf)
{
	return heap_buf_region(buf)->meta[heap_buf_granule(buf)].cls;
}

void heap_poison(const struct buf *buf)
{
	ASAN_POISON_MEMORY_REGION(buf->data, buf->size);
}

void heap_unpoison(const struct buf *buf)
{
	ASAN_UNPOISON_MEMORY_REGION(buf->data, buf->size);
}

/* ---- regions ---- */

/* Aligned to a huge page, so that the kernel may put them under it when we have none reserved. */
static void *heap_map(size_t len)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	char *p = MAP_FAILED;
	size_t head;

	if (len % HEAP_HUGE == 0)
		p = mmap(NULL, len, PROT_READ | PROT_WRITE, flags | MAP_HUGETLB, -1, 0);
	if (p != MAP_FAILED)
		return p;
	p = mmap(NULL, len + HEAP_HUGE, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	head = -(uintptr_t)p & (HEAP_HUGE - 1);
	if (head)
		munmap(p, head);
	munmap(p + head + len, HEAP_HUGE - head);
	madvise(p + head, len, MADV_HUGEPAGE);
	return p + head;
}

struct heap_region *heap_region_map(size_t len, unsigned index)
{
	struct heap_region *region = calloc(1, sizeof(*region));

	if (!region)
		return NULL;
	assert(len % HEAP_GRANULE == 0);
	region->granules = (unsigned)(len / HEAP_GRANULE);
	region->free = region->granules;
	region->used = calloc(region->granules / HEAP_WORD_BITS + 1, sizeof(uint64_t));
	region->meta = calloc(region->granules, sizeof(*region->meta));
	region->bufs = calloc(len / HEAP_PAGE, sizeof(*region->bufs));
	region->pub = (struct buf_region){.base = heap_map(len), .len = len, .index = index};
	if (region->used && region->meta && region->bufs && region->pub.base)
		return region;
	heap_region_unmap(region);
	return NULL;
}

void heap_region_unmap(struct heap_region *region)
{
	if (region->pub.base) {
		ASAN_UNPOISON_MEMORY_REGION(region->pub.base, region->pub.len);
		munmap(region->pub.base, region->pub.len);
	}
	free(region->bufs);
	free(region->meta);
	free(region->used);
	free(region);
}

const struct buf_region *heap_region_public(const struct heap_region *region)
{
	return &region->pub;
}

void heap_add(struct heap *heap, struct heap_region *region)
{
	assert(region->pub.index == heap->count);
	ASAN_POISON_MEMORY_REGION(region->pub.base, region->pub.len);
	heap->regions[heap->count++] = region;
	heap->free += region->granules;
}

int heap_init(struct heap *heap, size_t regions_max, size_t reserve_granules)
{
	*heap = (struct heap){.reserve = reserve_granules};
	for (unsigned i = 0; i < HEAP_SHARING; i++)
		list_init(&heap->partial[i]);
	heap->regions = calloc(regions_max, sizeof(struct heap_region *));
	return heap->regions ? 0 : -ENOMEM;
}

void heap_fini(struct heap *heap)
{
	assert(heap->allocated == 0);
	for (unsigned i = 0; i < heap->count; i++)
		heap_region_unmap(heap->regions[i]);
	free(heap->regions);
}

/* ---- runs of granules ---- */

/* The first granule at or after i that is (or is not) in use; the number of granules if none. */
static unsigned heap_find(const struct heap_region *region, unsigned i, bool used)
{
	while (i < region->granules) {
		uint64_t word = region->used[i / HEAP_WORD_BITS];

		word = (used ? word : ~word) >> (i % HEAP_WORD_BITS);
		if (word) {
			i += (unsigned)__builtin_ctzll(word);
			break;
		}
		i = (i / HEAP_WORD_BITS + 1) * HEAP_WORD_BITS;
	}
	return i < region->granules ? i : region->granules;
}

/* Where a run of n fits: the lowest place, or the highest. The number of granules if nowhere. */
static unsigned heap_fit(const struct heap_region *region, unsigned n, bool high)
{
	unsigned found = region->granules;
	unsigned start = 0;

	if (region->free < n)
		return found;
	while ((start = heap_find(region, start, false)) < region->granules) {
		unsigned end = heap_find(region, start, true);

		if (end - start >= n)
			found = high ? end - n : start;
		if (found < region->granules && !high)
			break;
		start = end;
	}
	return found;
}

static void heap_set_used(struct heap_region *region, unsigned at, unsigned n, bool used)
{
	for (unsigned i = at; i < at + n; i++) {
		uint64_t bit = 1ull << (i % HEAP_WORD_BITS);
		uint64_t *word = &region->used[i / HEAP_WORD_BITS];

		assert(!(*word & bit) == used);
		*word ^= bit;
	}
}

/* What large ones must leave free now. */
static size_t heap_kept(const struct heap *heap)
{
	return heap->reserve > heap->small ? heap->reserve - heap->small : 0;
}

static struct heap_granule *heap_take(struct heap *heap, struct heap_region *region, unsigned at,
				      unsigned cls)
{
	unsigned n = heap_class_granules(cls);
	struct heap_granule *g = &region->meta[at];

	heap_set_used(region, at, n, true);
	region->free -= n;
	heap->free -= n;
	heap->small += heap_class_small(cls);
	*g = (struct heap_granule){.region = region, .cls = (uint8_t)cls};
	list_init(&g->node);
	return g;
}

static void heap_give(struct heap *heap, struct heap_granule *g)
{
	unsigned n = heap_class_granules(g->cls);

	heap_set_used(g->region, (unsigned)(g - g->region->meta), n, false);
	g->region->free += n;
	heap->free += n;
	heap->small -= heap_class_small(g->cls);
}

/* A run for the class; NULL when there is none. */
static struct heap_granule *heap_take_run(struct heap *heap, unsigned cls)
{
	unsigned n = heap_class_granules(cls);
	bool large = !heap_class_small(cls);

	if (large && heap->free < n + heap_kept(heap))
		return NULL;
	for (unsigned i = 0; i < heap->count; i++) {
		struct heap_region *region = heap->regions[i];
		unsigned at = heap_fit(region, n, large);

		if (at < region->granules)
			return heap_take(heap, region, at, cls);
	}
	return NULL;
}

/* ---- buffers ---- */

/* The buffer that is share `share` of the granule, or the run that begins there (0). */
static struct buf *heap_buf(struct heap_granule *g, unsigned share)
{
	struct heap_region *region = g->region;
	size_t off = (size_t)(g - region->meta) * HEAP_GRANULE + share * heap_bytes[g->cls];
	struct buf *buf = &region->bufs[off / HEAP_PAGE];

	buf->data = (uint8_t *)region->pub.base + off;
	buf->size = heap_bytes[g->cls];
	buf->region = &region->pub;
	list_init(&buf->node);
	heap_unpoison(buf);
	return buf;
}

static uint16_t heap_all_taken(unsigned cls)
{
	return (uint16_t)((1u << (HEAP_GRANULE / heap_bytes[cls])) - 1);
}

static struct buf *heap_alloc_share(struct heap *heap, unsigned cls)
{
	struct list_node *n = list_first(&heap->partial[cls]);
	struct heap_granule *g;
	unsigned share;

	if (n) {
		g = container_of(n, struct heap_granule, node);
	} else {
		g = heap_take_run(heap, cls);
		if (!g)
			return NULL;
		list_push_front(&heap->partial[cls], &g->node);
	}
	share = (unsigned)__builtin_ctz(~(unsigned)g->taken);
	g->taken |= (uint16_t)(1u << share);
	if (g->taken == heap_all_taken(cls))
		list_del(&g->node);
	return heap_buf(g, share);
}

struct buf *heap_alloc(struct heap *heap, unsigned cls)
{
	struct heap_granule *g;
	struct buf *buf;

	if (cls < HEAP_SHARING) {
		buf = heap_alloc_share(heap, cls);
	} else {
		g = heap_take_run(heap, cls);
		buf = g ? heap_buf(g, 0) : NULL;
	}
	heap->allocated += buf != NULL;
	return buf;
}

/* True when the granule became free with it. */
static bool heap_free_share(struct heap *heap, struct heap_granule *g, const struct buf *buf)
{
	size_t off = (size_t)(buf->data - (uint8_t *)buf->region->base) % HEAP_GRANULE;
	uint16_t bit = (uint16_t)(1u << (off / buf->size));

	assert(g->taken & bit);
	g->taken &= (uint16_t)~bit;
	list_del(&g->node);
	if (g->taken)
		list_push_front(&heap->partial[g->cls], &g->node);
	return !g->taken;
}

void heap_free(struct heap *heap, struct buf *buf)
{
	struct heap_granule *g = &heap_buf_region(buf)->meta[heap_buf_granule(buf)];

	assert(buf->size == heap_bytes[g->cls]);
	heap_poison(buf);
	heap->allocated--;
	if (g->cls >= HEAP_SHARING || heap_free_share(heap, g, buf))
		heap_give(heap, g);
}
