/* SPDX-License-Identifier: Apache-2.0 */
/* Copies that the server makes: SRV_REQUEST_RESUME_KEY, SRV_COPYCHUNK, SRV_COPYCHUNK_WRITE,
 * DUPLICATE_EXTENTS_TO_FILE. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "smbd/cmd/ioctl.h"
#include "smbd/file/file_io.h"
#include "smbd/file/oplock.h"
#include "smbd/session/session.h"
#include "smbd/wire/access.h"
#include "smbd/wire/fsctl.h"

/* [MS-SMB2] 3.3.3: ServerSideCopyMaxNumberofChunks, MaxChunkSize, MaxDataSize, as Windows has them
 */
#define CHUNKS_MAX      256u
#define CHUNK_BYTES_MAX (1u << 20)
#define DATA_BYTES_MAX  (16u << 20)

#define RESUME_KEY_BYTES 32 /* of the response */
#define COPIED_BYTES     12

/* ---- the key: which open of this session it is; others' are not looked at, so it is no secret
 * ---- */

struct nt_status ioctl_resume_key(struct request *req, const struct ioctl *ioctl)
{
	struct fsctl_resume_key out = {{0}};
	struct nt_status status;
	struct handle *h;
	struct wr w;

	status = handle_get(req, ioctl->in->file_id, &h);
	if (nt_error(status))
		return status;
	if (ioctl->in->max_output_response < RESUME_KEY_BYTES) /* 3.3.5.15.5 */
		return STATUS_INVALID_PARAMETER;
	status = request_payload_get(req, RESUME_KEY_BYTES);
	if (nt_error(status))
		return status;
	w = wr_init(out.key, sizeof(out.key));
	smb2_file_id_encode(&w, h->open.id);
	fsctl_resume_key_encode(&req->payload, &out);
	return STATUS_SUCCESS;
}

/* A reference. NULL: none, or no file. */
static struct handle *source_of(const struct request *req, struct smb2_file_id id)
{
	struct open *open = open_find(req->session, NULL, id);

	if (open && open->ops->kind != OPEN_FILE) {
		open_put(open);
		open = NULL;
	}
	return open ? container_of(open, struct handle, open) : NULL;
}

static struct handle *source_of_key(const struct request *req, const struct fsctl_resume_key *key)
{
	struct rd r = rd_init(key->key, sizeof(key->key));

	return source_of(req, smb2_file_id_decode(&r));
}

/* ---- SRV_COPYCHUNK, [MS-SMB2] 3.3.5.15.6 ---- */

struct copy {
	struct fsctl_copychunk_request in;
	struct handle *source, *target;
	struct fsctl_copychunk_response done;
};

static struct nt_status copy_answer(struct request *req, const struct copy *c)
{
	struct nt_status status = request_payload_get(req, COPIED_BYTES);

	if (!nt_error(status))
		fsctl_copychunk_response_encode(&req->payload, &c->done);
	return status;
}

/* 3.3.5.15.6.2: the client learns of the limits, and asks again within them. */
static struct nt_status copy_refuse(struct request *req, struct copy *c)
{
	struct nt_status status;

	c->done = (struct fsctl_copychunk_response){CHUNKS_MAX, CHUNK_BYTES_MAX, DATA_BYTES_MAX};
	status = copy_answer(req, c);
	if (nt_error(status))
		return status;
	req->error_has_body = true;
	return STATUS_INVALID_PARAMETER;
}

static bool copy_is_within_limits(const struct copy *c)
{
	uint64_t sum = 0;

	if (c->in.chunk_count > CHUNKS_MAX)
		return false;
	for (unsigned i = 0; i < c->in.chunk_count; i++) {
		struct fsctl_copychunk chunk = fsctl_copychunk_request_chunk(&c->in, i);

		sum += chunk.length;
		if (chunk.length == 0 || chunk.length > CHUNK_BYTES_MAX ||
		    chunk.target_offset > (uint64_t)INT64_MAX - chunk.length ||
		    chunk.source_offset > (uint64_t)INT64_MAX - chunk.length)
			return false;
	}
	return sum <= DATA_BYTES_MAX;
}

