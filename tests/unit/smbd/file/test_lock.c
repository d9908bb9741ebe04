/* SPDX-License-Identifier: Apache-2.0 */
/* Byte-range locks, [MS-FSA] 2.1.4.10, 2.1.5.8 and 2.1.5.9: each rule by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "smbd/file/lock.h"

#define MANY 100000

#define assert_status(got, wanted) assert_string_equal(nt_status_name(got), #wanted)

static struct lock_set set;
static struct lock_owner a, b, c;

static int setup(void **state)
{
	lock_set_init(&set);
	lock_owner_init(&a, NULL);
	lock_owner_init(&b, NULL);
	lock_owner_init(&c, NULL);
	return 0;
}

static int teardown(void **state)
{
	lock_owner_end(&set, &a);
	lock_owner_end(&set, &b);
	lock_owner_end(&set, &c);
	assert_true(lock_set_is_empty(&set));
	return 0;
}

static struct nt_status take(struct lock_owner *owner, uint64_t offset, uint64_t length,
			     bool exclusive)
{
	return lock_take(&set, owner, &(struct lock_range){offset, length, exclusive}, 1);
}

static void test_who_excludes_whom(void **state)
{
	assert_status(take(&a, 10, 10, false), STATUS_SUCCESS);
	assert_status(take(&b, 15, 10, false), STATUS_SUCCESS);
	assert_status(take(&b, 10, 1, true), STATUS_LOCK_NOT_GRANTED);
	assert_status(take(&a, 10, 1, true), STATUS_LOCK_NOT_GRANTED);
	assert_status(take(&a, 9, 1, true), STATUS_SUCCESS);
	assert_status(take(&b, 9, 1, false), STATUS_LOCK_NOT_GRANTED);
	assert_status(take(&b, 25, 1, true), STATUS_SUCCESS);
}

/* Shared ones stack on their owner's exclusive one, which is the first to go. */
static void test_stacking(void **state)
{
	assert_status(take(&a, 0, 10, true), STATUS_SUCCESS);
	assert_status(take(&a, 0, 10, false), STATUS_SUCCESS);
	assert_status(take(&a, 0, 10, true), STATUS_LOCK_NOT_GRANTED);
	assert_status(take(&b, 0, 10, false), STATUS_LOCK_NOT_GRANTED);
	assert_status(lock_drop(&set, &a, 0, 10), STATUS_SUCCESS);
	assert_status(take(&b, 0, 10, false), STATUS_SUCCESS);
	assert_status(lock_drop(&set, &a, 0, 10), STATUS_SUCCESS);
	assert_status(lock_drop(&set, &a, 0, 10), STATUS_RANGE_NOT_LOCKED);
}

static void test_unlock_is_exact(void **state)
{
	assert_status(take(&a, 10, 10, true), STATUS_SUCCESS);
	assert_status(lock_drop(&set, &a, 10, 9), STATUS_RANGE_NOT_LOCKED);
	assert_status(lock_drop(&set, &a, 11, 9), STATUS_RANGE_NOT_LOCKED);
	assert_status(lock_drop(&set, &b, 10, 10), STATUS_RANGE_NOT_LOCKED);
	assert_status(lock_drop(&set, &a, 10, 10), STATUS_SUCCESS);
}

/* An empty range is between two bytes: it excludes what covers both. */
static void test_empty(void **state)
{
	assert_status(take(&a, 10, 0, true), STATUS_SUCCESS);
	assert_status(take(&b, 10, 0, true), STATUS_SUCCESS);
	assert_status(take(&b, 9, 1, true), STATUS_SUCCESS);
	assert_status(take(&b, 10, 2, true), STATUS_SUCCESS);
	assert_status(take(&c, 8, 3, true), STATUS_LOCK_NOT_GRANTED);
	assert_status(lock_drop(&set, &b, 9, 1), STATUS_SUCCESS);
	assert_status(lock_drop(&set, &b, 10, 2), STATUS_SUCCESS);
	assert_status(take(&c, 9, 2, true), STATUS_LOCK_NOT_GRANTED);
	assert_status(take(&c, 0, 0, true), STATUS_SUCCESS);
	assert_status(take(&b, 0, 0, true), STATUS_SUCCESS);
	assert_status(take(&b, 0, 5, true), STATUS_SUCCESS);
	assert_status(lock_drop(&set, &c, 0, 0), STATUS_SUCCESS);
	assert_status(lock_drop(&set, &c, 0, 0), STATUS_RANGE_NOT_LOCKED);
}

static void test_the_end_of_what_there_is(void **state)
{
	assert_status(take(&a, UINT64_MAX, 2, true), STATUS_INVALID_LOCK_RANGE);
	assert_status(take(&a, UINT64_MAX, UINT64_MAX, true), STATUS_INVALID_LOCK_RANGE);
	assert_status(lock_drop(&set, &a, UINT64_MAX, 2), STATUS_INVALID_LOCK_RANGE);
	assert_status(take(&a, UINT64_MAX, 0, true), STATUS_SUCCESS);
	assert_status(take(&a, UINT64_MAX, 1, true), STATUS_SUCCESS);
	assert_status(lock_drop(&set, &a, UINT64_MAX, 0), STATUS_SUCCESS);
	assert_status(take(&b, 0, UINT64_MAX, false), STATUS_SUCCESS); /* all but the last byte */
	assert_status(take(&b, 1, UINT64_MAX, false), STATUS_LOCK_NOT_GRANTED);
}

