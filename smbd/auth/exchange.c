/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One authentication, as acceptor: SPNEGO's choice of a mechanism and its MIC, or a bare mechanism.
 * [RFC4178] 4 and 5, [MS-SPNG] 3.2, [MS-SMB2] 3.3.5.5.3.
 */
#include <errno.h>

#include "smbd/auth/mech.h"
#include "smbd/auth/ntlm.h"
#include "smbd/auth/spnego.h"
#include "transport/base/log.h"

enum exchange_state {
	EXCHANGE_NEW,
	EXCHANGE_BARE,   /* the mechanism's own tokens */
	EXCHANGE_SPNEGO, /* NegTokenResp from now on; the mechanism goes on */
	EXCHANGE_MIC,    /* the mechanism is done, the client owes us its MIC */
	EXCHANGE_DONE,
	EXCHANGE_REFUSED,
};

struct auth_exchange {
	const struct auth_config *config;
	const char *peer;
	enum exchange_state state;
	unsigned steps;

	const struct auth_mech *mech;
	void *mech_state;
	struct wire_blob mech_list; /* as the client sent it; ours */
	bool mic_required;          /* [RFC4178] 5: we did not take the client's first choice */

	struct auth_result *result;
	void *out; /* the token that was returned last */
};

const struct auth_mech *const auth_mechs[] = {&auth_mech_ntlm, NULL};

/* ---- which mechanism ---- */

static const struct auth_mech *mech_of(struct wire_blob oid)
{
	for (unsigned m = 0; auth_mechs[m]; m++)
		for (unsigned i = 0; i < auth_mechs[m]->oid_count; i++)
			if (wire_blob_equal(*auth_mechs[m]->oids[i], oid))
				return auth_mechs[m];
	return NULL;
}

static const char *mech_name(struct wire_blob oid)
{
	if (wire_blob_equal(oid, spnego_oid_krb5) || wire_blob_equal(oid, spnego_oid_ms_krb5))
		return "Kerberos";
	return "an unknown mechanism";
}

/* The first of the client's mechanisms that is one of ours; *first: it was its first choice, for
 * which its optimistic token is. */
static const struct auth_mech *mech_select(struct wire_blob mech_list, struct wire_blob *oid,
					   bool *first)
{
	struct rd mechs = spnego_mechs(mech_list);
	const struct auth_mech *mech;

	for (*first = true; spnego_mech_next(&mechs, oid); *first = false) {
		mech = mech_of(*oid);
		if (mech)
			return mech;
		log_debug("client offers %s, which we do not have", mech_name(*oid));
	}
	return NULL;
}

struct nt_status auth_hint(const struct auth_config *config, TALLOC_CTX *mem,
			   struct auth_token *out)
{
	uint8_t list[256], token[512];
	struct wr w = wr_init(token, sizeof(token)), l = wr_init(list, sizeof(list));
	struct wire_blob oids[8];
	unsigned count = 0;

	while (count < 8 && auth_mechs[count]) {
		oids[count] = *auth_mechs[count]->oids[0];
		count++;
	}
	spnego_mechs_encode(&l, oids, count);
	spnego_hint_encode(&w, WIRE_BLOB(list, l.len));
	out->data = wr_ok(&w) && wr_ok(&l) ? talloc_memdup(mem, token, w.len) : NULL;
	out->len = out->data ? w.len : 0;
	return out->data ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

/* ---- SPNEGO ---- */

static struct nt_status respond(struct auth_exchange *x, const struct spnego_response *response,
				struct auth_token *out)
{
	size_t cap = response->token.len + response->mic.len + 256;
	struct wr w = wr_init(talloc_size(x, cap), cap);

