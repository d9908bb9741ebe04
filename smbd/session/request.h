/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request as its handler sees it: the header decoded, the session, tree and open found and held,
 * the bytes of this PDU to read from, the reply to write into. Hides connections, compounds,
 * credits, signing, interim answers and how the reply is sent.
 *
 * Thread: a handler runs in a fiber on its connection's reactor; it may suspend anywhere but while
 * it holds a mutex. Everything in here belongs to that fiber while the handler runs.
 * Ownership: requests come from the connection's pool and go back when the reply is sent; what they
 * hold (session, tree, open, buffers, the talloc pool) goes with them.
 * Errors: a handler returns the NTSTATUS of the reply.
 */
#ifndef SMBD_SESSION_REQUEST_H
#define SMBD_SESSION_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <talloc.h>

#include "smbd/wire/file_id.h"
#include "smbd/wire/ntstatus.h"
#include "transport/base/cursor.h"
#include "transport/base/list.h"
#include "transport/buf/buf.h"
#include "transport/channel.h"

struct connection;
struct exchange;
struct open;
struct session;
struct session_channel;
struct session_user;
struct tree;

/* [MS-SMB2] 2.2.1.2: what every offset in a message counts from is the SMB2 header. */
#define REQUEST_HEADER_BYTES 64

/* Room for a reply's header, fixed part and what little follows it; more goes to the payload. */
#define REQUEST_OUT_BYTES 512

/* So many descriptors of the client's memory come without an allocation. */
#define REQUEST_REMOTE_FEW 8

struct request {
	/* ---- the header, [MS-SMB2] 2.2.1 ---- */
	uint16_t command;
	uint16_t credit_charge;
	uint16_t credits_requested;
	uint16_t channel_sequence;
	uint32_t flags;
	uint64_t message_id;
	uint32_t tree_id;
	uint64_t session_id;
	uint32_t process_id; /* echoed */
	bool smb1;           /* an SMB1 NEGOTIATE: `in` is all of it, and nothing above is set */

	/* ---- what it is about; held while the request lives. NULL where the command needs none,
	 * open: until request_open_get() ---- */
	struct connection *conn;
	struct session_channel *channel; /* the session on this connection */
	struct session *session;
	struct tree *tree;
	struct open *open;
	struct session_user *user; /* who works; fixed for this request */

	/* ---- the PDU: `in` from the SMB2 header to the end of the PDU's part of the received head
	 * (offset 64 is the body's StructureSize); in_body is what follows it on the wire, when the
	 * transport put a WRITE's payload in memory of its own (else len 0) ---- */
	struct rd in;
	struct slice in_body;

	/* ---- the reply. out: offset 0 is the SMB2 header, so out.len is the next offset for
	 * OutputBufferOffset and the like; the handler begins at 64. payload: follows out on the
	 * wire; room after request_payload_get(); payload.len bytes are sent. ---- */
	struct wr out;
	struct wr payload;
	struct buf *payload_buf; /* NULL: the payload is in no buffer of the pool */

	/* The client's memory, when the payload is not in the messages: a READ's is placed there, a
	 * WRITE's fetched from there. Of the request's pool; remote_count 0: none. */
	struct remote_slice *remote;
	unsigned remote_count;

	/* READ may end its reply with a range of a file instead of a payload, if
	 * request_file_slice_ok(). The open is held until it is sent. */
	struct file_slice file;

	/* The reply is the body in `out` though the status is an error (FSCTL_SRV_COPYCHUNK with
	 * INVALID_PARAMETER). Warnings with data ([MS-SMB2] 3.3.4.4) need no word. */
	bool error_has_body;
	/* ErrorData of the ERROR response ([MS-SMB2] 2.2.2): the handler wrote error_len bytes at
	 * `payload` (symbolic link, BUFFER_TOO_SMALL) and error_contexts, for 3.1.1, counts them.
	 */
	bool error_has_data;
	uint8_t error_contexts;

	/* ---- cancel ---- */
	bool cancelled; /* a CANCEL or the connection's end came: stop waiting, return CANCELLED */

	/* ---- private to smbd/session ---- */
	struct exchange *exchange;
	struct list_node node;
	void (*cancel_fn)(struct request *req, void *arg);
	void *cancel_arg;
	TALLOC_CTX *pool;
	size_t payload_bytes; /* of the connection's, while payload_buf is held */
	uint64_t async_id;    /* 0: no interim answer was sent */
	uint16_t credits_granted;
	bool sequenced;  /* counted in its open's channel sequence */
	bool checked;    /* its handler runs: an interim answer may be sent */
	bool sign;       /* the reply */
	bool invalidate; /* the client's token with the reply, whatever its status */
	uint32_t invalidate_token;
	struct nt_status status;
	uint8_t out_bytes[REQUEST_OUT_BYTES];
	struct remote_slice remote_few[REQUEST_REMOTE_FEW];
};

/* ---- memory ---- */

/* For what lives as long as the request; made when first asked for. */
TALLOC_CTX *request_pool(struct request *req);

/*
 * Room for `bytes` of payload, from the buffer pool; may suspend. Once a request. What is written
 * through req->payload (or put at payload.data, with payload.len set) follows `out` on the wire,
 * with nothing between: pad `out` first where an alignment is asked for.
 * INSUFFICIENT_RESOURCES: more than a buffer can be. With `remote` it goes there.
 */
NT_WARN_UNUSED struct nt_status request_payload_get(struct request *req, size_t bytes);

