/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WRITE: [MS-SMB2] 2.2.21 and 2.2.22. The payload is not the codec's: the server decodes while r
 * covers the message's head alone and finds the bytes by data_offset and length; the client encodes
 * the head and sends the payload after it from its own memory. Conventions: blob.h.
 */
#ifndef SMBD_WIRE_WRITE_H
#define SMBD_WIRE_WRITE_H

#include "smbd/wire/blob.h"
#include "smbd/wire/file_id.h"
#include "smbd/wire/read.h"

#define SMB2_WRITEFLAG_WRITE_THROUGH      0x00000001u
#define SMB2_WRITEFLAG_WRITE_UNBUFFERED   0x00000002u
#define SMB2_WRITEFLAG_REQUEST_COMPRESSED 0x00000004u

/* Bytes from the header on that a WRITE needs to be decoded, without channel information. */
#define SMB2_WRITE_REQUEST_HEAD_SIZE 112

struct smb2_write_request {
	uint16_t data_offset; /* from the header; encoding: 0 = right after the head */
	uint32_t length;
	uint64_t offset;
	struct smb2_file_id file_id;
	uint32_t channel;
	uint32_t remaining_bytes;
	struct wire_blob write_channel_info; /* rdma.h decodes it */
	uint32_t flags;
};

struct smb2_write_response {
	uint32_t count;
	uint32_t remaining;
};

/*
 * message_len: bytes of the whole message from its header on, of which r may cover fewer.
 * Checked against it: data_offset + length; 3.3.5.13: DataOffset at most 0x100.
 */
bool smb2_write_request_decode(struct rd *r, uint64_t message_len, struct smb2_write_request *out);
void smb2_write_request_encode(struct wr *w, const struct smb2_write_request *in);
bool smb2_write_response_decode(struct rd *r, struct smb2_write_response *out);
void smb2_write_response_encode(struct wr *w, const struct smb2_write_response *in);

#endif
