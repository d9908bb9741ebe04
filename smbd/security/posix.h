/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between descriptors and POSIX ACLs, both ways. What is mapped away is lost on purpose: a mode has
 * no order, no denials and three rights. So the stored descriptor is what counts, and this is for
 * local processes, or for files that have none. Pure functions.
 */
#ifndef SMBD_SECURITY_POSIX_H
#define SMBD_SECURITY_POSIX_H

#include "smbd/security/security.h"

#define POSIX_IDS_MAX 56

/* A user or group of this system. */
struct posix_id {
	bool group;
	uint32_t id;
	uint8_t perm; /* 4 read, 2 write, 1 execute */
};

struct posix_acl {
	uint8_t owner, group, other;
	unsigned count;
	struct posix_id named[POSIX_IDS_MAX]; /* users, then groups, each by id */
};

/* How SIDs and ids stand for each other. */
struct posix_map {
	/* false: the SID is nobody here */
	bool (*id_of)(const struct posix_map *map, const struct sid *sid, struct posix_id *id);
	struct sid (*sid_of)(const struct posix_map *map, bool group, uint32_t id);
};

/* What each principal of the descriptor may do by it. */
void posix_of_descriptor(const struct posix_map *map, const struct security_descriptor *sd,
			 bool directory, struct posix_acl *acl);

/* The descriptor that stands for an ACL. False: out of memory. */
bool posix_to_descriptor(void *talloc_ctx, const struct posix_map *map, const struct posix_acl *acl,
			 uint32_t uid, uint32_t gid, bool directory,
			 struct security_descriptor *out);

#endif