/* What the error that will be answered has with it, [MS-SMB2] 2.2.2: into the payload, as a context
 * for 3.1.1 (2.2.2.1). There must be room. */
void request_error_data(struct request *req, const uint8_t *bytes, size_t len);

/*
 * Room in `remote` for `count` descriptors, at least one, which the caller fills. From here on the
 * payload goes by RDMA. INSUFFICIENT_RESOURCES: more than the transport takes.
 */
NT_WARN_UNUSED struct nt_status request_remote_get(struct request *req, unsigned count);

/* Leave of the client's memory what the first `bytes` go to. */
void request_remote_trim(struct request *req, size_t bytes);

/*
 * Fetch the `bytes` that `remote` was trimmed to, to page-aligned memory of the pool; suspends. The
 * request keeps it until request_payload_put(). CONNECTION_DISCONNECTED: the channel ended
 * meanwhile, and nothing may be done with what came.
 */
NT_WARN_UNUSED struct nt_status request_pull(struct request *req, size_t bytes, struct slice *out);

/* Most payload bytes that the client's negotiated maximum (transact, read or write) allows. */
size_t request_max_transact(const struct request *req);
size_t request_max_read(const struct request *req);
size_t request_max_write(const struct request *req);

/* The bytes [offset, offset + len) of the PDU, counted from its SMB2 header, wherever they lie;
 * borrowed. INVALID_PARAMETER: not all within the PDU, or within the header. */
NT_WARN_UNUSED struct nt_status request_in_slice(const struct request *req, size_t offset,
						 size_t len, struct slice *out);

/* May the reply's data be a range of a file: not signed, not sealed, the last of its compound, and
 * the transport can. */
bool request_file_slice_ok(const struct request *req);

/* Give the payload's room back, before the reply is sent: when there is nothing to send. */
void request_payload_put(struct request *req);

/* ---- opens ---- */

/*
 * Find the open that a FileId names and hold it as req->open. In a related compound
 * ([MS-SMB2] 3.3.5.2.7.2) a FileId of all ones is that of the CREATE before, whose failure is this
 * request's too. FILE_CLOSED: no such open in this session and tree ([MS-SMB2] 3.3.5.10 and
 * others). FILE_NOT_AVAILABLE: a WRITE, SET_INFO or IOCTL from before its client's last failover,
 * or the replay of one that may still be under way (3.3.5.2.10).
 */
NT_WARN_UNUSED struct nt_status request_open_get(struct request *req, struct smb2_file_id id);
/* Let go of it. Of the session layer. */
void request_open_put(struct request *req);

/* A CREATE's result, for the related requests after it; holds the open as req->open (the caller's
 * reference passes to the request). */
void request_open_set(struct request *req, struct open *open);
/* The same of a CREATE that was replayed: the open is in use already. */
void request_open_set_again(struct request *req, struct open *open);

/* ---- waiting ---- */

/*
 * For the time of a wait that a CANCEL may end: fn is called at most once, on this reactor, when
 * req->cancelled has been set; it must only wake the waiter. Called at once if it is set already.
 * request_cancel_clear() before what fn looks at goes.
 */
void request_cancel_set(struct request *req, void (*fn)(struct request *req, void *arg), void *arg);
void request_cancel_clear(struct request *req);

/*
 * Send STATUS_PENDING now ([MS-SMB2] 3.3.4.2) instead of after a while: for what waits for somebody
 * else (CHANGE_NOTIFY, a blocking LOCK). Whatever takes longer than a moment gets it by itself. Not
 * for a request inside a compound with others after it: INTERNAL_ERROR, as Windows has it.
 */
NT_WARN_UNUSED struct nt_status request_go_async(struct request *req);

/* The received message is no longer needed: `in` and in_body are void from here. For requests that
 * park, so that they hold no receive buffer. A no-op inside a compound. */
void request_release_input(struct request *req);

/* ---- the table of commands ---- */

enum command_flags {
	COMMAND_SESSION = 1 << 0, /* needs a valid session, [MS-SMB2] 3.3.5.2.9 */
	COMMAND_TREE = 1 << 1,    /* and a tree connect, 3.3.5.2.11 */
	COMMAND_FILE = 1 << 2     /* names an open by its FileId */
};

struct command {
	const char *name;
	/* Returns the status of the reply. Decodes req->in itself: a malformed body is
	 * INVALID_PARAMETER. */
	struct nt_status (*handle)(struct request *req);
	unsigned flags;
	/* Payload bytes that the request carries or asks for, for the check of its credit charge
	 * ([MS-SMB2] 3.3.5.2.5); NULL: none. Of a malformed body: 0. */
	uint32_t (*payload_bytes)(struct rd in);
	uint16_t structure_size; /* of the request body, 3.3.5.2.6; 0: not checked */
	/* Whether the reply, whatever becomes of the request, invalidates a token of the client
	 * ([MS-SMBD] 3.1.4.2), and which; NULL: never. Of a malformed body: false. */
	bool (*invalidates)(struct rd in, uint32_t *token);
};

/* By the number of [MS-SMB2] 2.2.1: NEGOTIATE 0 ... OPLOCK_BREAK 0x12. A NULL handle answers
 * NOT_SUPPORTED. CANCEL is the session layer's own. Given to the server by main.c. */
#define COMMAND_COUNT 0x13

struct command_table {
	struct command by_number[COMMAND_COUNT];
};

#endif
