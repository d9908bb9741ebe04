/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/fsctl.h"

FUZZ_RECODE(fsctl_validate_negotiate_request)
FUZZ_RECODE(fsctl_validate_negotiate_response)
FUZZ_RECODE_LIST(fsctl_network_interface, fsctl_network_interface_next,
		 fsctl_network_interface_encode)
FUZZ_RECODE(fsctl_resume_key)
FUZZ_RECODE(fsctl_copychunk_response)
FUZZ_RECODE(fsctl_snapshot_array)
FUZZ_RECODE(fsctl_resiliency_request)
FUZZ_RECODE(fsctl_pipe_wait)
FUZZ_RECODE(fsctl_pipe_peek_response)
FUZZ_RECODE(fsctl_allocated_range)
FUZZ_RECODE(fsctl_zero_data)
FUZZ_RECODE(fsctl_file_level_trim)
FUZZ_RECODE(fsctl_object_id)

static bool recode_copychunk(struct rd *r, struct wr *w)
{
	static struct fsctl_copychunk chunks[4096];
	struct fsctl_copychunk_request m;

	if (!fsctl_copychunk_request_decode(r, &m) || m.chunk_count > 4096)
		return false;
	for (unsigned i = 0; i < m.chunk_count; i++)
		chunks[i] = fsctl_copychunk_request_chunk(&m, i);
	fsctl_copychunk_request_encode(w, &m, chunks);
	return true;
}

static bool recode_duplicate(struct rd *r, struct wr *w)
{
	struct fsctl_duplicate_extents m;

	if (!fsctl_duplicate_extents_decode(r, false, &m))
		return false;
	fsctl_duplicate_extents_encode(w, false, &m);
	return true;
}

static bool recode_duplicate_ex(struct rd *r, struct wr *w)
{
	struct fsctl_duplicate_extents m;

	if (!fsctl_duplicate_extents_decode(r, true, &m))
		return false;
	fsctl_duplicate_extents_encode(w, true, &m);
	return true;
}

static bool recode_integrity(struct rd *r, struct wr *w)
{
	struct fsctl_integrity_information m;

	if (!fsctl_get_integrity_response_decode(r, &m))
		return false;
	fsctl_get_integrity_response_encode(w, &m);
	return true;
}

static fuzz_recode *const recodes[] = {
	recode_fsctl_validate_negotiate_request,
	recode_fsctl_validate_negotiate_response,
	recode_fsctl_network_interface,
	recode_fsctl_resume_key,
	recode_copychunk,
	recode_fsctl_copychunk_response,
	recode_fsctl_snapshot_array,
	recode_fsctl_resiliency_request,
	recode_fsctl_pipe_wait,
	recode_fsctl_pipe_peek_response,
	recode_duplicate,
	recode_duplicate_ex,
	recode_fsctl_allocated_range,
	recode_fsctl_zero_data,
	recode_fsctl_file_level_trim,
	recode_integrity,
	recode_fsctl_object_id,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < sizeof(recodes) / sizeof(recodes[0]); i++)
		fuzz_payload(data, size, recodes[i]);
	return 0;
}
