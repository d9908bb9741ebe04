/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of [MS-SMBD] 2.2, by the examples of its section 4 and by what 3.1.5.8 refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <cmocka.h>
#include <errno.h>

#include "rdma/codec.h"

#define MAX_FRAGMENTED 131072u

/* [MS-SMBD] 4.1 */
static const uint8_t example_req[20] = {0x00, 0x01, 0x00, 0x01, 0, 0, 0x0a, 0,    0x00, 0x04,
					0,    0,    0x00, 0x04, 0, 0, 0,    0x00, 0x02, 0x00};

static const uint8_t example_rsp[32] = {0x00, 0x01, 0x00, 0x01, 0x00, 0x01, 0, 0,    0x0a, 0, 0x0a,
					0,    0,    0,    0,    0,    0,    0, 0x10, 0,    0, 0x04,
					0,    0,    0x00, 0x04, 0,    0,    0, 0,    0x02, 0};

static void negotiate_req(void **state)
{
	struct rd r = rd_init(example_req, sizeof(example_req));
	struct direct_negotiate_req req;
	uint8_t out[20];
	struct wr w = wr_init(out, sizeof(out));

	assert_int_equal(direct_negotiate_req_decode(&r, &req), 0);
	assert_int_equal(req.min_version, 0x100);
	assert_int_equal(req.max_version, 0x100);
	assert_int_equal(req.credits_requested, 10);
	assert_int_equal(req.preferred_send_size, 1024);
	assert_int_equal(req.max_receive_size, 1024);
	assert_int_equal(req.max_fragmented_size, 131072);
	direct_negotiate_req_encode(&w, &req);
	assert_true(wr_ok(&w));
	assert_int_equal(w.len, sizeof(out));
	assert_memory_equal(out, example_req, sizeof(out));
}

static void negotiate_rsp(void **state)
{
	struct rd r = rd_init(example_rsp, sizeof(example_rsp));
	struct direct_negotiate_rsp rsp;
	uint8_t out[32];
	struct wr w = wr_init(out, sizeof(out));

	assert_int_equal(direct_negotiate_rsp_decode(&r, &rsp), 0);
	assert_int_equal(rsp.negotiated_version, 0x100);
	assert_int_equal(rsp.credits_granted, 10);
	assert_int_equal(rsp.status, 0);
	assert_int_equal(rsp.max_readwrite_size, 1u << 20);
	assert_int_equal(rsp.max_fragmented_size, 131072);
	direct_negotiate_rsp_encode(&w, &rsp);
	assert_int_equal(w.len, sizeof(out));
	assert_memory_equal(out, example_rsp, sizeof(out));
}

/* [MS-SMBD] 3.1.5.3 */
static void negotiate_rsp_of_failure(void **state)
{
	struct rd r = rd_init(example_rsp, sizeof(example_rsp));
	struct direct_negotiate_rsp rsp;
	static const uint8_t zeros[16];
	uint8_t out[32];
	struct wr w = wr_init(out, sizeof(out));

	assert_int_equal(direct_negotiate_rsp_decode(&r, &rsp), 0);
	rsp.status = DIRECT_STATUS_NOT_SUPPORTED;
	direct_negotiate_rsp_encode(&w, &rsp);
	assert_memory_equal(out, "\x00\x01\x00\x01\0\0\0\0\0\0\0\0\xbb\x00\x00\xc0", 16);
	assert_memory_equal(out + 16, zeros, 16);
}

static void cut_short(void **state)
{
	struct direct_negotiate_req req;
	struct direct_negotiate_rsp rsp;
	struct direct_data data;
	uint8_t bytes[20] = {1};

	for (size_t n = 0; n < 32; n++) {
		struct rd rsp_r = rd_init(example_rsp, n);
		struct rd req_r = rd_init(example_req, n < 20 ? n : 0);
		struct rd data_r = rd_init(bytes, n < 20 ? n : 0);

		assert_int_equal(direct_negotiate_rsp_decode(&rsp_r, &rsp), -EPROTO);
		assert_int_equal(direct_negotiate_req_decode(&req_r, &req), -EPROTO);
		assert_int_equal(direct_data_decode(&data_r, MAX_FRAGMENTED, &data), -EPROTO);
	}
}

