/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/negotiate.h"

FUZZ_RECODE(smb2_header)
FUZZ_RECODE(smb2_transform_header)
FUZZ_RECODE(smb2_compression_transform_header)
FUZZ_RECODE(smb2_compression_pattern_v1)
FUZZ_RECODE(smb1_negotiate_request)

/* A chain: its header and payloads to the end. */
static bool recode_chain(struct rd *r, struct wr *w)
{
	struct smb2_compression_transform_header h;
	struct smb2_compression_payload p;

	if (!smb2_compression_transform_header_decode(r, &h))
		return false;
	smb2_compression_transform_header_encode(w, &h);
	if (!(h.flags & SMB2_COMPRESSION_FLAG_CHAINED))
		return true;
	if (rd_left(r) == 0)
		return false;
	while (rd_left(r)) {
		if (!smb2_compression_payload_decode(r, &p))
			return false;
		smb2_compression_payload_encode(w, &p);
	}
	return true;
}

static bool header_is_chained(const uint8_t *data, size_t size)
{
	return size > 10 && data[10] & SMB2_COMPRESSION_FLAG_CHAINED;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	(void)smb_protocol_of(data, size);
	fuzz_payload(data, size, recode_smb2_header);
	fuzz_payload(data, size, recode_smb2_transform_header);
	fuzz_payload(data, size, recode_smb2_compression_pattern_v1);
	fuzz_payload(data, size, recode_smb1_negotiate_request);
	if (header_is_chained(data, size))
		fuzz_payload(data, size, recode_chain);
	else
		fuzz_payload(data, size, recode_smb2_compression_transform_header);
	return 0;
}
