/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/create_context.h"

FUZZ_RECODE(smb2_create_contexts_request)
FUZZ_RECODE(smb2_create_contexts_response)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_payload(data, size, recode_smb2_create_contexts_request);
	fuzz_payload(data, size, recode_smb2_create_contexts_response);
	return 0;
}
