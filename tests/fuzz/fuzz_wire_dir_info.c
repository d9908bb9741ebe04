/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte of the input is the class of the listing that follows. */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/fscc/dir_info.h"

static uint8_t class;

static bool recode_listing(struct rd *r, struct wr *w)
{
	size_t last = SIZE_MAX;
	struct dir_info m;

	while (dir_info_next(r, class, &m))
		dir_info_encode(w, class, &m, &last);
	return rd_ok(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || dir_info_fixed_size(data[0]) == 0)
		return 0;
	class = data[0];
	fuzz_payload(data + 1, size - 1, recode_listing);
	return 0;
}
