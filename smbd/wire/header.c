/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/header.h"

#include "smbd/wire/negotiate.h"

/* ProtocolIds as little-endian words. */
#define PROTOCOL_SMB1       0x424d53ffu
#define PROTOCOL_SMB2       0x424d53feu
#define PROTOCOL_TRANSFORM  0x424d53fdu
#define PROTOCOL_COMPRESSED 0x424d53fcu

static void protocol_id(struct rd *r, uint32_t want)
{
	if (rd_u32(r) != want)
		rd_fail(r);
}

bool smb2_header_decode(struct rd *r, struct smb2_header *out)
{
	uint32_t status;

	*out = (struct smb2_header){0};
	protocol_id(r, PROTOCOL_SMB2);
	wire_structure_size(r, SMB2_HEADER_SIZE);
	out->credit_charge = rd_u16(r);
	status = rd_u32(r);
	out->command = rd_u16(r);
	out->credits = rd_u16(r);
	out->flags = rd_u32(r);
	out->next_command = rd_u32(r);
	out->message_id = rd_u64(r);
	if (out->flags & SMB2_FLAGS_ASYNC_COMMAND) {
		out->async_id = rd_u64(r);
	} else {
		out->process_id = rd_u32(r);
		out->tree_id = rd_u32(r);
	}
	out->session_id = rd_u64(r);
	rd_copy(r, out->signature, sizeof(out->signature));
	if (out->flags & SMB2_FLAGS_SERVER_TO_REDIR)
		out->status = NT_STATUS(status);
	else
		out->channel_sequence = (uint16_t)status;
	return rd_ok(r);
}

void smb2_header_encode(struct wr *w, const struct smb2_header *in)
{
	wr_u32(w, PROTOCOL_SMB2);
	wr_u16(w, SMB2_HEADER_SIZE);
	wr_u16(w, in->credit_charge);
	wr_u32(w, in->flags & SMB2_FLAGS_SERVER_TO_REDIR ? in->status.value : in->channel_sequence);
	wr_u16(w, in->command);
	wr_u16(w, in->credits);
	wr_u32(w, in->flags);
	wr_u32(w, in->next_command);
	wr_u64(w, in->message_id);
	if (in->flags & SMB2_FLAGS_ASYNC_COMMAND) {
		wr_u64(w, in->async_id);
	} else {
		wr_u32(w, in->process_id);
		wr_u32(w, in->tree_id);
	}
	wr_u64(w, in->session_id);
	wr_bytes(w, in->signature, sizeof(in->signature));
}

const char *smb2_command_name(uint16_t command)
{
	static const char *const names[SMB2_COMMAND_COUNT] = {
		"NEGOTIATE",
		"SESSION_SETUP",
		"LOGOFF",
		"TREE_CONNECT",
		"TREE_DISCONNECT",
		"CREATE",
		"CLOSE",
		"FLUSH",
		"READ",
		"WRITE",
		"LOCK",
		"IOCTL",
		"CANCEL",
		"ECHO",
		"QUERY_DIRECTORY",
		"CHANGE_NOTIFY",
		"QUERY_INFO",
		"SET_INFO",
		"OPLOCK_BREAK",
		"SERVER_TO_CLIENT_NOTIFICATION",
	};

	return command < SMB2_COMMAND_COUNT ? names[command] : "unknown";
}

enum smb_protocol smb_protocol_of(const void *msg, size_t len)
{
	struct rd r = rd_init(msg, len);

	switch (rd_u32(&r)) {
	case PROTOCOL_SMB1:
		return SMB_PROTOCOL_SMB1;
	case PROTOCOL_SMB2:
		return SMB_PROTOCOL_SMB2;
	case PROTOCOL_TRANSFORM:
		return SMB_PROTOCOL_TRANSFORM;
	case PROTOCOL_COMPRESSED:
		return SMB_PROTOCOL_COMPRESSED;
	default:
		return SMB_PROTOCOL_UNKNOWN;
	}
}

