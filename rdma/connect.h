/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An outgoing SMB Direct channel. Hides the steps of rdma_cm and the negotiation. What comes out is
 * a channel like those of a listener.
 *
 * Thread: on the reactor. Ownership: the direct_connect is the caller's, lent until done() or
 * direct_connect_cancel(). Errors: negative errno, to done().
 */
#ifndef RDMA_CONNECT_H
#define RDMA_CONNECT_H

#include "rdma/config.h"
#include "rdma/device.h"
#include "transport/channel.h"
#include "transport/reactor/reactor.h"

struct direct_attempt;

struct direct_connect {
	/* the caller's, before direct_connect_start() */
	struct reactor *reactor;
	struct buf_pool *pool;
	struct direct_devices *devices;
	struct direct_config config;
	struct sockaddr_storage address; /* with port */
	unsigned timeout_ms;             /* of each step: address, route; 0: a default */
	/* Never before direct_connect_start() has returned. Sets ch->user_ops and user, as
	 * accepted() does, before it returns. ch NULL: err says why. */
	void (*done)(struct direct_connect *connect, struct channel *ch, int err);
	struct direct_attempt *attempt; /* its own; NULL: done, or not begun */
};

/* -ENOMEM: it did not start, and done() is not called. */
int direct_connect_start(struct direct_connect *connect);

/* done() is not called any more. After done(), or twice: nothing. */
void direct_connect_cancel(struct direct_connect *connect);

#endif
