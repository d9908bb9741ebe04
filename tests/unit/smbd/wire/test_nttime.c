/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "smbd/wire/nttime.h"

static void check(uint64_t nt, int64_t sec, long nsec)
{
	struct timespec ts = nttime_to_timespec(nt);

	assert_int_equal(ts.tv_sec, sec);
	assert_int_equal(ts.tv_nsec, nsec);
	assert_int_equal(nttime_from_timespec(ts), nt);
}

static void converts_both_ways(void **state)
{
	check(116444736000000000ull, 0, 0);
	check(116444735999999999ull, -1, 999999900);
	/* 2026-11-22 15:04:04.5976471 UTC, as tshark read a capture */
	check(134398334445976471ull, 1795359844, 597647100);
	check(1, -11644473600, 100);
	assert_int_equal(nttime_from_ns(1795359844597647199ull), 134398334445976471ull);
}

static void clamps_what_has_no_filetime(void **state)
{
	assert_int_equal(nttime_from_timespec((struct timespec){-11644473600, 0}), 1);
	assert_int_equal(nttime_from_timespec((struct timespec){-11644473601, 0}), 1);
	assert_int_equal(nttime_from_timespec((struct timespec){INT64_MIN, 0}), 1);
	assert_int_equal(nttime_from_timespec((struct timespec){INT64_MAX, 999999999}), NTTIME_MAX);
}

static void knows_the_special_values(void **state)
{
	assert_false(nttime_is_time(NTTIME_OMIT));
	assert_false(nttime_is_time(NTTIME_FREEZE));
	assert_false(nttime_is_time(NTTIME_THAW));
	assert_false(nttime_is_time(NTTIME_MAX + 1));
	assert_true(nttime_is_time(1));
	assert_true(nttime_is_time(NTTIME_MAX));
	assert_int_equal(NTTIME_FREEZE, (uint64_t)-1);
	assert_int_equal(NTTIME_THAW, (uint64_t)-2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(converts_both_ways),
		cmocka_unit_test(clamps_what_has_no_filetime),
		cmocka_unit_test(knows_the_special_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
