/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the captures of test_captures.c do not show: READ and WRITE with payloads elsewhere and with
 * remote descriptors, offsets that lie, locks, breaks, errors with contexts, tree connects with an
 * extension. Bytes by hand from [MS-SMB2] 2.2.
 */
#include "tests/unit/smbd/wire/captures.h"
#include "tests/unit/smbd/wire/message.h"

#include <arpa/inet.h>

#include "smbd/wire/break.h"
#include "smbd/wire/change_notify.h"
#include "smbd/wire/empty.h"
#include "smbd/wire/error.h"
#include "smbd/wire/ioctl.h"
#include "smbd/wire/lock.h"
#include "smbd/wire/negotiate.h"
#include "smbd/wire/query_info.h"
#include "smbd/wire/rdma.h"
#include "smbd/wire/session.h"
#include "smbd/wire/set_info.h"
#include "smbd/wire/tree.h"
#include "smbd/wire/write.h"

/* ---- offsets ---- */

static void blobs_stay_inside_the_message(void **state)
{
	struct rd r = rd_init("0123456789", 10);

	assert_int_equal(wire_blob_at(&r, 4, 6, 4).len, 6);
	assert_int_equal(wire_blob_at(&r, 10, 0, 4).len, 0);
	assert_int_equal(wire_blob_at(&r, 0, 0, 4).len, 0); /* no bytes: the offset is any */
	assert_true(rd_ok(&r));
	assert_null(wire_blob_at(&r, 4, 7, 4).data);
	assert_false(rd_ok(&r));
	r.bad = false;
	assert_null(wire_blob_at(&r, 3, 1, 4).data);
	assert_false(rd_ok(&r));
	r.bad = false;
	assert_null(wire_blob_at(&r, 11, 1, 4).data);
	assert_false(rd_ok(&r));
	r.bad = false;
	assert_null(wire_blob_at(&r, UINT64_MAX, 2, 4).data);
	assert_false(rd_ok(&r));
	r.bad = false;
	assert_null(wire_blob_at(&r, 5, UINT64_MAX, 4).data);
	assert_false(rd_ok(&r));
}

static void session_setup_offsets(void **state)
{
	struct smb2_session_setup_request in = {.security_buffer = BLOB("token")}, out;
	struct wr w = message_begin();
	struct rd r;

	smb2_session_setup_request_encode(&w, &in);
	w.data[SMB2_HEADER_SIZE + 12] = 87; /* SecurityBufferOffset into the fixed part */
	r = message_read(&w);
	assert_false(smb2_session_setup_request_decode(&r, &out));
	w.data[SMB2_HEADER_SIZE + 12] = 89; /* one byte beyond the end */
	r = message_read(&w);
	assert_false(smb2_session_setup_request_decode(&r, &out));
	w.data[SMB2_HEADER_SIZE + 12] = 88;
	w.data[SMB2_HEADER_SIZE] = 24; /* StructureSize */
	r = message_read(&w);
	assert_false(smb2_session_setup_request_decode(&r, &out));
}

/* A message without a buffer still has one byte of it where StructureSize is odd. */
static void empty_buffers_take_a_byte_in_requests(void **state)
{
	struct smb2_query_info_request query = {0};
	struct smb2_ioctl_request ioctl = {0};
	struct smb2_buffer_response response = {0};
	struct wr w = message_begin();

	smb2_query_info_request_encode(&w, &query);
	assert_int_equal(w.len, SMB2_HEADER_SIZE + 41);
	w = message_begin();
	smb2_ioctl_request_encode(&w, &ioctl);
	assert_int_equal(w.len, SMB2_HEADER_SIZE + 57);
	w = message_begin();
	smb2_buffer_response_encode(&w, &response);
	assert_int_equal(w.len, SMB2_HEADER_SIZE + 8);
}

