/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/fiber/fiber.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "transport/base/clock.h"
#include "transport/base/log.h"
#include "transport/fiber/private.h"
#include "transport/fiber/sched.h"
#include "transport/fiber/stacks.h"

#define FIBERS_MAX 1024
/* What runs in one turn: enough that small answers go out together, not so much that the first of
 * many large ones waits for the last. */
#define FIBER_RUN_COUNT 64
#define FIBER_RUN_NS    (500 * NS_PER_US)
#define FIBER_RUN_CHECK 8 /* the clock is read once in so many */

/* Instrumented frames are a few times larger. */
#if defined(FIBER_ASAN) || defined(FIBER_TSAN)
#define FIBER_STACK_FACTOR 4
#else
#define FIBER_STACK_FACTOR 1
#endif
#define FIBER_STACK_BYTES (128u * 1024)

struct fiber_sched {
	struct reactor *reactor;
	struct fiber_context thread; /* the loop's */
	struct list_node ready;      /* fibers, FIFO */
	struct list_node idle;       /* fibers, LIFO: the warmest stack first */
	struct list_node tasks;      /* without a fiber, FIFO */
	unsigned alive;
	unsigned waiting;
	unsigned count;
	struct stacks stacks;
	struct fiber *fibers;
};

static _Thread_local struct fiber *fiber_here;

static void fiber_timer_fire(struct reactor_timer *timer)
{
	struct fiber *f = container_of(timer, struct fiber, timer);

	f->timer_fired = true;
	fiber_wake(f);
}

/* ---- the scheduler ---- */

struct fiber_sched *fiber_sched_create(struct reactor *r, unsigned fibers_max, size_t stack_bytes)
{
	unsigned count = fibers_max ? fibers_max : FIBERS_MAX;
	size_t bytes = (stack_bytes ? stack_bytes : FIBER_STACK_BYTES) * FIBER_STACK_FACTOR;
	struct fiber_sched *sched = calloc(1, sizeof(*sched));
	int err = -ENOMEM;

	if (!sched)
		goto fail;
	sched->reactor = r;
	list_init(&sched->ready);
	list_init(&sched->idle);
	list_init(&sched->tasks);
	sched->fibers = calloc(count, sizeof(*sched->fibers));
	if (!sched->fibers)
		goto free_sched;
	err = stacks_map(&sched->stacks, count, bytes);
	if (err < 0)
		goto free_fibers;
	for (; sched->count < count; sched->count++) {
		struct fiber *f = &sched->fibers[sched->count];

		err = reactor_timer_init(r, &f->timer, fiber_timer_fire);
		if (err < 0)
			goto unmap; /* the reactor is not made: its heap goes whole */
		f->sched = sched;
		f->index = sched->count;
		list_push(&sched->idle, &f->node);
	}
	return sched;

unmap:
	stacks_unmap(&sched->stacks);
free_fibers:
	free(sched->fibers);
free_sched:
	free(sched);
fail:
	errno = -err;
	return NULL;
}

void fiber_sched_destroy(struct fiber_sched *sched)
{
	if (sched->alive)
		log_warning("%u suspended fibers are dropped", sched->alive);
	for (unsigned i = 0; i < sched->count; i++) {
		reactor_timer_fini(sched->reactor, &sched->fibers[i].timer);
		fiber_context_fini(&sched->fibers[i].context);
	}
	stacks_unmap(&sched->stacks);
	free(sched->fibers);
	free(sched);
}

static void fiber_make_ready(struct fiber *f)
{
	f->state = FIBER_READY;
	list_push(&f->sched->ready, &f->node);
}

/* Give the task the fiber; it begins when the run queue comes to it. */
static void fiber_assign(struct fiber *f, struct fiber_task *task)
{
	f->task = task;
	f->woken = false;
	fiber_make_ready(f);
}

/* Back to the loop, in a state that says what happens next. */
static void fiber_leave(struct fiber *f)
{
	fiber_context_switch(&f->context, &f->sched->thread);
}

