/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/cmd/reparse.h"

#include <string.h>

#include <talloc.h>

#include "smbd/session/request.h"
#include "smbd/vfs/vfs.h"
#include "smbd/wire/error.h"
#include "smbd/wire/fscc/reparse.h"

/* What is sent around the names: an error context, the link's head, and padding. */
#define ERROR_FIXED_BYTES 64

bool reparse_decode(const uint8_t *data, size_t len, struct reparse_data *out)
{
	struct rd r = rd_init(data, len);

	return reparse_data_decode(&r, out) && rd_left(&r) == 0;
}

static struct nt_status error_encode(struct request *req, const struct smb2_symlink_error *error)
{
	size_t cap = ERROR_FIXED_BYTES + error->substitute_name.len + error->print_name.len;
	uint8_t *bytes = talloc_size(request_pool(req), cap);
	struct nt_status status;
	struct wr w;

	if (!bytes)
		return STATUS_INSUFFICIENT_RESOURCES;
	status = request_payload_get(req, cap + ERROR_FIXED_BYTES);
	if (!nt_success(status))
		return status;
	w = wr_init(bytes, cap);
	smb2_symlink_error_encode(&w, error);
	request_error_data(req, bytes, w.len);
	return STATUS_STOPPED_ON_SYMLINK;
}

struct nt_status reparse_stop(struct request *req, struct vfs_node *node, size_t unparsed_bytes)
{
	struct reparse_data data;
	struct reparse_link link;
	uint8_t *bytes;
	struct rd r;
	size_t len;
	int err = vfs_node_reparse(node, request_pool(req), &bytes, &len);

	if (err)
		return nt_status_from_errno(err);
	if (!reparse_decode(bytes, len, &data) || data.reparse_tag != IO_REPARSE_TAG_SYMLINK)
		return STATUS_IO_REPARSE_TAG_NOT_HANDLED;
	r = wire_blob_rd(data.data);
	if (!reparse_symlink_decode(&r, &link))
		return STATUS_IO_REPARSE_DATA_INVALID;
	return error_encode(req, &(struct smb2_symlink_error){
					 .unparsed_path_length = (uint16_t)unparsed_bytes,
					 .flags = link.flags,
					 .substitute_name = link.substitute_name,
					 .print_name = link.print_name,
				 });
}

/* How many bytes the last `components` take at the end of the name, with the '\' before them. */
static size_t tail_bytes(struct wire_blob name, unsigned components)
{
	size_t at = name.len;

	if (at >= 2 && name.data[at - 2] == '\\' && name.data[at - 1] == 0)
		at -= 2; /* a trailing one */
	while (components && at >= 2) {
		at -= 2;
		if (name.data[at] == '\\' && name.data[at + 1] == 0)
			components--;
	}
	return name.len - at;
}

static unsigned components_of(const char *path)
{
	unsigned n = *path != '\0';

	for (; *path; path++)
		n += *path == '/';
	return n;
}

struct nt_status reparse_stop_within(struct request *req, struct vfs_share *share,
				     struct vfs_cred *cred, const char *path, struct wire_blob wire,
				     struct nt_status status)
{
	unsigned left = components_of(path);
	struct vfs_node *node;
	size_t end = 0;
	char *part;
	bool found;

	for (; left > 1; end++) { /* the last one is what is not there */
		end += strcspn(path + end, "/");
		left--;
		part = talloc_strndup(request_pool(req), path, end);
		if (!part)
			return STATUS_INSUFFICIENT_RESOURCES;
		if (vfs_lookup(share, cred, part, &node) != 0)
			return status;
		found = node->stat.attributes & FILE_ATTRIBUTE_REPARSE_POINT;
		if (found)
			status = reparse_stop(req, node, tail_bytes(wire, left));
		(void)vfs_node_close(node); /* O_PATH: nothing to lose */
		if (found)
			return status;
	}
	return status;
}
