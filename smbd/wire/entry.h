/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists whose entries begin with NextEntryOffset: directory listings, streams, EAs, quotas,
 * notifications, interfaces. For the codecs of those; see blob.h for the conventions.
 */
#ifndef SMBD_WIRE_ENTRY_H
#define SMBD_WIRE_ENTRY_H

#include "smbd/wire/blob.h"

/* An entry under construction. */
struct wire_entry {
	size_t undo; /* the writer's length before it */
	size_t start;
	bool was_bad;
};

/* Align (but for the first, *last SIZE_MAX) and write NextEntryOffset 0. */
struct wire_entry wire_entry_begin(struct wr *w, size_t align, const size_t *last);

/* Link the entry before to this one; or, when it did not fit, take back what was written of it and
 * give false: the list ends before it, and the writer is good. */
bool wire_entry_end(struct wr *w, struct wire_entry e, size_t *last);

/*
 * The next entry as a cursor of its own, after NextEntryOffset. At the list's end the cursor is bad
 * while r is not. An entry of less than min_size bytes is malformed: both are bad.
 */
struct rd wire_entry_next(struct rd *r, size_t min_size);

/* Was the entry's decoding good? If not, r fails too. */
bool wire_entry_ok(struct rd *r, const struct rd *entry);

#endif
