/* SPDX-License-Identifier: Apache-2.0 */
#include "rdma/listener.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "rdma/private.h"
#include "transport/base/clock.h"
#include "transport/base/log.h"

#define LISTENER_BACKLOG 128
#define LISTENER_LOOK_MS 3000
#define LISTENER_SOON_MS 100 /* after an event: others follow it */

/* A reactor, and how many of this listener's channels live there. */
struct listen_spot {
	struct reactor *reactor;
	atomic_uint channels;
};

/* An address that is listened on. */
struct listen_id {
	struct rdma_cm_id *id;
	struct direct_device *device; /* held */
	struct direct_address at;
	bool wanted; /* there is such an address still */
};

struct direct_listener {
	struct direct_owner owner; /* of its channels */
	struct direct_listener_config config;
	const struct verbs_api *verbs;
	struct rdma_event_channel *events; /* NULL: there was no device yet */
	struct reactor_watch watch;
	struct direct_devices_watch devices_watch;
	struct reactor_timer look;
	bool watched, timed, running;
	struct reactor_post start, stop;
	atomic_bool stopping;

	struct direct_address *addresses; /* as of the last look */
	unsigned address_count;
	pthread_mutex_t ids_mutex; /* for who asks on another thread than the one that changes */
	struct listen_id ids[DIRECT_ADDRESSES_MAX];
	unsigned id_count;
	struct listen_spot *spots; /* config.reactor_count */

	atomic_uint channels;
	atomic_uint_fast64_t accepted, refused, failed;
};

/* ---- a new channel ---- */

static int listener_opened(struct direct_owner *owner, struct direct_channel *c, int err)
{
	struct direct_listener *l = container_of(owner, struct direct_listener, owner);

	if (err) {
		atomic_fetch_add(&l->failed, 1);
		return err;
	}
	err = l->config.acceptor->accepted(l->config.acceptor, &c->ch);
	atomic_fetch_add(err ? &l->refused : &l->accepted, 1);
	return err;
}

static void listener_freed(struct direct_owner *owner, struct direct_channel *c)
{
	struct direct_listener *l = container_of(owner, struct direct_listener, owner);
	struct listen_spot *spot = c->owner_data;

	atomic_fetch_sub(&spot->channels, 1);
	atomic_fetch_sub(&l->channels, 1);
}

/* What the peer asked for and the device can: the smaller. A depth of nothing would hang every RDMA
 * read, so it is one at least. */
static uint8_t listener_clamp(uint8_t asked, uint8_t ours)
{
	asked = asked ? asked : 1;
	return asked < ours ? asked : ours;
}

/* On the channel's reactor: take the connection, with a receive posted for what comes first. */
static void listener_hand_over(struct reactor_post *post)
{
	struct direct_channel *c = container_of(post, struct direct_channel, post);
	struct direct_listener *l = container_of(c->owner, struct direct_listener, owner);
	struct rdma_conn_param param = {.retry_count = 7, .rnr_retry_count = 0};
	int err = direct_channel_prepare(c);

	param.initiator_depth = c->read_out;
	param.responder_resources = c->read_in;
	if (!err && l->verbs->accept(c->id, &param) != 0)
		err = -errno;
	if (!err) {
		c->connected = true;
		return;
	}
	atomic_fetch_add(&l->refused, 1);
	log_warning("%s: refused: %s", c->ch.name, strerror(-err));
	l->verbs->reject(c->id);
	direct_channel_discard(c);
}

static struct listen_spot *listener_least(struct direct_listener *l)
{
	struct listen_spot *least = &l->spots[0];

	for (unsigned i = 1; i < l->config.reactor_count; i++) {
		if (atomic_load(&l->spots[i].channels) < atomic_load(&least->channels))
			least = &l->spots[i];
	}
	return least;
}

static struct listen_id *listener_find(struct direct_listener *l, const struct rdma_cm_id *id)
{
	for (unsigned i = 0; i < l->id_count; i++) {
		if (l->ids[i].id == id)
			return &l->ids[i];
	}
	return NULL;
}

static struct direct_channel *listener_channel(struct direct_listener *l, struct rdma_cm_id *id,
					       struct listen_spot *spot)
{
	struct direct_device *device;
	struct direct_channel *c;

	if (atomic_load(&l->stopping) ||
	    (l->config.channels_max && atomic_load(&l->channels) >= l->config.channels_max))
		return NULL;
	device = direct_device_get(l->config.devices, id->verbs);
	if (!device)
		return NULL;
	c = direct_channel_create(id, spot->reactor, l->config.pool, device, &l->config.channel);
	if (!c)
		direct_device_put(device);
	return c;
}

