/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue pair of a channel, its completion queue, and the memory of its slots: pool buffers,
 * which are registered with every device already. Sizes follow what the device can do.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "rdma/private.h"
#include "transport/base/log.h"

#define SLOT_ALIGN  64u
#define SLOTS_LEAST 4u
#define OUTS_LEAST  4u

/* ---- memory ---- */

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

/* Of what the device can queue, the sends get what writes and reads leave. */
static void memory_size(struct direct_channel *c)
{
	unsigned wr = c->device->wr_max;

	if (c->read_out > wr / 4)
		c->read_out = wr / 4 ? (uint8_t)(wr / 4) : 1;
	c->config.write_depth = least(c->config.write_depth, wr / 4 ? wr / 4 : 1);
	c->out_count = least(c->config.send_slots, wr - c->read_out - c->config.write_depth);
	c->slot_count = least(c->config.receive_credits + 1, wr);
}

int direct_memory_get(struct direct_channel *c)
{
	unsigned outs = 0, slots = 0;

	memory_size(c);
	c->outs = calloc(c->out_count, sizeof(*c->outs));
	c->slots = calloc(c->slot_count, sizeof(*c->slots));
	if (!c->outs || !c->slots)
		return -ENOMEM;
	for (; outs < c->out_count; outs++) {
		struct direct_out *out = &c->outs[outs];

		out->data = memory_next(c, c->config.send_bytes, &out->lkey);
		if (!out->data)
			break;
		list_push(&c->idle_outs, &out->node);
	}
	for (; slots < c->slot_count; slots++) {
		struct direct_slot *slot = &c->slots[slots];

		slot->data = memory_next(c, c->config.receive_bytes, &slot->lkey);
		if (!slot->data)
			break;
		slot->index = slots;
		list_push(&c->idle_slots, &slot->node);
	}
	c->out_count = outs;
	c->slot_count = slots;
	return outs < OUTS_LEAST || slots < SLOTS_LEAST ? -ENOBUFS : 0;
}

void direct_memory_put(struct direct_channel *c)
{
	while (c->slab_count)
		buf_put(c->pool, c->slabs[--c->slab_count]);
	free(c->outs);
	free(c->slots);
	c->outs = NULL;
	c->slots = NULL;
}

/* ---- queues ---- */

int direct_queues_create(struct direct_channel *c)
{
	unsigned sends = c->out_count + c->config.write_depth + c->read_out;
	struct ibv_qp_init_attr attr = {
		.qp_type = IBV_QPT_RC,
		.cap = {.max_send_wr = sends,
			.max_recv_wr = c->slot_count,
			.max_send_sge = least(c->device->sge_max, DIRECT_SGE_MAX),
			.max_recv_sge = 1},
	};

	c->completions = c->verbs->create_comp_channel(c->device->context);
	if (!c->completions)
		return -errno;
	fcntl(c->completions->fd, F_SETFL, O_NONBLOCK);
	c->cq = c->verbs->create_cq(c->device->context,
				    (int)least(sends + c->slot_count, c->device->cqe_max), c,
				    c->completions);
	if (!c->cq || c->verbs->req_notify_cq(c->cq) != 0)
		return errno ? -errno : -EIO;
	attr.send_cq = attr.recv_cq = c->cq;
	if (c->verbs->create_qp(c->id, c->device->pd, &attr) != 0)
		return -errno;
	return 0;
}

static void watch_delete(struct direct_channel *c)
{
	if (!c->watched)
		return;
	reactor_watch_delete(c->ch.reactor, &c->cm_watch);
	reactor_watch_delete(c->ch.reactor, &c->cq_watch);
	c->watched = false;
}

void direct_queues_destroy(struct direct_channel *c)
{
	const struct verbs_api *v = c->verbs;

	watch_delete(c);
	if (c->id && c->connected)
		v->disconnect(c->id);
	c->connected = false;
	if (c->id && c->id->qp)
		v->destroy_qp(c->id);
	if (c->cq)
		v->destroy_cq(c->cq);
	c->cq = NULL;
	if (c->completions)
		v->destroy_comp_channel(c->completions);
	c->completions = NULL;
	if (c->id)
		v->destroy_id(c->id);
	c->id = NULL;
	if (c->events)
		v->destroy_event_channel(c->events);
	c->events = NULL;
}

int direct_post_receives(struct direct_channel *c, unsigned most)
{
	struct list_node *n;

	while (most-- && (n = list_first(&c->idle_slots)) != NULL) {
		struct direct_slot *slot = container_of(n, struct direct_slot, node);
		struct ibv_sge sge = {(uintptr_t)slot->data, c->config.receive_bytes, slot->lkey};
		struct ibv_recv_wr *bad, wr = {.wr_id = direct_wr_id(DIRECT_WR_RECV, slot->index),
					       .sg_list = &sge,
					       .num_sge = 1};
		int err = c->verbs->post_recv(c->id->qp, &wr, &bad);

		if (err) {
			log_warning("%s: a receive can't be posted: %d", c->ch.name, err);
			return -EIO;
		}
		list_del(n);
		c->posted++;
	}
	return 0;
}

int direct_post_send(struct direct_channel *c, struct ibv_send_wr *wr)
{
	struct ibv_send_wr *bad;
	int err = c->verbs->post_send(c->id->qp, wr, &bad);

	if (err)
		log_warning("%s: a send can't be posted: %d", c->ch.name, err);
	return err ? -EIO : 0;
}
