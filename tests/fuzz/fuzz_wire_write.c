/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/write.h"

/* The payload is anywhere: the head alone is decoded. */
static bool recode_request(struct rd *r, struct wr *w)
{
	struct smb2_write_request m;

	if (!smb2_write_request_decode(r, UINT64_MAX, &m))
		return false;
	smb2_write_request_encode(w, &m);
	return true;
}

FUZZ_RECODE(smb2_write_response)

/* What the decoder lets pass lies inside the message. */
static void check_bounds(const uint8_t *data, size_t size)
{
	struct smb2_write_request m;
	struct rd r = rd_init(data, size);

	rd_skip(&r, SMB2_HEADER_SIZE);
	if (!smb2_write_request_decode(&r, size, &m) || m.length == 0)
		return;
	if (m.data_offset < SMB2_WRITE_REQUEST_HEAD_SIZE || m.data_offset > size ||
	    m.length > size - m.data_offset)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_message(data, size, recode_request);
	fuzz_message(data, size, recode_smb2_write_response);
	check_bounds(data, size);
	return 0;
}
