/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of a channel's slots: pool buffers, which are registered with every device already. A
 * few slots are made at first; who needs more gets some more, as far as the device's queues go and
 * the pool has any. It all goes back in the end.
 */
#include <errno.h>
#include <stdlib.h>

#include "rdma/private.h"

#define SLOT_ALIGN  64u
#define SLOTS_LEAST 4u
#define SLOTS_STEP  32u
#define OUTS_LEAST  4u
#define OUTS_STEP   8u

/* The next bytes of the slabs; NULL: the pool has no more now. */
static uint8_t *memory_next(struct direct_channel *c, size_t bytes, uint32_t *lkey)
{
	size_t size = (bytes + SLOT_ALIGN - 1) & ~(size_t)(SLOT_ALIGN - 1);
	struct buf *slab = c->slab_count ? c->slabs[c->slab_count - 1] : NULL;
	uint8_t *data;

	if (!slab || slab->size - c->slab_at < size) {
		slab = c->slab_count < DIRECT_SLABS
			       ? buf_get(c->pool, size > BUF_SMALL_BYTES ? size : BUF_SMALL_BYTES)
			       : NULL;
		if (!slab)
			return NULL;
		c->slabs[c->slab_count++] = slab;
		c->slab_at = 0;
	}
	data = slab->data + c->slab_at;
	c->slab_at += size;
	*lkey = direct_device_lkey(c->device, slab->region);
	return data;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static void memory_more_outs(struct direct_channel *c)
{
	unsigned most = least(c->outs_made + OUTS_STEP, c->out_count);

	while (c->outs_made < most) {
		struct direct_out *out = &c->outs[c->outs_made];

		out->data = memory_next(c, DIRECT_OUT_BYTES, &out->lkey);
		if (!out->data)
			break;
		list_push(&c->idle_outs, &out->node);
		c->outs_made++;
	}
	c->signal_every = least(c->outs_made, c->config.write_depth) / 2;
}

struct direct_out *direct_memory_out(struct direct_channel *c)
{
	struct list_node *n = list_pop(&c->idle_outs);

	if (!n) {
		memory_more_outs(c);
		n = list_pop(&c->idle_outs);
	}
	return n ? container_of(n, struct direct_out, node) : NULL;
}

void direct_memory_grow(struct direct_channel *c)
{
	unsigned most = least(c->slots_made + SLOTS_STEP, c->slot_count);

	while (c->slots_made < most) {
		struct direct_slot *slot = &c->slots[c->slots_made];

		slot->data = memory_next(c, c->config.receive_bytes, &slot->lkey);
		if (!slot->data)
			break;
		slot->index = c->slots_made++;
		list_push(&c->idle_slots, &slot->node);
	}
	c->rx.held_max = c->slots_made / 2;
}

/* Of what the device can queue, the sends get what writes and reads leave. */
static void memory_size(struct direct_channel *c)
{
	unsigned wr = c->device->wr_max;

	if (c->read_out > wr / 4)
		c->read_out = wr / 4 ? (uint8_t)(wr / 4) : 1;
	c->config.write_depth = least(c->config.write_depth, wr / 4 ? wr / 4 : 1);
	c->config.window_depth = least(c->config.window_depth, wr / 4);
	c->out_count = least(c->config.send_slots,
			     wr - c->read_out - c->config.write_depth - c->config.window_depth);
	c->slot_count = least(c->config.receive_credits + 1, wr);
	c->request_mask = 1;
	while (c->request_mask <
	       c->out_count + c->config.write_depth + c->read_out + c->config.window_depth)
		c->request_mask <<= 1;
	c->request_mask--;
}

int direct_memory_get(struct direct_channel *c)
{
	memory_size(c);
	c->outs = calloc(c->out_count, sizeof(*c->outs));
	c->slots = calloc(c->slot_count, sizeof(*c->slots));
	c->requests = calloc(c->request_mask + 1u, sizeof(*c->requests));
	if (!c->outs || !c->slots || !c->requests)
		return -ENOMEM;
	memory_more_outs(c);
	direct_memory_grow(c);
	return c->outs_made < OUTS_LEAST || c->slots_made < SLOTS_LEAST ? -ENOBUFS : 0;
}

void direct_memory_put(struct direct_channel *c)
{
	while (c->slab_count)
		buf_put(c->pool, c->slabs[--c->slab_count]);
	free(c->outs);
	free(c->slots);
	free(c->requests);
	c->outs = NULL;
	c->slots = NULL;
	c->requests = NULL;
}
