/* SPDX-License-Identifier: Apache-2.0 */
/* LOCK, [MS-SMB2] 3.3.5.14. What conflicts with what is file/lock.h's. */
#include "smbd/wire/lock.h"

#include "smbd/cmd/file_commands.h"
#include "smbd/cmd/handle.h"
#include "smbd/file/file_lock.h"
#include "smbd/session/connection.h"
#include "smbd/session/session.h"
#include "smbd/wire/access.h"
#include "smbd/wire/empty.h"
#include "smbd/wire/negotiate.h"

#define LOCK_KINDS (SMB2_LOCKFLAG_SHARED_LOCK | SMB2_LOCKFLAG_EXCLUSIVE_LOCK)

/* ---- a request that is sent again, 3.3.5.14 ---- */

/* The text has it looked at for every open where the server can multichannel; Windows does for
 * resilient and persistent ones only. */
static bool lock_is_sequenced(const struct request *req)
{
	const struct negotiated *n = &req->conn->negotiated;

	return n->dialect >= SMB2_DIALECT_300 &&
	       (n->server_capabilities & SMB2_GLOBAL_CAP_MULTI_CHANNEL);
}

/* 2.2.26, the field as it was sent. */
static uint32_t lock_sequence(const struct smb2_lock_request *lock)
{
	return lock->lock_sequence_index << 4 | lock->lock_sequence_number;
}

/* ---- 3.3.5.14.1 ---- */

/* One after the other: what was unlocked before an error stays so. */
static struct nt_status unlock_all(struct handle *h, const struct smb2_lock_request *lock)
{
	struct nt_status status = STATUS_SUCCESS;

	for (unsigned i = 0; i < lock->lock_count && nt_success(status); i++) {
		struct smb2_lock_element e = smb2_lock_request_element(lock, i);

		status = e.flags == SMB2_LOCKFLAG_UNLOCK ? file_unlock(&h->file, e.offset, e.length)
							 : STATUS_INVALID_PARAMETER;
	}
	return status;
}

/* ---- 3.3.5.14.2 ---- */

/* One kind, and only a lock that is alone may wait. */
static bool lock_flags_ok(const struct smb2_lock_request *lock, uint32_t flags)
{
	uint32_t kind = flags & ~SMB2_LOCKFLAG_FAIL_IMMEDIATELY;

	return (kind == SMB2_LOCKFLAG_SHARED_LOCK || kind == SMB2_LOCKFLAG_EXCLUSIVE_LOCK) &&
	       (lock->lock_count == 1 || (flags & SMB2_LOCKFLAG_FAIL_IMMEDIATELY));
}

static struct nt_status lock_ranges(struct request *req, const struct smb2_lock_request *lock,
				    struct lock_range **out)
{
	struct lock_range *ranges =
		talloc_array(request_pool(req), struct lock_range, lock->lock_count);

	if (!ranges)
		return STATUS_INSUFFICIENT_RESOURCES;
	for (unsigned i = 0; i < lock->lock_count; i++) {
		struct smb2_lock_element e = smb2_lock_request_element(lock, i);

		if (!lock_flags_ok(lock, e.flags))
			return STATUS_INVALID_PARAMETER;
		ranges[i] =
			(struct lock_range){.offset = e.offset,
					    .length = e.length,
					    .exclusive = e.flags & SMB2_LOCKFLAG_EXCLUSIVE_LOCK};
	}
	*out = ranges;
	return STATUS_SUCCESS;
}

static void lock_cancelled(struct request *req, void *arg)
{
	file_lock_cancel(arg);
}

/* Until it is granted, cancelled, or the open ends. */
static struct nt_status lock_wait(struct request *req, struct handle *h,
				  const struct lock_range *range)
{
	struct file_lock_wait wait;
	struct nt_status status = file_lock_begin(&h->file, range, &wait), async;

	if (!nt_equal(status, STATUS_PENDING))
		return status;
	async = request_go_async(req);
	if (nt_error(async))
		file_lock_cancel(&wait);
	request_release_input(req);
	request_cancel_set(req, lock_cancelled, &wait);
	status = file_lock_await(&wait);
	request_cancel_clear(req);
	if (nt_equal(status, STATUS_CANCELLED) && nt_error(async))
		return async;
	/* as Windows has it where the open, not the request, was ended */
	if (nt_equal(status, STATUS_CANCELLED) && open_is_ending(&h->open))
		return STATUS_RANGE_NOT_LOCKED;
	return status;
}

static struct nt_status lock_all(struct request *req, struct handle *h,
				 const struct smb2_lock_request *lock)
{
	struct smb2_lock_element first = smb2_lock_request_element(lock, 0);
	struct lock_range *ranges;
	struct nt_status status;

	if (first.flags == SMB2_LOCKFLAG_UNLOCK)
		return unlock_all(h, lock);
	status = lock_ranges(req, lock, &ranges);
	if (!nt_success(status))
		return status;
	status = first.flags & SMB2_LOCKFLAG_FAIL_IMMEDIATELY
			 ? file_lock(&h->file, ranges, lock->lock_count)
			 : lock_wait(req, h, &ranges[0]);
	/* [MS-FSA] 2.1.4.12: what is locked is not to be read from a cache */
	if (nt_success(status))
		oplock_data_changed(h->files, &h->file);
	return status;
}

/* [MS-FSA] 2.1.5.8; the access is what Windows asks for before it comes to that. */
static struct nt_status lock_check(const struct handle *h)
{
	if (handle_is_directory(h))
		return STATUS_INVALID_PARAMETER;
	return handle_need(h, FILE_READ_DATA | FILE_WRITE_DATA);
}

struct nt_status cmd_lock(struct request *req)
{
	struct smb2_lock_request lock;
	struct nt_status status;
	struct handle *h;
	bool sequenced;

	if (!smb2_lock_request_decode(&req->in, &lock))
		return STATUS_INVALID_PARAMETER;
	status = handle_get(req, lock.file_id, &h);
	if (nt_success(status))
		status = lock_check(h);
	if (!nt_success(status))
		return status;
	sequenced = lock_is_sequenced(req);
	/* a replay was done: only its answer was lost */
	if (!sequenced || !lock_sequence_is_replay(&h->open.locks, lock_sequence(&lock)))
		status = lock_all(req, h, &lock);
	if (!nt_success(status))
		return status;
	if (sequenced)
		lock_sequence_done(&h->open.locks, lock_sequence(&lock));
	smb2_empty_encode(&req->out);
	return status;
}
