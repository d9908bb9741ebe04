/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/vfs/ntacl.h"

#include <string.h>

#define SD_HEADER   20u
#define HASH_SHA256 1u
#define DESCRIPTION "posix_acl" /* what the hash is of, in Samba's words */
#define V4_HEADER   160u        /* all before the descriptor */

/* In this NDR the offsets of a descriptor count from the beginning of all. */
static bool part(const struct rd *r, uint32_t offset, struct rd *out)
{
	if (!offset || offset > r->len)
		return false;
	*out = rd_init(r->data + offset, r->len - offset);
	return true;
}

static void decode_sd(struct rd *r, struct security_descriptor *sd)
{
	uint32_t owner, group, sacl, dacl;
	struct rd at;

	if (rd_u8(r) != 1)
		rd_fail(r);
	sd->sbz1 = rd_u8(r);
	sd->control = rd_u16(r) | SECURITY_DESCRIPTOR_SR;
	owner = rd_u32(r);
	group = rd_u32(r);
	sacl = rd_u32(r);
	dacl = rd_u32(r);
	if (!rd_ok(r))
		return;
	if (owner && !(sd->has_owner = part(r, owner, &at) && sid_decode(&at, &sd->owner)))
		rd_fail(r);
	if (group && !(sd->has_group = part(r, group, &at) && sid_decode(&at, &sd->group)))
		rd_fail(r);
	if (!(sd->control & SECURITY_DESCRIPTOR_SP))
		sacl = 0;
	if (!(sd->control & SECURITY_DESCRIPTOR_DP))
		dacl = 0;
	if (sacl && !(sd->has_sacl = part(r, sacl, &at) && acl_decode(&at, &sd->sacl)))
		rd_fail(r);
	if (dacl && !(sd->has_dacl = part(r, dacl, &at) && acl_decode(&at, &sd->dacl)))
		rd_fail(r);
}

/* What follows the pointers of version 4, up to the descriptor. */
static void decode_v4(struct rd *r, struct ntacl *out)
{
	if (rd_u16(r) != HASH_SHA256)
		rd_fail(r);
	rd_skip(r, NTACL_HASH_BYTES); /* of Samba's own mapping: it is second to the other */
	while (rd_ok(r) && rd_u8(r))
		; /* the description */
	rd_align(r, 8);
	rd_skip(r, 8); /* a time that nobody reads */
	for (unsigned i = 0; i < NTACL_HASH_BYTES; i++)
		out->system_hash[i] = rd_u8(r);
	out->has_system_hash = true;
}

bool ntacl_decode(const void *value, size_t len, struct ntacl *out)
{
	struct rd r = rd_init(value, len);

	memset(out, 0, sizeof(*out));
	out->version = rd_u16(&r);
	if (rd_u16(&r) != out->version || !rd_u32(&r)) /* the union's selector and pointer */
		return false;
	switch (out->version) {
	case 1:
		break;
	case 2:
		rd_skip(&r, 4 + 16);
		break;
	case 3: /* its hash is of Samba's own mapping, which is not ours to make */
		rd_skip(&r, 4 + 2 + NTACL_HASH_BYTES);
		break;
	case 4:
		rd_skip(&r, 4);
		decode_v4(&r, out);
		break;
	default:
		return false;
	}
	rd_align(&r, 4);
	decode_sd(&r, &out->sd);
	return rd_ok(&r);
}

size_t ntacl_size(const struct ntacl *in)
{
	return V4_HEADER + security_descriptor_size(&in->sd) + 8; /* and what it is aligned by */
}

static void encode_sd(struct wr *w, const struct security_descriptor *sd)
{
	size_t at = w->len;

	wr_u8(w, 1);
	wr_u8(w, sd->sbz1);
	wr_u16(w, sd->control | SECURITY_DESCRIPTOR_SR);
	wr_zero(w, 16);
	if (sd->has_owner) {
		wr_u32_at(w, at + 4, (uint32_t)w->len);
		sid_encode(w, &sd->owner);
	}
	if (sd->has_group) {
		wr_u32_at(w, at + 8, (uint32_t)w->len);
		sid_encode(w, &sd->group);
	}
	if (sd->has_sacl) {
		wr_u32_at(w, at + 12, (uint32_t)w->len);
		acl_encode(w, &sd->sacl);
	}
	if (sd->has_dacl) {
		wr_u32_at(w, at + 16, (uint32_t)w->len);
		acl_encode(w, &sd->dacl);
	}
}

void ntacl_encode(struct wr *w, const struct ntacl *in)
{
	wr_u16(w, 4);
	wr_u16(w, 4);
	wr_u32(w, 0x20000);
	wr_u32(w, 0x20004);
	wr_u16(w, HASH_SHA256);
	wr_zero(w, NTACL_HASH_BYTES);
	wr_bytes(w, DESCRIPTION, sizeof(DESCRIPTION));
	wr_align(w, 8);
	wr_u64(w, 0);
	wr_bytes(w, in->system_hash, NTACL_HASH_BYTES);
	encode_sd(w, &in->sd);
}
