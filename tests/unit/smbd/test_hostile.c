/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that break the protocol, against a real server. Each gets the status that the
 * specification names, or a closed connection, and a well-behaved client that is connected all the
 * while never notices.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smbd/auth/client.h"
#include "smbd/wire/close.h"
#include "smbd/wire/empty.h"
#include "smbd/wire/write.h"
#include "tests/fake/live_server.h"

static struct live_server server;
static struct client *client;
static struct live_login bystander;
static struct smb2_file_id bystander_file;

static void assert_status(struct nt_status got, struct nt_status want)
{
	assert_string_equal(nt_status_name(got), nt_status_name(want));
}

/* Still there, with its session, its open and its data. */
static void bystander_is_well(void)
{
	char text[16] = {0};
	uint32_t got;

	assert_status(client_file_read(&bystander.tree, bystander_file, 0, text, 8, &got),
		      STATUS_SUCCESS);
	assert_int_equal(got, 8);
	assert_memory_equal(text, "unharmed", 8);
}

static int start(void **state)
{
	struct client_config config = {.timeout_ms = 20000};
	uint32_t written;

	live_server_start(&server, NULL);
	assert_int_equal(client_create(&config, &client), 0);
	live_login(&server, client, true, &bystander);
	assert_status(client_file_open(&bystander.tree, "bystander", FILE_OPEN_IF, &bystander_file),
		      STATUS_SUCCESS);
	assert_status(
		client_file_write(&bystander.tree, bystander_file, 0, "unharmed", 8, &written),
		STATUS_SUCCESS);
	return 0;
}

static int stop(void **state)
{
	bystander_is_well();
	live_logout(&bystander);
	client_destroy(client);
	live_server_stop(&server);
	return 0;
}

static void echo_init(struct client_request *rq, const struct live_login *who)
{
	client_request_init(rq, who->channel, who->session, 0, SMB2_ECHO);
	smb2_empty_encode(&rq->w);
}

/* ---- what ends the connection ---- */

static void raw_closes(const void *bytes, size_t len)
{
	struct live_login l;

	live_login(&server, client, false, &l);
	client_send_raw(l.channel, bytes, len);
	assert_true(client_wait_closed(l.channel));
	live_logout(&l);
	bystander_is_well();
}

/* [MS-SMB2] 3.3.5.2: not a header, or not all of one. */
static void not_smb2(void **state)
{
	uint8_t bytes[200] = {0xfe, 'S', 'M', 'B', 64};

	raw_closes("x", 1);
	raw_closes(bytes, 4);
	raw_closes(bytes, 63);
	bytes[0] = 0xfb;
	raw_closes(bytes, sizeof(bytes));
	bytes[0] = 0xff; /* SMB1, after SMB2 was negotiated */
	raw_closes(bytes, sizeof(bytes));
}

/* Encrypted for a session that has no keys, and compressed though nothing was negotiated. */
static void not_agreed(void **state)
{
	uint8_t bytes[200] = {0xfd, 'S', 'M', 'B'};

	bytes[42] = 1; /* Flags: Encrypted */
	raw_closes(bytes, sizeof(bytes));
	bytes[0] = 0xfc;
	raw_closes(bytes, sizeof(bytes));
}

/* 3.3.5.3.1 and 3.3.5.4: only once. */
static void negotiates_twice(void **state)
{
	struct live_login l;

	live_login(&server, client, false, &l);
	assert_status(client_negotiate(l.channel, NULL, NULL), STATUS_CONNECTION_DISCONNECTED);
	assert_true(client_wait_closed(l.channel));
	live_logout(&l);
	bystander_is_well();
}

static void closes_with_id(uint64_t id, unsigned charge)
{
	struct client_request rq;
	struct live_login l;

	live_login(&server, client, false, &l);
	echo_init(&rq, &l);
	rq.keep = CLIENT_KEEP_MESSAGE_ID | CLIENT_KEEP_CREDITS;
	rq.header.message_id = id;
	rq.header.credit_charge = (uint16_t)charge;
	rq.header.credits = 1;
	assert_status(client_call(&rq), STATUS_CONNECTION_DISCONNECTED);
	client_request_fini(&rq);
	live_logout(&l);
	bystander_is_well();
}

