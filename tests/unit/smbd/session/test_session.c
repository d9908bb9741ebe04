/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions, trees and file ids: [MS-SMB2] 3.3.5.2.9, 3.3.5.2.11, 3.3.5.5 to 3.3.5.8, 3.3.5.10. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "smbd/crypto/sign.h"
#include "smbd/wire/session.h"
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

#define assert_status(got, wanted) assert_string_equal(nt_status_name(got), nt_status_name(wanted))

static void make_file(const char *path, size_t len)
{
	static uint8_t block[65536];
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (size_t done = 0; done < len; done += sizeof(block))
		assert_int_equal(fwrite(block, sizeof(block), 1, f), 1);
	assert_int_equal(fclose(f), 0);
}

/* ---- who gets in ---- */

static void test_wrong_password(void **state)
{
	struct peer p;

	peer_connect(world, &p);
	peer_negotiate(&p, SMB2_DIALECT_311);
	assert_status(peer_try_login(&p, world_user(), "wrong"), STATUS_LOGON_FAILURE);
	world_wait_counts(world, 0, 0, 0); /* nothing stays of it */
	p.session_id = 0;
	peer_login(&p);
	peer_close(&p);
}

static void test_anonymous(void **state)
{
	struct peer p;

	peer_connect(world, &p);
	peer_negotiate(&p, SMB2_DIALECT_302);
	assert_status(peer_try_login(&p, NULL, NULL), STATUS_SUCCESS);
	assert_int_equal(p.session_flags, SMB2_SESSION_FLAG_IS_NULL);
	assert_status(peer_tree_connect(&p, "IPC$"), STATUS_SUCCESS);
	assert_status(peer_tree_connect(&p, "share"), STATUS_ACCESS_DENIED);
	peer_close(&p);
}

static void test_garbage_token(void **state)
{
	struct peer p;

	peer_connect(world, &p);
	peer_negotiate(&p, SMB2_DIALECT_311);
	msg_begin(&p, &msg, SMB2_SESSION_SETUP);
	put_session_setup(&msg, "not a token", 11, 0);
	assert_true(nt_error(peer_call(&p, &msg, &reply)));
	world_wait_counts(world, 0, 0, 0);
	peer_close(&p);
}

/* Half-open sessions cost no password: they are few on one connection. */
static void test_half_open_are_bounded(void **state)
{
	static const uint8_t ntlm_negotiate[] =
		"NTLMSSP\0\1\0\0\0\7\2\10\240"
		"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	unsigned refused = 0;
	struct peer p;

	peer_connect(world, &p);
	peer_negotiate(&p, SMB2_DIALECT_311);
	for (unsigned i = 0; i < 20; i++) {
		p.session_id = 0;
		msg_begin(&p, &msg, SMB2_SESSION_SETUP);
		put_session_setup(&msg, ntlm_negotiate, 32, 0);
		if (nt_equal(peer_call(&p, &msg, &reply), STATUS_INSUFFICIENT_RESOURCES))
			refused++;
		else
			assert_status(reply.header.status, STATUS_MORE_PROCESSING_REQUIRED);
	}
	assert_int_equal(refused, 4);
	peer_close(&p);
}

/* Nothing but SESSION_SETUP goes on a session that is not valid yet. */
static void test_half_open_serves_nothing(void **state)
{
	static const uint8_t ntlm_negotiate[] =
		"NTLMSSP\0\1\0\0\0\7\2\10\240"
		"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	struct peer p;

	peer_connect(world, &p);
	peer_negotiate(&p, SMB2_DIALECT_302);
	msg_begin(&p, &msg, SMB2_SESSION_SETUP);
	put_session_setup(&msg, ntlm_negotiate, 32, 0);
	assert_status(peer_call(&p, &msg, &reply), STATUS_MORE_PROCESSING_REQUIRED);
	p.session_id = reply.header.session_id;
	assert_status(peer_tree_connect(&p, "IPC$"), STATUS_USER_SESSION_DELETED);
	peer_close(&p);
}

/* ---- reauthentication, PreviousSessionId, LOGOFF ---- */

static void test_reauthenticate(void **state)
{
	struct smb2_file_id id;
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_311);
	assert_status(peer_create(&p, "reauth", &id), STATUS_SUCCESS);
	assert_status(peer_try_login(&p, world_user(), WORLD_PASSWORD), STATUS_SUCCESS);
	assert_status(peer_close_file(&p, id), STATUS_SUCCESS); /* with the same keys */
	peer_close(&p);
}

static void test_failed_reauthentication_ends(void **state)
{
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_311);
	assert_status(peer_try_login(&p, world_user(), "wrong"), STATUS_LOGON_FAILURE);
	signer_destroy(p.signer);
	p.signer = NULL;
	assert_status(peer_tree_connect(&p, "share"), STATUS_USER_SESSION_DELETED);
	peer_close(&p);
}

