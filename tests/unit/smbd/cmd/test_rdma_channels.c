/* SPDX-License-Identifier: Apache-2.0 */
/*
 * READ and WRITE by RDMA in sessions of several channels, [MS-SMB2] 3.3.5.5.3: TCP and SMB Direct
 * together, and several of SMB Direct. Named after Microsoft's cases and after protocol-facts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/files.h"
#include "tests/fake/remote.h"
#include "tests/fake/verbs.h"

#define RW    (FILE_GENERIC_READ | FILE_GENERIC_WRITE)
#define BYTES 100001u
#define FOUR  4u

static struct world *world;
static struct reply reply;
static uint8_t memory[1u << 20], content[BYTES], back[BYTES];
static struct remote remote = {.memory = memory};

static int setup(void **state)
{
	static const struct fake_verbs_config fabric = {.seed = 23};

	world = world_create(&(struct world_config){.reactors = 3, .fabric = &fabric});
	return 0;
}

static int teardown(void **state)
{
	fake_verbs_unexpose_all();
	world_destroy(world);
	return 0;
}

/* Something else each time. */
static void make_content(unsigned round)
{
	for (size_t i = 0; i < BYTES; i++)
		content[i] = (uint8_t)(i * 13 + (i >> 9) + 101 * round);
}

static void first(struct peer *p, void (*connect)(struct world *w, struct peer *p))
{
	connect(world, p);
	peer_begin(p, SMB2_DIALECT_311);
	remote_credits(p);
}

static void bind_to(struct peer *p, void (*connect)(struct world *w, struct peer *p),
		    const struct peer *session)
{
	connect(world, p);
	peer_negotiate(p, SMB2_DIALECT_311);
	assert_status(peer_try_bind(p, session, world_user(), WORLD_PASSWORD), STATUS_SUCCESS);
	remote_credits(p);
}

static void write_by_rdma(struct peer *p, struct smb2_file_id id)
{
	remote_expose(&remote, 7, BYTES, 3);
	remote_scatter(&remote, content, BYTES);
	assert_status(remote_write(p, id, 0, BYTES, REMOTE_INV, &remote, &reply), STATUS_SUCCESS);
	assert_false(remote_exposed(&remote, 0));
	fake_verbs_unexpose_all();
}

static void read_by_rdma(struct peer *p, struct smb2_file_id id)
{
	remote_expose(&remote, 1, BYTES, 2);
	assert_status(remote_read(p, id, 0, BYTES, REMOTE_INV, &remote, &reply), STATUS_SUCCESS);
	assert_false(remote_exposed(&remote, 0));
	memset(back, 0, BYTES);
	remote_gather(&remote, back, BYTES);
	assert_memory_equal(back, content, BYTES);
	fake_verbs_unexpose_all();
}

static void write_in_line(struct peer *p, struct smb2_file_id id)
{
	uint32_t count;

	for (uint32_t at = 0; at < BYTES; at += count) {
		uint32_t n = BYTES - at < 50000 ? BYTES - at : 50000;

		assert_status(file_write(p, id, at, content + at, n, &count), STATUS_SUCCESS);
		assert_int_equal(count, n);
	}
}

static void read_in_line(struct peer *p, struct smb2_file_id id)
{
	struct wire_blob data;

	for (uint32_t at = 0; at < BYTES; at += (uint32_t)data.len) {
		uint32_t n = BYTES - at < 50000 ? BYTES - at : 50000;

		assert_status(file_read(p, id, at, n, n, &data), STATUS_SUCCESS);
		assert_memory_equal(data.data, content + at, n);
	}
}

/* What RDMA is to a session, its channel of TCP is not: there it is refused, and the channel lives.
 */
static void refused_by_tcp(struct peer *p, struct smb2_file_id id)
{
	remote_expose(&remote, 1, BYTES, 1);
	assert_status(remote_read(p, id, 0, BYTES, REMOTE_V1, &remote, &reply),
		      STATUS_INVALID_PARAMETER);
	assert_true(remote_exposed(&remote, 0));
	fake_verbs_unexpose_all();
}

/* Begun by TCP; the bulk goes by SMB Direct, as with every client that finds RDMA by asking for the
 * interfaces. The file outlives the channel that it went by. */
static void BVT_Smb2MultipleChannel_2Channels_DiffNicTypeDiffTransport(void **state)
{
	struct smb2_file_id id;
	struct peer tcp, rdma;

	first(&tcp, peer_connect_tcp);
	bind_to(&rdma, peer_connect_direct, &tcp);
	id = file_open(&tcp, "f", RW, FILE_OVERWRITE_IF, 0);
	make_content(1);
	write_by_rdma(&rdma, id);
	read_in_line(&tcp, id);
	make_content(2);
	write_in_line(&tcp, id);
	read_by_rdma(&rdma, id);
	refused_by_tcp(&tcp, id);
	peer_close(&rdma);
	read_in_line(&tcp, id);
	file_close_ok(&tcp, id);
	peer_close(&tcp);
}

/* Begun by SMB Direct; TCP is what remains when that is lost. */
static void Smb2Multichannel_2Channels_DiffTransport(void **state)
{
	struct smb2_file_id id;
	struct peer tcp, rdma;

	first(&rdma, peer_connect_direct);
	id = file_open(&rdma, "f", RW, FILE_OVERWRITE_IF, 0);
	make_content(3);
	write_by_rdma(&rdma, id);
	bind_to(&tcp, peer_connect_tcp, &rdma);
	read_in_line(&tcp, id);
	peer_close(&rdma);
	make_content(4);
	write_in_line(&tcp, id);
	bind_to(&rdma, peer_connect_direct, &tcp);
	read_by_rdma(&rdma, id);
	file_close_ok(&rdma, id);
	peer_close(&rdma);
	peer_close(&tcp);
}

/* Fact 32: Linux's client makes several channels of SMB Direct to addresses that are told as
 * RDMA_CAPABLE (test_interfaces.c); all carry the same files. */
static void fact_32_four_rdma_channels(void **state)
{
	struct peer p[FOUR];
	struct smb2_file_id id;

	first(&p[0], peer_connect_direct);
	for (unsigned i = 1; i < FOUR; i++)
		bind_to(&p[i], peer_connect_direct, &p[0]);
	id = file_open(&p[0], "f", RW, FILE_OVERWRITE_IF, 0);
	for (unsigned i = 0; i < FOUR; i++) {
		make_content(5 + i);
		write_by_rdma(&p[i], id);
		for (unsigned k = 0; k < FOUR; k++)
			read_by_rdma(&p[k], id);
	}
	peer_close(&p[0]); /* the first is as good as any */
	read_by_rdma(&p[3], id);
	file_close_ok(&p[1], id);
	for (unsigned i = 1; i < FOUR; i++)
		peer_close(&p[i]);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(BVT_Smb2MultipleChannel_2Channels_DiffNicTypeDiffTransport),
		CASE(Smb2Multichannel_2Channels_DiffTransport),
		CASE(fact_32_four_rdma_channels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
