/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/set_info.h"

FUZZ_RECODE(smb2_set_info_request)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_message(data, size, recode_smb2_set_info_request);
	return 0;
}
