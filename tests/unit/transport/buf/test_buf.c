/* SPDX-License-Identifier: Apache-2.0 */
/* The buffer pool: the warm path, growth, and that who waits is served, whoever has the memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "transport/buf/buf.h"
#include "transport/fiber/fiber.h"
#include "transport/reactor/reactor.h"

#define KIB 1024u
#define MIB (1024u * 1024)

static struct reactor *reactor;
static char trace[64];

static void note(char c)
{
	size_t n = strlen(trace);

	assert_true(n + 1 < sizeof(trace));
	trace[n] = c;
	trace[n + 1] = 0;
}

static struct reactor *new_reactor(void)
{
	const struct reactor_config config = {.name = "test", .fibers_max = 8, .cpu = -1};

	return reactor_create(&config);
}

static int setup(void **state)
{
	reactor = new_reactor();
	memset(trace, 0, sizeof(trace));
	return reactor ? 0 : -1;
}

static int teardown(void **state)
{
	reactor_destroy(reactor);
	return 0;
}

static struct buf_pool *new_pool(size_t bytes, size_t region_bytes)
{
	const struct buf_pool_config config = {.bytes = bytes, .region_bytes = region_bytes};
	struct buf_pool *pool = buf_pool_create(&config);

	assert_non_null(pool);
	return pool;
}

static uint64_t bufs_out(struct buf_pool *pool)
{
	struct buf_pool_stats stats;

	buf_pool_stats(pool, &stats);
	return stats.bufs_out;
}

static unsigned waiting(struct buf_pool *pool)
{
	struct buf_pool_stats stats;

	buf_pool_stats(pool, &stats);
	return stats.waiting;
}

/* Run fn on the reactor, as a post, until fn (or what it began) stops the reactor. */
static void (*on_reactor_fn)(void);

static void on_reactor_run(struct reactor_post *post)
{
	on_reactor_fn();
}

static void on_reactor(void (*fn)(void))
{
	static struct reactor_post post = {.run = on_reactor_run};

	on_reactor_fn = fn;
	reactor_post(reactor, &post);
	reactor_run(reactor);
}

static struct buf_pool *pool;

/* ---- without a reactor ---- */

static void pool_serves_threads_that_are_no_reactor(void **state)
{
	struct buf *a, *b;

	pool = new_pool(16 * MIB, 0);
	a = buf_get(pool, 100);
	b = buf_get(pool, MIB);
	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal((uintptr_t)a->data % 4096, 0);
	assert_true(b->size >= MIB);
	memset(b->data, 1, b->size);
	assert_int_equal(bufs_out(pool), 2);
	assert_ptr_equal(buf_slice(b, 8, 16).data, b->data + 8);
	assert_ptr_equal(buf_slice(b, 8, 16).region, b->region);
	buf_put(pool, a);
	buf_put(pool, b);
	assert_int_equal(bufs_out(pool), 0);
	buf_pool_destroy(pool);
}

static unsigned regions_seen;
static unsigned regions_allowed;

static int region_added(void *user, const struct buf_region *region)
{
	assert_ptr_equal(user, &regions_seen);
	assert_int_equal(region->index, regions_seen);
	if (regions_seen == regions_allowed)
		return -ENOMEM;
	regions_seen++;
	return 0;
}

static void pool_grows_by_regions_to_its_limit(void **state)
{
	const struct buf_pool_config config = {.bytes = 5 * MIB,
					       .region_bytes = 2 * MIB,
					       .region_added = region_added,
					       .user = &regions_seen};
	struct list_node held = LIST_INIT(held);
	struct buf_pool_stats stats;
	struct buf *buf;

	regions_seen = 0;
	regions_allowed = 100;
	pool = buf_pool_create(&config);
	assert_non_null(pool);
	assert_int_equal(regions_seen, 1);
	while ((buf = buf_get(pool, 64 * KIB)))
		list_push(&held, &buf->node);
	assert_int_equal(regions_seen, 3); /* the last one smaller */
	buf_pool_stats(pool, &stats);
	assert_int_equal(stats.bytes_mapped, 5 * MIB);
	assert_int_equal(stats.bufs_out, 80);
	while (!list_empty(&held))
		buf_put(pool, container_of(list_pop(&held), struct buf, node));
	buf_pool_destroy(pool);
}

