/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/smbd/wire/message.h"

#include "smbd/wire/negotiate.h"

static void tells_protocols_apart(void **state)
{
	assert_int_equal(smb_protocol_of("\xffSMB", 4), SMB_PROTOCOL_SMB1);
	assert_int_equal(smb_protocol_of("\xfeSMB", 4), SMB_PROTOCOL_SMB2);
	assert_int_equal(smb_protocol_of("\xfdSMB", 4), SMB_PROTOCOL_TRANSFORM);
	assert_int_equal(smb_protocol_of("\xfcSMB", 4), SMB_PROTOCOL_COMPRESSED);
	assert_int_equal(smb_protocol_of("\xfbSMB", 4), SMB_PROTOCOL_UNKNOWN);
	assert_int_equal(smb_protocol_of("\xfeSM", 3), SMB_PROTOCOL_UNKNOWN);
	assert_int_equal(smb_protocol_of("", 0), SMB_PROTOCOL_UNKNOWN);
}

/* [MS-SMB2] 2.2.1: which overlaid field is meant follows from the flags. */
static void header_fields_follow_the_flags(void **state)
{
	struct smb2_header in = {.credit_charge = 7,
				 .status = STATUS_ACCESS_DENIED,
				 .channel_sequence = 0x1234,
				 .command = SMB2_READ,
				 .credits = 33,
				 .flags = SMB2_FLAGS_ASYNC_COMMAND | SMB2_FLAGS_SERVER_TO_REDIR,
				 .next_command = 0x80,
				 .message_id = 0x1122334455667788,
				 .async_id = 0x99aabbccddeeff00,
				 .process_id = 0xfeff,
				 .tree_id = 5,
				 .session_id = 0x0102030405060708,
				 .signature = {9, 8, 7}};
	struct wr w = payload_begin();
	struct smb2_header out;
	struct rd r;

	smb2_header_encode(&w, &in);
	assert_int_equal(w.len, SMB2_HEADER_SIZE);
	assert_memory_equal(w.data + SMB2_HEADER_OFFSET_STATUS, "\x22\x00\x00\xc0", 4);
	assert_memory_equal(w.data + SMB2_HEADER_OFFSET_CREDITS, "\x21\x00", 2);
	assert_memory_equal(w.data + SMB2_HEADER_OFFSET_NEXT_COMMAND, "\x80\0\0\0", 4);
	assert_memory_equal(w.data + SMB2_HEADER_OFFSET_MESSAGE_ID,
			    "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
	assert_memory_equal(w.data + SMB2_HEADER_OFFSET_SESSION_ID,
			    "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
	assert_memory_equal(w.data + SMB2_HEADER_OFFSET_SIGNATURE, "\x09\x08\x07\0", 4);
	r = payload_read(&w);
	assert_true(smb2_header_decode(&r, &out));
	assert_true(nt_equal(out.status, STATUS_ACCESS_DENIED));
	assert_int_equal(out.async_id, in.async_id);
	assert_int_equal(out.channel_sequence, 0);
	assert_int_equal(out.tree_id, 0);

	in.flags = 0;
	w = payload_begin();
	smb2_header_encode(&w, &in);
	r = payload_read(&w);
	assert_true(smb2_header_decode(&r, &out));
	assert_int_equal(out.status.value, 0);
	assert_int_equal(out.channel_sequence, 0x1234);
	assert_int_equal(out.async_id, 0);
	assert_int_equal(out.process_id, 0xfeff);
	assert_int_equal(out.tree_id, 5);
}

static void refuses_other_ids_and_sizes(void **state)
{
	struct wr w = payload_begin();
	struct smb2_header h = {0};
	struct rd r;

	smb2_header_encode(&w, &h);
	w.data[4] = 65;
	r = payload_read(&w);
	assert_false(smb2_header_decode(&r, &h));
	w.data[4] = 64;
	w.data[0] = 0xfd;
	r = payload_read(&w);
	assert_false(smb2_header_decode(&r, &h));
}

/* [MS-SMB2] 2.2.41 */
static void transform_header(void **state)
{
	struct smb2_transform_header in = {.signature = {1, 2},
					   .nonce = {3, 4},
					   .original_message_size = 0x01020304,
					   .flags = SMB2_TRANSFORM_FLAG_ENCRYPTED,
					   .session_id = 0x1122334455667788};
	struct smb2_transform_header out;
	struct wr w = payload_begin();
	struct rd r;

	smb2_transform_header_encode(&w, &in);
	assert_int_equal(w.len, SMB2_TRANSFORM_HEADER_SIZE);
	assert_memory_equal(w.data, "\xfdSMB\x01\x02", 6);
	assert_memory_equal(w.data + SMB2_TRANSFORM_OFFSET_NONCE, "\x03\x04", 2);
	assert_memory_equal(w.data + 36, "\x04\x03\x02\x01\0\0\x01\0\x88\x77", 10);
	r = payload_read(&w);
	assert_true(smb2_transform_header_decode(&r, &out));
	assert_memory_equal(in.signature, out.signature, sizeof(in.signature));
	assert_memory_equal(in.nonce, out.nonce, sizeof(in.nonce));
	assert_int_equal(out.original_message_size, in.original_message_size);
	assert_int_equal(out.flags, in.flags);
	assert_int_equal(out.session_id, in.session_id);
	r = rd_init(w.data, w.len - 1);
	assert_false(smb2_transform_header_decode(&r, &out));
}

/* [MS-SMB2] 2.2.42.1, bytes by hand */
static void compression_header_unchained(void **state)
{
	static const uint8_t bytes[] = {0xfc, 'S', 'M', 'B', 0, 0x10, 0, 0,  2,
					0,    0,   0,   80,  0, 0,    0, 'x'};
	struct smb2_compression_transform_header h;
	struct wr w = payload_begin();
	struct rd r = rd_init(bytes, sizeof(bytes));

	assert_true(smb2_compression_transform_header_decode(&r, &h));
	assert_int_equal(h.original_compressed_segment_size, 4096);
	assert_int_equal(h.compression_algorithm, SMB2_COMPRESSION_LZ77);
	assert_int_equal(h.flags, SMB2_COMPRESSION_FLAG_NONE);
	assert_int_equal(h.offset, 80);
	assert_int_equal(rd_left(&r), 1);
	smb2_compression_transform_header_encode(&w, &h);
	assert_int_equal(w.len, 16);
	assert_memory_equal(w.data, bytes, 16);
}

/* [MS-SMB2] 2.2.42.2: NONE, then a pattern, then LZ77 */
static void compression_header_chained(void **state)
{
	static const uint8_t bytes[] = {0xfc, 'S',  'M', 'B', 0x40, 0,    0, 0, 0,   0,  1, 0, 3,
					0,    0,    0,   'a', 'b',  'c',  4, 0, 0,   0,  8, 0, 0,
					0,    0x55, 0,   0,   0,    0x20, 0, 0, 0,   2,  0, 0, 0,
					6,    0,    0,   0,   0x1d, 0,    0, 0, 'L', 'Z'};
	struct smb2_compression_transform_header h;
	struct smb2_compression_pattern_v1 pattern;
	struct smb2_compression_payload p[3];
	struct wr w = payload_begin();
	struct rd r = rd_init(bytes, sizeof(bytes)), data;

	assert_true(smb2_compression_transform_header_decode(&r, &h));
	assert_int_equal(h.flags, SMB2_COMPRESSION_FLAG_CHAINED);
	for (unsigned i = 0; i < 3; i++)
		assert_true(smb2_compression_payload_decode(&r, &p[i]));
	assert_int_equal(rd_left(&r), 0);
	assert_blob(p[0].data, "abc");
	data = wire_blob_rd(p[1].data);
	assert_true(smb2_compression_pattern_v1_decode(&data, &pattern));
	assert_int_equal(pattern.pattern, 0x55);
	assert_int_equal(pattern.repetitions, 0x20);
	assert_int_equal(p[2].original_payload_size, 0x1d);
	assert_blob(p[2].data, "LZ");
	smb2_compression_transform_header_encode(&w, &h);
	for (unsigned i = 0; i < 3; i++)
		smb2_compression_payload_encode(&w, &p[i]);
	assert_int_equal(w.len, sizeof(bytes));
	assert_memory_equal(w.data, bytes, sizeof(bytes));
}

static void refuses_payloads_shorter_than_their_size_field(void **state)
{
	static const uint8_t bytes[] = {2, 0, 0, 0, 3, 0, 0, 0, 0x1d, 0, 0, 0, 'L', 'Z'};
	struct smb2_compression_payload p;
	struct rd r = rd_init(bytes, sizeof(bytes));

	assert_false(smb2_compression_payload_decode(&r, &p));
}

static void commands_have_names(void **state)
{
	assert_string_equal(smb2_command_name(SMB2_NEGOTIATE), "NEGOTIATE");
	assert_string_equal(smb2_command_name(SMB2_QUERY_DIRECTORY), "QUERY_DIRECTORY");
	assert_string_equal(smb2_command_name(SMB2_OPLOCK_BREAK), "OPLOCK_BREAK");
	assert_string_equal(smb2_command_name(SMB2_COMMAND_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_protocols_apart),
		cmocka_unit_test(header_fields_follow_the_flags),
		cmocka_unit_test(refuses_other_ids_and_sizes),
		cmocka_unit_test(transform_header),
		cmocka_unit_test(compression_header_unchained),
		cmocka_unit_test(compression_header_chained),
		cmocka_unit_test(refuses_payloads_shorter_than_their_size_field),
		cmocka_unit_test(commands_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
