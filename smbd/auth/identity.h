/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who an authenticated user is on this system: uid, gid, groups, and the SIDs that stand for them.
 * Hides the system's databases (NSS) behind a cache of a minute, and that a server which does not
 * run as root has but one identity: its own, for everybody.
 *
 * SIDs are Samba's algorithmic ones for unmapped ids, S-1-22-1-uid and S-1-22-2-gid, so that
 * security descriptors keep their meaning when a share moves over. The machine's own SID (the
 * prefix S-1-5-21-x-y-z) is made once and kept in the state directory.
 *
 * Thread: any; struct identities locks for itself. Calls may block (NSS). Ownership: a unix_user is
 * immutable, on the caller's talloc context. Errors: 0 or a negative errno.
 */
#ifndef SMBD_AUTH_IDENTITY_H
#define SMBD_AUTH_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <talloc.h>

struct sid; /* smbd/wire/dtyp.h */

enum identity_kind { IDENTITY_USER, IDENTITY_GUEST, IDENTITY_ANONYMOUS };

struct unix_user {
	const char *name; /* of the system's user */
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary; may hold gid too */
	unsigned group_count;

	/* all that access checks match: the user's, its primary group's, then the others */
	const struct sid *sids;
	unsigned sid_count;
};

struct identities;

struct identities *identities_create(TALLOC_CTX *mem);

/* By the system's user name. -ENOENT: the system has no such user. */
int identity_lookup(struct identities *ids, TALLOC_CTX *mem, const char *name,
		    enum identity_kind kind, const struct unix_user **out);

/* Is the identity in the unix group of that name (or is it its primary one)? Blocks (NSS). */
bool identity_in_group(const struct unix_user *id, const char *group);

struct sid identity_sid_of_uid(uid_t uid);
struct sid identity_sid_of_gid(gid_t gid);
bool identity_uid_of_sid(const struct sid *sid, uid_t *uid);
bool identity_gid_of_sid(const struct sid *sid, gid_t *gid);

/* The machine's SID, of the process, once, before any lookup: users and groups are then known by
 * what Samba's algorithm makes of it too (RID 2 * uid + 1000, 2 * gid + 1001, and 513 for all),
 * which is what descriptors that Samba stored are of. */
void identity_set_machine(const struct sid *machine);

/* S-1-5-21-x-y-z of this machine from <state_dir>/machine.sid, made on first use. */
int identity_machine_sid(const char *state_dir, struct sid *out);

#endif
