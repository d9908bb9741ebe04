/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/fscc/file_info.h"

#include "smbd/wire/entry.h"

/* A u32 length and so many bytes of UTF-16LE. */
static struct wire_blob name_decode(struct rd *r)
{
	uint32_t len = rd_u32(r);

	if (len % 2 != 0)
		rd_fail(r);
	return wire_blob_next(r, len);
}

/* ---- one integer ---- */

bool file_info_u64_decode(struct rd *r, uint64_t *out)
{
	*out = rd_u64(r);
	return rd_ok(r);
}

void file_info_u64_encode(struct wr *w, uint64_t in)
{
	wr_u64(w, in);
}

bool file_info_u32_decode(struct rd *r, uint32_t *out)
{
	*out = rd_u32(r);
	return rd_ok(r);
}

void file_info_u32_encode(struct wr *w, uint32_t in)
{
	wr_u32(w, in);
}

bool file_info_bool_decode(struct rd *r, bool *out)
{
	*out = rd_u8(r) != 0;
	return rd_ok(r);
}

void file_info_bool_encode(struct wr *w, bool in)
{
	wr_u8(w, in);
}

/* ---- times, sizes, attributes ---- */

bool file_basic_info_decode(struct rd *r, struct file_basic_info *out)
{
	out->creation_time = rd_u64(r);
	out->last_access_time = rd_u64(r);
	out->last_write_time = rd_u64(r);
	out->change_time = rd_u64(r);
	out->file_attributes = rd_u32(r);
	rd_skip(r, 4);
	return rd_ok(r);
}

void file_basic_info_encode(struct wr *w, const struct file_basic_info *in)
{
	wr_u64(w, in->creation_time);
	wr_u64(w, in->last_access_time);
	wr_u64(w, in->last_write_time);
	wr_u64(w, in->change_time);
	wr_u32(w, in->file_attributes);
	wr_u32(w, 0);
}

bool file_standard_info_decode(struct rd *r, struct file_standard_info *out)
{
	out->allocation_size = rd_u64(r);
	out->end_of_file = rd_u64(r);
	out->number_of_links = rd_u32(r);
	out->delete_pending = rd_u8(r) != 0;
	out->directory = rd_u8(r) != 0;
	rd_skip(r, 2);
	return rd_ok(r);
}

void file_standard_info_encode(struct wr *w, const struct file_standard_info *in)
{
	wr_u64(w, in->allocation_size);
	wr_u64(w, in->end_of_file);
	wr_u32(w, in->number_of_links);
	wr_u8(w, in->delete_pending);
	wr_u8(w, in->directory);
	wr_u16(w, 0);
}

bool file_all_info_decode(struct rd *r, struct file_all_info *out)
{
	file_basic_info_decode(r, &out->basic);
	file_standard_info_decode(r, &out->standard);
	out->index_number = rd_u64(r);
	out->ea_size = rd_u32(r);
	out->access_flags = rd_u32(r);
	out->current_byte_offset = rd_u64(r);
	out->mode = rd_u32(r);
	out->alignment_requirement = rd_u32(r);
	out->file_name = name_decode(r);
	return rd_ok(r);
}

void file_all_info_encode(struct wr *w, const struct file_all_info *in)
{
	file_basic_info_encode(w, &in->basic);
	file_standard_info_encode(w, &in->standard);
	wr_u64(w, in->index_number);
	wr_u32(w, in->ea_size);
	wr_u32(w, in->access_flags);
	wr_u64(w, in->current_byte_offset);
	wr_u32(w, in->mode);
	wr_u32(w, in->alignment_requirement);
	file_name_info_encode(w, in->file_name);
}

bool file_network_open_info_decode(struct rd *r, struct file_network_open_info *out)
{
	out->creation_time = rd_u64(r);
	out->last_access_time = rd_u64(r);
	out->last_write_time = rd_u64(r);
	out->change_time = rd_u64(r);
	out->allocation_size = rd_u64(r);
	out->end_of_file = rd_u64(r);
	out->file_attributes = rd_u32(r);
	rd_skip(r, 4);
	return rd_ok(r);
}

void file_network_open_info_encode(struct wr *w, const struct file_network_open_info *in)
{
	wr_u64(w, in->creation_time);
	wr_u64(w, in->last_access_time);
	wr_u64(w, in->last_write_time);
	wr_u64(w, in->change_time);
	wr_u64(w, in->allocation_size);
	wr_u64(w, in->end_of_file);
	wr_u32(w, in->file_attributes);
	wr_u32(w, 0);
}

bool file_attribute_tag_info_decode(struct rd *r, struct file_attribute_tag_info *out)
{
	out->file_attributes = rd_u32(r);
	out->reparse_tag = rd_u32(r);
	return rd_ok(r);
}

void file_attribute_tag_info_encode(struct wr *w, const struct file_attribute_tag_info *in)
{
	wr_u32(w, in->file_attributes);
	wr_u32(w, in->reparse_tag);
}

bool file_compression_info_decode(struct rd *r, struct file_compression_info *out)
{
	out->compressed_file_size = rd_u64(r);
	out->compression_format = rd_u16(r);
	out->compression_unit_shift = rd_u8(r);
	out->chunk_shift = rd_u8(r);
	out->cluster_shift = rd_u8(r);
	rd_skip(r, 3);
	return rd_ok(r);
}

