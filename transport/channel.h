/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a channel IS: one connection that carries whole messages both ways, and, where the transport
 * can, places bytes in the peer's memory (push) or fetches them from there (pull). TCP and
 * SMB Direct are channels; what is above sees only this. tests/conformance states each clause below
 * as a test and runs it over every transport.
 *
 * Thread: a channel lives and dies on one reactor (ch->reactor). Every call and every callback is
 * on that reactor's thread. Calls never block, and never call back before they return.
 *
 * Ownership: memory named by a submitted op (the op itself, its arrays, the bytes) is lent to the
 * channel until the op's done(). A received message is the user's until channel_release().
 *
 * Errors: an op's done() gets 0, -ECANCELED (the user closed) or -ECONNRESET (anything else ended
 * the channel: peer, network, a timeout, a breach of the transport's protocol). A failed remote
 * operation kills the channel, never just the request. Every submitted op completes exactly once,
 * in submission order for sends, and then closed() is the last callback. 0 says that the channel
 * needs the op's bytes no more; that the peer's machine has them, channel_delivered() says; that
 * the peer has read them, only an answer. The channel's memory goes after closed() has returned and
 * every message was released.
 *
 * End: whole messages that came before the peer's orderly end are delivered before closed(). Once
 * the user has called close() no message is delivered any more; an op submitted from then until
 * closed() is completed with -ECANCELED; after closed() only channel_release() may be called.
 */
#ifndef TRANSPORT_CHANNEL_H
#define TRANSPORT_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "transport/base/list.h"

struct buf;
struct buf_region;
struct channel;
struct reactor;

/* A run of bytes. `region` names the pool region that holds them, so that a device's registration
 * is found without a search; NULL for memory outside the pool (sent by copy on RDMA). */
struct slice {
	void *data;
	size_t len;
	const struct buf_region *region;
};

/* Memory of the peer, as it described it: [MS-SMBD] 2.2.3.1 BUFFER_DESCRIPTOR_V1. */
struct remote_slice {
	uint64_t offset;
	uint32_t token;
	uint32_t length;
};

/* A range of an open file that ends a message: a transport may send it without a copy through
 * userspace. The caller promises that the range exists; if the file shrinks meanwhile, the channel
 * sends zeros in place of what is gone; if it cannot be read, the channel ends with -EIO. Best it
 * is in the page cache: else the reactor may wait for the disk. */
struct file_slice {
	int fd;
	off_t offset;
	size_t len;
};

/*
 * One message out: at least one byte, at most limits.msg_bytes. Sends are FIFO. The push happens
 * first: all its bytes are in the peer's memory before msg is visible to the peer.
 */
struct channel_send {
	const struct slice *msg; /* headers and inline payload, in wire order */
	unsigned msg_count;
	struct file_slice file; /* after msg, when len > 0; only if limits.file_slices */

	const struct slice *push; /* placed in the peer's memory described by push_to ... */
	unsigned push_count;
	const struct remote_slice *push_to; /* ... filled in order, each to its length */
	unsigned push_to_count;

	bool invalidate; /* the peer's token is invalidated with the message's last fragment; */
	uint32_t invalidate_token; /* ignored unless limits.remote_invalidate */

	void (*done)(struct channel_send *send, int err);

	/* the transport's, from submission to done() */
	struct list_node node;
	void *transport;
	size_t sent;
	int result;
	uint64_t position; /* after done() said 0: for channel_delivered() */
};

/* Fetch the peer's memory into local slices, filled in order. Pulls may complete out of order. */
struct channel_pull {
	const struct remote_slice *from;
	unsigned from_count;
	const struct slice *to;
	unsigned to_count;

	void (*done)(struct channel_pull *pull, int err);

	/* the transport's, from submission to done() */
	struct list_node node;
	void *transport;
	int result;
};

/*
 * One message in. `head` is contiguous. `body` is what split() left out of the head: it begins on a
 * page boundary in pool memory, ready for a file write; empty (len 0) if there is none.
 */
struct channel_msg {
	const uint8_t *head;
	size_t head_len;
	struct slice body;
};

struct channel_limits {
	size_t msg_bytes;    /* largest message, either way */
	size_t remote_bytes; /* largest push or pull; 0: the channel has neither */
	unsigned slices;     /* most slices in one msg, push or pull */
	unsigned unreleased; /* most messages the user can hold; then none comes until a release */
	unsigned remote_slices; /* most remote descriptors in one push or pull; 0 as above */
	bool remote_invalidate;
	bool file_slices;
};

/* What the channel runs over, fixed when it is accepted. */
struct channel_link {
	struct sockaddr_storage local;
	struct sockaddr_storage peer;
	char device[64];   /* that the transport drives itself, "mlx5_0"; empty: none */
	unsigned if_index; /* 0: unknown */
	uint64_t bits_per_sec;
	int numa_node; /* -1: unknown */
	bool rss;
	bool rdma;
};

