/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three messages of SMB Direct from arbitrary bytes: what decodes is within its bytes, and what
 * is encoded from it decodes to the same. Input: the message.
 */
#include <stdlib.h>
#include <string.h>

#include "rdma/codec.h"

#define CHECK(cond)              \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

static void fuzz_req(const uint8_t *data, size_t size)
{
	struct direct_negotiate_req a = {0}, b = {0};
	struct rd r = rd_init(data, size);
	uint8_t out[64];
	struct wr w = wr_init(out, sizeof(out));

	if (direct_negotiate_req_decode(&r, &a) != 0)
		return;
	direct_negotiate_req_encode(&w, &a);
	CHECK(wr_ok(&w) && w.len == DIRECT_NEGOTIATE_REQ_BYTES);
	r = rd_init(out, w.len);
	CHECK(direct_negotiate_req_decode(&r, &b) == 0 && memcmp(&a, &b, sizeof(a)) == 0);
}

static void fuzz_rsp(const uint8_t *data, size_t size)
{
	struct direct_negotiate_rsp a = {0}, b = {0};
	struct rd r = rd_init(data, size);
	uint8_t out[64];
	struct wr w = wr_init(out, sizeof(out));

	if (direct_negotiate_rsp_decode(&r, &a) != 0)
		return;
	direct_negotiate_rsp_encode(&w, &a);
	CHECK(wr_ok(&w) && w.len == DIRECT_NEGOTIATE_RSP_BYTES);
	r = rd_init(out, w.len);
	CHECK(direct_negotiate_rsp_decode(&r, &b) == 0);
	CHECK(b.status == a.status && (a.status || memcmp(&a, &b, sizeof(a)) == 0));
}

static void fuzz_data(const uint8_t *data, size_t size)
{
	struct direct_data a;
	struct rd r = rd_init(data, size);
	uint8_t out[64];
	struct wr w = wr_init(out, sizeof(out));

	if (direct_data_decode(&r, 1u << 20, &a) != 0)
		return;
	CHECK(a.credits_requested > 0 && (uint64_t)a.len + a.remaining <= 1u << 20);
	CHECK(!a.len || (a.bytes >= data + DIRECT_EMPTY_BYTES && a.bytes + a.len <= data + size));
	direct_data_encode(&w, &a);
	CHECK(wr_ok(&w) && w.len == (a.len ? DIRECT_DATA_OFFSET : DIRECT_EMPTY_BYTES));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_req(data, size);
	fuzz_rsp(data, size);
	fuzz_data(data, size);
	return 0;
}
