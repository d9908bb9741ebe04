/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warm path: the cache of the reactor, which only its thread touches. All else is under the pool's
 * lock: the heap, who waits, and what was granted but not delivered yet.
 *
 * Nobody waits while a cache holds memory: a new waiter posts a visit to each reactor, which then
 * empties its cache; and while anybody waits, buf_put() passes the caches by.
 */
#include "transport/buf/buf.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/log.h"
#include "transport/buf/heap.h"
#include "transport/fiber/fiber.h"
#include "transport/reactor/reactor.h"

#define BUF_REGION_BYTES  (64u * 1024 * 1024)
#define BUF_CACHE_BYTES   (16u * 1024 * 1024)
#define BUF_RESERVE_BYTES (16u * 1024 * 1024)

enum buf_tier { BUF_SMALL, BUF_LARGE, BUF_TIERS };

struct buf_cache {
	/* the reactor's thread */
	_Alignas(64) struct list_node free[HEAP_CLASSES]; /* LIFO */
	size_t class_bytes[HEAP_CLASSES];
	size_t bytes;
	atomic_size_t count; /* for statistics of others */

	/* under the pool's lock */
	struct buf_pool *pool;
	struct reactor *reactor; /* NULL: nobody uses the cache */
	struct reactor_exit exit;
	struct reactor_post visit;
	bool visit_posted;
	struct list_node granted; /* waits that got theirs, to be delivered */
};

struct buf_pool {
	struct buf_pool_config config;
	size_t max_bytes;
	atomic_uint waiting[BUF_TIERS]; /* written under the lock */

	pthread_mutex_t growing; /* taken before the lock */
	pthread_mutex_t lock;
	struct heap heap;
	size_t mapped;
	size_t limit;
	uint64_t waits;
	struct list_node waiters[BUF_TIERS];

	struct buf_cache caches[REACTOR_MAX];
};

static enum buf_tier buf_tier(unsigned cls)
{
	return heap_class_small(cls) ? BUF_SMALL : BUF_LARGE;
}

static bool buf_anybody_waits(struct buf_pool *pool)
{
	return atomic_load_explicit(&pool->waiting[BUF_SMALL], memory_order_relaxed) ||
	       atomic_load_explicit(&pool->waiting[BUF_LARGE], memory_order_relaxed);
}

/* ---- caches ---- */

static void buf_cache_count(struct buf_cache *cache, int change)
{
	size_t count = atomic_load_explicit(&cache->count, memory_order_relaxed);

	atomic_store_explicit(&cache->count, count + (size_t)change, memory_order_relaxed);
}

static void buf_cache_push(struct buf_cache *cache, struct buf *buf, unsigned cls)
{
	heap_poison(buf);
	list_push_front(&cache->free[cls], &buf->node);
	cache->class_bytes[cls] += buf->size;
	cache->bytes += buf->size;
	buf_cache_count(cache, 1);
}

static struct buf *buf_cache_take(struct buf_cache *cache, struct list_node *n, unsigned cls)
{
	struct buf *buf = container_of(n, struct buf, node);

	list_del(n);
	cache->class_bytes[cls] -= buf->size;
	cache->bytes -= buf->size;
	buf_cache_count(cache, -1);
	heap_unpoison(buf);
	return buf;
}

/* The lock is held. */
static void buf_cache_empty(struct buf_cache *cache)
{
	struct list_node *n;

	for (unsigned i = 0; i < HEAP_CLASSES; i++)
		while ((n = list_first(&cache->free[i])))
			heap_free(&cache->pool->heap, buf_cache_take(cache, n, i));
}

static void buf_cache_exit(struct reactor_exit *hook);
static void buf_cache_visit(struct reactor_post *post);

static void buf_cache_init(struct buf_cache *cache, struct buf_pool *pool)
{
	cache->pool = pool;
	cache->exit.run = buf_cache_exit;
	cache->visit.run = buf_cache_visit;
	list_init(&cache->granted);
	for (unsigned i = 0; i < HEAP_CLASSES; i++)
		list_init(&cache->free[i]);
}

static void buf_cache_attach(struct buf_cache *cache, struct reactor *r)
{
	pthread_mutex_lock(&cache->pool->lock);
	cache->reactor = r;
	reactor_at_exit(r, &cache->exit);
	pthread_mutex_unlock(&cache->pool->lock);
}

/* This thread's cache; NULL if it is no reactor's. */
static struct buf_cache *buf_cache_here(struct buf_pool *pool)
{
	struct reactor *r = reactor_current();
	struct buf_cache *cache;

