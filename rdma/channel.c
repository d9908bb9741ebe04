/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "rdma/private.h"
#include "transport/base/clock.h"
#include "transport/base/log.h"

#define DIRECT_SLICES 64
#define DIRECT_REMOTE_SLICES \
	4096 /* more than 64 KiB of descriptors: what a READ or WRITE may name */

static struct direct_channel *direct_of(struct channel *ch)
{
	return container_of(ch, struct direct_channel, ch);
}

void direct_config_default(struct direct_config *config)
{
	*config = (struct direct_config){
		.receive_credits = 255,
		.send_credits = 255,
		.send_bytes = 8192,
		.receive_bytes = 1364,
		.fragmented_bytes = 1u << 20,
		.remote_bytes = 8u << 20,
		.unreleased = 512,
		.send_slots = 64,
		.write_depth = 32,
		.read_depth = DIRECT_READS_MAX,
		.negotiate_timeout_ms = 5000,
		.keepalive_ms = 120000,
		.keepalive_timeout_ms = 5000,
		.stall_timeout_ms = 60000,
		.close_timeout_ms = 5000,
	};
}

/* ---- timers ---- */

static int timers_init(struct direct_channel *c)
{
	int err = reactor_timer_init(c->ch.reactor, &c->timer, direct_timer_fire);

	if (err)
		return err;
	err = reactor_timer_init(c->ch.reactor, &c->reap, direct_reap_fire);
	if (err)
		reactor_timer_fini(c->ch.reactor, &c->timer);
	c->timed = !err;
	return err;
}

static void timers_fini(struct direct_channel *c)
{
	reactor_timer_fini(c->ch.reactor, &c->timer);
	reactor_timer_fini(c->ch.reactor, &c->reap);
}

/* ---- the end ---- */

static void direct_free(struct direct_channel *c)
{
	struct direct_owner *owner = c->owner;

	reactor_defer_cancel(&c->turn);
	if (c->timed)
		timers_fini(c);
	if (c->rx_ready)
		direct_rx_fini(&c->rx);
	direct_memory_put(c);
	direct_device_count(c->device, &c->ch.counters);
	direct_device_put(c->device);
	if (owner)
		owner->freed(owner, c);
	free(c);
}

void direct_channel_end(struct direct_channel *c, int why, int op_err)
{
	if (c->state >= DIRECT_ENDED)
		return;
	if (c->state != DIRECT_CLOSING) { /* else the first reason stands */
		c->why = why;
		c->op_err = op_err;
	}
	c->state = DIRECT_ENDED;
	direct_receive_stop(c);
	if (c->timed) {
		reactor_timer_cancel(c->ch.reactor, &c->timer);
		reactor_timer_cancel(c->ch.reactor, &c->reap);
	}
	reactor_defer(c->ch.reactor, &c->turn);
}

/* The connection is of no more use: the peer's doing, or the network's. What came before that is
 * still delivered. */
void direct_channel_gone(struct direct_channel *c)
{
	if (c->state == DIRECT_OPEN) {
		c->state = DIRECT_DRAINING;
		reactor_defer(c->ch.reactor, &c->turn);
	} else if (c->state < DIRECT_DRAINING) {
		direct_channel_end(c, -ECONNRESET, -ECONNRESET);
	}
}

static void channel_finish(struct direct_channel *c)
{
	direct_poll_last(c);
	direct_queues_destroy(c);
	direct_pull_fail(c);
	direct_send_fail(c);
	direct_pull_fail(c);
	c->state = DIRECT_CLOSED;
	if (!c->told) {
		if (!c->refused)
			c->owner->opened(c->owner, c, c->why);
		direct_free(c);
		return;
	}
	log_debug("%s: closed: %s", c->ch.name, c->why ? strerror(-c->why) : "in order");
	c->rx.unreleased++; /* closed() may release the last message */
	c->ch.user_ops->closed(&c->ch, c->why);
	c->rx.unreleased--;
	direct_channel_released(c);
}

void direct_channel_released(struct direct_channel *c)
{
	if (c->state == DIRECT_CLOSED && c->rx.unreleased == 0)
		direct_free(c);
}

static void direct_close(struct channel *ch, int why)
{
	struct direct_channel *c = direct_of(ch);

	if (why) {
		direct_channel_end(c, why, -ECANCELED);
		return;
	}
	if (c->state == DIRECT_DRAINING)
		direct_channel_end(c, 0, -ECANCELED);
	if (c->state != DIRECT_OPEN)
		return;
	c->state = DIRECT_CLOSING;
	c->why = 0;
	c->op_err = -ECANCELED;
	c->close_since = reactor_now_ns(ch->reactor);
	direct_receive_stop(c);
	reactor_defer(ch->reactor, &c->turn);
}

