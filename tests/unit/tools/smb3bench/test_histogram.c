/* SPDX-License-Identifier: Apache-2.0 */
/* smb3bench's percentiles, against sorted values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* the program's own file: programs are no library */
#include "tools/smb3bench/histogram.c"

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void percentiles(void **state)
{
	static const double percents[] = {1, 10, 50, 90, 99, 99.9, 100};
	static struct histogram h;
	uint64_t *v = malloc(100000 * sizeof(*v)), x = 1;

	memset(&h, 0, sizeof(h));
	for (unsigned i = 0; i < 100000; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		v[i] = (x >> 40) >> (x >> 59); /* over many magnitudes */
		histogram_add(&h, v[i]);
	}
	qsort(v, 100000, sizeof(*v), by_value);
	assert_int_equal(h.count, 100000);
	assert_int_equal(h.min, v[0]);
	assert_int_equal(h.max, v[99999]);
	for (unsigned i = 0; i < 7; i++) {
		uint64_t want = v[(unsigned)(1000 * percents[i]) - 1];
		uint64_t got = histogram_percentile(&h, percents[i]);

		assert_in_range(got, want, want + want / 31 + 1);
	}
	free(v);
}

static void extremes(void **state)
{
	static struct histogram h;

	memset(&h, 0, sizeof(h));
	assert_int_equal(histogram_percentile(&h, 50), 0);
	assert_int_equal(histogram_mean(&h), 0);
	histogram_add(&h, 0);
	histogram_add(&h, UINT64_MAX);
	assert_int_equal(histogram_percentile(&h, 50), 0);
	assert_int_equal(histogram_percentile(&h, 100), UINT64_MAX);
}

/* Each value is in a bucket whose top is not under it, and near. */
static void buckets(void **state)
{
	for (uint64_t v = 1; v && v < UINT64_MAX / 3; v = v * 3 + 1) {
		unsigned i = histogram_index(v);

		assert_in_range(i, 0, HISTOGRAM_BUCKETS - 1);
		assert_true(histogram_top(i) >= v && histogram_top(i) - v <= v / 32);
		assert_true(i == 0 || histogram_top(i - 1) < v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percentiles),
		cmocka_unit_test(extremes),
		cmocka_unit_test(buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