static void listener_request(struct direct_listener *l, const struct rdma_cm_event *event)
{
	const struct rdma_conn_param *param = &event->param.conn;
	const struct listen_id *from = listener_find(l, event->listen_id);
	struct listen_spot *spot = listener_least(l);
	struct direct_channel *c = listener_channel(l, event->id, spot);

	if (!c) {
		atomic_fetch_add(&l->refused, 1);
		l->verbs->reject(event->id);
		l->verbs->destroy_id(event->id);
		return;
	}
	atomic_fetch_add(&spot->channels, 1);
	atomic_fetch_add(&l->channels, 1);
	c->server = true;
	c->owner = &l->owner;
	c->owner_data = spot;
	c->ch.link.if_index = from ? from->at.if_index : 0;
	c->ch.link.rss = from && from->at.rss;
	c->read_out = listener_clamp(param->initiator_depth, c->read_out);
	c->read_in = listener_clamp(param->responder_resources, c->read_in);
	c->post.run = listener_hand_over;
	reactor_post(spot->reactor, &c->post);
}

/* ---- listening on an address ---- */

static void listener_drop(struct direct_listener *l, struct listen_id *one, const char *why)
{
	char text[CHANNEL_ADDRESS_TEXT];

	log_notice("SMB Direct listens no more on %s: %s",
		   channel_address_text(&one->id->route.addr.src_storage, text, sizeof(text)), why);
	l->verbs->destroy_id(one->id);
	atomic_fetch_sub(&one->device->addresses, 1);
	direct_device_put(one->device);
	pthread_mutex_lock(&l->ids_mutex);
	*one = l->ids[--l->id_count];
	pthread_mutex_unlock(&l->ids_mutex);
}

static void address_set_port(struct sockaddr_storage *address, uint16_t port)
{
	if (address->ss_family == AF_INET6)
		((struct sockaddr_in6 *)address)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)address)->sin_port = htons(port);
}

/* An id bound to the address; id->verbs says which device it is on. */
static int listener_bind(struct direct_listener *l, struct sockaddr_storage *address,
			 struct rdma_cm_id **id)
{
	int err = 0;

	if (l->verbs->create_id(l->events, id, l) != 0)
		return -errno;
	if (l->verbs->bind_addr(*id, (struct sockaddr *)address) != 0) {
		err = -errno;
		l->verbs->destroy_id(*id);
		*id = NULL;
	}
	return err;
}

static uint16_t listener_port(const struct direct_listener_config *config, bool iwarp)
{
	if (iwarp)
		return config->port_iwarp ? config->port_iwarp : DIRECT_PORT_IWARP;
	return config->port ? config->port : DIRECT_PORT;
}

/* The type of the device decides on the port: so it is bound once to learn which it is. */
static int listener_device(struct direct_listener *l, struct sockaddr_storage *address,
			   struct direct_device **device)
{
	struct rdma_cm_id *id;
	int err;

	address_set_port(address, 0);
	err = listener_bind(l, address, &id);
	if (err)
		return err;
	*device = direct_device_get(l->config.devices, id->verbs);
	l->verbs->destroy_id(id);
	if (!*device)
		return -ENODEV;
	address_set_port(address, listener_port(&l->config, (*device)->iwarp));
	return 0;
}

static void listener_skip(const struct sockaddr_storage *address, int err)
{
	char text[CHANNEL_ADDRESS_TEXT];

	channel_address_text(address, text, sizeof(text));
	if (err == -ENODEV || err == -EADDRNOTAVAIL)
		log_debug("%s: no RDMA device", text);
	else
		log_warning("%s: SMB Direct can't listen: %s", text, strerror(-err));
}

static void listener_listen(struct direct_listener *l, const struct direct_address *at)
{
	unsigned backlog = l->config.backlog ? l->config.backlog : LISTENER_BACKLOG;
	struct sockaddr_storage address = at->address;
	struct direct_device *device = NULL;
	char text[CHANNEL_ADDRESS_TEXT];
	struct rdma_cm_id *id = NULL;
	int err = listener_device(l, &address, &device);

	if (!err)
		err = listener_bind(l, &address, &id);
	if (!err && l->verbs->listen(id, (int)backlog) != 0) {
		err = -errno;
		l->verbs->destroy_id(id);
	}
	if (err) {
		listener_skip(&address, err);
		if (device)
			direct_device_put(device);
		return;
	}
	atomic_fetch_add(&device->addresses, 1);
	pthread_mutex_lock(&l->ids_mutex);
	l->ids[l->id_count++] = (struct listen_id){id, device, *at, true};
	pthread_mutex_unlock(&l->ids_mutex);
	log_notice("SMB Direct listens on %s, %s (%s)",
		   channel_address_text(&address, text, sizeof(text)), device->name, device->kind);
}

/* ---- looking what came and what went ---- */

