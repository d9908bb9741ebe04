/* SPDX-License-Identifier: Apache-2.0 */
/* SET_INFO, [MS-SMB2] 3.3.5.21 and [MS-FSA] 2.1.5.15. */
#include <limits.h>

#include "smbd/cmd/caching.h"
#include "smbd/cmd/ea.h"
#include "smbd/cmd/file_commands.h"
#include "smbd/cmd/handle.h"
#include "smbd/cmd/quota.h"
#include "smbd/cmd/security.h"
#include "smbd/file/file_notify.h"
#include "smbd/session/tree.h"
#include "smbd/vfs/name.h"
#include "smbd/wire/access.h"
#include "smbd/wire/fscc/file_info.h"
#include "smbd/wire/nttime.h"
#include "smbd/wire/set_info.h"

uint32_t cmd_set_info_payload(struct rd in)
{
	struct smb2_set_info_request set;

	return smb2_set_info_request_decode(&in, &set) ? (uint32_t)set.buffer.len : 0;
}

/* ---- FileBasicInformation, 2.1.5.15.2 ---- */

static bool basic_time(uint64_t t, unsigned bit, struct vfs_times *times, struct timespec *value)
{
	if (t == NTTIME_OMIT)
		return true;
	if (t == NTTIME_FREEZE) {
		times->hold |= bit;
		return true;
	}
	if (t == NTTIME_THAW) {
		times->release |= bit;
		return true;
	}
	if (!nttime_is_time(t))
		return false;
	times->set |= bit;
	*value = nttime_to_timespec(t);
	return true;
}

/* What of it who watches may care for. */
static uint32_t basic_filter(const struct vfs_times *times, bool attributes)
{
	return (attributes ? FILE_NOTIFY_CHANGE_ATTRIBUTES : 0) |
	       (times->set & VFS_TIME_WRITE ? FILE_NOTIFY_CHANGE_LAST_WRITE : 0) |
	       (times->set & VFS_TIME_ACCESS ? FILE_NOTIFY_CHANGE_LAST_ACCESS : 0) |
	       (times->set & VFS_TIME_BIRTH ? FILE_NOTIFY_CHANGE_CREATION : 0);
}

static struct nt_status set_basic(struct handle *h, struct rd *r)
{
	struct file_basic_info info;
	struct vfs_times times = {0};
	int err = 0;

	if (!file_basic_info_decode(r, &info))
		return STATUS_INFO_LENGTH_MISMATCH;
	if (!(h->open.granted_access & FILE_WRITE_ATTRIBUTES))
		return STATUS_ACCESS_DENIED;
	if (!basic_time(info.creation_time, VFS_TIME_BIRTH, &times, &times.btime) ||
	    !basic_time(info.last_access_time, VFS_TIME_ACCESS, &times, &times.atime) ||
	    !basic_time(info.last_write_time, VFS_TIME_WRITE, &times, &times.mtime) ||
	    !basic_time(info.change_time, VFS_TIME_CHANGE, &times, &times.ctime))
		return STATUS_INVALID_PARAMETER;
	if (handle_is_directory(h) && (info.file_attributes & FILE_ATTRIBUTE_TEMPORARY))
		return STATUS_INVALID_PARAMETER;
	if (!handle_is_directory(h) && (info.file_attributes & FILE_ATTRIBUTE_DIRECTORY))
		return STATUS_INVALID_PARAMETER;
	if (info.file_attributes)
		err = vfs_node_set_attributes(h->file.node, info.file_attributes);
	if (!err && (times.set | times.hold | times.release))
		err = vfs_node_set_times(h->file.node, &times);
	if (!err)
		file_notify(h->files, &h->file, FILE_ACTION_MODIFIED,
			    basic_filter(&times, info.file_attributes != 0));
	if (!err && (info.file_attributes || times.set))
		oplock_entry_changed(h->files, &h->file);
	return nt_status_from_errno(err);
}

/* ---- sizes, 2.1.5.15.1, 2.1.5.15.4, 2.1.5.15.14 ---- */

static struct nt_status set_size(struct handle *h, struct rd *r, uint8_t class)
{
	uint64_t bytes;
	int err = 0;

