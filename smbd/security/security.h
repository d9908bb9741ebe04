/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a security descriptor means: who may do what by it ([MS-DTYP] 2.5.3.2), what a new file
 * inherits (2.5.3.4), what remains of a change to it, and what it is in mode bits and POSIX ACLs.
 * Hides the order of entries, generic rights and the principals that stand for somebody else.
 *
 * Pure functions; any thread; no I/O. Ownership: descriptors point into the bytes that they were
 * decoded from; those made here are on the talloc context that is given. Access masks are those of
 * files: generic bits are resolved.
 */
#ifndef SMBD_SECURITY_SECURITY_H
#define SMBD_SECURITY_SECURITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smbd/wire/dtyp.h"

#define PRIVILEGE_SECURITY       0x1u /* SeSecurityPrivilege: may have ACCESS_SYSTEM_SECURITY */
#define PRIVILEGE_TAKE_OWNERSHIP 0x2u
#define PRIVILEGE_BACKUP         0x4u /* with backup intent: reads everything */
#define PRIVILEGE_RESTORE        0x8u /* ... writes everything, and gives ownership away */
#define PRIVILEGE_ALL            0xfu

/* Who asks. sids[0] is the user, sids[1] the primary group. */
struct token {
	const struct sid *sids;
	unsigned count;
	unsigned privileges;
};

bool token_has(const struct token *token, const struct sid *sid);

/* All rights that the descriptor gives, with those that the owner always has, and those of
 * privileges that need no intent. An absent DACL gives everything. */
uint32_t security_maximal(const struct security_descriptor *sd, const struct token *token);

/* Of one principal, as permission bits show it: no privileges, and nothing that comes of owning.
 * sids: all that stand for it. */
uint32_t security_of(const struct security_descriptor *sd, const struct sid *sids, unsigned count);

/* Generic rights as a file has them. */
uint32_t security_map_generic(uint32_t mask);

/*
 * What a new file or directory in a directory with this descriptor gets; its owner and group are
 * the token's. What its creator asked for besides is merged into that. False: out of memory.
 */
bool security_inherit(void *talloc_ctx, const struct security_descriptor *parent,
		      const struct token *token, bool directory, struct security_descriptor *out);

/* The parts of `change` that info (OWNER_SECURITY_INFORMATION ...) names, in place of those in
 * `sd`, as a file keeps them: generic rights resolved, and the inheritance bits as Windows has
 * them. False: out of memory. */
bool security_merge(void *talloc_ctx, const struct security_descriptor *sd,
		    const struct security_descriptor *change, uint32_t info,
		    struct security_descriptor *out);

/* An ACL under construction. */
struct acl_builder {
	void *ctx;
	uint8_t *bytes;
	size_t len;
	uint16_t count;
	bool failed; /* out of memory, or too long for an ACL */
};

void acl_add(struct acl_builder *b, const struct ace *ace);
/* False: it failed. */
bool acl_done(const struct acl_builder *b, struct acl *acl);

#endif
