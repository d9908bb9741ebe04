/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "transport/base/log.h"
#include "transport/fiber/private.h"

/* One call, on the stack of the fiber that waits for it. */
struct fiber_job {
	struct list_node node;
	struct reactor_post post;
	int (*fn)(void *arg);
	void *arg;
	int result;
	bool done; /* on the fiber's reactor */
	struct fiber *fiber;
	const char *log;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct list_node jobs;
	bool stopping;
	atomic_uint count; /* of threads; fixed while reactors run */
	pthread_t *threads;
} workers = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.work = PTHREAD_COND_INITIALIZER,
	.jobs = LIST_INIT(workers.jobs),
};

static void fiber_job_done(struct reactor_post *post)
{
	struct fiber_job *job = container_of(post, struct fiber_job, post);

	job->done = true;
	fiber_wake(job->fiber);
}

static void fiber_job_run(struct fiber_job *job)
{
	log_context(job->log);
	job->result = job->fn(job->arg);
	log_context(NULL);
	reactor_post(fiber_reactor(job->fiber), &job->post);
}

static void *fiber_worker(void *arg)
{
	(void)arg;
	pthread_setname_np(pthread_self(), "worker");
	pthread_mutex_lock(&workers.lock);
	for (;;) {
		struct list_node *n = list_pop(&workers.jobs);

		if (n) {
			pthread_mutex_unlock(&workers.lock);
			fiber_job_run(container_of(n, struct fiber_job, node));
			pthread_mutex_lock(&workers.lock);
		} else if (workers.stopping) {
			break;
		} else {
			pthread_cond_wait(&workers.work, &workers.lock);
		}
	}
	pthread_mutex_unlock(&workers.lock);
	return NULL;
}

int fiber_workers_start(unsigned threads)
{
	sigset_t all, old;
	int err = 0;

	assert(!workers.threads);
	workers.threads = calloc(threads ? threads : 1, sizeof(*workers.threads));
	if (!workers.threads)
		return -ENOMEM;
	workers.stopping = false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (workers.count < threads && !err) {
		err = pthread_create(&workers.threads[workers.count], NULL, fiber_worker, NULL);
		if (!err)
			workers.count++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		fiber_workers_stop();
	return -err;
}

void fiber_workers_stop(void)
{
	pthread_mutex_lock(&workers.lock);
	workers.stopping = true;
	pthread_cond_broadcast(&workers.work);
	pthread_mutex_unlock(&workers.lock);
	for (unsigned i = 0; i < workers.count; i++)
		pthread_join(workers.threads[i], NULL);
	workers.count = 0;
	free(workers.threads);
	workers.threads = NULL;
}

int fiber_offload(int (*fn)(void *arg), void *arg)
{
	struct fiber_job job = {.fn = fn, .arg = arg, .fiber = fiber_self()};

	if (!job.fiber || !workers.count)
		return fn(arg);
	job.post.run = fiber_job_done;
	job.log = log_context(NULL);
	log_context(job.log);
	pthread_mutex_lock(&workers.lock);
	list_push(&workers.jobs, &job.node);
	pthread_cond_signal(&workers.work);
	pthread_mutex_unlock(&workers.lock);
	while (!job.done)
		fiber_suspend();
	return job.result;
}
