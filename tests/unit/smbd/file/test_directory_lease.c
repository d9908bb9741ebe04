/* SPDX-License-Identifier: Apache-2.0 */
/* Whose own a change in a leased directory is ([MS-FSA] 2.1.4.12, by smbtorture's smb2.dirlease),
 * and whom a rename into it asks to let go. */
#include "tests/unit/smbd/vfs/fixture.h"

#include "smbd/file/file.h"
#include "smbd/wire/access.h"
#include "smbd/wire/create.h"

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define RW        (FILE_READ_DATA | FILE_WRITE_DATA)
#define RH        (SMB2_LEASE_READ_CACHING | SMB2_LEASE_HANDLE_CACHING)

#define assert_status(got, expected) assert_int_equal((got).value, (expected).value)

struct files {
	struct fixture f; /* first: what the helpers of the fixture take */
	struct file_table *table;
};

/* Who was told, by the first byte of the lease's key; who is told loses what he had. */
static unsigned told[256], told_in_all;
static uint32_t told_to;

static void nothing(void *client)
{
}

static bool tell(const struct oplock_notice *notice)
{
	told[notice->key.bytes[0]]++;
	told_in_all++;
	told_to = notice->to;
	return false;
}

static void forget(void)
{
	memset(told, 0, sizeof(told));
	told_in_all = 0;
}

static int setup(void **state)
{
	static const struct file_breaker breaker = {nothing, nothing, tell};
	static const struct vfs_share_options options = FIXTURE_OPTIONS;
	struct files *s = calloc(1, sizeof(*s));

	fixture_open(&s->f, &options);
	s->table = file_table_new(&breaker);
	local_dir(&s->f, "d");
	local_file(&s->f, "d/f", "");
	forget();
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct files *s = *state;

	assert_int_equal(file_table_count(s->table), 0);
	file_table_free(s->table);
	fixture_close(&s->f);
	free(s);
	return 0;
}

static void open_as(struct files *s, const char *path, uint32_t access, struct oplock_request want,
		    struct file_open *o)
{
	*o = (struct file_open){.node = lookup(&s->f, path),
				.access = access,
				.sharing = SHARE_ALL,
				.want = want,
				.client = s};
	assert_status(file_open_add(s->table, o, NULL), STATUS_SUCCESS);
}

/* The directory, with a lease of that key. */
static void lease_dir(struct files *s, uint8_t key, uint32_t access, struct file_open *o)
{
	const struct oplock_request want = {.state = RH,
					    .lease = true,
					    .directory = true,
					    .v2 = true,
					    .id = {.client.bytes[0] = 1, .key.bytes[0] = key}};

	open_as(s, "d", access, want, o);
	assert_int_equal(o->granted.state, RH);
}

/* The file, by another client, who names a lease of the directory; 0: none. */
static void open_below(struct files *s, uint8_t parent_key, struct file_open *o)
{
	const struct oplock_request want = {.id = {.client.bytes[0] = 2},
					    .has_parent = parent_key != 0,
					    .parent_key.bytes[0] = parent_key};

	open_as(s, "d/f", RW | DELETE, want, o);
}

static void close_ok(struct files *s, struct file_open *o)
{
	assert_status(file_close(s->table, o), STATUS_SUCCESS);
}

static void test_own_by_the_key(void **state)
{
	struct files *s = *state;
	struct file_open dir, f;

	for (uint8_t key = 0; key < 3; key++) {
		forget();
		lease_dir(s, 1, FILE_READ_DATA, &dir);
		open_below(s, key, &f);
		oplock_entry_changed(s->table, &f);
		assert_int_equal(told[1], key != 1);
		close_ok(s, &f);
		close_ok(s, &dir);
	}
}

/* What was written is told of with the next change of the entry, and not again at the close. */
static void test_told_once(void **state)
{
	struct files *s = *state;
	struct file_open dir, f, again;

	lease_dir(s, 1, FILE_READ_DATA, &dir);
	open_below(s, 0, &f);
	oplock_data_changed(s->table, &f);
	assert_int_equal(told_in_all, 0);
	oplock_entry_changed(s->table, &f);
	assert_int_equal(told[1], 1);
	lease_dir(s, 2, FILE_READ_DATA, &again);
	close_ok(s, &f);
	assert_int_equal(told_in_all, 1);
	open_below(s, 0, &f);
	oplock_data_changed(s->table, &f);
	close_ok(s, &f);
	assert_int_equal(told[2], 1);
	close_ok(s, &again);
	close_ok(s, &dir);
}

/* Who asked for it, and who closes last: it is the change of neither when they are not agreed. */
static void test_deletion(void **state)
{
	struct files *s = *state;
	struct file_open dirs[2], a, b;

	for (uint8_t key = 1; key <= 2; key++) {
		forget();
		local_file(&s->f, "d/f", "");
		lease_dir(s, 1, FILE_READ_DATA, &dirs[0]);
		lease_dir(s, 2, FILE_READ_DATA, &dirs[1]);
		open_below(s, 1, &a);
		open_below(s, key, &b);
		assert_status(file_delete_set(s->table, &a, true), STATUS_SUCCESS);
		close_ok(s, &a);
		assert_int_equal(told_in_all, 0);
		close_ok(s, &b);
		assert_int_equal(told[1], key != 1);
		assert_int_equal(told[2], 1);
		close_ok(s, &dirs[0]);
		close_ok(s, &dirs[1]);
	}
}

/* [MS-FSA] 2.1.5.15.11: only who stands in the way is asked. */
static void test_rename_into(void **state)
{
	struct file_wait wait = {.cancelled = false};
	struct files *s = *state;
	struct file_open dir, f;

	local_file(&s->f, "f", "");
	for (unsigned deletes = 0; deletes < 2; deletes++) {
		lease_dir(s, 1, FILE_READ_DATA | (deletes ? DELETE : 0), &dir);
		open_as(s, "f", DELETE, (struct oplock_request){.state = 0}, &f);
		assert_status(oplock_break_names(s->table, &f, "d/g", false, false, &wait),
			      STATUS_SUCCESS);
		assert_int_equal(told[1], deletes);
		close_ok(s, &f);
		close_ok(s, &dir);
	}
	assert_int_equal(told_to, SMB2_LEASE_READ_CACHING);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_own_by_the_key),
		TEST(test_told_once),
		TEST(test_deletion),
		TEST(test_rename_into),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
