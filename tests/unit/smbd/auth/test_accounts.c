/* SPDX-License-Identifier: Apache-2.0 */
/* The accounts file: its lines, who may read it, how it is replaced, and when it is read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smbd/auth/accounts.h"

#define X32   "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"
#define HASH  "8846F7EAEE8FB117AD06BDD830B7586C" /* of "password" */
#define ALICE "alice:1000:" X32 ":" HASH ":[U          ]:LCT-5F5E1000:"
#define BOB   "bob:1001:" X32 ":" HASH ":[DU         ]:LCT-00000000:"

struct fixture {
	char dir[64];
	char path[96];
	struct accounts *accounts;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/smb3d-accounts-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/smbpasswd", f->dir);
	f->accounts = accounts_create(NULL, f->path);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {"", ".lock", ".new", ".real"};
	struct fixture *f = *state;
	char path[128];

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", f->path, names[i]);
		unlink(path);
	}
	rmdir(f->dir);
	talloc_free(f->accounts);
	free(f);
	return 0;
}

/* As an editor does: the new file takes the old one's place. */
static void put_file(struct fixture *f, const char *text, mode_t mode)
{
	char fresh[128];
	int fd;

	snprintf(fresh, sizeof(fresh), "%s.new", f->path);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	assert_int_equal(rename(fresh, f->path), 0);
}

static void assert_file(struct fixture *f, const char *want)
{
	char got[4096] = {0};
	int fd = open(f->path, O_RDONLY);
	struct stat st;

	assert_true(fd >= 0);
	assert_true(read(fd, got, sizeof(got) - 1) >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	close(fd);
	assert_string_equal(got, want);
}

/* ---- lines ---- */

static void check_roundtrip(const char *line)
{
	struct account account;
	char got[512];

	assert_int_equal(account_parse(line, strlen(line), &account, NULL), 0);
	assert_int_equal(account_format(&account, got, sizeof(got)), strlen(line));
	assert_string_equal(got, line);
}

static void test_lines(void **state)
{
	struct account a;

	check_roundtrip(ALICE);
	check_roundtrip(BOB);
	check_roundtrip("no pass:7:" X32
			":NO PASSWORDXXXXXXXXXXXXXXXXXXXXX:[NU         ]:LCT-00000001:");
	check_roundtrip("\xc3\xa4nne:7:" X32 ":" X32 ":[U          ]:LCT-00000000:");

	assert_int_equal(account_parse(ALICE, strlen(ALICE), &a, NULL), 0);
	assert_string_equal(a.name, "alice");
	assert_int_equal(a.uid, 1000);
	assert_int_equal(a.changed, 0x5f5e1000);
	assert_true(a.has_nt_hash && !a.disabled && !a.no_password);
	assert_int_equal(a.nt_hash[0], 0x88);
	assert_int_equal(a.nt_hash[15], 0x6c);
	assert_int_equal(account_parse(BOB, strlen(BOB), &a, NULL), 0);
	assert_true(a.disabled);
}

/* What Samba writes and we do not: lower case, an LM hash, machines, no LCT, something behind it.
 */
static void test_foreign_lines(void **state)
{
	static const char lm[] =
		"carol:1:E52CAC67419A9A224A3B108F3FA6CB6D:"
		"8846f7eaee8fb117ad06bdd830b7586c:[UX         ]:LCT-0:Carol:/h:";
	static const char machine[] = "pc$:1:" X32 ":" HASH ":[W          ]:LCT-00000000:";
	static const char old[] = "dave:1:" X32 ":" HASH ":[U          ]:";
	static const char locked[] = "eve:1:" X32 ":" HASH ":[LU         ]:";
	struct account a;

	assert_int_equal(account_parse(lm, strlen(lm), &a, NULL), 0);
	assert_true(a.has_nt_hash && !a.disabled);
	assert_int_equal(a.nt_hash[15], 0x6c);
	assert_int_equal(account_parse(machine, strlen(machine), &a, NULL), 0);
	assert_true(a.disabled);
	assert_int_equal(account_parse(old, strlen(old), &a, NULL), 0);
	assert_int_equal(a.changed, 0);
	assert_int_equal(account_parse(locked, strlen(locked), &a, NULL), 0);
	assert_true(a.disabled);
}

static void test_bad_lines(void **state)
{
	static const char *const lines[] = {
		"alice",
		"alice:1000:" X32 ":" HASH,
		"alice:1000:" X32 ":" HASH ":[U]",
		":1000:" X32 ":" HASH ":[U]:",
		"a\tb:1000:" X32 ":" HASH ":[U]:",
		"\xff:1000:" X32 ":" HASH ":[U]:",
		"alice::" X32 ":" HASH ":[U]:",
		"alice:-1:" X32 ":" HASH ":[U]:",
		"alice:4294967296:" X32 ":" HASH ":[U]:",
		"alice:99999999999:" X32 ":" HASH ":[U]:",
		"alice:1000:" X32 ":" HASH "0:[U]:",
		"alice:1000:" X32 ":G846F7EAEE8FB117AD06BDD830B7586C:[U]:",
		"alice:1000:X:" HASH ":[U]:",
		"alice:1000:" X32 ":" HASH ":U:",
		"alice:1000:" X32 ":" HASH ":[u]:",
		"alice:1000:" X32 ":" HASH ":[:",
		"alice:1000:" X32 ":" HASH ":[U]:LCT-:",
		"alice:1000:" X32 ":" HASH ":[U]:LCT-XYZ:",
		"alice:1000:" X32 ":" HASH ":[U]:12345678:",
	};
	struct accounts_error why;
	struct account a;

	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		why.text[0] = '\0';
		assert_int_equal(account_parse(lines[i], strlen(lines[i]), &a, &why), -EINVAL);
		assert_true(strlen(why.text) > 0);
	}
}

