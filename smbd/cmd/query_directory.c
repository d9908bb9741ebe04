/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QUERY_DIRECTORY, [MS-SMB2] 3.3.5.18 and [MS-FSA] 2.1.5.6. One scan an open: its pattern is that
 * of the first request, or of one that says REOPEN. What does not fit comes first in the next one.
 */
#include <errno.h>

#include "smbd/cmd/file_commands.h"
#include "smbd/cmd/handle.h"
#include "smbd/cmd/security.h"
#include "smbd/wire/access.h"
#include "smbd/wire/fscc/dir_info.h"
#include "smbd/wire/query_directory.h"

/* More than this in one reply costs memory and wins nothing. */
#define QUERY_DIRECTORY_BYTES_MAX (1024u * 1024)

uint32_t cmd_query_directory_payload(struct rd in)
{
	struct smb2_query_directory_request query;

	return smb2_query_directory_request_decode(&in, &query) ? query.output_buffer_length : 0;
}

static void dir_entry_fill(const struct vfs_dirent *entry, uint8_t class, struct dir_info *out)
{
	const struct vfs_stat *st = &entry->stat;
	struct handle_times times;

	*out = (struct dir_info){.file_name = {entry->wire, entry->wire_len}};
	if (class == FileNamesInformation)
		return;
	times = handle_times(st);
	out->creation_time = times.creation;
	out->last_access_time = times.access;
	out->last_write_time = times.write;
	out->change_time = times.change;
	out->end_of_file = st->size;
	out->allocation_size = st->alloc;
	out->file_attributes = st->attributes;
	out->reparse_point_tag = st->reparse_tag;
	/* [MS-FSCC] 2.4.8 EaSize: of a reparse point its tag */
	out->ea_size = st->reparse_tag ? st->reparse_tag : entry->ea_bytes;
	out->file_id = st->id.ino;
	for (unsigned i = 0; i < 8; i++)
		out->file_id_128[i] = (uint8_t)(st->id.ino >> (8 * i));
}

/* Begin, begin again or go on, as the flags have it. */
static struct nt_status dir_position(struct handle *h,
				     const struct smb2_query_directory_request *query)
{
	int err = 0;

	if ((query->flags & SMB2_REOPEN) && h->dir) {
		vfs_dir_close(h->dir);
		h->dir = NULL;
	}
	if (!h->dir) {
		/* with facts, whatever the class: the next request may ask for another */
		err = vfs_dir_open(h->file.node, query->file_name.data, query->file_name.len,
				   &h->dir);
		h->dir_answered = false;
	} else if (query->flags & SMB2_RESTART_SCANS) {
		err = vfs_dir_restart(h->dir);
		h->dir_answered = false;
	}
	return nt_status_from_errno(err);
}

/* Entries into the payload until it is full, or one, or none are left. */
static struct nt_status dir_fill(struct request *req, struct handle *h,
				 const struct smb2_query_directory_request *query, unsigned *count)
{
	uint8_t class = query->file_information_class;
	const struct vfs_dirent *entry;
	size_t last = SIZE_MAX;
	struct dir_info info;
	int more;

	for (*count = 0;;) {
		more = vfs_dir_next(h->dir, &entry);
		if (more < 0)
			return *count ? STATUS_SUCCESS : nt_status_from_errno(more);
		if (more == 0)
			return STATUS_SUCCESS;
		if (!security_may_list(req, h->file.node, entry->name))
			continue;
		dir_entry_fill(entry, class, &info);
		if (!dir_info_encode(&req->payload, class, &info, &last)) {
			vfs_dir_unread(h->dir);
			/* [MS-FSA] 2.1.5.6.3: not even one entry fits */
			return *count ? STATUS_SUCCESS : STATUS_INFO_LENGTH_MISMATCH;
		}
		++*count;
		if (query->flags & SMB2_RETURN_SINGLE_ENTRY)
			return STATUS_SUCCESS;
	}
}

static struct nt_status dir_query(struct request *req, struct handle *h,
				  const struct smb2_query_directory_request *query)
{
	struct nt_status status = dir_position(h, query);
	unsigned count;

	if (!nt_success(status))
		return status;
	status = dir_fill(req, h, query, &count);
	if (nt_success(status))
		status = nt_status_from_errno(vfs_dir_pause(h->dir));
	if (!nt_success(status))
		return status;
	if (count == 0)
		return h->dir_answered ? STATUS_NO_MORE_FILES : STATUS_NO_SUCH_FILE;
	h->dir_answered = true;
	return STATUS_SUCCESS;
}

static struct nt_status dir_check(struct request *req, struct handle *h,
				  const struct smb2_query_directory_request *query)
{
	size_t fixed = dir_info_fixed_size(query->file_information_class);

	if (!handle_is_directory(h))
		return STATUS_INVALID_PARAMETER;
	if (fixed == 0)
		return STATUS_INVALID_INFO_CLASS;
	if (query->output_buffer_length > request_max_transact(req))
		return STATUS_INVALID_PARAMETER;
	if (query->output_buffer_length < fixed)
		return STATUS_INFO_LENGTH_MISMATCH;
	return handle_need(h, FILE_LIST_DIRECTORY);
}

struct nt_status cmd_query_directory(struct request *req)
{
	struct smb2_query_directory_request query;
	struct nt_status status;
	struct handle *h;
	size_t bytes;

	if (!smb2_query_directory_request_decode(&req->in, &query))
		return STATUS_INVALID_PARAMETER;
	status = handle_get(req, query.file_id, &h);
	if (nt_success(status))
		status = dir_check(req, h, &query);
	if (!nt_success(status))
		return status;
	bytes = query.output_buffer_length;
	if (bytes > QUERY_DIRECTORY_BYTES_MAX)
		bytes = QUERY_DIRECTORY_BYTES_MAX;
	status = request_payload_get(req, bytes);
	if (!nt_success(status))
		return status;
	req->payload.cap = bytes;

	open_enter(&h->open);
	status = dir_query(req, h, &query);
	open_leave(&h->open);
	if (!nt_success(status)) {
		req->payload.len = 0;
		return status;
	}
	smb2_buffer_response_encode(
		&req->out, &(struct smb2_buffer_response){.buffer = {NULL, req->payload.len}});
	return STATUS_SUCCESS;
}
