/* SPDX-License-Identifier: Apache-2.0 */
/* QUERY_INFO, [MS-SMB2] 3.3.5.20: to whom a query goes, and what happens when the answer is larger
 * than the client's buffer. */
#include "smbd/cmd/query_info.h"

#include "smbd/cmd/file_commands.h"
#include "smbd/cmd/quota.h"
#include "smbd/wire/error.h"

/* The largest answer: a name of 32767 units with the fixed parts around it. */
#define QUERY_INFO_BYTES_MAX (72u * 1024)

uint32_t cmd_query_info_payload(struct rd in)
{
	struct smb2_query_info_request query;

	if (!smb2_query_info_request_decode(&in, &query))
		return 0;
	return query.output_buffer_length > query.input.len ? query.output_buffer_length
							    : (uint32_t)query.input.len;
}

/* A descriptor is all or nothing: BUFFER_TOO_SMALL, with the length that it takes (3.3.5.20.3). */
static struct nt_status query_too_small(struct request *req)
{
	uint32_t needed = (uint32_t)req->payload.len;

	uint8_t bytes[4];
	struct wr w = wr_init(bytes, sizeof(bytes));

	smb2_buffer_too_small_encode(&w, needed);
	req->payload.len = 0;
	request_error_data(req, bytes, w.len);
	return STATUS_BUFFER_TOO_SMALL;
}

static struct nt_status query_dispatch(struct request *req, struct handle *h,
				       const struct smb2_query_info_request *query)
{
	switch (query->info_type) {
	case SMB2_0_INFO_FILE:
		return query_file(req, h, query);
	case SMB2_0_INFO_FILESYSTEM:
		return query_filesystem(req, h, query);
	case SMB2_0_INFO_SECURITY:
		return query_security(req, h, query);
	case SMB2_0_INFO_QUOTA:
		return query_quota(req, h, query);
	default:
		return STATUS_INVALID_PARAMETER;
	}
}

struct nt_status cmd_query_info(struct request *req)
{
	struct smb2_query_info_request query;
	struct nt_status status;
	struct handle *h;

	if (!smb2_query_info_request_decode(&req->in, &query))
		return STATUS_INVALID_PARAMETER;
	status = handle_get(req, query.file_id, &h);
	if (!nt_success(status))
		return status;
	if (query.output_buffer_length > request_max_transact(req) ||
	    query.input.len > request_max_transact(req))
		return STATUS_INVALID_PARAMETER;
	status = request_payload_get(req, QUERY_INFO_BYTES_MAX);
	if (!nt_success(status))
		return status;
	status = query_dispatch(req, h, &query);
	if (!nt_success(status)) {
		req->payload.len = 0;
		return status;
	}
	if (!wr_ok(&req->payload))
		return STATUS_INTERNAL_ERROR;
	if (req->payload.len > query.output_buffer_length) {
		if (query.info_type == SMB2_0_INFO_SECURITY)
			return query_too_small(req);
		req->payload.len = query.output_buffer_length;
		status = STATUS_BUFFER_OVERFLOW;
	}
	smb2_buffer_response_encode(
		&req->out, &(struct smb2_buffer_response){.buffer = {NULL, req->payload.len}});
	return status;
}
