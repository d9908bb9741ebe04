/* SPDX-License-Identifier: Apache-2.0 */
/* Oplocks and leases on the wire: what CREATE answers, what is told unasked, how it is answered. */
#include "tests/fake/world.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "smbd/wire/access.h"
#include "smbd/wire/break.h"
#include "smbd/wire/create.h"

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define ACCESS    (FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES)
#define RH        (SMB2_LEASE_READ_CACHING | SMB2_LEASE_HANDLE_CACHING)
#define RWH       (RH | SMB2_LEASE_WRITE_CACHING)

#define assert_status(got, expected) assert_int_equal((got).value, (expected).value)

struct two {
	struct world *w;
	struct peer a, b;
	struct msg m;
	struct reply r;
};

static void start(struct two *t, const char *settings)
{
	t->w = world_create(&(struct world_config){.settings = settings});
	peer_start(t->w, &t->a, SMB2_DIALECT_311);
	peer_start(t->w, &t->b, SMB2_DIALECT_311);
}

static int setup(void **state)
{
	struct two *t = calloc(1, sizeof(*t));

	start(t, NULL);
	*state = t;
	return 0;
}

static int setup_impatient(void **state)
{
	struct two *t = calloc(1, sizeof(*t));

	start(t, "smb3d:oplock break timeout = 1");
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct two *t = *state;

	peer_close(&t->a);
	peer_close(&t->b);
	world_destroy(t->w);
	free(t);
	return 0;
}

/* The CREATE of "f", made if it is not there, goes out. */
static void send_open(struct two *t, struct peer *p, uint8_t level, const struct smb2_lease *lease,
		      uint32_t sharing)
{
	uint8_t utf16[] = {'f', 0};
	struct smb2_create_request create = {
		.requested_oplock_level = level,
		.impersonation_level = SMB2_IMPERSONATION_IMPERSONATION,
		.desired_access = ACCESS,
		.share_access = sharing,
		.create_disposition = FILE_OPEN_IF,
		.name = {utf16, sizeof(utf16)},
	};

	if (lease) {
		create.contexts.present = SMB2_CREATE_REQUEST_LEASE;
		create.contexts.lease = *lease;
	}
	msg_begin(p, &t->m, SMB2_CREATE);
	smb2_create_request_encode(&t->m.w, &create);
	msg_send(p, &t->m);
}

/* What is not STATUS_PENDING. */
static void recv_final(struct two *t, struct peer *p)
{
	do {
		reply_recv(p, &t->r);
		assert_int_not_equal(t->r.len, 0);
	} while (nt_equal(t->r.header.status, STATUS_PENDING));
}

static struct smb2_create_response opened(struct two *t, struct peer *p)
{
	struct smb2_create_response out;

	recv_final(t, p);
	assert_status(t->r.header.status, STATUS_SUCCESS);
	assert_true(smb2_create_response_decode(&t->r.rd, &out));
	return out;
}

static struct smb2_create_response open_f(struct two *t, struct peer *p, uint8_t level)
{
	send_open(t, p, level, NULL, SHARE_ALL);
	return opened(t, p);
}

/* [MS-SMB2] 3.3.4.6: unasked, of no session and tree, not signed. */
static void unasked(struct two *t, struct peer *p)
{
	reply_recv(p, &t->r);
	assert_int_not_equal(t->r.len, 0);
	assert_int_equal(t->r.header.command, SMB2_OPLOCK_BREAK);
	assert_true(t->r.header.message_id == UINT64_MAX);
	assert_int_equal(t->r.header.session_id, 0);
	assert_int_equal(t->r.header.tree_id, 0);
	assert_int_equal(t->r.header.flags, SMB2_FLAGS_SERVER_TO_REDIR);
	assert_status(t->r.header.status, STATUS_SUCCESS);
}

static struct smb2_oplock_break told_oplock(struct two *t, struct peer *p)
{
	struct smb2_oplock_break told;

