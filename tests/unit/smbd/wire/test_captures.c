/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every codec on messages that were captured on the wire: what it decodes is what tshark's
 * dissector reads; what it encodes from that is byte for byte what Samba had sent; no prefix of a
 * message is read beyond its end.
 */
#include "tests/unit/smbd/wire/captures.h"

#include "smbd/wire/break.h"
#include "smbd/wire/change_notify.h"
#include "smbd/wire/close.h"
#include "smbd/wire/create.h"
#include "smbd/wire/empty.h"
#include "smbd/wire/error.h"
#include "smbd/wire/flush.h"
#include "smbd/wire/header.h"
#include "smbd/wire/ioctl.h"
#include "smbd/wire/lock.h"
#include "smbd/wire/negotiate.h"
#include "smbd/wire/query_directory.h"
#include "smbd/wire/query_info.h"
#include "smbd/wire/read.h"
#include "smbd/wire/session.h"
#include "smbd/wire/set_info.h"
#include "smbd/wire/tree.h"
#include "smbd/wire/write.h"

/* Decode r; compare if c is given; encode. False when it was malformed. */
typedef bool codec_run(const struct capture *c, struct rd *r, struct wr *w);

#define WANT(field, value)                       \
	do {                                     \
		if (c)                           \
			want(c, field, (value)); \
	} while (0)
#define WANT_GUID(field, guid)                                               \
	do {                                                                 \
		if (c)                                                       \
			want_bytes(c, field, WIRE_BLOB_ARRAY((guid).bytes)); \
	} while (0)
#define WANT_UTF16(field, blob)                       \
	do {                                          \
		if (c)                                \
			want_utf16(c, field, (blob)); \
	} while (0)

static void want_file_id(const struct capture *c, struct smb2_file_id id)
{
	uint8_t bytes[16];
	struct wr w = wr_init(bytes, sizeof(bytes));

	smb2_file_id_encode(&w, id);
	if (c)
		want_bytes(c, "smb2.fid", WIRE_BLOB_ARRAY(bytes));
}

static bool run_header(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_header h;

	if (!smb2_header_decode(r, &h))
		return false;
	WANT("smb2.credit.charge", h.credit_charge);
	WANT("smb2.cmd", h.command);
	WANT("smb2.flags", h.flags);
	WANT("smb2.chain_offset", h.next_command);
	WANT("smb2.msg_id", h.message_id);
	WANT("smb2.sesid", h.session_id);
	if (h.flags & SMB2_FLAGS_SERVER_TO_REDIR) {
		WANT("smb2.nt_status", h.status.value);
		WANT("smb2.credits.granted", h.credits);
	} else {
		WANT("smb2.channel_sequence", h.channel_sequence);
		WANT("smb2.credits.requested", h.credits);
	}
	if (h.flags & SMB2_FLAGS_ASYNC_COMMAND) {
		WANT("smb2.aid", h.async_id);
	} else {
		WANT("smb2.pid", h.process_id);
		WANT("smb2.tid", h.tree_id);
	}
	smb2_header_encode(w, &h);
	return true;
}

/* ---- the commands in their order ---- */

static void want_contexts(const struct capture *c, const struct smb2_negotiate_contexts *n)
{
	for (unsigned i = 0; i < n->hash_algorithms.count; i++)
		WANT("smb2.negotiate_context.hash_algorithm", n->hash_algorithms.ids[i]);
	for (unsigned i = 0; i < n->ciphers.count; i++)
		WANT("smb2.negotiate_context.cipher_id", n->ciphers.ids[i]);
	for (unsigned i = 0; i < n->signing_algorithms.count; i++)
		WANT("smb2.negotiate_context.signing_id", n->signing_algorithms.ids[i]);
	if (c && n->present & SMB2_HAS_PREAUTH_INTEGRITY)
		want_bytes(c, "smb2.negotiate_context.salt", n->salt);
	if (c && n->present & SMB2_HAS_NETNAME)
		want_utf16(c, "smb2.negotiate_context.netname", n->net_name);
}

