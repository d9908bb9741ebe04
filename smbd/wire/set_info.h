/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SET_INFO: [MS-SMB2] 2.2.39 and 2.2.40; info types are query_info.h's. Conventions: blob.h.
 */
#ifndef SMBD_WIRE_SET_INFO_H
#define SMBD_WIRE_SET_INFO_H

#include "smbd/wire/blob.h"
#include "smbd/wire/file_id.h"
#include "smbd/wire/query_info.h"

struct smb2_set_info_request {
	uint8_t info_type;
	uint8_t file_info_class;
	struct wire_blob buffer;
	uint32_t additional_information;
	struct smb2_file_id file_id;
};

bool smb2_set_info_request_decode(struct rd *r, struct smb2_set_info_request *out);
void smb2_set_info_request_encode(struct wr *w, const struct smb2_set_info_request *in);

/* A StructureSize of 2 and nothing else. */
bool smb2_set_info_response_decode(struct rd *r);
void smb2_set_info_response_encode(struct wr *w);

#endif