	unasked(t, p);
	assert_true(smb2_oplock_break_decode(&t->r.rd, &told));
	return told;
}

static struct nt_status answer(struct two *t, struct peer *p, struct smb2_file_id id, uint8_t level)
{
	const struct smb2_oplock_break ack = {.oplock_level = level, .file_id = id};

	msg_begin(p, &t->m, SMB2_OPLOCK_BREAK);
	smb2_oplock_break_encode(&t->m.w, &ack);
	msg_send(p, &t->m);
	recv_final(t, p);
	return t->r.header.status;
}

/* 3.3.5.9, 3.3.4.6, 3.3.5.22.1: the second open waits for the first one's answer. */
static void test_batch(void **state)
{
	struct two *t = *state;
	struct smb2_create_response first = open_f(t, &t->a, SMB2_OPLOCK_LEVEL_BATCH), second;
	struct smb2_oplock_break told;

	assert_int_equal(first.oplock_level, SMB2_OPLOCK_LEVEL_BATCH);
	send_open(t, &t->b, SMB2_OPLOCK_LEVEL_BATCH, NULL, SHARE_ALL);
	told = told_oplock(t, &t->a);
	assert_int_equal(told.oplock_level, SMB2_OPLOCK_LEVEL_II);
	assert_memory_equal(&told.file_id, &first.file_id, sizeof(told.file_id));
	assert_status(answer(t, &t->a, first.file_id, SMB2_OPLOCK_LEVEL_II), STATUS_SUCCESS);
	second = opened(t, &t->b);
	assert_int_equal(second.oplock_level, SMB2_OPLOCK_LEVEL_II);
	/* 3.3.5.22.1: nothing is under way */
	assert_status(answer(t, &t->a, first.file_id, SMB2_OPLOCK_LEVEL_II),
		      STATUS_INVALID_OPLOCK_PROTOCOL);
	assert_status(answer(t, &t->a, first.file_id, SMB2_OPLOCK_LEVEL_LEASE),
		      STATUS_INVALID_PARAMETER);
	assert_status(answer(t, &t->a, second.file_id, SMB2_OPLOCK_LEVEL_II), STATUS_FILE_CLOSED);
}

/* [MS-FSA] 2.1.5.1.2: a share mode is not violated by who closes when asked. */
static void test_batch_closes(void **state)
{
	struct two *t = *state;
	struct smb2_create_response first;

	send_open(t, &t->a, SMB2_OPLOCK_LEVEL_BATCH, NULL, 0);
	first = opened(t, &t->a);
	send_open(t, &t->b, SMB2_OPLOCK_LEVEL_NONE, NULL, SHARE_ALL);
	(void)told_oplock(t, &t->a);
	assert_status(peer_close_file(&t->a, first.file_id), STATUS_SUCCESS);
	assert_int_equal(opened(t, &t->b).oplock_level, SMB2_OPLOCK_LEVEL_NONE);
}

/* A write ends level II oplocks, the writer's too, and waits for nobody. */
static void test_write(void **state)
{
	struct two *t = *state;
	struct smb2_create_response first = open_f(t, &t->a, SMB2_OPLOCK_LEVEL_II);
	struct smb2_create_response second = open_f(t, &t->b, SMB2_OPLOCK_LEVEL_II);

	assert_int_equal(second.oplock_level, SMB2_OPLOCK_LEVEL_II);
	msg_begin(&t->a, &t->m, SMB2_WRITE);
	put_write(&t->m, first.file_id, 0, "x", 1);
	msg_send(&t->a, &t->m);
	assert_int_equal(told_oplock(t, &t->b).oplock_level, SMB2_OPLOCK_LEVEL_NONE);
}

