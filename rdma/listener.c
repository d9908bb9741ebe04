/* SPDX-License-Identifier: Apache-2.0 */
#include "rdma/listener.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "rdma/private.h"
#include "transport/base/log.h"

#define LISTENER_BACKLOG 128

/* A reactor, and how many of this listener's channels live there. */
struct listen_spot {
	struct reactor *reactor;
	atomic_uint channels;
};

struct direct_listener {
	struct direct_owner owner; /* of its channels */
	struct direct_listener_config config;
	const struct verbs_api *verbs;
	struct rdma_event_channel *events;
	struct reactor_watch watch;
	bool watched;
	struct reactor_post start, stop;
	atomic_bool stopping;

	struct rdma_cm_id **ids; /* config.address_count; NULL: not listened on */
	atomic_uint id_count;
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
	return asked && asked < ours ? asked : ours;
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

static struct direct_channel *listener_channel(struct direct_listener *l, struct rdma_cm_id *id,
					       struct listen_spot *spot)
{
	struct direct_device *device = direct_devices_find(l->config.devices, id->verbs);

	if (!device || atomic_load(&l->stopping))
		return NULL;
	if (l->config.channels_max && atomic_load(&l->channels) >= l->config.channels_max)
		return NULL;
	return direct_channel_create(id, spot->reactor, l->config.pool, device, &l->config.channel);
}

static void listener_request(struct direct_listener *l, struct rdma_cm_id *id,
			     const struct rdma_conn_param *param)
{
	struct listen_spot *spot = listener_least(l);
	struct direct_channel *c = listener_channel(l, id, spot);

	if (!c) {
		atomic_fetch_add(&l->refused, 1);
		l->verbs->reject(id);
		l->verbs->destroy_id(id);
		return;
	}
	atomic_fetch_add(&spot->channels, 1);
	atomic_fetch_add(&l->channels, 1);
	c->server = true;
	c->owner = &l->owner;
	c->owner_data = spot;
	c->read_out = listener_clamp(param->initiator_depth, c->read_out);
	c->read_in = listener_clamp(param->responder_resources, c->read_in);
	c->post.run = listener_hand_over;
	reactor_post(spot->reactor, &c->post);
}

/* ---- events ---- */

static void listener_drop(struct direct_listener *l, struct rdma_cm_id *id)
{
	for (unsigned i = 0; i < l->config.address_count; i++) {
		if (l->ids[i] == id) {
			l->ids[i] = NULL;
			atomic_fetch_sub(&l->id_count, 1);
			l->verbs->destroy_id(id);
		}
	}
}

static void listener_ready(struct reactor_watch *watch, uint32_t events)
{
	struct direct_listener *l = container_of(watch, struct direct_listener, watch);
	struct rdma_cm_event *event;

	while (l->verbs->get_cm_event(l->events, &event) == 0) {
		struct rdma_cm_event copy = *event;

		l->verbs->ack_cm_event(event);
		if (copy.event == RDMA_CM_EVENT_CONNECT_REQUEST) {
			listener_request(l, copy.id, &copy.param.conn);
		} else if (copy.event == RDMA_CM_EVENT_DEVICE_REMOVAL) {
			log_warning("SMB Direct listens no more on a device that goes away");
			listener_drop(l, copy.id);
		}
	}
}

/* ---- start and stop ---- */

static void listener_start(struct reactor_post *post)
{
	struct direct_listener *l = container_of(post, struct direct_listener, start);

	if (!atomic_load(&l->stopping))
		l->watched = !reactor_watch_add(l->spots[0].reactor, &l->watch, EPOLLIN);
}

static void listener_close(struct direct_listener *l)
{
	for (unsigned i = 0; l->ids && i < l->config.address_count; i++) {
		if (l->ids[i])
			l->verbs->destroy_id(l->ids[i]);
		l->ids[i] = NULL;
	}
	atomic_store(&l->id_count, 0);
}

static void listener_unwatch(struct direct_listener *l)
{
	if (l->watched)
		reactor_watch_delete(l->spots[0].reactor, &l->watch);
	l->watched = false;
}

static void listener_stop(struct reactor_post *post)
{
	struct direct_listener *l = container_of(post, struct direct_listener, stop);

	listener_ready(&l->watch, 0); /* requests that wait are refused */
	listener_unwatch(l);
	listener_close(l);
}

void direct_listener_stop(struct direct_listener *l)
{
	if (!atomic_exchange(&l->stopping, true))
		reactor_post(l->spots[0].reactor, &l->stop);
}

/* ---- addresses ---- */

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

static void listener_skip(const struct sockaddr_storage *address, int err)
{
	char text[CHANNEL_ADDRESS_TEXT];

	channel_address_text(address, text, sizeof(text));
	if (err == -ENODEV || err == -EADDRNOTAVAIL)
		log_info("%s: no RDMA device", text);
	else
		log_warning("%s: SMB Direct can't listen: %s", text, strerror(-err));
}

/* The type of the device decides on the port: so it is bound once to learn which it is. */
static int listener_port(struct direct_listener *l, struct sockaddr_storage *address)
{
	const struct direct_listener_config *config = &l->config;
	struct direct_device *device;
	struct rdma_cm_id *id;
	int err;

	address_set_port(address, 0);
	err = listener_bind(l, address, &id);
	if (err)
		return err;
	device = direct_devices_find(config->devices, id->verbs);
	l->verbs->destroy_id(id);
	if (!device)
		return -ENODEV;
	if (device->iwarp)
		address_set_port(address,
				 config->port_iwarp ? config->port_iwarp : DIRECT_PORT_IWARP);
	else
		address_set_port(address, config->port ? config->port : DIRECT_PORT);
	return 0;
}

static void listener_listen(struct direct_listener *l, unsigned index)
{
	struct sockaddr_storage address = l->config.addresses[index];
	char text[CHANNEL_ADDRESS_TEXT];
	struct rdma_cm_id *id = NULL;
	int err = listener_port(l, &address);

	if (!err)
		err = listener_bind(l, &address, &id);
	if (!err && l->verbs->listen(id, (int)(l->config.backlog ? l->config.backlog
								 : LISTENER_BACKLOG)) != 0) {
		err = -errno;
		l->verbs->destroy_id(id);
	}
	if (err) {
		listener_skip(&address, err);
		return;
	}
	l->ids[index] = id;
	atomic_fetch_add(&l->id_count, 1);
	log_info("SMB Direct listens on %s", channel_address_text(&address, text, sizeof(text)));
}

/* ---- birth and death ---- */

static void listener_free(struct direct_listener *l)
{
	listener_close(l);
	if (l->events)
		l->verbs->destroy_event_channel(l->events);
	free((void *)l->ids);
	free(l->spots);
	free(l);
}

static int listener_prepare(struct direct_listener *l)
{
	l->ids = calloc(l->config.address_count, sizeof(struct rdma_cm_id *));
	l->spots = calloc(l->config.reactor_count, sizeof(*l->spots));
	if (!l->ids || !l->spots)
		return -ENOMEM;
	for (unsigned i = 0; i < l->config.reactor_count; i++)
		l->spots[i].reactor = l->config.reactors[i];
	l->owner = (struct direct_owner){listener_opened, listener_freed};
	l->start.run = listener_start;
	l->stop.run = listener_stop;
	l->watch.ready = listener_ready;
	l->events = l->verbs->create_event_channel();
	if (!l->events) {
		int err = errno;

		log_notice("SMB Direct is off: %s (is the module rdma_ucm loaded?)", strerror(err));
		return -err;
	}
	fcntl(l->events->fd, F_SETFL, O_NONBLOCK);
	l->watch.fd = l->events->fd;
	return 0;
}

int direct_listener_create(const struct direct_listener_config *config,
			   struct direct_listener **listener)
{
	struct direct_listener *l = calloc(1, sizeof(*l));
	int err;

	assert(config->reactor_count > 0);
	if (!l)
		return -ENOMEM;
	l->config = *config;
	l->verbs = direct_devices_verbs(config->devices);
	err = listener_prepare(l);
	if (err) {
		listener_free(l);
		return err;
	}
	for (unsigned i = 0; i < config->address_count; i++)
		listener_listen(l, i);
	l->config.addresses = NULL; /* the caller's */
	reactor_post(l->spots[0].reactor, &l->start);
	*listener = l;
	return 0;
}

void direct_listener_stats(struct direct_listener *l, struct direct_listener_stats *stats)
{
	stats->addresses = atomic_load(&l->id_count);
	stats->channels = atomic_load(&l->channels);
	stats->accepted = atomic_load(&l->accepted);
	stats->refused = atomic_load(&l->refused);
	stats->failed = atomic_load(&l->failed);
}

void direct_listener_destroy(struct direct_listener *l)
{
	if (!l)
		return;
	assert(atomic_load(&l->channels) == 0);
	listener_unwatch(l);
	listener_free(l);
}
