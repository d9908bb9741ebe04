/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/fscc/quota.h"

FUZZ_RECODE_LIST(file_quota_info, file_quota_info_next, file_quota_info_encode)

static bool recode_sids(struct rd *r, struct wr *w)
{
	size_t last = SIZE_MAX;
	struct sid sid;

	while (file_get_quota_next(r, &sid))
		file_get_quota_encode(w, &sid, &last);
	return rd_ok(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_payload(data, size, recode_file_quota_info);
	fuzz_payload(data, size, recode_sids);
	return 0;
}
