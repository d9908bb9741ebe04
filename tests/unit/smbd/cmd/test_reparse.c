/* SPDX-License-Identifier: Apache-2.0 */
/* Reparse points: FSCTLs, [MS-FSA] 2.1.5.10.14, 2.1.5.10.37 and 2.1.5.10.4; and paths through them,
 * [MS-SMB2] 2.2.2.2.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "smbd/wire/access.h"
#include "smbd/wire/error.h"
#include "smbd/wire/fscc/dir_info.h"
#include "smbd/wire/fscc/reparse.h"
#include "smbd/wire/fsctl.h"
#include "tests/fake/files.h"

#define ALL    FILE_ALL_ACCESS
#define ITSELF FILE_OPEN_REPARSE_POINT

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

/* A buffer with the tag, that leads to "t\\g" if it is a link; its length. */
static size_t buffer(uint32_t tag, uint8_t out[128])
{
	static const uint8_t target[] = {'t', 0, '\\', 0, 'g', 0};
	uint8_t data[64];
	struct wr d = wr_init(data, sizeof(data)), w = wr_init(out, 128);

	if (tag == IO_REPARSE_TAG_SYMLINK)
		reparse_symlink_encode(
			&d, &(struct reparse_link){.flags = SYMLINK_FLAG_RELATIVE,
						   .substitute_name = WIRE_BLOB_ARRAY(target),
						   .print_name = WIRE_BLOB(target, 2)});
	else
		wr_u32(&d, 0x01020304);
	reparse_data_encode(&w, &(struct reparse_data){.reparse_tag = tag,
						       .reparse_guid = {{7}},
						       .data = WIRE_BLOB(data, d.len)});
	return w.len;
}

static struct nt_status set(struct smb2_file_id id, uint32_t tag)
{
	uint8_t bytes[128];

	return file_ioctl(&peer, id, FSCTL_SET_REPARSE_POINT, bytes, buffer(tag, bytes), 0, NULL);
}

static void make(const char *name, uint32_t tag, uint32_t options)
{
	struct smb2_file_id id = file_open(&peer, name, ALL, FILE_CREATE, options | ITSELF);

	assert_status(set(id, tag), STATUS_SUCCESS);
	file_close_ok(&peer, id);
}

static uint32_t tag_of(struct smb2_file_id id, uint32_t *attributes)
{
	struct file_attribute_tag_info info;
	struct wire_blob data;
	struct rd r;

	assert_status(
		file_query(&peer, id, SMB2_0_INFO_FILE, FileAttributeTagInformation, 64, &data),
		STATUS_SUCCESS);
	r = wire_blob_rd(data);
	assert_true(file_attribute_tag_info_decode(&r, &info));
	*attributes = info.file_attributes;
	return info.reparse_tag;
}

/* ---- the FSCTLs ---- */

static void test_set_get_delete(void **state)
{
	struct smb2_file_id id = file_open(&peer, "f", ALL, FILE_CREATE, 0);
	uint8_t want[128], end[8];
	size_t len = buffer(IO_REPARSE_TAG_SYMLINK, want);
	struct wr w = wr_init(end, sizeof(end));
	struct wire_blob data;
	uint32_t attributes;

	assert_status(file_ioctl(&peer, id, FSCTL_GET_REPARSE_POINT, NULL, 0, 1000, &data),
		      STATUS_NOT_A_REPARSE_POINT);
	assert_status(set(id, IO_REPARSE_TAG_SYMLINK), STATUS_SUCCESS);
	assert_status(file_ioctl(&peer, id, FSCTL_GET_REPARSE_POINT, NULL, 0, 7, &data),
		      STATUS_BUFFER_TOO_SMALL);
	assert_status(file_ioctl(&peer, id, FSCTL_GET_REPARSE_POINT, NULL, 0, 8, &data),
		      STATUS_BUFFER_OVERFLOW);
	assert_int_equal(data.len, 8);
	assert_status(file_ioctl(&peer, id, FSCTL_GET_REPARSE_POINT, NULL, 0, 1000, &data),
		      STATUS_SUCCESS);
	assert_int_equal(data.len, len);
	assert_memory_equal(data.data, want, len);
	assert_int_equal(tag_of(id, &attributes), IO_REPARSE_TAG_SYMLINK);
	assert_true(attributes & FILE_ATTRIBUTE_REPARSE_POINT);
	assert_status(set(id, IO_REPARSE_TAG_MOUNT_POINT), STATUS_IO_REPARSE_TAG_MISMATCH);
	assert_status(set(id, IO_REPARSE_TAG_SYMLINK), STATUS_SUCCESS);

	reparse_data_encode(&w, &(struct reparse_data){.reparse_tag = IO_REPARSE_TAG_NFS});
	assert_status(file_ioctl(&peer, id, FSCTL_DELETE_REPARSE_POINT, end, 8, 0, NULL),
		      STATUS_IO_REPARSE_TAG_MISMATCH);
	assert_status(file_ioctl(&peer, id, FSCTL_DELETE_REPARSE_POINT, want, len, 0, NULL),
		      STATUS_IO_REPARSE_DATA_INVALID);
	w.len = 0;
	reparse_data_encode(&w, &(struct reparse_data){.reparse_tag = IO_REPARSE_TAG_SYMLINK});
	assert_status(file_ioctl(&peer, id, FSCTL_DELETE_REPARSE_POINT, end, 8, 0, NULL),
		      STATUS_SUCCESS);
	assert_status(file_ioctl(&peer, id, FSCTL_DELETE_REPARSE_POINT, end, 8, 0, NULL),
		      STATUS_NOT_A_REPARSE_POINT);
	assert_int_equal(tag_of(id, &attributes), 0);
	assert_false(attributes & FILE_ATTRIBUTE_REPARSE_POINT);
	file_close_ok(&peer, id);
}

