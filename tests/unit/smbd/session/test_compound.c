/* SPDX-License-Identifier: Apache-2.0 */
/* Compounds: [MS-SMB2] 3.3.5.2.7, and what Windows makes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "smbd/session/request.h"
#include "smbd/wire/access.h"
#include "smbd/wire/create.h"
#include "smbd/wire/read.h"
#include "tests/fake/world.h"

#define RELATED SMB2_FLAGS_RELATED_OPERATIONS

static struct world *world;
static struct peer peer;
static struct msg msg;
static struct reply reply;

static int setup(void **state)
{
	world = world_create(NULL);
	peer_start(world, &peer, SMB2_DIALECT_311);
	return 0;
}

static int teardown(void **state)
{
	peer_close(&peer);
	world_destroy(world);
	return 0;
}

static void begin_create(const char *name, uint32_t disposition)
{
	msg_begin(&peer, &msg, SMB2_CREATE);
	put_create(&msg, name, FILE_ALL_ACCESS, disposition);
}

/* The next reply of the compound. On a busy machine the last one may be interim: the final one
 * comes in a message of its own (3.3.4.2). */
static bool next_reply(void)
{
	if (!reply_next(&peer, &reply))
		return false;
	if (nt_equal(reply.header.status, STATUS_PENDING))
		reply_recv(&peer, &reply);
	return true;
}

/* The status of each reply of the one compound that answers. */
static void expect(unsigned count, const struct nt_status *statuses)
{
	msg_send(&peer, &msg);
	reply_recv(&peer, &reply);
	assert_int_not_equal(reply.len, 0);
	for (unsigned i = 0; i < count; i++) {
		if (i > 0)
			assert_true(next_reply());
		assert_string_equal(nt_status_name(reply.header.status),
				    nt_status_name(statuses[i]));
		if (reply.header.flags & SMB2_FLAGS_SIGNED)
			assert_true(reply.signature_ok);
	}
	assert_false(next_reply());
}

static void test_create_write_read_close(void **state)
{
	const struct nt_status ok[] = {STATUS_SUCCESS, STATUS_SUCCESS, STATUS_SUCCESS,
				       STATUS_SUCCESS};
	struct smb2_read_response read;

	begin_create("compound", FILE_OVERWRITE_IF);
	msg_next(&peer, &msg, SMB2_WRITE, RELATED);
	put_write(&msg, SMB2_FILE_ID_RELATED, 0, "hello", 5);
	msg_next(&peer, &msg, SMB2_READ, RELATED);
	put_read(&msg, SMB2_FILE_ID_RELATED, 0, 5);
	msg_next(&peer, &msg, SMB2_CLOSE, RELATED);
	put_close(&msg, SMB2_FILE_ID_RELATED);
	msg_send(&peer, &msg);
	reply_recv(&peer, &reply);
	assert_true(next_reply());
	assert_true(next_reply());
	assert_true(smb2_read_response_decode(&reply.rd, &read));
	assert_int_equal(read.data.len, 5);
	assert_memory_equal(read.data.data, "hello", 5);
	assert_true(reply.signature_ok); /* over its padding too */
	assert_true(next_reply());
	assert_true(reply.signature_ok);
	assert_int_equal(reply.header.status.value, ok[3].value);
	assert_false(next_reply());
}

/* Session and tree of related requests are those of the first, whatever their headers say. */
static void test_related_inherits_ids(void **state)
{
	const struct nt_status ok[] = {STATUS_SUCCESS, STATUS_SUCCESS};

	begin_create("compound", FILE_OPEN_IF);
	msg_next(&peer, &msg, SMB2_CLOSE, RELATED);
	put_close(&msg, SMB2_FILE_ID_RELATED);
	msg_set_u32(&msg, 36, 0xffffffff);
	msg_set_u64(&msg, SMB2_HEADER_OFFSET_SESSION_ID, UINT64_MAX);
	expect(2, ok);
}

