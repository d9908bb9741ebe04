/* SPDX-License-Identifier: Apache-2.0 */
/* SESSION_SETUP, [MS-SMB2] 3.3.5.5, and LOGOFF, 3.3.5.6. */
#include <stddef.h>
#include <string.h>

#include "smbd/auth/auth.h"
#include "smbd/auth/identity.h"
#include "smbd/cmd/service.h"
#include "smbd/cmd/session_commands.h"
#include "smbd/crypto/kdf.h"
#include "smbd/crypto/sign.h"
#include "smbd/session/bind.h"
#include "smbd/session/connection.h"
#include "smbd/session/rank.h"
#include "smbd/session/server.h"
#include "smbd/session/session.h"
#include "smbd/vfs/vfs.h"
#include "smbd/wire/empty.h"
#include "smbd/wire/negotiate.h"
#include "smbd/wire/session.h"
#include "transport/base/log.h"

static bool is_binding(const struct session_channel *channel)
{
	return channel->binding && !channel->established;
}

/* ---- who it is ---- */

static void user_release(struct session_user *user)
{
	if (user->cred)
		vfs_cred_put(user->cred);
	talloc_free(user);
}

/* From what the exchange found out; the result hangs on the user. NULL: no memory. */
static struct session_user *user_create(struct auth_exchange *auth, struct auth_result **result)
{
	struct session_user *user = talloc_zero(NULL, struct session_user);
	const struct unix_user *unix_user;

	if (!user)
		return NULL;
	atomic_init(&user->refs, 1);
	user->release = user_release;
	*result = auth_exchange_take(auth, user);
	if (!*result)
		goto release;
	user->name = (*result)->user;
	user->domain = (*result)->domain;
	user->guest = (*result)->is_guest;
	user->anonymous = (*result)->is_anonymous;
	user->unix_user = unix_user = (*result)->unix_user;
	if (unix_user) {
		user->cred = vfs_cred_new(unix_user->uid, unix_user->gid, unix_user->groups,
					  unix_user->group_count);
		if (!user->cred)
			goto release;
	}
	return user;

release:
	user_release(user);
	return NULL;
}

static bool is_same_user(const struct session_user *a, const struct session_user *b)
{
	return a->guest == b->guest && a->anonymous == b->anonymous &&
	       strcmp(a->name, b->name) == 0;
}

/* ---- keys, 3.3.5.5.3 ---- */

/* The channel's: from what this authentication gave and, for 3.1.1, this connection's messages. */
static int channel_key(struct request *req, const struct auth_result *result,
		       uint8_t key[SIGN_KEY_BYTES])
{
	struct session_channel *channel = req->channel;
	struct signer *signer;
	int err;

	err = kdf_derive(KDF_KEY_SIGNING, req->session->dialect, result->session_key,
			 result->session_key_len, &channel->preauth, key, SIGN_KEY_BYTES);
	if (!err)
		err = signer_create(req->conn->negotiated.sign_algorithm, SIGN_ROLE_SERVER, key,
				    &signer);
	if (err)
		return err;
	signer_destroy(channel->signer); /* of a bind: the session's */
	channel->signer = signer;
	return 0;
}

static struct nt_status session_keys(struct request *req, const struct auth_result *result)
{
	struct session_channel *channel = req->channel;
	struct session *session = req->session;
	int err;

