/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/rdma.h"

#define TRANSFORM_SIZE     16
#define SIGNATURE_SIZE_MAX 16

bool smb2_buffer_descriptor_next(struct rd *r, struct smb2_buffer_descriptor *out)
{
	if (rd_left(r) == 0)
		return false;
	out->offset = rd_u64(r);
	out->token = rd_u32(r);
	out->length = rd_u32(r);
	return rd_ok(r);
}

void smb2_buffer_descriptor_encode(struct wr *w, const struct smb2_buffer_descriptor *in)
{
	wr_u64(w, in->offset);
	wr_u32(w, in->token);
	wr_u32(w, in->length);
}

bool smb2_rdma_transform_decode(struct rd *r, struct smb2_rdma_transform *out)
{
	unsigned offset = rd_u16(r), len = rd_u16(r);
	size_t transforms_end = r->len;

	out->channel = rd_u32(r);
	out->transform_count = rd_u16(r);
	rd_skip(r, 6);
	out->descriptors = wire_blob_at(r, offset, len, TRANSFORM_SIZE);
	if (len)
		transforms_end = offset;
	if (rd_ok(r))
		out->transforms = wire_blob_next(r, transforms_end - TRANSFORM_SIZE);
	return rd_ok(r);
}

void smb2_rdma_transform_encode(struct wr *w, const struct smb2_rdma_transform *in)
{
	wr_u16(w, (uint16_t)(TRANSFORM_SIZE + in->transforms.len));
	wr_u16(w, (uint16_t)in->descriptors.len);
	wr_u32(w, in->channel);
	wr_u16(w, in->transform_count);
	wr_zero(w, 6);
	wire_blob_encode(w, in->transforms);
	wire_blob_encode(w, in->descriptors);
}

bool smb2_rdma_crypto_transform_next(struct rd *r, struct smb2_rdma_crypto_transform *out)
{
	unsigned signature_len, nonce_len;

	if (rd_left(r) == 0)
		return false;
	out->transform_type = rd_u16(r);
	signature_len = rd_u16(r);
	nonce_len = rd_u16(r);
	rd_skip(r, 2);
	if (signature_len > SIGNATURE_SIZE_MAX)
		rd_fail(r);
	out->signature = wire_blob_next(r, signature_len);
	out->nonce = wire_blob_next(r, nonce_len);
	if (rd_left(r)) /* the last one's padding may be missing */
		rd_align(r, 8);
	return rd_ok(r);
}

void smb2_rdma_crypto_transform_encode(struct wr *w, const struct smb2_rdma_crypto_transform *in)
{
	wr_u16(w, in->transform_type);
	wr_u16(w, (uint16_t)in->signature.len);
	wr_u16(w, (uint16_t)in->nonce.len);
	wr_u16(w, 0);
	wire_blob_encode(w, in->signature);
	wire_blob_encode(w, in->nonce);
	wr_align(w, 8);
}
