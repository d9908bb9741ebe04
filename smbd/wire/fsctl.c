/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/fsctl.h"

#include <netinet/in.h>

#include "smbd/wire/entry.h"

static const struct {
	uint32_t code;
	const char *name;
} names[] = {
#define NAME(code)          \
	{                   \
		code, #code \
	}
	NAME(FSCTL_DFS_GET_REFERRALS),
	NAME(FSCTL_DFS_GET_REFERRALS_EX),
	NAME(FSCTL_IS_PATHNAME_VALID),
	NAME(FSCTL_GET_COMPRESSION),
	NAME(FSCTL_SET_COMPRESSION),
	NAME(FSCTL_FILESYSTEM_GET_STATISTICS),
	NAME(FSCTL_GET_NTFS_VOLUME_DATA),
	NAME(FSCTL_FIND_FILES_BY_SID),
	NAME(FSCTL_SET_OBJECT_ID),
	NAME(FSCTL_GET_OBJECT_ID),
	NAME(FSCTL_DELETE_OBJECT_ID),
	NAME(FSCTL_SET_REPARSE_POINT),
	NAME(FSCTL_GET_REPARSE_POINT),
	NAME(FSCTL_DELETE_REPARSE_POINT),
	NAME(FSCTL_SET_OBJECT_ID_EXTENDED),
	NAME(FSCTL_CREATE_OR_GET_OBJECT_ID),
	NAME(FSCTL_SET_SPARSE),
	NAME(FSCTL_QUERY_ALLOCATED_RANGES),
	NAME(FSCTL_SET_ZERO_DATA),
	NAME(FSCTL_SET_ENCRYPTION),
	NAME(FSCTL_READ_FILE_USN_DATA),
	NAME(FSCTL_WRITE_USN_CLOSE_RECORD),
	NAME(FSCTL_FILE_LEVEL_TRIM),
	NAME(FSCTL_QUERY_FILE_REGIONS),
	NAME(FSCTL_GET_INTEGRITY_INFORMATION),
	NAME(FSCTL_SET_INTEGRITY_INFORMATION),
	NAME(FSCTL_SET_INTEGRITY_INFORMATION_EX),
	NAME(FSCTL_OFFLOAD_READ),
	NAME(FSCTL_OFFLOAD_WRITE),
	NAME(FSCTL_DUPLICATE_EXTENTS_TO_FILE),
	NAME(FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX),
	NAME(FSCTL_REFS_STREAM_SNAPSHOT_MANAGEMENT),
	NAME(FSCTL_SET_DEFECT_MANAGEMENT),
	NAME(FSCTL_SVHDX_SYNC_TUNNEL_REQUEST),
	NAME(FSCTL_SVHDX_ASYNC_TUNNEL_REQUEST),
	NAME(FSCTL_QUERY_SHARED_VIRTUAL_DISK_SUPPORT),
	NAME(FSCTL_STORAGE_QOS_CONTROL),
	NAME(FSCTL_PIPE_PEEK),
	NAME(FSCTL_PIPE_WAIT),
	NAME(FSCTL_PIPE_TRANSCEIVE),
	NAME(FSCTL_QUERY_NETWORK_INTERFACE_INFO),
	NAME(FSCTL_LMR_REQUEST_RESILIENCY),
	NAME(FSCTL_VALIDATE_NEGOTIATE_INFO),
	NAME(FSCTL_LMR_SET_LINK_TRACKING_INFORMATION),
	NAME(FSCTL_SRV_ENUMERATE_SNAPSHOTS),
	NAME(FSCTL_SRV_REQUEST_RESUME_KEY),
	NAME(FSCTL_SRV_READ_HASH),
	NAME(FSCTL_SRV_COPYCHUNK),
	NAME(FSCTL_SRV_COPYCHUNK_WRITE),
#undef NAME
};

const char *fsctl_name(uint32_t ctl_code)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].code == ctl_code)
			return names[i].name;
	return "unknown";
}

/* ---- VALIDATE_NEGOTIATE_INFO ---- */

bool fsctl_validate_negotiate_request_decode(struct rd *r,
					     struct fsctl_validate_negotiate_request *out)
{
	unsigned count;

	out->capabilities = rd_u32(r);
	out->guid = guid_decode(r);
	out->security_mode = rd_u16(r);
	count = rd_u16(r);
	out->dialects.count = 0;
	for (unsigned i = 0; i < count && rd_ok(r); i++) {
		uint16_t dialect = rd_u16(r);

		if (out->dialects.count < SMB2_ID_LIST_MAX)
			out->dialects.ids[out->dialects.count++] = dialect;
	}
	return rd_ok(r);
}

