/* SPDX-License-Identifier: Apache-2.0 */
/*
 * READ and WRITE by RDMA where they meet something else: what is refused, compounds, slow requests,
 * a dry pool, devices that cannot, and clients that go in the middle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "rdma/listener.h"
#include "smbd/cmd/file_commands.h"
#include "smbd/session/server.h"
#include "tests/fake/direct_peer.h"
#include "tests/fake/files.h"
#include "tests/fake/remote.h"
#include "tests/fake/verbs.h"
#include "transport/fiber/fiber.h"

#define RW      (FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE)
#define MIB     (1u << 20)
#define V1      REMOTE_V1
#define INV     REMOTE_INV
#define SLOW_AT 0x5100000000ull /* a READ here takes its time */
#define RELATED SMB2_FLAGS_RELATED_OPERATIONS

static const struct smb2_file_id same = {UINT64_MAX, UINT64_MAX};

static struct world *world;
static struct peer peer;
static struct signer *signer; /* of a peer that does not sign */
static struct msg msg;
static struct reply reply;
static uint8_t memory[3][9 * MIB]; /* the client's */
static uint8_t content[8 * MIB];
static struct remote remote[3] = {
	{.memory = memory[0]}, {.memory = memory[1]}, {.memory = memory[2]}};

static struct nt_status slow_read(struct request *req)
{
	struct rd in = req->in;
	struct smb2_read_request read;

	if (smb2_read_request_decode(&in, &read) && read.offset == SLOW_AT)
		fiber_sleep(100 * 1000000ull);
	return cmd_read(req);
}

static void commands_of_test(struct command_table *table)
{
	table->by_number[SMB2_READ].handle = slow_read;
}

static void server_of_test(struct server_config *config)
{
	config->max_read = 8 * MIB;
	config->max_write = 8 * MIB;
}

static void make_world(const struct fake_verbs_config *fabric, const char *settings,
		       size_t pool_bytes)
{
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i * 13 + (i >> 9));
	world = world_create(&(struct world_config){.fabric = fabric,
						    .settings = settings,
						    .pool_bytes = pool_bytes,
						    .commands = commands_of_test,
						    .server = server_of_test});
}

/* Not signing, if it need not. */
static void start(struct peer *p, uint16_t dialect)
{
	peer_connect_direct(world, p);
	peer_begin(p, dialect);
	remote_credits(p);
}

static void start_unsigned(struct peer *p, uint16_t dialect, struct signer **out)
{
	start(p, dialect);
	*out = p->signer;
	p->signer = NULL;
}

static void end(struct peer *p, struct signer *s)
{
	p->signer = s;
	peer_close(p);
}

static int setup_with(const struct fake_verbs_config *fabric, uint16_t dialect)
{
	make_world(fabric, NULL, 0);
	start_unsigned(&peer, dialect, &signer);
	return 0;
}

static int setup(void **state)
{
	return setup_with(&(struct fake_verbs_config){.seed = 11}, SMB2_DIALECT_311);
}

static int setup_210(void **state)
{
	return setup_with(&(struct fake_verbs_config){.seed = 12}, SMB2_DIALECT_210);
}

static int setup_no_invalidate(void **state)
{
	return setup_with(&(struct fake_verbs_config){.seed = 13, .no_invalidate = true},
			  SMB2_DIALECT_311);
}

static int destroy_world(void **state)
{
	fake_verbs_unexpose_all();
	assert_int_equal(world_bufs_out(world), 0);
	world_destroy(world);
	return 0;
}

static int teardown(void **state)
{
	end(&peer, signer);
	return destroy_world(state);
}

static void fill(struct peer *p, struct smb2_file_id id, uint32_t len)
{
	remote_expose(&remote[0], 3, len, 1);
	remote_scatter(&remote[0], content, len);
	assert_status(remote_write(p, id, 0, len, V1, &remote[0], &reply), STATUS_SUCCESS);
	fake_verbs_unexpose_all();
}

static struct smb2_file_id make(uint32_t len)
{
	struct smb2_file_id id = file_open(&peer, "f", RW, FILE_OVERWRITE_IF, 0);

	fill(&peer, id, len);
	return id;
}

static void expect_content(unsigned which, uint64_t offset, uint32_t len)
{
	uint8_t *back = malloc(len);

	remote_gather(&remote[which], back, len);
	assert_memory_equal(back, content + offset, len);
	free(back);
}

