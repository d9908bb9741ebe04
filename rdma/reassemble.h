/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reassembly: fragments in, messages out ([MS-SMBD] 3.1.5.8). Hides where bytes land: a message
 * that came in one fragment and is all head stays in the receive slot until it is released; any
 * other is copied, as fragments come, into one pool buffer, its body page-aligned before its head,
 * so that slots go back to the peer as credits at once. Knows no verbs: whoever has a queue pair
 * pushes slots.
 *
 * What cannot be delivered now (too many messages unreleased, a dry pool) waits in its slots, and
 * the peer runs out of credits: that is the back-pressure.
 *
 * Thread: the channel's. Ownership: a slot belongs to the reassembler from push to recycle(); a
 * pool buffer to its message. Errors: negative errno: the connection is of no more use.
 */
#ifndef RDMA_REASSEMBLE_H
#define RDMA_REASSEMBLE_H

#include <stdbool.h>

#include "transport/base/list.h"
#include "transport/channel.h"

struct buf;
struct direct_rx;
struct direct_rx_msg;

/* A posted receive's memory. */
struct direct_slot {
	struct list_node node;
	uint8_t *data;
	uint32_t lkey;
	unsigned index;
	/* of the fragment: what is not consumed yet, and what comes after it */
	const uint8_t *bytes;
	uint32_t len;
	uint32_t remaining;
};

struct direct_rx_user {
	/* As channel_user's; may give CHANNEL_REFUSE. */
	size_t (*split)(struct direct_rx *rx, const uint8_t *first, size_t have, size_t total);
	void (*message)(struct direct_rx *rx, struct channel_msg *msg);
	/* NULL: there is none now; direct_rx_give() brings one. */
	struct buf *(*buf_get)(struct direct_rx *rx, size_t size);
	void (*buf_put)(struct direct_rx *rx, struct buf *buf);
	/* The slot can be posted again. */
	void (*recycle)(struct direct_rx *rx, struct direct_slot *slot);
};

enum direct_rx_state {
	DIRECT_RX_BEGIN, /* the first fragment of a message, or the next few while they are tiny */
	DIRECT_RX_BUF,   /* waits for a buffer */
	DIRECT_RX_FILL   /* into the buffer */
};

struct direct_rx {
	const struct direct_rx_user *user;
	unsigned unreleased_max, unreleased;
	unsigned held_max, held; /* slots that delivered messages keep */
	bool stopped;            /* nothing is parsed or delivered any more */

	uint32_t expect; /* bytes of the message under way that have not arrived */
	struct list_node inbox;
	enum direct_rx_state state;
	struct direct_rx_msg *cur;
	size_t total, head_len, filled; /* of the message at hand */
	uint8_t peek[CHANNEL_PEEK];     /* its first bytes, when they came in crumbs */
	size_t peeked;

	struct list_node free_msgs; /* made as they are needed, and kept */
};

/* held_max: how many slots messages may keep, so that the others go round. */
void direct_rx_init(struct direct_rx *rx, const struct direct_rx_user *user,
		    unsigned unreleased_max, unsigned held_max);
/* Every message was released. */
void direct_rx_fini(struct direct_rx *rx);

/* A fragment arrived: bytes, len > 0 and remaining are set. -EPROTO when it does not go on where
 * the last one said, in which case the slot is still the caller's. Delivers what is whole. */
int direct_rx_push(struct direct_rx *rx, struct direct_slot *slot);

/* After a release made room. */
int direct_rx_resume(struct direct_rx *rx);

/* How large a buffer it waits for; 0: none. */
size_t direct_rx_waits_for(const struct direct_rx *rx);
int direct_rx_give(struct direct_rx *rx, struct buf *buf);

/* A whole message may still be delivered from what has arrived. */
bool direct_rx_pending(const struct direct_rx *rx);

void direct_rx_release(struct direct_rx *rx, struct channel_msg *msg);

/* Drop what is not delivered; its slots are recycled. Sets stopped. */
void direct_rx_stop(struct direct_rx *rx);

#endif