	if (!file_info_u64_decode(r, &bytes))
		return STATUS_INFO_LENGTH_MISMATCH;
	if (handle_is_directory(h) || bytes > HANDLE_FILE_BYTES_MAX)
		return STATUS_INVALID_PARAMETER;
	if (!(h->open.granted_access & FILE_WRITE_DATA))
		return STATUS_ACCESS_DENIED;
	if (class == FileEndOfFileInformation)
		err = vfs_node_set_eof(h->file.node, bytes);
	else if (class == FileAllocationInformation)
		err = vfs_node_set_alloc(h->file.node, bytes);
	else /* valid data length: no hole reads as anything but zeros here */
		return STATUS_NOT_SUPPORTED;
	oplock_data_changed(h->files, &h->file); /* what failed may have begun */
	if (err)
		return nt_status_from_errno(err);
	oplock_entry_changed(h->files, &h->file);
	file_notify(h->files, &h->file, FILE_ACTION_MODIFIED,
		    FILE_NOTIFY_CHANGE_ATTRIBUTES | FILE_NOTIFY_CHANGE_SIZE |
			    FILE_NOTIFY_CHANGE_LAST_WRITE);
	return STATUS_SUCCESS;
}

/* ---- FileDispositionInformation, 2.1.5.15.3 ---- */

static struct nt_status set_disposition(struct request *req, struct handle *h, struct rd *r,
					bool ex)
{
	struct file_wait wait;
	struct nt_status status = STATUS_SUCCESS;
	uint32_t flags = 0;
	bool pending;

	if (ex ? !file_info_u32_decode(r, &flags) : !file_info_bool_decode(r, &pending))
		return STATUS_INFO_LENGTH_MISMATCH;
	/* removal of the name at once, POSIX's way, comes with issue D */
	if (flags & (FILE_DISPOSITION_POSIX_SEMANTICS | FILE_DISPOSITION_ON_CLOSE |
		     FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE))
		return STATUS_NOT_SUPPORTED;
	if (ex)
		pending = flags & FILE_DISPOSITION_DELETE;
	if (!(h->open.granted_access & DELETE))
		return STATUS_ACCESS_DENIED;
	caching_wait_begin(req, &wait);
	if (pending)
		status = oplock_break_handles(h->files, &h->file.node->id, &h->file, &wait);
	caching_wait_end(req);
	return nt_success(status) ? file_delete_set(h->files, &h->file, pending) : status;
}

/* ---- FileRenameInformation, 2.1.5.15.11, and FileLinkInformation, 2.1.5.15.6 ---- */

/* A stream keeps its file: the new name is ":stream". To the unnamed one: not here. */
static struct nt_status set_stream_name(struct handle *h, const struct name *name, bool link,
					bool replace)
{
	if (link || !h->file.node->stream || name->stream_type == NAME_STREAM_NONE)
		return STATUS_INVALID_PARAMETER;
	if (name->depth) /* as Windows: the file that it names is in use */
		return STATUS_SHARING_VIOLATION;
	if (!name->stream[0])
		return STATUS_NOT_SUPPORTED;
	return file_stream_rename(h->files, &h->file, name->stream, replace);
}

static struct nt_status set_name(struct request *req, struct handle *h, struct rd *r, uint8_t class)
{
	bool ex = class == FileRenameInformationEx || class == FileLinkInformationEx;
	bool link = class == FileLinkInformation || class == FileLinkInformationEx;
	struct security_parent parent;
	struct file_rename_info info;
	struct file_wait wait;
	struct nt_status status;
	struct name *name;
	bool replace;

	if (!file_rename_info_decode(r, ex, &info))
		return STATUS_INFO_LENGTH_MISMATCH;
	/* [MS-SMB2] 3.3.5.21.1: the name is relative to the share */
	if (info.root_directory != 0 || info.file_name.len == 0)
		return STATUS_INVALID_PARAMETER;
	if (info.flags & ~FILE_RENAME_REPLACE_IF_EXISTS)
		return STATUS_NOT_SUPPORTED; /* POSIX semantics: issue D */
	if (!link && !(h->open.granted_access & DELETE))
		return STATUS_ACCESS_DENIED;
	if (link && !(req->tree->maximal_access & FILE_ADD_FILE))
		return STATUS_ACCESS_DENIED;
	status = name_parse(request_pool(req), info.file_name.data, info.file_name.len, &name);
	if (!nt_success(status))
		return status;
	if (h->file.node->stream || name->stream_type != NAME_STREAM_NONE)
		return set_stream_name(h, name, link, info.flags & FILE_RENAME_REPLACE_IF_EXISTS);
	if (name->trailing_slash && !handle_is_directory(h))
		return STATUS_OBJECT_NAME_INVALID;
	replace = info.flags & FILE_RENAME_REPLACE_IF_EXISTS;
	if (!link)
		oplock_ask_handles(h->files, &h->file);
	status = security_add_allowed(req, name->path, handle_is_directory(h), &parent);
	if (nt_success(status) && replace)
		status = security_replace_allowed(req, h->file.node, name->path);
	if (!nt_success(status))
		return status;
	caching_wait_begin(req, &wait);
	status = oplock_break_names(h->files, &h->file, name->path, link, replace, &wait);
	caching_wait_end(req);
	if (!nt_success(status))
		return status;
	return link ? file_link(h->files, &h->file, name->path, replace)
		    : file_rename(h->files, &h->file, name->path, replace);
}

