/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/fscc/reparse.h"

FUZZ_RECODE(reparse_data)
FUZZ_RECODE(reparse_nfs)

static bool recode_symlink(struct rd *r, struct wr *w)
{
	struct reparse_link m;

	if (!reparse_symlink_decode(r, &m))
		return false;
	reparse_symlink_encode(w, &m);
	return true;
}

static bool recode_mount_point(struct rd *r, struct wr *w)
{
	struct reparse_link m;

	if (!reparse_mount_point_decode(r, &m))
		return false;
	reparse_mount_point_encode(w, &m);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_payload(data, size, recode_reparse_data);
	fuzz_payload(data, size, recode_reparse_nfs);
	fuzz_payload(data, size, recode_symlink);
	fuzz_payload(data, size, recode_mount_point);
	return 0;
}
