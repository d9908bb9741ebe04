/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File information classes: captured ones decode to what tshark reads and encode to the bytes that
 * came; the others are made by hand from [MS-FSCC] 2.4.
 */
#include "tests/unit/smbd/wire/captures.h"
#include "tests/unit/smbd/wire/message.h"

#include "smbd/wire/fscc/file_info.h"
#include "smbd/wire/query_directory.h"
#include "smbd/wire/set_info.h"

static struct rd response_payload(const struct capture *c)
{
	struct rd r = capture_rd(c);
	struct smb2_buffer_response m;

	assert_true(smb2_buffer_response_decode(&r, &m));
	return wire_blob_rd(m.buffer);
}

static struct rd request_payload(const struct capture *c)
{
	struct rd r = capture_rd(c);
	struct smb2_set_info_request m;

	assert_true(smb2_set_info_request_decode(&r, &m));
	return wire_blob_rd(m.buffer);
}

static void same_bytes(const struct rd *payload, const struct wr *w)
{
	assert_true(wr_ok(w));
	assert_int_equal(w->len, payload->len);
	assert_memory_equal(w->data, payload->data, w->len);
}

static void check_basic(const struct capture *c, struct rd r)
{
	struct wr w = payload_begin();
	struct file_basic_info i;

	assert_true(file_basic_info_decode(&r, &i));
	want(c, "smb2.create.time", i.creation_time);
	want(c, "smb2.last_access.time", i.last_access_time);
	want(c, "smb2.last_write.time", i.last_write_time);
	want(c, "smb2.last_change.time", i.change_time);
	want(c, "smb2.file_attribute", i.file_attributes);
	file_basic_info_encode(&w, &i);
	same_bytes(&r, &w);
}

static void basic(void **state)
{
	const struct capture *c = capture_get("query_info_response_1_4");

	check_basic(c, response_payload(c));
	c = capture_get("set_info_request_1_4");
	check_basic(c, request_payload(c));
}

static void standard(void **state)
{
	const struct capture *c = capture_get("query_info_response_1_5");
	struct rd r = response_payload(c);
	struct wr w = payload_begin();
	struct file_standard_info i;

	assert_true(file_standard_info_decode(&r, &i));
	want(c, "smb.alloc_size64", i.allocation_size);
	want(c, "smb.end_of_file", i.end_of_file);
	want(c, "smb.link_count", i.number_of_links);
	want(c, "smb.delete_pending", i.delete_pending);
	want(c, "smb.is_directory", i.directory);
	file_standard_info_encode(&w, &i);
	same_bytes(&r, &w);
}

static void all(void **state)
{
	const struct capture *c = capture_get("query_info_response_1_18");
	struct rd r = response_payload(c);
	struct wr w = payload_begin();
	struct file_all_info i;

	assert_true(file_all_info_decode(&r, &i));
	want(c, "smb2.create.time", i.basic.creation_time);
	want(c, "smb2.last_change.time", i.basic.change_time);
	want(c, "smb2.file_attribute", i.basic.file_attributes);
	want(c, "smb2.allocation_size", i.standard.allocation_size);
	want(c, "smb2.eof", i.standard.end_of_file);
	want(c, "smb2.nlinks", i.standard.number_of_links);
	want(c, "smb2.is_directory", i.standard.directory);
	want(c, "smb2.file_id", i.index_number);
	want(c, "smb2.ea_size", i.ea_size);
	want(c, "smb.access_mask", i.access_flags);
	want(c, "smb2.position_info", i.current_byte_offset);
	want(c, "smb2.mode_info", i.mode);
	want(c, "smb2.alignment_info", i.alignment_requirement);
	want_utf16(c, "smb2.filename", i.file_name);
	file_all_info_encode(&w, &i);
	same_bytes(&r, &w);
}

static void network_open(void **state)
{
	const struct capture *c = capture_get("query_info_response_1_34");
	struct rd r = response_payload(c);
	struct wr w = payload_begin();
	struct file_network_open_info i;

	assert_true(file_network_open_info_decode(&r, &i));
	want(c, "smb.create.time", i.creation_time);
	want(c, "smb.access.time", i.last_access_time);
	want(c, "smb.last_write.time", i.last_write_time);
	want(c, "smb.change.time", i.change_time);
	want(c, "smb.alloc_size64", i.allocation_size);
	want(c, "smb.end_of_file", i.end_of_file);
	want(c, "smb.file_attribute", i.file_attributes);
	file_network_open_info_encode(&w, &i);
	same_bytes(&r, &w);
}

