/* SPDX-License-Identifier: Apache-2.0 */
/* NEGOTIATE, SESSION_SETUP, TREE_CONNECT: [MS-SMB2] 3.2.4.2 and 3.2.5.2 to 3.2.5.5. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smbd/auth/client.h"
#include "smbd/crypto/kdf.h"
#include "smbd/wire/empty.h"
#include "smbd/wire/utf16.h"
#include "tools/client/private.h"

/* ---- NEGOTIATE ---- */

void client_negotiate_default(struct smb2_negotiate_request *in, uint16_t max)
{
	static const uint16_t dialects[] = {SMB2_DIALECT_202, SMB2_DIALECT_210, SMB2_DIALECT_300,
					    SMB2_DIALECT_302, SMB2_DIALECT_311};
	static const uint8_t salt[32] = "smb3d client, not secret at all";
	struct smb2_negotiate_contexts *c = &in->contexts;

	memset(in, 0, sizeof(*in));
	in->security_mode = SMB2_NEGOTIATE_SIGNING_ENABLED;
	in->capabilities = SMB2_GLOBAL_CAP_LEASING | SMB2_GLOBAL_CAP_LARGE_MTU |
			   SMB2_GLOBAL_CAP_MULTI_CHANNEL | SMB2_GLOBAL_CAP_PERSISTENT_HANDLES |
			   SMB2_GLOBAL_CAP_DIRECTORY_LEASING | SMB2_GLOBAL_CAP_ENCRYPTION;
	memcpy(in->client_guid.bytes, "smb3d test guid!", 16);
	for (unsigned i = 0; i < 5; i++) {
		if (dialects[i] <= max)
			in->dialects.ids[in->dialects.count++] = dialects[i];
	}
	if (max < SMB2_DIALECT_311)
		return;
	c->present = SMB2_HAS_PREAUTH_INTEGRITY | SMB2_HAS_ENCRYPTION | SMB2_HAS_SIGNING;
	c->hash_algorithms = (struct smb2_id_list){1, {SMB2_PREAUTH_INTEGRITY_SHA512}};
	c->salt = WIRE_BLOB_ARRAY(salt);
	c->ciphers =
		(struct smb2_id_list){4,
				      {SMB2_ENCRYPTION_AES128_GCM, SMB2_ENCRYPTION_AES128_CCM,
				       SMB2_ENCRYPTION_AES256_GCM, SMB2_ENCRYPTION_AES256_CCM}};
	c->signing_algorithms = (struct smb2_id_list){
		3, {SMB2_SIGNING_AES_GMAC, SMB2_SIGNING_AES_CMAC, SMB2_SIGNING_HMAC_SHA256}};
}

static uint16_t client_signing_of(const struct smb2_negotiate_response *out)
{
	if (out->dialect_revision < SMB2_DIALECT_300)
		return SIGN_HMAC_SHA256;
	if (out->dialect_revision == SMB2_DIALECT_311 &&
	    (out->contexts.present & SMB2_HAS_SIGNING) && out->contexts.signing_algorithms.count)
		return out->contexts.signing_algorithms.ids[0];
	return SIGN_AES_CMAC;
}

static struct nt_status client_negotiated(struct client_channel *ch, struct client_request *rq,
					  struct smb2_negotiate_response *out)
{
	struct rd r = client_reply(rq);

	if (!smb2_negotiate_response_decode(&r, out))
		return STATUS_INVALID_PARAMETER;
	ch->dialect = out->dialect_revision;
	ch->large_mtu =
		ch->dialect >= SMB2_DIALECT_210 && (out->capabilities & SMB2_GLOBAL_CAP_LARGE_MTU);
	ch->signing_required = out->security_mode & SMB2_NEGOTIATE_SIGNING_REQUIRED;
	ch->signing_algorithm = client_signing_of(out);
	ch->server_guid = out->server_guid;
	return STATUS_SUCCESS;
}

struct nt_status client_negotiate(struct client_channel *ch,
				  const struct smb2_negotiate_request *in,
				  struct smb2_negotiate_response *out)
{
	struct smb2_negotiate_response mine;
	struct smb2_negotiate_request defaults;
	struct client_request *rq = malloc(sizeof(*rq));
	struct nt_status status;

	if (!rq)
		return STATUS_NO_MEMORY;
	if (ch->negotiate) {
		client_request_fini(ch->negotiate);
		free(ch->negotiate);
	}
	ch->negotiate = rq;
	ch->preauth = PREAUTH_INIT;
	if (!in) {
		client_negotiate_default(&defaults, SMB2_DIALECT_311);
		in = &defaults;
	}
	ch->client_guid = in->client_guid;
	client_request_init(rq, ch, NULL, 0, SMB2_NEGOTIATE);
	rq->preauth = &ch->preauth;
	smb2_negotiate_request_encode(&rq->w, in);
	status = client_call(rq);
	return nt_success(status) ? client_negotiated(ch, rq, out ? out : &mine) : status;
}