static void fiber_main(void *arg)
{
	struct fiber *f = arg;
	struct fiber_sched *sched = f->sched;

	for (;;) {
		struct list_node *next;

		f->task->fn(f->task);
		log_context(NULL); /* the next task's is its own */
		next = list_pop(&sched->tasks);
		if (next) {
			sched->waiting--;
			fiber_assign(f, container_of(next, struct fiber_task, node));
		} else {
			f->state = FIBER_IDLE;
			list_push_front(&sched->idle, &f->node);
			sched->alive--;
		}
		fiber_leave(f);
	}
}

/* Set up when first used: a stack that was never needed costs no memory. */
static void fiber_begin(struct fiber *f)
{
	struct stacks *stacks = &f->sched->stacks;

	fiber_context_init(&f->context, stacks_at(stacks, f->index), stacks->stack_bytes,
			   fiber_main, f);
	f->begun = true;
}

static void fiber_resume(struct fiber *f)
{
	const char *log;

	if (!f->begun)
		fiber_begin(f);
	f->state = FIBER_RUNNING;
	fiber_here = f;
	log = log_context(f->log);
	fiber_context_switch(&f->sched->thread, &f->context);
	f->log = log_context(log);
	fiber_here = NULL;
}

void fiber_sched_run(struct fiber_sched *sched)
{
	uint64_t end_ns = reactor_now_ns(sched->reactor) + FIBER_RUN_NS;
	struct list_node *n;

	for (unsigned i = 1; i <= FIBER_RUN_COUNT && (n = list_pop(&sched->ready)); i++) {
		fiber_resume(container_of(n, struct fiber, node));
		if (i % FIBER_RUN_CHECK == 0 && clock_mono_ns() > end_ns)
			break;
	}
}

bool fiber_sched_ready(const struct fiber_sched *sched)
{
	return !list_empty(&sched->ready);
}

void fiber_spawn(struct reactor *r, struct fiber_task *task)
{
	struct fiber_sched *sched = reactor_fibers(r);
	struct list_node *n = list_pop(&sched->idle);

	if (!n) {
		sched->waiting++;
		list_push(&sched->tasks, &task->node);
		return;
	}
	sched->alive++;
	fiber_assign(container_of(n, struct fiber, node), task);
}

/* ---- the running fiber ---- */

struct fiber *fiber_self(void)
{
	return fiber_here;
}

struct reactor *fiber_reactor(const struct fiber *f)
{
	return f->sched->reactor;
}

void fiber_suspend(void)
{
	struct fiber *f = fiber_here;

	assert(f);
	if (f->woken) {
		f->woken = false;
		return;
	}
	f->state = FIBER_SUSPENDED;
	fiber_leave(f);
}

void fiber_wake(struct fiber *f)
{
	if (f->state == FIBER_RUNNING)
		f->woken = true;
	else if (f->state == FIBER_SUSPENDED)
		fiber_make_ready(f);
	else
		assert(f->state == FIBER_READY);
}

void fiber_yield(void)
{
	struct fiber *f = fiber_here;

	assert(f);
	fiber_make_ready(f);
	fiber_leave(f);
}

void fiber_timer_arm(struct fiber *f, uint64_t ns)
{
	f->timer_fired = false;
	reactor_timer_set(f->sched->reactor, &f->timer, ns);
}

void fiber_timer_disarm(struct fiber *f)
{
	reactor_timer_cancel(f->sched->reactor, &f->timer);
}

void fiber_sleep(uint64_t ns)
{
	struct timespec ts = {.tv_sec = (time_t)(ns / NS_PER_SEC),
			      .tv_nsec = (long)(ns % NS_PER_SEC)};
	struct fiber *f = fiber_here;

	if (!f) {
		while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
			;
		return;
	}
	fiber_timer_arm(f, ns);
	while (!f->timer_fired)
		fiber_suspend();
}

void fiber_stats(const struct reactor *r, struct fiber_stats *stats)
{
	const struct fiber_sched *sched = reactor_fibers(r);

	*stats = (struct fiber_stats){
		.alive = sched->alive, .limit = sched->count, .waiting = sched->waiting};
}
