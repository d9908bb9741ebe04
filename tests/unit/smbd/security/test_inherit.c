/* SPDX-License-Identifier: Apache-2.0 */
/* Inheritance, [MS-DTYP] 2.5.3.4, and changes. */
#include "tests/unit/smbd/security/sd.h"

#include "smbd/wire/query_info.h"

#define OI OBJECT_INHERIT_ACE
#define CI CONTAINER_INHERIT_ACE
#define NP NO_PROPAGATE_INHERIT_ACE
#define IO INHERIT_ONLY_ACE
#define ID INHERITED_ACE
#define R  FILE_READ_DATA

static const struct {
	struct entry parent, file[ENTRIES_MAX], directory[ENTRIES_MAX];
} cases[] = {
	{{0, OI, R, &bob}, {ALLOW(&bob, R)}, {{0, OI | IO, R, &bob}}},
	{{0, CI, R, &bob}, {{0}}, {{0, CI, R, &bob}}},
	{{0, OI | CI, R, &bob}, {ALLOW(&bob, R)}, {{0, OI | CI, R, &bob}}},
	{{0, OI | CI | IO, R, &bob}, {ALLOW(&bob, R)}, {{0, OI | CI, R, &bob}}},
	{{0, OI | NP, R, &bob}, {ALLOW(&bob, R)}, {{0}}},
	{{0, CI | NP, R, &bob}, {{0}}, {ALLOW(&bob, R)}},
	{{0, OI | CI | NP | IO, R, &bob}, {ALLOW(&bob, R)}, {ALLOW(&bob, R)}},
	{{1, OI | CI, R, &bob}, {DENY(&bob, R)}, {{1, OI | CI, R, &bob}}},
	{{0, 0, R, &bob}, {{0}}, {{0}}},
	{{0, OI | CI | IO, R, &sid_creator_owner},
	 {ALLOW(&alice, R)},
	 {ALLOW(&alice, R), {0, OI | CI | IO, R, &sid_creator_owner}}},
	{{0, OI | IO, R, &sid_creator_owner},
	 {ALLOW(&alice, R)},
	 {{0, OI | IO, R, &sid_creator_owner}}},
	{{0, CI | NP, R, &sid_creator_group}, {{0}}, {ALLOW(&staff, R)}},
	{{0, OI | CI, GENERIC_READ, &bob},
	 {ALLOW(&bob, FILE_GENERIC_READ)},
	 {{0, OI | CI, GENERIC_READ, &bob}}},
};

static void assert_inherits(const struct security_descriptor *parent, bool directory,
			    const struct entry *wanted)
{
	/* what nothing comes down to: the token's default */
	static const struct entry usual[ENTRIES_MAX] = {ALLOW(&alice, FILE_ALL_ACCESS),
							ALLOW(&sid_system, FILE_ALL_ACCESS)};
	const struct sid sids[] = {alice, staff};
	const struct token token = {sids, 2, 0};
	struct security_descriptor sd;
	void *ctx = talloc_new(NULL);

	assert_true(security_inherit(ctx, parent, &token, directory, &sd));
	assert_true(sid_equal(&sd.owner, &alice) && sid_equal(&sd.group, &staff));
	assert_entries(&sd.dacl, wanted[0].sid ? wanted : usual);
	talloc_free(ctx);
}

static void test_table(void **state)
{
	void *ctx = talloc_new(NULL);
	struct security_descriptor sd;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct entry parent[ENTRIES_MAX] = {cases[i].parent};

		sd_make(ctx, parent, &sd);
		assert_inherits(&sd, false, cases[i].file);
		assert_inherits(&sd, true, cases[i].directory);
	}
	talloc_free(ctx);
}

/* Entries say that they are inherited where the parent's are known to have been set so. */
static void test_marks(void **state)
{
	static const struct entry parent[ENTRIES_MAX] = {{0, OI | CI | ID, R, &bob}};
	static const struct entry marked[ENTRIES_MAX] = {{0, ID, R, &bob}};
	static const struct entry plain[ENTRIES_MAX] = {ALLOW(&bob, R)};
	void *ctx = talloc_new(NULL);
	struct security_descriptor sd;

	sd_make(ctx, parent, &sd);
	assert_inherits(&sd, false, plain);
	sd.control |= SECURITY_DESCRIPTOR_DI;
	assert_inherits(&sd, false, marked);
	talloc_free(ctx);
}

static void test_merge(void **state)
{
	static const struct entry old[ENTRIES_MAX] = {ALLOW(&alice, R)};
	static const struct entry new[ENTRIES_MAX] = {ALLOW(&bob, GENERIC_ALL)};
	static const struct entry kept[ENTRIES_MAX] = {ALLOW(&bob, FILE_ALL_ACCESS)};
	struct security_descriptor sd, change, out;
	void *ctx = talloc_new(NULL);

	sd_make(ctx, old, &sd);
	sd_make(ctx, new, &change);
	change.owner = bob;
	change.control |= SECURITY_DESCRIPTOR_DI | SECURITY_DESCRIPTOR_PD;
	assert_true(security_merge(ctx, &sd, &change, OWNER_SECURITY_INFORMATION, &out));
	assert_true(sid_equal(&out.owner, &bob));
	assert_entries(&out.dacl, old);
	assert_int_equal(out.control, sd.control);

	assert_true(security_merge(ctx, &sd, &change, DACL_SECURITY_INFORMATION, &out));
	assert_true(sid_equal(&out.owner, &alice));
	assert_entries(&out.dacl, kept);
	/* DI alone is not kept; DC asks for it, and is not kept itself */
	assert_int_equal(out.control,
			 SECURITY_DESCRIPTOR_SR | SECURITY_DESCRIPTOR_DP | SECURITY_DESCRIPTOR_PD);
	change.control |= SECURITY_DESCRIPTOR_DC;
	assert_true(security_merge(ctx, &sd, &change, DACL_SECURITY_INFORMATION, &out));
	assert_int_equal(out.control, SECURITY_DESCRIPTOR_SR | SECURITY_DESCRIPTOR_DP |
					      SECURITY_DESCRIPTOR_PD | SECURITY_DESCRIPTOR_DI);
	change.has_dacl = false; /* a NULL one */
	assert_true(security_merge(ctx, &sd, &change, DACL_SECURITY_INFORMATION, &out));
	assert_true(!out.has_dacl && (out.control & SECURITY_DESCRIPTOR_DP));
	talloc_free(ctx);
}

static void test_too_long(void **state)
{
	struct acl_builder b = {.ctx = talloc_new(NULL)};
	struct acl acl;

	for (unsigned i = 0; i < 5000; i++)
		acl_add(&b, &(struct ace){.mask = R, .sid = bob});
	assert_false(acl_done(&b, &acl));
	talloc_free(b.ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