static void test_previous_session_ends(void **state)
{
	struct smb2_file_id id;
	struct peer p, q;

	peer_start(world, &p, SMB2_DIALECT_311);
	assert_status(peer_create(&p, "previous", &id), STATUS_SUCCESS);
	peer_connect(world, &q);
	peer_negotiate(&q, SMB2_DIALECT_311);
	assert_status(peer_try_setup(&q, world_user(), WORLD_PASSWORD, p.session_id),
		      STATUS_SUCCESS);
	assert_int_equal(world_counts(world).opens, 0);
	assert_status(peer_close_file(&p, id), STATUS_USER_SESSION_DELETED);
	peer_close(&q);
	peer_close(&p);
}

/* Replies that the lost connection never takes hold the file: nobody waits for that. */
static void test_previous_session_with_stuck_replies(void **state)
{
	struct smb2_file_id id;
	struct peer p, q;
	char path[128];

	snprintf(path, sizeof(path), "%s/data/stuck", world_directory(world));
	make_file(path, 1 << 20);
	peer_connect_tcp(world, &p);
	peer_negotiate(&p, SMB2_DIALECT_302);
	peer_login(&p);
	assert_status(peer_tree_connect(&p, "share"), STATUS_SUCCESS);
	signer_destroy(p.signer);
	p.signer = NULL;
	assert_status(peer_create(&p, "stuck", &id), STATUS_SUCCESS);
	msg_begin(&p, &msg, SMB2_ECHO);
	put_empty(&msg);
	msg_set_u16(&msg, SMB2_HEADER_OFFSET_CREDITS, 512);
	assert_status(peer_call(&p, &msg, &reply), STATUS_SUCCESS);
	for (unsigned i = 0; i < 24; i++) {
		msg_begin(&p, &msg, SMB2_READ);
		put_read(&msg, id, 0, 1 << 20);
		msg_set_u16(&msg, 6, 16);
		p.message_id += 15;
		msg_send(&p, &msg); /* and no answer is read */
	}
	peer_connect(world, &q);
	peer_negotiate(&q, SMB2_DIALECT_302);
	assert_status(peer_try_setup(&q, world_user(), WORLD_PASSWORD, p.session_id),
		      STATUS_SUCCESS);
	assert_int_equal(world_counts(world).opens, 0);
	peer_close(&p);
	peer_close(&q);
}

/* Somebody else's session is not ended by naming it. */
static void test_previous_session_of_another_stays(void **state)
{
	struct peer p, q;

	peer_start(world, &p, SMB2_DIALECT_311);
	peer_connect(world, &q);
	peer_negotiate(&q, SMB2_DIALECT_311);
	assert_status(peer_try_setup(&q, "nosuchuser", "x", p.session_id), STATUS_SUCCESS);
	assert_status(peer_tree_connect(&p, "share"), STATUS_SUCCESS);
	peer_close(&q);
	peer_close(&p);
}

static void test_logoff(void **state)
{
	struct smb2_file_id id;
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_311);
	assert_status(peer_create(&p, "logoff", &id), STATUS_SUCCESS);
	msg_begin(&p, &msg, SMB2_LOGOFF);
	put_empty(&msg);
	assert_status(peer_call(&p, &msg, &reply), STATUS_SUCCESS);
	assert_true(reply.signature_ok);
	assert_int_equal(world_counts(world).opens, 0);
	world_wait_counts(world, 0, 0, 0);
	assert_status(peer_close_file(&p, id), STATUS_USER_SESSION_DELETED);
	signer_destroy(p.signer);
	p.signer = NULL;
	p.session_id = 0;
	peer_login(&p); /* the connection lives */
	peer_close(&p);
}

/* ---- ids that are not the peer's ---- */

static void test_session_of_another_connection(void **state)
{
	struct peer p, q;

	peer_start(world, &p, SMB2_DIALECT_302);
	peer_connect(world, &q);
	peer_negotiate(&q, SMB2_DIALECT_302);
	q.session_id = p.session_id;
	assert_status(peer_tree_connect(&q, "share"), STATUS_USER_SESSION_DELETED);
	q.session_id = 0;
	peer_close(&q);
	peer_close(&p);
}

static void test_wrong_tree(void **state)
{
	struct smb2_file_id id;
	struct peer p;
	uint32_t tree;

	peer_start(world, &p, SMB2_DIALECT_311);
	tree = p.tree_id;
	assert_status(peer_create(&p, "tree", &id), STATUS_SUCCESS);
	p.tree_id = tree + 1;
	assert_status(peer_close_file(&p, id), STATUS_NETWORK_NAME_DELETED);
	/* the file belongs to the tree that it was opened in, 3.3.5.10 */
	assert_status(peer_tree_connect(&p, "share"), STATUS_SUCCESS);
	assert_int_not_equal(p.tree_id, tree);
	assert_status(peer_close_file(&p, id), STATUS_FILE_CLOSED);
	p.tree_id = tree;
	assert_status(peer_close_file(&p, id), STATUS_SUCCESS);
	peer_close(&p);
}

