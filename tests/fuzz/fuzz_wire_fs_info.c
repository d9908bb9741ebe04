/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/fscc/fs_info.h"

FUZZ_RECODE(fs_volume_info)
FUZZ_RECODE(fs_size_info)
FUZZ_RECODE(fs_full_size_info)
FUZZ_RECODE(fs_device_info)
FUZZ_RECODE(fs_attribute_info)
FUZZ_RECODE(fs_control_info)
FUZZ_RECODE(fs_object_id_info)
FUZZ_RECODE(fs_sector_size_info)
FUZZ_RECODE(fs_driver_path_info)

static fuzz_recode *const recodes[] = {
	recode_fs_volume_info,    recode_fs_size_info,        recode_fs_full_size_info,
	recode_fs_device_info,    recode_fs_attribute_info,   recode_fs_control_info,
	recode_fs_object_id_info, recode_fs_sector_size_info, recode_fs_driver_path_info,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < sizeof(recodes) / sizeof(recodes[0]); i++)
		fuzz_payload(data, size, recodes[i]);
	return 0;
}
