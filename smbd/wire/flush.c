/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/flush.h"

bool smb2_flush_request_decode(struct rd *r, struct smb2_flush_request *out)
{
	wire_structure_size(r, 24);
	rd_skip(r, 6);
	out->file_id = smb2_file_id_decode(r);
	return rd_ok(r);
}

void smb2_flush_request_encode(struct wr *w, const struct smb2_flush_request *in)
{
	wr_u16(w, 24);
	wr_zero(w, 6);
	smb2_file_id_encode(w, in->file_id);
}
