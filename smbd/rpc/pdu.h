/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PDUs of connection-oriented DCE/RPC, [C706] 12.6 and [MS-RPCE] 2.2.2. Internal to rpc/.
 */
#ifndef SMBD_RPC_PDU_H
#define SMBD_RPC_PDU_H

#include <stdbool.h>
#include <stdint.h>

#include "smbd/rpc/interface.h"
#include "transport/base/cursor.h"

#define PDU_HEADER_BYTES   16
#define PDU_RESPONSE_BYTES 24   /* header of a response fragment */
#define PDU_BYTES_MAX      5840 /* our largest fragment, either way; what Windows has */
#define PDU_BYTES_MUST     1432 /* [C706] 12.6.3.1: what everyone can receive */

enum pdu_type {
	PDU_REQUEST = 0,
	PDU_RESPONSE = 2,
	PDU_FAULT = 3,
	PDU_BIND = 11,
	PDU_BIND_ACK = 12,
	PDU_BIND_NAK = 13,
	PDU_ALTER_CONTEXT = 14,
	PDU_ALTER_CONTEXT_RESP = 15,
	PDU_AUTH3 = 16,
	PDU_CO_CANCEL = 18,
	PDU_ORPHANED = 19
};

#define PFC_FIRST_FRAG      0x01
#define PFC_LAST_FRAG       0x02
#define PFC_DID_NOT_EXECUTE 0x20
#define PFC_OBJECT_UUID     0x80

struct pdu_header {
	uint8_t type, flags;
	uint16_t frag_len, auth_len;
	uint32_t call_id;
};

/* false: not a PDU that we could answer at all. Leaves r behind the header. */
bool pdu_header_decode(struct rd *r, struct pdu_header *out);
/* frag_len is patched by pdu_end(). */
void pdu_begin(struct wr *w, uint8_t type, uint8_t flags, uint32_t call_id);
void pdu_end(struct wr *w);

struct pdu_request {
	uint32_t alloc_hint;
	uint16_t context_id, operation;
};

bool pdu_request_decode(struct rd *r, const struct pdu_header *h, struct pdu_request *out);
void pdu_fault(struct wr *w, uint32_t call_id, uint16_t context_id, uint32_t status);

/* Reject reasons of [C706] 12.6.4.5 and [MS-RPCE] 2.2.2.5 */
#define NAK_NOT_SPECIFIED 0
#define NAK_LOCAL_LIMIT   2
#define NAK_AUTH_TYPE     8

void pdu_bind_nak(struct wr *w, uint32_t call_id, uint16_t reason);

struct pdu_bind {
	uint16_t max_xmit, max_recv;
	uint32_t assoc_group;
	uint8_t context_count;
};

/* Then the contexts, each by pdu_context_decode(). */
bool pdu_bind_decode(struct rd *r, struct pdu_bind *out);

/* The results of [C706] 12.6.3.1 and [MS-RPCE] 2.2.2.4 */
enum { CONTEXT_ACCEPTED = 0, CONTEXT_REJECTED = 2, CONTEXT_NEGOTIATED = 3 };
enum { REASON_NONE = 0, REASON_ABSTRACT = 1, REASON_TRANSFER = 2, REASON_LOCAL_LIMIT = 3 };

struct pdu_context {
	uint16_t id;
	uint16_t result, reason; /* what it comes to for this interface */
};

bool pdu_context_decode(struct rd *r, const struct rpc_interface *iface, struct pdu_context *out);
void pdu_context_result(struct wr *w, const struct pdu_context *context);

#endif
