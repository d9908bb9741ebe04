/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/blob.h"

struct wire_blob wire_blob_at(struct rd *r, uint64_t off, uint64_t len, size_t min_off)
{
	if (!rd_ok(r) || len == 0)
		return (struct wire_blob){0};
	if (off < min_off || off > r->len || len > r->len - off) {
		rd_fail(r);
		return (struct wire_blob){0};
	}
	return (struct wire_blob){.data = r->data + off, .len = (size_t)len};
}

struct wire_blob wire_blob_next(struct rd *r, size_t len)
{
	const uint8_t *p = rd_bytes(r, len);

	return p ? (struct wire_blob){.data = p, .len = len} : (struct wire_blob){0};
}

struct wire_blob wire_blob_rest(struct rd *r)
{
	return wire_blob_next(r, rd_left(r));
}

void wire_blob_encode(struct wr *w, struct wire_blob b)
{
	if (b.data)
		wr_bytes(w, b.data, b.len);
}

void wire_structure_size(struct rd *r, uint16_t size)
{
	if (rd_u16(r) != size)
		rd_fail(r);
}

void wire_pad_encode(struct wr *w, size_t buffer_len)
{
	if (buffer_len == 0)
		wr_u8(w, 0);
}
