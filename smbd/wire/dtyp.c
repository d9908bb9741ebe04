/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/dtyp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- SID: [MS-DTYP] 2.4.2 ---- */

const struct sid sid_everyone = SID_INIT(1, 0);
const struct sid sid_creator_owner = SID_INIT(3, 0);
const struct sid sid_creator_group = SID_INIT(3, 1);
const struct sid sid_owner_rights = SID_INIT(3, 4);
const struct sid sid_network = SID_INIT(5, 2);
const struct sid sid_anonymous = SID_INIT(5, 7);
const struct sid sid_authenticated_users = SID_INIT(5, 11);
const struct sid sid_system = SID_INIT(5, 18);
const struct sid sid_administrators = SID_INIT(5, 32, 544);
const struct sid sid_users = SID_INIT(5, 32, 545);
const struct sid sid_guests = SID_INIT(5, 32, 546);
const struct sid sid_backup_operators = SID_INIT(5, 32, 551);

bool sid_decode(struct rd *r, struct sid *out)
{
	uint64_t high;

	*out = (struct sid){0};
	out->revision = rd_u8(r);
	out->sub_authority_count = rd_u8(r);
	high = rd_be16(r);
	out->identifier_authority = high << 32 | rd_be32(r);
	if (out->revision != 1 || out->sub_authority_count > SID_SUB_AUTHORITIES_MAX)
		rd_fail(r);
	for (unsigned i = 0; rd_ok(r) && i < out->sub_authority_count; i++)
		out->sub_authority[i] = rd_u32(r);
	return rd_ok(r);
}

void sid_encode(struct wr *w, const struct sid *in)
{
	wr_u8(w, in->revision);
	wr_u8(w, in->sub_authority_count);
	wr_be16(w, (uint16_t)(in->identifier_authority >> 32));
	wr_be32(w, (uint32_t)in->identifier_authority);
	for (unsigned i = 0; i < in->sub_authority_count; i++)
		wr_u32(w, in->sub_authority[i]);
}

size_t sid_size(const struct sid *s)
{
	return 8 + 4 * (size_t)s->sub_authority_count;
}

bool sid_equal(const struct sid *a, const struct sid *b)
{
	if (a->revision != b->revision || a->sub_authority_count != b->sub_authority_count ||
	    a->identifier_authority != b->identifier_authority)
		return false;
	return memcmp(a->sub_authority, b->sub_authority, 4 * (size_t)a->sub_authority_count) == 0;
}

bool sid_in_domain(const struct sid *s, const struct sid *d, uint32_t *rid)
{
	struct sid head = *s;

	if (s->sub_authority_count == 0)
		return false;
	head.sub_authority_count--;
	if (!sid_equal(&head, d))
		return false;
	*rid = s->sub_authority[head.sub_authority_count];
	return true;
}

const char *sid_format(const struct sid *s, char buf[SID_TEXT_SIZE])
{
	/* [MS-DTYP] 2.4.2.1: an authority beyond 32 bits is in hexadecimal */
	bool hex = s->identifier_authority >> 32;
	char *p = buf + sprintf(buf, hex ? "S-%u-0x%012llx" : "S-%u-%llu", s->revision,
				(unsigned long long)s->identifier_authority);

	for (unsigned i = 0; i < s->sub_authority_count; i++)
		p += sprintf(p, "-%u", s->sub_authority[i]);
	return buf;
}

/* A number up to max that begins with a digit and ends at '-' or the text's end, which *text
 * is moved to. */
static bool number_parse(const char **text, uint64_t max, uint64_t *out)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	*out = strtoull(*text, &end, (*text)[0] == '0' && (*text)[1] == 'x' ? 16 : 10);
	if (errno || *out > max || (*end != '-' && *end != '\0'))
		return false;
	*text = end;
	return true;
}

bool sid_parse(const char *text, struct sid *out)
{
	uint64_t value;

	*out = (struct sid){.revision = 1};
	if (strncmp(text, "S-1-", 4) != 0)
		return false;
	text += 4;
	if (!number_parse(&text, 0xffffffffffffull, &out->identifier_authority))
		return false;
	while (*text == '-') {
		text++;
		if (out->sub_authority_count == SID_SUB_AUTHORITIES_MAX ||
		    !number_parse(&text, UINT32_MAX, &value))
			return false;
		out->sub_authority[out->sub_authority_count++] = (uint32_t)value;
	}
	return out->sub_authority_count > 0;
}

/* ---- ACE: [MS-DTYP] 2.4.4 ---- */

#define ACE_HEADER_SIZE 4
#define ACL_HEADER_SIZE 8

