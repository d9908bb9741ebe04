/* SPDX-License-Identifier: Apache-2.0 */
/* QUERY_DIRECTORY, [MS-SMB2] 3.3.5.18 and [MS-FSA] 2.1.5.6: classes, flags, small buffers, and
 * directories that are large or change meanwhile. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "smbd/wire/fscc/dir_info.h"
#include "smbd/wire/utf16.h"
#include "tests/fake/files.h"

#define LARGE 10000

static const uint8_t classes[] = {
	FileDirectoryInformation,          FileFullDirectoryInformation,
	FileBothDirectoryInformation,      FileNamesInformation,
	FileIdBothDirectoryInformation,    FileIdFullDirectoryInformation,
	FileIdExtdDirectoryInformation,    FileIdExtdBothDirectoryInformation,
	FileId64ExtdDirectoryInformation,  FileId64ExtdBothDirectoryInformation,
	FileIdAllExtdDirectoryInformation, FileIdAllExtdBothDirectoryInformation,
};

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

static const char *on_disk(const char *format, unsigned i)
{
	static char path[512];
	int n = snprintf(path, sizeof(path), "%s/data/", world_directory(world));

	snprintf(path + n, sizeof(path) - (size_t)n, "%s/f%05u", format, i);
	return path;
}

static struct smb2_file_id make(const char *dir, unsigned count)
{
	struct smb2_file_id id = file_open(&peer, dir, FILE_GENERIC_READ | DELETE, FILE_CREATE,
					   FILE_DIRECTORY_FILE | FILE_DELETE_ON_CLOSE);

	for (unsigned i = 0; i < count; i++)
		close(open(on_disk(dir, i), O_CREAT | O_WRONLY, 0644));
	return id;
}

static void end(const char *dir, struct smb2_file_id id, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		unlink(on_disk(dir, i));
	file_close_ok(&peer, id);
}

/* How many entries; each file that is listed is counted in seen. */
static unsigned take(struct wire_blob data, uint8_t class, uint8_t *seen)
{
	struct rd r = wire_blob_rd(data);
	struct dir_info info;
	unsigned count = 0;
	char name[512];

	while (dir_info_next(&r, class, &info)) {
		assert_true(utf16_to_utf8(info.file_name, name, sizeof(name)) >= 0);
		if (seen && name[0] == 'f')
			seen[atoi(name + 1)]++;
		if (class != FileNamesInformation)
			assert_int_equal(!!(info.file_attributes & FILE_ATTRIBUTE_DIRECTORY),
					 name[0] == '.');
		count++;
	}
	assert_true(rd_ok(&r));
	return count;
}

static unsigned list_all(struct smb2_file_id id, uint8_t class, const char *pattern, uint32_t room,
			 uint8_t *seen)
{
	struct nt_status status;
	struct wire_blob data;
	unsigned count = 0;

	while (nt_success(status = file_list(&peer, id, class, 0, pattern, room, &data)))
		count += take(data, class, seen);
	assert_true(nt_equal(status, STATUS_NO_MORE_FILES) ||
		    (count == 0 && nt_equal(status, STATUS_NO_SUCH_FILE)));
	return count;
}

static void test_classes(void **state)
{
	struct smb2_file_id id = make("classes", 3);
	struct wire_blob data;

	for (unsigned i = 0; i < sizeof(classes); i++) {
		uint8_t seen[3] = {0};

		assert_status(file_list(&peer, id, classes[i], SMB2_REOPEN, "*", 4096, &data),
			      STATUS_SUCCESS);
		assert_int_equal(take(data, classes[i], seen), 5);
		assert_memory_equal(seen, "\1\1\1", 3);
		assert_status(file_list(&peer, id, classes[i], 0, "*", 4096, &data),
			      STATUS_NO_MORE_FILES);
		/* even the fixed part does not fit; then all but the name */
		assert_status(file_list(&peer, id, classes[i], SMB2_REOPEN, "*",
					(uint32_t)dir_info_fixed_size(classes[i]) - 1, &data),
			      STATUS_INFO_LENGTH_MISMATCH);
		assert_status(file_list(&peer, id, classes[i], SMB2_REOPEN, "f00001",
					(uint32_t)dir_info_fixed_size(classes[i]) + 11, &data),
			      STATUS_INFO_LENGTH_MISMATCH);
		assert_status(file_list(&peer, id, classes[i], SMB2_REOPEN, "f00001",
					(uint32_t)dir_info_fixed_size(classes[i]) + 12, &data),
			      STATUS_SUCCESS);
	}
	assert_status(file_list(&peer, id, FileBasicInformation, 0, "*", 4096, &data),
		      STATUS_INVALID_INFO_CLASS);
	assert_status(file_list(&peer, id, 0, 0, "*", 4096, &data), STATUS_INVALID_INFO_CLASS);
	end("classes", id, 3);
}

