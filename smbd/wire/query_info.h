/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QUERY_INFO: [MS-SMB2] 2.2.37; the response is smb2_buffer_response (query_directory.h); what is
 * in it is fscc/ or dtyp.h. Conventions: blob.h.
 */
#ifndef SMBD_WIRE_QUERY_INFO_H
#define SMBD_WIRE_QUERY_INFO_H

#include "smbd/wire/blob.h"
#include "smbd/wire/file_id.h"
#include "smbd/wire/query_directory.h"

/* InfoType, here and in SET_INFO. */
#define SMB2_0_INFO_FILE       0x01u
#define SMB2_0_INFO_FILESYSTEM 0x02u
#define SMB2_0_INFO_SECURITY   0x03u
#define SMB2_0_INFO_QUOTA      0x04u

/* AdditionalInformation with SMB2_0_INFO_SECURITY, here and in SET_INFO. */
#define OWNER_SECURITY_INFORMATION     0x00000001u
#define GROUP_SECURITY_INFORMATION     0x00000002u
#define DACL_SECURITY_INFORMATION      0x00000004u
#define SACL_SECURITY_INFORMATION      0x00000008u
#define LABEL_SECURITY_INFORMATION     0x00000010u
#define ATTRIBUTE_SECURITY_INFORMATION 0x00000020u
#define SCOPE_SECURITY_INFORMATION     0x00000040u
#define BACKUP_SECURITY_INFORMATION    0x00010000u

/* Flags with FileFullEaInformation. */
#define SL_RESTART_SCAN        0x00000001u
#define SL_RETURN_SINGLE_ENTRY 0x00000002u
#define SL_INDEX_SPECIFIED     0x00000004u

struct smb2_query_info_request {
	uint8_t info_type;
	uint8_t file_info_class;
	uint32_t output_buffer_length;
	struct wire_blob input; /* EA names or quota query */
	uint32_t additional_information;
	uint32_t flags;
	struct smb2_file_id file_id;
};

bool smb2_query_info_request_decode(struct rd *r, struct smb2_query_info_request *out);
void smb2_query_info_request_encode(struct wr *w, const struct smb2_query_info_request *in);

/* 2.2.37.1 SMB2_QUERY_QUOTA_INFO, the input with SMB2_0_INFO_QUOTA. */
struct smb2_query_quota_info {
	bool return_single;
	bool restart_scan;
	struct wire_blob sid_list;  /* FILE_GET_QUOTA_INFORMATION list */
	struct wire_blob start_sid; /* a SID */
};

bool smb2_query_quota_info_decode(struct rd *r, struct smb2_query_quota_info *out);
void smb2_query_quota_info_encode(struct wr *w, const struct smb2_query_quota_info *in);

#endif
