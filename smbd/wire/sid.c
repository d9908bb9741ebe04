/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/sid.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SID_REVISION 1

struct sid sid_make(uint64_t authority, unsigned count, ...)
{
	struct sid s = {.authority = authority};
	va_list ap;

	va_start(ap, count);
	while (s.count < count && s.count < SID_SUBS_MAX)
		s.sub[s.count++] = va_arg(ap, uint32_t);
	va_end(ap);
	return s;
}

struct sid sid_child(const struct sid *parent, uint32_t rid)
{
	struct sid s = *parent;

	if (s.count < SID_SUBS_MAX)
		s.sub[s.count++] = rid;
	return s;
}

bool sid_equal(const struct sid *a, const struct sid *b)
{
	return a->authority == b->authority && a->count == b->count &&
	       memcmp(a->sub, b->sub, a->count * sizeof(a->sub[0])) == 0;
}

bool sid_child_rid(const struct sid *parent, const struct sid *s, uint32_t *rid)
{
	struct sid up = *s;

	if (s->count == 0 || s->count != parent->count + 1)
		return false;
	up.count--;
	if (!sid_equal(parent, &up))
		return false;
	*rid = s->sub[s->count - 1];
	return true;
}

void sid_read(struct rd *r, struct sid *s)
{
	uint8_t revision = rd_u8(r);
	uint8_t count = rd_u8(r);

	*s = (struct sid){0};
	if (revision != SID_REVISION || count > SID_SUBS_MAX)
		rd_fail(r);
	s->authority = (uint64_t)rd_be16(r) << 32;
	s->authority |= rd_be32(r);
	for (unsigned i = 0; i < count && rd_ok(r); i++)
		s->sub[i] = rd_u32(r);
	if (rd_ok(r))
		s->count = count;
	else
		*s = (struct sid){0};
}

void sid_write(struct wr *w, const struct sid *s)
{
	wr_u8(w, SID_REVISION);
	wr_u8(w, s->count);
	wr_be16(w, (uint16_t)(s->authority >> 32));
	wr_be32(w, (uint32_t)s->authority);
	for (unsigned i = 0; i < s->count; i++)
		wr_u32(w, s->sub[i]);
}

const char *sid_text(const struct sid *s, char text[SID_TEXT_MAX])
{
	/* [MS-DTYP] 2.4.2.1: an authority over 32 bits is written in hexadecimal */
	int n = snprintf(text, SID_TEXT_MAX, s->authority >> 32 ? "S-1-0x%012llx" : "S-1-%llu",
			 (unsigned long long)s->authority);

	for (unsigned i = 0; i < s->count; i++)
		n += snprintf(text + n, SID_TEXT_MAX - (size_t)n, "-%u", s->sub[i]);
	return text;
}

/* strtoull without its blanks and signs */
static bool sid_number(const char **text, uint64_t max, int base, uint64_t *value)
{
	char *end;

	if (!strchr(base == 16 ? "0123456789abcdefABCDEF" : "0123456789", **text) || !**text)
		return false;
	*value = strtoull(*text, &end, base);
	if (*value > max || end - *text > 15)
		return false;
	*text = end;
	return true;
}

bool sid_parse(const char *text, struct sid *s)
{
	uint64_t value;
	int base = 10;

	*s = (struct sid){0};
	if (strncmp(text, "S-1-", 4) != 0)
		return false;
	text += 4;
	if (strncmp(text, "0x", 2) == 0) {
		text += 2;
		base = 16;
	}
	if (!sid_number(&text, 0xffffffffffffull, base, &s->authority))
		return false;
	while (*text == '-' && s->count < SID_SUBS_MAX) {
		text++;
		if (!sid_number(&text, UINT32_MAX, 10, &value))
			return false;
		s->sub[s->count++] = (uint32_t)value;
	}
	return *text == '\0';
}
