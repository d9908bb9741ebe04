/* SPDX-License-Identifier: Apache-2.0 */
/* [MS-SMB2] 3.3.1.1, 3.3.5.2.3: the window of message ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "smbd/session/window.h"

static void test_begins_with_one_credit(void **state)
{
	struct window w;

	window_init(&w, 64);
	assert_false(window_use(&w, 1, 1));
	assert_true(window_use(&w, 0, 0));
	assert_int_equal(w.credits, 0);
	assert_false(window_use(&w, 0, 1)); /* replayed */
}

static void test_out_of_order_once_each(void **state)
{
	struct window w;

	window_init(&w, 64);
	assert_true(window_use(&w, 0, 1));
	assert_int_equal(window_grant(&w, 8), 8);
	assert_true(window_use(&w, 8, 1));
	assert_true(window_use(&w, 3, 1));
	assert_false(window_use(&w, 3, 1));
	assert_false(window_use(&w, 8, 1));
	assert_false(window_use(&w, 9, 1));
	assert_int_equal(w.low, 1);
	assert_true(window_use(&w, 1, 2));
	assert_int_equal(w.low, 4);
	assert_int_equal(w.credits, 4);
}

static void test_charge_takes_a_range(void **state)
{
	struct window w;

	window_init(&w, 64);
	assert_true(window_use(&w, 0, 1));
	window_grant(&w, 8);                /* 1..8 */
	assert_true(window_use(&w, 4, 2));  /* 4, 5 */
	assert_false(window_use(&w, 3, 2)); /* 4 is used: nothing changes */
	assert_true(window_use(&w, 3, 1));
	assert_false(window_use(&w, 7, 3));          /* 9 was not granted */
	assert_false(window_use(&w, UINT64_MAX, 2)); /* no wrap */
	assert_true(window_use(&w, 6, 3));
	assert_int_equal(w.credits, 2);
}

static void test_grant_keeps_limit(void **state)
{
	struct window w;

	window_init(&w, 4);
	assert_int_equal(window_grant(&w, 100), 3);
	assert_int_equal(window_grant(&w, 1), 0);
	assert_true(window_use(&w, 0, 4));
	assert_int_equal(window_grant(&w, 0), 1); /* a client without credits is never left so */
	assert_int_equal(window_grant(&w, 0), 0);
}

/* An id that is held back for ever must not let the bitmap wrap over it. */
static void test_held_back_id_bounds_the_span(void **state)
{
	struct window w;
	uint64_t id = 1;

	window_init(&w, 512);
	window_grant(&w, 511);
	for (unsigned i = 0; i < 3 * WINDOW_MAX; i++) {
		if (!window_use(&w, id, 1))
			break;
		id++;
		window_grant(&w, 1);
		assert_true(w.high - w.low <= WINDOW_MAX);
	}
	assert_int_equal(id, WINDOW_MAX);
	assert_true(window_use(&w, 0, 1)); /* the window moves on */
	assert_int_equal(w.low, WINDOW_MAX);
	assert_true(window_grant(&w, 512) > 0);
	assert_true(window_use(&w, id, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begins_with_one_credit),
		cmocka_unit_test(test_out_of_order_once_each),
		cmocka_unit_test(test_charge_takes_a_range),
		cmocka_unit_test(test_grant_keeps_limit),
		cmocka_unit_test(test_held_back_id_bounds_the_span),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
