/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes: FILE_FULL_EA_INFORMATION ([MS-FSCC] 2.4.16), of QUERY_INFO, SET_INFO and the
 * ExtA create context, and FILE_GET_EA_INFORMATION (2.4.16.1). Entries are 4-aligned. As blob.h.
 */
#ifndef SMBD_WIRE_FSCC_EA_H
#define SMBD_WIRE_FSCC_EA_H

#include "smbd/wire/blob.h"

#define FILE_NEED_EA 0x80u

struct file_full_ea {
	uint8_t flags;
	struct wire_blob ea_name; /* ASCII, without its NUL (which follows it) */
	struct wire_blob ea_value;
};

/*
 * Append one entry, linked to the one before, whose offset *last holds (SIZE_MAX for the first).
 * False, and nothing written, when there is no room or the name is over 255 bytes.
 */
bool file_full_ea_encode(struct wr *w, const struct file_full_ea *in, size_t *last);
/* The next entry of the list in r; false at its end (rd_ok(r)) or when it is malformed. */
bool file_full_ea_next(struct rd *r, struct file_full_ea *out);

/* The same for the list of names that a query asks for. */
bool file_get_ea_encode(struct wr *w, struct wire_blob ea_name, size_t *last);
bool file_get_ea_next(struct rd *r, struct wire_blob *ea_name);

#endif
