/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/cmd/snapshot.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "smbd/cmd/ioctl.h"
#include "smbd/conf/conf.h"
#include "smbd/session/tree.h"
#include "smbd/vfs/name.h"
#include "smbd/vfs/vfs.h"
#include "smbd/wire/fsctl.h"
#include "smbd/wire/nttime.h"
#include "transport/base/log.h"

#define TOKEN_FORMAT "@GMT-%Y.%m.%d-%H.%M.%S"
/* [MS-SMB2] 2.2.32.2: a token with its NUL; and the smallest answer, though its fixed part is less
 */
#define ENTRY_BYTES       (2 * (SNAPSHOT_TOKEN_CHARS + 1))
#define ARRAY_FIXED_BYTES 12
#define ARRAY_BYTES_MIN   16

/* ---- tokens ---- */

static bool is_token(const char *component, size_t len, time_t *when)
{
	char token[SNAPSHOT_TOKEN_CHARS + 1];
	struct tm tm = {0};
	const char *end;

	if (len != SNAPSHOT_TOKEN_CHARS)
		return false;
	memcpy(token, component, len);
	token[len] = '\0';
	end = strptime(token, TOKEN_FORMAT, &tm);
	*when = end ? timegm(&tm) : 0;
	return end && !*end && *when > 0;
}

/* Take the first one out of the path. */
static bool take_token(struct name *name, time_t *when)
{
	size_t len, cut, start = 0;

	for (; name->path[start]; start += len + (name->path[start + len] == '/')) {
		len = strcspn(name->path + start, "/");
		if (!is_token(name->path + start, len, when))
			continue;
		/* with one of the separators beside it, if there is one */
		cut = len + (name->path[start + len] == '/' || start > 0);
		if (name->path[start + len] != '/' && start > 0)
			start--;
		memmove(name->path + start, name->path + start + cut, name->len - start - cut + 1);
		name->len -= cut;
		name->depth--;
		return true;
	}
	return false;
}

struct nt_status snapshot_find(struct request *req, uint64_t filetime, struct name *name,
			       struct vfs_share **previous)
{
	time_t when = nttime_is_time(filetime) ? nttime_to_timespec(filetime).tv_sec : 0;
	const struct share *share = req->tree->share;
	int err;

	*previous = NULL;
	if (*share->conf->shadow_snapdir)
		(void)take_token(name, &when);
	if (when == 0 && filetime == 0)
		return STATUS_SUCCESS;
	err = vfs_snapshot_open(share->vfs, when, previous);
	if (err)
		log_debug("share %s: no version of %lld for %s: %s", share->name, (long long)when,
			  name->path, strerror(-err));
	return nt_status_from_errno(err);
}

/* ---- FSCTL_SRV_ENUMERATE_SNAPSHOTS, 3.3.5.15.1 ---- */

static void tokens_encode(struct wr *w, const time_t *times, unsigned count)
{
	char token[SNAPSHOT_TOKEN_CHARS + 1];
	struct tm tm;

	for (unsigned i = 0; i < count; i++) {
		gmtime_r(&times[i], &tm);
		strftime(token, sizeof(token), TOKEN_FORMAT, &tm);
		for (unsigned j = 0; j <= SNAPSHOT_TOKEN_CHARS; j++)
			wr_u16(w, (uint8_t)token[j]);
	}
	wr_u16(w, 0);
}

struct nt_status ioctl_snapshots(struct request *req, const struct ioctl *ioctl)
{
	struct fsctl_snapshot_array out = {0};
	struct nt_status status;
	struct handle *h;
	bool fits;
	unsigned count;
	time_t *times;
	size_t start;
	int err;

	status = handle_get(req, ioctl->in->file_id, &h);
	if (nt_error(status))
		return status;
	if (ioctl->in->max_output_response < ARRAY_BYTES_MIN)
		return STATUS_INVALID_PARAMETER;
	/* of the share, whichever version the open is of */
	err = vfs_snapshots(req->tree->share->vfs, request_pool(req), &times, &count);
	if (err)
		return nt_status_from_errno(err);
	out.number_of_snapshots = count;
	out.snapshot_array_size = count * ENTRY_BYTES + 2;
	fits = count &&
	       ARRAY_FIXED_BYTES + out.snapshot_array_size <= ioctl->in->max_output_response;
	out.number_of_snapshots_returned = fits ? count : 0;
	status = request_payload_get(req, ARRAY_BYTES_MIN + (size_t)out.snapshot_array_size);
	if (nt_error(status))
		return status;
	start = req->payload.len;
	fsctl_snapshot_array_encode(&req->payload, &out);
	if (fits)
		tokens_encode(&req->payload, times, count);
	/* Windows' answer without tokens is as long as the smallest that may be asked for */
	if (req->payload.len - start < ARRAY_BYTES_MIN)
		wr_zero(&req->payload, ARRAY_BYTES_MIN - (req->payload.len - start));
	return STATUS_SUCCESS;
}
