/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/tree.h"

#include "smbd/wire/header.h"
#include "smbd/wire/negotiate.h"

#define REQUEST_BUFFER_OFFSET (SMB2_HEADER_SIZE + 8)
#define EXTENSION_SIZE        16 /* TreeConnectContextOffset to Reserved */
#define TICKET_SIZE           28 /* TicketType to DeviceClaims */

/* ---- 2.2.9 TREE_CONNECT Request, 2.2.9.1 its extension ---- */

static void extension_decode(struct rd *r, struct smb2_tree_connect_request *out)
{
	struct rd list;
	uint32_t offset = rd_u32(r);
	unsigned count = rd_u16(r);

	rd_skip(r, 10);
	if (count == 0 || !rd_ok(r))
		return;
	if (offset > r->len - SMB2_HEADER_SIZE) {
		rd_fail(r);
		return;
	}
	list = rd_sub(r, SMB2_HEADER_SIZE + offset, r->len - SMB2_HEADER_SIZE - offset);
	for (unsigned i = 0; i < count && rd_ok(&list); i++) {
		unsigned type, len;
		struct wire_blob data;

		rd_align(&list, 8);
		type = rd_u16(&list);
		len = rd_u16(&list);
		rd_skip(&list, 4);
		data = wire_blob_next(&list, len);
		if (type != SMB2_REMOTED_IDENTITY_TREE_CONNECT_CONTEXT_ID)
			continue;
		out->has_remoted_identity = true;
		out->remoted_identity = data;
	}
	if (!rd_ok(&list))
		rd_fail(r);
}

bool smb2_tree_connect_request_decode(struct rd *r, uint16_t dialect,
				      struct smb2_tree_connect_request *out)
{
	unsigned offset, len;
	size_t min_off = REQUEST_BUFFER_OFFSET;

	*out = (struct smb2_tree_connect_request){0};
	wire_structure_size(r, 9);
	out->flags = rd_u16(r);
	if (dialect != SMB2_DIALECT_311)
		out->flags = 0;
	offset = rd_u16(r);
	len = rd_u16(r);
	if (len % 2 != 0)
		rd_fail(r);
	if (out->flags & SMB2_TREE_CONNECT_FLAG_EXTENSION_PRESENT) {
		extension_decode(r, out);
		min_off += EXTENSION_SIZE;
	}
	out->path = wire_blob_at(r, offset, len, min_off);
	return rd_ok(r);
}

static void extension_context_encode(struct wr *w, size_t extension_at,
				     const struct smb2_tree_connect_request *in)
{
	if (!in->has_remoted_identity)
		return;
	wr_align(w, 8);
	wr_u32_at(w, extension_at, (uint32_t)(w->len - SMB2_HEADER_SIZE));
	wr_u16_at(w, extension_at + 4, 1);
	wr_u16(w, SMB2_REMOTED_IDENTITY_TREE_CONNECT_CONTEXT_ID);
	wr_u16(w, (uint16_t)in->remoted_identity.len);
	wr_u32(w, 0);
	wire_blob_encode(w, in->remoted_identity);
}

void smb2_tree_connect_request_encode(struct wr *w, const struct smb2_tree_connect_request *in)
{
	bool extension = in->flags & SMB2_TREE_CONNECT_FLAG_EXTENSION_PRESENT;
	size_t extension_at;

	wr_u16(w, 9);
	wr_u16(w, in->flags);
	wr_u16(w, (uint16_t)(REQUEST_BUFFER_OFFSET + (extension ? EXTENSION_SIZE : 0)));
	wr_u16(w, (uint16_t)in->path.len);
	extension_at = w->len;
	if (extension)
		wr_zero(w, EXTENSION_SIZE);
	wire_blob_encode(w, in->path);
	if (extension)
		extension_context_encode(w, extension_at, in);
	else
		wire_pad_encode(w, in->path.len);
}

/* ---- 2.2.10 TREE_CONNECT Response ---- */

