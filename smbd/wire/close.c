/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/close.h"

bool smb2_close_request_decode(struct rd *r, struct smb2_close_request *out)
{
	wire_structure_size(r, 24);
	out->flags = rd_u16(r);
	rd_skip(r, 4);
	out->file_id = smb2_file_id_decode(r);
	return rd_ok(r);
}

void smb2_close_request_encode(struct wr *w, const struct smb2_close_request *in)
{
	wr_u16(w, 24);
	wr_u16(w, in->flags);
	wr_u32(w, 0);
	smb2_file_id_encode(w, in->file_id);
}

bool smb2_close_response_decode(struct rd *r, struct smb2_close_response *out)
{
	wire_structure_size(r, 60);
	out->flags = rd_u16(r);
	rd_skip(r, 4);
	out->creation_time = rd_u64(r);
	out->last_access_time = rd_u64(r);
	out->last_write_time = rd_u64(r);
	out->change_time = rd_u64(r);
	out->allocation_size = rd_u64(r);
	out->endof_file = rd_u64(r);
	out->file_attributes = rd_u32(r);
	return rd_ok(r);
}

void smb2_close_response_encode(struct wr *w, const struct smb2_close_response *in)
{
	wr_u16(w, 60);
	wr_u16(w, in->flags);
	wr_u32(w, 0);
	wr_u64(w, in->creation_time);
	wr_u64(w, in->last_access_time);
	wr_u64(w, in->last_write_time);
	wr_u64(w, in->change_time);
	wr_u64(w, in->allocation_size);
	wr_u64(w, in->endof_file);
	wr_u32(w, in->file_attributes);
}
