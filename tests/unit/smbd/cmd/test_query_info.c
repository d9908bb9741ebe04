/* SPDX-License-Identifier: Apache-2.0 */
/* QUERY_INFO, [MS-SMB2] 3.3.5.20: every class with a buffer that is right, one byte too small, too
 * small for the name, and none; and the access that each asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "smbd/wire/dtyp.h"
#include "smbd/wire/error.h"
#include "smbd/wire/fscc/fs_info.h"
#include "smbd/wire/utf16.h"
#include "tests/fake/files.h"

#define ROOM 4096u

static struct world *world;
static struct peer peer, old;
static struct smb2_file_id file, looks;

static int setup(void **state)
{
	uint32_t n;

	world = world_create(NULL);
	peer_start(world, &peer, SMB2_DIALECT_311);
	peer_start(world, &old, SMB2_DIALECT_302);
	file = file_open(&peer, "a name.text", FILE_ALL_ACCESS, FILE_CREATE,
			 FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY);
	assert_status(file_write(&peer, file, 0, "0123456789", 10, &n), STATUS_SUCCESS);
	looks = file_open(&peer, "a name.text", SYNCHRONIZE, FILE_OPEN, 0);
	return 0;
}

static int teardown(void **state)
{
	file_close_ok(&peer, looks);
	file_close_ok(&peer, file);
	peer_close(&old);
	peer_close(&peer);
	world_destroy(world);
	return 0;
}

static struct nt_status ask(uint8_t class, uint32_t room, struct wire_blob *data)
{
	return file_query(&peer, file, SMB2_0_INFO_FILE, class, room, data);
}

static struct rd answer(uint8_t class)
{
	struct wire_blob data;

	assert_status(ask(class, ROOM, &data), STATUS_SUCCESS);
	return wire_blob_rd(data);
}

/* ---- buffers ---- */

static const struct {
	uint8_t class;
	size_t fixed; /* less is INFO_LENGTH_MISMATCH, [MS-FSA] 2.1.5.12 */
	size_t whole; /* less is BUFFER_OVERFLOW with what fits */
} file_classes[] = {
	{FileBasicInformation, 40, 40},
	{FileStandardInformation, 24, 24},
	{FileInternalInformation, 8, 8},
	{FileEaInformation, 4, 4},
	{FileAccessInformation, 4, 4},
	{FilePositionInformation, 8, 8},
	{FileModeInformation, 4, 4},
	{FileAlignmentInformation, 4, 4},
	{FileAllInformation, 104, 100 + 2 * 12},
	{FileNormalizedNameInformation, 8, 4 + 2 * 11},
	{FileStreamInformation, 32, 24 + 2 * 7},
	{FileCompressionInformation, 16, 16},
	{FileNetworkOpenInformation, 56, 56},
	{FileAttributeTagInformation, 8, 8},
	{FileIdInformation, 24, 24},
};

static void check_buffers(uint8_t type, uint8_t class, size_t fixed, size_t whole)
{
	uint8_t all[512];
	struct wire_blob data;

	assert_status(file_query(&peer, file, type, class, ROOM, &data), STATUS_SUCCESS);
	if (data.len != whole)
		fail_msg("type %u class %u: %zu bytes", type, class, data.len);
	memcpy(all, data.data, whole);
	assert_status(file_query(&peer, file, type, class, (uint32_t)whole, &data), STATUS_SUCCESS);
	assert_int_equal(data.len, whole);
	assert_status(file_query(&peer, file, type, class, (uint32_t)fixed - 1, &data),
		      STATUS_INFO_LENGTH_MISMATCH);
	assert_status(file_query(&peer, file, type, class, 0, &data), STATUS_INFO_LENGTH_MISMATCH);
	if (whole == fixed)
		return;
	for (size_t room = fixed; room < whole; room++) {
		assert_status(file_query(&peer, file, type, class, (uint32_t)room, &data),
			      STATUS_BUFFER_OVERFLOW);
		assert_int_equal(data.len, room);
		assert_memory_equal(data.data, all, room); /* lengths in it are the whole's */
	}
}

static void test_file_buffers(void **state)
{
	for (unsigned i = 0; i < sizeof(file_classes) / sizeof(file_classes[0]); i++)
		check_buffers(SMB2_0_INFO_FILE, file_classes[i].class, file_classes[i].fixed,
			      file_classes[i].whole);
}

