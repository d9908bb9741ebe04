/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory windows of type 2: opened and closed by work requests, which the queue pair keeps in order
 * with its sends.
 */
#include "rdma/window.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "rdma/private.h"

struct direct_exposure {
	struct direct_channel *channel;
	struct ibv_mr *mr;
};

struct direct_window {
	struct direct_channel *channel;
	struct list_node node; /* of the channel, while it is open */
	struct ibv_mw *mw;
	uint32_t rkey; /* it was opened with; mw has the one before until it is opened again, for
			* the provider looks there when the request is posted */
};

static struct direct_channel *window_channel(struct channel *ch)
{
	return container_of(ch, struct direct_channel, ch);
}

int direct_exposure_create(struct channel *ch, void *base, size_t len, struct direct_exposure **out)
{
	const int access = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ |
			   IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_MW_BIND;
	struct direct_channel *c = window_channel(ch);
	struct direct_exposure *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->channel = c;
	e->mr = c->verbs->reg_mr(c->device->pd, base, len, access);
	if (!e->mr) {
		int err = -errno;

		free(e);
		return err;
	}
	*out = e;
	return 0;
}

void direct_exposure_destroy(struct direct_exposure *e)
{
	if (!e)
		return;
	e->channel->verbs->dereg_mr(e->mr);
	free(e);
}

struct remote_slice direct_exposure_slice(const struct direct_exposure *e, const void *at,
					  uint32_t len)
{
	return (struct remote_slice){.offset = (uintptr_t)at, .token = e->mr->rkey, .length = len};
}

/* ---- windows ---- */

int direct_window_create(struct channel *ch, struct direct_window **out)
{
	struct direct_channel *c = window_channel(ch);
	struct direct_window *w;

	if (!c->device->windows)
		return -EOPNOTSUPP;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->channel = c;
	list_init(&w->node);
	w->mw = c->verbs->alloc_mw(c->device->pd, IBV_MW_TYPE_2);
	if (!w->mw) {
		int err = -errno;

		free(w);
		return err;
	}
	w->rkey = w->mw->rkey;
	*out = w;
	return 0;
}

void direct_window_destroy(struct direct_window *w)
{
	if (!w)
		return;
	list_del(&w->node);
	w->channel->verbs->dealloc_mw(w->mw);
	free(w);
}

bool direct_window_is_open(const struct direct_window *w)
{
	return !list_empty(&w->node);
}

/* A request to be made, that goes out before the next send. */
static int window_begin(struct direct_channel *c, struct ibv_send_wr **out)
{
	if (c->state == DIRECT_OPEN && c->window_requests == c->config.window_depth)
		return -EAGAIN;
	*out = c->state == DIRECT_OPEN ? direct_post_begin(c) : NULL;
	if (!*out)
		return -ECONNRESET;
	(*out)->num_sge = 0;
	return 0;
}

static void window_end(struct direct_channel *c)
{
	c->window_requests++;
	direct_post_end(c, DIRECT_WINDOW, NULL, false);
	direct_channel_turn(c);
}

int direct_window_open(struct direct_window *w, const struct direct_exposure *e, const void *at,
		       uint32_t len, bool peer_writes, struct remote_slice *out)
{
	uint32_t rkey = ibv_inc_rkey(w->rkey); /* never the last one again */
	struct ibv_send_wr *wr;
	int err = window_begin(w->channel, &wr);

	assert(!direct_window_is_open(w) && len > 0);
	if (err)
		return err;
	wr->opcode = IBV_WR_BIND_MW;
	wr->imm_data = 0; /* rxe insists, and the work request had other uses */
	w->mw->rkey = w->rkey;
	wr->bind_mw.mw = w->mw;
	wr->bind_mw.rkey = rkey;
	wr->bind_mw.bind_info = (struct ibv_mw_bind_info){
		.mr = e->mr,
		.addr = (uintptr_t)at,
		.length = len,
		.mw_access_flags = peer_writes ? IBV_ACCESS_REMOTE_WRITE : IBV_ACCESS_REMOTE_READ};
	window_end(w->channel);
	list_push(&w->channel->windows, &w->node);
	*out = (struct remote_slice){.offset = (uintptr_t)at, .token = rkey, .length = len};
	w->rkey = rkey;
	return 0;
}

int direct_window_close(struct direct_window *w)
{
	struct ibv_send_wr *wr;
	int err;

	if (!direct_window_is_open(w))
		return 0;
	err = window_begin(w->channel, &wr);
	if (err)
		return err;
	wr->opcode = IBV_WR_LOCAL_INV;
	wr->invalidate_rkey = w->rkey;
	window_end(w->channel);
	list_del(&w->node);
	return 0;
}

void direct_window_invalidated(struct direct_channel *c, uint32_t token)
{
	list_for_each (n, &c->windows) {
		if (container_of(n, struct direct_window, node)->rkey == token) {
			list_del(n);
			return;
		}
	}
}
