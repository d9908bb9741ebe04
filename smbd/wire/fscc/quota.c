/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/fscc/quota.h"

#include "smbd/wire/entry.h"

static void sized_sid_decode(struct rd *r, uint32_t len, struct sid *out)
{
	struct rd sid = wire_blob_rd(wire_blob_next(r, len));

	if (!sid_decode(&sid, out))
		rd_fail(r);
}

bool file_quota_info_encode(struct wr *w, const struct file_quota_info *in, size_t *last)
{
	struct wire_entry e = wire_entry_begin(w, 8, last);

	wr_u32(w, (uint32_t)sid_size(&in->sid));
	wr_u64(w, in->change_time);
	wr_u64(w, in->quota_used);
	wr_u64(w, in->quota_threshold);
	wr_u64(w, in->quota_limit);
	sid_encode(w, &in->sid);
	return wire_entry_end(w, e, last);
}

bool file_quota_info_next(struct rd *r, struct file_quota_info *out)
{
	struct rd entry = wire_entry_next(r, 40);
	uint32_t sid_len = rd_u32(&entry);

	out->change_time = rd_u64(&entry);
	out->quota_used = rd_u64(&entry);
	out->quota_threshold = rd_u64(&entry);
	out->quota_limit = rd_u64(&entry);
	sized_sid_decode(&entry, sid_len, &out->sid);
	return wire_entry_ok(r, &entry);
}

bool file_get_quota_encode(struct wr *w, const struct sid *sid, size_t *last)
{
	struct wire_entry e = wire_entry_begin(w, 4, last);

	wr_u32(w, (uint32_t)sid_size(sid));
	sid_encode(w, sid);
	return wire_entry_end(w, e, last);
}

bool file_get_quota_next(struct rd *r, struct sid *sid)
{
	struct rd entry = wire_entry_next(r, 8);
	uint32_t sid_len = rd_u32(&entry);

	sized_sid_decode(&entry, sid_len, sid);
	return wire_entry_ok(r, &entry);
}