static bool address_same(const struct direct_address *a, const struct direct_address *b)
{
	return memcmp(&a->address, &b->address, sizeof(a->address)) == 0;
}

static void look_for_addresses(struct direct_listener *l)
{
	if (l->config.source)
		l->address_count = l->config.source->find(l->config.source, l->addresses,
							  DIRECT_ADDRESSES_MAX);
	for (unsigned i = 0; i < l->id_count; i++)
		l->ids[i].wanted = false;
	for (unsigned a = 0; a < l->address_count; a++) {
		address_set_port(&l->addresses[a].address, 0);
		for (unsigned i = 0; i < l->id_count; i++)
			l->ids[i].wanted |= address_same(&l->ids[i].at, &l->addresses[a]);
	}
}

static void look_drop(struct direct_listener *l)
{
	for (unsigned i = l->id_count; i-- > 0;) {
		if (atomic_load(&l->ids[i].device->failed))
			listener_drop(l, &l->ids[i], "its device went away");
		else if (!l->ids[i].wanted)
			listener_drop(l, &l->ids[i], "the address is gone");
	}
}

static void look_listen(struct direct_listener *l)
{
	for (unsigned a = 0; a < l->address_count; a++) {
		bool known = false;

		for (unsigned i = 0; i < l->id_count; i++)
			known |= address_same(&l->ids[i].at, &l->addresses[a]);
		if (!known && l->id_count < DIRECT_ADDRESSES_MAX)
			listener_listen(l, &l->addresses[a]);
	}
}

static void listener_watch(struct direct_listener *l)
{
	if (!l->running || !l->events || l->watched)
		return;
	l->watch.fd = l->events->fd;
	l->watched = !reactor_watch_add(l->spots[0].reactor, &l->watch, EPOLLIN);
}

/* Not before there is a device: librdmacm has no channel till then. */
static bool listener_has_events(struct direct_listener *l)
{
	if (l->events)
		return true;
	l->events = l->verbs->create_event_channel();
	if (!l->events) {
		direct_devices_say(l->config.devices, "rdma_cm",
				   "connections can't be made: %s: load the module rdma_ucm "
				   "(modprobe rdma_ucm)",
				   strerror(errno));
		return false;
	}
	fcntl(l->events->fd, F_SETFL, O_NONBLOCK);
	listener_watch(l);
	return true;
}

static void listener_look(struct direct_listener *l)
{
	unsigned devices = direct_devices_scan(l->config.devices);

	look_for_addresses(l);
	look_drop(l);
	if (devices && listener_has_events(l))
		look_listen(l);
	direct_devices_judge(l->config.devices);
}

static void listener_look_again(struct direct_listener *l, unsigned ms)
{
	if (l->timed && !atomic_load(&l->stopping))
		reactor_timer_set(l->spots[0].reactor, &l->look, ms * NS_PER_MS);
}

static void listener_look_due(struct reactor_timer *timer)
{
	struct direct_listener *l = container_of(timer, struct direct_listener, look);

	listener_look(l);
	listener_look_again(l, l->config.look_ms);
}

static void listener_devices_changed(struct direct_devices_watch *watch)
{
	listener_look_again(container_of(watch, struct direct_listener, devices_watch),
			    LISTENER_SOON_MS);
}

/* ---- events ---- */

/* Every address of the device: its driver may be waiting for us. */
static void listener_removal(struct direct_listener *l, const struct rdma_cm_id *id)
{
	struct listen_id *one = listener_find(l, id);

	if (!one)
		return;
	direct_device_removed(one->device);
	look_drop(l);
	listener_look_again(l, LISTENER_SOON_MS);
}

/* It is on another device now, or will be: looked for again. */
static void listener_moved(struct direct_listener *l, const struct rdma_cm_id *id)
{
	struct listen_id *one = listener_find(l, id);

	if (one)
		listener_drop(l, one, "the address moves to another device");
	listener_look_again(l, LISTENER_SOON_MS);
}

static void listener_ready(struct reactor_watch *watch, uint32_t events)
{
	struct direct_listener *l = container_of(watch, struct direct_listener, watch);
	struct rdma_cm_event *event;

	while (l->verbs->get_cm_event(l->events, &event) == 0) {
		struct rdma_cm_event copy = *event;

		l->verbs->ack_cm_event(event);
		if (copy.event == RDMA_CM_EVENT_CONNECT_REQUEST)
			listener_request(l, &copy);
		else if (copy.event == RDMA_CM_EVENT_DEVICE_REMOVAL)
			listener_removal(l, copy.id);
		else if (copy.event == RDMA_CM_EVENT_ADDR_CHANGE)
			listener_moved(l, copy.id);
	}
}

/* ---- start and stop ---- */

