/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake/verbs.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fake/verbs_private.h"

struct fake_fabric fab = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER};

/* ---- helpers; under the lock ---- */

void fake_breach(const char *what)
{
	if (!fab.counts.breaches++)
		snprintf(fab.counts.breach, sizeof(fab.counts.breach), "%s", what);
}

uint32_t fake_random(void)
{
	fab.rng = fab.rng * 1664525u + 1013904223u;
	return fab.rng >> 8;
}

static _Thread_local size_t allocated_here;

void *fake_new(size_t size)
{
	void *p = calloc(1, size);

	assert(p);
	allocated_here += size;
	return p;
}

size_t fake_verbs_allocated_thread(void)
{
	return allocated_here;
}

bool fake_object_fails(void)
{
	if (!fab.config.fail_object || ++fab.objects != fab.config.fail_object)
		return false;
	errno = ENOMEM;
	return true;
}

void fake_fd_signal(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		abort();
}

/* One event less; blocking is not what anybody here does. */
bool fake_fd_take(int fd)
{
	uint64_t one;

	return read(fd, &one, sizeof(one)) == sizeof(one);
}

/* ---- the fabric ---- */

void fake_verbs_start(const struct fake_verbs_config *config)
{
	assert(!fab.running);
	fab.config = *config;
	fab.config.sge_max = config->sge_max ? config->sge_max : 3;
	fab.config.sge_read_max = config->sge_read_max ? config->sge_read_max : 1;
	fab.config.read_depth = config->read_depth ? config->read_depth : 1;
	fab.config.wr_max = config->wr_max ? config->wr_max : 1024;
	memset(&fab.counts, 0, sizeof(fab.counts));
	memset(fab.exposed, 0, sizeof(fab.exposed));
	fab.rng = config->seed;
	fab.next_key = 0x1000;
	fab.next_port = 40000;
	fab.posts = fab.objects = fab.registrations = 0;
	list_init(&fab.ids);
	list_init(&fab.qps);
	list_init(&fab.mrs);
	fake_devices_start();
	fab.running = true;
	if (pthread_create(&fab.thread, NULL, fake_hardware, NULL) != 0)
		abort();
}

static void must_be_none(const char *what, unsigned count)
{
	if (!count)
		return;
	fprintf(stderr, "fake verbs: %u %s left\n", count, what);
	abort();
}

void fake_verbs_stop(void)
{
	const struct fake_verbs_counts *c = &fab.counts;

	LOCK();
	fab.running = false;
	pthread_cond_signal(&fab.work);
	UNLOCK();
	pthread_join(fab.thread, NULL);
	fake_devices_stop();
	must_be_none("connection ids", c->ids);
	must_be_none("event channels", c->events);
	must_be_none("completion channels", c->completions);
	must_be_none("completion queues", c->cqs);
	must_be_none("queue pairs", c->qps);
	must_be_none("memory windows", c->mws);
	must_be_none("memory regions", c->mrs);
	must_be_none("protection domains", c->pds);
	if (c->breaches) {
		fprintf(stderr, "fake verbs: %s\n", c->breach);
		abort();
	}
}

void fake_verbs_fault_in(unsigned n, bool politely)
{
	LOCK();
	fab.config.fail_wr = n && !politely ? fab.counts.requests + n : 0;
	fab.config.disconnect = n && politely ? fab.counts.requests + n : 0;
	UNLOCK();
}

void fake_verbs_counts(struct fake_verbs_counts *counts)
{
	LOCK();
	*counts = fab.counts;
	UNLOCK();
}

const struct verbs_api verbs_fake = {
	.create_event_channel = fake_create_event_channel,
	.destroy_event_channel = fake_destroy_event_channel,
	.get_cm_event = fake_get_cm_event,
	.ack_cm_event = fake_ack_cm_event,
	.create_id = fake_create_id,
	.destroy_id = fake_destroy_id,
	.migrate_id = fake_migrate_id,
	.bind_addr = fake_bind_addr,
	.listen = fake_listen,
	.resolve_addr = fake_resolve_addr,
	.resolve_route = fake_resolve_route,
	.connect = fake_connect,
	.accept = fake_accept,
	.reject = fake_reject,
	.disconnect = fake_disconnect,
	.get_devices = fake_get_devices,
	.put_device = fake_put_device,
	.get_async_event = fake_get_async_event,
	.ack_async_event = fake_ack_async_event,
	.query_device = fake_query_device,
	.query_port = fake_query_port,
	.alloc_pd = fake_alloc_pd,
	.dealloc_pd = fake_dealloc_pd,
	.reg_mr = fake_reg_mr,
	.dereg_mr = fake_dereg_mr,
	.alloc_mw = fake_alloc_mw,
	.dealloc_mw = fake_dealloc_mw,
	.create_comp_channel = fake_create_comp_channel,
	.destroy_comp_channel = fake_destroy_comp_channel,
	.create_cq = fake_create_cq,
	.destroy_cq = fake_destroy_cq,
	.req_notify_cq = fake_req_notify_cq,
	.get_cq_event = fake_get_cq_event,
	.ack_cq_events = fake_ack_cq_events,
	.poll_cq = fake_poll_cq,
	.create_qp = fake_create_qp,
	.destroy_qp = fake_destroy_qp,
	.post_send = fake_post_send,
	.post_recv = fake_post_recv,
};
