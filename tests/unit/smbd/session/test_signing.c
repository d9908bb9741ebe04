/* SPDX-License-Identifier: Apache-2.0 */
/* Signed, unsigned and wrongly signed: [MS-SMB2] 3.3.5.2.4, 3.3.4.1.1, 3.3.5.7. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "smbd/crypto/sign.h"
#include "tests/fake/world.h"

static struct world *world;
static struct msg msg;
static struct reply reply;

static int setup(void **state)
{
	world = world_create(NULL);
	return 0;
}

static int setup_mandatory(void **state)
{
	world = world_create(&(struct world_config){.settings = "server signing = mandatory"});
	return 0;
}

static int teardown(void **state)
{
	world_destroy(world);
	return 0;
}

/* An ECHO with or without a signature that is right. */
static struct nt_status echo(struct peer *p, bool sign, unsigned spoil)
{
	msg_begin(p, &msg, SMB2_ECHO);
	put_empty(&msg);
	if (sign)
		msg_sign(p, &msg);
	if (spoil)
		msg.bytes[spoil] ^= 1;
	peer_send(p, msg.bytes, msg.w.len);
	reply_recv(p, &reply);
	assert_int_not_equal(reply.len, 0);
	return reply.header.status;
}

static void check_dialect(uint16_t dialect, bool gmac)
{
	struct peer p;

	peer_connect(world, &p);
	p.gmac = gmac;
	peer_negotiate(&p, dialect);
	peer_login(&p);
	assert_int_equal(peer_tree_connect(&p, "share").value, STATUS_SUCCESS.value);
	assert_int_equal(echo(&p, true, 0).value, STATUS_SUCCESS.value);
	assert_true(reply.signature_ok);
	/* the signature itself, and a byte that it covers */
	assert_int_equal(echo(&p, true, 50).value, STATUS_ACCESS_DENIED.value);
	assert_int_equal(echo(&p, true, 66).value, STATUS_ACCESS_DENIED.value);
	assert_true(reply.signature_ok); /* the refusal can be believed */
	assert_int_equal(echo(&p, true, 0).value, STATUS_SUCCESS.value);
	peer_close(&p);
}

static void test_every_algorithm(void **state)
{
	check_dialect(SMB2_DIALECT_202, false);
	check_dialect(SMB2_DIALECT_210, false);
	check_dialect(SMB2_DIALECT_300, false);
	check_dialect(SMB2_DIALECT_311, false);
	check_dialect(SMB2_DIALECT_311, true);
}

static void test_unsigned_is_answered_unsigned(void **state)
{
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_311);
	assert_int_equal(echo(&p, false, 0).value, STATUS_SUCCESS.value);
	assert_false(reply.header.flags & SMB2_FLAGS_SIGNED);
	peer_close(&p);
}

static void test_unsigned_where_mandatory(void **state)
{
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_302);
	assert_int_equal(echo(&p, false, 0).value, STATUS_ACCESS_DENIED.value);
	assert_true(reply.signature_ok);
	assert_int_equal(echo(&p, true, 0).value, STATUS_SUCCESS.value);
	peer_close(&p);
}

/* 3.3.5.7: an unsigned TREE_CONNECT at 3.1.1 ends the connection. */
static void test_unsigned_tree_connect_311_closes(void **state)
{
	struct signer *signer;
	struct peer p;

	peer_connect(world, &p);
	peer_negotiate(&p, SMB2_DIALECT_311);
	peer_login(&p);
	signer = p.signer;
	p.signer = NULL;
	msg_begin(&p, &msg, SMB2_TREE_CONNECT);
	wr_u16(&msg.w, 9);
	wr_u16(&msg.w, 0);
	wr_u16(&msg.w, 72);
	wr_u16(&msg.w, 10);
	wr_bytes(&msg.w, "\\\0\\\0s\0\\\0t\0", 10);
	msg_send(&p, &msg);
	reply_recv(&p, &reply);
	assert_int_equal(reply.len, 0);
	p.signer = signer;
	peer_close(&p);
}

/* Guests and anonymous have no key: never signed, and a signature cannot be right. */
static void test_guest_never_signs(void **state)
{
	uint8_t key[SIGN_KEY_BYTES] = {1};
	struct peer p;

	peer_connect(world, &p);
	peer_negotiate(&p, SMB2_DIALECT_311);
	assert_int_equal(peer_try_login(&p, "nosuchuser", "x").value, STATUS_SUCCESS.value);
	assert_int_equal(p.session_flags, 1);
	assert_null(p.signer);
	assert_int_equal(echo(&p, false, 0).value, STATUS_SUCCESS.value);
	assert_false(reply.header.flags & SMB2_FLAGS_SIGNED);
	assert_int_equal(signer_create(SIGN_AES_CMAC, SIGN_ROLE_CLIENT, key, &p.signer), 0);
	assert_int_equal(echo(&p, true, 0).value, STATUS_ACCESS_DENIED.value);
	peer_close(&p);
}

/* With GMAC a MessageId is a nonce: the same one never signs twice. The window sees to it for
 * requests; test_cancel.c looks at interim answers. */
static void test_gmac_nonce_is_not_used_again(void **state)
{
	struct peer p;

	peer_connect(world, &p);
	p.gmac = true;
	peer_negotiate(&p, SMB2_DIALECT_311);
	peer_login(&p);
	assert_int_equal(echo(&p, true, 0).value, STATUS_SUCCESS.value);
	p.message_id--;
	msg_begin(&p, &msg, SMB2_ECHO);
	put_empty(&msg);
	msg_send(&p, &msg);
	reply_recv(&p, &reply);
	assert_int_equal(reply.len, 0);
	peer_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_algorithm),
		cmocka_unit_test(test_unsigned_is_answered_unsigned),
		cmocka_unit_test(test_unsigned_tree_connect_311_closes),
		cmocka_unit_test(test_guest_never_signs),
		cmocka_unit_test(test_gmac_nonce_is_not_used_again),
	};
	const struct CMUnitTest mandatory[] = {
		cmocka_unit_test(test_unsigned_where_mandatory),
	};
	int failed = cmocka_run_group_tests(tests, setup, teardown);

	return failed + cmocka_run_group_tests(mandatory, setup_mandatory, teardown);
}
