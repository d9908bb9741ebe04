/* SPDX-License-Identifier: Apache-2.0 */
/* The file information classes of QUERY_INFO, [MS-SMB2] 3.3.5.20.1 and [MS-FSA] 2.1.5.12. */
#include "smbd/cmd/query_info.h"

#include <talloc.h>

#include "smbd/cmd/ea.h"
#include "smbd/session/connection.h"
#include "smbd/vfs/name.h"
#include "smbd/wire/access.h"
#include "smbd/wire/fscc/file_info.h"
#include "smbd/wire/negotiate.h"
#include "smbd/wire/utf16.h"

struct query {
	struct request *req;
	const struct smb2_query_info_request *in;
	struct handle *h;
	struct vfs_stat st;
};

static struct file_basic_info query_basic(const struct query *q)
{
	struct handle_times times = handle_times(&q->st);

	return (struct file_basic_info){.creation_time = times.creation,
					.last_access_time = times.access,
					.last_write_time = times.write,
					.change_time = times.change,
					.file_attributes = q->st.attributes};
}

static struct file_standard_info query_standard(const struct query *q)
{
	bool pending = file_open_delete_pending(&q->h->file);
	uint32_t links = q->st.directory ? 1 : q->st.links;

	return (struct file_standard_info){
		.allocation_size = q->st.alloc,
		.end_of_file = q->st.size,
		/* a link that is to go is not counted, as Windows has it */
		.number_of_links = pending && links ? links - 1 : links,
		.delete_pending = pending,
		.directory = q->st.directory};
}

static struct nt_status query_all(const struct query *q, struct wr *w)
{
	struct file_all_info all = {
		.basic = query_basic(q),
		.standard = query_standard(q),
		.index_number = q->st.id.ino,
		.access_flags = q->h->open.granted_access,
		.current_byte_offset = atomic_load(&q->h->position),
		.mode = atomic_load(&q->h->mode),
		.alignment_requirement = FILE_BYTE_ALIGNMENT,
	};
	struct nt_status status = handle_wire_name(q->req, q->h, true, &all.file_name);

	if (nt_success(status))
		status = ea_bytes(q->req, q->h->file.node, &all.ea_size);
	if (nt_success(status))
		file_all_info_encode(w, &all);
	return status;
}

static void query_network_open(const struct query *q, struct wr *w)
{
	struct handle_times times = handle_times(&q->st);

	file_network_open_info_encode(
		w, &(struct file_network_open_info){.creation_time = times.creation,
						    .last_access_time = times.access,
						    .last_write_time = times.write,
						    .change_time = times.change,
						    .allocation_size = q->st.alloc,
						    .end_of_file = q->st.size,
						    .file_attributes = q->st.attributes});
}

/* FileNormalizedNameInformation has no leading separator: [MS-FSCC] 2.4.31 */
static struct nt_status query_name(const struct query *q, bool rooted, struct wr *w)
{
	struct wire_blob name;
	struct nt_status status = handle_wire_name(q->req, q->h, rooted, &name);

	if (nt_success(status))
		file_name_info_encode(w, name);
	return status;
}

/* May these n bytes stand in a short name? */
static bool short_part(const char *s, size_t n)
{
	static const char legal[] = "!#$%&'()-@^_`{}~";

	for (size_t i = 0; i < n; i++)
		if (!(s[i] >= 'a' && s[i] <= 'z') && !(s[i] >= 'A' && s[i] <= 'Z') &&
		    !(s[i] >= '0' && s[i] <= '9') && !memchr(legal, s[i], sizeof(legal) - 1))
			return false;
	return true;
}

/* None is generated (name.h); a name that is a short one by itself is its own, as in NTFS. */
static struct nt_status query_alternate_name(const struct query *q, struct wr *w)
{
	char *path = file_open_path(q->h->files, &q->h->file, request_pool(q->req));
	uint8_t wire[NAME_WIRE_MAX];
	size_t base, extension, len;
	const char *leaf;

	if (!path)
		return STATUS_INSUFFICIENT_RESOURCES;
	leaf = name_leaf(path, NULL);
	len = strlen(leaf);
	base = strcspn(leaf, ".");
	extension = len - base;
	if (base == 0 || base > 8 || extension > 4 || extension == 1 || !short_part(leaf, base) ||
	    (extension && !short_part(leaf + base + 1, extension - 1)))
		return STATUS_OBJECT_NAME_NOT_FOUND;
	file_name_info_encode(w, WIRE_BLOB(wire, name_to_wire(leaf, len, wire, sizeof(wire))));
	return STATUS_SUCCESS;
}

/* ":name:$DATA"; nothing where somebody else made a name that the wire cannot express. */
static size_t stream_wire_name(const char *stream, uint8_t *name, size_t cap)
{
	struct wr n = wr_init(name, cap);
	ssize_t len;

	wr_u16(&n, ':');
	len = wtf8_to_utf16(stream, strlen(stream), n.data + n.len, n.cap - n.len);
	if (len < 0)
		return 0;
	n.len += (size_t)len;
	for (const char *s = ":$DATA"; *s; s++)
		wr_u16(&n, (uint8_t)*s);
	return wr_ok(&n) ? n.len : 0;
}