static bool run_negotiate_request(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_negotiate_request m;

	if (!smb2_negotiate_request_decode(r, &m))
		return false;
	WANT("smb2.sec_mode", m.security_mode);
	WANT("smb2.capabilities", m.capabilities);
	WANT_GUID("smb2.client_guid", m.client_guid);
	WANT("smb2.dialect_count", m.dialects.count);
	for (unsigned i = 0; i < m.dialects.count; i++)
		WANT("smb2.dialect", m.dialects.ids[i]);
	want_contexts(c, &m.contexts);
	smb2_negotiate_request_encode(w, &m);
	return true;
}

static bool run_negotiate_response(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_negotiate_response m;

	if (!smb2_negotiate_response_decode(r, &m))
		return false;
	WANT("smb2.sec_mode", m.security_mode);
	WANT("smb2.dialect", m.dialect_revision);
	WANT_GUID("smb2.server_guid", m.server_guid);
	WANT("smb2.capabilities", m.capabilities);
	WANT("smb2.max_trans_size", m.max_transact_size);
	WANT("smb2.max_read_size", m.max_read_size);
	WANT("smb2.max_write_size", m.max_write_size);
	WANT("smb2.current_time", m.system_time);
	WANT("smb2.boot_time", m.server_start_time);
	WANT("smb2.olb.length", m.security_buffer.len);
	want_contexts(c, &m.contexts);
	smb2_negotiate_response_encode(w, &m);
	return true;
}

static bool run_session_setup_request(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_session_setup_request m;

	if (!smb2_session_setup_request_decode(r, &m))
		return false;
	WANT("smb2.ses_req_flags", m.flags);
	WANT("smb2.sec_mode", m.security_mode);
	WANT("smb2.capabilities", m.capabilities);
	WANT("smb2.channel", m.channel);
	WANT("smb2.previous_sesid", m.previous_session_id);
	WANT("smb2.olb.length", m.security_buffer.len);
	smb2_session_setup_request_encode(w, &m);
	return true;
}

static bool run_session_setup_response(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_session_setup_response m;

	if (!smb2_session_setup_response_decode(r, &m))
		return false;
	WANT("smb2.session_flags", m.session_flags);
	WANT("smb2.olb.length", m.security_buffer.len);
	smb2_session_setup_response_encode(w, &m);
	return true;
}

static bool run_empty(const struct capture *c, struct rd *r, struct wr *w)
{
	if (!smb2_empty_decode(r))
		return false;
	smb2_empty_encode(w);
	return true;
}

static bool run_tree_connect_request(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_tree_connect_request m;

	if (!smb2_tree_connect_request_decode(r, SMB2_DIALECT_311, &m))
		return false;
	WANT("smb2.tc.flags", m.flags);
	WANT_UTF16("smb2.tree", m.path);
	smb2_tree_connect_request_encode(w, &m);
	return true;
}

static bool run_tree_connect_response(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_tree_connect_response m;

	if (!smb2_tree_connect_response_decode(r, &m))
		return false;
	WANT("smb2.share_type", m.share_type);
	WANT("smb2.share_flags", m.share_flags);
	WANT("smb2.share_caps", m.capabilities);
	WANT("smb.access_mask", m.maximal_access);
	smb2_tree_connect_response_encode(w, &m);
	return true;
}

static void want_lease(const struct capture *c, const struct smb2_lease *l)
{
	WANT_GUID("smb2.lease.lease_key", l->lease_key);
	WANT("smb2.lease.lease_state", l->lease_state);
	WANT("smb2.lease.lease_flags", l->lease_flags);
	WANT("smb2.lease.lease_duration", l->lease_duration);
	if (l->version == 2) {
		WANT_GUID("smb2.lease.parent_lease_key", l->parent_lease_key);
		WANT("smb2.lease.lease_epoch", l->epoch);
	}
}

