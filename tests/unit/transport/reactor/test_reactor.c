/* SPDX-License-Identifier: Apache-2.0 */
/* The reactor's promises, one test each: order, cancellation from callbacks, posts, the ring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "transport/base/clock.h"
#include "transport/reactor/reactor.h"

static const struct reactor_config config = {.name = "test", .fibers_max = 4, .cpu = -1};

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
	reactor = reactor_create(&config);
	trace_len = 0;
	trace[0] = 0;
	return reactor ? 0 : -1;
}

static int teardown(void **state)
{
	reactor_destroy(reactor);
	return 0;
}

/* ---- timers ---- */

struct named_timer {
	struct reactor_timer timer;
	char name;
	struct reactor_timer *victim; /* cancelled by this one */
	bool last;
};

static void named_fire(struct reactor_timer *timer)
{
	struct named_timer *t = container_of(timer, struct named_timer, timer);

	note(t->name);
	if (t->victim)
		reactor_timer_cancel(reactor, t->victim);
	if (t->last)
		reactor_stop(reactor);
}

static void named_set(struct named_timer *t, char name, uint64_t delay_ns)
{
	t->name = name;
	assert_int_equal(reactor_timer_init(reactor, &t->timer, named_fire), 0);
	reactor_timer_set(reactor, &t->timer, delay_ns);
}

static void timers_fire_by_deadline(void **state)
{
	struct named_timer t[5] = {0};

	named_set(&t[0], 'd', 4 * NS_PER_MS);
	named_set(&t[1], 'b', 2 * NS_PER_MS);
	named_set(&t[2], 'e', 5 * NS_PER_MS);
	named_set(&t[3], 'a', 1 * NS_PER_MS);
	named_set(&t[4], 'x', 3 * NS_PER_MS);
	reactor_timer_set(reactor, &t[4].timer,
			  6 * NS_PER_MS); /* armed again: only the last counts */
	t[4].last = true;
	reactor_run(reactor);
	assert_string_equal(trace, "abdex");
	for (int i = 0; i < 5; i++)
		reactor_timer_fini(reactor, &t[i].timer);
}

static void timer_cancels_another_that_is_due(void **state)
{
	struct named_timer t[3] = {0};

	named_set(&t[0], 'a', 0);
	named_set(&t[1], 'b', 0);
	named_set(&t[2], 'c', 1);
	t[0].victim = &t[1].timer;
	t[2].last = true;
	reactor_run(reactor);
	assert_string_equal(trace, "ac");
}

static unsigned period_count;

static void period_fire(struct reactor_timer *timer)
{
	assert_true(clock_mono_ns() >= timer->deadline_ns);
	if (++period_count == 100)
		reactor_stop(reactor);
	reactor_timer_set(reactor, timer, 0);
}

static void fd_note_ready(struct reactor_watch *watch, uint32_t events)
{
	note('w');
	reactor_watch_delete(reactor, watch);
}

/* A timer that arms itself with no delay must leave turns to the others. */
static void timer_armed_in_fire_waits_a_turn(void **state)
{
	struct reactor_watch watch = {.ready = fd_note_ready, .fd = eventfd(1, EFD_CLOEXEC)};
	struct reactor_timer t;

	period_count = 0;
	reactor_timer_init(reactor, &t, period_fire);
	reactor_timer_set(reactor, &t, 0);
	assert_int_equal(reactor_watch_add(reactor, &watch, EPOLLIN), 0);
	reactor_run(reactor);
	assert_int_equal(period_count, 100);
	assert_string_equal(trace, "w");
	close(watch.fd);
}

#define MANY 2000

static struct reactor_timer many[MANY];
static unsigned many_fired;
static uint64_t many_last_ns;

static void many_fire(struct reactor_timer *timer)
{
	assert_true(timer->deadline_ns >= many_last_ns);
	many_last_ns = timer->deadline_ns;
	many_fired++;
	/* Take out another one from the middle of the heap, now and then. */
	if (many_fired % 3 == 0)
		reactor_timer_cancel(reactor, &many[(many_fired * 7919u) % MANY]);
}

