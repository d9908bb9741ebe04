/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/auth/ntlm_crypto.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "smbd/auth/md4.h"
#include "smbd/auth/text.h"
#include "smbd/wire/utf16.h"

/* [MS-NLMP] 3.4.5.2 and 3.4.5.3; the terminating zero is part of them. */
static const char ntlm_client_sign[] = "session key to client-to-server signing key magic constant";
static const char ntlm_server_sign[] = "session key to server-to-client signing key magic constant";
static const char ntlm_client_seal[] = "session key to client-to-server sealing key magic constant";
static const char ntlm_server_seal[] = "session key to server-to-client sealing key magic constant";

void rc4_init(struct rc4 *rc4, const void *key, size_t len)
{
	const uint8_t *k = key;
	uint8_t j = 0;

	for (unsigned i = 0; i < 256; i++)
		rc4->state[i] = (uint8_t)i;
	for (unsigned i = 0; i < 256; i++) {
		uint8_t t = rc4->state[i];

		j = (uint8_t)(j + t + k[i % len]);
		rc4->state[i] = rc4->state[j];
		rc4->state[j] = t;
	}
	rc4->i = 0;
	rc4->j = 0;
}

void rc4_crypt(struct rc4 *rc4, const void *in, void *out, size_t len)
{
	const uint8_t *src = in;
	uint8_t *dst = out;

	for (size_t n = 0; n < len; n++) {
		uint8_t a = rc4->state[++rc4->i];
		uint8_t b;

		rc4->j = (uint8_t)(rc4->j + a);
		b = rc4->state[rc4->j];
		rc4->state[rc4->i] = b;
		rc4->state[rc4->j] = a;
		dst[n] = src[n] ^ rc4->state[(uint8_t)(a + b)];
	}
}

int ntlm_md5(const struct wire_blob *parts, unsigned count, uint8_t out[16])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	if (!ctx)
		return -ENOMEM;
	ok = EVP_DigestInit_ex(ctx, EVP_md5(), NULL) == 1;
	for (unsigned i = 0; ok && i < count; i++)
		ok = EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -EIO;
}

int ntlm_hmac_md5(const uint8_t key[16], const struct wire_blob *parts, unsigned count,
		  uint8_t out[16])
{
	char md5[] = "MD5";
	OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, md5, 3),
			       OSSL_PARAM_END};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	size_t len;
	bool ok = ctx && EVP_MAC_init(ctx, key, 16, params) == 1;

	for (unsigned i = 0; ok && i < count; i++)
		ok = parts[i].len == 0 || EVP_MAC_update(ctx, parts[i].data, parts[i].len) == 1;
	ok = ok && EVP_MAC_final(ctx, out, &len, 16) == 1;
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	return ok ? 0 : -EIO;
}

/* UTF-16LE on mem. */
static int to_utf16(TALLOC_CTX *mem, const char *text, struct wire_blob *out)
{
	size_t len = strlen(text);
	uint8_t *bytes = talloc_array(mem, uint8_t, UTF16_MAX_SIZE(len) + 1);
	ssize_t n;

	if (!bytes)
		return -ENOMEM;
	n = utf8_to_utf16(text, len, bytes, UTF16_MAX_SIZE(len));
	if (n < 0)
		return (int)n;
	*out = WIRE_BLOB(bytes, (size_t)n);
	return 0;
}

int ntlm_hash_password(const char *password, uint8_t hash[NTLM_HASH_BYTES])
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct wire_blob utf16;
	int err = mem ? to_utf16(mem, password, &utf16) : -ENOMEM;

	if (!err) {
		md4(utf16.data, utf16.len, hash);
		explicit_bzero((void *)(uintptr_t)utf16.data, utf16.len);
	}
	talloc_free(mem);
	return err;
}

int ntlm_owf(const uint8_t nt_hash[NTLM_HASH_BYTES], const char *user, struct wire_blob domain,
	     uint8_t out[NTLM_KEY_BYTES])
{
	char *upper = text_upper(NULL, user);
	struct wire_blob parts[2] = {{0}, domain};
	int err;

	if (!upper)
		return -EILSEQ;
	err = to_utf16(upper, upper, &parts[0]);
	if (!err)
		err = ntlm_hmac_md5(nt_hash, parts, 2, out);
	talloc_free(upper);
	return err;
}

