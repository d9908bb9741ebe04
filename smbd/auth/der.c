/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/auth/der.h"

uint8_t der_peek(const struct rd *r)
{
	struct rd ahead = *r;

	return rd_u8(&ahead);
}

static size_t read_length(struct rd *r)
{
	uint8_t first = rd_u8(r);
	unsigned bytes = first & 0x7f;
	size_t len = 0;

	if (!(first & 0x80))
		return first;
	/* 0x80 would be the indefinite form; a token has at most 65536 bytes */
	if (bytes == 0 || bytes > 4)
		rd_fail(r);
	while (bytes-- && rd_ok(r))
		len = len << 8 | rd_u8(r);
	return len;
}

static struct rd read_content(struct rd *r)
{
	size_t len = read_length(r);
	const uint8_t *content = rd_bytes(r, len);
	struct rd inner = rd_init(content, content ? len : 0);

	if (!rd_ok(r))
		rd_fail(&inner);
	return inner;
}

struct rd der_enter(struct rd *r, uint8_t tag)
{
	if (rd_u8(r) != tag)
		rd_fail(r);
	return read_content(r);
}

void der_skip(struct rd *r)
{
	uint8_t tag = rd_u8(r);

	if ((tag & 0x1f) == 0x1f)
		rd_fail(r);
	(void)read_content(r);
}

size_t der_begin(struct wr *w, uint8_t tag)
{
	wr_u8(w, tag);
	wr_u8(w, 0);
	return w->len;
}

void der_end(struct wr *w, size_t begin)
{
	size_t len = w->len - begin;
	unsigned bytes = 0;

	if (!wr_ok(w))
		return;
	if (len < 0x80) {
		w->data[begin - 1] = (uint8_t)len;
		return;
	}
	while (len >> 8 * bytes)
		bytes++;
	wr_zero(w, bytes);
	if (!wr_ok(w))
		return;
	memmove(w->data + begin + bytes, w->data + begin, len);
	w->data[begin - 1] = (uint8_t)(0x80 | bytes);
	for (unsigned i = 0; i < bytes; i++)
		w->data[begin + i] = (uint8_t)(len >> 8 * (bytes - 1 - i));
}

void der_bytes(struct wr *w, uint8_t tag, const void *data, size_t len)
{
	size_t begin = der_begin(w, tag);

	wr_bytes(w, data, len);
	der_end(w, begin);
}