bool smb2_transform_header_decode(struct rd *r, struct smb2_transform_header *out)
{
	protocol_id(r, PROTOCOL_TRANSFORM);
	rd_copy(r, out->signature, sizeof(out->signature));
	rd_copy(r, out->nonce, sizeof(out->nonce));
	out->original_message_size = rd_u32(r);
	rd_skip(r, 2);
	out->flags = rd_u16(r);
	out->session_id = rd_u64(r);
	return rd_ok(r);
}

void smb2_transform_header_encode(struct wr *w, const struct smb2_transform_header *in)
{
	wr_u32(w, PROTOCOL_TRANSFORM);
	wr_bytes(w, in->signature, sizeof(in->signature));
	wr_bytes(w, in->nonce, sizeof(in->nonce));
	wr_u32(w, in->original_message_size);
	wr_u16(w, 0);
	wr_u16(w, in->flags);
	wr_u64(w, in->session_id);
}

bool smb2_compression_transform_header_decode(struct rd *r,
					      struct smb2_compression_transform_header *out)
{
	size_t payloads;

	*out = (struct smb2_compression_transform_header){0};
	protocol_id(r, PROTOCOL_COMPRESSED);
	out->original_compressed_segment_size = rd_u32(r);
	payloads = r->off;
	out->compression_algorithm = rd_u16(r);
	out->flags = rd_u16(r);
	if (out->flags & SMB2_COMPRESSION_FLAG_CHAINED) {
		out->compression_algorithm = 0;
		rd_seek(r, payloads);
	} else {
		out->offset = rd_u32(r);
	}
	return rd_ok(r);
}

void smb2_compression_transform_header_encode(struct wr *w,
					      const struct smb2_compression_transform_header *in)
{
	wr_u32(w, PROTOCOL_COMPRESSED);
	wr_u32(w, in->original_compressed_segment_size);
	if (in->flags & SMB2_COMPRESSION_FLAG_CHAINED)
		return;
	wr_u16(w, in->compression_algorithm);
	wr_u16(w, in->flags);
	wr_u32(w, in->offset);
}

/* 2.2.42.2.1: these four tell the size that their data will have. */
static bool has_original_size(uint16_t algorithm)
{
	return algorithm == SMB2_COMPRESSION_LZNT1 || algorithm == SMB2_COMPRESSION_LZ77 ||
	       algorithm == SMB2_COMPRESSION_LZ77_HUFFMAN || algorithm == SMB2_COMPRESSION_LZ4;
}

bool smb2_compression_payload_decode(struct rd *r, struct smb2_compression_payload *out)
{
	uint32_t length;

	*out = (struct smb2_compression_payload){0};
	out->compression_algorithm = rd_u16(r);
	out->flags = rd_u16(r);
	length = rd_u32(r);
	if (has_original_size(out->compression_algorithm)) {
		out->original_payload_size = rd_u32(r);
		if (length < sizeof(uint32_t))
			rd_fail(r);
		length -= sizeof(uint32_t);
	}
	out->data = wire_blob_next(r, length);
	return rd_ok(r);
}

void smb2_compression_payload_encode(struct wr *w, const struct smb2_compression_payload *in)
{
	bool sized = has_original_size(in->compression_algorithm);

	wr_u16(w, in->compression_algorithm);
	wr_u16(w, in->flags);
	wr_u32(w, (uint32_t)(in->data.len + (sized ? sizeof(uint32_t) : 0)));
	if (sized)
		wr_u32(w, in->original_payload_size);
	wire_blob_encode(w, in->data);
}

bool smb2_compression_pattern_v1_decode(struct rd *r, struct smb2_compression_pattern_v1 *out)
{
	out->pattern = rd_u8(r);
	rd_skip(r, 3);
	out->repetitions = rd_u32(r);
	return rd_ok(r);
}

void smb2_compression_pattern_v1_encode(struct wr *w, const struct smb2_compression_pattern_v1 *in)
{
	wr_u8(w, in->pattern);
	wr_zero(w, 3);
	wr_u32(w, in->repetitions);
}
