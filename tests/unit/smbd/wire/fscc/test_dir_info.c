/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/smbd/wire/captures.h"
#include "tests/unit/smbd/wire/message.h"

#include "smbd/wire/fscc/dir_info.h"
#include "smbd/wire/query_directory.h"

static struct wire_blob listing(const struct capture *c)
{
	struct rd r = capture_rd(c);
	struct smb2_buffer_response m;

	assert_true(smb2_buffer_response_decode(&r, &m));
	return m.buffer;
}

static void want_entry(const struct capture *c, uint8_t class, const struct dir_info *e)
{
	want(c, "smb2.file_index", e->file_index);
	want_utf16(c, "smb2.filename", e->file_name);
	want(c, "smb2.filename.len", e->file_name.len);
	if (class == FileNamesInformation)
		return;
	want(c, "smb2.create.time", e->creation_time);
	want(c, "smb2.last_access.time", e->last_access_time);
	want(c, "smb2.last_write.time", e->last_write_time);
	want(c, "smb2.last_change.time", e->change_time);
	want(c, "smb2.eof", e->end_of_file);
	want(c, "smb2.allocation_size", e->allocation_size);
	want(c, "smb2.file_attribute", e->file_attributes);
	if (class == FileDirectoryInformation)
		return;
	want(c, "smb2.ea_size", e->ea_size);
	if (class == FileIdBothDirectoryInformation || class == FileIdFullDirectoryInformation)
		want(c, "smb2.file_id", e->file_id);
}

/* Decodes to what tshark reads, encodes to the same bytes. */
static void check_captured(uint8_t class)
{
	struct wr w = payload_begin();
	size_t last = SIZE_MAX;
	const struct capture *c;
	struct wire_blob bytes;
	struct dir_info e;
	char name[64];
	struct rd r;

	snprintf(name, sizeof(name), "query_directory_response_%u", class);
	c = capture_get(name);
	bytes = listing(c);
	r = wire_blob_rd(bytes);
	while (dir_info_next(&r, class, &e)) {
		want_entry(c, class, &e);
		assert_true(dir_info_encode(&w, class, &e, &last));
	}
	assert_true(rd_ok(&r));
	assert_true(wire_blob_equal(WIRE_BLOB(w.data, w.len), bytes));
}

static void captured_listings(void **state)
{
	check_captured(FileDirectoryInformation);
	check_captured(FileFullDirectoryInformation);
	check_captured(FileBothDirectoryInformation);
	check_captured(FileNamesInformation);
	check_captured(FileIdBothDirectoryInformation);
	check_captured(FileIdFullDirectoryInformation);
}

static const struct dir_info example = {
	.file_index = 1,
	.creation_time = 2,
	.last_access_time = 3,
	.last_write_time = 4,
	.change_time = 5,
	.end_of_file = 6,
	.allocation_size = 7,
	.file_attributes = FILE_ATTRIBUTE_REPARSE_POINT,
	.ea_size = 8,
	.reparse_point_tag = IO_REPARSE_TAG_SYMLINK,
	.file_id = 9,
	.file_id_128 = {10, 11, 12},
	.short_name_length = 4,
	.short_name = {'S', 0, 'N', 0},
	.locking_transaction_id = {{13}},
	.tx_info_flags = 14,
	.file_name = {(const uint8_t *)"n\0a\0m\0e\0", 8},
};

/* The fixed parts of [MS-FSCC] 2.4's tables, by adding up their rows. */
static const struct {
	uint8_t class;
	size_t fixed;
} classes[] = {
	{FileDirectoryInformation, 64},
	{FileFullDirectoryInformation, 68},
	{FileBothDirectoryInformation, 94},
	{FileNamesInformation, 12},
	{FileIdBothDirectoryInformation, 104},
	{FileIdFullDirectoryInformation, 80},
	{FileIdGlobalTxDirectoryInformation, 92},
	{FileIdExtdDirectoryInformation, 88},
	{FileIdExtdBothDirectoryInformation, 114},
	{FileId64ExtdDirectoryInformation, 80},
	{FileId64ExtdBothDirectoryInformation, 106},
	{FileIdAllExtdDirectoryInformation, 96},
	{FileIdAllExtdBothDirectoryInformation, 122},
};

#define CLASSES (sizeof(classes) / sizeof(classes[0]))

static void every_class_has_its_size(void **state)
{
	for (size_t i = 0; i < CLASSES; i++) {
		struct wr w = payload_begin();
		size_t last = SIZE_MAX;

		assert_int_equal(dir_info_fixed_size(classes[i].class), classes[i].fixed);
		assert_true(dir_info_encode(&w, classes[i].class, &example, &last));
		assert_int_equal(w.len, classes[i].fixed + example.file_name.len);
		assert_memory_equal(w.data + classes[i].fixed, example.file_name.data, 8);
	}
	assert_int_equal(dir_info_fixed_size(FileBasicInformation), 0);
	assert_int_equal(dir_info_fixed_size(0), 0);
	assert_int_equal(dir_info_fixed_size(255), 0);
}

