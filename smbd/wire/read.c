/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/read.h"

#include "smbd/wire/header.h"

#define REQUEST_BUFFER_OFFSET (SMB2_HEADER_SIZE + 48)

bool smb2_read_request_decode(struct rd *r, struct smb2_read_request *out)
{
	unsigned info_offset, info_len;

	wire_structure_size(r, 49);
	out->padding = rd_u8(r);
	out->flags = rd_u8(r);
	out->length = rd_u32(r);
	out->offset = rd_u64(r);
	out->file_id = smb2_file_id_decode(r);
	out->minimum_count = rd_u32(r);
	out->channel = rd_u32(r);
	out->remaining_bytes = rd_u32(r);
	info_offset = rd_u16(r);
	info_len = rd_u16(r);
	/* The offset and length mean something only together with a channel. */
	if (out->channel == SMB2_CHANNEL_NONE)
		info_len = 0;
	out->read_channel_info = wire_blob_at(r, info_offset, info_len, REQUEST_BUFFER_OFFSET);
	return rd_ok(r);
}

void smb2_read_request_encode(struct wr *w, const struct smb2_read_request *in)
{
	wr_u16(w, 49);
	wr_u8(w, in->padding);
	wr_u8(w, in->flags);
	wr_u32(w, in->length);
	wr_u64(w, in->offset);
	smb2_file_id_encode(w, in->file_id);
	wr_u32(w, in->minimum_count);
	wr_u32(w, in->channel);
	wr_u32(w, in->remaining_bytes);
	wr_u16(w, in->read_channel_info.len ? REQUEST_BUFFER_OFFSET : 0);
	wr_u16(w, (uint16_t)in->read_channel_info.len);
	wire_blob_encode(w, in->read_channel_info);
	wire_pad_encode(w, in->read_channel_info.len);
}

bool smb2_read_response_decode(struct rd *r, struct smb2_read_response *out)
{
	unsigned offset;
	uint32_t len;

	wire_structure_size(r, 17);
	offset = rd_u8(r);
	rd_skip(r, 1);
	len = rd_u32(r);
	out->data_remaining = rd_u32(r);
	out->flags = rd_u32(r);
	out->data = wire_blob_at(r, offset, len, SMB2_READ_RESPONSE_DATA_OFFSET);
	return rd_ok(r);
}

void smb2_read_response_encode(struct wr *w, const struct smb2_read_response *in)
{
	wr_u16(w, 17);
	wr_u8(w, SMB2_READ_RESPONSE_DATA_OFFSET);
	wr_u8(w, 0);
	wr_u32(w, (uint32_t)in->data.len);
	wr_u32(w, in->data_remaining);
	wr_u32(w, in->flags);
	wire_blob_encode(w, in->data);
}
