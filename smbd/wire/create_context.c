/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/create_context.h"

#include "smbd/wire/dtyp.h"
#include "smbd/wire/entry.h"

/* Next, NameOffset, NameLength, Reserved, DataOffset, DataLength */
#define CONTEXT_HEADER_SIZE 16

#define LEASE_V1_SIZE 32
#define LEASE_V2_SIZE 52

/* 2.2.13.2: a name is four characters or a GUID. They are encoded in this order. */
static const struct context_name {
	uint32_t present;
	uint8_t len;
	const char *bytes;
} context_names[] = {
	{SMB2_CREATE_EA_BUFFER, 4, "ExtA"},
	{SMB2_CREATE_SD_BUFFER, 4, "SecD"},
	{SMB2_CREATE_QUERY_MAXIMAL_ACCESS_REQUEST, 4, "MxAc"},
	{SMB2_CREATE_ALLOCATION_SIZE, 4, "AlSi"},
	{SMB2_CREATE_DURABLE_HANDLE_REQUEST, 4, "DHnQ"},
	{SMB2_CREATE_DURABLE_HANDLE_RECONNECT, 4, "DHnC"},
	{SMB2_CREATE_TIMEWARP_TOKEN, 4, "TWrp"},
	{SMB2_CREATE_QUERY_ON_DISK_ID, 4, "QFid"},
	{SMB2_CREATE_DURABLE_HANDLE_REQUEST_V2, 4, "DH2Q"},
	{SMB2_CREATE_DURABLE_HANDLE_RECONNECT_V2, 4, "DH2C"},
	{SMB2_CREATE_REQUEST_LEASE, 4, "RqLs"},
	{SMB2_CREATE_APP_INSTANCE_ID, 16,
	 "\x45\xbc\xa6\x6a\xef\xa7\xf7\x4a\x90\x08\xfa\x46\x2e\x14\x4d\x74"},
	{SMB2_CREATE_APP_INSTANCE_VERSION, 16,
	 "\xb9\x82\xd0\xb7\x3b\x56\x07\x4f\xa0\x7b\x52\x4a\x81\x16\xa0\x10"},
	{SVHDX_OPEN_DEVICE_CONTEXT, 16,
	 "\x9c\xcb\xcf\x9e\x04\xc1\xe6\x43\x98\x0e\x15\x8d\xa1\xf6\xec\x83"},
	{SMB2_CREATE_POSIX, 16, "\x93\xad\x25\x50\x9c\xb4\x11\xe7\xb4\x23\x83\xde\x96\x8b\xcd\x7c"},
};

#define CONTEXT_NAMES (sizeof(context_names) / sizeof(context_names[0]))

static uint32_t context_present_bit(struct wire_blob name)
{
	for (unsigned i = 0; i < CONTEXT_NAMES; i++)
		if (wire_blob_equal(name, WIRE_BLOB(context_names[i].bytes, context_names[i].len)))
			return context_names[i].present;
	return 0;
}

/* ---- the list ---- */

/*
 * The next context's name and data; false at the end of the list or when it is malformed. Offsets
 * count from the context's start.
 */
static bool context_next(struct rd *r, struct wire_blob *name, struct rd *data)
{
	struct rd entry = wire_entry_next(r, CONTEXT_HEADER_SIZE);
	unsigned name_offset, name_len, data_offset;
	uint32_t data_len;

	name_offset = rd_u16(&entry);
	name_len = rd_u16(&entry);
	rd_skip(&entry, 2);
	data_offset = rd_u16(&entry);
	data_len = rd_u32(&entry);
	*name = wire_blob_at(&entry, name_offset, name_len, CONTEXT_HEADER_SIZE);
	*data = wire_blob_rd(wire_blob_at(&entry, data_offset, data_len, CONTEXT_HEADER_SIZE));
	/* 3.3.5.9: a name has four bytes at least */
	if (name_len < 4)
		rd_fail(&entry);
	return wire_entry_ok(r, &entry);
}

/* Writes the header and the name; the data comes next. */
static struct wire_entry context_begin(struct wr *w, const struct context_name *name,
				       const size_t *last)
{
	struct wire_entry e = wire_entry_begin(w, 8, last);

	wr_u16(w, CONTEXT_HEADER_SIZE);
	wr_u16(w, name->len);
	wr_u16(w, 0);
	wr_u16(w, 0);
	wr_u32(w, 0);
	wr_bytes(w, name->bytes, name->len);
	wr_align(w, 8);
	return e;
}

static void context_end(struct wr *w, struct wire_entry e, size_t data_at, size_t *last)
{
	bool fits;

	wr_u16_at(w, e.start + 10, (uint16_t)(data_at - e.start));
	wr_u32_at(w, e.start + 12, (uint32_t)(w->len - data_at));
	fits = wire_entry_end(w, e, last);
	w->bad |= !fits; /* no list may silently lack a context */
}

