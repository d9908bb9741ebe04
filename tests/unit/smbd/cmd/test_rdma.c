/* SPDX-License-Identifier: Apache-2.0 */
/*
 * READ and WRITE by RDMA, [MS-SMB2] 3.3.5.12 and 3.3.5.13, of the real server over the fake fabric.
 * Tests are named after protocol-facts and after Microsoft's cases of MS-SMBD.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "smbd/cmd/file_commands.h"
#include "smbd/session/server.h"
#include "tests/fake/files.h"
#include "tests/fake/remote.h"
#include "tests/fake/verbs.h"
#include "transport/fiber/fiber.h"

#define RW      (FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE)
#define MIB     (1u << 20)
#define V1      REMOTE_V1
#define INV     REMOTE_INV
#define SLOW_AT 0x5100000000ull /* a READ here takes its time */

static struct world *world;
static struct peer peer;
static struct signer *signer; /* of a peer that does not sign */
static struct msg msg;
static struct reply reply;
static uint8_t memory[16 * MIB]; /* the client's */
static struct remote remote = {.memory = memory};
static uint8_t content[8 * MIB];

static void expose(size_t at, uint32_t len, unsigned count)
{
	remote_expose(&remote, at, len, count);
}

static bool exposed(unsigned i)
{
	return remote_exposed(&remote, i);
}

static struct nt_status read_remote(struct smb2_file_id id, uint64_t offset, uint32_t len,
				    uint32_t channel)
{
	return remote_read(&peer, id, offset, len, channel, &remote, &reply);
}

static struct nt_status write_remote(struct smb2_file_id id, uint64_t offset, uint32_t len,
				     uint32_t channel)
{
	return remote_write(&peer, id, offset, len, channel, &remote, &reply);
}

/* protocol-facts 29: a READ by RDMA is answered by 80 bytes. */
static void expect_placed(uint32_t len)
{
	struct rd r = reply.rd;

	assert_int_equal(reply.len, 80);
	assert_int_equal(rd_u16(&r), 17);
	assert_int_equal(rd_u8(&r), 80); /* DataOffset */
	rd_skip(&r, 1);
	assert_int_equal(rd_u32(&r), 0);   /* DataLength */
	assert_int_equal(rd_u32(&r), len); /* DataRemaining */
}

static void expect_written(uint32_t len)
{
	struct smb2_write_response out;

	assert_true(smb2_write_response_decode(&reply.rd, &out));
	assert_int_equal(out.count, len);
}

/* ---- the world ---- */

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

static void start(struct peer *p, uint16_t dialect)
{
	peer_connect_direct(world, p);
	peer_begin(p, dialect);
	remote_credits(p);
}

static int setup_dialect(uint16_t dialect)
{
	static const struct fake_verbs_config fabric = {.seed = 7};

	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i * 13 + (i >> 9));
	world = world_create(&(struct world_config){
		.fabric = &fabric, .commands = commands_of_test, .server = server_of_test});
	start(&peer, dialect);
	signer = peer.signer;
	peer.signer = NULL;
	return 0;
}

static int setup(void **state)
{
	return setup_dialect(SMB2_DIALECT_311);
}

static int setup_302(void **state)
{
	return setup_dialect(SMB2_DIALECT_302);
}

static int setup_300(void **state)
{
	return setup_dialect(SMB2_DIALECT_300);
}

static int teardown(void **state)
{
	fake_verbs_unexpose_all();
	peer.signer = signer;
	peer_close(&peer);
	assert_int_equal(world_bufs_out(world), 0);
	world_destroy(world);
	return 0;
}

/* The connection is gone, the server is not. */
static void expect_death(void)
{
	reply_recv(&peer, &reply);
	assert_int_equal(reply.len, 0);
	peer.signer = signer;
	peer_close(&peer);
	start(&peer, SMB2_DIALECT_311);
	signer = peer.signer;
	peer.signer = NULL;
}

static struct smb2_file_id make(uint32_t len)
{
	struct smb2_file_id id = file_open(&peer, "f", RW, FILE_OVERWRITE_IF, 0);

