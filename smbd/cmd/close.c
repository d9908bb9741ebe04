/* SPDX-License-Identifier: Apache-2.0 */
/* CLOSE, [MS-SMB2] 3.3.5.10. */
#include "smbd/wire/close.h"
#include "smbd/cmd/file_commands.h"
#include "smbd/cmd/handle.h"

/* The attributes are those before the close; of a pipe, and of what cannot be asked any more, all
 * zero. */
static void close_attributes(struct request *req, struct smb2_close_response *response)
{
	struct handle *h = container_of(req->open, struct handle, open);
	struct handle_times times;
	struct vfs_stat st;

	if (req->open->ops->kind != OPEN_FILE || vfs_node_stat(h->file.node, &st) != 0)
		return;
	times = handle_times(&st);
	response->flags = SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB;
	response->creation_time = times.creation;
	response->last_access_time = times.access;
	response->last_write_time = times.write;
	response->change_time = times.change;
	response->allocation_size = st.alloc;
	response->endof_file = st.size;
	response->file_attributes = st.attributes;
}

struct nt_status cmd_close(struct request *req)
{
	struct smb2_close_response response = {0};
	struct smb2_close_request close;
	struct nt_status status;
	struct open *open;

	if (!smb2_close_request_decode(&req->in, &close))
		return STATUS_INVALID_PARAMETER;
	status = request_open_get(req, close.file_id);
	if (!nt_success(status))
		return status;
	if (close.flags & SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB)
		close_attributes(req, &response);
	open = req->open;
	req->open = NULL; /* open_close() takes the reference */
	status = open_close(open);
	if (!nt_success(status))
		return status;
	smb2_close_response_encode(&req->out, &response);
	return STATUS_SUCCESS;
}