static void many_end(struct reactor_timer *timer)
{
	reactor_stop(reactor);
}

static void heap_stays_ordered_under_cancellation(void **state)
{
	struct reactor_timer end;
	unsigned seed = 42;

	many_fired = 0;
	many_last_ns = 0;
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(reactor_timer_init(reactor, &many[i], many_fire), 0);
		reactor_timer_set(reactor, &many[i], (uint64_t)rand_r(&seed) % (20 * NS_PER_MS));
	}
	for (unsigned i = 0; i < MANY; i += 5)
		reactor_timer_cancel(reactor, &many[i]);
	for (unsigned i = 0; i < MANY; i += 10)
		reactor_timer_set(reactor, &many[i], (uint64_t)rand_r(&seed) % (20 * NS_PER_MS));
	reactor_timer_init(reactor, &end, many_end);
	reactor_timer_set(reactor, &end, 25 * NS_PER_MS);
	reactor_run(reactor);
	assert_true(many_fired > MANY / 2 && many_fired <= MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(many[i].heap_index, 0);
}

/* ---- watches ---- */

struct pair {
	struct reactor_watch watch;
	struct pair *other;
	unsigned calls;
};

static void pair_ready(struct reactor_watch *watch, uint32_t events)
{
	struct pair *p = container_of(watch, struct pair, watch);

	p->calls++;
	reactor_watch_delete(reactor, &p->other->watch);
	reactor_watch_delete(reactor, &p->watch);
	/* As its owner may: a late event would now write to freed memory. */
	close(p->other->watch.fd);
	free(p->other);
	p->other = NULL;
	reactor_stop(reactor);
}

/* Two watches ready in one wait: the first deletes and frees the second. */
static void deleted_watch_gets_no_collected_event(void **state)
{
	struct pair *p[2];
	struct pair *left;

	for (int i = 0; i < 2; i++) {
		p[i] = calloc(1, sizeof(**p));
		p[i]->watch.fd = eventfd(1, EFD_CLOEXEC);
		p[i]->watch.ready = pair_ready;
		assert_int_equal(reactor_watch_add(reactor, &p[i]->watch, EPOLLIN), 0);
	}
	p[0]->other = p[1];
	p[1]->other = p[0];
	reactor_run(reactor);
	/* Either may have been the first; the one that was not freed knows. */
	left = p[0]; /* epoll gives them in the order of becoming ready */
	assert_int_equal(left->calls, 1);
	close(left->watch.fd);
	free(left);
}

static void modify_ready(struct reactor_watch *watch, uint32_t events)
{
	if (events & EPOLLOUT) {
		note('o');
		assert_int_equal(reactor_watch_modify(reactor, watch, EPOLLIN), 0);
	}
	if (events & EPOLLIN) {
		note('i');
		reactor_stop(reactor);
	}
}

static void stop_fire(struct reactor_timer *timer)
{
	reactor_stop(reactor);
}

static void modified_watch_gets_what_it_asks_for(void **state)
{
	struct reactor_watch watch = {.ready = modify_ready, .fd = eventfd(0, EFD_CLOEXEC)};
	struct reactor_timer timer;

	assert_int_equal(reactor_watch_add(reactor, &watch, EPOLLOUT), 0);
	reactor_timer_init(reactor, &timer, stop_fire);
	reactor_timer_set(reactor, &timer, 5 * NS_PER_MS);
	reactor_run(reactor);
	assert_string_equal(trace, "o");
	reactor_watch_delete(reactor, &watch);
	close(watch.fd);
}

static void watch_of_a_bad_fd_is_refused(void **state)
{
	struct reactor_watch watch = {.ready = modify_ready, .fd = -1};

	assert_int_equal(reactor_watch_add(reactor, &watch, EPOLLIN), -EBADF);
}

static unsigned busy_left;

static void busy_ready(struct reactor_watch *watch, uint32_t events)
{
	if (--busy_left == 0)
		reactor_stop(reactor);
}

