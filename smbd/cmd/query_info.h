/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of QUERY_INFO and SET_INFO, one file a family of classes. Each part writes the answer
 * to req->payload, which has room for all that it can be; QUERY_INFO cuts it to the client's
 * buffer.
 */
#ifndef SMBD_CMD_QUERY_INFO_H
#define SMBD_CMD_QUERY_INFO_H

#include "smbd/cmd/handle.h"
#include "smbd/wire/query_info.h"
#include "smbd/wire/set_info.h"

/* [MS-SMB2] 3.3.5.20.1, 3.3.5.20.2, 3.3.5.20.3 */
NT_WARN_UNUSED struct nt_status query_file(struct request *req, struct handle *h,
					   const struct smb2_query_info_request *query);
NT_WARN_UNUSED struct nt_status query_filesystem(struct request *req, struct handle *h,
						 const struct smb2_query_info_request *query);
NT_WARN_UNUSED struct nt_status query_security(struct request *req, struct handle *h,
					       const struct smb2_query_info_request *query);

#endif
