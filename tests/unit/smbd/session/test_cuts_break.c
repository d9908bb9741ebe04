/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An oplock is broken, or a lease, over the better of its session's channels, which is cut at every
 * message of its bind, of the break and of the acknowledgement, before and after it. Whatever was
 * lost, the break comes over the other channel, is acknowledged once, and who waits for it goes on:
 * [MS-SMB2] 3.3.4.6, 3.3.4.7, 3.3.5.22.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "smbd/crypto/sign.h"
#include "smbd/wire/access.h"
#include "smbd/wire/break.h"
#include "smbd/wire/create.h"
#include "tests/fake/world.h"
#include "tests/unit/smbd/session/cuts.h"

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define RH        (SMB2_LEASE_READ_CACHING | SMB2_LEASE_HANDLE_CACHING)
#define RWH       (RH | SMB2_LEASE_WRITE_CACHING)

static struct world *world;
static struct msg msg;
static struct reply reply;
static bool with_lease;

static const struct guid lease_key = {{9, 9}};
static const struct channel_link better = {.bits_per_sec = 100000000000ull, .rss = true};

#define assert_status(got, wanted) assert_string_equal(nt_status_name(got), nt_status_name(wanted))

static int setup(void **state)
{
	world = world_create(&(struct world_config){.reactors = 3, .acceptor = cuts_acceptor});
	return 0;
}

static int teardown(void **state)
{
	world_destroy(world);
	return 0;
}

/* ---- what the peers say ---- */

static void send_create(struct peer *p, uint8_t level, bool lease)
{
	uint8_t utf16[] = {'f', 0};
	struct smb2_create_request in = {
		.requested_oplock_level = lease ? SMB2_OPLOCK_LEVEL_LEASE : level,
		.impersonation_level = SMB2_IMPERSONATION_IMPERSONATION,
		.desired_access = FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE,
		.share_access = SHARE_ALL,
		.create_disposition = FILE_OPEN_IF,
		.name = {utf16, sizeof(utf16)},
	};

	if (lease) {
		in.contexts.present = SMB2_CREATE_REQUEST_LEASE;
		in.contexts.lease.lease_key = lease_key;
		in.contexts.lease.lease_state = RWH;
	}
	msg_begin(p, &msg, SMB2_CREATE);
	smb2_create_request_encode(&msg.w, &in);
	msg_send(p, &msg);
}

static void send_ack(struct peer *p, struct smb2_file_id id)
{
	const struct smb2_oplock_break oplock = {.oplock_level = SMB2_OPLOCK_LEVEL_II,
						 .file_id = id};
	const struct smb2_lease_break_ack lease = {.lease_key = lease_key, .lease_state = RH};

	msg_begin(p, &msg, SMB2_OPLOCK_BREAK);
	if (with_lease)
		smb2_lease_break_ack_encode(&msg.w, &lease);
	else
		smb2_oplock_break_encode(&msg.w, &oplock);
	msg_send(p, &msg);
}

/* ---- what they hear ---- */

/* The next but interim answers; false: the channel is closed. */
static bool hear(struct peer *p)
{
	do
		reply_recv(p, &reply);
	while (reply.len && nt_equal(reply.header.status, STATUS_PENDING));
	return reply.len;
}

static bool is_break(void)
{
	return reply.header.message_id == SMB2_MESSAGE_ID_UNSOLICITED;
}

static void check_break(struct smb2_file_id id)
{
	struct smb2_oplock_break oplock;
	struct smb2_lease_break_notification lease;

	assert_int_equal(reply.header.command, SMB2_OPLOCK_BREAK);
	if (with_lease) {
		assert_true(smb2_lease_break_notification_decode(&reply.rd, &lease));
		assert_memory_equal(&lease.lease_key, &lease_key, sizeof(lease_key));
		assert_int_equal(lease.current_lease_state, RWH);
		assert_int_equal(lease.new_lease_state, RH);
		return;
	}
	assert_true(smb2_oplock_break_decode(&reply.rd, &oplock));
	assert_memory_equal(&oplock.file_id, &id, sizeof(id));
	assert_int_equal(oplock.oplock_level, SMB2_OPLOCK_LEVEL_II);
}

static bool wait_break(struct peer *p, struct smb2_file_id id)
{
	if (!hear(p))
		return false;
	assert_true(is_break());
	check_break(id);
	return true;
}

/* The answer of what was sent last; breaks that come again are passed over. */
static bool wait_answer(struct peer *p, struct smb2_file_id id)
{
	while (hear(p)) {
		if (!is_break())
			return true;
		check_break(id);
	}
	return false;
}