	if (!r)
		return NULL;
	cache = &pool->caches[reactor_index(r)];
	if (!cache->reactor)
		buf_cache_attach(cache, r);
	return cache;
}

/* ---- under the lock: who waits ---- */

static void buf_post_visit(struct buf_cache *cache)
{
	if (cache->visit_posted || !cache->reactor)
		return;
	cache->visit_posted = true;
	reactor_post(cache->reactor, &cache->visit);
}

static void buf_wait_leave_queue(struct buf_pool *pool, struct buf_wait *wait)
{
	list_del(&wait->node);
	atomic_fetch_sub_explicit(&pool->waiting[buf_tier(heap_class(wait->size))], 1,
				  memory_order_relaxed);
}

/* Give what there is to who waits, first come first served in each tier. */
static void buf_serve(struct buf_pool *pool)
{
	struct list_node *n;

	for (enum buf_tier tier = BUF_SMALL; tier < BUF_TIERS; tier++) {
		while ((n = list_first(&pool->waiters[tier]))) {
			struct buf_wait *wait = container_of(n, struct buf_wait, node);

			wait->got = heap_alloc(&pool->heap, heap_class(wait->size));
			if (!wait->got)
				break;
			buf_wait_leave_queue(pool, wait);
			list_push(&wait->cache->granted, &wait->node);
			buf_post_visit(wait->cache);
		}
	}
}

/* On the reactor: deliver what was granted here, and give up the cache if somebody waits. */
static void buf_cache_visit(struct reactor_post *post)
{
	struct buf_cache *cache = container_of(post, struct buf_cache, visit);
	struct buf_pool *pool = cache->pool;
	struct list_node granted = LIST_INIT(granted);
	struct list_node *n;

	pthread_mutex_lock(&pool->lock);
	cache->visit_posted = false;
	if (buf_anybody_waits(pool)) {
		buf_cache_empty(cache);
		buf_serve(pool);
	}
	list_splice(&granted, &cache->granted);
	while ((n = list_pop(&granted))) {
		struct buf_wait *wait = container_of(n, struct buf_wait, node);
		struct buf *buf = wait->got;

		wait->got = NULL;
		pthread_mutex_unlock(&pool->lock);
		wait->ready(wait, buf);
		pthread_mutex_lock(&pool->lock);
	}
	pthread_mutex_unlock(&pool->lock);
}

/* The reactor is destroyed: nobody comes for what it has. */
static void buf_cache_exit(struct reactor_exit *hook)
{
	struct buf_cache *cache = container_of(hook, struct buf_cache, exit);
	struct buf_pool *pool = cache->pool;
	struct list_node *n;

	pthread_mutex_lock(&pool->lock);
	for (enum buf_tier tier = BUF_SMALL; tier < BUF_TIERS; tier++)
		list_for_each_safe (w, &pool->waiters[tier]) {
			struct buf_wait *wait = container_of(w, struct buf_wait, node);

			if (wait->cache == cache)
				buf_wait_leave_queue(pool, wait);
		}
	while ((n = list_pop(&cache->granted)))
		heap_free(&pool->heap, container_of(n, struct buf_wait, node)->got);
	buf_cache_empty(cache);
	cache->reactor = NULL;
	cache->visit_posted = false;
	buf_serve(pool);
	pthread_mutex_unlock(&pool->lock);
}

/* ---- growth ---- */

static struct heap_region *buf_region_new(struct buf_pool *pool, size_t len)
{
	struct heap_region *region = heap_region_map(len, pool->heap.count);
	int err;

	if (!region || !pool->config.region_added)
		return region;
	err = pool->config.region_added(pool->config.user, heap_region_public(region));
	if (err < 0) {
		log_warning("a region of %zu buffer bytes is refused: %s", len, strerror(-err));
		heap_region_unmap(region);
		region = NULL;
	}
	return region;
}

/* A region more. False when there will be none: at the limit, or out of memory, which then is. */
static bool buf_grow(struct buf_pool *pool)
{
	struct heap_region *region = NULL;
	size_t len;

	pthread_mutex_lock(&pool->growing);
	len = pool->limit - pool->mapped; /* neither changes while we are growing */
	if (len > pool->config.region_bytes)
		len = pool->config.region_bytes;
	if (len)
		region = buf_region_new(pool, len);
	pthread_mutex_lock(&pool->lock);
	if (region) {
		heap_add(&pool->heap, region);
		pool->mapped += len;
		buf_serve(pool);
	} else if (len) {
		log_warning("the buffer pool stays at %zu bytes", pool->mapped);
		pool->limit = pool->mapped;
	}
	pthread_mutex_unlock(&pool->lock);
	pthread_mutex_unlock(&pool->growing);
	return region;
}

