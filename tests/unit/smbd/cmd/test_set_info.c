/* SPDX-License-Identifier: Apache-2.0 */
/* SET_INFO, [MS-SMB2] 3.3.5.21 and [MS-FSA] 2.1.5.15: each class malformed, not allowed, and done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "smbd/wire/dtyp.h"
#include "smbd/wire/nttime.h"
#include "smbd/wire/utf16.h"
#include "tests/fake/files.h"

#define ALL FILE_ALL_ACCESS

static struct world *world;
static struct peer peer;

static int setup(void **state)
{
	world = world_create(NULL);
	peer_start(world, &peer, SMB2_DIALECT_311);
	return 0;
}

static int teardown(void **state)
{
	peer_close(&peer);
	world_destroy(world);
	return 0;
}

static bool is_there(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/data/%s", world_directory(world), name);
	return access(path, F_OK) == 0;
}

static struct smb2_file_id make(const char *name)
{
	return file_open(&peer, name, ALL, FILE_OVERWRITE_IF, 0);
}

static void remove_it(const char *name)
{
	assert_status(file_try(&peer, name, DELETE, FILE_OPEN, FILE_DELETE_ON_CLOSE),
		      STATUS_SUCCESS);
	assert_false(is_there(name));
}

static struct nt_status set(struct smb2_file_id id, uint8_t class, const void *data, size_t len)
{
	return file_set(&peer, id, SMB2_0_INFO_FILE, class, data, len);
}

static struct nt_status set_u64(struct smb2_file_id id, uint8_t class, uint64_t v)
{
	return set(id, class, &v, 8);
}

static struct nt_status set_basic(struct smb2_file_id id, const struct file_basic_info *info)
{
	uint8_t bytes[64];
	struct wr w = wr_init(bytes, sizeof(bytes));

	file_basic_info_encode(&w, info);
	return set(id, FileBasicInformation, bytes, w.len);
}

static struct file_basic_info basic_of(struct smb2_file_id id)
{
	struct file_basic_info info;
	struct wire_blob data;
	struct rd r;

	assert_status(file_query(&peer, id, SMB2_0_INFO_FILE, FileBasicInformation, 40, &data),
		      STATUS_SUCCESS);
	r = wire_blob_rd(data);
	assert_true(file_basic_info_decode(&r, &info));
	return info;
}

static uint64_t size_of(struct smb2_file_id id)
{
	struct file_standard_info info;
	struct wire_blob data;
	struct rd r;

	assert_status(file_query(&peer, id, SMB2_0_INFO_FILE, FileStandardInformation, 24, &data),
		      STATUS_SUCCESS);
	r = wire_blob_rd(data);
	assert_true(file_standard_info_decode(&r, &info));
	return info.end_of_file;
}

/* ---- every class: too short, and without the access that it asks for ---- */

static const struct {
	uint8_t class;
	uint8_t bytes; /* of its structure */
	uint32_t need; /* 0: nothing */
} classes[] = {
	{FileBasicInformation, 40, FILE_WRITE_ATTRIBUTES},
	{FileEndOfFileInformation, 8, FILE_WRITE_DATA},
	{FileAllocationInformation, 8, FILE_WRITE_DATA},
	{FileDispositionInformation, 1, DELETE},
	{FileDispositionInformationEx, 4, DELETE},
	{FileRenameInformation, 24, DELETE},
	{FileRenameInformationEx, 24, DELETE},
	{FilePositionInformation, 8, 0},
	{FileModeInformation, 4, 0},
};

static void test_too_short(void **state)
{
	static const uint8_t zeros[40];
	struct smb2_file_id id = make("f");

	for (unsigned i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		/* of a rename, the fixed part is 20 bytes */
		uint8_t least = classes[i].bytes == 24 ? 20 : classes[i].bytes;

		for (uint8_t len = 0; len < least; len++)
			assert_status(set(id, classes[i].class, zeros, len),
				      STATUS_INFO_LENGTH_MISMATCH);
	}
	file_close_ok(&peer, id);
	remove_it("f");
}

