/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/auth/spnego.h"

#include "smbd/auth/der.h"

static const uint8_t oid_spnego[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x02};
static const uint8_t oid_ntlm[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a};
static const uint8_t oid_krb5[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02};
static const uint8_t oid_ms_krb5[] = {0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 0x01, 0x02, 0x02};

const struct wire_blob spnego_oid_ntlm = {oid_ntlm, sizeof(oid_ntlm)};
const struct wire_blob spnego_oid_krb5 = {oid_krb5, sizeof(oid_krb5)};
const struct wire_blob spnego_oid_ms_krb5 = {oid_ms_krb5, sizeof(oid_ms_krb5)};

/* [MS-SPNG] 2.2.1 */
static const char hint_name[] = "not_defined_in_RFC4178@please_ignore";

/* ---- mechanism lists ---- */

struct rd spnego_mechs(struct wire_blob mech_list)
{
	struct rd r = wire_blob_rd(mech_list);

	return der_enter(&r, DER_SEQUENCE);
}

bool spnego_mech_next(struct rd *mechs, struct wire_blob *oid)
{
	struct rd inner;

	if (rd_left(mechs) == 0)
		return false;
	inner = der_enter(mechs, DER_OID);
	*oid = WIRE_BLOB(inner.data, inner.len);
	return rd_ok(mechs);
}

void spnego_mechs_encode(struct wr *w, const struct wire_blob *oids, unsigned count)
{
	size_t list = der_begin(w, DER_SEQUENCE);

	for (unsigned i = 0; i < count; i++)
		der_bytes(w, DER_OID, oids[i].data, oids[i].len);
	der_end(w, list);
}

static bool mech_list_valid(struct wire_blob mech_list)
{
	struct rd mechs = spnego_mechs(mech_list);
	struct wire_blob oid;
	unsigned count = 0;

	while (spnego_mech_next(&mechs, &oid))
		count++;
	return rd_ok(&mechs) && count > 0;
}

/* ---- optional elements, in the order of their numbers ---- */

/* Enter element [n] if it is what comes next. */
static bool optional_enter(struct rd *r, unsigned n, struct rd *inner)
{
	if (rd_left(r) == 0 || der_peek(r) != DER_CONTEXT(n))
		return false;
	*inner = der_enter(r, DER_CONTEXT(n));
	if (!rd_ok(inner))
		rd_fail(r);
	return rd_ok(r);
}

static bool optional_octets(struct rd *r, unsigned n, struct wire_blob *out)
{
	struct rd inner, octets;

	if (!optional_enter(r, n, &inner))
		return false;
	octets = der_enter(&inner, DER_OCTETS);
	if (!rd_ok(&octets))
		rd_fail(r);
	*out = WIRE_BLOB(octets.data, octets.len);
	return rd_ok(r);
}

static void octets_encode(struct wr *w, unsigned n, struct wire_blob value)
{
	size_t element = der_begin(w, DER_CONTEXT(n));

	der_bytes(w, DER_OCTETS, value.data, value.len);
	der_end(w, element);
}

/* ---- NegTokenInit ---- */

bool spnego_init_decode(struct wire_blob token, struct spnego_init *out)
{
	struct rd r = wire_blob_rd(token), gss = der_enter(&r, DER_APPLICATION);
	struct rd oid = der_enter(&gss, DER_OID), choice = der_enter(&gss, DER_CONTEXT(0));
	struct rd init = der_enter(&choice, DER_SEQUENCE), mechs, flags;
	struct wire_blob name = WIRE_BLOB(oid.data, oid.len);

	*out = (struct spnego_init){0};
	if (!rd_ok(&init) || !wire_blob_equal(name, WIRE_BLOB_ARRAY(oid_spnego)))
		return false;
	if (!optional_enter(&init, 0, &mechs))
		return false;
	out->mech_list = WIRE_BLOB(mechs.data, mechs.len);
	(void)optional_enter(&init, 1, &flags);
	out->has_token = optional_octets(&init, 2, &out->token);
	/* [3] is the MIC, but a server's negHints; there only [4] is the MIC, which nobody sends */
	if (rd_left(&init) && der_peek(&init) == DER_CONTEXT(3)) {
		struct rd ahead = init;

		out->has_mic = optional_octets(&ahead, 3, &out->mic);
		der_skip(&init);
	}
	return rd_ok(&init) && mech_list_valid(out->mech_list);
}

