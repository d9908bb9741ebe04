/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/ioctl.h"

#include "smbd/wire/header.h"

#define REQUEST_BUFFER_OFFSET (SMB2_HEADER_SIZE + 56)

bool smb2_ioctl_request_decode(struct rd *r, struct smb2_ioctl_request *out)
{
	uint32_t input_offset, input_len, output_offset, output_len;

	wire_structure_size(r, 57);
	rd_skip(r, 2);
	out->ctl_code = rd_u32(r);
	out->file_id = smb2_file_id_decode(r);
	input_offset = rd_u32(r);
	input_len = rd_u32(r);
	out->max_input_response = rd_u32(r);
	output_offset = rd_u32(r);
	output_len = rd_u32(r);
	out->max_output_response = rd_u32(r);
	out->flags = rd_u32(r);
	rd_skip(r, 4);
	out->input = wire_blob_at(r, input_offset, input_len, REQUEST_BUFFER_OFFSET);
	out->output = wire_blob_at(r, output_offset, output_len, REQUEST_BUFFER_OFFSET);
	return rd_ok(r);
}

void smb2_ioctl_request_encode(struct wr *w, const struct smb2_ioctl_request *in)
{
	size_t output_patch;

	wr_u16(w, 57);
	wr_u16(w, 0);
	wr_u32(w, in->ctl_code);
	smb2_file_id_encode(w, in->file_id);
	wr_u32(w, in->input.len ? REQUEST_BUFFER_OFFSET : 0);
	wr_u32(w, (uint32_t)in->input.len);
	wr_u32(w, in->max_input_response);
	output_patch = w->len;
	wr_u32(w, 0);
	wr_u32(w, (uint32_t)in->output.len);
	wr_u32(w, in->max_output_response);
	wr_u32(w, in->flags);
	wr_u32(w, 0);
	wire_blob_encode(w, in->input);
	if (in->output.len) {
		wr_align(w, 8);
		wr_u32_at(w, output_patch, (uint32_t)w->len);
		wire_blob_encode(w, in->output);
	}
	wire_pad_encode(w, in->input.len + in->output.len);
}

bool smb2_ioctl_response_decode(struct rd *r, struct smb2_ioctl_response *out)
{
	uint32_t input_offset, input_len, output_offset, output_len;

	wire_structure_size(r, 49);
	rd_skip(r, 2);
	out->ctl_code = rd_u32(r);
	out->file_id = smb2_file_id_decode(r);
	input_offset = rd_u32(r);
	input_len = rd_u32(r);
	output_offset = rd_u32(r);
	output_len = rd_u32(r);
	out->flags = rd_u32(r);
	rd_skip(r, 4);
	out->input = wire_blob_at(r, input_offset, input_len, SMB2_IOCTL_RESPONSE_BUFFER_OFFSET);
	out->output = wire_blob_at(r, output_offset, output_len, SMB2_IOCTL_RESPONSE_BUFFER_OFFSET);
	return rd_ok(r);
}

/* 2.2.32: the output begins at the first 8-aligned place after the input. */
void smb2_ioctl_response_encode(struct wr *w, const struct smb2_ioctl_response *in)
{
	size_t output_at = SMB2_IOCTL_RESPONSE_BUFFER_OFFSET + ((in->input.len + 7) & ~(size_t)7);

	wr_u16(w, 49);
	wr_u16(w, 0);
	wr_u32(w, in->ctl_code);
	smb2_file_id_encode(w, in->file_id);
	wr_u32(w, SMB2_IOCTL_RESPONSE_BUFFER_OFFSET);
	wr_u32(w, (uint32_t)in->input.len);
	wr_u32(w, (uint32_t)output_at);
	wr_u32(w, (uint32_t)in->output.len);
	wr_u32(w, in->flags);
	wr_u32(w, 0);
	wire_blob_encode(w, in->input);
	if (in->output.len) {
		wr_align(w, 8);
		wire_blob_encode(w, in->output);
	}
}
