/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All of the transport's foundation at once, at random: fibers on several reactors get buffers of
 * all sizes from a pool that is too small, mark them, hand them to each other across reactors, give
 * them back elsewhere, sleep, call workers, and use a file; some time out, some plain waits are
 * cancelled. In the end nothing is lost, and no buffer was ever two people's.
 *
 * SMB3D_SEED chooses another run than the usual; the schedule of threads is the machine's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transport/base/clock.h"
#include "transport/buf/buf.h"
#include "transport/fiber/fiber.h"

#define REACTORS   3
#define FIBERS     12 /* of each reactor; more tasks than fibers */
#define TASKS      20
#define STEPS      400
#define FILE_BYTES (256 * 1024)

static struct reactor *reactors[REACTORS]; /* [0] on the test's thread */
static struct buf_pool *pool;
static int fd;
static atomic_uint tasks_left;

/* Buffers on their way from one fiber to another. */
static pthread_mutex_t shelf_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fiber_cond shelf_cond;
static struct list_node shelf;
static atomic_uint shelf_count;

struct actor {
	struct fiber_task task;
	unsigned seed;
	struct buf_wait wait;
	struct buf *waited;
};

static struct actor actors[REACTORS][TASKS];

/* ---- what is in a buffer says who has it ---- */

static void mark(struct buf *buf, uint64_t who)
{
	for (size_t off = 0; off < buf->size; off += 4096)
		memcpy(buf->data + off, &who, sizeof(who));
	memcpy(buf->data + buf->size - sizeof(who), &who, sizeof(who));
}

static void assert_mark(const struct buf *buf, uint64_t who)
{
	for (size_t off = 0; off < buf->size; off += 4096)
		assert_memory_equal(buf->data + off, &who, sizeof(who));
	assert_memory_equal(buf->data + buf->size - sizeof(who), &who, sizeof(who));
}

static unsigned draw(struct actor *a, unsigned below)
{
	return (unsigned)rand_r(&a->seed) % below;
}

static size_t draw_size(struct actor *a)
{
	static const size_t sizes[] = {100,    4096,       16384,      65536,
				       100000, 256 * 1024, 512 * 1024, 1024 * 1024 + 300};

	return sizes[draw(a, sizeof(sizes) / sizeof(sizes[0]))];
}

/* ---- the acts ---- */

static void hold_a_buffer(struct actor *a)
{
	struct buf *buf = buf_get_wait(pool, draw_size(a));
	uint64_t who = (uint64_t)(uintptr_t)a;

	assert_non_null(buf);
	mark(buf, who);
	if (draw(a, 2))
		fiber_yield();
	else if (draw(a, 2))
		fiber_sleep(draw(a, 100000));
	assert_mark(buf, who);
	buf_put(pool, buf);
}

/* Payload first, then a small one for its answer: allowed, and must not lock up. */
static void hold_two(struct actor *a)
{
	struct buf *large = buf_get_wait(pool, 300 * 1024), *small;

	fiber_yield();
	small = buf_get_wait(pool, 1 + draw(a, 65536));
	mark(large, 1);
	mark(small, 2);
	fiber_yield();
	assert_mark(large, 1);
	assert_mark(small, 2);
	buf_put(pool, large);
	buf_put(pool, small);
}

static void put_on_the_shelf(struct actor *a)
{
	struct buf *buf = buf_get(pool, draw_size(a));

	if (!buf)
		return;
	mark(buf, (uint64_t)(uintptr_t)buf);
	pthread_mutex_lock(&shelf_lock);
	list_push(&shelf, &buf->node);
	shelf_count++;
	fiber_cond_broadcast(&shelf_cond);
	pthread_mutex_unlock(&shelf_lock);
}

static void take_from_the_shelf(struct actor *a, uint64_t timeout_ns)
{
	struct buf *buf = NULL;

	pthread_mutex_lock(&shelf_lock);
	while (list_empty(&shelf) && !fiber_cond_wait(&shelf_cond, &shelf_lock, timeout_ns))
		;
	if (!list_empty(&shelf)) {
		buf = container_of(list_pop(&shelf), struct buf, node);
		shelf_count--;
	}
	pthread_mutex_unlock(&shelf_lock);
	if (!buf)
		return;
	assert_mark(buf, (uint64_t)(uintptr_t)buf);
	buf_put(pool, buf);
}

static void waited_ready(struct buf_wait *wait, struct buf *buf)
{
	container_of(wait, struct actor, wait)->waited = buf;
}

static void wait_and_change_mind(struct actor *a)
{
	struct buf *buf;

	a->wait = (struct buf_wait){.ready = waited_ready, .size = draw_size(a)};
	a->waited = NULL;
	buf = buf_get(pool, a->wait.size);
	if (!buf) {
		buf_wait(pool, &a->wait);
		if (draw(a, 2))
			fiber_sleep(draw(a, 200000));
		buf_wait_cancel(&a->wait);
		buf = a->waited;
		fiber_yield();
		assert_ptr_equal(a->waited, buf); /* not called any more */
	}
	if (buf)
		buf_put(pool, buf);
}

