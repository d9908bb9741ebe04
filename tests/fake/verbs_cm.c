/* SPDX-License-Identifier: Apache-2.0 */
/* Connection management: event channels, ids, addresses, connecting. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/fake/verbs_private.h"

struct rdma_event_channel *fake_create_event_channel(void)
{
	struct fake_events *e;

	LOCK();
	if (fake_object_fails()) {
		UNLOCK();
		return NULL;
	}
	e = fake_new(sizeof(*e));
	e->base.fd = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	list_init(&e->events);
	fab.counts.events++;
	UNLOCK();
	return &e->base;
}

void fake_destroy_event_channel(struct rdma_event_channel *channel)
{
	struct fake_events *e = container_of(channel, struct fake_events, base);

	LOCK();
	if (!list_empty(&e->events))
		fake_breach("an event channel destroyed with events");
	list_for_each (n, &fab.ids) {
		if (container_of(n, struct fake_id, node)->base.channel == channel)
			fake_breach("an event channel destroyed before its ids");
	}
	fab.counts.events--;
	close(channel->fd);
	free(e);
	UNLOCK();
}

void fake_event_push(struct fake_id *id, struct fake_id *listen_id, enum rdma_cm_event_type type,
		     int status)
{
	struct fake_events *e = container_of(id->base.channel, struct fake_events, base);
	struct fake_events *to = e;
	struct fake_event *event = fake_new(sizeof(*event));

	if (listen_id)
		to = container_of(listen_id->base.channel, struct fake_events, base);
	event->base.id = &id->base;
	event->base.listen_id = listen_id ? &listen_id->base : NULL;
	event->base.event = type;
	event->base.status = status;
	if (id->peer) { /* as the recipient sees it */
		event->base.param.conn.initiator_depth = id->peer->param.responder_resources;
		event->base.param.conn.responder_resources = id->peer->param.initiator_depth;
	}
	list_push(&to->events, &event->node);
	fake_fd_signal(to->base.fd);
}

int fake_get_cm_event(struct rdma_event_channel *channel, struct rdma_cm_event **out)
{
	struct fake_events *e = container_of(channel, struct fake_events, base);
	struct fake_event *event;

	LOCK();
	if (!fake_fd_take(channel->fd)) {
		UNLOCK();
		errno = EAGAIN;
		return -1;
	}
	event = container_of(list_pop(&e->events), struct fake_event, node);
	container_of(event->base.id, struct fake_id, base)->unacked++;
	*out = &event->base;
	UNLOCK();
	return 0;
}

int fake_ack_cm_event(struct rdma_cm_event *event)
{
	LOCK();
	container_of(event->id, struct fake_id, base)->unacked--;
	free(container_of(event, struct fake_event, base));
	UNLOCK();
	return 0;
}

static struct fake_id *id_new(struct rdma_event_channel *channel, void *context)
{
	struct fake_id *id = fake_new(sizeof(*id));

	id->base.channel = channel;
	id->base.context = context;
	id->base.ps = RDMA_PS_TCP;
	list_push(&fab.ids, &id->node);
	fab.counts.ids++;
	return id;
}

int fake_create_id(struct rdma_event_channel *channel, struct rdma_cm_id **out, void *context)
{
	LOCK();
	if (fake_object_fails()) {
		UNLOCK();
		return -1;
	}
	*out = &id_new(channel, context)->base;
	UNLOCK();
	return 0;
}

/* Moves, or drops, the events of an id that nobody fetched. */
static void events_move(struct fake_id *id, struct rdma_event_channel *to)
{
	struct fake_events *from = container_of(id->base.channel, struct fake_events, base);

	list_for_each_safe (n, &from->events) {
		struct fake_event *event = container_of(n, struct fake_event, node);

		if (event->base.id != &id->base || event->base.listen_id)
			continue;
		list_del(n);
		fake_fd_take(from->base.fd);
		if (!to) {
			free(event);
			continue;
		}
		list_push(&container_of(to, struct fake_events, base)->events, n);
		fake_fd_signal(to->fd);
	}
}

