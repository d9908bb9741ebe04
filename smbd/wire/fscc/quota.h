/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quotas: FILE_QUOTA_INFORMATION ([MS-FSCC] 2.4.41) and FILE_GET_QUOTA_INFORMATION (2.4.41.1).
 * Entries are 8-aligned, those of the latter 4-aligned. As blob.h.
 */
#ifndef SMBD_WIRE_FSCC_QUOTA_H
#define SMBD_WIRE_FSCC_QUOTA_H

#include "smbd/wire/blob.h"
#include "smbd/wire/dtyp.h"

struct file_quota_info {
	uint64_t change_time;
	uint64_t quota_used;
	uint64_t quota_threshold;
	uint64_t quota_limit;
	struct sid sid;
};

/*
 * Append one entry, linked to the one before, whose offset *last holds (SIZE_MAX for the first).
 * False, and nothing written, when there is no room.
 */
bool file_quota_info_encode(struct wr *w, const struct file_quota_info *in, size_t *last);
/* The next entry of the list in r; false at its end (rd_ok(r)) or when it is malformed. */
bool file_quota_info_next(struct rd *r, struct file_quota_info *out);

bool file_get_quota_encode(struct wr *w, const struct sid *sid, size_t *last);
bool file_get_quota_next(struct rd *r, struct sid *sid);

#endif