/* ---- refused ---- */

/* [MS-SMB2] 3.3.5.12: the transport is not RDMA. */
static void refused_on_tcp(void **state)
{
	struct signer *s;
	struct smb2_file_id id;
	struct peer tcp;

	peer_connect_tcp(world, &tcp);
	peer_begin(&tcp, SMB2_DIALECT_311);
	s = tcp.signer;
	tcp.signer = NULL;
	id = file_open(&tcp, "f", RW, FILE_OVERWRITE_IF, 0);
	remote_expose(&remote[0], 0, 4096, 1);
	assert_status(remote_read(&tcp, id, 0, 4096, V1, &remote[0], &reply),
		      STATUS_INVALID_PARAMETER);
	assert_status(remote_write(&tcp, id, 0, 4096, INV, &remote[0], &reply),
		      STATUS_INVALID_PARAMETER);
	file_close_ok(&tcp, id);
	end(&tcp, s);
}

static void refused_on_pipes(void **state)
{
	struct smb2_file_id id;
	uint32_t share = peer.tree_id;

	peer.signer = signer; /* 3.1.1 wants that of a TREE_CONNECT */
	assert_status(peer_tree_connect(&peer, "IPC$"), STATUS_SUCCESS);
	peer.signer = NULL;
	id = file_open(&peer, "srvsvc", FILE_GENERIC_READ | FILE_GENERIC_WRITE, FILE_OPEN, 0);
	remote_expose(&remote[0], 0, 4096, 1);
	assert_status(remote_read(&peer, id, 0, 4096, V1, &remote[0], &reply),
		      STATUS_INVALID_PARAMETER);
	assert_status(remote_write(&peer, id, 0, 4096, INV, &remote[0], &reply),
		      STATUS_INVALID_PARAMETER);
	assert_false(remote_exposed(&remote[0], 0));
	file_close_ok(&peer, id);
	peer.tree_id = share;
}

/* 2.2.19: before 3.0 Channel is reserved: the READ is one of a message. */
static void ignored_before_3_0(void **state)
{
	struct smb2_file_id id = file_open(&peer, "f", RW, FILE_OVERWRITE_IF, 0);
	struct smb2_read_response out;
	uint32_t n;

	assert_status(file_write(&peer, id, 0, content, 4096, &n), STATUS_SUCCESS);
	remote_expose(&remote[0], 0, 4096, 1);
	assert_status(remote_read(&peer, id, 0, 4096, INV, &remote[0], &reply), STATUS_SUCCESS);
	assert_true(smb2_read_response_decode(&reply.rd, &out));
	assert_int_equal(out.data.len, 4096);
	assert_memory_equal(out.data.data, content, 4096);
	assert_true(remote_exposed(&remote[0], 0));
	file_close_ok(&peer, id);
}

/* Where signing is demanded nothing goes around it, and the token is void nevertheless. */
static void fact_31_refused_where_signing_is_demanded(void **state)
{
	struct smb2_file_id id;
	uint32_t n;

	make_world(&(struct fake_verbs_config){.seed = 14}, "server signing = mandatory", 0);
	start(&peer, SMB2_DIALECT_311);
	id = file_open(&peer, "f", RW, FILE_OVERWRITE_IF, 0);
	for (unsigned i = 0; i < 4; i++) {
		uint32_t channel = i & 1 ? INV : V1;

		remote_expose(&remote[0], 0, 4096, 1);
		assert_status(i & 2 ? remote_read(&peer, id, 0, 4096, channel, &remote[0], &reply)
				    : remote_write(&peer, id, 0, 4096, channel, &remote[0], &reply),
			      STATUS_INVALID_PARAMETER);
		assert_true(reply.signature_ok);
		assert_int_equal(remote_exposed(&remote[0], 0), channel == V1);
		fake_verbs_unexpose_all();
	}
	/* fragmented messages instead, protocol-facts 13 */
	assert_status(file_write(&peer, id, 0, content, 60000, &n), STATUS_SUCCESS);
	assert_int_equal(n, 60000);
	file_close_ok(&peer, id);
	peer_close(&peer);
}

