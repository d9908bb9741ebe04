/* SPDX-License-Identifier: Apache-2.0 */
/* FSCTLs about a file or its volume, not about its data. */
#include "smbd/cmd/ioctl.h"
#include "smbd/wire/access.h"
#include "smbd/wire/fsctl.h"

#define OBJECT_ID_BYTES 64

/* ---- object ids, [MS-FSA] 2.1.5.10.1 and 2.1.5.10.12: every file has one, of its file system,
 * inode and birth, so that it stays over a restart and no later file gets it. None can be set or
 * deleted: as on a file system without them ---- */

struct nt_status ioctl_object_id(struct request *req, const struct ioctl *ioctl)
{
	struct fsctl_object_id out = {0};
	struct vfs_space space;
	struct nt_status status;
	struct handle *h;
	struct wr w;
	int err;

	status = handle_get(req, ioctl->in->file_id, &h);
	if (nt_error(status))
		return status;
	if (ioctl->in->max_output_response < OBJECT_ID_BYTES)
		return STATUS_INVALID_PARAMETER;
	err = vfs_node_space(h->file.node, &space);
	if (err)
		return nt_status_from_errno(err);
	status = request_payload_get(req, OBJECT_ID_BYTES);
	if (nt_error(status))
		return status;
	w = wr_init(out.object_id.bytes, sizeof(out.object_id.bytes));
	wr_u64(&w, h->file.node->id.ino);
	wr_u64(&w, space.id ^ h->file.node->id.btime_ns);
	w = wr_init(out.birth_volume_id.bytes, sizeof(out.birth_volume_id.bytes));
	wr_u64(&w, space.id); /* as FileFsObjectIdInformation has it */
	out.birth_object_id = out.object_id;
	fsctl_object_id_encode(&req->payload, &out);
	return STATUS_SUCCESS;
}

/* ---- compression, [MS-FSA] 2.1.5.10.9 and .34: no file of ours is compressed for the client ----
 */

struct nt_status ioctl_get_compression(struct request *req, const struct ioctl *ioctl)
{
	struct nt_status status;
	struct handle *h;

	status = handle_get(req, ioctl->in->file_id, &h);
	if (nt_error(status))
		return status;
	if (ioctl->in->max_output_response < 2)
		return STATUS_BUFFER_TOO_SMALL;
	status = request_payload_get(req, 2);
	if (!nt_error(status))
		fsctl_compression_encode(&req->payload, COMPRESSION_FORMAT_NONE);
	return status;
}

struct nt_status ioctl_set_compression(struct request *req, const struct ioctl *ioctl)
{
	struct rd r = wire_blob_rd(ioctl->in->input);
	struct nt_status status;
	struct handle *h;
	uint16_t format;

	status = handle_get(req, ioctl->in->file_id, &h);
	if (!nt_error(status))
		status = handle_need(h, FILE_WRITE_DATA);
	if (nt_error(status))
		return status;
	if (!fsctl_compression_decode(&r, &format))
		return STATUS_INVALID_PARAMETER;
	if (format == COMPRESSION_FORMAT_NONE) /* it is so already */
		return STATUS_SUCCESS;
	return STATUS_NOT_SUPPORTED;
}