struct init_frame {
	size_t gss, choice, sequence;
};

static struct init_frame init_begin(struct wr *w, struct wire_blob mech_list)
{
	struct init_frame f;
	size_t mechs;

	f.gss = der_begin(w, DER_APPLICATION);
	der_bytes(w, DER_OID, oid_spnego, sizeof(oid_spnego));
	f.choice = der_begin(w, DER_CONTEXT(0));
	f.sequence = der_begin(w, DER_SEQUENCE);
	mechs = der_begin(w, DER_CONTEXT(0));
	wr_bytes(w, mech_list.data, mech_list.len);
	der_end(w, mechs);
	return f;
}

static void init_end(struct wr *w, struct init_frame f)
{
	der_end(w, f.sequence);
	der_end(w, f.choice);
	der_end(w, f.gss);
}

void spnego_init_encode(struct wr *w, const struct spnego_init *in)
{
	struct init_frame f = init_begin(w, in->mech_list);

	if (in->has_token)
		octets_encode(w, 2, in->token);
	if (in->has_mic)
		octets_encode(w, 3, in->mic);
	init_end(w, f);
}

void spnego_hint_encode(struct wr *w, struct wire_blob mech_list)
{
	struct init_frame f = init_begin(w, mech_list);
	size_t hints = der_begin(w, DER_CONTEXT(3)), sequence = der_begin(w, DER_SEQUENCE);
	size_t name = der_begin(w, DER_CONTEXT(0));

	der_bytes(w, DER_GENERAL, hint_name, sizeof(hint_name) - 1);
	der_end(w, name);
	der_end(w, sequence);
	der_end(w, hints);
	init_end(w, f);
}

/* ---- NegTokenResp ---- */

static enum spnego_state state_decode(struct rd *response)
{
	struct rd inner, value;
	uint8_t state;

	if (!optional_enter(response, 0, &inner))
		return SPNEGO_NO_STATE;
	value = der_enter(&inner, DER_ENUM);
	state = rd_u8(&value);
	if (!rd_ok(&value) || rd_left(&value) || state > SPNEGO_REQUEST_MIC)
		rd_fail(response);
	return (enum spnego_state)state;
}

bool spnego_response_decode(struct wire_blob token, struct spnego_response *out)
{
	struct rd r = wire_blob_rd(token), choice = der_enter(&r, DER_CONTEXT(1));
	struct rd response = der_enter(&choice, DER_SEQUENCE), inner, oid;

	*out = (struct spnego_response){.state = SPNEGO_NO_STATE};
	if (!rd_ok(&response))
		return false;
	out->state = state_decode(&response);
	if (optional_enter(&response, 1, &inner)) {
		oid = der_enter(&inner, DER_OID);
		if (!rd_ok(&oid))
			rd_fail(&response);
		out->has_mech = true;
		out->mech = WIRE_BLOB(oid.data, oid.len);
	}
	out->has_token = optional_octets(&response, 2, &out->token);
	out->has_mic = optional_octets(&response, 3, &out->mic);
	return rd_ok(&response);
}

void spnego_response_encode(struct wr *w, const struct spnego_response *in)
{
	size_t choice = der_begin(w, DER_CONTEXT(1)), sequence = der_begin(w, DER_SEQUENCE);

	if (in->state != SPNEGO_NO_STATE) {
		size_t element = der_begin(w, DER_CONTEXT(0));
		uint8_t state = (uint8_t)in->state;

		der_bytes(w, DER_ENUM, &state, 1);
		der_end(w, element);
	}
	if (in->has_mech) {
		size_t element = der_begin(w, DER_CONTEXT(1));

		der_bytes(w, DER_OID, in->mech.data, in->mech.len);
		der_end(w, element);
	}
	if (in->has_token)
		octets_encode(w, 2, in->token);
	if (in->has_mic)
		octets_encode(w, 3, in->mic);
	der_end(w, sequence);
	der_end(w, choice);
}