/* What does not fit comes first in the next answer: nothing twice, nothing left out. */
/* [MS-FSCC] 2.4.8: EaSize, as FileEaInformation has it of the file itself. */
static void test_ea_size(void **state)
{
	struct smb2_file_id id = make("eas", 2), file;
	unsigned with = 0, without = 0;
	struct wire_blob data;
	struct dir_info info;
	uint32_t bytes;
	struct rd r;

	if (setxattr(on_disk("eas", 0), "user.Author", "somebody", 8, 0) != 0 ||
	    setxattr(on_disk("eas", 0), "user.B", "x", 1, 0) != 0 ||
	    setxattr(on_disk("eas", 1), "user.DosStream.s:$DATA", "", 1, 0) != 0)
		skip(); /* no user attributes on this file system */
	file = file_open(&peer, "eas\\f00000", FILE_ALL_ACCESS, FILE_OPEN, 0);
	assert_status(file_query(&peer, file, SMB2_0_INFO_FILE, FileEaInformation, 4, &data),
		      STATUS_SUCCESS);
	r = wire_blob_rd(data);
	bytes = rd_u32(&r);
	assert_true(bytes > 8 + 8 + 6 + 8 + 1 + 1);
	file_close_ok(&peer, file);
	assert_status(file_list(&peer, id, FileFullDirectoryInformation, 0, "f*", 4096, &data),
		      STATUS_SUCCESS);
	r = wire_blob_rd(data);
	while (dir_info_next(&r, FileFullDirectoryInformation, &info)) {
		with += info.ea_size == bytes;
		without += info.ea_size == 0;
	}
	assert_int_equal(with, 1);
	assert_int_equal(without, 1);
	end("eas", id, 2);
}

static void test_tiny_buffers(void **state)
{
	struct smb2_file_id id = make("tiny", 40);

	for (uint32_t room = 24; room < 200; room += 13) {
		struct wire_blob data;
		uint8_t seen[40] = {0};
		unsigned count;

		assert_status(file_list(&peer, id, FileNamesInformation,
					SMB2_REOPEN | SMB2_RETURN_SINGLE_ENTRY, "*", room, &data),
			      STATUS_SUCCESS);
		count = take(data, FileNamesInformation, seen);
		assert_int_equal(count, 1);
		assert_int_equal(count + list_all(id, FileNamesInformation, "*", room, seen), 42);
		for (unsigned i = 0; i < 40; i++)
			assert_int_equal(seen[i], 1);
	}
	end("tiny", id, 40);
}

static void test_flags(void **state)
{
	const uint8_t class = FileIdBothDirectoryInformation;
	struct smb2_file_id id = make("flags", 3);
	struct wire_blob data;

	for (unsigned i = 0; i < 5; i++) {
		assert_status(
			file_list(&peer, id, class, SMB2_RETURN_SINGLE_ENTRY, "*", 4096, &data),
			STATUS_SUCCESS);
		assert_int_equal(take(data, class, NULL), 1);
	}
	assert_status(file_list(&peer, id, class, SMB2_RETURN_SINGLE_ENTRY, "*", 4096, &data),
		      STATUS_NO_MORE_FILES);
	/* RESTART_SCANS keeps the first pattern, REOPEN takes the new one: [MS-FSA] 2.1.5.6.3 */
	assert_status(file_list(&peer, id, class, SMB2_RESTART_SCANS, "f00001", 4096, &data),
		      STATUS_SUCCESS);
	assert_int_equal(take(data, class, NULL), 5);
	assert_status(file_list(&peer, id, class, SMB2_REOPEN, "f00001", 4096, &data),
		      STATUS_SUCCESS);
	assert_int_equal(take(data, class, NULL), 1);
	/* Windows does not resume by index: the flag changes nothing */
	assert_status(
		file_list(&peer, id, class, SMB2_REOPEN | SMB2_INDEX_SPECIFIED, "*", 4096, &data),
		STATUS_SUCCESS);
	assert_int_equal(take(data, class, NULL), 5);
	end("flags", id, 3);
}

