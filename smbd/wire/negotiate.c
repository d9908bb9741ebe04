/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/negotiate.h"

#include "smbd/wire/header.h"

#define REQUEST_SIZE  36
#define RESPONSE_SIZE 65

#define REQUEST_DIALECTS_OFFSET (SMB2_HEADER_SIZE + REQUEST_SIZE)
#define RESPONSE_BUFFER_OFFSET  (SMB2_HEADER_SIZE + RESPONSE_SIZE - 1)

/* In the order in which they are encoded. */
static const struct {
	uint16_t type;
	uint32_t present;
} context_types[] = {
	{SMB2_PREAUTH_INTEGRITY_CAPABILITIES, SMB2_HAS_PREAUTH_INTEGRITY},
	{SMB2_ENCRYPTION_CAPABILITIES, SMB2_HAS_ENCRYPTION},
	{SMB2_COMPRESSION_CAPABILITIES, SMB2_HAS_COMPRESSION},
	{SMB2_TRANSPORT_CAPABILITIES, SMB2_HAS_TRANSPORT},
	{SMB2_RDMA_TRANSFORM_CAPABILITIES, SMB2_HAS_RDMA_TRANSFORM},
	{SMB2_SIGNING_CAPABILITIES, SMB2_HAS_SIGNING},
	{SMB2_POSIX_EXTENSIONS_AVAILABLE, SMB2_HAS_POSIX},
	{SMB2_NETNAME_NEGOTIATE_CONTEXT_ID, SMB2_HAS_NETNAME},
};

#define CONTEXT_TYPES (sizeof(context_types) / sizeof(context_types[0]))

/* 93AD2550-9CB4-11E7-B423-83DE968BCD7C in the byte order that its inventors send it in */
static const uint8_t posix_version[16] = {0x93, 0xad, 0x25, 0x50, 0x9c, 0xb4, 0x11, 0xe7,
					  0xb4, 0x23, 0x83, 0xde, 0x96, 0x8b, 0xcd, 0x7c};

bool smb2_id_list_has(const struct smb2_id_list *list, uint16_t id)
{
	for (unsigned i = 0; i < list->count; i++)
		if (list->ids[i] == id)
			return true;
	return false;
}

static void id_list_decode(struct rd *r, unsigned count, struct smb2_id_list *out)
{
	out->count = 0;
	for (unsigned i = 0; i < count && rd_ok(r); i++) {
		uint16_t id = rd_u16(r);

		if (out->count < SMB2_ID_LIST_MAX)
			out->ids[out->count++] = id;
	}
}

static void id_list_encode(struct wr *w, const struct smb2_id_list *in)
{
	for (unsigned i = 0; i < in->count; i++)
		wr_u16(w, in->ids[i]);
}

/* [MS-SMB2] 3.3.5.4: a list of algorithms has at least one. */
static unsigned count_decode(struct rd *r)
{
	unsigned count = rd_u16(r);

	if (count == 0)
		rd_fail(r);
	return count;
}

/* ---- one context: 2.2.3.1.1 to 2.2.3.1.7 ---- */

static void preauth_decode(struct rd *r, struct smb2_negotiate_contexts *out)
{
	unsigned count = count_decode(r), salt_len = rd_u16(r);

	id_list_decode(r, count, &out->hash_algorithms);
	out->salt = wire_blob_next(r, salt_len);
}

static void compression_decode(struct rd *r, struct smb2_negotiate_contexts *out)
{
	unsigned count = count_decode(r);

	rd_skip(r, 2);
	out->compression_flags = rd_u32(r);
	id_list_decode(r, count, &out->compression_algorithms);
}

static void rdma_transform_decode(struct rd *r, struct smb2_negotiate_contexts *out)
{
	unsigned count = count_decode(r);

	rd_skip(r, 6);
	id_list_decode(r, count, &out->rdma_transform_ids);
}

/* Not the version that is known: as if it were absent. */
static void posix_decode(struct rd *r, struct smb2_negotiate_contexts *out)
{
	uint8_t version[sizeof(posix_version)];

	rd_copy(r, version, sizeof(version));
	if (memcmp(version, posix_version, sizeof(version)) != 0)
		out->present &= ~SMB2_HAS_POSIX;
}

