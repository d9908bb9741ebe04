/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channel information of READ and WRITE: [MS-SMBD] 2.2.3.1 and [MS-SMB2] 2.2.43. A decoder's cursor
 * covers the channel information alone. Conventions: blob.h.
 */
#ifndef SMBD_WIRE_RDMA_H
#define SMBD_WIRE_RDMA_H

#include "smbd/wire/blob.h"

#define SMB2_BUFFER_DESCRIPTOR_SIZE 16

/* SMB_DIRECT_BUFFER_DESCRIPTOR_V1 */
struct smb2_buffer_descriptor {
	uint64_t offset;
	uint32_t token;
	uint32_t length;
};

/* The next descriptor; false at the end (rd_ok(r)) or when a part of one is left. */
bool smb2_buffer_descriptor_next(struct rd *r, struct smb2_buffer_descriptor *out);
void smb2_buffer_descriptor_encode(struct wr *w, const struct smb2_buffer_descriptor *in);

/* 2.2.43: what Channel SMB2_CHANNEL_RDMA_TRANSFORM describes. */
struct smb2_rdma_transform {
	uint32_t channel; /* SMB2_CHANNEL_RDMA_V1 or ..._INVALIDATE: what the descriptors are */
	uint16_t transform_count;
	struct wire_blob transforms;  /* smb2_rdma_crypto_transform_next() */
	struct wire_blob descriptors; /* smb2_buffer_descriptor_next() */
};

bool smb2_rdma_transform_decode(struct rd *r, struct smb2_rdma_transform *out);
/* Writes at the start of its own writer; transforms must already be 8-aligned in length. */
void smb2_rdma_transform_encode(struct wr *w, const struct smb2_rdma_transform *in);

/* 2.2.43.1 */
#define SMB2_RDMA_TRANSFORM_TYPE_ENCRYPTION 0x0001u
#define SMB2_RDMA_TRANSFORM_TYPE_SIGNING    0x0002u

struct smb2_rdma_crypto_transform {
	uint16_t transform_type;
	struct wire_blob signature; /* at most 16 bytes */
	struct wire_blob nonce;
};

/* The next transform; false at the end (rd_ok(r)) or when it is malformed. */
bool smb2_rdma_crypto_transform_next(struct rd *r, struct smb2_rdma_crypto_transform *out);
/* Padded to a multiple of 8. */
void smb2_rdma_crypto_transform_encode(struct wr *w, const struct smb2_rdma_crypto_transform *in);

#endif
