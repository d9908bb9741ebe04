/* SPDX-License-Identifier: Apache-2.0 */
/* Users of the system, their groups, and the SIDs that stand for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smbd/auth/identity.h"
#include "smbd/wire/dtyp.h"

static bool has_sid(const struct unix_user *user, const char *text)
{
	char buf[SID_TEXT_SIZE];

	for (unsigned i = 0; i < user->sid_count; i++)
		if (strcmp(sid_format(&user->sids[i], buf), text) == 0)
			return true;
	return false;
}

/* S-1-22-1-uid and S-1-22-2-gid, as Samba maps ids that nothing else maps. */
static void test_sids_of_ids(void **state)
{
	struct sid user = identity_sid_of_uid(1000), group = identity_sid_of_gid(4294967294u);
	char text[SID_TEXT_SIZE];
	uid_t uid;
	gid_t gid;

	assert_string_equal(sid_format(&user, text), "S-1-22-1-1000");
	assert_string_equal(sid_format(&group, text), "S-1-22-2-4294967294");
	assert_true(identity_uid_of_sid(&user, &uid));
	assert_int_equal(uid, 1000);
	assert_true(identity_gid_of_sid(&group, &gid));
	assert_int_equal(gid, 4294967294u);
	assert_false(identity_uid_of_sid(&group, &uid));
	assert_false(identity_gid_of_sid(&user, &gid));
	/* -1 means "leave it" to chown(2) */
	user = identity_sid_of_uid((uid_t)-1);
	assert_false(identity_uid_of_sid(&user, &uid));
}

static void test_system_user(void **state)
{
	struct identities *ids = identities_create(NULL);
	const struct unix_user *first, *second;
	struct passwd *pw = getpwnam("daemon");
	char text[SID_TEXT_SIZE], want[64];

	if (geteuid() != 0 || !pw)
		skip();
	assert_int_equal(identity_lookup(ids, ids, "daemon", IDENTITY_USER, &first), 0);
	assert_string_equal(first->name, "daemon");
	assert_int_equal(first->uid, pw->pw_uid);
	assert_int_equal(first->gid, pw->pw_gid);
	snprintf(want, sizeof(want), "S-1-22-1-%u", pw->pw_uid);
	assert_string_equal(sid_format(&first->sids[0], text), want);
	snprintf(want, sizeof(want), "S-1-22-2-%u", pw->pw_gid);
	assert_string_equal(sid_format(&first->sids[1], text), want);
	assert_true(has_sid(first, "S-1-1-0") && has_sid(first, "S-1-5-11"));
	assert_false(has_sid(first, "S-1-5-7") || has_sid(first, "S-1-5-32-546"));

	/* from the cache: the same, and its own copy, whatever its kind */
	assert_int_equal(identity_lookup(ids, NULL, "daemon", IDENTITY_GUEST, &second), 0);
	assert_ptr_not_equal(first, second);
	assert_int_equal(second->uid, first->uid);
	assert_int_equal(second->group_count, first->group_count);
	assert_true(has_sid(second, "S-1-5-32-546"));
	assert_false(has_sid(second, "S-1-5-11"));
	talloc_free(ids);
	assert_string_equal(second->name, "daemon");
	talloc_free((void *)(uintptr_t)second);
}

/* A server without root's rights has one identity for all names: its own. */
static void test_not_root(void **state)
{
	struct identities *ids = identities_create(NULL);
	uid_t before = geteuid(), self = before ? before : 65534;
	const struct unix_user *user;

	assert_int_equal(seteuid(self), 0);
	assert_int_equal(identity_lookup(ids, ids, "whoever", IDENTITY_USER, &user), 0);
	assert_int_equal(seteuid(before), 0);
	assert_string_equal(user->name, "whoever");
	assert_int_equal(user->uid, self);
	assert_int_equal(user->gid, getegid());
	assert_int_equal(user->group_count, getgroups(0, NULL));
	assert_true(has_sid(user, "S-1-5-11"));
	talloc_free(ids);
}

static void test_no_such_user(void **state)
{
	struct identities *ids = identities_create(NULL);
	const struct unix_user *user;

	if (geteuid() != 0)
		skip();
	assert_int_equal(identity_lookup(ids, ids, "no-such-user-here", IDENTITY_USER, &user),
			 -ENOENT);
	talloc_free(ids);
}

/* A user who comes again does not grow the cache. */
static void test_cache_keeps_one(void **state)
{
	struct identities *ids = identities_create(NULL);
	const struct unix_user *user;
	struct passwd *pw;
	size_t before = 0;

	if (geteuid() != 0)
		skip();
	for (int round = 0; round < 3; round++) {
		setpwent();
		while ((pw = getpwent()) != NULL) {
			char name[256];

			snprintf(name, sizeof(name), "%s", pw->pw_name);
			assert_int_equal(
				identity_lookup(ids, NULL, name, IDENTITY_ANONYMOUS, &user), 0);
			assert_true(has_sid(user, "S-1-5-7"));
			talloc_free((void *)(uintptr_t)user);
		}
		endpwent();
		if (round)
			assert_int_equal(talloc_total_blocks(ids), before);
		before = talloc_total_blocks(ids);
	}
	talloc_free(ids);
}

static void test_in_group(void **state)
{
	gid_t groups[] = {1, 2};
	struct unix_user user = {.gid = 0, .groups = groups, .group_count = 2};
	struct group *root = getgrgid(0), *one = getgrgid(1), *five = getgrgid(5);
	char name[64];

	if (!root || !one || !five)
		skip();
	snprintf(name, sizeof(name), "%s", getgrgid(0)->gr_name);
	assert_true(identity_in_group(&user, name));
	snprintf(name, sizeof(name), "%s", getgrgid(1)->gr_name);
	assert_true(identity_in_group(&user, name));
	snprintf(name, sizeof(name), "%s", getgrgid(5)->gr_name);
	assert_false(identity_in_group(&user, name));
	assert_false(identity_in_group(&user, "no-such-group-here"));
}

static void test_machine_sid(void **state)
{
	char dir[] = "/tmp/smb3d-identity-XXXXXX", path[64], text[SID_TEXT_SIZE];
	struct sid first, second;
	FILE *file;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(identity_machine_sid(dir, &first), 0);
	assert_int_equal(strncmp(sid_format(&first, text), "S-1-5-21-", 9), 0);
	assert_int_equal(identity_machine_sid(dir, &second), 0);
	assert_true(sid_equal(&first, &second));
	snprintf(path, sizeof(path), "%s/machine.sid", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(identity_machine_sid(dir, &second), 0);
	assert_false(sid_equal(&first, &second));
	/* one that is broken is an error, and not replaced: files' owners hang on it */
	file = fopen(path, "w");
	fputs("S-1-5-32-544\n", file);
	fclose(file);
	assert_int_equal(identity_machine_sid(dir, &second), -EINVAL);
	unlink(path);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(identity_machine_sid(dir, &second), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sids_of_ids),     cmocka_unit_test(test_system_user),
		cmocka_unit_test(test_not_root),        cmocka_unit_test(test_no_such_user),
		cmocka_unit_test(test_cache_keeps_one), cmocka_unit_test(test_in_group),
		cmocka_unit_test(test_machine_sid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
