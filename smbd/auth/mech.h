/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mechanism under SPNEGO, and the table of those we have: the place where Kerberos goes. A
 * mechanism is stepped with its own tokens and ends with a result; it can sign SPNEGO's list of
 * mechanisms if it has a key that the client shares.
 *
 * Thread: that of the exchange. Ownership: state, tokens and MICs are talloc'ed on the state.
 */
#ifndef SMBD_AUTH_MECH_H
#define SMBD_AUTH_MECH_H

#include "smbd/auth/auth.h"
#include "smbd/wire/blob.h"

struct auth_mech {
	const char *name;
	/* by which clients ask for it; the first is the one that we offer */
	const struct wire_blob *const *oids;
	unsigned oid_count;

	void *(*create)(TALLOC_CTX *mem, const struct auth_config *config, const char *peer);

	/* As auth_exchange_step(); *result is set on SUCCESS, on the state. */
	struct nt_status (*step)(void *state, struct wire_blob in, struct auth_token *out,
				 struct auth_result **result) NT_WARN_UNUSED;

	/* After SUCCESS. sign: an empty MIC when there is no key, -EOPNOTSUPP when there is one but
	 * no way to sign was negotiated. verify: 0, -EACCES, or -EOPNOTSUPP for either. mic_done:
	 * both MICs were exchanged. */
	int (*sign)(void *state, struct wire_blob mech_list, struct auth_token *mic);
	int (*verify)(void *state, struct wire_blob mech_list, struct wire_blob mic);
	void (*mic_done)(void *state);
};

extern const struct auth_mech auth_mech_ntlm;

/* In the order of our preference; NULL at the end. */
extern const struct auth_mech *const auth_mechs[];

#endif
