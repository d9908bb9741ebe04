/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A READ or WRITE that is like the ones before it allocates nothing, from the socket to the file
 * and back: counted on the server's thread, from one handler's start to the next one's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "smbd/cmd/file_commands.h"
#include "tests/fake/malloc_count.h"
#include "tests/fake/remote.h"
#include "tests/fake/verbs.h"
#include "tests/fake/world.h"

#define BLOCK    16384
#define WARMING  300
#define MEASURED 200

static struct msg msg;
static struct reply reply;
static atomic_ulong at_start; /* the server's thread's count when the latest handler began */

static struct nt_status counted_read(struct request *req)
{
	atomic_store(&at_start, malloc_count_thread());
	return cmd_read(req);
}

static struct nt_status counted_write(struct request *req)
{
	atomic_store(&at_start, malloc_count_thread());
	return cmd_write(req);
}

static void commands_of_test(struct command_table *table)
{
	table->by_number[SMB2_READ].handle = counted_read;
	table->by_number[SMB2_WRITE].handle = counted_write;
}

static void call_write(struct peer *p, struct smb2_file_id id, unsigned i)
{
	static uint8_t data[BLOCK];

	memset(data, (int)i, sizeof(data));
	msg_begin(p, &msg, SMB2_WRITE);
	put_write(&msg, id, i % 4 * BLOCK, data, BLOCK);
	assert_int_equal(peer_finish(p, &msg, &reply).value, STATUS_SUCCESS.value);
}

static void call_read(struct peer *p, struct smb2_file_id id, unsigned i)
{
	msg_begin(p, &msg, SMB2_READ);
	put_read(&msg, id, i % 4 * BLOCK, BLOCK);
	assert_int_equal(peer_finish(p, &msg, &reply).value, STATUS_SUCCESS.value);
	assert_int_equal(reply.len, 80 + BLOCK);
}

/* What the calls between two handlers' starts have allocated on the server's thread. */
static unsigned long allocations(struct peer *p, struct smb2_file_id id,
				 void (*call)(struct peer *, struct smb2_file_id, unsigned))
{
	unsigned long first = 0;

	for (unsigned i = 0; i < WARMING + MEASURED; i++) {
		call(p, id, i);
		if (i == WARMING)
			first = atomic_load(&at_start);
	}
	return atomic_load(&at_start) - first;
}

/* ---- by RDMA ---- */

static uint8_t memory[2 * BLOCK + 64];
static struct remote remote = {.memory = memory};

static uint32_t channel_of(unsigned i)
{
	return i & 1 ? REMOTE_INV : REMOTE_V1;
}

static void call_write_remote(struct peer *p, struct smb2_file_id id, unsigned i)
{
	remote_expose(&remote, 1, 2 * BLOCK, 1 + i % 8);
	assert_int_equal(
		remote_write(p, id, i % 4 * BLOCK, 2 * BLOCK, channel_of(i), &remote, &reply).value,
		STATUS_SUCCESS.value);
	fake_verbs_unexpose_all();
}

static void call_read_remote(struct peer *p, struct smb2_file_id id, unsigned i)
{
	remote_expose(&remote, 1, 2 * BLOCK, 1 + i % 8);
	assert_int_equal(
		remote_read(p, id, i % 4 * BLOCK, 2 * BLOCK, channel_of(i), &remote, &reply).value,
		STATUS_SUCCESS.value);
	fake_verbs_unexpose_all();
}

static void test_remote(void **state)
{
	const struct fake_verbs_config fabric = {.seed = 1};
	struct world *w = world_create(
		&(struct world_config){.commands = commands_of_test, .fabric = &fabric});
	struct signer *signer;
	struct smb2_file_id id;
	struct peer p;

	peer_connect_direct(w, &p);
	peer_begin(&p, SMB2_DIALECT_311);
	signer = p.signer;
	p.signer = NULL;
	assert_int_equal(peer_create(&p, "warm", &id).value, STATUS_SUCCESS.value);
	assert_int_equal(allocations(&p, id, call_write_remote), 0);
	if (malloc_counted())
		assert_true(atomic_load(&at_start) > 0);
	assert_int_equal(allocations(&p, id, call_read_remote), 0);
	p.signer = signer;
	peer_close(&p);
	world_destroy(w);
}

static void check(bool sign)
{
	struct world *w = world_create(&(struct world_config){.commands = commands_of_test});
	struct signer *signer;
	struct smb2_file_id id;
	struct peer p;

	peer_connect_tcp(w, &p);
	p.gmac = true; /* HMAC allocates inside OpenSSL; CMAC and GMAC do not */
	peer_negotiate(&p, SMB2_DIALECT_311);
	peer_login(&p);
	assert_int_equal(peer_tree_connect(&p, "share").value, STATUS_SUCCESS.value);
	signer = p.signer;
	if (!sign)
		p.signer = NULL;
	assert_int_equal(peer_create(&p, "warm", &id).value, STATUS_SUCCESS.value);
	assert_int_equal(allocations(&p, id, call_write), 0);
	if (malloc_counted()) /* or nothing is proved: logging in does allocate */
		assert_true(atomic_load(&at_start) > 0);
	assert_int_equal(allocations(&p, id, call_read), 0);
	p.signer = signer;
	peer_close(&p);
	world_destroy(w);
}

static void test_unsigned(void **state)
{
	check(false);
}

static void test_signed(void **state)
{
	check(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unsigned),
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_remote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
