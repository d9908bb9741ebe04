/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session ([MS-SMB2] 3.3.1.8) and its channels: one authenticated user, over one or more
 * connections. A session lives while one bound channel lives, until LOGOFF, or until a newer
 * session of the same client replaces it (PreviousSessionId). Its opens and trees end with it.
 *
 * Thread: any reactor. The registry is sharded by id; order of locks: registry, session, file. The
 * fields below "fixed" never change once the session is valid (reauthentication replaces `user`
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
#include "smbd/crypto/sign.h"
#include "smbd/session/ids.h"
#include "smbd/wire/ntstatus.h"
#include "transport/base/list.h"
#include "transport/fiber/fiber.h"
#include "transport/reactor/reactor.h"

struct auth_exchange;
struct connection;
struct open;
struct server;
struct session;
struct signer;
struct tree;
struct unix_user;
struct vfs_cred;

enum session_state {
	SESSION_IN_PROGRESS, /* first authentication is under way */
	SESSION_VALID,
	SESSION_EXPIRED, /* must be reauthenticated: issue E */
	SESSION_ENDED
};

/* Who the user is; immutable, counted: one may outlast a reauthentication in running requests. Made
 * by SESSION_SETUP's handler. */
struct session_user {
	atomic_uint refs;
	const char *name;   /* UTF-8, as authenticated; the guest account's name for guests */
	const char *domain; /* UTF-8, as the client gave it; may be empty */
	bool guest;
	bool anonymous;
	const struct unix_user *unix_user;          /* smbd/auth's: SIDs */
	struct vfs_cred *cred;                      /* for smbd/vfs; NULL only for nobody */
	void (*release)(struct session_user *user); /* at the last reference; any thread */
};

void session_user_get(struct session_user *user);
void session_user_put(struct session_user *user);

#define SESSION_TREES_MAX 4096u

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
	struct session_user *user; /* NULL until valid */
	bool signing_required;
	uint8_t key[64]; /* Session.FullSessionKey */
	uint8_t key_len;
	/* Session.SigningKey, that of the first channel: what binds others is signed with it */
	bool has_signing_key;
	uint8_t signing_key[SIGN_KEY_BYTES];
	enum sign_algorithm sign_algorithm;
	uint8_t application_key[32];
	uint8_t application_key_len;
	struct list_node channels; /* of struct session_channel */
	unsigned channel_count;
	bool ended;    /* all of session_end() is done */
	bool replaced; /* fixed once SESSION_ENDED */
	struct id_table trees;
	struct id_table opens;
	unsigned ending; /* opens that are off the table and not freed yet */

	atomic_uint refs;
	struct list_node node;        /* in its shard */
	struct list_node client_node; /* in that of its client */
};

/*
 * A session on one connection ([MS-SMB2] 3.3.1.14 Channel): has the signing key of its own.
 * Thread: its connection's reactor, but for what is under the session's mutex. Ownership: counted,
 * by the connection's table and by requests, which sign their replies with it.
 */
struct session_channel {
	struct session *session; /* held */
	struct connection *conn;
	struct signer *signer;      /* NULL: not established, guest or anonymous; while it is
				     * being bound: of the session's key */
	struct preauth preauth;     /* of the session setup under way, 3.3.5.5 */
	struct auth_exchange *auth; /* the authentication under way; NULL: none */
	bool established;           /* requests may come on it; set under its mutex */
	bool binding;               /* to a session that was there before */
	bool setup_busy;            /* a SESSION_SETUP leg is in its fiber */
	unsigned refs;              /* the connection's, requests' */
	bool detaching;             /* the session ended: `detach` is posted; under its mutex */
	struct reactor_post detach;
	unsigned notices;       /* posted to it: it waits for them; under its mutex */
	uint64_t silent_ns;     /* when it was found silent; 0: never; under its mutex */
	uint64_t latency_ns;    /* until its peer acknowledges, smoothed; 0: not known; likewise */
	uint64_t latency_at_ns; /* when that was learnt */
	uint64_t began_ns;      /* it was added */
	struct list_node node;  /* of the session; under its mutex */
	struct list_node conn_node; /* of the connection */
};

/* A new session in progress, in the registry, and a reference on its first channel.
 * TOO_MANY_SESSIONS, INSUFFICIENT_RESOURCES: bounds of the connection or the server. */
NT_WARN_UNUSED struct nt_status session_create(struct connection *conn,
					       struct session_channel **out);

/* By id in the whole server; a reference; NULL: none. */
struct session *session_find(struct server *server, uint64_t id);
void session_get(struct session *session);

/* Each session of the client, as its ClientGuid says, under a mutex of the registry (the session's
 * own is free). */
void client_sessions_each(struct server *server, const uint8_t client_guid[16],
			  void (*one)(struct session *session, void *arg), void *arg);
void session_put(struct session *session);

/* Who it is now; a reference. NULL: not valid yet. */
struct session_user *session_user(struct session *session);

/* What a request needs to begin: the state, and the user (a reference; NULL: not valid yet). */
enum session_state session_enter(struct session *session, struct session_user **user);

/* In a fiber: end it: out of the registry, requests on it cancelled, taken off its connections,
 * opens and trees closed. Idempotent; returns when all is done, by whomever. */
void session_end(struct session *session);
/* The same because its client says, on another connection, that it lost this one: what is still
 * being sent there is not waited for, that connection is dropped. */
void session_replace(struct session *session);

/* ---- channels: on the connection's reactor ---- */

/* A channel that is neither the session's nor the connection's yet; one reference. NULL: no memory.
 */
struct session_channel *session_channel_new(struct connection *conn, struct session *session);
/* Now it is both's (the connection takes a reference of its own). INSUFFICIENT_RESOURCES: the
 * session has as many as it may, as Windows answers; USER_SESSION_DELETED: it has ended. */
NT_WARN_UNUSED struct nt_status session_channel_add(struct session_channel *channel);
void session_channel_get(struct session_channel *channel);
void session_channel_put(struct session_channel *channel);

/* In a fiber: take it off the session, which ends if it was its last one, and off the connection.
 * False: the session's end is at that already. */
bool session_channel_drop(struct session_channel *channel);
bool session_channel_detaching(const struct session_channel *channel);

#endif
