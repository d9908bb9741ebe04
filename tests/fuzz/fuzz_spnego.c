/* SPDX-License-Identifier: Apache-2.0 */
/* SPNEGO's tokens: what decodes is encoded again, and decodes to the same. */
#include <stdlib.h>

#include "smbd/auth/spnego.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
	if (!truth)
		abort();
}

static void fuzz_init(struct wire_blob token, uint8_t *buf, size_t cap)
{
	struct spnego_init first, second;
	struct wr w = wr_init(buf, cap);
	struct wire_blob oid;
	struct rd mechs;
	unsigned count = 0;

	if (!spnego_init_decode(token, &first))
		return;
	mechs = spnego_mechs(first.mech_list);
	while (spnego_mech_next(&mechs, &oid))
		count++;
	require(count > 0 && rd_ok(&mechs));
	spnego_init_encode(&w, &first);
	require(wr_ok(&w) && spnego_init_decode(WIRE_BLOB(buf, w.len), &second));
	require(wire_blob_equal(first.mech_list, second.mech_list));
	require(first.has_token == second.has_token && first.has_mic == second.has_mic);
	require(wire_blob_equal(first.token, second.token));
	require(wire_blob_equal(first.mic, second.mic));
}

static void fuzz_response(struct wire_blob token, uint8_t *buf, size_t cap)
{
	struct spnego_response first, second;
	struct wr w = wr_init(buf, cap);

	if (!spnego_response_decode(token, &first))
		return;
	spnego_response_encode(&w, &first);
	require(wr_ok(&w) && spnego_response_decode(WIRE_BLOB(buf, w.len), &second));
	require(first.state == second.state);
	require(first.has_mech == second.has_mech && wire_blob_equal(first.mech, second.mech));
	require(first.has_token == second.has_token && wire_blob_equal(first.token, second.token));
	require(first.has_mic == second.has_mic && wire_blob_equal(first.mic, second.mic));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t cap = size + 128;
	uint8_t *buf = malloc(cap);

	require(buf != NULL);
	fuzz_init(WIRE_BLOB(data, size), buf, cap);
	fuzz_response(WIRE_BLOB(data, size), buf, cap);
	free(buf);
	return 0;
}