/* ---- SESSION_SETUP ---- */

struct signer *client_session_signer(const struct client_session *s,
				     const struct client_channel *ch)
{
	for (unsigned i = 0; i < s->channel_count; i++) {
		if (s->channels[i].channel == ch)
			return s->channels[i].signer;
	}
	return NULL;
}

static struct client_binding *session_binding(struct client_session *s,
					      const struct client_channel *ch)
{
	for (unsigned i = 0; i < s->channel_count; i++) {
		if (s->channels[i].channel == ch)
			return &s->channels[i];
	}
	return NULL;
}

/* Another key for a channel, or one more channel; on the reactor, which signs with it. */
struct client_rekey {
	struct client_session *session;
	struct client_binding binding;
	struct nt_status status;
};

static void client_rekey_posted(void *arg)
{
	struct client_rekey *k = arg;
	struct client_session *s = k->session;
	struct client_binding *b = session_binding(s, k->binding.channel);

	k->status = STATUS_SUCCESS;
	if (k->binding.channel->closed)
		k->status = STATUS_CONNECTION_DISCONNECTED;
	else if (!b && s->channel_count == CLIENT_CHANNELS)
		k->status = STATUS_INSUFFICIENT_RESOURCES;
	if (!nt_success(k->status))
		return;
	if (b)
		signer_destroy(b->signer);
	else
		b = &s->channels[s->channel_count++];
	*b = k->binding;
	if (list_empty(&s->node))
		list_push(&s->client->sessions, &s->node);
}

static struct nt_status client_set_signer(struct client_session *s, struct client_channel *ch,
					  const uint8_t *key, bool established)
{
	struct client_rekey k = {.session = s,
				 .binding = {.channel = ch, .established = established}};

	if (signer_create((enum sign_algorithm)ch->signing_algorithm, SIGN_ROLE_CLIENT, key,
			  &k.binding.signer) != 0)
		return STATUS_INTERNAL_ERROR;
	client_run(ch->client, client_rekey_posted, &k);
	if (!nt_success(k.status))
		signer_destroy(k.binding.signer);
	return k.status;
}

/* [MS-SMB2] 3.2.5.3.1 and 3.2.5.3.3: each channel's key is of its own authentication. */
static struct nt_status client_add_channel(struct client_session *s, struct client_channel *ch,
					   const uint8_t *secret, const struct preauth *preauth)
{
	uint8_t key[SIGN_KEY_BYTES];
	struct nt_status status = STATUS_INTERNAL_ERROR;

	if (kdf_derive(KDF_KEY_SIGNING, ch->dialect, secret, KDF_SESSION_KEY_BYTES, preauth, key,
		       sizeof(key)) == 0)
		status = client_set_signer(s, ch, key, true);
	if (s->channel == ch)
		memcpy(s->signing_key, key, sizeof(s->signing_key));
	explicit_bzero(key, sizeof(key));
	return status;
}

struct client_setup {
	struct client_channel *ch;
	const struct client_login *login;
	struct client_session *session;
	struct auth_client *auth;
	struct preauth preauth;
	struct client_request rq;
	bool begun; /* rq holds an answer */
	bool bind;  /* one more channel */
};

/* One round: a token there, the answer in x->rq. */
static struct nt_status client_setup_round(struct client_setup *x, struct auth_token token)
{
	struct smb2_session_setup_request in = {
		.flags = x->bind ? SMB2_SESSION_FLAG_BINDING : 0,
		.security_mode = x->login->security_mode ? x->login->security_mode
							 : SMB2_NEGOTIATE_SIGNING_ENABLED,
		.capabilities = SMB2_GLOBAL_CAP_DFS,
		.security_buffer = {.data = token.data, .len = token.len},
		.previous_session_id = x->bind ? 0 : x->login->previous_session_id};
	uint64_t id = x->begun ? x->rq.reply.session_id : 0;

	if (x->begun)
		client_request_fini(&x->rq);
	x->begun = true;
	client_request_init(&x->rq, x->ch, x->bind ? x->session : NULL, 0, SMB2_SESSION_SETUP);
	x->rq.header.session_id = id;
	if (x->bind) /* [MS-SMB2] 3.2.4.1.1: with the session's key */
		x->rq.keep = CLIENT_SIGN | CLIENT_NEW_KEY;
	x->rq.preauth = &x->preauth;
	smb2_session_setup_request_encode(&x->rq.w, &in);
	if (!wr_ok(&x->rq.w))
		return STATUS_BUFFER_TOO_SMALL;
	return client_call(&x->rq);
}

