/* SPDX-License-Identifier: Apache-2.0 */
/* WRITE, [MS-SMB2] 3.3.5.13. The payload goes to the file from where the transport put it, or, by
 * RDMA, from the pool's buffer that it was fetched to. */
#include <limits.h>

#include "smbd/cmd/file_commands.h"
#include "smbd/cmd/handle.h"
#include "smbd/cmd/pipe.h"
#include "smbd/cmd/remote.h"
#include "smbd/file/file_io.h"
#include "smbd/file/file_notify.h"
#include "smbd/wire/access.h"
#include "smbd/wire/write.h"

uint32_t cmd_write_payload(struct rd in)
{
	struct smb2_write_request write;

	/* its place is checked by the handler, which knows the whole message's length */
	return smb2_write_request_decode(&in, UINT64_MAX / 2, &write) ? write.length : 0;
}

bool cmd_write_invalidates(struct rd in, uint32_t *token)
{
	struct smb2_write_request write;

	return smb2_write_request_decode(&in, UINT64_MAX / 2, &write) &&
	       remote_token(write.channel, write.write_channel_info, token);
}

/* With FILE_APPEND_DATA alone, only what is beyond the end may be written. */
static bool write_only_appends(const struct handle *h)
{
	return !(h->open.granted_access & FILE_WRITE_DATA);
}

static struct nt_status write_check_end(struct handle *h, const struct smb2_write_request *write)
{
	struct vfs_stat st;
	int err = vfs_node_stat(h->file.node, &st);

	if (err)
		return nt_status_from_errno(err);
	return write->offset >= st.size ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
}

static struct nt_status write_check(struct handle *h, const struct smb2_write_request *write,
				    size_t len)
{
	struct nt_status status;

	if (handle_is_directory(h))
		return STATUS_INVALID_DEVICE_REQUEST;
	status = handle_need(h, FILE_WRITE_DATA | FILE_APPEND_DATA);
	if (!nt_success(status))
		return status;
	/* 0xffffffffffffffff, append, is of local opens only: Windows refuses it too */
	if (write->offset > INT64_MAX || len > INT64_MAX - write->offset)
		return STATUS_INVALID_PARAMETER;
	if (len > 0 && write->offset + len > HANDLE_FILE_BYTES_MAX)
		return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

static struct nt_status write_at(struct handle *h, const struct smb2_write_request *write,
				 const struct slice *data)
{
	struct iovec iov = {.iov_base = data->data, .iov_len = data->len};
	bool through = h->write_through || (write->flags & SMB2_WRITEFLAG_WRITE_THROUGH);
	ssize_t n;

	if (data->len == 0)
		return STATUS_SUCCESS;
	n = vfs_node_pwritev(h->file.node, &iov, 1, (off_t)write->offset, through);
	oplock_data_changed(h->files, &h->file); /* a write that failed may have begun */
	if (n < 0)
		return nt_status_from_errno((int)n);
	atomic_store(&h->position, write->offset + data->len);
	handle_written(h, write->offset + data->len);
	return STATUS_SUCCESS;
}

static struct nt_status write_data(struct handle *h, const struct smb2_write_request *write,
				   const struct slice *data)
{
	enum file_io_kind kind = write_only_appends(h) ? FILE_IO_APPEND : FILE_IO_WRITE;
	struct nt_status status;
	struct file_io io;

	/* now, not before a payload was fetched: who locks does not wait for that */
	status = file_io_begin(&h->file, kind, write->offset, data->len, &io);
	if (!nt_success(status))
		return status;
	if (kind == FILE_IO_APPEND)
		status = write_check_end(h, write);
	if (nt_success(status))
		status = write_at(h, write, data);
	file_io_end(&io);
	return status;
}

static struct nt_status write_inline(struct request *req, const struct smb2_write_request *write)
{
	struct nt_status status;
	struct slice data;
	struct handle *h;

	status = request_in_slice(req, write->data_offset, write->length, &data);
	if (!nt_success(status))
		return status;
	if (req->open->ops->kind == OPEN_PIPE)
		return pipe_write(req, &data);
	h = container_of(req->open, struct handle, open);
	status = write_check(h, write, data.len);
	return nt_success(status) ? write_data(h, write, &data) : status;
}

/* [MS-SMB2] 3.3.5.13: the message carries nothing, RemainingBytes says how much there is. */
static struct nt_status write_remote(struct request *req, const struct smb2_write_request *write)
{
	uint32_t len = write->remaining_bytes;
	struct nt_status status;
	struct slice data;
	struct handle *h;

	if (write->length || write->data_offset || len > request_max_write(req))
		return STATUS_INVALID_PARAMETER;
	status = remote_take(req, write->channel, write->write_channel_info, len);
	if (!nt_success(status))
		return status;
	request_release_input(req); /* a receive of the channel: its credit goes back now */
	h = container_of(req->open, struct handle, open);
	status = write_check(h, write, len);
	if (nt_success(status))
		status = request_pull(req, len, &data);
	if (nt_success(status))
		status = write_data(h, write, &data);
	request_payload_put(req); /* there is nothing to send from it */
	return status;
}

struct nt_status cmd_write(struct request *req)
{
	uint64_t message_len = req->in.len + req->in_body.len;
	struct smb2_write_request write;
	struct nt_status status;
	uint32_t count;

	if (!smb2_write_request_decode(&req->in, message_len, &write))
		return STATUS_INVALID_PARAMETER;
	status = request_open_get(req, write.file_id);
	if (!nt_success(status))
		return status;
	if (write.length > request_max_write(req))
		return STATUS_INVALID_PARAMETER;
	if (remote_wanted(req, write.channel)) {
		status = write_remote(req, &write);
		count = write.remaining_bytes;
	} else {
		status = write_inline(req, &write);
		count = write.length;
	}
	if (!nt_success(status))
		return status;
	smb2_write_response_encode(&req->out, &(struct smb2_write_response){.count = count});
	return STATUS_SUCCESS;
}
