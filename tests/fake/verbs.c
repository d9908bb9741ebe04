/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake/verbs.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "rdma/verbs_api.h"
#include "transport/base/list.h"

#define FAKE_EXPOSED 256
#define FAKE_SGE_MAX 16

struct fake_events { /* an rdma_event_channel */
	struct rdma_event_channel base;
	struct list_node events;
};

struct fake_event {
	struct rdma_cm_event base;
	struct list_node node;
};

struct fake_id {
	struct rdma_cm_id base;
	struct list_node node; /* of all ids */
	struct fake_id *peer;  /* while connected, or asked for */
	bool listening, connected;
	unsigned unacked;
	struct rdma_conn_param param; /* of the connect() */
	bool established_late;
};

struct fake_completions { /* an ibv_comp_channel */
	struct ibv_comp_channel base;
	struct list_node cqs; /* with an event */
};

struct fake_cq {
	struct ibv_cq base;
	struct list_node node;
	struct fake_completions *channel;
	struct ibv_wc *wc;
	unsigned cap, head, count, unacked;
	bool armed, signalled;
};

struct fake_mr {
	struct ibv_mr base;
	struct list_node node;
};

struct fake_exposed {
	uint8_t *base;
	uint32_t len, rkey;
	unsigned access;
};

struct fake_wr {
	struct ibv_send_wr wr;
	struct ibv_sge sge[FAKE_SGE_MAX];
};

struct fake_recv {
	uint64_t wr_id;
	struct ibv_sge sge;
};

struct fake_qp {
	struct ibv_qp base;
	struct list_node node; /* of all queue pairs */
	struct fake_id *id;
	struct fake_cq *cq;
	struct ibv_qp_cap cap;
	bool error;
	struct fake_wr *sq;
	struct fake_recv *rq;
	unsigned sq_head, sq_count, rq_head, rq_count;
	unsigned sq_unpolled, reads_unpolled;
	unsigned depth;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_t thread;
	bool running;
	struct fake_verbs_config config;
	struct fake_verbs_counts counts;
	uint32_t rng;
	uint32_t next_key;
	uint32_t next_qpn;
	uint16_t next_port;
	unsigned posts, objects, registrations;
	struct list_node ids, qps, mrs;
	struct fake_exposed exposed[FAKE_EXPOSED];
	struct ibv_device device[2];
	struct ibv_context context[2];
} fab = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER};

/* ---- helpers; under the lock ---- */

static void breach(const char *what)
{
	if (!fab.counts.breaches++)
		snprintf(fab.counts.breach, sizeof(fab.counts.breach), "%s", what);
}

static uint32_t fake_random(void)
{
	fab.rng = fab.rng * 1664525u + 1013904223u;
	return fab.rng >> 8;
}

static void *fake_new(size_t size)
{
	void *p = calloc(1, size);

	assert(p);
	return p;
}

static bool object_fails(void)
{
	if (!fab.config.fail_object || ++fab.objects != fab.config.fail_object)
		return false;
	errno = ENOMEM;
	return true;
}

static void fd_signal(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		abort();
}

/* One event less; blocking is not what anybody here does. */
static bool fd_take(int fd)
{
	uint64_t one;

	return read(fd, &one, sizeof(one)) == sizeof(one);
}

#define LOCK()   pthread_mutex_lock(&fab.lock)
#define UNLOCK() pthread_mutex_unlock(&fab.lock)

/* ---- connection management ---- */

static struct rdma_event_channel *fake_create_event_channel(void)
{
	struct fake_events *e;

