/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/response.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smbd/crypto/preauth.h"
#include "smbd/session/connection.h"
#include "smbd/session/credits.h"
#include "smbd/session/exchange.h"
#include "smbd/session/server.h"
#include "smbd/session/session.h"
#include "smbd/session/signing.h"
#include "smbd/wire/error.h"
#include "smbd/wire/header.h"
#include "transport/base/log.h"

static const uint8_t padding[8];

/* ---- one reply ---- */

/* [MS-SMB2] 3.3.4.4: which replies have the command's body, not an ERROR body. */
static bool has_body(const struct request *req)
{
	if (req->error_has_body || nt_success(req->status))
		return true;
	if (nt_equal(req->status, STATUS_BUFFER_OVERFLOW))
		return req->command == SMB2_QUERY_INFO || req->command == SMB2_IOCTL ||
		       req->command == SMB2_READ;
	return nt_equal(req->status, STATUS_MORE_PROCESSING_REQUIRED) &&
	       req->command == SMB2_SESSION_SETUP;
}

static void payload_drop(struct request *req)
{
	req->payload.len = 0;
	req->file.len = 0;
}

static void error_body(struct request *req)
{
	struct smb2_error_response error = {
		.error_context_count = req->error_has_data ? req->error_contexts : 0,
	};

	req->out.len = REQUEST_HEADER_BYTES;
	req->out.bad = false;
	if (req->error_has_data)
		error.error_data = WIRE_BLOB(NULL, req->payload.len);
	else
		payload_drop(req);
	smb2_error_response_encode(&req->out, &error);
}

static void header_write(const struct request *req, struct nt_status status, uint16_t credits,
			 bool sign, struct wr *w)
{
	struct smb2_header header = {
		.credit_charge = req->credit_charge,
		.status = status,
		.command = req->command,
		.credits = credits,
		.flags = SMB2_FLAGS_SERVER_TO_REDIR |
			 (req->flags & (SMB2_FLAGS_RELATED_OPERATIONS | SMB2_FLAGS_PRIORITY_MASK)),
		.message_id = req->message_id,
		.async_id = req->async_id,
		.process_id = req->process_id,
		.tree_id = req->tree_id,
		.session_id = req->session_id,
	};

	if (req->async_id)
		header.flags |= SMB2_FLAGS_ASYNC_COMMAND;
	if (sign)
		header.flags |= SMB2_FLAGS_SIGNED;
	smb2_header_encode(w, &header);
}

/* Who signs for a session that is not on this connection gets his own signature back, as Windows
 * does it: clients that want answers signed believe the status then, and no key is used. */
static void echo_signature(const struct request *req, struct wr *w)
{
	struct rd in = req->in;

	if (!(req->flags & SMB2_FLAGS_SIGNED) || req->channel || req->smb1)
		return;
	in.off = SMB2_HEADER_OFFSET_SIGNATURE;
	wr_u32_at(w, SMB2_HEADER_OFFSET_FLAGS,
		  SMB2_FLAGS_SERVER_TO_REDIR | SMB2_FLAGS_SIGNED |
			  (req->flags & SMB2_FLAGS_RELATED_OPERATIONS));
	for (unsigned i = 0; i < SIGN_SIGNATURE_BYTES / 4; i++)
		wr_u32_at(w, SMB2_HEADER_OFFSET_SIGNATURE + 4 * i, rd_u32(&in));
}

void response_shape(struct request *req)
{
	struct wr w;

	if (!has_body(req)) {
		error_body(req);
	} else if (!wr_ok(&req->out)) {
		log_err("the reply of %s does not fit", smb2_command_name(req->command));
		req->status = STATUS_INTERNAL_ERROR;
		error_body(req);
	}
	/* an interim answer has granted already; the rest, 3.3.1.2 */
	req->credits_granted = req->async_id ? 0 : credits_grant(req->conn, req->credits_requested);
	req->sign = signing_wanted(req);
	w = wr_init(req->out_bytes, SMB2_HEADER_SIZE);
	header_write(req, req->status, req->credits_granted, req->sign, &w);
	echo_signature(req, &w);
}

/* ---- the message ---- */

static void outgoing_done(struct channel_send *send, int err)
{
	struct exchange *x = container_of(send, struct outgoing, send)->exchange;

	x->sends--;
	connection_count(x->conn);
	exchange_settle(x);
}

