/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/fscc/ea.h"

FUZZ_RECODE_LIST(file_full_ea, file_full_ea_next, file_full_ea_encode)

static bool recode_names(struct rd *r, struct wr *w)
{
	size_t last = SIZE_MAX;
	struct wire_blob name;

	while (file_get_ea_next(r, &name))
		file_get_ea_encode(w, name, &last);
	return rd_ok(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_payload(data, size, recode_file_full_ea);
	fuzz_payload(data, size, recode_names);
	return 0;
}
