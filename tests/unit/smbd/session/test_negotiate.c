/* SPDX-License-Identifier: Apache-2.0 */
/* NEGOTIATE: [MS-SMB2] 3.3.5.3 and 3.3.5.4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "smbd/wire/fsctl.h"
#include "smbd/wire/ioctl.h"
#include "tests/fake/world.h"

static struct world *world;
static struct msg msg;
static struct reply reply;

static int setup(void **state)
{
	world = world_create(NULL);
	return 0;
}

static int teardown(void **state)
{
	world_destroy(world);
	return 0;
}

static void assert_closed(struct peer *p)
{
	reply_recv(p, &reply);
	assert_int_equal(reply.len, 0);
	peer_close(p);
}

static struct smb2_negotiate_request offer(unsigned count, const uint16_t *dialects)
{
	struct smb2_negotiate_request in = {
		.security_mode = SMB2_NEGOTIATE_SIGNING_ENABLED,
		.client_guid = {{9}},
	};

	in.dialects.count = (uint16_t)count;
	memcpy(in.dialects.ids, dialects, count * sizeof(*dialects));
	in.contexts.present = SMB2_HAS_PREAUTH_INTEGRITY;
	in.contexts.hash_algorithms = (struct smb2_id_list){1, {SMB2_PREAUTH_INTEGRITY_SHA512}};
	return in;
}

static struct nt_status negotiate(struct peer *p, const struct smb2_negotiate_request *in,
				  struct smb2_negotiate_response *out)
{
	struct nt_status status;

	msg_begin(p, &msg, SMB2_NEGOTIATE);
	smb2_negotiate_request_encode(&msg.w, in);
	status = peer_call(p, &msg, &reply);
	if (nt_success(status))
		assert_true(smb2_negotiate_response_decode(&reply.rd, out));
	return status;
}

static void test_every_dialect_logs_in(void **state)
{
	static const uint16_t dialects[] = {0x0202, 0x0210, 0x0300, 0x0302, 0x0311};

	for (unsigned i = 0; i < 5; i++) {
		struct smb2_file_id id;
		struct peer p;

		peer_start(world, &p, dialects[i]);
		assert_int_equal(peer_create(&p, "n", &id).value, STATUS_SUCCESS.value);
		assert_int_equal(peer_close_file(&p, id).value, STATUS_SUCCESS.value);
		peer_close(&p);
	}
}

static void test_greatest_common_dialect(void **state)
{
	static const uint16_t offered[] = {0x0202, 0x0300, 0x0210, 0x0999};
	struct smb2_negotiate_request in = offer(4, offered);
	struct smb2_negotiate_response out;
	struct peer p;

	peer_connect(world, &p);
	assert_int_equal(negotiate(&p, &in, &out).value, STATUS_SUCCESS.value);
	assert_int_equal(out.dialect_revision, 0x0300);
	assert_true(out.capabilities & SMB2_GLOBAL_CAP_LARGE_MTU);
	assert_int_equal(out.max_read_size, 1 << 20);
	assert_memory_equal(out.server_guid.bytes, "0123456789abcde", 16);
	assert_true(out.security_buffer.len > 0);
	peer_close(&p);
}

/* 3.3.5.4: what the client did not say that it can is not offered to it. */
static void test_capabilities_are_common(void **state)
{
	static const uint16_t offered[] = {0x0302};
	static const uint32_t asked[] = {0, SMB2_GLOBAL_CAP_DIRECTORY_LEASING,
					 SMB2_GLOBAL_CAP_MULTI_CHANNEL};
	const uint32_t gated = SMB2_GLOBAL_CAP_DIRECTORY_LEASING | SMB2_GLOBAL_CAP_MULTI_CHANNEL;
	struct smb2_negotiate_request in = offer(1, offered);
	struct smb2_negotiate_response out;
	struct peer p;

	for (unsigned i = 0; i < 3; i++) {
		in.capabilities = asked[i];
		peer_connect(world, &p);
		assert_int_equal(negotiate(&p, &in, &out).value, STATUS_SUCCESS.value);
		assert_int_equal(out.capabilities & gated, asked[i]);
		assert_true(out.capabilities & SMB2_GLOBAL_CAP_LARGE_MTU);
		peer_close(&p);
	}
}

