/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CREATE of files and directories, [MS-SMB2] 3.3.5.9 and [MS-FSA] 2.1.5.1. In order: what the
 * request itself forbids; the name; then either the open of what is there or the making of what is
 * not; then its place among the file's other opens; then the reply. A name that appears or vanishes
 * between two of these steps starts them over.
 */
#include <errno.h>
#include <sys/stat.h>
#include <talloc.h>

#include "smbd/cmd/caching.h"
#include "smbd/cmd/ea.h"
#include "smbd/cmd/file_commands.h"
#include "smbd/cmd/handle.h"
#include "smbd/cmd/pipe.h"
#include "smbd/cmd/quota.h"
#include "smbd/cmd/reparse.h"
#include "smbd/cmd/security.h"
#include "smbd/cmd/service.h"
#include "smbd/cmd/snapshot.h"
#include "smbd/conf/conf.h"
#include "smbd/file/file_notify.h"
#include "smbd/session/connection.h"
#include "smbd/session/session.h"
#include "smbd/session/tree.h"
#include "smbd/vfs/name.h"
#include "smbd/wire/access.h"
#include "smbd/wire/create.h"
#include "smbd/wire/header.h"
#include "smbd/wire/negotiate.h"
#include "smbd/wire/nttime.h"
#include "transport/base/log.h"

/* How often somebody else may make or remove the name under us before we give up. */
#define CREATE_RACES_MAX 16

/* What a mode query gives back, [MS-FSCC] 2.4.31. */
#define CREATE_MODE_OPTIONS                                                           \
	(FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY | FILE_NO_INTERMEDIATE_BUFFERING | \
	 FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT | FILE_DELETE_ON_CLOSE)

#define CREATE_ATTRIBUTES_SETTABLE                                                    \
	(FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM |    \
	 FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_TEMPORARY | FILE_ATTRIBUTE_OFFLINE | \
	 FILE_ATTRIBUTE_NOT_CONTENT_INDEXED)

struct creation {
	struct request *req;
	struct smb2_create_request in;
	struct name *name;
	struct vfs_share *vfs;      /* where the name is looked for: the share, or */
	struct vfs_share *previous; /* a previous version of it; a reference */
	struct ea_list eas;         /* to set on what is made or overwritten */
	bool has_sd;                /* ... on what is made: */
	struct security_descriptor sd;
	struct security_parent parent; /* of what is made */
	struct handle *h;
	uint32_t desired; /* generic bits resolved */
	uint32_t maximal; /* of the user on the node */
	uint32_t granted;
	uint32_t action; /* of the reply */
	bool quota_file; /* the share's root by the name of NTFS's quotas */
	bool replayed;   /* h is of the first try */
};

/* A named stream of a file or directory is opened, not what it is a stream of. */
static bool create_is_stream(const struct creation *c)
{
	return c->name->stream[0] != '\0';
}

static bool create_truncates(const struct creation *c)
{
	return c->in.create_disposition == FILE_SUPERSEDE ||
	       c->in.create_disposition == FILE_OVERWRITE ||
	       c->in.create_disposition == FILE_OVERWRITE_IF;
}

static bool create_wants_directory(const struct creation *c)
{
	return (c->in.create_options & FILE_DIRECTORY_FILE) ||
	       c->name->stream_type == NAME_STREAM_INDEX_ALLOCATION;
}

static bool create_wants_file(const struct creation *c)
{
	return (c->in.create_options & FILE_NON_DIRECTORY_FILE) ||
	       c->name->stream_type == NAME_STREAM_DATA;
}

/* ---- what the request itself forbids, [MS-SMB2] 3.3.5.9 and [MS-FSA] 2.1.5.1 ---- */

static struct nt_status create_check_options(const struct smb2_create_request *in)
{
	const uint32_t unknown = 0xff000000u;
	const uint32_t refused =
		FILE_CREATE_TREE_CONNECTION | FILE_OPEN_BY_FILE_ID | FILE_RESERVE_OPFILTER;
	const uint32_t kinds = FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE;