/* 3.3.5.2.7.2: the failure of a CREATE is that of what wanted its file. */
static void test_failed_create_fails_the_rest(void **state)
{
	const struct nt_status failed[] = {STATUS_OBJECT_NAME_NOT_FOUND,
					   STATUS_OBJECT_NAME_NOT_FOUND,
					   STATUS_OBJECT_NAME_NOT_FOUND};

	begin_create("not there", FILE_OPEN);
	msg_next(&peer, &msg, SMB2_READ, RELATED);
	put_read(&msg, SMB2_FILE_ID_RELATED, 0, 5);
	msg_next(&peer, &msg, SMB2_CLOSE, RELATED);
	put_close(&msg, SMB2_FILE_ID_RELATED);
	expect(3, failed);
}

static void test_second_close(void **state)
{
	const struct nt_status twice[] = {STATUS_SUCCESS, STATUS_SUCCESS, STATUS_FILE_CLOSED};

	begin_create("compound", FILE_OPEN_IF);
	for (unsigned i = 0; i < 2; i++) {
		msg_next(&peer, &msg, SMB2_CLOSE, RELATED);
		put_close(&msg, SMB2_FILE_ID_RELATED);
	}
	expect(3, twice);
}

static void test_unrelated_fail_alone(void **state)
{
	const struct nt_status mixed[] = {STATUS_FILE_CLOSED, STATUS_SUCCESS, STATUS_FILE_CLOSED};

	msg_begin(&peer, &msg, SMB2_CLOSE);
	put_close(&msg, (struct smb2_file_id){1, 2});
	msg_next(&peer, &msg, SMB2_ECHO, 0);
	put_empty(&msg);
	msg_next(&peer, &msg, SMB2_CLOSE, 0);
	put_close(&msg, SMB2_FILE_ID_RELATED);
	expect(3, mixed);
}

static void test_first_related(void **state)
{
	const struct nt_status invalid[] = {STATUS_INVALID_PARAMETER, STATUS_INVALID_PARAMETER,
					    STATUS_FILE_CLOSED};

	msg_begin(&peer, &msg, SMB2_CLOSE);
	put_close(&msg, SMB2_FILE_ID_RELATED);
	msg_set_u32(&msg, SMB2_HEADER_OFFSET_FLAGS, RELATED);
	msg_next(&peer, &msg, SMB2_CLOSE, RELATED);
	put_close(&msg, SMB2_FILE_ID_RELATED);
	msg_next(&peer, &msg, SMB2_CLOSE, 0);
	put_close(&msg, SMB2_FILE_ID_RELATED);
	expect(3, invalid);
}

/* More replies than a message has slices: they are put together, and still right. */
static void test_long_compound(void **state)
{
	struct smb2_read_response read;
	struct smb2_file_id id;
	unsigned count = 0;

	assert_int_equal(peer_create(&peer, "long", &id).value, STATUS_SUCCESS.value);
	msg_begin(&peer, &msg, SMB2_WRITE);
	put_write(&msg, id, 0, "abc", 3);
	for (unsigned i = 0; i < 20; i++) {
		msg_next(&peer, &msg, SMB2_READ, 0);
		put_read(&msg, id, i % 3, 3);
	}
	msg_send(&peer, &msg);
	reply_recv(&peer, &reply);
	while (next_reply()) {
		assert_true(reply.signature_ok);
		assert_int_equal(reply.header.status.value, STATUS_SUCCESS.value);
		assert_true(smb2_read_response_decode(&reply.rd, &read));
		assert_int_equal(read.data.len, 3 - count % 3);
		assert_memory_equal(read.data.data, &"abc"[count % 3], read.data.len);
		count++;
	}
	assert_int_equal(count, 20);
	assert_int_equal(peer_close_file(&peer, id).value, STATUS_SUCCESS.value);
}