void file_compression_info_encode(struct wr *w, const struct file_compression_info *in)
{
	wr_u64(w, in->compressed_file_size);
	wr_u16(w, in->compression_format);
	wr_u8(w, in->compression_unit_shift);
	wr_u8(w, in->chunk_shift);
	wr_u8(w, in->cluster_shift);
	wr_zero(w, 3);
}

bool file_id_info_decode(struct rd *r, struct file_id_info *out)
{
	out->volume_serial_number = rd_u64(r);
	rd_copy(r, out->file_id, sizeof(out->file_id));
	return rd_ok(r);
}

void file_id_info_encode(struct wr *w, const struct file_id_info *in)
{
	wr_u64(w, in->volume_serial_number);
	wr_bytes(w, in->file_id, sizeof(in->file_id));
}

/* ---- pipes ---- */

bool file_pipe_info_decode(struct rd *r, struct file_pipe_info *out)
{
	out->read_mode = rd_u32(r);
	out->completion_mode = rd_u32(r);
	return rd_ok(r);
}

void file_pipe_info_encode(struct wr *w, const struct file_pipe_info *in)
{
	wr_u32(w, in->read_mode);
	wr_u32(w, in->completion_mode);
}

bool file_pipe_local_info_decode(struct rd *r, struct file_pipe_local_info *out)
{
	out->named_pipe_type = rd_u32(r);
	out->named_pipe_configuration = rd_u32(r);
	out->maximum_instances = rd_u32(r);
	out->current_instances = rd_u32(r);
	out->inbound_quota = rd_u32(r);
	out->read_data_available = rd_u32(r);
	out->outbound_quota = rd_u32(r);
	out->write_quota_available = rd_u32(r);
	out->named_pipe_state = rd_u32(r);
	out->named_pipe_end = rd_u32(r);
	return rd_ok(r);
}

void file_pipe_local_info_encode(struct wr *w, const struct file_pipe_local_info *in)
{
	wr_u32(w, in->named_pipe_type);
	wr_u32(w, in->named_pipe_configuration);
	wr_u32(w, in->maximum_instances);
	wr_u32(w, in->current_instances);
	wr_u32(w, in->inbound_quota);
	wr_u32(w, in->read_data_available);
	wr_u32(w, in->outbound_quota);
	wr_u32(w, in->write_quota_available);
	wr_u32(w, in->named_pipe_state);
	wr_u32(w, in->named_pipe_end);
}

bool file_pipe_remote_info_decode(struct rd *r, struct file_pipe_remote_info *out)
{
	out->collect_data_time = rd_u64(r);
	out->maximum_collection_count = rd_u32(r);
	return rd_ok(r);
}

void file_pipe_remote_info_encode(struct wr *w, const struct file_pipe_remote_info *in)
{
	wr_u64(w, in->collect_data_time);
	wr_u32(w, in->maximum_collection_count);
	wr_u32(w, 0); /* the structure's own padding */
}

/* ---- names ---- */

bool file_name_info_decode(struct rd *r, struct wire_blob *file_name)
{
	*file_name = name_decode(r);
	return rd_ok(r);
}

void file_name_info_encode(struct wr *w, struct wire_blob file_name)
{
	wr_u32(w, (uint32_t)file_name.len);
	wire_blob_encode(w, file_name);
}

bool file_rename_info_decode(struct rd *r, bool ex, struct file_rename_info *out)
{
	out->flags = ex ? rd_u32(r) : rd_u8(r) != 0;
	rd_skip(r, ex ? 4 : 7);
	out->root_directory = rd_u64(r);
	out->file_name = name_decode(r);
	return rd_ok(r);
}

/* The structure's own size is 24: Windows pads shorter ones, and refuses them. */
#define RENAME_INFO_SIZE_MIN 24

void file_rename_info_encode(struct wr *w, bool ex, const struct file_rename_info *in)
{
	size_t start = w->len;

	if (ex) {
		wr_u32(w, in->flags);
		wr_u32(w, 0);
	} else {
		wr_u8(w, in->flags & FILE_RENAME_REPLACE_IF_EXISTS);
		wr_zero(w, 7);
	}
	wr_u64(w, in->root_directory);
	file_name_info_encode(w, in->file_name);
	if (w->len - start < RENAME_INFO_SIZE_MIN)
		wr_zero(w, RENAME_INFO_SIZE_MIN - (w->len - start));
}

/* ---- streams ---- */

bool file_stream_info_encode(struct wr *w, const struct file_stream_info *in, size_t *last)
{
	struct wire_entry e = wire_entry_begin(w, 8, last);

	wr_u32(w, (uint32_t)in->stream_name.len);
	wr_u64(w, in->stream_size);
	wr_u64(w, in->stream_allocation_size);
	wire_blob_encode(w, in->stream_name);
	return wire_entry_end(w, e, last);
}

bool file_stream_info_next(struct rd *r, struct file_stream_info *out)
{
	struct rd entry = wire_entry_next(r, 24);
	uint32_t name_len = rd_u32(&entry);

	out->stream_size = rd_u64(&entry);
	out->stream_allocation_size = rd_u64(&entry);
	out->stream_name = wire_blob_next(&entry, name_len);
	if (name_len % 2 != 0)
		rd_fail(&entry);
	return wire_entry_ok(r, &entry);
}
