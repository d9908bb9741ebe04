/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection ([MS-SMB2] 3.3.1.7): one channel of a transport, from its accept to its end. Parses
 * what arrives, checks ids, credits and signatures, runs requests in fibers, sends replies in order
 * of completion. A peer that breaks the protocol loses its connection and nothing else.
 *
 * Thread: its channel's reactor. Fields named "negotiated" are fixed once negotiated.
 * Ownership: made in accepted(); freed when the channel has closed, every request is done and its
 * sessions are off it.
 */
#ifndef SMBD_SESSION_CONNECTION_H
#define SMBD_SESSION_CONNECTION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "smbd/crypto/preauth.h"
#include "smbd/crypto/sign.h"
#include "smbd/session/window.h"
#include "smbd/wire/ntstatus.h"
#include "transport/base/list.h"
#include "transport/buf/buf.h"
#include "transport/channel.h"
#include "transport/fiber/fiber.h"
#include "transport/reactor/reactor.h"

struct request;
struct server;
struct session;
struct session_channel;

#define CONNECTION_SESSION_BUCKETS 16

/* What NEGOTIATE agreed, [MS-SMB2] 3.3.1.7. */
struct negotiated {
	uint16_t dialect; /* 0: not yet; 0x02ff: after an SMB1 negotiate, one more is to come */
	uint8_t client_guid[16];
	uint32_t client_capabilities;
	uint16_t client_security_mode;
	uint32_t server_capabilities;
	uint16_t server_security_mode;
	uint32_t max_transact, max_read, max_write;
	enum sign_algorithm sign_algorithm;
	bool sign_algorithm_negotiated; /* by a SIGNING_CAPABILITIES context */
	struct preauth preauth;         /* 3.1.1: over NEGOTIATE */
	/* what the client offered, for VALIDATE_NEGOTIATE_INFO on 3.x */
	bool supports_multi_credit;
};

#define CONNECTION_SESSIONS_MAX 1024u
#define CONNECTION_SETUPS_MAX   16u /* sessions that are not valid yet */

/* Whoever has not logged in sends nothing larger than a token with its headers. */
#define CONNECTION_MSG_BEFORE_LOGIN (128u * 1024)

/* For whoever shows status, on any thread: as of the last message. */
struct connection_totals {
	_Atomic uint64_t bytes_in, bytes_out, bytes_pulled, bytes_pushed;
	_Atomic uint64_t msgs_in, msgs_out, invalidations;
	_Atomic(const char *) state; /* of its channel; constant */
	atomic_uint send_credits, receive_credits;
	_Atomic uint64_t session_id; /* the latest one; 0: none yet */
	_Atomic uint64_t heard_ns;   /* monotonic; 0: not yet */
};

struct connection {
	struct channel *ch; /* gone when channel_closed and no message is held */
	struct server *server;
	struct buf_pool *pool;
	struct reactor *reactor;
	struct channel_limits limits;
	struct channel_link link;   /* the channel's */
	_Atomic uint64_t link_rank; /* rank.h's: by the link, and what the host knows of it */
	atomic_bool inferior;       /* its session has a better one */
	uint64_t channel_id;
	char name[96]; /* for the log */
	struct negotiated negotiated;
	struct window window; /* of message ids; credits are its width */
	struct connection_totals totals;
	uint64_t created_ns;

	/* private */
	struct list_node sessions[CONNECTION_SESSION_BUCKETS]; /* session_channel.conn_node */
	unsigned session_count;
	unsigned setups;                 /* of them, not valid yet: kept by SESSION_SETUP */
	struct list_node exchanges;      /* in flight, oldest first */
	struct list_node free_exchanges; /* the pool */
	unsigned free_exchange_count;
	size_t payload_bytes;             /* of the pool, for replies that are not sent yet */
	struct list_node payload_waiters; /* for their part of that: request.c's */
	struct list_node notices;         /* sent by ourselves, and not delivered yet: notify.c's */
	struct reactor_timer notice_timer;
	struct reactor_timer pending_timer;
	bool pending_armed;
	struct list_node all_node; /* of server.connections */
	bool closing;              /* nothing is begun or sent any more */
	bool channel_closed;
	struct fiber_task reap;
	struct fiber *reaper;            /* waits for connection_changed() */
	struct reactor_timer idle_timer; /* runs if server.config.idle_ns */
	uint64_t active_ns;              /* when the latest message came */
	struct reactor_post drain;
	bool drain_posted; /* under server.connections_mutex */
};

/* channel_acceptor.accepted(): set in server.acceptor. */
int connection_accepted(struct channel_acceptor *acceptor, struct channel *ch);

/* On the connection's reactor: drop it, for the reason in the log. */
void connection_close(struct connection *conn, int why);

/* Finish what is in flight, then close. Any thread, under server.connections_mutex. */
void connection_drain(struct connection *conn);

/* ---- on the connection's reactor ---- */

/* The session with this id on this connection; NULL. Borrowed. */
struct session_channel *connection_session(struct connection *conn, uint64_t session_id);
void connection_session_insert(struct connection *conn, struct session_channel *channel);
/* Its first SESSION_SETUP succeeded. */
void connection_session_established(struct connection *conn, struct session_channel *channel);
/* Gives back the table's reference. No-op if it is off already. */
void connection_session_remove(struct connection *conn, struct session_channel *channel);

/* Is a request on the session under way, or its reply? */
bool connection_is_busy_with(const struct connection *conn, const struct session *session);

/* An exchange ended or a session went: whoever waits for that looks again. */
void connection_changed(struct connection *conn);

/* Take the request, or reply, of a NEGOTIATE or SESSION_SETUP into its preauthentication hash
 * ([MS-SMB2] 3.3.5.4, 3.3.5.5); the reply's is done by the session layer, the request's by the
 * handler, for it knows whose hash it is. 0 or a negative errno. */
int connection_preauth_request(const struct request *req, struct preauth *preauth);
int connection_preauth_reply(const struct request *req, const struct iovec *iov, unsigned count);

/* Take over what the channel has counted. */
void connection_count(struct connection *conn);

/* An exchange began: see to it that it gets its interim answer. */
void connection_watch_pending(struct connection *conn);

#endif