static void ioctl_buffers(void **state)
{
	struct smb2_ioctl_request in = {.input = BLOB("in"), .output = BLOB("out")}, out;
	struct smb2_ioctl_response rin = {.input = BLOB("12345"), .output = BLOB("678")}, rout;
	struct wr w = message_begin();
	struct rd r;

	smb2_ioctl_request_encode(&w, &in);
	r = message_read(&w);
	assert_true(smb2_ioctl_request_decode(&r, &out));
	assert_blob(out.input, "in");
	assert_blob(out.output, "out");
	wr_u32_at(&w, SMB2_HEADER_SIZE + 28, 0xffffffff); /* InputCount */
	r = message_read(&w);
	assert_false(smb2_ioctl_request_decode(&r, &out));
	w = message_begin();
	smb2_ioctl_response_encode(&w, &rin);
	r = message_read(&w);
	assert_true(smb2_ioctl_response_decode(&r, &rout));
	assert_blob(rout.input, "12345");
	assert_blob(rout.output, "678");
	assert_int_equal((size_t)(rout.output.data - w.data) % 8, 0);
}

/* ---- READ and WRITE ---- */

static void read_response_without_its_payload(void **state)
{
	struct smb2_read_response in = {.data = {NULL, 1 << 20}};
	struct wr w = message_begin();

	smb2_read_response_encode(&w, &in);
	assert_int_equal(w.len, SMB2_READ_RESPONSE_DATA_OFFSET);
	assert_memory_equal(w.data + 64, "\x11\0\x50\0\0\0\x10\0", 8);
}

static void read_response_with_its_payload(void **state)
{
	struct smb2_read_response in = {.data = BLOB("payload"),
					.flags = SMB2_READ_RESPONSE_RDMA_TRANSFORM},
				  out;
	struct wr w = message_begin();
	struct rd r;

	smb2_read_response_encode(&w, &in);
	r = message_read(&w);
	assert_true(smb2_read_response_decode(&r, &out));
	assert_blob(out.data, "payload");
	assert_int_equal(out.flags, SMB2_READ_RESPONSE_RDMA_TRANSFORM);
	w.data[66] = 79; /* DataOffset into the fixed part */
	r = message_read(&w);
	assert_false(smb2_read_response_decode(&r, &out));
}

/* protocol-facts 29: RDMA answers are 80 bytes, DataLength 0 and DataRemaining what was placed */
static void read_response_of_rdma(void **state)
{
	struct smb2_read_response in = {.data_remaining = 1 << 20}, out;
	struct wr w = message_begin();
	struct rd r;

	smb2_read_response_encode(&w, &in);
	assert_int_equal(w.len, 80);
	assert_int_equal(w.data[66], 80);
	r = message_read(&w);
	assert_true(smb2_read_response_decode(&r, &out));
	assert_int_equal(out.data.len, 0);
	assert_int_equal(out.data_remaining, 1 << 20);
}

static void write_request_head_alone(void **state)
{
	struct smb2_write_request in = {.length = 100000, .offset = 1ull << 40, .file_id = {1, 2}},
				  out;
	struct wr w = message_begin();
	struct rd r;

	smb2_write_request_encode(&w, &in);
	assert_int_equal(w.len, SMB2_WRITE_REQUEST_HEAD_SIZE);
	r = message_read(&w);
	assert_true(smb2_write_request_decode(&r, 112 + 100000, &out));
	assert_int_equal(out.data_offset, 112);
	assert_int_equal(out.length, 100000);
	assert_int_equal(out.offset, 1ull << 40);
	r = message_read(&w);
	assert_false(smb2_write_request_decode(&r, 112 + 99999, &out));
}

/* [MS-SMB2] 3.3.5.13 */
static void write_data_offset_is_checked(void **state)
{
	struct smb2_write_request in = {.length = 8}, out;
	const unsigned offsets[] = {111, 112, 256, 257};

	for (unsigned i = 0; i < 4; i++) {
		struct wr w = message_begin();
		struct rd r;

		in.data_offset = (uint16_t)offsets[i];
		smb2_write_request_encode(&w, &in);
		r = message_read(&w);
		assert_int_equal(smb2_write_request_decode(&r, 1000, &out), i == 1 || i == 2);
	}
}

