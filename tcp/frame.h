/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The framer: bytes of a stream in, messages out. [MS-SMB2] 2.1: a zero byte, a 24-bit length, the
 * message. Hides where bytes land: small messages are received many at a time into a chunk that
 * belongs to the channel, and stay there until released; a body goes straight into a pool buffer,
 * page-aligned. Knows no socket: whoever has one asks where to put bytes, and says how many came.
 *
 * Of NetBIOS ([RFC1002] 4.3), which clients may speak to port 445 as well: a session request before
 * the first message is answered positively, as Samba does, and keepalives are ignored. Any other
 * type ends the connection: the first byte MUST be zero.
 *
 * Thread: the channel's. Ownership: the framer owns chunks and descriptors; a pool buffer belongs
 * to its message. Errors: negative errno: the stream is of no more use.
 */
#ifndef TCP_FRAME_H
#define TCP_FRAME_H

#include <stdbool.h>
#include <sys/uio.h>

#include "transport/base/list.h"
#include "transport/channel.h"

#define TCP_CHUNK_BYTES (16u * 1024) /* of which a message's head has at most ... */
#define TCP_HEAD_BYTES  (12u * 1024) /* ... else it has a buffer of its own */

struct buf;
struct tcp_chunk;
struct tcp_rx;
struct tcp_rx_msg;

struct tcp_rx_user {
	/* As channel_user's; may give CHANNEL_REFUSE. */
	size_t (*split)(struct tcp_rx *rx, const uint8_t *first, size_t have, size_t total);
	void (*message)(struct tcp_rx *rx, struct channel_msg *msg);
	void (*session_request)(struct tcp_rx *rx);
	/* NULL: there is none now; tcp_rx_give() brings one. */
	struct buf *(*buf_get)(struct tcp_rx *rx, size_t size);
	void (*buf_put)(struct tcp_rx *rx, struct buf *buf);
};

enum tcp_rx_state {
	TCP_RX_FRAME, /* the length, and as much as split() wants to see */
	TCP_RX_HEAD,  /* the head, in the chunk */
	TCP_RX_BUF,   /* waits for a buffer */
	TCP_RX_FILL,  /* into the buffer */
	TCP_RX_SKIP   /* a frame that means nothing */
};

struct tcp_rx {
	const struct tcp_rx_user *user;
	size_t msg_bytes;
	unsigned unreleased_max;
	unsigned unreleased;
	bool stopped; /* set by whoever closes: nothing is parsed or delivered any more */

	enum tcp_rx_state state;
	uint64_t frames;        /* that have ended */
	bool spoken;            /* a message has begun */
	size_t total, head_len; /* of the message */
	size_t filled;          /* bytes of it in its buffer's part */
	size_t skip;
	struct tcp_rx_msg *cur;
	struct tcp_chunk *chunk, *spare;
	struct list_node free_msgs;
};

void tcp_rx_init(struct tcp_rx *rx, const struct tcp_rx_user *user, size_t msg_bytes,
		 unsigned unreleased_max);
/* Every message was released. */
void tcp_rx_fini(struct tcp_rx *rx);

/* Whether bytes are wanted: not while it waits for a buffer or for releases. */
bool tcp_rx_wants(const struct tcp_rx *rx);

#define TCP_RX_IOV 3
/* Where the next bytes go; how many entries, or -ENOMEM. Only if they are wanted. */
int tcp_rx_room(struct tcp_rx *rx, struct iovec iov[TCP_RX_IOV]);

/* n bytes were put there. Delivers what is whole. */
int tcp_rx_take(struct tcp_rx *rx, size_t n);

/* After a release made room: deliver what is there already. */
int tcp_rx_resume(struct tcp_rx *rx);

/* How large a buffer it waits for; 0: none. */
size_t tcp_rx_waits_for(const struct tcp_rx *rx);
int tcp_rx_give(struct tcp_rx *rx, struct buf *buf);

/* A frame has begun and not ended. */
bool tcp_rx_partial(const struct tcp_rx *rx);

void tcp_rx_release(struct tcp_rx *rx, struct channel_msg *msg);

/* Drop what is half received. Sets stopped. */
void tcp_rx_stop(struct tcp_rx *rx);

/* Give back memory that an idle connection needs not hold. */
void tcp_rx_trim(struct tcp_rx *rx);

#endif