/* ---- get and put ---- */

/* From the heap; what else could help, by cost: our own cache, a region more. */
static struct buf *buf_get_slow(struct buf_pool *pool, struct buf_cache *cache, unsigned cls)
{
	struct buf *buf = NULL;

	do {
		pthread_mutex_lock(&pool->lock);
		if (list_empty(&pool->waiters[buf_tier(cls)]))
			buf = heap_alloc(&pool->heap, cls);
		pthread_mutex_unlock(&pool->lock);
	} while (!buf && buf_grow(pool));
	if (buf || !cache || !cache->bytes)
		return buf;
	pthread_mutex_lock(&pool->lock);
	buf_cache_empty(cache);
	buf_serve(pool);
	if (list_empty(&pool->waiters[buf_tier(cls)]))
		buf = heap_alloc(&pool->heap, cls);
	pthread_mutex_unlock(&pool->lock);
	return buf;
}

struct buf *buf_get(struct buf_pool *pool, size_t size)
{
	struct buf_cache *cache = buf_cache_here(pool);
	unsigned cls = heap_class(size);
	struct list_node *n;

	if (size > pool->max_bytes)
		return NULL;
	if (cache && !atomic_load_explicit(&pool->waiting[buf_tier(cls)], memory_order_relaxed)) {
		n = list_first(&cache->free[cls]);
		if (n)
			return buf_cache_take(cache, n, cls);
	}
	return buf_get_slow(pool, cache, cls);
}

static void buf_free(struct buf_pool *pool, struct buf *buf)
{
	pthread_mutex_lock(&pool->lock);
	heap_free(&pool->heap, buf);
	buf_serve(pool);
	pthread_mutex_unlock(&pool->lock);
}

/* Over its bound, a cache gives up the coldest of the class that has most. */
static void buf_cache_trim(struct buf_cache *cache)
{
	while (cache->bytes > cache->pool->config.cache_bytes) {
		unsigned most = 0;

		for (unsigned i = 1; i < HEAP_CLASSES; i++)
			if (cache->class_bytes[i] >= cache->class_bytes[most])
				most = i;
		buf_free(cache->pool, buf_cache_take(cache, cache->free[most].prev, most));
	}
}

void buf_put(struct buf_pool *pool, struct buf *buf)
{
	struct buf_cache *cache = buf_cache_here(pool);

	if (!cache || buf_anybody_waits(pool)) {
		buf_free(pool, buf);
		return;
	}
	buf_cache_push(cache, buf, heap_buf_class(buf));
	buf_cache_trim(cache);
}

/* ---- waiting ---- */

void buf_wait(struct buf_pool *pool, struct buf_wait *wait)
{
	enum buf_tier tier = buf_tier(heap_class(wait->size));

	assert(wait->size <= pool->max_bytes);
	wait->cache = buf_cache_here(pool);
	wait->got = NULL;
	assert(wait->cache);
	pthread_mutex_lock(&pool->lock);
	list_push(&pool->waiters[tier], &wait->node);
	atomic_fetch_add_explicit(&pool->waiting[tier], 1, memory_order_relaxed);
	pool->waits++;
	buf_cache_empty(wait->cache);
	buf_serve(pool);
	for (unsigned i = 0; i < REACTOR_MAX && buf_anybody_waits(pool); i++)
		if (&pool->caches[i] != wait->cache)
			buf_post_visit(&pool->caches[i]);
	pthread_mutex_unlock(&pool->lock);
}

void buf_wait_cancel(struct buf_wait *wait)
{
	struct buf_pool *pool = wait->cache->pool;

	pthread_mutex_lock(&pool->lock);
	if (wait->got) {
		list_del(&wait->node);
		heap_free(&pool->heap, wait->got);
		wait->got = NULL;
	} else if (!list_empty(&wait->node)) {
		buf_wait_leave_queue(pool, wait);
	}
	buf_serve(pool); /* we may have been first in the queue */
	pthread_mutex_unlock(&pool->lock);
}

struct buf_fiber_wait {
	struct buf_wait wait;
	struct fiber *fiber;
	struct buf *buf;
};

static void buf_fiber_ready(struct buf_wait *wait, struct buf *buf)
{
	struct buf_fiber_wait *w = container_of(wait, struct buf_fiber_wait, wait);

	w->buf = buf;
	fiber_wake(w->fiber);
}

