/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tcp/private.h"
#include "transport/base/clock.h"
#include "transport/base/log.h"

#define TCP_SLICES      64
#define TCP_TICK_MAX_NS (5 * NS_PER_SEC)
#define TCP_TICK_MIN_NS (10 * NS_PER_MS)

static struct tcp_channel *tcp_of(struct channel *ch)
{
	return container_of(ch, struct tcp_channel, ch);
}

/* ---- readiness ---- */

void tcp_channel_watch(struct tcp_channel *c)
{
	uint32_t events = 0;

	if (c->state > TCP_CHANNEL_CLOSING)
		return;
	if (tcp_recv_wants(c))
		events |= EPOLLIN;
	if (c->blocked)
		events |= EPOLLOUT;
	if (events != c->watch.events)
		reactor_watch_modify(c->ch.reactor, &c->watch, events);
}

static void tcp_ready(struct reactor_watch *watch, uint32_t events)
{
	struct tcp_channel *c = container_of(watch, struct tcp_channel, watch);
	const char *context = log_context(c->ch.name);

	if (events & EPOLLOUT)
		tcp_send_flush(c);
	if (tcp_recv_wants(c) && (events & ~(uint32_t)EPOLLOUT))
		c->state == TCP_CHANNEL_OPEN ? tcp_recv_ready(c) : tcp_recv_discard(c);
	else if (events & (EPOLLERR | EPOLLHUP)) /* told though not asked for */
		tcp_channel_end(c, -ECONNRESET, -ECONNRESET);
	tcp_channel_watch(c);
	log_context(context);
}

/* ---- time ---- */

static bool tcp_over(uint64_t now, uint64_t since, unsigned timeout_ms)
{
	return since && timeout_ms && now - since >= timeout_ms * NS_PER_MS;
}

/* Fine enough for the shortest of the times, and never a load. */
static uint64_t tcp_tick_ns(const struct tcp_channel *c)
{
	const unsigned times[] = {c->config.frame_timeout_ms, c->config.stall_timeout_ms,
				  c->config.close_timeout_ms};
	uint64_t tick = TCP_TICK_MAX_NS;

	for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (times[i] && times[i] * NS_PER_MS / 4 < tick)
			tick = times[i] * NS_PER_MS / 4;
	}
	return tick < TCP_TICK_MIN_NS ? TCP_TICK_MIN_NS : tick;
}

void tcp_channel_tick(struct tcp_channel *c)
{
	if (c->ticking || c->state > TCP_CHANNEL_CLOSING)
		return;
	c->ticking = true;
	reactor_timer_set(c->ch.reactor, &c->timer, tcp_tick_ns(c));
}

static void tcp_timeout(struct tcp_channel *c, const char *what)
{
	log_info("%s: %s", c->ch.name, what);
	tcp_channel_end(c, -ETIMEDOUT, -ECONNRESET);
}

static void tcp_fire(struct reactor_timer *timer)
{
	struct tcp_channel *c = container_of(timer, struct tcp_channel, timer);
	uint64_t now = reactor_now_ns(c->ch.reactor);

	c->ticking = false;
	if (tcp_over(now, c->close_since, c->config.close_timeout_ms)) {
		tcp_channel_end(c, 0, -ECANCELED);
	} else if (c->state == TCP_CHANNEL_OPEN && tcp_recv_wants(c) &&
		   tcp_over(now, c->frame_since, c->config.frame_timeout_ms)) {
		tcp_timeout(c, "the peer does not finish its message");
	} else if (c->blocked && tcp_over(now, c->drain_since, c->config.stall_timeout_ms)) {
		tcp_timeout(c, "the peer does not take what it asked for");
	} else if (c->frame_since || c->blocked || c->close_since) {
		if (!tcp_recv_wants(c) && c->frame_since) /* it is we who do not read */
			c->frame_since = now;
		tcp_channel_tick(c);
	} else if (now - c->active_ns >= tcp_tick_ns(c)) {
		tcp_rx_trim(&c->rx);
	} else {
		tcp_channel_tick(c);
	}
}

/* ---- the end ---- */

static void tcp_free(struct tcp_channel *c)
{
	struct tcp_owner *owner = c->owner;

	reactor_defer_cancel(&c->turn);
	if (c->timed)
		reactor_timer_fini(c->ch.reactor, &c->timer);
	tcp_rx_fini(&c->rx);
	if (owner)
		owner->freed(owner, c);
	free(c);
}

