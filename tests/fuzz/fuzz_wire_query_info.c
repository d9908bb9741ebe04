/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/query_info.h"

FUZZ_RECODE(smb2_query_info_request)
FUZZ_RECODE(smb2_query_quota_info)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_message(data, size, recode_smb2_query_info_request);
	fuzz_payload(data, size, recode_smb2_query_quota_info);
	return 0;
}
