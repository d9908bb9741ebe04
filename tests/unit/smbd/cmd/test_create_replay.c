/* SPDX-License-Identifier: Apache-2.0 */
/* CREATE sent again with its CreateGuid, on the same channel or another: [MS-SMB2] 3.3.5.9.10. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "smbd/wire/access.h"
#include "smbd/wire/create.h"
#include "smbd/wire/utf16.h"
#include "tests/fake/world.h"

static struct world *world;
static struct peer one, two;
static struct msg msg;
static struct reply reply;
static struct smb2_create_response created;

#define assert_status(got, wanted) assert_string_equal(nt_status_name(got), nt_status_name(wanted))

static int setup_world(void **state)
{
	world = world_create(&(struct world_config){.reactors = 2});
	return 0;
}

static int teardown_world(void **state)
{
	world_destroy(world);
	return 0;
}

static int setup(void **state)
{
	peer_start(world, &one, SMB2_DIALECT_311);
	peer_bind(world, &two, &one);
	return 0;
}

static int teardown(void **state)
{
	peer_close(&one);
	peer_close(&two);
	world_wait_counts(world, 0, 0, 0);
	return 0;
}

struct how {
	const char *name;
	uint8_t guid; /* 0: without */
	bool replay;
	uint32_t disposition;
	uint8_t level;
	const struct guid *lease;
};

static struct nt_status create(struct peer *p, struct how how)
{
	uint8_t utf16[64];
	struct smb2_create_request in = {
		.impersonation_level = SMB2_IMPERSONATION_IMPERSONATION,
		.desired_access = FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE,
		.create_disposition = how.disposition ? how.disposition : FILE_CREATE,
		.create_options = FILE_DELETE_ON_CLOSE,
		.requested_oplock_level = how.level,
		.name = {utf16, (size_t)utf8_to_utf16(how.name, strlen(how.name), utf16, 64)},
	};
	struct nt_status status;

	if (how.guid) {
		in.contexts.present = SMB2_CREATE_DURABLE_HANDLE_REQUEST_V2;
		in.contexts.durable_v2.create_guid.bytes[0] = how.guid;
	}
	if (how.lease) {
		in.requested_oplock_level = SMB2_OPLOCK_LEVEL_LEASE;
		in.contexts.present |= SMB2_CREATE_REQUEST_LEASE;
		in.contexts.lease.lease_key = *how.lease;
		in.contexts.lease.lease_state = SMB2_LEASE_READ_CACHING | SMB2_LEASE_HANDLE_CACHING;
	}
	msg_begin(p, &msg, SMB2_CREATE);
	smb2_create_request_encode(&msg.w, &in);
	if (how.replay)
		msg_set_u32(&msg, SMB2_HEADER_OFFSET_FLAGS, SMB2_FLAGS_REPLAY_OPERATION);
	status = peer_finish(p, &msg, &reply);
	if (nt_success(status))
		assert_true(smb2_create_response_decode(&reply.rd, &created));
	return status;
}

static void test_replay_gets_the_same_open(void **state)
{
	struct smb2_file_id id;

	assert_status(create(&one, (struct how){.name = "a", .guid = 1}), STATUS_SUCCESS);
	id = created.file_id;
	assert_int_equal(created.create_action, FILE_CREATED);
	for (unsigned i = 0; i < 3; i++) {
		assert_status(create(i & 1 ? &one : &two,
				     (struct how){.name = "a", .guid = 1, .replay = true}),
			      STATUS_SUCCESS);
		assert_memory_equal(&created.file_id, &id, sizeof(id));
		assert_int_equal(created.create_action, FILE_CREATED);
		assert_int_equal(world_counts(world).opens, 1);
	}
	assert_status(peer_close_file(&two, id), STATUS_SUCCESS);
	/* then it is a new one */
	assert_status(create(&two, (struct how){.name = "a", .guid = 1, .replay = true}),
		      STATUS_SUCCESS);
	assert_memory_not_equal(&created.file_id, &id, sizeof(id));
	assert_status(peer_close_file(&one, created.file_id), STATUS_SUCCESS);
}

static void test_same_guid_without_replay(void **state)
{
	assert_status(create(&one, (struct how){.name = "b", .guid = 2}), STATUS_SUCCESS);
	assert_status(create(&two, (struct how){.name = "b", .guid = 2}),
		      STATUS_DUPLICATE_OBJECTID);
	assert_status(create(&two, (struct how){.name = "another", .guid = 2}),
		      STATUS_DUPLICATE_OBJECTID);
	assert_int_equal(world_counts(world).opens, 1);
}