static void want_create_contexts(const struct capture *c,
				 const struct smb2_create_contexts_request *x)
{
	if (x->present & SMB2_CREATE_DURABLE_HANDLE_RECONNECT)
		want_file_id(c, x->durable_reconnect.file_id);
	if (x->present & SMB2_CREATE_ALLOCATION_SIZE)
		WANT("smb2.allocation_size", x->allocation_size);
	if (x->present & SMB2_CREATE_TIMEWARP_TOKEN)
		WANT("smb2.twrp_timestamp", x->timewarp_timestamp);
	if (x->present & SMB2_CREATE_REQUEST_LEASE)
		want_lease(c, &x->lease);
	if (x->present & SMB2_CREATE_DURABLE_HANDLE_REQUEST_V2) {
		WANT("smb2.dh2x.timeout", x->durable_v2.timeout_ms);
		WANT("smb2.dh2x.flags", x->durable_v2.flags);
		WANT_GUID("smb2.dh2x.create_guid", x->durable_v2.create_guid);
	}
	if (x->present & SMB2_CREATE_DURABLE_HANDLE_RECONNECT_V2) {
		want_file_id(c, x->durable_reconnect_v2.file_id);
		WANT("smb2.dh2x.flags", x->durable_reconnect_v2.flags);
		WANT_GUID("smb2.dh2x.create_guid", x->durable_reconnect_v2.create_guid);
	}
	if (x->present & SMB2_CREATE_APP_INSTANCE_ID)
		WANT_GUID("smb2.app_instance.app_guid", x->app_instance_id);
}

static bool run_create_request(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_create_request m;

	if (!smb2_create_request_decode(r, &m))
		return false;
	WANT("smb2.create.oplock", m.requested_oplock_level);
	WANT("smb2.impersonation.level", m.impersonation_level);
	WANT("smb2.create_flags", m.smb_create_flags);
	WANT("smb.access_mask", m.desired_access);
	WANT("smb2.file_attribute", m.file_attributes);
	WANT("smb.share_access", m.share_access);
	WANT("smb2.create.disposition", m.create_disposition);
	WANT("smb.create_options", m.create_options);
	WANT_UTF16("smb2.filename", m.name);
	want_create_contexts(c, &m.contexts);
	smb2_create_request_encode(w, &m);
	return true;
}

static bool run_create_response(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_create_response m;
	uint32_t present;

	if (!smb2_create_response_decode(r, &m))
		return false;
	present = m.contexts.present;
	WANT("smb2.create.oplock", m.oplock_level);
	WANT("smb2.create.rep_flags", m.flags);
	WANT("smb2.create.action", m.create_action);
	WANT("smb2.create.time", m.creation_time);
	WANT("smb2.last_access.time", m.last_access_time);
	WANT("smb2.last_write.time", m.last_write_time);
	WANT("smb2.last_change.time", m.change_time);
	WANT("smb2.allocation_size", m.allocation_size);
	WANT("smb2.eof", m.endof_file);
	WANT("smb2.file_attribute", m.file_attributes);
	want_file_id(c, m.file_id);
	if (present & SMB2_CREATE_QUERY_MAXIMAL_ACCESS_REQUEST) {
		WANT("smb2.mxac_status", m.contexts.maximal_access.query_status.value);
		WANT("smb.access_mask", m.contexts.maximal_access.maximal_access);
	}
	if (present & SMB2_CREATE_REQUEST_LEASE)
		want_lease(c, &m.contexts.lease);
	if (present & SMB2_CREATE_DURABLE_HANDLE_REQUEST_V2) {
		WANT("smb2.dh2x.timeout", m.contexts.durable_v2.timeout_ms);
		WANT("smb2.dh2x.flags", m.contexts.durable_v2.flags);
	}
	smb2_create_response_encode(w, &m);
	return true;
}

static bool run_close_request(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_close_request m;

	if (!smb2_close_request_decode(r, &m))
		return false;
	WANT("smb2.close.flags", m.flags);
	want_file_id(c, m.file_id);
	smb2_close_request_encode(w, &m);
	return true;
}

