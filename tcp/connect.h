/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An outgoing TCP channel. Hides the connecting socket and its time limit. What comes out is a
 * channel like those of a listener.
 *
 * Thread: on the reactor. Ownership: the tcp_connect is the caller's, lent until done() or
 * tcp_connect_cancel(). Errors: negative errno, to done().
 */
#ifndef TCP_CONNECT_H
#define TCP_CONNECT_H

#include "tcp/config.h"
#include "transport/channel.h"
#include "transport/reactor/reactor.h"

struct buf_pool;

struct tcp_connect {
	/* the caller's, before tcp_connect_start() */
	struct reactor *reactor;
	struct buf_pool *pool;
	struct tcp_config config;
	struct sockaddr_storage address; /* with port */
	unsigned timeout_ms;             /* 0: the system's */
	/* Never before tcp_connect_start() has returned. Sets ch->user_ops and user, as accepted()
	 * does, before it returns. ch NULL: err says why. */
	void (*done)(struct tcp_connect *connect, struct channel *ch, int err);

	/* its own */
	struct reactor_watch watch;
	struct reactor_timer timer;
	struct reactor_defer defer;
	int error;
};

void tcp_connect_start(struct tcp_connect *connect);

/* done() is not called any more. */
void tcp_connect_cancel(struct tcp_connect *connect);

#endif
