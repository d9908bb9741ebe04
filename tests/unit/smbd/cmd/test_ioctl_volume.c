/* SPDX-License-Identifier: Apache-2.0 */
/* FSCTLs about a file or its volume: object ids, compression, and those that NTFS has none of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "smbd/wire/access.h"
#include "smbd/wire/fscc/fs_info.h"
#include "smbd/wire/fsctl.h"
#include "tests/fake/files.h"

#define FSCTL_QUERY_ON_DISK_VOLUME_INFO 0x0009013cu

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

/* ---- object ids, [MS-FSA] 2.1.5.10.1 and 2.1.5.10.12 ---- */

static struct fsctl_object_id object_id(const char *name, uint32_t code)
{
	struct smb2_file_id id = file_open(&peer, name, FILE_ALL_ACCESS, FILE_OPEN_IF, 0);
	struct fsctl_object_id out;
	struct wire_blob data;
	struct rd r;

	assert_status(file_ioctl(&peer, id, code, NULL, 0, 63, &data), STATUS_INVALID_PARAMETER);
	assert_status(file_ioctl(&peer, id, code, NULL, 0, 64, &data), STATUS_SUCCESS);
	assert_int_equal(data.len, 64);
	r = wire_blob_rd(data);
	assert_true(fsctl_object_id_decode(&r, &out));
	file_close_ok(&peer, id);
	return out;
}

static void test_object_id(void **state)
{
	struct fsctl_object_id a = object_id("a", FSCTL_CREATE_OR_GET_OBJECT_ID),
			       again = object_id("a", FSCTL_GET_OBJECT_ID),
			       b = object_id("b", FSCTL_CREATE_OR_GET_OBJECT_ID), later;
	struct fs_object_id_info volume;
	struct smb2_file_id id;
	struct wire_blob data;
	struct rd r;

	assert_memory_equal(&a, &again, sizeof(a));
	assert_false(guid_equal(&a.object_id, &b.object_id));
	assert_true(guid_equal(&a.birth_volume_id, &b.birth_volume_id));
	/* the next file is another one, on whatever inode */
	assert_status(file_try(&peer, "a", DELETE, FILE_OPEN, FILE_DELETE_ON_CLOSE),
		      STATUS_SUCCESS);
	later = object_id("a", FSCTL_GET_OBJECT_ID);
	assert_false(guid_equal(&a.object_id, &later.object_id));

	id = file_open(&peer, "b", FILE_ALL_ACCESS, FILE_OPEN, 0);
	assert_status(
		file_query(&peer, id, SMB2_0_INFO_FILESYSTEM, FileFsObjectIdInformation, 64, &data),
		STATUS_SUCCESS);
	r = wire_blob_rd(data);
	assert_true(fs_object_id_info_decode(&r, &volume));
	assert_true(guid_equal(&volume.object_id, &b.birth_volume_id));
	assert_status(file_ioctl(&peer, id, FSCTL_SET_OBJECT_ID, &b, 64, 0, NULL),
		      STATUS_INVALID_DEVICE_REQUEST);
	assert_status(file_ioctl(&peer, id, FSCTL_DELETE_OBJECT_ID, NULL, 0, 0, NULL),
		      STATUS_INVALID_DEVICE_REQUEST);
	/* [MS-FSA] 2.1.5.10.23: of UDF alone */
	assert_status(file_ioctl(&peer, id, FSCTL_QUERY_ON_DISK_VOLUME_INFO, NULL, 0, 1000, &data),
		      STATUS_INVALID_DEVICE_REQUEST);
	file_close_ok(&peer, id);
}

/* ---- compression, [MS-FSA] 2.1.5.10.9 and 2.1.5.10.34 ---- */

static struct nt_status compress(struct smb2_file_id id, uint16_t format)
{
	const uint8_t bytes[2] = {(uint8_t)format, (uint8_t)(format >> 8)};

	return file_ioctl(&peer, id, FSCTL_SET_COMPRESSION, bytes, sizeof(bytes), 0, NULL);
}

static void test_compression(void **state)
{
	struct smb2_file_id id = file_open(&peer, "f", FILE_ALL_ACCESS, FILE_CREATE, 0);
	struct wire_blob data;
	uint16_t format = 1;
	struct rd r;

	assert_status(file_ioctl(&peer, id, FSCTL_GET_COMPRESSION, NULL, 0, 1, &data),
		      STATUS_BUFFER_TOO_SMALL);
	assert_status(file_ioctl(&peer, id, FSCTL_GET_COMPRESSION, NULL, 0, 2, &data),
		      STATUS_SUCCESS);
	r = wire_blob_rd(data);
	assert_true(fsctl_compression_decode(&r, &format));
	assert_int_equal(format, COMPRESSION_FORMAT_NONE);
	assert_status(compress(id, COMPRESSION_FORMAT_NONE), STATUS_SUCCESS);
	assert_status(compress(id, COMPRESSION_FORMAT_DEFAULT), STATUS_NOT_SUPPORTED);
	assert_status(file_ioctl(&peer, id, FSCTL_SET_COMPRESSION, "", 1, 0, NULL),
		      STATUS_INVALID_PARAMETER);
	file_close_ok(&peer, id);
	id = file_open(&peer, "f", FILE_READ_DATA, FILE_OPEN, 0);
	assert_status(compress(id, COMPRESSION_FORMAT_NONE), STATUS_ACCESS_DENIED);
	file_close_ok(&peer, id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_object_id, setup, teardown),
		cmocka_unit_test_setup_teardown(test_compression, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
