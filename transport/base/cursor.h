/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounds-checked cursors over bytes: the only way that received bytes are read and that messages
 * are built. The error is sticky: after the first access out of bounds every read gives 0 and every
 * write is dropped, so a codec runs straight through and asks rd_ok()/wr_ok() once at its end.
 *
 * Thread: a cursor belongs to one caller. Ownership: a cursor borrows its bytes. Units: bytes.
 * Integers are little-endian unless the name says be. Errors: rd_ok(), wr_ok().
 */
#ifndef TRANSPORT_BASE_CURSOR_H
#define TRANSPORT_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rd {
	const uint8_t *data;
	size_t len;
	size_t off;
	bool bad;
};

/* data may be NULL when len is 0; the cursor's never is, since NULL takes no offset. */
static inline struct rd rd_init(const void *data, size_t len)
{
	return (struct rd){.data = data ? data : "", .len = len};
}

static inline bool rd_ok(const struct rd *r)
{
	return !r->bad;
}

static inline size_t rd_left(const struct rd *r)
{
	return r->bad ? 0 : r->len - r->off;
}

static inline void rd_fail(struct rd *r)
{
	r->bad = true;
}

/* The next n bytes, borrowed; NULL (and the sticky error) when fewer are left. */
static inline const uint8_t *rd_bytes(struct rd *r, size_t n)
{
	const uint8_t *p;

	if (r->bad || n > r->len - r->off) {
		r->bad = true;
		return NULL;
	}
	p = r->data + r->off;
	r->off += n;
	return p;
}

static inline void rd_skip(struct rd *r, size_t n)
{
	(void)rd_bytes(r, n);
}

/* Go to an absolute offset from the cursor's start. */
static inline void rd_seek(struct rd *r, size_t off)
{
	if (r->bad || off > r->len)
		r->bad = true;
	else
		r->off = off;
}

/* Skip to the next multiple of `align` (a power of two) from the cursor's start. */
static inline void rd_align(struct rd *r, size_t align)
{
	rd_seek(r, (r->off + align - 1) & ~(align - 1));
}

/*
 * A cursor over [off, off + len) of this one's bytes, counted from its start. Out of bounds gives
 * an empty cursor and the sticky error in both. Does not move r.
 */
static inline struct rd rd_sub(struct rd *r, size_t off, size_t len)
{
	if (r->bad || off > r->len || len > r->len - off) {
		r->bad = true;
		return (struct rd){.bad = true};
	}
	return rd_init(r->data ? r->data + off : NULL, len);
}

/* Copy n bytes out; on error dst is zeroed. */
static inline void rd_copy(struct rd *r, void *dst, size_t n)
{
	const uint8_t *p = rd_bytes(r, n);

	if (p && n)
		memcpy(dst, p, n);
	else
		memset(dst, 0, n);
}

static inline uint8_t rd_u8(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 1);

	return p ? p[0] : 0;
}

static inline uint16_t rd_u16(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 2);

	return p ? (uint16_t)(p[0] | p[1] << 8) : 0;
}

static inline uint32_t rd_u32(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 4);

	return p ? (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
			       (uint32_t)p[3] << 24
		 : 0;
}

static inline uint64_t rd_u64(struct rd *r)
{
	uint64_t lo = rd_u32(r);

	return lo | (uint64_t)rd_u32(r) << 32;
}

static inline uint16_t rd_be16(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 2);

	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t rd_be32(struct rd *r)
{
	uint32_t hi = rd_be16(r);

	return hi << 16 | rd_be16(r);
}

/* ------------------------------------------------------------------------------------------- */

struct wr {
	uint8_t *data;
	size_t cap;
	size_t len;
	bool bad;
};

static inline struct wr wr_init(void *data, size_t cap)
{
	return (struct wr){.data = data, .cap = cap};
}

static inline bool wr_ok(const struct wr *w)
{
	return !w->bad;
}

static inline size_t wr_left(const struct wr *w)
{
	return w->bad ? 0 : w->cap - w->len;
}

/* n bytes of room, zeroed, for the caller to fill; NULL (and the sticky error) when too few. */
static inline uint8_t *wr_space(struct wr *w, size_t n)
{
	uint8_t *p;

	if (w->bad || n > w->cap - w->len) {
		w->bad = true;
		return NULL;
	}
	p = w->data + w->len;
	if (n)
		memset(p, 0, n);
	w->len += n;
	return p;
}

static inline void wr_zero(struct wr *w, size_t n)
{
	(void)wr_space(w, n);
}

static inline void wr_bytes(struct wr *w, const void *src, size_t n)
{
	uint8_t *p = wr_space(w, n);

	if (p && n)
		memcpy(p, src, n);
}

/* Zero-fill to the next multiple of `align` (a power of two) from the cursor's start. */
static inline void wr_align(struct wr *w, size_t align)
{
	wr_zero(w, ((w->len + align - 1) & ~(align - 1)) - w->len);
}

static inline void wr_u8(struct wr *w, uint8_t v)
{
	wr_bytes(w, &v, 1);
}

static inline void wr_u16(struct wr *w, uint16_t v)
{
	uint8_t b[2] = {(uint8_t)v, (uint8_t)(v >> 8)};

	wr_bytes(w, b, sizeof(b));
}

static inline void wr_u32(struct wr *w, uint32_t v)
{
	uint8_t b[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};

	wr_bytes(w, b, sizeof(b));
}

static inline void wr_u64(struct wr *w, uint64_t v)
{
	wr_u32(w, (uint32_t)v);
	wr_u32(w, (uint32_t)(v >> 32));
}

static inline void wr_be16(struct wr *w, uint16_t v)
{
	wr_u8(w, (uint8_t)(v >> 8));
	wr_u8(w, (uint8_t)v);
}

static inline void wr_be32(struct wr *w, uint32_t v)
{
	wr_be16(w, (uint16_t)(v >> 16));
	wr_be16(w, (uint16_t)v);
}

/* Patch what was already written, for lengths and offsets known late. */
static inline void wr_u16_at(struct wr *w, size_t off, uint16_t v)
{
	struct wr at = {.data = w->data, .cap = w->len, .len = off, .bad = w->bad || off > w->len};

	wr_u16(&at, v);
	w->bad |= at.bad;
}

static inline void wr_u32_at(struct wr *w, size_t off, uint32_t v)
{
	struct wr at = {.data = w->data, .cap = w->len, .len = off, .bad = w->bad || off > w->len};

	wr_u32(&at, v);
	w->bad |= at.bad;
}

#endif
