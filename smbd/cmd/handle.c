/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/cmd/handle.h"

#include <talloc.h>

#include "smbd/file/file_lock.h"
#include "smbd/file/file_notify.h"
#include "smbd/session/connection.h"
#include "smbd/session/tree.h"
#include "smbd/vfs/name.h"
#include "smbd/wire/access.h"
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

uint32_t access_map_generic(uint32_t desired)
{
	static const struct {
		uint32_t generic, specific;
	} map[] = {{GENERIC_ALL, FILE_ALL_ACCESS},
		   {GENERIC_READ, FILE_GENERIC_READ},
		   {GENERIC_WRITE, FILE_GENERIC_WRITE},
		   {GENERIC_EXECUTE, FILE_GENERIC_EXECUTE}};

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (desired & map[i].generic)
			desired = (desired & ~map[i].generic) | map[i].specific;
	return desired;
}

/*
 * What permission bits stand for until there are stored descriptors (issue D). Who may read a file
 * may execute it: the x bit is rarely set on files that Windows wrote, as Samba's
 * "acl allow execute always" has it.
 */
static uint32_t access_of_posix(unsigned may, bool directory)
{
	uint32_t access = FILE_READ_ATTRIBUTES | READ_CONTROL | SYNCHRONIZE;

	if (may & VFS_MAY_READ)
		access |= FILE_GENERIC_READ | (directory ? 0 : FILE_EXECUTE);
	if (may & VFS_MAY_WRITE)
		access |= FILE_GENERIC_WRITE | FILE_DELETE_CHILD;
	if (may & VFS_MAY_EXECUTE)
		access |= FILE_GENERIC_EXECUTE;
	if (may & VFS_MAY_DELETE)
		access |= DELETE;
	if (may & VFS_MAY_OWN)
		access |= WRITE_DAC | WRITE_OWNER | FILE_WRITE_ATTRIBUTES | FILE_WRITE_EA;
	return access;
}

struct nt_status access_maximal(const struct request *req, struct vfs_node *node, uint32_t *maximal)
{
	unsigned may;
	int err = vfs_node_access(node, &may);

	if (err)
		return nt_status_from_errno(err);
	*maximal = access_of_posix(may, node->stat.directory) & req->tree->maximal_access;
	return STATUS_SUCCESS;
}

struct handle_times handle_times(const struct vfs_stat *st)
{
	return (struct handle_times){.creation = nttime_from_timespec(st->btime),
				     .access = nttime_from_timespec(st->atime),
				     .write = nttime_from_timespec(st->mtime),
				     .change = nttime_from_timespec(st->ctime)};
}