	if (in->create_options & unknown)
		return STATUS_INVALID_PARAMETER;
	if (in->create_options & refused)
		return STATUS_NOT_SUPPORTED;
	if ((in->create_options & kinds) == kinds)
		return STATUS_INVALID_PARAMETER;
	if (in->create_disposition > FILE_OVERWRITE_IF)
		return STATUS_INVALID_PARAMETER;
	/* a directory is made or opened, never overwritten */
	if ((in->create_options & FILE_DIRECTORY_FILE) &&
	    (in->create_disposition == FILE_SUPERSEDE || in->create_disposition == FILE_OVERWRITE ||
	     in->create_disposition == FILE_OVERWRITE_IF))
		return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

static struct nt_status create_check_masks(const struct smb2_create_request *in, uint32_t desired)
{
	const uint32_t access_valid = FILE_ALL_ACCESS | ACCESS_SYSTEM_SECURITY | MAXIMUM_ALLOWED;
	const uint32_t attributes_valid =
		CREATE_ATTRIBUTES_SETTABLE | FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_NORMAL |
		FILE_ATTRIBUTE_SPARSE_FILE | FILE_ATTRIBUTE_REPARSE_POINT |
		FILE_ATTRIBUTE_COMPRESSED | FILE_ATTRIBUTE_ENCRYPTED |
		FILE_ATTRIBUTE_INTEGRITY_STREAM | FILE_ATTRIBUTE_NO_SCRUB_DATA;

	if (in->impersonation_level > SMB2_IMPERSONATION_DELEGATE)
		return STATUS_BAD_IMPERSONATION_LEVEL;
	if (desired == 0 || (desired & ~access_valid))
		return STATUS_ACCESS_DENIED;
	if (in->share_access & ~(FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE))
		return STATUS_INVALID_PARAMETER;
	if (in->file_attributes & ~attributes_valid)
		return STATUS_INVALID_PARAMETER;
	/* The text says ACCESS_DENIED; Windows answers this. MAXIMUM_ALLOWED is not DELETE. */
	if ((in->create_options & FILE_DELETE_ON_CLOSE) && !(desired & DELETE))
		return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

static struct nt_status create_check_contexts(const struct smb2_create_contexts_request *ctx)
{
	/* [MS-SMB2] 3.3.5.9.7, 3.3.5.9.12: nothing is durable yet, so nothing is there to come
	 * back to */
	if (ctx->present &
	    (SMB2_CREATE_DURABLE_HANDLE_RECONNECT | SMB2_CREATE_DURABLE_HANDLE_RECONNECT_V2))
		return STATUS_OBJECT_NAME_NOT_FOUND;
	return STATUS_SUCCESS;
}

/* 3.3.5.9.2 SecD. Its SACL is set by privilege alone, whatever access is asked for, as Windows'
 * SeAssignSecurity() has it. */
static struct nt_status create_check_descriptor(struct creation *c)
{
	struct rd r = wire_blob_rd(c->in.contexts.sd_buffer);

	if (!(c->in.contexts.present & SMB2_CREATE_SD_BUFFER))
		return STATUS_SUCCESS;
	c->has_sd = true;
	if (!security_descriptor_decode(&r, &c->sd))
		return STATUS_INVALID_PARAMETER;
	if (c->sd.has_sacl && !(security_token(c->req).privileges & PRIVILEGE_SECURITY))
		return STATUS_PRIVILEGE_NOT_HELD;
	return STATUS_SUCCESS;
}

/* [MS-SMB2] 3.3.5.9 TimeWarp: which version is meant; none but the present one can be changed. As
 * Windows, what asks for the right to write to another is refused no sooner than it writes. */
static struct nt_status create_check_previous(struct creation *c)
{
	const struct smb2_create_contexts_request *ctx = &c->in.contexts;
	uint64_t when = ctx->present & SMB2_CREATE_TIMEWARP_TOKEN ? ctx->timewarp_timestamp : 0;
	struct nt_status status = snapshot_find(c->req, when, c->name, &c->previous);

