/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>

#include "transport/fiber/private.h"

/*
 * One wait, on the waiter's stack. Once signaled, it is off the list and its wake-up is under way,
 * perhaps as a post that holds our memory: so the waiter stays until that has arrived, even if its
 * time is up meanwhile.
 */
struct fiber_cond_waiter {
	struct list_node node;
	struct reactor_post post;
	struct fiber *fiber;
	bool signaled; /* under the caller's mutex */
	bool arrived;  /* on the fiber's reactor */
};

static void fiber_cond_arrive(struct fiber_cond_waiter *w)
{
	w->arrived = true;
	fiber_wake(w->fiber);
}

static void fiber_cond_posted(struct reactor_post *post)
{
	fiber_cond_arrive(container_of(post, struct fiber_cond_waiter, post));
}

void fiber_cond_init(struct fiber_cond *c)
{
	list_init(&c->waiters);
}

int fiber_cond_wait(struct fiber_cond *c, pthread_mutex_t *m, uint64_t timeout_ns)
{
	struct fiber_cond_waiter w = {.fiber = fiber_self(), .post.run = fiber_cond_posted};
	struct fiber *f = w.fiber;

	assert(f);
	list_push(&c->waiters, &w.node);
	if (timeout_ns)
		fiber_timer_arm(f, timeout_ns);
	pthread_mutex_unlock(m);
	while (!w.arrived && !(timeout_ns && f->timer_fired))
		fiber_suspend();
	pthread_mutex_lock(m);
	if (timeout_ns)
		fiber_timer_disarm(f);
	if (w.arrived)
		return 0;
	if (!w.signaled) {
		list_del(&w.node);
		return -ETIMEDOUT;
	}
	pthread_mutex_unlock(m);
	while (!w.arrived)
		fiber_suspend();
	pthread_mutex_lock(m);
	return 0;
}

void fiber_cond_broadcast(struct fiber_cond *c)
{
	struct list_node *n;

	while ((n = list_pop(&c->waiters))) {
		struct fiber_cond_waiter *w = container_of(n, struct fiber_cond_waiter, node);
		struct reactor *r = fiber_reactor(w->fiber);

		w->signaled = true;
		if (r == reactor_current())
			fiber_cond_arrive(w);
		else
			reactor_post(r, &w->post);
	}
}