/* ---- the data that both directions share ---- */

/* 2.2.13.2.8, 2.2.13.2.10, 2.2.14.2.10, 2.2.14.2.11: which version it is, the length tells. */
static void lease_decode(struct rd *r, struct smb2_lease *out)
{
	*out = (struct smb2_lease){.version = r->len == LEASE_V2_SIZE ? 2 : 1};
	if (r->len != LEASE_V1_SIZE && r->len != LEASE_V2_SIZE)
		rd_fail(r);
	out->lease_key = guid_decode(r);
	out->lease_state = rd_u32(r);
	out->lease_flags = rd_u32(r);
	out->lease_duration = rd_u64(r);
	if (out->version == 2) {
		out->parent_lease_key = guid_decode(r);
		out->epoch = rd_u16(r);
		rd_skip(r, 2);
	}
}

static void lease_encode(struct wr *w, const struct smb2_lease *in)
{
	guid_encode(w, &in->lease_key);
	wr_u32(w, in->lease_state);
	wr_u32(w, in->lease_flags);
	wr_u64(w, in->lease_duration);
	if (in->version == 2) {
		guid_encode(w, &in->parent_lease_key);
		wr_u16(w, in->epoch);
		wr_u16(w, 0);
	}
}

/* ---- requests: 2.2.13.2.1 to 2.2.13.2.15 ---- */

static void durable_v2_request_decode(struct rd *r, struct smb2_create_contexts_request *out)
{
	out->durable_v2.timeout_ms = rd_u32(r);
	out->durable_v2.flags = rd_u32(r);
	rd_skip(r, 8);
	out->durable_v2.create_guid = guid_decode(r);
}

static void durable_reconnect_v2_decode(struct rd *r, struct smb2_create_contexts_request *out)
{
	out->durable_reconnect_v2.file_id = smb2_file_id_decode(r);
	out->durable_reconnect_v2.create_guid = guid_decode(r);
	out->durable_reconnect_v2.flags = rd_u32(r);
}

/* 2.2.13.2.5: the timestamp may be left out. */
static void maximal_access_request_decode(struct rd *r, struct smb2_create_contexts_request *out)
{
	out->has_maximal_access_timestamp = rd_left(r) != 0;
	if (out->has_maximal_access_timestamp)
		out->maximal_access_timestamp = rd_u64(r);
}

static void app_instance_id_decode(struct rd *r, struct smb2_create_contexts_request *out)
{
	wire_structure_size(r, 20);
	rd_skip(r, 2);
	out->app_instance_id = guid_decode(r);
}

static void app_instance_version_decode(struct rd *r, struct smb2_create_contexts_request *out)
{
	wire_structure_size(r, 24);
	rd_skip(r, 6);
	out->app_instance_version_high = rd_u64(r);
	out->app_instance_version_low = rd_u64(r);
}

static void request_data_decode(struct rd *r, uint32_t bit,
				struct smb2_create_contexts_request *out)
{
	switch (bit) {
	case SMB2_CREATE_EA_BUFFER:
		out->ea_buffer = wire_blob_rest(r);
		break;
	case SMB2_CREATE_SD_BUFFER:
		out->sd_buffer = wire_blob_rest(r);
		break;
	case SMB2_CREATE_DURABLE_HANDLE_REQUEST:
		rd_skip(r, 16);
		break;
	case SMB2_CREATE_DURABLE_HANDLE_RECONNECT:
		out->durable_reconnect.file_id = smb2_file_id_decode(r);
		break;
	case SMB2_CREATE_ALLOCATION_SIZE:
		out->allocation_size = rd_u64(r);
		break;
	case SMB2_CREATE_QUERY_MAXIMAL_ACCESS_REQUEST:
		maximal_access_request_decode(r, out);
		break;
	case SMB2_CREATE_TIMEWARP_TOKEN:
		out->timewarp_timestamp = rd_u64(r);
		break;
	case SMB2_CREATE_REQUEST_LEASE:
		lease_decode(r, &out->lease);
		break;
	case SMB2_CREATE_DURABLE_HANDLE_REQUEST_V2:
		durable_v2_request_decode(r, out);
		break;
	case SMB2_CREATE_DURABLE_HANDLE_RECONNECT_V2:
		durable_reconnect_v2_decode(r, out);
		break;
	case SMB2_CREATE_APP_INSTANCE_ID:
		app_instance_id_decode(r, out);
		break;
	case SMB2_CREATE_APP_INSTANCE_VERSION:
		app_instance_version_decode(r, out);
		break;
	case SVHDX_OPEN_DEVICE_CONTEXT:
		out->svhdx = wire_blob_rest(r);
		break;
	case SMB2_CREATE_POSIX:
		out->posix_mode = rd_u32(r);
		break;
	}
}