static void attribute_tag_and_compression(void **state)
{
	const struct capture *c = capture_get("query_info_response_1_35");
	struct rd r = response_payload(c);
	struct wr w = payload_begin();
	struct file_attribute_tag_info tag;
	struct file_compression_info compression;

	assert_true(file_attribute_tag_info_decode(&r, &tag));
	want(c, "smb.attribute", tag.file_attributes);
	want(c, "smb.reparse_tag", tag.reparse_tag);
	file_attribute_tag_info_encode(&w, &tag);
	same_bytes(&r, &w);

	c = capture_get("query_info_response_1_28");
	r = response_payload(c);
	w = payload_begin();
	assert_true(file_compression_info_decode(&r, &compression));
	want(c, "smb.compressed.file_size", compression.compressed_file_size);
	want(c, "smb.compressed.format", compression.compression_format);
	file_compression_info_encode(&w, &compression);
	same_bytes(&r, &w);
}

static void one_integer_classes(void **state)
{
	struct rd r = response_payload(capture_get("query_info_response_1_6"));
	uint64_t u64;
	uint32_t u32;
	bool flag;

	assert_true(file_info_u64_decode(&r, &u64));
	want(capture_get("query_info_response_1_6"), "smb.index_number", u64);
	r = response_payload(capture_get("query_info_response_1_7"));
	assert_true(file_info_u32_decode(&r, &u32));
	want(capture_get("query_info_response_1_7"), "smb.ea.list_length", u32);
	r = response_payload(capture_get("query_info_response_1_8"));
	assert_true(file_info_u32_decode(&r, &u32));
	want(capture_get("query_info_response_1_8"), "smb.access_mask", u32);
	r = response_payload(capture_get("query_info_response_1_16"));
	assert_true(file_info_u32_decode(&r, &u32));
	want(capture_get("query_info_response_1_16"), "smb.mode", u32);
	r = response_payload(capture_get("query_info_response_1_17"));
	assert_true(file_info_u32_decode(&r, &u32));
	want(capture_get("query_info_response_1_17"), "smb.alignment", u32);
	r = request_payload(capture_get("set_info_request_1_13"));
	assert_true(file_info_bool_decode(&r, &flag));
	want(capture_get("set_info_request_1_13"), "smb2.disposition.delete_on_close", flag);
	r = rd_init("", 0);
	assert_false(file_info_bool_decode(&r, &flag));
	r = rd_init("1234567", 7);
	assert_false(file_info_u64_decode(&r, &u64));
	r = rd_init("123", 3);
	assert_false(file_info_u32_decode(&r, &u32));
}

static void integers_are_little_endian(void **state)
{
	struct wr w = payload_begin();

	file_info_u64_encode(&w, 0x0807060504030201);
	file_info_u32_encode(&w, 0x0c0b0a09);
	file_info_bool_encode(&w, true);
	assert_int_equal(w.len, 13);
	assert_memory_equal(w.data, "\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\1", 13);
}

static void names(void **state)
{
	const struct capture *c = capture_get("query_info_response_1_21");
	struct rd r = response_payload(c);
	struct wr w = payload_begin();
	struct wire_blob name;

	assert_true(file_name_info_decode(&r, &name));
	want_utf16(c, "smb.file", name);
	file_name_info_encode(&w, name);
	same_bytes(&r, &w);
	r = rd_init("\5\0\0\0a\0b\0c", 9); /* half a character */
	assert_false(file_name_info_decode(&r, &name));
	r = rd_init("\6\0\0\0a\0b\0c", 9); /* longer than the buffer */
	assert_false(file_name_info_decode(&r, &name));
}

static void renames(void **state)
{
	const struct capture *c = capture_get("set_info_request_1_10");
	struct rd r = request_payload(c);
	struct wr w = payload_begin();
	struct file_rename_info i, again;

	assert_true(file_rename_info_decode(&r, false, &i));
	want(c, "smb2.rename.replace_if", i.flags);
	want_utf16(c, "smb2.filename", i.file_name);
	assert_int_equal(i.root_directory, 0);
	file_rename_info_encode(&w, false, &i);
	/* smbtorture pads with whatever there was */
	assert_in_range(r.len - w.len, 0, 7);
	assert_memory_equal(w.data, r.data, w.len);

	/* [MS-FSCC] 2.4.37.2: the first four bytes are flags */
	i.flags = FILE_RENAME_REPLACE_IF_EXISTS | FILE_RENAME_POSIX_SEMANTICS;
	w = payload_begin();
	file_rename_info_encode(&w, true, &i);
	r = payload_read(&w);
	assert_true(file_rename_info_decode(&r, true, &again));
	assert_int_equal(again.flags, i.flags);
	assert_true(wire_blob_equal(again.file_name, i.file_name));
	r = payload_read(&w);
	assert_true(file_rename_info_decode(&r, false, &again));
	assert_int_equal(again.flags, FILE_RENAME_REPLACE_IF_EXISTS);
}

static void short_renames_are_padded_to_the_structure(void **state)
{
	struct file_rename_info i = {.file_name = BLOB("a\0")};
	struct wr w = payload_begin();

	file_rename_info_encode(&w, false, &i);
	assert_int_equal(w.len, 24);
}

