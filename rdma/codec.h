/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three messages of SMB Direct: [MS-SMBD] 2.2.1, 2.2.2, 2.2.3. Hides their layout; knows no
 * connection. Thread: none of its own. A decoded payload is borrowed from the bytes. Errors:
 * -EPROTO: shorter than the message, or fields that contradict its length.
 */
#ifndef RDMA_CODEC_H
#define RDMA_CODEC_H

#include "transport/base/cursor.h"

#define DIRECT_VERSION             0x0100u
#define DIRECT_NEGOTIATE_REQ_BYTES 20u
#define DIRECT_NEGOTIATE_RSP_BYTES 32u
#define DIRECT_EMPTY_BYTES         20u /* a data transfer without payload */
#define DIRECT_DATA_OFFSET         24u /* where the payload of a data transfer begins */

/* What both ends must take at least: 3.1.5.6, 3.1.5.7. */
#define DIRECT_RECEIVE_MIN    128u
#define DIRECT_FRAGMENTED_MIN 131072u

#define DIRECT_STATUS_SUCCESS       0u
#define DIRECT_STATUS_NOT_SUPPORTED 0xC00000BBu

#define DIRECT_RESPONSE_REQUESTED 0x0001u

struct direct_negotiate_req {
	uint16_t min_version, max_version;
	uint16_t credits_requested;
	uint32_t preferred_send_size, max_receive_size, max_fragmented_size;
};

struct direct_negotiate_rsp {
	uint16_t min_version, max_version, negotiated_version;
	uint16_t credits_requested, credits_granted;
	uint32_t status;
	uint32_t max_readwrite_size;
	uint32_t preferred_send_size, max_receive_size, max_fragmented_size;
};

struct direct_data {
	uint16_t credits_requested, credits_granted;
	uint16_t flags;
	uint32_t remaining;   /* bytes of the upper layer's message that follow this fragment */
	const uint8_t *bytes; /* when encoding: ignored, the caller puts them behind the header */
	uint32_t len;
};

/* What is left over behind the message is ignored, as the specification has it: "at least". */
int direct_negotiate_req_decode(struct rd *r, struct direct_negotiate_req *out);
void direct_negotiate_req_encode(struct wr *w, const struct direct_negotiate_req *in);

int direct_negotiate_rsp_decode(struct rd *r, struct direct_negotiate_rsp *out);
/* A status other than success makes all but the versions zero: 3.1.5.3. */
void direct_negotiate_rsp_encode(struct wr *w, const struct direct_negotiate_rsp *in);

/* Checks what 3.1.5.8 asks of one message by itself; max_fragmented is what we advertised. */
int direct_data_decode(struct rd *r, uint32_t max_fragmented, struct direct_data *out);
/* The header: 20 bytes when len is 0, else 24, behind which the payload goes. */
void direct_data_encode(struct wr *w, const struct direct_data *in);

#endif
