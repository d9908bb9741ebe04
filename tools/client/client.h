/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An SMB2/3 client that says on the wire exactly what its caller means: for tests, smb3bench and
 * probes. A request is a header that can be edited field by field and a body that the caller
 * encodes with smbd/wire; what is not said is filled in as a good client would. Hides a reactor
 * thread, message ids, credits, signing, the preauthentication hash and the matching of answers.
 *
 * Thread: everything of a channel happens on its client's reactor. client_submit() and the done()
 * that it leads to are there; all that blocks is for any other thread. Ownership: a request is lent
 * from submission until done(). Errors: negative errno below the protocol; struct nt_status above,
 * STATUS_CONNECTION_DISCONNECTED when the channel died instead of an answer.
 *
 * A session has one channel or, with client_bind(), several. READ and WRITE then go where least is
 * under way. When a channel dies, what was under way there is sent again on another, as long as one
 * lives ([MS-SMB2] 3.2.7.1), so that it is done once: a CREATE is known again by its CreateGuid
 * (client_create_guid()), a LOCK by its lock sequence, which the library adds, the others by the
 * channel sequence. What ends something has succeeded if that is gone already; the answer's body is
 * an error's then. A CHANGE_NOTIFY whose answer is lost says STATUS_NOTIFY_ENUM_DIR. Compounds, a
 * CREATE without CreateGuid and a QUERY_DIRECTORY that goes on from where the last one ended cannot
 * be sent again: STATUS_CONNECTION_DISCONNECTED.
 */
#ifndef TOOLS_CLIENT_CLIENT_H
#define TOOLS_CLIENT_CLIENT_H

#include <stdbool.h>

#include "smbd/wire/create.h"
#include "smbd/wire/header.h"
#include "smbd/wire/ioctl.h"
#include "smbd/wire/lock.h"
#include "smbd/wire/negotiate.h"
#include "smbd/wire/query_directory.h"
#include "smbd/wire/query_info.h"
#include "smbd/wire/read.h"
#include "smbd/wire/session.h"
#include "smbd/wire/set_info.h"
#include "smbd/wire/tree.h"
#include "smbd/wire/write.h"
#include "transport/channel.h"

struct auth_credentials;
struct client_memory;
struct client_window;
struct verbs_api;
struct buf_pool;
struct client;
struct client_channel;
struct client_session;
struct client_tree;
struct reactor;

/* ---- the client: a thread ---- */

struct client_config {
	size_t pool_bytes;   /* 0: a default */
	char congestion[16]; /* TCP_CONGESTION; empty: the system's */
	unsigned timeout_ms; /* of what blocks; 0: a default */
	unsigned dial_ms;    /* of a connection attempt; 0: timeout_ms */
	/* A server that owes answers and says nothing for so long, not even to an ECHO, is taken
	 * for dead, and its channel cut. 0: that is TCP's to find out, in minutes. */
	unsigned silence_ms;
	uint16_t credits;              /* to hold, if the server gives them; 0: a default */
	const struct verbs_api *verbs; /* for SMB Direct; NULL: the libraries */
};

int client_create(const struct client_config *config, struct client **out);
/* Closes what is open. */
void client_destroy(struct client *c);
struct reactor *client_reactor(const struct client *c);

/* ---- channels ---- */

/* host: a name, or an address. */
int client_connect(struct client *c, const char *host, uint16_t port, struct client_channel **out);
/* By SMB Direct; on iWARP its port is another than 445. */
int client_connect_direct(struct client *c, const char *host, uint16_t port,
			  struct client_channel **out);
/* The same of an address, with its port. */
int client_connect_address(struct client *c, const struct sockaddr_storage *to, bool direct,
			   struct client_channel **out);
/* Over a channel that there is already; from its accepted(), on the client's reactor. */
struct client_channel *client_adopt(struct client *c, struct channel *ch);
/* Takes it off its sessions, which go on with what channels they have. A session's first channel
 * and a tree's stay, dead or not, as long as the session does. */
