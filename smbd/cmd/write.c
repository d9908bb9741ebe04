/* SPDX-License-Identifier: Apache-2.0 */
/* WRITE, [MS-SMB2] 3.3.5.13. The payload goes to the file from where the transport put it. */
#include <limits.h>

#include "smbd/cmd/file_commands.h"
#include "smbd/cmd/handle.h"
#include "smbd/cmd/pipe.h"
#include "smbd/wire/access.h"
#include "smbd/wire/write.h"

uint32_t cmd_write_payload(struct rd in)
{
	struct smb2_write_request write;

	/* its place is checked by the handler, which knows the whole message's length */
	return smb2_write_request_decode(&in, UINT64_MAX / 2, &write) ? write.length : 0;
}

/* With FILE_APPEND_DATA alone, only what is beyond the end may be written. */
static struct nt_status write_check_append(struct handle *h, const struct smb2_write_request *write)
{
	struct vfs_stat st;
	int err;

	if (h->open.granted_access & FILE_WRITE_DATA)
		return STATUS_SUCCESS;
	if (!(h->open.granted_access & FILE_APPEND_DATA))
		return STATUS_ACCESS_DENIED;
	err = vfs_node_stat(h->file.node, &st);
	if (err)
		return nt_status_from_errno(err);
	return write->offset >= st.size ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
}

static struct nt_status write_file(struct handle *h, const struct smb2_write_request *write,
				   const struct slice *data)
{
	struct iovec iov = {.iov_base = data->data, .iov_len = data->len};
	bool through = h->write_through || (write->flags & SMB2_WRITEFLAG_WRITE_THROUGH);
	struct nt_status status;
	ssize_t n;

	if (handle_is_directory(h))
		return STATUS_INVALID_DEVICE_REQUEST;
	status = write_check_append(h, write);
	if (!nt_success(status))
		return status;
	/* 0xffffffffffffffff, append, is of local opens only: Windows refuses it too */
	if (write->offset > INT64_MAX || data->len > INT64_MAX - write->offset)
		return STATUS_INVALID_PARAMETER;
	if (data->len == 0)
		return STATUS_SUCCESS;
	if (write->offset + data->len > HANDLE_FILE_BYTES_MAX)
		return STATUS_INVALID_PARAMETER;
	n = vfs_node_pwritev(h->file.node, &iov, 1, (off_t)write->offset, through);
	if (n < 0)
		return nt_status_from_errno((int)n);
	atomic_store(&h->position, write->offset + data->len);
	return STATUS_SUCCESS;
}

struct nt_status cmd_write(struct request *req)
{
	uint64_t message_len = req->in.len + req->in_body.len;
	struct smb2_write_request write;
	struct nt_status status;
	struct slice data;

	if (!smb2_write_request_decode(&req->in, message_len, &write))
		return STATUS_INVALID_PARAMETER;
	status = request_open_get(req, write.file_id);
	if (!nt_success(status))
		return status;
	if (write.length > request_max_write(req))
		return STATUS_INVALID_PARAMETER;
	if (!handle_channel_ok(req, write.channel))
		return STATUS_INVALID_PARAMETER;
	status = request_in_slice(req, write.data_offset, write.length, &data);
	if (!nt_success(status))
		return status;

	if (req->open->ops->kind == OPEN_PIPE)
		status = pipe_write(req, &data);
	else
		status = write_file(container_of(req->open, struct handle, open), &write, &data);
	if (!nt_success(status))
		return status;
	smb2_write_response_encode(&req->out, &(struct smb2_write_response){.count = write.length});
	return STATUS_SUCCESS;
}
