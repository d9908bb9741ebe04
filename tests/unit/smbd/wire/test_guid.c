/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "smbd/wire/guid.h"

static const struct guid example = {{0x10, 0xb8, 0xa7, 0x6b, 0xad, 0x9d, 0xd1, 0x11, 0x80, 0xb4,
				     0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}};

static void text_has_the_first_three_groups_little_endian(void **state)
{
	char text[GUID_TEXT_SIZE];
	struct guid g;

	assert_string_equal(guid_format(&example, text), "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
	assert_true(guid_parse(text, &g));
	assert_true(guid_equal(&g, &example));
	assert_true(guid_parse("{6BA7B810-9DAD-11D1-80B4-00C04FD430C8}", &g));
	assert_true(guid_equal(&g, &example));
}

static void refuses_other_text(void **state)
{
	static const char *const bad[] = {
		"",
		"6ba7b810-9dad-11d1-80b4-00c04fd430c",
		"6ba7b810-9dad-11d1-80b4-00c04fd430c8x",
		"6ba7b8109dad11d180b400c04fd430c8",
		"6ba7b810-9dad-11d1-80b4-00c04fd430g8",
		"{6ba7b810-9dad-11d1-80b4-00c04fd430c8",
		"6ba7b810-9dad-11d1-80b4-00c04fd430c8}",
	};
	struct guid g;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(guid_parse(bad[i], &g));
}

static void is_sixteen_bytes_on_the_wire(void **state)
{
	uint8_t out[16];
	struct wr w = wr_init(out, sizeof(out));
	struct rd r = rd_init(out, sizeof(out));
	struct guid g;

	guid_encode(&w, &example);
	assert_memory_equal(out, example.bytes, 16);
	g = guid_decode(&r);
	assert_true(guid_equal(&g, &example));
	assert_false(guid_is_zero(&g));
	g = guid_decode(&r); /* beyond the end */
	assert_false(rd_ok(&r));
	assert_true(guid_is_zero(&g));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_has_the_first_three_groups_little_endian),
		cmocka_unit_test(refuses_other_text),
		cmocka_unit_test(is_sixteen_bytes_on_the_wire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
