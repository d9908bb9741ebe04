/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/query_info.h"

#include "smbd/wire/header.h"

#define REQUEST_BUFFER_OFFSET (SMB2_HEADER_SIZE + 40)
#define QUOTA_INFO_SIZE       16

bool smb2_query_info_request_decode(struct rd *r, struct smb2_query_info_request *out)
{
	unsigned input_offset;
	uint32_t input_len;

	wire_structure_size(r, 41);
	out->info_type = rd_u8(r);
	out->file_info_class = rd_u8(r);
	out->output_buffer_length = rd_u32(r);
	input_offset = rd_u16(r);
	rd_skip(r, 2);
	input_len = rd_u32(r);
	out->additional_information = rd_u32(r);
	out->flags = rd_u32(r);
	out->file_id = smb2_file_id_decode(r);
	out->input = wire_blob_at(r, input_offset, input_len, REQUEST_BUFFER_OFFSET);
	return rd_ok(r);
}

void smb2_query_info_request_encode(struct wr *w, const struct smb2_query_info_request *in)
{
	wr_u16(w, 41);
	wr_u8(w, in->info_type);
	wr_u8(w, in->file_info_class);
	wr_u32(w, in->output_buffer_length);
	wr_u16(w, in->input.len ? REQUEST_BUFFER_OFFSET : 0);
	wr_u16(w, 0);
	wr_u32(w, (uint32_t)in->input.len);
	wr_u32(w, in->additional_information);
	wr_u32(w, in->flags);
	smb2_file_id_encode(w, in->file_id);
	wire_blob_encode(w, in->input);
	wire_pad_encode(w, in->input.len);
}

bool smb2_query_quota_info_decode(struct rd *r, struct smb2_query_quota_info *out)
{
	uint32_t list_len, start_len, start_offset;

	out->return_single = rd_u8(r) != 0;
	out->restart_scan = rd_u8(r) != 0;
	rd_skip(r, 2);
	list_len = rd_u32(r);
	start_len = rd_u32(r);
	start_offset = rd_u32(r);
	out->sid_list = wire_blob_at(r, QUOTA_INFO_SIZE, list_len, QUOTA_INFO_SIZE);
	/* StartSidOffset counts from the SidBuffer field. */
	out->start_sid = wire_blob_at(r, (uint64_t)QUOTA_INFO_SIZE + start_offset, start_len,
				      QUOTA_INFO_SIZE);
	return rd_ok(r);
}

void smb2_query_quota_info_encode(struct wr *w, const struct smb2_query_quota_info *in)
{
	wr_u8(w, in->return_single);
	wr_u8(w, in->restart_scan);
	wr_u16(w, 0);
	wr_u32(w, (uint32_t)in->sid_list.len);
	wr_u32(w, (uint32_t)in->start_sid.len);
	wr_u32(w, (uint32_t)in->sid_list.len);
	wire_blob_encode(w, in->sid_list);
	wire_blob_encode(w, in->start_sid);
}