static void test_access(void **state)
{
	/* a rename to "x" */
	static const uint8_t name[24] = {[16] = 2, [20] = 'x'};
	static const uint8_t zeros[40];
	struct smb2_file_id id;

	file_close_ok(&peer, make("f"));
	for (unsigned i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		const uint8_t *bytes = classes[i].bytes == 24 ? name : zeros;
		struct nt_status status;

		id = file_open(&peer, "f", ALL & ~classes[i].need, FILE_OPEN, 0);
		status = set(id, classes[i].class, bytes, classes[i].bytes);
		file_close_ok(&peer, id);
		if (classes[i].need)
			assert_status(status, STATUS_ACCESS_DENIED);
		else
			assert_status(status, STATUS_SUCCESS);
	}
	assert_true(is_there("f"));
	assert_false(is_there("x"));
	remove_it("f");
}

static void test_unknown(void **state)
{
	static const uint8_t zeros[40];
	struct smb2_file_id id = make("f");

	assert_status(set(id, 0, zeros, 40), STATUS_INVALID_INFO_CLASS);
	assert_status(set(id, FileStandardInformation, zeros, 40), STATUS_INVALID_INFO_CLASS);
	assert_status(set(id, 255, zeros, 40), STATUS_INVALID_INFO_CLASS);
	assert_status(file_set(&peer, id, 0, 4, zeros, 40), STATUS_INVALID_PARAMETER);
	assert_status(file_set(&peer, id, 5, 4, zeros, 40), STATUS_INVALID_PARAMETER);
	file_close_ok(&peer, id);
	remove_it("f");
}

/* The buffer must be wholly in the message. */
static void test_buffer_outside(void **state)
{
	static struct msg msg;
	static struct reply reply;
	struct smb2_file_id id = make("f");
	const uint64_t size = 5;
	const struct smb2_set_info_request in = {.info_type = SMB2_0_INFO_FILE,
						 .file_info_class = FileEndOfFileInformation,
						 .buffer = WIRE_BLOB(&size, 8),
						 .file_id = id};

	for (unsigned i = 0; i < 3; i++) {
		msg_begin(&peer, &msg, SMB2_SET_INFO);
		smb2_set_info_request_encode(&msg.w, &in);
		if (i == 0)
			msg_set_u32(&msg, 64 + 4, 9); /* BufferLength */
		else if (i == 1)
			msg_set_u16(&msg, 64 + 8, 97); /* BufferOffset */
		else
			msg_set_u16(&msg, 64 + 8, 64);
		assert_status(peer_call(&peer, &msg, &reply), STATUS_INVALID_PARAMETER);
	}
	assert_int_equal(size_of(id), 0);
	file_close_ok(&peer, id);
	remove_it("f");
}

/* ---- times and attributes ---- */

static void test_basic(void **state)
{
	const uint64_t then = 132000000000000000ull;
	struct smb2_file_id id = make("f"), dir;
	struct file_basic_info info = {.last_write_time = then, .creation_time = then - 10000000};
	uint32_t n;

	assert_status(set_basic(id, &info), STATUS_SUCCESS);
	info = basic_of(id);
	assert_int_equal(info.last_write_time, then);
	assert_int_equal(info.creation_time, then - 10000000);
	/* a time that was set is held against this open's own writes */
	assert_status(file_write(&peer, id, 0, "x", 1, &n), STATUS_SUCCESS);
	assert_int_equal(basic_of(id).last_write_time, then);

	info = (struct file_basic_info){.file_attributes =
						FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_READONLY};
	assert_status(set_basic(id, &info), STATUS_SUCCESS);
	assert_int_equal(basic_of(id).file_attributes,
			 FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_READONLY);
	info.file_attributes = FILE_ATTRIBUTE_NORMAL;
	assert_status(set_basic(id, &info), STATUS_SUCCESS);
	assert_int_equal(basic_of(id).file_attributes, FILE_ATTRIBUTE_NORMAL);

	info = (struct file_basic_info){.last_write_time = (uint64_t)INT64_MIN};
	assert_status(set_basic(id, &info), STATUS_INVALID_PARAMETER);
	info = (struct file_basic_info){.file_attributes = FILE_ATTRIBUTE_DIRECTORY};
	assert_status(set_basic(id, &info), STATUS_INVALID_PARAMETER);
	dir = file_open(&peer, "d", ALL, FILE_CREATE, FILE_DIRECTORY_FILE | FILE_DELETE_ON_CLOSE);
	info.file_attributes = FILE_ATTRIBUTE_TEMPORARY;
	assert_status(set_basic(dir, &info), STATUS_INVALID_PARAMETER);
	file_close_ok(&peer, dir);
	file_close_ok(&peer, id);
	remove_it("f");
}