bool smb2_tree_connect_response_decode(struct rd *r, struct smb2_tree_connect_response *out)
{
	wire_structure_size(r, 16);
	out->share_type = rd_u8(r);
	rd_skip(r, 1);
	out->share_flags = rd_u32(r);
	out->capabilities = rd_u32(r);
	out->maximal_access = rd_u32(r);
	return rd_ok(r);
}

void smb2_tree_connect_response_encode(struct wr *w, const struct smb2_tree_connect_response *in)
{
	wr_u16(w, 16);
	wr_u8(w, in->share_type);
	wr_u8(w, 0);
	wr_u32(w, in->share_flags);
	wr_u32(w, in->capabilities);
	wr_u32(w, in->maximal_access);
}

/* ---- 2.2.9.2.1 SMB2_REMOTED_IDENTITY_TREE_CONNECT context ---- */

/* The parts in the order of their offsets in the ticket. */
static const size_t identity_parts[] = {
	offsetof(struct smb2_remoted_identity, user),
	offsetof(struct smb2_remoted_identity, user_name),
	offsetof(struct smb2_remoted_identity, domain),
	offsetof(struct smb2_remoted_identity, groups),
	offsetof(struct smb2_remoted_identity, restricted_groups),
	offsetof(struct smb2_remoted_identity, privileges),
	offsetof(struct smb2_remoted_identity, primary_group),
	offsetof(struct smb2_remoted_identity, owner),
	offsetof(struct smb2_remoted_identity, default_dacl),
	offsetof(struct smb2_remoted_identity, device_groups),
	offsetof(struct smb2_remoted_identity, user_claims),
	offsetof(struct smb2_remoted_identity, device_claims),
};

#define IDENTITY_PARTS (sizeof(identity_parts) / sizeof(identity_parts[0]))

/* A part runs up to the next offset that is greater, or to the end: its form tells its own size. */
static struct wire_blob identity_part(struct rd *r, const uint16_t *offsets, unsigned i)
{
	size_t end = r->len;

	if (offsets[i] == 0)
		return (struct wire_blob){0};
	for (unsigned j = 0; j < IDENTITY_PARTS; j++)
		if (offsets[j] > offsets[i] && offsets[j] < end)
			end = offsets[j];
	if (offsets[i] < TICKET_SIZE || offsets[i] > end) {
		rd_fail(r);
		return (struct wire_blob){0};
	}
	return (struct wire_blob){.data = r->data + offsets[i], .len = end - offsets[i]};
}

bool smb2_remoted_identity_decode(struct rd *r, struct smb2_remoted_identity *out)
{
	uint16_t offsets[IDENTITY_PARTS];

	*out = (struct smb2_remoted_identity){0};
	if (rd_u16(r) != 0x0001) /* TicketType */
		rd_fail(r);
	if (rd_u16(r) > r->len) /* TicketSize */
		rd_fail(r);
	for (unsigned i = 0; i < IDENTITY_PARTS; i++)
		offsets[i] = rd_u16(r);
	for (unsigned i = 0; i < IDENTITY_PARTS && rd_ok(r); i++) {
		struct wire_blob part = identity_part(r, offsets, i);

		memcpy((char *)out + identity_parts[i], &part, sizeof(part));
	}
	return rd_ok(r);
}

void smb2_remoted_identity_encode(struct wr *w, const struct smb2_remoted_identity *in)
{
	size_t start = w->len;

	wr_u16(w, 0x0001);
	wr_zero(w, TICKET_SIZE - 2);
	for (unsigned i = 0; i < IDENTITY_PARTS; i++) {
		struct wire_blob part;

		memcpy(&part, (const char *)in + identity_parts[i], sizeof(part));
		if (part.len == 0)
			continue;
		wr_u16_at(w, start + 4 + 2 * i, (uint16_t)(w->len - start));
		wire_blob_encode(w, part);
	}
	wr_u16_at(w, start + 2, (uint16_t)(w->len - start));
}