/* 3.3.5.2.3: a MessageId that was used, or that is beyond what was granted. */
static void message_ids(void **state)
{
	closes_with_id(0, 1);
	closes_with_id(1, 1);
	closes_with_id(1000000, 1);
	closes_with_id(0xfffffffffffffffeull, 1);
}

/* ---- what gets an answer ---- */

/* 3.3.5.2.4: unsigned, or wrongly signed, where signing is required. */
static void signatures(void **state)
{
	struct client_request rq;
	struct live_login l;

	live_login(&server, client, true, &l);
	echo_init(&rq, &l);
	rq.keep = CLIENT_NO_SIGN;
	assert_status(client_call(&rq), STATUS_ACCESS_DENIED);
	client_request_fini(&rq);
	if (client_connected(l.channel, NULL)) {
		echo_init(&rq, &l);
		rq.keep = CLIENT_BAD_SIGNATURE;
		assert_status(client_call(&rq), STATUS_ACCESS_DENIED);
		client_request_fini(&rq);
	}
	if (client_connected(l.channel, NULL))
		assert_status(client_echo(l.channel, l.session), STATUS_SUCCESS);
	live_logout(&l);
	bystander_is_well();
}

/* 3.3.5.2.9, 3.3.5.2.11, 3.3.5.2.10: a session, a tree and an open that are not. */
static void unknown_ids(void **state)
{
	struct client_request rq;
	struct live_login l;
	uint32_t got;
	char byte;

	live_login(&server, client, false, &l);
	client_tree_request(&rq, &l.tree, SMB2_TREE_DISCONNECT);
	smb2_empty_encode(&rq.w);
	rq.keep = CLIENT_KEEP_SESSION_ID | CLIENT_NO_SIGN;
	rq.header.session_id = client_session_id(l.session) ^ 0x1000;
	assert_status(client_call(&rq), STATUS_USER_SESSION_DELETED);
	client_request_fini(&rq);

	client_tree_request(&rq, &l.tree, SMB2_TREE_DISCONNECT);
	smb2_empty_encode(&rq.w);
	rq.header.tree_id += 77;
	assert_status(client_call(&rq), STATUS_NETWORK_NAME_DELETED);
	client_request_fini(&rq);

	assert_status(client_file_read(&l.tree, (struct smb2_file_id){1, 2}, 0, &byte, 1, &got),
		      STATUS_FILE_CLOSED);
	/* somebody else's */
	assert_status(client_file_read(&l.tree, bystander_file, 0, &byte, 1, &got),
		      STATUS_FILE_CLOSED);
	live_logout(&l);
	bystander_is_well();
}

static void short_bodies_of(struct live_login *l, uint16_t command)
{
	for (size_t len = 0; len < 24; len += 4) {
		struct client_request rq;
		struct nt_status status;

		client_tree_request(&rq, &l->tree, command);
		wr_u16(&rq.w, 0x31);
		wr_zero(&rq.w, len);
		status = client_call(&rq);
		client_request_fini(&rq);
		assert_true(nt_error(status));
		if (!client_connected(l->channel, NULL)) { /* as good an answer */
			live_logout(l);
			live_login(&server, client, false, l);
		}
	}
}

/* 3.3.5.2: a body of the wrong size, in every command. */
static void short_bodies(void **state)
{
	struct live_login l;

	live_login(&server, client, false, &l);
	for (uint16_t command = SMB2_SESSION_SETUP; command <= SMB2_OPLOCK_BREAK + 3; command++) {
		if (command != SMB2_CANCEL) /* has no answer */
			short_bodies_of(&l, command);
	}
	live_logout(&l);
	bystander_is_well();
}

