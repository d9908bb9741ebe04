/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of descriptors: when a file is made, and when they are changed. */
#include "smbd/security/security.h"

#include <string.h>

#include <talloc.h>

#include "smbd/wire/access.h"
#include "smbd/wire/query_info.h"

#define ACL_BYTES_MAX 65535u
#define ACL_HEADER    8u
#define INHERIT_FLAGS \
	(OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE | NO_PROPAGATE_INHERIT_ACE | INHERIT_ONLY_ACE)

/* ---- building ---- */

void acl_add(struct acl_builder *b, const struct ace *ace)
{
	size_t size = ace_size(ace);
	uint8_t *grown;
	struct wr w;

	if (b->failed || b->len + size + ACL_HEADER > ACL_BYTES_MAX) {
		b->failed = true;
		return;
	}
	grown = talloc_realloc_size(b->ctx, b->bytes, b->len + size);
	if (!grown) {
		b->failed = true;
		return;
	}
	b->bytes = grown;
	w = wr_init(grown + b->len, size);
	ace_encode(&w, ace);
	b->len += size;
	b->count++;
}

bool acl_done(const struct acl_builder *b, struct acl *acl)
{
	*acl = (struct acl){
		.acl_revision = ACL_REVISION, .ace_count = b->count, .aces = {b->bytes, b->len}};
	return !b->failed;
}

/* ---- inheriting, [MS-DTYP] 2.5.3.4.2 and 2.5.3.4.7 ---- */

/* Does the entry come down at all, and with which flags? In directories what is for files alone
 * goes on to be inherited. */
static bool flags_inherited(uint8_t from, bool directory, uint8_t *flags)
{
	uint8_t kept = from & (OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE);

	*flags = 0;
	if (!directory)
		return from & OBJECT_INHERIT_ACE;
	if (from & NO_PROPAGATE_INHERIT_ACE)
		return from & CONTAINER_INHERIT_ACE;
	*flags = kept | (from & CONTAINER_INHERIT_ACE ? 0 : INHERIT_ONLY_ACE);
	return kept;
}

/* CREATOR OWNER and CREATOR GROUP are somebody once there is a creator. */
static const struct sid *creator_of(const struct sid *sid, const struct security_descriptor *sd)
{
	if (sid_equal(sid, &sid_creator_owner))
		return &sd->owner;
	if (sid_equal(sid, &sid_creator_group))
		return &sd->group;
	return NULL;
}

static void ace_inherit(struct acl_builder *b, const struct ace *from,
			const struct security_descriptor *sd, bool directory, uint8_t mark)
{
	const struct sid *creator = creator_of(&from->sid, sd);
	struct ace ace = *from;
	uint8_t flags;

	if (!flags_inherited(from->flags, directory, &flags))
		return;
	ace.flags = (uint8_t)((from->flags & ~(INHERIT_FLAGS | INHERITED_ACE)) | mark | flags);
	if (!creator || (flags & INHERIT_ONLY_ACE)) {
		if (!directory)
			ace.mask = security_map_generic(ace.mask);
		acl_add(b, &ace);
		return;
	}
	/* one for this directory or file itself, and one to hand on as it was */
	ace.sid = *creator;
	ace.mask = security_map_generic(ace.mask);
	ace.flags &= (uint8_t)~INHERIT_FLAGS;
	acl_add(b, &ace);
	if (!directory || !flags)
		return;
	ace = *from;
	ace.flags = (uint8_t)((from->flags & ~(INHERIT_FLAGS | INHERITED_ACE)) | mark | flags |
			      INHERIT_ONLY_ACE);
	acl_add(b, &ace);
}

static bool acl_inherit(void *ctx, const struct acl *parent, const struct security_descriptor *sd,
			bool directory, uint8_t mark, struct acl *out)
{
	struct rd r = wire_blob_rd(parent->aces);
	struct acl_builder b = {.ctx = ctx};
	struct ace ace;

	for (unsigned i = 0; i < parent->ace_count && ace_decode(&r, &ace); i++)
		if (ace_type_known(ace.type))
			ace_inherit(&b, &ace, sd, directory, mark);
	return acl_done(&b, out);
}

/* Nothing to inherit: what a token gives by default, 2.5.3.4.1. */
static bool acl_default(void *ctx, const struct security_descriptor *sd, struct acl *out)
{
	struct acl_builder b = {.ctx = ctx};

	acl_add(&b, &(struct ace){.mask = FILE_ALL_ACCESS, .sid = sd->owner});
	acl_add(&b, &(struct ace){.mask = FILE_ALL_ACCESS, .sid = sid_system});
	return acl_done(&b, out);
}