static void outgoing_submit(struct outgoing *out)
{
	struct connection *conn = out->exchange->conn;

	if (conn->channel_closed)
		return;
	out->send.msg = out->slices;
	out->send.done = outgoing_done;
	out->exchange->sends++;
	channel_send(conn->ch, &out->send);
}

struct piece {
	struct slice slices[3]; /* out, payload, padding */
	unsigned count;
	size_t bytes; /* of the slices */
};

static void piece_add(struct piece *piece, void *data, size_t len, const struct buf_region *region)
{
	if (len == 0)
		return;
	piece->slices[piece->count++] = (struct slice){data, len, region};
	piece->bytes += len;
}

/* [MS-SMB2] 3.3.4.1.3; Windows and Samba fill up the last of a compound too. */
static struct piece piece_of(struct request *req, bool padded)
{
	struct piece piece = {.count = 0};

	piece_add(&piece, req->out.data, req->out.len, NULL);
	if (!req->remote_count)
		piece_add(&piece, req->payload.data, req->payload.len,
			  req->payload_buf ? req->payload_buf->region : NULL);
	if (padded)
		piece_add(&piece, (void *)(uintptr_t)padding, -piece.bytes & 7, NULL);
	return piece;
}

static int piece_sign(struct request *req, const struct piece *piece)
{
	struct iovec iov[3];

	for (unsigned i = 0; i < piece->count; i++) {
		iov[i].iov_base = piece->slices[i].data;
		iov[i].iov_len = piece->slices[i].len;
	}
	if (req->sign && signing_sign(req, iov, piece->count) != 0)
		return -1;
	return connection_preauth_reply(req, iov, piece->count);
}

static size_t exchange_reply_bytes(const struct exchange *x)
{
	size_t bytes = 0;

	list_for_each (n, &x->requests) {
		const struct request *req = container_of(n, struct request, node);

		bytes += req->out.len + req->payload.len + sizeof(padding);
	}
	return bytes;
}

/* Everything in one piece, for a compound of more parts than a message may have. Not of the pool:
 * it cannot wait there, for it may hold payload buffers, and is no more than what they hold. */
static int outgoing_join(struct outgoing *out, const struct piece *piece)
{
	struct exchange *x = out->exchange;
	size_t len = 0;

	if (!x->joined) {
		x->joined = malloc(exchange_reply_bytes(x));
		if (!x->joined)
			return -1;
	}
	for (unsigned i = 0; i < out->send.msg_count; i++) {
		if (out->slices[i].data != x->joined)
			memcpy(x->joined + len, out->slices[i].data, out->slices[i].len);
		len += out->slices[i].len;
	}
	for (unsigned i = 0; i < piece->count; i++) {
		memcpy(x->joined + len, piece->slices[i].data, piece->slices[i].len);
		len += piece->slices[i].len;
	}
	out->slices[0] = (struct slice){x->joined, len, NULL};
	out->send.msg_count = 1;
	return 0;
}

static unsigned slices_max(const struct connection *conn)
{
	unsigned limit = conn->limits.slices;

	return limit && limit < OUTGOING_SLICES ? limit : OUTGOING_SLICES;
}

static int outgoing_add(struct outgoing *out, const struct piece *piece)
{
	if (out->send.msg_count + piece->count > slices_max(out->exchange->conn))
		return outgoing_join(out, piece);
	memcpy(&out->slices[out->send.msg_count], piece->slices,
	       piece->count * sizeof(*piece->slices));
	out->send.msg_count += piece->count;
	return 0;
}

/* The lists of a compound that places the payload of several: made anew, longer by one. */
static int outgoing_join_push(struct outgoing *out, struct request *req,
			      const struct slice *payload)
{
	struct channel_send *send = &out->send;
	unsigned count = send->push_to_count + req->remote_count;
	struct slice *push = talloc_array(request_pool(req), struct slice, send->push_count + 1);
	struct remote_slice *to = talloc_array(request_pool(req), struct remote_slice, count);

	if (!push || !to)
		return -1;
	memcpy(push, send->push, send->push_count * sizeof(*push));
	push[send->push_count++] = *payload;
	memcpy(to, send->push_to, send->push_to_count * sizeof(*to));
	memcpy(to + send->push_to_count, req->remote, req->remote_count * sizeof(*to));
	send->push = push;
	send->push_to = to;
	send->push_to_count = count;
	return 0;
}

