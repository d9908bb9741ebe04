/* SPDX-License-Identifier: Apache-2.0 */
/* FSCTLs about a file or its volume, not about its data. */
#include "smbd/cmd/ioctl.h"
#include "smbd/wire/access.h"
#include "smbd/wire/fsctl.h"

#define OBJECT_ID_BYTES 64

/* ---- object ids, [MS-FSCC] 2.3.3: every file has one, made of which file it is ---- */

struct nt_status ioctl_object_id(struct request *req, const struct ioctl *ioctl)
{
	struct fsctl_object_id out = {0};
	struct nt_status status;
	struct handle *h;
	struct wr w;

	status = handle_get(req, ioctl->in->file_id, &h);
	if (nt_error(status))
		return status;
	if (ioctl->in->max_output_response < OBJECT_ID_BYTES)
		return STATUS_INVALID_PARAMETER;
	status = request_payload_get(req, OBJECT_ID_BYTES);
	if (nt_error(status))
		return status;
	w = wr_init(out.object_id.bytes, sizeof(out.object_id.bytes));
	wr_u64(&w, h->file.node->id.ino);
	wr_u64(&w, h->file.node->id.dev);
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
