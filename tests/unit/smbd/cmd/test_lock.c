/* SPDX-License-Identifier: Apache-2.0 */
/* LOCK, [MS-SMB2] 3.3.5.14, on the wire: what a request may ask for, waiting and its ends, replays,
 * READ and WRITE, and the locks of local processes. The rules of the locks are file/test_lock.c's.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "smbd/session/server.h"
#include "smbd/wire/empty.h"
#include "smbd/wire/lock.h"
#include "tests/fake/files.h"

#define RW     (FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE)
#define SHARED SMB2_LOCKFLAG_SHARED_LOCK
#define EXCL   SMB2_LOCKFLAG_EXCLUSIVE_LOCK
#define UNLOCK SMB2_LOCKFLAG_UNLOCK
#define NOW    SMB2_LOCKFLAG_FAIL_IMMEDIATELY

static struct world *world;
static struct peer peer, other;
static struct msg msg;
static struct reply reply;

static void with_channels(struct server_config *config)
{
	config->multi_channel = true;
}

static int setup(void **state)
{
	world = world_create(&(struct world_config){.server = with_channels});
	peer_start(world, &peer, SMB2_DIALECT_311);
	peer_start(world, &other, SMB2_DIALECT_210);
	return 0;
}

static int teardown(void **state)
{
	peer_close(&other);
	peer_close(&peer);
	world_destroy(world);
	return 0;
}

static struct smb2_file_id make(struct peer *p)
{
	return file_open(p, "f", RW, FILE_OPEN_IF, 0);
}

static void lock_begin(struct peer *p, struct smb2_file_id id, uint32_t sequence,
		       const struct smb2_lock_element *elements, uint16_t count)
{
	struct smb2_lock_request in = {.lock_count = count,
				       .lock_sequence_number = sequence & 0xf,
				       .lock_sequence_index = sequence >> 4,
				       .file_id = id};

	msg_begin(p, &msg, SMB2_LOCK);
	smb2_lock_request_encode(&msg.w, &in, elements);
}

static struct nt_status lock_many(struct peer *p, struct smb2_file_id id, uint32_t sequence,
				  const struct smb2_lock_element *elements, uint16_t count)
{
	struct nt_status status;

	lock_begin(p, id, sequence, elements, count);
	status = peer_call(p, &msg, &reply);
	if (nt_success(status))
		assert_true(smb2_empty_decode(&reply.rd));
	return status;
}

static struct nt_status lock(struct peer *p, struct smb2_file_id id, uint64_t offset,
			     uint64_t length, uint32_t flags)
{
	return lock_many(p, id, 0, &(struct smb2_lock_element){offset, length, flags}, 1);
}

/* One that is to wait: its message id, and its async id from the interim answer. */
struct pending {
	uint64_t message_id, async_id;
};

static struct pending lock_pending(struct peer *p, struct smb2_file_id id, uint64_t offset,
				   uint64_t length, uint32_t flags)
{
	struct pending pending = {.message_id = p->message_id};

	lock_begin(p, id, 0, &(struct smb2_lock_element){offset, length, flags}, 1);
	msg_send(p, &msg);
	reply_recv(p, &reply);
	assert_status(reply.header.status, STATUS_PENDING);
	assert_int_equal(reply.header.message_id, pending.message_id);
	pending.async_id = reply.header.async_id;
	return pending;
}

static void expect_final(struct peer *p, struct pending pending, struct nt_status wanted)
{
	reply_recv(p, &reply);
	assert_int_equal(reply.header.message_id, pending.message_id);
	assert_int_equal(reply.header.async_id, pending.async_id);
	assert_string_equal(nt_status_name(reply.header.status), nt_status_name(wanted));
}

static void cancel(struct peer *p, struct pending pending)
{
	uint64_t next = p->message_id;

	msg_begin(p, &msg, SMB2_CANCEL);
	put_empty(&msg);
	p->message_id = next;
	msg_set_u32(&msg, SMB2_HEADER_OFFSET_FLAGS, SMB2_FLAGS_ASYNC_COMMAND);
	msg_set_u64(&msg, 32, pending.async_id);
	msg_send(p, &msg);
}

/* ---- what may be asked for ---- */

