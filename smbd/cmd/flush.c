/* SPDX-License-Identifier: Apache-2.0 */
/* FLUSH, [MS-SMB2] 3.3.5.11: success means that the data is on stable storage. */
#include "smbd/wire/flush.h"
#include "smbd/cmd/file_commands.h"
#include "smbd/cmd/handle.h"
#include "smbd/wire/access.h"
#include "smbd/wire/empty.h"

struct nt_status cmd_flush(struct request *req)
{
	struct smb2_flush_request flush;
	struct nt_status status;
	struct handle *h;
	int err;

	if (!smb2_flush_request_decode(&req->in, &flush))
		return STATUS_INVALID_PARAMETER;
	status = request_open_get(req, flush.file_id);
	if (!nt_success(status))
		return status;
	if (req->open->ops->kind == OPEN_FILE) {
		h = container_of(req->open, struct handle, open);
		/* a directory's FILE_ADD_FILE and FILE_ADD_SUBDIRECTORY are the same bits */
		status = handle_need(h, FILE_WRITE_DATA | FILE_APPEND_DATA);
		if (!nt_success(status))
			return status;
		err = vfs_node_fsync(h->file.node, false);
		if (err)
			return nt_status_from_errno(err);
	}
	smb2_empty_encode(&req->out);
	return STATUS_SUCCESS;
}
