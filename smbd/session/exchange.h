/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One received message on its way through the server: its requests (several in a compound,
 * [MS-SMB2] 3.3.5.2.7), the fiber that runs them one after the other, and the messages that answer
 * them. Private to smbd/session.
 *
 * Thread: the connection's reactor. Ownership: the connection's pool; it goes back when the fiber
 * has ended and every send is done.
 */
#ifndef SMBD_SESSION_EXCHANGE_H
#define SMBD_SESSION_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "smbd/session/request.h"
#include "smbd/wire/file_id.h"
#include "smbd/wire/ntstatus.h"
#include "transport/base/list.h"
#include "transport/channel.h"
#include "transport/fiber/fiber.h"

struct connection;

/* Out, payload and padding of five requests; a longer compound's reply is copied together. */
#define OUTGOING_SLICES 16

struct outgoing {
	struct channel_send send;
	struct slice slices[OUTGOING_SLICES];
	struct slice push; /* a compound of several has them elsewhere */
	struct exchange *exchange;
};

struct exchange {
	struct connection *conn;
	struct list_node node;   /* of the connection: in flight, or free */
	struct channel_msg *msg; /* NULL: released */
	struct fiber_task task;

	struct list_node requests; /* in order; request.node */
	struct request *current;   /* that the fiber is at */
	unsigned count;

	/* what related requests inherit, 3.3.5.2.7.2 */
	uint64_t session_id;
	uint32_t tree_id;
	struct smb2_file_id file_id;
	struct nt_status file_status;    /* why there is no file_id */
	bool create_failed;              /* it is the status of a CREATE */
	struct nt_status related_status; /* of what is related to what has no session */

	uint64_t began_ns;
	bool running;       /* the fiber has not ended */
	bool answered;      /* replies up to the last but one went out with an interim */
	unsigned sends;     /* submitted and not done */
	size_t reply_bytes; /* of payload that was asked for, all requests */
	size_t push_bytes;  /* likewise, by RDMA: */
	unsigned push_count, push_to_count;
	uint8_t *joined; /* a long compound's reply, in one piece */
	struct outgoing reply, interim;
	uint8_t interim_bytes[80];

	struct request first; /* a plain message has no other */
};

/* From the pool; NULL: no memory. Not in flight until exchange_begin(). */
struct exchange *exchange_get(struct connection *conn);
/* One more request at its end; the first is exchange.first. NULL: no memory. */
struct request *exchange_add(struct exchange *x);
/* Never begun. */
void exchange_discard(struct exchange *x);
void exchange_begin(struct exchange *x);
/* The fiber ended, or a send is done: give it back if that was the last. */
void exchange_settle(struct exchange *x);
/* The connection is going: what the pool holds. */
void exchange_pool_free(struct connection *conn);

static inline bool exchange_is_last(const struct exchange *x, const struct request *req)
{
	return x->requests.prev == &req->node;
}

#endif
