/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/write.h"

#include "smbd/wire/header.h"

#define DATA_OFFSET_MAX 0x100

bool smb2_write_request_decode(struct rd *r, uint64_t message_len, struct smb2_write_request *out)
{
	unsigned info_offset, info_len;

	wire_structure_size(r, 49);
	out->data_offset = rd_u16(r);
	out->length = rd_u32(r);
	out->offset = rd_u64(r);
	out->file_id = smb2_file_id_decode(r);
	out->channel = rd_u32(r);
	out->remaining_bytes = rd_u32(r);
	info_offset = rd_u16(r);
	info_len = rd_u16(r);
	out->flags = rd_u32(r);
	if (out->channel == SMB2_CHANNEL_NONE)
		info_len = 0;
	out->write_channel_info =
		wire_blob_at(r, info_offset, info_len, SMB2_WRITE_REQUEST_HEAD_SIZE);
	/* [MS-SMB2] 3.3.5.13 */
	if (out->data_offset > DATA_OFFSET_MAX)
		rd_fail(r);
	if (out->length && (out->data_offset < SMB2_WRITE_REQUEST_HEAD_SIZE ||
			    (uint64_t)out->data_offset + out->length > message_len))
		rd_fail(r);
	return rd_ok(r);
}

void smb2_write_request_encode(struct wr *w, const struct smb2_write_request *in)
{
	size_t info_len = in->write_channel_info.len;
	uint16_t data_offset = in->data_offset;

	if (data_offset == 0 && in->length)
		data_offset = (uint16_t)(SMB2_WRITE_REQUEST_HEAD_SIZE + info_len);
	wr_u16(w, 49);
	wr_u16(w, data_offset);
	wr_u32(w, in->length);
	wr_u64(w, in->offset);
	smb2_file_id_encode(w, in->file_id);
	wr_u32(w, in->channel);
	wr_u32(w, in->remaining_bytes);
	wr_u16(w, info_len ? SMB2_WRITE_REQUEST_HEAD_SIZE : 0);
	wr_u16(w, (uint16_t)info_len);
	wr_u32(w, in->flags);
	wire_blob_encode(w, in->write_channel_info);
	wire_pad_encode(w, info_len + in->length);
}

bool smb2_write_response_decode(struct rd *r, struct smb2_write_response *out)
{
	wire_structure_size(r, 17);
	rd_skip(r, 2);
	out->count = rd_u32(r);
	out->remaining = rd_u32(r);
	rd_skip(r, 4); /* WriteChannelInfoOffset and -Length: reserved */
	return rd_ok(r);
}

void smb2_write_response_encode(struct wr *w, const struct smb2_write_response *in)
{
	wr_u16(w, 17);
	wr_u16(w, 0);
	wr_u32(w, in->count);
	wr_u32(w, in->remaining);
	wr_u32(w, 0);
}