/* ---- sizes ---- */

static void test_sizes(void **state)
{
	struct smb2_file_id id = make("f"), dir;

	assert_status(set_u64(id, FileEndOfFileInformation, 100000), STATUS_SUCCESS);
	assert_int_equal(size_of(id), 100000);
	assert_status(set_u64(id, FileEndOfFileInformation, 7), STATUS_SUCCESS);
	assert_int_equal(size_of(id), 7);
	/* 2.1.5.15.4: beyond the largest file, or negative */
	assert_status(set_u64(id, FileEndOfFileInformation, 0xfffffff0001ull),
		      STATUS_INVALID_PARAMETER);
	assert_status(set_u64(id, FileEndOfFileInformation, UINT64_MAX), STATUS_INVALID_PARAMETER);
	assert_status(set_u64(id, FileAllocationInformation, UINT64_MAX), STATUS_INVALID_PARAMETER);
	/* 2.1.5.15.1: a larger allocation leaves the end, a smaller one takes it along */
	assert_status(set_u64(id, FileAllocationInformation, 65536), STATUS_SUCCESS);
	assert_int_equal(size_of(id), 7);
	assert_status(set_u64(id, FileAllocationInformation, 0), STATUS_SUCCESS);
	assert_int_equal(size_of(id), 0);
	dir = file_open(&peer, "d", ALL, FILE_CREATE, FILE_DIRECTORY_FILE | FILE_DELETE_ON_CLOSE);
	assert_status(set_u64(dir, FileEndOfFileInformation, 0), STATUS_INVALID_PARAMETER);
	file_close_ok(&peer, dir);
	file_close_ok(&peer, id);
	remove_it("f");
}

/* ---- deletion ---- */

static void test_disposition(void **state)
{
	const uint32_t delete_ex = FILE_DISPOSITION_DELETE, posix = 3;
	struct smb2_file_id id = make("f"), other, dir;
	struct file_basic_info info = {.file_attributes = FILE_ATTRIBUTE_READONLY};

	other = file_open(&peer, "f", FILE_READ_DATA, FILE_OPEN, 0);
	assert_status(set(id, FileDispositionInformation, "\1", 1), STATUS_SUCCESS);
	assert_status(file_try(&peer, "f", FILE_READ_DATA, FILE_OPEN, 0), STATUS_DELETE_PENDING);
	assert_status(set(id, FileDispositionInformation, "\0", 1), STATUS_SUCCESS);
	assert_status(file_try(&peer, "f", FILE_READ_DATA, FILE_OPEN, 0), STATUS_SUCCESS);
	assert_status(set_basic(id, &info), STATUS_SUCCESS);
	assert_status(set(id, FileDispositionInformation, "\1", 1), STATUS_CANNOT_DELETE);
	info.file_attributes = FILE_ATTRIBUTE_NORMAL;
	assert_status(set_basic(id, &info), STATUS_SUCCESS);
	assert_status(set(id, FileDispositionInformationEx, &posix, 4), STATUS_NOT_SUPPORTED);
	assert_status(set(id, FileDispositionInformationEx, &delete_ex, 4), STATUS_SUCCESS);
	file_close_ok(&peer, id);
	assert_true(is_there("f")); /* the other open has it yet */
	file_close_ok(&peer, other);
	assert_false(is_there("f"));

	dir = file_open(&peer, "d", ALL, FILE_CREATE, FILE_DIRECTORY_FILE);
	file_close_ok(&peer, make("d\\f"));
	assert_status(set(dir, FileDispositionInformation, "\1", 1), STATUS_DIRECTORY_NOT_EMPTY);
	remove_it("d\\f");
	assert_status(set(dir, FileDispositionInformation, "\1", 1), STATUS_SUCCESS);
	file_close_ok(&peer, dir);
	assert_false(is_there("d"));
}