/* A tag that is not Microsoft's has a GUID, which belongs to it. */
static void test_guid(void **state)
{
	struct smb2_file_id id = file_open(&peer, "f", ALL, FILE_CREATE, 0);
	uint8_t bytes[128];
	size_t len = buffer(0x00000042, bytes);
	struct wire_blob data;

	assert_status(file_ioctl(&peer, id, FSCTL_SET_REPARSE_POINT, bytes, len, 0, NULL),
		      STATUS_SUCCESS);
	assert_status(file_ioctl(&peer, id, FSCTL_GET_REPARSE_POINT, NULL, 0, 23, &data),
		      STATUS_BUFFER_TOO_SMALL);
	assert_status(file_ioctl(&peer, id, FSCTL_GET_REPARSE_POINT, NULL, 0, 1000, &data),
		      STATUS_SUCCESS);
	assert_int_equal(data.len, len);
	assert_memory_equal(data.data, bytes, len);
	bytes[8]++;
	assert_status(file_ioctl(&peer, id, FSCTL_SET_REPARSE_POINT, bytes, len, 0, NULL),
		      STATUS_REPARSE_ATTRIBUTE_CONFLICT);
	file_close_ok(&peer, id);
}

static void test_set_refused(void **state)
{
	static uint8_t large[16385] = {0x14, 0, 0, 0x80};
	struct smb2_file_id id = file_open(&peer, "f", ALL, FILE_CREATE, 0), child;
	uint8_t bytes[128];
	size_t len = buffer(IO_REPARSE_TAG_SYMLINK, bytes);

	for (size_t cut = 0; cut < len; cut++)
		assert_status(file_ioctl(&peer, id, FSCTL_SET_REPARSE_POINT, bytes, cut, 0, NULL),
			      STATUS_IO_REPARSE_DATA_INVALID);
	assert_status(file_ioctl(&peer, id, FSCTL_SET_REPARSE_POINT, bytes, len + 1, 0, NULL),
		      STATUS_IO_REPARSE_DATA_INVALID);
	bytes[8] = 0xff; /* a substitute name beyond the end */
	assert_status(file_ioctl(&peer, id, FSCTL_SET_REPARSE_POINT, bytes, len, 0, NULL),
		      STATUS_IO_REPARSE_DATA_INVALID);
	large[4] = (sizeof(large) - 8) & 0xff;
	large[5] = (sizeof(large) - 8) >> 8;
	assert_status(file_ioctl(&peer, id, FSCTL_SET_REPARSE_POINT, large, sizeof(large), 0, NULL),
		      STATUS_IO_REPARSE_DATA_INVALID);
	assert_status(set(id, 0), STATUS_IO_REPARSE_TAG_INVALID);
	assert_status(set(id, 1), STATUS_IO_REPARSE_TAG_INVALID);
	file_close_ok(&peer, id);

	id = file_open(&peer, "f", FILE_READ_DATA, FILE_OPEN, 0);
	assert_status(set(id, IO_REPARSE_TAG_SYMLINK), STATUS_ACCESS_DENIED);
	file_close_ok(&peer, id);
	id = file_open(&peer, "d", ALL, FILE_CREATE, FILE_DIRECTORY_FILE);
	child = file_open(&peer, "d\\f", ALL, FILE_CREATE, 0);
	assert_status(set(id, IO_REPARSE_TAG_SYMLINK), STATUS_DIRECTORY_NOT_EMPTY);
	file_close_ok(&peer, child);
	file_close_ok(&peer, id);
	/* nobody would get into the share any more */
	id = file_open(&peer, "", FILE_WRITE_ATTRIBUTES, FILE_OPEN, FILE_DIRECTORY_FILE);
	assert_true(nt_error(set(id, IO_REPARSE_TAG_SYMLINK)));
	file_close_ok(&peer, id);
}

