/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/session.h"

#include "smbd/wire/header.h"

#define REQUEST_BUFFER_OFFSET  (SMB2_HEADER_SIZE + 24)
#define RESPONSE_BUFFER_OFFSET (SMB2_HEADER_SIZE + 8)

bool smb2_session_setup_request_decode(struct rd *r, struct smb2_session_setup_request *out)
{
	unsigned offset, len;

	wire_structure_size(r, 25);
	out->flags = rd_u8(r);
	out->security_mode = rd_u8(r);
	out->capabilities = rd_u32(r);
	out->channel = rd_u32(r);
	offset = rd_u16(r);
	len = rd_u16(r);
	out->previous_session_id = rd_u64(r);
	out->security_buffer = wire_blob_at(r, offset, len, REQUEST_BUFFER_OFFSET);
	return rd_ok(r);
}

void smb2_session_setup_request_encode(struct wr *w, const struct smb2_session_setup_request *in)
{
	wr_u16(w, 25);
	wr_u8(w, in->flags);
	wr_u8(w, in->security_mode);
	wr_u32(w, in->capabilities);
	wr_u32(w, in->channel);
	wr_u16(w, REQUEST_BUFFER_OFFSET);
	wr_u16(w, (uint16_t)in->security_buffer.len);
	wr_u64(w, in->previous_session_id);
	wire_blob_encode(w, in->security_buffer);
	wire_pad_encode(w, in->security_buffer.len);
}

bool smb2_session_setup_response_decode(struct rd *r, struct smb2_session_setup_response *out)
{
	unsigned offset, len;

	wire_structure_size(r, 9);
	out->session_flags = rd_u16(r);
	offset = rd_u16(r);
	len = rd_u16(r);
	out->security_buffer = wire_blob_at(r, offset, len, RESPONSE_BUFFER_OFFSET);
	return rd_ok(r);
}

void smb2_session_setup_response_encode(struct wr *w, const struct smb2_session_setup_response *in)
{
	wr_u16(w, 9);
	wr_u16(w, in->session_flags);
	wr_u16(w, RESPONSE_BUFFER_OFFSET);
	wr_u16(w, (uint16_t)in->security_buffer.len);
	wire_blob_encode(w, in->security_buffer);
}