/* A write that fails in its midst has changed what came before: who caches it is told. */
static void test_write_fails_half_way(void **state)
{
	static const uint8_t data[8192];
	struct rlimit limit, low;
	struct two *t = *state;
	struct smb2_create_response first = open_f(t, &t->a, SMB2_OPLOCK_LEVEL_II);

	(void)open_f(t, &t->b, SMB2_OPLOCK_LEVEL_II);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	low = limit;
	low.rlim_cur = sizeof(data) / 2;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	msg_begin(&t->a, &t->m, SMB2_WRITE);
	put_write(&t->m, first.file_id, 0, data, sizeof(data));
	msg_send(&t->a, &t->m);
	do { /* the writer's own break comes too */
		recv_final(t, &t->a);
	} while (t->r.header.command != SMB2_WRITE);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_false(nt_success(t->r.header.status));
	assert_int_equal(told_oplock(t, &t->b).oplock_level, SMB2_OPLOCK_LEVEL_NONE);
}

/* CANCEL ends the wait of a CREATE, [MS-SMB2] 3.3.5.16. */
static void test_cancel(void **state)
{
	struct two *t = *state;
	struct smb2_create_response first = open_f(t, &t->a, SMB2_OPLOCK_LEVEL_EXCLUSIVE);
	uint64_t id = t->b.message_id;

	send_open(t, &t->b, SMB2_OPLOCK_LEVEL_NONE, NULL, SHARE_ALL);
	(void)told_oplock(t, &t->a);
	msg_begin(&t->b, &t->m, SMB2_CANCEL);
	msg_set_u64(&t->m, SMB2_HEADER_OFFSET_MESSAGE_ID, id);
	put_empty(&t->m);
	t->b.message_id--; /* a CANCEL has none of its own */
	msg_send(&t->b, &t->m);
	recv_final(t, &t->b);
	assert_status(t->r.header.status, STATUS_CANCELLED);
	assert_status(answer(t, &t->a, first.file_id, SMB2_OPLOCK_LEVEL_II), STATUS_SUCCESS);
}

/* 3.3.2.1: who does not answer has lost it, and nobody waits for ever. */
static void test_timeout(void **state)
{
	struct two *t = *state;
	struct smb2_create_response first = open_f(t, &t->a, SMB2_OPLOCK_LEVEL_BATCH);

	send_open(t, &t->b, SMB2_OPLOCK_LEVEL_BATCH, NULL, SHARE_ALL);
	(void)told_oplock(t, &t->a);
	assert_int_equal(opened(t, &t->b).oplock_level, SMB2_OPLOCK_LEVEL_II);
	assert_status(answer(t, &t->a, first.file_id, SMB2_OPLOCK_LEVEL_II),
		      STATUS_INVALID_OPLOCK_PROTOCOL);
}

/* Whose connection is lost answers nothing, and holds nothing back. */
static void test_holder_vanishes(void **state)
{
	struct two *t = *state;
	struct peer c;

	peer_start(t->w, &c, SMB2_DIALECT_311);
	(void)open_f(t, &c, SMB2_OPLOCK_LEVEL_BATCH);
	send_open(t, &t->b, SMB2_OPLOCK_LEVEL_NONE, NULL, SHARE_ALL);
	(void)told_oplock(t, &c);
	peer_close(&c);
	(void)opened(t, &t->b);
}

/* ---- leases ---- */

static struct smb2_lease lease_wanted(uint8_t version, uint8_t key, uint32_t wanted)
{
	return (struct smb2_lease){
		.version = version, .lease_key.bytes[0] = key, .lease_state = wanted, .epoch = 5};
}

static struct nt_status answer_lease(struct two *t, struct peer *p, uint8_t key, uint32_t to)
{
	const struct smb2_lease_break_ack ack = {.lease_key.bytes[0] = key, .lease_state = to};

	msg_begin(p, &t->m, SMB2_OPLOCK_BREAK);
	smb2_lease_break_ack_encode(&t->m.w, &ack);
	msg_send(p, &t->m);
	recv_final(t, p);
	return t->r.header.status;
}

