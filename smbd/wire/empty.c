/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/empty.h"

bool smb2_empty_decode(struct rd *r)
{
	wire_structure_size(r, 4);
	rd_skip(r, 2);
	return rd_ok(r);
}

void smb2_empty_encode(struct wr *w)
{
	wr_u16(w, 4);
	wr_u16(w, 0);
}
