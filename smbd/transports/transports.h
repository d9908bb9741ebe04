/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Over what the server is reached: the one folder that knows that tcp/ and rdma/ exist. Hides the
 * listeners, and which addresses and devices they listen on. TCP must be had, or the start fails;
 * SMB Direct is served where there is a device for it, and nothing that is wrong with a device
 * stops the server, unless smb.conf says `smb direct = yes`.
 *
 * Thread: main's, while no reactor runs, but transports_stop(): any. Ownership: the conf, reactors,
 * pool and acceptor outlive it. Errors: negative errno, after a line for the operator.
 */
#ifndef SMBD_TRANSPORTS_TRANSPORTS_H
#define SMBD_TRANSPORTS_TRANSPORTS_H

#include <stdbool.h>

#include "smbd/conf/conf.h"
#include "smbd/process/options.h"
#include "transport/buf/buf.h"

struct admin_report;
struct channel_acceptor;
struct net_rdma;
struct transports;
struct verbs_api;

struct transports_config {
	const struct options *options; /* for what the operator is told */
	const struct conf *conf;
	const struct verbs_api *verbs; /* NULL: the machine's */
};

/* First of all. NULL: no memory. */
struct transports *transports_create(const struct transports_config *config);

/* May SMB Direct be served, now or when a device comes? Not if it is turned off, or the kernel has
 * no RDMA when `smb direct = auto` is looked at: then the reactors need not be fit for it. */
bool transports_has_direct(const struct transports *t);

/* Then the pool is made: with this, every device can use its memory. */
void transports_use_pool(struct transports *t, struct buf_pool_config *pool);

struct transports_listen {
	struct reactor *const *reactors; /* the first one accepts */
	unsigned reactor_count;
	struct buf_pool *pool;
	struct channel_acceptor *acceptor;
};

/* Accepting begins when the first reactor runs. */
int transports_listen(struct transports *t, const struct transports_listen *listen);

/* For service_rdma_set(): on which addresses SMB Direct is listened for, now. Any thread. */
const struct net_rdma *transports_rdma(struct transports *t);

/* Is RDMA in use, and by what; for admin_source.status. Any thread. */
void transports_report(struct transports *t, struct admin_report *report);

/* Accept no more. Channels live on. */
void transports_stop(struct transports *t);

/* The reactors have stopped (or never ran) and still exist, as does the pool; no channel is left.
 */
void transports_destroy(struct transports *t);

#endif