static void streams(void **state)
{
	const struct capture *c = capture_get("query_info_response_1_22");
	struct rd r = response_payload(c);
	struct file_stream_info i;
	struct wr w = payload_begin();
	size_t last = SIZE_MAX;

	assert_true(file_stream_info_next(&r, &i));
	want(c, "smb.stream_size", i.stream_size);
	want(c, "smb.alloc_size64", i.stream_allocation_size);
	want_utf16(c, "smb.stream_name", i.stream_name);
	assert_true(file_stream_info_encode(&w, &i, &last));
	same_bytes(&r, &w);
	assert_false(file_stream_info_next(&r, &i));
	assert_true(rd_ok(&r));

	/* a second is 8-aligned and linked */
	assert_true(file_stream_info_encode(&w, &i, &last));
	assert_int_equal(last, 40);
	r = payload_read(&w);
	assert_true(file_stream_info_next(&r, &i));
	assert_int_equal(r.off, 40);
	assert_true(file_stream_info_next(&r, &i));
	assert_int_equal(rd_left(&r), 0);
}

static void pipes(void **state)
{
	struct file_pipe_local_info local = {1, 2, 0xffffffff, 4, 5, 6, 7, 8, 3, 1}, local2;
	struct file_pipe_remote_info remote = {9, 10}, remote2;
	struct file_pipe_info pipe = {1, 0}, pipe2;
	struct wr w = payload_begin();
	struct rd r;

	file_pipe_info_encode(&w, &pipe);
	file_pipe_local_info_encode(&w, &local);
	file_pipe_remote_info_encode(&w, &remote);
	assert_int_equal(w.len, 8 + 40 + 16);
	r = payload_read(&w);
	assert_true(file_pipe_info_decode(&r, &pipe2));
	assert_true(file_pipe_local_info_decode(&r, &local2));
	assert_true(file_pipe_remote_info_decode(&r, &remote2));
	assert_memory_equal(&pipe, &pipe2, sizeof(pipe));
	assert_memory_equal(&local, &local2, sizeof(local));
	assert_int_equal(remote2.collect_data_time, 9);
	assert_int_equal(remote2.maximum_collection_count, 10);
}

static void file_id(void **state)
{
	struct file_id_info in = {7, "0123456789abcde"}, out;
	struct wr w = payload_begin();
	struct rd r;

	file_id_info_encode(&w, &in);
	assert_int_equal(w.len, file_information_fixed_size(FileIdInformation));
	r = payload_read(&w);
	assert_true(file_id_info_decode(&r, &out));
	assert_memory_equal(&in, &out, sizeof(in));
}

/* What smb2.getinfo.qfile_buffercheck and qfs_buffercheck ask of a server. */
static void fixed_sizes(void **state)
{
	static const struct {
		uint8_t class;
		size_t size;
	} file[] =
		{
			{FileBasicInformation, 40},       {FileStandardInformation, 24},
			{FileInternalInformation, 8},     {FileEaInformation, 4},
			{FileAccessInformation, 4},       {FilePositionInformation, 8},
			{FileModeInformation, 4},         {FileAlignmentInformation, 4},
			{FileAllInformation, 104},        {FileAlternateNameInformation, 8},
			{FileStreamInformation, 32},      {FileCompressionInformation, 16},
			{FileNetworkOpenInformation, 56}, {FileAttributeTagInformation, 8},
			{FileFullEaInformation, 8},       {FilePipeLocalInformation, 40},
			{FilePipeRemoteInformation, 16},  {FileIdInformation, 24},
			{FileRenameInformation, 0},       {255, 0},
		},
	  fs[] = {
		  {FileFsVolumeInformation, 24},   {FileFsSizeInformation, 24},
		  {FileFsDeviceInformation, 8},    {FileFsAttributeInformation, 16},
		  {FileFsControlInformation, 48},  {FileFsFullSizeInformation, 32},
		  {FileFsObjectIdInformation, 64}, {FileFsSectorSizeInformation, 28},
		  {FileFsLabelInformation, 0},     {255, 0},
	  };

	for (size_t i = 0; i < sizeof(file) / sizeof(file[0]); i++)
		assert_int_equal(file_information_fixed_size(file[i].class), file[i].size);
	for (size_t i = 0; i < sizeof(fs) / sizeof(fs[0]); i++)
		assert_int_equal(fs_information_fixed_size(fs[i].class), fs[i].size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(basic),
		cmocka_unit_test(standard),
		cmocka_unit_test(all),
		cmocka_unit_test(network_open),
		cmocka_unit_test(attribute_tag_and_compression),
		cmocka_unit_test(one_integer_classes),
		cmocka_unit_test(integers_are_little_endian),
		cmocka_unit_test(names),
		cmocka_unit_test(renames),
		cmocka_unit_test(short_renames_are_padded_to_the_structure),
		cmocka_unit_test(streams),
		cmocka_unit_test(pipes),
		cmocka_unit_test(file_id),
		cmocka_unit_test(fixed_sizes),
	};

	return cmocka_run_group_tests(tests, captures_load, captures_free);
}
