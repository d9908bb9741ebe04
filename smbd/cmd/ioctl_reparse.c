/* SPDX-License-Identifier: Apache-2.0 */
/* FSCTLs of reparse points. */
#include <errno.h>

#include "smbd/cmd/ioctl.h"
#include "smbd/cmd/reparse.h"
#include "smbd/file/file_notify.h"
#include "smbd/vfs/vfs.h"
#include "smbd/wire/access.h"
#include "smbd/wire/fscc/reparse.h"
#include "transport/base/log.h"

#define HEADER_BYTES      8  /* REPARSE_DATA_BUFFER, [MS-FSCC] 2.1.2.2 */
#define HEADER_GUID_BYTES 24 /* REPARSE_GUID_DATA_BUFFER, 2.1.2.3 */

/* ---- FSCTL_GET_REPARSE_POINT, [MS-FSA] 2.1.5.10.14 ---- */

struct nt_status ioctl_get_reparse(struct request *req, const struct ioctl *ioctl)
{
	uint32_t max = ioctl->in->max_output_response;
	struct reparse_data data;
	struct nt_status status;
	struct handle *h;
	uint8_t *bytes;
	size_t len;
	int err;

	status = handle_get(req, ioctl->in->file_id, &h);
	if (nt_error(status))
		return status;
	err = vfs_node_reparse(h->file.node, request_pool(req), &bytes, &len);
	if (err == -ENODATA)
		return STATUS_NOT_A_REPARSE_POINT;
	if (err)
		return nt_status_from_errno(err);
	if (!reparse_decode(bytes, len, &data)) {
		log_info("%s: what user.SmbReparse has is no reparse point", h->file.node->path);
		return STATUS_NOT_A_REPARSE_POINT;
	}
	if (max < (data.reparse_tag & IO_REPARSE_TAG_MICROSOFT ? HEADER_BYTES : HEADER_GUID_BYTES))
		return STATUS_BUFFER_TOO_SMALL;
	status = request_payload_get(req, max < len ? max : len);
	if (nt_error(status))
		return status;
	wr_bytes(&req->payload, bytes, max < len ? max : len);
	return max < len ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

/* ---- FSCTL_SET_REPARSE_POINT and FSCTL_DELETE_REPARSE_POINT ---- */

/* What both ask of their input, and of what is there already. *was: has a reparse point. */
static struct nt_status change_check(struct request *req, const struct ioctl *ioctl,
				     struct handle **h, struct reparse_data *in, bool *was)
{
	const struct wire_blob input = ioctl->in->input;
	struct nt_status status = handle_get(req, ioctl->in->file_id, h);
	struct reparse_data present;
	uint8_t *bytes;
	size_t len;
	int err;

	if (!nt_error(status))
		status = handle_need(*h, FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES);
	if (nt_error(status))
		return status;
	if (input.len > VFS_REPARSE_MAX || !reparse_decode(input.data, input.len, in))
		return STATUS_IO_REPARSE_DATA_INVALID;
	if (in->reparse_tag <= 1) /* reserved, [MS-FSCC] 2.1.2.1 */
		return STATUS_IO_REPARSE_TAG_INVALID;
	err = vfs_node_reparse((*h)->file.node, request_pool(req), &bytes, &len);
	*was = err == 0;
	if (err)
		return err == -ENODATA ? STATUS_SUCCESS : nt_status_from_errno(err);
	if (!reparse_decode(bytes, len, &present))
		return STATUS_SUCCESS; /* nobody's */
	if (in->reparse_tag != present.reparse_tag)
		return STATUS_IO_REPARSE_TAG_MISMATCH;
	return guid_equal(&in->reparse_guid, &present.reparse_guid)
		       ? STATUS_SUCCESS
		       : STATUS_REPARSE_ATTRIBUTE_CONFLICT;
}

static struct nt_status change(struct handle *h, struct wire_blob data)
{
	int err = vfs_node_set_reparse(h->file.node, data.data, data.len);

	if (err == -EOPNOTSUPP)
		return STATUS_INVALID_DEVICE_REQUEST; /* the share has none */
	if (!err) {
		file_notify(h->files, &h->file, FILE_ACTION_MODIFIED,
			    FILE_NOTIFY_CHANGE_ATTRIBUTES);
		oplock_entry_changed(h->files, &h->file);
	}
	return nt_status_from_errno(err);
}

/* A link that could not be told to who runs into it is none. */
static bool link_is_valid(const struct reparse_data *in)
{
	struct rd r = wire_blob_rd(in->data);
	struct reparse_link link;

	return in->reparse_tag != IO_REPARSE_TAG_SYMLINK || reparse_symlink_decode(&r, &link);
}

/* 2.1.5.10.37 */
struct nt_status ioctl_set_reparse(struct request *req, const struct ioctl *ioctl)
{
	struct reparse_data in;
	struct nt_status status;
	struct handle *h;
	bool was;
	int err;

	status = change_check(req, ioctl, &h, &in, &was);
	if (nt_error(status))
		return status;
	if (!link_is_valid(&in))
		return STATUS_IO_REPARSE_DATA_INVALID;
	err = was ? 0 : vfs_node_is_empty(h->file.node); /* DIRECTORY_NOT_EMPTY */
	return err ? nt_status_from_errno(err) : change(h, ioctl->in->input);
}

/* 2.1.5.10.4 */
struct nt_status ioctl_delete_reparse(struct request *req, const struct ioctl *ioctl)
{
	struct reparse_data in;
	struct nt_status status;
	struct handle *h;
	bool was;

	status = change_check(req, ioctl, &h, &in, &was);
	if (nt_error(status))
		return status;
	if (in.data.len)
		return STATUS_IO_REPARSE_DATA_INVALID;
	return was ? change(h, WIRE_BLOB(NULL, 0)) : STATUS_NOT_A_REPARSE_POINT;
}
