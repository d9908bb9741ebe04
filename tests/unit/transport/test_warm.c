/* SPDX-License-Identifier: Apache-2.0 */
/* A request on a warmed server allocates nothing: fibers, timers, posts, buffers and file I/O. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/fake/malloc_count.h"
#include "transport/buf/buf.h"
#include "transport/fiber/fiber.h"

static struct reactor *reactor;
static struct buf_pool *pool;
static struct fiber *first;
static int fd;

static int nothing(void *arg)
{
	return 0;
}

/* What a request does, in the foundation's words. */
static void request(struct fiber_task *task)
{
	struct buf *small = buf_get_wait(pool, 300), *large = buf_get_wait(pool, 1 << 20);
	struct iovec iov = {.iov_base = large->data, .iov_len = 1 << 16};

	assert_int_equal(fiber_pwritev(fd, &iov, 1, 0, 0), 1 << 16);
	assert_int_equal(fiber_preadv(fd, &iov, 1, 0), 1 << 16);
	assert_int_equal(fiber_fsync(fd, true), 0);
	assert_int_equal(fiber_offload(nothing, NULL), 0);
	fiber_sleep(1000);
	buf_put(pool, large);
	buf_put(pool, small);
	fiber_wake(first);
}

static void run_requests(unsigned n)
{
	struct fiber_task task = {.fn = request};

	while (n--) {
		fiber_spawn(reactor, &task);
		fiber_suspend();
	}
}

static void count(struct fiber_task *task)
{
	unsigned long warm;

	first = fiber_self();
	run_requests(3);
	warm = malloc_count();
	run_requests(20);
	assert_int_equal(malloc_count(), warm);
	reactor_stop(reactor);
}

static void warmed_request_does_not_allocate(void **state)
{
	const struct reactor_config config = {.name = "test", .fibers_max = 8, .cpu = -1};
	const struct buf_pool_config pool_config = {.bytes = 64 << 20};
	struct fiber_task task = {.fn = count};
	char path[] = "/tmp/smb3d-test-warm.XXXXXX";

	if (!malloc_counted())
		skip();
	assert_true(malloc_count() > 0 ||
		    (free(malloc(1)), malloc_count() > 0)); /* it does count */
	fd = mkostemp(path, O_CLOEXEC);
	assert_true(fd >= 0);
	unlink(path);
	reactor = reactor_create(&config);
	pool = buf_pool_create(&pool_config);
	assert_non_null(reactor);
	assert_non_null(pool);
	assert_int_equal(fiber_workers_start(1), 0);
	fiber_spawn(reactor, &task);
	reactor_run(reactor);
	fiber_workers_stop();
	buf_pool_destroy(pool);
	reactor_destroy(reactor);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(warmed_request_does_not_allocate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
