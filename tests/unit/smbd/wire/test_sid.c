/* SPDX-License-Identifier: Apache-2.0 */
/* [MS-DTYP] 2.4.2: SIDs as bytes and as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "smbd/wire/sid.h"
#include "tests/fake/hex.h"

/* S-1-5-21-1-2-3-500 */
#define SAMPLE "01050000000000051500000001000000 0200000003000000f4010000"

static void test_wire(void **state)
{
	uint8_t want[64], got[64];
	size_t len = unhex(SAMPLE, want, sizeof(want));
	struct sid s = sid_make(5, 5, 21, 1, 2, 3, 500), back;
	struct wr w = wr_init(got, sizeof(got));
	struct rd r = rd_init(want, len);

	sid_write(&w, &s);
	assert_true(wr_ok(&w));
	assert_int_equal(w.len, len);
	assert_int_equal(sid_wire_len(&s), len);
	assert_memory_equal(got, want, len);
	sid_read(&r, &back);
	assert_true(rd_ok(&r) && rd_left(&r) == 0);
	assert_true(sid_equal(&s, &back));
}

static void test_wire_refused(void **state)
{
	uint8_t bytes[64];
	size_t len = unhex(SAMPLE, bytes, sizeof(bytes));
	struct sid s;

	for (size_t cut = 0; cut < len; cut++) {
		struct rd r = rd_init(bytes, cut);

		sid_read(&r, &s);
		assert_false(rd_ok(&r));
		assert_int_equal(s.count, 0);
	}
	bytes[0] = 2;
	struct rd r = rd_init(bytes, len);
	sid_read(&r, &s);
	assert_false(rd_ok(&r));
	bytes[0] = 1;
	bytes[1] = 16;
	r = rd_init(bytes, sizeof(bytes));
	sid_read(&r, &s);
	assert_false(rd_ok(&r));
}

static void check_text(const char *text)
{
	char got[SID_TEXT_MAX];
	struct sid s;

	assert_true(sid_parse(text, &s));
	assert_string_equal(sid_text(&s, got), text);
}

static void test_text(void **state)
{
	static const char *const bad[] = {
		"",         "S-1",      "S-1-",     "S-2-5",    "S-1-5-",          "S-1--5",
		"S-1-5-+1", "S-1-5- 1", "S-1-5-1x", "s-1-5-18", "S-1-5-4294967296"};
	struct sid s;

	check_text("S-1-1-0");
	check_text("S-1-5-21-4294967295-2-3-500");
	check_text("S-1-0x123456789abc-1");
	check_text("S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15");
	check_text(
		"S-1-0xffffffffffff-4294967295-4294967295-4294967295-4294967295-4294967295"
		"-4294967295-4294967295-4294967295-4294967295-4294967295-4294967295"
		"-4294967295-4294967295-4294967295-4294967295");
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(sid_parse(bad[i], &s));
	assert_false(sid_parse("S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16", &s));
}

static void test_child(void **state)
{
	struct sid parent = sid_make(5, 4, 21, 1, 2, 3), other = sid_make(5, 4, 21, 1, 2, 4);
	struct sid child = sid_child(&parent, 1000);
	uint32_t rid = 0;

	assert_true(sid_child_rid(&parent, &child, &rid));
	assert_int_equal(rid, 1000);
	assert_false(sid_child_rid(&other, &child, &rid));
	assert_false(sid_child_rid(&parent, &parent, &rid));
	assert_false(sid_equal(&parent, &child));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wire),
		cmocka_unit_test(test_wire_refused),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
