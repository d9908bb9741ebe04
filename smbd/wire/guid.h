/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GUIDs ([MS-DTYP] 2.3.4) as the 16 bytes they are on the wire: nothing in the protocol orders or
 * takes them apart; only text needs the mixed-endian view. Pure values, any thread.
 */
#ifndef SMBD_WIRE_GUID_H
#define SMBD_WIRE_GUID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "transport/base/cursor.h"

struct guid {
	uint8_t bytes[16];
};

#define GUID_TEXT_SIZE 37 /* with its NUL */

static inline bool guid_equal(const struct guid *a, const struct guid *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static inline bool guid_is_zero(const struct guid *g)
{
	static const struct guid zero;

	return guid_equal(g, &zero);
}

static inline struct guid guid_decode(struct rd *r)
{
	struct guid g;

	rd_copy(r, g.bytes, sizeof(g.bytes));
	return g;
}

static inline void guid_encode(struct wr *w, const struct guid *g)
{
	wr_bytes(w, g->bytes, sizeof(g->bytes));
}

/* "6ba7b810-9dad-11d1-80b4-00c04fd430c8", lower case; returns buf. */
const char *guid_format(const struct guid *g, char buf[GUID_TEXT_SIZE]);

/* The same, read; case-insensitive, with or without braces. */
bool guid_parse(const char *text, struct guid *out);

#endif