/* Microsoft's client signs its requests by RDMA where it need not, and Windows serves them. */
static void served_though_signed(void **state)
{
	struct smb2_file_id id = make(65536);

	peer.signer = signer;
	remote_expose(&remote[0], 0, 65536, 2);
	assert_status(remote_read(&peer, id, 0, 65536, INV, &remote[0], &reply), STATUS_SUCCESS);
	assert_true(reply.signature_ok);
	expect_content(0, 0, 65536);
	file_close_ok(&peer, id);
	peer.signer = NULL;
}

/* protocol-facts 30: an announced maximum of 0 would hang clients, and 2 MiB is what they use. */
static void fact_30_max_readwrite_size(void **state)
{
	const struct sockaddr_in v4 = {.sin_family = AF_INET,
				       .sin_port = htons(DIRECT_PORT),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct direct_negotiate_req req = direct_peer_request();
	struct sockaddr_storage to = {0};
	struct direct_negotiate_rsp rsp;
	struct direct_peer *p;
	struct smb2_file_id id = make(2 * MIB);

	remote_expose(&remote[0], 0, 2 * MIB, 1);
	assert_status(remote_read(&peer, id, 0, 2 * MIB, INV, &remote[0], &reply), STATUS_SUCCESS);
	expect_content(0, 0, 2 * MIB);
	assert_status(remote_read(&peer, id, 0, 8 * MIB + 1, V1, &remote[0], &reply),
		      STATUS_INVALID_PARAMETER);
	file_close_ok(&peer, id);

	memcpy(&to, &v4, sizeof(v4));
	p = direct_peer_connect(&to, 255);
	assert_true(direct_peer_negotiate(p, &req, &rsp));
	assert_int_equal(rsp.max_readwrite_size, 8 * MIB);
	direct_peer_close(p);
}

static void a_device_that_cannot_invalidate_answers_plainly(void **state)
{
	struct smb2_file_id id = make(4096);

	remote_expose(&remote[0], 0, 4096, 1);
	assert_status(remote_read(&peer, id, 0, 4096, INV, &remote[0], &reply), STATUS_SUCCESS);
	assert_true(remote_exposed(&remote[0], 0));
	expect_content(0, 0, 4096);
	file_close_ok(&peer, id);
}

/* ---- compounds ---- */

static uint32_t placed(void)
{
	struct smb2_read_response out;

	assert_true(smb2_read_response_decode(&reply.rd, &out));
	assert_int_equal(out.data.len, 0);
	return out.data_remaining;
}

/* Of the next of the compound. On a busy machine the last may be in a message of its own. */
static struct nt_status next_final(void)
{
	assert_true(reply_next(&peer, &reply));
	if (nt_equal(reply.header.status, STATUS_PENDING))
		reply_recv(&peer, &reply);
	return reply.header.status;
}

/* CREATE, WRITE, READ, READ past the end of it, CLOSE in one message. */
static void compounds_place_what_each_reads(void **state)
{
	remote_expose(&remote[0], 0, 100000, 3);
	remote_scatter(&remote[0], content, 100000);
	remote_expose(&remote[1], 0, 60000, 2);
	remote_expose(&remote[2], 0, 60000, 12);
	remote_begin(&peer, &msg, SMB2_CREATE, 0);
	put_create(&msg, "c", RW, FILE_OVERWRITE_IF);
	remote_next(&peer, &msg, SMB2_WRITE, RELATED, 100000);
	put_write_remote(&msg, same, 0, 100000, V1, &remote[0]);
	remote_next(&peer, &msg, SMB2_READ, RELATED, 60000);
	put_read_remote(&msg, same, 0, 60000, INV, &remote[1]);
	remote_next(&peer, &msg, SMB2_READ, RELATED, 60000);
	put_read_remote(&msg, same, 50000, 60000, INV, &remote[2]);
	remote_next(&peer, &msg, SMB2_CLOSE, RELATED, 0);
	put_close(&msg, same);
	assert_status(peer_finish(&peer, &msg, &reply), STATUS_SUCCESS);
	if (reply.next) /* unless a busy machine had an interim answer sent, with all but the last
			 */
		assert_true(reply_next(&peer, &reply));
	assert_status(reply.header.status, STATUS_SUCCESS);
	assert_true(reply_next(&peer, &reply));
	assert_int_equal(placed(), 60000);
	assert_true(reply_next(&peer, &reply));
	assert_int_equal(placed(), 50000);
	expect_content(1, 0, 60000);
	expect_content(2, 50000, 50000);
	/* one token goes with a message: the first */
	assert_false(remote_exposed(&remote[1], 0));
	assert_true(remote_exposed(&remote[2], 0));
}

/* All of a compound is placed with one message, which has its bound; what is beyond is refused. */
static void compounds_have_the_bound_of_one_message(void **state)
{
	struct smb2_file_id id = make(5 * MIB);

	remote_expose(&remote[0], 0, 5 * MIB, 1);
	remote_expose(&remote[1], 0, 5 * MIB, 1);
	remote_begin(&peer, &msg, SMB2_READ, 5 * MIB);
	put_read_remote(&msg, id, 0, 5 * MIB, V1, &remote[0]);
	remote_next(&peer, &msg, SMB2_READ, 0, 5 * MIB);
	put_read_remote(&msg, id, 0, 5 * MIB, INV, &remote[1]);
	assert_status(peer_finish(&peer, &msg, &reply), STATUS_SUCCESS);
	assert_int_equal(placed(), 5 * MIB);
	assert_status(next_final(), STATUS_INSUFFICIENT_RESOURCES);
	assert_false(remote_exposed(&remote[1], 0));
	expect_content(0, 0, 5 * MIB);
	file_close_ok(&peer, id);
}

/* What is fetched for one WRITE is done with before the next. */
static void compounds_write_more_than_that(void **state)
{
	struct smb2_file_id id = file_open(&peer, "f", RW, FILE_OVERWRITE_IF, 0);

	for (unsigned i = 0; i < 2; i++) {
		remote_expose(&remote[i], 0, 6 * MIB, 1);
		remote_scatter(&remote[i], content + i * MIB, 6 * MIB);
	}
	remote_begin(&peer, &msg, SMB2_WRITE, 6 * MIB);
	put_write_remote(&msg, id, 0, 6 * MIB, V1, &remote[0]);
	remote_next(&peer, &msg, SMB2_WRITE, 0, 6 * MIB);
	put_write_remote(&msg, id, MIB, 6 * MIB, V1, &remote[1]);
	assert_status(peer_finish(&peer, &msg, &reply), STATUS_SUCCESS);
	assert_status(next_final(), STATUS_SUCCESS);
	remote_expose(&remote[2], 1, 7 * MIB, 1);
	assert_status(remote_read(&peer, id, 0, 7 * MIB, V1, &remote[2], &reply), STATUS_SUCCESS);
	expect_content(2, 0, 7 * MIB);
	file_close_ok(&peer, id);
}

/* ---- nobody waits for another ---- */

static void one_slow_request_holds_no_other(void **state)
{
	struct smb2_file_id id = make(65536);
	uint64_t slow = peer.message_id;

	remote_expose(&remote[0], 0, 4096, 1);
	remote_expose(&remote[1], 0, 65536, 5);
	remote_begin(&peer, &msg, SMB2_READ, 4096);
	put_read_remote(&msg, id, SLOW_AT, 4096, INV, &remote[0]);
	msg_send(&peer, &msg);
	remote_begin(&peer, &msg, SMB2_READ, 65536);
	put_read_remote(&msg, id, 0, 65536, INV, &remote[1]);
	msg_send(&peer, &msg);
	do
		reply_recv(&peer, &reply);
	while (nt_equal(reply.header.status, STATUS_PENDING));
	assert_int_not_equal(reply.header.message_id, slow);
	assert_int_equal(placed(), 65536);
	expect_content(1, 0, 65536);
	assert_false(remote_exposed(&remote[1], 0));
	assert_true(remote_exposed(&remote[0], 0));
	do
		reply_recv(&peer, &reply);
	while (nt_equal(reply.header.status, STATUS_PENDING));
	assert_int_equal(reply.header.message_id, slow);
	assert_false(remote_exposed(&remote[0], 0));
	file_close_ok(&peer, id);
}

/* ---- a dry pool ---- */

#define CLIENTS 6
#define DEPTH   3

/* Final answers, in any order. */
static void expect_all(struct peer *p, unsigned count)
{
	while (count > 0) {
		reply_recv(p, &reply);
		assert_int_not_equal(reply.len, 0);
		if (nt_equal(reply.header.status, STATUS_PENDING))
			continue;
		assert_status(reply.header.status, STATUS_SUCCESS);
		count--;
	}
}

/* More than the pool holds is asked for at once, by READ and WRITE: each waits its turn, nobody
 * for ever. */
static void a_dry_pool_makes_wait(void **state)
{
	struct signer *signers[CLIENTS];
	struct smb2_file_id ids[CLIENTS];
	struct peer peers[CLIENTS];
	struct buf_pool_stats stats;

	make_world(&(struct fake_verbs_config){.seed = 15}, NULL, 48 * MIB);
	for (unsigned i = 0; i < CLIENTS; i++) {
		char name[8];

		start_unsigned(&peers[i], SMB2_DIALECT_311, &signers[i]);
		snprintf(name, sizeof(name), "f%u", i);
		ids[i] = file_open(&peers[i], name, RW, FILE_OVERWRITE_IF, 0);
		fill(&peers[i], ids[i], 8 * MIB);
	}
	remote_expose(&remote[0], 0, 8 * MIB, 2);
	remote_expose(&remote[1], 0, 8 * MIB, 3);
	remote_scatter(&remote[1], content, 8 * MIB);
	for (unsigned i = 0; i < CLIENTS; i++)
		for (unsigned d = 0; d < DEPTH; d++) {
			bool write = (i + d) & 1;

			remote_begin(&peers[i], &msg, write ? SMB2_WRITE : SMB2_READ, 8 * MIB);
			if (write)
				put_write_remote(&msg, ids[i], 0, 8 * MIB, V1, &remote[1]);
			else
				put_read_remote(&msg, ids[i], 0, 8 * MIB, V1, &remote[0]);
			msg_send(&peers[i], &msg);
		}
	for (unsigned i = 0; i < CLIENTS; i++)
		expect_all(&peers[i], DEPTH);
	world_pool_stats(world, &stats);
	assert_true(stats.bytes_limit < CLIENTS * DEPTH * 8ull * MIB);
	expect_content(0, 0, 8 * MIB);
	for (unsigned i = 0; i < CLIENTS; i++) {
		file_close_ok(&peers[i], ids[i]);
		end(&peers[i], signers[i]);
	}
}

/* ---- clients that go ---- */

#define BLOCK 65536u

/* Which block of which WRITE each block of the file holds: whole blocks, and none else. */
static void expect_blocks(unsigned acknowledged, unsigned sent)
{
	static uint8_t block[BLOCK];
	char path[128];
	size_t n = 1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/data/f", world_directory(world));
	f = fopen(path, "rb");
	assert_non_null(f);
	for (unsigned i = 0; n; i++) {
		static const uint8_t none[BLOCK];

		n = fread(block, 1, BLOCK, f);
		if (i < acknowledged)
			assert_int_equal(n, BLOCK);
		if (n == 0)
			break;
		assert_true(i < sent);
		assert_int_equal(n, BLOCK);
		/* what was not acknowledged is there wholly, or not */
		if (i < acknowledged || memcmp(block, none, BLOCK) != 0)
			assert_memory_equal(block, content + i * BLOCK, BLOCK);
	}
	fclose(f);
}

/* Three WRITEs of three pieces each, and the fabric fails somewhere in them. */
static void die_writing(unsigned after, bool politely)
{
	unsigned acknowledged = 0, sent = 0;
	struct smb2_file_id id;

	start_unsigned(&peer, SMB2_DIALECT_311, &signer);
	id = file_open(&peer, "f", RW, FILE_OVERWRITE_IF, 0);
	fake_verbs_fault_in(after, politely);
	while (sent < 3) {
		remote_expose(&remote[0], 0, BLOCK, 3);
		remote_scatter(&remote[0], content + sent * BLOCK, BLOCK);
		remote_begin(&peer, &msg, SMB2_WRITE, BLOCK);
		put_write_remote(&msg, id, sent++ * BLOCK, BLOCK, INV, &remote[0]);
		msg_send(&peer, &msg);
		do
			reply_recv(&peer, &reply);
		while (reply.len && nt_equal(reply.header.status, STATUS_PENDING));
		if (!reply.len)
			break;
		assert_status(reply.header.status, STATUS_SUCCESS);
		acknowledged++;
	}
	fake_verbs_fault_in(0, false);
	end(&peer, signer);
	fake_verbs_unexpose_all();
	world_wait_counts(world, 0, 0, 0);
	assert_int_equal(world_bufs_out(world), 0);
	expect_blocks(acknowledged, sent);
}

static void a_client_that_goes_while_it_writes(void **state)
{
	struct fake_verbs_counts counts;

	make_world(&(struct fake_verbs_config){.seed = 16}, NULL, 0);
	for (unsigned after = 1; after <= 20; after++)
		for (unsigned politely = 0; politely < 2; politely++)
			die_writing(after, politely);
	fake_verbs_counts(&counts);
	assert_int_equal(counts.qps, 0);
}

static void die_reading(unsigned after, bool politely)
{
	struct smb2_file_id id;

	start_unsigned(&peer, SMB2_DIALECT_311, &signer);
	id = make(BLOCK * 3);
	fake_verbs_fault_in(after, politely);
	for (unsigned i = 0; i < 3; i++) {
		remote_expose(&remote[0], 0, BLOCK * 3, 5);
		remote_begin(&peer, &msg, SMB2_READ, BLOCK * 3);
		put_read_remote(&msg, id, 0, BLOCK * 3, INV, &remote[0]);
		msg_send(&peer, &msg);
		do
			reply_recv(&peer, &reply);
		while (reply.len && nt_equal(reply.header.status, STATUS_PENDING));
		if (!reply.len)
			break;
		assert_int_equal(placed(), BLOCK * 3);
		expect_content(0, 0, BLOCK * 3);
	}
	fake_verbs_fault_in(0, false);
	end(&peer, signer);
	fake_verbs_unexpose_all();
	world_wait_counts(world, 0, 0, 0);
	assert_int_equal(world_bufs_out(world), 0);
}

static void a_client_that_goes_while_it_reads(void **state)
{
	make_world(&(struct fake_verbs_config){.seed = 17}, NULL, 0);
	for (unsigned after = 1; after <= 20; after++)
		for (unsigned politely = 0; politely < 2; politely++)
			die_reading(after, politely);
}

/* Many under way, and gone: nothing is left of any. */
static void a_client_that_goes_with_much_under_way(void **state)
{
	struct smb2_file_id id;

	make_world(&(struct fake_verbs_config){.seed = 18}, NULL, 0);
	start_unsigned(&peer, SMB2_DIALECT_311, &signer);
	id = make(MIB);
	remote_expose(&remote[0], 0, MIB, 5);
	remote_expose(&remote[1], 0, MIB, 5);
	remote_scatter(&remote[1], content, MIB);
	for (unsigned i = 0; i < 12; i++) {
		remote_begin(&peer, &msg, i & 1 ? SMB2_READ : SMB2_WRITE, MIB);
		if (i & 1)
			put_read_remote(&msg, id, 0, MIB, V1, &remote[0]);
		else
			put_write_remote(&msg, id, 0, MIB, V1, &remote[1]);
		msg_send(&peer, &msg);
	}
	end(&peer, signer);
	world_wait_counts(world, 0, 0, 0);
}

int main(void)
{
#define CASE_IN(name, in) cmocka_unit_test_setup_teardown(name, in, teardown)
#define CASE(name)        CASE_IN(name, setup)
#define CASE_ALONE(name)  cmocka_unit_test_teardown(name, destroy_world)
	const struct CMUnitTest tests[] = {
		CASE(refused_on_tcp),
		CASE(refused_on_pipes),
		CASE_IN(ignored_before_3_0, setup_210),
		CASE_ALONE(fact_31_refused_where_signing_is_demanded),
		CASE(served_though_signed),
		CASE(fact_30_max_readwrite_size),
		CASE_IN(a_device_that_cannot_invalidate_answers_plainly, setup_no_invalidate),
		CASE(compounds_place_what_each_reads),
		CASE(compounds_have_the_bound_of_one_message),
		CASE(compounds_write_more_than_that),
		CASE(one_slow_request_holds_no_other),
		CASE_ALONE(a_dry_pool_makes_wait),
		CASE_ALONE(a_client_that_goes_while_it_writes),
		CASE_ALONE(a_client_that_goes_while_it_reads),
		CASE_ALONE(a_client_that_goes_with_much_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
