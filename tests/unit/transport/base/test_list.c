/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transport/base/list.h"

struct item {
	int value;
	struct list_node node;
};

static struct list_node head, other;
static struct item items[6];

static int setup(void **state)
{
	list_init(&head);
	list_init(&other);
	for (int i = 0; i < 6; i++) {
		items[i].value = i;
		list_init(&items[i].node);
	}
	return 0;
}

static int value(const struct list_node *n)
{
	return container_of(n, struct item, node)->value;
}

/* The list forward is what the digits say, and backward its mirror. */
static void assert_list(const struct list_node *list, const char *digits)
{
	const struct list_node *n = list->next;
	const char *p;

	for (p = digits; *p; p++, n = n->next)
		assert_int_equal(value(n), *p - '0');
	assert_ptr_equal(n, list);
	for (n = list->prev; p > digits; n = n->prev)
		assert_int_equal(value(n), *--p - '0');
	assert_ptr_equal(n, list);
}

static void push_and_pop_are_a_queue(void **state)
{
	assert_true(list_empty(&head));
	assert_null(list_first(&head));
	assert_null(list_pop(&head));
	for (int i = 0; i < 3; i++)
		list_push(&head, &items[i].node);
	assert_list(&head, "012");
	for (int i = 0; i < 3; i++)
		assert_int_equal(value(list_pop(&head)), i);
	assert_true(list_empty(&head));
}

static void push_front_and_pop_are_a_stack(void **state)
{
	for (int i = 0; i < 3; i++)
		list_push_front(&head, &items[i].node);
	assert_list(&head, "210");
	assert_int_equal(value(list_pop(&head)), 2);
	assert_list(&head, "10");
}

static void deleting_twice_is_harmless(void **state)
{
	for (int i = 0; i < 3; i++)
		list_push(&head, &items[i].node);
	list_del(&items[1].node);
	list_del(&items[1].node);
	assert_list(&head, "02");
	assert_true(list_empty(&items[1].node));
	list_push(&head, &items[1].node);
	assert_list(&head, "021");
}

static void splice_moves_all_to_the_tail(void **state)
{
	list_splice(&head, &other); /* of nothing to nothing */
	assert_list(&head, "");
	list_push(&other, &items[0].node);
	list_push(&other, &items[1].node);
	list_splice(&head, &other);
	assert_list(&head, "01");
	assert_list(&other, "");
	list_push(&other, &items[2].node);
	list_push(&other, &items[3].node);
	list_splice(&head, &other);
	assert_list(&head, "0123");
	list_splice(&head, &other);
	assert_list(&head, "0123");
}

static void safe_iteration_may_delete(void **state)
{
	int sum = 0;

	for (int i = 0; i < 6; i++)
		list_push(&head, &items[i].node);
	list_for_each_safe (n, &head) {
		if (value(n) % 2)
			list_del(n);
	}
	assert_list(&head, "024");
	list_for_each (n, &head) {
		sum += value(n);
	}
	assert_int_equal(sum, 6);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup(fn, setup)
	const struct CMUnitTest tests[] = {
		TEST(push_and_pop_are_a_queue),   TEST(push_front_and_pop_are_a_stack),
		TEST(deleting_twice_is_harmless), TEST(splice_moves_all_to_the_tail),
		TEST(safe_iteration_may_delete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
