/* SPDX-License-Identifier: Apache-2.0 */
/* What takes long: STATUS_PENDING ([MS-SMB2] 3.3.4.2), CANCEL (3.3.5.16), the end while it waits.
 * LOCK stands in as a command that waits until it is cancelled, FLUSH as one that is just slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "smbd/cmd/session_commands.h"
#include "smbd/wire/access.h"
#include "smbd/wire/create.h"
#include "smbd/wire/empty.h"
#include "tests/fake/world.h"
#include "transport/base/clock.h"
#include "transport/fiber/fiber.h"

static struct world *world;
static struct peer peer;
static struct msg msg;
static struct reply reply;

#define assert_status(got, wanted) assert_string_equal(nt_status_name(got), nt_status_name(wanted))

static void wake(struct request *req, void *arg)
{
	fiber_wake(arg);
}

static struct nt_status wait_for_cancel(struct request *req)
{
	struct nt_status status = request_go_async(req);

	if (nt_error(status))
		return status;
	request_release_input(req);
	request_cancel_set(req, wake, fiber_self());
	while (!req->cancelled)
		fiber_suspend();
	request_cancel_clear(req);
	return STATUS_CANCELLED;
}

/* As slow as it takes for an interim answer, however busy the machine is. */
static struct nt_status slow(struct request *req)
{
	while (!req->async_id && !req->cancelled)
		fiber_sleep(NS_PER_MS);
	smb2_empty_encode(&req->out);
	return STATUS_SUCCESS;
}

static struct nt_status slow_tree_connect(struct request *req)
{
	fiber_sleep(100 * NS_PER_MS);
	return cmd_tree_connect(req);
}

static void commands_of_test(struct command_table *table)
{
	table->by_number[SMB2_TREE_CONNECT].handle = slow_tree_connect;
	table->by_number[SMB2_LOCK] =
		(struct command){"LOCK", wait_for_cancel, COMMAND_SESSION, NULL, 0};
	table->by_number[SMB2_FLUSH] = (struct command){"FLUSH", slow, COMMAND_SESSION, NULL, 0};
}

static int setup(void **state)
{
	world = world_create(&(struct world_config){.commands = commands_of_test});
	peer_start(world, &peer, SMB2_DIALECT_311);
	return 0;
}

static int teardown(void **state)
{
	peer_close(&peer);
	world_destroy(world);
	return 0;
}

static void send_simple(struct peer *p, uint16_t command)
{
	msg_begin(p, &msg, command);
	put_empty(&msg);
	msg_send(p, &msg);
}

/* The header of the request that is to be cancelled, by message id or async id. */
static void send_cancel(struct peer *p, uint64_t message_id, uint64_t async_id)
{
	uint64_t next = p->message_id;

	msg_begin(p, &msg, SMB2_CANCEL);
	put_empty(&msg);
	p->message_id = next; /* it takes none */
	msg_set_u64(&msg, SMB2_HEADER_OFFSET_MESSAGE_ID, message_id);
	if (async_id) {
		msg_set_u32(&msg, SMB2_HEADER_OFFSET_FLAGS, SMB2_FLAGS_ASYNC_COMMAND);
		msg_set_u64(&msg, 32, async_id);
	}
	msg_send(p, &msg);
}

static void assert_interim(uint64_t message_id)
{
	reply_recv(&peer, &reply);
	assert_status(reply.header.status, STATUS_PENDING);
	assert_int_equal(reply.header.message_id, message_id);
	assert_true(reply.header.flags & SMB2_FLAGS_ASYNC_COMMAND);
	assert_int_not_equal(reply.header.async_id, 0);
	assert_int_equal(reply.header.credits, 8); /* the client may go on */
}

static void assert_final(uint64_t message_id, uint64_t async_id, struct nt_status status)
{
	reply_recv(&peer, &reply);
	assert_status(reply.header.status, status);
	assert_int_equal(reply.header.message_id, message_id);
	assert_int_equal(reply.header.async_id, async_id);
	assert_int_equal(reply.header.credits, 0); /* the interim answer has granted them */
	assert_true(reply.signature_ok);
}

static void test_cancel_by_async_id(void **state)
{
	uint64_t id = peer.message_id;

	send_simple(&peer, SMB2_LOCK);
	assert_interim(id);
	send_cancel(&peer, 0, reply.header.async_id);
	assert_final(id, reply.header.async_id, STATUS_CANCELLED);
}

static void test_cancel_by_message_id(void **state)
{
	uint64_t id = peer.message_id;

	send_simple(&peer, SMB2_LOCK);
	assert_interim(id);
	send_cancel(&peer, id, 0);
	assert_final(id, reply.header.async_id, STATUS_CANCELLED);
}

/* CANCEL is never answered, whatever it names. */
static void test_cancel_of_nothing(void **state)
{
	send_cancel(&peer, 12345678, 0);
	send_cancel(&peer, 0, 12345678);
	send_cancel(&peer, UINT64_MAX, 0);
	assert_status(peer_echo(&peer), STATUS_SUCCESS);
}