static void context_data_decode(struct rd *r, uint16_t type, struct smb2_negotiate_contexts *out)
{
	switch (type) {
	case SMB2_PREAUTH_INTEGRITY_CAPABILITIES:
		preauth_decode(r, out);
		break;
	case SMB2_ENCRYPTION_CAPABILITIES:
		id_list_decode(r, count_decode(r), &out->ciphers);
		break;
	case SMB2_COMPRESSION_CAPABILITIES:
		compression_decode(r, out);
		break;
	case SMB2_NETNAME_NEGOTIATE_CONTEXT_ID:
		out->net_name = wire_blob_rest(r);
		break;
	case SMB2_TRANSPORT_CAPABILITIES:
		out->transport_flags = rd_u32(r);
		break;
	case SMB2_RDMA_TRANSFORM_CAPABILITIES:
		rdma_transform_decode(r, out);
		break;
	case SMB2_SIGNING_CAPABILITIES:
		id_list_decode(r, count_decode(r), &out->signing_algorithms);
		break;
	case SMB2_POSIX_EXTENSIONS_AVAILABLE:
		posix_decode(r, out);
		break;
	}
}

static void context_data_encode(struct wr *w, uint16_t type,
				const struct smb2_negotiate_contexts *in)
{
	switch (type) {
	case SMB2_PREAUTH_INTEGRITY_CAPABILITIES:
		wr_u16(w, in->hash_algorithms.count);
		wr_u16(w, (uint16_t)in->salt.len);
		id_list_encode(w, &in->hash_algorithms);
		wire_blob_encode(w, in->salt);
		break;
	case SMB2_ENCRYPTION_CAPABILITIES:
		wr_u16(w, in->ciphers.count);
		id_list_encode(w, &in->ciphers);
		break;
	case SMB2_COMPRESSION_CAPABILITIES:
		wr_u16(w, in->compression_algorithms.count);
		wr_u16(w, 0);
		wr_u32(w, in->compression_flags);
		id_list_encode(w, &in->compression_algorithms);
		break;
	case SMB2_NETNAME_NEGOTIATE_CONTEXT_ID:
		wire_blob_encode(w, in->net_name);
		break;
	case SMB2_TRANSPORT_CAPABILITIES:
		wr_u32(w, in->transport_flags);
		break;
	case SMB2_RDMA_TRANSFORM_CAPABILITIES:
		wr_u16(w, in->rdma_transform_ids.count);
		wr_zero(w, 6);
		id_list_encode(w, &in->rdma_transform_ids);
		break;
	case SMB2_SIGNING_CAPABILITIES:
		wr_u16(w, in->signing_algorithms.count);
		id_list_encode(w, &in->signing_algorithms);
		break;
	case SMB2_POSIX_EXTENSIONS_AVAILABLE:
		wr_bytes(w, posix_version, sizeof(posix_version));
		break;
	}
}

/* ---- the list ---- */

static uint32_t context_present_bit(uint16_t type)
{
	for (unsigned i = 0; i < CONTEXT_TYPES; i++)
		if (context_types[i].type == type)
			return context_types[i].present;
	return 0;
}

static void contexts_decode(struct rd *r, uint32_t offset, unsigned count, size_t min_off,
			    struct smb2_negotiate_contexts *out)
{
	uint32_t seen = 0;
	struct rd list;

	if (count == 0 || !rd_ok(r))
		return;
	if (offset < min_off || offset > r->len) {
		rd_fail(r);
		return;
	}
	list = rd_sub(r, offset, r->len - offset);
	for (unsigned i = 0; i < count && rd_ok(&list); i++) {
		struct rd data;
		uint16_t type, len;
		uint32_t bit;

		rd_align(&list, 8);
		type = rd_u16(&list);
		len = rd_u16(&list);
		rd_skip(&list, 4);
		data = rd_sub(&list, list.off, len);
		rd_skip(&list, len);
		bit = context_present_bit(type);
		if (seen & bit)
			rd_fail(&list);
		seen |= bit;
		out->present |= bit;
		context_data_decode(&data, type, out);
		if (!rd_ok(&data))
			rd_fail(&list);
	}
	if (!rd_ok(&list))
		rd_fail(r);
}

