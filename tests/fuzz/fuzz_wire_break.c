/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/break.h"

FUZZ_RECODE(smb2_oplock_break)
FUZZ_RECODE(smb2_lease_break_notification)
FUZZ_RECODE(smb2_lease_break_ack)
FUZZ_RECODE(smb2_notification)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_message(data, size, recode_smb2_oplock_break);
	fuzz_message(data, size, recode_smb2_lease_break_notification);
	fuzz_message(data, size, recode_smb2_lease_break_ack);
	fuzz_message(data, size, recode_smb2_notification);
	return 0;
}
