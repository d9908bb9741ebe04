/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/smbd/vfs/fixture.h"

#include "smbd/file/file.h"
#include "smbd/wire/access.h"
#include "smbd/wire/create.h"

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define RW        (FILE_READ_DATA | FILE_WRITE_DATA)

struct files {
	struct fixture f; /* first: what the helpers of the fixture take */
	struct file_table *table;
};

static int setup(void **state)
{
	static const struct vfs_share_options options = FIXTURE_OPTIONS;
	struct files *s = calloc(1, sizeof(*s));

	fixture_open(&s->f, &options);
	s->table = file_table_new(NULL);
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

static struct nt_status try_open(struct files *s, const char *path, uint32_t access,
				 uint32_t sharing, struct file_open *o)
{
	struct nt_status status;

	*o = (struct file_open){.node = lookup(&s->f, path), .access = access, .sharing = sharing};
	status = file_open_add(s->table, o, NULL);
	if (nt_error(status))
		vfs_node_close(o->node);
	return status;
}

static void open_ok(struct files *s, const char *path, uint32_t access, uint32_t sharing,
		    struct file_open *o)
{
	assert_int_equal(try_open(s, path, access, sharing, o).value, 0);
}

static void close_ok(struct files *s, struct file_open *o)
{
	assert_int_equal(file_close(s->table, o).value, 0);
}

static void goes_by(struct files *s, struct file_open *o, const char *expected)
{
	char *path = file_open_path(s->table, o, NULL);

	assert_string_equal(path, expected);
	talloc_free(path);
}

#define assert_status(got, expected) assert_int_equal((got).value, (expected).value)

/* [MS-FSA] 2.1.5.1.2.2, every pair of one right and every sharing. */
static void test_sharing(void **state)
{
	static const uint32_t rights[] = {FILE_READ_DATA, FILE_EXECUTE, FILE_WRITE_DATA,
					  FILE_APPEND_DATA, DELETE};
	static const uint32_t bit[] = {FILE_SHARE_READ, FILE_SHARE_READ, FILE_SHARE_WRITE,
				       FILE_SHARE_WRITE, FILE_SHARE_DELETE};
	struct files *s = *state;
	struct file_open a, b;

	local_file(&s->f, "f", "");
	for (unsigned i = 0; i < 5; i++)
		for (unsigned k = 0; k < 5; k++)
			for (uint32_t sharing = 0; sharing < 64; sharing++) {
				uint32_t sa = sharing & 7, sb = sharing >> 3;
				bool clash = !(sa & bit[k]) || !(sb & bit[i]);

				open_ok(s, "f", rights[i], sa, &a);
				assert_status(try_open(s, "f", rights[k], sb, &b),
					      clash ? STATUS_SHARING_VIOLATION : STATUS_SUCCESS);
				if (!clash)
					close_ok(s, &b);
				close_ok(s, &a);
			}
}

static void test_looking_never_conflicts(void **state)
{
	const uint32_t look = FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE |
			      READ_CONTROL | WRITE_DAC | FILE_READ_EA | FILE_WRITE_EA;
	struct files *s = *state;
	struct file_open a, b, c;

	local_file(&s->f, "f", "");
	open_ok(s, "f", RW | DELETE, 0, &a);
	open_ok(s, "f", look, 0, &b);
	open_ok(s, "F", look, SHARE_ALL, &c);
	assert_int_equal(file_table_count(s->table), 3);
	close_ok(s, &a);
	open_ok(s, "f", RW | DELETE, 0, &a);
	assert_status(file_open_check(s->table, &a.node->id, RW, SHARE_ALL, NULL),
		      STATUS_SHARING_VIOLATION);
	assert_status(file_open_check(s->table, &a.node->id, RW, SHARE_ALL, &a), STATUS_SUCCESS);
	close_ok(s, &a);
	close_ok(s, &b);
	close_ok(s, &c);
}

/* Every link is the same file. */
static void test_hard_links_share(void **state)
{
	struct files *s = *state;
	struct file_open a, b;

	local_file(&s->f, "f", "");
	assert_int_equal(link(local(&s->f, "f"), local(&s->f, "g")), 0);
	open_ok(s, "f", RW, 0, &a);
	assert_status(try_open(s, "g", RW, 0, &b), STATUS_SHARING_VIOLATION);
	close_ok(s, &a);
}

/* [MS-FSA] 2.1.5.5: marked when the open closes that asked for it, gone with the last. */
static void test_delete_on_close(void **state)
{
	struct files *s = *state;
	struct file_open a, b, c;

	local_file(&s->f, "f", "");
	open_ok(s, "f", DELETE, SHARE_ALL, &a);
	a.delete_on_close = true;
	open_ok(s, "f", FILE_READ_DATA, SHARE_ALL, &b);
	assert_false(file_delete_pending(s->table, &b.node->id));
	close_ok(s, &a);
	assert_true(file_delete_pending(s->table, &b.node->id));
	assert_true(file_open_delete_pending(&b));
	assert_status(try_open(s, "f", FILE_READ_ATTRIBUTES, SHARE_ALL, &c), STATUS_DELETE_PENDING);
	assert_true(local_exists(&s->f, "f"));
	close_ok(s, &b);
	assert_false(local_exists(&s->f, "f"));
}

/* [MS-FSA] 2.1.5.15.3 */
static void test_disposition(void **state)
{
	struct files *s = *state;
	struct file_open a, b;

	local_file(&s->f, "f", "");
	open_ok(s, "f", DELETE, SHARE_ALL, &a);
	assert_status(file_delete_set(s->table, &a, true), STATUS_SUCCESS);
	assert_status(try_open(s, "f", RW, SHARE_ALL, &b), STATUS_DELETE_PENDING);
	assert_status(file_delete_set(s->table, &a, false), STATUS_SUCCESS);
	open_ok(s, "f", RW, SHARE_ALL, &b);
	assert_status(file_delete_set(s->table, &b, true), STATUS_SUCCESS);
	close_ok(s, &b);
	assert_true(local_exists(&s->f, "f"));
	close_ok(s, &a);
	assert_false(local_exists(&s->f, "f"));
}

static void test_what_cannot_be_deleted(void **state)
{
	struct files *s = *state;
	struct file_open o;

	vfs_node_close(make(&s->f, "f", false));
	open_ok(s, "f", DELETE, SHARE_ALL, &o);
	assert_int_equal(vfs_node_set_attributes(o.node, FILE_ATTRIBUTE_READONLY), 0);
	assert_status(file_delete_set(s->table, &o, true), STATUS_CANNOT_DELETE);
	close_ok(s, &o);
	local_dir(&s->f, "d");
	local_file(&s->f, "d/x", "");
	open_ok(s, "d", DELETE, SHARE_ALL, &o);
	assert_status(file_delete_set(s->table, &o, true), STATUS_DIRECTORY_NOT_EMPTY);
	assert_int_equal(unlink(local(&s->f, "d/x")), 0);
	assert_status(file_delete_set(s->table, &o, true), STATUS_SUCCESS);
	/* filled again before the end: it stays, and the close says nothing of it, as in Windows */
	local_file(&s->f, "d/x", "");
	assert_status(file_close(s->table, &o), STATUS_SUCCESS);
	assert_true(local_exists(&s->f, "d/x"));
	open_ok(s, "d", DELETE, SHARE_ALL, &o); /* and is no more to be deleted */
	close_ok(s, &o);
	open_ok(s, "", DELETE, SHARE_ALL, &o);
	assert_int_equal(unlink(local(&s->f, "d/x")), 0);
	assert_int_equal(unlink(local(&s->f, "f")), 0);
	assert_int_equal(rmdir(local(&s->f, "d")), 0);
	assert_status(file_delete_set(s->table, &o, true), STATUS_ACCESS_DENIED);
	close_ok(s, &o);
}

static void test_deleted_locally(void **state)
{
	struct files *s = *state;
	struct file_open o;

	local_file(&s->f, "f", "");
	open_ok(s, "f", DELETE, SHARE_ALL, &o);
	o.delete_on_close = true;
	assert_int_equal(unlink(local(&s->f, "f")), 0);
	local_file(&s->f, "f", "another"); /* not ours: it stays */
	close_ok(s, &o);
	assert_true(local_exists(&s->f, "f"));
}

static void test_rename_moves_names(void **state)
{
	struct files *s = *state;
	struct file_open a, b, l, dir;

	local_dir(&s->f, "d");
	local_file(&s->f, "d/f", "");
	assert_int_equal(link(local(&s->f, "d/f"), local(&s->f, "l")), 0);
	open_ok(s, "d/f", DELETE, SHARE_ALL, &a);
	open_ok(s, "D/F", FILE_READ_DATA, SHARE_ALL, &b);
	open_ok(s, "l", FILE_READ_DATA, SHARE_ALL, &l);
	assert_status(file_rename(s->table, &a, "d/G", false), STATUS_SUCCESS);
	goes_by(s, &a, "d/G");
	goes_by(s, &b, "d/G");
	goes_by(s, &l, "l"); /* another link: not moved */
	/* a directory with something open below it stays */
	open_ok(s, "d", DELETE, SHARE_ALL, &dir);
	assert_status(file_rename(s->table, &dir, "e", false), STATUS_ACCESS_DENIED);
	close_ok(s, &a);
	assert_status(file_rename(s->table, &dir, "e", false), STATUS_ACCESS_DENIED);
	close_ok(s, &b);
	local_dir(&s->f, "dd"); /* beginning like it is not being below it */
	open_ok(s, "dd", FILE_READ_DATA, SHARE_ALL, &b);
	assert_status(file_rename(s->table, &dir, "e", false), STATUS_SUCCESS);
	goes_by(s, &dir, "e");
	close_ok(s, &b);
	close_ok(s, &dir);
	close_ok(s, &l);
}

/* What was renamed is deleted by its new name. */
static void test_rename_then_delete(void **state)
{
	struct files *s = *state;
	struct file_open a, b;

	local_file(&s->f, "f", "");
	open_ok(s, "f", DELETE, SHARE_ALL, &a);
	open_ok(s, "f", DELETE, SHARE_ALL, &b);
	assert_status(file_delete_set(s->table, &a, true), STATUS_SUCCESS);
	assert_status(file_rename(s->table, &b, "g", false), STATUS_SUCCESS);
	local_file(&s->f, "f", "");
	close_ok(s, &a);
	close_ok(s, &b);
	assert_true(local_exists(&s->f, "f"));
	assert_false(local_exists(&s->f, "g"));
}

/* [MS-FSA] 2.1.5.15.11 */
static void test_rename_targets(void **state)
{
	struct files *s = *state;
	struct file_open a, t;

	local_file(&s->f, "f", "");
	local_file(&s->f, "Target", "");
	local_dir(&s->f, "d");
	open_ok(s, "f", DELETE, SHARE_ALL, &a);
	assert_status(file_rename(s->table, &a, "target", false), STATUS_OBJECT_NAME_COLLISION);
	assert_status(file_rename(s->table, &a, "d", false), STATUS_OBJECT_NAME_COLLISION);
	assert_status(file_rename(s->table, &a, "d", true), STATUS_ACCESS_DENIED);
	assert_status(file_rename(s->table, &a, "x/y", true), STATUS_OBJECT_PATH_NOT_FOUND);
	assert_status(file_rename(s->table, &a, "", true), STATUS_ACCESS_DENIED);
	open_ok(s, "Target", FILE_READ_ATTRIBUTES, SHARE_ALL, &t);
	assert_status(file_rename(s->table, &a, "target", true), STATUS_ACCESS_DENIED);
	assert_status(file_link(s->table, &a, "target", true), STATUS_ACCESS_DENIED);
	assert_int_equal(vfs_node_set_attributes(t.node, FILE_ATTRIBUTE_READONLY), 0);
	close_ok(s, &t);
	assert_status(file_rename(s->table, &a, "target", true), STATUS_ACCESS_DENIED);
	local_file(&s->f, "other", "");
	assert_status(file_link(s->table, &a, "other", false), STATUS_OBJECT_NAME_COLLISION);
	assert_status(file_link(s->table, &a, "other", true), STATUS_SUCCESS);
	assert_status(file_rename(s->table, &a, "F", false), STATUS_SUCCESS); /* case only */
	goes_by(s, &a, "F");
	close_ok(s, &a);
}

/* The new name's directory is opened to add to it, shared for all but deletion: as Windows does it.
 */
static void test_rename_and_parent(void **state)
{
	static const struct {
		uint32_t access, sharing;
		struct nt_status expected;
	} cases[] = {
		{RW | DELETE, SHARE_ALL, {0xc0000043}},
		{RW | DELETE, 0, {0xc0000043}},
		{RW, SHARE_ALL, {0}},
		{RW, 0, {0xc0000043}},
		{FILE_READ_ATTRIBUTES | SYNCHRONIZE, 0, {0}}, /* Word does so */
	};
	struct files *s = *state;
	struct file_open a, dir;

	local_dir(&s->f, "d");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		local_file(&s->f, "d/f", "");
		open_ok(s, "d/f", DELETE | RW, 0, &a);
		open_ok(s, "d", cases[i].access, cases[i].sharing, &dir);
		assert_status(file_rename(s->table, &a, "d/g", false), cases[i].expected);
		close_ok(s, &dir);
		a.delete_on_close = true;
		close_ok(s, &a);
	}
	local_file(&s->f, "f", "");
	open_ok(s, "f", DELETE, SHARE_ALL, &a);
	open_ok(s, "d", FILE_READ_DATA, SHARE_ALL, &dir);
	assert_status(file_delete_set(s->table, &dir, true), STATUS_SUCCESS);
	assert_status(file_rename(s->table, &a, "d/f", false), STATUS_DELETE_PENDING);
	close_ok(s, &dir);
	close_ok(s, &a);
}