static void test_malformed(void **state)
{
	struct smb2_file_id id = make(&peer), looks, dir;
	const struct smb2_lock_element one = {0, 1, EXCL | NOW};

	assert_status(lock_many(&peer, id, 0, &one, 0), STATUS_INVALID_PARAMETER);
	assert_status(lock(&peer, id, 0, 1, 0), STATUS_INVALID_PARAMETER);
	assert_status(lock(&peer, id, 0, 1, NOW), STATUS_INVALID_PARAMETER);
	assert_status(lock(&peer, id, 0, 1, SHARED | EXCL | NOW), STATUS_INVALID_PARAMETER);
	assert_status(lock(&peer, id, 0, 1, UNLOCK | NOW), STATUS_INVALID_PARAMETER);
	assert_status(lock(&peer, id, 0, 1, EXCL | NOW | 0x20), STATUS_INVALID_PARAMETER);
	assert_status(lock(&peer, id, UINT64_MAX, 2, EXCL), STATUS_INVALID_LOCK_RANGE);
	/* more elements than there are */
	lock_begin(&peer, id, 0, &one, 1);
	msg_set_u16(&msg, SMB2_HEADER_SIZE + 2, 2);
	assert_status(peer_call(&peer, &msg, &reply), STATUS_INVALID_PARAMETER);
	file_close_ok(&peer, id);
	assert_status(lock(&peer, id, 0, 1, EXCL | NOW), STATUS_FILE_CLOSED);

	looks = file_open(&peer, "f", FILE_READ_ATTRIBUTES | DELETE, FILE_OPEN, 0);
	assert_status(lock(&peer, looks, 0, 1, SHARED | NOW), STATUS_ACCESS_DENIED);
	file_close_ok(&peer, looks);
	dir = file_open(&peer, "", FILE_READ_DATA, FILE_OPEN, 0);
	assert_status(lock(&peer, dir, 0, 1, SHARED | NOW), STATUS_INVALID_PARAMETER);
	file_close_ok(&peer, dir);
}

/* 3.3.5.14.2: of several, none may wait; all or none. 3.3.5.14.1: unlocks go one by one. */
static void test_arrays(void **state)
{
	struct smb2_file_id id = make(&peer), his = make(&other);
	struct smb2_lock_element two[] = {{0, 10, EXCL | NOW}, {20, 10, EXCL | NOW}};

	two[1].flags = EXCL;
	assert_status(lock_many(&peer, id, 0, two, 2), STATUS_INVALID_PARAMETER);
	two[1].flags = UNLOCK;
	assert_status(lock_many(&peer, id, 0, two, 2), STATUS_INVALID_PARAMETER);
	two[1].flags = EXCL | NOW;
	assert_status(lock(&other, his, 25, 1, SHARED | NOW), STATUS_SUCCESS);
	assert_status(lock_many(&peer, id, 0, two, 2), STATUS_LOCK_NOT_GRANTED);
	assert_status(lock(&other, his, 0, 10, EXCL | NOW), STATUS_SUCCESS);
	assert_status(lock(&other, his, 0, 10, UNLOCK), STATUS_SUCCESS);
	assert_status(lock(&other, his, 25, 1, UNLOCK), STATUS_SUCCESS);
	assert_status(lock_many(&peer, id, 0, two, 2), STATUS_SUCCESS);
	two[0].flags = UNLOCK;
	assert_status(lock_many(&peer, id, 0, two, 2), STATUS_INVALID_PARAMETER);
	assert_status(lock(&peer, id, 0, 10, UNLOCK), STATUS_RANGE_NOT_LOCKED);
	assert_status(lock(&peer, id, 20, 10, UNLOCK), STATUS_SUCCESS);
	file_close_ok(&other, his);
	file_close_ok(&peer, id);
}

/* ---- waiting ---- */

static void test_granted_after_a_wait(void **state)
{
	struct smb2_file_id id = make(&peer), his = make(&other);
	struct pending pending;

	assert_status(lock(&peer, id, 0, 10, EXCL), STATUS_SUCCESS);
	pending = lock_pending(&other, his, 5, 10, SHARED);
	assert_status(lock(&peer, id, 0, 10, UNLOCK), STATUS_SUCCESS);
	expect_final(&other, pending, STATUS_SUCCESS);
	assert_status(lock(&peer, id, 14, 1, EXCL | NOW), STATUS_LOCK_NOT_GRANTED);
	/* the end of an open unlocks */
	pending = lock_pending(&peer, id, 14, 1, EXCL);
	file_close_ok(&other, his);
	expect_final(&peer, pending, STATUS_SUCCESS);
	file_close_ok(&peer, id);
}

