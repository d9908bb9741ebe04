/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of a session, [MS-SMB2] 3.1.4.2 and 3.3.5.5.3: SP800-108 in counter mode over
 * HMAC-SHA256 with the labels and contexts of each dialect. Hides which dialect uses what; dialects
 * below 3.0 have no derivation: their signing and application keys are the session key itself.
 *
 * Thread: any, pure. Units: bytes. Errors: 0 or a negative errno.
 */
#ifndef SMBD_CRYPTO_KDF_H
#define SMBD_CRYPTO_KDF_H

#include <stddef.h>
#include <stdint.h>

#include "smbd/crypto/preauth.h"

#define KDF_SESSION_KEY_BYTES 16
#define KDF_KEY_BYTES_MAX     32

/* Named by direction, so that server and client ask for the same key by the same name. */
enum kdf_key {
	KDF_KEY_SIGNING,
	KDF_KEY_CLIENT_TO_SERVER, /* the server's DecryptionKey, the client's EncryptionKey */
	KDF_KEY_SERVER_TO_CLIENT, /* the server's EncryptionKey, the client's DecryptionKey */
	KDF_KEY_APPLICATION,
};

/*
 * Derive one key of `key_len` bytes: 32 for the ciphers with 256 bits, else 16. `secret` is all
 * that authentication gave (Session.FullSessionKey): for 32 bytes it is used whole, for 16 its
 * first 16 bytes padded with zeros (Session.SessionKey). `preauth` is the hash of the session
 * setup; used by 3.1.1 alone, else may be NULL. -EINVAL when the dialect has no such key.
 */
int kdf_derive(enum kdf_key which, uint16_t dialect, const void *secret, size_t secret_len,
	       const struct preauth *preauth, uint8_t *key, size_t key_len);

/*
 * The function under it: one block of SP800-108 (r = 32, L = 8 * key_len, up to 256 bits). Label
 * and context are given with whatever terminating zeros they have.
 */
int kdf_sp800_108(const void *secret, size_t secret_len, const void *label, size_t label_len,
		  const void *context, size_t context_len, uint8_t *key, size_t key_len);

#endif
