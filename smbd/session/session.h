/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session ([MS-SMB2] 3.3.1.8) and its channels: one authenticated user, over one or more
 * connections. A session lives while one channel lives, until LOGOFF, or until a newer session of
 * the same client replaces it (PreviousSessionId). Its opens and trees end with it.
 *
 * Thread: any reactor. The registry is sharded by id; order of locks: registry, session, file. The
 * fields below "fixed" never change once the session is valid (reauthentication replaces `identity`
 * under the mutex; whoever wants it over a suspension holds a reference).
 * Ownership: references: one of each channel, one of each request.
 */
#ifndef SMBD_SESSION_SESSION_H
#define SMBD_SESSION_SESSION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "smbd/crypto/preauth.h"
#include "smbd/wire/ntstatus.h"
#include "transport/base/list.h"
#include "transport/fiber/fiber.h"

struct auth_exchange;
struct connection;
struct open;
struct server;
struct session;
struct signer;
struct tree;
struct vfs_cred;

enum session_state {
	SESSION_IN_PROGRESS, /* first authentication is under way */
	SESSION_VALID,
	SESSION_EXPIRED, /* must be reauthenticated: issue E */
	SESSION_ENDED
};

/* Who the user is; immutable, counted: one may outlast a reauthentication in running requests. */
struct identity {
	atomic_uint refs;
	const char *user; /* UTF-8, as authenticated; the guest account's name for guests */
	const char *domain;
	bool guest;
	bool anonymous;
	struct vfs_cred *cred;
	void (*release)(struct identity *identity); /* at the last reference; any thread */
};

void identity_put(struct identity *identity);

/* The slots of trees and opens: an index and a generation, so that a stale id finds nothing. */
struct id_slot {
	void *object;        /* NULL: free, or reserved */
	uint32_t generation; /* random at first, changes with each use */
	uint32_t next_free;
};

struct id_table {
	struct id_slot *slots;
	uint32_t count, used, limit;
	uint32_t first_free;
};

struct session {
	/* fixed */
	uint64_t id; /* not 0 */
	struct server *server;
	uint16_t dialect;
	uint8_t client_guid[16];
	uint64_t created_ns;

	pthread_mutex_t mutex;
	struct fiber_cond changed; /* a reference of an open went, or an open was left */
	enum session_state state;
	struct identity *identity; /* NULL until valid */
	bool signing_required;
	uint8_t key[64]; /* Session.FullSessionKey */
	uint8_t key_len;
	uint8_t application_key[32];
	uint8_t application_key_len;
	struct list_node channels; /* of struct session_channel */
	unsigned channel_count;
	struct id_table trees;
	struct id_table opens;

	atomic_uint refs;
	struct list_node node; /* in its shard */
};

/*
 * A session on one connection ([MS-SMB2] 3.3.1.14 Channel): has the signing key of its own.
 * Thread: its connection's reactor, but for `node`. Ownership: the connection.
 */
struct session_channel {
	struct session *session; /* held */
	struct connection *conn;
	struct signer *signer;      /* NULL: not established, guest or anonymous */
	struct preauth preauth;     /* of the session setup under way, 3.3.5.5 */
	struct auth_exchange *auth; /* the authentication under way; NULL: none */
	bool established;
	bool setup_busy;            /* a SESSION_SETUP leg is in its fiber */
	struct list_node node;      /* of the session; under its mutex */
	struct list_node conn_node; /* of the connection */
};

/* A new session in progress, with its first channel, in the registry. TOO_MANY_SESSIONS,
 * INSUFFICIENT_RESOURCES: bounds of the connection or the server. */
NT_WARN_UNUSED struct nt_status session_create(struct connection *conn,
					       struct session_channel **out);

/* By id in the whole server; a reference; NULL: none. */
struct session *session_find(struct server *server, uint64_t id);
void session_get(struct session *session);
void session_put(struct session *session);

/* The current identity; a reference. NULL: not valid yet. */
struct identity *session_identity(struct session *session);

/* In a fiber: end it: out of the registry, trees and opens closed, requests on it cancelled,
 * channels taken off their connections. Idempotent; returns when all is done or somebody else is at
 * it. */
void session_end(struct session *session);

#endif
