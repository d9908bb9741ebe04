/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a session on the best channels that both ends have, as Windows' client does: asks the
 * server for its interfaces at once, from time to time and when a channel is lost; binds channels
 * over the best paths (paths.h); when there are any, those that are worse take no requests, and
 * the keeper lets go of its own ones; dials again what was lost, and what could not be had, later
 * and later. So a session begins with one channel by TCP, and goes on by RDMA alone.
 *
 * Thread: has one of its own, which blocks; the functions are for any other but the reactor.
 * Ownership: the session's first channel stays its caller's; the keeper's go with it. The login is
 * lent. Errors: negative errno.
 */
#ifndef TOOLS_CLIENT_KEEPER_H
#define TOOLS_CLIENT_KEEPER_H

#include "tools/client/client.h"
#include "tools/client/paths.h"

struct client_keeper;

#define CLIENT_KEEPER_CHANNELS 8 /* at most, as by Windows, unless more are asked for */

struct client_keeper_config {
	const struct client_login *login; /* that of the session */
	enum client_transport transport;
	unsigned channels; /* that take requests; 0: as many as Windows makes over such paths */
	uint16_t port, direct_port;
	unsigned query_ms; /* 0: 600 s, as Windows; after a loss first backoff_min_ms, then more */
	unsigned backoff_min_ms, backoff_max_ms; /* 0: 1 s, 60 s */
	bool keep_inferior; /* bound and idle, instead of letting them go when better ones do */
	const struct client_locator *locator; /* NULL: the kernel */
};

/* The tree is for the questions; any of the session. */
int client_keeper_start(const struct client_tree *tree, const struct client_keeper_config *config,
			struct client_keeper **out);
/* It does nothing any more; before the session ends. Waits for what it is doing. */
void client_keeper_stop(struct client_keeper *k);
/* Its channels go, too; after the session's end, or the session goes on with its first one. */
void client_keeper_destroy(struct client_keeper *k);

struct client_keeper_status {
	unsigned channels; /* that take requests, the first one too if it does */
	unsigned direct;   /* of them, by SMB Direct */
	unsigned idle;     /* bound, but worse */
	uint64_t quality;  /* of those that take requests */
	unsigned queries, dialled, failed, lost; /* so far */
	bool settled;                            /* all is as it should be, or was tried */
	char error[96];                          /* of the latest failure; empty: none so far */
};

void client_keeper_status(struct client_keeper *k, struct client_keeper_status *status);
/* Wait until it is as is() says; false: it was not in the client's time. */
bool client_keeper_wait(struct client_keeper *k,
			bool (*is)(const struct client_keeper_status *status, void *arg), void *arg,
			struct client_keeper_status *status);

#endif
