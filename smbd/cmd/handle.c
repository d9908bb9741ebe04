/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/cmd/handle.h"

#include <talloc.h>

#include "smbd/file/file_lock.h"
#include "smbd/file/file_notify.h"
#include "smbd/session/connection.h"
#include "smbd/session/tree.h"
#include "smbd/vfs/name.h"
#include "smbd/wire/blob.h"
#include "smbd/wire/fscc/attributes.h"
#include "smbd/wire/negotiate.h"
#include "smbd/wire/nttime.h"
#include "smbd/wire/read.h"
#include "smbd/wire/utf16.h"

static struct nt_status handle_end(struct open *open)
{
	struct handle *h = container_of(open, struct handle, open);

	if (h->dir)
		vfs_dir_close(h->dir);
	return file_close(h->files, &h->file);
}

static void handle_interrupt(struct open *open)
{
	struct handle *h = container_of(open, struct handle, open);

	file_lock_interrupt(&h->file);
	file_notify_interrupt(h->files, &h->file);
}

const struct open_ops handle_ops = {
	.kind = OPEN_FILE, .end = handle_end, .interrupt = handle_interrupt};

struct nt_status handle_get(struct request *req, struct smb2_file_id id, struct handle **out)
{
	struct nt_status status = request_open_get(req, id);

	if (!nt_success(status))
		return status;
	if (req->open->ops->kind != OPEN_FILE)
		return STATUS_INVALID_DEVICE_REQUEST;
	*out = container_of(req->open, struct handle, open);
	return STATUS_SUCCESS;
}

void handle_written(struct handle *h, uint64_t end)
{
	unsigned long long before = atomic_load(&h->written_to);

	if (end <= before)
		return;
	atomic_store(&h->written_to, end);
	file_notify(h->files, &h->file, FILE_ACTION_MODIFIED,
		    FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_LAST_WRITE);
}

struct nt_status handle_need(const struct handle *h, uint32_t any_of)
{
	return h->open.granted_access & any_of ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
}

struct nt_status handle_wire_name(struct request *req, struct handle *h, bool rooted,
				  struct wire_blob *name)
{
	char *path = file_open_path(h->files, &h->file, request_pool(req));
	const char *stream = h->file.node->stream;
	size_t cap, skip = rooted ? 2 : 0;
	uint8_t *wire;

	if (!path)
		return STATUS_INSUFFICIENT_RESOURCES;
	cap = 2 * talloc_get_size(path) + skip; /* each byte becomes at most one unit */
	cap += stream ? 2 + UTF16_MAX_SIZE(strlen(stream)) : 0;
	wire = talloc_size(request_pool(req), cap);
	if (!wire)
		return STATUS_INSUFFICIENT_RESOURCES;
	if (rooted) {
		wire[0] = '\\';
		wire[1] = 0;
	}
	name->data = wire;
	name->len = skip + name_path_to_wire(path, wire + skip, cap - skip);
	if (stream && name->len + 2 + UTF16_MAX_SIZE(strlen(stream)) <= cap) {
		struct wr w = wr_init(wire + name->len, cap - name->len);

		wr_u16(&w, ':');
		(void)wr_utf16(&w, stream);
		name->len += wr_ok(&w) ? w.len : 0;
	}
	return STATUS_SUCCESS;
}

struct handle_times handle_times(const struct vfs_stat *st)
{
	return (struct handle_times){.creation = nttime_from_timespec(st->btime),
				     .access = nttime_from_timespec(st->atime),
				     .write = nttime_from_timespec(st->mtime),
				     .change = nttime_from_timespec(st->ctime)};
}
