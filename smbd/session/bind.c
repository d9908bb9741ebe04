/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/bind.h"

#include <string.h>

#include "smbd/crypto/sign.h"
#include "smbd/session/connection.h"
#include "smbd/session/request.h"
#include "smbd/session/server.h"
#include "smbd/session/session.h"
#include "smbd/session/signing.h"
#include "smbd/wire/header.h"
#include "smbd/wire/negotiate.h"
#include "transport/base/log.h"

/* A connection that agreed on GMAC and a session that did not never meet, either way round:
 * Windows, not the specification, says how (protocol-facts 15). */
static struct nt_status check_algorithm(const struct request *req)
{
	bool here = req->conn->negotiated.sign_algorithm == SIGN_AES_GMAC;
	bool there = req->session->sign_algorithm == SIGN_AES_GMAC;

	if (here == there)
		return STATUS_SUCCESS;
	return there ? STATUS_REQUEST_OUT_OF_SEQUENCE : STATUS_NOT_SUPPORTED;
}

/* [MS-SMB2] 3.3.5.5, steps 4 and 5: of the connections and the message. */
static struct nt_status check_connection(const struct request *req)
{
	const struct negotiated *n = &req->conn->negotiated;
	const struct session *session = req->session;

	if (!(n->server_capabilities & SMB2_GLOBAL_CAP_MULTI_CHANNEL))
		return STATUS_REQUEST_NOT_ACCEPTED;
	if (n->dialect != session->dialect || !(req->flags & SMB2_FLAGS_SIGNED))
		return STATUS_INVALID_PARAMETER;
	/* a MAY: leases and create GUIDs are a client's, so its channels must be one client's */
	if (memcmp(n->client_guid, session->client_guid, sizeof(n->client_guid)) != 0)
		return STATUS_USER_SESSION_DELETED;
	return STATUS_SUCCESS;
}

/* 3.3.5.5, step 4: of the session. */
static struct nt_status check_state(enum session_state state, const struct session_user *user)
{
	switch (state) {
	case SESSION_IN_PROGRESS:
		return STATUS_REQUEST_NOT_ACCEPTED;
	case SESSION_EXPIRED:
		return STATUS_NETWORK_SESSION_EXPIRED;
	case SESSION_ENDED:
		return STATUS_USER_SESSION_DELETED;
	case SESSION_VALID:
		break;
	}
	return user->guest || user->anonymous ? STATUS_NOT_SUPPORTED : STATUS_SUCCESS;
}

static struct nt_status check(const struct request *req, enum session_state state,
			      const struct session_user *user)
{
	struct nt_status status = STATUS_SUCCESS;

	if (state == SESSION_VALID)
		status = check_algorithm(req);
	if (nt_error(status))
		return status;
	status = check_connection(req);
	if (nt_error(status))
		return status;
	return check_state(state, user);
}

/* It was signed with the session's key (3.3.5.2.4): so will the replies be, until it has a key of
 * its own. Nothing is ever signed for who could not sign. */
static bool take_signature(struct request *req, struct session_channel *channel)
{
	const struct session *session = req->session;
	struct signer *signer;

	if (!(req->flags & SMB2_FLAGS_SIGNED) || !session->has_signing_key)
		return false;
	if (signer_create(session->sign_algorithm, SIGN_ROLE_SERVER, session->signing_key,
			  &signer) != 0)
		return false;
	if (!signing_verify(req, signer)) {
		signer_destroy(signer);
		return false;
	}
	channel->signer = signer;
	return true;
}

static struct nt_status attach(struct request *req, struct session_channel *channel)
{
	enum session_state state;
	struct session_user *user;
	struct nt_status status;
	bool known;

	state = session_enter(req->session, &user);
	/* before that its keys are not fixed */
	known = (state == SESSION_VALID || state == SESSION_EXPIRED) &&
		take_signature(req, channel);
	status = check(req, state, user);
	session_user_put(user);
	if (nt_error(status))
		return status;
	if (!known)
		return STATUS_ACCESS_DENIED;
	if (req->conn->session_count >= CONNECTION_SESSIONS_MAX ||
	    req->conn->setups >= CONNECTION_SETUPS_MAX)
		return STATUS_INSUFFICIENT_RESOURCES;
	channel->binding = true;
	return session_channel_add(channel);
}

static struct nt_status begin(struct request *req)
{
	req->session = session_find(req->conn->server, req->session_id);
	if (!req->session)
		return STATUS_USER_SESSION_DELETED;
	req->channel = session_channel_new(req->conn, req->session);
	if (!req->channel)
		return STATUS_INSUFFICIENT_RESOURCES;
	return attach(req, req->channel);
}

struct nt_status session_bind(struct request *req)
{
	struct nt_status status;

	if (req->session_id == 0)
		return STATUS_INVALID_PARAMETER;
	if (!req->channel) {
		status = begin(req);
		if (nt_error(status))
			log_info("session %llx is not bound: %s",
				 (unsigned long long)req->session_id, nt_status_name(status));
		return status;
	}
	/* its signature is checked already, by the channel's key */
	if (!(req->channel->binding && !req->channel->established))
		return STATUS_REQUEST_NOT_ACCEPTED;
	return req->flags & SMB2_FLAGS_SIGNED ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}