/* What goes to the client's memory with its reply, and the token that is void with it. A message
 * takes one token: of a compound that names several, the first. */
static int outgoing_add_remote(struct outgoing *out, struct request *req)
{
	struct channel_send *send = &out->send;
	struct slice payload;

	if (req->invalidate && !send->invalidate) {
		send->invalidate = true;
		send->invalidate_token = req->invalidate_token;
	}
	if (!req->remote_count || req->payload.len == 0)
		return 0;
	payload = buf_slice(req->payload_buf, 0, req->payload.len);
	request_remote_trim(req, payload.len);
	if (send->push_count)
		return outgoing_join_push(out, req, &payload);
	out->push = payload;
	send->push = &out->push;
	send->push_count = 1;
	send->push_to = req->remote;
	send->push_to_count = req->remote_count;
	return 0;
}

static int outgoing_add_reply(struct outgoing *out, struct request *req, bool last)
{
	struct piece piece = piece_of(req, !last || out->send.msg_count > 0);

	if (!last) {
		struct wr w = wr_init(req->out_bytes, SMB2_HEADER_SIZE);

		w.len = SMB2_HEADER_SIZE;
		wr_u32_at(&w, SMB2_HEADER_OFFSET_NEXT_COMMAND, (uint32_t)piece.bytes);
	}
	if (piece_sign(req, &piece) != 0 || outgoing_add_remote(out, req) != 0)
		return -1;
	return outgoing_add(out, &piece);
}

/* All replies but those after the last one given; sent ones are left out. */
static int outgoing_add_replies(struct outgoing *out, const struct request *until)
{
	struct exchange *x = out->exchange;

	list_for_each (n, &x->requests) {
		struct request *req = container_of(n, struct request, node);

		if (req == until)
			break;
		if (x->answered && !exchange_is_last(x, req))
			continue;
		if (outgoing_add_reply(out, req, exchange_is_last(x, req)) != 0)
			return -1;
	}
	return 0;
}

static void outgoing_fail(struct exchange *x)
{
	log_err("a reply could not be signed or put together");
	connection_close(x->conn, -EPROTO);
}

void response_send(struct exchange *x)
{
	struct outgoing *out = &x->reply;

	if (x->conn->closing)
		return;
	if (outgoing_add_replies(out, NULL) != 0) {
		outgoing_fail(x);
		return;
	}
	out->send.file = container_of(x->requests.prev, struct request, node)->file;
	outgoing_submit(out);
}

/* ---- interim answers, [MS-SMB2] 3.3.4.2 ---- */

static struct piece interim_piece(struct exchange *x, struct request *req)
{
	struct wr w = wr_init(x->interim_bytes, sizeof(x->interim_bytes));
	struct smb2_error_response error = {0};
	struct piece piece = {.count = 0};

	header_write(req, STATUS_PENDING, req->credits_granted, req->sign, &w);
	smb2_error_response_encode(&w, &error);
	assert(wr_ok(&w));
	piece_add(&piece, w.data, w.len, NULL);
	return piece;
}

void response_interim(struct exchange *x)
{
	struct request *req = x->current;
	struct outgoing *out = &x->interim;
	struct piece piece;

	assert(x->running && exchange_is_last(x, req) && !req->async_id);
	if (x->conn->closing)
		return;
	/* one sequence for all channels, so that a CANCEL on one never names what runs on another
	 */
	req->async_id = atomic_fetch_add(&x->conn->server->next_async_id, 1);
	req->credits_granted = credits_grant(x->conn, req->credits_requested);
	/* With GMAC the nonce is the MessageId's: only one message may be signed with it, and that
	 * is the final one; clients do not verify interim answers. */
	req->sign = signing_wanted(req) && x->conn->negotiated.sign_algorithm != SIGN_AES_GMAC;
	piece = interim_piece(x, req);
	if (outgoing_add_replies(out, req) != 0 || piece_sign(req, &piece) != 0 ||
	    outgoing_add(out, &piece) != 0) {
		outgoing_fail(x);
		return;
	}
	x->answered = true;
	outgoing_submit(out);
}
