/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffer pool: page-aligned memory for payload and messages, in a few large regions that an
 * RDMA device registers once. Hides the regions (huge pages where there are any), the size classes,
 * the LIFO cache of each reactor (the same hot buffer again and again), and who waits when it is
 * dry.
 *
 * Thread: buf_get/buf_put from any reactor thread (its own cache, no lock, on the warm path) and
 * from workers. Ownership: a buf belongs to who got it until buf_put(), on any thread. Units:
 * bytes. Errors: dry is not an error: buf_get() gives NULL, buf_wait() gives one later.
 *
 * There are two tiers: small (BUF_SMALL_BYTES or less: messages) and large (payload). All memory
 * serves both, but the last part of it is kept for small ones, and each tier has its own queue of
 * waiters: who holds large buffers may wait for a small one.
 */
#ifndef TRANSPORT_BUF_BUF_H
#define TRANSPORT_BUF_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "transport/base/list.h"
#include "transport/channel.h"

struct buf_cache;
struct buf_pool;

/* One mapping. Devices keep their registrations in an array by `index`. */
struct buf_region {
	void *base;
	size_t len;
	unsigned index;
};

struct buf {
	uint8_t *data; /* page-aligned */
	size_t size;   /* of the class: at least what was asked */
	const struct buf_region *region;
	struct list_node node; /* the holder's, while it holds the buf */
};

#define BUF_SMALL_BYTES (64u * 1024)

/* The largest single buffer: an 8 MiB payload with room for its headers beside it. */
#define BUF_MAX_BYTES (8u * 1024 * 1024 + 64 * 1024)

struct buf_pool_config {
	size_t bytes;        /* most memory the pool takes, over all classes */
	size_t region_bytes; /* how it grows; 0: a default. Bounds the largest buffer */
	size_t cache_bytes;  /* most a reactor keeps for itself; 0: a default */
	/* Called when a region is added, before any of it is used, for device registration: one
	 * region at a time, from whatever thread needs it, with no lock of buf_put() held. Must not
	 * call the pool. A negative errno refuses the region. May be NULL. */
	int (*region_added)(void *user, const struct buf_region *region);
	void *user;
};

/* NULL and errno when not even the first region can be had. */
struct buf_pool *buf_pool_create(const struct buf_pool_config *config);

/* Every buf must be back and nobody wait: asserts it. After the reactors were stopped; before or
 * after they are destroyed. */
void buf_pool_destroy(struct buf_pool *pool);

/* Never waits. NULL when dry, or when somebody in the tier waits already (waiters are FIFO), or
 * size is over the maximum of the pool: BUF_MAX_BYTES, or less if its regions are small. */
struct buf *buf_get(struct buf_pool *pool, size_t size);

/* Any thread. Serves who waits. Under ASan the bytes are poisoned until somebody gets them. */
void buf_put(struct buf_pool *pool, struct buf *buf);

/* Waits in FIFO order: ready() is called on the reactor of the buf_wait() call, never before it
 * returns. */
struct buf_wait {
	void (*ready)(struct buf_wait *wait, struct buf *buf);
	size_t size;
	/* the pool's */
	struct list_node node;
	struct buf *got;
	struct buf_cache *cache;
};

/* On a reactor, when buf_get() gave NULL; ready and size are set, size is not over the maximum. */
void buf_wait(struct buf_pool *pool, struct buf_wait *wait);

/* On the reactor that waits; of a wait that was begun; no-op after ready(). After it returns
 * ready() is not called. */
void buf_wait_cancel(struct buf_wait *wait);

/* In a fiber: buf_get(), or suspend until one is there. NULL only when size is over the maximum.
 * Never hold a large buffer while waiting for a large one, nor a small one for a small one: that is
 * a deadlock. */
struct buf *buf_get_wait(struct buf_pool *pool, size_t size);

static inline struct slice buf_slice(const struct buf *buf, size_t off, size_t len)
{
	return (struct slice){.data = buf->data + off, .len = len, .region = buf->region};
}

struct buf_pool_stats {
	size_t bytes_mapped, bytes_limit;
	size_t bytes_max;  /* the largest buffer */
	uint64_t bufs_out; /* now, with who got them */
	uint64_t waits;    /* that ever began */
	unsigned waiting;  /* now */
};

/* Any thread; approximate while others get and put. */
void buf_pool_stats(struct buf_pool *pool, struct buf_pool_stats *stats);

#endif
