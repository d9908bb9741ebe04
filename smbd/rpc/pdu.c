/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/rpc/pdu.h"

/* Little-endian integers, ASCII, IEEE floats: [C706] 14.1. All that we speak. */
static const uint8_t drep[4] = {0x10, 0, 0, 0};

/* 8a885d04-1ceb-11c9-9fe8-08002b104860 2.0 */
static const struct guid ndr32 = {{0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11, 0x9f, 0xe8, 0x08,
				   0x00, 0x2b, 0x10, 0x48, 0x60}};
#define NDR32_VERSION 2

/* Bind time feature negotiation, [MS-RPCE] 2.2.2.14: 6cb71c2c-9812-4540 and a bit mask. */
static const uint8_t features_prefix[8] = {0x2c, 0x1c, 0xb7, 0x6c, 0x12, 0x98, 0x40, 0x45};

bool pdu_header_decode(struct rd *r, struct pdu_header *out)
{
	uint8_t major = rd_u8(r), minor = rd_u8(r);
	const uint8_t *format;

	out->type = rd_u8(r);
	out->flags = rd_u8(r);
	format = rd_bytes(r, sizeof(drep));
	out->frag_len = rd_u16(r);
	out->auth_len = rd_u16(r);
	out->call_id = rd_u32(r);
	return rd_ok(r) && major == 5 && minor <= 1 && memcmp(format, drep, 2) == 0 &&
	       out->frag_len >= PDU_HEADER_BYTES && out->frag_len <= PDU_BYTES_MAX;
}

void pdu_begin(struct wr *w, uint8_t type, uint8_t flags, uint32_t call_id)
{
	wr_u8(w, 5);
	wr_u8(w, 0);
	wr_u8(w, type);
	wr_u8(w, flags);
	wr_bytes(w, drep, sizeof(drep));
	wr_u16(w, 0);
	wr_u16(w, 0);
	wr_u32(w, call_id);
}

void pdu_end(struct wr *w)
{
	wr_u16_at(w, 8, (uint16_t)w->len);
}

bool pdu_request_decode(struct rd *r, const struct pdu_header *h, struct pdu_request *out)
{
	out->alloc_hint = rd_u32(r);
	out->context_id = rd_u16(r);
	out->operation = rd_u16(r);
	if (h->flags & PFC_OBJECT_UUID)
		rd_skip(r, 16);
	return rd_ok(r);
}

void pdu_fault(struct wr *w, uint32_t call_id, uint16_t context_id, uint32_t status)
{
	pdu_begin(w, PDU_FAULT, PFC_FIRST_FRAG | PFC_LAST_FRAG | PFC_DID_NOT_EXECUTE, call_id);
	wr_u32(w, 0);
	wr_u16(w, context_id);
	wr_u16(w, 0); /* cancel count */
	wr_u32(w, status);
	wr_u32(w, 0);
	pdu_end(w);
}

void pdu_bind_nak(struct wr *w, uint32_t call_id, uint16_t reason)
{
	pdu_begin(w, PDU_BIND_NAK, PFC_FIRST_FRAG | PFC_LAST_FRAG, call_id);
	wr_u16(w, reason);
	wr_u8(w, 1); /* protocol versions: 5.0 */
	wr_u8(w, 5);
	wr_u8(w, 0);
	pdu_end(w);
}

bool pdu_bind_decode(struct rd *r, struct pdu_bind *out)
{
	out->max_xmit = rd_u16(r);
	out->max_recv = rd_u16(r);
	out->assoc_group = rd_u32(r);
	out->context_count = rd_u8(r);
	rd_skip(r, 3);
	return rd_ok(r);
}

static bool syntax_is(const uint8_t *uuid, const struct guid *want)
{
	return uuid && memcmp(uuid, want->bytes, sizeof(want->bytes)) == 0;
}

static bool interface_is(const uint8_t *uuid, uint32_t version, const struct rpc_interface *iface)
{
	return syntax_is(uuid, &iface->uuid) && (version & 0xffff) == iface->major &&
	       version >> 16 <= iface->minor;
}

bool pdu_context_decode(struct rd *r, const struct rpc_interface *iface, struct pdu_context *out)
{
	bool has_ndr32 = false, has_features = false;
	const uint8_t *uuid;
	uint8_t transfers;
	bool known;

	out->id = rd_u16(r);
	transfers = rd_u8(r);
	rd_skip(r, 1);
	uuid = rd_bytes(r, 16);
	known = interface_is(uuid, rd_u32(r), iface);
	while (transfers--) {
		uuid = rd_bytes(r, 16);
		has_ndr32 |= rd_u32(r) == NDR32_VERSION && syntax_is(uuid, &ndr32);
		has_features |= uuid && memcmp(uuid, features_prefix, 8) == 0;
	}
	if (!rd_ok(r))
		return false;
	out->result = CONTEXT_REJECTED;
	if (has_features) {
		out->result = CONTEXT_NEGOTIATED; /* none of them: the reason is the mask */
		out->reason = 0;
	} else if (!known) {
		out->reason = REASON_ABSTRACT;
	} else if (!has_ndr32) {
		out->reason = REASON_TRANSFER; /* NDR64 alone */
	} else {
		out->result = CONTEXT_ACCEPTED;
		out->reason = REASON_NONE;
	}
	return true;
}

void pdu_context_result(struct wr *w, const struct pdu_context *context)
{
	wr_u16(w, context->result);
	wr_u16(w, context->reason);
	if (context->result == CONTEXT_ACCEPTED) {
		guid_encode(w, &ndr32);
		wr_u32(w, NDR32_VERSION);
	} else {
		wr_zero(w, 20);
	}
}
