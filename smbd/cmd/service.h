/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the handlers share beyond the session layer: the configuration in force, the shares, who can
 * log in, the table of open files. It is server.config.service; made by main.c.
 *
 * Thread: any; the configuration is swapped under a mutex, what it consists of is counted.
 * Ownership: main.c makes it before the server and destroys it after. Errors: negative errno.
 */
#ifndef SMBD_CMD_SERVICE_H
#define SMBD_CMD_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smbd/session/tree.h"
#include "smbd/wire/ntstatus.h"

struct auth_config;
struct conf;
struct file_table;
struct net_interfaces;
struct net_rdma;
struct request;
struct rpc_env;
struct service;
struct session_user;
struct sockaddr_storage;

/* Takes the configuration over (talloc). NULL and errno. */
struct service *service_create(struct conf *conf);
void service_destroy(struct service *service);

/* Read the accounts now, so that a broken file is known at start. text: why, for the operator. */
int service_check_accounts(struct service *service, char *text, size_t cap);

/* A new configuration for trees from now on; takes it over. What can change without a restart:
 * shares, log level. 0 or -ENOMEM: then the old one stays, and conf is freed. */
int service_reload(struct service *service, struct conf *conf);

struct service *service_of(const struct request *req);

/* Who has which file open, over all shares of the server. */
struct file_table *service_files(const struct request *req);

/* For sessions; does not change. */
const struct auth_config *service_auth(const struct request *req);

/*
 * The share of that name as this user finds it; a reference. Blocks on the system's databases: on a
 * worker. BAD_NETWORK_NAME: none of that name; ACCESS_DENIED: not for this user.
 */
struct service_share {
	struct share *share;
	struct session_user *user; /* a reference: whom the share has work; NULL: the user */
	uint32_t maximal_access;
	bool read_only;
};

NT_WARN_UNUSED struct nt_status service_share_find(struct service *service, const char *name,
						   const struct session_user *user,
						   struct service_share *out);

/* Where SMB Direct listens; borrowed until the service's end. Before the server starts. */
void service_rdma_set(struct service *service, const struct net_rdma *rdma);

/* The host's network by the configuration in force: every address, best first; or, with `local`,
 * what a client is told that came in on it. Blocks: on a worker. NULL and errno. */
struct net_interfaces *service_interfaces(void *talloc_ctx, struct service *service,
					  const struct sockaddr_storage *local);

/* May a session be bound to a connection that came in on this address? If so, what carries that,
 * as far as it is known. Blocks: on a worker. */
struct service_link {
	uint64_t bits_per_sec; /* 0: unknown */
	bool rss;
};

bool service_may_bind(struct service *service, const struct sockaddr_storage *local,
		      struct service_link *link);

/* The listing of shares for srvsvc, as of now and as the user may see it: on the talloc context,
 * with the configuration that it points into. NULL: no memory. Blocks: on a worker. */
const struct rpc_env *service_rpc_env(void *talloc_ctx, struct service *service,
				      const struct session_user *user);

#endif
