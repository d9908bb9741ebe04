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

#include <stdbool.h>
#include <stdint.h>

#include "smbd/crypto/preauth.h"
#include "smbd/crypto/sign.h"
#include "smbd/session/window.h"
#include "smbd/wire/ntstatus.h"
#include "transport/base/list.h"
#include "transport/buf/buf.h"
#include "transport/channel.h"
#include "transport/reactor/reactor.h"

struct request;
struct server;
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

struct connection {
	struct channel *ch;
	struct server *server;
	struct buf_pool *pool;
	struct negotiated negotiated;
	struct window window; /* of message ids; credits are its width */
	uint64_t created_ns;

	/* private */
	struct list_node sessions[CONNECTION_SESSION_BUCKETS]; /* session_channel.conn_node */
	unsigned session_count, setups;                        /* all; those not established */
	struct list_node exchanges;                            /* in flight, oldest first */
	struct list_node free_exchanges;                       /* the pool */
	unsigned exchange_count;
	uint64_t next_async_id;
	struct reactor_timer pending_timer;
	struct list_node all_node; /* of server.connections */
	bool closing;
	bool channel_closed;
	bool reaping;
	struct preauth preauth_next; /* scratch of NEGOTIATE */
};

/* channel_acceptor.accepted(): set in server.acceptor. */
int connection_accepted(struct channel_acceptor *acceptor, struct channel *ch);

/* On the connection's reactor: drop it, for the reason in the log. */
void connection_close(struct connection *conn, int why);

/* The session with this id on this connection; NULL. On the connection's reactor; borrowed. */
struct session_channel *connection_session(struct connection *conn, uint64_t session_id);

#endif