/* [MS-FSA] 2.1.5.3, 2.1.5.4 */
static void test_reading_and_writing(void **state)
{
	assert_status(take(&a, 10, 10, true), STATUS_SUCCESS);
	assert_status(take(&a, 30, 10, false), STATUS_SUCCESS);
	assert_false(lock_io_conflicts(&set, &a, 0, 25, true));
	assert_true(lock_io_conflicts(&set, &a, 0, 31, true));
	assert_false(lock_io_conflicts(&set, &a, 0, 31, false));
	assert_true(lock_io_conflicts(&set, &b, 19, 1, false));
	assert_false(lock_io_conflicts(&set, &b, 20, 20, false));
	assert_true(lock_io_conflicts(&set, &b, 39, 1, true));
	assert_false(lock_io_conflicts(&set, &b, 15, 0, true));
}

/* All or none. */
static void test_arrays_roll_back(void **state)
{
	const struct lock_range ranges[] = {
		{0, 5, true}, {0, 5, false}, {20, 1, true}, {9, 9, true}};

	assert_status(take(&b, 20, 1, false), STATUS_SUCCESS);
	assert_status(lock_take(&set, &a, ranges, 4), STATUS_LOCK_NOT_GRANTED);
	assert_int_equal(a.count, 0);
	assert_status(take(&b, 0, 5, true), STATUS_SUCCESS);
	assert_status(lock_drop(&set, &b, 0, 5), STATUS_SUCCESS);
	assert_status(lock_drop(&set, &b, 20, 1), STATUS_SUCCESS);
	assert_status(lock_take(&set, &a, ranges, 4), STATUS_SUCCESS);
	assert_int_equal(a.count, 4);
}

static unsigned order;
static unsigned when[3];

struct waiting {
	struct lock_wait wait;
	unsigned number;
};

static void note(struct lock_wait *wait)
{
	when[container_of(wait, struct waiting, wait)->number] = ++order;
}

static struct waiting waits_for(struct lock_owner *owner, unsigned number)
{
	when[number] = 0;
	return (struct waiting){.wait = {.owner = owner, .range = {0, 10, true}, .decided = note},
				.number = number};
}

/* Who waits is served in the order they came; who ends gives up. */
static void test_waiting(void **state)
{
	struct waiting w[3] = {waits_for(&b, 0), waits_for(&c, 1), waits_for(&a, 2)};

	order = 0;
	assert_status(take(&a, 0, 10, true), STATUS_SUCCESS);
	for (unsigned i = 0; i < 3; i++)
		assert_status(lock_take_or_wait(&set, &w[i].wait), STATUS_PENDING);
	assert_status(lock_drop(&set, &a, 0, 10), STATUS_SUCCESS);
	assert_int_equal(when[0], 1);
	assert_int_equal(when[1], 0);
	assert_status(w[0].wait.status, STATUS_SUCCESS);
	lock_wait_cancel(&set, &w[2].wait);
	assert_int_equal(when[2], 2);
	assert_status(w[2].wait.status, STATUS_CANCELLED);
	lock_owner_end(&set, &b); /* with its lock */
	assert_int_equal(when[1], 3);
	assert_status(lock_take_or_wait(&set, &w[0].wait), STATUS_PENDING);
	lock_owner_interrupt(&set, &b);
	assert_status(w[0].wait.status, STATUS_RANGE_NOT_LOCKED);
}

/* A hundred thousand on one file, by several, in and out of order, above and beside each other:
 * were it quadratic, this would not end. */
static void test_many(void **state)
{
	for (unsigned i = 0; i < MANY; i++) {
		uint64_t at = (uint64_t)i * 7919 % MANY * 4;

		assert_status(take(i % 2 ? &a : &b, at, 3, true), STATUS_SUCCESS);
		assert_status(take(&c, at, 3, false), STATUS_LOCK_NOT_GRANTED);
	}
	assert_true(lock_io_conflicts(&set, &a, 0, MANY * 4, false));
	assert_false(lock_io_conflicts(&set, &a, 3, 1, true));
	lock_owner_end(&set, &a);
	for (unsigned i = 0; i < MANY; i++) /* over the other's, which are all within */
		assert_status(take(&b, 0, i + 1, false), STATUS_SUCCESS);
	for (unsigned i = 0; i < MANY; i++)
		assert_true(lock_io_conflicts(&set, &b, i, 1, true));
	for (unsigned i = 0; i < MANY; i++)
		assert_status(lock_drop(&set, &b, 0, i + 1), STATUS_SUCCESS);
	assert_int_equal(b.count, MANY / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_who_excludes_whom, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stacking, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unlock_is_exact, setup, teardown),
		cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_end_of_what_there_is, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reading_and_writing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_arrays_roll_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_waiting, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
