/* SPDX-License-Identifier: Apache-2.0 */
/* NTLMv2 as initiator, [MS-NLMP] 3.1. */
#include <errno.h>

#include "smbd/auth/ntlm_crypto.h"
#include "smbd/auth/ntlm_message.h"
#include "smbd/crypto/rand.h"
#include "smbd/wire/nttime.h"
#include "smbd/wire/utf16.h"
#include "transport/base/clock.h"

#define CLIENT_FLAGS                                                                  \
	(NTLM_UNICODE | NTLM_REQUEST_TARGET | NTLM_SIGN | NTLM_SEAL | NTLM_NTLM |     \
	 NTLM_ALWAYS_SIGN | NTLM_EXTENDED_SESSIONSECURITY | NTLM_VERSION | NTLM_128 | \
	 NTLM_KEY_EXCH | NTLM_56)

#define NAME_BYTES_MAX    1024 /* of a user, domain or workstation in UTF-16 */
#define LM_RESPONSE_BYTES 24

struct ntlm_client {
	bool anonymous;
	bool done;
	const char *user;
	const char *domain;
	const char *workstation;
	uint8_t nt_hash[NTLM_HASH_BYTES];
	struct wire_blob negotiate_message;
	uint32_t flags;
	uint8_t key[NTLM_KEY_BYTES];
	struct ntlm_security security;
};

static int client_destructor(struct ntlm_client *c)
{
	explicit_bzero(c->nt_hash, sizeof(c->nt_hash));
	explicit_bzero(c->key, sizeof(c->key));
	explicit_bzero(&c->security, sizeof(c->security));
	return 0;
}

struct ntlm_client *ntlm_client_create(TALLOC_CTX *mem, const char *user, const char *domain,
				       const char *password, const char *workstation)
{
	struct ntlm_client *c = talloc_zero(mem, struct ntlm_client);

	if (!c)
		return NULL;
	talloc_set_destructor(c, client_destructor);
	c->anonymous = !user;
	c->user = talloc_strdup(c, user ? user : "");
	c->domain = talloc_strdup(c, user && domain ? domain : "");
	c->workstation = talloc_strdup(c, workstation ? workstation : "");
	if (!c->user || !c->domain || !c->workstation ||
	    (user && ntlm_hash_password(password ? password : "", c->nt_hash) != 0)) {
		talloc_free(c);
		return NULL;
	}
	return c;
}

int ntlm_client_negotiate(struct ntlm_client *c, struct auth_token *out)
{
	struct ntlm_negotiate negotiate = {.flags = CLIENT_FLAGS};
	uint8_t message[64], *copy;
	struct wr w = wr_init(message, sizeof(message));

	ntlm_negotiate_encode(&w, &negotiate);
	copy = talloc_memdup(c, message, w.len);
	if (!wr_ok(&w) || !copy)
		return -ENOMEM;
	c->negotiate_message = WIRE_BLOB(copy, w.len);
	*out = (struct auth_token){copy, w.len};
	return 0;
}

/* The response without its proof, 3.3.2: our time or the server's, a random challenge, and the
 * server's target information with the flag that a MIC follows. */
static int make_temp(struct wr *w, const struct ntlm_challenge *challenge)
{
	static const uint8_t mic[4] = {NTLM_AV_FLAG_MIC};
	struct rd r = wire_blob_rd(challenge->target_info), time;
	uint64_t now = nttime_from_ns(clock_real_ns());
	uint8_t random[NTLM_CHALLENGE_BYTES];
	struct wire_blob value;
	uint16_t id;

	if (rand_fill(random, sizeof(random)) != 0)
		return -EIO;
	while (challenge->target_info.len && ntlm_av_next(&r, &id, &value)) {
		time = wire_blob_rd(value);
		if (id == NTLM_AV_TIMESTAMP)
			now = rd_u64(&time);
	}
	if (!rd_ok(&r))
		return -EBADMSG;
	wr_u16(w, 0x0101);
	wr_zero(w, 6);
	wr_u64(w, now);
	wr_bytes(w, random, sizeof(random));
	wr_zero(w, 4);
	r = wire_blob_rd(challenge->target_info);
	while (challenge->target_info.len && ntlm_av_next(&r, &id, &value))
		if (id != NTLM_AV_FLAGS)
			ntlm_av_write(w, id, value);
	ntlm_av_write(w, NTLM_AV_FLAGS, WIRE_BLOB_ARRAY(mic));
	ntlm_av_write(w, NTLM_AV_EOL, (struct wire_blob){0});
	wr_zero(w, 4);
	return wr_ok(w) ? 0 : -EMSGSIZE;
}

