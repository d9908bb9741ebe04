/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/negotiate.h"
#include "smbd/wire/tree.h"

static bool recode_request(struct rd *r, struct wr *w)
{
	struct smb2_remoted_identity identity;
	struct smb2_tree_connect_request m;
	struct rd ticket;

	if (!smb2_tree_connect_request_decode(r, SMB2_DIALECT_311, &m))
		return false;
	ticket = wire_blob_rd(m.remoted_identity);
	if (m.has_remoted_identity)
		(void)smb2_remoted_identity_decode(&ticket, &identity);
	smb2_tree_connect_request_encode(w, &m);
	return true;
}

FUZZ_RECODE(smb2_tree_connect_response)

static bool recode_identity(struct rd *r, struct wr *w)
{
	struct smb2_remoted_identity m;

	if (!smb2_remoted_identity_decode(r, &m))
		return false;
	smb2_remoted_identity_encode(w, &m);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_message(data, size, recode_request);
	fuzz_message(data, size, recode_smb2_tree_connect_response);
	/* its parts may overlap, so that it grows: beyond 64 KiB its offsets have no room */
	if (size <= 4096)
		fuzz_payload(data, size, recode_identity);
	return 0;
}
