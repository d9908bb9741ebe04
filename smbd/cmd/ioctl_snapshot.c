/* SPDX-License-Identifier: Apache-2.0 */
/* FSCTL_SRV_ENUMERATE_SNAPSHOTS, [MS-SMB2] 3.3.5.15.1. */
#include <time.h>

#include "smbd/cmd/ioctl.h"
#include "smbd/cmd/snapshot.h"
#include "smbd/session/tree.h"
#include "smbd/vfs/vfs.h"
#include "smbd/wire/fsctl.h"

/* [MS-SMB2] 2.2.32.2: a token with its NUL; and the smallest answer, though its fixed part is less
 */
#define ENTRY_BYTES       (2 * (SNAPSHOT_TOKEN_CHARS + 1))
#define ARRAY_FIXED_BYTES 12
#define ARRAY_BYTES_MIN   16

static void tokens_encode(struct wr *w, const time_t *times, unsigned count)
{
	char token[SNAPSHOT_TOKEN_CHARS + 1];
	struct tm tm;

	for (unsigned i = 0; i < count; i++) {
		gmtime_r(&times[i], &tm);
		strftime(token, sizeof(token), SNAPSHOT_TOKEN_FORMAT, &tm);
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
