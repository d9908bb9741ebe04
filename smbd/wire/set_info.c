/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/set_info.h"

#include "smbd/wire/header.h"

#define REQUEST_BUFFER_OFFSET (SMB2_HEADER_SIZE + 32)

bool smb2_set_info_request_decode(struct rd *r, struct smb2_set_info_request *out)
{
	unsigned offset;
	uint32_t len;

	wire_structure_size(r, 33);
	out->info_type = rd_u8(r);
	out->file_info_class = rd_u8(r);
	len = rd_u32(r);
	offset = rd_u16(r);
	rd_skip(r, 2);
	out->additional_information = rd_u32(r);
	out->file_id = smb2_file_id_decode(r);
	out->buffer = wire_blob_at(r, offset, len, REQUEST_BUFFER_OFFSET);
	return rd_ok(r);
}

void smb2_set_info_request_encode(struct wr *w, const struct smb2_set_info_request *in)
{
	wr_u16(w, 33);
	wr_u8(w, in->info_type);
	wr_u8(w, in->file_info_class);
	wr_u32(w, (uint32_t)in->buffer.len);
	wr_u16(w, REQUEST_BUFFER_OFFSET);
	wr_u16(w, 0);
	wr_u32(w, in->additional_information);
	smb2_file_id_encode(w, in->file_id);
	wire_blob_encode(w, in->buffer);
	wire_pad_encode(w, in->buffer.len);
}

bool smb2_set_info_response_decode(struct rd *r)
{
	wire_structure_size(r, 2);
	return rd_ok(r);
}

void smb2_set_info_response_encode(struct wr *w)
{
	wr_u16(w, 2);
}
