/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/rdma.h"

static bool recode_descriptors(struct rd *r, struct wr *w)
{
	struct smb2_buffer_descriptor m;

	while (smb2_buffer_descriptor_next(r, &m))
		smb2_buffer_descriptor_encode(w, &m);
	return rd_ok(r);
}

static bool recode_transforms(struct rd *r, struct wr *w)
{
	struct smb2_rdma_crypto_transform m;

	while (smb2_rdma_crypto_transform_next(r, &m))
		smb2_rdma_crypto_transform_encode(w, &m);
	return rd_ok(r);
}

static bool recode_transform(struct rd *r, struct wr *w)
{
	struct smb2_rdma_transform m;

	if (!smb2_rdma_transform_decode(r, &m))
		return false;
	smb2_rdma_transform_encode(w, &m);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_payload(data, size, recode_descriptors);
	fuzz_payload(data, size, recode_transforms);
	fuzz_payload(data, size, recode_transform);
	return 0;
}
