/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/security/posix.h"

#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include "smbd/wire/access.h"

#define READ  4u
#define WRITE 2u
#define EXEC  1u

/* ---- to POSIX ---- */

/* Whoever has any right in a directory may pass through it: users of Windows are not held up on
 * the way (SeChangeNotifyPrivilege). */
static uint8_t perm_of(uint32_t mask, bool directory)
{
	if (directory && mask)
		mask |= FILE_TRAVERSE;
	return (uint8_t)((mask & FILE_READ_DATA ? READ : 0) |
			 (mask & (FILE_WRITE_DATA | FILE_APPEND_DATA) ? WRITE : 0) |
			 (mask & FILE_EXECUTE ? EXEC : 0));
}

/* Of a principal, with what everybody has. */
static uint8_t perm_for(const struct security_descriptor *sd, const struct sid *sid, bool directory)
{
	const struct sid sids[] = {*sid, sid_everyone, sid_authenticated_users, sid_users};

	return perm_of(security_of(sd, sids, 4), directory);
}

static int id_order(const void *a, const void *b)
{
	const struct posix_id *x = a, *y = b;

	if (x->group != y->group)
		return x->group ? 1 : -1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void add_named(struct posix_acl *acl, const struct posix_id *id)
{
	for (unsigned i = 0; i < acl->count; i++)
		if (id_order(&acl->named[i], id) == 0)
			return;
	if (acl->count < POSIX_IDS_MAX)
		acl->named[acl->count++] = *id;
}

void posix_of_descriptor(const struct posix_map *map, const struct security_descriptor *sd,
			 bool directory, struct posix_acl *acl)
{
	struct rd r = wire_blob_rd(sd->dacl.aces);
	const struct sid all[] = {sid_everyone, sid_authenticated_users, sid_users};
	struct posix_id id;
	struct ace ace;

	memset(acl, 0, sizeof(*acl));
	acl->owner = perm_for(sd, &sd->owner, directory) | (directory ? EXEC : 0);
	acl->group = perm_for(sd, &sd->group, directory);
	acl->other = perm_of(security_of(sd, all, 3), directory);
	for (unsigned i = 0; sd->has_dacl && i < sd->dacl.ace_count && ace_decode(&r, &ace); i++) {
		if ((ace.flags & INHERIT_ONLY_ACE) || sid_equal(&ace.sid, &sd->owner) ||
		    sid_equal(&ace.sid, &sd->group) || !map->id_of(map, &ace.sid, &id))
			continue;
		id.perm = perm_for(sd, &ace.sid, directory);
		add_named(acl, &id);
	}
	qsort(acl->named, acl->count, sizeof(acl->named[0]), id_order);
}

/* ---- from POSIX ---- */

static uint32_t mask_of(uint8_t perm, bool directory)
{
	uint32_t mask = FILE_READ_ATTRIBUTES | READ_CONTROL | SYNCHRONIZE;

	if (perm & READ)
		mask |= FILE_GENERIC_READ | (directory ? 0 : FILE_EXECUTE);
	if (perm & WRITE)
		mask |= FILE_GENERIC_WRITE | DELETE | (directory ? FILE_DELETE_CHILD : 0);
	if (perm & EXEC)
		mask |= FILE_GENERIC_EXECUTE;
	return perm ? mask : 0;
}

static void add_allowed(struct acl_builder *b, const struct sid *sid, uint32_t mask)
{
	if (mask)
		acl_add(b, &(struct ace){.mask = mask, .sid = *sid});
}

bool posix_to_descriptor(void *ctx, const struct posix_map *map, const struct posix_acl *acl,
			 uint32_t uid, uint32_t gid, bool directory,
			 struct security_descriptor *out)
{
	const uint32_t owners = WRITE_DAC | WRITE_OWNER | FILE_READ_ATTRIBUTES |
				FILE_WRITE_ATTRIBUTES | FILE_WRITE_EA | READ_CONTROL | SYNCHRONIZE;
	struct acl_builder b = {.ctx = ctx};

	*out = (struct security_descriptor){.control =
						    SECURITY_DESCRIPTOR_SR | SECURITY_DESCRIPTOR_DP,
					    .has_owner = true,
					    .has_group = true,
					    .has_dacl = true,
					    .owner = map->sid_of(map, false, uid),
					    .group = map->sid_of(map, true, gid)};
	add_allowed(&b, &out->owner,
		    acl->owner == (READ | WRITE | EXEC) ? FILE_ALL_ACCESS
							: mask_of(acl->owner, directory) | owners);
	for (unsigned i = 0; i < acl->count; i++) {
		struct sid sid = map->sid_of(map, acl->named[i].group, acl->named[i].id);

		add_allowed(&b, &sid, mask_of(acl->named[i].perm, directory));
	}
	add_allowed(&b, &out->group, mask_of(acl->group, directory));
	add_allowed(&b, &sid_everyone, mask_of(acl->other, directory));
	return acl_done(&b, &out->dacl);
}