/* A device that cannot register more: the pool goes on with what it has. */
static void refused_region_is_the_limit(void **state)
{
	const struct buf_pool_config config = {.bytes = 8 * MIB,
					       .region_bytes = 2 * MIB,
					       .region_added = region_added,
					       .user = &regions_seen};
	struct buf_pool_stats stats;
	struct buf *a, *b;

	regions_seen = 0;
	regions_allowed = 1;
	pool = buf_pool_create(&config);
	assert_non_null(pool);
	a = buf_get(pool, MIB);
	b = buf_get(pool, MIB);
	assert_non_null(a);
	assert_null(b);
	buf_pool_stats(pool, &stats);
	assert_int_equal(stats.bytes_limit, 2 * MIB);
	buf_put(pool, a);
	buf_pool_destroy(pool);

	regions_allowed = 0;
	regions_seen = 0;
	assert_null(buf_pool_create(&config));
}

static void too_large_is_refused(void **state)
{
	struct buf_pool_stats stats;
	struct buf *buf;

	pool = new_pool(64 * MIB, 0);
	buf = buf_get(pool, BUF_MAX_BYTES);
	assert_non_null(buf);
	buf_put(pool, buf);
	assert_null(buf_get(pool, BUF_MAX_BYTES + 1));
	assert_null(buf_get(pool, SIZE_MAX));
	buf_pool_destroy(pool);

	pool = new_pool(4 * MIB, MIB);
	buf_pool_stats(pool, &stats);
	buf = buf_get(pool, stats.bytes_max);
	assert_non_null(buf);
	assert_null(buf_get(pool, stats.bytes_max + 1));
	buf_put(pool, buf);
	buf_pool_destroy(pool);
}

