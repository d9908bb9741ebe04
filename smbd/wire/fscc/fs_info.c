/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/fscc/fs_info.h"

bool fs_volume_info_decode(struct rd *r, struct fs_volume_info *out)
{
	uint32_t label_len;

	out->volume_creation_time = rd_u64(r);
	out->volume_serial_number = rd_u32(r);
	label_len = rd_u32(r);
	out->supports_objects = rd_u8(r) != 0;
	rd_skip(r, 1);
	out->volume_label = wire_blob_next(r, label_len);
	return rd_ok(r);
}

void fs_volume_info_encode(struct wr *w, const struct fs_volume_info *in)
{
	wr_u64(w, in->volume_creation_time);
	wr_u32(w, in->volume_serial_number);
	wr_u32(w, (uint32_t)in->volume_label.len);
	wr_u8(w, in->supports_objects);
	wr_u8(w, 0);
	wire_blob_encode(w, in->volume_label);
}

bool fs_size_info_decode(struct rd *r, struct fs_size_info *out)
{
	out->total_allocation_units = rd_u64(r);
	out->available_allocation_units = rd_u64(r);
	out->sectors_per_allocation_unit = rd_u32(r);
	out->bytes_per_sector = rd_u32(r);
	return rd_ok(r);
}

void fs_size_info_encode(struct wr *w, const struct fs_size_info *in)
{
	wr_u64(w, in->total_allocation_units);
	wr_u64(w, in->available_allocation_units);
	wr_u32(w, in->sectors_per_allocation_unit);
	wr_u32(w, in->bytes_per_sector);
}

bool fs_full_size_info_decode(struct rd *r, struct fs_full_size_info *out)
{
	out->total_allocation_units = rd_u64(r);
	out->caller_available_allocation_units = rd_u64(r);
	out->actual_available_allocation_units = rd_u64(r);
	out->sectors_per_allocation_unit = rd_u32(r);
	out->bytes_per_sector = rd_u32(r);
	return rd_ok(r);
}

void fs_full_size_info_encode(struct wr *w, const struct fs_full_size_info *in)
{
	wr_u64(w, in->total_allocation_units);
	wr_u64(w, in->caller_available_allocation_units);
	wr_u64(w, in->actual_available_allocation_units);
	wr_u32(w, in->sectors_per_allocation_unit);
	wr_u32(w, in->bytes_per_sector);
}

bool fs_device_info_decode(struct rd *r, struct fs_device_info *out)
{
	out->device_type = rd_u32(r);
	out->characteristics = rd_u32(r);
	return rd_ok(r);
}

void fs_device_info_encode(struct wr *w, const struct fs_device_info *in)
{
	wr_u32(w, in->device_type);
	wr_u32(w, in->characteristics);
}

bool fs_attribute_info_decode(struct rd *r, struct fs_attribute_info *out)
{
	out->file_system_attributes = rd_u32(r);
	out->maximum_component_name_length = rd_u32(r);
	out->file_system_name = wire_blob_next(r, rd_u32(r));
	return rd_ok(r);
}

void fs_attribute_info_encode(struct wr *w, const struct fs_attribute_info *in)
{
	wr_u32(w, in->file_system_attributes);
	wr_u32(w, in->maximum_component_name_length);
	wr_u32(w, (uint32_t)in->file_system_name.len);
	wire_blob_encode(w, in->file_system_name);
}

bool fs_control_info_decode(struct rd *r, struct fs_control_info *out)
{
	out->free_space_start_filtering = rd_u64(r);
	out->free_space_threshold = rd_u64(r);
	out->free_space_stop_filtering = rd_u64(r);
	out->default_quota_threshold = rd_u64(r);
	out->default_quota_limit = rd_u64(r);
	out->file_system_control_flags = rd_u32(r);
	rd_skip(r, 4);
	return rd_ok(r);
}

void fs_control_info_encode(struct wr *w, const struct fs_control_info *in)
{
	wr_u64(w, in->free_space_start_filtering);
	wr_u64(w, in->free_space_threshold);
	wr_u64(w, in->free_space_stop_filtering);
	wr_u64(w, in->default_quota_threshold);
	wr_u64(w, in->default_quota_limit);
	wr_u32(w, in->file_system_control_flags);
	wr_u32(w, 0);
}

bool fs_object_id_info_decode(struct rd *r, struct fs_object_id_info *out)
{
	out->object_id = guid_decode(r);
	rd_copy(r, out->extended_info, sizeof(out->extended_info));
	return rd_ok(r);
}

void fs_object_id_info_encode(struct wr *w, const struct fs_object_id_info *in)
{
	guid_encode(w, &in->object_id);
	wr_bytes(w, in->extended_info, sizeof(in->extended_info));
}

bool fs_sector_size_info_decode(struct rd *r, struct fs_sector_size_info *out)
{
	out->logical_bytes_per_sector = rd_u32(r);
	out->physical_bytes_per_sector_for_atomicity = rd_u32(r);
	out->physical_bytes_per_sector_for_performance = rd_u32(r);
	out->effective_physical_bytes_per_sector_for_atomicity = rd_u32(r);
	out->flags = rd_u32(r);
	out->byte_offset_for_sector_alignment = rd_u32(r);
	out->byte_offset_for_partition_alignment = rd_u32(r);
	return rd_ok(r);
}

void fs_sector_size_info_encode(struct wr *w, const struct fs_sector_size_info *in)
{
	wr_u32(w, in->logical_bytes_per_sector);
	wr_u32(w, in->physical_bytes_per_sector_for_atomicity);
	wr_u32(w, in->physical_bytes_per_sector_for_performance);
	wr_u32(w, in->effective_physical_bytes_per_sector_for_atomicity);
	wr_u32(w, in->flags);
	wr_u32(w, in->byte_offset_for_sector_alignment);
	wr_u32(w, in->byte_offset_for_partition_alignment);
}

bool fs_driver_path_info_decode(struct rd *r, struct fs_driver_path_info *out)
{
	out->driver_in_path = rd_u8(r) != 0;
	rd_skip(r, 3);
	out->driver_name = wire_blob_next(r, rd_u32(r));
	return rd_ok(r);
}

void fs_driver_path_info_encode(struct wr *w, const struct fs_driver_path_info *in)
{
	wr_u8(w, in->driver_in_path);
	wr_zero(w, 3);
	wr_u32(w, (uint32_t)in->driver_name.len);
	wire_blob_encode(w, in->driver_name);
}