int fake_migrate_id(struct rdma_cm_id *base, struct rdma_event_channel *channel)
{
	struct fake_id *id = container_of(base, struct fake_id, base);

	LOCK();
	if (id->unacked)
		fake_breach("an id migrated with events that are not acknowledged");
	events_move(id, channel);
	base->channel = channel;
	UNLOCK();
	return 0;
}

void fake_id_part(struct fake_id *id)
{
	struct fake_id *peer = id->peer;

	if (!peer)
		return;
	if (id->connected)
		fake_event_push(peer, NULL, RDMA_CM_EVENT_DISCONNECTED, 0);
	else if (!peer->listening)
		fake_event_push(peer, NULL, RDMA_CM_EVENT_REJECTED, -ECONNREFUSED);
	id->connected = peer->connected = false;
	id->peer = peer->peer = NULL;
}

/* Requests that wait in a listener's channel for it. */
static void id_refuse_requests(struct fake_id *listener)
{
	struct fake_events *e = container_of(listener->base.channel, struct fake_events, base);

	list_for_each_safe (n, &e->events) {
		struct fake_event *event = container_of(n, struct fake_event, node);
		struct fake_id *id = container_of(event->base.id, struct fake_id, base);

		if (event->base.listen_id != &listener->base)
			continue;
		list_del(n);
		fake_fd_take(e->base.fd);
		fake_id_part(id);
		list_del(&id->node);
		fab.counts.ids--;
		free(id);
		free(event);
	}
}

int fake_destroy_id(struct rdma_cm_id *base)
{
	struct fake_id *id = container_of(base, struct fake_id, base);

	LOCK();
	if (base->qp)
		fake_breach("an id destroyed before its queue pair");
	if (id->unacked)
		fake_breach("an id destroyed with events that are not acknowledged");
	if (id->listening)
		id_refuse_requests(id);
	fake_id_part(id);
	events_move(id, NULL);
	list_del(&id->node);
	fab.counts.ids--;
	free(id);
	UNLOCK();
	return 0;
}

/* ---- addresses ---- */

static uint16_t *address_port(struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET6 ? &((struct sockaddr_in6 *)a)->sin6_port
					: &((struct sockaddr_in *)a)->sin_port;
}

static bool address_same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET6)
		return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
			      &((const struct sockaddr_in6 *)b)->sin6_addr, 16) == 0;
	return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
	       ((const struct sockaddr_in *)b)->sin_addr.s_addr;
}

/* NULL: no device has it; what is not of the loopback is another host's, or an Ethernet card's. */
static struct ibv_context *address_device(const struct sockaddr_storage *a)
{
	uint32_t v4;

	if (a->ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr)
			       ? fake_device_context(0)
			       : NULL;
	v4 = ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr);
	if (v4 >> 24 != 127)
		return NULL;
	return fake_device_context((v4 & 0xff) == 2);
}

static void address_copy(struct sockaddr_storage *to, const struct sockaddr *from)
{
	memset(to, 0, sizeof(*to));
	memcpy(to, from,
	       from->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					   : sizeof(struct sockaddr_in));
}

static struct fake_id *find_bound(const struct sockaddr_storage *a, bool listening)
{
	list_for_each (n, &fab.ids) {
		struct fake_id *id = container_of(n, struct fake_id, node);
		struct sockaddr_storage *bound = &id->base.route.addr.src_storage;

		if (id->listening == listening && address_same_host(bound, a) &&
		    *address_port(bound) == *address_port((struct sockaddr_storage *)a))
			return id;
	}
	return NULL;
}

int fake_bind_addr(struct rdma_cm_id *id, struct sockaddr *address)
{
	struct sockaddr_storage a;
	struct ibv_context *context;
	int err = 0;

	address_copy(&a, address);
	LOCK();
	context = address_device(&a);
	if (!context)
		err = ENODEV;
	else if (*address_port(&a) && find_bound(&a, true))
		err = EADDRINUSE;
	if (!err) {
		if (!*address_port(&a))
			*address_port(&a) = htons(fab.next_port++);
		id->route.addr.src_storage = a;
		id->verbs = context;
		id->port_num = 1;
	}
	UNLOCK();
	errno = err;
	return err ? -1 : 0;
}

