/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole server without a network, and raw peers that talk to it: for tests of what a session
 * makes of messages, good and bad. The server is the real one (configuration, accounts, shares of a
 * temporary directory), on reactors of its own; a peer is one end of a channel in memory, and sends
 * exactly the bytes that the test wrote.
 *
 * Thread: the test's, which blocks; what goes wrong is an assertion of cmocka's there. Nothing
 * waits longer than ten seconds.
 */
#ifndef TESTS_FAKE_WORLD_H
#define TESTS_FAKE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "smbd/session/request.h"
#include "smbd/wire/file_id.h"
#include "smbd/wire/header.h"
#include "smbd/wire/negotiate.h"

#define WORLD_PASSWORD "secret"

struct fake_verbs_config;
struct channel_acceptor;
struct peer_channel;
struct preauth;
struct server_config;
struct signer;
struct service;
struct world;

/* NULL settings: the defaults. They are lines of [global]. The shares are "share" (for
 * world_user()) and "public" (guests too). */
struct world_config {
	const char *settings;
	/* Replace handlers before the server runs: may be NULL. */
	void (*commands)(struct command_table *table);
	/* Add shares to the file, and folders to the directory: may be NULL. */
	void (*shares)(FILE *conf, const char *directory);
	unsigned reactors; /* of the server; 0: 1. Peers get them in turn */
	/* Change what the server is made with: may be NULL. */
	void (*server)(struct server_config *config);
	/* Stand between the listeners and the server, whose acceptor is given: may be NULL. */
	struct channel_acceptor *(*acceptor)(struct channel_acceptor *server);
	/* The fabric that the server listens on for SMB Direct: may be NULL. */
	const struct fake_verbs_config *fabric;
	size_t pool_bytes; /* 0: 64 MiB */
};

struct world *world_create(const struct world_config *config);
/* Every peer must be closed; then nothing may be left of them: asserts it. */
void world_destroy(struct world *w);

/* The only account, which is whoever runs the test, so that it works for anybody. */
const char *world_user(void);

/* Of the server's pool; and its buffers that somebody has now. */
void world_pool_stats(struct world *w, struct buf_pool_stats *stats);
unsigned world_bufs_out(struct world *w);

/* Where it listens by TCP, on every address of this machine. */
uint16_t world_tcp_port(struct world *w);

/* The directory behind the shares. */
const char *world_directory(const struct world *w);
struct service *world_service(const struct world *w); /* of smbd/cmd */

struct world_counts {
	unsigned connections, sessions, trees, opens;
};

struct world_counts world_counts(struct world *w);

/* Wait until there are so many: what a reply has told may take a moment longer to be freed. */
void world_wait_counts(struct world *w, unsigned sessions, unsigned trees, unsigned opens);

/* ---- bytes ---- */

struct peer {
	struct peer_channel *end; /* NULL: over `fd` */
	int fd;
	struct world *world;

	/* what the builders below put into headers, and keep up to date */
	uint16_t dialect;
	uint64_t message_id;
	uint64_t session_id;
	uint32_t tree_id;
	struct signer *signer; /* signs when not NULL */
	bool gmac;             /* offer SIGNING_CAPABILITIES with all three */
	bool may_be_cut;       /* calls give CONNECTION_DISCONNECTED instead of failing the test */
	uint8_t guid;          /* the first byte of its ClientGuid; 0: the usual */
	uint8_t key[16];       /* what it signs with */
	uint8_t session_key[16]; /* what it signs a bind with */
	struct preauth *preauth; /* of the connection, then of the setup under way */
	uint16_t session_flags;  /* of the last SESSION_SETUP */
};

void peer_connect(struct world *w, struct peer *p);
/* The same over a TCP socket of the test's own thread. */
void peer_connect_tcp(struct world *w, struct peer *p);
/* The same by SMB Direct over the fake fabric. */
void peer_connect_direct(struct world *w, struct peer *p);
void peer_send(struct peer *p, const void *msg, size_t len);
/* The next message's length; 0: the server closed the connection. */
size_t peer_recv(struct peer *p, uint8_t *buf, size_t cap);
/* Drop the connection, and wait until the server is rid of it. */
void peer_close(struct peer *p);

/* ---- messages ---- */