	if (len) {
		expose(3, len, 1);
		remote_scatter(&remote, content, len);
		assert_status(write_remote(id, 0, len, V1), STATUS_SUCCESS);
		fake_verbs_unexpose_all();
	}
	return id;
}

/* ---- bulk ---- */

static void round_trip(uint32_t len, unsigned count, uint64_t offset, uint32_t channel)
{
	struct smb2_file_id id = file_open(&peer, "f", RW, FILE_OVERWRITE_IF, 0);
	static uint8_t back[8 * MIB];

	expose(1, len, count);
	remote_scatter(&remote, content, len);
	assert_status(write_remote(id, offset, len, channel), STATUS_SUCCESS);
	expect_written(len);
	assert_int_equal(exposed(0), channel == V1);
	fake_verbs_unexpose_all();
	expose(5, len, count);
	assert_status(read_remote(id, offset, len, channel), STATUS_SUCCESS);
	expect_placed(len);
	assert_int_equal(exposed(0), channel == V1);
	memset(back, 0, len);
	remote_gather(&remote, back, len);
	assert_memory_equal(back, content, len);
	fake_verbs_unexpose_all();
	file_close_ok(&peer, id);
}

static void fact_12_several_descriptors(void **state)
{
	static const unsigned counts[] = {1, 2, 5, 8, 9, 64};
	static const uint32_t lens[] = {1, 65, 4095, 65536, 100001};

	for (unsigned c = 0; c < 6; c++)
		for (unsigned l = 0; l < 5; l++)
			round_trip(lens[l] < counts[c] ? counts[c] : lens[l], counts[c],
				   l * 4097 + c, (c + l) & 1 ? V1 : INV);
}

static void BVT_Smb2OverRdmaChannel_ReadLargeFile(void **state)
{
	round_trip(8 * MIB, 1, 0, V1);
}

static void BVT_Smb2OverRdmaChannel_WriteLargeFile(void **state)
{
	round_trip(8 * MIB - 4097, 3, 12345, V1);
}

static void Smb2OverRdmaChannel_ReadWriteMultipleBufferDescriptorList(void **state)
{
	round_trip(MIB, REMOTE_MAX, 0, V1);
	round_trip(MIB, REMOTE_MAX, 0, INV);
}

static void Smb2OverRdmaChannel_ReadMultipleOperation(void **state)
{
	struct smb2_file_id id = make(MIB);
	static uint8_t back[64 * 16384];

	for (unsigned i = 0; i < 64; i++) {
		expose(i, 16384, 1);
		assert_status(read_remote(id, i * 16384u, 16384, V1), STATUS_SUCCESS);
		remote_gather(&remote, back + i * 16384u, 16384);
	}
	assert_memory_equal(back, content, sizeof(back));
	file_close_ok(&peer, id);
}

static void Smb2OverRdmaChannel_WriteMultipleOperation(void **state)
{
	struct smb2_file_id id = make(0);
	static uint8_t back[64 * 16384];

	for (unsigned i = 0; i < 64; i++) {
		expose(i, 16384, 1);
		remote_scatter(&remote, content + i * 16384u, 16384);
		assert_status(write_remote(id, i * 16384u, 16384, V1), STATUS_SUCCESS);
	}
	expose(0, MIB, 1);
	assert_status(read_remote(id, 0, MIB, V1), STATUS_SUCCESS);
	remote_gather(&remote, back, MIB);
	assert_memory_equal(back, content, MIB);
	file_close_ok(&peer, id);
}

/* ---- descriptors that lie: the connection ends, the server lives ---- */

static void lie(void (*how)(struct smb2_buffer_descriptor *d))
{
	struct smb2_file_id id = make(65536);

	expose(0, 65536, 1);
	how(&remote.list[0]);
	remote_begin(&peer, &msg, SMB2_READ, 65536);
	put_read_remote(&msg, id, 0, 65536, V1, &remote);
	msg_send(&peer, &msg);
	expect_death();
	fake_verbs_unexpose_all();

	id = make(65536);
	expose(0, 65536, 1);
	how(&remote.list[0]);
	remote_begin(&peer, &msg, SMB2_WRITE, 65536);
	put_write_remote(&msg, id, 0, 65536, V1, &remote);
	msg_send(&peer, &msg);
	expect_death();
}