void fsctl_validate_negotiate_request_encode(struct wr *w,
					     const struct fsctl_validate_negotiate_request *in)
{
	wr_u32(w, in->capabilities);
	guid_encode(w, &in->guid);
	wr_u16(w, in->security_mode);
	wr_u16(w, in->dialects.count);
	for (unsigned i = 0; i < in->dialects.count; i++)
		wr_u16(w, in->dialects.ids[i]);
}

bool fsctl_validate_negotiate_response_decode(struct rd *r,
					      struct fsctl_validate_negotiate_response *out)
{
	out->capabilities = rd_u32(r);
	out->guid = guid_decode(r);
	out->security_mode = rd_u16(r);
	out->dialect = rd_u16(r);
	return rd_ok(r);
}

void fsctl_validate_negotiate_response_encode(struct wr *w,
					      const struct fsctl_validate_negotiate_response *in)
{
	wr_u32(w, in->capabilities);
	guid_encode(w, &in->guid);
	wr_u16(w, in->security_mode);
	wr_u16(w, in->dialect);
}

/* ---- NETWORK_INTERFACE_INFO: SOCKADDR_STORAGE of 2.2.32.5.1 has Windows' families ---- */

#define WIRE_AF_INET       0x0002
#define WIRE_AF_INET6      0x0017
#define SOCKADDR_WIRE_SIZE 128

static void sockaddr_encode(struct wr *w, const struct sockaddr_storage *in)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in4;
	size_t start = w->len;

	if (in->ss_family == AF_INET) {
		memcpy(&in4, in, sizeof(in4));
		wr_u16(w, WIRE_AF_INET);
		wr_be16(w, ntohs(in4.sin_port));
		wr_bytes(w, &in4.sin_addr, 4);
	} else if (in->ss_family == AF_INET6) {
		memcpy(&in6, in, sizeof(in6));
		wr_u16(w, WIRE_AF_INET6);
		wr_be16(w, ntohs(in6.sin6_port));
		wr_u32(w, 0); /* flow information: reserved */
		wr_bytes(w, &in6.sin6_addr, 16);
		wr_u32(w, 0); /* scope: reserved */
	}
	wr_zero(w, SOCKADDR_WIRE_SIZE - (w->len - start));
}

static void sockaddr_decode(struct rd *r, struct sockaddr_storage *out)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct sockaddr_in in4 = {.sin_family = AF_INET};
	size_t start = r->off;
	unsigned family = rd_u16(r), port = rd_be16(r);

	*out = (struct sockaddr_storage){.ss_family = AF_UNSPEC};
	if (family == WIRE_AF_INET) {
		in4.sin_port = htons((uint16_t)port);
		rd_copy(r, &in4.sin_addr, 4);
		memcpy(out, &in4, sizeof(in4));
	} else if (family == WIRE_AF_INET6) {
		in6.sin6_port = htons((uint16_t)port);
		rd_skip(r, 4);
		rd_copy(r, &in6.sin6_addr, 16);
		memcpy(out, &in6, sizeof(in6));
	}
	rd_seek(r, start + SOCKADDR_WIRE_SIZE);
}

void fsctl_network_interface_encode(struct wr *w, const struct fsctl_network_interface *in,
				    size_t *last)
{
	struct wire_entry e = wire_entry_begin(w, 8, last);

	wr_u32(w, in->if_index);
	wr_u32(w, in->capability);
	wr_u32(w, 0);
	wr_u64(w, in->link_speed);
	sockaddr_encode(w, &in->address);
	w->bad |= !wire_entry_end(w, e, last);
}

bool fsctl_network_interface_next(struct rd *r, struct fsctl_network_interface *out)
{
	struct rd entry = wire_entry_next(r, FSCTL_NETWORK_INTERFACE_ENTRY_SIZE);

	out->if_index = rd_u32(&entry);
	out->capability = rd_u32(&entry);
	rd_skip(&entry, 4);
	out->link_speed = rd_u64(&entry);
	sockaddr_decode(&entry, &out->address);
	return wire_entry_ok(r, &entry);
}

/* ---- resume key and copychunk ---- */

#define COPYCHUNK_SIZE 24

bool fsctl_resume_key_decode(struct rd *r, struct fsctl_resume_key *out)
{
	rd_copy(r, out->key, sizeof(out->key));
	rd_skip(r, 4); /* ContextLength */
	return rd_ok(r);
}

void fsctl_resume_key_encode(struct wr *w, const struct fsctl_resume_key *in)
{
	wr_bytes(w, in->key, sizeof(in->key));
	wr_u32(w, 0); /* ContextLength */
	wr_u32(w, 0); /* Context: Windows sends four bytes */
}

bool fsctl_copychunk_request_decode(struct rd *r, struct fsctl_copychunk_request *out)
{
	rd_copy(r, out->source_key.key, sizeof(out->source_key.key));
	out->chunk_count = rd_u32(r);
	rd_skip(r, 4);
	if (out->chunk_count > rd_left(r) / COPYCHUNK_SIZE)
		rd_fail(r);
	out->chunks = wire_blob_next(r, (size_t)out->chunk_count * COPYCHUNK_SIZE);
	return rd_ok(r);
}