/* Facts 8: an empty message is 20 bytes, payload begins at 24. */
static void fact_8_sizes(void **state)
{
	struct direct_data in = {.credits_requested = 255, .credits_granted = 7, .flags = 1}, out;
	uint8_t bytes[64] = {0};
	struct wr w = wr_init(bytes, sizeof(bytes));
	struct rd r;

	direct_data_encode(&w, &in);
	assert_int_equal(w.len, 20);
	r = rd_init(bytes, w.len);
	assert_int_equal(direct_data_decode(&r, MAX_FRAGMENTED, &out), 0);
	assert_int_equal(out.credits_granted, 7);
	assert_int_equal(out.flags, DIRECT_RESPONSE_REQUESTED);
	assert_int_equal(out.len, 0);

	in.len = 5;
	in.remaining = 6;
	w = wr_init(bytes, sizeof(bytes));
	direct_data_encode(&w, &in);
	assert_int_equal(w.len, 24);
	wr_bytes(&w, "hello", 5);
	r = rd_init(bytes, w.len);
	assert_int_equal(direct_data_decode(&r, MAX_FRAGMENTED, &out), 0);
	assert_int_equal(out.len, 5);
	assert_int_equal(out.remaining, 6);
	assert_memory_equal(out.bytes, "hello", 5);
}

static int decode(uint16_t credits, uint32_t remaining, uint32_t offset, uint32_t len, size_t size)
{
	static uint8_t bytes[4096];
	struct wr w = wr_init(bytes, sizeof(bytes));
	struct direct_data out;
	struct rd r;

	wr_u16(&w, credits);
	wr_u16(&w, 0);
	wr_u32(&w, 0);
	wr_u32(&w, remaining);
	wr_u32(&w, offset);
	wr_u32(&w, len);
	r = rd_init(bytes, size);
	return direct_data_decode(&r, MAX_FRAGMENTED, &out);
}

static void SmbdCreditMgmt_NegativeParameter_CreditRequested(void **state)
{
	assert_int_equal(decode(0, 0, 24, 10, 34), -EPROTO);
	assert_int_equal(decode(1, 0, 24, 10, 34), 0);
}

static void SmbdDataTransfer_NegativeParameter_DataOffset_Against8ByteAligned(void **state)
{
	for (uint32_t at = 25; at < 32; at++)
		assert_int_equal(decode(1, 0, at, 10, 100), -EPROTO);
	assert_int_equal(decode(1, 0, 32, 10, 100), 0);
}

static void SmbdDataTransfer_NegativeParameter_DataOffset_AgainstMessageLength(void **state)
{
	assert_int_equal(decode(1, 0, 104, 1, 100), -EPROTO);
	assert_int_equal(decode(1, 0, 0xfffffff8u, 16, 100), -EPROTO);
	assert_int_equal(decode(1, 0, 104, 0, 100), -EPROTO);
}

static void SmbdDataTransfer_NegativeParameter_DataLength_AgainstMessageLength(void **state)
{
	assert_int_equal(decode(1, 0, 24, 76, 100), 0);
	assert_int_equal(decode(1, 0, 24, 77, 100), -EPROTO);
	assert_int_equal(decode(1, 0, 24, 0xffffffffu, 100), -EPROTO);
}

static void
SmbdDataTransfer_NegativeParameter_RemainingDataLength_AgainstMaxFragmentedSize(void **state)
{
	assert_int_equal(decode(1, MAX_FRAGMENTED - 76, 24, 76, 100), 0);
	assert_int_equal(decode(1, MAX_FRAGMENTED - 75, 24, 76, 100), -EPROTO);
	assert_int_equal(decode(1, 0xffffffffu, 24, 76, 100), -EPROTO); /* a 64-bit sum */
}

/* Stricter than 3.1.5.8, as Linux. */
static void payload_over_the_header(void **state)
{
	assert_int_equal(decode(1, 0, 0, 10, 100), -EPROTO);
	assert_int_equal(decode(1, 0, 16, 10, 100), -EPROTO);
	assert_int_equal(decode(1, 10, 0, 0, 20), -EPROTO);
	assert_int_equal(decode(1, 0, 0, 0, 20), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(negotiate_req),
		cmocka_unit_test(negotiate_rsp),
		cmocka_unit_test(negotiate_rsp_of_failure),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(fact_8_sizes),
		cmocka_unit_test(SmbdCreditMgmt_NegativeParameter_CreditRequested),
		cmocka_unit_test(SmbdDataTransfer_NegativeParameter_DataOffset_Against8ByteAligned),
		cmocka_unit_test(
			SmbdDataTransfer_NegativeParameter_DataOffset_AgainstMessageLength),
		cmocka_unit_test(
			SmbdDataTransfer_NegativeParameter_DataLength_AgainstMessageLength),
		cmocka_unit_test(
			SmbdDataTransfer_NegativeParameter_RemainingDataLength_AgainstMaxFragmentedSize),
		cmocka_unit_test(payload_over_the_header),
	};

	return cmocka_run_group_tests_name("rdma/codec", tests, NULL, NULL);
}
