/* SPDX-License-Identifier: Apache-2.0 */
/* What arrives on a connection: [MS-SMB2] 3.3.5.2 and 3.3.5.2.3, good and bad. Whatever one peer
 * does, another one does not notice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/world.h"

static struct world *world;
static struct peer bystander;
static struct msg msg;
static struct reply reply;

static int setup(void **state)
{
	world = world_create(NULL);
	peer_start(world, &bystander, SMB2_DIALECT_311);
	return 0;
}

static int teardown(void **state)
{
	peer_close(&bystander);
	world_destroy(world);
	return 0;
}

static void assert_others_live(void)
{
	assert_int_equal(peer_echo(&bystander).value, STATUS_SUCCESS.value);
}

static void assert_closed(struct peer *p)
{
	reply_recv(p, &reply);
	assert_int_equal(reply.len, 0);
	peer_close(p);
	assert_others_live();
}

/* ---- what is no message ---- */

static void test_garbage_closes(void **state)
{
	static const char *const garbage[] = {"", "x", "\xfeSM", "\xfeSMB",
					      "GET / HTTP/1.0\r\n\r\n"};

	for (unsigned i = 1; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		struct peer p;

		peer_connect(world, &p);
		peer_send(&p, garbage[i], strlen(garbage[i]));
		assert_closed(&p);
	}
}

static void test_truncated_header_closes(void **state)
{
	for (size_t len = 4; len < 64; len += 5) {
		struct peer p;

		peer_connect(world, &p);
		msg_begin(&p, &msg, SMB2_NEGOTIATE);
		peer_send(&p, msg.bytes, len);
		assert_closed(&p);
	}
}

static void test_encrypted_and_compressed_close(void **state)
{
	static const uint8_t first[] = {0xfd, 0xfc};

	for (unsigned i = 0; i < 2; i++) {
		struct peer p;

		peer_connect(world, &p);
		peer_negotiate(&p, SMB2_DIALECT_311);
		msg_begin(&p, &msg, SMB2_ECHO);
		put_empty(&msg);
		msg.bytes[0] = first[i];
		peer_send(&p, msg.bytes, msg.w.len);
		assert_closed(&p);
	}
}

/* 3.3.5.2: nothing before NEGOTIATE */
static void test_command_before_negotiate_closes(void **state)
{
	struct peer p;

	peer_connect(world, &p);
	msg_begin(&p, &msg, SMB2_ECHO);
	put_empty(&msg);
	msg_send(&p, &msg);
	assert_closed(&p);
}

static void test_response_as_request_closes(void **state)
{
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_302);
	msg_begin(&p, &msg, SMB2_ECHO);
	put_empty(&msg);
	msg_set_u32(&msg, SMB2_HEADER_OFFSET_FLAGS, SMB2_FLAGS_SERVER_TO_REDIR);
	peer_send(&p, msg.bytes, msg.w.len);
	assert_closed(&p);
}

/* Who has not logged in cannot make the server hold a large message. */
static void test_large_before_login_closes(void **state)
{
	static uint8_t large[200000];
	struct peer p;

	peer_connect(world, &p);
	peer_negotiate(&p, SMB2_DIALECT_311);
	msg_begin(&p, &msg, SMB2_SESSION_SETUP);
	memcpy(large, msg.bytes, 64);
	peer_send(&p, large, sizeof(large));
	assert_closed(&p);
}

/* ---- message ids, 3.3.5.2.3 ---- */

static void test_replayed_message_id_closes(void **state)
{
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_210);
	assert_int_equal(peer_echo(&p).value, STATUS_SUCCESS.value);
	p.message_id--;
	msg_begin(&p, &msg, SMB2_ECHO);
	put_empty(&msg);
	msg_send(&p, &msg);
	assert_closed(&p);
}

static void test_message_id_out_of_window_closes(void **state)
{
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_311);
	p.message_id += 100000;
	msg_begin(&p, &msg, SMB2_ECHO);
	put_empty(&msg);
	msg_send(&p, &msg);
	assert_closed(&p);
}

static void test_charge_beyond_window_closes(void **state)
{
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_311);
	msg_begin(&p, &msg, SMB2_ECHO);
	put_empty(&msg);
	msg_set_u16(&msg, 6, 60000);
	msg_send(&p, &msg);
	assert_closed(&p);
}

/* A charge takes that many ids: the next one is after them. */
static void test_charge_takes_ids(void **state)
{
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_311);
	msg_begin(&p, &msg, SMB2_ECHO);
	put_empty(&msg);
	msg_set_u16(&msg, 6, 4);
	assert_int_equal(peer_call(&p, &msg, &reply).value, STATUS_SUCCESS.value);
	p.message_id += 3;
	assert_int_equal(peer_echo(&p).value, STATUS_SUCCESS.value);
	p.message_id -= 2; /* one of the four */
	msg_begin(&p, &msg, SMB2_ECHO);
	put_empty(&msg);
	msg_send(&p, &msg);
	assert_closed(&p);
}

