/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CREATE: [MS-SMB2] 2.2.13 and 2.2.14. Conventions: blob.h.
 */
#ifndef SMBD_WIRE_CREATE_H
#define SMBD_WIRE_CREATE_H

#include "smbd/wire/access.h"
#include "smbd/wire/blob.h"
#include "smbd/wire/create_context.h"
#include "smbd/wire/file_id.h"
#include "smbd/wire/fscc/attributes.h"

#define SMB2_OPLOCK_LEVEL_NONE      0x00u
#define SMB2_OPLOCK_LEVEL_II        0x01u
#define SMB2_OPLOCK_LEVEL_EXCLUSIVE 0x08u
#define SMB2_OPLOCK_LEVEL_BATCH     0x09u
#define SMB2_OPLOCK_LEVEL_LEASE     0xffu

#define SMB2_IMPERSONATION_ANONYMOUS      0x00000000u
#define SMB2_IMPERSONATION_IDENTIFICATION 0x00000001u
#define SMB2_IMPERSONATION_IMPERSONATION  0x00000002u
#define SMB2_IMPERSONATION_DELEGATE       0x00000003u

#define FILE_SHARE_NONE   0x00000000u
#define FILE_SHARE_READ   0x00000001u
#define FILE_SHARE_WRITE  0x00000002u
#define FILE_SHARE_DELETE 0x00000004u

enum smb2_create_disposition {
	FILE_SUPERSEDE = 0,
	FILE_OPEN = 1,
	FILE_CREATE = 2,
	FILE_OPEN_IF = 3,
	FILE_OVERWRITE = 4,
	FILE_OVERWRITE_IF = 5,
};

#define FILE_DIRECTORY_FILE            0x00000001u
#define FILE_WRITE_THROUGH             0x00000002u
#define FILE_SEQUENTIAL_ONLY           0x00000004u
#define FILE_NO_INTERMEDIATE_BUFFERING 0x00000008u
#define FILE_SYNCHRONOUS_IO_ALERT      0x00000010u
#define FILE_SYNCHRONOUS_IO_NONALERT   0x00000020u
#define FILE_NON_DIRECTORY_FILE        0x00000040u
#define FILE_CREATE_TREE_CONNECTION    0x00000080u
#define FILE_COMPLETE_IF_OPLOCKED      0x00000100u
#define FILE_NO_EA_KNOWLEDGE           0x00000200u
#define FILE_OPEN_REMOTE_INSTANCE      0x00000400u
#define FILE_RANDOM_ACCESS             0x00000800u
#define FILE_DELETE_ON_CLOSE           0x00001000u
#define FILE_OPEN_BY_FILE_ID           0x00002000u
#define FILE_OPEN_FOR_BACKUP_INTENT    0x00004000u
#define FILE_NO_COMPRESSION            0x00008000u
#define FILE_OPEN_REQUIRING_OPLOCK     0x00010000u
#define FILE_DISALLOW_EXCLUSIVE        0x00020000u
#define FILE_RESERVE_OPFILTER          0x00100000u
#define FILE_OPEN_REPARSE_POINT        0x00200000u
#define FILE_OPEN_NO_RECALL            0x00400000u
#define FILE_OPEN_FOR_FREE_SPACE_QUERY 0x00800000u

/* CreateAction of the response. */
#define FILE_SUPERSEDED  0x00000000u
#define FILE_OPENED      0x00000001u
#define FILE_CREATED     0x00000002u
#define FILE_OVERWRITTEN 0x00000003u

#define SMB2_CREATE_FLAG_REPARSEPOINT 0x01u /* response Flags, 3.x */

struct smb2_create_request {
	uint8_t security_flags;
	uint8_t requested_oplock_level;
	uint32_t impersonation_level;
	uint64_t smb_create_flags;
	uint32_t desired_access;
	uint32_t file_attributes;
	uint32_t share_access;
	uint32_t create_disposition;
	uint32_t create_options;
	struct wire_blob name; /* UTF-16LE, an even number of bytes, relative to the share */
	struct smb2_create_contexts_request contexts;
};

struct smb2_create_response {
	uint8_t oplock_level;
	uint8_t flags;
	uint32_t create_action;
	uint64_t creation_time; /* FILETIMEs: nttime.h */
	uint64_t last_access_time;
	uint64_t last_write_time;
	uint64_t change_time;
	uint64_t allocation_size;
	uint64_t endof_file;
	uint32_t file_attributes;
	struct smb2_file_id file_id;
	struct smb2_create_contexts_response contexts;
};

bool smb2_create_request_decode(struct rd *r, struct smb2_create_request *out);
void smb2_create_request_encode(struct wr *w, const struct smb2_create_request *in);
bool smb2_create_response_decode(struct rd *r, struct smb2_create_response *out);
void smb2_create_response_encode(struct wr *w, const struct smb2_create_response *in);

#endif