static void test_cancelled(void **state)
{
	struct smb2_file_id id = make(&peer), his = make(&other);
	struct pending pending;

	assert_status(lock(&peer, id, 0, 10, EXCL), STATUS_SUCCESS);
	pending = lock_pending(&other, his, 0, 10, EXCL);
	cancel(&other, pending);
	expect_final(&other, pending, STATUS_CANCELLED);
	assert_status(lock(&peer, id, 0, 10, UNLOCK), STATUS_SUCCESS);
	assert_status(lock(&peer, id, 0, 10, EXCL | NOW), STATUS_SUCCESS);
	file_close_ok(&other, his);
	file_close_ok(&peer, id);
}

/* What ends with the open says so, as Windows has it. */
static void test_closed_while_it_waits(void **state)
{
	struct smb2_file_id id = make(&peer), his = make(&other);
	struct pending pending;
	uint64_t close_id;
	bool closed = false, ended = false;

	assert_status(lock(&peer, id, 0, 10, EXCL), STATUS_SUCCESS);
	pending = lock_pending(&other, his, 0, 10, EXCL);
	close_id = other.message_id;
	msg_begin(&other, &msg, SMB2_CLOSE);
	put_close(&msg, his);
	msg_send(&other, &msg);
	for (unsigned i = 0; i < 2; i++) {
		reply_recv(&other, &reply);
		if (reply.header.message_id == close_id) {
			assert_status(reply.header.status, STATUS_SUCCESS);
			closed = true;
		} else {
			assert_int_equal(reply.header.message_id, pending.message_id);
			assert_status(reply.header.status, STATUS_RANGE_NOT_LOCKED);
			ended = true;
		}
	}
	assert_true(closed && ended);
	file_close_ok(&peer, id);
}

/* A client that goes, with locks held and waited for, leaves none. */
static void test_gone(void **state)
{
	struct smb2_file_id id = make(&peer);
	struct pending pending;
	struct peer p;

	peer_start(world, &p, SMB2_DIALECT_302);
	assert_status(lock(&p, make(&p), 0, 10, EXCL), STATUS_SUCCESS);
	assert_status(lock(&peer, id, 20, 10, EXCL), STATUS_SUCCESS);
	(void)lock_pending(&p, make(&p), 20, 10, EXCL);
	pending = lock_pending(&peer, id, 0, 10, EXCL);
	peer_close(&p);
	expect_final(&peer, pending, STATUS_SUCCESS);
	file_close_ok(&peer, id);
}

/* What waits cannot be answered in the middle of a compound. */
static void test_in_a_compound(void **state)
{
	struct smb2_file_id id = make(&peer), his = make(&other);
	const struct smb2_lock_request in = {.lock_count = 1, .file_id = his};

	assert_status(lock(&peer, id, 0, 10, EXCL), STATUS_SUCCESS);
	lock_begin(&other, his, 0, &(struct smb2_lock_element){0, 10, EXCL}, 1);
	msg_next(&other, &msg, SMB2_LOCK, 0);
	smb2_lock_request_encode(&msg.w, &in, &(struct smb2_lock_element){50, 1, EXCL});
	msg_send(&other, &msg);
	reply_recv(&other, &reply);
	assert_status(reply.header.status, STATUS_INTERNAL_ERROR);
	assert_true(reply_next(&other, &reply));
	assert_status(reply.header.status, STATUS_SUCCESS);
	file_close_ok(&other, his);
	file_close_ok(&peer, id);
}

/* ---- READ and WRITE, [MS-SMB2] 3.3.5.12, 3.3.5.13 ---- */

static void test_reading_and_writing(void **state)
{
	struct smb2_file_id id = make(&peer), his = make(&other);
	struct wire_blob data;
	uint32_t n;

	assert_status(file_write(&peer, id, 0, "0123456789", 10, &n), STATUS_SUCCESS);
	assert_status(lock(&peer, id, 2, 2, EXCL | NOW), STATUS_SUCCESS);
	assert_status(lock(&peer, id, 6, 2, SHARED | NOW), STATUS_SUCCESS);
	assert_status(file_read(&other, his, 0, 3, 0, &data), STATUS_FILE_LOCK_CONFLICT);
	assert_status(file_write(&other, his, 3, "x", 1, &n), STATUS_FILE_LOCK_CONFLICT);
	assert_status(file_read(&other, his, 3, 0, 0, &data), STATUS_SUCCESS);
	assert_status(file_read(&other, his, 4, 6, 0, &data), STATUS_SUCCESS);
	assert_status(file_write(&other, his, 4, "xxx", 3, &n), STATUS_FILE_LOCK_CONFLICT);
	assert_status(file_write(&peer, id, 4, "xxx", 3, &n), STATUS_FILE_LOCK_CONFLICT);
	assert_status(file_write(&peer, id, 2, "xx", 2, &n), STATUS_SUCCESS);
	assert_status(file_write(&other, his, 4, "xx", 2, &n), STATUS_SUCCESS);
	file_close_ok(&other, his);
	file_close_ok(&peer, id);
}

