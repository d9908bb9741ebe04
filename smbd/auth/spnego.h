/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokens of SPNEGO, [RFC4178] 4.2 and [MS-SPNG] 2.2.1 (NegTokenInit2). Codecs only: who answers
 * what is exchange.c and client.c. Decoded blobs are borrowed from the token. Unknown elements
 * after the known ones are ignored. decode: false = malformed. encode: the writer's sticky error.
 * Any thread, pure.
 */
#ifndef SMBD_AUTH_SPNEGO_H
#define SMBD_AUTH_SPNEGO_H

#include "smbd/wire/blob.h"

/* Object identifiers, as DER has their content. */
extern const struct wire_blob spnego_oid_ntlm;    /* 1.3.6.1.4.1.311.2.2.10 */
extern const struct wire_blob spnego_oid_krb5;    /* 1.2.840.113554.1.2.2 */
extern const struct wire_blob spnego_oid_ms_krb5; /* 1.2.840.48018.1.2.2, Windows 2000's slip */

struct spnego_init {
	struct wire_blob mech_list; /* the SEQUENCE OF OID with its tag: what the MIC is over */
	bool has_token;
	struct wire_blob token;
	bool has_mic;
	struct wire_blob mic;
};

enum spnego_state {
	SPNEGO_COMPLETED = 0,
	SPNEGO_INCOMPLETE = 1,
	SPNEGO_REJECT = 2,
	SPNEGO_REQUEST_MIC = 3,
	SPNEGO_NO_STATE = 255, /* it is optional */
};

struct spnego_response {
	enum spnego_state state;
	bool has_mech;
	struct wire_blob mech; /* an OID's content */
	bool has_token;
	struct wire_blob token;
	bool has_mic;
	struct wire_blob mic;
};

/* NegTokenInit with its GSS-API header; a server's NegTokenInit2 decodes too (without its MIC). */
bool spnego_init_decode(struct wire_blob token, struct spnego_init *out);
void spnego_init_encode(struct wr *w, const struct spnego_init *in);

/* The server's first word: its mechanisms and the hint that everybody must ignore. */
void spnego_hint_encode(struct wr *w, struct wire_blob mech_list);

bool spnego_response_decode(struct wire_blob token, struct spnego_response *out);
void spnego_response_encode(struct wr *w, const struct spnego_response *in);

/* Walk a mech_list: begin it, then take the next OID until false. The walk ends early on what is
 * malformed; spnego_init_decode() has refused such lists. */
struct rd spnego_mechs(struct wire_blob mech_list);
bool spnego_mech_next(struct rd *mechs, struct wire_blob *oid);
void spnego_mechs_encode(struct wr *w, const struct wire_blob *oids, unsigned count);

#endif
