/* SPDX-License-Identifier: Apache-2.0 */
/* Channel sequences ([MS-SMB2] 3.3.5.2.10, protocol-facts 17) and lock sequences (3.3.5.14,
 * protocol-facts 22): by themselves, then by WRITE, SET_INFO, IOCTL and READ over two channels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "smbd/session/sequence.h"
#include "smbd/wire/access.h"
#include "smbd/wire/create.h"
#include "smbd/wire/fsctl.h"
#include "smbd/wire/ioctl.h"
#include "smbd/wire/set_info.h"
#include "tests/fake/world.h"
#include "transport/fiber/fiber.h"

#define HEADER_OFFSET_CHANNEL_SEQUENCE 8

static struct msg msg;
static struct reply reply;

#define assert_status(got, wanted) assert_string_equal(nt_status_name(got), nt_status_name(wanted))

/* ---- by themselves ---- */

static void assert_counts(const struct channel_sequence *s, uint16_t number, unsigned outstanding,
			  unsigned before)
{
	struct sequence_counts c = sequence_counts(s);

	assert_int_equal(c.channel_sequence, number);
	assert_int_equal(c.outstanding, outstanding);
	assert_int_equal(c.outstanding_before, before);
}

static void test_fact_17_half_of_all_numbers_is_newer(void **state)
{
	struct channel_sequence s;

	for (uint32_t ahead = 0; ahead < 0x10000; ahead++) {
		uint16_t number = (uint16_t)(0xff00 + ahead);

		sequence_init(&s, 0xff00);
		if (ahead <= 0x7fff) {
			assert_int_equal(sequence_begin(&s, number, false), SEQUENCE_COUNTED);
			assert_counts(&s, number, 1, 0);
		} else {
			assert_int_equal(sequence_begin(&s, number, false), SEQUENCE_STALE);
			assert_counts(&s, 0xff00, 0, 0);
		}
	}
}