void client_disconnect(struct client_channel *ch);
/* Whether it is open; else, if asked, what closed() said. */
bool client_connected(struct client_channel *ch, int *err);
/* Cut it off, without waiting: client_disconnect() is still to come. */
void client_cut(struct client_channel *ch);
/* Wait until the server has closed it; false: it did not in the client's time. */
bool client_wait_closed(struct client_channel *ch);

/* Any bytes as one message, with the transport's framing and nothing else. */
int client_send_raw(struct client_channel *ch, const void *bytes, size_t len);

/* What came unasked (oplock and lease breaks): a copy of the next; the caller frees it. NULL: none
 * came in the client's time. */
uint8_t *client_unsolicited(struct client_channel *ch, size_t *len);

/* The largest message, either way. */
size_t client_message_max(const struct client_channel *ch);
uint16_t client_dialect(const struct client_channel *ch);
unsigned client_credits(struct client_channel *ch);

/* ---- requests ---- */

/* What client_submit() leaves as the caller has set it in header. */
#define CLIENT_KEEP_MESSAGE_ID 0x01u
#define CLIENT_KEEP_CREDITS    0x02u /* charge and request; and does not wait for credits */
#define CLIENT_KEEP_SESSION_ID 0x04u
#define CLIENT_KEEP_TREE_ID    0x08u
#define CLIENT_NO_SIGN         0x10u
#define CLIENT_SIGN            0x20u /* although the session does not ask for it */
#define CLIENT_BAD_SIGNATURE   0x40u
#define CLIENT_KEEP_NEXT       0x80u  /* next_command of a compound */
#define CLIENT_NO_REPLY        0x100u /* done when it is sent */
#define CLIENT_NO_COPY         0x200u /* the answer stays in the transport's memory */
#define CLIENT_NEW_KEY         0x400u /* success is signed with a key that is made of it */

#define CLIENT_REQUEST_BYTES 4096 /* of header and body, without payload */
#define CLIENT_COMPOUND_MAX  16

#define CLIENT_DESCRIPTORS_MAX 16 /* of memory, in a request of ours */

/* What a READ or WRITE by RDMA moves. */
struct client_remote {
	struct client_memory *memory; /* NULL: it is none */
	size_t offset;                /* in it */
	uint32_t len;
	unsigned descriptors; /* that describe it, at most one a byte */
	bool invalidate;      /* SMB2_CHANNEL_RDMA_V1_INVALIDATE; else V1 */
};

struct client_request {
	struct client_channel *channel;
	struct client_session *session; /* NULL: none */
	struct smb2_header header;
	struct wr w;          /* the body goes here: smb2_x_request_encode(&rq.w, ...) */
	struct slice payload; /* after the body: what a WRITE writes */
	size_t payload_max;   /* the larger of what it sends and what it asks for: CreditCharge */
	unsigned keep;        /* CLIENT_... */
	struct preauth *preauth; /* takes in this exchange; NULL: not */
	void (*done)(struct client_request *rq);
	void *user;
	bool roams; /* may go by any channel of the session, and again when that dies: READ and
		     * WRITE go where least is under way, others where they were made for if that
		     * lives */

	/* the answer, from done() on */
	int err; /* 0, or why there is none: -ECONNRESET ..., -EBADMSG: its signature is wrong */
	struct smb2_header reply; /* of its header */
	const uint8_t *pdu; /* from its header on; with CLIENT_NO_COPY, until done() returns */
	size_t pdu_len;
	struct slice reply_body; /* with CLIENT_NO_COPY: a READ's data may be here */
	bool reply_signed;
	bool interim; /* STATUS_PENDING came first, with async_id */
	uint64_t async_id;
	bool invalidated; /* the server has, the first of its descriptors: client_remote */
	uint32_t moved;   /* of client_remote */