	if (!w.data)
		return STATUS_NO_MEMORY;
	spnego_response_encode(&w, response);
	talloc_free(x->out);
	x->out = w.data;
	*out = (struct auth_token){w.data, w.len};
	return wr_ok(&w) ? STATUS_SUCCESS : STATUS_INTERNAL_ERROR;
}

/*
 * The mechanism is done. A MIC of the client's is checked, and answered with ours; without one the
 * client may stop here, unless we did not take its first choice: then somebody on the way could
 * have taken the choice, and we wait for it. Who has no key (a guest) is let through: a downgrade
 * gains nothing over somebody who proved nothing.
 */
static struct nt_status finish(struct auth_exchange *x, const struct spnego_response *in,
			       struct spnego_response *reply)
{
	struct auth_token mic = {0};
	int err = -EOPNOTSUPP;

	if (in && in->has_mic) {
		err = x->mech->verify(x->mech_state, x->mech_list, in->mic);
		if (err && err != -EOPNOTSUPP) {
			log_notice("login from %s refused: mechListMIC is wrong", x->peer);
			return STATUS_ACCESS_DENIED;
		}
	}
	if (x->state != EXCHANGE_MIC && (x->mic_required || !err)) {
		int sign_err = x->mech->sign(x->mech_state, x->mech_list, &mic);

		if (sign_err)
			return sign_err == -EOPNOTSUPP ? STATUS_ACCESS_DENIED
						       : STATUS_INTERNAL_ERROR;
		reply->has_mic = mic.len != 0;
		reply->mic = WIRE_BLOB(mic.data, mic.len);
	}
	if (x->state == EXCHANGE_MIC && err == -EOPNOTSUPP)
		return STATUS_INVALID_PARAMETER;
	if (mic.len && err) {
		x->state = EXCHANGE_MIC;
		reply->state = SPNEGO_INCOMPLETE;
		return STATUS_MORE_PROCESSING_REQUIRED;
	}
	x->mech->mic_done(x->mech_state);
	x->state = EXCHANGE_DONE;
	reply->state = SPNEGO_COMPLETED;
	return STATUS_SUCCESS;
}

static struct nt_status spnego_mech_step(struct auth_exchange *x, struct wire_blob token,
					 const struct spnego_response *in,
					 struct spnego_response *reply)
{
	struct auth_token mech_out = {0};
	struct nt_status status;

	status = x->mech->step(x->mech_state, token, &mech_out, &x->result);
	reply->has_token = mech_out.len != 0;
	reply->token = WIRE_BLOB(mech_out.data, mech_out.len);
	if (nt_equal(status, STATUS_SUCCESS))
		return finish(x, in, reply);
	return status;
}

static struct nt_status exchange_mech(struct auth_exchange *x, const struct auth_mech *mech)
{
	x->mech = mech;
	x->mech_state = mech->create(x, x->config, x->peer);
	return x->mech_state ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

static struct nt_status spnego_begin(struct auth_exchange *x, struct wire_blob in,
				     struct auth_token *out)
{
	struct spnego_response reply = {.state = SPNEGO_INCOMPLETE, .has_mech = true};
	const struct auth_mech *mech;
	struct spnego_init init;
	struct nt_status status, sent;
	bool first;

	if (!spnego_init_decode(in, &init))
		return STATUS_INVALID_PARAMETER;
	mech = mech_select(init.mech_list, &reply.mech, &first);
	if (!mech) {
		log_notice("login from %s refused: none of its mechanisms is ours", x->peer);
		return STATUS_LOGON_FAILURE;
	}
	x->mech_list.data = talloc_memdup(x, init.mech_list.data, init.mech_list.len);
	x->mech_list.len = init.mech_list.len;
	status = x->mech_list.data ? exchange_mech(x, mech) : STATUS_NO_MEMORY;
	if (!nt_success(status))
		return status;
	x->state = EXCHANGE_SPNEGO;
	x->mic_required = !first;
	status = STATUS_MORE_PROCESSING_REQUIRED;
	if (!first)
		reply.state = SPNEGO_REQUEST_MIC;
	else if (init.has_token)
		status = spnego_mech_step(x, init.token, NULL, &reply);
	if (nt_error(status) && !nt_equal(status, STATUS_MORE_PROCESSING_REQUIRED))
		return status;
	sent = respond(x, &reply, out);
	return nt_success(sent) ? status : sent;
}

static struct nt_status spnego_continue(struct auth_exchange *x, struct wire_blob in,
					struct auth_token *out)
{
	struct spnego_response response, reply = {.state = SPNEGO_INCOMPLETE};
	struct nt_status status, sent;

