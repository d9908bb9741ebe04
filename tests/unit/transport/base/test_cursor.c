/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "transport/base/cursor.h"

static const uint8_t bytes[] = {0x01, 0x82, 0x03, 0x84, 0x05, 0x86, 0x07, 0x88, 0x09, 0x8a};

/* ---- reading ---- */

static void integers_are_little_endian(void **state)
{
	struct rd r = rd_init(bytes, sizeof(bytes));

	assert_int_equal(rd_u8(&r), 0x01);
	assert_int_equal(rd_u16(&r), 0x0382);
	assert_int_equal(rd_u32(&r), 0x07860584);
	assert_int_equal(rd_left(&r), 3);
	r = rd_init(bytes, sizeof(bytes));
	assert_int_equal(rd_u64(&r), 0x8807860584038201);
	r = rd_init(bytes, sizeof(bytes));
	assert_int_equal(rd_be16(&r), 0x0182);
	assert_int_equal(rd_be32(&r), 0x03840586);
	assert_true(rd_ok(&r));
}

static void error_is_sticky(void **state)
{
	struct rd r = rd_init(bytes, 3);
	uint8_t out[4] = {1, 1, 1, 1};

	assert_int_equal(rd_u32(&r), 0);
	assert_false(rd_ok(&r));
	assert_int_equal(rd_left(&r), 0);
	assert_int_equal(rd_u8(&r), 0); /* though there is one */
	assert_null(rd_bytes(&r, 0));
	rd_seek(&r, 0);
	assert_false(rd_ok(&r));
	rd_copy(&r, out, sizeof(out));
	assert_memory_equal(out, "\0\0\0\0", 4);
	assert_false(rd_ok(&r));
}

static void half_a_u64_is_an_error(void **state)
{
	struct rd r = rd_init(bytes, 7);

	(void)rd_u64(&r);
	assert_false(rd_ok(&r));
}

static void bytes_to_the_very_end(void **state)
{
	struct rd r = rd_init(bytes, sizeof(bytes));

	assert_ptr_equal(rd_bytes(&r, sizeof(bytes)), bytes);
	assert_int_equal(rd_left(&r), 0);
	assert_non_null(rd_bytes(&r, 0));
	assert_true(rd_ok(&r));
	assert_null(rd_bytes(&r, 1));
	assert_false(rd_ok(&r));
	r = rd_init(bytes, sizeof(bytes));
	(void)rd_u8(&r);
	assert_null(rd_bytes(&r, SIZE_MAX)); /* off + n would wrap */
	assert_false(rd_ok(&r));
}

static void seek_and_align_stay_inside(void **state)
{
	struct rd r = rd_init(bytes, sizeof(bytes));

	rd_seek(&r, 3);
	rd_align(&r, 4);
	assert_int_equal(rd_u8(&r), 0x05);
	rd_align(&r, 1);
	rd_skip(&r, 1);
	assert_int_equal(rd_u8(&r), 0x07);
	rd_seek(&r, sizeof(bytes));
	assert_true(rd_ok(&r));
	rd_align(&r, 8); /* to 16 */
	assert_false(rd_ok(&r));
	r = rd_init(bytes, sizeof(bytes));
	rd_seek(&r, sizeof(bytes) + 1);
	assert_false(rd_ok(&r));
}

static void sub_cursor_has_bounds_of_its_own(void **state)
{
	struct rd r = rd_init(bytes, sizeof(bytes));
	struct rd sub = rd_sub(&r, 2, 2);

	assert_int_equal(rd_u16(&sub), 0x8403);
	assert_true(rd_ok(&sub));
	(void)rd_u8(&sub);
	assert_false(rd_ok(&sub));
	assert_true(rd_ok(&r));
	assert_int_equal(r.off, 0);
	sub = rd_sub(&r, sizeof(bytes), 0);
	assert_true(rd_ok(&sub));
	sub = rd_sub(&r, 1, SIZE_MAX); /* off + len would wrap */
	assert_false(rd_ok(&sub));
	assert_false(rd_ok(&r));
	assert_int_equal(rd_left(&sub), 0);
}

static void empty_input_is_no_error_until_read(void **state)
{
	struct rd r = rd_init(NULL, 0);
	struct rd sub = rd_sub(&r, 0, 0);

	assert_true(rd_ok(&r) && rd_ok(&sub));
	rd_copy(&r, &sub, 0);
	assert_true(rd_ok(&r));
	(void)rd_u8(&r);
	assert_false(rd_ok(&r));
}

/* ---- writing ---- */

