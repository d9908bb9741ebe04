/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/change_notify.h"

FUZZ_RECODE(smb2_change_notify_request)
FUZZ_RECODE_LIST(file_notify_information, file_notify_information_next,
		 file_notify_information_encode)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_message(data, size, recode_smb2_change_notify_request);
	fuzz_payload(data, size, recode_file_notify_information);
	return 0;
}