static void test_fs_buffers(void **state)
{
	const uint8_t type = SMB2_0_INFO_FILESYSTEM;

	check_buffers(type, FileFsVolumeInformation, 24, 18 + 2 * strlen("share"));
	check_buffers(type, FileFsSizeInformation, 24, 24);
	check_buffers(type, FileFsDeviceInformation, 8, 8);
	check_buffers(type, FileFsAttributeInformation, 16, 12 + 2 * strlen("NTFS"));
	check_buffers(type, FileFsControlInformation, 48, 48);
	check_buffers(type, FileFsFullSizeInformation, 32, 32);
	check_buffers(type, FileFsObjectIdInformation, 64, 64);
	check_buffers(type, FileFsSectorSizeInformation, 28, 28);
}

static void test_unknown(void **state)
{
	struct wire_blob data;

	assert_status(ask(0, ROOM, &data), STATUS_INVALID_INFO_CLASS);
	assert_status(ask(FileRenameInformation, ROOM, &data), STATUS_INVALID_INFO_CLASS);
	assert_status(ask(255, ROOM, &data), STATUS_INVALID_INFO_CLASS);
	assert_status(ask(FileNameInformation, ROOM, &data), STATUS_NOT_SUPPORTED);
	assert_status(ask(FileBasicInformation, (1 << 20) + 1, &data), STATUS_INVALID_PARAMETER);
	assert_status(file_query(&peer, file, SMB2_0_INFO_FILESYSTEM, 99, ROOM, &data),
		      STATUS_INVALID_INFO_CLASS);
	assert_status(file_query(&peer, file, 0, 4, ROOM, &data), STATUS_INVALID_PARAMETER);
	assert_status(file_query(&peer, file, 5, 4, ROOM, &data), STATUS_INVALID_PARAMETER);
}

/* ---- access, [MS-FSA] 2.1.5.12 ---- */

static void test_access(void **state)
{
	for (unsigned i = 0; i < sizeof(file_classes) / sizeof(file_classes[0]); i++) {
		uint8_t class = file_classes[i].class;
		bool attributes = class == FileBasicInformation || class == FileAllInformation ||
				  class == FileNetworkOpenInformation ||
				  class == FileAttributeTagInformation;
		struct wire_blob data;
		struct nt_status status =
			file_query(&peer, looks, SMB2_0_INFO_FILE, class, ROOM, &data);

		if (attributes)
			assert_status(status, STATUS_ACCESS_DENIED);
		else
			assert_status(status, STATUS_SUCCESS);
	}
}

/* ---- what the answers say ---- */

static void test_values(void **state)
{
	struct file_standard_info standard;
	struct file_basic_info basic;
	struct file_all_info all;
	struct file_id_info id;
	uint64_t index, position;
	uint32_t mode, access;
	struct stat st;
	char name[64], path[256];
	struct rd r;

	snprintf(path, sizeof(path), "%s/data/a name.text", world_directory(world));
	assert_int_equal(stat(path, &st), 0);
	r = answer(FileBasicInformation);
	assert_true(file_basic_info_decode(&r, &basic));
	assert_int_equal(basic.file_attributes, FILE_ATTRIBUTE_ARCHIVE);
	/* seconds since 1601 */
	assert_int_equal(basic.last_write_time / 10000000, (uint64_t)st.st_mtime + 11644473600ull);
	r = answer(FileStandardInformation);
	assert_true(file_standard_info_decode(&r, &standard));
	assert_int_equal(standard.end_of_file, 10);
	assert_int_equal(standard.number_of_links, 1);
	assert_false(standard.delete_pending);
	assert_false(standard.directory);
	r = answer(FileInternalInformation);
	assert_true(file_info_u64_decode(&r, &index));
	assert_int_equal(index, st.st_ino);
	r = answer(FileIdInformation);
	assert_true(file_id_info_decode(&r, &id));
	assert_memory_equal(id.file_id, &index, 8);
	r = answer(FilePositionInformation);
	assert_true(file_info_u64_decode(&r, &position));
	assert_int_equal(position, 10);
	r = answer(FileModeInformation);
	assert_true(file_info_u32_decode(&r, &mode));
	assert_int_equal(mode, FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY);
	r = answer(FileAccessInformation);
	assert_true(file_info_u32_decode(&r, &access));
	assert_int_equal(access, FILE_ALL_ACCESS);
	r = answer(FileAllInformation);
	assert_true(file_all_info_decode(&r, &all));
	assert_true(utf16_to_utf8(all.file_name, name, sizeof(name)) > 0);
	assert_string_equal(name, "\\a name.text");
	assert_int_equal(all.standard.end_of_file, 10);
	assert_int_equal(all.access_flags, FILE_ALL_ACCESS);
}

