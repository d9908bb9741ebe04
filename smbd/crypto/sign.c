/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/crypto/sign.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "transport/base/cursor.h"

#define HEADER_COMMAND_OFFSET    12
#define HEADER_MESSAGE_ID_OFFSET 24
#define COMMAND_CANCEL           0x000c
#define GMAC_NONCE_BYTES         12

/* GMAC is GCM with nothing but associated data; as a cipher its context takes a new nonce for less
 * than EVP_MAC does. */
struct signer {
	enum sign_algorithm algorithm;
	enum sign_role role;
	EVP_MAC_CTX *mac;
	EVP_CIPHER_CTX *gcm;
};

static int signer_key_mac(struct signer *s, const char *name, OSSL_PARAM *params,
			  const uint8_t *key)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, name, NULL);

	if (!mac)
		return -EIO;
	s->mac = EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac); /* the context holds its own reference */
	if (!s->mac)
		return -ENOMEM;
	return EVP_MAC_init(s->mac, key, SIGN_KEY_BYTES, params) == 1 ? 0 : -EIO;
}

static int signer_key_gmac(struct signer *s, const uint8_t *key)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
	int err = -EIO;

	if (!cipher)
		return -EIO;
	s->gcm = EVP_CIPHER_CTX_new();
	if (s->gcm && EVP_EncryptInit_ex2(s->gcm, cipher, key, NULL, NULL) == 1)
		err = 0;
	EVP_CIPHER_free(cipher);
	return err;
}

int signer_create(enum sign_algorithm algorithm, enum sign_role role,
		  const uint8_t key[SIGN_KEY_BYTES], struct signer **out)
{
	char sha256[] = "SHA256", aes[] = "AES-128-CBC";
	OSSL_PARAM digest[] = {OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 6),
			       OSSL_PARAM_END};
	OSSL_PARAM cipher[] = {OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_CIPHER, aes, 11),
			       OSSL_PARAM_END};
	struct signer *s = calloc(1, sizeof(*s));
	int err = -EINVAL;

	if (!s)
		return -ENOMEM;
	s->algorithm = algorithm;
	s->role = role;
	switch (algorithm) {
	case SIGN_HMAC_SHA256:
		err = signer_key_mac(s, "HMAC", digest, key);
		break;
	case SIGN_AES_CMAC:
		err = signer_key_mac(s, "CMAC", cipher, key);
		break;
	case SIGN_AES_GMAC:
		err = signer_key_gmac(s, key);
		break;
	}
	if (err) {
		signer_destroy(s);
		return err;
	}
	*out = s;
	return 0;
}

void signer_destroy(struct signer *s)
{
	if (!s)
		return;
	EVP_MAC_CTX_free(s->mac); /* both wipe their key schedules */
	EVP_CIPHER_CTX_free(s->gcm);
	free(s);
}

static bool signer_update(struct signer *s, const void *data, size_t len)
{
	int ignored;

	if (s->mac)
		return EVP_MAC_update(s->mac, data, len) == 1;
	return len <= INT_MAX && EVP_EncryptUpdate(s->gcm, NULL, &ignored, data, (int)len) == 1;
}

/* [MS-SMB2] 3.1.4.1: MessageId, then a bit for a sender that is the server, then one for CANCEL. */
static bool signer_begin(struct signer *s, enum sign_role sender, const uint8_t *header)
{
	struct rd r = rd_init(header, SIGN_HEADER_BYTES);
	uint8_t nonce[GMAC_NONCE_BYTES];
	struct wr w = wr_init(nonce, sizeof(nonce));
	bool cancel;

	if (s->mac)
		return EVP_MAC_init(s->mac, NULL, 0, NULL) == 1;
	rd_seek(&r, HEADER_COMMAND_OFFSET);
	cancel = rd_u16(&r) == COMMAND_CANCEL;
	rd_seek(&r, HEADER_MESSAGE_ID_OFFSET);
	wr_u64(&w, rd_u64(&r));
	wr_u32(&w, (sender == SIGN_ROLE_SERVER ? 1u : 0u) | (cancel ? 2u : 0u));
	return EVP_EncryptInit_ex2(s->gcm, NULL, NULL, nonce, NULL) == 1;
}

static bool signer_end(struct signer *s, uint8_t signature[SIGN_SIGNATURE_BYTES])
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	size_t len;
	int ignored;

	if (!s->mac)
		return EVP_EncryptFinal_ex(s->gcm, mac, &ignored) == 1 &&
		       EVP_CIPHER_CTX_ctrl(s->gcm, EVP_CTRL_AEAD_GET_TAG, SIGN_SIGNATURE_BYTES,
					   signature) == 1;
	if (EVP_MAC_final(s->mac, mac, &len, sizeof(mac)) != 1 || len < SIGN_SIGNATURE_BYTES)
		return false;
	memcpy(signature, mac, SIGN_SIGNATURE_BYTES);
	return true;
}

static int signer_compute(struct signer *s, enum sign_role sender, const struct iovec *iov,
			  unsigned count, uint8_t signature[SIGN_SIGNATURE_BYTES])
{
	static const uint8_t zeros[SIGN_SIGNATURE_BYTES];
	const uint8_t *header;
	bool ok;

	if (count == 0 || iov[0].iov_len < SIGN_HEADER_BYTES)
		return -EINVAL;
	header = iov[0].iov_base;
	ok = signer_begin(s, sender, header) && signer_update(s, header, SIGN_SIGNATURE_OFFSET) &&
	     signer_update(s, zeros, sizeof(zeros));
	if (ok && iov[0].iov_len > SIGN_HEADER_BYTES)
		ok = signer_update(s, header + SIGN_HEADER_BYTES,
				   iov[0].iov_len - SIGN_HEADER_BYTES);
	for (unsigned i = 1; ok && i < count; i++)
		ok = iov[i].iov_len == 0 || signer_update(s, iov[i].iov_base, iov[i].iov_len);
	return ok && signer_end(s, signature) ? 0 : -EIO;
}

int signer_sign(struct signer *s, const struct iovec *iov, unsigned count)
{
	uint8_t signature[SIGN_SIGNATURE_BYTES];
	int err = signer_compute(s, s->role, iov, count, signature);

	if (!err)
		memcpy((uint8_t *)iov[0].iov_base + SIGN_SIGNATURE_OFFSET, signature,
		       sizeof(signature));
	return err;
}

int signer_verify(struct signer *s, const struct iovec *iov, unsigned count)
{
	enum sign_role peer = s->role == SIGN_ROLE_SERVER ? SIGN_ROLE_CLIENT : SIGN_ROLE_SERVER;
	uint8_t signature[SIGN_SIGNATURE_BYTES];
	int err = signer_compute(s, peer, iov, count, signature);

	if (err)
		return err;
	return CRYPTO_memcmp(signature, (const uint8_t *)iov[0].iov_base + SIGN_SIGNATURE_OFFSET,
			     sizeof(signature))
		       ? -EBADMSG
		       : 0;
}