static void lie_deregistered(struct smb2_buffer_descriptor *d)
{
	fake_verbs_unexpose_all();
}

static void lie_length(struct smb2_buffer_descriptor *d)
{
	fake_verbs_unexpose_all();
	d->token = fake_verbs_expose(memory, 65535, FAKE_REMOTE_READ | FAKE_REMOTE_WRITE);
}

static void lie_offset(struct smb2_buffer_descriptor *d)
{
	d->offset += 65537;
}

static void lie_token(struct smb2_buffer_descriptor *d)
{
	d->token ^= 0x10101;
}

static void Smb2OverRdmaChannel_InvalidBufferDescriptor_DeregisteredBuffer(void **state)
{
	lie(lie_deregistered);
}

static void Smb2OverRdmaChannel_InvalidBufferDescriptor_Length(void **state)
{
	lie(lie_length);
}

static void Smb2OverRdmaChannel_InvalidBufferDescriptor_Offset(void **state)
{
	lie(lie_offset);
}

static void Smb2OverRdmaChannel_InvalidBufferDescriptor_Token(void **state)
{
	lie(lie_token);
}

/* ---- remote invalidation ---- */

static void BVT_Smb2OverRdma_Smb302_Read_SMB2_CHANNEL_RDMA_V1_INVALIDATE(void **state)
{
	struct smb2_file_id id = make(MIB);

	expose(0, MIB, 2);
	assert_status(read_remote(id, 0, MIB, INV), STATUS_SUCCESS);
	assert_false(exposed(0));
	assert_true(exposed(1)); /* the first alone: protocol-facts 10 */
	remote_begin(&peer, &msg, SMB2_READ, MIB);
	put_read_remote(&msg, id, 0, MIB, INV, &remote);
	msg_send(&peer, &msg);
	expect_death(); /* it names memory that is void */
}

static void BVT_Smb2OverRdma_Smb302_Write_SMB2_CHANNEL_RDMA_V1_INVALIDATE(void **state)
{
	struct smb2_file_id id = make(0);

	expose(0, MIB, 2);
	assert_status(write_remote(id, 0, MIB, INV), STATUS_SUCCESS);
	assert_false(exposed(0));
	assert_true(exposed(1));
	remote_begin(&peer, &msg, SMB2_WRITE, MIB);
	put_write_remote(&msg, id, 0, MIB, INV, &remote);
	msg_send(&peer, &msg);
	expect_death();
}

static void Smb2OverRdma_Read_SMB2_CHANNEL_RDMA_V1(void **state)
{
	struct smb2_file_id id = make(MIB);

	expose(0, MIB, 1);
	for (unsigned i = 0; i < 2; i++) {
		assert_status(read_remote(id, 0, MIB, V1), STATUS_SUCCESS);
		assert_true(exposed(0));
	}
	file_close_ok(&peer, id);
}

static void Smb2OverRdma_Write_SMB2_CHANNEL_RDMA_V1(void **state)
{
	struct smb2_file_id id = make(0);

	expose(0, MIB, 1);
	for (unsigned i = 0; i < 2; i++) {
		assert_status(write_remote(id, 0, MIB, V1), STATUS_SUCCESS);
		assert_true(exposed(0));
	}
	file_close_ok(&peer, id);
}

static void Smb2OverRdma_Smb300_Read_SMB2_CHANNEL_RDMA_V1_INVALIDATE(void **state)
{
	struct smb2_file_id id = make(4096);

	expose(0, 4096, 1);
	assert_status(read_remote(id, 0, 4096, INV), STATUS_INVALID_PARAMETER);
	assert_true(exposed(0)); /* 3.0 has no remote invalidation */
	assert_status(read_remote(id, 0, 4096, V1), STATUS_SUCCESS);
	file_close_ok(&peer, id);
}

static void Smb2OverRdma_Smb300_Write_SMB2_CHANNEL_RDMA_V1_INVALIDATE(void **state)
{
	struct smb2_file_id id = make(0);

	expose(0, 4096, 1);
	assert_status(write_remote(id, 0, 4096, INV), STATUS_INVALID_PARAMETER);
	assert_true(exposed(0));
	file_close_ok(&peer, id);
}