/* 2.0.2 has neither credits of many nor large payloads. */
static void test_202_is_small(void **state)
{
	static const uint16_t offered[] = {0x0202};
	struct smb2_negotiate_request in = offer(1, offered);
	struct smb2_negotiate_response out;
	struct peer p;

	peer_connect(world, &p);
	assert_int_equal(negotiate(&p, &in, &out).value, STATUS_SUCCESS.value);
	assert_int_equal(out.capabilities, 0);
	assert_int_equal(out.max_read_size, 65536);
	assert_int_equal(out.max_write_size, 65536);
	assert_int_equal(out.max_transact_size, 65536);
	peer_close(&p);
}

static void test_no_common_dialect(void **state)
{
	static const uint16_t offered[] = {0x0999};
	struct smb2_negotiate_request in = offer(1, offered);
	struct smb2_negotiate_response out;
	struct peer p;

	peer_connect(world, &p);
	assert_int_equal(negotiate(&p, &in, &out).value, STATUS_NOT_SUPPORTED.value);
	peer_close(&p);
	peer_connect(world, &p);
	in.dialects.count = 0;
	assert_int_equal(negotiate(&p, &in, &out).value, STATUS_INVALID_PARAMETER.value);
	peer_close(&p);
}

static void test_311_contexts(void **state)
{
	static const uint16_t offered[] = {0x0311};
	struct smb2_negotiate_request in = offer(1, offered);
	struct smb2_negotiate_response out;
	struct peer p;

	peer_connect(world, &p);
	in.contexts.present = 0;
	assert_int_equal(negotiate(&p, &in, &out).value, STATUS_INVALID_PARAMETER.value);
	peer_close(&p);

	peer_connect(world, &p);
	in.contexts.present = SMB2_HAS_PREAUTH_INTEGRITY;
	in.contexts.hash_algorithms.ids[0] = 0x7777;
	assert_int_equal(negotiate(&p, &in, &out).value,
			 STATUS_SMB_NO_PREAUTH_INTEGRITY_HASH_OVERLAP.value);
	peer_close(&p);

	peer_connect(world, &p);
	in.contexts.present |= SMB2_HAS_SIGNING;
	in.contexts.hash_algorithms.ids[0] = SMB2_PREAUTH_INTEGRITY_SHA512;
	in.contexts.signing_algorithms =
		(struct smb2_id_list){2, {SMB2_SIGNING_AES_CMAC, SMB2_SIGNING_AES_GMAC}};
	assert_int_equal(negotiate(&p, &in, &out).value, STATUS_SUCCESS.value);
	assert_true(out.contexts.present & SMB2_HAS_PREAUTH_INTEGRITY);
	assert_true(out.contexts.present & SMB2_HAS_SIGNING);
	assert_int_equal(out.contexts.signing_algorithms.ids[0], SMB2_SIGNING_AES_GMAC);
	assert_true(out.contexts.salt.len >= 16);
	peer_close(&p);
}

/* 3.3.5.4: a second NEGOTIATE ends the connection, without an answer. */
static void test_second_negotiate_closes(void **state)
{
	struct peer p;

	peer_connect(world, &p);
	peer_negotiate(&p, SMB2_DIALECT_311);
	msg_begin(&p, &msg, SMB2_NEGOTIATE);
	put_negotiate(&p, &msg, SMB2_DIALECT_311);
	msg_send(&p, &msg);
	assert_closed(&p);
}

/* ---- SMB1, 3.3.5.3 ---- */

static void send_smb1(struct peer *p, bool wildcard, bool v2)
{
	const struct smb1_negotiate_request in = {.smb2_wildcard = wildcard, .smb2_002 = v2};

	msg.w = wr_init(msg.bytes, sizeof(msg.bytes));
	smb1_negotiate_request_encode(&msg.w, &in);
	peer_send(p, msg.bytes, msg.w.len);
}

