/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/fscc/file_info.h"

FUZZ_RECODE(file_basic_info)
FUZZ_RECODE(file_standard_info)
FUZZ_RECODE(file_all_info)
FUZZ_RECODE(file_network_open_info)
FUZZ_RECODE(file_compression_info)
FUZZ_RECODE(file_id_info)
FUZZ_RECODE(file_pipe_local_info)
FUZZ_RECODE_LIST(file_stream_info, file_stream_info_next, file_stream_info_encode)

static bool recode_name(struct rd *r, struct wr *w)
{
	struct wire_blob name;

	if (!file_name_info_decode(r, &name))
		return false;
	file_name_info_encode(w, name);
	return true;
}

static bool recode_rename(struct rd *r, struct wr *w)
{
	struct file_rename_info m;

	if (!file_rename_info_decode(r, false, &m))
		return false;
	file_rename_info_encode(w, false, &m);
	return true;
}

static bool recode_rename_ex(struct rd *r, struct wr *w)
{
	struct file_rename_info m;

	if (!file_rename_info_decode(r, true, &m))
		return false;
	file_rename_info_encode(w, true, &m);
	return true;
}

static fuzz_recode *const recodes[] = {
	recode_file_basic_info,
	recode_file_standard_info,
	recode_file_all_info,
	recode_file_network_open_info,
	recode_file_compression_info,
	recode_file_id_info,
	recode_file_pipe_local_info,
	recode_file_stream_info,
	recode_name,
	recode_rename,
	recode_rename_ex,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < sizeof(recodes) / sizeof(recodes[0]); i++)
		fuzz_payload(data, size, recodes[i]);
	return 0;
}
