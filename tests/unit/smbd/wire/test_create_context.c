/* SPDX-License-Identifier: Apache-2.0 */
/* What captures do not show: all contexts at once, and malformed ones ([MS-SMB2] 3.3.5.9). */
#include "tests/unit/smbd/wire/message.h"

#include "smbd/wire/create.h"
#include "smbd/wire/dtyp.h"

static const struct guid key1 = {{1, 2, 3}}, key2 = {{4, 5, 6}};

static void all_contexts_in_a_request(void **state)
{
	struct smb2_create_request in = {
		.name = BLOB("a\0.\0"),
		.contexts = {
			.present = 0x7fff,
			.ea_buffer = BLOB("ea"),
			.sd_buffer = BLOB("sd!"),
			.durable_reconnect.file_id = {1, 2},
			.allocation_size = 3,
			.has_maximal_access_timestamp = true,
			.maximal_access_timestamp = 4,
			.timewarp_timestamp = 5,
			.lease = {.version = 2,
				  .lease_key = key1,
				  .lease_state = 7,
				  .lease_flags = SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET,
				  .parent_lease_key = key2,
				  .epoch = 9},
			.durable_v2 = {10, SMB2_DHANDLE_FLAG_PERSISTENT, key1},
			.durable_reconnect_v2 = {{11, 12}, key2, 0},
			.app_instance_id = key1,
			.app_instance_version_high = 13,
			.app_instance_version_low = 14,
			.svhdx = BLOB("raw bytes"),
			.posix_mode = 0644,
		}};
	struct smb2_create_request out;
	struct smb2_create_contexts_request *x = &out.contexts;
	struct wr w = message_begin();
	struct rd r;

	smb2_create_request_encode(&w, &in);
	r = message_read(&w);
	assert_true(smb2_create_request_decode(&r, &out));
	assert_blob(out.name, "a\0.\0");
	assert_int_equal(x->present, 0x7fff);
	assert_blob(x->ea_buffer, "ea");
	assert_blob(x->sd_buffer, "sd!");
	assert_int_equal(x->durable_reconnect.file_id.volatile_id, 2);
	assert_int_equal(x->allocation_size, 3);
	assert_int_equal(x->maximal_access_timestamp, 4);
	assert_int_equal(x->timewarp_timestamp, 5);
	assert_int_equal(x->lease.version, 2);
	assert_true(guid_equal(&x->lease.lease_key, &key1));
	assert_int_equal(x->lease.lease_state, 7);
	assert_int_equal(x->lease.lease_flags, SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET);
	assert_true(guid_equal(&x->lease.parent_lease_key, &key2));
	assert_int_equal(x->lease.epoch, 9);
	assert_int_equal(x->durable_v2.timeout_ms, 10);
	assert_int_equal(x->durable_v2.flags, SMB2_DHANDLE_FLAG_PERSISTENT);
	assert_true(guid_equal(&x->durable_reconnect_v2.create_guid, &key2));
	assert_true(guid_equal(&x->app_instance_id, &key1));
	assert_int_equal(x->app_instance_version_high, 13);
	assert_int_equal(x->app_instance_version_low, 14);
	assert_blob(x->svhdx, "raw bytes");
	assert_int_equal(x->posix_mode, 0644);
}

