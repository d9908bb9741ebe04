/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffer pool: page-aligned memory for payload and messages, in a few large regions that an
 * RDMA device registers once. Hides the regions (huge pages where there are any), the size classes,
 * the LIFO cache of each reactor (the same hot buffer again and again), and who waits when it is
 * dry.
 *
 * Thread: buf_get/buf_put from any reactor thread (its own cache, no lock, on the warm path) and
 * from workers. Ownership: a buf belongs to who got it until buf_put(). Units: bytes.
 * Errors: dry is not an error: buf_get() gives NULL, buf_wait() gives one later.
 */
#ifndef TRANSPORT_BUF_BUF_H
#define TRANSPORT_BUF_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "transport/base/list.h"
#include "transport/channel.h"

struct buf_pool;
struct reactor;

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

/* The largest single buffer: an 8 MiB payload with room for its headers beside it. */
#define BUF_MAX_BYTES (8u * 1024 * 1024 + 64 * 1024)

struct buf_pool_config {
	size_t bytes;        /* most memory the pool takes, over all classes */
	size_t region_bytes; /* how it grows; 0: a default */
	/* Called under no lock when a region is added, for device registration; may be NULL. */
	int (*region_added)(void *user, const struct buf_region *region);
	void *user;
};

/* NULL and errno when not even the first region can be had. */
struct buf_pool *buf_pool_create(const struct buf_pool_config *config);

/* Every buf must be back; asserts it. */
void buf_pool_destroy(struct buf_pool *pool);

/* Never waits. NULL when dry, or when somebody waits already (waiters are FIFO), or size is over
 * BUF_MAX_BYTES. */
struct buf *buf_get(struct buf_pool *pool, size_t size);

void buf_put(struct buf_pool *pool, struct buf *buf);

/* Waits in FIFO order: ready() is called on the reactor of the buf_wait() call, never before it
 * returns. */
struct buf_wait {
	void (*ready)(struct buf_wait *wait, struct buf *buf);
	size_t size;
	/* the pool's */
	struct reactor *reactor;
	struct buf *got;
	struct list_node node;
	struct buf_pool *pool;
};

void buf_wait(struct buf_pool *pool, struct buf_wait *wait);

/* On the reactor that waits. After it returns, ready() is not called. */
void buf_wait_cancel(struct buf_wait *wait);

/* In a fiber: buf_get(), or suspend until one is there. NULL only when size is over the maximum.
 * Never hold one buffer while waiting for another of the same class: that is a deadlock. */
struct buf *buf_get_wait(struct buf_pool *pool, size_t size);

static inline struct slice buf_slice(const struct buf *buf, size_t off, size_t len)
{
	return (struct slice){.data = buf->data + off, .len = len, .region = buf->region};
}

struct buf_pool_stats {
	size_t bytes_mapped, bytes_limit;
	uint64_t bufs_out;
	uint64_t waits;
	unsigned waiting;
};

void buf_pool_stats(struct buf_pool *pool, struct buf_pool_stats *stats);

#endif