/* Returns how many; *offset is where they begin. */
static uint16_t contexts_encode(struct wr *w, const struct smb2_negotiate_contexts *in,
				uint32_t *offset)
{
	uint16_t count = 0;

	for (unsigned i = 0; i < CONTEXT_TYPES; i++) {
		size_t start;

		if (!(in->present & context_types[i].present))
			continue;
		wr_align(w, 8);
		start = w->len;
		if (count++ == 0)
			*offset = (uint32_t)start;
		wr_u16(w, context_types[i].type);
		wr_u16(w, 0);
		wr_u32(w, 0);
		context_data_encode(w, context_types[i].type, in);
		wr_u16_at(w, start + 2, (uint16_t)(w->len - start - 8));
	}
	return count;
}

/* ---- 2.2.3 NEGOTIATE Request ---- */

bool smb2_negotiate_request_decode(struct rd *r, struct smb2_negotiate_request *out)
{
	unsigned dialects, contexts;
	uint32_t contexts_offset;

	*out = (struct smb2_negotiate_request){0};
	wire_structure_size(r, REQUEST_SIZE);
	dialects = rd_u16(r);
	out->security_mode = rd_u16(r);
	rd_skip(r, 2);
	out->capabilities = rd_u32(r);
	out->client_guid = guid_decode(r);
	contexts_offset = rd_u32(r);
	contexts = rd_u16(r);
	rd_skip(r, 2);
	id_list_decode(r, dialects, &out->dialects);
	if (smb2_id_list_has(&out->dialects, SMB2_DIALECT_311))
		contexts_decode(r, contexts_offset, contexts,
				REQUEST_DIALECTS_OFFSET + 2 * (size_t)dialects, &out->contexts);
	return rd_ok(r);
}

void smb2_negotiate_request_encode(struct wr *w, const struct smb2_negotiate_request *in)
{
	size_t contexts_at;
	uint32_t offset = 0;
	uint16_t count;

	wr_u16(w, REQUEST_SIZE);
	wr_u16(w, in->dialects.count);
	wr_u16(w, in->security_mode);
	wr_u16(w, 0);
	wr_u32(w, in->capabilities);
	guid_encode(w, &in->client_guid);
	contexts_at = w->len;
	wr_zero(w, 8);
	id_list_encode(w, &in->dialects);
	if (!smb2_id_list_has(&in->dialects, SMB2_DIALECT_311))
		return;
	count = contexts_encode(w, &in->contexts, &offset);
	wr_u32_at(w, contexts_at, offset);
	wr_u16_at(w, contexts_at + 4, count);
}

/* ---- 2.2.4 NEGOTIATE Response ---- */

bool smb2_negotiate_response_decode(struct rd *r, struct smb2_negotiate_response *out)
{
	unsigned contexts, security_offset, security_len;
	uint32_t contexts_offset;

	*out = (struct smb2_negotiate_response){0};
	wire_structure_size(r, RESPONSE_SIZE);
	out->security_mode = rd_u16(r);
	out->dialect_revision = rd_u16(r);
	contexts = rd_u16(r);
	out->server_guid = guid_decode(r);
	out->capabilities = rd_u32(r);
	out->max_transact_size = rd_u32(r);
	out->max_read_size = rd_u32(r);
	out->max_write_size = rd_u32(r);
	out->system_time = rd_u64(r);
	out->server_start_time = rd_u64(r);
	security_offset = rd_u16(r);
	security_len = rd_u16(r);
	contexts_offset = rd_u32(r);
	out->security_buffer =
		wire_blob_at(r, security_offset, security_len, RESPONSE_BUFFER_OFFSET);
	if (out->dialect_revision == SMB2_DIALECT_311)
		contexts_decode(r, contexts_offset, contexts, RESPONSE_BUFFER_OFFSET + security_len,
				&out->contexts);
	return rd_ok(r);
}

