/* SPDX-License-Identifier: Apache-2.0 */
/* READ, [MS-SMB2] 3.3.5.12. Data goes from the page cache to a pool buffer, or straight from the
 * file where the transport can. By RDMA it goes on from that buffer to the client's memory. */
#include <limits.h>

#include "smbd/cmd/file_commands.h"
#include "smbd/cmd/handle.h"
#include "smbd/cmd/pipe.h"
#include "smbd/cmd/remote.h"
#include "smbd/file/file_io.h"
#include "smbd/wire/access.h"
#include "smbd/wire/read.h"

/* Below this a copy into the reply costs less than a second system call. */
#define READ_FILE_SLICE_MIN (64u * 1024)
#define READ_SAMPLE_BYTES   (64u * 1024)

uint32_t cmd_read_payload(struct rd in)
{
	struct smb2_read_request read;

	return smb2_read_request_decode(&in, &read) ? read.length : 0;
}

bool cmd_read_invalidates(struct rd in, uint32_t *token)
{
	struct smb2_read_request read;

	return smb2_read_request_decode(&in, &read) &&
	       remote_token(read.channel, read.read_channel_info, token);
}

/* What is not there is not read: bounds the buffer by the file. A small one is not worth the
 * question: the read says as well where the file ends. */
static struct nt_status read_bound(struct handle *h, const struct smb2_read_request *read,
				   size_t *len)
{
	struct vfs_stat st;
	int err;

	*len = read->length;
	if (read->length < READ_FILE_SLICE_MIN)
		return STATUS_SUCCESS;
	err = vfs_node_stat(h->file.node, &st);
	if (err)
		return nt_status_from_errno(err);
	if (read->offset >= st.size)
		*len = 0;
	else if (read->length > st.size - read->offset)
		*len = (size_t)(st.size - read->offset);
	return STATUS_SUCCESS;
}

static struct nt_status read_into_payload(struct request *req, struct handle *h,
					  const struct smb2_read_request *read, size_t *len)
{
	struct nt_status status = request_payload_get(req, *len);
	struct file_io io;
	struct iovec iov;
	ssize_t n = 0;

	/* not before there is room: who locks does not wait for that */
	if (nt_success(status))
		status = file_io_begin(&h->file, FILE_IO_READ, read->offset, read->length, &io);
	if (!nt_success(status))
		return status;
	iov = (struct iovec){.iov_base = req->payload.data, .iov_len = *len};
	if (*len > 0)
		n = vfs_node_preadv(h->file.node, &iov, 1, (off_t)read->offset);
	file_io_end(&io);
	if (n < 0)
		return nt_status_from_errno((int)n);
	req->payload.len = *len = (size_t)n;
	return STATUS_SUCCESS;
}

/*
 * Whether the page cache has the range, as far as samples tell (what is read ahead comes in larger
 * pieces than they are apart): a file slice that it has not would stop the reactor for the disk.
 */
static bool read_is_cached(int fd, uint64_t offset, size_t len)
{
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};

	for (size_t at = 0; at < len; at += READ_SAMPLE_BYTES) {
		if (preadv2(fd, &iov, 1, (off_t)(offset + at), RWF_NOWAIT) != 1)
			return false;
	}
	return preadv2(fd, &iov, 1, (off_t)(offset + len - 1), RWF_NOWAIT) == 1;
}

/* True: the reply has a file slice. Where somebody has a lock it is read now, not when it is sent.
 */
static bool read_as_slice(struct request *req, struct handle *h, uint64_t offset, size_t len)
{
	struct file_io io;
	bool slice;

	if (len < READ_FILE_SLICE_MIN || h->file.node->stream || !request_file_slice_ok(req))
		return false;
	if (!nt_success(file_io_begin(&h->file, FILE_IO_READ, offset, len, &io)))
		return false; /* asked again */
	slice = file_io_is_unwatched(&io) && read_is_cached(h->file.node->fd, offset, len);
	file_io_end(&io);
	if (slice)
		req->file = (struct file_slice){
			.fd = h->file.node->fd, .offset = (off_t)offset, .len = len};
	return slice;
}

static struct nt_status read_file(struct request *req, struct handle *h,
				  const struct smb2_read_request *read, size_t *len)
{
	struct nt_status status = read_bound(h, read, len);

	if (nt_success(status) && !read_as_slice(req, h, read->offset, *len))
		status = read_into_payload(req, h, read, len);
	if (!nt_success(status))
		return status;
	if ((*len == 0 && read->length > 0) || *len < read->minimum_count)
		return STATUS_END_OF_FILE;
	atomic_store(&h->position, read->offset + *len);
	return STATUS_SUCCESS;
}

static struct nt_status read_check(struct handle *h, const struct smb2_read_request *read)
{
	if (handle_is_directory(h))
		return STATUS_INVALID_DEVICE_REQUEST;
	/* who may execute a file may read it to do so, [MS-SMB2] 3.3.5.12 */
	if (!(h->open.granted_access & (FILE_READ_DATA | FILE_EXECUTE)))
		return STATUS_ACCESS_DENIED;
	if (read->offset > INT64_MAX || read->length > INT64_MAX - read->offset)
		return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

static struct nt_status read_remote(struct request *req, const struct smb2_read_request *read)
{
	struct nt_status status;

	if (!remote_wanted(req, read->channel))
		return STATUS_SUCCESS;
	status = remote_take(req, read->channel, read->read_channel_info, read->length);
	request_release_input(req); /* a receive of the channel: its credit goes back now */
	return status;
}

/* [MS-SMB2] 3.3.5.12: by RDMA there is no data, and DataRemaining says how much was placed. */
static void read_respond(struct request *req, size_t len)
{
	struct smb2_read_response response = {.data = {NULL, len}};

	if (req->remote_count)
		response = (struct smb2_read_response){.data_remaining = (uint32_t)len};
	smb2_read_response_encode(&req->out, &response);
}

struct nt_status cmd_read(struct request *req)
{
	struct smb2_read_request read;
	struct nt_status status;
	struct handle *h;
	size_t len = 0;

	if (!smb2_read_request_decode(&req->in, &read))
		return STATUS_INVALID_PARAMETER;
	status = request_open_get(req, read.file_id);
	if (!nt_success(status))
		return status;
	if (read.length > request_max_read(req))
		return STATUS_INVALID_PARAMETER;
	status = read_remote(req, &read);
	if (!nt_success(status))
		return status;

	if (req->open->ops->kind == OPEN_PIPE) {
		status = pipe_read(req, read.length, &len);
	} else {
		h = container_of(req->open, struct handle, open);
		status = read_check(h, &read);
		if (nt_success(status))
			status = read_file(req, h, &read, &len);
	}
	if (nt_error(status))
		return status;
	read_respond(req, len);
	return status;
}
