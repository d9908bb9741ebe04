/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NTLMv2, both sides, [MS-NLMP]: the three messages, the proof, the key exchange, the MIC, and the
 * session security that signs SPNEGO's mechanism list. Knows no accounts:
 * ntlm_server_authenticate() says who wants in, the caller finds the hash, ntlm_server_verify()
 * says whether it is so.
 *
 * NTLMv1 and LM responses are refused. Unicode is required. Timestamps of clients are not judged.
 *
 * Thread: one at a time. Ownership: talloc; outputs hang on the object. Units: bytes.
 * Errors: 0 or a negative errno: -EBADMSG malformed or out of order, -EACCES a wrong proof or MIC,
 * -EPROTONOSUPPORT an NTLMv1 response, -EOPNOTSUPP what was not negotiated.
 */
#ifndef SMBD_AUTH_NTLM_H
#define SMBD_AUTH_NTLM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <talloc.h>

#include "smbd/auth/auth.h"

#define NTLM_HASH_BYTES      16
#define NTLM_KEY_BYTES       16
#define NTLM_CHALLENGE_BYTES 8
#define NTLM_SIGNATURE_BYTES 16

/* NegotiateFlags, [MS-NLMP] 2.2.2.5 */
#define NTLM_UNICODE                  0x00000001u
#define NTLM_OEM                      0x00000002u
#define NTLM_REQUEST_TARGET           0x00000004u
#define NTLM_SIGN                     0x00000010u
#define NTLM_SEAL                     0x00000020u
#define NTLM_NTLM                     0x00000200u
#define NTLM_ANONYMOUS                0x00000800u
#define NTLM_ALWAYS_SIGN              0x00008000u
#define NTLM_TARGET_TYPE_DOMAIN       0x00010000u
#define NTLM_TARGET_TYPE_SERVER       0x00020000u
#define NTLM_EXTENDED_SESSIONSECURITY 0x00080000u
#define NTLM_TARGET_INFO              0x00800000u
#define NTLM_VERSION                  0x02000000u
#define NTLM_128                      0x20000000u
#define NTLM_KEY_EXCH                 0x40000000u
#define NTLM_56                       0x80000000u

/* Does a token begin like a bare NTLM message? */
bool ntlm_is_message(const void *token, size_t len);

/* MD4(UTF-16LE(password)). -EILSEQ: not UTF-8. */
int ntlm_hash_password(const char *password, uint8_t hash[NTLM_HASH_BYTES]);

/* Session security, [MS-NLMP] 3.4: signatures with extended session security. Each direction has
 * its RC4 state and sequence number. */
struct ntlm_security;

int ntlm_sign(struct ntlm_security *s, const void *data, size_t len,
	      uint8_t signature[NTLM_SIGNATURE_BYTES]);
int ntlm_verify(struct ntlm_security *s, const void *data, size_t len, const uint8_t *signature,
		size_t signature_len);

/* [MS-SPNG] 3.3.5.1: after SPNEGO's MICs the RC4 streams begin anew; sequence numbers go on. */
void ntlm_security_reset(struct ntlm_security *s);

/* ---- server ---- */

struct ntlm_server;

/* Who asks; borrowed from the server object. Strings are UTF-8, as the client spelled them. */
struct ntlm_login {
	const char *user;
	const char *domain;
	const char *workstation;
	bool anonymous;
};

struct ntlm_server *ntlm_server_create(TALLOC_CTX *mem, const struct auth_config *config);

/* NEGOTIATE in, CHALLENGE out. */
int ntlm_server_negotiate(struct ntlm_server *s, const void *in, size_t len,
			  struct auth_token *out);

/* AUTHENTICATE in. Nothing is proved yet. */
int ntlm_server_authenticate(struct ntlm_server *s, const void *in, size_t len,
			     struct ntlm_login *who);

/* The proof against the user's hash, the key exchange, and the MIC if the client says it sent one.
 * For anonymous, call it with NULL. It takes the same time for any hash. */
int ntlm_server_verify(struct ntlm_server *s, const uint8_t *nt_hash);

/* After verify returned 0; NTLM_KEY_BYTES. */
const uint8_t *ntlm_server_key(const struct ntlm_server *s);

/* NULL when extended session security was not negotiated. */
struct ntlm_security *ntlm_server_security(struct ntlm_server *s);

/* ---- client ---- */

struct ntlm_client;

/* user NULL: anonymous. */
struct ntlm_client *ntlm_client_create(TALLOC_CTX *mem, const char *user, const char *domain,
				       const char *password, const char *workstation);
int ntlm_client_negotiate(struct ntlm_client *c, struct auth_token *out);
int ntlm_client_authenticate(struct ntlm_client *c, const void *challenge, size_t len,
			     struct auth_token *out);
const uint8_t *ntlm_client_key(const struct ntlm_client *c);
struct ntlm_security *ntlm_client_security(struct ntlm_client *c);

#endif