bool security_inherit(void *ctx, const struct security_descriptor *parent,
		      const struct token *token, bool directory, struct security_descriptor *out)
{
	/* entries are marked where the parent's own were set by who knows of it */
	bool automatic = parent->control & SECURITY_DESCRIPTOR_DI;
	uint8_t mark = automatic ? INHERITED_ACE : 0;

	*out = (struct security_descriptor){.control = SECURITY_DESCRIPTOR_SR,
					    .has_owner = true,
					    .has_group = true,
					    .owner = token->sids[0],
					    .group = token->sids[1]};
	out->control |= SECURITY_DESCRIPTOR_DP | (automatic ? SECURITY_DESCRIPTOR_DI : 0);
	out->has_dacl = true;
	if (parent->has_sacl && (parent->control & SECURITY_DESCRIPTOR_SP)) {
		uint8_t sacl_mark = parent->control & SECURITY_DESCRIPTOR_SI ? INHERITED_ACE : 0;

		if (!acl_inherit(ctx, &parent->sacl, out, directory, sacl_mark, &out->sacl))
			return false;
		out->has_sacl = out->sacl.ace_count > 0;
	}
	if (parent->has_dacl && !acl_inherit(ctx, &parent->dacl, out, directory, mark, &out->dacl))
		return false;
	return out->dacl.ace_count || acl_default(ctx, out, &out->dacl);
}

/* ---- changing ---- */

/* DI stays only where DC asks for it; DC itself is never kept. [MS-DTYP] 2.5.3.4.7, as Windows. */
static uint16_t inheritance_bits(uint16_t control)
{
	const uint16_t dacl = SECURITY_DESCRIPTOR_DI | SECURITY_DESCRIPTOR_DC;
	const uint16_t sacl = SECURITY_DESCRIPTOR_SI | SECURITY_DESCRIPTOR_SC;
	uint16_t kept = control & (uint16_t) ~(dacl | sacl);

	if ((control & dacl) == dacl)
		kept |= SECURITY_DESCRIPTOR_DI;
	if ((control & sacl) == sacl)
		kept |= SECURITY_DESCRIPTOR_SI;
	return kept;
}

static bool acl_map(void *ctx, const struct acl *in, struct acl *out)
{
	struct rd r = wire_blob_rd(in->aces);
	struct acl_builder b = {.ctx = ctx};
	struct ace ace;

	for (unsigned i = 0; i < in->ace_count && ace_decode(&r, &ace); i++) {
		ace.mask = security_map_generic(ace.mask);
		acl_add(&b, &ace);
	}
	return acl_done(&b, out);
}

bool security_merge(void *ctx, const struct security_descriptor *sd,
		    const struct security_descriptor *change, uint32_t info,
		    struct security_descriptor *out)
{
	const uint16_t sacl_bits = SECURITY_DESCRIPTOR_SP | SECURITY_DESCRIPTOR_SD |
				   SECURITY_DESCRIPTOR_SI | SECURITY_DESCRIPTOR_PS |
				   SECURITY_DESCRIPTOR_SC;
	const uint16_t dacl_bits = SECURITY_DESCRIPTOR_DP | SECURITY_DESCRIPTOR_DD |
				   SECURITY_DESCRIPTOR_DI | SECURITY_DESCRIPTOR_PD |
				   SECURITY_DESCRIPTOR_DC | SECURITY_DESCRIPTOR_DT;
	uint16_t control = inheritance_bits(change->control);

	*out = *sd;
	if ((info & OWNER_SECURITY_INFORMATION) && change->has_owner) {
		out->owner = change->owner;
		out->has_owner = true;
	}
	if ((info & GROUP_SECURITY_INFORMATION) && change->has_group) {
		out->group = change->group;
		out->has_group = true;
	}
	if (info & DACL_SECURITY_INFORMATION) {
		out->control = (out->control & (uint16_t)~dacl_bits) | (control & dacl_bits) |
			       SECURITY_DESCRIPTOR_DP;
		out->has_dacl = change->has_dacl;
		if (change->has_dacl && !acl_map(ctx, &change->dacl, &out->dacl))
			return false;
	}
	if (info & SACL_SECURITY_INFORMATION) {
		out->control = (out->control & (uint16_t)~sacl_bits) | (control & sacl_bits) |
			       SECURITY_DESCRIPTOR_SP;
		out->has_sacl = change->has_sacl;
		if (change->has_sacl && !acl_map(ctx, &change->sacl, &out->sacl))
			return false;
	}
	return true;
}