struct buf *buf_get_wait(struct buf_pool *pool, size_t size)
{
	struct buf_fiber_wait w = {.wait = {.ready = buf_fiber_ready, .size = size}};
	struct buf *buf = buf_get(pool, size);

	if (buf || size > pool->max_bytes)
		return buf;
	w.fiber = fiber_self();
	buf_wait(pool, &w.wait);
	while (!w.buf)
		fiber_suspend();
	return w.buf;
}

/* ---- birth and death ---- */

static void buf_pool_defaults(struct buf_pool_config *config)
{
	config->bytes -= config->bytes % HEAP_GRANULE;
	if (!config->region_bytes)
		config->region_bytes = BUF_REGION_BYTES;
	if (config->region_bytes > config->bytes)
		config->region_bytes = config->bytes;
	config->region_bytes -= config->region_bytes % HEAP_GRANULE;
	if (!config->cache_bytes)
		config->cache_bytes = BUF_CACHE_BYTES;
	if (config->cache_bytes > config->bytes / 8)
		config->cache_bytes = config->bytes / 8;
}

/* In granules: a sixteenth, 16 MiB at most, and not so much that a region is of no use. */
static size_t buf_pool_reserve(const struct buf_pool_config *config)
{
	size_t most = config->region_bytes / 4 < BUF_RESERVE_BYTES ? config->region_bytes / 4
								   : BUF_RESERVE_BYTES;

	return (config->bytes / 16 < most ? config->bytes / 16 : most) / HEAP_GRANULE;
}

/* The largest class that one region holds when all is free. */
static size_t buf_pool_max(const struct buf_pool_config *config, size_t reserve)
{
	unsigned cls = HEAP_CLASSES - 1;

	while (cls && heap_class_bytes(cls) > config->region_bytes - reserve * HEAP_GRANULE)
		cls--;
	return heap_class_bytes(cls);
}

struct buf_pool *buf_pool_create(const struct buf_pool_config *config)
{
	struct buf_pool *pool = aligned_alloc(_Alignof(struct buf_pool), sizeof(*pool));
	size_t regions, reserve;

	if (!pool)
		return NULL;
	memset(pool, 0, sizeof(*pool));
	pool->config = *config;
	buf_pool_defaults(&pool->config);
	if (!pool->config.region_bytes) {
		errno = EINVAL;
		goto free_pool;
	}
	pthread_mutex_init(&pool->lock, NULL);
	pthread_mutex_init(&pool->growing, NULL);
	for (enum buf_tier tier = BUF_SMALL; tier < BUF_TIERS; tier++)
		list_init(&pool->waiters[tier]);
	for (unsigned i = 0; i < REACTOR_MAX; i++)
		buf_cache_init(&pool->caches[i], pool);
	pool->limit = pool->config.bytes;
	regions = pool->limit / pool->config.region_bytes + 1;
	reserve = buf_pool_reserve(&pool->config);
	pool->max_bytes = buf_pool_max(&pool->config, reserve);
	if (heap_init(&pool->heap, regions, reserve) < 0) {
		errno = ENOMEM;
		goto free_pool;
	}
	if (!buf_grow(pool)) {
		heap_fini(&pool->heap);
		errno = ENOMEM;
		goto free_pool;
	}
	return pool;

free_pool:
	free(pool);
	return NULL;
}

void buf_pool_destroy(struct buf_pool *pool)
{
	if (!pool)
		return;
	for (unsigned i = 0; i < REACTOR_MAX; i++) {
		struct buf_cache *cache = &pool->caches[i];

		assert(list_empty(&cache->granted));
		if (cache->reactor)
			list_del(&cache->exit.node);
		buf_cache_empty(cache);
	}
	assert(!buf_anybody_waits(pool));
	heap_fini(&pool->heap);
	pthread_mutex_destroy(&pool->growing);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

void buf_pool_stats(struct buf_pool *pool, struct buf_pool_stats *stats)
{
	pthread_mutex_lock(&pool->lock);
	*stats = (struct buf_pool_stats){
		.bytes_mapped = pool->mapped,
		.bytes_limit = pool->limit,
		.bytes_max = pool->max_bytes,
		.bufs_out = pool->heap.allocated,
		.waits = pool->waits,
		.waiting = pool->waiting[BUF_SMALL] + pool->waiting[BUF_LARGE],
	};
	for (unsigned i = 0; i < REACTOR_MAX; i++)
		stats->bufs_out -=
			atomic_load_explicit(&pool->caches[i].count, memory_order_relaxed);
	pthread_mutex_unlock(&pool->lock);
}