	if (result->session_key_len == 0 || result->is_guest || result->is_anonymous)
		return STATUS_SUCCESS; /* nothing that both sides know: such sessions never sign */
	memcpy(session->key, result->session_key, result->session_key_len);
	session->key_len = (uint8_t)result->session_key_len;
	session->application_key_len = KDF_SESSION_KEY_BYTES;
	session->sign_algorithm = req->conn->negotiated.sign_algorithm;
	err = kdf_derive(KDF_KEY_APPLICATION, session->dialect, session->key, session->key_len,
			 &channel->preauth, session->application_key, KDF_SESSION_KEY_BYTES);
	if (!err)
		err = channel_key(req, result, session->signing_key);
	session->has_signing_key = !err;
	return err ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

/* One more channel: the session's keys stay as they are, but for the signatures on this one. */
static struct nt_status bound_keys(struct request *req, const struct auth_result *result,
				   const struct session_user *user)
{
	struct session_user *owner = session_user(req->session);
	bool same = owner && is_same_user(owner, user);
	uint8_t key[SIGN_KEY_BYTES];
	int err;

	session_user_put(owner);
	if (!same)
		return STATUS_ACCESS_DENIED;
	if (result->session_key_len == 0)
		return STATUS_NOT_SUPPORTED;
	err = channel_key(req, result, key);
	explicit_bzero(key, sizeof(key));
	return err ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

static bool signing_required(const struct request *req,
			     const struct smb2_session_setup_request *setup,
			     const struct session_user *user)
{
	if (user->guest || user->anonymous)
		return false;
	return setup->security_mode & SMB2_NEGOTIATE_SIGNING_REQUIRED ||
	       req->conn->server->config.signing_required;
}

/* ---- the end of an authentication ---- */

/* 3.3.5.5.3: a client that lost its connection says which session it had before: that ends, if it
 * was the same user's. */
static void end_previous(struct request *req, uint64_t previous_id, const struct session_user *user)
{
	struct session_user *former;
	struct session *previous;

	if (previous_id == 0 || previous_id == req->session->id)
		return;
	previous = session_find(req->conn->server, previous_id);
	if (!previous)
		return;
	former = session_user(previous);
	if (former && is_same_user(former, user))
		session_replace(previous);
	session_user_put(former);
	session_put(previous);
}

/* The session is valid from here, or has a new user. USER_SESSION_DELETED: it ended meanwhile. */
static struct nt_status session_accept(struct request *req, struct session_user *user,
				       bool required)
{
	struct session *session = req->session;
	struct session_user *former;

	pthread_mutex_lock(&session->mutex);
	if (session->state == SESSION_ENDED) {
		pthread_mutex_unlock(&session->mutex);
		return STATUS_USER_SESSION_DELETED;
	}
	former = session->user;
	session->user = user;
	session_user_get(user);
	if (session->state == SESSION_IN_PROGRESS)
		session->signing_required = required;
	session->state = SESSION_VALID;
	pthread_mutex_unlock(&session->mutex);
	session_user_put(former);
	connection_session_established(req->conn, req->channel);
	return STATUS_SUCCESS;
}

/* The channel is one of the session's from here. */
static struct nt_status bind_accept(struct request *req)
{
	if (session_channel_detaching(req->channel))
		return STATUS_USER_SESSION_DELETED;
	connection_session_established(req->conn, req->channel);
	log_info("session %llx: one more channel", (unsigned long long)req->session->id);
	return STATUS_SUCCESS;
}

/* The session itself is authenticated, for the first time or again. */
static struct nt_status finish_session(struct request *req,
				       const struct smb2_session_setup_request *setup,
				       struct session_user *user, const struct auth_result *result)
{
	struct nt_status status = STATUS_SUCCESS;

	/* reauthentication keeps the keys of the first time, 3.3.5.5.2 */
	if (!req->channel->established)
		status = session_keys(req, result);
	if (nt_error(status))
		return status;
	end_previous(req, setup->previous_session_id, user);
	status = session_accept(req, user, signing_required(req, setup, user));
	if (nt_success(status))
		log_info("session %llx: %s%s", (unsigned long long)req->session->id,
			 user->anonymous ? "anonymous" : user->name, user->guest ? " (guest)" : "");
	return status;
}

static struct nt_status finish_bind(struct request *req, const struct session_user *user,
				    const struct auth_result *result)
{
	struct nt_status status = bound_keys(req, result, user);

	return nt_error(status) ? status : bind_accept(req);
}

static struct nt_status finish(struct request *req, const struct smb2_session_setup_request *setup,
			       uint16_t *flags)
{
	struct session_channel *channel = req->channel;
	struct auth_result *result;
	struct session_user *user = user_create(channel->auth, &result);
	struct nt_status status;

	if (!user)
		return STATUS_INSUFFICIENT_RESOURCES;
	if (is_binding(channel))
		status = finish_bind(req, user, result);
	else
		status = finish_session(req, setup, user, result);
	if (nt_error(status))
		goto put_user;
	*flags = (user->guest ? SMB2_SESSION_FLAG_IS_GUEST : 0) |
		 (user->anonymous ? SMB2_SESSION_FLAG_IS_NULL : 0);

put_user:
	session_user_put(user);
	return status;
}

/* ---- one leg ---- */

struct step {
	struct auth_exchange *auth;
	struct wire_blob in;
	struct auth_token out;
	struct nt_status status;
};

/* On a worker: it may read the accounts, and ask the system for groups. */
static int step_run(void *arg)
{
	struct step *step = arg;

	step->status = auth_exchange_step(step->auth, step->in.data, step->in.len, &step->out);
	return 0;
}

static struct nt_status reply(struct request *req, uint16_t flags, struct auth_token token)
{
	struct smb2_session_setup_response out = {
		.session_flags = flags,
		.security_buffer = WIRE_BLOB(NULL, token.len),
	};
	struct nt_status status = request_payload_get(req, token.len);

	if (nt_error(status))
		return status;
	wr_bytes(&req->payload, token.data, token.len);
	smb2_session_setup_response_encode(&req->out, &out);
	return STATUS_SUCCESS;
}

static struct nt_status leg(struct request *req, const struct smb2_session_setup_request *setup)
{
	struct session_channel *channel = req->channel;
	struct step step = {.auth = channel->auth, .in = setup->security_buffer};
	struct nt_status status;
	uint16_t flags = 0;

	(void)fiber_offload(step_run, &step);
	if (req->conn->closing)
		return STATUS_CONNECTION_DISCONNECTED;
	if (nt_equal(step.status, STATUS_MORE_PROCESSING_REQUIRED)) {
		status = reply(req, 0, step.out);
		return nt_error(status) ? status : STATUS_MORE_PROCESSING_REQUIRED;
	}
	if (!nt_equal(step.status, STATUS_SUCCESS))
		return step.status;
	status = finish(req, setup, &flags);
	return nt_error(status) ? status : reply(req, flags, step.out);
}

/* ---- which session ---- */

static struct nt_status begin_session(struct request *req)
{
	struct nt_status status = session_create(req->conn, &req->channel);

	if (nt_error(status)) {
		req->channel = NULL;
		return status;
	}
	req->session = req->channel->session;
	session_get(req->session);
	req->session_id = req->session->id;
	return STATUS_SUCCESS;
}

static struct nt_status find_session(struct request *req)
{
	struct session_user *user = NULL;
	enum session_state state;

	if (!req->session || is_binding(req->channel))
		return STATUS_USER_SESSION_DELETED;
	state = session_enter(req->session, &user);
	session_user_put(user);
	return state == SESSION_ENDED ? STATUS_USER_SESSION_DELETED : STATUS_SUCCESS;
}

/* The authentication that this leg belongs to; its preauthentication hash begins where NEGOTIATE's
 * ended. */
static struct nt_status begin_auth(struct request *req)
{
	struct session_channel *channel = req->channel;

	if (!channel->auth) {
		channel->preauth = req->conn->negotiated.preauth;
		channel->auth = auth_exchange_create(NULL, service_auth(req), req->conn->name);
		if (!channel->auth)
			return STATUS_INSUFFICIENT_RESOURCES;
	}
	if (req->conn->negotiated.dialect == SMB2_DIALECT_311 &&
	    connection_preauth_request(req, &channel->preauth) != 0)
		return STATUS_INSUFFICIENT_RESOURCES;
	return STATUS_SUCCESS;
}

/* Windows ends the session when its reauthentication fails, too; but it outlives a bind that fails.
 */
static void setup_failed(struct request *req)
{
	if (is_binding(req->channel))
		(void)session_channel_drop(req->channel);
	else
		session_end(req->session);
}

static struct nt_status setup_session(struct request *req,
				      const struct smb2_session_setup_request *setup)
{
	struct session_channel *channel = req->channel;
	struct nt_status status;

	if (channel->setup_busy)
		return STATUS_REQUEST_NOT_ACCEPTED; /* one leg at a time */
	channel->setup_busy = true;
	status = begin_auth(req);
	if (!nt_error(status))
		status = leg(req, setup);
	if (!nt_equal(status, STATUS_MORE_PROCESSING_REQUIRED)) {
		talloc_free(channel->auth);
		channel->auth = NULL;
		if (nt_error(status))
			setup_failed(req);
	}
	channel->setup_busy = false;
	return status;
}

/* ---- one more channel ---- */

struct bind_question {
	struct service *service;
	struct sockaddr_storage local;
	struct service_link link;
};

static int may_bind(void *arg)
{
	struct bind_question *question = arg;

	return service_may_bind(question->service, &question->local, &question->link);
}

/* Addresses that may move to another host serve no second channel (`multichannel allow`). */
static bool is_address_allowed(const struct request *req)
{
	struct bind_question question = {.service = req->conn->server->config.service,
					 .local = req->conn->link.local};

	if (question.local.ss_family == AF_UNSPEC) /* in memory there are no addresses */
		return true;
	if (!fiber_offload(may_bind, &question))
		return false;
	rank_address_known(req->session, &question.local, question.link.bits_per_sec,
			   question.link.rss);
	return true;
}

static struct nt_status bind_session(struct request *req)
{
	bool first = !req->channel;
	struct nt_status status;

	status = session_bind(req);
	if (nt_error(status) || !first)
		return status;
	req->channel->setup_busy = true; /* no leg overtakes the question */
	if (is_address_allowed(req)) {
		req->channel->setup_busy = false;
		return status;
	}
	/* protocol-facts 16, 19: the client keeps the session, and does not try here again */
	log_info("session %llx is not bound: not over this address",
		 (unsigned long long)req->session_id);
	(void)session_channel_drop(req->channel);
	return STATUS_REQUEST_NOT_ACCEPTED;
}

struct nt_status cmd_session_setup(struct request *req)
{
	struct smb2_session_setup_request setup;
	struct nt_status status;

	if (!smb2_session_setup_request_decode(&req->in, &setup))
		return STATUS_INVALID_PARAMETER;
	if (setup.flags & SMB2_SESSION_FLAG_BINDING)
		status = bind_session(req);
	else
		status = req->session_id == 0 ? begin_session(req) : find_session(req);
	if (nt_error(status))
		return status;
	return setup_session(req, &setup);
}

struct nt_status cmd_logoff(struct request *req)
{
	if (!smb2_empty_decode(&req->in))
		return STATUS_INVALID_PARAMETER;
	session_end(req->session);
	smb2_empty_encode(&req->out);
	return STATUS_SUCCESS;
}
