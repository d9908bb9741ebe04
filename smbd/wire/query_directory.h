/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QUERY_DIRECTORY: [MS-SMB2] 2.2.33 and 2.2.34; the entries are fscc/dir_info.h's.
 * Conventions: blob.h.
 */
#ifndef SMBD_WIRE_QUERY_DIRECTORY_H
#define SMBD_WIRE_QUERY_DIRECTORY_H

#include "smbd/wire/blob.h"
#include "smbd/wire/file_id.h"

#define SMB2_RESTART_SCANS       0x01u
#define SMB2_RETURN_SINGLE_ENTRY 0x02u
#define SMB2_INDEX_SPECIFIED     0x04u
#define SMB2_REOPEN              0x10u

struct smb2_query_directory_request {
	uint8_t file_information_class;
	uint8_t flags;
	uint32_t file_index;
	struct smb2_file_id file_id;
	struct wire_blob file_name; /* UTF-16LE pattern */
	uint32_t output_buffer_length;
};

/* Also of QUERY_INFO and CHANGE_NOTIFY: all three are one buffer. It begins at 72. */
struct smb2_buffer_response {
	struct wire_blob buffer;
};

#define SMB2_BUFFER_RESPONSE_OFFSET 72

bool smb2_query_directory_request_decode(struct rd *r, struct smb2_query_directory_request *out);
void smb2_query_directory_request_encode(struct wr *w,
					 const struct smb2_query_directory_request *in);

/* [MS-SMB2] 2.2.34 QUERY_DIRECTORY, 2.2.36 CHANGE_NOTIFY and 2.2.38 QUERY_INFO responses. */
bool smb2_buffer_response_decode(struct rd *r, struct smb2_buffer_response *out);
void smb2_buffer_response_encode(struct wr *w, const struct smb2_buffer_response *in);

#endif