static struct nt_status copy_check_access(const struct copy *c, bool write)
{
	uint32_t source = c->source->open.granted_access, target = c->target->open.granted_access;

	if (handle_is_directory(c->source) || handle_is_directory(c->target))
		return STATUS_INVALID_DEVICE_REQUEST;
	/* who may execute a file may read it to do so, as in READ */
	if (!(source & (FILE_READ_DATA | FILE_EXECUTE)) ||
	    !(target & (FILE_WRITE_DATA | FILE_APPEND_DATA)))
		return STATUS_ACCESS_DENIED;
	return write || (target & FILE_READ_DATA) ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
}

static enum file_io_kind copy_kind(const struct copy *c)
{
	return c->target->open.granted_access & FILE_WRITE_DATA ? FILE_IO_WRITE : FILE_IO_APPEND;
}

/* No lock is in the way, and none will be till the end. */
static struct nt_status copy_chunk_run(struct copy *c, const struct fsctl_copychunk *chunk)
{
	const struct vfs_range range = {chunk->source_offset, chunk->length};
	struct vfs_stat st;
	ssize_t n;
	int err = vfs_node_stat(c->source->file.node, &st);

	if (err)
		return nt_status_from_errno(err);
	if (range.offset + range.len > st.size)
		return STATUS_INVALID_VIEW_SIZE;
	if (copy_kind(c) == FILE_IO_APPEND) { /* only beyond the end */
		err = vfs_node_stat(c->target->file.node, &st);
		if (err || chunk->target_offset < st.size)
			return err ? nt_status_from_errno(err) : STATUS_ACCESS_DENIED;
	}
	n = vfs_node_copy(c->source->file.node, &range, c->target->file.node, chunk->target_offset);
	oplock_data_changed(c->target->files, &c->target->file); /* what failed may have begun */
	if (n < 0)
		return nt_status_from_errno((int)n);
	c->done.total_bytes_written += (uint32_t)n;
	if ((size_t)n < range.len) /* it shrank meanwhile */
		return STATUS_INVALID_VIEW_SIZE;
	c->done.chunks_written++;
	return STATUS_SUCCESS;
}

static struct nt_status copy_chunk(struct copy *c, const struct fsctl_copychunk *chunk)
{
	struct file_io from, to;
	struct nt_status status;

	status = file_io_begin(&c->source->file, FILE_IO_READ, chunk->source_offset, chunk->length,
			       &from);
	if (nt_error(status))
		return status;
	status = file_io_begin(&c->target->file, copy_kind(c), chunk->target_offset, chunk->length,
			       &to);
	if (nt_error(status))
		goto end_from;
	status = copy_chunk_run(c, chunk);
	file_io_end(&to);
end_from:
	file_io_end(&from);
	return status;
}

/* A failure says how far it came: Windows sends the counts with any status from here. */
static struct nt_status copy_run(struct request *req, struct copy *c, bool write)
{
	struct nt_status status, answered;

	if (!copy_is_within_limits(c))
		return copy_refuse(req, c);
	status = copy_check_access(c, write);
	if (nt_error(status))
		return status;
	for (unsigned i = 0; i < c->in.chunk_count && !nt_error(status); i++) {
		struct fsctl_copychunk chunk = fsctl_copychunk_request_chunk(&c->in, i);

		status = copy_chunk(c, &chunk);
	}
	answered = copy_answer(req, c);
	if (nt_error(answered))
		return answered;
	req->error_has_body = true;
	return status;
}

struct nt_status ioctl_copychunk(struct request *req, const struct ioctl *ioctl)
{
	bool write = ioctl->in->ctl_code == FSCTL_SRV_COPYCHUNK_WRITE;
	struct rd r = wire_blob_rd(ioctl->in->input);
	struct copy c = {.done = {0}};
	struct nt_status status;