	if (!spnego_response_decode(in, &response))
		return STATUS_INVALID_PARAMETER;
	if (response.state == SPNEGO_REJECT)
		return STATUS_LOGON_FAILURE;
	if (x->state == EXCHANGE_MIC)
		status = finish(x, &response, &reply);
	else if (response.has_token)
		status = spnego_mech_step(x, response.token, &response, &reply);
	else
		status = STATUS_INVALID_PARAMETER;
	if (nt_error(status) && !nt_equal(status, STATUS_MORE_PROCESSING_REQUIRED))
		return status;
	sent = respond(x, &reply, out);
	return nt_success(sent) ? status : sent;
}

/* ---- the face ---- */

struct auth_exchange *auth_exchange_create(TALLOC_CTX *mem, const struct auth_config *config,
					   const char *peer)
{
	struct auth_exchange *x = talloc_zero(mem, struct auth_exchange);

	if (!x)
		return NULL;
	x->config = config;
	x->peer = talloc_strdup(x, peer ? peer : "unknown");
	if (!x->peer)
		TALLOC_FREE(x);
	return x;
}

static struct nt_status bare_step(struct auth_exchange *x, struct wire_blob in,
				  struct auth_token *out)
{
	struct nt_status status = x->mech->step(x->mech_state, in, out, &x->result);

	if (nt_equal(status, STATUS_SUCCESS))
		x->state = EXCHANGE_DONE;
	return status;
}

static struct nt_status exchange_step(struct auth_exchange *x, struct wire_blob in,
				      struct auth_token *out)
{
	struct nt_status status;

	switch (x->state) {
	case EXCHANGE_NEW:
		if (!ntlm_is_message(in.data, in.len))
			return spnego_begin(x, in, out);
		status = exchange_mech(x, &auth_mech_ntlm);
		if (!nt_success(status))
			return status;
		x->state = EXCHANGE_BARE;
		return bare_step(x, in, out);
	case EXCHANGE_BARE:
		return bare_step(x, in, out);
	case EXCHANGE_SPNEGO:
	case EXCHANGE_MIC:
		return spnego_continue(x, in, out);
	case EXCHANGE_DONE:
	case EXCHANGE_REFUSED:
		break;
	}
	return STATUS_INVALID_PARAMETER;
}

struct nt_status auth_exchange_step(struct auth_exchange *x, const void *in, size_t in_len,
				    struct auth_token *out)
{
	struct nt_status status = STATUS_INVALID_PARAMETER;

	*out = (struct auth_token){0};
	if (in_len <= AUTH_TOKEN_MAX && x->steps++ < AUTH_STEPS_MAX)
		status = exchange_step(x, WIRE_BLOB(in, in_len), out);
	if (nt_equal(status, STATUS_SUCCESS) || nt_equal(status, STATUS_MORE_PROCESSING_REQUIRED))
		return status;
	*out = (struct auth_token){0};
	TALLOC_FREE(x->result);
	x->state = EXCHANGE_REFUSED;
	return status;
}

struct auth_result *auth_exchange_take(struct auth_exchange *x, TALLOC_CTX *mem)
{
	struct auth_result *result = NULL;

	if (x->state == EXCHANGE_DONE && x->result) {
		result = talloc_move(mem, &x->result);
		/* the state that it hung on may hold keys; it is of no more use */
		TALLOC_FREE(x->mech_state);
	}
	return result;
}