static void test_names(void **state)
{
	char name[ACCOUNT_NAME_MAX + 1];
	struct account a;

	memset(name, 'n', sizeof(name));
	name[ACCOUNT_NAME_MAX] = '\0';
	assert_int_equal(account_init(&a, name, 0), -EINVAL);
	name[ACCOUNT_NAME_MAX - 1] = '\0';
	assert_int_equal(account_init(&a, name, 0), 0);
	assert_int_equal(account_init(&a, "", 0), -EINVAL);
	assert_int_equal(account_init(&a, "#a", 0), -EINVAL);
	assert_int_equal(account_init(&a, "a:b", 0), -EINVAL);
	assert_int_equal(account_init(&a, "a\nb", 0), -EINVAL);
	assert_int_equal(account_init(&a, "a\x7f", 0), -EINVAL);
	assert_int_equal(account_init(&a, "\xc3", 0), -EINVAL);
}

static void test_password(void **state)
{
	struct account a;
	char line[512];

	assert_int_equal(account_init(&a, "alice", 1000), 0);
	a.no_password = true;
	assert_int_equal(account_set_password(&a, ""), -EINVAL);
	assert_int_equal(account_set_password(&a, "\xff"), -EILSEQ);
	assert_false(a.has_nt_hash);
	assert_int_equal(account_set_password(&a, "password"), 0);
	assert_true(a.has_nt_hash && !a.no_password && a.changed > 0);
	assert_true(account_format(&a, line, sizeof(line)) > 0);
	assert_non_null(strstr(line, ":" HASH ":[U          ]:LCT-"));
	assert_int_equal(account_format(&a, line, 40), -ENOSPC);
}

/* ---- reading ---- */

static void test_missing_file(void **state)
{
	struct fixture *f = *state;
	struct account a;

	assert_int_equal(accounts_load(f->accounts, NULL), 0);
	assert_int_equal(accounts_lookup(f->accounts, "alice", &a, NULL), -ENOENT);
}

static void test_lookup(void **state)
{
	struct fixture *f = *state;
	struct accounts_error error;
	struct account a;

	put_file(f, "# accounts\n\n" ALICE "\n\xc3\x84nne:5:" X32 ":" HASH ":[U]:\n" BOB, 0600);
	assert_int_equal(accounts_lookup(f->accounts, "ALICE", &a, &error), 0);
	assert_string_equal(a.name, "alice");
	assert_int_equal(accounts_lookup(f->accounts, "\xc3\xa4NNE", &a, &error), 0);
	assert_int_equal(a.uid, 5);
	/* the last line has no newline */
	assert_int_equal(accounts_lookup(f->accounts, "bob", &a, &error), 0);
	assert_int_equal(accounts_lookup(f->accounts, "bo", &a, &error), -ENOENT);
	assert_int_equal(accounts_lookup(f->accounts, "bobb", &a, &error), -ENOENT);
	assert_int_equal(accounts_lookup(f->accounts, "", &a, &error), -ENOENT);
	assert_int_equal(accounts_lookup(f->accounts, "\xff", &a, &error), -ENOENT);
	assert_int_equal(accounts_lookup(f->accounts, "# accounts", &a, &error), -ENOENT);
}