int ntlm_proof(const uint8_t owf[NTLM_KEY_BYTES], const uint8_t challenge[NTLM_CHALLENGE_BYTES],
	       struct wire_blob temp, uint8_t proof[16], uint8_t session_base[NTLM_KEY_BYTES])
{
	struct wire_blob parts[] = {WIRE_BLOB(challenge, NTLM_CHALLENGE_BYTES), temp};
	struct wire_blob proof_blob = WIRE_BLOB(proof, 16);
	int err = ntlm_hmac_md5(owf, parts, 2, proof);

	return err ? err : ntlm_hmac_md5(owf, &proof_blob, 1, session_base);
}

static int direction_init(struct ntlm_direction *d, uint32_t flags, const uint8_t *key,
			  struct wire_blob sign_magic, struct wire_blob seal_magic)
{
	/* 3.4.5.3: without 128 the sealing key comes from a part of the session key */
	size_t seal_len = flags & NTLM_128 ? NTLM_KEY_BYTES : flags & NTLM_56 ? 7 : 5;
	struct wire_blob sign[] = {WIRE_BLOB(key, NTLM_KEY_BYTES), sign_magic};
	struct wire_blob seal[] = {WIRE_BLOB(key, seal_len), seal_magic};
	int err = ntlm_md5(sign, 2, d->sign_key);

	if (!err)
		err = ntlm_md5(seal, 2, d->seal_key);
	if (!err)
		rc4_init(&d->seal, d->seal_key, sizeof(d->seal_key));
	d->sequence = 0;
	return err;
}

int ntlm_security_init(struct ntlm_security *s, uint32_t flags, const uint8_t key[NTLM_KEY_BYTES],
		       bool server)
{
	struct ntlm_direction *from_client = server ? &s->in : &s->out;
	struct ntlm_direction *from_server = server ? &s->out : &s->in;
	int err;

	s->key_exchange = (flags & NTLM_KEY_EXCH) != 0;
	err = direction_init(from_client, flags, key, WIRE_BLOB_ARRAY(ntlm_client_sign),
			     WIRE_BLOB_ARRAY(ntlm_client_seal));
	if (!err)
		err = direction_init(from_server, flags, key, WIRE_BLOB_ARRAY(ntlm_server_sign),
				     WIRE_BLOB_ARRAY(ntlm_server_seal));
	return err;
}

void ntlm_security_reset(struct ntlm_security *s)
{
	rc4_init(&s->out.seal, s->out.seal_key, sizeof(s->out.seal_key));
	rc4_init(&s->in.seal, s->in.seal_key, sizeof(s->in.seal_key));
}

/* 3.4.4.2: version 1, the first half of an HMAC over sequence and data, the sequence. */
static int direction_sign(struct ntlm_direction *d, bool encrypt, const void *data, size_t len,
			  uint8_t signature[NTLM_SIGNATURE_BYTES])
{
	uint8_t sequence[4], mac[16];
	struct wr seq = wr_init(sequence, sizeof(sequence));
	struct wr w = wr_init(signature, NTLM_SIGNATURE_BYTES);
	struct wire_blob parts[] = {WIRE_BLOB_ARRAY(sequence), WIRE_BLOB(data, len)};
	int err;

	wr_u32(&seq, d->sequence);
	err = ntlm_hmac_md5(d->sign_key, parts, 2, mac);
	if (err)
		return err;
	if (encrypt)
		rc4_crypt(&d->seal, mac, mac, 8);
	wr_u32(&w, 1);
	wr_bytes(&w, mac, 8);
	wr_u32(&w, d->sequence);
	d->sequence++;
	return 0;
}

int ntlm_sign(struct ntlm_security *s, const void *data, size_t len,
	      uint8_t signature[NTLM_SIGNATURE_BYTES])
{
	return direction_sign(&s->out, s->key_exchange, data, len, signature);
}

int ntlm_verify(struct ntlm_security *s, const void *data, size_t len, const uint8_t *signature,
		size_t signature_len)
{
	uint8_t want[NTLM_SIGNATURE_BYTES];
	int err = direction_sign(&s->in, s->key_exchange, data, len, want);

	if (err)
		return err;
	if (signature_len != sizeof(want) || CRYPTO_memcmp(signature, want, sizeof(want)) != 0)
		return -EACCES;
	return 0;
}
