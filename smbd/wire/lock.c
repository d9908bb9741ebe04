/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/lock.h"

bool smb2_lock_request_decode(struct rd *r, struct smb2_lock_request *out)
{
	uint32_t sequence;

	wire_structure_size(r, 48);
	out->lock_count = rd_u16(r);
	sequence = rd_u32(r);
	out->lock_sequence_number = sequence & 0xf;
	out->lock_sequence_index = sequence >> 4;
	out->file_id = smb2_file_id_decode(r);
	if (out->lock_count == 0) /* [MS-SMB2] 3.3.5.14 */
		rd_fail(r);
	out->locks = wire_blob_next(r, (size_t)out->lock_count * SMB2_LOCK_ELEMENT_SIZE);
	return rd_ok(r);
}

struct smb2_lock_element smb2_lock_request_element(const struct smb2_lock_request *req, unsigned i)
{
	struct rd r = wire_blob_rd(req->locks);
	struct smb2_lock_element e;

	rd_seek(&r, (size_t)i * SMB2_LOCK_ELEMENT_SIZE);
	e.offset = rd_u64(&r);
	e.length = rd_u64(&r);
	e.flags = rd_u32(&r);
	return e;
}

void smb2_lock_request_encode(struct wr *w, const struct smb2_lock_request *in,
			      const struct smb2_lock_element *elements)
{
	wr_u16(w, 48);
	wr_u16(w, in->lock_count);
	wr_u32(w, in->lock_sequence_index << 4 | (in->lock_sequence_number & 0xf));
	smb2_file_id_encode(w, in->file_id);
	for (unsigned i = 0; i < in->lock_count; i++) {
		wr_u64(w, elements[i].offset);
		wr_u64(w, elements[i].length);
		wr_u32(w, elements[i].flags);
		wr_u32(w, 0);
	}
}
