/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/lock.h"

static bool recode_request(struct rd *r, struct wr *w)
{
	static struct smb2_lock_element elements[UINT16_MAX];
	struct smb2_lock_request m;

	if (!smb2_lock_request_decode(r, &m))
		return false;
	for (unsigned i = 0; i < m.lock_count; i++)
		elements[i] = smb2_lock_request_element(&m, i);
	smb2_lock_request_encode(w, &m, elements);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_message(data, size, recode_request);
	return 0;
}