	LOCK();
	if (object_fails()) {
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

static void fake_destroy_event_channel(struct rdma_event_channel *channel)
{
	struct fake_events *e = container_of(channel, struct fake_events, base);

	LOCK();
	if (!list_empty(&e->events))
		breach("an event channel destroyed with events");
	list_for_each (n, &fab.ids) {
		if (container_of(n, struct fake_id, node)->base.channel == channel)
			breach("an event channel destroyed before its ids");
	}
	fab.counts.events--;
	close(channel->fd);
	free(e);
	UNLOCK();
}

static void event_push(struct fake_id *id, struct fake_id *listen_id, enum rdma_cm_event_type type,
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
	fd_signal(to->base.fd);
}

static int fake_get_cm_event(struct rdma_event_channel *channel, struct rdma_cm_event **out)
{
	struct fake_events *e = container_of(channel, struct fake_events, base);
	struct fake_event *event;

	LOCK();
	if (!fd_take(channel->fd)) {
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

static int fake_ack_cm_event(struct rdma_cm_event *event)
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

static int fake_create_id(struct rdma_event_channel *channel, struct rdma_cm_id **out,
			  void *context)
{
	LOCK();
	if (object_fails()) {
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
		fd_take(from->base.fd);
		if (!to) {
			free(event);
			continue;
		}
		list_push(&container_of(to, struct fake_events, base)->events, n);
		fd_signal(to->fd);
	}
}

static int fake_migrate_id(struct rdma_cm_id *base, struct rdma_event_channel *channel)
{
	struct fake_id *id = container_of(base, struct fake_id, base);

	LOCK();
	if (id->unacked)
		breach("an id migrated with events that are not acknowledged");
	events_move(id, channel);
	base->channel = channel;
	UNLOCK();
	return 0;
}

static void qp_fail(struct fake_qp *qp);

static void id_part(struct fake_id *id)
{
	struct fake_id *peer = id->peer;

	if (!peer)
		return;
	if (id->connected)
		event_push(peer, NULL, RDMA_CM_EVENT_DISCONNECTED, 0);
	else if (!peer->listening)
		event_push(peer, NULL, RDMA_CM_EVENT_REJECTED, -ECONNREFUSED);
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
		fd_take(e->base.fd);
		id_part(id);
		list_del(&id->node);
		fab.counts.ids--;
		free(id);
		free(event);
	}
}

static int fake_destroy_id(struct rdma_cm_id *base)
{
	struct fake_id *id = container_of(base, struct fake_id, base);

	LOCK();
	if (base->qp)
		breach("an id destroyed before its queue pair");
	if (id->unacked)
		breach("an id destroyed with events that are not acknowledged");
	if (id->listening)
		id_refuse_requests(id);
	id_part(id);
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
			       ? &fab.context[0]
			       : NULL;
	v4 = ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr);
	if (v4 >> 24 != 127)
		return NULL;
	return &fab.context[(v4 & 0xff) == 2];
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

static int fake_bind_addr(struct rdma_cm_id *id, struct sockaddr *address)
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

static int fake_listen(struct rdma_cm_id *base, int backlog)
{
	LOCK();
	container_of(base, struct fake_id, base)->listening = true;
	UNLOCK();
	return 0;
}

static int fake_resolve_addr(struct rdma_cm_id *base, struct sockaddr *to, int timeout_ms)
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
		event_push(id, NULL, RDMA_CM_EVENT_ADDR_RESOLVED, 0);
	else
		event_push(id, NULL, RDMA_CM_EVENT_ADDR_ERROR, -EHOSTUNREACH);
	UNLOCK();
	return 0;
}

static int fake_resolve_route(struct rdma_cm_id *base, int timeout_ms)
{
	LOCK();
	event_push(container_of(base, struct fake_id, base), NULL, RDMA_CM_EVENT_ROUTE_RESOLVED, 0);
	UNLOCK();
	return 0;
}

/* ---- connecting ---- */

static int fake_connect(struct rdma_cm_id *base, struct rdma_conn_param *param)
{
	struct fake_id *id = container_of(base, struct fake_id, base), *listener, *request;

	LOCK();
	id->param = *param;
	listener = find_bound(&base->route.addr.dst_storage, true);
	if (!listener) {
		event_push(id, NULL, RDMA_CM_EVENT_REJECTED, -ECONNREFUSED);
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
	event_push(request, listener, RDMA_CM_EVENT_CONNECT_REQUEST, 0);
	UNLOCK();
	return 0;
}

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static struct fake_qp *id_qp(struct fake_id *id)
{
	return id && id->base.qp ? container_of(id->base.qp, struct fake_qp, base) : NULL;
}

static int fake_accept(struct rdma_cm_id *base, struct rdma_conn_param *param)
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
	if (param->initiator_depth > peer->param.responder_resources ||
	    param->responder_resources > peer->param.initiator_depth)
		breach("accept() with more depth than was asked for");
	id_qp(id)->depth = smaller(param->initiator_depth, fab.config.read_depth);
	id_qp(peer)->depth = smaller(param->responder_resources, fab.config.read_depth);
	id->connected = peer->connected = true;
	id->established_late = fab.config.late_established;
	if (!id->established_late)
		event_push(id, NULL, RDMA_CM_EVENT_ESTABLISHED, 0);
	event_push(peer, NULL, RDMA_CM_EVENT_ESTABLISHED, 0);
	UNLOCK();
	return 0;
}

static int fake_reject(struct rdma_cm_id *base)
{
	LOCK();
	id_part(container_of(base, struct fake_id, base));
	UNLOCK();
	return 0;
}

static int fake_disconnect(struct rdma_cm_id *base)
{
	struct fake_id *id = container_of(base, struct fake_id, base);

	LOCK();
	if (id->peer && id->connected) {
		id_part(id);
		event_push(id, NULL, RDMA_CM_EVENT_DISCONNECTED, 0);
	}
	if (id_qp(id))
		qp_fail(id_qp(id));
	UNLOCK();
	return 0;
}

/* ---- devices and memory ---- */

static struct ibv_context **fake_get_devices(int *count)
{
	struct ibv_context **list = fake_new(3 * sizeof(*list));

	list[0] = &fab.context[0];
	list[1] = &fab.context[1];
	*count = 2;
	return list;
}

static void fake_free_devices(struct ibv_context **list)
{
	free((void *)list);
}

static int fake_query_device(struct ibv_context *context, struct ibv_device_attr *attr)
{
	*attr = (struct ibv_device_attr){
		.max_qp_wr = (int)fab.config.wr_max,
		.max_cqe = 1 << 16,
		.max_sge = (int)fab.config.sge_max,
		.max_sge_rd = (int)fab.config.sge_read_max,
		.max_qp_rd_atom = (int)fab.config.read_depth,
		.max_qp_init_rd_atom = (int)fab.config.read_depth,
		.phys_port_cnt = 1,
		.device_cap_flags = fab.config.no_invalidate ? 0 : IBV_DEVICE_MEM_MGT_EXTENSIONS,
	};
	return 0;
}

static int fake_query_port(struct ibv_context *context, uint8_t port, struct ibv_port_attr *attr)
{
	bool down = fab.config.port_down && context == &fab.context[0];

	if (port != 1)
		return EINVAL;
	*attr = (struct ibv_port_attr){.state = down ? IBV_PORT_DOWN : IBV_PORT_ACTIVE,
				       .active_speed = 32, /* 25 Gbit/s a lane */
				       .active_width = 2}; /* 4 lanes */
	return 0;
}

static struct ibv_pd *fake_alloc_pd(struct ibv_context *context)
{
	struct ibv_pd *pd;

	if (fab.config.no_pd && context == &fab.context[0]) {
		errno = ENOMEM;
		return NULL;
	}
	pd = fake_new(sizeof(*pd));
	pd->context = context;
	LOCK();
	fab.counts.pds++;
	UNLOCK();
	return pd;
}

static int fake_dealloc_pd(struct ibv_pd *pd)
{
	LOCK();
	list_for_each (n, &fab.mrs) {
		if (container_of(n, struct fake_mr, node)->base.pd == pd)
			breach("a protection domain freed before its regions");
	}
	fab.counts.pds--;
	UNLOCK();
	free(pd);
	return 0;
}

static struct ibv_mr *fake_reg_mr(struct ibv_pd *pd, void *base, size_t len, int access)
{
	struct fake_mr *mr = NULL;

	LOCK();
	if (fab.config.fail_mr && ++fab.registrations == fab.config.fail_mr) {
		errno = ENOMEM;
	} else {
		mr = fake_new(sizeof(*mr));
		mr->base = (struct ibv_mr){.context = pd->context,
					   .pd = pd,
					   .addr = base,
					   .length = len,
					   .lkey = ++fab.next_key};
		list_push(&fab.mrs, &mr->node);
		fab.counts.mrs++;
	}
	UNLOCK();
	return mr ? &mr->base : NULL;
}

static int fake_dereg_mr(struct ibv_mr *base)
{
	struct fake_mr *mr = container_of(base, struct fake_mr, base);

	LOCK();
	list_del(&mr->node);
	fab.counts.mrs--;
	UNLOCK();
	free(mr);
	return 0;
}

uint32_t fake_verbs_expose(void *base, uint32_t len, unsigned access)
{
	uint32_t key = 0;

	LOCK();
	for (unsigned i = 0; i < FAKE_EXPOSED && !key; i++) {
		struct fake_exposed *e = &fab.exposed[i];

		if (!e->rkey) {
			key = ++fab.next_key;
			*e = (struct fake_exposed){base, len, key, access};
		}
	}
	UNLOCK();
	assert(key);
	return key;
}

static struct fake_exposed *exposed_find(uint32_t rkey)
{
	for (unsigned i = 0; rkey && i < FAKE_EXPOSED; i++) {
		if (fab.exposed[i].rkey == rkey)
			return &fab.exposed[i];
	}
	return NULL;
}

bool fake_verbs_exposed(uint32_t rkey)
{
	bool found;

	LOCK();
	found = exposed_find(rkey) != NULL;
	UNLOCK();
	return found;
}

void fake_verbs_unexpose_all(void)
{
	LOCK();
	memset(fab.exposed, 0, sizeof(fab.exposed));
	UNLOCK();
}

/* ---- completion queues ---- */

static struct ibv_comp_channel *fake_create_comp_channel(struct ibv_context *context)
{
	struct fake_completions *c;

	LOCK();
	if (object_fails()) {
		UNLOCK();
		return NULL;
	}
	c = fake_new(sizeof(*c));
	c->base.context = context;
	c->base.fd = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	list_init(&c->cqs);
	fab.counts.completions++;
	UNLOCK();
	return &c->base;
}

static int fake_destroy_comp_channel(struct ibv_comp_channel *base)
{
	struct fake_completions *c = container_of(base, struct fake_completions, base);

	LOCK();
	if (!list_empty(&c->cqs))
		breach("a completion channel destroyed before its queue");
	fab.counts.completions--;
	UNLOCK();
	close(base->fd);
	free(c);
	return 0;
}

static struct ibv_cq *fake_create_cq(struct ibv_context *context, int entries, void *cq_context,
				     struct ibv_comp_channel *channel)
{
	struct fake_cq *cq;

	LOCK();
	if (object_fails()) {
		UNLOCK();
		return NULL;
	}
	cq = fake_new(sizeof(*cq));
	cq->base.context = context;
	cq->base.cq_context = cq_context;
	cq->channel = container_of(channel, struct fake_completions, base);
	cq->cap = (unsigned)entries;
	cq->wc = fake_new(cq->cap * sizeof(*cq->wc));
	list_init(&cq->node);
	fab.counts.cqs++;
	UNLOCK();
	return &cq->base;
}

static int fake_destroy_cq(struct ibv_cq *base)
{
	struct fake_cq *cq = container_of(base, struct fake_cq, base);

	LOCK();
	if (cq->unacked)
		breach("a completion queue destroyed with events that are not acknowledged");
	list_for_each (n, &fab.qps) {
		if (container_of(n, struct fake_qp, node)->cq == cq)
			breach("a completion queue destroyed before its queue pair");
	}
	list_del(&cq->node);
	fab.counts.cqs--;
	UNLOCK();
	free(cq->wc);
	free(cq);
	return 0;
}

/* Only what completes after this makes an event, as on real devices. */
static int fake_req_notify_cq(struct ibv_cq *base)
{
	LOCK();
	container_of(base, struct fake_cq, base)->armed = true;
	UNLOCK();
	return 0;
}

static int fake_get_cq_event(struct ibv_comp_channel *base, struct ibv_cq **out)
{
	struct fake_completions *c = container_of(base, struct fake_completions, base);
	struct fake_cq *cq;

	LOCK();
	if (!fd_take(base->fd)) {
		UNLOCK();
		errno = EAGAIN;
		return -1;
	}
	cq = container_of(list_pop(&c->cqs), struct fake_cq, node);
	cq->signalled = false;
	cq->unacked++;
	*out = &cq->base;
	UNLOCK();
	return 0;
}

static void fake_ack_cq_events(struct ibv_cq *base, unsigned count)
{
	LOCK();
	container_of(base, struct fake_cq, base)->unacked -= count;
	UNLOCK();
}

static void cq_push(struct fake_cq *cq, struct ibv_wc wc)
{
	if (cq->count == cq->cap) {
		breach("a completion queue overflows");
		return;
	}
	cq->wc[(cq->head + cq->count++) % cq->cap] = wc;
	if (!cq->armed || cq->signalled)
		return;
	cq->armed = false;
	cq->signalled = true;
	list_push(&cq->channel->cqs, &cq->node);
	fd_signal(cq->channel->base.fd);
}

static struct fake_qp *qp_find(uint32_t number)
{
	list_for_each (n, &fab.qps) {
		if (container_of(n, struct fake_qp, node)->base.qp_num == number)
			return container_of(n, struct fake_qp, node);
	}
	return NULL;
}

/* A polled completion gives its place in the send queue back. */
static void cq_polled(const struct ibv_wc *wc)
{
	struct fake_qp *qp = qp_find(wc->qp_num);

	if (!qp || wc->opcode & IBV_WC_RECV)
		return;
	qp->sq_unpolled--;
	if (wc->opcode == IBV_WC_RDMA_READ)
		qp->reads_unpolled--;
}

static int fake_poll_cq(struct ibv_cq *base, int count, struct ibv_wc *wc)
{
	struct fake_cq *cq = container_of(base, struct fake_cq, base);
	int n = 0;

	LOCK();
	for (; n < count && cq->count; n++) {
		wc[n] = cq->wc[cq->head];
		cq->head = (cq->head + 1) % cq->cap;
		cq->count--;
		cq_polled(&wc[n]);
	}
	UNLOCK();
	return n;
}

/* ---- queue pairs ---- */

static int fake_create_qp(struct rdma_cm_id *base, struct ibv_pd *pd, struct ibv_qp_init_attr *attr)
{
	struct fake_qp *qp;

	LOCK();
	if (object_fails()) {
		UNLOCK();
		return -1;
	}
	if (attr->cap.max_send_wr > fab.config.wr_max ||
	    attr->cap.max_recv_wr > fab.config.wr_max ||
	    attr->cap.max_send_sge > fab.config.sge_max)
		breach("create_qp() beyond the device's limits");
	qp = fake_new(sizeof(*qp));
	qp->base.context = base->verbs;
	qp->base.pd = pd;
	qp->base.qp_num = ++fab.next_qpn;
	qp->id = container_of(base, struct fake_id, base);
	qp->cq = container_of(attr->send_cq, struct fake_cq, base);
	qp->cap = attr->cap;
	qp->sq = fake_new(qp->cap.max_send_wr * sizeof(*qp->sq));
	qp->rq = fake_new(qp->cap.max_recv_wr * sizeof(*qp->rq));
	list_push(&fab.qps, &qp->node);
	base->qp = &qp->base;
	fab.counts.qps++;
	UNLOCK();
	return 0;
}

static void fake_destroy_qp(struct rdma_cm_id *base)
{
	struct fake_qp *qp = container_of(base->qp, struct fake_qp, base);

	LOCK();
	list_del(&qp->node);
	base->qp = NULL;
	fab.counts.qps--;
	UNLOCK();
	free(qp->sq);
	free(qp->rq);
	free(qp);
}

static enum ibv_wc_opcode wc_opcode(enum ibv_wr_opcode op)
{
	return op == IBV_WR_RDMA_READ    ? IBV_WC_RDMA_READ
	       : op == IBV_WR_RDMA_WRITE ? IBV_WC_RDMA_WRITE
					 : IBV_WC_SEND;
}

static void qp_complete_send(struct fake_qp *qp, enum ibv_wc_status status)
{
	const struct fake_wr *w = &qp->sq[qp->sq_head];

	qp->sq_head = (qp->sq_head + 1) % qp->cap.max_send_wr;
	qp->sq_count--;
	cq_push(qp->cq, (struct ibv_wc){.wr_id = w->wr.wr_id,
					.status = status,
					.opcode = wc_opcode(w->wr.opcode),
					.qp_num = qp->base.qp_num});
}

static void qp_complete_recv(struct fake_qp *qp, enum ibv_wc_status status, uint32_t len)
{
	const struct fake_recv *r = &qp->rq[qp->rq_head];

	qp->rq_head = (qp->rq_head + 1) % qp->cap.max_recv_wr;
	qp->rq_count--;
	cq_push(qp->cq, (struct ibv_wc){.wr_id = r->wr_id,
					.status = status,
					.opcode = IBV_WC_RECV,
					.byte_len = len,
					.qp_num = qp->base.qp_num});
}

/* Error state: everything posted is flushed. */
static void qp_fail(struct fake_qp *qp)
{
	qp->error = true;
	while (qp->rq_count)
		qp_complete_recv(qp, IBV_WC_WR_FLUSH_ERR, 0);
	while (qp->sq_count)
		qp_complete_send(qp, IBV_WC_WR_FLUSH_ERR);
}

static bool post_fails(void)
{
	return fab.config.fail_post && ++fab.posts == fab.config.fail_post;
}

static int qp_check_send(const struct fake_qp *qp, const struct ibv_send_wr *wr)
{
	unsigned sge_max =
		wr->opcode == IBV_WR_RDMA_READ ? fab.config.sge_read_max : fab.config.sge_max;

	if (qp->sq_unpolled == qp->cap.max_send_wr) {
		breach("a send queue overflows");
		return ENOMEM;
	}
	if (wr->num_sge > (int)sge_max || wr->num_sge > FAKE_SGE_MAX) {
		breach("too many scatter/gather entries");
		return EINVAL;
	}
	if (wr->opcode == IBV_WR_RDMA_READ && qp->reads_unpolled == qp->depth)
		breach("more RDMA reads than the initiator depth");
	if (wr->opcode == IBV_WR_SEND_WITH_INV && fab.config.no_invalidate) {
		breach("a device without remote invalidation is asked for it");
		return EINVAL;
	}
	return 0;
}

static int fake_post_send(struct ibv_qp *base, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	struct fake_qp *qp = container_of(base, struct fake_qp, base);
	struct fake_wr *w;
	int err;

	LOCK();
	err = post_fails() ? ENOMEM : qp_check_send(qp, wr);
	if (!err) {
		w = &qp->sq[(qp->sq_head + qp->sq_count++) % qp->cap.max_send_wr];
		w->wr = *wr;
		memcpy(w->sge, wr->sg_list, (size_t)wr->num_sge * sizeof(w->sge[0]));
		qp->sq_unpolled++;
		qp->reads_unpolled += wr->opcode == IBV_WR_RDMA_READ;
		if ((unsigned)wr->num_sge > fab.counts.largest_sge)
			fab.counts.largest_sge = (unsigned)wr->num_sge;
		if (qp->error)
			qp_fail(qp);
		pthread_cond_signal(&fab.work);
	}
	UNLOCK();
	return err;
}

static int fake_post_recv(struct ibv_qp *base, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	struct fake_qp *qp = container_of(base, struct fake_qp, base);
	int err = 0;

	LOCK();
	if (post_fails() || qp->rq_count == qp->cap.max_recv_wr)
		err = ENOMEM;
	else
		qp->rq[(qp->rq_head + qp->rq_count++) % qp->cap.max_recv_wr] =
			(struct fake_recv){wr->wr_id, wr->sg_list[0]};
	if (!err && qp->error)
		qp_fail(qp);
	UNLOCK();
	return err;
}

/* ---- the hardware ---- */

static bool local_ok(const struct fake_qp *qp, const struct ibv_sge *sge)
{
	list_for_each (n, &fab.mrs) {
		const struct ibv_mr *mr = &container_of(n, struct fake_mr, node)->base;
		uint64_t off = sge->addr - (uintptr_t)mr->addr;

		if (mr->lkey == sge->lkey)
			return mr->pd == qp->base.pd && sge->addr >= (uintptr_t)mr->addr &&
			       off <= mr->length && sge->length <= mr->length - off;
	}
	return false;
}

static uint32_t wr_bytes(const struct fake_wr *w)
{
	uint32_t n = 0;

	for (int i = 0; i < w->wr.num_sge; i++)
		n += w->sge[i].length;
	return n;
}

static void *sge_at(const struct ibv_sge *sge)
{
	return (void *)(uintptr_t)sge->addr; /* as the verbs have it */
}

static enum ibv_wc_status run_send(struct fake_qp *qp, struct fake_qp *peer,
				   const struct fake_wr *w)
{
	struct fake_recv *r = &peer->rq[peer->rq_head];
	uint32_t len = wr_bytes(w), at = 0;
	struct fake_exposed *e;

	if (!peer->rq_count) {
		fab.counts.rnr++;
		return IBV_WC_RNR_RETRY_EXC_ERR;
	}
	if (len > r->sge.length || !local_ok(peer, &r->sge))
		return IBV_WC_REM_INV_REQ_ERR;
	if (w->wr.opcode == IBV_WR_SEND_WITH_INV) {
		e = exposed_find(w->wr.invalidate_rkey);
		if (!e)
			return IBV_WC_REM_INV_REQ_ERR;
		e->rkey = 0;
		fab.counts.invalidations++;
	}
	for (int i = 0; i < w->wr.num_sge; i++) {
		memcpy((uint8_t *)sge_at(&r->sge) + at, sge_at(&w->sge[i]), w->sge[i].length);
		at += w->sge[i].length;
	}
	qp_complete_recv(peer, IBV_WC_SUCCESS, len);
	fab.counts.sends++;
	if (peer->id->established_late) {
		peer->id->established_late = false;
		event_push(peer->id, NULL, RDMA_CM_EVENT_ESTABLISHED, 0);
	}
	return IBV_WC_SUCCESS;
}

static enum ibv_wc_status run_remote(const struct fake_wr *w)
{
	const struct fake_exposed *e = exposed_find(w->wr.wr.rdma.rkey);
	bool write = w->wr.opcode == IBV_WR_RDMA_WRITE;
	uint64_t off = e ? w->wr.wr.rdma.remote_addr - (uintptr_t)e->base : 0;
	uint32_t len = wr_bytes(w);

	if (!e || !(e->access & (write ? FAKE_REMOTE_WRITE : FAKE_REMOTE_READ)) || off > e->len ||
	    len > e->len - off)
		return IBV_WC_REM_ACCESS_ERR;
	for (int i = 0; i < w->wr.num_sge; i++) {
		if (write)
			memcpy(e->base + off, sge_at(&w->sge[i]), w->sge[i].length);
		else
			memcpy(sge_at(&w->sge[i]), e->base + off, w->sge[i].length);
		off += w->sge[i].length;
	}
	*(write ? &fab.counts.writes : &fab.counts.reads) += 1;
	return IBV_WC_SUCCESS;
}

static enum ibv_wc_status run_request(struct fake_qp *qp, struct fake_qp *peer)
{
	const struct fake_wr *w = &qp->sq[qp->sq_head];

	for (int i = 0; i < w->wr.num_sge; i++) {
		if (!local_ok(qp, &w->sge[i])) {
			breach("memory that is not registered");
			return IBV_WC_LOC_PROT_ERR;
		}
	}
	if (!peer || peer->error)
		return IBV_WC_RETRY_EXC_ERR;
	if (fab.config.fail_wr && fab.counts.requests == fab.config.fail_wr)
		return IBV_WC_RETRY_EXC_ERR;
	if (w->wr.opcode == IBV_WR_RDMA_READ || w->wr.opcode == IBV_WR_RDMA_WRITE)
		return run_remote(w);
	return run_send(qp, peer, w);
}

/* Faults that come between requests. */
static void run_faults(struct fake_qp *qp)
{
	if (fab.counts.requests == fab.config.disconnect && qp->id->peer) {
		event_push(qp->id, NULL, RDMA_CM_EVENT_DISCONNECTED, 0);
		id_part(qp->id);
	}
	if (fab.counts.requests == fab.config.removal)
		event_push(qp->id, NULL, RDMA_CM_EVENT_DEVICE_REMOVAL, 0);
}

static void run_one(struct fake_qp *qp)
{
	struct fake_qp *peer = id_qp(qp->id->connected ? qp->id->peer : NULL);
	enum ibv_wc_status status;

	fab.counts.requests++;
	status = run_request(qp, peer);
	qp_complete_send(qp, status);
	if (status != IBV_WC_SUCCESS) {
		qp_fail(qp);
		if (peer)
			qp_fail(peer);
	}
	run_faults(qp);
}

static struct fake_qp *pick(void)
{
	unsigned count = 0, which;

	list_for_each (n, &fab.qps)
		count += container_of(n, struct fake_qp, node)->sq_count > 0;
	if (!count)
		return NULL;
	which = fake_random() % count;
	list_for_each (n, &fab.qps) {
		struct fake_qp *qp = container_of(n, struct fake_qp, node);

		if (qp->sq_count && which-- == 0)
			return qp;
	}
	return NULL;
}

static void *hardware(void *arg)
{
	LOCK();
	while (fab.running) {
		struct fake_qp *qp = pick();

		if (!qp) {
			pthread_cond_wait(&fab.work, &fab.lock);
			continue;
		}
		run_one(qp);
		if (fake_random() % 16 == 0) { /* let others post and poll */
			UNLOCK();
			LOCK();
		}
	}
	UNLOCK();
	return NULL;
}

/* ---- the fabric ---- */

static void device_init(unsigned i)
{
	fab.device[i].node_type = i ? IBV_NODE_RNIC : IBV_NODE_CA;
	snprintf(fab.device[i].name, sizeof(fab.device[i].name), "fake%u", i);
	fab.context[i].device = &fab.device[i];
	fab.context[i].async_fd = -1;
}

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
	device_init(0);
	device_init(1);
	fab.running = true;
	if (pthread_create(&fab.thread, NULL, hardware, NULL) != 0)
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
	must_be_none("connection ids", c->ids);
	must_be_none("event channels", c->events);
	must_be_none("completion channels", c->completions);
	must_be_none("completion queues", c->cqs);
	must_be_none("queue pairs", c->qps);
	must_be_none("memory regions", c->mrs);
	must_be_none("protection domains", c->pds);
	if (c->breaches) {
		fprintf(stderr, "fake verbs: %s\n", c->breach);
		abort();
	}
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
	.free_devices = fake_free_devices,
	.query_device = fake_query_device,
	.query_port = fake_query_port,
	.alloc_pd = fake_alloc_pd,
	.dealloc_pd = fake_dealloc_pd,
	.reg_mr = fake_reg_mr,
	.dereg_mr = fake_dereg_mr,
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