static void test_reload(void **state)
{
	struct fixture *f = *state;
	struct account a;

	put_file(f, ALICE "\n", 0600);
	assert_int_equal(accounts_lookup(f->accounts, "alice", &a, NULL), 0);
	put_file(f, BOB "\n", 0600);
	assert_int_equal(accounts_lookup(f->accounts, "alice", &a, NULL), -ENOENT);
	assert_int_equal(accounts_lookup(f->accounts, "bob", &a, NULL), 0);
	unlink(f->path);
	assert_int_equal(accounts_lookup(f->accounts, "bob", &a, NULL), -ENOENT);
}

/* A file that others may read, or that is malformed, lets nobody in: also not who was in before. */
static void test_refused_file(void **state)
{
	struct fixture *f = *state;
	struct accounts_error error;
	struct account a;

	put_file(f, ALICE "\n", 0600);
	assert_int_equal(accounts_lookup(f->accounts, "alice", &a, &error), 0);
	assert_int_equal(chmod(f->path, 0640), 0);
	assert_int_equal(accounts_lookup(f->accounts, "alice", &a, &error), -EPERM);
	assert_non_null(strstr(error.text, "mode 0640"));
	assert_int_equal(chmod(f->path, 0600), 0);
	assert_int_equal(accounts_lookup(f->accounts, "alice", &a, &error), 0);

	put_file(f, "# one\n" ALICE "\nbob\n", 0600);
	assert_int_equal(accounts_lookup(f->accounts, "alice", &a, &error), -EINVAL);
	assert_non_null(strstr(error.text, f->path));
	assert_non_null(strstr(error.text, ":3: "));
	/* an error is not remembered as if it were a state of the file */
	assert_int_equal(accounts_lookup(f->accounts, "alice", &a, &error), -EINVAL);

	put_file(f, ALICE "\nALICE:1:" X32 ":" HASH ":[U]:\n", 0600);
	assert_int_equal(accounts_load(f->accounts, &error), -EINVAL);
	assert_non_null(strstr(error.text, "ALICE"));

	unlink(f->path);
	assert_int_equal(mkdir(f->path, 0700), 0);
	assert_int_equal(accounts_load(f->accounts, &error), -EPERM);
	assert_int_equal(rmdir(f->path), 0);
}

/* More than we would ever hold is refused before it is held. */
static void test_too_large(void **state)
{
	struct fixture *f = *state;
	struct accounts_error error;
	char *lines = calloc(1, ACCOUNTS_MAX + 2);

	memset(lines, '\n', ACCOUNTS_MAX);
	put_file(f, lines, 0600);
	assert_int_equal(accounts_load(f->accounts, &error), -EFBIG);
	lines[ACCOUNTS_MAX - 1] = '\0';
	put_file(f, lines, 0600);
	assert_int_equal(accounts_load(f->accounts, &error), 0);
	free(lines);
	put_file(f, "", 0600);
	assert_int_equal(truncate(f->path, (32 << 20) + 1), 0);
	assert_int_equal(accounts_load(f->accounts, &error), -EFBIG);
}

static void test_foreign_owner(void **state)
{
	struct fixture *f = *state;
	struct accounts_error error;

	if (geteuid() != 0)
		skip();
	put_file(f, ALICE "\n", 0600);
	assert_int_equal(chown(f->path, 12345, 0), 0);
	assert_int_equal(accounts_load(f->accounts, &error), -EPERM);
	assert_non_null(strstr(error.text, "12345"));
}

static int collect(const struct account *account, void *arg)
{
	strcat(arg, account->name);
	return account->name[0] == 'b' ? 7 : 0;
}

static void test_each(void **state)
{
	struct fixture *f = *state;
	char names[64] = "";

	put_file(f, ALICE "\n" BOB "\n\ncarl:1:" X32 ":" HASH ":[U]:\n", 0600);
	assert_int_equal(accounts_each(f->accounts, collect, names, NULL), 7);
	assert_string_equal(names, "alicebob");
}

/* ---- writing ---- */