static bool run_close_response(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_close_response m;

	if (!smb2_close_response_decode(r, &m))
		return false;
	WANT("smb2.close.flags", m.flags);
	WANT("smb2.create.time", m.creation_time);
	WANT("smb2.last_access.time", m.last_access_time);
	WANT("smb2.last_write.time", m.last_write_time);
	WANT("smb2.last_change.time", m.change_time);
	WANT("smb2.allocation_size", m.allocation_size);
	WANT("smb2.eof", m.endof_file);
	WANT("smb2.file_attribute", m.file_attributes);
	smb2_close_response_encode(w, &m);
	return true;
}

static bool run_flush_request(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_flush_request m;

	if (!smb2_flush_request_decode(r, &m))
		return false;
	want_file_id(c, m.file_id);
	smb2_flush_request_encode(w, &m);
	return true;
}

static bool run_read_request(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_read_request m;

	if (!smb2_read_request_decode(r, &m))
		return false;
	WANT("smb2.read_padding", m.padding);
	WANT("smb2.read_flags", m.flags);
	WANT("smb2.read_length", m.length);
	WANT("smb2.file_offset", m.offset);
	want_file_id(c, m.file_id);
	WANT("smb2.min_count", m.minimum_count);
	WANT("smb2.channel", m.channel);
	WANT("smb2.remaining_bytes", m.remaining_bytes);
	smb2_read_request_encode(w, &m);
	return true;
}

static bool run_read_response(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_read_response m;

	if (!smb2_read_response_decode(r, &m))
		return false;
	WANT("smb2.olb.length", m.data.len);
	WANT("smb2.read_remaining", m.data_remaining);
	smb2_read_response_encode(w, &m);
	return true;
}

static bool run_write_request(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_write_request m;
	size_t message_len = c ? c->len : SIZE_MAX;

	if (!smb2_write_request_decode(r, message_len, &m))
		return false;
	WANT("smb2.data_offset", m.data_offset);
	WANT("smb2.write_length", m.length);
	WANT("smb2.file_offset", m.offset);
	want_file_id(c, m.file_id);
	WANT("smb2.channel", m.channel);
	WANT("smb2.remaining_bytes", m.remaining_bytes);
	WANT("smb2.write.flags", m.flags);
	smb2_write_request_encode(w, &m);
	if (c) /* the codec leaves the payload to its caller */
		wr_bytes(w, c->data + m.data_offset, m.length);
	return true;
}

static bool run_write_response(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_write_response m;

	if (!smb2_write_response_decode(r, &m))
		return false;
	WANT("smb2.write.count", m.count);
	WANT("smb2.write.remaining", m.remaining);
	smb2_write_response_encode(w, &m);
	return true;
}

static bool run_lock_request(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_lock_request m;
	struct smb2_lock_element elements[64];

	if (!smb2_lock_request_decode(r, &m))
		return false;
	assert_in_range(m.lock_count, 1, 64);
	WANT("smb2.lock_count", m.lock_count);
	want_file_id(c, m.file_id);
	for (unsigned i = 0; i < m.lock_count; i++) {
		elements[i] = smb2_lock_request_element(&m, i);
		WANT("smb2.file_offset", elements[i].offset);
		WANT("smb2.lock_length", elements[i].length);
		WANT("smb2.lock_flags", elements[i].flags);
	}
	smb2_lock_request_encode(w, &m, elements);
	return true;
}

static bool run_ioctl_request(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_ioctl_request m;

	if (!smb2_ioctl_request_decode(r, &m))
		return false;
	WANT("smb2.ioctl.function", m.ctl_code);
	want_file_id(c, m.file_id);
	WANT("smb2.max_ioctl_in_size", m.max_input_response);
	WANT("smb2.max_ioctl_out_size", m.max_output_response);
	WANT("smb2.ioctl.flags", m.flags);
	WANT("smb2.olb.length", m.input.len);
	smb2_ioctl_request_encode(w, &m);
	return true;
}

