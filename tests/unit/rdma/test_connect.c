/* SPDX-License-Identifier: Apache-2.0 */
/* Our own client's way to a channel, and that it can be left at any step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "rdma/connect.h"
#include "tests/fake/direct_server.h"
#include "transport/reactor/reactor.h"

/* The client, on the server's reactor. */
struct client {
	struct direct_connect connect;
	struct reactor_post post;
	struct reactor_timer timer;
	struct channel *ch;
	unsigned cancel_us; /* after the start; 0: not before done() */
	atomic_uint done, closed, cancelled;
	atomic_int err;
};

static size_t client_split(struct channel *ch, const uint8_t *first, size_t have, size_t total)
{
	return total;
}

static void client_message(struct channel *ch, struct channel_msg *msg)
{
	channel_release(ch, msg);
}

static void client_closed(struct channel *ch, int err)
{
	atomic_fetch_add(&((struct client *)ch->user)->closed, 1);
}

static const struct channel_user client_user = {client_split, client_message, client_closed};

static void client_done(struct direct_connect *connect, struct channel *ch, int err)
{
	struct client *c = container_of(connect, struct client, connect);

	direct_connect_cancel(connect); /* nothing, from here on */
	atomic_store(&c->err, err);
	c->ch = ch;
	if (ch) {
		ch->user_ops = &client_user;
		ch->user = c;
		channel_close(ch, 0);
	}
	atomic_fetch_add(&c->done, 1);
}

static void client_cancel(struct reactor_timer *timer)
{
	struct client *c = container_of(timer, struct client, timer);

	direct_connect_cancel(&c->connect);
	direct_connect_cancel(&c->connect);
	reactor_timer_fini(c->connect.reactor, timer);
	atomic_fetch_add(&c->cancelled, 1);
}

static void client_run(struct reactor_post *post)
{
	struct client *c = container_of(post, struct client, post);

	assert_int_equal(direct_connect_start(&c->connect), 0);
	if (!c->cancel_us)
		return;
	assert_int_equal(reactor_timer_init(c->connect.reactor, &c->timer, client_cancel), 0);
	reactor_timer_set(c->connect.reactor, &c->timer, (c->cancel_us - 1) * 1000u);
}

static void client_start(struct client *c, struct direct_server *s)
{
	c->connect.reactor = s->reactor;
	c->connect.pool = s->pool;
	c->connect.devices = s->devices;
	direct_config_default(&c->connect.config);
	c->connect.config.negotiate_timeout_ms = 5000;
	c->connect.address = s->address;
	c->connect.done = client_done;
	c->post.run = client_run;
	reactor_post(s->reactor, &c->post);
}

static void connects(void **state)
{
	struct client c = {0};

	direct_server_start(*state);
	client_start(&c, *state);
	assert_true(echo_wait(&c.closed, 1));
	assert_int_equal(atomic_load(&c.err), 0);
}

static void nobody_listens(void **state)
{
	struct direct_server *s = *state;
	struct client c = {0};

	direct_server_start(s);
	((struct sockaddr_in *)&s->address)->sin_port = htons(5445);
	client_start(&c, s);
	assert_true(echo_wait(&c.done, 1));
	assert_int_equal(atomic_load(&c.err), -ECONNREFUSED);
}

static void no_route(void **state)
{
	struct direct_server *s = *state;
	struct client c = {0};

	direct_server_start(s);
	((struct sockaddr_in *)&s->address)->sin_addr.s_addr = htonl(0x0a000001);
	client_start(&c, s);
	assert_true(echo_wait(&c.done, 1));
	assert_int_equal(atomic_load(&c.err), -EHOSTUNREACH);
}

/* done() and cancel race: whichever is first, nothing is left, and done() comes at most once and
 * never after the other. */
static void cancelled_at_each_step(void **state)
{
	struct direct_server *s = *state;
	unsigned left = 0;

	direct_server_start(s);
	for (unsigned us = 1; us < 3000; us += 1 + us / 16) {
		struct client c = {.cancel_us = us};
		unsigned done;

		client_start(&c, s);
		assert_true(echo_wait(&c.cancelled, 1));
		done = atomic_load(&c.done);
		if (done)
			assert_true(echo_wait(&c.closed, 1));
		else
			left++;
		assert_int_equal(atomic_load(&c.done), done);
	}
	assert_true(left > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIRECT_CASE(connects),
		DIRECT_CASE(nobody_listens),
		DIRECT_CASE(no_route),
		DIRECT_CASE(cancelled_at_each_step),
	};

	return cmocka_run_group_tests_name("rdma/connect", tests, NULL, NULL);
}