static void test_delete_pending(void **state)
{
	struct file_standard_info standard;
	struct rd r;

	assert_status(file_set(&peer, file, SMB2_0_INFO_FILE, FileDispositionInformation, "\1", 1),
		      STATUS_SUCCESS);
	r = answer(FileStandardInformation);
	assert_true(file_standard_info_decode(&r, &standard));
	assert_true(standard.delete_pending);
	assert_int_equal(standard.number_of_links, 0);
	assert_status(file_set(&peer, file, SMB2_0_INFO_FILE, FileDispositionInformation, "\0", 1),
		      STATUS_SUCCESS);
}

static void test_directory(void **state)
{
	struct smb2_file_id root = file_open(&peer, "", FILE_GENERIC_READ, FILE_OPEN, 0);
	struct file_all_info all;
	struct wire_blob data;
	struct rd r;

	assert_status(file_query(&peer, root, SMB2_0_INFO_FILE, FileAllInformation, ROOM, &data),
		      STATUS_SUCCESS);
	r = wire_blob_rd(data);
	assert_true(file_all_info_decode(&r, &all));
	assert_true(all.standard.directory);
	assert_int_equal(all.standard.end_of_file, 0);
	assert_int_equal(all.file_name.len, 2);
	assert_memory_equal(all.file_name.data, "\\", 2);
	/* a directory has no streams */
	assert_status(file_query(&peer, root, SMB2_0_INFO_FILE, FileStreamInformation, ROOM, &data),
		      STATUS_SUCCESS);
	assert_int_equal(data.len, 0);
	file_close_ok(&peer, root);
}

/* 3.3.5.20.1: of 3.1.1 only */
static void test_normalized_name_of_old(void **state)
{
	struct smb2_file_id id = file_open(&old, "a name.text", FILE_GENERIC_READ, FILE_OPEN, 0);
	struct wire_blob data;

	assert_status(
		file_query(&old, id, SMB2_0_INFO_FILE, FileNormalizedNameInformation, ROOM, &data),
		STATUS_NOT_SUPPORTED);
	file_close_ok(&old, id);
}

/* ---- security, 3.3.5.20.3 ---- */

static uint32_t needed(struct nt_status status)
{
	struct wire_blob error;
	uint32_t bytes = 0;
	struct rd r;

	assert_status(status, STATUS_BUFFER_TOO_SMALL);
	error = file_error_data();
	r = wire_blob_rd(error);
	assert_true(smb2_buffer_too_small_decode(&r, &bytes));
	return bytes;
}

static void test_security(void **state)
{
	const uint32_t what =
		OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
	struct smb2_file_id old_file =
		file_open(&old, "a name.text", FILE_GENERIC_READ, FILE_OPEN, 0);
	struct security_descriptor sd;
	struct wire_blob data;
	struct rd r;
	size_t len;

	assert_status(file_query_security(&peer, file, what, ROOM, &data), STATUS_SUCCESS);
	len = data.len;
	r = wire_blob_rd(data);
	assert_true(security_descriptor_decode(&r, &sd));
	assert_true(sd.has_owner && sd.has_group && sd.has_dacl);
	assert_int_equal(sd.owner.sub_authority[0], 1); /* S-1-22-1-uid */
	assert_int_equal(sd.owner.sub_authority[1], getuid());
	/* all or nothing, with the length that it takes: plain, and in 3.1.1's context */
	assert_int_equal(needed(file_query_security(&peer, file, what, 0, &data)), len);
	assert_int_equal(needed(file_query_security(&peer, file, what, (uint32_t)len - 1, &data)),
			 len);
	assert_int_equal(needed(file_query_security(&old, old_file, what, 0, &data)), len);
	assert_status(file_query_security(&peer, file, what, (uint32_t)len, &data), STATUS_SUCCESS);
	assert_status(file_query_security(&peer, looks, what, ROOM, &data), STATUS_ACCESS_DENIED);
	assert_status(file_query_security(&peer, file, SACL_SECURITY_INFORMATION, ROOM, &data),
		      STATUS_ACCESS_DENIED);
	file_close_ok(&old, old_file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file_buffers), cmocka_unit_test(test_fs_buffers),
		cmocka_unit_test(test_unknown),      cmocka_unit_test(test_access),
		cmocka_unit_test(test_values),       cmocka_unit_test(test_delete_pending),
		cmocka_unit_test(test_directory),    cmocka_unit_test(test_normalized_name_of_old),
		cmocka_unit_test(test_security),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
