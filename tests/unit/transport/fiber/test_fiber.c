/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduling of fibers: who runs when, what survives a switch, what a stack may not do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fake/forbid.h"
#include "transport/base/clock.h"
#include "transport/base/log.h"
#include "transport/fiber/fiber.h"

#define FIBERS 8

static struct reactor *reactor;
static char trace[256];
static size_t trace_len;

static void note(char c)
{
	assert_true(trace_len + 1 < sizeof(trace));
	trace[trace_len++] = c;
	trace[trace_len] = 0;
}

static int setup(void **state)
{
	const struct reactor_config config = {.name = "test", .fibers_max = FIBERS, .cpu = -1};

	reactor = reactor_create(&config);
	trace_len = 0;
	trace[0] = 0;
	return reactor ? 0 : -1;
}

static int teardown(void **state)
{
	struct fiber_stats stats;

	fiber_stats(reactor, &stats);
	assert_int_equal(stats.alive, 0);
	assert_int_equal(stats.waiting, 0);
	reactor_destroy(reactor);
	return 0;
}

/* A task with a name; when `running` tasks have all ended, the loop ends. */
struct job {
	struct fiber_task task;
	struct fiber *fiber;
	struct job *other;
	char name;
	const void *frame;
};

static unsigned running;

static void spawn(struct job *job, void (*fn)(struct fiber_task *task), char name)
{
	job->task.fn = fn;
	job->name = name;
	running++;
	fiber_spawn(reactor, &job->task);
}

static struct job *enter(struct fiber_task *task)
{
	struct job *job = container_of(task, struct job, task);

	job->fiber = fiber_self();
	job->frame = __builtin_frame_address(0);
	return job;
}

static void leave(void)
{
	if (--running == 0)
		reactor_stop(reactor);
}

/* ---- */

static void note_name(struct fiber_task *task)
{
	note(enter(task)->name);
	leave();
}

static void spawn_does_not_run_the_task(void **state)
{
	struct job a = {0}, b = {0};

	spawn(&a, note_name, 'a');
	spawn(&b, note_name, 'b');
	assert_string_equal(trace, "");
	assert_null(fiber_self());
	reactor_run(reactor);
	assert_string_equal(trace, "ab");
	assert_null(fiber_self());
}

static void suspend_twice(struct fiber_task *task)
{
	struct job *job = enter(task);

	note('1');
	fiber_suspend();
	note('2');
	fiber_wake(job->fiber); /* of the running one: remembered ... */
	fiber_wake(job->fiber); /* ... once */
	fiber_suspend();
	note('3');
	fiber_suspend();
	note('4');
	leave();
}

static void wake_other(struct fiber_task *task)
{
	struct job *job = enter(task);

	note('a');
	fiber_wake(job->other->fiber);
	fiber_wake(job->other->fiber); /* woken and not run yet: the same wake */
	fiber_yield();
	note('b');
	fiber_wake(job->other->fiber);
	leave();
}

static void wake_is_remembered_once(void **state)
{
	struct job a = {0}, b = {.other = &a};

	spawn(&a, suspend_twice, 'a');
	spawn(&b, wake_other, 'b');
	reactor_run(reactor);
	assert_string_equal(trace, "1a23b4");
}

static void yield_thrice(struct fiber_task *task)
{
	struct job *job = enter(task);

	for (int i = 0; i < 3; i++) {
		note(job->name);
		fiber_yield();
	}
	leave();
}

static void yield_goes_round(void **state)
{
	struct job jobs[3] = {0};

	for (int i = 0; i < 3; i++)
		spawn(&jobs[i], yield_thrice, "abc"[i]);
	reactor_run(reactor);
	assert_string_equal(trace, "abcabcabc");
}

static void tasks_wait_for_a_fiber_in_order(void **state)
{
	struct job jobs[FIBERS + 3] = {0};
	struct fiber_stats stats;

	for (int i = 0; i < FIBERS + 3; i++)
		spawn(&jobs[i], i < FIBERS ? yield_thrice : note_name, (char)('a' + i));
	fiber_stats(reactor, &stats);
	assert_int_equal(stats.alive, FIBERS);
	assert_int_equal(stats.limit, FIBERS);
	assert_int_equal(stats.waiting, 3);
	reactor_run(reactor);
	assert_string_equal(trace, "abcdefghabcdefghabcdefghijk");
}

static void end_and_spawn(struct fiber_task *task)
{
	struct job *job = enter(task);

	if (job->other)
		spawn(job->other, end_and_spawn, 0);
	leave();
}

/* The stack used last is used next: it is the one in the cache. */
static void fibers_are_reused_last_in_first_out(void **state)
{
	struct job jobs[6] = {0};

	for (int i = 0; i < 5; i++)
		jobs[i].other = &jobs[i + 1];
	spawn(&jobs[0], end_and_spawn, 0);
	reactor_run(reactor);
	/* spawned before its spawner ended: two stacks take turns */
	for (int i = 2; i < 6; i++)
		assert_ptr_equal(jobs[i].frame, jobs[i - 2].frame);
	assert_ptr_not_equal(jobs[0].frame, jobs[1].frame);
}

static void free_own_task(struct fiber_task *task)
{
	struct job *job = enter(task);

	free(job);
	fiber_yield();
	leave();
}

static void task_may_be_freed_by_fn(void **state)
{
	for (int i = 0; i < FIBERS * 2; i++)
		spawn(calloc(1, sizeof(struct job)), free_own_task, 0);
	reactor_run(reactor);
}

static uint64_t sleeping_since; /* of all, however long it takes to start them */