static void test_newer_moves_what_is_outstanding(void **state)
{
	struct channel_sequence s;

	sequence_init(&s, 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(sequence_begin(&s, 0, false), SEQUENCE_COUNTED);
	assert_int_equal(sequence_begin(&s, 1, false), SEQUENCE_COUNTED);
	assert_counts(&s, 1, 1, 3);
	sequence_end(&s, 0);
	sequence_end(&s, 1);
	assert_counts(&s, 1, 0, 2);
	sequence_end(&s, 0);
	sequence_end(&s, 0);
	assert_counts(&s, 1, 0, 0);
}

/* A replay goes on only when nothing of before is outstanding: it could be its own first try. */
static void test_replay_waits_for_those_before(void **state)
{
	struct channel_sequence s;

	sequence_init(&s, 0);
	assert_int_equal(sequence_begin(&s, 0, false), SEQUENCE_COUNTED);
	assert_int_equal(sequence_begin(&s, 1, true), SEQUENCE_UNCOUNTED);
	assert_counts(&s, 1, 0, 1);
	assert_int_equal(sequence_begin(&s, 1, true), SEQUENCE_UNCOUNTED);
	sequence_end(&s, 0);
	assert_int_equal(sequence_begin(&s, 1, true), SEQUENCE_COUNTED);
	assert_counts(&s, 1, 1, 0);
	assert_int_equal(sequence_begin(&s, 0, true), SEQUENCE_STALE);
	sequence_end(&s, 1);
	assert_int_equal(sequence_begin(&s, 2, true), SEQUENCE_COUNTED);
	assert_counts(&s, 2, 1, 0);
}

static void test_fact_22_lock_sequences(void **state)
{
	struct lock_sequences s = {0};

	for (uint32_t index = 1; index <= LOCK_SEQUENCES; index++) {
		for (uint32_t number = 0; number < 16; number++) {
			assert_false(lock_sequence_is_replay(&s, index << 4 | number));
			/* one that failed is no replay the next time */
			assert_false(lock_sequence_is_replay(&s, index << 4 | number));
			lock_sequence_done(&s, index << 4 | number);
			assert_true(lock_sequence_is_replay(&s, index << 4 | number));
		}
		/* another number makes the entry void */
		assert_false(lock_sequence_is_replay(&s, index << 4 | 3));
		assert_false(lock_sequence_is_replay(&s, index << 4 | 15));
	}
	for (uint32_t number = 0; number < 16; number++) {
		lock_sequence_done(&s, number);
		assert_false(lock_sequence_is_replay(&s, number));
		lock_sequence_done(&s, (LOCK_SEQUENCES + 1) << 4 | number);
		assert_false(lock_sequence_is_replay(&s, (LOCK_SEQUENCES + 1) << 4 | number));
		assert_false(lock_sequence_is_replay(&s, 0xfffffff0u | number));
	}
}

/* ---- by commands ---- */

static struct world *world;
static struct peer one, two;
static struct smb2_file_id file;

/* FLUSH stands in as a command that is outstanding until it is cancelled. */
static void wake(struct request *req, void *arg)
{
	fiber_wake(arg);
}

static struct nt_status park(struct request *req)
{
	struct nt_status status = request_open_get(req, file);

	if (nt_error(status))
		return status;
	status = request_go_async(req);
	if (nt_error(status))
		return status;
	request_cancel_set(req, wake, fiber_self());
	while (!req->cancelled)
		fiber_suspend();
	return STATUS_CANCELLED;
}

static void commands_of_test(struct command_table *table)
{
	table->by_number[SMB2_FLUSH] =
		(struct command){"FLUSH", park, COMMAND_SESSION | COMMAND_TREE, NULL, 0};
}

static int setup(void **state)
{
	world = world_create(&(struct world_config){.reactors = 2, .commands = commands_of_test});
	return 0;
}

static int teardown(void **state)
{
	world_destroy(world);
	return 0;
}

static void start(uint16_t dialect)
{
	peer_start(world, &one, dialect);
	if (dialect >= SMB2_DIALECT_300)
		peer_bind(world, &two, &one);
	assert_status(peer_create(&one, "sequence.txt", &file), STATUS_SUCCESS);
}

static void stop(void)
{
	peer_close(&one);
	if (two.world)
		peer_close(&two);
	world_wait_counts(world, 0, 0, 0);
}

static struct nt_status call(struct peer *p, uint16_t number, bool replay)
{
	msg_set_u16(&msg, HEADER_OFFSET_CHANNEL_SEQUENCE, number);
	if (replay)
		msg_set_u32(&msg, SMB2_HEADER_OFFSET_FLAGS, SMB2_FLAGS_REPLAY_OPERATION);
	return peer_finish(p, &msg, &reply);
}

static struct nt_status write_with(struct peer *p, uint16_t number, bool replay, const char *text)
{
	msg_begin(p, &msg, SMB2_WRITE);
	put_write(&msg, file, 0, text, (uint32_t)strlen(text));
	return call(p, number, replay);
}

static struct nt_status read_with(struct peer *p, uint16_t number, bool replay)
{
	msg_begin(p, &msg, SMB2_READ);
	put_read(&msg, file, 0, 4);
	return call(p, number, replay);
}

static struct nt_status set_position_with(struct peer *p, uint16_t number, bool replay)
{
	const uint8_t position[8] = {16};
	const struct smb2_set_info_request in = {
		.info_type = SMB2_0_INFO_FILE,
		.file_info_class = 14 /* FilePositionInformation */,
		.buffer = WIRE_BLOB(position, sizeof(position)),
		.file_id = file,
	};

	msg_begin(p, &msg, SMB2_SET_INFO);
	smb2_set_info_request_encode(&msg.w, &in);
	return call(p, number, replay);
}

static struct nt_status ioctl_with(struct peer *p, uint16_t number, bool replay)
{
	const struct smb2_ioctl_request in = {
		.ctl_code = FSCTL_CREATE_OR_GET_OBJECT_ID,
		.file_id = file,
		.max_output_response = 64,
		.flags = SMB2_0_IOCTL_IS_FSCTL,
	};

	msg_begin(p, &msg, SMB2_IOCTL);
	smb2_ioctl_request_encode(&msg.w, &in);
	return call(p, number, replay);
}

static void test_fact_17_stale_changes_nothing(void **state)
{
	start(SMB2_DIALECT_311);
	assert_status(write_with(&one, 0, false, "old!"), STATUS_SUCCESS);
	assert_status(write_with(&two, 1, false, "new!"), STATUS_SUCCESS);
	assert_status(write_with(&one, 0, false, "old?"), STATUS_FILE_NOT_AVAILABLE);
	assert_status(set_position_with(&one, 0, false), STATUS_FILE_NOT_AVAILABLE);
	assert_status(ioctl_with(&one, 0, false), STATUS_FILE_NOT_AVAILABLE);
	assert_status(read_with(&one, 0, false), STATUS_SUCCESS);
	assert_memory_equal(reply.rd.data + 80, "new!", 4);
	assert_status(set_position_with(&one, 1, false), STATUS_SUCCESS);
	assert_status(ioctl_with(&one, 1, false), STATUS_SUCCESS);
	stop();
}

/* The flag alone is no reason to refuse. */
static void test_replay_of_what_was_lost(void **state)
{
	start(SMB2_DIALECT_302);
	assert_status(write_with(&one, 0, true, "same"), STATUS_SUCCESS);
	assert_status(write_with(&two, 1, true, "same"), STATUS_SUCCESS);
	assert_status(set_position_with(&two, 1, true), STATUS_SUCCESS);
	assert_status(ioctl_with(&two, 1, true), STATUS_SUCCESS);
	assert_status(read_with(&two, 1, true), STATUS_SUCCESS);
	stop();
}

/* What is outstanding on the lost channel holds replays back until it has ended. */
static void test_replay_waits_for_the_lost_channel(void **state)
{
	start(SMB2_DIALECT_311);
	msg_begin(&one, &msg, SMB2_FLUSH);
	put_empty(&msg);
	msg_send(&one, &msg);
	reply_recv(&one, &reply);
	assert_status(reply.header.status, STATUS_PENDING);

	assert_status(write_with(&two, 1, true, "late"), STATUS_FILE_NOT_AVAILABLE);
	assert_status(set_position_with(&two, 1, true), STATUS_FILE_NOT_AVAILABLE);
	assert_status(ioctl_with(&two, 1, true), STATUS_FILE_NOT_AVAILABLE);
	assert_status(read_with(&two, 1, true), STATUS_SUCCESS);
	/* one that is new is none of its business */
	assert_status(write_with(&two, 1, false, "now!"), STATUS_SUCCESS);

	peer_close(&one);
	assert_status(write_with(&two, 1, true, "late"), STATUS_SUCCESS);
	peer_close(&two);
	world_wait_counts(world, 0, 0, 0);
}

/* 3.3.5.9: an open begins with the number of its CREATE. */
static void test_begins_with_creates_number(void **state)
{
	struct smb2_file_id unused;

	start(SMB2_DIALECT_311);
	msg_begin(&one, &msg, SMB2_CREATE);
	put_create(&msg, "late.txt", FILE_GENERIC_READ | FILE_GENERIC_WRITE, FILE_OPEN_IF);
	assert_status(call(&one, 0x9000, false), STATUS_SUCCESS);
	rd_skip(&reply.rd, 64);
	unused = file;
	file.persistent_id = rd_u64(&reply.rd);
	file.volatile_id = rd_u64(&reply.rd);
	assert_int_not_equal(file.persistent_id, unused.persistent_id);
	assert_status(write_with(&one, 0x9000, false, "same"), STATUS_SUCCESS);
	assert_status(write_with(&one, 0x8fff, false, "old!"), STATUS_FILE_NOT_AVAILABLE);
	stop();
}

/* Before 3.0 these bytes are not its, nor the flag: 3.3.5.2.10. */
static void test_not_before_3_0(void **state)
{
	start(SMB2_DIALECT_210);
	assert_status(write_with(&one, 5, false, "text"), STATUS_SUCCESS);
	assert_status(write_with(&one, 0, false, "text"), STATUS_SUCCESS);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fact_17_half_of_all_numbers_is_newer),
		cmocka_unit_test(test_newer_moves_what_is_outstanding),
		cmocka_unit_test(test_replay_waits_for_those_before),
		cmocka_unit_test(test_fact_22_lock_sequences),
		cmocka_unit_test(test_fact_17_stale_changes_nothing),
		cmocka_unit_test(test_replay_of_what_was_lost),
		cmocka_unit_test(test_replay_waits_for_the_lost_channel),
		cmocka_unit_test(test_begins_with_creates_number),
		cmocka_unit_test(test_not_before_3_0),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
