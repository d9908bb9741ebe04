/* SPDX-License-Identifier: Apache-2.0 */
/* CHANGE_NOTIFY, [MS-SMB2] 3.3.5.19. What is told to whom is file/notify.h's. */
#include "smbd/wire/change_notify.h"

#include "smbd/cmd/file_commands.h"
#include "smbd/cmd/handle.h"
#include "smbd/conf/conf.h"
#include "smbd/file/file_notify.h"
#include "smbd/session/tree.h"
#include "smbd/wire/access.h"
#include "smbd/wire/query_directory.h"

uint32_t cmd_change_notify_payload(struct rd in)
{
	struct smb2_change_notify_request notify;

	return smb2_change_notify_request_decode(&in, &notify) ? notify.output_buffer_length : 0;
}

static struct nt_status notify_check(const struct request *req, const struct handle *h,
				     const struct smb2_change_notify_request *notify)
{
	if (notify->output_buffer_length > request_max_transact(req))
		return STATUS_INVALID_PARAMETER;
	if (!handle_is_directory(h))
		return STATUS_INVALID_PARAMETER;
	if (!req->tree->share->conf->change_notify)
		return STATUS_NOT_IMPLEMENTED;
	return handle_need(h, FILE_LIST_DIRECTORY);
}

static void notify_cancelled(struct request *req, void *arg)
{
	file_notify_cancel(arg);
}

/* Until something happens, it is cancelled, or the open ends. */
static struct nt_status notify_wait(struct request *req, struct handle *h,
				    struct file_notify_wait *wait)
{
	struct nt_status async = request_go_async(req), status;

	if (nt_error(async))
		file_notify_cancel(wait);
	request_release_input(req);
	request_cancel_set(req, notify_cancelled, wait);
	status = file_notify_await(wait);
	request_cancel_clear(req);
	if (!nt_equal(status, STATUS_CANCELLED))
		return status;
	if (nt_error(async))
		return async;
	/* 3.3.4.1: the open, not the request, was ended */
	return open_is_ending(&h->open) ? STATUS_NOTIFY_CLEANUP : status;
}

/* ENUM_DIR: the client's buffer holds less than what happened. */
static struct nt_status notify_answer(struct request *req, uint32_t room,
				      const struct file_notify_wait *wait)
{
	const struct notify_events *events = &wait->wait.events;
	struct nt_status status;

	if (events->len > room)
		return STATUS_NOTIFY_ENUM_DIR;
	status = request_payload_get(req, events->len);
	if (nt_success(status))
		wr_bytes(&req->payload, events->bytes, events->len);
	return status;
}

struct nt_status cmd_change_notify(struct request *req)
{
	struct smb2_change_notify_request notify;
	struct file_notify_wait wait;
	struct nt_status status;
	struct handle *h;

	if (!smb2_change_notify_request_decode(&req->in, &notify))
		return STATUS_INVALID_PARAMETER;
	status = handle_get(req, notify.file_id, &h);
	if (nt_success(status))
		status = notify_check(req, h, &notify);
	if (!nt_success(status))
		return status;
	status = file_notify_begin(h->files, &h->file, notify.completion_filter,
				   notify.flags & SMB2_WATCH_TREE, notify.output_buffer_length,
				   &wait);
	if (nt_equal(status, STATUS_PENDING))
		status = notify_wait(req, h, &wait);
	if (nt_equal(status, STATUS_SUCCESS))
		status = notify_answer(req, notify.output_buffer_length, &wait);
	file_notify_clear(&wait);
	if (nt_error(status))
		return status;
	if (!nt_equal(status, STATUS_SUCCESS)) /* nothing of it but the status */
		req->payload.len = 0;
	smb2_buffer_response_encode(
		&req->out, &(struct smb2_buffer_response){.buffer = {NULL, req->payload.len}});
	return status;
}
