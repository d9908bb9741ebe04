/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/smbd/wire/captures.h"
#include "tests/unit/smbd/wire/message.h"

#include "smbd/wire/fscc/reparse.h"
#include "smbd/wire/ioctl.h"

static void captured_symlink(void **state)
{
	const struct capture *c = capture_get("ioctl_request_000900a4");
	struct rd r = capture_rd(c), data;
	struct smb2_ioctl_request m;
	struct reparse_data reparse;
	struct reparse_link link;
	struct wr w = payload_begin(), whole;
	uint8_t bytes[256];

	assert_true(smb2_ioctl_request_decode(&r, &m));
	r = wire_blob_rd(m.input);
	assert_true(reparse_data_decode(&r, &reparse));
	want(c, "smb2.reparse_tag", reparse.reparse_tag);
	want(c, "smb2.reparse_data_length", reparse.data.len);
	data = wire_blob_rd(reparse.data);
	assert_true(reparse_symlink_decode(&data, &link));
	want(c, "smb2.symlink.flags", link.flags);
	want_utf16(c, "smb2.symlink.substitute_name", link.substitute_name);
	want_utf16(c, "smb2.symlink.print_name", link.print_name);
	reparse_symlink_encode(&w, &link);
	reparse.data = WIRE_BLOB(w.data, w.len);
	whole = wr_init(bytes, sizeof(bytes));
	reparse_data_encode(&whole, &reparse);
	assert_true(wire_blob_equal(WIRE_BLOB(bytes, whole.len), m.input));
}

/* [MS-FSCC] 2.1.2.3: a tag that isn't Microsoft's is followed by a GUID. */
static void guid_form(void **state)
{
	struct reparse_data in = {.reparse_tag = 0x17,
				  .reparse_guid = {{1, 2}},
				  .data = BLOB("xy")},
			    out;
	struct wr w = payload_begin();
	struct rd r;

	reparse_data_encode(&w, &in);
	assert_int_equal(w.len, 8 + 16 + 2);
	r = payload_read(&w);
	assert_true(reparse_data_decode(&r, &out));
	assert_true(guid_equal(&in.reparse_guid, &out.reparse_guid));
	assert_blob(out.data, "xy");
	r = rd_init(w.data, w.len - 1);
	assert_false(reparse_data_decode(&r, &out));
}

static void mount_point(void **state)
{
	struct reparse_link in = {.substitute_name = BLOB("s\0u\0"), .print_name = BLOB("p\0")},
			    out;
	struct wr w = payload_begin();
	struct rd r;

	reparse_mount_point_encode(&w, &in);
	assert_memory_equal(w.data, "\0\0\4\0\6\0\2\0s\0u\0\0\0p\0\0\0", 18);
	r = payload_read(&w);
	assert_true(reparse_mount_point_decode(&r, &out));
	assert_blob(out.substitute_name, "s\0u\0");
	assert_blob(out.print_name, "p\0");
	w.data[0] = 16; /* the substitute name beyond the end */
	r = payload_read(&w);
	assert_false(reparse_mount_point_decode(&r, &out));
	w.data[0] = 0;
	w.data[2] = 3; /* half a character */
	r = payload_read(&w);
	assert_false(reparse_mount_point_decode(&r, &out));
}

static void nfs_special_files(void **state)
{
	struct reparse_nfs device = {.type = NFS_SPECFILE_CHR, .major = 1, .minor = 3}, out;
	struct reparse_nfs link = {.type = NFS_SPECFILE_LNK, .target = BLOB("t\0")};
	struct reparse_nfs fifo = {.type = NFS_SPECFILE_FIFO}, other = {.type = 1};
	struct wr w = payload_begin();
	struct rd r;

	reparse_nfs_encode(&w, &device);
	assert_memory_equal(w.data, "CHR\0\0\0\0\0\1\0\0\0\3\0\0\0", 16);
	r = payload_read(&w);
	assert_true(reparse_nfs_decode(&r, &out));
	assert_int_equal(out.minor, 3);
	w = payload_begin();
	reparse_nfs_encode(&w, &link);
	assert_memory_equal(w.data, "LNK\1\0\0\0\0t\0", 10);
	r = payload_read(&w);
	assert_true(reparse_nfs_decode(&r, &out));
	assert_blob(out.target, "t\0");
	w = payload_begin();
	reparse_nfs_encode(&w, &fifo);
	assert_memory_equal(w.data, "FIFO\0\0\0\0", 8);
	w = payload_begin();
	reparse_nfs_encode(&w, &other);
	r = payload_read(&w);
	assert_false(reparse_nfs_decode(&r, &out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captured_symlink),
		cmocka_unit_test(guid_form),
		cmocka_unit_test(mount_point),
		cmocka_unit_test(nfs_special_files),
	};

	return cmocka_run_group_tests(tests, captures_load, captures_free);
}
