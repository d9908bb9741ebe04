/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/entry.h"

struct wire_entry wire_entry_begin(struct wr *w, size_t align, const size_t *last)
{
	struct wire_entry e = {.undo = w->len, .was_bad = !wr_ok(w)};

	if (*last != SIZE_MAX)
		wr_align(w, align);
	e.start = w->len;
	wr_u32(w, 0);
	return e;
}

bool wire_entry_end(struct wr *w, struct wire_entry e, size_t *last)
{
	if (!wr_ok(w)) {
		w->len = e.undo;
		w->bad = e.was_bad;
		return false;
	}
	if (*last != SIZE_MAX)
		wr_u32_at(w, *last, (uint32_t)(e.start - *last));
	*last = e.start;
	return true;
}

struct rd wire_entry_next(struct rd *r, size_t min_size)
{
	size_t start = r->off, size = rd_left(r);
	struct rd entry;
	uint32_t next;

	if (size == 0)
		return (struct rd){.bad = true};
	next = rd_u32(r);
	if (next != 0 && next <= size)
		size = next;
	if (next > size || size < min_size)
		rd_fail(r);
	rd_seek(r, start + size);
	entry = rd_sub(r, start, size);
	rd_skip(&entry, sizeof(uint32_t));
	return entry;
}

bool wire_entry_ok(struct rd *r, const struct rd *entry)
{
	if (rd_ok(entry))
		return true;
	if (entry->data) /* an entry, and not the end of the list */
		rd_fail(r);
	return false;
}
