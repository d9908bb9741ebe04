/* SPDX-License-Identifier: Apache-2.0 */
/* What the opens of a file's streams are to each other, [MS-FSA] 2.1.5.1.2.2 and 2.1.5.5. */
#include "tests/unit/smbd/vfs/fixture.h"

#include "smbd/file/file.h"
#include "smbd/wire/access.h"
#include "smbd/wire/create.h"

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

static struct file_table *table;

static int setup(void **state)
{
	table = file_table_new(NULL);
	return fixture_setup(state);
}

static int teardown(void **state)
{
	assert_int_equal(file_table_count(table), 0);
	file_table_free(table);
	return fixture_teardown(state);
}

/* stream: NULL for the file itself; made where it is not there. */
static struct nt_status try_open(const struct fixture *f, struct file_open *open,
				 const char *stream, uint32_t access, uint32_t sharing)
{
	struct vfs_node *node = lookup(f, "f");
	struct nt_status status;

	if (stream && vfs_node_stream_open(node, stream, false) != 0)
		assert_int_equal(vfs_node_stream_open(node, stream, true), 0);
	*open = (struct file_open){.node = node, .access = access, .sharing = sharing};
	status = file_open_add(table, open, NULL);
	if (nt_error(status))
		vfs_node_close(node);
	return status;
}

#define assert_open(f, open, stream, access, sharing, wanted) \
	assert_string_equal(nt_status_name(try_open(f, open, stream, access, sharing)), #wanted)
#define assert_closes(open) assert_true(nt_success(file_close(table, open)))

static void test_sharing(void **state)
{
	struct fixture *f = *state;
	struct file_open a, b, c, d;

	local_file(f, "f", "");
	assert_open(f, &a, NULL, FILE_READ_DATA, 0, STATUS_SUCCESS);
	assert_open(f, &b, "one", FILE_WRITE_DATA, 0, STATUS_SUCCESS);
	assert_open(f, &c, "two", FILE_WRITE_DATA | DELETE, 0, STATUS_SUCCESS);
	assert_open(f, &d, "ONE", FILE_READ_DATA, SHARE_ALL, STATUS_SHARING_VIOLATION);
	assert_open(f, &d, NULL, FILE_READ_DATA, SHARE_ALL, STATUS_SHARING_VIOLATION);
	assert_closes(&a);
	/* to delete the file is to delete its streams */
	assert_open(f, &a, NULL, DELETE, SHARE_ALL, STATUS_SHARING_VIOLATION);
	assert_closes(&b);
	assert_closes(&c);
	assert_open(f, &a, NULL, DELETE, SHARE_ALL, STATUS_SUCCESS);
	assert_closes(&a);
}

static void test_file_goes_with_its_last_stream(void **state)
{
	struct fixture *f = *state;
	struct file_open file, stream, other;

	local_file(f, "f", "");
	assert_open(f, &stream, "s", FILE_READ_DATA, SHARE_ALL, STATUS_SUCCESS);
	assert_open(f, &file, NULL, DELETE, SHARE_ALL, STATUS_SUCCESS);
	assert_true(nt_success(file_delete_set(table, &file, true)));
	assert_closes(&file);
	assert_true(local_exists(f, "f"));
	assert_true(file_open_delete_pending(&stream));
	assert_open(f, &other, NULL, FILE_READ_DATA, SHARE_ALL, STATUS_DELETE_PENDING);
	assert_open(f, &other, "s", FILE_READ_DATA, SHARE_ALL, STATUS_DELETE_PENDING);
	assert_closes(&stream);
	assert_false(local_exists(f, "f"));
}

static void test_a_stream_goes_alone(void **state)
{
	struct fixture *f = *state;
	struct vfs_stream *streams;
	struct file_open file, stream;
	unsigned count;

	local_file(f, "f", "");
	assert_open(f, &file, NULL, FILE_READ_DATA, SHARE_ALL, STATUS_SUCCESS);
	assert_open(f, &stream, "s", DELETE, SHARE_ALL, STATUS_SUCCESS);
	assert_int_equal(vfs_node_streams(file.node, file.node, &streams, &count), 0);
	assert_int_equal(count, 2);
	assert_true(nt_success(file_delete_set(table, &stream, true)));
	assert_false(file_open_delete_pending(&file));
	assert_closes(&stream);
	assert_int_equal(vfs_node_streams(file.node, file.node, &streams, &count), 0);
	assert_int_equal(count, 1);
	assert_closes(&file);
	assert_true(local_exists(f, "f"));
}

static void assert_stream_rename(struct file_open *open, const char *to, bool replace,
				 const char *wanted)
{
	struct nt_status status = file_stream_rename(table, open, to, replace);

	assert_string_equal(nt_status_name(status), wanted);
}

static void test_rename(void **state)
{
	struct fixture *f = *state;
	struct file_open file, a, b, again;

	local_file(f, "f", "");
	assert_open(f, &file, NULL, DELETE, SHARE_ALL, STATUS_SUCCESS);
	assert_open(f, &a, "a", DELETE, SHARE_ALL, STATUS_SUCCESS);
	assert_open(f, &b, "b", FILE_READ_DATA, SHARE_ALL, STATUS_SUCCESS);
	assert_string_equal(nt_status_name(file_rename(table, &file, "g", false)),
			    "STATUS_ACCESS_DENIED");
	assert_stream_rename(&a, "b", false, "STATUS_OBJECT_NAME_COLLISION");
	assert_stream_rename(&a, "b", true, "STATUS_ACCESS_DENIED");
	assert_open(f, &again, "a", FILE_READ_DATA, SHARE_ALL, STATUS_SUCCESS);
	assert_stream_rename(&a, "c", false, "STATUS_SHARING_VIOLATION");
	assert_closes(&again);
	assert_closes(&b);
	assert_stream_rename(&a, "b", true, "STATUS_SUCCESS");
	/* the open is one of the new name */
	assert_open(f, &b, "b", FILE_READ_DATA, 0, STATUS_SHARING_VIOLATION);
	assert_closes(&a);
	assert_true(nt_success(file_rename(table, &file, "g", false)));
	assert_closes(&file);
}

static void nothing(void *client)
{
}

static bool told(const struct oplock_notice *notice)
{
	return true;
}

/* A lease is found by its key under the stream's new name: to be asked for again, and answered. */
static void test_rename_takes_its_lease(void **state)
{
	static const struct file_breaker breaker = {nothing, nothing, told};
	const struct oplock_request want = {
		.lease = true, .state = SMB2_LEASE_READ_CACHING, .id.key.bytes[0] = 1};
	struct fixture *f = *state;
	struct file_open opens[2];

	file_table_free(table);
	table = file_table_new(&breaker);
	local_file(f, "f", "");
	for (unsigned i = 0; i < 2; i++) {
		struct vfs_node *node = lookup(f, "f");

		assert_int_equal(vfs_node_stream_open(node, i ? "b" : "a", !i), 0);
		opens[i] = (struct file_open){
			.node = node, .access = FILE_READ_DATA, .sharing = SHARE_ALL, .want = want};
		assert_string_equal(nt_status_name(file_open_add(table, &opens[i], NULL)),
				    "STATUS_SUCCESS");
		if (!i)
			assert_stream_rename(&opens[0], "b", false, "STATUS_SUCCESS");
	}
	assert_string_equal(nt_status_name(oplock_lease_ack(table, &want.id, 0)),
			    "STATUS_UNSUCCESSFUL"); /* it is there, and nothing is under way */
	assert_closes(&opens[0]);
	assert_closes(&opens[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sharing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_goes_with_its_last_stream, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_stream_goes_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rename, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rename_takes_its_lease, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