bool ace_type_known(uint8_t type)
{
	switch (type) {
	case ACCESS_ALLOWED_ACE_TYPE:
	case ACCESS_DENIED_ACE_TYPE:
	case SYSTEM_AUDIT_ACE_TYPE:
	case ACCESS_ALLOWED_OBJECT_ACE_TYPE:
	case ACCESS_DENIED_OBJECT_ACE_TYPE:
	case SYSTEM_AUDIT_OBJECT_ACE_TYPE:
	case ACCESS_ALLOWED_CALLBACK_ACE_TYPE:
	case ACCESS_DENIED_CALLBACK_ACE_TYPE:
	case ACCESS_ALLOWED_CALLBACK_OBJECT_ACE_TYPE:
	case ACCESS_DENIED_CALLBACK_OBJECT_ACE_TYPE:
	case SYSTEM_AUDIT_CALLBACK_ACE_TYPE:
	case SYSTEM_AUDIT_CALLBACK_OBJECT_ACE_TYPE:
	case SYSTEM_MANDATORY_LABEL_ACE_TYPE:
	case SYSTEM_RESOURCE_ATTRIBUTE_ACE_TYPE:
	case SYSTEM_SCOPED_POLICY_ID_ACE_TYPE:
		return true;
	default:
		return false;
	}
}

static bool ace_has_objects(uint8_t type)
{
	switch (type) {
	case ACCESS_ALLOWED_OBJECT_ACE_TYPE:
	case ACCESS_DENIED_OBJECT_ACE_TYPE:
	case SYSTEM_AUDIT_OBJECT_ACE_TYPE:
	case ACCESS_ALLOWED_CALLBACK_OBJECT_ACE_TYPE:
	case ACCESS_DENIED_CALLBACK_OBJECT_ACE_TYPE:
	case SYSTEM_AUDIT_CALLBACK_OBJECT_ACE_TYPE:
		return true;
	default:
		return false;
	}
}

static void ace_body_decode(struct rd *r, struct ace *out)
{
	out->mask = rd_u32(r);
	if (ace_has_objects(out->type)) {
		out->object_flags = rd_u32(r);
		if (out->object_flags & ACE_OBJECT_TYPE_PRESENT)
			out->object_type = guid_decode(r);
		if (out->object_flags & ACE_INHERITED_OBJECT_TYPE_PRESENT)
			out->inherited_object_type = guid_decode(r);
	}
	sid_decode(r, &out->sid);
}

bool ace_decode(struct rd *r, struct ace *out)
{
	struct rd body;
	unsigned size;

	*out = (struct ace){0};
	out->type = rd_u8(r);
	out->flags = rd_u8(r);
	size = rd_u16(r);
	if (size < ACE_HEADER_SIZE)
		rd_fail(r);
	body = wire_blob_rd(wire_blob_next(r, size - ACE_HEADER_SIZE));
	if (!rd_ok(r))
		return false;
	if (ace_type_known(out->type))
		ace_body_decode(&body, out);
	out->application_data = wire_blob_rest(&body);
	if (!rd_ok(&body))
		rd_fail(r);
	return rd_ok(r);
}

void ace_encode(struct wr *w, const struct ace *in)
{
	wr_u8(w, in->type);
	wr_u8(w, in->flags);
	wr_u16(w, (uint16_t)ace_size(in));
	if (ace_type_known(in->type)) {
		wr_u32(w, in->mask);
		if (ace_has_objects(in->type)) {
			wr_u32(w, in->object_flags);
			if (in->object_flags & ACE_OBJECT_TYPE_PRESENT)
				guid_encode(w, &in->object_type);
			if (in->object_flags & ACE_INHERITED_OBJECT_TYPE_PRESENT)
				guid_encode(w, &in->inherited_object_type);
		}
		sid_encode(w, &in->sid);
	}
	wire_blob_encode(w, in->application_data);
}

size_t ace_size(const struct ace *in)
{
	size_t size = ACE_HEADER_SIZE + in->application_data.len;

	if (!ace_type_known(in->type))
		return size;
	size += 4 + sid_size(&in->sid);
	if (!ace_has_objects(in->type))
		return size;
	size += 4;
	size += in->object_flags & ACE_OBJECT_TYPE_PRESENT ? 16 : 0;
	size += in->object_flags & ACE_INHERITED_OBJECT_TYPE_PRESENT ? 16 : 0;
	return size;
}

/* ---- ACL: [MS-DTYP] 2.4.5 ---- */