int fake_listen(struct rdma_cm_id *base, int backlog)
{
	LOCK();
	container_of(base, struct fake_id, base)->listening = true;
	UNLOCK();
	return 0;
}

int fake_resolve_addr(struct rdma_cm_id *base, struct sockaddr *to, int timeout_ms)
{
	struct fake_id *id = container_of(base, struct fake_id, base);
	struct sockaddr_storage a;

	address_copy(&a, to);
	LOCK();
	base->route.addr.dst_storage = a;
	base->route.addr.src_storage = a;
	*address_port(&base->route.addr.src_storage) = htons(fab.next_port++);
	base->verbs = address_device(&a);
	base->port_num = 1;
	if (base->verbs)
		fake_event_push(id, NULL, RDMA_CM_EVENT_ADDR_RESOLVED, 0);
	else
		fake_event_push(id, NULL, RDMA_CM_EVENT_ADDR_ERROR, -EHOSTUNREACH);
	UNLOCK();
	return 0;
}

int fake_resolve_route(struct rdma_cm_id *base, int timeout_ms)
{
	LOCK();
	fake_event_push(container_of(base, struct fake_id, base), NULL,
			RDMA_CM_EVENT_ROUTE_RESOLVED, 0);
	UNLOCK();
	return 0;
}

/* ---- connecting ---- */

int fake_connect(struct rdma_cm_id *base, struct rdma_conn_param *param)
{
	struct fake_id *id = container_of(base, struct fake_id, base), *listener, *request;

	LOCK();
	id->param = *param;
	listener = find_bound(&base->route.addr.dst_storage, true);
	if (!listener) {
		fake_event_push(id, NULL, RDMA_CM_EVENT_REJECTED, -ECONNREFUSED);
		UNLOCK();
		return 0;
	}
	request = id_new(listener->base.channel, listener->base.context);
	request->base.verbs = listener->base.verbs;
	request->base.port_num = 1;
	request->base.route.addr.src_storage = base->route.addr.dst_storage;
	request->base.route.addr.dst_storage = base->route.addr.src_storage;
	request->peer = id;
	id->peer = request;
	fake_event_push(request, listener, RDMA_CM_EVENT_CONNECT_REQUEST, 0);
	UNLOCK();
	return 0;
}

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

struct fake_qp *fake_id_qp(struct fake_id *id)
{
	return id && id->base.qp ? container_of(id->base.qp, struct fake_qp, base) : NULL;
}

static unsigned larger(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

int fake_accept(struct rdma_cm_id *base, struct rdma_conn_param *param)
{
	struct fake_id *id = container_of(base, struct fake_id, base), *peer;

	LOCK();
	peer = id->peer;
	if (!peer) {
		UNLOCK();
		errno = ECONNRESET;
		return -1;
	}
	id->param = *param;
	/* one more than nothing is what everybody gets away with */
	if (param->initiator_depth > larger(peer->param.responder_resources, 1) ||
	    param->responder_resources > larger(peer->param.initiator_depth, 1))
		fake_breach("accept() with more depth than was asked for");
	fake_id_qp(id)->depth = smaller(param->initiator_depth, fab.config.read_depth);
	fake_id_qp(peer)->depth = smaller(param->responder_resources, fab.config.read_depth);
	id->connected = peer->connected = true;
	id->established_late = fab.config.late_established;
	if (!id->established_late)
		fake_event_push(id, NULL, RDMA_CM_EVENT_ESTABLISHED, 0);
	fake_event_push(peer, NULL, RDMA_CM_EVENT_ESTABLISHED, 0);
	UNLOCK();
	return 0;
}

int fake_reject(struct rdma_cm_id *base)
{
	LOCK();
	fake_id_part(container_of(base, struct fake_id, base));
	UNLOCK();
	return 0;
}

int fake_disconnect(struct rdma_cm_id *base)
{
	struct fake_id *id = container_of(base, struct fake_id, base);

	LOCK();
	if (id->peer && id->connected) {
		fake_id_part(id);
		fake_event_push(id, NULL, RDMA_CM_EVENT_DISCONNECTED, 0);
	}
	if (fake_id_qp(id))
		fake_qp_fail(fake_id_qp(id));
	UNLOCK();
	return 0;
}
