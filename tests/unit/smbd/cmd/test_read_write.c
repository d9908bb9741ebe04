/* SPDX-License-Identifier: Apache-2.0 */
/* READ, WRITE and FLUSH, [MS-SMB2] 3.3.5.11 - 3.3.5.13: offsets, lengths, access, and a medium that
 * is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "smbd/wire/write.h"
#include "tests/fake/files.h"

#define RW (FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE)

/* NTFS's largest file, which is also what smbtorture asks for */
#define LARGEST 0xfffffff0000ull

static struct world *world;
static struct peer peer, old;
static bool have_small;

static void add_shares(FILE *conf, const char *directory)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/small", directory);
	assert_int_equal(mkdir(path, 0777), 0);
	have_small = getuid() == 0 && mount("none", path, "tmpfs", 0, "size=256k") == 0;
	fprintf(conf, "[small]\npath = %s\nread only = no\n", path);
}

static int setup(void **state)
{
	world = world_create(&(struct world_config){.shares = add_shares});
	peer_start(world, &peer, SMB2_DIALECT_311);
	peer_start(world, &old, SMB2_DIALECT_202);
	return 0;
}

static int teardown(void **state)
{
	char path[256];

	peer_close(&old);
	peer_close(&peer);
	snprintf(path, sizeof(path), "%s/small", world_directory(world));
	if (have_small)
		assert_int_equal(umount2(path, MNT_DETACH), 0); /* the share looks at it yet */
	world_destroy(world);
	return 0;
}

static struct smb2_file_id make(const char *text)
{
	struct smb2_file_id id = file_open(&peer, "f", RW, FILE_OVERWRITE_IF, 0);
	uint32_t n;

	assert_status(file_write(&peer, id, 0, text, (uint32_t)strlen(text), &n), STATUS_SUCCESS);
	assert_int_equal(n, strlen(text));
	return id;
}

static void expect_read(struct smb2_file_id id, uint64_t offset, uint32_t len, const char *want)
{
	struct wire_blob data;

	assert_status(file_read(&peer, id, offset, len, 0, &data), STATUS_SUCCESS);
	assert_int_equal(data.len, strlen(want));
	assert_memory_equal(data.data, want, data.len);
}

static void test_read_bounds(void **state)
{
	struct smb2_file_id id = make("0123456789");
	struct wire_blob data;

	expect_read(id, 0, 10, "0123456789");
	expect_read(id, 3, 4, "3456");
	expect_read(id, 8, 100, "89");
	expect_read(id, 0, 0, "");
	expect_read(id, 100, 0, "");
	assert_status(file_read(&peer, id, 10, 1, 0, &data), STATUS_END_OF_FILE);
	assert_status(file_read(&peer, id, INT64_MAX - 1, 1, 0, &data), STATUS_END_OF_FILE);
	assert_status(file_read(&peer, id, INT64_MAX, 1, 0, &data), STATUS_INVALID_PARAMETER);
	assert_status(file_read(&peer, id, UINT64_MAX, 1, 0, &data), STATUS_INVALID_PARAMETER);
	assert_status(file_read(&peer, id, UINT64_MAX, 0, 0, &data), STATUS_INVALID_PARAMETER);
	file_close_ok(&peer, id);
}

/* 3.3.5.12: fewer than MinimumCount is the end of the file */
static void test_minimum_count(void **state)
{
	struct smb2_file_id id = make("0123456789");
	struct wire_blob data;

	assert_status(file_read(&peer, id, 5, 10, 5, &data), STATUS_SUCCESS);
	assert_int_equal(data.len, 5);
	assert_status(file_read(&peer, id, 5, 10, 6, &data), STATUS_END_OF_FILE);
	assert_status(file_read(&peer, id, 0, 0, 1, &data), STATUS_END_OF_FILE);
	assert_status(file_read(&peer, id, 0, 1, 2, &data), STATUS_END_OF_FILE);
	file_close_ok(&peer, id);
}