static void listener_start(struct reactor_post *post)
{
	struct direct_listener *l = container_of(post, struct direct_listener, start);

	if (atomic_load(&l->stopping))
		return;
	l->running = true;
	listener_watch(l);
	direct_devices_watch(l->config.devices, l->spots[0].reactor, &l->devices_watch);
	l->timed = reactor_timer_init(l->spots[0].reactor, &l->look, listener_look_due) == 0;
	listener_look_again(l, l->config.look_ms);
}

static void listener_close(struct direct_listener *l)
{
	pthread_mutex_lock(&l->ids_mutex);
	while (l->id_count) {
		struct listen_id *one = &l->ids[--l->id_count];

		l->verbs->destroy_id(one->id);
		atomic_fetch_sub(&one->device->addresses, 1);
		direct_device_put(one->device);
	}
	pthread_mutex_unlock(&l->ids_mutex);
}

static void listener_unwatch(struct direct_listener *l)
{
	if (l->watched)
		reactor_watch_delete(l->spots[0].reactor, &l->watch);
	if (l->timed)
		reactor_timer_fini(l->spots[0].reactor, &l->look);
	if (l->running)
		direct_devices_watch(l->config.devices, l->spots[0].reactor, NULL);
	l->watched = l->timed = l->running = false;
}

static void listener_stop(struct reactor_post *post)
{
	struct direct_listener *l = container_of(post, struct direct_listener, stop);

	if (l->events)
		listener_ready(&l->watch, 0); /* requests that wait are refused */
	listener_unwatch(l);
	listener_close(l);
}

void direct_listener_stop(struct direct_listener *l)
{
	if (!atomic_exchange(&l->stopping, true))
		reactor_post(l->spots[0].reactor, &l->stop);
}

/* ---- birth and death ---- */

static void listener_free(struct direct_listener *l)
{
	listener_close(l);
	if (l->events)
		l->verbs->destroy_event_channel(l->events);
	pthread_mutex_destroy(&l->ids_mutex);
	free(l->addresses);
	free(l->spots);
	free(l);
}

static int listener_prepare(struct direct_listener *l)
{
	pthread_mutex_init(&l->ids_mutex, NULL);
	l->addresses = calloc(DIRECT_ADDRESSES_MAX, sizeof(*l->addresses));
	l->spots = calloc(l->config.reactor_count, sizeof(*l->spots));
	if (!l->addresses || !l->spots)
		return -ENOMEM;
	for (unsigned i = 0; i < l->config.reactor_count; i++)
		l->spots[i].reactor = l->config.reactors[i];
	for (; l->address_count < l->config.address_count; l->address_count++)
		l->addresses[l->address_count].address = l->config.addresses[l->address_count];
	l->owner = (struct direct_owner){listener_opened, listener_freed};
	l->start.run = listener_start;
	l->stop.run = listener_stop;
	l->watch.ready = listener_ready;
	l->devices_watch.changed = listener_devices_changed;
	return 0;
}

int direct_listener_create(const struct direct_listener_config *config,
			   struct direct_listener **listener)
{
	struct direct_listener *l = calloc(1, sizeof(*l));
	int err;

	assert(config->reactor_count > 0 && config->address_count <= DIRECT_ADDRESSES_MAX);
	if (!l)
		return -ENOMEM;
	l->config = *config;
	if (!l->config.look_ms)
		l->config.look_ms = LISTENER_LOOK_MS;
	l->verbs = direct_devices_verbs(config->devices);
	err = listener_prepare(l);
	if (err) {
		listener_free(l);
		return err;
	}
	l->config.addresses = NULL; /* the caller's */
	listener_look(l);
	reactor_post(l->spots[0].reactor, &l->start);
	*listener = l;
	return 0;
}

void direct_listener_stats(struct direct_listener *l, struct direct_listener_stats *stats)
{
	pthread_mutex_lock(&l->ids_mutex);
	stats->addresses = l->id_count;
	pthread_mutex_unlock(&l->ids_mutex);
	stats->channels = atomic_load(&l->channels);
	stats->accepted = atomic_load(&l->accepted);
	stats->refused = atomic_load(&l->refused);
	stats->failed = atomic_load(&l->failed);
}

bool direct_listener_listens(struct direct_listener *l, const struct sockaddr_storage *address)
{
	struct direct_address asked = {.address = *address};
	bool listens = false;

	address_set_port(&asked.address, 0);
	pthread_mutex_lock(&l->ids_mutex);
	for (unsigned i = 0; i < l->id_count; i++)
		listens |= address_same(&l->ids[i].at, &asked);
	pthread_mutex_unlock(&l->ids_mutex);
	return listens;
}

void direct_listener_destroy(struct direct_listener *l)
{
	if (!l)
		return;
	assert(atomic_load(&l->channels) == 0);
	listener_unwatch(l);
	listener_free(l);
}