static struct wire_blob two_descriptors(struct wr *w)
{
	smb2_buffer_descriptor_encode(
		w, &(struct smb2_buffer_descriptor){0x1122334455667788, 0xabcd, 4096});
	smb2_buffer_descriptor_encode(w, &(struct smb2_buffer_descriptor){8, 9, 10});
	return WIRE_BLOB(w->data, w->len);
}

/* [MS-SMBD] 2.2.3.1; protocol-facts 29: Length 0, DataOffset 0, the size in RemainingBytes */
static void write_request_of_rdma(void **state)
{
	uint8_t info[64];
	struct wr d = wr_init(info, sizeof(info)), w = message_begin();
	struct smb2_write_request in = {.channel = SMB2_CHANNEL_RDMA_V1_INVALIDATE,
					.remaining_bytes = 4106,
					.write_channel_info = two_descriptors(&d)},
				  out;
	struct smb2_buffer_descriptor desc;
	struct rd r;

	assert_memory_equal(info, "\x88\x77\x66\x55\x44\x33\x22\x11\xcd\xab\0\0\0\x10\0\0", 16);
	smb2_write_request_encode(&w, &in);
	assert_int_equal(w.len, 112 + 32);
	r = message_read(&w);
	assert_true(smb2_write_request_decode(&r, w.len, &out));
	assert_int_equal(out.data_offset, 0);
	assert_int_equal(out.remaining_bytes, 4106);
	r = wire_blob_rd(out.write_channel_info);
	assert_true(smb2_buffer_descriptor_next(&r, &desc));
	assert_int_equal(desc.offset, 0x1122334455667788);
	assert_int_equal(desc.token, 0xabcd);
	assert_int_equal(desc.length, 4096);
	assert_true(smb2_buffer_descriptor_next(&r, &desc));
	assert_int_equal(desc.length, 10);
	assert_false(smb2_buffer_descriptor_next(&r, &desc));
	assert_true(rd_ok(&r));
	r = rd_init(info, 31);
	assert_true(smb2_buffer_descriptor_next(&r, &desc));
	assert_false(smb2_buffer_descriptor_next(&r, &desc));
	assert_false(rd_ok(&r));
}

static void channel_info_counts_only_with_a_channel(void **state)
{
	uint8_t info[64];
	struct wr d = wr_init(info, sizeof(info)), w = message_begin();
	struct smb2_read_request in = {.channel = SMB2_CHANNEL_RDMA_V1,
				       .length = 4106,
				       .read_channel_info = two_descriptors(&d)},
				 out;
	struct rd r;

	smb2_read_request_encode(&w, &in);
	r = message_read(&w);
	assert_true(smb2_read_request_decode(&r, &out));
	assert_int_equal(out.read_channel_info.len, 32);
	w.data[64 + 44] = 0xff; /* ReadChannelInfoOffset */
	r = message_read(&w);
	assert_false(smb2_read_request_decode(&r, &out));
	w.data[64 + 36] = SMB2_CHANNEL_NONE;
	r = message_read(&w);
	assert_true(smb2_read_request_decode(&r, &out));
	assert_int_equal(out.read_channel_info.len, 0);
}

