/* SPDX-License-Identifier: Apache-2.0 */
/* The end of opens, [MS-SMB2] 3.3.5.8, 3.3.5.10: a TREE_DISCONNECT waits for what a CLOSE is still
 * ending. FLUSH stands in for a request that holds its open for as long as the test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "smbd/cmd/session_commands.h"
#include "smbd/wire/empty.h"
#include "smbd/wire/flush.h"
#include "tests/fake/world.h"
#include "transport/base/clock.h"
#include "transport/fiber/fiber.h"

static struct world *world;
static struct msg msg;
static struct reply reply;
static atomic_bool holding, let_go;

static struct nt_status hold(struct request *req)
{
	struct smb2_flush_request flush;
	struct nt_status status = STATUS_INVALID_PARAMETER;

	if (smb2_flush_request_decode(&req->in, &flush))
		status = request_open_get(req, flush.file_id);
	if (nt_error(status))
		return status;
	atomic_store(&holding, true);
	while (!atomic_load(&let_go))
		fiber_sleep(NS_PER_MS);
	smb2_empty_encode(&req->out);
	return STATUS_SUCCESS;
}

static void commands_of_test(struct command_table *table)
{
	table->by_number[SMB2_FLUSH].handle = hold;
}

static int setup(void **state)
{
	world = world_create(&(struct world_config){.commands = commands_of_test});
	return 0;
}

static int teardown(void **state)
{
	world_destroy(world);
	return 0;
}

/* The command of the next final answer. */
static uint16_t next_final(struct peer *p)
{
	do
		reply_recv(p, &reply);
	while (nt_equal(reply.header.status, STATUS_PENDING));
	assert_true(nt_success(reply.header.status));
	return reply.header.command;
}

static void test_disconnect_waits_for_close(void **state)
{
	struct smb2_file_id id;
	unsigned seen = 0;
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_311);
	assert_true(nt_success(peer_create(&p, "held", &id)));
	msg_begin(&p, &msg, SMB2_FLUSH);
	smb2_flush_request_encode(&msg.w, &(struct smb2_flush_request){.file_id = id});
	msg_send(&p, &msg);
	while (!atomic_load(&holding))
		usleep(1000);
	msg_begin(&p, &msg, SMB2_CLOSE);
	put_close(&msg, id);
	msg_send(&p, &msg);
	msg_begin(&p, &msg, SMB2_TREE_DISCONNECT);
	put_empty(&msg);
	msg_send(&p, &msg);
	msg_begin(&p, &msg, SMB2_ECHO); /* answered after whatever does not wait */
	put_empty(&msg);
	msg_send(&p, &msg);
	assert_int_equal(next_final(&p), SMB2_ECHO);
	atomic_store(&let_go, true);
	for (unsigned i = 0; i < 3; i++)
		seen |= 1u << next_final(&p);
	assert_int_equal(seen, 1u << SMB2_FLUSH | 1u << SMB2_CLOSE | 1u << SMB2_TREE_DISCONNECT);
	peer_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_disconnect_waits_for_close)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