/* ---- what holds back is asked to let go ---- */

static struct {
	struct files *s;
	struct file_open *holder;
	unsigned asked;
} breaking;

static void nothing(void *client)
{
}

/* No lock is held, so that the holder may close. */
static bool let_go(const struct oplock_notice *notice)
{
	breaking.asked++;
	assert_true(notice->client == breaking.holder);
	assert_int_equal(notice->from, OPLOCK_BATCH);
	assert_int_equal(notice->to, OPLOCK_LEVEL_II);
	close_ok(breaking.s, breaking.holder);
	breaking.holder = NULL;
	return true;
}

/* [MS-SMB2] 3.3.5.9: a batch oplock that is in the way of a share mode is broken first. */
static void test_breaker(void **state)
{
	static const struct file_breaker breaker = {nothing, nothing, let_go};
	struct files *s = *state;
	struct file_open a, b, c;

	file_table_free(s->table);
	s->table = file_table_new(&breaker);
	local_file(&s->f, "f", "");
	a = (struct file_open){
		.node = lookup(&s->f, "f"), .access = RW, .want.state = OPLOCK_BATCH, .client = &a};
	assert_status(file_open_add(s->table, &a, NULL), STATUS_SUCCESS);
	assert_int_equal(a.granted.state, OPLOCK_BATCH);
	breaking.s = s;
	breaking.holder = &a;
	breaking.asked = 0;
	assert_status(try_open(s, "f", RW, 0, &b), STATUS_RETRY);
	assert_int_equal(breaking.asked, 1);
	open_ok(s, "f", RW, 0, &b);
	assert_status(try_open(s, "f", RW, 0, &c), STATUS_SHARING_VIOLATION);
	assert_int_equal(breaking.asked, 1);
	close_ok(s, &b);
}

