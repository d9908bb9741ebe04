/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/utf16.h"

#include <errno.h>
#include <string.h>

#define IS_SURROGATE(c)      (((c)&0xfffff800u) == 0xd800u)
#define IS_HIGH_SURROGATE(c) (((c)&0xfffffc00u) == 0xd800u)
#define IS_LOW_SURROGATE(c)  (((c)&0xfffffc00u) == 0xdc00u)

#define INVALID 0xffffffffu

/* Where converted bytes go: counts all, stores what fits. */
struct sink {
	uint8_t *dst;
	size_t size;
	size_t len;
};

static void sink_put(struct sink *s, uint32_t byte)
{
	if (s->dst && s->len < s->size)
		s->dst[s->len] = (uint8_t)byte;
	s->len++;
}

static ssize_t sink_result(const struct sink *s)
{
	return s->dst && s->len > s->size ? -ENAMETOOLONG : (ssize_t)s->len;
}

/* ---- UTF-16LE to UTF-8 ---- */

/* The next code point; an unpaired surrogate is returned as itself when lossless. */
static uint32_t utf16_next(struct rd *r, bool lossless)
{
	uint32_t c = rd_u16(r), low;
	struct rd peek = *r;

	if (!IS_SURROGATE(c))
		return c;
	low = rd_u16(&peek);
	if (IS_HIGH_SURROGATE(c) && rd_ok(&peek) && IS_LOW_SURROGATE(low)) {
		*r = peek;
		return 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
	}
	return lossless ? c : INVALID;
}

static void utf8_put(struct sink *s, uint32_t c)
{
	if (c < 0x80) {
		sink_put(s, c);
		return;
	}
	if (c < 0x800) {
		sink_put(s, 0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			sink_put(s, 0xe0 | c >> 12);
		} else {
			sink_put(s, 0xf0 | c >> 18);
			sink_put(s, 0x80 | (c >> 12 & 0x3f));
		}
		sink_put(s, 0x80 | (c >> 6 & 0x3f));
	}
	sink_put(s, 0x80 | (c & 0x3f));
}

static ssize_t from_utf16(struct wire_blob utf16, char *dst, size_t dst_size, bool lossless)
{
	/* the last byte is the NUL's */
	struct sink s = {.dst = (uint8_t *)dst, .size = dst_size ? dst_size - 1 : 0};
	struct rd r = wire_blob_rd(utf16);
	ssize_t n;

	if (utf16.len % 2 != 0)
		return -EILSEQ;
	while (rd_left(&r)) {
		uint32_t c = utf16_next(&r, lossless);

		if (c == INVALID || c == 0)
			return -EILSEQ;
		utf8_put(&s, c);
	}
	if (dst && dst_size == 0)
		return -ENAMETOOLONG;
	n = sink_result(&s);
	if (dst && n >= 0)
		dst[n] = '\0';
	return n;
}

ssize_t utf16_to_utf8(struct wire_blob utf16, char *dst, size_t dst_size)
{
	return from_utf16(utf16, dst, dst_size, false);
}

ssize_t utf16_to_wtf8(struct wire_blob utf16, char *dst, size_t dst_size)
{
	return from_utf16(utf16, dst, dst_size, true);
}

/* ---- UTF-8 to UTF-16LE ---- */

/* The next code point, INVALID if there is none: overlong, truncated, too great. */
static uint32_t utf8_next(struct rd *r)
{
	static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
	uint32_t c = rd_u8(r);
	unsigned more;

	if (c < 0x80)
		return c;
	if (c >= 0xf8 || c < 0xc0)
		return INVALID;
	more = 1 + (c >= 0xe0) + (c >= 0xf0);
	c &= 0x3fu >> more;
	for (unsigned i = 0; i < more; i++) {
		uint32_t b = rd_u8(r);

		if ((b & 0xc0) != 0x80)
			return INVALID;
		c = c << 6 | (b & 0x3f);
	}
	return c >= smallest[more] && c <= 0x10ffff ? c : INVALID;
}

static void utf16_put(struct sink *s, uint32_t unit)
{
	sink_put(s, unit & 0xff);
	sink_put(s, unit >> 8);
}

static ssize_t to_utf16(const char *text, size_t len, uint8_t *dst, size_t dst_size, bool lossless)
{
	struct sink s = {.dst = dst, .size = dst_size};
	struct rd r = rd_init(text, len);
	bool after_high = false;

	while (rd_left(&r)) {
		uint32_t c = utf8_next(&r);

		/* A pair that is written as two halves is not WTF-8: it would come back as one. */
		if (c == INVALID || (IS_SURROGATE(c) && !lossless) ||
		    (after_high && IS_LOW_SURROGATE(c)))
			return -EILSEQ;
		after_high = IS_HIGH_SURROGATE(c);
		if (c >= 0x10000) {
			utf16_put(&s, 0xd800 + ((c - 0x10000) >> 10));
			utf16_put(&s, 0xdc00 + (c & 0x3ff));
		} else {
			utf16_put(&s, c);
		}
	}
	return sink_result(&s);
}

ssize_t utf8_to_utf16(const char *utf8, size_t len, uint8_t *dst, size_t dst_size)
{
	return to_utf16(utf8, len, dst, dst_size, false);
}

ssize_t wtf8_to_utf16(const char *wtf8, size_t len, uint8_t *dst, size_t dst_size)
{
	return to_utf16(wtf8, len, dst, dst_size, true);
}

size_t wr_utf16(struct wr *w, const char *text)
{
	size_t len = strlen(text);
	ssize_t n = wtf8_to_utf16(text, len, NULL, 0);
	uint8_t *p;

	if (n < 0) {
		w->bad = true;
		return 0;
	}
	p = wr_space(w, (size_t)n);
	if (!p)
		return 0;
	wtf8_to_utf16(text, len, p, (size_t)n);
	return (size_t)n;
}
