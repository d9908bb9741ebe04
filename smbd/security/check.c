/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/security/security.h"

#include "smbd/wire/access.h"

#define OWNER_ALWAYS (READ_CONTROL | WRITE_DAC)

bool token_has(const struct token *token, const struct sid *sid)
{
	for (unsigned i = 0; i < token->count; i++)
		if (sid_equal(&token->sids[i], sid))
			return true;
	return false;
}

uint32_t security_map_generic(uint32_t mask)
{
	static const struct {
		uint32_t generic, specific;
	} map[] = {{GENERIC_ALL, FILE_ALL_ACCESS},
		   {GENERIC_READ, FILE_GENERIC_READ},
		   {GENERIC_WRITE, FILE_GENERIC_WRITE},
		   {GENERIC_EXECUTE, FILE_GENERIC_EXECUTE}};

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (mask & map[i].generic)
			mask = (mask & ~map[i].generic) | map[i].specific;
	return mask;
}

/* +1: it allows, -1: it denies, 0: it says nothing about access here. Conditional entries are not
 * evaluated: those that allow give nothing, those that deny take. */
static int ace_sense(const struct ace *ace)
{
	if (ace->flags & INHERIT_ONLY_ACE)
		return 0;
	switch (ace->type) {
	case ACCESS_ALLOWED_ACE_TYPE:
	case ACCESS_ALLOWED_OBJECT_ACE_TYPE:
		return 1;
	case ACCESS_DENIED_ACE_TYPE:
	case ACCESS_DENIED_OBJECT_ACE_TYPE:
	case ACCESS_DENIED_CALLBACK_ACE_TYPE:
	case ACCESS_DENIED_CALLBACK_OBJECT_ACE_TYPE:
		return -1;
	default:
		return 0;
	}
}

/* owner: OWNER RIGHTS stands for the token; *rights: there was such an entry. For each right the
 * first entry that speaks of it decides, which is what taking them in order comes to. */
static uint32_t walk(const struct security_descriptor *sd, const struct token *token, bool owner,
		     bool *rights)
{
	struct rd r = wire_blob_rd(sd->dacl.aces);
	uint32_t granted = 0, decided = 0;
	struct ace ace;

	for (unsigned i = 0; i < sd->dacl.ace_count && ace_decode(&r, &ace); i++) {
		bool owners = sid_equal(&ace.sid, &sid_owner_rights);
		uint32_t mask = security_map_generic(ace.mask);
		int sense = ace_sense(&ace);

		if (!sense)
			continue;
		*rights |= owners;
		if (!(owners && owner) && !token_has(token, &ace.sid))
			continue;
		if (sense > 0)
			granted |= mask & ~decided;
		decided |= mask;
	}
	return granted;
}

uint32_t security_of(const struct security_descriptor *sd, const struct sid *sids, unsigned count)
{
	const struct token token = {.sids = sids, .count = count};
	bool rights = false;

	return sd->has_dacl ? walk(sd, &token, false, &rights) : FILE_ALL_ACCESS;
}

uint32_t security_maximal(const struct security_descriptor *sd, const struct token *token)
{
	bool owner = sd->has_owner && token_has(token, &sd->owner), rights = false;
	uint32_t granted = FILE_ALL_ACCESS;

	if (sd->has_dacl)
		granted = walk(sd, token, owner, &rights) & ~ACCESS_SYSTEM_SECURITY;
	if (owner && !rights)
		granted |= OWNER_ALWAYS;
	if (token->privileges & PRIVILEGE_TAKE_OWNERSHIP)
		granted |= WRITE_OWNER;
	if (token->privileges & PRIVILEGE_SECURITY)
		granted |= ACCESS_SYSTEM_SECURITY;
	return granted;
}