/* ---- LockSequence, 3.3.5.14 ---- */

static void test_replayed(void **state)
{
	const struct smb2_lock_element take = {0, 1, EXCL | NOW}, drop = {0, 1, UNLOCK};
	struct smb2_file_id id = make(&peer);

	for (unsigned i = 0; i < 2; i++) /* index 1, number 3: done once */
		assert_status(lock_many(&peer, id, 0x13, &take, 1), STATUS_SUCCESS);
	assert_status(lock_many(&peer, id, 0x14, &take, 1), STATUS_LOCK_NOT_GRANTED);
	/* what failed is not remembered, nor what was before it */
	assert_status(lock_many(&peer, id, 0x13, &take, 1), STATUS_LOCK_NOT_GRANTED);
	for (unsigned i = 0; i < 2; i++)
		assert_status(lock_many(&peer, id, 0x402, &drop, 1), STATUS_SUCCESS);
	assert_status(lock_many(&peer, id, 0x403, &drop, 1), STATUS_RANGE_NOT_LOCKED);
	/* no index, and one too many */
	assert_status(lock_many(&peer, id, 0x001, &take, 1), STATUS_SUCCESS);
	assert_status(lock_many(&peer, id, 0x001, &take, 1), STATUS_LOCK_NOT_GRANTED);
	assert_status(lock_many(&peer, id, 0x411, &drop, 1), STATUS_SUCCESS);
	assert_status(lock_many(&peer, id, 0x411, &drop, 1), STATUS_RANGE_NOT_LOCKED);
	file_close_ok(&peer, id);

	id = make(&other); /* 2.1 has no channels to lose an answer on */
	assert_status(lock_many(&other, id, 0x11, &take, 1), STATUS_SUCCESS);
	assert_status(lock_many(&other, id, 0x11, &take, 1), STATUS_LOCK_NOT_GRANTED);
	file_close_ok(&other, id);
}

/* ---- local processes: `posix locking` ---- */

static int local_open(void)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/data/f", world_directory(world));
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static bool local_lock(int fd, short type, off_t offset, off_t length)
{
	struct flock range = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = offset, .l_len = length};

	return fcntl(fd, F_OFD_SETLK, &range) == 0;
}

static void test_local_processes(void **state)
{
	struct smb2_file_id id = make(&peer);
	struct pending pending;
	int fd = local_open();

	assert_status(lock(&peer, id, 0, 10, EXCL | NOW), STATUS_SUCCESS);
	assert_status(lock(&peer, id, 5, 2, SHARED | NOW), STATUS_SUCCESS);
	assert_status(lock(&peer, id, UINT64_MAX - 5, 5, EXCL | NOW), STATUS_SUCCESS);
	assert_false(local_lock(fd, F_RDLCK, 9, 1));
	assert_true(local_lock(fd, F_WRLCK, 10, 1));
	assert_status(lock(&peer, id, 10, 1, SHARED | NOW), STATUS_LOCK_NOT_GRANTED);
	/* what was below another lock stays */
	assert_status(lock(&peer, id, 0, 10, UNLOCK), STATUS_SUCCESS);
	assert_true(local_lock(fd, F_WRLCK, 0, 5));
	assert_true(local_lock(fd, F_RDLCK, 5, 2));
	assert_false(local_lock(fd, F_WRLCK, 6, 1));
	/* nobody tells us when he lets go: it is looked for */
	pending = lock_pending(&peer, id, 10, 1, EXCL);
	assert_true(local_lock(fd, F_UNLCK, 10, 1));
	expect_final(&peer, pending, STATUS_SUCCESS);
	assert_false(local_lock(fd, F_WRLCK, 10, 1));
	file_close_ok(&peer, id);
	assert_true(local_lock(fd, F_WRLCK, 0, 0));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_arrays),
		cmocka_unit_test(test_granted_after_a_wait),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_closed_while_it_waits),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_in_a_compound),
		cmocka_unit_test(test_reading_and_writing),
		cmocka_unit_test(test_replayed),
		cmocka_unit_test(test_local_processes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
