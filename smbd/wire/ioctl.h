/* SPDX-License-Identifier: Apache-2.0 */
/* IOCTL: [MS-SMB2] 2.2.31 and 2.2.32; what the codes carry is in fsctl.h. Conventions: blob.h. */
#ifndef SMBD_WIRE_IOCTL_H
#define SMBD_WIRE_IOCTL_H

#include "smbd/wire/blob.h"
#include "smbd/wire/file_id.h"

#define SMB2_0_IOCTL_IS_FSCTL 0x00000001u

/* Where the buffer of a response without input begins. */
#define SMB2_IOCTL_RESPONSE_BUFFER_OFFSET 112

struct smb2_ioctl_request {
	uint32_t ctl_code;
	struct smb2_file_id file_id;
	struct wire_blob input;
	uint32_t max_input_response;
	struct wire_blob output; /* of a request: reserved by the text, but bounds-checked */
	uint32_t max_output_response;
	uint32_t flags;
};

struct smb2_ioctl_response {
	uint32_t ctl_code;
	struct smb2_file_id file_id;
	struct wire_blob input; /* echoed for pass-through codes; empty as a rule */
	struct wire_blob output;
	uint32_t flags;
};

bool smb2_ioctl_request_decode(struct rd *r, struct smb2_ioctl_request *out);
void smb2_ioctl_request_encode(struct wr *w, const struct smb2_ioctl_request *in);
bool smb2_ioctl_response_decode(struct rd *r, struct smb2_ioctl_response *out);
void smb2_ioctl_response_encode(struct wr *w, const struct smb2_ioctl_response *in);

#endif
