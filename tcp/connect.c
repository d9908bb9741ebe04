/* SPDX-License-Identifier: Apache-2.0 */
#include "tcp/connect.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tcp/private.h"
#include "transport/base/clock.h"

static void connect_cleanup(struct tcp_connect *c)
{
	if (c->watch.fd >= 0)
		reactor_watch_delete(c->reactor, &c->watch);
	reactor_timer_fini(c->reactor, &c->timer);
	reactor_defer_cancel(&c->defer);
}

static void connect_fail(struct tcp_connect *c, int err)
{
	int fd = c->watch.fd;

	connect_cleanup(c);
	if (fd >= 0)
		close(fd);
	c->done(c, NULL, err);
}

static void connect_succeed(struct tcp_connect *c)
{
	int fd = c->watch.fd, err;
	struct tcp_channel *ch;

	connect_cleanup(c);
	ch = tcp_channel_create(fd, c->reactor, c->pool, &c->config);
	if (!ch) {
		close(fd);
		c->done(c, NULL, -ENOMEM);
		return;
	}
	err = tcp_channel_open(ch);
	if (err) {
		tcp_channel_discard(ch);
		c->done(c, NULL, err);
		return;
	}
	c->done(c, &ch->ch, 0);
}

static void connect_ready(struct reactor_watch *watch, uint32_t events)
{
	struct tcp_connect *c = container_of(watch, struct tcp_connect, watch);
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	if (err)
		connect_fail(c, -err);
	else
		connect_succeed(c);
}

static void connect_timeout(struct reactor_timer *timer)
{
	connect_fail(container_of(timer, struct tcp_connect, timer), -ETIMEDOUT);
}

/* An error that was known at once is told at the end of the turn. */
static void connect_failed_early(struct reactor_defer *defer)
{
	struct tcp_connect *c = container_of(defer, struct tcp_connect, defer);

	connect_fail(c, c->error);
}

static int connect_begin(struct tcp_connect *c)
{
	socklen_t len = c->address.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
							 : sizeof(struct sockaddr_in);
	int fd = socket(c->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd < 0)
		return -errno;
	tcp_socket_setup(fd, &c->config); /* buffer sizes count before connect() only */
	if (connect(fd, (const struct sockaddr *)&c->address, len) < 0 && errno != EINPROGRESS) {
		err = -errno;
		close(fd);
		return err;
	}
	c->watch.fd = fd;
	err = reactor_watch_add(c->reactor, &c->watch, EPOLLOUT);
	if (err) {
		close(fd);
		c->watch.fd = -1;
	}
	return err;
}

void tcp_connect_start(struct tcp_connect *c)
{
	c->watch.fd = -1;
	c->watch.ready = connect_ready;
	c->defer.run = connect_failed_early;
	list_init(&c->defer.node);
	c->error = reactor_timer_init(c->reactor, &c->timer, connect_timeout);
	if (!c->error)
		c->error = connect_begin(c);
	if (c->error)
		reactor_defer(c->reactor, &c->defer);
	else if (c->timeout_ms)
		reactor_timer_set(c->reactor, &c->timer, c->timeout_ms * NS_PER_MS);
}

void tcp_connect_cancel(struct tcp_connect *c)
{
	int fd = c->watch.fd;

	connect_cleanup(c);
	if (fd >= 0)
		close(fd);
}