/* ExportedSessionKey, and how it travels. */
static int make_key(struct ntlm_client *c, const uint8_t base[NTLM_KEY_BYTES],
		    uint8_t encrypted[NTLM_KEY_BYTES], size_t *encrypted_len)
{
	struct rc4 rc4;

	*encrypted_len = 0;
	if (!(c->flags & NTLM_KEY_EXCH)) {
		memcpy(c->key, base, sizeof(c->key));
		return 0;
	}
	if (rand_fill(c->key, sizeof(c->key)) != 0)
		return -EIO;
	rc4_init(&rc4, base, NTLM_KEY_BYTES);
	rc4_crypt(&rc4, c->key, encrypted, NTLM_KEY_BYTES);
	explicit_bzero(&rc4, sizeof(rc4));
	*encrypted_len = NTLM_KEY_BYTES;
	return 0;
}

/* The NT response into `response` and the key that the password gives. */
static int make_response(struct ntlm_client *c, const struct ntlm_challenge *challenge,
			 struct wire_blob domain, struct wr *response, uint8_t base[NTLM_KEY_BYTES])
{
	uint8_t owf[NTLM_KEY_BYTES], *proof = wr_space(response, 16);
	struct wire_blob temp;
	int err = make_temp(response, challenge);

	if (err)
		return err;
	temp = WIRE_BLOB(response->data + 16, response->len - 16);
	err = ntlm_owf(c->nt_hash, c->user, domain, owf);
	if (!err)
		err = ntlm_proof(owf, challenge->challenge, temp, proof, base);
	explicit_bzero(owf, sizeof(owf));
	return err;
}

static struct wire_blob name_of(struct wr *names, const char *text)
{
	size_t at = names->len, len = wr_utf16(names, text);

	return WIRE_BLOB(names->data + at, len);
}

static int add_mic(struct ntlm_client *c, struct wire_blob challenge, uint8_t *message, size_t len)
{
	struct wire_blob parts[] = {c->negotiate_message, challenge, WIRE_BLOB(message, len)};
	uint8_t mic[NTLM_MIC_BYTES];
	int err = ntlm_hmac_md5(c->key, parts, 3, mic);

	if (!err)
		memcpy(message + NTLM_MIC_OFFSET, mic, sizeof(mic));
	return err;
}

/* The message into w; a's blobs are filled on the way, from `names` and `response`. */
static int make_message(struct ntlm_client *c, const struct ntlm_challenge *challenge,
			struct wr *names, struct wr *response, struct wr *w)
{
	static const uint8_t lm_zeros[LM_RESPONSE_BYTES];
	uint8_t base[NTLM_KEY_BYTES] = {0}, encrypted[NTLM_KEY_BYTES];
	struct ntlm_authenticate a = {
		.flags = c->flags | (c->anonymous ? NTLM_ANONYMOUS : 0),
		.lm_response = WIRE_BLOB(lm_zeros, c->anonymous ? 1 : sizeof(lm_zeros)),
		.session_key = WIRE_BLOB(encrypted, 0),
	};
	int err = 0;

	a.domain = name_of(names, c->domain);
	a.user = name_of(names, c->user);
	a.workstation = name_of(names, c->workstation);
	if (!c->anonymous)
		err = make_response(c, challenge, a.domain, response, base);
	a.nt_response = WIRE_BLOB(response->data, response->len);
	if (!err)
		err = make_key(c, base, encrypted, &a.session_key.len);
	explicit_bzero(base, sizeof(base));
	if (err)
		return err;
	ntlm_authenticate_encode(w, &a);
	return wr_ok(w) && wr_ok(names) ? 0 : -EMSGSIZE;
}

int ntlm_client_authenticate(struct ntlm_client *c, const void *challenge_message, size_t len,
			     struct auth_token *out)
{
	uint8_t names_bytes[3 * NAME_BYTES_MAX];
	size_t cap = len + sizeof(names_bytes) + 256;
	struct wr names = wr_init(names_bytes, sizeof(names_bytes)), response, w;
	struct ntlm_challenge challenge;
	int err;

	if (len > AUTH_TOKEN_MAX || !ntlm_challenge_decode(challenge_message, len, &challenge))
		return -EBADMSG;
	response = wr_init(talloc_size(c, cap), cap);
	w = wr_init(talloc_size(c, 2 * cap), 2 * cap);
	if (!response.data || !w.data)
		return -ENOMEM;
	c->flags = challenge.flags & CLIENT_FLAGS;
	err = make_message(c, &challenge, &names, &response, &w);
	if (!err && !c->anonymous)
		err = add_mic(c, WIRE_BLOB(challenge_message, len), w.data, w.len);
	if (!err)
		err = ntlm_security_init(&c->security, c->flags, c->key, false);
	if (err)
		return err;
	c->done = true;
	*out = (struct auth_token){w.data, w.len};
	return 0;
}

const uint8_t *ntlm_client_key(const struct ntlm_client *c)
{
	return c->done ? c->key : NULL;
}

struct ntlm_security *ntlm_client_security(struct ntlm_client *c)
{
	return c->done && c->flags & NTLM_EXTENDED_SESSIONSECURITY ? &c->security : NULL;
}