/* NextCommand that points nowhere, or is not aligned: there is no telling what was meant. */
static void test_bad_next_command_closes(void **state)
{
	static const uint32_t bad[] = {4, 8, 60, 65, 68, 100000, 0xfffffff8};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct peer p;

		peer_start(world, &p, SMB2_DIALECT_302);
		msg_begin(&p, &msg, SMB2_ECHO);
		put_empty(&msg);
		msg_set_u32(&msg, SMB2_HEADER_OFFSET_NEXT_COMMAND, bad[i]);
		peer_send(&p, msg.bytes, msg.w.len);
		reply_recv(&p, &reply);
		assert_int_equal(reply.len, 0);
		peer_close(&p);
	}
}

/* ---- what has no room in one message ---- */

#define SMALL_MSG_BYTES (64u * 1024)

static struct {
	struct channel_acceptor acceptor, *server;
} small;

/* A peer of SMB Direct says how much one message to it may hold. */
static int small_accepted(struct channel_acceptor *acceptor, struct channel *ch)
{
	ch->limits.msg_bytes = SMALL_MSG_BYTES;
	return small.server->accepted(small.server, ch);
}

static struct channel_acceptor *small_acceptor(struct channel_acceptor *server)
{
	small.server = server;
	small.acceptor.accepted = small_accepted;
	return &small.acceptor;
}

static int setup_small(void **state)
{
	world = world_create(&(struct world_config){.acceptor = small_acceptor});
	return 0;
}

static int teardown_small(void **state)
{
	world_destroy(world);
	return 0;
}

/* Of requests that fail: their answers are longer than they are. Nobody has logged in. */
static void begin_failing(struct peer *p, unsigned count)
{
	peer_connect(world, p);
	peer_negotiate(p, SMB2_DIALECT_311);
	msg_begin(p, &msg, SMB2_ECHO);
	put_empty(&msg);
	msg_set_u16(&msg, SMB2_HEADER_OFFSET_CREDITS, 1024);
	assert_int_equal(peer_call(p, &msg, &reply).value, STATUS_SUCCESS.value);
	msg_begin(p, &msg, SMB2_ECHO);
	while (--count)
		msg_next(p, &msg, SMB2_ECHO, 0);
	assert_true(wr_ok(&msg.w) && msg.w.len <= SMALL_MSG_BYTES);
	msg_send(p, &msg);
	reply_recv(p, &reply);
}

static void test_as_many_as_can_be_answered(void **state)
{
	const unsigned most = SMALL_MSG_BYTES / REQUEST_OUT_BYTES;
	unsigned count = 1;
	struct peer p;

	begin_failing(&p, most);
	assert_int_not_equal(reply.len, 0);
	while (reply_next(&p, &reply))
		count++;
	assert_int_equal(count, most);
	peer_close(&p);
	begin_failing(&p, most + 1);
	assert_int_equal(reply.len, 0);
	peer_close(&p);
}

/* 900 * 64 bytes are a message, 900 * 80 are none. */
static void test_answers_longer_than_a_message(void **state)
{
	struct peer p;

	begin_failing(&p, 900);
	assert_int_equal(reply.len, 0);
	peer_close(&p);
}

int main(void)
{
	const struct CMUnitTest small_tests[] = {
		cmocka_unit_test(test_as_many_as_can_be_answered),
		cmocka_unit_test(test_answers_longer_than_a_message),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_write_read_close),
		cmocka_unit_test(test_related_inherits_ids),
		cmocka_unit_test(test_failed_create_fails_the_rest),
		cmocka_unit_test(test_second_close),
		cmocka_unit_test(test_unrelated_fail_alone),
		cmocka_unit_test(test_first_related),
		cmocka_unit_test(test_long_compound),
		cmocka_unit_test(test_bad_next_command_closes),
	};

	return cmocka_run_group_tests(tests, setup, teardown) +
	       cmocka_run_group_tests(small_tests, setup_small, teardown_small);
}