/* A replay of what never came is what it would have been; so is one that names no guid. */
static void test_replay_of_nothing(void **state)
{
	assert_status(create(&one, (struct how){.name = "c", .guid = 3, .replay = true}),
		      STATUS_SUCCESS);
	assert_status(create(&one, (struct how){.name = "c", .guid = 4, .replay = true}),
		      STATUS_OBJECT_NAME_COLLISION);
	assert_status(create(&one, (struct how){.name = "c", .replay = true}),
		      STATUS_OBJECT_NAME_COLLISION);
	/* the one that failed has left its guid */
	assert_status(create(&one, (struct how){.name = "d", .guid = 4}), STATUS_SUCCESS);
}

/* Guids are a client's, and an open its session's. */
static void test_of_others(void **state)
{
	struct peer other;

	assert_status(create(&one, (struct how){.name = "e", .guid = 5}), STATUS_SUCCESS);
	peer_connect(world, &other);
	other.guid = 99;
	peer_negotiate(&other, SMB2_DIALECT_311);
	peer_login(&other);
	assert_status(peer_tree_connect(&other, "share"), STATUS_SUCCESS);
	assert_status(create(&other, (struct how){.name = "f", .guid = 5}), STATUS_SUCCESS);
	peer_close(&other);

	peer_start(world, &other, SMB2_DIALECT_311);
	assert_status(create(&other, (struct how){.name = "e", .guid = 5, .replay = true}),
		      STATUS_DUPLICATE_OBJECTID);
	peer_close(&other);
}

static void test_lease_of_another_key(void **state)
{
	const struct guid key = {{1}}, other = {{2}};
	struct how how = {.name = "g", .guid = 6, .lease = &key};
	struct smb2_file_id id;

	assert_status(create(&one, how), STATUS_SUCCESS);
	id = created.file_id;
	how.replay = true;
	assert_status(create(&two, how), STATUS_SUCCESS);
	assert_memory_equal(&created.file_id, &id, sizeof(id));
	assert_int_equal(created.oplock_level, SMB2_OPLOCK_LEVEL_LEASE);
	how.lease = &other;
	assert_status(create(&two, how), STATUS_ACCESS_DENIED);
	/* the open is none the worse for it */
	assert_status(peer_close_file(&two, id), STATUS_SUCCESS);
}

/* Who has named the open has its answer: what comes then under its guid is new, replay or not. */
static void test_eligible_until_it_is_used(void **state)
{
	struct how how = {.name = "j", .guid = 8, .disposition = FILE_OPEN_IF};
	struct smb2_file_id id;

	assert_status(create(&one, how), STATUS_SUCCESS);
	id = created.file_id;
	msg_begin(&two, &msg, SMB2_WRITE);
	put_write(&msg, id, 0, "used", 4);
	assert_status(peer_finish(&two, &msg, &reply), STATUS_SUCCESS);
	how.replay = true;
	/* the first one lets nobody in beside it */
	assert_status(create(&two, how), STATUS_SHARING_VIOLATION);
	how.replay = false;
	assert_status(create(&two, how), STATUS_SHARING_VIOLATION);
	assert_int_equal(world_counts(world).opens, 1);
}

static void test_oplock_of_a_lower_level(void **state)
{
	struct how how = {.name = "k", .guid = 9, .level = SMB2_OPLOCK_LEVEL_BATCH};

	assert_status(create(&one, how), STATUS_SUCCESS);
	assert_int_equal(created.oplock_level, SMB2_OPLOCK_LEVEL_BATCH);
	how.replay = true;
	assert_status(create(&two, how), STATUS_SUCCESS);
	assert_int_equal(created.oplock_level, SMB2_OPLOCK_LEVEL_BATCH);
	how.level = SMB2_OPLOCK_LEVEL_NONE;
	assert_status(create(&two, how), STATUS_SUCCESS);
	assert_int_equal(created.oplock_level, SMB2_OPLOCK_LEVEL_NONE);
}

/* Before 3.0 there is no such context. */
static void test_not_before_3_0(void **state)
{
	struct peer old;

	peer_start(world, &old, SMB2_DIALECT_210);
	assert_status(create(&old, (struct how){.name = "h", .guid = 7}), STATUS_SUCCESS);
	assert_status(create(&old, (struct how){.name = "i", .guid = 7}), STATUS_SUCCESS);
	peer_close(&old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_replay_gets_the_same_open, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same_guid_without_replay, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replay_of_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_of_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lease_of_another_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_eligible_until_it_is_used, setup, teardown),
		cmocka_unit_test_setup_teardown(test_oplock_of_a_lower_level, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_before_3_0, setup, teardown),
	};

	return cmocka_run_group_tests(tests, setup_world, teardown_world);
}