static bool run_ioctl_response(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_ioctl_response m;

	if (!smb2_ioctl_response_decode(r, &m))
		return false;
	WANT("smb2.ioctl.function", m.ctl_code);
	want_file_id(c, m.file_id);
	WANT("smb2.olb.length", m.input.len);
	WANT("smb2.olb.length", m.output.len);
	smb2_ioctl_response_encode(w, &m);
	return true;
}

static bool run_query_directory_request(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_query_directory_request m;

	if (!smb2_query_directory_request_decode(r, &m))
		return false;
	WANT("smb2.find.infolevel", m.file_information_class);
	WANT("smb2.find.flags", m.flags);
	WANT("smb2.file_index", m.file_index);
	want_file_id(c, m.file_id);
	WANT_UTF16("smb2.find.pattern", m.file_name);
	WANT("smb2.output_buffer_len", m.output_buffer_length);
	smb2_query_directory_request_encode(w, &m);
	return true;
}

static bool run_buffer_response(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_buffer_response m;

	if (!smb2_buffer_response_decode(r, &m))
		return false;
	WANT("smb2.olb.length", m.buffer.len);
	smb2_buffer_response_encode(w, &m);
	return true;
}

static bool run_change_notify_request(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_change_notify_request m;

	if (!smb2_change_notify_request_decode(r, &m))
		return false;
	WANT("smb2.notify.flags", m.flags);
	WANT("smb2.output_buffer_len", m.output_buffer_length);
	want_file_id(c, m.file_id);
	WANT("smb.nt.notify.completion_filter", m.completion_filter);
	smb2_change_notify_request_encode(w, &m);
	return true;
}

static bool run_query_info_request(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_query_info_request m;

	if (!smb2_query_info_request_decode(r, &m))
		return false;
	WANT("smb2.class", m.info_type);
	if (m.info_type == SMB2_0_INFO_FILE)
		WANT("smb2.file_info.infolevel", m.file_info_class);
	if (m.info_type == SMB2_0_INFO_FILESYSTEM)
		WANT("smb2.fs_info.infolevel", m.file_info_class);
	WANT("smb2.max_response_size", m.output_buffer_length);
	WANT("smb2.getinfo_input_size", m.input.len);
	if (m.info_type == SMB2_0_INFO_SECURITY)
		WANT("smb2.getsetinfo_additionals", m.additional_information);
	WANT("smb2.getinfo_flags", m.flags);
	want_file_id(c, m.file_id);
	smb2_query_info_request_encode(w, &m);
	return true;
}

static bool run_set_info_request(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_set_info_request m;

	if (!smb2_set_info_request_decode(r, &m))
		return false;
	WANT("smb2.class", m.info_type);
	if (m.info_type == SMB2_0_INFO_FILE)
		WANT("smb2.file_info.infolevel", m.file_info_class);
	WANT("smb2.setinfo_size", m.buffer.len);
	if (m.info_type == SMB2_0_INFO_SECURITY)
		WANT("smb2.getsetinfo_additionals", m.additional_information);
	want_file_id(c, m.file_id);
	smb2_set_info_request_encode(w, &m);
	return true;
}

static bool run_set_info_response(const struct capture *c, struct rd *r, struct wr *w)
{
	if (!smb2_set_info_response_decode(r))
		return false;
	smb2_set_info_response_encode(w);
	return true;
}

static bool run_break_notification(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_lease_break_notification m;

	if (!smb2_lease_break_notification_decode(r, &m))
		return false;
	WANT("smb2.lease.lease_flags", m.flags);
	WANT_GUID("smb2.lease.lease_key", m.lease_key);
	WANT("smb2.lease.lease_state", m.current_lease_state);
	WANT("smb2.lease.lease_state", m.new_lease_state);
	smb2_lease_break_notification_encode(w, &m);
	return true;
}