/* 3.3.5.2.5: the charge must cover the payload. */
static void test_charge_too_small(void **state)
{
	struct smb2_file_id id;
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_311);
	assert_int_equal(peer_create(&p, "charge", &id).value, STATUS_SUCCESS.value);
	msg_begin(&p, &msg, SMB2_READ);
	put_read(&msg, id, 0, 65537);
	assert_int_equal(peer_call(&p, &msg, &reply).value, STATUS_INVALID_PARAMETER.value);
	msg_begin(&p, &msg, SMB2_READ);
	put_read(&msg, id, 0, 65537);
	msg_set_u16(&msg, 6, 2);
	assert_int_equal(peer_call(&p, &msg, &reply).value, STATUS_END_OF_FILE.value);
	p.message_id++;
	assert_int_equal(peer_echo(&p).value, STATUS_SUCCESS.value);
	peer_close(&p);
}

/* 3.3.1.2: what is asked for is granted, up to the bound; never less than one. */
static void test_credits_granted(void **state)
{
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_311);
	msg_begin(&p, &msg, SMB2_ECHO);
	put_empty(&msg);
	msg_set_u16(&msg, SMB2_HEADER_OFFSET_CREDITS, 100);
	assert_int_equal(peer_call(&p, &msg, &reply).value, STATUS_SUCCESS.value);
	assert_int_equal(reply.header.credits, 100);
	msg_begin(&p, &msg, SMB2_ECHO);
	put_empty(&msg);
	msg_set_u16(&msg, SMB2_HEADER_OFFSET_CREDITS, 0);
	assert_int_equal(peer_call(&p, &msg, &reply).value, STATUS_SUCCESS.value);
	assert_int_equal(reply.header.credits, 0); /* it has many left */
	peer_close(&p);
}

/* ---- bodies ---- */

/* 3.3.5.2.6: every command, cut at every length: an error, and life goes on. */
static void test_truncated_bodies(void **state)
{
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_311);
	for (uint16_t command = SMB2_TREE_CONNECT; command <= SMB2_OPLOCK_BREAK; command++) {
		if (command == SMB2_CANCEL || command == SMB2_TREE_DISCONNECT)
			continue;
		for (size_t len = 0; len < 4; len++) {
			msg_begin(&p, &msg, command);
			wr_zero(&msg.w, len);
			assert_true(nt_error(peer_call(&p, &msg, &reply)));
		}
	}
	assert_int_equal(peer_echo(&p).value, STATUS_SUCCESS.value);
	peer_close(&p);
	assert_others_live();
}

static void test_unknown_command(void **state)
{
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_311);
	msg_begin(&p, &msg, 0x77);
	put_empty(&msg);
	assert_int_equal(peer_call(&p, &msg, &reply).value, STATUS_INVALID_PARAMETER.value);
	assert_int_equal(reply.header.command, 0x77);
	peer_close(&p);
}

/* An error reply is an ERROR body, 2.2.2: StructureSize 9 and one byte. */
static void test_error_body(void **state)
{
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_311);
	msg_begin(&p, &msg, 0x77);
	put_empty(&msg);
	(void)!nt_error(peer_call(&p, &msg, &reply));
	assert_int_equal(reply.len, 64 + 9);
	assert_int_equal(rd_u16(&reply.rd), 9);
	peer_close(&p);
}

/* ---- the end ---- */

/* A peer that goes leaves nothing, whatever it had open. */
static void test_disconnect_leaves_nothing(void **state)
{
	struct world_counts before = world_counts(world), after;
	struct smb2_file_id id;
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_311);
	assert_int_equal(peer_create(&p, "left", &id).value, STATUS_SUCCESS.value);
	assert_int_equal(world_counts(world).opens, before.opens + 1);
	peer_close(&p);
	after = world_counts(world);
	assert_int_equal(after.opens, before.opens);
	assert_int_equal(after.trees, before.trees);
	assert_int_equal(after.sessions, before.sessions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_garbage_closes),
		cmocka_unit_test(test_truncated_header_closes),
		cmocka_unit_test(test_encrypted_and_compressed_close),
		cmocka_unit_test(test_command_before_negotiate_closes),
		cmocka_unit_test(test_response_as_request_closes),
		cmocka_unit_test(test_large_before_login_closes),
		cmocka_unit_test(test_replayed_message_id_closes),
		cmocka_unit_test(test_message_id_out_of_window_closes),
		cmocka_unit_test(test_charge_beyond_window_closes),
		cmocka_unit_test(test_charge_takes_ids),
		cmocka_unit_test(test_charge_too_small),
		cmocka_unit_test(test_credits_granted),
		cmocka_unit_test(test_truncated_bodies),
		cmocka_unit_test(test_unknown_command),
		cmocka_unit_test(test_error_body),
		cmocka_unit_test(test_disconnect_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
