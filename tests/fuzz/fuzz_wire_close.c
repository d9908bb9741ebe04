/* SPDX-License-Identifier: Apache-2.0 */
/* CLOSE, FLUSH, and the bodies that are empty. */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/close.h"
#include "smbd/wire/empty.h"
#include "smbd/wire/flush.h"

FUZZ_RECODE(smb2_close_request)
FUZZ_RECODE(smb2_close_response)
FUZZ_RECODE(smb2_flush_request)

static bool recode_empty(struct rd *r, struct wr *w)
{
	if (!smb2_empty_decode(r))
		return false;
	smb2_empty_encode(w);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_message(data, size, recode_smb2_close_request);
	fuzz_message(data, size, recode_smb2_close_response);
	fuzz_message(data, size, recode_smb2_flush_request);
	fuzz_message(data, size, recode_empty);
	return 0;
}