static void test_write_bounds(void **state)
{
	struct smb2_file_id id = make("0123");
	struct wire_blob data;
	uint32_t n;

	/* beyond the end: a hole that reads as zeros */
	assert_status(file_write(&peer, id, 8, "89", 2, &n), STATUS_SUCCESS);
	assert_int_equal(n, 2);
	assert_status(file_read(&peer, id, 0, 20, 0, &data), STATUS_SUCCESS);
	assert_int_equal(data.len, 10);
	assert_memory_equal(data.data,
			    "0123\0\0\0\0"
			    "89",
			    10);
	/* nothing, anywhere, changes nothing */
	assert_status(file_write(&peer, id, 100, "", 0, &n), STATUS_SUCCESS);
	assert_int_equal(n, 0);
	expect_read(id, 9, 20, "9");
	assert_status(file_write(&peer, id, LARGEST, "x", 1, &n), STATUS_INVALID_PARAMETER);
	assert_status(file_write(&peer, id, INT64_MAX, "x", 1, &n), STATUS_INVALID_PARAMETER);
	assert_status(file_write(&peer, id, INT64_MAX - 1, "xxx", 3, &n), STATUS_INVALID_PARAMETER);
	/* "at the end" is of local opens only */
	assert_status(file_write(&peer, id, UINT64_MAX, "x", 1, &n), STATUS_INVALID_PARAMETER);
	expect_read(id, 9, 20, "9");
	file_close_ok(&peer, id);
}

static void test_access(void **state)
{
	struct smb2_file_id id = make("0123");
	struct wire_blob data;
	uint32_t n;

	file_close_ok(&peer, id);
	id = file_open(&peer, "f", FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES, FILE_OPEN, 0);
	assert_status(file_read(&peer, id, 0, 1, 0, &data), STATUS_ACCESS_DENIED);
	assert_status(file_write(&peer, id, 0, "x", 1, &n), STATUS_ACCESS_DENIED);
	assert_status(file_flush(&peer, id), STATUS_ACCESS_DENIED);
	file_close_ok(&peer, id);
	id = file_open(&peer, "f", FILE_READ_DATA, FILE_OPEN, 0);
	assert_status(file_write(&peer, id, 0, "x", 1, &n), STATUS_ACCESS_DENIED);
	assert_status(file_flush(&peer, id), STATUS_ACCESS_DENIED);
	file_close_ok(&peer, id);
	/* 3.3.5.12: who may execute may read to do so */
	id = file_open(&peer, "f", FILE_EXECUTE, FILE_OPEN, 0);
	expect_read(id, 0, 4, "0123");
	file_close_ok(&peer, id);
	/* append only: at the end, or beyond */
	id = file_open(&peer, "f", FILE_APPEND_DATA, FILE_OPEN, 0);
	assert_status(file_write(&peer, id, 3, "x", 1, &n), STATUS_ACCESS_DENIED);
	assert_status(file_write(&peer, id, 4, "4", 1, &n), STATUS_SUCCESS);
	assert_status(file_flush(&peer, id), STATUS_SUCCESS);
	file_close_ok(&peer, id);
}

static void test_directory(void **state)
{
	struct smb2_file_id id = file_open(&peer, "d", FILE_ALL_ACCESS, FILE_OPEN_IF,
					   FILE_DIRECTORY_FILE | FILE_DELETE_ON_CLOSE);
	struct wire_blob data;
	uint32_t n;

	assert_status(file_read(&peer, id, 0, 1, 0, &data), STATUS_INVALID_DEVICE_REQUEST);
	assert_status(file_write(&peer, id, 0, "x", 1, &n), STATUS_INVALID_DEVICE_REQUEST);
	assert_status(file_flush(&peer, id), STATUS_SUCCESS);
	file_close_ok(&peer, id);
}

/* ---- malformed ---- */

/* 3.3.5.13: the payload must be wholly in the message, and not before its fixed part. */
static void test_payload_outside(void **state)
{
	static struct msg msg;
	static struct reply reply;
	const size_t data_offset = 64 + 2, length = 64 + 4;
	struct smb2_file_id id = make("0123");

	for (unsigned i = 0; i < 5; i++) {
		msg_begin(&peer, &msg, SMB2_WRITE);
		put_write(&msg, id, 0, "payload", 7);
		if (i == 0)
			msg_set_u32(&msg, length, 8); /* one byte more than there is */
		else if (i == 1)
			msg_set_u16(&msg, data_offset, 113); /* the last byte is outside */
		else if (i == 2)
			msg_set_u16(&msg, data_offset, 64); /* in the fixed part */
		else if (i == 3)
			msg_set_u16(&msg, data_offset, 0x101);
		else
			msg_set_u32(&msg, length, 0xffffffff);
		assert_status(peer_call(&peer, &msg, &reply), STATUS_INVALID_PARAMETER);
		expect_read(id, 0, 10, "0123");
	}
	file_close_ok(&peer, id);
}

