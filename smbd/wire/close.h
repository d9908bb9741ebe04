/* SPDX-License-Identifier: Apache-2.0 */
/* CLOSE: [MS-SMB2] 2.2.15 and 2.2.16. Conventions: blob.h. */
#ifndef SMBD_WIRE_CLOSE_H
#define SMBD_WIRE_CLOSE_H

#include "smbd/wire/blob.h"
#include "smbd/wire/file_id.h"

#define SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB 0x0001u

struct smb2_close_request {
	uint16_t flags;
	struct smb2_file_id file_id;
};

/* All but flags are zero unless flags has POSTQUERY_ATTRIB. */
struct smb2_close_response {
	uint16_t flags;
	uint64_t creation_time;
	uint64_t last_access_time;
	uint64_t last_write_time;
	uint64_t change_time;
	uint64_t allocation_size;
	uint64_t endof_file;
	uint32_t file_attributes;
};

bool smb2_close_request_decode(struct rd *r, struct smb2_close_request *out);
void smb2_close_request_encode(struct wr *w, const struct smb2_close_request *in);
bool smb2_close_response_decode(struct rd *r, struct smb2_close_response *out);
void smb2_close_response_encode(struct wr *w, const struct smb2_close_response *in);

#endif