static const struct channel_ops direct_ops = {
	.name = "rdma",
	.send = direct_send,
	.pull = direct_pull,
	.release = direct_receive_release,
	.close = direct_close,
	.stats = direct_stats,
};

/* ---- events ---- */

static void channel_cq_ready(struct reactor_watch *watch, uint32_t events)
{
	struct direct_channel *c = container_of(watch, struct direct_channel, cq_watch);
	const char *context = log_context(c->ch.name);

	direct_poll_event(c);
	log_context(context);
}

static void channel_established(struct direct_channel *c, const struct rdma_conn_param *param)
{
	c->connected = true;
	if (c->server || c->state != DIRECT_NEGOTIATING)
		return;
	if (param->initiator_depth && param->initiator_depth < c->read_out)
		c->read_out = param->initiator_depth;
	direct_negotiate_start(c);
}

static void channel_event(struct direct_channel *c, const struct rdma_cm_event *event)
{
	switch (event->event) {
	case RDMA_CM_EVENT_ESTABLISHED:
		channel_established(c, &event->param.conn);
		break;
	case RDMA_CM_EVENT_CONNECT_ERROR:
	case RDMA_CM_EVENT_UNREACHABLE:
	case RDMA_CM_EVENT_REJECTED:
		direct_channel_end(c, -ECONNREFUSED, -ECONNRESET);
		break;
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
		log_warning("%s: the device %s goes away", c->ch.name, c->device->name);
		direct_channel_gone(c);
		break;
	case RDMA_CM_EVENT_ADDR_CHANGE: /* does the peer still hear us? */
		c->ask = true;
		direct_channel_turn(c);
		break;
	case RDMA_CM_EVENT_DISCONNECTED: /* what completed before it counts */
		while (direct_poll(c))
			;
		direct_channel_gone(c);
		break;
	default:
		break;
	}
}

static void channel_cm_ready(struct reactor_watch *watch, uint32_t events)
{
	struct direct_channel *c = container_of(watch, struct direct_channel, cm_watch);
	const char *context = log_context(c->ch.name);
	struct rdma_cm_event *event;

	while (c->state < DIRECT_ENDED && c->verbs->get_cm_event(c->events, &event) == 0) {
		struct rdma_cm_event copy = *event;

		c->verbs->ack_cm_event(event);
		channel_event(c, &copy);
	}
	log_context(context);
}

/* ---- turns ---- */

void direct_channel_turn(struct direct_channel *c)
{
	reactor_defer(c->ch.reactor, &c->turn);
}

static void turn_open(struct direct_channel *c)
{
	if (c->state == DIRECT_OPEN)
		direct_receive_resume(c);
	if (c->state >= DIRECT_ANSWERED && c->state <= DIRECT_CLOSING &&
	    direct_post_receives(c, c->slot_count) != 0)
		direct_channel_end(c, -ECONNRESET, -ECONNRESET);
	direct_pull_pump(c);
	direct_send_pump(c);
	if (c->state <= DIRECT_CLOSING)
		direct_post_flush(c);
	direct_poll_on(c);
	if (c->state == DIRECT_CLOSING && direct_send_idle(c))
		direct_channel_end(c, 0, -ECANCELED);
}

/* Once: what completed before the end, then nothing more is with the device, then the ops. Then as
 * long as it takes: the messages that are whole. */
static void turn_draining(struct direct_channel *c)
{
	while (c->receive_cq && direct_poll(c))
		;
	if (c->state != DIRECT_DRAINING)
		return;
	direct_queues_destroy(c);
	c->op_err = -ECONNRESET;
	direct_pull_fail(c);
	direct_send_fail(c);
	if (c->state == DIRECT_DRAINING)
		direct_receive_resume(c);
	if (c->state == DIRECT_DRAINING && !direct_rx_pending(&c->rx))
		direct_channel_end(c, -ECONNRESET, -ECONNRESET);
}

static void channel_turn(struct reactor_defer *turn)
{
	struct direct_channel *c = container_of(turn, struct direct_channel, turn);
	const char *context = log_context(c->ch.name);

	if (c->state <= DIRECT_CLOSING)
		turn_open(c);
	if (c->state == DIRECT_DRAINING)
		turn_draining(c);
	log_context(context);
	if (c->state == DIRECT_ENDED)
		channel_finish(c);
}

/* ---- the beginning ---- */