static struct nt_status read_with(struct live_login *l, struct smb2_file_id id, uint64_t offset,
				  uint32_t len, unsigned charge)
{
	const struct smb2_read_request in = {.length = len, .offset = offset, .file_id = id};
	struct client_request rq;
	struct nt_status status;

	client_tree_request(&rq, &l->tree, SMB2_READ);
	smb2_read_request_encode(&rq.w, &in);
	rq.payload_max = charge * 65536;
	status = client_call(&rq);
	client_request_fini(&rq);
	return status;
}

/* 3.3.5.2.5 and 3.3.5.12: more bytes than were paid for, more than are allowed, and sums that
 * overflow. */
static void reads(void **state)
{
	struct smb2_file_id id;
	struct live_login l;

	live_login(&server, client, false, &l);
	assert_status(client_file_open(&l.tree, "reads", FILE_OPEN_IF, &id), STATUS_SUCCESS);
	assert_status(read_with(&l, id, 0, 65537, 1), STATUS_INVALID_PARAMETER);
	assert_status(read_with(&l, id, 0, 8u << 20, 3), STATUS_INVALID_PARAMETER);
	assert_status(read_with(&l, id, 0, 0xffffffffu, 200), STATUS_INVALID_PARAMETER);
	assert_status(read_with(&l, id, UINT64_MAX, 10, 1), STATUS_INVALID_PARAMETER);
	assert_true(nt_error(read_with(&l, id, INT64_MAX - 5, 10, 1)));
	assert_status(read_with(&l, id, 0, 10, 1), STATUS_END_OF_FILE);
	assert_status(client_file_close(&l.tree, id), STATUS_SUCCESS);
	live_logout(&l);
	bystander_is_well();
}

static struct nt_status write_with(struct live_login *l, struct smb2_file_id id, uint64_t offset,
				   uint16_t data_offset, uint32_t len, size_t sent)
{
	static char bytes[4096];
	const struct smb2_write_request in = {
		.data_offset = data_offset, .length = len, .offset = offset, .file_id = id};
	struct client_request rq;
	struct nt_status status;

	client_tree_request(&rq, &l->tree, SMB2_WRITE);
	smb2_write_request_encode(&rq.w, &in);
	rq.payload = (struct slice){.data = bytes, .len = sent};
	status = client_call(&rq);
	client_request_fini(&rq);
	return status;
}

/* 3.3.5.13: data that is not in the message, or overlaps its head. Nothing of it is written. */
static void writes(void **state)
{
	struct smb2_file_id id;
	struct live_login l;
	uint32_t got;
	char byte;

	live_login(&server, client, false, &l);
	assert_status(client_file_open(&l.tree, "writes", FILE_OPEN_IF, &id), STATUS_SUCCESS);
	assert_status(write_with(&l, id, 0, 112, 4000, 100), STATUS_INVALID_PARAMETER);
	assert_status(write_with(&l, id, 0, 50, 100, 100), STATUS_INVALID_PARAMETER);
	assert_status(write_with(&l, id, 0, 0xffff, 100, 100), STATUS_INVALID_PARAMETER);
	assert_status(write_with(&l, id, 0, 112, 0xfffffff0u, 100), STATUS_INVALID_PARAMETER);
	assert_true(nt_error(write_with(&l, id, (uint64_t)INT64_MAX - 50, 112, 100, 100)));
	assert_status(client_file_read(&l.tree, id, 0, &byte, 1, &got), STATUS_END_OF_FILE);
	assert_status(client_file_close(&l.tree, id), STATUS_SUCCESS);
	live_logout(&l);
	bystander_is_well();
}

/* ---- compounds ---- */

static void compound_with(uint32_t next_command)
{
	struct client_request a, b;
	struct live_login l;

	live_login(&server, client, false, &l);
	echo_init(&a, &l);
	echo_init(&b, &l);
	a.keep = CLIENT_KEEP_NEXT;
	a.header.next_command = next_command;
	client_call_compound((struct client_request *const[]){&a, &b}, 2);
	assert_true(nt_error(client_request_status(&a)) || nt_error(client_request_status(&b)));
	client_request_fini(&a);
	client_request_fini(&b);
	live_logout(&l);
	bystander_is_well();
}

