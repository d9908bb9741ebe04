/* SPDX-License-Identifier: Apache-2.0 */
/* The access check of [MS-DTYP] 2.5.3.2, case by case, and the privileges of 2.5.3.2 and Windows.
 */
#include "tests/unit/smbd/security/sd.h"

#define R      FILE_READ_DATA
#define W      FILE_WRITE_DATA
#define OWNERS (READ_CONTROL | WRITE_DAC)

static const struct {
	const char *what;
	struct entry entries[ENTRIES_MAX];
	uint32_t owner, other; /* what alice, who owns it, and bob of staff may */
} cases[] = {
	{"an empty DACL lets in nobody but the owner, to mend it", {{0}}, OWNERS, 0},
	{"allowed is what is allowed", {ALLOW(&bob, R | W)}, OWNERS, R | W},
	{"of a group", {ALLOW(&staff, R)}, OWNERS, R},
	{"of everyone", {ALLOW(&sid_everyone, R)}, OWNERS | R, R},
	{"several add up", {ALLOW(&bob, R), ALLOW(&staff, W)}, OWNERS, R | W},
	{"denied before allowed", {DENY(&bob, W), ALLOW(&staff, R | W)}, OWNERS, R},
	{"denied after allowed comes too late",
	 {ALLOW(&staff, R | W), DENY(&bob, W)},
	 OWNERS,
	 R | W},
	{"a denial of others is nothing to bob", {DENY(&alice, R), ALLOW(&bob, R)}, OWNERS, R},
	{"the owner keeps his rights against denials",
	 {DENY(&sid_everyone, FILE_ALL_ACCESS)},
	 OWNERS,
	 0},
	{"OWNER RIGHTS takes the place of what owners have",
	 {ALLOW(&sid_owner_rights, R), ALLOW(&bob, R)},
	 R,
	 R},
	{"OWNER RIGHTS that denies",
	 {DENY(&sid_owner_rights, WRITE_DAC), ALLOW(&sid_everyone, R | WRITE_DAC)},
	 R,
	 R | WRITE_DAC},
	{"an inherit-only OWNER RIGHTS does not",
	 {{0, INHERIT_ONLY_ACE | OBJECT_INHERIT_ACE, R, &sid_owner_rights}},
	 OWNERS,
	 0},
	{"inherit-only is for others", {{0, INHERIT_ONLY_ACE, R, &bob}}, OWNERS, 0},
	{"generic read", {ALLOW(&bob, GENERIC_READ)}, OWNERS, FILE_GENERIC_READ},
	{"generic all, denied in part",
	 {DENY(&bob, GENERIC_WRITE), ALLOW(&bob, GENERIC_ALL)},
	 OWNERS,
	 FILE_ALL_ACCESS & ~FILE_GENERIC_WRITE},
	{"CREATOR OWNER is nobody here", {ALLOW(&sid_creator_owner, R)}, OWNERS, 0},
	{"audit says nothing about access", {{2, 0, R, &bob}}, OWNERS, 0},
	{"a condition that is not evaluated does not allow", {{9, 0, R, &bob}}, OWNERS, 0},
	{"... and denies", {{10, 0, R, &bob}, ALLOW(&bob, R | W)}, OWNERS, W},
	{"no DACL gives ACCESS_SYSTEM_SECURITY",
	 {ALLOW(&bob, ACCESS_SYSTEM_SECURITY | R)},
	 OWNERS,
	 R},
};

static void test_table(void **state)
{
	const struct sid owner_sids[] = {alice, sid_everyone};
	const struct sid other_sids[] = {bob, staff, sid_everyone};
	const struct token owner = {owner_sids, 2, 0}, other = {other_sids, 3, 0};
	struct security_descriptor sd;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		void *ctx = talloc_new(NULL);
		uint32_t a, b;

		sd_make(ctx, cases[i].entries, &sd);
		a = security_maximal(&sd, &owner);
		b = security_maximal(&sd, &other);
		if (a != cases[i].owner || b != cases[i].other)
			fail_msg("%s: owner %08x, other %08x", cases[i].what, a, b);
		talloc_free(ctx);
	}
}

static void test_absent_dacl(void **state)
{
	const struct token other = {&bob, 1, 0};
	struct security_descriptor sd = {.has_owner = true, .owner = alice};

	assert_int_equal(security_maximal(&sd, &other), FILE_ALL_ACCESS);
	sd.control = SECURITY_DESCRIPTOR_DP; /* a NULL DACL */
	assert_int_equal(security_maximal(&sd, &other), FILE_ALL_ACCESS);
}

static void test_privileges(void **state)
{
	struct token other = {&bob, 1, PRIVILEGE_TAKE_OWNERSHIP};
	struct security_descriptor sd;
	void *ctx = talloc_new(NULL);

	sd_make(ctx, (const struct entry[ENTRIES_MAX]){{0}}, &sd);
	assert_int_equal(security_maximal(&sd, &other), WRITE_OWNER);
	other.privileges = PRIVILEGE_SECURITY;
	assert_int_equal(security_maximal(&sd, &other), ACCESS_SYSTEM_SECURITY);
	other.privileges = PRIVILEGE_BACKUP | PRIVILEGE_RESTORE; /* only with intent */
	assert_int_equal(security_maximal(&sd, &other), 0);
	talloc_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_absent_dacl),
		cmocka_unit_test(test_privileges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
