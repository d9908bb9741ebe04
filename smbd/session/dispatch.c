/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/dispatch.h"

#include <stddef.h>

#include "smbd/session/connection.h"
#include "smbd/session/credits.h"
#include "smbd/session/exchange.h"
#include "smbd/session/response.h"
#include "smbd/session/server.h"
#include "smbd/session/session.h"
#include "smbd/session/signing.h"
#include "smbd/session/tree.h"
#include "smbd/wire/header.h"
#include "smbd/wire/negotiate.h"
#include "transport/base/log.h"

static bool is_related(const struct request *req)
{
	return req->flags & SMB2_FLAGS_RELATED_OPERATIONS;
}

/*
 * [MS-SMB2] 3.3.5.2.7.2: session and tree of the request before, whatever the header says. The
 * first of a compound relates to nothing, and so does one after a request that had no session; what
 * is related to that fails as well. An unrelated request begins anew.
 */
static struct nt_status inherit(struct exchange *x, struct request *req)
{
	if (!is_related(req)) {
		x->file_id = (struct smb2_file_id){0};
		x->file_status = STATUS_FILE_CLOSED;
		x->create_failed = false;
		x->related_status = STATUS_SUCCESS;
	} else if (req == &x->first) {
		x->related_status = STATUS_INVALID_PARAMETER;
	} else {
		req->session_id = x->session_id;
		req->tree_id = x->tree_id;
	}
	x->session_id = req->session_id;
	x->tree_id = req->tree_id;
	return x->related_status;
}

static void attach_session(struct request *req)
{
	struct session_channel *channel = connection_session(req->conn, req->session_id);

	if (!channel)
		return;
	session_channel_get(channel);
	session_get(channel->session);
	req->channel = channel;
	req->session = channel->session;
}

/* 3.3.5.2.9 */
static struct nt_status check_session(struct request *req)
{
	/* nor on a channel that is still being bound, whatever the session's state */
	if (!req->session || (req->channel->binding && !req->channel->established))
		return STATUS_USER_SESSION_DELETED;
	switch (session_enter(req->session, &req->user)) {
	case SESSION_VALID:
		return STATUS_SUCCESS;
	case SESSION_EXPIRED:
		return req->command == SMB2_LOGOFF || req->command == SMB2_CLOSE ||
				       req->command == SMB2_LOCK
			       ? STATUS_SUCCESS
			       : STATUS_NETWORK_SESSION_EXPIRED;
	case SESSION_IN_PROGRESS:
	case SESSION_ENDED:
		break;
	}
	return STATUS_USER_SESSION_DELETED;
}

/* 3.3.5.2.11 */
static struct nt_status check_tree(struct request *req)
{
	req->tree = tree_find(req->session, req->tree_id);
	return req->tree ? STATUS_SUCCESS : STATUS_NETWORK_NAME_DELETED;
}

/* 3.3.5.2.6: a body that is not even as long as its StructureSize says is malformed; the rest is
 * seen when it is decoded. */
static struct nt_status check_structure(const struct request *req, const struct command *command)
{
	struct rd in = req->in;
	uint16_t size = rd_u16(&in);

	if (command->structure_size && size != command->structure_size)
		return STATUS_INVALID_PARAMETER;
	/* an odd size counts one byte of a variable part that may be empty */
	if (req->in.len + req->in_body.len < REQUEST_HEADER_BYTES + (size & ~1u))
		return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

/* 3.3.5.2.5 */
static struct nt_status check_charge(const struct request *req, const struct command *command)
{
	uint32_t bytes = command->payload_bytes ? command->payload_bytes(req->in) : 0;

	return credits_cover(req->conn, req->credit_charge, bytes) ? STATUS_SUCCESS
								   : STATUS_INVALID_PARAMETER;
}

static struct nt_status check_all(struct request *req, const struct command *command)
{
	struct exchange *x = req->exchange;
	struct nt_status status = inherit(x, req);

	attach_session(req);
	if (nt_error(status))
		return status;
	status = signing_check(req);
	if (nt_error(status))
		return status;
	if (!command)
		return STATUS_INVALID_PARAMETER;
	if (command->flags & COMMAND_SESSION) {
		status = check_session(req);
		if (nt_error(status))
			return status;
	}
	if (command->flags & COMMAND_TREE) {
		status = check_tree(req);
		if (nt_error(status))
			return status;
	}
	/* the failure of the CREATE that should have given the FileId is that of its users */
	if (command->flags & COMMAND_FILE && x->create_failed)
		return x->file_status;
	status = check_structure(req, command);
	if (nt_error(status))
		return status;
	return check_charge(req, command);
}

static const struct command *command_of(const struct request *req)
{
	const struct command_table *table = req->conn->server->config.commands;

	return req->command < COMMAND_COUNT ? &table->by_number[req->command] : NULL;
}

/* The client takes what it registered for the reply as invalidated by it, errors too: cifs.ko's
 * next registration fails if it was not (protocol-facts 28). SMB 3.0 knows nothing of that. */
static void note_token(struct request *req, const struct command *command)
{
	req->invalidate = command && command->invalidates && req->conn->limits.remote_invalidate &&
			  req->conn->negotiated.dialect >= SMB2_DIALECT_302 &&
			  command->invalidates(req->in, &req->invalidate_token);
}

static struct nt_status run(struct request *req)
{
	const struct command *command = command_of(req);
	struct nt_status status;

	note_token(req, command);
	if (req->conn->closing)
		return STATUS_CONNECTION_DISCONNECTED; /* nobody will hear it: do not begin */
	status = req->smb1 ? STATUS_SUCCESS : check_all(req, command);
	if (nt_error(status))
		return status;
	if (!command->handle)
		return STATUS_NOT_SUPPORTED;
	req->checked = true;
	return command->handle(req);
}

/* What the related ones after it inherit: also what the handler set up, a TREE_CONNECT's tree or a
 * SESSION_SETUP's session. */
static void leave(struct exchange *x, const struct request *req)
{
	const struct command *command = command_of(req);

	x->session_id = req->session_id;
	x->tree_id = req->tree_id;
	if (req->command == SMB2_CREATE) {
		x->create_failed = nt_error(req->status);
		x->file_status = req->status;
	}
	if (command && command->flags & COMMAND_SESSION && !req->session)
		x->related_status = STATUS_INVALID_PARAMETER;
}

void dispatch_request(struct request *req)
{
	struct exchange *x = req->exchange;

	wr_zero(&req->out, REQUEST_HEADER_BYTES);
	req->status = run(req);
	req->checked = false;
	req->cancel_fn = NULL;
	leave(x, req);
	if (log_enabled(LOG_LEVEL_DEBUG))
		log_debug("%s mid %llu: %s", smb2_command_name(req->command),
			  (unsigned long long)req->message_id, nt_status_name(req->status));
	response_shape(req);
}