/* ---- names ---- */

static struct nt_status set_name(struct smb2_file_id id, uint8_t class, const char *name,
				 uint32_t flags, uint64_t root)
{
	bool ex = class == FileRenameInformationEx || class == FileLinkInformationEx;
	uint8_t wire[512], bytes[600];
	struct wr w = wr_init(bytes, sizeof(bytes));
	const struct file_rename_info info = {
		.flags = flags,
		.root_directory = root,
		.file_name = WIRE_BLOB(
			wire, (size_t)utf8_to_utf16(name, strlen(name), wire, sizeof(wire)))};

	file_rename_info_encode(&w, ex, &info);
	return set(id, class, bytes, w.len);
}

static void test_rename(void **state)
{
	const uint8_t class = FileRenameInformation;
	struct smb2_file_id id = make("a"), target;

	file_close_ok(&peer, make("b"));
	assert_status(set_name(id, class, "b", 0, 0), STATUS_OBJECT_NAME_COLLISION);
	assert_status(set_name(id, class, "x", 0, 1), STATUS_INVALID_PARAMETER);
	assert_status(set_name(id, class, "", 0, 0), STATUS_INVALID_PARAMETER);
	assert_status(set_name(id, class, "\\x", 0, 0), STATUS_INVALID_PARAMETER);
	assert_status(set_name(id, class, "..\\x", 0, 0), STATUS_OBJECT_PATH_SYNTAX_BAD);
	assert_status(set_name(id, class, "x\\", 0, 0), STATUS_OBJECT_NAME_INVALID);
	assert_status(set_name(id, class, "no\\x", 0, 0), STATUS_OBJECT_PATH_NOT_FOUND);
	assert_status(set_name(id, class, "x*", 0, 0), STATUS_OBJECT_NAME_INVALID);
	assert_status(set_name(id, FileRenameInformationEx, "x", FILE_RENAME_POSIX_SEMANTICS, 0),
		      STATUS_NOT_SUPPORTED);
	/* who has the target open keeps it */
	target = file_open(&peer, "b", FILE_READ_DATA, FILE_OPEN, 0);
	assert_status(set_name(id, class, "b", 1, 0), STATUS_ACCESS_DENIED);
	file_close_ok(&peer, target);
	assert_status(set_name(id, class, "b", 1, 0), STATUS_SUCCESS);
	assert_false(is_there("a"));
	assert_true(is_there("b"));
	/* only its case */
	assert_status(set_name(id, class, "B", 0, 0), STATUS_SUCCESS);
	assert_true(is_there("B"));
	assert_false(is_there("b"));
	file_close_ok(&peer, id);
	remove_it("B");
}

/* What is open below a directory keeps it where it is; a directory is never replaced. */
static void test_rename_directory(void **state)
{
	const uint8_t class = FileRenameInformation;
	struct smb2_file_id dir = file_open(&peer, "d", ALL, FILE_CREATE, FILE_DIRECTORY_FILE);
	struct smb2_file_id inside = make("d\\f");

	assert_status(set_name(dir, class, "e", 0, 0), STATUS_ACCESS_DENIED);
	file_close_ok(&peer, inside);
	assert_status(set_name(dir, class, "d\\f\\g", 0, 0), STATUS_OBJECT_PATH_NOT_FOUND);
	assert_status(set_name(dir, class, "e", 0, 0), STATUS_SUCCESS);
	assert_true(is_there("e/f"));
	inside = make("plain");
	assert_status(set_name(inside, class, "e", 1, 0), STATUS_ACCESS_DENIED);
	file_close_ok(&peer, inside);
	remove_it("plain");
	remove_it("e\\f");
	file_close_ok(&peer, dir);
	remove_it("e");
}