bool acl_decode(struct rd *r, struct acl *out)
{
	struct rd body, walk;
	struct ace ace;
	unsigned size;

	*out = (struct acl){0};
	out->acl_revision = rd_u8(r);
	rd_skip(r, 1);
	size = rd_u16(r);
	out->ace_count = rd_u16(r);
	rd_skip(r, 2);
	if (size < ACL_HEADER_SIZE)
		rd_fail(r);
	body = wire_blob_rd(wire_blob_next(r, size - ACL_HEADER_SIZE));
	if (!rd_ok(r))
		return false;
	walk = body;
	for (unsigned i = 0; i < out->ace_count; i++) {
		if (!ace_decode(&walk, &ace)) {
			rd_fail(r);
			return false;
		}
	}
	/* AclSize may be greater than what the entries take */
	out->aces = wire_blob_next(&body, walk.off);
	return true;
}

void acl_encode(struct wr *w, const struct acl *in)
{
	wr_u8(w, in->acl_revision);
	wr_u8(w, 0);
	wr_u16(w, (uint16_t)(ACL_HEADER_SIZE + in->aces.len));
	wr_u16(w, in->ace_count);
	wr_u16(w, 0);
	wire_blob_encode(w, in->aces);
}

/* ---- SECURITY_DESCRIPTOR: [MS-DTYP] 2.4.6 ---- */

#define SD_HEADER_SIZE 20

/* A cursor over the part at an offset; 0 is "absent" and false. */
static bool sd_part(struct rd *r, uint32_t offset, struct rd *part)
{
	if (offset == 0)
		return false;
	if (offset < SD_HEADER_SIZE || offset > r->len) {
		rd_fail(r);
		return false;
	}
	*part = rd_sub(r, offset, r->len - offset);
	return rd_ok(r);
}

static bool sd_sid(struct rd *r, uint32_t offset, struct sid *out)
{
	struct rd part;

	if (!sd_part(r, offset, &part))
		return false;
	if (!sid_decode(&part, out))
		rd_fail(r);
	return true;
}

static bool sd_acl(struct rd *r, bool present, uint32_t offset, struct acl *out)
{
	struct rd part;

	if (!present || !sd_part(r, offset, &part))
		return false;
	if (!acl_decode(&part, out))
		rd_fail(r);
	return true;
}

bool security_descriptor_decode(struct rd *r, struct security_descriptor *out)
{
	uint32_t owner, group, sacl, dacl;

	*out = (struct security_descriptor){0};
	if (rd_u8(r) != 1) /* Revision */
		rd_fail(r);
	out->sbz1 = rd_u8(r);
	out->control = rd_u16(r);
	owner = rd_u32(r);
	group = rd_u32(r);
	sacl = rd_u32(r);
	dacl = rd_u32(r);
	if (!rd_ok(r) || !(out->control & SECURITY_DESCRIPTOR_SR))
		return false;
	out->has_owner = sd_sid(r, owner, &out->owner);
	out->has_group = sd_sid(r, group, &out->group);
	out->has_sacl = sd_acl(r, out->control & SECURITY_DESCRIPTOR_SP, sacl, &out->sacl);
	out->has_dacl = sd_acl(r, out->control & SECURITY_DESCRIPTOR_DP, dacl, &out->dacl);
	return rd_ok(r);
}

/* Writes at `patch` where the part that comes next begins. */
static void sd_offset(struct wr *w, size_t start, size_t patch)
{
	wr_u32_at(w, start + patch, (uint32_t)(w->len - start));
}

void security_descriptor_encode(struct wr *w, const struct security_descriptor *in)
{
	size_t start = w->len;
	uint16_t control = in->control | SECURITY_DESCRIPTOR_SR;

	control |= in->has_sacl ? SECURITY_DESCRIPTOR_SP : 0;
	control |= in->has_dacl ? SECURITY_DESCRIPTOR_DP : 0;
	wr_u8(w, 1);
	wr_u8(w, in->sbz1);
	wr_u16(w, control);
	wr_zero(w, 16);
	if (in->has_sacl) {
		sd_offset(w, start, 12);
		acl_encode(w, &in->sacl);
	}
	if (in->has_dacl) {
		sd_offset(w, start, 16);
		acl_encode(w, &in->dacl);
	}
	if (in->has_owner) {
		sd_offset(w, start, 4);
		sid_encode(w, &in->owner);
	}
	if (in->has_group) {
		sd_offset(w, start, 8);
		sid_encode(w, &in->group);
	}
}

size_t security_descriptor_size(const struct security_descriptor *in)
{
	return SD_HEADER_SIZE + (in->has_sacl ? ACL_HEADER_SIZE + in->sacl.aces.len : 0) +
	       (in->has_dacl ? ACL_HEADER_SIZE + in->dacl.aces.len : 0) +
	       (in->has_owner ? sid_size(&in->owner) : 0) +
	       (in->has_group ? sid_size(&in->group) : 0);
}
