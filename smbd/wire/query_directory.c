/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/query_directory.h"

#include "smbd/wire/header.h"

#define REQUEST_BUFFER_OFFSET (SMB2_HEADER_SIZE + 32)

bool smb2_query_directory_request_decode(struct rd *r, struct smb2_query_directory_request *out)
{
	unsigned name_offset, name_len;

	wire_structure_size(r, 33);
	out->file_information_class = rd_u8(r);
	out->flags = rd_u8(r);
	out->file_index = rd_u32(r);
	out->file_id = smb2_file_id_decode(r);
	name_offset = rd_u16(r);
	name_len = rd_u16(r);
	out->output_buffer_length = rd_u32(r);
	out->file_name = wire_blob_at(r, name_offset, name_len, REQUEST_BUFFER_OFFSET);
	if (name_len % 2 != 0)
		rd_fail(r);
	return rd_ok(r);
}

void smb2_query_directory_request_encode(struct wr *w,
					 const struct smb2_query_directory_request *in)
{
	wr_u16(w, 33);
	wr_u8(w, in->file_information_class);
	wr_u8(w, in->flags);
	wr_u32(w, in->file_index);
	smb2_file_id_encode(w, in->file_id);
	wr_u16(w, in->file_name.len ? REQUEST_BUFFER_OFFSET : 0);
	wr_u16(w, (uint16_t)in->file_name.len);
	wr_u32(w, in->output_buffer_length);
	wire_blob_encode(w, in->file_name);
	wire_pad_encode(w, in->file_name.len);
}

bool smb2_buffer_response_decode(struct rd *r, struct smb2_buffer_response *out)
{
	unsigned offset;
	uint32_t len;

	wire_structure_size(r, 9);
	offset = rd_u16(r);
	len = rd_u32(r);
	out->buffer = wire_blob_at(r, offset, len, SMB2_BUFFER_RESPONSE_OFFSET);
	return rd_ok(r);
}

void smb2_buffer_response_encode(struct wr *w, const struct smb2_buffer_response *in)
{
	wr_u16(w, 9);
	wr_u16(w, in->buffer.len ? SMB2_BUFFER_RESPONSE_OFFSET : 0);
	wr_u32(w, (uint32_t)in->buffer.len);
	wire_blob_encode(w, in->buffer);
}
