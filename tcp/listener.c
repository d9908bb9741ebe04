/* SPDX-License-Identifier: Apache-2.0 */
#include "tcp/listener.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tcp/peers.h"
#include "tcp/private.h"
#include "transport/base/clock.h"
#include "transport/base/log.h"

#define LISTENER_BACKLOG 1024
#define LISTENER_BATCH   16 /* accepted in a turn: fairness */
#define LISTENER_PAUSE   (100 * NS_PER_MS)
#define LISTENER_LOG     (10 * NS_PER_SEC) /* between two warnings of the same kind */

struct listen_socket {
	struct reactor_watch watch;
	struct tcp_listener *listener;
	bool watched;
};

/* A reactor, and how many of this listener's channels live there. */
struct listen_spot {
	struct reactor *reactor;
	atomic_uint channels;
};

struct tcp_listener {
	struct tcp_owner owner; /* of its channels */
	struct tcp_listener_config config;
	struct tcp_peers *peers;
	struct reactor_post start, stop;
	struct reactor_timer pause; /* after a shortage */
	bool timed;
	atomic_bool stopping;
	int spare_fd; /* given up to accept, and close, one connection when descriptors are out */
	uint64_t warned_ns;

	atomic_uint channels;
	atomic_uint_fast64_t accepted, refused, fd_shortages;

	struct listen_spot *spots;     /* config.reactor_count */
	struct listen_socket *sockets; /* config.address_count */
};

/* ---- a new channel ---- */

static void listener_forget(struct tcp_listener *l, struct listen_spot *spot,
			    const struct sockaddr_storage *peer)
{
	tcp_peers_remove(l->peers, peer);
	atomic_fetch_sub(&spot->channels, 1);
	atomic_fetch_sub(&l->channels, 1);
}

static void listener_freed(struct tcp_owner *owner, struct tcp_channel *c)
{
	struct tcp_listener *l = container_of(owner, struct tcp_listener, owner);

	listener_forget(l, c->owner_data, &c->ch.link.peer);
}

/* On the channel's reactor. */
static void listener_hand_over(struct reactor_post *post)
{
	struct tcp_channel *c = container_of(post, struct tcp_channel, post);
	struct tcp_listener *l = container_of(c->owner, struct tcp_listener, owner);
	int err = tcp_channel_open(c);

	if (!err)
		err = l->config.acceptor->accepted(l->config.acceptor, &c->ch);
	if (!err) {
		log_debug("%s: accepted", c->ch.name);
		return;
	}
	atomic_fetch_add(&l->refused, 1);
	tcp_channel_discard(c);
}

static struct listen_spot *listener_least(struct tcp_listener *l)
{
	struct listen_spot *least = &l->spots[0];

	for (unsigned i = 1; i < l->config.reactor_count; i++) {
		if (atomic_load(&l->spots[i].channels) < atomic_load(&least->channels))
			least = &l->spots[i];
	}
	return least;
}

static bool listener_may_warn(struct tcp_listener *l)
{
	uint64_t now = clock_mono_ns();

	if (l->warned_ns && now - l->warned_ns < LISTENER_LOG)
		return false;
	l->warned_ns = now;
	return true;
}

static void listener_refuse(struct tcp_listener *l, int fd, const struct sockaddr_storage *peer,
			    const char *why)
{
	char text[CHANNEL_ADDRESS_TEXT];

	atomic_fetch_add(&l->refused, 1);
	if (listener_may_warn(l))
		log_warning("refused %s: %s", channel_address_text(peer, text, sizeof(text)), why);
	close(fd);
}

static void listener_take(struct tcp_listener *l, int fd, const struct sockaddr_storage *peer)
{
	struct listen_spot *spot = listener_least(l);
	struct tcp_channel *c;

	if (l->config.channels_max && atomic_load(&l->channels) >= l->config.channels_max) {
		listener_refuse(l, fd, peer, "there are too many connections");
		return;
	}
	if (tcp_peers_add(l->peers, peer, l->config.channels_peer_max) < 0) {
		listener_refuse(l, fd, peer, "it has too many connections");
		return;
	}
	atomic_fetch_add(&spot->channels, 1);
	atomic_fetch_add(&l->channels, 1);
	c = tcp_channel_create(fd, spot->reactor, l->config.pool, &l->config.channel);
	if (!c) {
		listener_forget(l, spot, peer);
		listener_refuse(l, fd, peer, "out of memory");
		return;
	}
	atomic_fetch_add(&l->accepted, 1);
	c->ch.link.peer = *peer; /* also where getpeername() failed: the peer is gone already */
	c->owner = &l->owner;
	c->owner_data = spot;
	c->post.run = listener_hand_over;
	reactor_post(spot->reactor, &c->post);
}

/* ---- accepting ---- */

static void listener_watch(struct tcp_listener *l, bool on)
{
	for (unsigned i = 0; i < l->config.address_count; i++) {
		struct listen_socket *s = &l->sockets[i];

		if (on && !s->watched && s->watch.fd >= 0)
			s->watched = !reactor_watch_add(l->spots[0].reactor, &s->watch, EPOLLIN);
		else if (!on && s->watched)
			reactor_watch_delete(l->spots[0].reactor, &s->watch);
		s->watched = s->watched && on;
	}
}

/* A connection that cannot be accepted would wake us for ever: take it with the spare descriptor
 * and close it. When that does not help either, look away for a while. */
