/* SPDX-License-Identifier: Apache-2.0 */
/* Time: the negotiation ([MS-SMBD] 3.1.6.1), the idle connection (3.1.6.2), a peer that gives no
 * credits, and an orderly close. */
#include <errno.h>

#include "rdma/private.h"
#include "transport/base/clock.h"
#include "transport/base/log.h"

#define TICK_MAX_NS (5 * NS_PER_SEC)
#define TICK_MIN_NS (10 * NS_PER_MS)

static bool time_over(uint64_t now, uint64_t since, unsigned timeout_ms)
{
	return since && timeout_ms && now - since >= timeout_ms * NS_PER_MS;
}

/* Fine enough for the shortest of the times, and never a load. */
static uint64_t time_tick_ns(const struct direct_channel *c)
{
	const unsigned times[] = {c->config.negotiate_timeout_ms, c->config.keepalive_ms,
				  c->config.keepalive_timeout_ms, c->config.stall_timeout_ms,
				  c->config.close_timeout_ms};
	uint64_t tick = TICK_MAX_NS;

	for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (times[i] && times[i] * NS_PER_MS / 4 < tick)
			tick = times[i] * NS_PER_MS / 4;
	}
	return tick < TICK_MIN_NS ? TICK_MIN_NS : tick;
}

void direct_timer_start(struct direct_channel *c)
{
	reactor_timer_set(c->ch.reactor, &c->timer, time_tick_ns(c));
}

static void time_out(struct direct_channel *c, const char *what)
{
	log_info("%s: %s", c->ch.name, what);
	direct_channel_end(c, -ETIMEDOUT, -ECONNRESET);
}

/* What became of the device. True: the channel ends. */
static bool time_device(struct direct_channel *c)
{
	unsigned news = atomic_load(&c->device->link_news);

	if (atomic_load(&c->device->failed)) {
		log_info("%s: the device %s is of no more use", c->ch.name, c->device->name);
		direct_channel_gone(c);
		return true;
	}
	if (news != c->link_news && c->state == DIRECT_OPEN && !c->asked_since) {
		c->ask = true; /* who is out of reach does not answer */
		direct_channel_turn(c);
	}
	c->link_news = news;
	return false;
}

static void time_open(struct direct_channel *c, uint64_t now)
{
	if (time_over(now, c->asked_since, c->config.keepalive_timeout_ms)) {
		time_out(c, "the peer is silent");
	} else if (time_over(now, c->stalled_since, c->config.stall_timeout_ms)) {
		time_out(c, "the peer gives no credits");
	} else if (!c->asked_since && !c->ask &&
		   time_over(now, c->heard_ns, c->config.keepalive_ms)) {
		c->ask = true;
		direct_channel_turn(c);
	} else if (c->ask && time_over(now, c->heard_ns,
				       c->config.keepalive_ms + c->config.keepalive_timeout_ms)) {
		time_out(c, "the peer is silent, and gave no credit to ask it");
	}
}

void direct_timer_fire(struct reactor_timer *timer)
{
	struct direct_channel *c = container_of(timer, struct direct_channel, timer);
	uint64_t now = reactor_now_ns(c->ch.reactor);

	if (c->state < DIRECT_DRAINING && time_device(c))
		return;
	if (c->state < DIRECT_OPEN) {
		if (time_over(now, c->begun_since, c->config.negotiate_timeout_ms))
			time_out(c, "the negotiation takes too long");
	} else if (c->state == DIRECT_CLOSING) {
		if (time_over(now, c->close_since, c->config.close_timeout_ms))
			direct_channel_end(c, 0, -ECANCELED);
	} else if (c->state == DIRECT_OPEN) {
		time_open(c, now);
	}
	if (c->state < DIRECT_DRAINING)
		direct_timer_start(c);
}