/* 2.2.19, 2.2.21: Channel is of 3.x; this connection has no RDMA. */
static void test_channel(void **state)
{
	static struct msg msg;
	static struct reply reply;
	struct smb2_file_id id = make("0123"), old_id;

	old_id = file_open(&old, "f", FILE_READ_DATA, FILE_OPEN, 0);
	for (unsigned i = 0; i < 2; i++) {
		struct peer *p = i ? &old : &peer;

		msg_begin(p, &msg, SMB2_READ);
		put_read(&msg, i ? old_id : id, 0, 4);
		msg_set_u32(&msg, 64 + 36, SMB2_CHANNEL_RDMA_V1);
		if (i)
			assert_status(peer_call(p, &msg, &reply), STATUS_SUCCESS);
		else
			assert_status(peer_call(p, &msg, &reply), STATUS_INVALID_PARAMETER);
	}
	file_close_ok(&old, old_id);
	file_close_ok(&peer, id);
}

/* More than was negotiated; a 2.0.2 client has 64 KiB. */
static void test_too_long(void **state)
{
	struct smb2_file_id id = file_open(&old, "f", FILE_READ_DATA, FILE_OPEN_IF, 0);
	struct wire_blob data;

	assert_status(file_read(&old, id, 0, 65537, 0, &data), STATUS_INVALID_PARAMETER);
	file_close_ok(&old, id);
}

/* ---- large, and a full medium ---- */

static uint8_t block[65536];

static void test_every_byte(void **state)
{
	struct smb2_file_id id = make("");
	struct wire_blob data;
	uint32_t n;

	for (unsigned i = 0; i < sizeof(block); i++)
		block[i] = (uint8_t)(i * 7 + i / 256);
	for (unsigned i = 0; i < 4; i++)
		assert_status(file_write(&peer, id, i * 65536ull, block, 65536, &n),
			      STATUS_SUCCESS);
	assert_status(file_flush(&peer, id), STATUS_SUCCESS);
	for (unsigned i = 0; i < 4; i++) {
		assert_status(file_read(&peer, id, i * 65536ull, 65536, 65536, &data),
			      STATUS_SUCCESS);
		assert_int_equal(data.len, 65536);
		assert_memory_equal(data.data, block, 65536);
	}
	file_close_ok(&peer, id);
}

/* What was acknowledged is there; what did not fit is DISK_FULL and leaves the rest alone. */
static void test_disk_full(void **state)
{
	uint32_t tree = peer.tree_id, n, acknowledged = 0;
	struct nt_status status = STATUS_SUCCESS;
	struct wire_blob data;
	struct smb2_file_id id;

	if (!have_small)
		skip();
	assert_status(peer_tree_connect(&peer, "small"), STATUS_SUCCESS);
	id = file_open(&peer, "f", RW, FILE_OPEN_IF, FILE_DELETE_ON_CLOSE);
	while (acknowledged < 16 * 65536) {
		status = file_write(&peer, id, acknowledged, block, 65536, &n);
		if (nt_error(status))
			break;
		assert_int_equal(n, 65536);
		acknowledged += n;
	}
	assert_status(status, STATUS_DISK_FULL);
	assert_true(acknowledged > 0);
	for (uint32_t at = 0; at < acknowledged; at += 65536) {
		assert_status(file_read(&peer, id, at, 65536, 65536, &data), STATUS_SUCCESS);
		assert_memory_equal(data.data, block, 65536);
	}
	assert_status(file_flush(&peer, id), STATUS_SUCCESS);
	file_close_ok(&peer, id);
	/* there is room again */
	id = file_open(&peer, "f", RW, FILE_CREATE, FILE_DELETE_ON_CLOSE);
	assert_status(file_write(&peer, id, 0, block, 65536, &n), STATUS_SUCCESS);
	file_close_ok(&peer, id);
	peer.tree_id = tree;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_bounds),  cmocka_unit_test(test_minimum_count),
		cmocka_unit_test(test_write_bounds), cmocka_unit_test(test_access),
		cmocka_unit_test(test_directory),    cmocka_unit_test(test_payload_outside),
		cmocka_unit_test(test_channel),      cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_every_byte),   cmocka_unit_test(test_disk_full),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
