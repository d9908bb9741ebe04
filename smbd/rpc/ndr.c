/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/rpc/ndr.h"

#include "smbd/wire/utf16.h"

uint32_t ndr_u32(struct rd *r)
{
	rd_align(r, 4);
	return rd_u32(r);
}

/* The characters of a conformant varying string, borrowed, with the NUL if one was sent. */
static struct wire_blob string_units(struct rd *r)
{
	uint32_t max = ndr_u32(r);
	uint32_t offset = rd_u32(r);
	uint32_t count = rd_u32(r);

	if (offset != 0 || count > max)
		rd_fail(r);
	return wire_blob_next(r, (size_t)count * 2);
}

char *ndr_string(TALLOC_CTX *mem, struct rd *r)
{
	struct wire_blob units = string_units(r);
	size_t size = UTF8_MAX_SIZE(units.len);
	char *s;

	if (!rd_ok(r))
		return NULL;
	if (units.len >= 2 && !units.data[units.len - 1] && !units.data[units.len - 2])
		units.len -= 2;
	s = talloc_size(mem, size);
	if (!s || utf16_to_utf8(units, s, size) < 0) {
		talloc_free(s);
		rd_fail(r);
		return NULL;
	}
	return s;
}

void ndr_skip_unique_string(struct rd *r)
{
	if (ndr_u32(r))
		(void)string_units(r);
}

/* Three counts, two bytes a character and for the NUL, and alignment before them. */
size_t ndr_string_size(const char *s)
{
	return 3 + 12 + UTF16_MAX_SIZE(strlen(s)) + 2;
}

void ndr_put_u32(struct ndr_out *out, uint32_t v)
{
	wr_align(&out->w, 4);
	wr_u32(&out->w, v);
}

void ndr_put_pointer(struct ndr_out *out, bool there)
{
	ndr_put_u32(out, there ? 0x00020000u + 4 * out->referents++ : 0);
}

void ndr_put_string(struct ndr_out *out, const char *s)
{
	ssize_t bytes = utf8_to_utf16(s, strlen(s), NULL, 0);
	uint32_t count;

	if (bytes < 0) { /* the bound must hold for what is not UTF-8 either */
		s = "?";
		bytes = 2;
	}
	count = (uint32_t)bytes / 2 + 1;
	ndr_put_u32(out, count);
	wr_u32(&out->w, 0);
	wr_u32(&out->w, count);
	(void)wr_utf16(&out->w, s);
	wr_u16(&out->w, 0);
}