/* Who cuts off what is there writes, though he may not be granted it: until it is done, those who
 * do not let others write stay out. [MS-FSA] 2.1.5.1.2.1 */
static void test_overwriting_is_writing(void **state)
{
	struct file_open over, reader;
	struct files *s = *state;

	local_file(&s->f, "f", "text");
	over = (struct file_open){.node = lookup(&s->f, "f"),
				  .access = FILE_READ_DATA,
				  .sharing = SHARE_ALL,
				  .overwrites = true};
	assert_status(file_open_add(s->table, &over, NULL), STATUS_SUCCESS);
	assert_status(try_open(s, "f", FILE_READ_DATA, FILE_SHARE_READ, &reader),
		      STATUS_SHARING_VIOLATION);
	file_overwritten(&over);
	open_ok(s, "f", FILE_READ_DATA, FILE_SHARE_READ, &reader);
	close_ok(s, &over);
	close_ok(s, &reader);
}

/* What is taken back stays for who has it open. */
static void test_delete_if_alone(void **state)
{
	struct files *s = *state;
	struct file_open a, b;

	local_file(&s->f, "f", "");
	open_ok(s, "f", DELETE, SHARE_ALL, &a);
	open_ok(s, "f", DELETE, SHARE_ALL, &b);
	a.delete_on_close = a.delete_if_alone = true;
	close_ok(s, &a);
	assert_false(file_open_delete_pending(&b));
	b.delete_on_close = b.delete_if_alone = true;
	close_ok(s, &b);
	assert_false(local_exists(&s->f, "f"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_sharing),
		TEST(test_looking_never_conflicts),
		TEST(test_hard_links_share),
		TEST(test_delete_on_close),
		TEST(test_disposition),
		TEST(test_what_cannot_be_deleted),
		TEST(test_deleted_locally),
		TEST(test_rename_moves_names),
		TEST(test_rename_then_delete),
		TEST(test_rename_targets),
		TEST(test_rename_and_parent),
		TEST(test_breaker),
		TEST(test_overwriting_is_writing),
		TEST(test_delete_if_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