static void test_patterns(void **state)
{
	static const struct {
		const char *pattern;
		unsigned count;
	} table[] = {{"*", 14},      {"f0000?", 10}, {"F00001", 1},  {"f0001*", 2}, {"*1", 2},
		     {"nothing", 0}, {"f>>>>>", 12}, {"f00001*", 1}, {"..", 1},     {"?", 1}};
	const uint8_t class = FileNamesInformation;
	struct smb2_file_id id = make("patterns", 12);
	struct wire_blob data;

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct nt_status status =
			file_list(&peer, id, class, SMB2_REOPEN, table[i].pattern, 4096, &data);
		unsigned count = nt_success(status) ? take(data, class, NULL) : 0;

		if (count != table[i].count)
			fail_msg("\"%s\" found %u, %s", table[i].pattern, count,
				 nt_status_name(status));
		if (count == 0)
			assert_status(status, STATUS_NO_SUCH_FILE);
	}
	end("patterns", id, 12);
}

static void test_refused(void **state)
{
	struct smb2_file_id file = file_open(&peer, "plain", FILE_GENERIC_READ | DELETE,
					     FILE_OPEN_IF, FILE_DELETE_ON_CLOSE);
	struct smb2_file_id dir = file_open(&peer, "", FILE_READ_ATTRIBUTES, FILE_OPEN, 0);
	struct wire_blob data;

	assert_status(file_list(&peer, file, FileNamesInformation, 0, "*", 4096, &data),
		      STATUS_INVALID_PARAMETER);
	assert_status(file_list(&peer, dir, FileNamesInformation, 0, "*", 4096, &data),
		      STATUS_ACCESS_DENIED);
	assert_status(file_list(&peer, dir, FileNamesInformation, 0, "*", (1 << 20) + 1, &data),
		      STATUS_INVALID_PARAMETER);
	file_close_ok(&peer, dir);
	file_close_ok(&peer, file);
}

/* Entries that go while they are listed are left out; those that stay come once. */
static void test_vanishing_entries(void **state)
{
	const uint8_t class = FileIdBothDirectoryInformation;
	struct smb2_file_id id = make("vanish", 400);
	uint8_t seen[400] = {0};
	struct wire_blob data;

	assert_status(file_list(&peer, id, class, 0, "*", 4096, &data), STATUS_SUCCESS);
	(void)take(data, class, seen);
	for (unsigned i = 0; i < 400; i += 2)
		unlink(on_disk("vanish", i));
	(void)list_all(id, class, "*", 4096, seen);
	for (unsigned i = 0; i < 400; i++)
		assert_true(i % 2 ? seen[i] == 1 : seen[i] <= 1);
	end("vanish", id, 400);
}

static void test_vanished_directory(void **state)
{
	struct smb2_file_id id = make("gone", 0);
	char path[512];
	struct wire_blob data;

	snprintf(path, sizeof(path), "%s/data/gone", world_directory(world));
	assert_int_equal(rmdir(path), 0);
	(void)list_all(id, FileNamesInformation, "f*", 4096, NULL);
	(void)file_list(&peer, id, FileNamesInformation, SMB2_REOPEN, "f*", 4096, &data);
	file_close_ok(&peer, id);
}

static void test_large(void **state)
{
	static uint8_t seen[LARGE];
	struct smb2_file_id id = make("large", LARGE);

	memset(seen, 0, sizeof(seen));
	assert_int_equal(list_all(id, FileIdBothDirectoryInformation, "*", 65536, seen), LARGE + 2);
	for (unsigned i = 0; i < LARGE; i++)
		assert_int_equal(seen[i], 1);
	end("large", id, LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_ea_size),
		cmocka_unit_test(test_tiny_buffers),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_vanishing_entries),
		cmocka_unit_test(test_vanished_directory),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