struct fsctl_copychunk fsctl_copychunk_request_chunk(const struct fsctl_copychunk_request *req,
						     unsigned i)
{
	struct rd r = wire_blob_rd(req->chunks);
	struct fsctl_copychunk chunk;

	rd_seek(&r, (size_t)i * COPYCHUNK_SIZE);
	chunk.source_offset = rd_u64(&r);
	chunk.target_offset = rd_u64(&r);
	chunk.length = rd_u32(&r);
	return chunk;
}

void fsctl_copychunk_request_encode(struct wr *w, const struct fsctl_copychunk_request *in,
				    const struct fsctl_copychunk *chunks)
{
	wr_bytes(w, in->source_key.key, sizeof(in->source_key.key));
	wr_u32(w, in->chunk_count);
	wr_u32(w, 0);
	for (unsigned i = 0; i < in->chunk_count; i++) {
		wr_u64(w, chunks[i].source_offset);
		wr_u64(w, chunks[i].target_offset);
		wr_u32(w, chunks[i].length);
		wr_u32(w, 0);
	}
}

bool fsctl_copychunk_response_decode(struct rd *r, struct fsctl_copychunk_response *out)
{
	out->chunks_written = rd_u32(r);
	out->chunk_bytes_written = rd_u32(r);
	out->total_bytes_written = rd_u32(r);
	return rd_ok(r);
}

void fsctl_copychunk_response_encode(struct wr *w, const struct fsctl_copychunk_response *in)
{
	wr_u32(w, in->chunks_written);
	wr_u32(w, in->chunk_bytes_written);
	wr_u32(w, in->total_bytes_written);
}

/* ---- snapshots ---- */

/* When the list does not fit, only the three counts are there. */
bool fsctl_snapshot_array_decode(struct rd *r, struct fsctl_snapshot_array *out)
{
	out->number_of_snapshots = rd_u32(r);
	out->number_of_snapshots_returned = rd_u32(r);
	out->snapshot_array_size = rd_u32(r);
	out->snapshots = wire_blob_next(
		r, out->snapshot_array_size < rd_left(r) ? out->snapshot_array_size : rd_left(r));
	return rd_ok(r);
}

void fsctl_snapshot_array_encode(struct wr *w, const struct fsctl_snapshot_array *in)
{
	wr_u32(w, in->number_of_snapshots);
	wr_u32(w, in->number_of_snapshots_returned);
	wr_u32(w, in->snapshot_array_size);
	wire_blob_encode(w, in->snapshots);
}

/* ---- small ones ---- */

bool fsctl_resiliency_request_decode(struct rd *r, struct fsctl_resiliency_request *out)
{
	out->timeout_ms = rd_u32(r);
	rd_skip(r, 4);
	return rd_ok(r);
}

void fsctl_resiliency_request_encode(struct wr *w, const struct fsctl_resiliency_request *in)
{
	wr_u32(w, in->timeout_ms);
	wr_u32(w, 0);
}

bool fsctl_pipe_wait_decode(struct rd *r, struct fsctl_pipe_wait *out)
{
	uint32_t name_len;

	out->timeout_100ns = rd_u64(r);
	name_len = rd_u32(r);
	out->timeout_specified = rd_u8(r) != 0;
	rd_skip(r, 1);
	out->name = wire_blob_next(r, name_len);
	if (name_len % 2 != 0)
		rd_fail(r);
	return rd_ok(r);
}

void fsctl_pipe_wait_encode(struct wr *w, const struct fsctl_pipe_wait *in)
{
	wr_u64(w, in->timeout_100ns);
	wr_u32(w, (uint32_t)in->name.len);
	wr_u8(w, in->timeout_specified);
	wr_u8(w, 0);
	wire_blob_encode(w, in->name);
}

bool fsctl_pipe_peek_response_decode(struct rd *r, struct fsctl_pipe_peek_response *out)
{
	out->named_pipe_state = rd_u32(r);
	out->read_data_available = rd_u32(r);
	out->number_of_messages = rd_u32(r);
	out->message_length = rd_u32(r);
	out->data = wire_blob_rest(r);
	return rd_ok(r);
}

void fsctl_pipe_peek_response_encode(struct wr *w, const struct fsctl_pipe_peek_response *in)
{
	wr_u32(w, in->named_pipe_state);
	wr_u32(w, in->read_data_available);
	wr_u32(w, in->number_of_messages);
	wr_u32(w, in->message_length);
	wire_blob_encode(w, in->data);
}

/* ---- ranges ---- */

#define DUPLICATE_EXTENTS_EX_SIZE 48

