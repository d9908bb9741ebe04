/* SPDX-License-Identifier: Apache-2.0 */
#include "rdma/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "rdma/private.h"

#define CONNECT_STEP_MS 2000

/* Lives as long as the channel, whose owner it is; before that as long as the address and the route
 * are looked for. */
struct direct_attempt {
	struct direct_owner owner;
	struct direct_connect *connect; /* NULL: it was told */
	const struct verbs_api *verbs;
	struct reactor *reactor;
	struct rdma_event_channel *events;
	struct rdma_cm_id *id;          /* until the channel takes it */
	struct direct_channel *channel; /* that is negotiating */
	struct reactor_watch watch;
	bool watched;
	struct reactor_defer failed_early;
	int err;
};

static void attempt_free(struct direct_attempt *a)
{
	if (a->watched)
		reactor_watch_delete(a->reactor, &a->watch);
	reactor_defer_cancel(&a->failed_early);
	if (a->id)
		a->verbs->destroy_id(a->id);
	if (a->events)
		a->verbs->destroy_event_channel(a->events);
	free(a);
}

static void attempt_fail(struct direct_attempt *a, int err)
{
	struct direct_connect *connect = a->connect;

	attempt_free(a);
	connect->attempt = NULL;
	connect->done(connect, NULL, err);
}

/* ---- the channel's owner ---- */

static int attempt_opened(struct direct_owner *owner, struct direct_channel *c, int err)
{
	struct direct_attempt *a = container_of(owner, struct direct_attempt, owner);
	struct direct_connect *connect = a->connect;

	a->connect = NULL;
	connect->attempt = NULL;
	connect->done(connect, err ? NULL : &c->ch, err);
	return err;
}

static void attempt_freed(struct direct_owner *owner, struct direct_channel *c)
{
	attempt_free(container_of(owner, struct direct_attempt, owner));
}

/* ---- the steps ---- */

/* The channel takes the id, and what happens to it from here on. */
static int attempt_channel(struct direct_attempt *a)
{
	struct direct_connect *connect = a->connect;
	struct direct_device *device = direct_device_get(connect->devices, a->id->verbs);
	struct rdma_conn_param param = {.retry_count = 7, .rnr_retry_count = 0};
	struct direct_channel *c;
	int err;

	if (!device)
		return -ENODEV;
	c = direct_channel_create(a->id, connect->reactor, connect->pool, device, &connect->config);
	if (!c) {
		direct_device_put(device);
		return -ENOMEM;
	}
	a->id = NULL;
	err = direct_channel_prepare(c);
	param.initiator_depth = c->read_out;
	param.responder_resources = c->read_in;
	if (!err && c->verbs->connect(c->id, &param) != 0)
		err = -errno;
	if (err) {
		direct_channel_discard(c);
		return err;
	}
	c->owner = &a->owner;
	a->channel = c;
	return 0;
}

static int attempt_step(struct direct_attempt *a, const struct rdma_cm_event *event)
{
	unsigned timeout = a->connect->timeout_ms ? a->connect->timeout_ms : CONNECT_STEP_MS;

	switch (event->event) {
	case RDMA_CM_EVENT_ADDR_RESOLVED:
		return a->verbs->resolve_route(a->id, (int)timeout) ? -errno : 0;
	case RDMA_CM_EVENT_ROUTE_RESOLVED:
		return attempt_channel(a);
	default:
		return event->status < 0 ? event->status : -EHOSTUNREACH;
	}
}

static void attempt_ready(struct reactor_watch *watch, uint32_t events)
{
	struct direct_attempt *a = container_of(watch, struct direct_attempt, watch);
	struct rdma_cm_event *event;

	while (a->id && a->verbs->get_cm_event(a->events, &event) == 0) {
		struct rdma_cm_event copy = *event;
		int err;

		a->verbs->ack_cm_event(event);
		err = attempt_step(a, &copy);
		if (err) {
			attempt_fail(a, err);
			return;
		}
	}
	if (!a->id && a->watched) { /* the channel watches from here */
		reactor_watch_delete(a->reactor, &a->watch);
		a->watched = false;
	}
}

static void attempt_failed_early(struct reactor_defer *defer)
{
	struct direct_attempt *a = container_of(defer, struct direct_attempt, failed_early);

	attempt_fail(a, a->err);
}

static int attempt_begin(struct direct_attempt *a, struct direct_connect *connect)
{
	unsigned timeout = connect->timeout_ms ? connect->timeout_ms : CONNECT_STEP_MS;
	int err;

	a->events = a->verbs->create_event_channel();
	if (!a->events)
		return -errno;
	fcntl(a->events->fd, F_SETFL, O_NONBLOCK);
	a->watch.fd = a->events->fd;
	err = reactor_watch_add(a->reactor, &a->watch, EPOLLIN);
	if (err)
		return err;
	a->watched = true;
	if (a->verbs->create_id(a->events, &a->id, a) != 0)
		return -errno;
	if (a->verbs->resolve_addr(a->id, (struct sockaddr *)&connect->address, (int)timeout) != 0)
		return -errno;
	return 0;
}

int direct_connect_start(struct direct_connect *connect)
{
	struct direct_attempt *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->owner = (struct direct_owner){attempt_opened, attempt_freed};
	a->connect = connect;
	a->verbs = direct_devices_verbs(connect->devices);
	a->reactor = connect->reactor;
	a->watch.ready = attempt_ready;
	a->failed_early.run = attempt_failed_early;
	list_init(&a->failed_early.node);
	connect->attempt = a;
	a->err = attempt_begin(a, connect);
	if (a->err)
		reactor_defer(a->reactor, &a->failed_early);
	return 0;
}

void direct_connect_cancel(struct direct_connect *connect)
{
	struct direct_attempt *a = connect->attempt;

	if (!a)
		return;
	connect->attempt = NULL;
	if (a->channel)
		direct_channel_discard(a->channel); /* and the attempt with it */
	else
		attempt_free(a);
}
