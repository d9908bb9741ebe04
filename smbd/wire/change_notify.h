/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CHANGE_NOTIFY: [MS-SMB2] 2.2.35; the response is smb2_buffer_response (query_directory.h) with
 * FILE_NOTIFY_INFORMATION, [MS-FSCC] 2.7.1, in it. Conventions: blob.h.
 */
#ifndef SMBD_WIRE_CHANGE_NOTIFY_H
#define SMBD_WIRE_CHANGE_NOTIFY_H

#include "smbd/wire/blob.h"
#include "smbd/wire/file_id.h"

#define SMB2_WATCH_TREE 0x0001u

#define FILE_NOTIFY_CHANGE_FILE_NAME    0x00000001u
#define FILE_NOTIFY_CHANGE_DIR_NAME     0x00000002u
#define FILE_NOTIFY_CHANGE_ATTRIBUTES   0x00000004u
#define FILE_NOTIFY_CHANGE_SIZE         0x00000008u
#define FILE_NOTIFY_CHANGE_LAST_WRITE   0x00000010u
#define FILE_NOTIFY_CHANGE_LAST_ACCESS  0x00000020u
#define FILE_NOTIFY_CHANGE_CREATION     0x00000040u
#define FILE_NOTIFY_CHANGE_EA           0x00000080u
#define FILE_NOTIFY_CHANGE_SECURITY     0x00000100u
#define FILE_NOTIFY_CHANGE_STREAM_NAME  0x00000200u
#define FILE_NOTIFY_CHANGE_STREAM_SIZE  0x00000400u
#define FILE_NOTIFY_CHANGE_STREAM_WRITE 0x00000800u

#define FILE_ACTION_ADDED                  0x00000001u
#define FILE_ACTION_REMOVED                0x00000002u
#define FILE_ACTION_MODIFIED               0x00000003u
#define FILE_ACTION_RENAMED_OLD_NAME       0x00000004u
#define FILE_ACTION_RENAMED_NEW_NAME       0x00000005u
#define FILE_ACTION_ADDED_STREAM           0x00000006u
#define FILE_ACTION_REMOVED_STREAM         0x00000007u
#define FILE_ACTION_MODIFIED_STREAM        0x00000008u
#define FILE_ACTION_REMOVED_BY_DELETE      0x00000009u
#define FILE_ACTION_ID_NOT_TUNNELLED       0x0000000au
#define FILE_ACTION_TUNNELLED_ID_COLLISION 0x0000000bu

struct smb2_change_notify_request {
	uint16_t flags;
	uint32_t output_buffer_length;
	struct smb2_file_id file_id;
	uint32_t completion_filter;
};

bool smb2_change_notify_request_decode(struct rd *r, struct smb2_change_notify_request *out);
void smb2_change_notify_request_encode(struct wr *w, const struct smb2_change_notify_request *in);

struct file_notify_information {
	uint32_t action;
	struct wire_blob file_name; /* UTF-16LE, relative to the watched directory */
};

/*
 * Append one entry, linked to the one before, whose offset *last holds (SIZE_MAX for the first).
 * False, and nothing written, when there is no room.
 */
bool file_notify_information_encode(struct wr *w, const struct file_notify_information *in,
				    size_t *last);
/* The next entry of the list in r; false at its end (rd_ok(r)) or when it is malformed. */
bool file_notify_information_next(struct rd *r, struct file_notify_information *out);

#endif