bool fsctl_duplicate_extents_decode(struct rd *r, bool ex, struct fsctl_duplicate_extents *out)
{
	if (ex && rd_u64(r) != DUPLICATE_EXTENTS_EX_SIZE)
		rd_fail(r);
	out->source_file_id = smb2_file_id_decode(r);
	out->source_file_offset = rd_u64(r);
	out->target_file_offset = rd_u64(r);
	out->byte_count = rd_u64(r);
	out->flags = 0;
	if (ex) {
		out->flags = rd_u32(r);
		rd_skip(r, 4);
	}
	return rd_ok(r);
}

void fsctl_duplicate_extents_encode(struct wr *w, bool ex, const struct fsctl_duplicate_extents *in)
{
	if (ex)
		wr_u64(w, DUPLICATE_EXTENTS_EX_SIZE);
	smb2_file_id_encode(w, in->source_file_id);
	wr_u64(w, in->source_file_offset);
	wr_u64(w, in->target_file_offset);
	wr_u64(w, in->byte_count);
	if (ex) {
		wr_u32(w, in->flags);
		wr_u32(w, 0);
	}
}

bool fsctl_allocated_range_decode(struct rd *r, struct fsctl_allocated_range *out)
{
	out->file_offset = rd_u64(r);
	out->length = rd_u64(r);
	return rd_ok(r);
}

void fsctl_allocated_range_encode(struct wr *w, const struct fsctl_allocated_range *in)
{
	wr_u64(w, in->file_offset);
	wr_u64(w, in->length);
}

bool fsctl_zero_data_decode(struct rd *r, struct fsctl_zero_data *out)
{
	out->file_offset = rd_u64(r);
	out->beyond_final_zero = rd_u64(r);
	return rd_ok(r);
}

void fsctl_zero_data_encode(struct wr *w, const struct fsctl_zero_data *in)
{
	wr_u64(w, in->file_offset);
	wr_u64(w, in->beyond_final_zero);
}

bool fsctl_set_sparse_decode(struct rd *r, bool *out)
{
	*out = rd_left(r) == 0 || rd_u8(r) != 0;
	return rd_ok(r);
}

bool fsctl_compression_decode(struct rd *r, uint16_t *format)
{
	*format = rd_u16(r);
	return rd_ok(r);
}

void fsctl_compression_encode(struct wr *w, uint16_t format)
{
	wr_u16(w, format);
}

bool fsctl_file_level_trim_decode(struct rd *r, struct fsctl_file_level_trim *out)
{
	out->key = rd_u32(r);
	out->num_ranges = rd_u32(r);
	if (out->num_ranges > rd_left(r) / 16)
		rd_fail(r);
	out->ranges = wire_blob_next(r, (size_t)out->num_ranges * 16);
	return rd_ok(r);
}

void fsctl_file_level_trim_encode(struct wr *w, const struct fsctl_file_level_trim *in)
{
	wr_u32(w, in->key);
	wr_u32(w, in->num_ranges);
	wire_blob_encode(w, in->ranges);
}

bool fsctl_set_integrity_decode(struct rd *r, struct fsctl_integrity_information *out)
{
	*out = (struct fsctl_integrity_information){0};
	out->checksum_algorithm = rd_u16(r);
	rd_skip(r, 2);
	out->flags = rd_u32(r);
	return rd_ok(r);
}

void fsctl_set_integrity_encode(struct wr *w, const struct fsctl_integrity_information *in)
{
	wr_u16(w, in->checksum_algorithm);
	wr_u16(w, 0);
	wr_u32(w, in->flags);
}

bool fsctl_get_integrity_response_decode(struct rd *r, struct fsctl_integrity_information *out)
{
	fsctl_set_integrity_decode(r, out);
	out->checksum_chunk_size_in_bytes = rd_u32(r);
	out->cluster_size_in_bytes = rd_u32(r);
	return rd_ok(r);
}

void fsctl_get_integrity_response_encode(struct wr *w, const struct fsctl_integrity_information *in)
{
	fsctl_set_integrity_encode(w, in);
	wr_u32(w, in->checksum_chunk_size_in_bytes);
	wr_u32(w, in->cluster_size_in_bytes);
}

bool fsctl_object_id_decode(struct rd *r, struct fsctl_object_id *out)
{
	out->object_id = guid_decode(r);
	out->birth_volume_id = guid_decode(r);
	out->birth_object_id = guid_decode(r);
	out->domain_id = guid_decode(r);
	return rd_ok(r);
}

void fsctl_object_id_encode(struct wr *w, const struct fsctl_object_id *in)
{
	guid_encode(w, &in->object_id);
	guid_encode(w, &in->birth_volume_id);
	guid_encode(w, &in->birth_object_id);
	guid_encode(w, &in->domain_id);
}