static void test_smb1_wildcard_then_smb2(void **state)
{
	struct smb2_negotiate_response out;
	struct peer p;

	peer_connect(world, &p);
	send_smb1(&p, true, true);
	reply_recv(&p, &reply);
	assert_int_equal(reply.header.command, SMB2_NEGOTIATE);
	assert_int_equal(reply.header.credits, 1);
	assert_true(smb2_negotiate_response_decode(&reply.rd, &out));
	assert_int_equal(out.dialect_revision, SMB2_DIALECT_WILDCARD);
	p.message_id = 1;
	peer_negotiate(&p, SMB2_DIALECT_311);
	peer_login(&p);
	peer_close(&p);
}

static void test_smb1_to_202(void **state)
{
	struct smb2_negotiate_response out;
	struct peer p;

	peer_connect(world, &p);
	send_smb1(&p, false, true);
	reply_recv(&p, &reply);
	assert_true(smb2_negotiate_response_decode(&reply.rd, &out));
	assert_int_equal(out.dialect_revision, SMB2_DIALECT_202);
	peer_close(&p);
}

static void test_smb1_only_closes(void **state)
{
	struct peer p;

	peer_connect(world, &p);
	send_smb1(&p, false, false);
	assert_closed(&p);
	peer_connect(world, &p);
	send_smb1(&p, true, false);
	reply_recv(&p, &reply);
	send_smb1(&p, true, false); /* once is enough */
	assert_closed(&p);
}

/* ---- FSCTL_VALIDATE_NEGOTIATE_INFO, 3.3.5.15.12 ---- */

static void put_validate(struct peer *p, uint32_t capabilities)
{
	struct fsctl_validate_negotiate_request in = {
		.capabilities = capabilities,
		.guid = {{1, 2, 3, 4}},
		.security_mode = SMB2_NEGOTIATE_SIGNING_ENABLED,
		.dialects = {1, {p->dialect}},
	};
	struct smb2_ioctl_request ioctl = {
		.ctl_code = FSCTL_VALIDATE_NEGOTIATE_INFO,
		.file_id = SMB2_FILE_ID_RELATED,
		.max_output_response = 24,
		.flags = SMB2_0_IOCTL_IS_FSCTL,
	};
	uint8_t bytes[64];
	struct wr w = wr_init(bytes, sizeof(bytes));

	fsctl_validate_negotiate_request_encode(&w, &in);
	ioctl.input = WIRE_BLOB(bytes, w.len);
	msg_begin(p, &msg, SMB2_IOCTL);
	smb2_ioctl_request_encode(&msg.w, &ioctl);
}

static void test_validate_negotiate(void **state)
{
	struct fsctl_validate_negotiate_response out;
	struct smb2_ioctl_response ioctl;
	struct peer p;
	struct rd r;

	peer_start(world, &p, SMB2_DIALECT_302);
	put_validate(&p, PEER_CAPABILITIES);
	assert_int_equal(peer_call(&p, &msg, &reply).value, STATUS_SUCCESS.value);
	assert_true(smb2_ioctl_response_decode(&reply.rd, &ioctl));
	r = wire_blob_rd(ioctl.output);
	assert_true(fsctl_validate_negotiate_response_decode(&r, &out));
	assert_int_equal(out.dialect, SMB2_DIALECT_302);
	put_validate(&p, 0x7f); /* not what was in the NEGOTIATE */
	msg_send(&p, &msg);
	assert_closed(&p);
}

/* At 3.1.1 nobody has a reason to ask. */
static void test_validate_negotiate_311_closes(void **state)
{
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_311);
	put_validate(&p, PEER_CAPABILITIES);
	msg_send(&p, &msg);
	assert_closed(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_dialect_logs_in),
		cmocka_unit_test(test_greatest_common_dialect),
		cmocka_unit_test(test_capabilities_are_common),
		cmocka_unit_test(test_202_is_small),
		cmocka_unit_test(test_no_common_dialect),
		cmocka_unit_test(test_311_contexts),
		cmocka_unit_test(test_second_negotiate_closes),
		cmocka_unit_test(test_smb1_wildcard_then_smb2),
		cmocka_unit_test(test_smb1_to_202),
		cmocka_unit_test(test_smb1_only_closes),
		cmocka_unit_test(test_validate_negotiate),
		cmocka_unit_test(test_validate_negotiate_311_closes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
