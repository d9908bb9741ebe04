/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/auth/client.h"

#include "smbd/auth/ntlm.h"
#include "smbd/auth/spnego.h"

enum client_state { CLIENT_NEW, CLIENT_NEGOTIATED, CLIENT_AUTHENTICATED, CLIENT_DONE };

struct auth_client {
	enum client_state state;
	bool bare;
	struct ntlm_client *ntlm;
	struct wire_blob mech_list; /* ours */
	void *out;
};

struct auth_client *auth_client_create(TALLOC_CTX *mem, const struct auth_credentials *who)
{
	struct auth_client *c = talloc_zero(mem, struct auth_client);
	uint8_t list[32];
	struct wr w = wr_init(list, sizeof(list));

	if (!c)
		return NULL;
	c->bare = who->bare;
	c->ntlm = ntlm_client_create(c, who->user, who->domain, who->password, who->workstation);
	spnego_mechs_encode(&w, &spnego_oid_ntlm, 1);
	c->mech_list = WIRE_BLOB(talloc_memdup(c, list, w.len), w.len);
	if (!c->ntlm || !c->mech_list.data || !wr_ok(&w))
		TALLOC_FREE(c);
	return c;
}

static struct wr out_begin(struct auth_client *c, size_t payload)
{
	size_t cap = payload + 256;

	talloc_free(c->out);
	c->out = talloc_size(c, cap);
	return wr_init(c->out, c->out ? cap : 0);
}

static struct nt_status out_end(const struct wr *w, struct nt_status status, struct auth_token *out)
{
	if (!wr_ok(w))
		return STATUS_NO_MEMORY;
	*out = (struct auth_token){w->data, w->len};
	return status;
}

static struct nt_status client_begin(struct auth_client *c, struct wire_blob hint,
				     struct auth_token *out)
{
	struct spnego_init init = {.mech_list = c->mech_list, .has_token = true}, offer;
	struct wire_blob oid;
	struct auth_token ntlm;
	bool offered = hint.len == 0;
	struct wr w;

	if (hint.len && !spnego_init_decode(hint, &offer))
		return STATUS_INVALID_PARAMETER;
	if (hint.len) {
		struct rd mechs = spnego_mechs(offer.mech_list);

		while (spnego_mech_next(&mechs, &oid))
			offered |= wire_blob_equal(oid, spnego_oid_ntlm);
	}
	if (!offered || ntlm_client_negotiate(c->ntlm, &ntlm) != 0)
		return STATUS_NOT_SUPPORTED;
	c->state = CLIENT_NEGOTIATED;
	if (c->bare) {
		*out = ntlm;
		return STATUS_MORE_PROCESSING_REQUIRED;
	}
	init.token = WIRE_BLOB(ntlm.data, ntlm.len);
	w = out_begin(c, ntlm.len);
	spnego_init_encode(&w, &init);
	return out_end(&w, STATUS_MORE_PROCESSING_REQUIRED, out);
}

static struct nt_status client_authenticate(struct auth_client *c, struct wire_blob in,
					    struct auth_token *out)
{
	struct spnego_response challenge = {.token = in}, reply = {.state = SPNEGO_INCOMPLETE};
	struct ntlm_security *security;
	uint8_t mic[NTLM_SIGNATURE_BYTES];
	struct auth_token ntlm;
	struct wr w;

	if (!c->bare && (!spnego_response_decode(in, &challenge) || !challenge.has_token ||
			 challenge.state == SPNEGO_REJECT))
		return STATUS_INVALID_PARAMETER;
	if (ntlm_client_authenticate(c->ntlm, challenge.token.data, challenge.token.len, &ntlm) !=
	    0)
		return STATUS_INVALID_PARAMETER;
	c->state = CLIENT_AUTHENTICATED;
	if (c->bare) {
		c->state = CLIENT_DONE;
		*out = ntlm;
		return STATUS_SUCCESS;
	}
	security = ntlm_client_security(c->ntlm);
	if (security && ntlm_sign(security, c->mech_list.data, c->mech_list.len, mic) == 0) {
		reply.has_mic = true;
		reply.mic = WIRE_BLOB_ARRAY(mic);
	}
	reply.has_token = true;
	reply.token = WIRE_BLOB(ntlm.data, ntlm.len);
	w = out_begin(c, ntlm.len);
	spnego_response_encode(&w, &reply);
	return out_end(&w, STATUS_MORE_PROCESSING_REQUIRED, out);
}

/* A server that took us for a guest has no key to sign with, and sends no MIC. */
static struct nt_status client_finish(struct auth_client *c, struct wire_blob in)
{
	struct ntlm_security *security = ntlm_client_security(c->ntlm);
	struct spnego_response last;

	c->state = CLIENT_DONE;
	if (in.len == 0)
		return STATUS_SUCCESS;
	if (!spnego_response_decode(in, &last) || last.state != SPNEGO_COMPLETED)
		return STATUS_INVALID_PARAMETER;
	if (last.has_mic && (!security || ntlm_verify(security, c->mech_list.data, c->mech_list.len,
						      last.mic.data, last.mic.len) != 0))
		return STATUS_ACCESS_DENIED;
	return STATUS_SUCCESS;
}

struct nt_status auth_client_step(struct auth_client *c, const void *in, size_t in_len,
				  struct auth_token *out)
{
	struct wire_blob token = WIRE_BLOB(in, in_len);

	*out = (struct auth_token){0};
	switch (c->state) {
	case CLIENT_NEW:
		return client_begin(c, token, out);
	case CLIENT_NEGOTIATED:
		return client_authenticate(c, token, out);
	case CLIENT_AUTHENTICATED:
		return client_finish(c, token);
	case CLIENT_DONE:
		break;
	}
	return STATUS_INVALID_PARAMETER;
}

const uint8_t *auth_client_session_key(const struct auth_client *c)
{
	return ntlm_client_key(c->ntlm);
}