static int worker_puts(void *arg)
{
	struct buf **buf = arg;

	assert_mark(*buf, 77);
	buf_put(pool, *buf);
	*buf = buf_get(pool, 4096); /* may be NULL */
	return 5;
}

static void visit_a_worker(struct actor *a)
{
	struct buf *buf = buf_get(pool, draw_size(a));

	if (!buf)
		return;
	mark(buf, 77);
	assert_int_equal(fiber_offload(worker_puts, &buf), 5);
	if (buf)
		buf_put(pool, buf);
}

/* Each page of the file holds one byte value, whoever wrote it last: reads are never torn within
 * what one write() put there under the page lock of the file system, so compare the first bytes. */
static void use_the_file(struct actor *a)
{
	uint8_t page[512];
	struct iovec iov = {.iov_base = page, .iov_len = sizeof(page)};
	off_t off = (off_t)draw(a, FILE_BYTES / 4096) * 4096;

	memset(page, (int)draw(a, 255) + 1, sizeof(page));
	assert_int_equal(fiber_pwritev(fd, &iov, 1, off, 0), sizeof(page));
	if (draw(a, 4) == 0)
		posix_fadvise(fd, off, 4096, POSIX_FADV_DONTNEED);
	memset(page, 0, sizeof(page));
	assert_int_equal(fiber_preadv(fd, &iov, 1, off), sizeof(page));
	assert_int_not_equal(page[0], 0);
}

static void act(struct fiber_task *task)
{
	struct actor *a = container_of(task, struct actor, task);

	for (int i = 0; i < STEPS; i++) {
		switch (draw(a, 8)) {
		case 0:
		case 1:
			hold_a_buffer(a);
			break;
		case 2:
			hold_two(a);
			break;
		case 3:
			put_on_the_shelf(a);
			break;
		case 4:
			take_from_the_shelf(a, 1 + draw(a, 300000));
			break;
		case 5:
			wait_and_change_mind(a);
			break;
		case 6:
			visit_a_worker(a);
			break;
		default:
			use_the_file(a);
		}
		/* what lies on the shelf is nobody's: it must not starve those who wait */
		if (shelf_count)
			take_from_the_shelf(a, 1);
	}
	if (atomic_fetch_sub(&tasks_left, 1) == 1)
		reactor_stop(reactors[0]);
}

static void open_all(unsigned seed)
{
	const struct reactor_config config = {.name = "stress", .fibers_max = FIBERS, .cpu = -1};
	const struct buf_pool_config pool_config = {
		.bytes = 4 << 20, .region_bytes = 2 << 20, .cache_bytes = 1 << 20};
	char path[] = "/tmp/smb3d-stress.XXXXXX";

	fd = mkostemp(path, O_CLOEXEC);
	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(ftruncate(fd, FILE_BYTES), 0);
	list_init(&shelf);
	fiber_cond_init(&shelf_cond);
	pool = buf_pool_create(&pool_config);
	assert_non_null(pool);
	assert_int_equal(fiber_workers_start(2), 0);
	atomic_store(&tasks_left, REACTORS * TASKS);
	for (unsigned i = 0; i < REACTORS; i++) {
		reactors[i] = reactor_create(&config);
		assert_non_null(reactors[i]);
		for (unsigned j = 0; j < TASKS; j++) {
			actors[i][j].task.fn = act;
			actors[i][j].seed = seed + i * TASKS + j;
			fiber_spawn(reactors[i], &actors[i][j].task);
		}
	}
}

static void close_all(void)
{
	struct buf_pool_stats stats;
	struct fiber_stats fibers;

	for (unsigned i = 1; i < REACTORS; i++)
		reactor_stop(reactors[i]);
	fiber_workers_stop();
	for (unsigned i = 0; i < REACTORS; i++) {
		fiber_stats(reactors[i], &fibers);
		assert_int_equal(fibers.alive + fibers.waiting, 0);
	}
	while (!list_empty(&shelf))
		buf_put(pool, container_of(list_pop(&shelf), struct buf, node));
	buf_pool_stats(pool, &stats);
	assert_int_equal(stats.bufs_out, 0);
	assert_int_equal(stats.waiting, 0);
	assert_true(stats.waits > 0); /* else the pool was not too small */
	assert_true(list_empty(&shelf_cond.waiters));
	for (unsigned i = 0; i < REACTORS; i++)
		reactor_destroy(reactors[i]);
	buf_pool_destroy(pool); /* asserts that it is whole */
	close(fd);
}

static void everything_at_once(void **state)
{
	const char *text = getenv("SMB3D_SEED");
	unsigned seed = text ? (unsigned)strtoul(text, NULL, 0) : 20240229;

	open_all(seed);
	for (unsigned i = 1; i < REACTORS; i++)
		assert_int_equal(reactor_start(reactors[i]), 0);
	reactor_run(reactors[0]);
	close_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
