/* SPDX-License-Identifier: Apache-2.0 */
/* FLUSH: [MS-SMB2] 2.2.17; the response is empty.h's. Conventions: blob.h. */
#ifndef SMBD_WIRE_FLUSH_H
#define SMBD_WIRE_FLUSH_H

#include "smbd/wire/blob.h"
#include "smbd/wire/file_id.h"

struct smb2_flush_request {
	struct smb2_file_id file_id;
};

bool smb2_flush_request_decode(struct rd *r, struct smb2_flush_request *out);
void smb2_flush_request_encode(struct wr *w, const struct smb2_flush_request *in);

#endif