static bool run_break(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_lease_break_ack ack;
	struct smb2_oplock_break oplock;

	switch (smb2_break_form(r)) {
	case SMB2_BREAK_OPLOCK:
		if (!smb2_oplock_break_decode(r, &oplock))
			return false;
		WANT("smb2.create.oplock", oplock.oplock_level);
		want_file_id(c, oplock.file_id);
		smb2_oplock_break_encode(w, &oplock);
		return true;
	case SMB2_BREAK_LEASE_ACK:
		if (!smb2_lease_break_ack_decode(r, &ack))
			return false;
		WANT("smb2.lease.lease_flags", ack.flags);
		WANT_GUID("smb2.lease.lease_key", ack.lease_key);
		WANT("smb2.lease.lease_state", ack.lease_state);
		WANT("smb2.lease.lease_duration", ack.lease_duration);
		smb2_lease_break_ack_encode(w, &ack);
		return true;
	case SMB2_BREAK_LEASE_NOTIFICATION:
		return run_break_notification(c, r, w);
	default:
		return false;
	}
}

static bool run_error(const struct capture *c, struct rd *r, struct wr *w)
{
	struct smb2_error_response m;

	if (!smb2_error_response_decode(r, &m))
		return false;
	smb2_error_response_encode(w, &m);
	return true;
}

static const struct codec {
	const char *prefix; /* of the captures' names; the first that fits */
	codec_run *run;
} codecs[] = {
	{"error_", run_error},
	{"query_info_response_3_0_c0000023", run_error},
	{"negotiate_request", run_negotiate_request},
	{"negotiate_response", run_negotiate_response},
	{"session_setup_request", run_session_setup_request},
	{"session_setup_response", run_session_setup_response},
	{"logoff_", run_empty},
	{"tree_connect_request", run_tree_connect_request},
	{"tree_connect_response", run_tree_connect_response},
	{"tree_disconnect_", run_empty},
	{"create_request", run_create_request},
	{"create_response", run_create_response},
	{"close_request", run_close_request},
	{"close_response", run_close_response},
	{"flush_request", run_flush_request},
	{"flush_response", run_empty},
	{"read_request", run_read_request},
	{"read_response", run_read_response},
	{"write_request", run_write_request},
	{"write_response", run_write_response},
	{"lock_request", run_lock_request},
	{"lock_response", run_empty},
	{"ioctl_request", run_ioctl_request},
	{"ioctl_response", run_ioctl_response},
	{"cancel_request", run_empty},
	{"echo_", run_empty},
	{"query_directory_request", run_query_directory_request},
	{"query_directory_response", run_buffer_response},
	{"change_notify_request", run_change_notify_request},
	{"change_notify_response", run_buffer_response},
	{"query_info_request", run_query_info_request},
	{"query_info_response", run_buffer_response},
	{"set_info_request", run_set_info_request},
	{"set_info_response", run_set_info_response},
	{"oplock_break_", run_break},
};

#define CODECS (sizeof(codecs) / sizeof(codecs[0]))

static const struct codec *codec_of(const struct capture *c)
{
	for (unsigned i = 0; i < CODECS; i++)
		if (strncmp(c->name, codecs[i].prefix, strlen(codecs[i].prefix)) == 0)
			return &codecs[i];
	fail_msg("no codec for %s", c->name);
	return NULL;
}

static bool is_smb2(const struct capture *c)
{
	return smb_protocol_of(c->data, c->len) == SMB_PROTOCOL_SMB2;
}

static void decodes_what_tshark_reads(void **state)
{
	static uint8_t out[4096];

	for (unsigned i = 0; i < capture_count; i++) {
		struct capture *c = &captures[i];
		struct rd r = rd_init(c->data, c->len);
		struct wr w = wr_init(out, sizeof(out));

		if (!is_smb2(c))
			continue;
		assert_true(run_header(c, &r, &w));
		if (!codec_of(c)->run(c, &r, &w))
			fail_msg("%s does not decode", c->name);
	}
}

/* What Samba writes another way than we do, where both are right. */
static const char *const other_encodings[] = {
	"error_00000103",         /* the one byte of ErrorData is any */
	"ioctl_request_00060194", /* OutputOffset while OutputCount is 0 */
	"ioctl_request_0011c017", "ioctl_request_00140204", NULL,
};

