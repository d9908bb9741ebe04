/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An SMB Direct channel, for the files of rdma/ only. channel.c: birth, end and events; memory.c:
 * the memory of slots; queues.c: the queue pair, and what is with the device; completions.c: what
 * the device is through with; negotiate.c, credits.c, fragment.c, readwrite.c and keepalive.c as
 * [MS-SMBD] divides; reassemble.c what comes in.
 *
 * Thread: the reactor's, but direct_channel_create(). Ownership: the channel owns its id, queues
 * and slots; of an op only what channel.h says is the transport's.
 *
 * Credits. `posted` receives are with the device; of them the peer knows of `granted`. Ours to
 * spend are `send_credits`. One posted receive is kept back, and granted only so that our last
 * credit may be spent (3.1.5.9): that way neither end can be stuck for want of a grant.
 *
 * Memory grows with what the connection does: a few receives are posted at first, and more once the
 * peer needs more than it was given. A shared receive queue would not do: each credit that any
 * peer holds needs a receive of its own, since nothing waits for one (rnr_retry 0).
 */
#ifndef RDMA_PRIVATE_H
#define RDMA_PRIVATE_H

#include "rdma/codec.h"
#include "rdma/config.h"
#include "rdma/device.h"
#include "rdma/reassemble.h"
#include "transport/buf/buf.h"
#include "transport/channel.h"
#include "transport/reactor/reactor.h"

#define DIRECT_READS_MAX 16
#define DIRECT_SGE_MAX   8
#define DIRECT_CHAIN     8    /* requests handed to the device at once */
#define DIRECT_SLABS     40   /* pool buffers under the slots */
#define DIRECT_OUT_BYTES 1364 /* of an out: more of a fragment is only gathered */

enum direct_state {
	DIRECT_NEGOTIATING, /* the user knows nothing of it */
	DIRECT_REFUSING,    /* a negotiation that fails: the answer is under way */
	DIRECT_ANSWERED,    /* one that succeeds, on the server: likewise */
	DIRECT_OPEN,
	DIRECT_CLOSING,  /* orderly: sends go out, what comes is dropped */
	DIRECT_DRAINING, /* the peer ended: what came is still delivered */
	DIRECT_ENDED,    /* ops complete at the end of the turn, then closed() */
	DIRECT_CLOSED
};

struct direct_channel;

/* Whoever made it. Both are called on the channel's reactor. */
struct direct_owner {
	/* Negotiated (err 0): sets user_ops and user, or refuses with a negative errno. Else it
	 * failed with err, and is freed. */
	int (*opened)(struct direct_owner *owner, struct direct_channel *c, int err);
	/* Last of all. */
	void (*freed)(struct direct_owner *owner, struct direct_channel *c);
};

/* A send's memory: a header, and what of the fragment is copied. */
struct direct_out {
	struct list_node node;
	uint8_t *data; /* DIRECT_OUT_BYTES */
	uint32_t lkey;
	struct channel_send *last; /* whose last fragment it carries; NULL: none's */
};

enum direct_request { DIRECT_SEND, DIRECT_WRITE, DIRECT_READ, DIRECT_WINDOW };

/* A place in the send queue. */
struct direct_posted {
	enum direct_request kind;
	void *of; /* the out, or the pull */
};

/* Walks local slices and remote descriptors in step. */
struct direct_walk {
	const struct slice *local;
	const struct remote_slice *remote;
	unsigned local_count, remote_count;
	unsigned l, r;
	size_t l_at;
	uint32_t r_at;
	size_t left;         /* bytes */
	struct slice bounce; /* in place of the local slices, when some are not the pool's */
};

/* A pull under way. */
struct direct_pull {
	struct channel_pull *pull; /* NULL: free */
	struct direct_walk walk;
	struct buf *bounce;
	unsigned reads; /* under way */
};

struct direct_channel {
	struct channel ch;
	struct direct_config config;
	struct direct_owner *owner;
	void *owner_data;
	struct reactor_post post; /* the owner's, to reach the reactor */
	const struct verbs_api *verbs;
	struct direct_device *device;
	struct buf_pool *pool;
	bool server;
	enum direct_state state;
	int why, op_err;

