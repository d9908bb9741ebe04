/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "smbd/wire/utf16.h"

#define UTF16(...) WIRE_BLOB_ARRAY(((const uint8_t[]){__VA_ARGS__}))

/* Both ways, and equal. */
static void check_pair(struct wire_blob utf16, const char *utf8)
{
	char text[64];
	uint8_t back[64];

	assert_int_equal(utf16_to_utf8(utf16, text, sizeof(text)), strlen(utf8));
	assert_string_equal(text, utf8);
	assert_int_equal(utf8_to_utf16(utf8, strlen(utf8), back, sizeof(back)), utf16.len);
	assert_memory_equal(back, utf16.data, utf16.len);
}

static void converts_each_length_of_utf8(void **state)
{
	check_pair(UTF16('a', 0, 0x7f, 0), "a\x7f");
	check_pair(UTF16(0x80, 0x00, 0xff, 0x07), "\xc2\x80\xdf\xbf");
	check_pair(UTF16(0x00, 0x08, 0xff, 0xff), "\xe0\xa0\x80\xef\xbf\xbf");
	check_pair(UTF16(0x00, 0xd8, 0x00, 0xdc), "\xf0\x90\x80\x80");
	check_pair(UTF16(0xff, 0xdb, 0xff, 0xdf), "\xf4\x8f\xbf\xbf");
	check_pair(UTF16(0xff, 0xd7, 0x00, 0xe0), "\xed\x9f\xbf\xee\x80\x80");
}

static void strict_refuses_what_has_no_utf8(void **state)
{
	char text[64];

	/* high alone, low alone, high before a letter, odd length, NUL */
	assert_int_equal(utf16_to_utf8(UTF16(0x00, 0xd8), text, sizeof(text)), -EILSEQ);
	assert_int_equal(utf16_to_utf8(UTF16(0x00, 0xdc), text, sizeof(text)), -EILSEQ);
	assert_int_equal(utf16_to_utf8(UTF16(0x00, 0xd8, 'a', 0), text, sizeof(text)), -EILSEQ);
	assert_int_equal(utf16_to_utf8(UTF16('a', 0, 'b'), text, sizeof(text)), -EILSEQ);
	assert_int_equal(utf16_to_utf8(UTF16('a', 0, 0, 0), text, sizeof(text)), -EILSEQ);
}

static void lossless_brings_unpaired_surrogates_back(void **state)
{
	/* low, high, high, low: alone, alone, a pair */
	struct wire_blob name = UTF16(0x34, 0xdc, 'x', 0, 0x12, 0xd8, 0x12, 0xd8, 0x34, 0xdc);
	char text[64];
	uint8_t back[64];
	ssize_t n = utf16_to_wtf8(name, text, sizeof(text));

	assert_int_equal(n, 3 + 1 + 3 + 4);
	assert_memory_equal(text, "\xed\xb0\xb4x\xed\xa0\x92\xf0\x94\xa0\xb4", 11);
	assert_int_equal(wtf8_to_utf16(text, (size_t)n, back, sizeof(back)), name.len);
	assert_memory_equal(back, name.data, name.len);
	assert_int_equal(utf8_to_utf16(text, (size_t)n, back, sizeof(back)), -EILSEQ);
}

static void no_two_wtf8_texts_are_one_name(void **state)
{
	/* a pair written as two halves would come back as a pair */
	const char halves[] = "\xed\xa0\x92\xed\xb0\xb4";
	uint8_t out[64];

	assert_int_equal(wtf8_to_utf16(halves, 6, out, sizeof(out)), -EILSEQ);
	/* but low before high are two */
	assert_int_equal(wtf8_to_utf16("\xed\xb0\xb4\xed\xa0\x92", 6, out, sizeof(out)), 4);
}

static void refuses_invalid_utf8(void **state)
{
	static const char *const bad[] = {
		"\x80",             /* continuation alone */
		"\xc0\x80",         /* overlong */
		"\xc1\xbf",         /* overlong */
		"\xe0\x9f\xbf",     /* overlong */
		"\xf0\x8f\xbf\xbf", /* overlong */
		"\xf4\x90\x80\x80", /* beyond U+10FFFF */
		"\xf8\x88\x80\x80\x80",
		"\xff",
		"\xc3",         /* cut */
		"\xe2\x82",     /* cut */
		"\xf0\x90\x80", /* cut */
		"\xe2\x28\xa1", /* not a continuation */
	};
	uint8_t out[64];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(utf8_to_utf16(bad[i], strlen(bad[i]), out, sizeof(out)), -EILSEQ);
		assert_int_equal(wtf8_to_utf16(bad[i], strlen(bad[i]), out, sizeof(out)), -EILSEQ);
	}
}

static void counts_and_refuses_what_does_not_fit(void **state)
{
	struct wire_blob name = UTF16('a', 0, 0xe4, 0);
	char text[4];
	uint8_t out[4];

	assert_int_equal(utf16_to_utf8(name, NULL, 0), 3);
	assert_int_equal(utf16_to_utf8(name, text, 4), 3);
	assert_int_equal(utf16_to_utf8(name, text, 3), -ENAMETOOLONG);
	assert_int_equal(utf16_to_utf8(name, text, 0), -ENAMETOOLONG);
	assert_int_equal(utf8_to_utf16("a\xc3\xa4", 3, NULL, 0), 4);
	assert_int_equal(utf8_to_utf16("a\xc3\xa4", 3, out, 4), 4);
	assert_int_equal(utf8_to_utf16("a\xc3\xa4", 3, out, 3), -ENAMETOOLONG);
	assert_int_equal(utf16_to_utf8((struct wire_blob){0}, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	assert_int_equal(utf8_to_utf16("", 0, out, sizeof(out)), 0);
}

static void the_writer_appends_text(void **state)
{
	uint8_t out[8];
	struct wr w = wr_init(out, sizeof(out));

	assert_int_equal(wr_utf16(&w, "ab"), 4);
	assert_memory_equal(out, "a\0b\0", 4);
	assert_int_equal(wr_utf16(&w, "abc"), 0);
	assert_false(wr_ok(&w));
	w = wr_init(out, sizeof(out));
	assert_int_equal(wr_utf16(&w, "\xff"), 0);
	assert_false(wr_ok(&w));
}

/* Each of the 65536 units, alone: lossless in both directions. */
static void every_unit_survives(void **state)
{
	for (unsigned unit = 1; unit <= 0xffff; unit++) {
		uint8_t in[2] = {(uint8_t)unit, (uint8_t)(unit >> 8)}, back[2];
		char text[4];
		ssize_t n = utf16_to_wtf8(WIRE_BLOB_ARRAY(in), text, sizeof(text));

		assert_in_range(n, 1, 3);
		assert_true((size_t)n < UTF8_MAX_SIZE(2));
		assert_int_equal(wtf8_to_utf16(text, (size_t)n, back, sizeof(back)), 2);
		assert_memory_equal(in, back, 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(converts_each_length_of_utf8),
		cmocka_unit_test(strict_refuses_what_has_no_utf8),
		cmocka_unit_test(lossless_brings_unpaired_surrogates_back),
		cmocka_unit_test(no_two_wtf8_texts_are_one_name),
		cmocka_unit_test(refuses_invalid_utf8),
		cmocka_unit_test(counts_and_refuses_what_does_not_fit),
		cmocka_unit_test(the_writer_appends_text),
		cmocka_unit_test(every_unit_survives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