/* [MS-SMB2] 2.2.43 */
static void rdma_transforms(void **state)
{
	uint8_t transforms[64], info[64];
	struct wr t = wr_init(transforms, sizeof(transforms)), d = wr_init(info, sizeof(info)),
		  w = payload_begin();
	struct smb2_rdma_crypto_transform crypto = {SMB2_RDMA_TRANSFORM_TYPE_ENCRYPTION,
						    BLOB("0123456789abcdef"), BLOB("nonce-12byte")},
					  crypto2;
	struct smb2_rdma_transform in = {.channel = SMB2_CHANNEL_RDMA_V1, .transform_count = 1},
				   out;
	struct rd r;

	smb2_rdma_crypto_transform_encode(&t, &crypto);
	assert_int_equal(t.len, 40);
	in.transforms = WIRE_BLOB(transforms, t.len);
	in.descriptors = two_descriptors(&d);
	smb2_rdma_transform_encode(&w, &in);
	assert_memory_equal(w.data, "\x38\0\x20\0\1\0\0\0\1\0\0\0\0\0\0\0\1\0\x10\0\x0c\0\0\0", 24);
	r = payload_read(&w);
	assert_true(smb2_rdma_transform_decode(&r, &out));
	assert_int_equal(out.channel, SMB2_CHANNEL_RDMA_V1);
	assert_true(wire_blob_equal(out.descriptors, in.descriptors));
	r = wire_blob_rd(out.transforms);
	assert_true(smb2_rdma_crypto_transform_next(&r, &crypto2));
	assert_blob(crypto2.signature, "0123456789abcdef");
	assert_blob(crypto2.nonce, "nonce-12byte");
	assert_false(smb2_rdma_crypto_transform_next(&r, &crypto2));
	assert_true(rd_ok(&r));
	w.data[0] = 0x39; /* descriptors beyond the end */
	r = payload_read(&w);
	assert_false(smb2_rdma_transform_decode(&r, &out));
	transforms[2] = 17; /* SignatureLength over 16 */
	r = rd_init(transforms, t.len);
	assert_false(smb2_rdma_crypto_transform_next(&r, &crypto2));
	assert_false(rd_ok(&r));
}

/* ---- LOCK, OPLOCK_BREAK ---- */

/* [MS-SMB2] 2.2.26 and 3.3.5.14 */
static void locks(void **state)
{
	const struct smb2_lock_element elements[] = {{1, 2, SMB2_LOCKFLAG_EXCLUSIVE_LOCK},
						     {3, 4, SMB2_LOCKFLAG_UNLOCK}};
	struct smb2_lock_request in = {.lock_count = 2,
				       .lock_sequence_number = 0xf,
				       .lock_sequence_index = 0x123456},
				 out;
	struct wr w = message_begin();
	struct rd r;

	smb2_lock_request_encode(&w, &in, elements);
	assert_memory_equal(w.data + 64, "\x30\0\2\0\x6f\x45\x23\x01", 8);
	r = message_read(&w);
	assert_true(smb2_lock_request_decode(&r, &out));
	assert_int_equal(out.lock_sequence_number, 0xf);
	assert_int_equal(out.lock_sequence_index, 0x123456);
	assert_int_equal(smb2_lock_request_element(&out, 1).length, 4);
	assert_int_equal(smb2_lock_request_element(&out, 1).flags, SMB2_LOCKFLAG_UNLOCK);
	w.data[66] = 3;
	r = message_read(&w);
	assert_false(smb2_lock_request_decode(&r, &out));
	w.data[66] = 0;
	r = message_read(&w);
	assert_false(smb2_lock_request_decode(&r, &out));
}

