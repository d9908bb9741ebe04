/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/error.h"

FUZZ_RECODE(smb2_error_response)
FUZZ_RECODE(smb2_symlink_error)
FUZZ_RECODE(smb2_share_redirect_error)

static bool recode_contexts(struct rd *r, struct wr *w)
{
	struct smb2_error_context m;

	while (smb2_error_context_next(r, &m))
		smb2_error_context_encode(w, &m);
	return rd_ok(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_message(data, size, recode_smb2_error_response);
	fuzz_payload(data, size, recode_contexts);
	fuzz_payload(data, size, recode_smb2_symlink_error);
	fuzz_payload(data, size, recode_smb2_share_redirect_error);
	return 0;
}
