/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SESSION_SETUP: [MS-SMB2] 2.2.5 and 2.2.6. LOGOFF is in empty.h. Conventions: blob.h.
 */
#ifndef SMBD_WIRE_SESSION_H
#define SMBD_WIRE_SESSION_H

#include "smbd/wire/blob.h"

#define SMB2_SESSION_FLAG_BINDING 0x01u /* request */

#define SMB2_SESSION_FLAG_IS_GUEST     0x0001u /* response */
#define SMB2_SESSION_FLAG_IS_NULL      0x0002u
#define SMB2_SESSION_FLAG_ENCRYPT_DATA 0x0004u

struct smb2_session_setup_request {
	uint8_t flags;
	uint8_t security_mode; /* SMB2_NEGOTIATE_SIGNING_* */
	uint32_t capabilities; /* SMB2_GLOBAL_CAP_* */
	uint32_t channel;
	struct wire_blob security_buffer;
	uint64_t previous_session_id;
};

struct smb2_session_setup_response {
	uint16_t session_flags;
	struct wire_blob security_buffer;
};

bool smb2_session_setup_request_decode(struct rd *r, struct smb2_session_setup_request *out);
void smb2_session_setup_request_encode(struct wr *w, const struct smb2_session_setup_request *in);
bool smb2_session_setup_response_decode(struct rd *r, struct smb2_session_setup_response *out);
void smb2_session_setup_response_encode(struct wr *w, const struct smb2_session_setup_response *in);

#endif