static void test_tree_disconnect(void **state)
{
	struct smb2_file_id id;
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_311);
	assert_status(peer_create(&p, "tdis", &id), STATUS_SUCCESS);
	msg_begin(&p, &msg, SMB2_TREE_DISCONNECT);
	put_empty(&msg);
	assert_status(peer_call(&p, &msg, &reply), STATUS_SUCCESS);
	assert_int_equal(world_counts(world).opens, 0);
	world_wait_counts(world, 1, 0, 0);
	assert_status(peer_close_file(&p, id), STATUS_NETWORK_NAME_DELETED);
	peer_close(&p);
}

/* A FileId that went stale finds nothing, though its slot is in use again. */
static void test_stale_file_ids(void **state)
{
	struct smb2_file_id first, second;
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_311);
	assert_status(peer_create(&p, "stale", &first), STATUS_SUCCESS);
	assert_status(peer_close_file(&p, first), STATUS_SUCCESS);
	assert_status(peer_create(&p, "stale", &second), STATUS_SUCCESS);
	assert_int_equal((uint32_t)first.volatile_id, (uint32_t)second.volatile_id);
	assert_status(peer_close_file(&p, first), STATUS_FILE_CLOSED);
	/* both halves count */
	first = second;
	first.persistent_id++;
	assert_status(peer_close_file(&p, first), STATUS_FILE_CLOSED);
	assert_status(peer_close_file(&p, second), STATUS_SUCCESS);
	peer_close(&p);
}

static void test_file_of_another_session(void **state)
{
	struct smb2_file_id id;
	struct peer p, q;

	peer_start(world, &p, SMB2_DIALECT_311);
	peer_start(world, &q, SMB2_DIALECT_311);
	assert_status(peer_create(&p, "mine", &id), STATUS_SUCCESS);
	assert_status(peer_close_file(&q, id), STATUS_FILE_CLOSED);
	assert_status(peer_close_file(&p, id), STATUS_SUCCESS);
	peer_close(&q);
	peer_close(&p);
}

/* ---- bounds ---- */

static void test_open_files_are_bounded(void **state)
{
	struct smb2_file_id id, last;
	struct peer p, q;
	char name[16];

	peer_start(world, &p, SMB2_DIALECT_311);
	for (unsigned i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "many%u", i);
		assert_status(peer_create(&p, name, &last), STATUS_SUCCESS);
	}
	assert_status(peer_create(&p, "one more", &id), STATUS_TOO_MANY_OPENED_FILES);
	peer_start(world, &q, SMB2_DIALECT_311); /* sessions are not files */
	assert_status(peer_close_file(&p, last), STATUS_SUCCESS);
	assert_status(peer_create(&q, "one more", &id), STATUS_SUCCESS);
	peer_close(&q);
	peer_close(&p);
}

/* ---- shares ---- */

static void test_share_names(void **state)
{
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_311);
	assert_status(peer_tree_connect(&p, "SHARE"), STATUS_SUCCESS);
	assert_status(peer_tree_connect(&p, "ipc$"), STATUS_SUCCESS);
	assert_status(peer_tree_connect(&p, "nothing"), STATUS_BAD_NETWORK_NAME);
	assert_status(peer_tree_connect(&p, ""), STATUS_BAD_NETWORK_NAME);
	assert_status(peer_tree_connect(&p, "share\\deeper"), STATUS_BAD_NETWORK_NAME);
	peer_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong_password),
		cmocka_unit_test(test_anonymous),
		cmocka_unit_test(test_garbage_token),
		cmocka_unit_test(test_half_open_are_bounded),
		cmocka_unit_test(test_half_open_serves_nothing),
		cmocka_unit_test(test_reauthenticate),
		cmocka_unit_test(test_failed_reauthentication_ends),
		cmocka_unit_test(test_previous_session_ends),
		cmocka_unit_test(test_previous_session_with_stuck_replies),
		cmocka_unit_test(test_previous_session_of_another_stays),
		cmocka_unit_test(test_logoff),
		cmocka_unit_test(test_session_of_another_connection),
		cmocka_unit_test(test_wrong_tree),
		cmocka_unit_test(test_tree_disconnect),
		cmocka_unit_test(test_stale_file_ids),
		cmocka_unit_test(test_file_of_another_session),
		cmocka_unit_test(test_open_files_are_bounded),
		cmocka_unit_test(test_share_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