/* 3.3.5.2.7: the next header inside this one, beyond the end, at an odd place. */
static void compounds(void **state)
{
	compound_with(8);
	compound_with(63);
	compound_with(0x7ffffff8);
	compound_with(0xfffffff8);
	compound_with(4096);
}

/* ---- names ---- */

static struct nt_status create_name(struct live_login *l, const void *utf16, size_t len)
{
	const struct smb2_create_request in = {.impersonation_level =
						       SMB2_IMPERSONATION_IMPERSONATION,
					       .desired_access = FILE_READ_DATA | DELETE,
					       .share_access = FILE_SHARE_READ,
					       .create_disposition = FILE_OPEN_IF,
					       .create_options = FILE_DELETE_ON_CLOSE,
					       .name = WIRE_BLOB(utf16, len)};
	struct smb2_create_response out;
	struct nt_status status = client_file_create(&l->tree, NULL, &in, &out);

	if (nt_success(status))
		assert_status(client_file_close(&l->tree, out.file_id), STATUS_SUCCESS);
	return status;
}

static void names(void **state)
{
	uint16_t nul[] = {'a', 0, 'b'}, lone[] = {'a', 0xd800, 'b'}, reversed[] = {0xdc00, 0xd800};
	uint16_t lengthy[300];
	struct smb2_file_id id;
	struct live_login l;
	char outside[128];

	live_login(&server, client, false, &l);
	assert_true(nt_error(client_file_open(&l.tree, "..\\outside", FILE_OPEN_IF, &id)));
	assert_true(nt_error(client_file_open(&l.tree, "a\\..\\..\\outside", FILE_OPEN_IF, &id)));
	assert_true(nt_error(client_file_open(&l.tree, "..", FILE_OPEN, &id)));
	assert_true(nt_error(client_file_open(&l.tree, "a/../../outside", FILE_OPEN_IF, &id)));
	assert_true(nt_error(client_file_open(&l.tree, "\\etc\\passwd", FILE_OPEN, &id)));
	snprintf(outside, sizeof(outside), "%s/outside", server.dir);
	assert_int_equal(access(outside, F_OK), -1);

	assert_status(create_name(&l, nul, sizeof(nul)), STATUS_OBJECT_NAME_INVALID);
	for (unsigned i = 0; i < 300; i++)
		lengthy[i] = 'x';
	assert_status(create_name(&l, lengthy, sizeof(lengthy)), STATUS_OBJECT_NAME_INVALID);
	/* 3.3.5.9: an odd number of bytes */
	assert_status(create_name(&l, lengthy, 5), STATUS_INVALID_PARAMETER);
	/* NTFS takes unpaired surrogates as it takes any 16 bits; we keep them */
	assert_status(create_name(&l, lone, sizeof(lone)), STATUS_SUCCESS);
	assert_status(create_name(&l, reversed, sizeof(reversed)), STATUS_SUCCESS);
	live_logout(&l);
	bystander_is_well();
}

/* 3.3.5.5.3: a login that fails leaves no session; the connection may try again. */
static void bad_login(void **state)
{
	const struct auth_credentials who = {
		.user = server.user, .domain = "", .password = "wrong", .workstation = "TEST"};
	const struct client_login login = {.who = &who};
	struct client_channel *ch = live_connect(&server, client);
	struct client_session *session;

	for (unsigned i = 0; i < 3; i++)
		assert_status(client_login(ch, &login, &session), STATUS_LOGON_FAILURE);
	client_disconnect(ch);
	bystander_is_well();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_smb2),
		cmocka_unit_test(not_agreed),
		cmocka_unit_test(negotiates_twice),
		cmocka_unit_test(message_ids),
		cmocka_unit_test(signatures),
		cmocka_unit_test(unknown_ids),
		cmocka_unit_test(short_bodies),
		cmocka_unit_test(reads),
		cmocka_unit_test(writes),
		cmocka_unit_test(compounds),
		cmocka_unit_test(names),
		cmocka_unit_test(bad_login),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
