/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/reactor/reactor.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "transport/base/clock.h"
#include "transport/base/log.h"
#include "transport/fiber/sched.h"
#include "transport/reactor/ring.h"
#include "transport/reactor/timers.h"

#define REACTOR_RING_ENTRIES 256
#define REACTOR_EVENTS       128

struct reactor {
	char name[16]; /* as much as the kernel keeps */
	unsigned index;
	int cpu;
	int epoll_fd;
	int wake_fd; /* edge-triggered: never read */
	pthread_t thread;
	bool started; /* thread is there to be joined */
	atomic_bool stopping;

	uint64_t now_ns;
	struct timers timers;
	struct ring ring;
	struct fiber_sched *fibers;
	struct list_node defers;
	struct list_node exits;

	/* what epoll gave in this turn and was not dispatched yet */
	struct epoll_event events[REACTOR_EVENTS];
	int event_next;
	int event_count;

	/* written by other threads: on a line of its own */
	_Alignas(64) _Atomic(struct reactor_post *) posts; /* newest first */
	atomic_bool asleep;
};

static _Thread_local struct reactor *reactor_here;

/* ---- the process's reactors: who has which index ---- */

static pthread_mutex_t reactor_indices_lock = PTHREAD_MUTEX_INITIALIZER;
static bool reactor_indices[REACTOR_MAX];

static int reactor_index_take(void)
{
	int index = -EAGAIN;

	pthread_mutex_lock(&reactor_indices_lock);
	for (int i = 0; i < REACTOR_MAX && index < 0; i++)
		if (!reactor_indices[i])
			index = i;
	if (index >= 0)
		reactor_indices[index] = true;
	pthread_mutex_unlock(&reactor_indices_lock);
	return index;
}

static void reactor_index_give(unsigned index)
{
	pthread_mutex_lock(&reactor_indices_lock);
	reactor_indices[index] = false;
	pthread_mutex_unlock(&reactor_indices_lock);
}

/* ---- birth and death ---- */

static int reactor_epoll_add(struct reactor *r, int fd, uint32_t events,
			     struct reactor_watch *watch)
{
	struct epoll_event ev = {.events = events, .data.ptr = watch};

	return epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

/* Without a ring (seccomp, sysctl, no memory) files are read and written by workers. */
static int reactor_ring_open(struct reactor *r, unsigned entries)
{
	static atomic_flag logged = ATOMIC_FLAG_INIT;
	int err = ring_open(&r->ring, entries ? entries : REACTOR_RING_ENTRIES);

	if (err < 0) {
		if (!atomic_flag_test_and_set(&logged))
			log_notice("io_uring cannot be used: %s", strerror(-err));
		return 0;
	}
	return reactor_epoll_add(r, r->ring.uring.ring_fd, EPOLLIN, NULL);
}

static int reactor_open(struct reactor *r, const struct reactor_config *config)
{
	int err;

	r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->epoll_fd < 0 || r->wake_fd < 0)
		return -errno;
	err = reactor_epoll_add(r, r->wake_fd, EPOLLIN | EPOLLET, NULL);
	if (err < 0)
		return err;
	err = reactor_ring_open(r, config->ring_entries);
	if (err < 0)
		return err;
	r->fibers = fiber_sched_create(r, config->fibers_max, config->fiber_stack_bytes);
	return r->fibers ? 0 : -errno;
}

static void reactor_close(struct reactor *r)
{
	ring_close(&r->ring); /* before the stacks that pending operations write to */
	if (r->fibers)
		fiber_sched_destroy(r->fibers);
	if (r->wake_fd >= 0)
		close(r->wake_fd);
	if (r->epoll_fd >= 0)
		close(r->epoll_fd);
	free(r->timers.heap);
	reactor_index_give(r->index);
	free(r);
}

struct reactor *reactor_create(const struct reactor_config *config)
{
	int index = reactor_index_take();
	struct reactor *r;
	int err;

	if (index < 0) {
		errno = -index;
		return NULL;
	}
	r = aligned_alloc(_Alignof(struct reactor), sizeof(*r));
	if (!r) {
		reactor_index_give((unsigned)index);
		errno = ENOMEM;
		return NULL;
	}
	memset(r, 0, sizeof(*r));
	snprintf(r->name, sizeof(r->name), "%s", config->name ? config->name : "reactor");
	r->index = (unsigned)index;
	r->cpu = config->cpu;
	r->epoll_fd = r->wake_fd = -1;
	list_init(&r->defers);
	list_init(&r->exits);
	r->now_ns = clock_mono_ns();
	err = reactor_open(r, config);
	if (err < 0) {
		reactor_close(r);
		errno = -err;
		return NULL;
	}
	return r;
}