	/* the connection */
	struct rdma_cm_id *id;
	struct rdma_event_channel *events;
	struct ibv_comp_channel *completions;
	struct ibv_cq *receive_cq, *send_cq;
	struct reactor_watch cm_watch, cq_watch;
	struct reactor_defer turn;
	struct reactor_timer timer, reap;
	bool timed, watched, connected;
	bool polling;     /* no event of receives will come: they are not armed */
	bool sends_armed; /* one of sends will */
	bool reaping;     /* the timer is set */
	bool late;        /* it was in vain: the network is slow */
	unsigned receive_events, send_events; /* to be acknowledged in the end */
	bool told, refused;                   /* the user knows of it; does not want it */
	uint8_t read_out, read_in;            /* initiator depth, responder resources */

	/* memory of slots */
	struct buf *slabs[DIRECT_SLABS];
	unsigned slab_count;
	size_t slab_at;
	struct direct_slot *slots;
	struct direct_out *outs;
	unsigned slot_count, out_count; /* at most */
	unsigned slots_made, outs_made; /* have memory */
	struct list_node idle_slots;    /* not posted */
	struct list_node idle_outs;

	/* the send queue: what is with the device or in the chain, in order */
	struct direct_posted *requests; /* a power of two of them */
	uint32_t request_mask, request_head, request_tail;
	unsigned unsignalled;  /* since the last that makes a completion */
	unsigned signal_every; /* so often that nobody waits for a place that is free already */
	unsigned chained;      /* not yet with the device */
	struct ibv_send_wr chain[DIRECT_CHAIN];
	struct ibv_sge chain_sges[DIRECT_CHAIN][DIRECT_SGE_MAX];

	/* negotiated */
	uint32_t send_bytes, receive_bytes, send_fragmented;
	unsigned sge_max; /* of a send or write */

	/* credits */
	unsigned posted, granted, receive_target;
	unsigned send_credits;
	bool owes_grant; /* payload came since the last grant */
	bool owes_answer;

	/* receiving */
	struct direct_rx rx;
	bool rx_ready;
	struct buf_wait rx_wait;
	bool rx_waits;

	/* sending */
	struct list_node sends, sent; /* not yet, and wholly, with the device */
	bool begun;                   /* the first of sends */
	struct direct_walk push;
	unsigned msg_index;
	size_t msg_at, msg_left;
	struct buf_wait send_wait;
	bool send_waits;
	unsigned writes; /* RDMA writes under way */
	size_t pushed;   /* bytes of pushes, of what is in sent */

	/* pulling */
	struct list_node pulls; /* not begun */
	struct direct_pull pulling[DIRECT_READS_MAX];
	unsigned reads;
	struct direct_pull *posting; /* not all of it is with the device */
	struct buf_wait pull_wait;
	bool pull_waits;

	/* a client's memory */
	struct list_node windows; /* open ones; window.c's */
	unsigned window_requests; /* to open or close one, under way */

	/* times of the reactor's clock, in ns; 0: nothing is awaited */
	uint64_t begun_since, heard_ns, asked_since, stalled_since, close_since;
	bool ask;           /* a message shall ask for an answer */
	unsigned link_news; /* of the device, that were acted on */
};

/* ---- channel.c ---- */

/* Over an id that has an address and is on the way to a connection; takes it, and the reference to
 * the device. Any thread. */
struct direct_channel *direct_channel_create(struct rdma_cm_id *id, struct reactor *reactor,
					     struct buf_pool *pool, struct direct_device *device,
					     const struct direct_config *config);
/* On the reactor: queues, memory, watches, the first receive. A failure is for the caller, who
 * discards the channel. */
int direct_channel_prepare(struct direct_channel *c);
/* Instead of opening, at any time before that: frees it, without a callback but freed(). */
void direct_channel_discard(struct direct_channel *c);
/* The negotiation is over: tells the owner. */
void direct_channel_opened(struct direct_channel *c);
/* Before it is open: tells the owner err, and frees it at the end of the turn. Else ends now: the
 * queue pair goes; ops, then closed(), follow at the end of the turn. */
void direct_channel_end(struct direct_channel *c, int why, int op_err);
/* A message was released: frees the channel if it was the last thing. */
void direct_channel_released(struct direct_channel *c);
/* Something may go out, or in: at the end of the turn. */
void direct_channel_turn(struct direct_channel *c);
/* The connection is of no more use; what came is still delivered. */
void direct_channel_gone(struct direct_channel *c);

/* ---- memory.c ---- */
/* What there is at first. */
int direct_memory_get(struct direct_channel *c);
void direct_memory_put(struct direct_channel *c);
/* An idle out; more are made if there are none. NULL: all are with the device, or the pool is dry.
 */
struct direct_out *direct_memory_out(struct direct_channel *c);
/* Some more slots, if the pool has memory for them. */
void direct_memory_grow(struct direct_channel *c);