static void break_forms_go_by_size(void **state)
{
	struct smb2_oplock_break oplock = {1, {2, 3}}, oplock2;
	struct smb2_lease_break_notification lease = {4,
						      SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED,
						      {{5}},
						      7,
						      1},
					     lease2;
	struct smb2_notification closed = {SMB2_NOTIFY_SESSION_CLOSED}, closed2 = {99};
	struct wr w = message_begin();
	struct rd r;

	smb2_oplock_break_encode(&w, &oplock);
	assert_int_equal(w.len, 64 + 24);
	r = message_read(&w);
	assert_int_equal(smb2_break_form(&r), SMB2_BREAK_OPLOCK);
	assert_true(smb2_oplock_break_decode(&r, &oplock2));
	assert_int_equal(oplock2.file_id.volatile_id, 3);
	w = message_begin();
	smb2_lease_break_notification_encode(&w, &lease);
	assert_int_equal(w.len, 64 + 44);
	r = message_read(&w);
	assert_int_equal(smb2_break_form(&r), SMB2_BREAK_LEASE_NOTIFICATION);
	assert_true(smb2_lease_break_notification_decode(&r, &lease2));
	assert_int_equal(lease2.new_epoch, 4);
	assert_int_equal(lease2.flags, SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED);
	assert_int_equal(lease2.lease_key.bytes[0], 5);
	assert_int_equal(lease2.current_lease_state, 7);
	assert_int_equal(lease2.new_lease_state, 1);
	w = message_begin();
	smb2_lease_break_ack_encode(&w, &(struct smb2_lease_break_ack){0});
	r = message_read(&w);
	assert_int_equal(smb2_break_form(&r), SMB2_BREAK_LEASE_ACK);
	assert_false(smb2_oplock_break_decode(&r, &oplock2));
	w.data[64] = 25;
	r = message_read(&w);
	assert_int_equal(smb2_break_form(&r), SMB2_BREAK_MALFORMED);
	w = message_begin();
	smb2_notification_encode(&w, &closed);
	r = message_read(&w);
	assert_true(smb2_notification_decode(&r, &closed2));
	assert_int_equal(closed2.notification_type, SMB2_NOTIFY_SESSION_CLOSED);
}

/* ---- CHANGE_NOTIFY ---- */

static void notifications_captured(void **state)
{
	const struct capture *c = capture_get("change_notify_response");
	struct rd r = capture_rd(c), list;
	struct file_notify_information i;
	struct smb2_buffer_response m;
	struct wr w = payload_begin();
	size_t last = SIZE_MAX;

	assert_true(smb2_buffer_response_decode(&r, &m));
	list = wire_blob_rd(m.buffer);
	while (file_notify_information_next(&list, &i)) {
		want(c, "smb2.notify.action", i.action);
		want_utf16(c, "smb2.filename", i.file_name);
		assert_true(file_notify_information_encode(&w, &i, &last));
	}
	assert_true(rd_ok(&list));
	assert_in_range(m.buffer.len - w.len, 0, 3);
	assert_memory_equal(w.data, m.buffer.data, w.len);
}

/* ---- errors ---- */

/* [MS-SMB2] 2.2.2.1: 3.1.1 wraps each in a context, 8-aligned */
static void error_contexts(void **state)
{
	uint8_t data[64];
	struct wr d = wr_init(data, sizeof(data)), w = message_begin();
	struct smb2_error_response m = {.error_context_count = 2}, out;
	struct smb2_error_context context;
	uint32_t length;
	struct rd r, inner;

	smb2_error_context_encode(
		&d, &(struct smb2_error_context){SMB2_ERROR_ID_DEFAULT, BLOB("\x14\0\0\0")});
	smb2_error_context_encode(
		&d, &(struct smb2_error_context){SMB2_ERROR_ID_SHARE_REDIRECT, BLOB("xyz")});
	m.error_data = WIRE_BLOB(data, d.len);
	smb2_error_response_encode(&w, &m);
	r = message_read(&w);
	assert_true(smb2_error_response_decode(&r, &out));
	assert_int_equal(out.error_context_count, 2);
	r = wire_blob_rd(out.error_data);
	assert_true(smb2_error_context_next(&r, &context));
	inner = wire_blob_rd(context.error_context_data);
	assert_true(smb2_buffer_too_small_decode(&inner, &length));
	assert_int_equal(length, 20);
	assert_int_equal(r.off, 12);
	assert_true(smb2_error_context_next(&r, &context));
	assert_int_equal(context.error_id, SMB2_ERROR_ID_SHARE_REDIRECT);
	assert_blob(context.error_context_data, "xyz");
	assert_false(smb2_error_context_next(&r, &context));
	assert_true(rd_ok(&r));
	data[0] = 0xff;
	r = rd_init(data, d.len);
	assert_false(smb2_error_context_next(&r, &context));
	assert_false(rd_ok(&r));
}