void reactor_destroy(struct reactor *r)
{
	struct list_node *n;

	if (!r)
		return;
	assert(reactor_here != r);
	reactor_stop(r);
	while ((n = list_pop(&r->exits))) {
		struct reactor_exit *hook = container_of(n, struct reactor_exit, node);

		hook->run(hook);
	}
	reactor_close(r);
}

void reactor_at_exit(struct reactor *r, struct reactor_exit *hook)
{
	list_push_front(&r->exits, &hook->node);
}

struct reactor *reactor_current(void)
{
	return reactor_here;
}

unsigned reactor_index(const struct reactor *r)
{
	return r->index;
}

uint64_t reactor_now_ns(const struct reactor *r)
{
	return r->now_ns;
}

struct fiber_sched *reactor_fibers(const struct reactor *r)
{
	return r->fibers;
}

/* ---- the loop ---- */

/* How long epoll may wait, in its milliseconds. */
static int reactor_wait_ms(struct reactor *r)
{
	uint64_t next = timers_next_ns(&r->timers);
	uint64_t now, ms;

	if (fiber_sched_ready(r->fibers) || !list_empty(&r->defers) || ring_ready(&r->ring))
		return 0;
	if (ring_backlog(&r->ring))
		return 1;
	if (next == UINT64_MAX)
		return -1;
	now = clock_mono_ns();
	if (next <= now)
		return 0;
	ms = (next - now + NS_PER_MS - 1) / NS_PER_MS;
	return ms < 60000 ? (int)ms : 60000;
}

/*
 * Going to sleep against a post: we say asleep, then look at the posts; a poster links its post,
 * then looks at asleep. In the one order of these four one of us sees the other.
 */
static void reactor_wait(struct reactor *r)
{
	int ms = reactor_wait_ms(r);
	int n;

	if (ms) {
		atomic_store(&r->asleep, true);
		if (atomic_load(&r->posts) || atomic_load(&r->stopping))
			ms = 0;
	}
	n = epoll_wait(r->epoll_fd, r->events, REACTOR_EVENTS, ms);
	atomic_store_explicit(&r->asleep, false, memory_order_relaxed);
	r->event_next = 0;
	r->event_count = n > 0 ? n : 0;
	assert(n >= 0 || errno == EINTR);
	r->now_ns = clock_mono_ns();
}

static void reactor_run_posts(struct reactor *r)
{
	struct reactor_post *newest, *fifo = NULL;

	if (!atomic_load_explicit(&r->posts, memory_order_relaxed))
		return;
	newest = atomic_exchange(&r->posts, NULL);
	while (newest) {
		struct reactor_post *next = newest->next;

		newest->next = fifo;
		fifo = newest;
		newest = next;
	}
	while (fifo) {
		struct reactor_post *post = fifo;

		fifo = post->next;
		post->run(post);
	}
}

static void reactor_run_watches(struct reactor *r)
{
	while (r->event_next < r->event_count) {
		struct epoll_event *ev = &r->events[r->event_next++];
		struct reactor_watch *watch = ev->data.ptr;

		if (watch) /* else deleted since, or what only wakes us */
			watch->ready(watch, ev->events);
	}
}

static void reactor_run_defers(struct reactor *r)
{
	struct list_node now = LIST_INIT(now);
	struct list_node *n;

	list_splice(&now, &r->defers);
	while ((n = list_pop(&now))) {
		struct reactor_defer *defer = container_of(n, struct reactor_defer, node);

		defer->run(defer);
	}
}

static void reactor_turn(struct reactor *r)
{
	reactor_wait(r);
	reactor_run_posts(r);
	timers_fire(&r->timers, r->now_ns);
	reactor_run_watches(r);
	ring_reap(&r->ring);
	fiber_sched_run(r->fibers);
	reactor_run_defers(r);
	ring_submit(&r->ring);
}

void reactor_run(struct reactor *r)
{
	assert(!reactor_here);
	reactor_here = r;
	while (!atomic_load_explicit(&r->stopping, memory_order_acquire))
		reactor_turn(r);
	reactor_here = NULL;
}

