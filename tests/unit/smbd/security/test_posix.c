/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors as modes and POSIX ACLs, and back. */
#include "tests/unit/smbd/security/sd.h"

#include "smbd/security/posix.h"

static bool id_of(const struct posix_map *map, const struct sid *sid, struct posix_id *id)
{
	static const struct sid users = SID_INIT(22, 1), groups = SID_INIT(22, 2);

	id->group = sid_in_domain(sid, &groups, &id->id);
	return id->group || sid_in_domain(sid, &users, &id->id);
}

static struct sid sid_of(const struct posix_map *map, bool group, uint32_t id)
{
	return (struct sid)SID_INIT(22, group ? 2 : 1, id);
}

static const struct posix_map map = {.id_of = id_of, .sid_of = sid_of};

static void test_to_posix(void **state)
{
	static const struct entry entries[ENTRIES_MAX] = {
		DENY(&bob, FILE_WRITE_DATA | FILE_APPEND_DATA),
		ALLOW(&alice, FILE_ALL_ACCESS),
		ALLOW(&staff, FILE_GENERIC_READ | FILE_GENERIC_WRITE),
		ALLOW(&sid_everyone, FILE_GENERIC_READ),
		ALLOW(&sid_creator_owner, FILE_ALL_ACCESS),
	};
	struct security_descriptor sd;
	void *ctx = talloc_new(NULL);
	struct posix_acl acl;

	sd_make(ctx, entries, &sd);
	posix_of_descriptor(&map, &sd, false, &acl);
	assert_int_equal(acl.owner, 7);
	assert_int_equal(acl.group, 6);
	assert_int_equal(acl.other, 4);
	assert_int_equal(acl.count, 1);
	assert_true(!acl.named[0].group && acl.named[0].id == 1002);
	assert_int_equal(acl.named[0].perm, 4);
	posix_of_descriptor(&map, &sd, true, &acl); /* who may anything may pass */
	assert_int_equal(acl.other, 5);
	talloc_free(ctx);
}

static void test_round_trip(void **state)
{
	const struct posix_acl in = {.owner = 7,
				     .group = 5,
				     .other = 0,
				     .count = 2,
				     .named = {{false, 77, 6}, {true, 88, 4}}};
	struct security_descriptor sd;
	void *ctx = talloc_new(NULL);
	struct posix_acl out;

	assert_true(posix_to_descriptor(ctx, &map, &in, 1001, 50, true, &sd));
	assert_true(sid_equal(&sd.owner, &alice) && sid_equal(&sd.group, &staff));
	posix_of_descriptor(&map, &sd, true, &out);
	assert_int_equal(out.owner, 7);
	assert_int_equal(out.group, 5);
	assert_int_equal(out.other, 0);
	assert_int_equal(out.count, 2);
	assert_int_equal(out.named[0].perm, 7); /* 6, and may pass */
	assert_int_equal(out.named[1].id, 88);
	assert_int_equal(out.named[1].perm, 5);
	talloc_free(ctx);
}

/* A mode of nothing leaves the owner what owners have, and others nothing. */
static void test_empty_mode(void **state)
{
	const struct token owner = {&alice, 1, 0}, other = {&bob, 1, 0};
	const struct posix_acl in = {0};
	struct security_descriptor sd;
	void *ctx = talloc_new(NULL);

	assert_true(posix_to_descriptor(ctx, &map, &in, 1001, 50, false, &sd));
	assert_int_equal(security_maximal(&sd, &other), 0);
	assert_int_equal(security_maximal(&sd, &owner) & (FILE_READ_DATA | FILE_WRITE_DATA), 0);
	assert_true(security_maximal(&sd, &owner) & WRITE_DAC);
	talloc_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_to_posix),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_empty_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