/* [MS-SMB2] 3.2.5.3: rounds until the server says yes or no. */
static struct nt_status client_setup_rounds(struct client_setup *x,
					    struct smb2_session_setup_response *out)
{
	struct auth_token token = {NULL, 0};
	struct nt_status status = auth_client_step(x->auth, NULL, 0, &token);
	struct rd r;

	for (;;) {
		if (nt_error(status) && !nt_equal(status, STATUS_MORE_PROCESSING_REQUIRED))
			return status;
		status = client_setup_round(x, token);
		if (!nt_success(status) && !nt_equal(status, STATUS_MORE_PROCESSING_REQUIRED))
			return status;
		r = client_reply(&x->rq);
		if (!smb2_session_setup_response_decode(&r, out))
			return STATUS_INVALID_PARAMETER;
		if (nt_success(status))
			return status;
		status = auth_client_step(x->auth, out->security_buffer.data,
					  out->security_buffer.len, &token);
	}
}

/* The final response is signed with the key that it makes, with which requests may be signed
 * already: on the reactor, as those are. */
struct client_verdict {
	struct client_setup *setup;
	int err;
};

static void client_verify_posted(void *arg)
{
	struct client_verdict *v = arg;
	struct client_setup *x = v->setup;
	struct iovec iov = {(void *)x->rq.pdu, x->rq.pdu_len};
	struct signer *signer = client_session_signer(x->session, x->ch);

	v->err = signer ? signer_verify(signer, &iov, 1) : -ECONNRESET;
}

static struct nt_status client_setup_verify(struct client_setup *x)
{
	struct client_verdict v = {.setup = x};

	/* [MS-SMB2] 3.2.5.3.1: 3.1.1 insists */
	if (!(x->rq.reply.flags & SMB2_FLAGS_SIGNED))
		return x->ch->dialect == SMB2_DIALECT_311 ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
	client_run(x->ch->client, client_verify_posted, &v);
	if (v.err == -ECONNRESET)
		return STATUS_CONNECTION_DISCONNECTED;
	return v.err ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

static struct nt_status client_setup_finish(struct client_setup *x,
					    const struct smb2_session_setup_response *out)
{
	struct client_session *s = x->session;
	const uint8_t *key = auth_client_session_key(x->auth);
	struct nt_status status;

	s->id = x->rq.reply.session_id;
	s->flags = out->session_flags;
	if (!key || (s->flags & (SMB2_SESSION_FLAG_IS_GUEST | SMB2_SESSION_FLAG_IS_NULL)))
		return STATUS_SUCCESS;
	memcpy(s->key, key, sizeof(s->key));
	status = client_add_channel(s, x->ch, key, &x->preauth);
	if (!nt_success(status))
		return status;
	s->sign = x->login->sign || x->ch->signing_required;
	return client_setup_verify(x);
}

struct nt_status client_login(struct client_channel *ch, const struct client_login *login,
			      struct client_session **session)
{
	struct client_setup x = {.ch = ch, .login = login, .preauth = ch->preauth};
	struct smb2_session_setup_response out;
	struct nt_status status = STATUS_NO_MEMORY;

	x.session = calloc(1, sizeof(*x.session));
	x.auth = auth_client_create(NULL, login->who);
	if (!x.session || !x.auth)
		goto free_session;
	x.session->client = ch->client;
	x.session->channel = ch;
	x.session->server_guid = ch->server_guid;
	list_init(&x.session->node);
	list_init(&x.session->locks);
	status = client_setup_rounds(&x, &out);
	if (nt_success(status))
		status = client_setup_finish(&x, &out);
	if (!nt_success(status))
		goto free_session;
	*session = x.session;
	goto free_exchange;

free_session:
	client_session_free(x.session);
free_exchange:
	if (x.begun)
		client_request_fini(&x.rq);
	talloc_free(x.auth);
	return status;
}

void client_session_leave(struct client_session *s, const struct client_channel *ch)
{
	struct client_binding *b = session_binding(s, ch);

	if (!b)
		return;
	signer_destroy(b->signer);
	*b = s->channels[--s->channel_count];
}

struct client_part {
	struct client_session *session;
	struct client_channel *channel;
};

static void client_unbind_posted(void *arg)
{
	const struct client_part *p = arg;

	client_session_leave(p->session, p->channel);
}

static void client_unbind(struct client_session *s, struct client_channel *ch)
{
	struct client_part p = {s, ch};

	client_run(s->client, client_unbind_posted, &p);
}

struct nt_status client_bind(struct client_channel *ch, const struct client_login *login,
			     struct client_session *s)
{
	struct client_setup x = {
		.ch = ch, .login = login, .session = s, .preauth = ch->preauth, .bind = true};
	struct smb2_session_setup_response out;
	struct nt_status status;
	const uint8_t *key;

