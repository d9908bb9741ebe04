/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/query_directory.h"

FUZZ_RECODE(smb2_query_directory_request)
FUZZ_RECODE(smb2_buffer_response)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_message(data, size, recode_smb2_query_directory_request);
	fuzz_message(data, size, recode_smb2_buffer_response);
	return 0;
}