static struct smb2_create_response open_lease(struct two *t, struct peer *p,
					      const struct smb2_lease *lease)
{
	send_open(t, p, SMB2_OPLOCK_LEVEL_LEASE, lease, SHARE_ALL);
	return opened(t, p);
}

/* 3.3.5.9.8, 3.3.5.9.11, 3.3.4.7, 3.3.5.22.2 */
static void check_lease(struct two *t, uint8_t version)
{
	const struct smb2_lease wanted = lease_wanted(version, 1, RWH);
	struct smb2_create_response first = open_lease(t, &t->a, &wanted);
	struct smb2_lease_break_notification told;

	assert_int_equal(first.oplock_level, SMB2_OPLOCK_LEVEL_LEASE);
	assert_int_equal(first.contexts.lease.version, version);
	assert_int_equal(first.contexts.lease.lease_state, RWH);
	assert_int_equal(first.contexts.lease.epoch, version == 2 ? 6 : 0);
	send_open(t, &t->b, SMB2_OPLOCK_LEVEL_NONE, NULL, SHARE_ALL);
	unasked(t, &t->a);
	assert_true(smb2_lease_break_notification_decode(&t->r.rd, &told));
	assert_int_equal(told.flags, SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED);
	assert_int_equal(told.current_lease_state, RWH);
	assert_int_equal(told.new_lease_state, RH);
	assert_int_equal(told.new_epoch, version == 2 ? 7 : 0);
	assert_int_equal(told.lease_key.bytes[0], 1);
	/* under the same key nobody waits */
	first = open_lease(t, &t->a, &wanted);
	assert_int_equal(first.contexts.lease.lease_flags, SMB2_LEASE_FLAG_BREAK_IN_PROGRESS);
	assert_status(answer_lease(t, &t->a, 2, RH), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_status(answer_lease(t, &t->a, 1, RWH), STATUS_REQUEST_NOT_ACCEPTED);
	assert_status(answer_lease(t, &t->a, 1, RH), STATUS_SUCCESS);
	(void)opened(t, &t->b);
	assert_status(answer_lease(t, &t->a, 1, RH), STATUS_UNSUCCESSFUL);
}

static void test_lease(void **state)
{
	check_lease(*state, 1);
}

static void test_lease_v2(void **state)
{
	check_lease(*state, 2);
}

/* 3.3.5.9.8: one key, one file; and what is refused is not made. */
static void test_key_of_another_file(void **state)
{
	struct two *t = *state;
	const struct smb2_lease wanted = lease_wanted(2, 1, RWH);
	uint8_t utf16[] = {'g', 0};
	struct smb2_create_request create = {
		.requested_oplock_level = SMB2_OPLOCK_LEVEL_LEASE,
		.impersonation_level = SMB2_IMPERSONATION_IMPERSONATION,
		.desired_access = ACCESS,
		.share_access = SHARE_ALL,
		.create_disposition = FILE_OPEN_IF,
		.name = {utf16, sizeof(utf16)},
		.contexts = {.present = SMB2_CREATE_REQUEST_LEASE, .lease = wanted},
	};

	(void)open_lease(t, &t->a, &wanted);
	for (unsigned i = 0; i < 2; i++) {
		create.create_disposition = i ? FILE_OPEN : FILE_OPEN_IF;
		msg_begin(&t->a, &t->m, SMB2_CREATE);
		smb2_create_request_encode(&t->m.w, &create);
		msg_send(&t->a, &t->m);
		recv_final(t, &t->a);
		assert_status(t->r.header.status,
			      i ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_INVALID_PARAMETER);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_batch),
		TEST(test_batch_closes),
		TEST(test_write),
		TEST(test_write_fails_half_way),
		TEST(test_cancel),
		cmocka_unit_test_setup_teardown(test_timeout, setup_impatient, teardown),
		TEST(test_holder_vanishes),
		TEST(test_lease),
		TEST(test_lease_v2),
		TEST(test_key_of_another_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