	if (list_empty(&s->node) || ch->dialect < SMB2_DIALECT_300)
		return STATUS_NOT_SUPPORTED;
	if (!guid_equal(&ch->server_guid, &s->server_guid)) /* 3.2.5.2: another server */
		return STATUS_REQUEST_NOT_ACCEPTED;
	atomic_store(&s->many, true);
	x.auth = auth_client_create(NULL, login->who);
	if (!x.auth)
		return STATUS_NO_MEMORY;
	status = client_set_signer(s, ch, s->signing_key, false);
	if (!nt_success(status))
		goto free_auth;
	status = client_setup_rounds(&x, &out);
	key = auth_client_session_key(x.auth);
	if (nt_success(status))
		status = key ? client_add_channel(s, ch, key, &x.preauth) : STATUS_INTERNAL_ERROR;
	if (nt_success(status))
		status = client_setup_verify(&x);
	if (!nt_success(status))
		client_unbind(s, ch);
	if (x.begun)
		client_request_fini(&x.rq);
free_auth:
	talloc_free(x.auth);
	return status;
}

struct client_census {
	const struct client_session *session;
	unsigned live;
};

static void client_count_posted(void *arg)
{
	struct client_census *census = arg;
	const struct client_session *s = census->session;

	for (unsigned i = 0; i < s->channel_count; i++)
		census->live += s->channels[i].established && !s->channels[i].channel->closed;
	/* one of an anonymous session has no key */
	if (!s->channel_count)
		census->live = !s->channel->closed;
}

unsigned client_session_channels(struct client_session *s)
{
	struct client_census census = {.session = s};

	client_run(s->client, client_count_posted, &census);
	return census.live;
}

static void client_session_end(void *arg)
{
	struct client_session *s = arg;

	list_del(&s->node);
	for (unsigned i = 0; i < s->channel_count; i++)
		signer_destroy(s->channels[i].signer);
	client_replay_free(s);
}

void client_session_free(struct client_session *s)
{
	if (!s)
		return;
	if (s->client) /* else it was never begun */
		client_run(s->client, client_session_end, s);
	explicit_bzero(s->key, sizeof(s->key));
	explicit_bzero(s->signing_key, sizeof(s->signing_key));
	free(s);
}

uint64_t client_session_id(const struct client_session *s)
{
	return s->id;
}

uint16_t client_session_flags(const struct client_session *s)
{
	return s->flags;
}

const uint8_t *client_session_key(const struct client_session *s)
{
	return s->key;
}

/* ---- what has an empty body ---- */

static struct nt_status client_empty_call(struct client_channel *ch, struct client_session *s,
					  uint32_t tree_id, uint16_t command)
{
	struct client_request rq;
	struct nt_status status;

	client_request_init(&rq, ch, s, tree_id, command);
	rq.roams = command != SMB2_ECHO;
	smb2_empty_encode(&rq.w);
	status = client_call(&rq);
	client_request_fini(&rq);
	return status;
}

struct nt_status client_logoff(struct client_session *s)
{
	struct nt_status status = client_empty_call(s->channel, s, 0, SMB2_LOGOFF);

	client_session_free(s);
	return status;
}

struct nt_status client_echo(struct client_channel *ch, struct client_session *s)
{
	return client_empty_call(ch, s, 0, SMB2_ECHO);
}

struct nt_status client_tree_disconnect(struct client_tree *tree)
{
	return client_empty_call(tree->channel, tree->session, tree->id, SMB2_TREE_DISCONNECT);
}

/* ---- TREE_CONNECT ---- */

struct nt_status client_tree_connect(struct client_session *s, const char *share,
				     struct client_tree *tree)
{
	struct client_channel *ch = s->channel;
	struct smb2_tree_connect_request in = {0};
	uint8_t name[1024];
	struct wr w = wr_init(name, sizeof(name));
	struct client_request rq;
	struct nt_status status;
	char path[400];
	struct rd r;

	snprintf(path, sizeof(path), "\\\\%.250s\\%.80s", ch->host[0] ? ch->host : "server", share);
	wr_utf16(&w, path);
	in.path = WIRE_BLOB(name, w.len);
	client_request_init(&rq, ch, s, 0, SMB2_TREE_CONNECT);
	rq.roams = true;
	smb2_tree_connect_request_encode(&rq.w, &in);
	status = client_call(&rq);
	*tree = (struct client_tree){.channel = ch, .session = s, .id = rq.reply.tree_id};
	r = client_reply(&rq);
	if (nt_success(status) && !smb2_tree_connect_response_decode(&r, &tree->share))
		status = STATUS_INVALID_PARAMETER;
	client_request_fini(&rq);
	return status;
}