void smb2_negotiate_response_encode(struct wr *w, const struct smb2_negotiate_response *in)
{
	size_t contexts_at, start = w->len;
	uint32_t offset = 0;
	uint16_t count;

	wr_u16(w, RESPONSE_SIZE);
	wr_u16(w, in->security_mode);
	wr_u16(w, in->dialect_revision);
	wr_u16(w, 0);
	guid_encode(w, &in->server_guid);
	wr_u32(w, in->capabilities);
	wr_u32(w, in->max_transact_size);
	wr_u32(w, in->max_read_size);
	wr_u32(w, in->max_write_size);
	wr_u64(w, in->system_time);
	wr_u64(w, in->server_start_time);
	wr_u16(w, RESPONSE_BUFFER_OFFSET);
	wr_u16(w, (uint16_t)in->security_buffer.len);
	contexts_at = w->len;
	wr_u32(w, 0);
	wire_blob_encode(w, in->security_buffer);
	if (in->dialect_revision != SMB2_DIALECT_311)
		return;
	count = contexts_encode(w, &in->contexts, &offset);
	wr_u16_at(w, start + 6, count);
	wr_u32_at(w, contexts_at, offset);
}

/* ---- SMB1: [MS-CIFS] 2.2.3.1 header, 2.2.4.52.1 request ---- */

#define SMB1_PROTOCOL      0x424d53ffu
#define SMB1_COM_NEGOTIATE 0x72
#define SMB1_FLAGS2        0xc843 /* unicode, NT status, extended security, long names, EAs */

static const char smb2_002[] = "SMB 2.002";
static const char smb2_wildcard[] = "SMB 2.\?\?\?";

const char *smb1_dialect_next(struct rd *dialects)
{
	const uint8_t *text, *end;

	if (rd_left(dialects) == 0)
		return NULL;
	if (rd_u8(dialects) != 0x02) {
		rd_fail(dialects);
		return NULL;
	}
	text = dialects->data + dialects->off;
	end = rd_left(dialects) ? memchr(text, 0, rd_left(dialects)) : NULL;
	if (!end) {
		rd_fail(dialects);
		return NULL;
	}
	rd_skip(dialects, (size_t)(end - text) + 1);
	return (const char *)text;
}

bool smb1_negotiate_request_decode(struct rd *r, struct smb1_negotiate_request *out)
{
	const char *dialect;
	struct rd walk;

	*out = (struct smb1_negotiate_request){0};
	if (rd_u32(r) != SMB1_PROTOCOL || rd_u8(r) != SMB1_COM_NEGOTIATE)
		rd_fail(r);
	rd_skip(r, 21); /* Status to TID */
	out->pid_low = rd_u16(r);
	rd_skip(r, 2); /* UID */
	out->mid = rd_u16(r);
	if (rd_u8(r) != 0) /* WordCount */
		rd_fail(r);
	out->dialects = wire_blob_next(r, rd_u16(r));
	walk = wire_blob_rd(out->dialects);
	while ((dialect = smb1_dialect_next(&walk)) != NULL) {
		out->smb2_002 |= strcmp(dialect, smb2_002) == 0;
		out->smb2_wildcard |= strcmp(dialect, smb2_wildcard) == 0;
	}
	return rd_ok(r) && rd_ok(&walk);
}

static void smb1_dialect_encode(struct wr *w, const char *text)
{
	wr_u8(w, 0x02);
	wr_bytes(w, text, strlen(text) + 1);
}

void smb1_negotiate_request_encode(struct wr *w, const struct smb1_negotiate_request *in)
{
	size_t byte_count_at;

	wr_u32(w, SMB1_PROTOCOL);
	wr_u8(w, SMB1_COM_NEGOTIATE);
	wr_u32(w, 0);   /* Status */
	wr_u8(w, 0x18); /* Flags: canonicalized paths, case-insensitive */
	wr_u16(w, SMB1_FLAGS2);
	wr_zero(w, 14); /* PIDHigh, SecurityFeatures, Reserved, TID */
	wr_u16(w, in->pid_low);
	wr_u16(w, 0); /* UID */
	wr_u16(w, in->mid);
	wr_u8(w, 0); /* WordCount */
	byte_count_at = w->len;
	wr_u16(w, 0);
	if (in->dialects.len) {
		wire_blob_encode(w, in->dialects);
	} else {
		if (in->smb2_002)
			smb1_dialect_encode(w, smb2_002);
		if (in->smb2_wildcard)
			smb1_dialect_encode(w, smb2_wildcard);
	}
	wr_u16_at(w, byte_count_at, (uint16_t)(w->len - byte_count_at - 2));
}
