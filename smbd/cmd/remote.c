/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/cmd/remote.h"

#include "smbd/session/connection.h"
#include "smbd/session/open.h"
#include "smbd/session/session.h"
#include "smbd/wire/negotiate.h"
#include "smbd/wire/rdma.h"
#include "smbd/wire/read.h"

bool remote_wanted(const struct request *req, uint32_t channel)
{
	/* [MS-SMB2] 2.2.19: before 3.0 the field is reserved, and ignored */
	return channel != SMB2_CHANNEL_NONE && req->conn->negotiated.dialect >= SMB2_DIALECT_300;
}

/*
 * [MS-SMB2] 3.3.5.12, 3.3.5.13. SMB2_CHANNEL_RDMA_TRANSFORM is not negotiated. What goes by RDMA
 * is not signed. Windows serves a client that signs nevertheless, and so do we; but where signing
 * is demanded, no payload gets around it: such clients use no channel (protocol-facts 13, 31).
 */
static bool remote_allowed(const struct request *req, uint32_t channel)
{
	const struct connection *conn = req->conn;

	if (channel != SMB2_CHANNEL_RDMA_V1 && (channel != SMB2_CHANNEL_RDMA_V1_INVALIDATE ||
						conn->negotiated.dialect == SMB2_DIALECT_300))
		return false;
	return conn->limits.remote_bytes > 0 && req->open->ops->kind == OPEN_FILE &&
	       !req->session->signing_required;
}

/* False: one is cut short, or wraps around, or all together are too little. */
static bool remote_decode(struct rd *r, struct remote_slice *out, uint32_t bytes)
{
	struct smb2_buffer_descriptor d;
	uint64_t sum = 0;

	while (smb2_buffer_descriptor_next(r, &d)) {
		if (d.offset + d.length < d.offset)
			return false;
		*out++ = (struct remote_slice){
			.offset = d.offset, .token = d.token, .length = d.length};
		sum += d.length;
	}
	return rd_ok(r) && sum >= bytes;
}

struct nt_status remote_take(struct request *req, uint32_t channel, struct wire_blob info,
			     uint32_t bytes)
{
	struct rd r = rd_init(info.data, info.len);
	struct nt_status status;

	if (!remote_allowed(req, channel) || bytes > req->conn->limits.remote_bytes)
		return STATUS_INVALID_PARAMETER;
	if (info.len == 0 || info.len % SMB2_BUFFER_DESCRIPTOR_SIZE != 0)
		return STATUS_INVALID_PARAMETER;
	status = request_remote_get(req, (unsigned)(info.len / SMB2_BUFFER_DESCRIPTOR_SIZE));
	if (!nt_success(status))
		return status;
	if (!remote_decode(&r, req->remote, bytes))
		return STATUS_INVALID_PARAMETER;
	request_remote_trim(req, bytes);
	return STATUS_SUCCESS;
}

bool remote_token(uint32_t channel, struct wire_blob info, uint32_t *token)
{
	struct rd r = rd_init(info.data, info.len);
	struct smb2_buffer_descriptor d;

	if (channel != SMB2_CHANNEL_RDMA_V1_INVALIDATE || !smb2_buffer_descriptor_next(&r, &d))
		return false;
	*token = d.token;
	return true;
}