static struct nt_status query_streams(const struct query *q, struct wr *w)
{
	uint8_t name[2 * (1 + 256 + sizeof(":$DATA"))];
	struct vfs_stream *streams;
	size_t last = SIZE_MAX;
	unsigned count;
	int err = vfs_node_streams(q->h->file.node, request_pool(q->req), &streams, &count);

	for (unsigned i = 0; !err && i < count; i++) {
		const struct file_stream_info info = {
			.stream_size = streams[i].size,
			.stream_allocation_size = streams[i].alloc,
			.stream_name = {name,
					stream_wire_name(streams[i].name, name, sizeof(name))}};

		if (info.stream_name.len && !file_stream_info_encode(w, &info, &last))
			return STATUS_INSUFFICIENT_RESOURCES;
	}
	return nt_status_from_errno(err);
}

static struct nt_status query_ea_size(const struct query *q, struct wr *w)
{
	uint32_t bytes;
	struct nt_status status = ea_bytes(q->req, q->h->file.node, &bytes);

	file_info_u32_encode(w, bytes);
	return status;
}

static void query_id(const struct query *q, struct wr *w)
{
	struct file_id_info info = {.volume_serial_number = q->st.id.dev};

	for (unsigned i = 0; i < 8; i++)
		info.file_id[i] = (uint8_t)(q->st.id.ino >> (8 * i));
	file_id_info_encode(w, &info);
}

/* The access that a class asks for, [MS-FSA] 2.1.5.12; 0: none. */
static uint32_t query_access(uint8_t class)
{
	switch (class) {
	case FileBasicInformation:
	case FileAllInformation:
	case FileNetworkOpenInformation:
	case FileAttributeTagInformation:
		return FILE_READ_ATTRIBUTES;
	case FileFullEaInformation:
		return FILE_READ_EA;
	default:
		return 0;
	}
}

static struct nt_status query_encode(const struct query *q, uint8_t class, struct wr *w)
{
	struct file_standard_info standard;
	struct file_basic_info basic;

	switch (class) {
	case FileBasicInformation:
		basic = query_basic(q);
		file_basic_info_encode(w, &basic);
		return STATUS_SUCCESS;
	case FileStandardInformation:
		standard = query_standard(q);
		file_standard_info_encode(w, &standard);
		return STATUS_SUCCESS;
	case FileInternalInformation:
		file_info_u64_encode(w, q->st.id.ino);
		return STATUS_SUCCESS;
	case FileEaInformation:
		return query_ea_size(q, w);
	case FileFullEaInformation:
		return ea_query(q->req, q->h->file.node, q->in->input,
				q->in->flags & SL_RETURN_SINGLE_ENTRY, w);
	case FileAccessInformation:
		file_info_u32_encode(w, q->h->open.granted_access);
		return STATUS_SUCCESS;
	case FilePositionInformation:
		file_info_u64_encode(w, atomic_load(&q->h->position));
		return STATUS_SUCCESS;
	case FileModeInformation:
		file_info_u32_encode(w, atomic_load(&q->h->mode));
		return STATUS_SUCCESS;
	case FileAlignmentInformation:
		file_info_u32_encode(w, FILE_BYTE_ALIGNMENT);
		return STATUS_SUCCESS;
	case FileAllInformation:
		return query_all(q, w);
	case FileNameInformation:
		/* local only: Windows refuses it over SMB2, [MS-SMB2] 3.3.5.20.1 */
		return STATUS_NOT_SUPPORTED;
	case FileNormalizedNameInformation:
		/* [MS-SMB2] 3.3.5.20.1: of 3.1.1 */
		if (q->req->conn->negotiated.dialect < SMB2_DIALECT_311)
			return STATUS_NOT_SUPPORTED;
		return query_name(q, false, w);
	case FileAlternateNameInformation:
		return query_alternate_name(q, w);
	case FileStreamInformation:
		return query_streams(q, w);
	case FileCompressionInformation:
		file_compression_info_encode(
			w, &(struct file_compression_info){.compressed_file_size = q->st.size});
		return STATUS_SUCCESS;
	case FileNetworkOpenInformation:
		query_network_open(q, w);
		return STATUS_SUCCESS;
	case FileAttributeTagInformation:
		file_attribute_tag_info_encode(
			w, &(struct file_attribute_tag_info){.file_attributes = q->st.attributes,
							     .reparse_tag = q->st.reparse_tag});
		return STATUS_SUCCESS;
	case FileIdInformation:
		query_id(q, w);
		return STATUS_SUCCESS;
	default:
		return STATUS_INVALID_INFO_CLASS;
	}
}

struct nt_status query_file(struct request *req, struct handle *h,
			    const struct smb2_query_info_request *query)
{
	struct query q = {.req = req, .in = query, .h = h};
	uint32_t need = query_access(query->file_info_class);
	int err;

	if (query->output_buffer_length < file_information_fixed_size(query->file_info_class))
		return STATUS_INFO_LENGTH_MISMATCH;
	if (need && !(h->open.granted_access & need))
		return STATUS_ACCESS_DENIED;
	err = vfs_node_stat(h->file.node, &q.st);
	if (err)
		return nt_status_from_errno(err);
	return query_encode(&q, query->file_info_class, &req->payload);
}