/* A READ or WRITE that fails in some way, at whatever stage, voids its token, and V1 does not. */
static void expect_void(struct smb2_file_id id, uint64_t offset, const char *status)
{
	struct nt_status got;

	for (unsigned i = 0; i < 4; i++) {
		uint32_t channel = i & 1 ? INV : V1;

		expose(0, 4096, 1);
		got = i & 2 ? write_remote(id, offset, 4096, channel)
			    : read_remote(id, offset, 4096, channel);
		assert_string_equal(nt_status_name(got), status);
		assert_int_equal(exposed(0), channel == V1);
		fake_verbs_unexpose_all();
	}
}

static void fact_28_errors_invalidate_too(void **state)
{
	struct smb2_file_id id = make(100), closed = id, directory;

	file_close_ok(&peer, id);
	expect_void(closed, 0, "STATUS_FILE_CLOSED");
	directory = file_open(&peer, "d", FILE_GENERIC_READ | FILE_GENERIC_WRITE, FILE_OPEN_IF,
			      FILE_DIRECTORY_FILE);
	expect_void(directory, 0, "STATUS_INVALID_DEVICE_REQUEST");
	file_close_ok(&peer, directory);
	id = file_open(&peer, "f", FILE_READ_ATTRIBUTES, FILE_OPEN, 0);
	expect_void(id, 0, "STATUS_ACCESS_DENIED");
	expect_void(id, UINT64_MAX - 1, "STATUS_ACCESS_DENIED");
	peer.tree_id ^= 0x7777;
	expect_void(id, 0, "STATUS_NETWORK_NAME_DELETED");
	peer.tree_id ^= 0x7777;
	peer.session_id ^= 0x7777;
	expect_void(id, 0, "STATUS_USER_SESSION_DELETED");
	peer.session_id ^= 0x7777;
	file_close_ok(&peer, id);
}

static void fact_28_end_of_file_invalidates_too(void **state)
{
	struct smb2_file_id id = make(100);

	expose(0, 4096, 1);
	assert_status(read_remote(id, 50, 4096, INV), STATUS_SUCCESS);
	expect_placed(50);
	assert_memory_equal(memory, content + 50, 50);
	assert_int_equal(memory[50], 0xee);
	assert_false(exposed(0));
	fake_verbs_unexpose_all();
	expose(0, 4096, 1);
	assert_status(read_remote(id, 100, 4096, INV), STATUS_END_OF_FILE);
	assert_false(exposed(0));
	file_close_ok(&peer, id);
}

static void fact_28_the_interim_answer_does_not_invalidate(void **state)
{
	struct smb2_file_id id = make(0);

	expose(0, 4096, 1);
	remote_begin(&peer, &msg, SMB2_READ, 4096);
	put_read_remote(&msg, id, SLOW_AT, 4096, INV, &remote);
	assert_status(peer_call(&peer, &msg, &reply), STATUS_PENDING);
	assert_true(exposed(0));
	reply_recv(&peer, &reply);
	assert_status(reply.header.status, STATUS_END_OF_FILE);
	assert_false(exposed(0));
	file_close_ok(&peer, id);
}

/* ---- what is refused ---- */

static void refuse_write(struct smb2_file_id id, const struct smb2_write_request *write)
{
	remote_begin(&peer, &msg, SMB2_WRITE, 8 * MIB);
	smb2_write_request_encode(&msg.w, write);
	wr_zero(&msg.w, 64);
	assert_status(peer_finish(&peer, &msg, &reply), STATUS_INVALID_PARAMETER);
}

/* [MS-SMB2] 3.3.5.13: Length and DataOffset are 0. */
static void fact_29_write_carries_nothing_itself(void **state)
{
	struct smb2_file_id id = make(0);
	struct smb2_write_request write = {.file_id = id, .channel = V1, .remaining_bytes = 16};

	expose(0, 4096, 1);
	write.write_channel_info = remote_info(&remote);
	write.length = 16;
	refuse_write(id, &write);
	write.length = 0;
	write.data_offset = 128;
	refuse_write(id, &write);
	write.data_offset = 0;
	write.remaining_bytes = 4097; /* more than there is */
	refuse_write(id, &write);
	write.remaining_bytes = 8 * MIB + 1;
	refuse_write(id, &write);
	file_close_ok(&peer, id);
}