	status = handle_get(req, ioctl->in->file_id, &c.target);
	if (nt_error(status))
		return status;
	if (ioctl->in->max_output_response < COPIED_BYTES)
		return STATUS_INVALID_PARAMETER;
	if (!fsctl_copychunk_request_decode(&r, &c.in))
		return copy_refuse(req, &c);
	c.source = source_of_key(req, &c.in.source_key);
	if (!c.source)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	status = copy_run(req, &c, write);
	open_put(&c.source->open);
	return status;
}

/* ---- DUPLICATE_EXTENTS_TO_FILE, [MS-FSA] 2.1.5.10.4 ---- */

static struct nt_status clone_check(const struct handle *source, const struct handle *target,
				    const struct fsctl_duplicate_extents *in)
{
	struct vfs_stat from, to;

	if (handle_is_directory(source) || handle_is_directory(target))
		return STATUS_INVALID_PARAMETER;
	if (!(source->open.granted_access & FILE_READ_DATA) ||
	    !(target->open.granted_access & FILE_WRITE_DATA))
		return STATUS_ACCESS_DENIED;
	if (in->source_file_offset > INT64_MAX || in->target_file_offset > INT64_MAX ||
	    in->byte_count > INT64_MAX - in->source_file_offset ||
	    in->byte_count > INT64_MAX - in->target_file_offset)
		return STATUS_INVALID_PARAMETER;
	if (vfs_node_stat(source->file.node, &from) || vfs_node_stat(target->file.node, &to))
		return STATUS_UNEXPECTED_IO_ERROR;
	if (in->source_file_offset + in->byte_count > from.size ||
	    in->target_file_offset + in->byte_count > to.size)
		return STATUS_NOT_SUPPORTED;
	if ((from.attributes ^ to.attributes) & to.attributes & FILE_ATTRIBUTE_SPARSE_FILE)
		return STATUS_NOT_SUPPORTED;
	return STATUS_SUCCESS;
}

static struct nt_status clone_extents(struct handle *source, struct handle *target,
				      const struct fsctl_duplicate_extents *in)
{
	const struct vfs_range range = {in->source_file_offset, in->byte_count};
	int err;

	if (range.len == 0)
		return STATUS_SUCCESS;
	err = vfs_node_clone(source->file.node, &range, target->file.node, in->target_file_offset);
	if (err != -EOPNOTSUPP) /* what failed otherwise may have begun */
		oplock_data_changed(target->files, &target->file);
	if (err == -EOPNOTSUPP) /* neither btrfs nor xfs: the client copies then */
		return STATUS_NOT_SUPPORTED;
	return err == -EXDEV ? STATUS_INVALID_PARAMETER : nt_status_from_errno(err);
}

static struct nt_status clone_run(struct handle *source, struct handle *target,
				  const struct fsctl_duplicate_extents *in)
{
	struct nt_status status = clone_check(source, target, in);
	struct file_io from, to;

	if (nt_error(status))
		return status;
	status = file_io_begin(&source->file, FILE_IO_READ, in->source_file_offset, in->byte_count,
			       &from);
	if (nt_error(status))
		return status;
	status = file_io_begin(&target->file, FILE_IO_WRITE, in->target_file_offset, in->byte_count,
			       &to);
	if (nt_error(status))
		goto end_from;
	status = clone_extents(source, target, in);
	file_io_end(&to);
end_from:
	file_io_end(&from);
	return status;
}

struct nt_status ioctl_duplicate_extents(struct request *req, const struct ioctl *ioctl)
{
	bool ex = ioctl->in->ctl_code == FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX;
	struct rd r = wire_blob_rd(ioctl->in->input);
	struct fsctl_duplicate_extents in;
	struct handle *source, *target;
	struct nt_status status;

	status = handle_get(req, ioctl->in->file_id, &target);
	if (nt_error(status))
		return status;
	if (!fsctl_duplicate_extents_decode(&r, ex, &in))
		return STATUS_BUFFER_TOO_SMALL;
	source = source_of(req, in.source_file_id);
	if (!source)
		return STATUS_INVALID_HANDLE;
	status = clone_run(source, target, &in);
	open_put(&source->open);
	return status;
}