	/* the library's */
	struct client *client;
	uint64_t retry_until_ns; /* 0: it was not refused yet */
	uint8_t bytes[CLIENT_REQUEST_BYTES];
	uint8_t *copy;
	size_t copy_size;
	struct client_remote remote;
	union {
		struct smb2_read_request read;
		struct smb2_write_request write;
	} remote_in;
	const struct client_channel *encoded_for; /* client_remote */
	struct client_window *windows[CLIENT_DESCRIPTORS_MAX];
	unsigned window_count;
	struct channel_send send;
	struct slice slices[CLIENT_COMPOUND_MAX * 3];
	struct client_request *next; /* of the compound */
	struct list_node node;
	bool sent, replied;
	bool replayed;       /* it went out before, on a channel that died */
	uint8_t lock_bucket; /* of a LOCK; 0: none */
	bool finished;       /* for client_wait(); under the client's lock */
};

/* Begin a request; the header has the command. session, tree_id may be NULL and 0. */
void client_request_init(struct client_request *rq, struct client_channel *ch,
			 struct client_session *session, uint32_t tree_id, uint16_t command);
void client_request_fini(struct client_request *rq);

/* On the reactor. Sends when there are credits for it. done() comes before it returns if the
 * channel is closed already. */
void client_submit(struct client_request *rq);
/* One message of several requests; each is done for itself. The second and later ones are related
 * if the caller sets SMB2_FLAGS_RELATED_OPERATIONS in their headers. */
void client_submit_compound(struct client_request *const *rqs, unsigned count);

/* Submit, and wait for the answer(s): the status of the (first) one. */
struct nt_status client_call(struct client_request *rq);
void client_call_compound(struct client_request *const *rqs, unsigned count);
/* The two halves of client_call(). */
void client_begin(struct client_request *rq);
struct nt_status client_wait(struct client_request *rq);
/* Waits until the interim answer of a begun request is there; false: the final one is. */
bool client_wait_interim(struct client_request *rq);
/* Send a CANCEL for a begun request. */
void client_cancel(struct client_request *rq);

/* STATUS_ACCESS_DENIED for an answer with a wrong signature. */
struct nt_status client_request_status(const struct client_request *rq);

/* A cursor over the answer, after its header. */
struct rd client_reply(const struct client_request *rq);

/* ---- payload by RDMA, on channels of SMB Direct ---- */

/* Memory that the server can be let at, through any channel of SMB Direct. */
int client_memory_create(struct client *c, size_t len, struct client_memory **out);
uint8_t *client_memory_bytes(const struct client_memory *m);
/* No request uses it. */
void client_memory_destroy(struct client_memory *m);

/* On the reactor, right before client_submit(): chooses the channel if the request roams, and
 * encodes the body for it, with its information; for TCP the payload goes in messages. It is
 * encoded anew when it goes by another. What it has moved, rq->moved says. -EOPNOTSUPP: the device
 * has no memory windows, which invalidation needs. -EAGAIN: more windows at once than the channel
 * takes. */
int client_remote_read(struct client_request *rq, const struct smb2_read_request *in,
		       const struct client_remote *remote);
int client_remote_write(struct client_request *rq, const struct smb2_write_request *in,
			const struct client_remote *remote);

struct client_moved {
	uint32_t bytes;
	bool invalidated;
};

/* A whole READ or WRITE, blocking. */
struct nt_status client_file_remote(const struct client_tree *tree, struct smb2_file_id id,
				    uint64_t offset, bool write, const struct client_remote *remote,
				    struct client_moved *moved);

/* ---- sessions and trees, blocking ---- */

/* A request as today's clients make it: all dialects up to `max`, all contexts. net_name may be
 * NULL. */
void client_negotiate_default(struct smb2_negotiate_request *in, uint16_t max);
/* in NULL: the default with 3.1.1. out (borrowing from the channel) may be NULL. */
struct nt_status client_negotiate(struct client_channel *ch,
				  const struct smb2_negotiate_request *in,
				  struct smb2_negotiate_response *out);