static void channel_info_is_checked(void **state)
{
	struct smb2_file_id id = make(4096);
	struct smb2_read_request read = {.length = 4096, .file_id = id, .channel = V1};
	static const size_t lens[] = {0, 1, 15, 17, 31};

	for (unsigned i = 0; i < 5; i++) {
		expose(0, 8192, 2);
		read.read_channel_info = remote_info(&remote);
		read.read_channel_info.len = lens[i];
		remote_begin(&peer, &msg, SMB2_READ, 4096);
		smb2_read_request_encode(&msg.w, &read);
		assert_status(peer_finish(&peer, &msg, &reply), STATUS_INVALID_PARAMETER);
	}
	expose(0, 4095, 2);
	assert_status(read_remote(id, 0, 4096, V1), STATUS_INVALID_PARAMETER);
	expose(0, 4096, 1);
	remote.list[0].offset = UINT64_MAX - 100;
	assert_status(read_remote(id, 0, 4096, V1), STATUS_INVALID_PARAMETER);
	expose(0, 4096, 1);
	assert_status(read_remote(id, 0, 4096, SMB2_CHANNEL_RDMA_TRANSFORM),
		      STATUS_INVALID_PARAMETER);
	assert_status(read_remote(id, 0, 4096, 77), STATUS_INVALID_PARAMETER);
	assert_status(write_remote(id, 0, 4096, SMB2_CHANNEL_RDMA_TRANSFORM),
		      STATUS_INVALID_PARAMETER);
	assert_status(read_remote(id, 0, 0, V1), STATUS_SUCCESS);
	expect_placed(0);
	assert_status(write_remote(id, 0, 0, V1), STATUS_SUCCESS);
	expect_written(0);
	file_close_ok(&peer, id);
}

int main(void)
{
#define CASE(name)     cmocka_unit_test_setup_teardown(name, setup, teardown)
#define CASE_302(name) cmocka_unit_test_setup_teardown(name, setup_302, teardown)
#define CASE_300(name) cmocka_unit_test_setup_teardown(name, setup_300, teardown)
	const struct CMUnitTest tests[] = {
		CASE(fact_12_several_descriptors),
		CASE(BVT_Smb2OverRdmaChannel_ReadLargeFile),
		CASE(BVT_Smb2OverRdmaChannel_WriteLargeFile),
		CASE(Smb2OverRdmaChannel_ReadWriteMultipleBufferDescriptorList),
		CASE(Smb2OverRdmaChannel_ReadMultipleOperation),
		CASE(Smb2OverRdmaChannel_WriteMultipleOperation),
		CASE(Smb2OverRdmaChannel_InvalidBufferDescriptor_DeregisteredBuffer),
		CASE(Smb2OverRdmaChannel_InvalidBufferDescriptor_Length),
		CASE(Smb2OverRdmaChannel_InvalidBufferDescriptor_Offset),
		CASE(Smb2OverRdmaChannel_InvalidBufferDescriptor_Token),
		CASE_302(BVT_Smb2OverRdma_Smb302_Read_SMB2_CHANNEL_RDMA_V1_INVALIDATE),
		CASE_302(BVT_Smb2OverRdma_Smb302_Write_SMB2_CHANNEL_RDMA_V1_INVALIDATE),
		CASE_302(Smb2OverRdma_Read_SMB2_CHANNEL_RDMA_V1),
		CASE_302(Smb2OverRdma_Write_SMB2_CHANNEL_RDMA_V1),
		CASE_300(Smb2OverRdma_Smb300_Read_SMB2_CHANNEL_RDMA_V1_INVALIDATE),
		CASE_300(Smb2OverRdma_Smb300_Write_SMB2_CHANNEL_RDMA_V1_INVALIDATE),
		CASE(fact_28_errors_invalidate_too),
		CASE(fact_28_end_of_file_invalidates_too),
		CASE(fact_28_the_interim_answer_does_not_invalidate),
		CASE(fact_29_write_carries_nothing_itself),
		CASE(channel_info_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
