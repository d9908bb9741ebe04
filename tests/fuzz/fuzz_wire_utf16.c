/* SPDX-License-Identifier: Apache-2.0 */
/* Names: lossless there and back; strict is lossless without unpaired surrogates. */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/utf16.h"

static char text[1 << 16];
static uint8_t units[1 << 17];

static void from_utf16(struct wire_blob name)
{
	ssize_t n = utf16_to_wtf8(name, text, sizeof(text)), strict, back;

	strict = utf16_to_utf8(name, NULL, 0);
	if (n < 0) {
		if (strict >= 0)
			abort();
		return;
	}
	if ((strict >= 0 && strict != n) || (size_t)n >= UTF8_MAX_SIZE(name.len) ||
	    strlen(text) != (size_t)n)
		abort();
	back = wtf8_to_utf16(text, (size_t)n, units, sizeof(units));
	if (back < 0 || !wire_blob_equal(name, WIRE_BLOB(units, (size_t)back)))
		abort();
}

static void from_utf8(const char *utf8, size_t len)
{
	ssize_t n = wtf8_to_utf16(utf8, len, units, sizeof(units)), back;

	if (n < 0 || (len && memchr(utf8, 0, len)))
		return;
	back = utf16_to_wtf8(WIRE_BLOB(units, (size_t)n), text, sizeof(text));
	if (back < 0 || (size_t)back != len || (len && memcmp(text, utf8, len) != 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 16384)
		return 0;
	from_utf16(WIRE_BLOB(data, size));
	from_utf8((const char *)data, size);
	return 0;
}
