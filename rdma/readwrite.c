/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bulk: a push is RDMA writes before its message on the same queue, which keeps their order; a pull
 * is RDMA reads, at most the initiator depth of them under way. Both are cut by the remote
 * descriptors and by the scatter/gather entries of the device. Slices of the pool are used where
 * they are; others go by a pool buffer in between.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "rdma/private.h"

#define WR_BYTES (1u << 30) /* any device's messages may be as long */

void direct_walk_begin(struct direct_walk *w, const struct slice *local, unsigned local_count,
		       const struct remote_slice *remote, unsigned remote_count, size_t left,
		       size_t *bounce)
{
	*w = (struct direct_walk){.local = local,
				  .local_count = local_count,
				  .remote = remote,
				  .remote_count = remote_count,
				  .left = left};
	*bounce = 0;
	for (unsigned i = 0; i < local_count && left; i++) {
		if (local[i].len && !local[i].region)
			*bounce = left;
	}
}

/* The next work request: one run of remote memory, as many local ones as the device gathers. */
static void walk_next(struct direct_channel *c, struct direct_walk *w, unsigned sge_max,
		      struct ibv_send_wr *wr)
{
	const struct remote_slice *remote;
	uint32_t room;

	while (w->remote[w->r].length == w->r_at) {
		w->r++;
		w->r_at = 0;
	}
	remote = &w->remote[w->r];
	room = remote->length - w->r_at < WR_BYTES ? remote->length - w->r_at : WR_BYTES;
	wr->wr.rdma.remote_addr = remote->offset + w->r_at;
	wr->wr.rdma.rkey = remote->token;
	wr->num_sge = 0;
	while (w->left && room && wr->num_sge < (int)sge_max) {
		const struct slice *local = &w->local[w->l];
		size_t n = local->len - w->l_at < room ? local->len - w->l_at : room;

		n = n < w->left ? n : w->left;
		if (n)
			wr->sg_list[wr->num_sge++] = (struct ibv_sge){
				.addr = (uintptr_t)local->data + w->l_at,
				.length = (uint32_t)n,
				.lkey = direct_device_lkey(c->device, local->region)};
		w->l_at += n;
		w->r_at += (uint32_t)n;
		w->left -= n;
		room -= (uint32_t)n;
		if (w->l_at == local->len) {
			w->l++;
			w->l_at = 0;
		}
	}
}

static bool rw_post(struct direct_channel *c, struct direct_walk *w, struct direct_pull *pull)
{
	struct ibv_send_wr *wr = direct_post_begin(c);
	unsigned sge_max = c->sge_max;

	if (!wr)
		return false;
	if (pull && c->device->sge_read_max < sge_max)
		sge_max = c->device->sge_read_max;
	wr->opcode = pull ? IBV_WR_RDMA_READ : IBV_WR_RDMA_WRITE;
	walk_next(c, w, sge_max, wr);
	direct_post_end(c, pull ? DIRECT_READ : DIRECT_WRITE, pull, pull != NULL);
	return true;
}

bool direct_push_pump(struct direct_channel *c)
{
	while (c->push.left) {
		if (c->writes >= c->config.write_depth || !rw_post(c, &c->push, NULL))
			return false;
		c->writes++;
	}
	return true;
}

/* ---- pull ---- */

static size_t remote_len(const struct remote_slice *s, unsigned count)
{
	size_t n = 0;

	for (unsigned i = 0; i < count; i++)
		n += s[i].length;
	return n;
}

void direct_pull(struct channel *ch, struct channel_pull *pull)
{
	struct direct_channel *c = container_of(ch, struct direct_channel, ch);

	assert(c->state != DIRECT_CLOSED);
	assert(pull->from_count <= ch->limits.remote_slices && pull->to_count <= ch->limits.slices);
	assert(remote_len(pull->from, pull->from_count) <= ch->limits.remote_bytes);
	pull->result = c->state == DIRECT_OPEN       ? 0
		       : c->state == DIRECT_DRAINING ? -ECONNRESET
						     : -ECANCELED;
	if (c->state == DIRECT_ENDED)
		pull->result = c->op_err;
	list_push(&c->pulls, &pull->node);
	reactor_defer(ch->reactor, &c->turn);
}

