/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/crypto/kdf.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "transport/base/cursor.h"

#define DIALECT_300 0x0300
#define DIALECT_311 0x0311

#define KDF_BLOCK_BYTES  32
#define KDF_INPUT_MAX    256
#define KDF_SECRET_BYTES 64 /* the longest session key in use: AES-256 Kerberos has 32 */

/* Each label and context includes its terminating zero. */
struct kdf_text {
	const char *text;
	size_t len;
};

#define TEXT(s)              \
	{                    \
		s, sizeof(s) \
	}

static const struct kdf_text kdf_label_300[] = {
	[KDF_KEY_SIGNING] = TEXT("SMB2AESCMAC"),
	[KDF_KEY_CLIENT_TO_SERVER] = TEXT("SMB2AESCCM"),
	[KDF_KEY_SERVER_TO_CLIENT] = TEXT("SMB2AESCCM"),
	[KDF_KEY_APPLICATION] = TEXT("SMB2APP"),
};

static const struct kdf_text kdf_context_300[] = {
	[KDF_KEY_SIGNING] = TEXT("SmbSign"),
	[KDF_KEY_CLIENT_TO_SERVER] = TEXT("ServerIn "), /* the blank is the protocol's */
	[KDF_KEY_SERVER_TO_CLIENT] = TEXT("ServerOut"),
	[KDF_KEY_APPLICATION] = TEXT("SmbRpc"),
};

static const struct kdf_text kdf_label_311[] = {
	[KDF_KEY_SIGNING] = TEXT("SMBSigningKey"),
	[KDF_KEY_CLIENT_TO_SERVER] = TEXT("SMBC2SCipherKey"),
	[KDF_KEY_SERVER_TO_CLIENT] = TEXT("SMBS2CCipherKey"),
	[KDF_KEY_APPLICATION] = TEXT("SMBAppKey"),
};

int kdf_sp800_108(const void *secret, size_t secret_len, const void *label, size_t label_len,
		  const void *context, size_t context_len, uint8_t *key, size_t key_len)
{
	uint8_t input[KDF_INPUT_MAX];
	uint8_t block[EVP_MAX_MD_SIZE];
	struct wr w = wr_init(input, sizeof(input));
	int err = 0;

	if (key_len == 0 || key_len > KDF_BLOCK_BYTES || secret_len > KDF_SECRET_BYTES)
		return -EINVAL;
	wr_be32(&w, 1);
	wr_bytes(&w, label, label_len);
	wr_u8(&w, 0);
	wr_bytes(&w, context, context_len);
	wr_be32(&w, (uint32_t)key_len * 8);
	if (!wr_ok(&w))
		return -EINVAL;
	if (HMAC(EVP_sha256(), secret, (int)secret_len, input, w.len, block, NULL))
		memcpy(key, block, key_len);
	else
		err = -EIO;
	OPENSSL_cleanse(block, sizeof(block));
	return err;
}

int kdf_derive(enum kdf_key which, uint16_t dialect, const void *secret, size_t secret_len,
	       const struct preauth *preauth, uint8_t *key, size_t key_len)
{
	uint8_t session_key[KDF_SESSION_KEY_BYTES] = {0};
	const struct kdf_text *label, *context;
	int err;

	if ((key_len != KDF_SESSION_KEY_BYTES && key_len != KDF_KEY_BYTES_MAX) ||
	    (dialect >= DIALECT_311 && !preauth))
		return -EINVAL;
	if (key_len == KDF_SESSION_KEY_BYTES) {
		if (secret_len)
			memcpy(session_key, secret,
			       secret_len < sizeof(session_key) ? secret_len : sizeof(session_key));
		secret = session_key;
		secret_len = sizeof(session_key);
	}
	if (dialect >= DIALECT_311) {
		label = &kdf_label_311[which];
		err = kdf_sp800_108(secret, secret_len, label->text, label->len, preauth->hash,
				    sizeof(preauth->hash), key, key_len);
	} else if (dialect >= DIALECT_300) {
		label = &kdf_label_300[which];
		context = &kdf_context_300[which];
		err = kdf_sp800_108(secret, secret_len, label->text, label->len, context->text,
				    context->len, key, key_len);
	} else if (key_len == KDF_SESSION_KEY_BYTES &&
		   (which == KDF_KEY_SIGNING || which == KDF_KEY_APPLICATION)) {
		memcpy(key, session_key, key_len);
		err = 0;
	} else {
		err = -EINVAL;
	}
	OPENSSL_cleanse(session_key, sizeof(session_key));
	return err;
}
