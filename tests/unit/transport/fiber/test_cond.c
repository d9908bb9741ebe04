/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions between fibers, across reactors and threads; calls that block, on workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transport/base/clock.h"
#include "transport/base/log.h"
#include "transport/fiber/fiber.h"

#define REACTORS 3

static struct reactor *reactors[REACTORS]; /* [0] runs on the test's thread */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fiber_cond cond;
static atomic_uint running;

static int setup(void **state)
{
	const struct reactor_config config = {.name = "test", .fibers_max = 16, .cpu = -1};

	fiber_cond_init(&cond);
	atomic_store(&running, 0);
	for (int i = 0; i < REACTORS; i++)
		if (!(reactors[i] = reactor_create(&config)))
			return -1;
	return 0;
}

static int teardown(void **state)
{
	for (int i = 0; i < REACTORS; i++)
		reactor_stop(reactors[i]);
	for (int i = 0; i < REACTORS; i++)
		reactor_destroy(reactors[i]);
	return 0;
}

static void spawn(unsigned i, struct fiber_task *task, void (*fn)(struct fiber_task *task))
{
	task->fn = fn;
	atomic_fetch_add(&running, 1);
	fiber_spawn(reactors[i], task);
}

static void leave(void)
{
	if (atomic_fetch_sub(&running, 1) == 1)
		reactor_stop(reactors[0]);
}

/* reactors that were given their fibers; the last fiber of all stops the first */
static void run_all(void)
{
	for (int i = 1; i < REACTORS; i++)
		assert_int_equal(reactor_start(reactors[i]), 0);
	reactor_run(reactors[0]);
}

/* ---- one reactor ---- */

static int number;
static int order[8];
static int order_count;

static void wait_for_number(struct fiber_task *task)
{
	pthread_mutex_lock(&lock);
	while (!number)
		assert_int_equal(fiber_cond_wait(&cond, &lock, 0), 0);
	order[order_count++] = 1;
	pthread_mutex_unlock(&lock);
	leave();
}

static void set_number(struct fiber_task *task)
{
	pthread_mutex_lock(&lock);
	number = 1;
	fiber_cond_broadcast(&cond);
	order[order_count++] = 2; /* nobody runs before we let them */
	pthread_mutex_unlock(&lock);
	leave();
}

static void broadcast_wakes_all_who_wait(void **state)
{
	struct fiber_task tasks[4];

	number = order_count = 0;
	for (int i = 0; i < 3; i++)
		spawn(0, &tasks[i], wait_for_number);
	spawn(0, &tasks[3], set_number);
	reactor_run(reactors[0]);
	assert_int_equal(order_count, 4);
	assert_int_equal(order[0], 2);
	assert_true(list_empty(&cond.waiters));
}

static void wait_in_vain(struct fiber_task *task)
{
	uint64_t start = clock_mono_ns();

	pthread_mutex_lock(&lock);
	assert_int_equal(fiber_cond_wait(&cond, &lock, 3 * NS_PER_MS), -ETIMEDOUT);
	assert_int_equal(pthread_mutex_trylock(&lock), EBUSY); /* held again */
	pthread_mutex_unlock(&lock);
	assert_true(clock_mono_ns() - start >= 3 * NS_PER_MS);
	assert_true(list_empty(&cond.waiters));
	/* and the timer of the past wait does not touch the next */
	pthread_mutex_lock(&lock);
	assert_int_equal(fiber_cond_wait(&cond, &lock, NS_PER_MS), -ETIMEDOUT);
	pthread_mutex_unlock(&lock);
	leave();
}

static void wait_times_out(void **state)
{
	struct fiber_task task;

	spawn(0, &task, wait_in_vain);
	reactor_run(reactors[0]);
}

/* ---- a token goes round all reactors ---- */

#define RUNNERS 6
#define ROUNDS  300

struct runner {
	struct fiber_task task;
	unsigned me;
};

static unsigned token;

static void run_with_token(struct fiber_task *task)
{
	struct runner *r = container_of(task, struct runner, task);

	for (unsigned round = 0; round < ROUNDS; round++) {
		pthread_mutex_lock(&lock);
		while (token % RUNNERS != r->me)
			fiber_cond_wait(&cond, &lock, 0);
		token++;
		fiber_cond_broadcast(&cond);
		pthread_mutex_unlock(&lock);
	}
	leave();
}