static void buffer_too_small_captured(void **state)
{
	const struct capture *c = capture_get("query_info_response_3_0_c0000023");
	struct rd r = capture_rd(c), data;
	struct smb2_error_response m;
	struct smb2_error_context context;
	uint32_t length;

	assert_true(smb2_error_response_decode(&r, &m));
	data = wire_blob_rd(m.error_data);
	if (m.error_context_count) {
		assert_true(smb2_error_context_next(&data, &context));
		data = wire_blob_rd(context.error_context_data);
	}
	assert_true(smb2_buffer_too_small_decode(&data, &length));
	want(c, "smb2.required_size", length);
}

/* [MS-SMB2] 2.2.2.2.1 */
static void symlink_errors(void **state)
{
	struct smb2_symlink_error in = {.unparsed_path_length = 6,
					.flags = SYMLINK_FLAG_RELATIVE,
					.substitute_name = BLOB("t\0"),
					.print_name = BLOB("p\0")},
				  out;
	struct wr w = payload_begin();
	struct rd r;

	smb2_symlink_error_encode(&w, &in);
	assert_memory_equal(w.data, "\x1c\0\0\0SYML\x0c\0\0\xa0\x10\0\6\0", 16);
	r = payload_read(&w);
	assert_true(smb2_symlink_error_decode(&r, &out));
	assert_int_equal(out.unparsed_path_length, 6);
	assert_int_equal(out.flags, SYMLINK_FLAG_RELATIVE);
	assert_blob(out.substitute_name, "t\0");
	assert_blob(out.print_name, "p\0");
	w.data[0]--; /* SymLinkLength */
	r = payload_read(&w);
	assert_false(smb2_symlink_error_decode(&r, &out));
	w.data[0]++;
	w.data[4] = 'X'; /* SymLinkErrorTag */
	r = payload_read(&w);
	assert_false(smb2_symlink_error_decode(&r, &out));
}

/* [MS-SMB2] 2.2.2.2.2 */
static void share_redirects(void **state)
{
	struct smb2_share_redirect_error in = {.resource_name = BLOB("n\0"), .ip_addr_count = 2},
					 out;
	struct wr w = payload_begin();
	struct rd r;

	inet_pton(AF_INET6, "::ffff:192.0.2.1", &in.ip_addrs[0]);
	inet_pton(AF_INET6, "2001:db8::1", &in.ip_addrs[1]);
	smb2_share_redirect_error_encode(&w, &in);
	assert_int_equal(w.len, 24 + 48 + 2);
	assert_memory_equal(w.data + 24, "\1\0\0\0\0\0\0\0\xc0\0\2\1\0\0\0\0", 16);
	assert_memory_equal(w.data + 48, "\2\0\0\0\0\0\0\0\x20\1\xd\xb8", 12);
	r = payload_read(&w);
	assert_true(smb2_share_redirect_error_decode(&r, &out));
	assert_memory_equal(in.ip_addrs, out.ip_addrs, 2 * sizeof(struct in6_addr));
	assert_blob(out.resource_name, "n\0");
	w.data[20] = 33; /* more addresses than are kept */
	r = payload_read(&w);
	assert_false(smb2_share_redirect_error_decode(&r, &out));
}

/* ---- TREE_CONNECT: [MS-SMB2] 2.2.9.1 and 2.2.9.2.1 ---- */