static void all_contexts_in_a_response(void **state)
{
	uint8_t sid[SID_SIZE_MAX];
	struct wr s = wr_init(sid, sizeof(sid)), w = message_begin();
	struct smb2_create_response in = {
		.contexts = {
			.present = SMB2_CREATE_DURABLE_HANDLE_REQUEST |
				   SMB2_CREATE_QUERY_MAXIMAL_ACCESS_REQUEST |
				   SMB2_CREATE_QUERY_ON_DISK_ID | SMB2_CREATE_REQUEST_LEASE |
				   SMB2_CREATE_DURABLE_HANDLE_REQUEST_V2 |
				   SVHDX_OPEN_DEVICE_CONTEXT | SMB2_CREATE_POSIX,
			.maximal_access = {STATUS_NONE_MAPPED, 0x1f01ff},
			.disk_id = {1, 2},
			.lease = {.version = 1, .lease_key = key1, .lease_state = 3},
			.durable_v2 = {60000, 0},
			.svhdx = BLOB("x"),
			.posix = {.nlink = 2, .reparse_tag = 0, .mode = 0755},
		}};
	struct smb2_create_response out;
	struct rd r;

	sid_encode(&s, &sid_everyone);
	in.contexts.posix.owner_sid = in.contexts.posix.group_sid = WIRE_BLOB(sid, s.len);
	smb2_create_response_encode(&w, &in);
	r = message_read(&w);
	assert_true(smb2_create_response_decode(&r, &out));
	assert_int_equal(out.contexts.present, in.contexts.present);
	assert_true(nt_equal(out.contexts.maximal_access.query_status, STATUS_NONE_MAPPED));
	assert_int_equal(out.contexts.maximal_access.maximal_access, 0x1f01ff);
	assert_int_equal(out.contexts.disk_id.disk_file_id, 1);
	assert_int_equal(out.contexts.disk_id.volume_id, 2);
	assert_int_equal(out.contexts.lease.version, 1);
	assert_int_equal(out.contexts.durable_v2.timeout_ms, 60000);
	assert_blob(out.contexts.svhdx, "x");
	assert_int_equal(out.contexts.posix.mode, 0755);
	assert_true(wire_blob_equal(out.contexts.posix.group_sid, in.contexts.posix.group_sid));
}

/* Next, NameOffset 16, NameLength 4, reserved, DataOffset 24, DataLength, name, padding, data */
#define CONTEXT(next, name, len, data) \
	next "\0\0\0\x10\0\4\0\0\0\x18\0" len "\0\0\0" name "\0\0\0\0" data

static bool decodes(const char *list, size_t len, struct smb2_create_contexts_request *out)
{
	struct rd r = rd_init(list, len);

	return smb2_create_contexts_request_decode(&r, out);
}

#define DECODES(list) decodes(list, sizeof(list) - 1, &x)

static void unknown_and_repeated_contexts_are_skipped(void **state)
{
	struct smb2_create_contexts_request x;

	assert_true(DECODES(""));
	assert_int_equal(x.present, 0);
	assert_true(DECODES(CONTEXT("\0", "Huh?", "\3", "abc")));
	assert_int_equal(x.present, 0);
	assert_true(DECODES(CONTEXT("\x20", "AlSi", "\x8", "\1\0\0\0\0\0\0\0")
				    CONTEXT("\0", "AlSi", "\x8", "\2\0\0\0\0\0\0\0")));
	assert_int_equal(x.present, SMB2_CREATE_ALLOCATION_SIZE);
	assert_int_equal(x.allocation_size, 1);
}

static void malformed_contexts_are_refused(void **state)
{
	struct smb2_create_contexts_request x;

	/* data of the wrong length */
	assert_false(DECODES(CONTEXT("\0", "AlSi", "\7", "\1\0\0\0\0\0\0")));
	assert_false(DECODES(CONTEXT("\0", "DHnQ", "\x8", "\0\0\0\0\0\0\0\0")));
	assert_false(DECODES(CONTEXT("\0", "MxAc", "\4", "\0\0\0\0")));
	assert_false(DECODES(CONTEXT("\0", "RqLs", "\x21", "0123456789abcdef0123456789abcdefg")));
	/* DataLength, NameLength and Next beyond the list; Next into the header; a name of three */
	assert_false(DECODES(CONTEXT("\0", "AlSi", "\x9", "\1\0\0\0\0\0\0\0")));
	assert_false(DECODES("\0\0\0\0\x10\0\5\0\0\0\0\0\0\0\0\0AlSi"));
	assert_false(DECODES(CONTEXT("\x30", "AlSi", "\x8", "\1\0\0\0\0\0\0\0")));
	assert_false(DECODES(CONTEXT("\x8", "AlSi", "\x8", "\1\0\0\0\0\0\0\0")));
	assert_false(DECODES("\0\0\0\0\x10\0\3\0\0\0\0\0\0\0\0\0AlS"));
	/* the name inside the header, the header cut */
	assert_false(DECODES("\0\0\0\0\x8\0\4\0\0\0\0\0\0\0\0\0AlSi"));
	assert_false(DECODES("\0\0\0\0\x10\0\4\0\0\0\0\0\0\0\0"));
}

