/* SPDX-License-Identifier: Apache-2.0 */
/* File I/O of fibers: cached, cold and refused; through the ring, through workers, and outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fake/forbid.h"
#include "transport/fiber/fiber.h"

#define FILE_BYTES (1024u * 1024)
#define IOVS       40 /* more than one operation takes */

static uint8_t *pattern;
static uint8_t *back;
static int fd = -1;

static int open_file(void **state)
{
	char path[] = "/tmp/smb3d-test-io.XXXXXX";

	fd = mkostemp(path, O_CLOEXEC);
	pattern = malloc(FILE_BYTES);
	back = malloc(FILE_BYTES);
	if (fd < 0 || !pattern || !back)
		return -1;
	unlink(path);
	for (size_t i = 0; i < FILE_BYTES; i++)
		pattern[i] = (uint8_t)(i * 7 + (i >> 8));
	return 0;
}

static int close_file(void **state)
{
	free(pattern);
	free(back);
	return close(fd);
}

/* Uneven parts, that together are the whole of p. */
static void cut(struct iovec *iov, uint8_t *p)
{
	size_t part = FILE_BYTES / IOVS / 2;
	size_t done = 0;

	for (unsigned i = 0; i < IOVS; i++) {
		iov[i].iov_base = p + done;
		iov[i].iov_len = i == IOVS - 1 ? FILE_BYTES - done : part + i;
		done += iov[i].iov_len;
	}
}

