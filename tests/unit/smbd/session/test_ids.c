/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "smbd/session/ids.h"

static int object;

static void test_reserved_is_not_found(void **state)
{
	uint32_t slot, generation;
	struct id_table t;

	id_table_init(&t, 10);
	assert_int_equal(id_table_reserve(&t, &slot, &generation), 0);
	assert_null(id_table_find(&t, slot, generation));
	id_table_set(&t, slot, &object);
	assert_ptr_equal(id_table_find(&t, slot, generation), &object);
	assert_null(id_table_find(&t, slot, generation + 1));
	assert_null(id_table_find(&t, slot + 1, generation));
	assert_null(id_table_find(&t, UINT32_MAX, generation));
	id_table_free(&t, slot);
	assert_null(id_table_find(&t, slot, generation));
	id_table_fini(&t);
}

static void test_generation_changes(void **state)
{
	uint32_t slot, again, first, second;
	struct id_table t;

	id_table_init(&t, 1);
	assert_int_equal(id_table_reserve(&t, &slot, &first), 0);
	id_table_free(&t, slot);
	assert_int_equal(id_table_reserve(&t, &again, &second), 0);
	assert_int_equal(slot, again);
	assert_int_not_equal(first, second);
	id_table_set(&t, again, &object);
	assert_null(id_table_find(&t, slot, first));
	id_table_free(&t, again);
	id_table_fini(&t);
}

static void test_limit(void **state)
{
	uint32_t slot, generation;
	struct id_table t;

	id_table_init(&t, 100);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(id_table_reserve(&t, &slot, &generation), 0);
	assert_int_equal(id_table_reserve(&t, &slot, &generation), -EMFILE);
	id_table_free(&t, 42);
	assert_int_equal(id_table_reserve(&t, &slot, &generation), 0);
	assert_int_equal(slot, 42);
	for (unsigned i = 0; i < 100; i++)
		id_table_free(&t, i);
	id_table_fini(&t);
}

static void test_walk(void **state)
{
	static int objects[50];
	uint32_t slots[50], generation, slot;
	unsigned found = 0;
	struct id_table t;
	int *o;

	id_table_init(&t, 64);
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(id_table_reserve(&t, &slots[i], &generation), 0);
		if (i % 2)
			id_table_set(&t, slots[i], &objects[i]);
	}
	for (slot = 0; (o = id_table_next(&t, &slot)) != NULL; slot++) {
		assert_int_equal((o - objects) % 2, 1);
		found++;
	}
	assert_int_equal(found, 25);
	for (unsigned i = 0; i < 50; i++)
		id_table_free(&t, slots[i]);
	id_table_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reserved_is_not_found),
		cmocka_unit_test(test_generation_changes),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