static void test_edit(void **state)
{
	struct fixture *f = *state;
	struct accounts_error error;
	struct account a;

	assert_int_equal(account_parse(ALICE, strlen(ALICE), &a, NULL), 0);
	assert_int_equal(accounts_update(f->accounts, &a, &error), -ENOENT);
	assert_int_equal(accounts_delete(f->accounts, "alice", &error), -ENOENT);
	assert_int_equal(accounts_add(f->accounts, &a, &error), 0);
	assert_file(f, ALICE "\n");
	assert_int_equal(accounts_add(f->accounts, &a, &error), -EEXIST);

	put_file(f, "# first\n" ALICE "\n# last", 0600);
	assert_int_equal(account_parse(BOB, strlen(BOB), &a, NULL), 0);
	assert_int_equal(accounts_add(f->accounts, &a, &error), 0);
	assert_file(f, "# first\n" ALICE "\n# last\n" BOB "\n");

	assert_int_equal(accounts_lookup(f->accounts, "alice", &a, &error), 0);
	a.disabled = true;
	assert_int_equal(accounts_update(f->accounts, &a, &error), 0);
	assert_file(f, "# first\nalice:1000:" X32 ":" HASH
		       ":[DU         ]:LCT-5F5E1000:\n# last\n" BOB "\n");
	assert_int_equal(accounts_lookup(f->accounts, "alice", &a, &error), 0);
	assert_true(a.disabled);
	assert_int_equal(accounts_delete(f->accounts, "ALICE", &error), 0);
	assert_file(f, "# first\n# last\n" BOB "\n");
	assert_int_equal(accounts_lookup(f->accounts, "alice", &a, &error), -ENOENT);
}

/* A file that we do not understand stays as it is. */
static void test_edit_refuses_malformed(void **state)
{
	struct fixture *f = *state;
	struct accounts_error error;

	put_file(f, ALICE "\nwhat is this\n", 0600);
	assert_int_equal(accounts_delete(f->accounts, "alice", &error), -EINVAL);
	assert_file(f, ALICE "\nwhat is this\n");
}

/* What a crash left behind is in nobody's way, and a link stays a link. */
static void test_edit_leftovers(void **state)
{
	struct fixture *f = *state;
	char real[128], fresh[160];
	struct account a;
	struct stat st;

	put_file(f, ALICE "\n", 0600);
	snprintf(real, sizeof(real), "%s.real", f->path);
	assert_int_equal(rename(f->path, real), 0);
	assert_int_equal(symlink(real, f->path), 0);
	snprintf(fresh, sizeof(fresh), "%s.new", real);
	assert_int_equal(symlink("/nonexistent/file", fresh), 0);
	assert_int_equal(account_parse(BOB, strlen(BOB), &a, NULL), 0);
	assert_int_equal(accounts_add(f->accounts, &a, NULL), 0);
	assert_int_equal(lstat(f->path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_file(f, ALICE "\n" BOB "\n");
	snprintf(fresh, sizeof(fresh), "%s.lock", real);
	unlink(fresh);
}

/* Two processes that add at the same time both find their account there afterwards. */
static void test_edit_concurrent(void **state)
{
	enum { EACH = 20 };
	struct fixture *f = *state;
	struct account a;
	char name[32];
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	for (int i = 0; i < EACH; i++) {
		snprintf(name, sizeof(name), "%s%d", child ? "parent" : "child", i);
		if (account_init(&a, name, 1) != 0 || accounts_add(f->accounts, &a, NULL) != 0) {
			if (!child)
				_exit(1);
			fail();
		}
	}
	if (!child)
		_exit(0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	for (int i = 0; i < EACH; i++) {
		snprintf(name, sizeof(name), "parent%d", i);
		assert_int_equal(accounts_lookup(f->accounts, name, &a, NULL), 0);
		snprintf(name, sizeof(name), "child%d", i);
		assert_int_equal(accounts_lookup(f->accounts, name, &a, NULL), 0);
	}
}

static void *look_up(void *arg)
{
	struct fixture *f = arg;
	struct account a;

	for (int i = 0; i < 200; i++)
		if (accounts_lookup(f->accounts, "alice", &a, NULL) != 0)
			return f;
	return NULL;
}

/* Logins on several workers while the administrator edits: for ThreadSanitizer, too. */
static void test_threads(void **state)
{
	struct fixture *f = *state;
	struct accounts *admin = accounts_create(NULL, f->path);
	pthread_t threads[4];
	struct account a;
	void *said;

	put_file(f, ALICE "\n", 0600);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look_up, f), 0);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(account_parse(BOB, strlen(BOB), &a, NULL), 0);
		assert_int_equal(accounts_add(admin, &a, NULL), 0);
		assert_int_equal(accounts_delete(admin, "bob", NULL), 0);
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &said), 0);
		assert_null(said);
	}
	talloc_free(admin);
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_foreign_lines),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_password),
		WITH_FILE(test_missing_file),
		WITH_FILE(test_lookup),
		WITH_FILE(test_reload),
		WITH_FILE(test_refused_file),
		WITH_FILE(test_foreign_owner),
		WITH_FILE(test_too_large),
		WITH_FILE(test_each),
		WITH_FILE(test_edit),
		WITH_FILE(test_edit_refuses_malformed),
		WITH_FILE(test_edit_leftovers),
		WITH_FILE(test_edit_concurrent),
		WITH_FILE(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