#if defined(__SANITIZE_ADDRESS__)
static void returned_buffer_is_poisoned(void **state)
{
	struct buf *buf;
	int status;
	pid_t pid;

	pool = new_pool(4 * MIB, 0);
	buf = buf_get(pool, 4096);
	memset(buf->data, 1, 4096);
	buf_put(pool, buf);
	pid = fork();
	if (pid == 0) {
		close(STDERR_FILENO);
		*(volatile uint8_t *)(buf->data + 100) = 1;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	buf_pool_destroy(pool);
}
#endif

/* ---- on a reactor ---- */

static void get_put_get(void)
{
	struct buf *a = buf_get(pool, MIB), *b = buf_get(pool, MIB), *again;

	buf_put(pool, b);
	buf_put(pool, a);
	again = buf_get(pool, MIB);
	assert_ptr_equal(again, a); /* the hot one */
	assert_int_equal(bufs_out(pool), 1);
	buf_put(pool, again);
	assert_int_equal(bufs_out(pool), 0);
	reactor_stop(reactor);
}

static void cache_is_last_in_first_out(void **state)
{
	pool = new_pool(64 * MIB, 0);
	on_reactor(get_put_get);
	buf_pool_destroy(pool);
}

/* All memory in the cache, in another class: a get finds it. */
static void drain_in_another_class(void)
{
	struct list_node held = LIST_INIT(held);
	struct buf *buf;

	while ((buf = buf_get(pool, 4096)))
		list_push(&held, &buf->node);
	while (!list_empty(&held))
		buf_put(pool, container_of(list_pop(&held), struct buf, node));
	buf = buf_get(pool, MIB);
	assert_non_null(buf);
	buf_put(pool, buf);
	reactor_stop(reactor);
}

static void memory_moves_between_classes(void **state)
{
	const struct buf_pool_config config = {.bytes = 2 * MIB, .cache_bytes = 64 * MIB};

	pool = buf_pool_create(&config);
	on_reactor(drain_in_another_class);
	buf_pool_destroy(pool);
}

struct waiter {
	struct buf_wait wait;
	char name;
	bool keep;
	struct waiter *cancels;
	struct buf *buf;
};

static struct waiter waiters[4];
static struct buf *all[256];
static unsigned all_count;
static unsigned expected;

static void waiter_ready(struct buf_wait *wait, struct buf *buf)
{
	struct waiter *w = container_of(wait, struct waiter, wait);

	assert_ptr_equal(reactor_current(), reactor);
	assert_true(buf->size >= wait->size);
	memset(buf->data, 0xee, buf->size);
	note(w->name);
	if (w->cancels)
		buf_wait_cancel(&w->cancels->wait);
	if (w->keep)
		w->buf = buf;
	else
		buf_put(pool, buf);
	if (strlen(trace) == expected)
		reactor_stop(reactor);
}

static void wait_for(unsigned i, size_t size)
{
	waiters[i] = (struct waiter){.wait = {.ready = waiter_ready, .size = size},
				     .name = (char)('a' + i)};
	assert_null(buf_get(pool, size));
	buf_wait(pool, &waiters[i].wait);
}

static void take_all(size_t size)
{
	struct buf *buf;

	all_count = 0;
	while ((buf = buf_get(pool, size)))
		all[all_count++] = buf;
	assert_true(all_count > 0);
}

static void put_all(void)
{
	while (all_count)
		buf_put(pool, all[--all_count]);
}

static void wait_in_order(void)
{
	take_all(64 * KIB);
	wait_for(0, MIB);
	wait_for(1, 128 * KIB);
	wait_for(2, 128 * KIB);
	assert_int_equal(waiting(pool), 3);
	expected = 3;
	buf_put(pool, all[--all_count]);
	assert_null(buf_get(pool, 128 * KIB)); /* nobody overtakes */
	put_all();
	assert_string_equal(trace, ""); /* never inside buf_put() */
}

static void waiters_are_served_in_order(void **state)
{
	pool = new_pool(2 * MIB, 0);
	on_reactor(wait_in_order);
	assert_string_equal(trace, "abc");
	assert_int_equal(waiting(pool), 0);
	assert_int_equal(bufs_out(pool), 0);
	buf_pool_destroy(pool);
}

static void wait_and_cancel(void)
{
	take_all(64 * KIB);
	wait_for(0, MIB);       /* cancelled while it waits: was in the way of the next */
	wait_for(1, 128 * KIB); /* cancels c, which has its buffer by then */
	wait_for(2, 128 * KIB);
	wait_for(3, 128 * KIB);
	waiters[1].cancels = &waiters[2];
	expected = 2;
	for (int i = 0; i < 8; i++)
		buf_put(pool, all[--all_count]);
	buf_wait_cancel(&waiters[0].wait);
	assert_string_equal(trace, "");
}

static void cancelled_waiter_is_not_called(void **state)
{
	pool = new_pool(2 * MIB, 0);
	on_reactor(wait_and_cancel);
	assert_string_equal(trace, "bd");
	buf_wait_cancel(&waiters[1].wait); /* after ready(): nothing */
	buf_wait_cancel(&waiters[2].wait);
	put_all();
	assert_int_equal(waiting(pool), 0);
	assert_int_equal(bufs_out(pool), 0);
	buf_pool_destroy(pool);
}

/* Who holds all the large memory gets a small buffer all the same, even behind large waiters. */
static void small_behind_large(void)
{
	struct buf *buf;

	take_all(128 * KIB);
	wait_for(0, MIB);
	buf = buf_get(pool, 4096);
	assert_non_null(buf);
	buf_put(pool, buf);
	expected = 1;
	put_all();
}

static void small_are_kept_for_who_holds_large(void **state)
{
	pool = new_pool(4 * MIB, 0);
	on_reactor(small_behind_large);
	assert_string_equal(trace, "a");
	buf_pool_destroy(pool);
}

/* ---- fibers ---- */

#define HUNGRY 6

static struct fiber_task hungry[HUNGRY];
static unsigned hungry_left;

static void hungry_fn(struct fiber_task *task)
{
	for (int i = 0; i < 50; i++) {
		struct buf *buf = buf_get_wait(pool, MIB / 2);

		assert_non_null(buf);
		memset(buf->data, i, 4096);
		fiber_yield();
		buf_put(pool, buf);
	}
	assert_null(buf_get_wait(pool, BUF_MAX_BYTES + 1));
	if (--hungry_left == 0)
		reactor_stop(reactor);
}

static void fibers_wait_for_buffers(void **state)
{
	struct buf_pool_stats stats;

	pool = new_pool(2 * MIB, 0);
	hungry_left = HUNGRY;
	for (int i = 0; i < HUNGRY; i++) {
		hungry[i].fn = hungry_fn;
		fiber_spawn(reactor, &hungry[i]);
	}
	reactor_run(reactor);
	buf_pool_stats(pool, &stats);
	assert_true(stats.waits > 0);
	assert_int_equal(stats.bufs_out, 0);
	buf_pool_destroy(pool);
}

/* ---- across reactors ---- */

static struct reactor *other;
static atomic_uint other_has;

static void other_fill_cache(struct reactor_post *post)
{
	struct list_node held = LIST_INIT(held);
	struct buf *buf;

	while ((buf = buf_get(pool, 64 * KIB)))
		list_push(&held, &buf->node);
	while (!list_empty(&held))
		buf_put(pool, container_of(list_pop(&held), struct buf, node));
	atomic_store(&other_has, 1);
}

static void wait_for_what_the_other_has(void)
{
	struct buf *buf = buf_get(pool, MIB);

	assert_null(buf); /* all of it is in the other's cache */
	expected = 1;
	wait_for(0, MIB);
}

static void another_reactors_cache_is_given_up(void **state)
{
	struct reactor_post fill = {.run = other_fill_cache};
	const struct buf_pool_config config = {
		.bytes = 16 * MIB, .region_bytes = 2 * MIB, .cache_bytes = 64 * MIB};

	/* an eighth of the limit at most is cached: with the limit cut short, everything */
	regions_allowed = 1;
	regions_seen = 0;
	struct buf_pool_config one = config;
	one.region_added = region_added;
	one.user = &regions_seen;
	pool = buf_pool_create(&one);
	assert_non_null(pool);
	other = new_reactor();
	atomic_store(&other_has, 0);
	assert_int_equal(reactor_start(other), 0);
	reactor_post(other, &fill);
	while (!atomic_load(&other_has))
		usleep(100);
	on_reactor(wait_for_what_the_other_has);
	assert_string_equal(trace, "a");
	reactor_stop(other);
	reactor_destroy(other);
	buf_pool_destroy(pool);
}

static void dead_reactors_cache_is_given_up(void **state)
{
	struct reactor_post fill = {.run = other_fill_cache};
	struct buf *buf;

	pool = new_pool(2 * MIB, 0);
	other = new_reactor();
	atomic_store(&other_has, 0);
	assert_int_equal(reactor_start(other), 0);
	reactor_post(other, &fill);
	while (!atomic_load(&other_has))
		usleep(100);
	reactor_stop(other);
	reactor_destroy(other);
	buf = buf_get(pool, MIB);
	assert_non_null(buf);
	buf_put(pool, buf);
	buf_pool_destroy(pool);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(pool_serves_threads_that_are_no_reactor),
		TEST(pool_grows_by_regions_to_its_limit),
		TEST(refused_region_is_the_limit),
		TEST(too_large_is_refused),
#if defined(__SANITIZE_ADDRESS__)
		TEST(returned_buffer_is_poisoned),
#endif
		TEST(cache_is_last_in_first_out),
		TEST(memory_moves_between_classes),
		TEST(waiters_are_served_in_order),
		TEST(cancelled_waiter_is_not_called),
		TEST(small_are_kept_for_who_holds_large),
		TEST(fibers_wait_for_buffers),
		TEST(another_reactors_cache_is_given_up),
		TEST(dead_reactors_cache_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
