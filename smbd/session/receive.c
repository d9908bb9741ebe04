/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/receive.h"

#include <errno.h>

#include "smbd/session/cancel.h"
#include "smbd/session/connection.h"
#include "smbd/session/credits.h"
#include "smbd/session/exchange.h"
#include "smbd/wire/header.h"
#include "smbd/wire/negotiate.h"
#include "smbd/wire/write.h"
#include "transport/base/log.h"

static bool is_negotiated(const struct connection *conn)
{
	return conn->negotiated.dialect != 0 && conn->negotiated.dialect != SMB2_DIALECT_WILDCARD;
}

/* ---- how much of a message is its head ---- */

size_t receive_split(struct channel *ch, const uint8_t *first, size_t have, size_t total)
{
	const struct connection *conn = ch->user;
	struct rd r = rd_init(first, have);
	struct smb2_header header;
	uint16_t data_offset;

	if (conn->session_count == conn->setups && total > CONNECTION_MSG_BEFORE_LOGIN)
		return CHANNEL_REFUSE;
	if (!smb2_header_decode(&r, &header) || header.command != SMB2_WRITE ||
	    header.next_command != 0)
		return total;
	rd_skip(&r, 2);
	data_offset = rd_u16(&r);
	if (!rd_ok(&r) || data_offset < SMB2_WRITE_REQUEST_HEAD_SIZE || data_offset >= total)
		return total;
	return data_offset;
}

/* ---- SMB2 ---- */

/* [MS-SMB2] 3.3.5.2: what may come at this point of the connection's life. */
static int check_header(struct connection *conn, const struct smb2_header *header)
{
	if (header->flags & SMB2_FLAGS_SERVER_TO_REDIR)
		return -EPROTO;
	if (!is_negotiated(conn) && header->command != SMB2_NEGOTIATE)
		return -EPROTO;
	return 0;
}

static void request_from_header(struct request *req, const struct smb2_header *header)
{
	req->command = header->command;
	req->credit_charge = header->credit_charge;
	req->credits_requested = header->credits;
	req->channel_sequence = header->channel_sequence;
	req->flags = header->flags;
	req->message_id = header->message_id;
	req->process_id = header->process_id;
	req->tree_id = header->tree_id;
	req->session_id = header->session_id;
}

/* How long the PDU of `left` bytes at most is: NextCommand, or all that is left. 3.3.5.2.7:
 * aligned, and with room for a header; 0 if not. */
static size_t pdu_length(size_t left, const struct smb2_header *header)
{
	size_t next = header->next_command;

	if (next == 0)
		return left;
	if (next % 8 != 0 || next < SMB2_HEADER_SIZE || next >= left)
		return 0;
	return next;
}

/* All of a compound is answered by one message, and an answer may be longer than its request. */
static unsigned requests_max(const struct connection *conn)
{
	return (unsigned)(conn->limits.msg_bytes / REQUEST_OUT_BYTES);
}

/* One PDU of the message, whose header was read: a CANCEL is done at once, anything else becomes a
 * request of x. */
static int receive_pdu(struct exchange *x, const struct smb2_header *header, struct rd pdu,
		       struct slice body, unsigned *requests)
{
	struct connection *conn = x->conn;
	struct request *req;
	int err;

	err = check_header(conn, header);
	if (err)
		return err;
	if (header->command == SMB2_CANCEL) {
		cancel_message(conn, header);
		return 0;
	}
	if (!window_use(&conn->window, header->message_id,
			credits_charged(conn, header->credit_charge))) {
		log_info("message id %llu (charge %u) is not in the window",
			 (unsigned long long)header->message_id, header->credit_charge);
		return -EPROTO;
	}
	if (*requests == requests_max(conn)) {
		log_info("more requests in a message than one message can answer");
		return -EMSGSIZE;
	}
	req = *requests == 0 ? &x->first : exchange_add(x);
	if (!req)
		return -ENOMEM;
	++*requests;
	request_from_header(req, header);
	req->in = pdu;
	req->in_body = body;
	return 0;
}

static int receive_chain(struct exchange *x, unsigned *requests)
{
	const struct channel_msg *msg = x->msg;
	struct rd all = rd_init(msg->head, msg->head_len);
	size_t left;

	do {
		struct rd pdu = rd_sub(&all, all.off, rd_left(&all));
		struct smb2_header header;
		int err;

		if (!smb2_header_decode(&pdu, &header))
			return -EPROTO;
		pdu.len = pdu_length(pdu.len, &header);
		if (pdu.len == 0)
			return -EPROTO;
		rd_skip(&all, pdu.len);
		left = rd_left(&all);
		err = receive_pdu(x, &header, pdu, left ? (struct slice){0} : msg->body, requests);
		if (err)
			return err;
	} while (left > 0);
	return 0;
}

static int receive_smb2(struct exchange *x)
{
	unsigned requests = 0;
	int err = receive_chain(x, &requests);

	if (err || requests == 0)
		exchange_discard(x);
	else
		exchange_begin(x);
	return err;
}

/* ---- SMB1, 3.3.5.3: nothing but a first NEGOTIATE ---- */

static int receive_smb1(struct exchange *x)
{
	struct connection *conn = x->conn;
	struct request *req = &x->first;

	if (conn->negotiated.dialect != 0 || !window_use(&conn->window, 0, 1)) {
		exchange_discard(x);
		return -EPROTO;
	}
	req->smb1 = true;
	req->command = SMB2_NEGOTIATE;
	req->credits_requested = 1;
	req->in = rd_init(x->msg->head, x->msg->head_len);
	exchange_begin(x);
	return 0;
}

int receive_message(struct connection *conn, struct channel_msg *msg)
{
	struct exchange *x = exchange_get(conn);

	if (!x) {
		channel_release(conn->ch, msg);
		return -ENOMEM;
	}
	x->msg = msg;
	switch (smb_protocol_of(msg->head, msg->head_len)) {
	case SMB_PROTOCOL_SMB2:
		return receive_smb2(x);
	case SMB_PROTOCOL_SMB1:
		return receive_smb1(x);
	case SMB_PROTOCOL_TRANSFORM:  /* encryption is issue E: not negotiated, 3.3.5.2.1.1 */
	case SMB_PROTOCOL_COMPRESSED: /* likewise, 3.3.5.2.13 */
	case SMB_PROTOCOL_UNKNOWN:
		break;
	}
	exchange_discard(x);
	return -EPROTO;
}