/* ---- CREATE ---- */

/* The error's data says: that many bytes unparsed, and where to. */
static void stopped(const char *name, unsigned unparsed)
{
	struct smb2_symlink_error error;
	struct wire_blob data;
	struct rd r;

	assert_status(file_try(&peer, name, FILE_READ_DATA, FILE_OPEN, 0),
		      STATUS_STOPPED_ON_SYMLINK);
	data = file_error_data();
	r = wire_blob_rd(data);
	assert_true(smb2_symlink_error_decode(&r, &error));
	assert_int_equal(error.unparsed_path_length, unparsed);
	assert_int_equal(error.flags, SYMLINK_FLAG_RELATIVE);
	assert_int_equal(error.substitute_name.len, 6);
	assert_memory_equal(error.substitute_name.data, "t\0\\\0g\0", 6);
	assert_int_equal(error.print_name.len, 2);
}

static void stops(void)
{
	file_close_ok(&peer, file_open(&peer, "d", ALL, FILE_OPEN_IF, FILE_DIRECTORY_FILE));
	make("d\\file", IO_REPARSE_TAG_SYMLINK, 0);
	make("d\\folder", IO_REPARSE_TAG_SYMLINK, FILE_DIRECTORY_FILE);
	stopped("d\\file", 0);
	stopped("D\\FILE", 0);
	stopped("d\\folder", 0);
	stopped("d\\folder\\x", 2 * 2);
	stopped("d\\folder\\sub\\x", 2 * 6);
	stopped("d\\file\\x", 2 * 2);
	stopped("d\\file\\sub\\x", 2 * 6);
	stopped("D\\Folder\\sub\\sub\\x", 2 * 10);
}

static void test_stopped(void **state)
{
	stops();
	/* nothing is made where it is meant to lead elsewhere */
	assert_status(file_try(&peer, "d\\folder\\new", ALL, FILE_CREATE, 0),
		      STATUS_STOPPED_ON_SYMLINK);
	assert_status(file_try(&peer, "d\\folder\\new", ALL, FILE_OPEN_IF, ITSELF),
		      STATUS_STOPPED_ON_SYMLINK);
	assert_status(file_try(&peer, "d\\file", ALL, FILE_OVERWRITE_IF, 0),
		      STATUS_STOPPED_ON_SYMLINK);
	/* whose path has none is told what it was */
	assert_status(file_try(&peer, "d\\none\\x", ALL, FILE_OPEN, 0),
		      STATUS_OBJECT_PATH_NOT_FOUND);
}

static void test_stopped_before_311(void **state)
{
	peer_close(&peer);
	peer_start(world, &peer, SMB2_DIALECT_302);
	stops();
}

/* Only links are the client's to follow. */
static void test_not_handled(void **state)
{
	make("junction", IO_REPARSE_TAG_MOUNT_POINT, FILE_DIRECTORY_FILE);
	make("other", 0x42, 0);
	assert_status(file_try(&peer, "junction", FILE_READ_DATA, FILE_OPEN, 0),
		      STATUS_IO_REPARSE_TAG_NOT_HANDLED);
	assert_status(file_try(&peer, "junction\\x", FILE_READ_DATA, FILE_OPEN, 0),
		      STATUS_IO_REPARSE_TAG_NOT_HANDLED);
	assert_status(file_try(&peer, "other", FILE_READ_DATA, FILE_OPEN, 0),
		      STATUS_IO_REPARSE_TAG_NOT_HANDLED);
}

