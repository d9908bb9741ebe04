/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue pair of a channel and its completion queues; sizes follow what the device can do. What
 * one turn sends goes to the device in a chain, with one bell; and only what is waited for makes a
 * completion, which says that all before it is through as well.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>

#include "rdma/private.h"
#include "transport/base/log.h"

#define RECEIVES 16 /* posted at once */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* ---- queues ---- */

static struct ibv_cq *queue_create(struct direct_channel *c, unsigned entries)
{
	return c->verbs->create_cq(c->device->context, (int)least(entries, c->device->cqe_max), c,
				   c->completions);
}

int direct_queues_create(struct direct_channel *c)
{
	unsigned sends =
		c->out_count + c->config.write_depth + c->read_out + c->config.window_depth;
	struct ibv_qp_init_attr attr = {
		.qp_type = IBV_QPT_RC,
		.cap = {.max_send_wr = sends,
			.max_recv_wr = c->slot_count,
			.max_send_sge = c->sge_max,
			.max_recv_sge = 1},
	};

	c->completions = c->verbs->create_comp_channel(c->device->context);
	if (!c->completions)
		return -errno;
	fcntl(c->completions->fd, F_SETFL, O_NONBLOCK);
	c->send_cq = queue_create(c, sends);
	c->receive_cq = c->send_cq ? queue_create(c, c->slot_count) : NULL;
	if (!c->receive_cq || c->verbs->req_notify_cq(c->receive_cq) != 0 ||
	    c->verbs->req_notify_cq(c->send_cq) != 0)
		return errno ? -errno : -EIO;
	c->sends_armed = true;
	attr.send_cq = c->send_cq;
	attr.recv_cq = c->receive_cq;
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

static void queue_destroy(struct direct_channel *c, struct ibv_cq *cq, unsigned events)
{
	if (!cq)
		return;
	c->verbs->ack_cq_events(cq, events);
	c->verbs->destroy_cq(cq);
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
	queue_destroy(c, c->receive_cq, c->receive_events);
	queue_destroy(c, c->send_cq, c->send_events);
	c->receive_cq = c->send_cq = NULL;
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

/* ---- receives ---- */

static uint64_t receive_id(const struct direct_slot *slot)
{
	return (uint64_t)slot->index << 1 | 1;
}

struct direct_slot *direct_posted_slot(const struct direct_channel *c, const struct ibv_wc *wc)
{
	return wc->wr_id & 1 ? &c->slots[wc->wr_id >> 1] : NULL;
}

/* Up to a chain of them: how many, or -errno. */
static int post_receives(struct direct_channel *c, unsigned most)
{
	struct ibv_recv_wr wr[RECEIVES], *bad;
	struct ibv_sge sge[RECEIVES];
	struct list_node *nodes[RECEIVES];
	unsigned n = 0;
	int err;

	list_for_each (node, &c->idle_slots) {
		struct direct_slot *slot = container_of(node, struct direct_slot, node);

		if (n == least(most, RECEIVES))
			break;
		sge[n] = (struct ibv_sge){(uintptr_t)slot->data, c->config.receive_bytes,
					  slot->lkey};
		wr[n] = (struct ibv_recv_wr){
			.wr_id = receive_id(slot), .sg_list = &sge[n], .num_sge = 1};
		if (n)
			wr[n - 1].next = &wr[n];
		nodes[n++] = node;
	}
	if (n == 0)
		return 0;
	err = c->verbs->post_recv(c->id->qp, wr, &bad);
	if (err) {
		log_warning("%s: receives can't be posted: %d", c->ch.name, err);
		return -EIO;
	}
	for (unsigned i = 0; i < n; i++)
		list_del(nodes[i]);
	c->posted += n;
	return (int)n;
}

int direct_post_receives(struct direct_channel *c, unsigned most)
{
	int n;

	do {
		n = post_receives(c, most);
		most -= n > 0 ? (unsigned)n : 0;
	} while (n == RECEIVES && most);
	return n < 0 ? n : 0;
}

/* ---- the send queue ---- */

struct ibv_send_wr *direct_post_begin(struct direct_channel *c)
{
	struct ibv_send_wr *wr;

	if (c->chained == DIRECT_CHAIN)
		direct_post_flush(c);
	if (c->state >= DIRECT_ENDED)
		return NULL;
	wr = &c->chain[c->chained];
	wr->next = NULL;
	wr->sg_list = c->chain_sges[c->chained];
	wr->send_flags = 0;
	return wr;
}

void direct_post_end(struct direct_channel *c, enum direct_request kind, void *of, bool signal)
{
	struct ibv_send_wr *wr = &c->chain[c->chained];

	assert(c->request_tail - c->request_head <= c->request_mask);
	wr->wr_id = (uint64_t)c->request_tail << 1;
	c->requests[c->request_tail++ & c->request_mask] = (struct direct_posted){kind, of};
	if (signal || ++c->unsignalled >= c->signal_every) {
		wr->send_flags = IBV_SEND_SIGNALED;
		c->unsignalled = 0;
	}
	if (c->chained)
		c->chain[c->chained - 1].next = wr;
	c->chained++;
}

void direct_post_flush(struct direct_channel *c)
{
	struct ibv_send_wr *bad;
	int err = 0;

	if (c->chained && c->id)
		err = c->verbs->post_send(c->id->qp, c->chain, &bad);
	c->chained = 0;
	if (!err)
		return;
	log_warning("%s: requests can't be posted: %d", c->ch.name, err);
	direct_channel_end(c, -ECONNRESET, -ECONNRESET);
}

void direct_posted_done(struct direct_channel *c, const struct ibv_wc *wc)
{
	uint32_t end = (uint32_t)(wc->wr_id >> 1) + 1;

	while (c->request_head != end) {
		struct direct_posted p = c->requests[c->request_head++ & c->request_mask];

		switch (p.kind) {
		case DIRECT_SEND:
			direct_send_done(c, p.of);
			break;
		case DIRECT_WRITE:
			c->writes--;
			break;
		case DIRECT_READ:
			direct_read_done(c, p.of);
			break;
		case DIRECT_WINDOW:
			c->window_requests--;
			break;
		}
	}
}

const char *direct_posted_name(const struct direct_channel *c, const struct ibv_wc *wc)
{
	static const char *const names[] = {"send", "RDMA write", "RDMA read",
					    "request for a memory window"};

	return names[c->requests[wc->wr_id >> 1 & c->request_mask].kind];
}