/* ---- what is only kept ---- */

static struct nt_status set_position(struct handle *h, struct rd *r)
{
	uint64_t position;

	if (!file_info_u64_decode(r, &position))
		return STATUS_INFO_LENGTH_MISMATCH;
	if (position > INT64_MAX)
		return STATUS_INVALID_PARAMETER;
	atomic_store(&h->position, position);
	return STATUS_SUCCESS;
}

static struct nt_status set_mode(struct handle *h, struct rd *r)
{
	const uint32_t settable = 0x02 | 0x04 | 0x08 | 0x10 | 0x20; /* [MS-FSCC] 2.4.31 */
	uint32_t mode;

	if (!file_info_u32_decode(r, &mode))
		return STATUS_INFO_LENGTH_MISMATCH;
	if ((mode & ~settable) || (mode & 0x30) == 0x30)
		return STATUS_INVALID_PARAMETER;
	atomic_store(&h->mode, mode);
	return STATUS_SUCCESS;
}

/* ---- FileFullEaInformation, 2.1.5.15.5 ---- */

static struct nt_status set_eas(struct request *req, struct handle *h, struct wire_blob wire)
{
	struct nt_status status = handle_need(h, FILE_WRITE_EA);
	struct ea_list list;

	if (nt_success(status))
		status = ea_list_decode(req, wire, &list);
	if (!nt_success(status))
		return status;
	/* they are the file's */
	return h->file.node->stream ? STATUS_INVALID_PARAMETER : ea_list_set(h->file.node, &list);
}

/* Of a previous version nothing can be set but what is kept with the open; its name is on another
 * volume than any that it could get, as Windows has it. */
static struct nt_status set_frozen(const struct smb2_set_info_request *set)
{
	if (set->info_type != SMB2_0_INFO_FILE)
		return STATUS_MEDIA_WRITE_PROTECTED;
	switch (set->file_info_class) {
	case FileRenameInformation:
	case FileRenameInformationEx:
	case FileLinkInformation:
	case FileLinkInformationEx:
		return STATUS_NOT_SAME_DEVICE;
	case FilePositionInformation:
	case FileModeInformation:
		return STATUS_SUCCESS;
	default:
		return STATUS_MEDIA_WRITE_PROTECTED;
	}
}

static struct nt_status set_file(struct request *req, struct handle *h,
				 const struct smb2_set_info_request *set)
{
	struct rd r = wire_blob_rd(set->buffer);

	switch (set->file_info_class) {
	case FileBasicInformation:
		return set_basic(h, &r);
	case FileEndOfFileInformation:
	case FileAllocationInformation:
	case FileValidDataLengthInformation:
		return set_size(h, &r, set->file_info_class);
	case FileDispositionInformation:
		return set_disposition(req, h, &r, false);
	case FileDispositionInformationEx:
		return set_disposition(req, h, &r, true);
	case FileRenameInformation:
	case FileRenameInformationEx:
	case FileLinkInformation:
	case FileLinkInformationEx:
		return set_name(req, h, &r, set->file_info_class);
	case FilePositionInformation:
		return set_position(h, &r);
	case FileModeInformation:
		return set_mode(h, &r);
	case FileFullEaInformation:
		return set_eas(req, h, set->buffer);
	default:
		return STATUS_INVALID_INFO_CLASS;
	}
}

struct nt_status cmd_set_info(struct request *req)
{
	struct smb2_set_info_request set;
	struct nt_status status;
	struct handle *h;

	if (!smb2_set_info_request_decode(&req->in, &set))
		return STATUS_INVALID_PARAMETER;
	status = handle_get(req, set.file_id, &h);
	if (!nt_success(status))
		return status;
	if (set.buffer.len > request_max_transact(req))
		return STATUS_INVALID_PARAMETER;
	if (vfs_share_options(h->file.node->share)->frozen) {
		status = set_frozen(&set);
		if (!nt_success(status))
			return status;
	}
	switch (set.info_type) {
	case SMB2_0_INFO_FILE:
		status = set_file(req, h, &set);
		break;
	case SMB2_0_INFO_SECURITY:
		status = set_security(req, h, &set);
		break;
	case SMB2_0_INFO_QUOTA:
		status = set_quota(h, set.buffer);
		break;
	case SMB2_0_INFO_FILESYSTEM: /* neither quotas nor a label are the client's to set up */
		status = STATUS_NOT_SUPPORTED;
		break;
	default:
		status = STATUS_INVALID_PARAMETER;
	}
	if (nt_success(status))
		smb2_set_info_response_encode(&req->out);
	return status;
}
