/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authentication, as a session sees it: tokens in, tokens out, and at the end who it is. Hides
 * SPNEGO, NTLM and which mechanism was chosen; NTLM also comes bare, without SPNEGO.
 *
 * Thread: one at a time, any (a step may run on a worker; exchanges share nothing but the accounts
 * and identities of the configuration, which lock for themselves). A step can block: it may read
 * the accounts file and ask the system for groups. Ownership: an exchange is one talloc root.
 * Units: bytes. Errors: struct nt_status. [MS-SMB2] 3.3.5.5.3, [MS-SPNG], [RFC4178].
 */
#ifndef SMBD_AUTH_AUTH_H
#define SMBD_AUTH_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <talloc.h>

#include "smbd/auth/identity.h"
#include "smbd/wire/ntstatus.h"

#define AUTH_TOKEN_MAX       65536 /* of one token; a longer one is refused */
#define AUTH_SESSION_KEY_MAX 64
#define AUTH_STEPS_MAX       8 /* a peer that needs more tokens is refused */

struct accounts;

/* Who becomes guest instead of being turned away: `map to guest`. */
enum auth_map_guest { AUTH_MAP_NEVER, AUTH_MAP_BAD_USER, AUTH_MAP_BAD_PASSWORD };

/* Filled by whoever knows the configuration file; borrowed, must outlive every exchange. All zeros
 * lets nobody in but the accounts. */
struct auth_config {
	const char *netbios_name; /* required; the others fall back on it */
	const char *dns_name;     /* of this machine, fully qualified */
	const char *dns_domain;

	enum auth_map_guest map_to_guest;
	bool allow_anonymous;      /* `restrict anonymous` below 2 */
	const char *guest_account; /* whom guests and anonymous are on the system; NULL: nobody */

	struct accounts *accounts;
	struct identities *identities;
};

struct auth_token {
	const uint8_t *data;
	size_t len;
};

struct auth_result {
	const char *user; /* UTF-8, as the accounts file spells it; the guest account for guests */
	const char *domain;      /* UTF-8, as the client gave it; may be empty */
	const char *workstation; /* what the client calls itself; unverified, may be empty */

	/* Session.FullSessionKey. Empty for guests: there is no key that both sides know. */
	uint8_t session_key[AUTH_SESSION_KEY_MAX];
	size_t session_key_len;

	bool is_guest;     /* SMB2_SESSION_FLAG_IS_GUEST; never signs */
	bool is_anonymous; /* SMB2_SESSION_FLAG_IS_NULL; never signs */

	uint64_t expires_ns; /* real time (clock_real_ns); 0: never. For Kerberos tickets */
	const struct unix_user *unix_user; /* owned by the result */
};

struct auth_exchange;

/* The token of the NEGOTIATE response: the mechanisms we have (NegTokenInit2). On `mem`. */
struct nt_status auth_hint(const struct auth_config *config, TALLOC_CTX *mem,
			   struct auth_token *out) NT_WARN_UNUSED;

/* peer: how the log names the client; copied. NULL: no memory. Freed with talloc_free(). */
struct auth_exchange *auth_exchange_create(TALLOC_CTX *mem, const struct auth_config *config,
					   const char *peer);

/*
 * One token from the client. MORE_PROCESSING_REQUIRED: send *out and wait for the next one.
 * SUCCESS: send *out (may be empty), then auth_exchange_take(). Anything else: refused; *out is
 * empty and the exchange only good to be freed. *out lives until the next step.
 */
struct nt_status auth_exchange_step(struct auth_exchange *x, const void *in, size_t in_len,
				    struct auth_token *out) NT_WARN_UNUSED;

/* Who it is, moved to `mem`; once, after SUCCESS, else NULL. Its key is wiped when it is freed. */
struct auth_result *auth_exchange_take(struct auth_exchange *x, TALLOC_CTX *mem);

#endif
