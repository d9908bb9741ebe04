/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file is created over a channel that is cut, at every message of the channel's bind and the
 * CREATE, before and after it. Whatever was lost, the CREATE that is sent again by its CreateGuid
 * over the other channel gives the one open that there is: [MS-SMB2] 3.2.7.1, 3.3.5.9.10.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "smbd/crypto/sign.h"
#include "smbd/wire/access.h"
#include "smbd/wire/create.h"
#include "smbd/wire/utf16.h"
#include "tests/fake/world.h"
#include "tests/unit/smbd/session/cuts.h"

#define HEADER_OFFSET_CHANNEL_SEQUENCE 8

static struct world *world;
static struct msg msg;
static struct reply reply;
static struct smb2_create_response created;
static uint8_t oplock_level; /* that the CREATEs of this test ask for */

#define assert_status(got, wanted) assert_string_equal(nt_status_name(got), nt_status_name(wanted))

static int setup(void **state)
{
	world = world_create(&(struct world_config){.reactors = 2, .acceptor = cuts_acceptor});
	return 0;
}

static int teardown(void **state)
{
	world_destroy(world);
	return 0;
}

/* It must not be there, and nobody else may open it: done twice it fails, replay or not. */
static struct nt_status create(struct peer *p, bool replay)
{
	static const char name[] = "made once";
	uint8_t utf16[64];
	struct smb2_create_request in = {
		.requested_oplock_level = oplock_level,
		.impersonation_level = SMB2_IMPERSONATION_IMPERSONATION,
		.desired_access = FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE,
		.create_disposition = FILE_CREATE,
		.create_options = FILE_DELETE_ON_CLOSE,
		.name = {utf16, (size_t)utf8_to_utf16(name, strlen(name), utf16, 64)},
	};
	struct nt_status status;

	in.contexts.present = SMB2_CREATE_DURABLE_HANDLE_REQUEST_V2;
	in.contexts.durable_v2.create_guid = (struct guid){{7, 7, 7}};
	msg_begin(p, &msg, SMB2_CREATE);
	smb2_create_request_encode(&msg.w, &in);
	if (replay) {
		msg_set_u16(&msg, HEADER_OFFSET_CHANNEL_SEQUENCE, 1);
		msg_set_u32(&msg, SMB2_HEADER_OFFSET_FLAGS, SMB2_FLAGS_REPLAY_OPERATION);
	}
	status = peer_finish(p, &msg, &reply);
	if (nt_success(status))
		assert_true(smb2_create_response_decode(&reply.rd, &created));
	return status;
}

static void replay(struct peer *p)
{
	struct nt_status status = create(p, true);

	/* 3.3.5.9.10: while the first try is under way */
	for (unsigned i = 0; i < 10000 && nt_equal(status, STATUS_FILE_NOT_AVAILABLE); i++) {
		usleep(1000);
		status = create(p, true);
	}
	assert_status(status, STATUS_SUCCESS);
}

static void use_and_close(struct peer *p)
{
	assert_int_equal(created.create_action, FILE_CREATED);
	assert_int_equal(created.oplock_level, oplock_level);
	world_wait_counts(world, 1, 1, 1);
	msg_begin(p, &msg, SMB2_WRITE);
	msg_set_u16(&msg, HEADER_OFFSET_CHANNEL_SEQUENCE, 1);
	put_write(&msg, created.file_id, 0, "once", 4);
	assert_status(peer_finish(p, &msg, &reply), STATUS_SUCCESS);
	assert_status(peer_close_file(p, created.file_id), STATUS_SUCCESS);
	world_wait_counts(world, 1, 1, 0);
}

static bool made(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/data/made once", world_directory(world));
	return access(path, F_OK) == 0;
}

static bool round_of(const struct fault_plan *plan)
{
	struct peer stays, goes;
	struct smb2_file_id id;
	bool bound = false, answered = false, whole;

	cuts_plan(NULL);
	peer_start(world, &stays, SMB2_DIALECT_311);
	cuts_plan(plan);
	peer_connect(world, &goes);
	goes.may_be_cut = true;
	if (nt_success(peer_try_negotiate(&goes, SMB2_DIALECT_311)))
		bound = nt_success(peer_try_bind(&goes, &stays, world_user(), WORLD_PASSWORD));
	if (bound)
		answered = nt_success(create(&goes, false));
	id = created.file_id;
	whole = answered && nt_success(peer_echo(&goes));

	replay(&stays);
	if (answered)
		assert_memory_equal(&created.file_id, &id, sizeof(id));
	assert_true(made());
	use_and_close(&stays);
	assert_false(made());
	peer_close(&goes);
	assert_status(peer_echo(&stays), STATUS_SUCCESS);
	peer_close(&stays);
	world_wait_counts(world, 0, 0, 0);
	return whole;
}

static void create_everywhere(uint8_t level)
{
	oplock_level = level;
	for (enum cuts_where where = CUTS_BEFORE_IN; where < CUTS_WHERE; where++)
		cuts_everywhere(where, 0, 4, round_of); /* NEGOTIATE, two legs, CREATE */
}

static void test_create(void **state)
{
	create_everywhere(SMB2_OPLOCK_LEVEL_NONE);
}

static void test_create_with_an_oplock(void **state)
{
	create_everywhere(SMB2_OPLOCK_LEVEL_BATCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_create_with_an_oplock),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