static void what_is_written_reads_back(void **state)
{
	uint8_t out[64];
	struct wr w = wr_init(out, sizeof(out));
	struct rd r;

	wr_u8(&w, 0xfe);
	wr_u16(&w, 0x1234);
	wr_u32(&w, 0xdeadbeef);
	wr_u64(&w, 0x0123456789abcdef);
	wr_be16(&w, 0x5678);
	wr_be32(&w, 0x9abcdef0);
	wr_bytes(&w, "end", 3);
	wr_align(&w, 8);
	assert_true(wr_ok(&w));
	assert_int_equal(w.len, 24);
	r = rd_init(out, w.len);
	assert_int_equal(rd_u8(&r), 0xfe);
	assert_int_equal(rd_u16(&r), 0x1234);
	assert_int_equal(rd_u32(&r), 0xdeadbeef);
	assert_int_equal(rd_u64(&r), 0x0123456789abcdef);
	assert_int_equal(rd_be16(&r), 0x5678);
	assert_int_equal(rd_be32(&r), 0x9abcdef0);
	assert_memory_equal(rd_bytes(&r, 3), "end", 3);
	assert_int_equal(rd_left(&r), 0);
}

static void nothing_is_written_beyond_the_room(void **state)
{
	uint8_t out[8] = {0};
	struct wr w = wr_init(out, 6);

	wr_u32(&w, 0x01010101);
	assert_int_equal(wr_left(&w), 2);
	wr_u32(&w, 0xffffffff);
	assert_false(wr_ok(&w));
	assert_int_equal(wr_left(&w), 0);
	wr_u8(&w, 0xff); /* would have fitted; but it is too late */
	assert_memory_equal(out, "\1\1\1\1\0\0\0\0", 8);
	w = wr_init(out, sizeof(out));
	wr_u8(&w, 1);
	assert_null(wr_space(&w, SIZE_MAX));
	assert_false(wr_ok(&w));
}

static void space_is_zeroed(void **state)
{
	uint8_t out[8];
	struct wr w = wr_init(out, sizeof(out));

	memset(out, 0xff, sizeof(out));
	assert_ptr_equal(wr_space(&w, 3), out);
	wr_zero(&w, 1);
	wr_align(&w, 4); /* is aligned */
	assert_int_equal(w.len, 4);
	assert_memory_equal(out, "\0\0\0\0\xff\xff\xff\xff", 8);
}

static void patches_only_what_was_written(void **state)
{
	uint8_t out[8];
	struct wr w = wr_init(out, sizeof(out));

	wr_zero(&w, 6);
	wr_u16_at(&w, 4, 0x2211);
	wr_u32_at(&w, 0, 0x66554433);
	assert_true(wr_ok(&w));
	assert_int_equal(w.len, 6);
	assert_memory_equal(out, "\x33\x44\x55\x66\x11\x22", 6);
	wr_u32_at(&w, 3, 0);
	assert_false(wr_ok(&w));
	assert_memory_equal(out, "\x33\x44\x55\x66\x11\x22", 6);
	w = wr_init(out, sizeof(out));
	wr_zero(&w, 6);
	wr_u16_at(&w, SIZE_MAX, 0);
	assert_false(wr_ok(&w));
}

/* Any sequence of reads on any bytes: never out of bounds (ASan watches an exact allocation). */
static void random_reads_stay_inside(void **state)
{
	unsigned seed = 3;

	for (int round = 0; round < 2000; round++) {
		size_t len = (size_t)rand_r(&seed) % 40;
		uint8_t *data = malloc(len ? len : 1);
		struct rd r = rd_init(data, len);
		uint8_t out[16];

		memset(data, round, len);
		for (int step = 0; step < 20; step++) {
			size_t n = (size_t)rand_r(&seed) % 16;

			switch (rand_r(&seed) % 6) {
			case 0:
				(void)rd_u64(&r);
				break;
			case 1:
				rd_copy(&r, out, n);
				break;
			case 2:
				rd_seek(&r, n * 2);
				break;
			case 3:
				rd_align(&r, 8);
				break;
			case 4:
				(void)rd_u16(&r);
				break;
			default:
				rd_skip(&r, n);
			}
			assert_true(r.off <= r.len);
		}
		free(data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_little_endian),
		cmocka_unit_test(error_is_sticky),
		cmocka_unit_test(half_a_u64_is_an_error),
		cmocka_unit_test(bytes_to_the_very_end),
		cmocka_unit_test(seek_and_align_stay_inside),
		cmocka_unit_test(sub_cursor_has_bounds_of_its_own),
		cmocka_unit_test(empty_input_is_no_error_until_read),
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(nothing_is_written_beyond_the_room),
		cmocka_unit_test(space_is_zeroed),
		cmocka_unit_test(patches_only_what_was_written),
		cmocka_unit_test(random_reads_stay_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
