/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/cmd/quota.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "smbd/auth/identity.h"
#include "smbd/vfs/name.h"
#include "smbd/vfs/vfs.h"
#include "smbd/wire/access.h"
#include "smbd/wire/fscc/quota.h"

#define SCAN_DONE ((uint64_t)UINT32_MAX + 1) /* beyond the last uid */

bool quota_file_name(struct name *name)
{
	if (name->stream_type != NAME_STREAM_INDEX_ALLOCATION ||
	    strcasecmp(name->path, "$Extend/$Quota") != 0 || strcasecmp(name->stream, "$Q") != 0)
		return false;
	name->path[0] = name->stream[0] = '\0';
	name->len = name->depth = 0;
	name->stream_type = NAME_STREAM_NONE;
	return true;
}

/* ---- QUERY_INFO ---- */

struct answer {
	struct wr w;
	size_t last;
	unsigned count;
};

/* BUFFER_TOO_SMALL: this one does not fit any more. */
static struct nt_status answer_add(struct answer *a, const struct vfs_quota *quota)
{
	const struct file_quota_info info = {
		.quota_used = quota->used,
		.quota_threshold = quota->soft,
		.quota_limit = quota->hard,
		.sid = identity_sid_of_uid(quota->uid),
	};

	if (!file_quota_info_encode(&a->w, &info, &a->last))
		return STATUS_BUFFER_TOO_SMALL;
	a->count++;
	return STATUS_SUCCESS;
}

/* Of these users, in this order; who is nobody here is left out. */
static struct nt_status answer_list(struct handle *h, struct wire_blob sids, struct answer *a)
{
	struct nt_status status = STATUS_SUCCESS;
	struct rd r = wire_blob_rd(sids);
	struct vfs_quota quota;
	struct sid sid;
	uid_t uid;
	int err;

	while (nt_success(status) && file_get_quota_next(&r, &sid)) {
		if (!identity_uid_of_sid(&sid, &uid))
			continue;
		err = vfs_node_quota(h->file.node, uid, &quota);
		status = err ? nt_status_from_errno(err) : answer_add(a, &quota);
	}
	return nt_success(status) && !rd_ok(&r) ? STATUS_INVALID_PARAMETER : status;
}

/* Of all users, from where the scan is; it goes on with the first one that was not told. */
static struct nt_status answer_scan(struct handle *h, bool single, struct answer *a)
{
	struct nt_status status = STATUS_SUCCESS;
	struct vfs_quota quota;
	int err;

	while (h->quota_next < SCAN_DONE && nt_success(status) && !(single && a->count)) {
		err = vfs_node_quota_next(h->file.node, (uid_t)h->quota_next, &quota);
		if (err == -ENOENT) {
			h->quota_next = SCAN_DONE;
			break;
		}
		status = err ? nt_status_from_errno(err) : answer_add(a, &quota);
		if (nt_success(status))
			h->quota_next = (uint64_t)quota.uid + 1;
	}
	return status;
}

static struct nt_status answer_fill(struct handle *h, const struct smb2_query_quota_info *in,
				    struct answer *a)
{
	struct rd r = wire_blob_rd(in->start_sid);
	struct sid sid;
	uid_t uid;

	if (in->sid_list.len && in->start_sid.len) /* one or the other, 2.2.37.1 */
		return STATUS_INVALID_PARAMETER;
	if (in->sid_list.len)
		return answer_list(h, in->sid_list, a);
	if (in->restart_scan)
		h->quota_next = 0;
	if (in->start_sid.len) {
		if (!sid_decode(&r, &sid) || !identity_uid_of_sid(&sid, &uid))
			return STATUS_INVALID_PARAMETER;
		h->quota_next = uid;
	}
	return answer_scan(h, in->return_single, a);
}

struct nt_status query_quota(struct request *req, struct handle *h,
			     const struct smb2_query_info_request *query)
{
	struct rd r = wire_blob_rd(query->input);
	struct vfs_quota_state state;
	struct smb2_query_quota_info in;
	struct nt_status status;
	struct answer a = {.last = SIZE_MAX};
	size_t cap = query->output_buffer_length;

	if (!smb2_query_quota_info_decode(&r, &in))
		return STATUS_INVALID_PARAMETER;
	if (vfs_node_quota_state(h->file.node, &state) != 0)
		return STATUS_NOT_SUPPORTED;
	if (cap > req->payload.cap)
		cap = req->payload.cap;
	a.w = wr_init(req->payload.data, cap);
	open_enter(&h->open);
	status = answer_fill(h, &in, &a);
	open_leave(&h->open);
	if (a.count == 0)
		return nt_success(status) ? STATUS_NO_MORE_ENTRIES : status;
	if (!nt_success(status) && !nt_equal(status, STATUS_BUFFER_TOO_SMALL))
		return status;
	req->payload.len = a.w.len;
	return STATUS_SUCCESS;
}

/* ---- SET_INFO ---- */

struct nt_status set_quota(struct handle *h, struct wire_blob buffer)
{
	struct nt_status status = handle_need(h, FILE_WRITE_DATA);
	struct rd r = wire_blob_rd(buffer);
	struct vfs_quota_state state;
	struct file_quota_info info;
	struct vfs_quota quota;

	if (vfs_node_quota_state(h->file.node, &state) != 0)
		return STATUS_NOT_SUPPORTED;
	while (nt_success(status) && file_quota_info_next(&r, &info)) {
		quota = (struct vfs_quota){.soft = info.quota_threshold, .hard = info.quota_limit};
		if (!identity_uid_of_sid(&info.sid, &quota.uid))
			return STATUS_INVALID_PARAMETER;
		status = nt_status_from_errno(vfs_node_set_quota(h->file.node, &quota));
	}
	return nt_success(status) && !rd_ok(&r) ? STATUS_INVALID_PARAMETER : status;
}
