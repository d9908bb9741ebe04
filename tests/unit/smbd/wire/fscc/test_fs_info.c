/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/smbd/wire/captures.h"
#include "tests/unit/smbd/wire/message.h"

#include "smbd/wire/fscc/fs_info.h"
#include "smbd/wire/query_directory.h"

static struct rd payload(const char *name, const struct capture **c)
{
	struct smb2_buffer_response m;
	struct rd r;

	*c = capture_get(name);
	r = capture_rd(*c);
	assert_true(smb2_buffer_response_decode(&r, &m));
	return wire_blob_rd(m.buffer);
}

static void same_bytes(const struct rd *r, const struct wr *w)
{
	assert_int_equal(w->len, r->len);
	assert_memory_equal(w->data, r->data, r->len);
}

static void captured_classes(void **state)
{
	const struct capture *c;
	struct fs_volume_info volume;
	struct fs_size_info size;
	struct fs_device_info device;
	struct fs_attribute_info attribute;
	struct rd r = payload("query_info_response_2_1", &c);
	struct wr w = payload_begin();

	assert_true(fs_volume_info_decode(&r, &volume));
	want(c, "smb.create.time", volume.volume_creation_time);
	want(c, "smb.volume.serial", volume.volume_serial_number);
	want_utf16(c, "smb.volume.label", volume.volume_label);
	fs_volume_info_encode(&w, &volume);
	same_bytes(&r, &w);

	r = payload("query_info_response_2_3", &c);
	w = payload_begin();
	assert_true(fs_size_info_decode(&r, &size));
	want(c, "smb.alloc_size64", size.total_allocation_units);
	want(c, "smb.free_alloc_units", size.available_allocation_units);
	want(c, "smb.fs_sector_per_unit", size.sectors_per_allocation_unit);
	want(c, "smb.fs_bytes_per_sector", size.bytes_per_sector);
	fs_size_info_encode(&w, &size);
	same_bytes(&r, &w);

	r = payload("query_info_response_2_4", &c);
	w = payload_begin();
	assert_true(fs_device_info_decode(&r, &device));
	want(c, "smb.device.type", device.device_type);
	want(c, "smb.device", device.characteristics);
	fs_device_info_encode(&w, &device);
	same_bytes(&r, &w);

	r = payload("query_info_response_2_5", &c);
	w = payload_begin();
	assert_true(fs_attribute_info_decode(&r, &attribute));
	want(c, "smb.fs_attr", attribute.file_system_attributes);
	want(c, "smb.fs_max_name_len", attribute.maximum_component_name_length);
	want_utf16(c, "smb.fs_name", attribute.file_system_name);
	fs_attribute_info_encode(&w, &attribute);
	same_bytes(&r, &w);
}

/* By hand, from the tables of [MS-FSCC] 2.5. */
static void other_classes_come_back(void **state)
{
	struct fs_full_size_info full = {1, 2, 3, 4, 5}, full2;
	struct fs_control_info control = {1, 2, 3, 4, 5, FILE_VC_QUOTA_ENFORCE}, control2;
	struct fs_object_id_info id = {{{1, 2}}, {3, 4}}, id2;
	struct fs_sector_size_info sector = {512, 4096, 4097, 4098, 3, 5, 6}, sector2;
	struct wr w = payload_begin();
	struct rd r;

	fs_full_size_info_encode(&w, &full);
	assert_int_equal(w.len, fs_information_fixed_size(FileFsFullSizeInformation));
	fs_control_info_encode(&w, &control);
	assert_int_equal(w.len, 32 + fs_information_fixed_size(FileFsControlInformation));
	fs_object_id_info_encode(&w, &id);
	assert_int_equal(w.len, 80 + fs_information_fixed_size(FileFsObjectIdInformation));
	fs_sector_size_info_encode(&w, &sector);
	assert_int_equal(w.len, 144 + fs_information_fixed_size(FileFsSectorSizeInformation));
	assert_memory_equal(w.data + 144,
			    "\0\2\0\0\0\x10\0\0\1\x10\0\0\2\x10\0\0\3\0\0\0\5\0\0\0\6\0\0\0", 28);
	r = payload_read(&w);
	assert_true(fs_full_size_info_decode(&r, &full2));
	assert_true(fs_control_info_decode(&r, &control2));
	assert_true(fs_object_id_info_decode(&r, &id2));
	assert_true(fs_sector_size_info_decode(&r, &sector2));
	assert_memory_equal(&full, &full2, sizeof(full));
	assert_int_equal(control2.default_quota_limit, 5);
	assert_int_equal(control2.file_system_control_flags, FILE_VC_QUOTA_ENFORCE);
	assert_memory_equal(&id, &id2, sizeof(id));
	assert_memory_equal(&sector, &sector2, sizeof(sector));
	assert_false(fs_sector_size_info_decode(&r, &sector2));
}

static void driver_path(void **state)
{
	struct fs_driver_path_info in = {true, BLOB("d\0")}, out;
	struct wr w = payload_begin();
	struct rd r;

	fs_driver_path_info_encode(&w, &in);
	assert_memory_equal(w.data, "\1\0\0\0\2\0\0\0d\0", 10);
	r = payload_read(&w);
	assert_true(fs_driver_path_info_decode(&r, &out));
	assert_true(out.driver_in_path);
	assert_blob(out.driver_name, "d\0");
	r = rd_init(w.data, w.len - 1);
	assert_false(fs_driver_path_info_decode(&r, &out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captured_classes),
		cmocka_unit_test(other_classes_come_back),
		cmocka_unit_test(driver_path),
	};

	return cmocka_run_group_tests(tests, captures_load, captures_free);
}
