/* SPDX-License-Identifier: Apache-2.0 */
/* The first two messages of a connection: [MS-SMBD] 3.1.5.2, 3.1.5.3, 3.1.5.6, 3.1.5.7. */
#include <assert.h>
#include <errno.h>

#include "rdma/private.h"
#include "transport/base/log.h"

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The first message that either end sends: an out is idle. */
static struct direct_out *negotiate_out(struct direct_channel *c)
{
	struct direct_out *out = direct_memory_out(c);

	assert(out);
	return out;
}

static void negotiate_post(struct direct_channel *c, struct wr *w, struct direct_out *out)
{
	struct ibv_send_wr *wr = direct_post_begin(c);

	if (!wr)
		return;
	out->last = NULL;
	wr->opcode = IBV_WR_SEND;
	wr->num_sge = 1;
	wr->sg_list[0] = (struct ibv_sge){(uintptr_t)w->data, (uint32_t)w->len, out->lkey};
	direct_post_end(c, DIRECT_SEND, out, true);
	direct_post_flush(c);
}

static void negotiate_fail(struct direct_channel *c, const char *what)
{
	log_info("%s: the SMB Direct negotiation fails: %s", c->ch.name, what);
	direct_channel_end(c, -EPROTO, -ECONNRESET);
}

/* What both ends settled on becomes the channel's limits. */
static void negotiate_settle(struct direct_channel *c, uint16_t credits_requested,
			     uint32_t peer_send, uint32_t peer_receive, uint32_t peer_fragmented,
			     uint32_t remote_bytes)
{
	direct_credits_request(c, credits_requested);
	c->receive_bytes = least(c->config.receive_bytes, peer_send);
	if (c->receive_bytes < DIRECT_RECEIVE_MIN)
		c->receive_bytes = DIRECT_RECEIVE_MIN;
	c->send_bytes = least(c->config.send_bytes, peer_receive);
	c->send_fragmented = peer_fragmented;
	c->ch.limits.msg_bytes = least(c->config.fragmented_bytes, peer_fragmented);
	c->ch.limits.remote_bytes = remote_bytes;
}

/* ---- the server ---- */

/* 3.1.5.3 with a status; the connection ends when the answer is out. */
static void negotiate_refuse(struct direct_channel *c)
{
	struct direct_out *out = negotiate_out(c);
	struct wr w = wr_init(out->data, DIRECT_NEGOTIATE_RSP_BYTES);
	struct direct_negotiate_rsp rsp = {.min_version = DIRECT_VERSION,
					   .max_version = DIRECT_VERSION,
					   .status = DIRECT_STATUS_NOT_SUPPORTED};

	log_info("%s: the peer speaks another version of SMB Direct", c->ch.name);
	direct_negotiate_rsp_encode(&w, &rsp);
	c->state = DIRECT_REFUSING;
	negotiate_post(c, &w, out);
}

static void negotiate_accept(struct direct_channel *c)
{
	struct direct_out *out = negotiate_out(c);
	struct wr w = wr_init(out->data, DIRECT_NEGOTIATE_RSP_BYTES);
	struct direct_negotiate_rsp rsp = {
		.min_version = DIRECT_VERSION,
		.max_version = DIRECT_VERSION,
		.negotiated_version = DIRECT_VERSION,
		.credits_requested = (uint16_t)c->config.send_credits,
		.max_readwrite_size = c->config.remote_bytes,
		.preferred_send_size = c->send_bytes,
		.max_receive_size = c->receive_bytes,
		.max_fragmented_size = c->config.fragmented_bytes,
	};

	if (direct_post_receives(c, c->slot_count) != 0) {
		direct_channel_end(c, -ECONNRESET, -ECONNRESET);
		return;
	}
	c->granted = direct_credits_to_grant(c);
	rsp.credits_granted = (uint16_t)c->granted;
	direct_negotiate_rsp_encode(&w, &rsp);
	negotiate_post(c, &w, out);
	if (c->state == DIRECT_NEGOTIATING)
		c->state = DIRECT_ANSWERED;
}

/* 3.1.5.6 */
static void negotiate_request(struct direct_channel *c, struct rd *r)
{
	struct direct_negotiate_req req;

	if (direct_negotiate_req_decode(r, &req) != 0)
		negotiate_fail(c, "the request is too short");
	else if (req.min_version > DIRECT_VERSION || req.max_version < DIRECT_VERSION)
		negotiate_refuse(c);
	else if (req.credits_requested == 0)
		negotiate_fail(c, "no credits are requested");
	else if (req.max_receive_size < DIRECT_RECEIVE_MIN)
		negotiate_fail(c, "MaxReceiveSize is too small");
	else if (req.max_fragmented_size < DIRECT_FRAGMENTED_MIN)
		negotiate_fail(c, "MaxFragmentedSize is too small");
	else {
		negotiate_settle(c, req.credits_requested, req.preferred_send_size,
				 req.max_receive_size, req.max_fragmented_size,
				 c->config.remote_bytes);
		negotiate_accept(c);
	}
}

/* ---- the client ---- */

/* 3.1.5.2 */
void direct_negotiate_start(struct direct_channel *c)
{
	struct direct_out *out = negotiate_out(c);
	struct wr w = wr_init(out->data, DIRECT_NEGOTIATE_REQ_BYTES);
	struct direct_negotiate_req req = {
		.min_version = DIRECT_VERSION,
		.max_version = DIRECT_VERSION,
		.credits_requested = (uint16_t)c->config.send_credits,
		.preferred_send_size = c->config.send_bytes,
		.max_receive_size = c->config.receive_bytes,
		.max_fragmented_size = c->config.fragmented_bytes,
	};

	direct_negotiate_req_encode(&w, &req);
	negotiate_post(c, &w, out);
}

/* 3.1.5.7 */
static void negotiate_response(struct direct_channel *c, struct rd *r)
{
	struct direct_negotiate_rsp rsp;

	if (direct_negotiate_rsp_decode(r, &rsp) != 0)
		negotiate_fail(c, "the response is too short");
	else if (rsp.status != DIRECT_STATUS_SUCCESS)
		negotiate_fail(c, "the peer refuses");
	else if (rsp.negotiated_version != DIRECT_VERSION)
		negotiate_fail(c, "the peer chose another version");
	else if (rsp.credits_requested == 0 || rsp.credits_granted == 0)
		negotiate_fail(c, "no credits");
	else if (rsp.max_receive_size < DIRECT_RECEIVE_MIN)
		negotiate_fail(c, "MaxReceiveSize is too small");
	else if (rsp.max_fragmented_size < DIRECT_FRAGMENTED_MIN)
		negotiate_fail(c, "MaxFragmentedSize is too small");
	else if (rsp.preferred_send_size > c->config.receive_bytes)
		negotiate_fail(c, "PreferredSendSize is larger than what we take");
	else {
		negotiate_settle(c, rsp.credits_requested, rsp.preferred_send_size,
				 rsp.max_receive_size, rsp.max_fragmented_size,
				 least(c->config.remote_bytes, rsp.max_readwrite_size));
		c->send_credits = rsp.credits_granted;
		if (direct_post_receives(c, c->slot_count) != 0)
			direct_channel_end(c, -ECONNRESET, -ECONNRESET);
		else
			direct_channel_opened(c);
	}
}

void direct_negotiate_receive(struct direct_channel *c, const uint8_t *bytes, size_t len)
{
	struct rd r = rd_init(bytes, len);

	if (c->state != DIRECT_NEGOTIATING)
		return;
	if (c->server)
		negotiate_request(c, &r);
	else
		negotiate_response(c, &r);
}
