/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quotas, as QUERY_INFO and SET_INFO have them: [MS-SMB2] 3.3.5.20.4 and 3.3.5.21.4. Who is not
 * root learns of his own quota only, and sets none. Thread: a request's fiber; suspends. Errors:
 * NTSTATUS; NOT_SUPPORTED where the file system has none.
 */
#ifndef SMBD_CMD_QUOTA_H
#define SMBD_CMD_QUOTA_H

#include "smbd/cmd/handle.h"
#include "smbd/wire/query_info.h"

struct name;

/* Is it "$Extend\$Quota:$Q:$INDEX_ALLOCATION"? Windows asks there, though any open will do; then
 * the name becomes the share's root. */
bool quota_file_name(struct name *name);

NT_WARN_UNUSED struct nt_status query_quota(struct request *req, struct handle *h,
					    const struct smb2_query_info_request *query);
NT_WARN_UNUSED struct nt_status set_quota(struct handle *h, struct wire_blob buffer);

#endif