/* ---- completions.c ----
 * A receive wakes the reactor. A send or RDMA write that is through does only when something waits
 * for it; else it is found when the reactor is awake anyway, or after a short while. That halves
 * how often the thread is woken for a READ that comes alone. */
/* Whatever the device is through with, up to a bound, for fairness. How many there were. */
unsigned direct_poll(struct direct_channel *c);
/* At the end of a turn: as long as completions come, poll again; else see to it that what is waited
 * for makes an event. */
void direct_poll_on(struct direct_channel *c);
/* There is an event. */
void direct_poll_event(struct direct_channel *c);
/* What the device was through with before the end, it was through with. */
void direct_poll_last(struct direct_channel *c);
void direct_reap_fire(struct reactor_timer *timer);

/* ---- stats.c ---- */
void direct_stats(const struct channel *ch, struct channel_stats *stats);

/* ---- queues.c ---- */
int direct_queues_create(struct direct_channel *c);
/* The device touches no memory of the channel any more. */
void direct_queues_destroy(struct direct_channel *c);
int direct_post_receives(struct direct_channel *c, unsigned most);
/* Of a receive: its slot. NULL: of another request. */
struct direct_slot *direct_posted_slot(const struct direct_channel *c, const struct ibv_wc *wc);
/* A request is made in place: its opcode, entries (at most DIRECT_SGE_MAX) and their count, and
 * remote end. NULL: the channel ended. */
struct ibv_send_wr *direct_post_begin(struct direct_channel *c);
/* It goes out with the next flush. `signal`: its completion is waited for. */
void direct_post_end(struct direct_channel *c, enum direct_request kind, void *of, bool signal);
void direct_post_flush(struct direct_channel *c);
/* A request completed, and with it all before it. */
void direct_posted_done(struct direct_channel *c, const struct ibv_wc *wc);
const char *direct_posted_name(const struct direct_channel *c, const struct ibv_wc *wc);

/* ---- negotiate.c ---- */
void direct_negotiate_start(struct direct_channel *c); /* the client */
void direct_negotiate_receive(struct direct_channel *c, const uint8_t *bytes, size_t len);

/* ---- credits.c ---- */
/* The peer says how many it wants to have. */
void direct_credits_request(struct direct_channel *c, unsigned requested);
/* What the next message may grant. */
unsigned direct_credits_to_grant(const struct direct_channel *c);
bool direct_credits_may_send(const struct direct_channel *c);
/* A message goes out: what it says of credits. */
void direct_credits_spend(struct direct_channel *c, struct direct_data *header);
/* A message came: NULL, or which rule of credits it breaks. */
const char *direct_credits_receive(struct direct_channel *c, const struct direct_data *header);
/* An empty message should go out now for the credits it grants. */
bool direct_credits_refill(const struct direct_channel *c);

/* ---- fragment.c ---- */
void direct_send(struct channel *ch, struct channel_send *send);
void direct_send_pump(struct direct_channel *c);
void direct_send_done(struct direct_channel *c, struct direct_out *out);
void direct_send_fail(struct direct_channel *c);
bool direct_send_idle(const struct direct_channel *c);

/* ---- readwrite.c ---- */
void direct_pull(struct channel *ch, struct channel_pull *pull);
void direct_pull_pump(struct direct_channel *c);
void direct_read_done(struct direct_channel *c, struct direct_pull *p);
void direct_pull_fail(struct direct_channel *c);
/* Begin walking; a bounce buffer of `*bounce` bytes is needed first if that is not 0. */
void direct_walk_begin(struct direct_walk *w, const struct slice *local, unsigned local_count,
		       const struct remote_slice *remote, unsigned remote_count, size_t left,
		       size_t *bounce);
/* Post RDMA writes of the push at hand; true when all of it is posted. */
bool direct_push_pump(struct direct_channel *c);

/* ---- window.c ---- */
/* The peer has, with the message that is coming in. */
void direct_window_invalidated(struct direct_channel *c, uint32_t token);

/* ---- receive.c ---- */
extern const struct direct_rx_user direct_receive_user;
void direct_receive(struct direct_channel *c, struct direct_slot *slot, uint32_t len);
void direct_receive_resume(struct direct_channel *c);
void direct_receive_stop(struct direct_channel *c);
void direct_receive_release(struct channel *ch, struct channel_msg *msg);

/* ---- keepalive.c ---- */
void direct_timer_fire(struct reactor_timer *timer);
void direct_timer_start(struct direct_channel *c);

#endif
