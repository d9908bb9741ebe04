/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/create.h"

#include "smbd/wire/header.h"

#define REQUEST_BUFFER_OFFSET  (SMB2_HEADER_SIZE + 56)
#define RESPONSE_BUFFER_OFFSET (SMB2_HEADER_SIZE + 88)

/* ---- 2.2.13 CREATE Request ---- */

/* 3.3.5.9: CreateContextsOffset is 8-aligned. */
static struct rd contexts_at(struct rd *r, uint32_t offset, uint32_t len, size_t min_off)
{
	struct wire_blob list = wire_blob_at(r, offset, len, min_off);

	if (len && offset % 8 != 0)
		rd_fail(r);
	return wire_blob_rd(list);
}

bool smb2_create_request_decode(struct rd *r, struct smb2_create_request *out)
{
	uint32_t name_offset, name_len, contexts_offset, contexts_len;
	struct rd contexts;

	wire_structure_size(r, 57);
	out->security_flags = rd_u8(r);
	out->requested_oplock_level = rd_u8(r);
	out->impersonation_level = rd_u32(r);
	out->smb_create_flags = rd_u64(r);
	rd_skip(r, 8);
	out->desired_access = rd_u32(r);
	out->file_attributes = rd_u32(r);
	out->share_access = rd_u32(r);
	out->create_disposition = rd_u32(r);
	out->create_options = rd_u32(r);
	name_offset = rd_u16(r);
	name_len = rd_u16(r);
	contexts_offset = rd_u32(r);
	contexts_len = rd_u32(r);
	out->name = wire_blob_at(r, name_offset, name_len, REQUEST_BUFFER_OFFSET);
	if (name_len % 2 != 0)
		rd_fail(r);
	contexts = contexts_at(r, contexts_offset, contexts_len, REQUEST_BUFFER_OFFSET);
	return rd_ok(r) && smb2_create_contexts_request_decode(&contexts, &out->contexts);
}

void smb2_create_request_encode(struct wr *w, const struct smb2_create_request *in)
{
	size_t contexts_at_patch, contexts_start;

	wr_u16(w, 57);
	wr_u8(w, in->security_flags);
	wr_u8(w, in->requested_oplock_level);
	wr_u32(w, in->impersonation_level);
	wr_u64(w, in->smb_create_flags);
	wr_u64(w, 0);
	wr_u32(w, in->desired_access);
	wr_u32(w, in->file_attributes);
	wr_u32(w, in->share_access);
	wr_u32(w, in->create_disposition);
	wr_u32(w, in->create_options);
	wr_u16(w, REQUEST_BUFFER_OFFSET);
	wr_u16(w, (uint16_t)in->name.len);
	contexts_at_patch = w->len;
	wr_u64(w, 0);
	wire_blob_encode(w, in->name);
	if (in->contexts.present == 0) {
		wire_pad_encode(w, in->name.len);
		return;
	}
	wr_align(w, 8);
	contexts_start = w->len;
	smb2_create_contexts_request_encode(w, &in->contexts);
	wr_u32_at(w, contexts_at_patch, (uint32_t)contexts_start);
	wr_u32_at(w, contexts_at_patch + 4, (uint32_t)(w->len - contexts_start));
}

/* ---- 2.2.14 CREATE Response ---- */

bool smb2_create_response_decode(struct rd *r, struct smb2_create_response *out)
{
	uint32_t contexts_offset, contexts_len;
	struct rd contexts;

	wire_structure_size(r, 89);
	out->oplock_level = rd_u8(r);
	out->flags = rd_u8(r);
	out->create_action = rd_u32(r);
	out->creation_time = rd_u64(r);
	out->last_access_time = rd_u64(r);
	out->last_write_time = rd_u64(r);
	out->change_time = rd_u64(r);
	out->allocation_size = rd_u64(r);
	out->endof_file = rd_u64(r);
	out->file_attributes = rd_u32(r);
	rd_skip(r, 4);
	out->file_id = smb2_file_id_decode(r);
	contexts_offset = rd_u32(r);
	contexts_len = rd_u32(r);
	contexts = contexts_at(r, contexts_offset, contexts_len, RESPONSE_BUFFER_OFFSET);
	return rd_ok(r) && smb2_create_contexts_response_decode(&contexts, &out->contexts);
}

void smb2_create_response_encode(struct wr *w, const struct smb2_create_response *in)
{
	size_t contexts_at_patch;

	wr_u16(w, 89);
	wr_u8(w, in->oplock_level);
	wr_u8(w, in->flags);
	wr_u32(w, in->create_action);
	wr_u64(w, in->creation_time);
	wr_u64(w, in->last_access_time);
	wr_u64(w, in->last_write_time);
	wr_u64(w, in->change_time);
	wr_u64(w, in->allocation_size);
	wr_u64(w, in->endof_file);
	wr_u32(w, in->file_attributes);
	wr_u32(w, 0);
	smb2_file_id_encode(w, in->file_id);
	contexts_at_patch = w->len;
	wr_u64(w, 0);
	if (in->contexts.present == 0)
		return;
	smb2_create_contexts_response_encode(w, &in->contexts);
	wr_u32_at(w, contexts_at_patch, RESPONSE_BUFFER_OFFSET);
	wr_u32_at(w, contexts_at_patch + 4, (uint32_t)(w->len - RESPONSE_BUFFER_OFFSET));
}
