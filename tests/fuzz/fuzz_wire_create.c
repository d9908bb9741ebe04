/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/create.h"

FUZZ_RECODE(smb2_create_request)
FUZZ_RECODE(smb2_create_response)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_message(data, size, recode_smb2_create_request);
	fuzz_message(data, size, recode_smb2_create_response);
	return 0;
}
