/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP channel, for the files of tcp/ only. channel.c: birth, end and time; recv.c: the socket
 * into the framer; send.c: the queue into the socket.
 *
 * Thread: the reactor's, but tcp_channel_create(). Ownership: the channel owns its socket.
 */
#ifndef TCP_PRIVATE_H
#define TCP_PRIVATE_H

#include "tcp/config.h"
#include "tcp/frame.h"
#include "transport/buf/buf.h"
#include "transport/channel.h"
#include "transport/reactor/reactor.h"

enum tcp_state {
	TCP_CHANNEL_OPEN,
	TCP_CHANNEL_CLOSING, /* orderly: the queue goes out, what comes is dropped */
	TCP_CHANNEL_ENDED,   /* ops complete at the end of the turn, then closed() */
	TCP_CHANNEL_CLOSED
};

struct tcp_channel;

/* Whoever counts channels. freed() is called on the channel's reactor, last of all. */
struct tcp_owner {
	void (*freed)(struct tcp_owner *owner, struct tcp_channel *c);
};

struct tcp_channel {
	struct channel ch;
	struct tcp_config config;
	struct tcp_owner *owner; /* NULL: none */
	void *owner_data;
	struct reactor_post post; /* the owner's, to reach the reactor */
	struct buf_pool *pool;
	struct reactor_watch watch; /* with the socket; fd -1: closed */
	struct reactor_defer turn;
	struct reactor_timer timer;
	enum tcp_state state;
	int why, op_err;

	struct tcp_rx rx;
	struct buf_wait buf_wait;
	bool buf_waits;

	struct list_node sends; /* struct channel_send */
	size_t queued_bytes;
	uint64_t written; /* bytes that the socket took, since it was opened */
	bool blocked;     /* the socket takes no more: EPOLLOUT is awaited */
	bool shut;        /* nothing more will be sent */
	bool eof;         /* nothing more will come */

	/* times of the reactor's clock, in ns; 0: nothing is awaited */
	uint64_t frame_since;  /* the frame under way began, or its last 64 KiB did */
	uint64_t frame_number; /* which one that is */
	size_t frame_bytes;    /* of it since then */
	uint64_t drain_since;  /* the peer took a fair amount last, or the queue was empty */
	size_t drain_bytes;    /* taken since */
	uint64_t close_since;
	uint64_t active_ns;           /* the last time anything came */
	bool ticking, timed, watched; /* the timer runs; it is there; the socket is watched */
};

/*
 * A channel over a connected, non-blocking socket. Any thread. Takes the socket; NULL: it is the
 * caller's still. Then, on the reactor: open, after which the user may be told; discard instead of
 * all that, or when the user refused.
 */
struct tcp_channel *tcp_channel_create(int fd, struct reactor *reactor, struct buf_pool *pool,
				       const struct tcp_config *config);
int tcp_channel_open(struct tcp_channel *c);
void tcp_channel_discard(struct tcp_channel *c);

/* Ends now: the socket is closed; ops, then closed(), follow at the end of the turn. */
void tcp_channel_end(struct tcp_channel *c, int why, int op_err);

/* Ask for what is awaited, and no more. */
void tcp_channel_watch(struct tcp_channel *c);

/* See to it that tick comes as long as anything is awaited. */
void tcp_channel_tick(struct tcp_channel *c);

/* recv.c */
extern const struct tcp_rx_user tcp_recv_user;
void tcp_recv_ready(struct tcp_channel *c);
void tcp_recv_resume(struct tcp_channel *c);
void tcp_recv_discard(struct tcp_channel *c); /* while closing */
void tcp_recv_stop(struct tcp_channel *c);
bool tcp_recv_wants(const struct tcp_channel *c);
void tcp_recv_release(struct channel *ch, struct channel_msg *msg);

/* send.c */
void tcp_send(struct channel *ch, struct channel_send *send);
void tcp_send_flush(struct tcp_channel *c);
void tcp_send_fail(struct tcp_channel *c);
bool tcp_send_delivered(struct channel *ch, uint64_t position);

/* socket.c */
int tcp_socket_setup(int fd, const struct tcp_config *config);

#endif