/* Others are served while one waits. */
static void test_others_go_on(void **state)
{
	uint64_t id = peer.message_id, async;

	send_simple(&peer, SMB2_LOCK);
	assert_interim(id);
	async = reply.header.async_id;
	for (unsigned i = 0; i < 10; i++)
		assert_status(peer_echo(&peer), STATUS_SUCCESS);
	send_cancel(&peer, 0, async);
	assert_final(id, async, STATUS_CANCELLED);
}

/* What is slow gets its interim answer without having asked for it, also after an idle while in
 * which the timer found nothing to answer. */
static void test_slow_is_pending(void **state)
{
	uint64_t id = peer.message_id;

	usleep(100 * 1000);
	send_simple(&peer, SMB2_FLUSH);
	assert_interim(id);
	assert_final(id, reply.header.async_id, STATUS_SUCCESS);
}

/* A TREE_CONNECT answers in the header's TreeId, which an asynchronous header has not. */
static void test_slow_tree_connect_is_not_pending(void **state)
{
	struct smb2_file_id id;

	assert_status(peer_tree_connect(&peer, "share"), STATUS_SUCCESS);
	assert_status(peer_create(&peer, "slow", &id), STATUS_SUCCESS);
	assert_status(peer_close_file(&peer, id), STATUS_SUCCESS);
}

/* Signed with GMAC, an interim answer would use the final one's nonce: it goes unsigned. */
static void test_interim_is_unsigned_with_gmac(void **state)
{
	struct peer p;

	peer_connect(world, &p);
	p.gmac = true;
	peer_negotiate(&p, SMB2_DIALECT_311);
	peer_login(&p);
	send_simple(&p, SMB2_FLUSH);
	reply_recv(&p, &reply);
	assert_status(reply.header.status, STATUS_PENDING);
	assert_false(reply.header.flags & SMB2_FLAGS_SIGNED);
	reply_recv(&p, &reply);
	assert_status(reply.header.status, STATUS_SUCCESS);
	assert_true(reply.signature_ok);
	peer_close(&p);
}

/* 3.3.5.2.7: the last of a compound may go async: the replies before it come with its interim
 * answer. One with others after it may not, as Windows has it. */
static void test_last_of_compound(void **state)
{
	uint64_t id;

	msg_begin(&peer, &msg, SMB2_ECHO);
	put_empty(&msg);
	id = peer.message_id;
	msg_next(&peer, &msg, SMB2_LOCK, 0);
	put_empty(&msg);
	msg_send(&peer, &msg);
	reply_recv(&peer, &reply);
	assert_status(reply.header.status, STATUS_SUCCESS);
	assert_int_equal(reply.header.command, SMB2_ECHO);
	assert_true(reply.signature_ok);
	assert_true(reply_next(&peer, &reply));
	assert_status(reply.header.status, STATUS_PENDING);
	send_cancel(&peer, 0, reply.header.async_id);
	assert_final(id, reply.header.async_id, STATUS_CANCELLED);
}

static void test_middle_of_compound(void **state)
{
	msg_begin(&peer, &msg, SMB2_LOCK);
	put_empty(&msg);
	msg_next(&peer, &msg, SMB2_ECHO, 0);
	put_empty(&msg);
	msg_send(&peer, &msg);
	reply_recv(&peer, &reply);
	assert_status(reply.header.status, STATUS_INTERNAL_ERROR);
	assert_true(reply_next(&peer, &reply));
	assert_status(reply.header.status, STATUS_SUCCESS);
}

/* ---- the end, while something waits ---- */

static void test_disconnect_ends_waits(void **state)
{
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_302);
	send_simple(&p, SMB2_LOCK);
	send_simple(&p, SMB2_LOCK);
	send_simple(&p, SMB2_FLUSH);
	reply_recv(&p, &reply);
	peer_close(&p); /* asserts that nothing stays */
	assert_status(peer_echo(&peer), STATUS_SUCCESS);
}

static void test_logoff_ends_waits(void **state)
{
	unsigned cancelled = 0, done = 0;
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_302);
	send_simple(&p, SMB2_LOCK);
	reply_recv(&p, &reply);
	assert_status(reply.header.status, STATUS_PENDING);
	send_simple(&p, SMB2_LOGOFF);
	for (unsigned i = 0; i < 2; i++) {
		reply_recv(&p, &reply);
		cancelled += nt_equal(reply.header.status, STATUS_CANCELLED);
		done += reply.header.command == SMB2_LOGOFF;
	}
	assert_int_equal(cancelled, 1);
	assert_int_equal(done, 1);
	peer_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cancel_by_async_id),
		cmocka_unit_test(test_cancel_by_message_id),
		cmocka_unit_test(test_cancel_of_nothing),
		cmocka_unit_test(test_others_go_on),
		cmocka_unit_test(test_slow_is_pending),
		cmocka_unit_test(test_slow_tree_connect_is_not_pending),
		cmocka_unit_test(test_interim_is_unsigned_with_gmac),
		cmocka_unit_test(test_last_of_compound),
		cmocka_unit_test(test_middle_of_compound),
		cmocka_unit_test(test_disconnect_ends_waits),
		cmocka_unit_test(test_logoff_ends_waits),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