static void tree_connect_extension(void **state)
{
	uint8_t ticket[64];
	struct wr t = wr_init(ticket, sizeof(ticket)), w = message_begin();
	struct smb2_remoted_identity identity = {.user = BLOB("u1"), .domain = BLOB("dom")},
				     identity2;
	struct smb2_tree_connect_request in = {.flags = SMB2_TREE_CONNECT_FLAG_EXTENSION_PRESENT,
					       .path = BLOB("\\\0\\\0s\0\\\0x\0"),
					       .has_remoted_identity = true},
					 out;
	struct rd r;

	smb2_remoted_identity_encode(&t, &identity);
	in.remoted_identity = WIRE_BLOB(ticket, t.len);
	smb2_tree_connect_request_encode(&w, &in);
	assert_int_equal(w.data[64 + 4], 88); /* PathOffset */
	assert_int_equal(w.data[64 + 8],
			 40); /* TreeConnectContextOffset: 64 + 40 = 88 + 10, 8-aligned */
	r = message_read(&w);
	assert_true(smb2_tree_connect_request_decode(&r, SMB2_DIALECT_311, &out));
	assert_blob(out.path, "\\\0\\\0s\0\\\0x\0");
	assert_true(out.has_remoted_identity);
	r = wire_blob_rd(out.remoted_identity);
	assert_true(smb2_remoted_identity_decode(&r, &identity2));
	assert_blob(identity2.user, "u1");
	assert_blob(identity2.domain, "dom");
	assert_int_equal(identity2.owner.len, 0);
	/* before 3.1.1 the flags are reserved: no extension */
	r = message_read(&w);
	assert_true(smb2_tree_connect_request_decode(&r, SMB2_DIALECT_302, &out));
	assert_int_equal(out.flags, 0);
	assert_false(out.has_remoted_identity);
	wr_u32_at(&w, 72, 0xfffffff0);
	r = message_read(&w);
	assert_false(smb2_tree_connect_request_decode(&r, SMB2_DIALECT_311, &out));
}

static void remoted_identity_offsets_are_checked(void **state)
{
	struct smb2_remoted_identity in = {.user = BLOB("u1")}, out;
	struct wr w = payload_begin();
	struct rd r;

	smb2_remoted_identity_encode(&w, &in);
	w.data[4] = 27; /* User inside the ticket's head */
	r = payload_read(&w);
	assert_false(smb2_remoted_identity_decode(&r, &out));
	w.data[4] = 31; /* beyond the end */
	r = payload_read(&w);
	assert_false(smb2_remoted_identity_decode(&r, &out));
	w.data[4] = 28;
	w.data[0] = 2; /* TicketType */
	r = payload_read(&w);
	assert_false(smb2_remoted_identity_decode(&r, &out));
}

static void tree_connect_paths_are_whole_characters(void **state)
{
	struct smb2_tree_connect_request in = {.path = BLOB("\\\0\\\0s\0")}, out;
	struct wr w = message_begin();
	struct rd r;

	smb2_tree_connect_request_encode(&w, &in);
	w.data[64 + 6] = 5;
	r = message_read(&w);
	assert_false(smb2_tree_connect_request_decode(&r, SMB2_DIALECT_311, &out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blobs_stay_inside_the_message),
		cmocka_unit_test(session_setup_offsets),
		cmocka_unit_test(empty_buffers_take_a_byte_in_requests),
		cmocka_unit_test(ioctl_buffers),
		cmocka_unit_test(read_response_without_its_payload),
		cmocka_unit_test(read_response_with_its_payload),
		cmocka_unit_test(read_response_of_rdma),
		cmocka_unit_test(write_request_head_alone),
		cmocka_unit_test(write_data_offset_is_checked),
		cmocka_unit_test(write_request_of_rdma),
		cmocka_unit_test(channel_info_counts_only_with_a_channel),
		cmocka_unit_test(rdma_transforms),
		cmocka_unit_test(locks),
		cmocka_unit_test(break_forms_go_by_size),
		cmocka_unit_test(notifications_captured),
		cmocka_unit_test(error_contexts),
		cmocka_unit_test(buffer_too_small_captured),
		cmocka_unit_test(symlink_errors),
		cmocka_unit_test(share_redirects),
		cmocka_unit_test(tree_connect_extension),
		cmocka_unit_test(remoted_identity_offsets_are_checked),
		cmocka_unit_test(tree_connect_paths_are_whole_characters),
	};

	return cmocka_run_group_tests(tests, captures_load, captures_free);
}