static void listener_shortage(struct tcp_listener *l, struct listen_socket *s, int err)
{
	int fd = -1;

	atomic_fetch_add(&l->fd_shortages, 1);
	if (listener_may_warn(l))
		log_warning("cannot accept a connection: %s", strerror(err));
	if (l->spare_fd >= 0 && (err == EMFILE || err == ENFILE)) {
		close(l->spare_fd);
		fd = accept4(s->watch.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			close(fd);
		l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0) {
		listener_watch(l, false);
		reactor_timer_set(l->spots[0].reactor, &l->pause, LISTENER_PAUSE);
	}
}

static void listener_pause_over(struct reactor_timer *timer)
{
	struct tcp_listener *l = container_of(timer, struct tcp_listener, pause);

	if (l->spare_fd < 0)
		l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	listener_watch(l, true);
}

static void listener_ready(struct reactor_watch *watch, uint32_t events)
{
	struct listen_socket *s = container_of(watch, struct listen_socket, watch);
	struct sockaddr_storage peer;

	for (unsigned i = 0; i < LISTENER_BATCH; i++) {
		socklen_t len = sizeof(peer);
		int fd;

		memset(&peer, 0, sizeof(peer));
		fd = accept4(watch->fd, (struct sockaddr *)&peer, &len,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			listener_take(s->listener, fd, &peer);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			listener_shortage(s->listener, s, errno);
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

/* ---- start and stop ---- */

static void listener_start(struct reactor_post *post)
{
	struct tcp_listener *l = container_of(post, struct tcp_listener, start);

	if (atomic_load(&l->stopping))
		return;
	if (reactor_timer_init(l->spots[0].reactor, &l->pause, listener_pause_over) < 0) {
		log_err("cannot listen: out of memory");
		return;
	}
	l->timed = true;
	listener_watch(l, true);
}

static void listener_close_sockets(struct tcp_listener *l)
{
	for (unsigned i = 0; i < l->config.address_count; i++) {
		if (l->sockets[i].watch.fd >= 0)
			close(l->sockets[i].watch.fd);
		l->sockets[i].watch.fd = -1;
	}
}

static void listener_stop(struct reactor_post *post)
{
	struct tcp_listener *l = container_of(post, struct tcp_listener, stop);

	listener_watch(l, false);
	if (l->timed)
		reactor_timer_cancel(l->spots[0].reactor, &l->pause);
	listener_close_sockets(l);
}

void tcp_listener_stop(struct tcp_listener *l)
{
	if (!atomic_exchange(&l->stopping, true))
		reactor_post(l->spots[0].reactor, &l->stop);
}

static int listener_bind(struct listen_socket *s, const struct sockaddr_storage *address,
			 unsigned backlog)
{
	const int on = 1;
	int fd, err;

	fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)address,
		 address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						: sizeof(struct sockaddr_in)) < 0 ||
	    listen(fd, (int)(backlog ? backlog : LISTENER_BACKLOG)) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	s->watch.fd = fd;
	return 0;
}

static int listener_bind_all(struct tcp_listener *l, unsigned *failed)
{
	for (unsigned i = 0; i < l->config.address_count; i++) {
		int err = listener_bind(&l->sockets[i], &l->config.addresses[i], l->config.backlog);

		if (err < 0) {
			*failed = i;
			return err;
		}
	}
	return 0;
}

static void listener_free(struct tcp_listener *l)
{
	if (l->sockets)
		listener_close_sockets(l);
	if (l->spare_fd >= 0)
		close(l->spare_fd);
	tcp_peers_destroy(l->peers);
	free(l->sockets);
	free(l->spots);
	free(l);
}

static int listener_prepare(struct tcp_listener *l)
{
	l->peers = tcp_peers_create();
	l->spots = calloc(l->config.reactor_count, sizeof(*l->spots));
	l->sockets = calloc(l->config.address_count, sizeof(*l->sockets));
	if (!l->peers || !l->spots || !l->sockets)
		return -ENOMEM;
	for (unsigned i = 0; i < l->config.reactor_count; i++)
		l->spots[i].reactor = l->config.reactors[i];
	for (unsigned i = 0; i < l->config.address_count; i++) {
		l->sockets[i].listener = l;
		l->sockets[i].watch.ready = listener_ready;
		l->sockets[i].watch.fd = -1;
	}
	l->owner.freed = listener_freed;
	l->start.run = listener_start;
	l->stop.run = listener_stop;
	l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return l->spare_fd < 0 ? -errno : 0;
}

int tcp_listener_create(const struct tcp_listener_config *config, struct tcp_listener **listener,
			unsigned *failed)
{
	struct tcp_listener *l = calloc(1, sizeof(*l));
	unsigned which = config->address_count;
	int err;

	assert(config->reactor_count > 0);
	if (!l)
		return -ENOMEM;
	l->config = *config;
	l->spare_fd = -1;
	err = listener_prepare(l);
	if (!err)
		err = listener_bind_all(l, &which);
	if (failed)
		*failed = which;
	if (err) {
		listener_free(l);
		return err;
	}
	l->config.addresses = NULL; /* the caller's; the sockets know */
	reactor_post(l->spots[0].reactor, &l->start);
	*listener = l;
	return 0;
}

void tcp_listener_address(const struct tcp_listener *l, unsigned index,
			  struct sockaddr_storage *address)
{
	socklen_t len = sizeof(*address);

	memset(address, 0, sizeof(*address));
	getsockname(l->sockets[index].watch.fd, (struct sockaddr *)address, &len);
}

void tcp_listener_stats(struct tcp_listener *l, struct tcp_listener_stats *stats)
{
	stats->channels = atomic_load(&l->channels);
	stats->accepted = atomic_load(&l->accepted);
	stats->refused = atomic_load(&l->refused);
	stats->fd_shortages = atomic_load(&l->fd_shortages);
}

void tcp_listener_destroy(struct tcp_listener *l)
{
	if (!l)
		return;
	assert(atomic_load(&l->channels) == 0);
	listener_watch(l, false);
	if (l->timed)
		reactor_timer_fini(l->spots[0].reactor, &l->pause);
	listener_free(l);
}