static void reactor_pin(struct reactor *r)
{
	cpu_set_t set;
	int err;

	if (r->cpu < 0 || r->cpu >= CPU_SETSIZE)
		return;
	CPU_ZERO(&set);
	CPU_SET((size_t)r->cpu, &set);
	err = pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	if (err)
		log_warning("%s: cannot run on CPU %d: %s", r->name, r->cpu, strerror(err));
}

static void *reactor_thread(void *arg)
{
	struct reactor *r = arg;

	pthread_setname_np(pthread_self(), r->name);
	reactor_pin(r);
	reactor_run(r);
	return NULL;
}

int reactor_start(struct reactor *r)
{
	sigset_t all, old;
	int err;

	/* Signals are for main. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&r->thread, NULL, reactor_thread, r);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	r->started = err == 0;
	return -err;
}

static void reactor_wake(struct reactor *r)
{
	ssize_t n = write(r->wake_fd, &(uint64_t){1}, sizeof(uint64_t));

	(void)n; /* a full counter wakes as well */
}

void reactor_stop(struct reactor *r)
{
	atomic_store(&r->stopping, true);
	reactor_wake(r);
	if (reactor_here == r || !r->started)
		return;
	pthread_join(r->thread, NULL);
	r->started = false;
}

void reactor_post(struct reactor *r, struct reactor_post *post)
{
	struct reactor_post *head = atomic_load_explicit(&r->posts, memory_order_relaxed);

	/* Once linked, the post may run, and be gone, at any time. */
	do
		post->next = head;
	while (!atomic_compare_exchange_weak(&r->posts, &head, post));
	/* Whoever makes the list non-empty wakes for all that follow. */
	if (!head && atomic_load(&r->asleep))
		reactor_wake(r);
}

/* ---- watches ---- */

int reactor_watch_add(struct reactor *r, struct reactor_watch *watch, uint32_t epoll_events)
{
	watch->events = epoll_events;
	return reactor_epoll_add(r, watch->fd, epoll_events, watch);
}

int reactor_watch_modify(struct reactor *r, struct reactor_watch *watch, uint32_t epoll_events)
{
	struct epoll_event ev = {.events = epoll_events, .data.ptr = watch};

	/* Setting the same again has a meaning only where an event disarms. */
	if (watch->events == epoll_events && !(epoll_events & (EPOLLET | EPOLLONESHOT)))
		return 0;
	if (epoll_ctl(r->epoll_fd, EPOLL_CTL_MOD, watch->fd, &ev) < 0)
		return -errno;
	watch->events = epoll_events;
	return 0;
}

void reactor_watch_delete(struct reactor *r, struct reactor_watch *watch)
{
	int err = epoll_ctl(r->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);

	assert(err == 0);
	(void)err;
	for (int i = r->event_next; i < r->event_count; i++)
		if (r->events[i].data.ptr == watch)
			r->events[i].data.ptr = NULL;
}

/* ---- timers ---- */

int reactor_timer_init(struct reactor *r, struct reactor_timer *timer,
		       void (*fire)(struct reactor_timer *timer))
{
	*timer = (struct reactor_timer){.fire = fire};
	return timers_count_one(&r->timers);
}

void reactor_timer_fini(struct reactor *r, struct reactor_timer *timer)
{
	timers_cancel(&r->timers, timer);
	r->timers.counted--;
}

void reactor_timer_set(struct reactor *r, struct reactor_timer *timer, uint64_t delay_ns)
{
	uint64_t now = clock_mono_ns(); /* the turn may have gone on for long */

	timers_arm(&r->timers, timer, delay_ns < UINT64_MAX - now ? now + delay_ns : UINT64_MAX);
}

void reactor_timer_cancel(struct reactor *r, struct reactor_timer *timer)
{
	timers_cancel(&r->timers, timer);
}

/* ---- defers ---- */

void reactor_defer(struct reactor *r, struct reactor_defer *defer)
{
	if (list_empty(&defer->node))
		list_push(&r->defers, &defer->node);
}

void reactor_defer_cancel(struct reactor_defer *defer)
{
	list_del(&defer->node);
}

/* ---- io_uring ---- */

bool reactor_has_ring(const struct reactor *r)
{
	return r->ring.open;
}

struct io_uring_sqe *reactor_sqe(struct reactor *r, struct reactor_op *op)
{
	return ring_sqe(&r->ring, op);
}
