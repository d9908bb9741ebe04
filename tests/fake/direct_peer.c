/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake/direct_peer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rdma/verbs_api.h"
#include "tests/fake/verbs.h"

#define PEER_BYTES  8192u
#define PEER_SLOTS  300u
#define PEER_SENDS  16u
#define PEER_PAUSE  200   /* us */
#define PEER_ROUNDS 50000 /* ten seconds of pauses */

static const struct verbs_api *const v = &verbs_fake;

struct direct_peer {
	struct rdma_event_channel *events;
	struct rdma_cm_id *id;
	struct ibv_pd *pd;
	struct ibv_comp_channel *completions;
	struct ibv_cq *cq;
	struct ibv_mr *mr;
	bool gone;
	bool send_done;
	bool withholds;
	unsigned depth;
	int credits; /* of data transfers: granted, less those sent, by the rules or not */
	struct {
		unsigned slot, len;
	} got[PEER_SLOTS];
	unsigned got_head, got_count;
	uint8_t last[PEER_BYTES];
	uint8_t memory[(PEER_SLOTS + 1) * PEER_BYTES];
};

/* NULL: none now. */
static bool peer_event(struct direct_peer *p, enum rdma_cm_event_type *type)
{
	struct rdma_cm_event *event;

	if (v->get_cm_event(p->events, &event) != 0)
		return false;
	*type = event->event;
	if (*type == RDMA_CM_EVENT_ESTABLISHED)
		p->depth = event->param.conn.responder_resources;
	v->ack_cm_event(event);
	if (*type == RDMA_CM_EVENT_DISCONNECTED || *type == RDMA_CM_EVENT_REJECTED)
		p->gone = true;
	return true;
}

static bool peer_wait_event(struct direct_peer *p, enum rdma_cm_event_type want)
{
	enum rdma_cm_event_type type;

	for (unsigned i = 0; i < PEER_ROUNDS && !p->gone; i++) {
		if (peer_event(p, &type) && type == want)
			return true;
		usleep(PEER_PAUSE);
	}
	return false;
}

static void peer_post(struct direct_peer *p, unsigned slot)
{
	struct ibv_sge sge = {(uintptr_t)p->memory + slot * PEER_BYTES, PEER_BYTES, p->mr->lkey};
	struct ibv_recv_wr *bad, wr = {.wr_id = slot, .sg_list = &sge, .num_sge = 1};

	if (v->post_recv(p->id->qp, &wr, &bad) != 0)
		abort();
}

static void peer_poll(struct direct_peer *p)
{
	enum rdma_cm_event_type type;
	struct ibv_wc wc;

	peer_event(p, &type); /* first: what completed before the end is seen before it */
	while (v->poll_cq(p->cq, 1, &wc) == 1) {
		if (wc.status != IBV_WC_SUCCESS)
			p->gone = true;
		else if (wc.opcode == IBV_WC_SEND)
			p->send_done = true;
		else {
			unsigned at = (p->got_head + p->got_count++) % PEER_SLOTS;

			p->got[at].slot = (unsigned)wc.wr_id;
			p->got[at].len = wc.byte_len;
		}
	}
}

struct direct_peer *direct_peer_connect(const struct sockaddr_storage *to, unsigned receives)
{
	return direct_peer_connect_depth(to, receives, 1, 1);
}

struct direct_peer *direct_peer_connect_depth(const struct sockaddr_storage *to, unsigned receives,
					      uint8_t initiator_depth, uint8_t responder_resources)
{
	struct direct_peer *p = calloc(1, sizeof(*p));
	struct sockaddr_storage address = *to;
	struct rdma_conn_param param = {.initiator_depth = initiator_depth,
					.responder_resources = responder_resources};
	struct ibv_qp_init_attr attr = {.qp_type = IBV_QPT_RC,
					.cap = {PEER_SENDS, PEER_SLOTS, 1, 1, 0}};
	bool ok;

	assert(p && receives <= PEER_SLOTS);
	p->events = v->create_event_channel();
	fcntl(p->events->fd, F_SETFL, O_NONBLOCK);
	v->create_id(p->events, &p->id, p);
	v->resolve_addr(p->id, (struct sockaddr *)&address, 1000);
	ok = peer_wait_event(p, RDMA_CM_EVENT_ADDR_RESOLVED);
	assert(ok);
	v->resolve_route(p->id, 1000);
	ok = peer_wait_event(p, RDMA_CM_EVENT_ROUTE_RESOLVED);
	assert(ok);
	p->pd = v->alloc_pd(p->id->verbs);
	p->completions = v->create_comp_channel(p->id->verbs);
	p->cq = v->create_cq(p->id->verbs, PEER_SLOTS + PEER_SENDS, p, p->completions);
	attr.send_cq = attr.recv_cq = p->cq;
	if (v->create_qp(p->id, p->pd, &attr) != 0)
		abort();
	p->mr = v->reg_mr(p->pd, p->memory, sizeof(p->memory), IBV_ACCESS_LOCAL_WRITE);
	for (unsigned i = 0; i < receives; i++)
		peer_post(p, i);
	v->connect(p->id, &param);
	if (!peer_wait_event(p, RDMA_CM_EVENT_ESTABLISHED))
		p->gone = true;
	return p;
}