static void fields_are_where_the_tables_say(void **state)
{
	struct wr w = payload_begin();
	size_t last = SIZE_MAX;

	assert_true(dir_info_encode(&w, FileIdAllExtdBothDirectoryInformation, &example, &last));
	assert_memory_equal(w.data + 60, "\x8\0\0\0", 4);             /* FileNameLength */
	assert_memory_equal(w.data + 64, "\x8\0\0\0\x0c\0\0\xa0", 8); /* EaSize, ReparsePointTag */
	assert_memory_equal(w.data + 72, "\x9\0\0\0\0\0\0\0\xa\xb\xc", 11); /* FileId, FileId128 */
	assert_memory_equal(w.data + 96, "\4\0S\0N\0", 6); /* ShortNameLength, ShortName */
	w = payload_begin();
	last = SIZE_MAX;
	assert_true(dir_info_encode(&w, FileIdGlobalTxDirectoryInformation, &example, &last));
	assert_memory_equal(w.data + 64, "\x9\0\0\0\0\0\0\0\xd", 9);
	assert_memory_equal(w.data + 88, "\xe\0\0\0", 4);
}

static void every_class_comes_back(void **state)
{
	for (size_t i = 0; i < CLASSES; i++) {
		struct wr w = payload_begin(), again;
		uint8_t bytes[512];
		size_t last = SIZE_MAX;
		struct dir_info e;
		struct rd r;

		assert_true(dir_info_encode(&w, classes[i].class, &example, &last));
		assert_true(dir_info_encode(&w, classes[i].class, &example, &last));
		assert_int_equal(last % 8, 0);
		r = payload_read(&w);
		again = wr_init(bytes, sizeof(bytes));
		last = SIZE_MAX;
		for (unsigned n = 0; n < 2; n++) {
			assert_true(dir_info_next(&r, classes[i].class, &e));
			assert_blob(e.file_name, "n\0a\0m\0e\0");
			assert_true(dir_info_encode(&again, classes[i].class, &e, &last));
		}
		assert_false(dir_info_next(&r, classes[i].class, &e));
		assert_true(rd_ok(&r));
		assert_int_equal(again.len, w.len);
		assert_memory_equal(again.data, w.data, w.len);
	}
}

static void an_entry_that_does_not_fit_leaves_no_trace(void **state)
{
	uint8_t bytes[256];
	size_t last = SIZE_MAX;

	for (size_t cap = 0; cap < sizeof(bytes); cap++) {
		struct wr w = wr_init(bytes, cap);
		unsigned entries = 0;
		struct dir_info e;
		struct rd r;

		last = SIZE_MAX;
		while (dir_info_encode(&w, FileDirectoryInformation, &example, &last))
			entries++;
		assert_true(wr_ok(&w));
		/* 72 bytes each, and 72 is a multiple of 8 */
		assert_int_equal(entries, cap / 72);
		assert_int_equal(w.len, entries * 72);
		r = payload_read(&w);
		while (dir_info_next(&r, FileDirectoryInformation, &e))
			entries--;
		assert_true(rd_ok(&r));
		assert_int_equal(entries, 0);
	}
}

static void malformed_lists_are_refused(void **state)
{
	struct wr w = payload_begin();
	size_t last = SIZE_MAX;
	struct dir_info e;
	struct rd r;

	assert_true(dir_info_encode(&w, FileNamesInformation, &example, &last));
	assert_true(dir_info_encode(&w, FileNamesInformation, &example, &last));
	w.data[0] = 8; /* NextEntryOffset inside the entry */
	r = payload_read(&w);
	assert_false(dir_info_next(&r, FileNamesInformation, &e));
	assert_false(rd_ok(&r));
	w.data[0] = 100; /* beyond the end */
	r = payload_read(&w);
	assert_false(dir_info_next(&r, FileNamesInformation, &e));
	assert_false(rd_ok(&r));
	w.data[0] = 24;
	w.data[8] = 14; /* FileNameLength into the next entry */
	r = payload_read(&w);
	assert_false(dir_info_next(&r, FileNamesInformation, &e));
	assert_false(rd_ok(&r));
	w.data[8] = 7; /* half a character */
	r = payload_read(&w);
	assert_false(dir_info_next(&r, FileNamesInformation, &e));
	w.data[8] = 8;
	r = rd_init(w.data, w.len - 1);
	assert_true(dir_info_next(&r, FileNamesInformation, &e));
	assert_false(dir_info_next(&r, FileNamesInformation, &e));
	assert_false(rd_ok(&r));
}

static void short_names_are_24_bytes_at_most(void **state)
{
	struct wr w = payload_begin();
	struct dir_info e = example;
	size_t last = SIZE_MAX;
	struct rd r;

	e.short_name_length = 25;
	assert_true(dir_info_encode(&w, FileBothDirectoryInformation, &e, &last));
	r = payload_read(&w);
	assert_false(dir_info_next(&r, FileBothDirectoryInformation, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captured_listings),
		cmocka_unit_test(every_class_has_its_size),
		cmocka_unit_test(fields_are_where_the_tables_say),
		cmocka_unit_test(every_class_comes_back),
		cmocka_unit_test(an_entry_that_does_not_fit_leaves_no_trace),
		cmocka_unit_test(malformed_lists_are_refused),
		cmocka_unit_test(short_names_are_24_bytes_at_most),
	};

	return cmocka_run_group_tests(tests, captures_load, captures_free);
}