static void test_itself(void **state)
{
	struct smb2_create_request in = file_create_args(ALL, FILE_OPEN, ITSELF);
	struct file_basic_info basic = {.file_attributes = FILE_ATTRIBUTE_HIDDEN};
	struct smb2_create_response out;
	uint8_t bytes[64];
	struct wr w = wr_init(bytes, sizeof(bytes));
	uint32_t attributes;

	make("link", IO_REPARSE_TAG_SYMLINK, 0);
	assert_status(file_create(&peer, "link", &in, &out), STATUS_SUCCESS);
	assert_int_equal(out.flags, SMB2_CREATE_FLAG_REPARSEPOINT);
	assert_true(out.file_attributes & FILE_ATTRIBUTE_REPARSE_POINT);
	/* attributes that are set leave it one */
	file_basic_info_encode(&w, &basic);
	assert_status(
		file_set(&peer, out.file_id, SMB2_0_INFO_FILE, FileBasicInformation, bytes, w.len),
		STATUS_SUCCESS);
	assert_int_equal(tag_of(out.file_id, &attributes), IO_REPARSE_TAG_SYMLINK);
	assert_int_equal(attributes, FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_HIDDEN);
	file_close_ok(&peer, out.file_id);
	/* it is deleted, not what it leads to */
	assert_status(file_try(&peer, "link", DELETE, FILE_OPEN, ITSELF | FILE_DELETE_ON_CLOSE),
		      STATUS_SUCCESS);
	assert_status(file_try(&peer, "link", DELETE, FILE_OPEN, ITSELF),
		      STATUS_OBJECT_NAME_NOT_FOUND);
}

/* ---- listings ---- */

static void listed_is(uint8_t class, const char *pattern, uint32_t tag)
{
	struct smb2_file_id root = file_open(&peer, "", FILE_READ_DATA, FILE_OPEN, 0);
	struct dir_info info;
	struct wire_blob data;
	struct rd r;

	assert_status(file_list(&peer, root, class, 0, pattern, 1000, &data), STATUS_SUCCESS);
	r = wire_blob_rd(data);
	assert_true(dir_info_next(&r, class, &info));
	assert_true(info.file_attributes & FILE_ATTRIBUTE_REPARSE_POINT);
	assert_int_equal(info.ea_size, tag);
	file_close_ok(&peer, root);
}

static void test_listed(void **state)
{
	char path[512];

	make("link", IO_REPARSE_TAG_SYMLINK, 0);
	listed_is(FileIdBothDirectoryInformation, "link", IO_REPARSE_TAG_SYMLINK);
	listed_is(FileFullDirectoryInformation, "link", IO_REPARSE_TAG_SYMLINK);
	snprintf(path, sizeof(path), "%s/data/fifo", world_directory(world));
	assert_int_equal(mkfifo(path, 0644), 0);
	listed_is(FileIdBothDirectoryInformation, "fifo", IO_REPARSE_TAG_NFS);
}

/* ---- special files of the file system, [MS-FSCC] 2.1.2.6 ---- */

static void test_special(void **state)
{
	struct reparse_data buf;
	struct reparse_nfs nfs;
	struct smb2_file_id id;
	struct wire_blob data;
	char path[512];
	struct rd r;

	snprintf(path, sizeof(path), "%s/data/fifo", world_directory(world));
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_status(file_try(&peer, "fifo", FILE_READ_ATTRIBUTES, FILE_OPEN, 0),
		      STATUS_IO_REPARSE_TAG_NOT_HANDLED);
	id = file_open(&peer, "fifo", FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES, FILE_OPEN,
		       ITSELF);
	assert_status(file_ioctl(&peer, id, FSCTL_GET_REPARSE_POINT, NULL, 0, 1000, &data),
		      STATUS_SUCCESS);
	r = wire_blob_rd(data);
	assert_true(reparse_data_decode(&r, &buf));
	assert_int_equal(buf.reparse_tag, IO_REPARSE_TAG_NFS);
	r = wire_blob_rd(buf.data);
	assert_true(reparse_nfs_decode(&r, &nfs));
	assert_true(nfs.type == NFS_SPECFILE_FIFO);
	assert_status(set(id, IO_REPARSE_TAG_NFS), STATUS_ACCESS_DENIED);
	file_close_ok(&peer, id);
	/* whoever knows of no reparse points can still get rid of it */
	assert_status(file_try(&peer, "fifo", DELETE, FILE_OPEN, FILE_DELETE_ON_CLOSE),
		      STATUS_SUCCESS);
	assert_int_not_equal(access(path, F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_set_get_delete, setup, teardown),
		cmocka_unit_test_setup_teardown(test_guid, setup, teardown),
		cmocka_unit_test_setup_teardown(test_set_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stopped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stopped_before_311, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_handled, setup, teardown),
		cmocka_unit_test_setup_teardown(test_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(test_listed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_special, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