bool smb2_create_contexts_request_decode(struct rd *r, struct smb2_create_contexts_request *out)
{
	struct wire_blob name;
	struct rd data;

	*out = (struct smb2_create_contexts_request){0};
	while (context_next(r, &name, &data)) {
		uint32_t bit = context_present_bit(name);

		if (out->present & bit)
			continue;
		out->present |= bit;
		request_data_decode(&data, bit, out);
		if (!rd_ok(&data))
			return false;
	}
	return rd_ok(r);
}

static void durable_v2_request_encode(struct wr *w, const struct smb2_create_contexts_request *in)
{
	wr_u32(w, in->durable_v2.timeout_ms);
	wr_u32(w, in->durable_v2.flags);
	wr_zero(w, 8);
	guid_encode(w, &in->durable_v2.create_guid);
}

static void durable_reconnect_v2_encode(struct wr *w, const struct smb2_create_contexts_request *in)
{
	smb2_file_id_encode(w, in->durable_reconnect_v2.file_id);
	guid_encode(w, &in->durable_reconnect_v2.create_guid);
	wr_u32(w, in->durable_reconnect_v2.flags);
}

static void app_instance_id_encode(struct wr *w, const struct smb2_create_contexts_request *in)
{
	wr_u16(w, 20);
	wr_u16(w, 0);
	guid_encode(w, &in->app_instance_id);
}

static void app_instance_version_encode(struct wr *w, const struct smb2_create_contexts_request *in)
{
	wr_u16(w, 24);
	wr_zero(w, 6);
	wr_u64(w, in->app_instance_version_high);
	wr_u64(w, in->app_instance_version_low);
}

static void request_data_encode(struct wr *w, uint32_t bit,
				const struct smb2_create_contexts_request *in)
{
	switch (bit) {
	case SMB2_CREATE_EA_BUFFER:
		wire_blob_encode(w, in->ea_buffer);
		break;
	case SMB2_CREATE_SD_BUFFER:
		wire_blob_encode(w, in->sd_buffer);
		break;
	case SMB2_CREATE_DURABLE_HANDLE_REQUEST:
		wr_zero(w, 16);
		break;
	case SMB2_CREATE_DURABLE_HANDLE_RECONNECT:
		smb2_file_id_encode(w, in->durable_reconnect.file_id);
		break;
	case SMB2_CREATE_ALLOCATION_SIZE:
		wr_u64(w, in->allocation_size);
		break;
	case SMB2_CREATE_QUERY_MAXIMAL_ACCESS_REQUEST:
		if (in->has_maximal_access_timestamp)
			wr_u64(w, in->maximal_access_timestamp);
		break;
	case SMB2_CREATE_TIMEWARP_TOKEN:
		wr_u64(w, in->timewarp_timestamp);
		break;
	case SMB2_CREATE_REQUEST_LEASE:
		lease_encode(w, &in->lease);
		break;
	case SMB2_CREATE_DURABLE_HANDLE_REQUEST_V2:
		durable_v2_request_encode(w, in);
		break;
	case SMB2_CREATE_DURABLE_HANDLE_RECONNECT_V2:
		durable_reconnect_v2_encode(w, in);
		break;
	case SMB2_CREATE_APP_INSTANCE_ID:
		app_instance_id_encode(w, in);
		break;
	case SMB2_CREATE_APP_INSTANCE_VERSION:
		app_instance_version_encode(w, in);
		break;
	case SVHDX_OPEN_DEVICE_CONTEXT:
		wire_blob_encode(w, in->svhdx);
		break;
	case SMB2_CREATE_POSIX:
		wr_u32(w, in->posix_mode);
		break;
	}
}

void smb2_create_contexts_request_encode(struct wr *w,
					 const struct smb2_create_contexts_request *in)
{
	size_t last = SIZE_MAX;

	for (unsigned i = 0; i < CONTEXT_NAMES; i++) {
		struct wire_entry e;
		size_t data_at;

		if (!(in->present & context_names[i].present))
			continue;
		e = context_begin(w, &context_names[i], &last);
		data_at = w->len;
		request_data_encode(w, context_names[i].present, in);
		context_end(w, e, data_at, &last);
	}
}

/* ---- responses: 2.2.14.2.1 to 2.2.14.2.13 ---- */