/* Counted by the transport, read by whoever shows status: plain on the reactor's thread. */
struct channel_counters {
	uint64_t msgs_in, msgs_out;
	uint64_t bytes_in, bytes_out;        /* by messages */
	uint64_t bytes_pulled, bytes_pushed; /* by RDMA read and write */
	uint64_t invalidations;
};

/* What a channel is doing now, for whoever shows status; to be asked for until closed(). A
 * transport without credits of its own leaves them 0. */
struct channel_stats {
	const char *state;        /* "open", "closing" (in order), "ending"; constant */
	unsigned send_credits;    /* messages, or parts of them, that the peer lets us send now */
	unsigned receive_credits; /* and that we let the peer send */
};

/* How the layer above is called. The table is constant; `user` in the channel is the context. */
struct channel_user {
	/*
	 * How many of a message's `total` bytes are its head, given its first `have` bytes
	 * (CHANNEL_PEEK of them, or all). May look, must not keep. Anything over `total` counts as
	 * `total`; CHANNEL_REFUSE closes the channel with -EMSGSIZE, before any memory is spent
	 * on the message. Channels that deliver payload by pull need not ask.
	 */
	size_t (*split)(struct channel *ch, const uint8_t *first, size_t have, size_t total);

	/* A message arrived. The user has it until channel_release(), on any later turn or now. */
	void (*message)(struct channel *ch, struct channel_msg *msg);

	/* The last callback, after every op's done(). The user's `why` if the user closed first;
	 * else -ECONNRESET (the peer ended it, in whatever way), -ETIMEDOUT, -EPROTO, -EMSGSIZE,
	 * -EIO.
	 */
	void (*closed)(struct channel *ch, int err);
};

/* At least this many first bytes are shown to split(), or the whole message if shorter. */
#define CHANNEL_PEEK   128
#define CHANNEL_REFUSE SIZE_MAX

struct channel_ops {
	const char *name; /* "tcp", "rdma", "mem" */
	void (*send)(struct channel *ch, struct channel_send *send);
	void (*pull)(struct channel *ch, struct channel_pull *pull); /* NULL: not there */
	void (*release)(struct channel *ch, struct channel_msg *msg);
	void (*close)(struct channel *ch, int why);
	void (*stats)(const struct channel *ch, struct channel_stats *stats);
	bool (*delivered)(struct channel *ch, uint64_t position); /* NULL: done() says it */
};

/* Embedded by each transport's own channel. Everything here is read-only to the user, but `user`
 * and `user_ops`, which are set in accepted() (or before connect) and never changed. */
struct channel {
	const struct channel_ops *ops;
	struct reactor *reactor;
	const struct channel_user *user_ops;
	void *user;
	struct channel_limits limits;
	struct channel_link link;
	struct channel_counters counters;
	uint64_t id;   /* never reused in the life of the process */
	char name[96]; /* "tcp 10.0.0.1:445 <- 10.0.0.2:51234", for the log */
};

/* Whoever listens gives each new channel to an acceptor, on the channel's reactor. accepted() sets
 * user_ops and user, or refuses with a negative errno and the channel is closed, without a
 * callback. */
struct channel_acceptor {
	int (*accepted)(struct channel_acceptor *acceptor, struct channel *ch);
};

/* For transports: the next channel's id. Any thread. */
uint64_t channel_id_next(void);

/* "10.0.0.1:445", "[fe80::1]:445"; cut to size. Returns text. */
#define CHANNEL_ADDRESS_TEXT 56
const char *channel_address_text(const struct sockaddr_storage *address, char *text, size_t size);
/* Whatever their ports are. */
bool channel_address_same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b);

static inline void channel_send(struct channel *ch, struct channel_send *send)
{
	ch->ops->send(ch, send);
}

static inline void channel_pull(struct channel *ch, struct channel_pull *pull)
{
	ch->ops->pull(ch, pull);
}

static inline void channel_release(struct channel *ch, struct channel_msg *msg)
{
	ch->ops->release(ch, msg);
}

static inline void channel_stats(const struct channel *ch, struct channel_stats *stats)
{
	ch->ops->stats(ch, stats);
}

/*
 * Close; idempotent: the first `why` goes to the log and to closed(). 0 for an orderly end (what
 * was sent before is still delivered if the peer reads it in time), -errno to drop everything at
 * once; which also cuts short an orderly end that is under way.
 */
static inline void channel_close(struct channel *ch, int why)
{
	ch->ops->close(ch, why);
}

/*
 * Has the peer's machine taken all of a send whose done() said 0? `position` is that send's. Once
 * true it stays so. Until closed(). Silence has no error: whoever cares asks again after a while.
 */
static inline bool channel_delivered(struct channel *ch, uint64_t position)
{
	return !ch->ops->delivered || ch->ops->delivered(ch, position);
}

#endif
