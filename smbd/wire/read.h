/* SPDX-License-Identifier: Apache-2.0 */
/* READ: [MS-SMB2] 2.2.19 and 2.2.20. Conventions: blob.h. */
#ifndef SMBD_WIRE_READ_H
#define SMBD_WIRE_READ_H

#include "smbd/wire/blob.h"
#include "smbd/wire/file_id.h"

#define SMB2_READFLAG_READ_UNBUFFERED    0x01u
#define SMB2_READFLAG_REQUEST_COMPRESSED 0x02u

/* Channel of READ and WRITE. */
#define SMB2_CHANNEL_NONE               0x00000000u
#define SMB2_CHANNEL_RDMA_V1            0x00000001u
#define SMB2_CHANNEL_RDMA_V1_INVALIDATE 0x00000002u
#define SMB2_CHANNEL_RDMA_TRANSFORM     0x00000003u

#define SMB2_READ_RESPONSE_RDMA_TRANSFORM 0x00000001u /* response Flags, 3.1.1 */

/* Where the data of a READ response begins when we encode it: header and fixed part. */
#define SMB2_READ_RESPONSE_DATA_OFFSET 80

struct smb2_read_request {
	uint8_t padding; /* the DataOffset that the client would like */
	uint8_t flags;
	uint32_t length;
	uint64_t offset;
	struct smb2_file_id file_id;
	uint32_t minimum_count;
	uint32_t channel;
	uint32_t remaining_bytes;
	struct wire_blob read_channel_info; /* rdma.h decodes it */
};

/* RDMA: data is empty, data_remaining says how many bytes were placed. */
struct smb2_read_response {
	struct wire_blob data; /* NULL with a length: the payload is sent separately */
	uint32_t data_remaining;
	uint32_t flags;
};

bool smb2_read_request_decode(struct rd *r, struct smb2_read_request *out);
void smb2_read_request_encode(struct wr *w, const struct smb2_read_request *in);

/* Needs all of the message in r. */
bool smb2_read_response_decode(struct rd *r, struct smb2_read_response *out);
void smb2_read_response_encode(struct wr *w, const struct smb2_read_response *in);

#endif