static bool has_other_encoding(const struct capture *c)
{
	for (unsigned i = 0; other_encodings[i]; i++)
		if (strcmp(other_encodings[i], c->name) == 0)
			return true;
	return false;
}

/* How far two messages agree. */
static size_t common_prefix(const struct capture *c, const struct wr *w)
{
	size_t n = 0;

	while (n < c->len && n < w->len && c->data[n] == w->data[n])
		n++;
	return n;
}

static void encodes_the_bytes_that_samba_sent(void **state)
{
	static uint8_t out[4096];
	unsigned differ = 0;

	for (unsigned i = 0; i < capture_count; i++) {
		struct capture *c = &captures[i];
		struct rd r = rd_init(c->data, c->len);
		struct wr w = wr_init(out, sizeof(out));
		size_t same;

		if (!is_smb2(c) || has_other_encoding(c))
			continue;
		assert_true(run_header(c, &r, &w));
		assert_true(codec_of(c)->run(c, &r, &w));
		assert_true(wr_ok(&w));
		same = common_prefix(c, &w);
		/* a part of a compound is padded to a multiple of 8 */
		if (same < w.len || c->len - w.len > 7) {
			print_message("%s: differs at %zu (ours %zu, captured %zu bytes)\n",
				      c->name, same, w.len, c->len);
			differ++;
		}
	}
	assert_int_equal(differ, 0);
}

static void reads_no_byte_beyond_a_prefix(void **state)
{
	static uint8_t out[4096];

	for (unsigned i = 0; i < capture_count; i++) {
		struct capture *c = &captures[i];

		if (!is_smb2(c))
			continue;
		for (size_t len = 0; len < c->len; len++) {
			/* memory of just that size, so that ASan sees */
			uint8_t *copy = malloc(len + 1);
			struct rd r = rd_init(copy + 1, len);
			struct wr w = wr_init(out, sizeof(out));
			bool fixed_part_cut;

			memcpy(copy + 1, c->data, len);
			fixed_part_cut = !run_header(NULL, &r, &w);
			assert_true(fixed_part_cut == (len < SMB2_HEADER_SIZE));
			if (!fixed_part_cut && codec_of(c)->run(NULL, &r, &w))
				assert_true(len > SMB2_HEADER_SIZE + 1);
			free(copy);
		}
	}
}

static void reads_the_smb1_negotiate(void **state)
{
	const struct capture *c = capture_get("smb1_negotiate_request");
	struct rd r = rd_init(c->data, c->len), walk;
	struct smb1_negotiate_request m;
	uint8_t out[512];
	struct wr w = wr_init(out, sizeof(out));
	const char *dialect;
	unsigned count = 0;

	assert_int_equal(smb_protocol_of(c->data, c->len), SMB_PROTOCOL_SMB1);
	assert_true(smb1_negotiate_request_decode(&r, &m));
	assert_true(m.smb2_002 && m.smb2_wildcard);
	want(c, "smb.mid", m.mid);
	want(c, "smb.pid", m.pid_low);
	want(c, "smb.bcc", m.dialects.len);
	walk = wire_blob_rd(m.dialects);
	while ((dialect = smb1_dialect_next(&walk)) != NULL) {
		const char *at = NULL;
		bool found = false;

		while ((at = capture_field(c, "smb.dialect.name", at)) != NULL)
			found |= strncmp(at + 1, dialect, strlen(dialect)) == 0 &&
				 at[1 + strlen(dialect)] == '\n';
		assert_true(found);
		count++;
	}
	assert_int_equal(count, 4);
	smb1_negotiate_request_encode(&w, &m);
	assert_int_equal(w.len, c->len);
	assert_memory_equal(w.data, c->data, c->len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes_what_tshark_reads),
		cmocka_unit_test(encodes_the_bytes_that_samba_sent),
		cmocka_unit_test(reads_no_byte_beyond_a_prefix),
		cmocka_unit_test(reads_the_smb1_negotiate),
	};

	return cmocka_run_group_tests(tests, captures_load, captures_free);
}