static void lease_versions_go_by_length(void **state)
{
	struct smb2_create_contexts_request x;

	assert_true(DECODES(
		CONTEXT("\0", "RqLs", "\x20", "0123456789abcdef\7\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")));
	assert_int_equal(x.lease.version, 1);
	assert_int_equal(x.lease.lease_state, 7);
	assert_memory_equal(x.lease.lease_key.bytes, "0123456789abcdef", 16);
	assert_true(DECODES(CONTEXT("\0", "RqLs", "\x34",
				    "0123456789abcdef\7\0\0\0\4\0\0\0\0\0\0\0\0\0\0\0"
				    "fedcba9876543210\5\0\0\0")));
	assert_int_equal(x.lease.version, 2);
	assert_int_equal(x.lease.epoch, 5);
	assert_memory_equal(x.lease.parent_lease_key.bytes, "fedcba9876543210", 16);
}

/* [MS-SMB2] 3.3.5.9: the list is 8-aligned and inside the message, the name is whole characters. */
static void offsets_of_create_are_checked(void **state)
{
	struct smb2_create_request in = {.name = BLOB("a\0b\0"),
					 .contexts = {.present = SMB2_CREATE_QUERY_ON_DISK_ID}};
	struct smb2_create_request out;
	const size_t name_length = SMB2_HEADER_SIZE + 46, list_offset = SMB2_HEADER_SIZE + 48;
	struct wr w = message_begin();
	struct rd r;

	smb2_create_request_encode(&w, &in);
	w.data[name_length] = 3;
	r = message_read(&w);
	assert_false(smb2_create_request_decode(&r, &out));
	w.data[name_length] = 4;
	w.data[list_offset] += 4;
	w.data[list_offset + 4] -= 4;
	r = message_read(&w);
	assert_false(smb2_create_request_decode(&r, &out));
	w.data[list_offset] -= 4;
	w.data[list_offset + 4] += 5;
	r = message_read(&w);
	assert_false(smb2_create_request_decode(&r, &out));
	w.data[list_offset + 4] -= 1;
	r = message_read(&w);
	assert_true(smb2_create_request_decode(&r, &out));
	/* 64-bit sums: offset + length wraps around */
	wr_u32_at(&w, list_offset, 0xfffffff8);
	wr_u32_at(&w, list_offset + 4, 0x18);
	r = message_read(&w);
	assert_false(smb2_create_request_decode(&r, &out));
}

/* A list that does not fit is an error, never a shorter list. */
static void an_encoder_without_room_says_so(void **state)
{
	struct smb2_create_request in = {.contexts = {.present = 0x7fff, .lease.version = 2}};
	uint8_t small[300];

	for (size_t cap = 0; cap < sizeof(small); cap++) {
		struct wr w = wr_init(small, cap);

		wr_zero(&w, SMB2_HEADER_SIZE);
		smb2_create_request_encode(&w, &in);
		assert_false(wr_ok(&w));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_contexts_in_a_request),
		cmocka_unit_test(all_contexts_in_a_response),
		cmocka_unit_test(unknown_and_repeated_contexts_are_skipped),
		cmocka_unit_test(malformed_contexts_are_refused),
		cmocka_unit_test(lease_versions_go_by_length),
		cmocka_unit_test(offsets_of_create_are_checked),
		cmocka_unit_test(an_encoder_without_room_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