/* 3.3.5.22.1, 3.3.5.22.2: of what is not breaking any more. */
static struct nt_status too_late(void)
{
	return with_lease ? STATUS_UNSUCCESSFUL : STATUS_INVALID_OPLOCK_PROTOCOL;
}

static struct smb2_file_id opened(struct peer *p)
{
	struct smb2_create_response out;

	assert_true(hear(p));
	assert_status(reply.header.status, STATUS_SUCCESS);
	assert_true(smb2_create_response_decode(&reply.rd, &out));
	return out.file_id;
}

/* ---- the rounds ---- */

struct round {
	struct peer stays, goes, other;
	struct smb2_file_id file;
	bool bound, told, acknowledged;
};

static void begin(struct round *r, const struct fault_plan *plan)
{
	memset(r, 0, sizeof(*r));
	cuts_plan(NULL);
	cuts.link = (struct channel_link){0};
	peer_connect(world, &r->other);
	r->other.guid = 99;
	peer_begin(&r->other, SMB2_DIALECT_311);
	peer_start(world, &r->stays, SMB2_DIALECT_311);
	send_create(&r->stays, SMB2_OPLOCK_LEVEL_BATCH, with_lease);
	r->file = opened(&r->stays);

	cuts_plan(plan);
	cuts.link = better;
	peer_connect(world, &r->goes);
	r->goes.may_be_cut = true;
	if (nt_success(peer_try_negotiate(&r->goes, SMB2_DIALECT_311)))
		r->bound = nt_success(
			peer_try_bind(&r->goes, &r->stays, world_user(), WORLD_PASSWORD));
}

/* Over the one that goes, as far as it does. */
static void break_over_it(struct round *r)
{
	r->told = r->bound && wait_break(&r->goes, r->file);
	if (!r->told)
		return;
	send_ack(&r->goes, r->file);
	r->acknowledged = wait_answer(&r->goes, r->file);
	if (r->acknowledged)
		assert_status(reply.header.status, STATUS_SUCCESS);
}

/* Over the one that stays: whether anything was lost or not, in the end it is done once. */
static void break_over_the_other(struct round *r, const struct fault_plan *plan)
{
	if (!r->told)
		assert_true(wait_break(&r->stays, r->file));
	send_ack(&r->stays, r->file);
	assert_true(wait_answer(&r->stays, r->file));
	if (r->acknowledged)
		assert_status(reply.header.status, too_late());
	else if (!r->told || plan->cut_at_message) /* the first one never came */
		assert_status(reply.header.status, STATUS_SUCCESS);
	else if (!nt_equal(reply.header.status, too_late()))
		assert_status(reply.header.status, STATUS_SUCCESS);
	send_ack(&r->stays, r->file);
	assert_true(wait_answer(&r->stays, r->file));
	assert_status(reply.header.status, too_late());
}

static bool close_over(struct peer *p, struct smb2_file_id id)
{
	msg_begin(p, &msg, SMB2_CLOSE);
	put_close(&msg, id);
	msg_send(p, &msg);
	return wait_answer(p, id) && nt_success(reply.header.status);
}

static bool round_of(const struct fault_plan *plan)
{
	struct smb2_file_id theirs;
	struct round r;
	bool whole;

	begin(&r, plan);
	send_create(&r.other, SMB2_OPLOCK_LEVEL_NONE, false);
	break_over_it(&r);
	break_over_the_other(&r, plan);
	theirs = opened(&r.other);
	whole = r.acknowledged && nt_success(peer_echo(&r.goes));
	world_wait_counts(world, 2, 2, 2);
	assert_status(peer_close_file(&r.other, theirs), STATUS_SUCCESS);
	assert_true(close_over(&r.stays, r.file));
	world_wait_counts(world, 2, 2, 0);
	peer_close(&r.goes);
	peer_close(&r.stays);
	peer_close(&r.other);
	world_wait_counts(world, 0, 0, 0);
	return whole;
}

static void break_everywhere(bool lease)
{
	with_lease = lease;
	for (enum cuts_where where = CUTS_BEFORE_IN; where < CUTS_WHERE; where++) {
		/* NEGOTIATE, two legs and the acknowledgement; out, the break as well */
		unsigned least = where >= CUTS_BEFORE_OUT ? 5 : 4;

		cuts_everywhere(where, 0, least, round_of);
	}
}

static void test_oplock(void **state)
{
	break_everywhere(false);
}

static void test_lease(void **state)
{
	break_everywhere(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oplock),
		cmocka_unit_test(test_lease),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
