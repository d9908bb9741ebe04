/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/smbd/wire/captures.h"
#include "tests/unit/smbd/wire/message.h"

#include "smbd/wire/create.h"
#include "smbd/wire/fscc/ea.h"

static void captured_ea_buffer(void **state)
{
	const struct capture *c = capture_get("create_request_ExtA");
	struct rd r = capture_rd(c);
	struct smb2_create_request m;
	struct file_full_ea ea;
	struct wr w = payload_begin();
	size_t last = SIZE_MAX;
	unsigned count = 0;

	assert_true(smb2_create_request_decode(&r, &m));
	r = wire_blob_rd(m.contexts.ea_buffer);
	while (file_full_ea_next(&r, &ea)) {
		want(c, "smb2.ea.flags", ea.flags);
		want(c, "smb2.ea.name_len", ea.ea_name.len);
		want_bytes(c, "smb2.ea.data", ea.ea_value);
		assert_memory_equal(ea.ea_name.data, count ? "SECONDEA" : "EAONE", ea.ea_name.len);
		assert_true(file_full_ea_encode(&w, &ea, &last));
		count++;
	}
	assert_true(rd_ok(&r));
	assert_int_equal(count, 2);
	/* Samba pads after the last entry too */
	assert_in_range(m.contexts.ea_buffer.len - w.len, 0, 3);
	assert_memory_equal(w.data, m.contexts.ea_buffer.data, w.len);
}

static bool next(const char *bytes, size_t len)
{
	struct rd r = rd_init(bytes, len);
	struct file_full_ea ea;

	return file_full_ea_next(&r, &ea);
}

#define NEXT(bytes) next(bytes, sizeof(bytes) - 1)

static void malformed_eas_are_refused(void **state)
{
	assert_true(NEXT("\0\0\0\0\0\1\2\0N\0vv"));
	assert_false(NEXT("\0\0\0\0\0\1\3\0N\0vv"));  /* value beyond the end */
	assert_false(NEXT("\0\0\0\0\0\1\2\0NNvv"));   /* no NUL after the name */
	assert_false(NEXT("\0\0\0\0\0\0\2\0\0vv"));   /* no name */
	assert_false(NEXT("\0\0\0\0\0\1\0"));         /* header cut */
	assert_false(NEXT("\4\0\0\0\0\1\2\0N\0vv"));  /* next inside this one */
	assert_false(NEXT("\xd\0\0\0\0\1\2\0N\0vv")); /* next beyond the end */
}

static void names_of_a_query(void **state)
{
	struct wr w = payload_begin();
	size_t last = SIZE_MAX;
	struct wire_blob name;
	struct rd r;

	assert_true(file_get_ea_encode(&w, BLOB("ONE"), &last));
	assert_true(file_get_ea_encode(&w, BLOB("TWO"), &last));
	assert_memory_equal(w.data, "\xc\0\0\0\3ONE\0\0\0\0\0\0\0\0\3TWO\0", 21);
	r = payload_read(&w);
	assert_true(file_get_ea_next(&r, &name));
	assert_blob(name, "ONE");
	assert_true(file_get_ea_next(&r, &name));
	assert_blob(name, "TWO");
	assert_false(file_get_ea_next(&r, &name));
	assert_true(rd_ok(&r));
}

static void what_has_no_place_in_the_fields_is_not_encoded(void **state)
{
	static char long_name[257];
	struct file_full_ea ea = {.ea_name = WIRE_BLOB(long_name, 256)};
	struct wr w = payload_begin();
	size_t last = SIZE_MAX;

	memset(long_name, 'x', 256);
	assert_false(file_full_ea_encode(&w, &ea, &last));
	assert_false(file_get_ea_encode(&w, ea.ea_name, &last));
	ea.ea_name.len = 255;
	ea.ea_value = WIRE_BLOB(long_name, 0x10000);
	assert_false(file_full_ea_encode(&w, &ea, &last));
	ea.ea_name.len = 0;
	assert_false(file_full_ea_encode(&w, &ea, &last));
	assert_int_equal(w.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captured_ea_buffer),
		cmocka_unit_test(malformed_eas_are_refused),
		cmocka_unit_test(names_of_a_query),
		cmocka_unit_test(what_has_no_place_in_the_fields_is_not_encoded),
	};

	return cmocka_run_group_tests(tests, captures_load, captures_free);
}
