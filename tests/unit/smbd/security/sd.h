/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors in few words, for tests. */
#ifndef TESTS_UNIT_SMBD_SECURITY_SD_H
#define TESTS_UNIT_SMBD_SECURITY_SD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <talloc.h>

#include "smbd/security/security.h"
#include "smbd/wire/access.h"

static const struct sid alice = SID_INIT(22, 1, 1001), bob = SID_INIT(22, 1, 1002);
static const struct sid staff = SID_INIT(22, 2, 50);

#define ALLOW(who, rights)        \
	{                         \
		0, 0, rights, who \
	}
#define DENY(who, rights)         \
	{                         \
		1, 0, rights, who \
	}

struct entry {
	uint8_t type, flags;
	uint32_t mask;
	const struct sid *sid;
};

#define ENTRIES_MAX 6

/* Entries up to the first without a SID. */
static inline void sd_make(void *ctx, const struct entry *entries, struct security_descriptor *sd)
{
	struct acl_builder b = {.ctx = ctx};

	for (unsigned i = 0; i < ENTRIES_MAX && entries[i].sid; i++)
		acl_add(&b, &(struct ace){.type = entries[i].type,
					  .flags = entries[i].flags,
					  .mask = entries[i].mask,
					  .sid = *entries[i].sid});
	*sd = (struct security_descriptor){.control =
						   SECURITY_DESCRIPTOR_DP | SECURITY_DESCRIPTOR_SR,
					   .has_owner = true,
					   .has_group = true,
					   .has_dacl = true,
					   .owner = alice,
					   .group = staff};
	assert_true(acl_done(&b, &sd->dacl));
}

static inline void assert_entries(const struct acl *acl, const struct entry *entries)
{
	struct rd r = wire_blob_rd(acl->aces);
	unsigned count = 0;
	struct ace ace;

	while (count < ENTRIES_MAX && entries[count].sid)
		count++;
	assert_int_equal(acl->ace_count, count);
	for (unsigned i = 0; i < count; i++) {
		assert_true(ace_decode(&r, &ace));
		assert_int_equal(ace.type, entries[i].type);
		assert_int_equal(ace.flags, entries[i].flags);
		assert_int_equal(ace.mask, entries[i].mask);
		assert_true(sid_equal(&ace.sid, entries[i].sid));
	}
}

#endif
