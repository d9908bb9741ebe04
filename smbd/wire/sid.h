/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Security identifiers, [MS-DTYP] 2.4.2: a value, its wire form and its text (S-1-5-21-...).
 * Any thread, pure. Errors: the cursor's.
 */
#ifndef SMBD_WIRE_SID_H
#define SMBD_WIRE_SID_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/base/cursor.h"

#define SID_SUBS_MAX 15
#define SID_TEXT_MAX 200 /* of sid_text(), with its terminating zero */

struct sid {
	uint64_t authority; /* 48 bits */
	uint8_t count;
	uint32_t sub[SID_SUBS_MAX];
};

struct sid sid_make(uint64_t authority, unsigned count, ...);
/* parent with one more sub-authority; count stays at most SID_SUBS_MAX */
struct sid sid_child(const struct sid *parent, uint32_t rid);
bool sid_equal(const struct sid *a, const struct sid *b);
/* Is `s` a direct child of `parent`? Then *rid is its last sub-authority. */
bool sid_child_rid(const struct sid *parent, const struct sid *s, uint32_t *rid);

static inline unsigned sid_wire_len(const struct sid *s)
{
	return 8u + 4u * s->count;
}

/* Revision other than 1, or more than 15 sub-authorities, sets the cursor's error. */
void sid_read(struct rd *r, struct sid *s);
void sid_write(struct wr *w, const struct sid *s);

const char *sid_text(const struct sid *s, char text[SID_TEXT_MAX]);
bool sid_parse(const char *text, struct sid *s);

#endif