static void pull_copy_out(const struct direct_pull *p)
{
	const struct channel_pull *pull = p->pull;
	size_t left = remote_len(pull->from, pull->from_count), at = 0;

	for (unsigned i = 0; i < pull->to_count && left; i++) {
		size_t n = pull->to[i].len < left ? pull->to[i].len : left;

		if (n)
			memcpy(pull->to[i].data, p->bounce->data + at, n);
		at += n;
		left -= n;
	}
}

static void pull_complete(struct direct_channel *c, struct direct_pull *p, int err)
{
	struct channel_pull *pull = p->pull;

	if (c->posting == p)
		c->posting = NULL;
	if (p->bounce && !err)
		pull_copy_out(p);
	if (p->bounce)
		buf_put(c->pool, p->bounce);
	p->bounce = NULL;
	p->pull = NULL;
	if (!err)
		c->ch.counters.bytes_pulled += remote_len(pull->from, pull->from_count);
	pull->done(pull, err);
}

static void pull_bounce_ready(struct buf_wait *wait, struct buf *buf)
{
	struct direct_channel *c = container_of(wait, struct direct_channel, pull_wait);

	c->pull_waits = false;
	c->posting->bounce = buf;
	direct_channel_turn(c);
}

static struct direct_pull *pull_free(struct direct_channel *c)
{
	for (unsigned i = 0; i < c->read_out; i++) {
		if (!c->pulling[i].pull)
			return &c->pulling[i];
	}
	return NULL;
}

/* The next pull gets a place, and memory if it needs any. False: there is none now. */
static bool pull_begin(struct direct_channel *c)
{
	struct list_node *n = list_first(&c->pulls);
	struct direct_pull *p = n ? pull_free(c) : NULL;
	struct channel_pull *pull = p ? container_of(n, struct channel_pull, node) : NULL;
	size_t bounce;

	if (!pull || pull->result)
		return false;
	list_del(n);
	p->pull = pull;
	p->reads = 0;
	direct_walk_begin(&p->walk, pull->to, pull->to_count, pull->from, pull->from_count,
			  remote_len(pull->from, pull->from_count), &bounce);
	c->posting = p;
	if (!bounce)
		return true;
	p->walk.bounce.len = bounce;
	p->bounce = buf_get(c->pool, bounce);
	if (p->bounce)
		return true;
	c->pull_wait = (struct buf_wait){.ready = pull_bounce_ready, .size = bounce};
	c->pull_waits = true;
	buf_wait(c->pool, &c->pull_wait);
	return false;
}

static void pull_use_bounce(struct direct_pull *p)
{
	if (!p->bounce || p->walk.local == &p->walk.bounce)
		return;
	p->walk.bounce = buf_slice(p->bounce, 0, p->walk.bounce.len);
	p->walk.local = &p->walk.bounce;
	p->walk.local_count = 1;
}

void direct_pull_pump(struct direct_channel *c)
{
	while (c->state == DIRECT_OPEN && !c->pull_waits) {
		struct direct_pull *p = c->posting;

		if (!p && !pull_begin(c))
			return;
		p = c->posting;
		pull_use_bounce(p);
		while (p->walk.left && c->reads < c->read_out) {
			if (!rw_post(c, &p->walk, p))
				return;
			c->reads++;
			p->reads++;
		}
		if (p->walk.left)
			return;
		c->posting = NULL;
		if (!p->reads) /* of nothing */
			pull_complete(c, p, 0);
	}
}

void direct_read_done(struct direct_channel *c, struct direct_pull *p)
{
	c->reads--;
	if (--p->reads == 0 && !p->walk.left)
		pull_complete(c, p, 0);
}

void direct_pull_fail(struct direct_channel *c)
{
	struct list_node *n;

	if (c->pull_waits)
		buf_wait_cancel(&c->pull_wait);
	c->pull_waits = false;
	for (unsigned i = 0; i < DIRECT_READS_MAX; i++) {
		if (c->pulling[i].pull)
			pull_complete(c, &c->pulling[i], c->op_err);
	}
	while ((n = list_pop(&c->pulls)) != NULL) {
		struct channel_pull *pull = container_of(n, struct channel_pull, node);

		pull->done(pull, pull->result ? pull->result : c->op_err);
	}
}
