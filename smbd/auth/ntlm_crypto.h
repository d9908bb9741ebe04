/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What NTLMv2 computes, [MS-NLMP] 3.3.2 and 3.4: internal to ntlm_*.c and their tests. MD5 and HMAC
 * are OpenSSL's; RC4 is ours, as OpenSSL 3 has it only in its legacy provider.
 * Any thread. Errors: 0 or a negative errno.
 */
#ifndef SMBD_AUTH_NTLM_CRYPTO_H
#define SMBD_AUTH_NTLM_CRYPTO_H

#include "smbd/auth/ntlm.h"
#include "smbd/wire/blob.h"

struct rc4 {
	uint8_t state[256];
	uint8_t i, j;
};

void rc4_init(struct rc4 *rc4, const void *key, size_t len);
void rc4_crypt(struct rc4 *rc4, const void *in, void *out, size_t len);

int ntlm_md5(const struct wire_blob *parts, unsigned count, uint8_t out[16]);
int ntlm_hmac_md5(const uint8_t key[16], const struct wire_blob *parts, unsigned count,
		  uint8_t out[16]);

/* NTOWFv2: user in UTF-8 in any case, domain in UTF-16LE as the client sends it. */
int ntlm_owf(const uint8_t nt_hash[NTLM_HASH_BYTES], const char *user, struct wire_blob domain,
	     uint8_t out[NTLM_KEY_BYTES]);

/* NTProofStr and SessionBaseKey for `temp`, the response without its first 16 bytes. */
int ntlm_proof(const uint8_t owf[NTLM_KEY_BYTES], const uint8_t challenge[NTLM_CHALLENGE_BYTES],
	       struct wire_blob temp, uint8_t proof[16], uint8_t session_base[NTLM_KEY_BYTES]);

/* One direction of session security, 3.4.4.2. */
struct ntlm_direction {
	uint8_t sign_key[16];
	uint8_t seal_key[16];
	struct rc4 seal;
	uint32_t sequence;
};

struct ntlm_security {
	bool key_exchange; /* KEY_EXCH: checksums are encrypted */
	struct ntlm_direction out, in;
};

int ntlm_security_init(struct ntlm_security *s, uint32_t flags, const uint8_t key[NTLM_KEY_BYTES],
		       bool server);

#endif