void direct_peer_close(struct direct_peer *p)
{
	v->disconnect(p->id);
	v->destroy_qp(p->id);
	v->destroy_cq(p->cq);
	v->destroy_comp_channel(p->completions);
	v->dereg_mr(p->mr);
	v->dealloc_pd(p->pd);
	v->destroy_id(p->id);
	v->destroy_event_channel(p->events);
	free(p);
}

unsigned direct_peer_depth(const struct direct_peer *p)
{
	return p->depth;
}

bool direct_peer_send(struct direct_peer *p, const void *bytes, size_t len)
{
	uint8_t *data = p->memory + PEER_SLOTS * PEER_BYTES;
	struct ibv_sge sge = {(uintptr_t)data, (uint32_t)len, p->mr->lkey};
	struct ibv_send_wr *bad, wr = {.opcode = IBV_WR_SEND,
				       .sg_list = &sge,
				       .num_sge = 1,
				       .send_flags = IBV_SEND_SIGNALED};

	assert(len <= PEER_BYTES);
	peer_poll(p);
	if (p->gone)
		return false;
	memcpy(data, bytes, len);
	p->send_done = false;
	if (v->post_send(p->id->qp, &wr, &bad) != 0)
		return false;
	for (unsigned i = 0; i < PEER_ROUNDS && !p->send_done && !p->gone; i++) {
		peer_poll(p);
		if (!p->send_done)
			usleep(PEER_PAUSE / 4);
	}
	return p->send_done;
}

int direct_peer_receive(struct direct_peer *p, uint8_t *bytes, size_t cap)
{
	unsigned slot, len;

	for (unsigned i = 0; i < PEER_ROUNDS; i++) {
		peer_poll(p);
		if (p->got_count || p->gone)
			break;
		usleep(PEER_PAUSE);
	}
	if (!p->got_count)
		return -1;
	slot = p->got[p->got_head].slot;
	len = p->got[p->got_head].len;
	p->got_head = (p->got_head + 1) % PEER_SLOTS;
	p->got_count--;
	assert(len <= cap);
	memcpy(bytes, p->memory + slot * PEER_BYTES, len);
	if (!p->gone && !p->withholds)
		peer_post(p, slot);
	return (int)len;
}

bool direct_peer_gone(struct direct_peer *p)
{
	for (unsigned i = 0; i < PEER_ROUNDS && !p->gone; i++) {
		peer_poll(p);
		usleep(PEER_PAUSE);
	}
	return p->gone;
}

bool direct_peer_is_gone(struct direct_peer *p)
{
	peer_poll(p);
	return p->gone;
}

void direct_peer_withhold(struct direct_peer *p)
{
	p->withholds = true;
}

bool direct_peer_quiet(struct direct_peer *p, unsigned ms)
{
	for (unsigned i = 0; i < ms && !p->got_count && !p->gone; i++) {
		peer_poll(p);
		usleep(1000);
	}
	return !p->got_count && !p->gone;
}

/* ---- by the protocol ---- */

struct direct_negotiate_req direct_peer_request(void)
{
	return (struct direct_negotiate_req){.min_version = 0x100,
					     .max_version = 0x100,
					     .credits_requested = 255,
					     .preferred_send_size = 1364,
					     .max_receive_size = 8192,
					     .max_fragmented_size = 1u << 20};
}

bool direct_peer_negotiate(struct direct_peer *p, const struct direct_negotiate_req *req,
			   struct direct_negotiate_rsp *rsp)
{
	uint8_t bytes[64];
	struct wr w = wr_init(bytes, sizeof(bytes));
	struct rd r;
	int len;

	direct_negotiate_req_encode(&w, req);
	if (!direct_peer_send(p, bytes, w.len))
		return false;
	len = direct_peer_receive(p, p->last, sizeof(p->last));
	if (len < 0)
		return false;
	r = rd_init(p->last, (size_t)len);
	if (direct_negotiate_rsp_decode(&r, rsp) != 0)
		return false;
	p->credits = rsp->credits_granted;
	return true;
}

bool direct_peer_data_of(struct direct_peer *p, const struct direct_data *header, const void *bytes)
{
	uint8_t message[PEER_BYTES];
	struct wr w = wr_init(message, sizeof(message));

	direct_data_encode(&w, header);
	wr_bytes(&w, bytes, header->len);
	assert(wr_ok(&w));
	p->credits--;
	return direct_peer_send(p, message, w.len);
}

bool direct_peer_data(struct direct_peer *p, uint16_t granted, const void *bytes, uint32_t len,
		      uint32_t remaining)
{
	struct direct_data header = {.credits_requested = 255,
				     .credits_granted = granted,
				     .remaining = remaining,
				     .len = len};

	return direct_peer_data_of(p, &header, bytes);
}

bool direct_peer_next(struct direct_peer *p, struct direct_data *out)
{
	int len = direct_peer_receive(p, p->last, sizeof(p->last));
	struct rd r;
	int err;

	if (len < 0)
		return false;
	r = rd_init(p->last, (size_t)len);
	err = direct_data_decode(&r, 1u << 24, out);
	assert(err == 0);
	p->credits += out->credits_granted;
	return true;
}

bool direct_peer_await_credit(struct direct_peer *p)
{
	struct direct_data out;

	while (p->credits < 1) {
		if (!direct_peer_next(p, &out) || out.len)
			return false;
	}
	return true;
}

bool direct_peer_next_payload(struct direct_peer *p, struct direct_data *out, unsigned *credits)
{
	while (direct_peer_next(p, out)) {
		*credits += out->credits_granted;
		if (out->len)
			return true;
	}
	return false;
}