static void sleep_by_name(struct fiber_task *task)
{
	struct job *job = enter(task);
	uint64_t due = sleeping_since + (uint64_t)(job->name - 'a' + 1) * 25 * NS_PER_MS;
	uint64_t now = clock_mono_ns();

	fiber_sleep(due > now ? due - now : 0);
	assert_true(clock_mono_ns() >= due);
	note(job->name);
	leave();
}

static void sleepers_wake_in_order(void **state)
{
	struct job jobs[4] = {0};

	sleeping_since = clock_mono_ns();
	for (int i = 0; i < 4; i++)
		spawn(&jobs[i], sleep_by_name, "geca"[i]);
	reactor_run(reactor);
	assert_string_equal(trace, "aceg");
}

static void log_in_context(struct fiber_task *task)
{
	struct job *job = enter(task);
	char text[2] = {job->name, 0};

	assert_null(log_context(text));
	for (int i = 0; i < 3; i++) {
		fiber_yield();
		assert_ptr_equal(log_context(text), text);
	}
	leave(); /* and leaves its context behind: the next task must not see it */
}

static void log_context_belongs_to_the_fiber(void **state)
{
	struct job jobs[FIBERS + 4] = {0};

	log_context("main");
	for (int i = 0; i < FIBERS + 4; i++)
		spawn(&jobs[i], log_in_context, (char)('a' + i));
	reactor_run(reactor);
	assert_string_equal(log_context(NULL), "main");
}

/* ---- the machine ---- */

/* Enough live values to need every register that a call preserves, and floating point. */
static void compute(struct fiber_task *task)
{
	struct job *job = enter(task);
	uint64_t a = (uint64_t)job->name, b = a * 3, c = b ^ 0x5555, d = c + a, e = d * b,
		 g = e - c;
	double x = (double)a / 7, y = x * 1.25;

	for (uint64_t i = 0; i < 1000; i++) {
		a += b;
		b ^= c << 1;
		c += d;
		d ^= e >> 3;
		e += g;
		g ^= a;
		x += y / (double)(i + 1);
		y = y * 0.999 + (double)(a & 0xff);
		if (job->other)
			fiber_yield();
	}
	job->frame = (const void *)(uintptr_t)(a ^ b ^ c ^ d ^ e ^ g ^ (uint64_t)x ^ (uint64_t)y);
	leave();
}

static void registers_survive_a_switch(void **state)
{
	struct job alone[4] = {0}, mixed[4] = {0};

	for (int i = 0; i < 4; i++) {
		spawn(&alone[i], compute, (char)('a' + i));
		mixed[i].other = &mixed[0];
		spawn(&mixed[i], compute, (char)('a' + i));
	}
	reactor_run(reactor);
	for (int i = 0; i < 4; i++)
		assert_ptr_equal(alone[i].frame, mixed[i].frame);
}

static void need_alignment(struct fiber_task *task)
{
	_Alignas(16) char local[64];
	uintptr_t at = (uintptr_t)local;

	enter(task);
	__asm__ volatile("" : "+r"(at)); /* or the compiler knows the answer */
	assert_int_equal(at % 16, 0);
	snprintf(local, sizeof(local), "%.3f", 2.5); /* SSE spills of the library */
	assert_string_equal(local, "2.500");
	leave();
}

static void stack_is_aligned(void **state)
{
	struct job job = {0};

	spawn(&job, need_alignment, 0);
	reactor_run(reactor);
}

static __attribute__((noinline)) unsigned descend(unsigned depth)
{
	volatile char frame[1024];

	frame[0] = (char)depth;
	return depth ? descend(depth - 1) + (unsigned char)frame[0] : 0;
}

static void use_most_of_the_stack(struct fiber_task *task)
{
	enter(task);
	assert_true(descend(90) > 0);
	leave();
}

static void stack_holds_what_it_says(void **state)
{
	struct job jobs[3] = {0};

	for (int i = 0; i < 3; i++)
		spawn(&jobs[i], use_most_of_the_stack, 0);
	reactor_run(reactor);
}

static void overflow(struct fiber_task *task)
{
	signal(SIGSEGV, SIG_DFL); /* not the sanitizer's handler */
	_exit(descend(1u << 20) ? 0 : 1);
}

/* In a child: overflow a stack of a reactor that is made there. */
static void assert_overflow_is_fatal(bool old_kernel)
{
	struct job job = {0};
	int status;
	pid_t pid;

	running = 0;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (old_kernel && forbid_syscall(__NR_madvise, 2, 102, EINVAL) < 0)
			_exit(77);
		if (setup(NULL) < 0)
			_exit(2);
		spawn(&job, overflow, 0);
		reactor_run(reactor);
		_exit(3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
}

static void overflow_hits_the_guard_page(void **state)
{
	assert_overflow_is_fatal(false);
}

static void overflow_hits_the_guard_page_of_old_kernels(void **state)
{
	assert_overflow_is_fatal(true);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(spawn_does_not_run_the_task),
		TEST(wake_is_remembered_once),
		TEST(yield_goes_round),
		TEST(tasks_wait_for_a_fiber_in_order),
		TEST(fibers_are_reused_last_in_first_out),
		TEST(task_may_be_freed_by_fn),
		TEST(sleepers_wake_in_order),
		TEST(log_context_belongs_to_the_fiber),
		TEST(registers_survive_a_switch),
		TEST(stack_is_aligned),
		TEST(stack_holds_what_it_says),
		TEST(overflow_hits_the_guard_page),
		TEST(overflow_hits_the_guard_page_of_old_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