struct client_login {
	const struct auth_credentials *who;
	bool sign; /* sign everything, even if the server does not require it */
	uint8_t security_mode;
	uint64_t previous_session_id;
};

/* *out is there on success only. */
struct nt_status client_login(struct client_channel *ch, const struct client_login *login,
			      struct client_session **out);
/* One more channel for the session, which has negotiated: [MS-SMB2] 3.2.4.2.3.1. The login is the
 * session's. A dead channel is the session's no more: another can take its place. */
struct nt_status client_bind(struct client_channel *ch, const struct client_login *login,
			     struct client_session *s);
/* How many of its channels live. */
unsigned client_session_channels(struct client_session *s);
struct nt_status client_logoff(struct client_session *s);
/* Forget it, without a word to the server. */
void client_session_free(struct client_session *s);
uint64_t client_session_id(const struct client_session *s);
uint16_t client_session_flags(const struct client_session *s);
const uint8_t *client_session_key(const struct client_session *s); /* 16 bytes */

struct client_tree {
	struct client_channel *channel;
	struct client_session *session;
	uint32_t id;
	struct smb2_tree_connect_response share;
};

struct nt_status client_tree_connect(struct client_session *s, const char *share,
				     struct client_tree *tree);
struct nt_status client_tree_disconnect(struct client_tree *tree);

/* ---- files, blocking ---- */

/* A request on a tree, which roams; then encode the body, then client_call(). */
void client_tree_request(struct client_request *rq, const struct client_tree *tree,
			 uint16_t command);

/* Give a CREATE a CreateGuid, if the session may have to send it again: a DH2Q context, unless it
 * has one about durability. client_file_create() does so by itself. */
void client_create_guid(const struct client_tree *tree, struct smb2_create_request *in);
/* in's name is replaced by `name` (UTF-8, backslashes) when that is not NULL. */
void client_file_create_request(struct client_request *rq, const struct client_tree *tree,
				const char *name, const struct smb2_create_request *in);
struct nt_status client_file_create(const struct client_tree *tree, const char *name,
				    const struct smb2_create_request *in,
				    struct smb2_create_response *out);
/* Open or create a plain file for reading and writing, sharing all. */
struct nt_status client_file_open(const struct client_tree *tree, const char *name,
				  uint32_t disposition, struct smb2_file_id *id);
struct nt_status client_file_close(const struct client_tree *tree, struct smb2_file_id id);
struct nt_status client_file_read(const struct client_tree *tree, struct smb2_file_id id,
				  uint64_t offset, void *to, uint32_t len, uint32_t *got);
struct nt_status client_file_write(const struct client_tree *tree, struct smb2_file_id id,
				   uint64_t offset, const void *from, uint32_t len,
				   uint32_t *written);
struct nt_status client_file_flush(const struct client_tree *tree, struct smb2_file_id id);
/* The buffer of the answer, at most `size` of it. */
struct nt_status client_file_list(const struct client_tree *tree,
				  const struct smb2_query_directory_request *in,
				  const char *pattern, void *to, size_t size, size_t *got);
struct nt_status client_file_query(const struct client_tree *tree,
				   const struct smb2_query_info_request *in, void *to, size_t size,
				   size_t *got);
struct nt_status client_file_set(const struct client_tree *tree,
				 const struct smb2_set_info_request *in);
struct nt_status client_file_ioctl(const struct client_tree *tree,
				   const struct smb2_ioctl_request *in, void *to, size_t size,
				   size_t *got);
struct nt_status client_file_lock(const struct client_tree *tree, struct smb2_file_id id,
				  const struct smb2_lock_element *locks, uint16_t count);
struct nt_status client_file_delete(const struct client_tree *tree, const char *name);
struct nt_status client_echo(struct client_channel *ch, struct client_session *s);

#endif