	c->vfs = c->previous ? c->previous : c->req->tree->share->vfs;
	if (c->previous && (create_truncates(c) || (c->in.create_options & FILE_DELETE_ON_CLOSE)))
		return STATUS_MEDIA_WRITE_PROTECTED;
	return status;
}

static struct nt_status create_check(struct creation *c)
{
	struct nt_status status = create_check_options(&c->in);

	if (!nt_success(status))
		return status;
	c->desired = security_map_generic(c->in.desired_access);
	status = create_check_masks(&c->in, c->desired);
	if (!nt_success(status))
		return status;
	if ((c->desired & ACCESS_SYSTEM_SECURITY) &&
	    !(security_token(c->req).privileges & PRIVILEGE_SECURITY))
		return STATUS_PRIVILEGE_NOT_HELD;
	status = create_check_descriptor(c);
	if (!nt_success(status))
		return status;
	status = create_check_contexts(&c->in.contexts);
	if (!nt_success(status))
		return status;
	if (c->in.contexts.present & SMB2_CREATE_EA_BUFFER)
		status = ea_list_decode(c->req, c->in.contexts.ea_buffer, &c->eas);
	if (!nt_success(status))
		return status;
	status = name_parse(request_pool(c->req), c->in.name.data, c->in.name.len, &c->name);
	if (!nt_success(status))
		return status;
	status = create_check_previous(c);
	if (!nt_success(status))
		return status;
	c->quota_file = quota_file_name(c->name);
	/* [MS-FSA] 2.1.5.1: the type in the name says the other thing */
	if (c->name->stream_type == NAME_STREAM_DATA &&
	    (c->in.create_options & FILE_DIRECTORY_FILE))
		return STATUS_NOT_A_DIRECTORY;
	if (c->name->stream_type == NAME_STREAM_INDEX_ALLOCATION &&
	    (c->in.create_options & FILE_NON_DIRECTORY_FILE))
		return STATUS_FILE_IS_A_DIRECTORY;
	return STATUS_SUCCESS;
}

/* ---- access ---- */

static struct nt_status create_grant(struct creation *c, uint32_t maximal)
{
	uint32_t wanted = c->desired & ~MAXIMUM_ALLOWED;

	if (wanted & ~maximal)
		return STATUS_ACCESS_DENIED;
	/* what is of a privilege must be asked for by name */
	c->granted = c->desired & MAXIMUM_ALLOWED ? (maximal & ~ACCESS_SYSTEM_SECURITY) | wanted
						  : wanted;
	return STATUS_SUCCESS;
}

static struct nt_status create_grant_existing(struct creation *c, struct vfs_node *node)
{
	struct nt_status status = access_maximal(c->req, node, &c->maximal);
	uint32_t maximal = c->maximal;