/* More ready fds than one wait returns: all are served. */
static void every_ready_watch_has_its_turn(void **state)
{
	enum { COUNT = 500 };
	static struct pair p[COUNT];

	busy_left = COUNT;
	for (int i = 0; i < COUNT; i++) {
		p[i].watch.fd = eventfd(1, EFD_CLOEXEC);
		p[i].watch.ready = busy_ready;
		/* level-triggered and never read: always ready again, but once counted */
		assert_int_equal(reactor_watch_add(reactor, &p[i].watch, EPOLLIN | EPOLLONESHOT),
				 0);
	}
	reactor_run(reactor);
	assert_int_equal(busy_left, 0);
	for (int i = 0; i < COUNT; i++)
		close(p[i].watch.fd);
}

/* ---- defers ---- */

struct named_defer {
	struct reactor_defer defer;
	char name;
	struct named_defer *queues;
	struct named_defer *cancels;
	bool last;
};

static void named_defer_run(struct reactor_defer *defer)
{
	struct named_defer *d = container_of(defer, struct named_defer, defer);

	note(d->name);
	if (d->queues)
		reactor_defer(reactor, &d->queues->defer);
	if (d->cancels)
		reactor_defer_cancel(&d->cancels->defer);
	if (d->last)
		reactor_stop(reactor);
}

static void named_defer_init(struct named_defer *d, char name)
{
	*d = (struct named_defer){.name = name, .defer.run = named_defer_run};
	list_init(&d->defer.node);
}

static void defer_runs_once_a_turn(void **state)
{
	struct named_defer d[3];

	for (int i = 0; i < 3; i++)
		named_defer_init(&d[i], "abc"[i]);
	reactor_defer(reactor, &d[0].defer);
	reactor_defer(reactor, &d[1].defer);
	reactor_defer(reactor, &d[0].defer);
	d[1].last = true;
	reactor_run(reactor);
	assert_string_equal(trace, "ab");
}

static void deferred_in_a_defer_runs_next_turn(void **state)
{
	struct named_defer d[4];

	for (int i = 0; i < 4; i++)
		named_defer_init(&d[i], "abcd"[i]);
	d[0].queues = &d[2];  /* next turn: after b */
	d[0].cancels = &d[3]; /* queued in this turn, not run yet */
	d[2].last = true;
	reactor_defer(reactor, &d[0].defer);
	reactor_defer(reactor, &d[1].defer);
	reactor_defer(reactor, &d[3].defer);
	reactor_run(reactor);
	assert_string_equal(trace, "abc");
}

/* ---- posts ---- */

#define POSTERS 3
#define POSTS   2000

struct numbered_post {
	struct reactor_post post;
	unsigned poster, number;
};

static struct numbered_post numbered[POSTERS][POSTS];
static unsigned numbered_next[POSTERS];
static unsigned numbered_run;

static void numbered_post_run(struct reactor_post *post)
{
	struct numbered_post *p = container_of(post, struct numbered_post, post);

	assert_ptr_equal(reactor_current(), reactor);
	assert_int_equal(p->number, numbered_next[p->poster]);
	numbered_next[p->poster]++;
	if (++numbered_run == POSTERS * POSTS)
		reactor_stop(reactor);
}

static void *poster(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < POSTS; i++) {
		numbered[me][i] = (struct numbered_post){
			{.run = numbered_post_run}, .poster = me, .number = i};
		reactor_post(reactor, &numbered[me][i].post);
		if (i % 64 == 0)
			usleep(50); /* let it go to sleep between */
	}
	return NULL;
}

