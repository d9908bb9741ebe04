/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/vfs/dosattrib.h"

#include <string.h>

#include "smbd/wire/nttime.h"
#include "transport/base/cursor.h"

/* What the valid_flags of versions 3 and later say is there. */
#define VALID_ATTRIBUTES 0x01u
#define VALID_BIRTH      0x10u

/* "0x22": all that old versions stored. */
static bool hex_decode(const char *s, size_t len, uint32_t *v)
{
	size_t i = 2;

	if (len < 3 || s[0] != '0' || (s[1] | 0x20) != 'x')
		return false;
	for (*v = 0; i < len && i < 10; i++) {
		int c = s[i] | 0x20;
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
						   : -1;

		if (digit < 0)
			return false;
		*v = *v << 4 | (uint32_t)digit;
	}
	return i == len;
}

static void set_attributes(struct dosattrib *out, uint32_t attributes)
{
	out->has_attributes = true;
	out->attributes = attributes;
}

static void set_birth(struct dosattrib *out, uint64_t nt)
{
	out->has_birth = nttime_is_time(nt);
	if (out->has_birth)
		out->birth = nttime_to_timespec(nt);
}

/* Versions 1 and 2: no word on what is valid; a time of 0 is none. */
static void decode_old(struct rd *r, uint16_t version, struct dosattrib *out)
{
	if (version == 2)
		rd_u32(r); /* flags: of a write time that was to stick */
	set_attributes(out, rd_u32(r));
	rd_skip(r, 4 + 8 + 8); /* sizes of EAs, file and allocation: never used */
	set_birth(out, rd_u64(r));
}

static void decode_new(struct rd *r, uint16_t version, struct dosattrib *out)
{
	uint32_t valid = rd_u32(r), attributes = rd_u32(r);
	uint64_t birth;

	if (version == 3)
		rd_skip(r, 4 + 8 + 8);
	else if (version == 4)
		rd_skip(r, 8); /* a time that file ids were made from */
	birth = rd_u64(r);
	if (valid & VALID_ATTRIBUTES)
		set_attributes(out, attributes);
	if (valid & VALID_BIRTH)
		set_birth(out, birth);
}

bool dosattrib_decode(const void *value, size_t len, struct dosattrib *out)
{
	const char *nul = len ? memchr(value, 0, len) : NULL;
	struct rd r = rd_init(value, len);
	uint32_t hex;
	uint16_t version;

	memset(out, 0, sizeof(*out));
	if (!nul || nul + 1 == (const char *)value + len) {
		if (!len || !hex_decode(value, nul ? len - 1 : len, &hex))
			return false;
		set_attributes(out, hex);
		return true;
	}
	rd_skip(&r, (size_t)(nul + 1 - (const char *)value));
	rd_align(&r, 2);
	version = rd_u16(&r);
	if (rd_u16(&r) != version) /* the union's own selector */
		return false;
	rd_align(&r, 4);
	if (version == 0xffff)
		set_attributes(out, rd_u32(&r));
	else if (version == 1 || version == 2)
		decode_old(&r, version, out);
	else if (version >= 3 && version <= 5)
		decode_new(&r, version, out);
	else
		return false;
	return rd_ok(&r);
}

void dosattrib_encode(const struct dosattrib *in, uint8_t value[DOSATTRIB_BYTES])
{
	struct wr w = wr_init(value, DOSATTRIB_BYTES);

	wr_u8(&w, 0); /* the empty string */
	wr_align(&w, 2);
	wr_u16(&w, 5);
	wr_u16(&w, 5);
	wr_align(&w, 4);
	wr_u32(&w, (in->has_attributes ? VALID_ATTRIBUTES : 0) | (in->has_birth ? VALID_BIRTH : 0));
	wr_u32(&w, in->attributes);
	wr_u64(&w, in->has_birth ? nttime_from_timespec(in->birth) : 0);
}