	if (!nt_success(status))
		return status;
	/* [MS-FSA] 2.1.5.1.2.1: read-only files are not opened for writing */
	if (!node->stat.directory && (node->stat.attributes & FILE_ATTRIBUTE_READONLY))
		maximal &= ~(FILE_WRITE_DATA | FILE_APPEND_DATA);
	return create_grant(c, maximal);
}

/* Who makes a file may do with it what the tree allows, whatever mode it is made with. */
static struct nt_status create_grant_new(struct creation *c)
{
	c->maximal = FILE_ALL_ACCESS & c->req->tree->maximal_access;
	/* whether it may be asked for was checked */
	return create_grant(c, c->maximal | ACCESS_SYSTEM_SECURITY);
}

/* ---- what is there ---- */

static struct nt_status create_check_kind(const struct creation *c, const struct vfs_node *node)
{
	if (c->in.create_disposition == FILE_CREATE)
		return STATUS_OBJECT_NAME_COLLISION;
	if (create_is_stream(c))
		return STATUS_SUCCESS;
	if (node->stat.directory) {
		if (create_wants_file(c))
			return STATUS_FILE_IS_A_DIRECTORY;
		return create_truncates(c) ? STATUS_OBJECT_NAME_COLLISION : STATUS_SUCCESS;
	}
	if (create_wants_directory(c))
		return STATUS_NOT_A_DIRECTORY;
	return c->name->trailing_slash ? STATUS_OBJECT_NAME_INVALID : STATUS_SUCCESS;
}

/* [MS-FSA] 2.1.5.1.2: overwriting is writing, superseding is deleting too, and neither takes a
 * hidden or system file for a plain one. */
static struct nt_status create_check_overwrite(const struct creation *c,
					       const struct vfs_node *node)
{
	const uint32_t kept = FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM;
	uint32_t need = FILE_WRITE_DATA;

	if (!create_truncates(c))
		return STATUS_SUCCESS;
	if (node->stat.attributes & FILE_ATTRIBUTE_READONLY)
		return STATUS_ACCESS_DENIED;
	if ((node->stat.attributes & kept) & ~c->in.file_attributes)
		return STATUS_ACCESS_DENIED;
	if (c->in.create_disposition == FILE_SUPERSEDE)
		need |= DELETE;
	return need & ~c->maximal ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

/* Enter it among the file's opens: from here on file_close() ends it. RETRY: somebody's oplock was
 * in the way, and took its time. */
static struct nt_status create_enter(struct creation *c, struct vfs_node *node)
{
	struct file_open *file = &c->h->file;
	struct nt_status status;
	struct file_wait wait;

	file->node = node;
	file->access = c->granted;
	file->sharing = c->in.share_access;
	file->delete_on_close = c->in.create_options & FILE_DELETE_ON_CLOSE;
	file->kernel_notify = c->req->tree->share->conf->kernel_change_notify;
	file->posix_locks = c->req->tree->share->conf->posix_locking;
	file->client = c->h->open.session;
	file->id = c->h->open.id;
	caching_wait_begin(c->req, &wait);
	status = file_open_add(c->h->files, file, &wait);
	caching_wait_end(c->req);
	return status;
}

/* What was made just now is ours, whoever found it meanwhile. */
static struct nt_status create_enter_made(struct creation *c, struct vfs_node *node)
{
	struct nt_status status;

	c->h->file.overwrites = false;
	do {
		status = create_enter(c, node);
	} while (nt_equal(status, STATUS_RETRY));
	return status;
}

static struct nt_status create_truncate(struct creation *c, struct vfs_node *node)
{
	uint32_t attributes =
		(c->in.file_attributes & CREATE_ATTRIBUTES_SETTABLE) | FILE_ATTRIBUTE_ARCHIVE;
	int err = vfs_node_set_eof(node, 0);

	if (!err && !create_is_stream(c)) /* [MS-FSA] 2.1.5.1.2: its streams go too */
		err = vfs_node_streams_unlink(node);
	if (!err && !create_is_stream(c))
		err = vfs_node_set_attributes(node, attributes);
	if (!err && (c->in.contexts.present & SMB2_CREATE_ALLOCATION_SIZE) &&
	    c->in.contexts.allocation_size > 0)
		err = vfs_node_set_alloc(node, c->in.contexts.allocation_size);
	oplock_data_cut(c->h->files, &c->h->file);
	oplock_entry_changed(c->h->files, &c->h->file);
	c->action = c->in.create_disposition == FILE_SUPERSEDE ? FILE_SUPERSEDED : FILE_OVERWRITTEN;
	if (!err && c->eas.count && !create_is_stream(c))
		return ea_list_set(node, &c->eas);
	return nt_status_from_errno(err);
}

/* Who only looks, or deletes, needs no permission to read: the node stays as it was found. */
static struct nt_status create_open_data(struct creation *c, struct vfs_node *node)
{
	bool read = c->granted & (FILE_READ_DATA | FILE_EXECUTE);
	bool write = c->granted & (FILE_WRITE_DATA | FILE_APPEND_DATA) || create_truncates(c);

	if (!read && !write)
		return STATUS_SUCCESS;
	return nt_status_from_errno(vfs_node_open(node, read, write && !node->stat.directory));
}

static struct nt_status create_open_existing(struct creation *c, struct vfs_node *node)
{
	bool truncate = create_truncates(c);
	struct nt_status status = create_check_kind(c, node);

	if (nt_success(status))
		status = create_grant_existing(c, node);
	if (nt_success(status))
		status = create_check_overwrite(c, node);
	if (nt_success(status) && (c->in.create_options & FILE_DELETE_ON_CLOSE) &&
	    (node->stat.attributes & FILE_ATTRIBUTE_READONLY))
		status = STATUS_CANNOT_DELETE;
	c->h->file.overwrites = truncate;
	if (nt_success(status))
		status = create_enter(c, node);
	if (!nt_success(status)) {
		(void)vfs_node_close(node); /* nothing was written through it */
		return status;
	}

	c->action = FILE_OPENED;
	status = create_open_data(c, node);
	if (nt_success(status) && truncate)
		status = create_truncate(c, node);
	if (nt_success(status) && truncate) {
		file_overwritten(&c->h->file);
		file_notify(c->h->files, &c->h->file, FILE_ACTION_MODIFIED,
			    FILE_NOTIFY_CHANGE_ATTRIBUTES | FILE_NOTIFY_CHANGE_SIZE |
				    FILE_NOTIFY_CHANGE_LAST_WRITE);
	}
	if (!nt_success(status)) {
		/* a failed open deletes nothing */
		c->h->file.delete_on_close = false;
		if (!nt_success(file_close(c->h->files, &c->h->file)))
			log_debug("create: close of a failed open also failed");
	}
	return status;
}

/* ---- what is not there ---- */

static struct nt_status create_check_new(struct creation *c)
{
	const uint32_t add = create_wants_directory(c) ? FILE_ADD_SUBDIRECTORY : FILE_ADD_FILE;
	struct nt_status status;

	if (c->in.create_disposition == FILE_OPEN || c->in.create_disposition == FILE_OVERWRITE)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	if (c->previous)
		return STATUS_MEDIA_WRITE_PROTECTED;
	if (!(c->req->tree->maximal_access & add))
		return STATUS_ACCESS_DENIED;
	/* [MS-FSA] 2.1.5.1.1: it could never be deleted */
	if ((c->in.create_options & FILE_DELETE_ON_CLOSE) &&
	    (c->in.file_attributes & FILE_ATTRIBUTE_READONLY))
		return STATUS_CANNOT_DELETE;
	if (c->name->trailing_slash && !create_wants_directory(c))
		return STATUS_OBJECT_NAME_INVALID;
	status = oplock_request_check(c->h->files, &c->h->file.want);
	if (nt_success(status))
		status = security_add_allowed(c->req, c->name->path, create_wants_directory(c),
					      &c->parent);
	return nt_success(status) ? create_grant_new(c) : status;
}

/* Nothing is made in a directory that is to go: then what was made goes, unless somebody has it
 * open already. */
static struct nt_status create_check_parent(struct creation *c, struct vfs_node *node)
{
	if (!file_delete_pending(c->h->files, &node->parent)) {
		oplock_directory_changed(c->h->files, &node->parent, &c->h->file);
		return STATUS_SUCCESS;
	}
	c->h->file.delete_on_close = c->h->file.delete_if_alone = true;
	if (!nt_success(file_close(c->h->files, &c->h->file)))
		log_info("create: could not take back %s", c->name->path);
	return STATUS_DELETE_PENDING;
}

/* [MS-FSA] 2.1.5.1.1: a stream that is not there, of a file that is. */
static struct nt_status create_new_stream(struct creation *c, struct vfs_node *node, int *err)
{
	struct nt_status status = STATUS_SUCCESS;

	if (c->in.create_disposition == FILE_OPEN || c->in.create_disposition == FILE_OVERWRITE)
		status = STATUS_OBJECT_NAME_NOT_FOUND;
	if (nt_success(status))
		status = create_grant_existing(c, node);
	if (nt_success(status) && !(c->maximal & FILE_WRITE_DATA))
		status = STATUS_ACCESS_DENIED;
	/* not into a file that is to go */
	if (nt_success(status))
		status = file_open_check(c->h->files, &node->id, FILE_READ_ATTRIBUTES, 0, NULL);
	if (nt_success(status)) {
		*err = vfs_node_stream_open(node, c->name->stream, true);
		status = nt_status_from_errno(*err);
	}
	c->action = FILE_CREATED;
	if (nt_success(status))
		status = create_enter_made(c, node);
	if (!nt_success(status))
		(void)vfs_node_close(node);
	return status;
}

static struct nt_status create_open_stream(struct creation *c, struct vfs_node *node, int *err)
{
	*err = vfs_node_stream_open(node, c->name->stream, false);
	if (*err == -ENOENT)
		return create_new_stream(c, node, err);
	if (!*err)
		return create_open_existing(c, node);
	(void)vfs_node_close(node);
	return nt_status_from_errno(*err);
}

/* What it is made with; without that it goes again. */
static struct nt_status create_new_rest(struct creation *c, struct vfs_node *node, int *err)
{
	struct nt_status status = security_new(c->req, node, &c->parent, c->has_sd ? &c->sd : NULL);

	if (nt_success(status) && c->eas.count)
		status = ea_list_set(node, &c->eas);
	if (nt_success(status) && create_is_stream(c)) {
		*err = vfs_node_stream_open(node, c->name->stream, true);
		status = nt_status_from_errno(*err);
	}
	if (!nt_success(status) && vfs_node_unlink(node, node->path) != 0)
		log_info("create: could not take back %s", c->name->path);
	return status;
}

static struct nt_status create_new(struct creation *c, struct vfs_cred *cred, int *err)
{
	struct vfs_create create = {
		.directory = create_wants_directory(c),
		.attributes = c->in.file_attributes & CREATE_ATTRIBUTES_SETTABLE,
		.alloc = c->in.contexts.present & SMB2_CREATE_ALLOCATION_SIZE
				 ? c->in.contexts.allocation_size
				 : 0,
	};
	struct nt_status status = create_check_new(c);
	struct vfs_node *node;

	*err = 0;
	if (!nt_success(status))
		return status;
	create.closed = security_is_inherited(c->req, &c->parent);
	*err = vfs_create(c->vfs, cred, c->name->path, &create, &node);
	if (*err)
		return nt_status_from_errno(*err);
	c->action = FILE_CREATED;
	status = create_new_rest(c, node, err);
	if (nt_success(status))
		status = create_enter_made(c, node);
	if (nt_success(status)) {
		file_notify(c->h->files, &c->h->file, FILE_ACTION_ADDED,
			    file_notify_name_filter(node->stat.directory));
		return create_check_parent(c, node);
	}
	/* who found it before we were in keeps it */
	(void)vfs_node_close(node);
	return status;
}

/* Is it a reparse point that the client does not mean itself? A special file of the file system may
 * be deleted by clients that know of no such thing: they could get rid of it in no other way. */
static bool create_stops(const struct creation *c, const struct vfs_node *node)
{
	if (!(node->stat.attributes & FILE_ATTRIBUTE_REPARSE_POINT) ||
	    (c->in.create_options & FILE_OPEN_REPARSE_POINT))
		return false;
	return S_ISREG(node->stat.mode) || node->stat.directory || !(c->desired & DELETE);
}

static struct nt_status create_find_or_make_once(struct creation *c, struct vfs_cred *cred)
{
	struct nt_status status = STATUS_INTERNAL_ERROR;
	struct vfs_node *node;
	int err;

	for (unsigned tries = 0; tries < CREATE_RACES_MAX; tries++) {
		err = vfs_lookup(c->vfs, cred, c->name->path, &node);
		if (err == 0 && create_stops(c, node)) {
			status = reparse_stop(c->req, node, 0);
			(void)vfs_node_close(node); /* O_PATH: nothing to lose */
			return status;
		}
		if (err == 0 && !create_is_stream(c))
			return create_open_existing(c, node);
		if (err == -ENOTDIR || err == -EREMOTE)
			return reparse_stop_within(c->req, c->vfs, cred, c->name->path, c->in.name,
						   nt_status_from_errno(err));
		if (err != 0 && err != -ENOENT)
			return nt_status_from_errno(err);
		status = err ? create_new(c, cred, &err) : create_open_stream(c, node, &err);
		/* -ENOENT: the name is there but leads nowhere now; -EEXIST: it came meanwhile */
		if (err != -EEXIST || c->in.create_disposition == FILE_CREATE)
			return status;
	}
	return status;
}

static struct nt_status create_find_or_make(struct creation *c, struct vfs_cred *cred)
{
	struct nt_status status;

	do {
		status = create_find_or_make_once(c, cred);
	} while (nt_equal(status, STATUS_RETRY));
	return status;
}

/* ---- the reply ---- */

static void create_reply_contexts(const struct creation *c, const struct vfs_stat *st,
				  struct smb2_create_contexts_response *out)
{
	const struct smb2_create_contexts_request *in = &c->in.contexts;

	if (in->present & SMB2_CREATE_QUERY_MAXIMAL_ACCESS_REQUEST) {
		/* [MS-SMB2] 3.3.5.9.5: unchanged since the client's time stamp */
		bool unchanged = in->has_maximal_access_timestamp &&
				 in->maximal_access_timestamp == nttime_from_timespec(st->mtime);

		out->present |= SMB2_CREATE_QUERY_MAXIMAL_ACCESS_REQUEST;
		out->maximal_access.query_status = unchanged ? STATUS_NONE_MAPPED : STATUS_SUCCESS;
		out->maximal_access.maximal_access = unchanged ? 0 : c->maximal & FILE_ALL_ACCESS;
	}
	if (in->present & SMB2_CREATE_QUERY_ON_DISK_ID) {
		out->present |= SMB2_CREATE_QUERY_ON_DISK_ID;
		out->disk_id.disk_file_id = st->id.ino;
		out->disk_id.volume_id = st->id.dev;
	}
}

static struct nt_status create_reply(struct creation *c)
{
	struct vfs_node *node = c->h->file.node;
	struct smb2_create_response out = {.create_action = c->action};
	struct handle_times times;
	struct vfs_stat st;
	int err = vfs_node_stat(node, &st);

	if (err)
		return nt_status_from_errno(err);
	times = handle_times(&st);
	out.creation_time = times.creation;
	out.last_access_time = times.access;
	out.last_write_time = times.write;
	out.change_time = times.change;
	out.allocation_size = st.alloc;
	out.endof_file = st.size;
	out.file_attributes = st.attributes;
	if (st.attributes & FILE_ATTRIBUTE_REPARSE_POINT && /* [MS-SMB2] 2.2.14 */
	    c->req->conn->negotiated.dialect >= SMB2_DIALECT_300)
		out.flags = SMB2_CREATE_FLAG_REPARSEPOINT;
	out.file_id = c->h->open.id;
	if (c->quota_file) { /* as Windows shows it */
		out.creation_time = out.last_access_time = out.last_write_time = 0;
		out.change_time = 0;
		out.file_attributes = FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM |
				      FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_ARCHIVE;
	}
	create_reply_contexts(c, &st, &out.contexts);
	caching_reply(&c->in, &c->h->file, &out);
	/* Windows tells a replay no more than it asks for, though the open keeps what it has */
	if (c->replayed && !c->h->file.want.lease &&
	    out.oplock_level > c->in.requested_oplock_level)
		out.oplock_level = c->in.requested_oplock_level;
	smb2_create_response_encode(&c->req->out, &out);
	return wr_ok(&c->req->out) ? STATUS_SUCCESS : STATUS_INTERNAL_ERROR;
}

static struct nt_status create_finish(struct creation *c)
{
	struct open *open = &c->h->open;
	struct nt_status status = create_reply(c);

	open->granted_access = c->granted;
	open->name = talloc_strdup(open, c->h->file.node->path);
	c->h->write_through = c->in.create_options & FILE_WRITE_THROUGH;
	c->h->action = c->action;
	atomic_init(&c->h->mode, c->in.create_options & CREATE_MODE_OPTIONS);
	if (nt_success(status))
		status = open_publish(open);
	if (nt_success(status)) {
		request_open_set(c->req, open);
		return status;
	}
	/* the session or tree ended meanwhile: no reason to delete what was there before */
	c->h->file.delete_on_close = c->action == FILE_CREATED;
	if (!nt_success(file_close(c->h->files, &c->h->file)))
		log_debug("create: close of an unpublished open failed");
	return status;
}

/* Who works: the node takes it with it. */
static struct vfs_cred *create_cred(const struct request *req)
{
	return (req->tree->user ? req->tree->user : req->user)->cred;
}

/* ---- the same again: [MS-SMB2] 3.3.5.9.10 ---- */

/* The answer that the client did not get; all that was open stays as it is. */
static struct nt_status create_replay(struct creation *c, struct open *existing)
{
	struct handle *h = container_of(existing, struct handle, open);
	const struct oplock_request *want = &c->h->file.want, *had = &h->file.want;
	struct nt_status status;

	request_open_set_again(c->req, existing);
	if (existing->tree != c->req->tree)
		return STATUS_ACCESS_DENIED;
	/* a lease is asked for by the key that it has */
	if (want->lease && !(had->lease && guid_equal(&want->id.key, &had->id.key)))
		return STATUS_ACCESS_DENIED;
	status = access_maximal(c->req, h->file.node, &c->maximal);
	if (!nt_success(status))
		return status;
	c->h = h;
	c->action = h->action;
	c->replayed = true;
	return create_reply(c);
}

/* SUCCESS without *existing: go on with it. */
static struct nt_status create_claim(struct creation *c, struct open **existing)
{
	const struct smb2_create_contexts_request *contexts = &c->in.contexts;
	const struct request *req = c->req;

	*existing = NULL;
	if (!(contexts->present & SMB2_CREATE_DURABLE_HANDLE_REQUEST_V2) ||
	    req->conn->negotiated.dialect < SMB2_DIALECT_300)
		return STATUS_SUCCESS;
	return open_claim(&c->h->open, req->conn->negotiated.client_guid,
			  &contexts->durable_v2.create_guid,
			  req->flags & SMB2_FLAGS_REPLAY_OPERATION, existing);
}

static struct nt_status create_file(struct creation *c)
{
	struct request *req = c->req;
	struct nt_status status = create_check(c);
	struct open *open, *existing;

	if (!nt_success(status))
		return status;
	status = open_reserve(req->session, req->tree, &handle_ops, sizeof(struct handle), &open);
	if (!nt_success(status))
		return status;
	c->h = container_of(open, struct handle, open);
	c->h->files = service_files(req);
	caching_request(req, &c->in, &c->h->file.want);

	status = create_claim(c, &existing);
	if (existing) {
		status = create_replay(c, existing);
		open_discard(open);
		return status;
	}
	if (nt_success(status))
		status = create_find_or_make(c, create_cred(req));
	if (nt_success(status))
		status = create_finish(c);
	if (!nt_success(status))
		open_discard(open);
	return status;
}

struct nt_status cmd_create(struct request *req)
{
	struct creation c = {.req = req};
	struct nt_status status;

	if (!smb2_create_request_decode(&req->in, &c.in))
		return STATUS_INVALID_PARAMETER;
	if (req->tree->share->ipc)
		return pipe_create(req, &c.in);
	status = create_file(&c);
	vfs_share_put(c.previous);
	return status;
}