static void posts_of_many_threads_run_once_and_in_order(void **state)
{
	pthread_t threads[POSTERS];

	numbered_run = 0;
	for (uintptr_t i = 0; i < POSTERS; i++) {
		numbered_next[i] = 0;
		assert_int_equal(pthread_create(&threads[i], NULL, poster, (void *)i), 0);
	}
	reactor_run(reactor);
	for (int i = 0; i < POSTERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(numbered_run, POSTERS * POSTS);
}

/* Two reactors throw one post to and fro, which is used again in run(). */
struct ball {
	struct reactor_post post;
	struct reactor *side[2];
	unsigned at;
	unsigned left;
};

static void ball_run(struct reactor_post *post)
{
	struct ball *b = container_of(post, struct ball, post);

	assert_ptr_equal(reactor_current(), b->side[b->at]);
	if (--b->left == 0) {
		reactor_stop(reactor);
		return;
	}
	b->at ^= 1;
	reactor_post(b->side[b->at], post);
}

static void post_wakes_a_sleeping_reactor(void **state)
{
	struct reactor *other = reactor_create(&config);
	struct ball ball = {.post.run = ball_run, .side = {reactor, other}, .left = 2001};

	assert_non_null(other);
	assert_int_not_equal(reactor_index(reactor), reactor_index(other));
	assert_int_equal(reactor_start(other), 0);
	reactor_post(reactor, &ball.post);
	reactor_run(reactor);
	assert_int_equal(ball.left, 0);
	reactor_stop(other);
	reactor_destroy(other);
}

static void index_is_taken_again(void **state)
{
	struct reactor *a = reactor_create(&config);
	unsigned index = reactor_index(a);

	reactor_destroy(a);
	a = reactor_create(&config);
	assert_int_equal(reactor_index(a), index);
	reactor_destroy(a);
}

/* ---- the ring ---- */

#define OPS 5000

struct counted_op {
	struct reactor_op op;
	unsigned completions;
};

static struct counted_op ops[OPS];
static unsigned ops_submitted, ops_done;
static struct reactor_defer ops_more;

static void counted_done(struct reactor_op *op, int32_t res)
{
	struct counted_op *o = container_of(op, struct counted_op, op);

	assert_int_equal(res, 0);
	o->completions++;
	if (++ops_done == OPS)
		reactor_stop(reactor);
}

/* Far more than the ring holds; when the kernel takes no more, go on next turn. */
static void ops_submit(struct reactor_defer *defer)
{
	while (ops_submitted < OPS) {
		struct counted_op *o = &ops[ops_submitted];
		struct io_uring_sqe *sqe;

		*o = (struct counted_op){.op.done = counted_done};
		sqe = reactor_sqe(reactor, &o->op);
		if (!sqe) {
			reactor_defer(reactor, &ops_more);
			return;
		}
		io_uring_prep_nop(sqe);
		ops_submitted++;
	}
}

static void every_op_completes_once_beyond_the_ring(void **state)
{
	if (!reactor_has_ring(reactor))
		skip();
	ops_submitted = ops_done = 0;
	ops_more.run = ops_submit;
	list_init(&ops_more.node);
	reactor_defer(reactor, &ops_more);
	reactor_run(reactor);
	for (unsigned i = 0; i < OPS; i++)
		assert_int_equal(ops[i].completions, 1);
}

struct pipe_op {
	struct reactor_op op;
	char byte;
	int fd[2];
	struct reactor_timer timer;
};

static void pipe_read(struct reactor_op *op, int32_t res)
{
	assert_int_equal(res, 1);
	note('r');
	reactor_stop(reactor);
}

static void pipe_write(struct reactor_timer *timer)
{
	struct pipe_op *p = container_of(timer, struct pipe_op, timer);

	note('t');
	assert_int_equal(write(p->fd[1], "z", 1), 1);
}

/* A completion that comes while the loop sleeps in epoll wakes it. */
static void completion_wakes_a_sleeping_reactor(void **state)
{
	struct pipe_op p = {.op.done = pipe_read};
	struct io_uring_sqe *sqe;

	if (!reactor_has_ring(reactor))
		skip();
	assert_int_equal(pipe(p.fd), 0);
	reactor_timer_init(reactor, &p.timer, pipe_write);
	reactor_timer_set(reactor, &p.timer, 2 * NS_PER_MS);
	sqe = reactor_sqe(reactor, &p.op);
	assert_non_null(sqe);
	io_uring_prep_read(sqe, p.fd[0], &p.byte, 1, 0);
	reactor_run(reactor);
	assert_string_equal(trace, "tr");
	assert_int_equal(p.byte, 'z');
	close(p.fd[0]);
	close(p.fd[1]);
}

static void stop_posted(struct reactor_post *post)
{
	reactor_stop(reactor_current());
}

static void never_done(struct reactor_op *op, int32_t res)
{
	fail();
}

/* After reactor_destroy() the kernel must not write to the op's memory any more. */
static void destroy_takes_back_what_is_pending(void **state)
{
	struct reactor *r = reactor_create(&config);
	struct pipe_op p = {.op.done = never_done};
	struct reactor_post stop = {.run = stop_posted};
	struct io_uring_sqe *sqe;
	char byte = 0;

	if (!reactor_has_ring(r)) {
		reactor_destroy(r);
		skip();
	}
	assert_int_equal(pipe(p.fd), 0);
	sqe = reactor_sqe(r, &p.op);
	assert_non_null(sqe);
	io_uring_prep_read(sqe, p.fd[0], &p.byte, 1, 0);
	reactor_post(r, &stop);
	reactor_run(r);
	reactor_destroy(r);
	assert_int_equal(write(p.fd[1], "z", 1), 1);
	assert_int_equal(read(p.fd[0], &byte, 1), 1); /* still there */
	assert_int_equal(byte, 'z');
	assert_int_equal(p.byte, 0);
	close(p.fd[0]);
	close(p.fd[1]);
}

/* ---- the turn ---- */

static struct reactor_watch turn_watch;
static struct reactor_timer turn_timer;
static struct reactor_post turn_post;
static struct reactor_defer turn_defer;

static void turn_ready(struct reactor_watch *watch, uint32_t events)
{
	note('w');
	reactor_watch_delete(reactor, watch);
	reactor_defer(reactor, &turn_defer);
}

static void turn_fire(struct reactor_timer *timer)
{
	note('t');
}

static void turn_posted(struct reactor_post *post)
{
	note('p');
}

static void turn_deferred(struct reactor_defer *defer)
{
	note('d');
	reactor_stop(reactor);
}

static void turn_goes_in_the_order_told(void **state)
{
	turn_watch = (struct reactor_watch){.fd = eventfd(1, EFD_CLOEXEC), .ready = turn_ready};
	turn_post.run = turn_posted;
	turn_defer.run = turn_deferred;
	list_init(&turn_defer.node);
	assert_int_equal(reactor_watch_add(reactor, &turn_watch, EPOLLIN), 0);
	reactor_timer_init(reactor, &turn_timer, turn_fire);
	reactor_timer_set(reactor, &turn_timer, 0);
	reactor_post(reactor, &turn_post);
	reactor_run(reactor);
	assert_string_equal(trace, "ptwd");
	close(turn_watch.fd);
}

static struct reactor_exit exits[2];

static void exit_run(struct reactor_exit *hook)
{
	note(hook == &exits[0] ? '0' : '1');
}

static void exit_hooks_run_newest_first(void **state)
{
	struct reactor *r = reactor_create(&config);

	exits[0].run = exits[1].run = exit_run;
	reactor_at_exit(r, &exits[0]);
	reactor_at_exit(r, &exits[1]);
	assert_string_equal(trace, "");
	reactor_destroy(r);
	assert_string_equal(trace, "10");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(timers_fire_by_deadline),
		TEST(timer_cancels_another_that_is_due),
		TEST(timer_armed_in_fire_waits_a_turn),
		TEST(heap_stays_ordered_under_cancellation),
		TEST(deleted_watch_gets_no_collected_event),
		TEST(modified_watch_gets_what_it_asks_for),
		TEST(watch_of_a_bad_fd_is_refused),
		TEST(every_ready_watch_has_its_turn),
		TEST(defer_runs_once_a_turn),
		TEST(deferred_in_a_defer_runs_next_turn),
		TEST(posts_of_many_threads_run_once_and_in_order),
		TEST(post_wakes_a_sleeping_reactor),
		TEST(index_is_taken_again),
		TEST(every_op_completes_once_beyond_the_ring),
		TEST(completion_wakes_a_sleeping_reactor),
		TEST(destroy_takes_back_what_is_pending),
		TEST(turn_goes_in_the_order_told),
		TEST(exit_hooks_run_newest_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
