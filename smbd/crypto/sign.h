/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message signatures, [MS-SMB2] 3.1.4.1: HMAC-SHA256 (2.x), AES-128-CMAC (3.x), AES-128-GMAC (3.1.1
 * where negotiated). Hides OpenSSL: a signer is a keyed context that is fetched once and used for
 * every message, because fetching costs three times the signature of a small message.
 *
 * Thread: one at a time; a signer belongs to one session, one channel and so one reactor.
 * Ownership: the caller destroys it. Units: bytes. Errors: 0 or a negative errno.
 */
#ifndef SMBD_CRYPTO_SIGN_H
#define SMBD_CRYPTO_SIGN_H

#include <stdint.h>
#include <sys/uio.h>

#define SIGN_KEY_BYTES        16
#define SIGN_SIGNATURE_BYTES  16
#define SIGN_SIGNATURE_OFFSET 48
#define SIGN_HEADER_BYTES     64

/* The values of SMB2_SIGNING_CAPABILITIES, [MS-SMB2] 2.2.3.1.7. */
enum sign_algorithm {
	SIGN_HMAC_SHA256 = 0,
	SIGN_AES_CMAC = 1,
	SIGN_AES_GMAC = 2,
};

/* Who we are: it is part of the GMAC nonce, so that neither side's messages can be reflected. */
enum sign_role { SIGN_ROLE_CLIENT = 0, SIGN_ROLE_SERVER = 1 };

struct signer;

int signer_create(enum sign_algorithm algorithm, enum sign_role role,
		  const uint8_t key[SIGN_KEY_BYTES], struct signer **out);

/* Wipes the key. NULL is allowed. */
void signer_destroy(struct signer *s);

/*
 * Sign one message: its bytes in wire order, from its SMB2 header to its end (in a compound: with
 * its padding). The first slice holds at least the header of 64 bytes, else -EINVAL. The signature
 * field counts as zeros whatever it holds; sign then writes the field, verify changes nothing.
 * FLAGS_SIGNED, MessageId and Command must already be in the header.
 *
 * CMAC and GMAC allocate no memory (OpenSSL's HMAC does, inside). A GMAC nonce is (MessageId, role,
 * is-CANCEL): never sign two different messages with one MessageId. So an interim response
 * (STATUS_PENDING) goes unsigned, 3.3.4.1.1.
 */
int signer_sign(struct signer *s, const struct iovec *iov, unsigned count);

/* 0, or -EBADMSG when the peer's signature is wrong. Compares in constant time. */
int signer_verify(struct signer *s, const struct iovec *iov, unsigned count);

#endif
