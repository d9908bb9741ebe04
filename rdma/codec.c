/* SPDX-License-Identifier: Apache-2.0 */
#include "rdma/codec.h"

#include <errno.h>

int direct_negotiate_req_decode(struct rd *r, struct direct_negotiate_req *out)
{
	out->min_version = rd_u16(r);
	out->max_version = rd_u16(r);
	rd_skip(r, 2);
	out->credits_requested = rd_u16(r);
	out->preferred_send_size = rd_u32(r);
	out->max_receive_size = rd_u32(r);
	out->max_fragmented_size = rd_u32(r);
	return rd_ok(r) ? 0 : -EPROTO;
}

void direct_negotiate_req_encode(struct wr *w, const struct direct_negotiate_req *in)
{
	wr_u16(w, in->min_version);
	wr_u16(w, in->max_version);
	wr_u16(w, 0);
	wr_u16(w, in->credits_requested);
	wr_u32(w, in->preferred_send_size);
	wr_u32(w, in->max_receive_size);
	wr_u32(w, in->max_fragmented_size);
}

int direct_negotiate_rsp_decode(struct rd *r, struct direct_negotiate_rsp *out)
{
	out->min_version = rd_u16(r);
	out->max_version = rd_u16(r);
	out->negotiated_version = rd_u16(r);
	rd_skip(r, 2);
	out->credits_requested = rd_u16(r);
	out->credits_granted = rd_u16(r);
	out->status = rd_u32(r);
	out->max_readwrite_size = rd_u32(r);
	out->preferred_send_size = rd_u32(r);
	out->max_receive_size = rd_u32(r);
	out->max_fragmented_size = rd_u32(r);
	return rd_ok(r) ? 0 : -EPROTO;
}

void direct_negotiate_rsp_encode(struct wr *w, const struct direct_negotiate_rsp *in)
{
	bool ok = in->status == DIRECT_STATUS_SUCCESS;

	wr_u16(w, in->min_version);
	wr_u16(w, in->max_version);
	wr_u16(w, ok ? in->negotiated_version : 0);
	wr_u16(w, 0);
	wr_u16(w, ok ? in->credits_requested : 0);
	wr_u16(w, ok ? in->credits_granted : 0);
	wr_u32(w, in->status);
	wr_u32(w, ok ? in->max_readwrite_size : 0);
	wr_u32(w, ok ? in->preferred_send_size : 0);
	wr_u32(w, ok ? in->max_receive_size : 0);
	wr_u32(w, ok ? in->max_fragmented_size : 0);
}

int direct_data_decode(struct rd *r, uint32_t max_fragmented, struct direct_data *out)
{
	struct rd payload;
	uint32_t offset;

	out->credits_requested = rd_u16(r);
	out->credits_granted = rd_u16(r);
	out->flags = rd_u16(r);
	rd_skip(r, 2);
	out->remaining = rd_u32(r);
	offset = rd_u32(r);
	out->len = rd_u32(r);
	if (!rd_ok(r) || out->credits_requested == 0 || offset % 8 != 0)
		return -EPROTO;
	if ((uint64_t)out->len + out->remaining > max_fragmented)
		return -EPROTO;
	payload = rd_sub(r, offset, out->len);
	out->bytes = out->len ? payload.data : NULL;
	/* Stricter than the text, as Linux is: a payload that lies over the header, and a message
	 * of which more follows that has none itself, mean nothing. */
	if (!rd_ok(r) || (out->len ? offset < DIRECT_EMPTY_BYTES : out->remaining != 0))
		return -EPROTO;
	return 0;
}

void direct_data_encode(struct wr *w, const struct direct_data *in)
{
	wr_u16(w, in->credits_requested);
	wr_u16(w, in->credits_granted);
	wr_u16(w, in->flags);
	wr_u16(w, 0);
	wr_u32(w, in->remaining);
	wr_u32(w, in->len ? DIRECT_DATA_OFFSET : 0);
	wr_u32(w, in->len);
	if (in->len)
		wr_u32(w, 0);
}