static void channel_describe(struct direct_channel *c)
{
	char local[CHANNEL_ADDRESS_TEXT], peer[CHANNEL_ADDRESS_TEXT];
	struct channel_link *link = &c->ch.link;

	memcpy(&link->local, &c->id->route.addr.src_storage, sizeof(link->local));
	memcpy(&link->peer, &c->id->route.addr.dst_storage, sizeof(link->peer));
	link->numa_node = c->device->numa_node;
	link->rdma = true;
	snprintf(link->device, sizeof(link->device), "%s", c->device->name);
	link->bits_per_sec = direct_device_speed(c->device, c->id->port_num);
	snprintf(c->ch.name, sizeof(c->ch.name), "rdma %.43s <- %.43s",
		 channel_address_text(&link->local, local, sizeof(local)),
		 channel_address_text(&link->peer, peer, sizeof(peer)));
}

static void channel_init(struct direct_channel *c)
{
	list_init(&c->idle_slots);
	list_init(&c->idle_outs);
	list_init(&c->sends);
	list_init(&c->sent);
	list_init(&c->pulls);
	list_init(&c->windows);
	list_init(&c->turn.node);
	c->turn.run = channel_turn;
	c->cm_watch.ready = channel_cm_ready;
	c->cq_watch.ready = channel_cq_ready;
	c->ch.ops = &direct_ops;
	c->ch.id = channel_id_next();
	c->ch.limits = (struct channel_limits){.slices = DIRECT_SLICES,
					       .unreleased = c->config.unreleased,
					       .remote_slices = DIRECT_REMOTE_SLICES,
					       .remote_invalidate = c->device->send_invalidate};
}

static uint8_t read_depth(unsigned config, unsigned device)
{
	unsigned n = config < device ? config : device;

	n = n < DIRECT_READS_MAX ? n : DIRECT_READS_MAX;
	return (uint8_t)(n ? n : 1);
}

struct direct_channel *direct_channel_create(struct rdma_cm_id *id, struct reactor *reactor,
					     struct buf_pool *pool, struct direct_device *device,
					     const struct direct_config *config)
{
	struct direct_channel *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->config = *config;
	c->verbs = device->verbs;
	c->device = device;
	c->pool = pool;
	c->ch.reactor = reactor;
	c->read_out = read_depth(config->read_depth, device->read_out_max);
	c->read_in = read_depth(config->read_depth, device->read_in_max);
	c->sge_max = device->sge_max < DIRECT_SGE_MAX ? device->sge_max : DIRECT_SGE_MAX;
	channel_init(c);
	c->events = c->verbs->create_event_channel();
	if (!c->events || c->verbs->migrate_id(id, c->events) != 0) {
		if (c->events)
			c->verbs->destroy_event_channel(c->events);
		free(c);
		return NULL;
	}
	fcntl(c->events->fd, F_SETFL, O_NONBLOCK);
	c->id = id;
	c->link_news = atomic_load(&device->link_news);
	atomic_fetch_add(&device->channels, 1);
	channel_describe(c);
	return c;
}

static int channel_watch(struct direct_channel *c)
{
	struct reactor *r = c->ch.reactor;
	int err;

	c->cm_watch.fd = c->events->fd;
	c->cq_watch.fd = c->completions->fd;
	err = reactor_watch_add(r, &c->cm_watch, EPOLLIN);
	if (err)
		return err;
	err = reactor_watch_add(r, &c->cq_watch, EPOLLIN);
	if (err)
		reactor_watch_delete(r, &c->cm_watch);
	c->watched = !err;
	return err;
}

int direct_channel_prepare(struct direct_channel *c)
{
	int err = timers_init(c);

	if (err)
		return err;
	direct_rx_init(&c->rx, &direct_receive_user, c->config.unreleased, 0);
	c->rx_ready = true;
	err = direct_memory_get(c);
	if (!err)
		err = direct_queues_create(c);
	if (!err)
		err = direct_post_receives(c, 1);
	if (!err)
		err = channel_watch(c);
	c->begun_since = c->heard_ns = reactor_now_ns(c->ch.reactor);
	if (!err)
		direct_timer_start(c);
	return err;
}

void direct_channel_discard(struct direct_channel *c)
{
	direct_receive_stop(c);
	direct_queues_destroy(c);
	direct_free(c);
}

void direct_channel_opened(struct direct_channel *c)
{
	int err;

	c->state = DIRECT_OPEN;
	err = c->owner->opened(c->owner, c, 0);
	if (err) {
		c->refused = true;
		direct_channel_end(c, err, -ECONNRESET);
		return;
	}
	c->told = true;
	log_debug("%s: open, sends of %u, receives of %u, messages of %zu bytes", c->ch.name,
		  c->send_bytes, c->receive_bytes, c->ch.limits.msg_bytes);
	reactor_defer(c->ch.reactor, &c->turn);
}
