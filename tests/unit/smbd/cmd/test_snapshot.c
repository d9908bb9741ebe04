/* SPDX-License-Identifier: Apache-2.0 */
/* Previous versions, as clients ask for them: [MS-SMB2] 3.3.5.15.1, the TWrp context of 2.2.13.2.7,
 * and tokens in names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "smbd/wire/access.h"
#include "smbd/wire/fsctl.h"
#include "smbd/wire/nttime.h"
#include "tests/fake/files.h"

#define OLD_TOKEN "@GMT-2020.01.02-03.04.05"
#define NEW_TOKEN "@GMT-2021.01.02-03.04.05"
#define OLD       1577934245
#define TOKEN     24 /* characters */
#define ALL_SIZE  (12 + 2 * 2 * (TOKEN + 1) + 2)

static struct world *world;
static struct peer peer;

static void put_file(const char *directory, const char *path, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", directory, path);
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void shares(FILE *conf, const char *directory)
{
	static const char *const folders[] = {"v",
					      "v/dir",
					      "v/.snap",
					      "v/.snap/" OLD_TOKEN,
					      "v/.snap/" OLD_TOKEN "/dir",
					      "v/.snap/" NEW_TOKEN};
	char path[512];

	for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, folders[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	put_file(directory, "v/dir/f", "now");
	put_file(directory, "v/.snap/" OLD_TOKEN "/dir/f", "then");
	fprintf(conf,
		"[versions]\npath = %s/v\nread only = no\nshadow:mountpoint = %s/v\n"
		"shadow:snapdir = .snap\n",
		directory, directory);
}

static int setup(void **state)
{
	const struct world_config config = {.shares = shares};

	world = world_create(&config);
	peer_start(world, &peer, SMB2_DIALECT_311);
	assert_status(peer_tree_connect(&peer, "versions"), STATUS_SUCCESS);
	return 0;
}

static int teardown(void **state)
{
	peer_close(&peer);
	world_destroy(world);
	return 0;
}

/* ---- FSCTL_SRV_ENUMERATE_SNAPSHOTS ---- */

static struct nt_status enumerate(struct smb2_file_id id, uint32_t room,
				  struct fsctl_snapshot_array *out, struct wire_blob *data)
{
	struct nt_status status =
		file_ioctl(&peer, id, FSCTL_SRV_ENUMERATE_SNAPSHOTS, NULL, 0, room, data);
	struct rd r;

	if (!nt_equal(status, STATUS_SUCCESS))
		return status;
	r = wire_blob_rd(*data);
	assert_true(fsctl_snapshot_array_decode(&r, out));
	return status;
}

static void token_is(struct wire_blob tokens, unsigned i, const char *token)
{
	for (size_t j = 0; j <= TOKEN; j++)
		assert_int_equal(tokens.data[2 * (i * (TOKEN + 1) + j)], (uint8_t)token[j]);
}

static void test_enumerate(void **state)
{
	struct smb2_file_id id = file_open(&peer, "dir\\f", FILE_READ_ATTRIBUTES, FILE_OPEN, 0);
	struct fsctl_snapshot_array array;
	struct wire_blob data;

	assert_status(enumerate(id, 15, &array, &data), STATUS_INVALID_PARAMETER);
	for (uint32_t room = 16; room < ALL_SIZE; room += ALL_SIZE - 16 - 1) {
		assert_status(enumerate(id, room, &array, &data), STATUS_SUCCESS);
		assert_int_equal(array.number_of_snapshots, 2);
		assert_int_equal(array.number_of_snapshots_returned, 0);
		assert_int_equal(array.snapshot_array_size, ALL_SIZE - 12);
		assert_int_equal(data.len, 16);
	}
	assert_status(enumerate(id, ALL_SIZE, &array, &data), STATUS_SUCCESS);
	assert_int_equal(array.number_of_snapshots_returned, 2);
	assert_int_equal(data.len, ALL_SIZE);
	token_is(array.snapshots, 0, NEW_TOKEN);
	token_is(array.snapshots, 1, OLD_TOKEN);
	assert_int_equal(array.snapshots.data[array.snapshots.len - 2], 0);
	file_close_ok(&peer, id);
}

static void test_enumerate_none(void **state)
{
	struct fsctl_snapshot_array array;
	struct smb2_file_id id;
	struct wire_blob data;

	assert_status(peer_tree_connect(&peer, "share"), STATUS_SUCCESS);
	id = file_open(&peer, "f", FILE_ALL_ACCESS, FILE_OPEN_IF, 0);
	assert_status(enumerate(id, 1000, &array, &data), STATUS_SUCCESS);
	assert_int_equal(array.number_of_snapshots, 0);
	assert_int_equal(data.len, 16);
	file_close_ok(&peer, id);
}

/* ---- CREATE ---- */

static struct smb2_create_request as_of(uint32_t access, uint32_t disposition, uint32_t options,
					uint64_t when)
{
	struct smb2_create_request in = file_create_args(access, disposition, options);

	in.contexts.present |= SMB2_CREATE_TIMEWARP_TOKEN;
	in.contexts.timewarp_timestamp = when;
	return in;
}

static uint64_t then(void)
{
	return nttime_from_timespec((struct timespec){.tv_sec = OLD});
}

static struct nt_status open_then(const char *name, uint32_t access, uint32_t disposition,
				  uint32_t options, struct smb2_file_id *id)
{
	const struct smb2_create_request in = as_of(access, disposition, options, then());
	struct smb2_create_response out;
	struct nt_status status = file_create(&peer, name, &in, &out);

	*id = out.file_id;
	return status;
}

static void reads_is(struct smb2_file_id id, const char *text)
{
	struct wire_blob data;

	assert_status(file_read(&peer, id, 0, 100, 0, &data), STATUS_SUCCESS);
	assert_int_equal(data.len, strlen(text));
	assert_memory_equal(data.data, text, data.len);
	file_close_ok(&peer, id);
}

static void test_open(void **state)
{
	const uint32_t read = FILE_READ_DATA;
	struct smb2_create_request in;
	struct smb2_file_id id;

	assert_status(open_then("dir\\f", read, FILE_OPEN, 0, &id), STATUS_SUCCESS);
	reads_is(id, "then");
	reads_is(file_open(&peer, "dir\\f", read, FILE_OPEN, 0), "now");
	/* zero is no time */
	in = as_of(read, FILE_OPEN, 0, 0);
	assert_status(file_create(&peer, "dir\\f", &in, NULL), STATUS_SUCCESS);
	in = as_of(read, FILE_OPEN, 0, then() + NTTIME_PER_SEC);
	assert_status(file_create(&peer, "dir\\f", &in, NULL), STATUS_OBJECT_NAME_NOT_FOUND);
	in = as_of(read, FILE_OPEN, 0, UINT64_MAX);
	assert_status(file_create(&peer, "dir\\f", &in, NULL), STATUS_OBJECT_NAME_NOT_FOUND);
	in = as_of(read, FILE_OPEN, 0, 1);
	assert_status(file_create(&peer, "dir\\f", &in, NULL), STATUS_OBJECT_NAME_NOT_FOUND);
	/* by a token, wherever it is */
	reads_is(file_open(&peer, OLD_TOKEN "\\dir\\f", read, FILE_OPEN, 0), "then");
	reads_is(file_open(&peer, "dir\\" OLD_TOKEN "\\f", read, FILE_OPEN, 0), "then");
	reads_is(file_open(&peer, "dir\\f\\" OLD_TOKEN, read, FILE_OPEN, 0), "then");
	assert_status(file_try(&peer, OLD_TOKEN, read, FILE_OPEN, FILE_DIRECTORY_FILE),
		      STATUS_SUCCESS);
	assert_status(file_try(&peer, NEW_TOKEN "\\dir\\f", read, FILE_OPEN, 0),
		      STATUS_OBJECT_PATH_NOT_FOUND);
	assert_status(file_try(&peer, "@GMT-2020.01.02-03.04.06\\dir\\f", read, FILE_OPEN, 0),
		      STATUS_OBJECT_NAME_NOT_FOUND);
	/* one that is none: a name */
	assert_status(file_try(&peer, "@GMT-2020.99.02-03.04.06", read, FILE_OPEN, 0),
		      STATUS_OBJECT_NAME_NOT_FOUND);
	assert_status(file_try(&peer, "@GMT-2020.99.02-03.04.06", FILE_ALL_ACCESS, FILE_CREATE, 0),
		      STATUS_SUCCESS);
}

static void test_create_refused(void **state)
{
	const uint32_t all = FILE_ALL_ACCESS;
	static const struct {
		const char *name;
		uint32_t disposition, options;
	} refused[] = {
		{"dir\\f", FILE_OVERWRITE, 0},
		{"dir\\f", FILE_OVERWRITE_IF, 0},
		{"dir\\f", FILE_SUPERSEDE, 0},
		{"new", FILE_CREATE, 0},
		{"new", FILE_OPEN_IF, 0},
		{"new", FILE_CREATE, FILE_DIRECTORY_FILE},
		{"dir\\f:s", FILE_OPEN_IF, 0},
		{"dir\\f:s", FILE_CREATE, 0},
		{"dir\\f", FILE_OPEN, FILE_DELETE_ON_CLOSE},
	};
	struct smb2_file_id id;

	for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_status(open_then(refused[i].name, all, refused[i].disposition,
					refused[i].options, &id),
			      STATUS_MEDIA_WRITE_PROTECTED);
	assert_status(open_then("new", all, FILE_OPEN, 0, &id), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_status(open_then("dir\\f", all, FILE_OPEN_IF, 0, &id), STATUS_SUCCESS);
	reads_is(id, "then");
}

/* The right to write is granted, as by Windows; to write is not. */
static void test_change_refused(void **state)
{
	static const uint8_t zeros[64];
	static const uint8_t name[] = {1, 0, 0, 0, 0, 0, 0, 0,   0, 0,   0, 0,   0,
				       0, 0, 0, 6, 0, 0, 0, 'n', 0, 'e', 0, 'w', 0};
	struct smb2_file_id id;
	uint32_t count;

	assert_status(open_then("dir\\f", FILE_ALL_ACCESS, FILE_OPEN, 0, &id), STATUS_SUCCESS);
	assert_status(file_write(&peer, id, 0, "x", 1, &count), STATUS_MEDIA_WRITE_PROTECTED);
	assert_status(file_set(&peer, id, SMB2_0_INFO_FILE, FileBasicInformation, zeros, 40),
		      STATUS_MEDIA_WRITE_PROTECTED);
	assert_status(file_set(&peer, id, SMB2_0_INFO_FILE, FileEndOfFileInformation, zeros, 8),
		      STATUS_MEDIA_WRITE_PROTECTED);
	assert_status(file_set(&peer, id, SMB2_0_INFO_FILE, FileDispositionInformation, "\1", 1),
		      STATUS_MEDIA_WRITE_PROTECTED);
	assert_status(file_set_security(&peer, id, 4, zeros, 20), STATUS_MEDIA_WRITE_PROTECTED);
	assert_status(
		file_set(&peer, id, SMB2_0_INFO_FILE, FileRenameInformation, name, sizeof(name)),
		STATUS_NOT_SAME_DEVICE);
	assert_status(
		file_set(&peer, id, SMB2_0_INFO_FILE, FileLinkInformation, name, sizeof(name)),
		STATUS_NOT_SAME_DEVICE);
	assert_status(file_set(&peer, id, SMB2_0_INFO_FILE, FilePositionInformation, zeros, 8),
		      STATUS_SUCCESS);
	assert_status(file_ioctl(&peer, id, FSCTL_SET_SPARSE, NULL, 0, 0, NULL),
		      STATUS_MEDIA_WRITE_PROTECTED);
	assert_status(file_ioctl(&peer, id, FSCTL_SET_ZERO_DATA, "\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0",
				 16, 0, NULL),
		      STATUS_MEDIA_WRITE_PROTECTED);
	assert_status(file_flush(&peer, id), STATUS_SUCCESS);
	reads_is(id, "then");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_enumerate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_enumerate_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_open, setup, teardown),
		cmocka_unit_test_setup_teardown(test_create_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_change_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