static void tcp_socket_close(struct tcp_channel *c, bool reset)
{
	struct linger linger = {.l_onoff = 1};

	if (c->watch.fd < 0)
		return;
	if (reset)
		setsockopt(c->watch.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	if (c->watched)
		reactor_watch_delete(c->ch.reactor, &c->watch);
	close(c->watch.fd);
	c->watch.fd = -1;
}

void tcp_channel_end(struct tcp_channel *c, int why, int op_err)
{
	if (c->state >= TCP_CHANNEL_ENDED)
		return;
	if (c->state == TCP_CHANNEL_OPEN) { /* else the first reason stands */
		c->why = why;
		c->op_err = op_err;
	}
	c->state = TCP_CHANNEL_ENDED;
	tcp_recv_stop(c);
	tcp_socket_close(c, !c->eof && (why != 0 || !c->shut));
	if (c->timed)
		reactor_timer_cancel(c->ch.reactor, &c->timer);
	reactor_defer(c->ch.reactor, &c->turn);
}

static void tcp_finish(struct tcp_channel *c)
{
	tcp_send_fail(c);
	log_debug("%s: closed: %s", c->ch.name, c->why ? strerror(-c->why) : "in order");
	c->state = TCP_CHANNEL_CLOSED;
	c->rx.unreleased++; /* closed() may release the last message */
	c->ch.user_ops->closed(&c->ch, c->why);
	if (--c->rx.unreleased == 0)
		tcp_free(c);
}

static void tcp_close(struct channel *ch, int why)
{
	struct tcp_channel *c = tcp_of(ch);

	if (why) {
		tcp_channel_end(c, why, -ECANCELED);
		return;
	}
	if (c->state != TCP_CHANNEL_OPEN)
		return;
	c->state = TCP_CHANNEL_CLOSING;
	c->op_err = -ECANCELED;
	c->close_since = reactor_now_ns(ch->reactor);
	tcp_recv_stop(c);
	reactor_timer_cancel(ch->reactor, &c->timer);
	c->ticking = false;
	tcp_channel_tick(c);
	reactor_defer(ch->reactor, &c->turn);
}

static void tcp_release(struct channel *ch, struct channel_msg *msg)
{
	struct tcp_channel *c = tcp_of(ch);
	bool wanted = tcp_rx_wants(&c->rx);

	tcp_rx_release(&c->rx, msg);
	if (c->state == TCP_CHANNEL_OPEN && !wanted)
		reactor_defer(ch->reactor, &c->turn);
	if (c->state == TCP_CHANNEL_CLOSED && c->rx.unreleased == 0)
		tcp_free(c);
}

/* The end of a turn in which something was sent, released or closed. */
static void tcp_turn(struct reactor_defer *turn)
{
	struct tcp_channel *c = container_of(turn, struct tcp_channel, turn);
	const char *context = log_context(c->ch.name);

	if (c->state == TCP_CHANNEL_OPEN && !c->buf_waits)
		tcp_recv_resume(c);
	if (c->state <= TCP_CHANNEL_CLOSING && !c->blocked)
		tcp_send_flush(c);
	log_context(context);
	if (c->state == TCP_CHANNEL_ENDED)
		tcp_finish(c);
	else
		tcp_channel_watch(c);
}

static void tcp_stats(const struct channel *ch, struct channel_stats *stats)
{
	static const char *const states[] = {"open", "closing", "ending", "ending"};
	const struct tcp_channel *c = container_of(ch, const struct tcp_channel, ch);

	*stats = (struct channel_stats){.state = states[c->state]};
}

static const struct channel_ops tcp_ops = {
	.name = "tcp",
	.send = tcp_send,
	.release = tcp_release,
	.close = tcp_close,
	.stats = tcp_stats,
	.delivered = tcp_send_delivered,
};

/* ---- the beginning ---- */

static void tcp_describe(struct tcp_channel *c)
{
	char local[CHANNEL_ADDRESS_TEXT], peer[CHANNEL_ADDRESS_TEXT];
	struct channel_link *link = &c->ch.link;
	socklen_t len = sizeof(link->local);

	link->numa_node = -1;
	getsockname(c->watch.fd, (struct sockaddr *)&link->local, &len);
	len = sizeof(link->peer);
	getpeername(c->watch.fd, (struct sockaddr *)&link->peer, &len);
	snprintf(c->ch.name, sizeof(c->ch.name), "tcp %.43s <- %.43s",
		 channel_address_text(&link->local, local, sizeof(local)),
		 channel_address_text(&link->peer, peer, sizeof(peer)));
}

struct tcp_channel *tcp_channel_create(int fd, struct reactor *reactor, struct buf_pool *pool,
				       const struct tcp_config *config)
{
	struct tcp_channel *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->config = *config;
	c->pool = pool;
	c->watch.fd = fd;
	c->watch.ready = tcp_ready;
	c->turn.run = tcp_turn;
	list_init(&c->turn.node);
	list_init(&c->sends);
	tcp_rx_init(&c->rx, &tcp_recv_user, config->msg_bytes, config->unreleased);
	c->ch.ops = &tcp_ops;
	c->ch.reactor = reactor;
	c->ch.id = channel_id_next();
	c->ch.limits = (struct channel_limits){.msg_bytes = config->msg_bytes,
					       .slices = TCP_SLICES,
					       .unreleased = config->unreleased,
					       .file_slices = config->file_slices};
	tcp_socket_setup(fd, config);
	tcp_describe(c);
	return c;
}

int tcp_channel_open(struct tcp_channel *c)
{
	struct reactor *r = c->ch.reactor;
	int err = reactor_timer_init(r, &c->timer, tcp_fire);

	if (err < 0)
		return err;
	c->timed = true;
	err = reactor_watch_add(r, &c->watch, EPOLLIN);
	if (err < 0)
		return err;
	c->watched = true;
	c->active_ns = reactor_now_ns(r);
	if (c->owner) { /* who connects to a server speaks first */
		c->frame_since = c->active_ns;
		tcp_channel_tick(c);
	}
	return 0;
}

void tcp_channel_discard(struct tcp_channel *c)
{
	tcp_recv_stop(c);
	tcp_socket_close(c, true);
	tcp_free(c);
}