static void use_the_file(void)
{
	struct iovec iov[IOVS];
	struct iovec one = {.iov_base = back, .iov_len = 100};
	struct iovec none = {.iov_base = back, .iov_len = 0};

	assert_int_equal(ftruncate(fd, 0), 0);
	cut(iov, pattern);
	assert_int_equal(fiber_pwritev(fd, iov, IOVS, 0, 0), FILE_BYTES);
	assert_int_equal(fiber_fsync(fd, true), 0);
	assert_int_equal(fiber_fsync(fd, false), 0);

	for (int cold = 0; cold < 2; cold++) {
		if (cold)
			posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		memset(back, 0, FILE_BYTES);
		cut(iov, back);
		assert_int_equal(fiber_preadv(fd, iov, IOVS, 0), FILE_BYTES);
		assert_memory_equal(back, pattern, FILE_BYTES);
	}
	/* half in the cache: what came without blocking is not the end of the file */
	posix_fadvise(fd, FILE_BYTES / 2, 0, POSIX_FADV_DONTNEED);
	memset(back, 0, FILE_BYTES);
	assert_int_equal(fiber_preadv(fd, iov, IOVS, 0), FILE_BYTES);
	assert_memory_equal(back, pattern, FILE_BYTES);

	assert_int_equal(fiber_preadv(fd, &one, 1, FILE_BYTES - 10), 10);
	assert_int_equal(fiber_preadv(fd, &one, 1, FILE_BYTES), 0);
	assert_int_equal(fiber_preadv(fd, &none, 1, 0), 0);
	assert_int_equal(fiber_preadv(fd, &one, 0, 0), 0);

	one.iov_base = pattern;
	assert_int_equal(fiber_pwritev(fd, &one, 1, FILE_BYTES + 50, RWF_DSYNC), 100);
	one.iov_base = back;
	assert_int_equal(fiber_preadv(fd, &one, 1, FILE_BYTES), 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(back[i], i < 50 ? 0 : pattern[i - 50]);

	assert_int_equal(fiber_preadv(-1, &one, 1, 0), -EBADF);
	assert_int_equal(fiber_pwritev(-1, &one, 1, 0, 0), -EBADF);
	assert_int_equal(fiber_pwritev(-1, &one, 1, 0, RWF_DSYNC), -EBADF);
	assert_int_equal(fiber_fsync(-1, false), -EBADF);
}

static void is_the_system_call_outside_a_fiber(void **state)
{
	use_the_file();
}

/* ---- in a fiber ---- */

static struct reactor *reactor;

static void use_the_file_fn(struct fiber_task *task)
{
	use_the_file();
	reactor_stop(reactor);
}

static void run_in_fiber(void (*fn)(struct fiber_task *task))
{
	const struct reactor_config config = {.name = "test", .fibers_max = 300, .cpu = -1};
	struct fiber_task task = {.fn = fn};

	reactor = reactor_create(&config);
	assert_non_null(reactor);
	fiber_spawn(reactor, &task);
	reactor_run(reactor);
	fiber_workers_stop(); /* if there are any: they post to the reactor */
	reactor_destroy(reactor);
}

static void goes_through_the_ring(void **state)
{
	run_in_fiber(use_the_file_fn);
}

/* ---- where io_uring is forbidden ---- */

static void without_ring_fn(struct fiber_task *task)
{
	assert_false(reactor_has_ring(reactor));
	use_the_file();
	reactor_stop(reactor);
}

/* In a process of its own: a filter stays. */
static void goes_through_workers_without_a_ring(void **state)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (forbid_syscall(__NR_io_uring_setup, -1, 0, EPERM) < 0)
			_exit(77);
		if (fiber_workers_start(2) < 0)
			_exit(1);
		run_in_fiber(without_ring_fn); /* a failed assertion exits with 255 */
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- many at once: the ring is full again and again ---- */

#define READERS 256

struct reader {
	struct fiber_task task;
	unsigned number;
	uint8_t data[512];
};

static struct reader readers[READERS];
static unsigned readers_left;
static struct fiber *readers_end;

static void read_many(struct fiber_task *task)
{
	struct reader *r = container_of(task, struct reader, task);

	for (unsigned i = 0; i < 20; i++) {
		size_t off = (r->number * 131u + i * 4099u) % (FILE_BYTES - 512);
		struct iovec iov = {.iov_base = r->data, .iov_len = 512};

		memset(r->data, 0, 512);
		assert_int_equal(fiber_pwritev(fd, &(struct iovec){pattern + off, 512}, 1,
					       (off_t)off, i % 4 ? 0 : RWF_DSYNC),
				 512);
		assert_int_equal(fiber_preadv(fd, &iov, 1, (off_t)off), 512);
		assert_memory_equal(r->data, pattern + off, 512);
	}
	if (--readers_left == 0)
		fiber_wake(readers_end);
}

static void spawn_readers(struct fiber_task *task)
{
	struct iovec iov = {.iov_base = pattern, .iov_len = FILE_BYTES};

	assert_int_equal(fiber_pwritev(fd, &iov, 1, 0, 0), FILE_BYTES);
	readers_end = fiber_self();
	readers_left = READERS;
	for (unsigned i = 0; i < READERS; i++) {
		readers[i].task.fn = read_many;
		readers[i].number = i;
		fiber_spawn(reactor, &readers[i].task);
	}
	while (readers_left)
		fiber_suspend();
	reactor_stop(reactor);
}

static void many_fibers_share_the_ring(void **state)
{
	run_in_fiber(spawn_readers);
}

/* ---- short by a limit ---- */

static void write_beyond_limit(struct fiber_task *task)
{
	struct iovec iov = {.iov_base = pattern, .iov_len = 8192};

	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(fiber_pwritev(fd, &iov, 1, 0, 0), 4096);
	assert_int_equal(fiber_pwritev(fd, &iov, 1, 4096, 0), -EFBIG);
	reactor_stop(reactor);
}

/* As on a full disk: what fits is the result, and only then the error. */
static void short_write_is_told(void **state)
{
	struct rlimit limit, old;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 4096;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	run_in_fiber(write_beyond_limit);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
}

/* ---- in memory ---- */

static bool others_ran;

static void be_another(struct fiber_task *task)
{
	others_ran = true;
}

static void use_memory(struct fiber_task *task)
{
	struct iovec out = {.iov_base = pattern, .iov_len = FILE_BYTES};
	struct iovec in = {.iov_base = back, .iov_len = FILE_BYTES};
	struct fiber_task another = {.fn = be_another};

	fiber_spawn(reactor, &another);
	assert_int_equal(fiber_pwritev(fd, &out, 1, 0, 0), FILE_BYTES);
	assert_int_equal(fiber_preadv(fd, &in, 1, 0), FILE_BYTES);
	assert_false(others_ran);
	assert_memory_equal(back, pattern, FILE_BYTES);
	fiber_yield();
	assert_true(others_ran);
	reactor_stop(reactor);
}

/* tmpfs, which cannot be asked whether it would wait: it does not, so no fiber does. */
static void memory_is_not_waited_for(void **state)
{
	close(fd);
	fd = memfd_create("smb3d-test-io", MFD_CLOEXEC);
	assert_true(fd >= 0);
	run_in_fiber(use_memory);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_file, close_file)
	const struct CMUnitTest tests[] = {
		TEST(is_the_system_call_outside_a_fiber),
		TEST(goes_through_the_ring),
		TEST(goes_through_workers_without_a_ring),
		TEST(many_fibers_share_the_ring),
		TEST(short_write_is_told),
		TEST(memory_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
