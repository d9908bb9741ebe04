/* SPDX-License-Identifier: Apache-2.0 */
/* The heap of the pool: where buffers lie, that they never overlap, that memory is never lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "transport/buf/heap.h"

#define MIB (1024u * 1024)

static struct heap heap;

static void open_heap(unsigned regions, size_t region_bytes, size_t reserve)
{
	assert_int_equal(heap_init(&heap, regions, reserve), 0);
	for (unsigned i = 0; i < regions; i++) {
		struct heap_region *region = heap_region_map(region_bytes, i);

		assert_non_null(region);
		heap_add(&heap, region);
	}
}

static void classes_hold_what_is_asked(void **state)
{
	static const size_t sizes[] = {
		1,           4096,        4097,         16384,     16385,
		65536,       65537,       MIB,          MIB + 200, 2 * MIB + 65536,
		4 * MIB + 1, 8 * MIB + 1, BUF_MAX_BYTES};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned cls = heap_class(sizes[i]);

		assert_true(heap_class_bytes(cls) >= sizes[i]);
		assert_true(cls == 0 || heap_class_bytes(cls - 1) < sizes[i]);
	}
	assert_int_equal(heap_class(BUF_MAX_BYTES + 1), HEAP_NO_CLASS);
	/* the usual payloads with 64 KiB beside them waste nothing */
	for (size_t size = 256 * 1024; size <= 8 * MIB; size *= 2)
		assert_int_equal(heap_class_bytes(heap_class(size + 65536)), size + 65536);
}

static void every_byte_of_a_region_is_used(void **state)
{
	struct list_node held = LIST_INIT(held);
	struct buf *buf;
	size_t got = 0;

	open_heap(2, MIB, 0);
	while ((buf = heap_alloc(&heap, heap_class(4096)))) {
		memset(buf->data, 0xa5, buf->size);
		assert_int_equal((uintptr_t)buf->data % 4096, 0);
		list_push(&held, &buf->node);
		got += buf->size;
	}
	assert_int_equal(got, 2 * MIB);
	while (!list_empty(&held)) {
		buf = container_of(list_pop(&held), struct buf, node);
		heap_free(&heap, buf);
	}
	/* and all of it serves another class: nothing stuck */
	for (int i = 0; i < 2; i++) {
		buf = heap_alloc(&heap, heap_class(MIB / 2 + 65536));
		assert_non_null(buf);
		list_push(&held, &buf->node);
	}
	while (!list_empty(&held))
		heap_free(&heap, container_of(list_pop(&held), struct buf, node));
	heap_fini(&heap);
}

static void small_and_large_grow_from_the_two_ends(void **state)
{
	struct buf *small, *large, *small2;

	open_heap(1, 4 * MIB, 0);
	small = heap_alloc(&heap, heap_class(65536));
	large = heap_alloc(&heap, heap_class(MIB + 65536));
	small2 = heap_alloc(&heap, heap_class(4096));
	assert_ptr_equal(small->data, small->region->base);
	assert_ptr_equal(small2->data, small->data + HEAP_GRANULE);
	assert_ptr_equal(large->data + large->size, (uint8_t *)small->region->base + 4 * MIB);
	heap_free(&heap, small);
	heap_free(&heap, large);
	heap_free(&heap, small2);
	assert_int_equal(heap.free, 4 * MIB / HEAP_GRANULE);
	heap_fini(&heap);
}

static void large_leave_the_reserve_to_small(void **state)
{
	struct buf *large[8], *small[4];
	unsigned n = 0;

	open_heap(1, MIB, 4); /* 16 granules, 4 kept */
	while ((large[n] = heap_alloc(&heap, heap_class(2 * HEAP_GRANULE))))
		n++;
	assert_int_equal(n, 6);
	for (int i = 0; i < 4; i++) {
		small[i] = heap_alloc(&heap, heap_class(HEAP_GRANULE));
		assert_non_null(small[i]);
	}
	assert_null(heap_alloc(&heap, heap_class(1)));
	heap_free(&heap, large[--n]);
	/* the reserve is in use by small ones: nothing more is kept */
	large[n] = heap_alloc(&heap, heap_class(2 * HEAP_GRANULE));
	assert_non_null(large[n++]);
	while (n)
		heap_free(&heap, large[--n]);
	for (int i = 0; i < 4; i++)
		heap_free(&heap, small[i]);
	assert_int_equal(heap.free, 16);
	heap_fini(&heap);
}

/* Fill each buffer with its number, at random; whoever overlaps is found when it is freed. */
static void fill(const struct buf *buf, unsigned number)
{
	for (size_t off = 0; off < buf->size; off += 4096)
		memcpy(buf->data + off, &number, sizeof(number));
}

static void check(const struct buf *buf, unsigned number)
{
	for (size_t off = 0; off < buf->size; off += 4096)
		assert_memory_equal(buf->data + off, &number, sizeof(number));
}

static void buffers_never_overlap(void **state)
{
	enum { SLOTS = 200, STEPS = 20000 };
	static struct buf *held[SLOTS];
	unsigned seed = 7;

	open_heap(3, 8 * MIB, 8);
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned slot = (unsigned)rand_r(&seed) % SLOTS;
		unsigned cls = (unsigned)rand_r(&seed) % 8;

		if (held[slot]) {
			check(held[slot], slot);
			heap_free(&heap, held[slot]);
			held[slot] = NULL;
			continue;
		}
		held[slot] = heap_alloc(&heap, cls);
		if (!held[slot])
			continue;
		assert_int_equal(held[slot]->size, heap_class_bytes(cls));
		assert_int_equal(heap_buf_class(held[slot]), cls);
		fill(held[slot], slot);
	}
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		if (!held[slot])
			continue;
		check(held[slot], slot);
		heap_free(&heap, held[slot]);
	}
	assert_int_equal(heap.free, 3 * 8 * MIB / HEAP_GRANULE);
	assert_int_equal(heap.small, 0);
	heap_fini(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_hold_what_is_asked),
		cmocka_unit_test(every_byte_of_a_region_is_used),
		cmocka_unit_test(small_and_large_grow_from_the_two_ends),
		cmocka_unit_test(large_leave_the_reserve_to_small),
		cmocka_unit_test(buffers_never_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