struct msg {
	struct wr w; /* over bytes: where the builder is */
	size_t at;   /* of the latest header */
	uint8_t bytes[70000];
};

/* A header with the peer's ids, charge 1, asking for 8 credits; takes the next message id. The body
 * is the caller's, at m->w. */
void msg_begin(struct peer *p, struct msg *m, uint16_t command);
/* One more request of a compound, at the next multiple of 8. */
void msg_next(struct peer *p, struct msg *m, uint16_t command, uint32_t flags);
/* Change the header of the latest request. */
void msg_set_u16(struct msg *m, size_t header_offset, uint16_t v);
void msg_set_u32(struct msg *m, size_t header_offset, uint32_t v);
void msg_set_u64(struct msg *m, size_t header_offset, uint64_t v);

/* Sign each request, if the peer signs. */
void msg_sign(struct peer *p, struct msg *m);
/* Sign and send. */
void msg_send(struct peer *p, struct msg *m);

struct reply {
	struct smb2_header header;
	struct rd rd;      /* over the reply, at its body */
	size_t len;        /* of all of it; 0: closed */
	size_t next;       /* where the next one of the compound begins; 0: none */
	bool signature_ok; /* signed, and rightly */
	uint8_t bytes[70000];
};

/* Receives one message and decodes its first header. */
void reply_recv(struct peer *p, struct reply *r);
/* The next of a compound. False: none. */
bool reply_next(struct peer *p, struct reply *r);

/* Send it, receive its answer: the status. */
struct nt_status peer_call(struct peer *p, struct msg *m, struct reply *r);
/* The same, and wait for the final answer: on a busy machine anything may get an interim one. */
struct nt_status peer_finish(struct peer *p, struct msg *m, struct reply *r);

/* ---- the usual beginning; each asserts that it went well ---- */

void peer_negotiate(struct peer *p, uint16_t dialect);
/* The same of one that may be cut; anything else is asserted. */
struct nt_status peer_try_negotiate(struct peer *p, uint16_t dialect);
/* One leg after the other; the status of the last one. */
struct nt_status peer_try_login(struct peer *p, const char *user, const char *password);
/* The same with a PreviousSessionId. */
struct nt_status peer_try_setup(struct peer *p, const char *user, const char *password,
				uint64_t previous);
void peer_login(struct peer *p);
/* One more channel: bind the session of `first` to the connection of p, which has negotiated; p
 * takes over what first knows. The status of the last leg; on success p signs with its own key. */
struct nt_status peer_try_bind(struct peer *p, const struct peer *first, const char *user,
			       const char *password);
/* connect, negotiate, bind: asserts that it went well. */
void peer_bind(struct world *w, struct peer *p, const struct peer *first);
/* connect, negotiate, login, tree connect to "share" */
void peer_start(struct world *w, struct peer *p, uint16_t dialect);
/* the same of a peer that is connected */
void peer_begin(struct peer *p, uint16_t dialect);
struct nt_status peer_tree_connect(struct peer *p, const char *share);

struct nt_status peer_echo(struct peer *p);

/* CREATE of a file by name ("a.txt"), made if it is not there. */
struct nt_status peer_create(struct peer *p, const char *name, struct smb2_file_id *id);
struct nt_status peer_close_file(struct peer *p, struct smb2_file_id id);

/* Bodies for msg_begin()/msg_next(). */
void put_create(struct msg *m, const char *name, uint32_t access, uint32_t disposition);
void put_close(struct msg *m, struct smb2_file_id id);
void put_write(struct msg *m, struct smb2_file_id id, uint64_t offset, const void *data,
	       uint32_t len);
void put_read(struct msg *m, struct smb2_file_id id, uint64_t offset, uint32_t len);
void put_empty(struct msg *m);
/* What peers say that they can, [MS-SMB2] 2.2.3. */
#define PEER_CAPABILITIES                                                                          \
	(SMB2_GLOBAL_CAP_LARGE_MTU | SMB2_GLOBAL_CAP_LEASING | SMB2_GLOBAL_CAP_DIRECTORY_LEASING | \
	 SMB2_GLOBAL_CAP_MULTI_CHANNEL)

void put_negotiate(struct peer *p, struct msg *m, uint16_t dialect);
void put_session_setup(struct msg *m, const void *token, size_t len, uint64_t previous);

#endif