static void condition_reaches_other_reactors(void **state)
{
	struct runner runners[RUNNERS];

	token = 0;
	for (unsigned i = 0; i < RUNNERS; i++) {
		runners[i].me = i;
		spawn(i % REACTORS, &runners[i].task, run_with_token);
	}
	run_all();
	assert_int_equal(token, RUNNERS * ROUNDS);
}

/* ---- the wake-up that is on its way when time is up ---- */

#define IMPATIENT 8

static atomic_bool shouting;
static atomic_uint timeouts, signals;

static void wait_impatiently(struct fiber_task *task)
{
	for (int i = 0; i < 200; i++) {
		int err;

		pthread_mutex_lock(&lock);
		err = fiber_cond_wait(&cond, &lock, 1);
		pthread_mutex_unlock(&lock);
		assert_true(err == 0 || err == -ETIMEDOUT);
		atomic_fetch_add(err ? &timeouts : &signals, 1);
		if (i % 8 == 0)
			fiber_sleep(1); /* a stale wake must not end this early */
	}
	leave();
}

static void *shout(void *arg)
{
	while (atomic_load(&shouting)) {
		pthread_mutex_lock(&lock);
		fiber_cond_broadcast(&cond);
		pthread_mutex_unlock(&lock);
		usleep(20);
	}
	return NULL;
}

static void timeout_races_with_broadcast(void **state)
{
	struct fiber_task tasks[IMPATIENT];
	pthread_t thread;

	atomic_store(&shouting, true);
	for (unsigned i = 0; i < IMPATIENT; i++)
		spawn(i % REACTORS, &tasks[i], wait_impatiently);
	assert_int_equal(pthread_create(&thread, NULL, shout, NULL), 0);
	run_all();
	atomic_store(&shouting, false);
	pthread_join(thread, NULL);
	assert_int_equal(timeouts + signals, IMPATIENT * 200);
	assert_true(list_empty(&cond.waiters));
}

/* ---- workers ---- */

static pthread_t home;

static int where(void *arg)
{
	*(pthread_t *)arg = pthread_self();
	assert_string_equal(log_context("in the job"), "the caller");
	return 42;
}

static void offload_where(struct fiber_task *task)
{
	pthread_t thread = home;

	log_context("the caller");
	assert_int_equal(fiber_offload(where, &thread), 42);
	assert_false(pthread_equal(thread, home));
	assert_string_equal(log_context(NULL), "the caller");
	leave();
}

static void offload_runs_on_a_worker(void **state)
{
	struct fiber_task task;

	home = pthread_self();
	assert_int_equal(fiber_workers_start(2), 0);
	spawn(0, &task, offload_where);
	reactor_run(reactors[0]);
	fiber_workers_stop();
}

static int here(void *arg)
{
	assert_true(pthread_equal(pthread_self(), home));
	return *(int *)arg;
}

static void offload_here(struct fiber_task *task)
{
	int seven = 7;

	assert_int_equal(fiber_offload(here, &seven), 7);
	leave();
}

static void offload_without_fiber_or_workers_runs_here(void **state)
{
	struct fiber_task task;
	int five = 5;

	home = pthread_self();
	spawn(0, &task, offload_here);
	reactor_run(reactors[0]);
	assert_int_equal(fiber_workers_start(1), 0);
	assert_int_equal(fiber_offload(here, &five), 5);
	fiber_workers_stop();
}

static atomic_uint jobs_run;

static int count_job(void *arg)
{
	if (*(unsigned *)arg % 50 == 0)
		usleep(200);
	return (int)atomic_fetch_add(&jobs_run, 1);
}

static void offload_many(struct fiber_task *task)
{
	for (unsigned i = 0; i < 200; i++)
		assert_true(fiber_offload(count_job, &i) >= 0);
	leave();
}

static void offload_from_all_reactors(void **state)
{
	struct fiber_task tasks[9];

	atomic_store(&jobs_run, 0);
	assert_int_equal(fiber_workers_start(3), 0);
	for (unsigned i = 0; i < 9; i++)
		spawn(i % REACTORS, &tasks[i], offload_many);
	run_all();
	fiber_workers_stop();
	assert_int_equal(jobs_run, 9 * 200);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(broadcast_wakes_all_who_wait),
		TEST(wait_times_out),
		TEST(condition_reaches_other_reactors),
		TEST(timeout_races_with_broadcast),
		TEST(offload_runs_on_a_worker),
		TEST(offload_without_fiber_or_workers_runs_here),
		TEST(offload_from_all_reactors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