static void posix_response_decode(struct rd *r, struct smb2_create_contexts_response *out)
{
	struct sid sid;
	size_t start;

	out->posix.nlink = rd_u32(r);
	out->posix.reparse_tag = rd_u32(r);
	out->posix.mode = rd_u32(r);
	start = r->off;
	if (sid_decode(r, &sid))
		out->posix.owner_sid = WIRE_BLOB(r->data + start, r->off - start);
	start = r->off;
	if (sid_decode(r, &sid))
		out->posix.group_sid = WIRE_BLOB(r->data + start, r->off - start);
}

static void response_data_decode(struct rd *r, uint32_t bit,
				 struct smb2_create_contexts_response *out)
{
	switch (bit) {
	case SMB2_CREATE_DURABLE_HANDLE_REQUEST:
		rd_skip(r, 8);
		break;
	case SMB2_CREATE_QUERY_MAXIMAL_ACCESS_REQUEST:
		out->maximal_access.query_status = NT_STATUS(rd_u32(r));
		out->maximal_access.maximal_access = rd_u32(r);
		break;
	case SMB2_CREATE_QUERY_ON_DISK_ID:
		out->disk_id.disk_file_id = rd_u64(r);
		out->disk_id.volume_id = rd_u64(r);
		rd_skip(r, 16);
		break;
	case SMB2_CREATE_REQUEST_LEASE:
		lease_decode(r, &out->lease);
		break;
	case SMB2_CREATE_DURABLE_HANDLE_REQUEST_V2:
		out->durable_v2.timeout_ms = rd_u32(r);
		out->durable_v2.flags = rd_u32(r);
		break;
	case SVHDX_OPEN_DEVICE_CONTEXT:
		out->svhdx = wire_blob_rest(r);
		break;
	case SMB2_CREATE_POSIX:
		posix_response_decode(r, out);
		break;
	}
}

#define RESPONSE_CONTEXTS                                                                \
	(SMB2_CREATE_DURABLE_HANDLE_REQUEST | SMB2_CREATE_QUERY_MAXIMAL_ACCESS_REQUEST | \
	 SMB2_CREATE_QUERY_ON_DISK_ID | SMB2_CREATE_REQUEST_LEASE |                      \
	 SMB2_CREATE_DURABLE_HANDLE_REQUEST_V2 | SVHDX_OPEN_DEVICE_CONTEXT | SMB2_CREATE_POSIX)

bool smb2_create_contexts_response_decode(struct rd *r, struct smb2_create_contexts_response *out)
{
	struct wire_blob name;
	struct rd data;

	*out = (struct smb2_create_contexts_response){0};
	while (context_next(r, &name, &data)) {
		uint32_t bit = context_present_bit(name) & RESPONSE_CONTEXTS;

		if (out->present & bit)
			continue;
		out->present |= bit;
		response_data_decode(&data, bit, out);
		if (!rd_ok(&data))
			return false;
	}
	return rd_ok(r);
}

static void response_data_encode(struct wr *w, uint32_t bit,
				 const struct smb2_create_contexts_response *in)
{
	switch (bit) {
	case SMB2_CREATE_DURABLE_HANDLE_REQUEST:
		wr_zero(w, 8);
		break;
	case SMB2_CREATE_QUERY_MAXIMAL_ACCESS_REQUEST:
		wr_u32(w, in->maximal_access.query_status.value);
		wr_u32(w, in->maximal_access.maximal_access);
		break;
	case SMB2_CREATE_QUERY_ON_DISK_ID:
		wr_u64(w, in->disk_id.disk_file_id);
		wr_u64(w, in->disk_id.volume_id);
		wr_zero(w, 16);
		break;
	case SMB2_CREATE_REQUEST_LEASE:
		lease_encode(w, &in->lease);
		break;
	case SMB2_CREATE_DURABLE_HANDLE_REQUEST_V2:
		wr_u32(w, in->durable_v2.timeout_ms);
		wr_u32(w, in->durable_v2.flags);
		break;
	case SVHDX_OPEN_DEVICE_CONTEXT:
		wire_blob_encode(w, in->svhdx);
		break;
	case SMB2_CREATE_POSIX:
		wr_u32(w, in->posix.nlink);
		wr_u32(w, in->posix.reparse_tag);
		wr_u32(w, in->posix.mode);
		wire_blob_encode(w, in->posix.owner_sid);
		wire_blob_encode(w, in->posix.group_sid);
		break;
	}
}

void smb2_create_contexts_response_encode(struct wr *w,
					  const struct smb2_create_contexts_response *in)
{
	size_t last = SIZE_MAX;

	for (unsigned i = 0; i < CONTEXT_NAMES; i++) {
		struct wire_entry e;
		size_t data_at;

		if (!(in->present & context_names[i].present & RESPONSE_CONTEXTS))
			continue;
		e = context_begin(w, &context_names[i], &last);
		data_at = w->len;
		response_data_encode(w, context_names[i].present, in);
		context_end(w, e, data_at, &last);
	}
}