static void test_link(void **state)
{
	const uint8_t class = FileLinkInformation;
	struct smb2_file_id id = make("a"), target, dir;

	file_close_ok(&peer, make("b"));
	assert_status(set_name(id, class, "b", 0, 0), STATUS_OBJECT_NAME_COLLISION);
	target = file_open(&peer, "b", FILE_READ_DATA, FILE_OPEN, 0);
	assert_status(set_name(id, class, "b", 1, 0), STATUS_ACCESS_DENIED);
	file_close_ok(&peer, target);
	assert_status(set_name(id, class, "b", 1, 0), STATUS_SUCCESS);
	assert_status(set_name(id, class, "c", 0, 0), STATUS_SUCCESS);
	assert_true(is_there("a") && is_there("b") && is_there("c"));
	file_close_ok(&peer, id);
	dir = file_open(&peer, "d", ALL, FILE_CREATE, FILE_DIRECTORY_FILE | FILE_DELETE_ON_CLOSE);
	assert_status(set_name(dir, class, "e", 0, 0), STATUS_FILE_IS_A_DIRECTORY);
	file_close_ok(&peer, dir);
	remove_it("a");
	remove_it("b");
	remove_it("c");
}

/* ---- what is only kept ---- */

static void test_kept(void **state)
{
	const uint32_t both = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;
	const uint32_t mode = FILE_SEQUENTIAL_ONLY, wrong = FILE_DIRECTORY_FILE;
	struct smb2_file_id id = make("f");
	struct wire_blob data;
	uint64_t position = 0;
	uint32_t n = 0;
	struct rd r;

	assert_status(set_u64(id, FilePositionInformation, 77), STATUS_SUCCESS);
	assert_status(set_u64(id, FilePositionInformation, UINT64_MAX), STATUS_INVALID_PARAMETER);
	assert_status(file_query(&peer, id, SMB2_0_INFO_FILE, FilePositionInformation, 8, &data),
		      STATUS_SUCCESS);
	r = wire_blob_rd(data);
	assert_true(file_info_u64_decode(&r, &position));
	assert_int_equal(position, 77);
	assert_status(set(id, FileModeInformation, &mode, 4), STATUS_SUCCESS);
	assert_status(set(id, FileModeInformation, &wrong, 4), STATUS_INVALID_PARAMETER);
	assert_status(set(id, FileModeInformation, &both, 4), STATUS_INVALID_PARAMETER);
	assert_status(file_query(&peer, id, SMB2_0_INFO_FILE, FileModeInformation, 4, &data),
		      STATUS_SUCCESS);
	r = wire_blob_rd(data);
	assert_true(file_info_u32_decode(&r, &n));
	assert_int_equal(n, mode);
	file_close_ok(&peer, id);
	remove_it("f");
}

/* ---- descriptors ---- */

/* [MS-SMB2] 3.3.5.21.3: a request for no part of the descriptor needs no right, and so it must not
 * even have the server store what the file's permissions amount to. Others are kept out of this
 * file's group; a descriptor of it lets them in. */
static void test_no_part_of_descriptor(void **state)
{
	static const struct security_descriptor sd = {.control = SECURITY_DESCRIPTOR_SR};
	uint8_t bytes[64];
	struct wr w = wr_init(bytes, sizeof(bytes));
	char path[512];
	struct stat st;
	struct smb2_file_id id;

	file_close_ok(&peer, make("f"));
	snprintf(path, sizeof(path), "%s/data/f", world_directory(world));
	assert_int_equal(chmod(path, 0604), 0);
	id = file_open(&peer, "f", FILE_READ_ATTRIBUTES, FILE_OPEN, 0);
	security_descriptor_encode(&w, &sd);
	assert_status(file_set_security(&peer, id, DACL_SECURITY_INFORMATION, bytes, w.len),
		      STATUS_ACCESS_DENIED);
	assert_status(file_set_security(&peer, id, 0, bytes, w.len), STATUS_SUCCESS);
	assert_status(file_set_security(&peer, id, LABEL_SECURITY_INFORMATION, bytes, w.len),
		      STATUS_SUCCESS);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0604);
	assert_true(getxattr(path, "security.NTACL", NULL, 0) < 0);
	assert_true(getxattr(path, "user.NTACL", NULL, 0) < 0);
	file_close_ok(&peer, id);
	remove_it("f");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_too_short),
		cmocka_unit_test(test_access),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_buffer_outside),
		cmocka_unit_test(test_basic),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_disposition),
		cmocka_unit_test(test_rename),
		cmocka_unit_test(test_rename_directory),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_no_part_of_descriptor),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
