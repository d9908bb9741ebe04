/* SPDX-License-Identifier: Apache-2.0 */
/* NTLMv2 as acceptor, [MS-NLMP] 3.2. */
#include "smbd/auth/ntlm_server.h"

#include <errno.h>

#include <openssl/crypto.h>

#include "smbd/crypto/rand.h"
#include "smbd/wire/nttime.h"
#include "smbd/wire/utf16.h"
#include "transport/base/clock.h"

/* What we can, and take from what the client offers. */
#define SERVER_FLAGS                                                                  \
	(NTLM_UNICODE | NTLM_REQUEST_TARGET | NTLM_SIGN | NTLM_SEAL | NTLM_NTLM |     \
	 NTLM_ALWAYS_SIGN | NTLM_EXTENDED_SESSIONSECURITY | NTLM_VERSION | NTLM_128 | \
	 NTLM_KEY_EXCH | NTLM_56)

#define PROOF_BYTES     16
#define NTLMV1_RESPONSE 24 /* any version 1 response is this long; no version 2 one is as short */
#define CHALLENGE_MAX   4096

static int server_destructor(struct ntlm_server *s)
{
	explicit_bzero(s->key, sizeof(s->key));
	explicit_bzero(&s->security, sizeof(s->security));
	return 0;
}

struct ntlm_server *ntlm_server_create(TALLOC_CTX *mem, const struct auth_config *config)
{
	struct ntlm_server *s = talloc_zero(mem, struct ntlm_server);

	if (!s)
		return NULL;
	s->config = config;
	talloc_set_destructor(s, server_destructor);
	return s;
}

/* A step out of order, or after an error, ends the exchange. */
static bool server_enter(struct ntlm_server *s, enum ntlm_server_state expected)
{
	bool ok = s->state == expected;

	s->state = NTLM_SERVER_DEAD;
	return ok;
}

/* ---- CHALLENGE ---- */

static void write_name(struct wr *w, enum ntlm_av id, const char *text)
{
	size_t at = w->len, bytes;

	wr_u16(w, id);
	wr_u16(w, 0);
	bytes = wr_utf16(w, text);
	wr_u16_at(w, at + 2, (uint16_t)bytes);
}

/* 3.2.5.1.1. A machine that is in no domain is a domain of its own, as Windows has it. */
static void write_target_info(struct wr *w, const struct auth_config *config)
{
	uint8_t time[8];
	struct wr t = wr_init(time, sizeof(time));

	wr_u64(&t, nttime_from_ns(clock_real_ns()));
	write_name(w, NTLM_AV_NB_DOMAIN, config->netbios_name);
	write_name(w, NTLM_AV_NB_COMPUTER, config->netbios_name);
	write_name(w, NTLM_AV_DNS_DOMAIN, config->dns_domain ? config->dns_domain : "");
	write_name(w, NTLM_AV_DNS_COMPUTER,
		   config->dns_name ? config->dns_name : config->netbios_name);
	ntlm_av_write(w, NTLM_AV_TIMESTAMP, WIRE_BLOB_ARRAY(time));
	ntlm_av_write(w, NTLM_AV_EOL, (struct wire_blob){0});
}

static int make_challenge(struct ntlm_server *s, uint32_t client_flags)
{
	uint8_t names[CHALLENGE_MAX / 2], message[CHALLENGE_MAX];
	struct wr target = wr_init(names, sizeof(names)), w = wr_init(message, sizeof(message));
	struct ntlm_challenge challenge = {.flags = client_flags & SERVER_FLAGS};
	size_t name_len;

	challenge.flags |= NTLM_TARGET_INFO | NTLM_TARGET_TYPE_SERVER | NTLM_NTLM;
	memcpy(challenge.challenge, s->challenge, sizeof(challenge.challenge));
	name_len = wr_utf16(&target, s->config->netbios_name);
	if (client_flags & NTLM_REQUEST_TARGET)
		challenge.target_name = WIRE_BLOB(names, name_len);
	write_target_info(&target, s->config);
	challenge.target_info = WIRE_BLOB(names + name_len, target.len - name_len);
	ntlm_challenge_encode(&w, &challenge);
	if (!wr_ok(&target) || !wr_ok(&w))
		return -EINVAL;
	s->challenge_message.data = talloc_memdup(s, message, w.len);
	s->challenge_message.len = w.len;
	return s->challenge_message.data ? 0 : -ENOMEM;
}

int ntlm_server_negotiate(struct ntlm_server *s, const void *in, size_t len, struct auth_token *out)
{
	struct ntlm_negotiate negotiate;
	int err;

	if (!server_enter(s, NTLM_SERVER_NEW) || len > AUTH_TOKEN_MAX ||
	    !ntlm_negotiate_decode(in, len, &negotiate))
		return -EBADMSG;
	if (!(negotiate.flags & NTLM_UNICODE))
		return -EOPNOTSUPP;
	s->negotiate_message.data = talloc_memdup(s, in, len);
	s->negotiate_message.len = len;
	if (!s->negotiate_message.data)
		return -ENOMEM;
	if (rand_fill(s->challenge, sizeof(s->challenge)) != 0)
		return -EIO;
	err = make_challenge(s, negotiate.flags);
	if (err)
		return err;
	*out = (struct auth_token){s->challenge_message.data, s->challenge_message.len};
	s->state = NTLM_SERVER_CHALLENGED;
	return 0;
}

/* ---- AUTHENTICATE ---- */

static const char *text_of(TALLOC_CTX *mem, struct wire_blob utf16)
{
	size_t cap = UTF8_MAX_SIZE(utf16.len);
	char *text = talloc_array(mem, char, cap);

	if (text && utf16_to_utf8(utf16, text, cap) < 0)
		TALLOC_FREE(text);
	return text;
}

/* 3.2.5.1.2: no user, no NT response, and an LM response that is empty or one zero byte. */
static bool is_anonymous(const struct ntlm_authenticate *a)
{
	return a->user.len == 0 && a->nt_response.len == 0 &&
	       (a->lm_response.len == 0 ||
		(a->lm_response.len == 1 && a->lm_response.data[0] == 0));
}

int ntlm_server_authenticate(struct ntlm_server *s, const void *in, size_t len,
			     struct ntlm_login *who)
{
	struct ntlm_authenticate *a = &s->authenticate;

	if (!server_enter(s, NTLM_SERVER_CHALLENGED) || len > AUTH_TOKEN_MAX)
		return -EBADMSG;
	s->authenticate_message.data = talloc_memdup(s, in, len);
	s->authenticate_message.len = len;
	if (len && !s->authenticate_message.data)
		return -ENOMEM;
	if (!ntlm_authenticate_decode(s->authenticate_message.data, len, a) ||
	    !(a->flags & NTLM_UNICODE))
		return -EBADMSG;
	s->login.anonymous = is_anonymous(a);
	if (a->nt_response.len && a->nt_response.len <= NTLMV1_RESPONSE)
		return -EPROTONOSUPPORT;
	s->login.user = text_of(s, a->user);
	s->login.domain = text_of(s, a->domain);
	s->login.workstation = text_of(s, a->workstation);
	if (!s->login.user || !s->login.domain || !s->login.workstation)
		return -EBADMSG;
	*who = s->login;
	s->state = NTLM_SERVER_ASKED;
	return 0;
}

/* ---- verification ---- */

/*
 * 3.2.5.1.2: the key of the session out of the key that the password gives. A client that asks for
 * KEY_EXCH and sends no key gets none (a server that went on would read past the empty field); only
 * one that wants neither signing nor sealing, or is nobody, may leave it out.
 */
static int exchange_key(struct ntlm_server *s, const uint8_t base[NTLM_KEY_BYTES])
{
	struct wire_blob sent = s->authenticate.session_key;
	bool wanted = s->authenticate.flags & NTLM_KEY_EXCH;
	bool optional = s->login.anonymous || !(s->authenticate.flags & (NTLM_SIGN | NTLM_SEAL));
	struct rc4 rc4;

	if (!wanted || (sent.len == 0 && optional)) {
		memcpy(s->key, base, sizeof(s->key));
		return 0;
	}
	if (sent.len != sizeof(s->key))
		return -EBADMSG;
	rc4_init(&rc4, base, NTLM_KEY_BYTES);
	rc4_crypt(&rc4, sent.data, s->key, sizeof(s->key));
	explicit_bzero(&rc4, sizeof(rc4));
	return 0;
}

/* 3.2.5.1.2: over the three messages, with the MIC's own field as zeros. The flag that says it is
 * there stands in the part that the proof protects, so nobody on the way can take it away. */
static int check_mic(struct ntlm_server *s)
{
	uint8_t *message = s->authenticate_message.data, sent[NTLM_MIC_BYTES], want[NTLM_MIC_BYTES];
	struct wire_blob parts[] = {
		WIRE_BLOB(s->negotiate_message.data, s->negotiate_message.len),
		WIRE_BLOB(s->challenge_message.data, s->challenge_message.len),
		WIRE_BLOB(message, s->authenticate_message.len),
	};
	int err;

	if (!s->authenticate.has_mic)
		return -EBADMSG;
	memcpy(sent, message + NTLM_MIC_OFFSET, sizeof(sent));
	memset(message + NTLM_MIC_OFFSET, 0, sizeof(sent));
	err = ntlm_hmac_md5(s->key, parts, 3, want);
	if (err)
		return err;
	return CRYPTO_memcmp(sent, want, sizeof(want)) ? -EACCES : 0;
}

static int verify_proof(struct ntlm_server *s, const uint8_t nt_hash[NTLM_HASH_BYTES],
			uint8_t base[NTLM_KEY_BYTES])
{
	struct wire_blob response = s->authenticate.nt_response;
	struct wire_blob temp = {response.data + PROOF_BYTES, response.len - PROOF_BYTES};
	uint8_t owf[NTLM_KEY_BYTES], proof[PROOF_BYTES];
	int err = ntlm_owf(nt_hash, s->login.user, s->authenticate.domain, owf);

	if (!err)
		err = ntlm_proof(owf, s->challenge, temp, proof, base);
	if (!err && CRYPTO_memcmp(proof, response.data, sizeof(proof)) != 0)
		err = -EACCES;
	explicit_bzero(owf, sizeof(owf));
	return err;
}

int ntlm_server_verify(struct ntlm_server *s, const uint8_t *nt_hash)
{
	uint8_t base[NTLM_KEY_BYTES] = {0};
	struct ntlm_client_blob blob = {0};
	struct wire_blob response = s->authenticate.nt_response;
	int err = 0;

	if (!server_enter(s, NTLM_SERVER_ASKED) || s->login.anonymous != !nt_hash)
		return -EBADMSG;
	/* no response, or an LM response alone: clients without a password try that first */
	if (!s->login.anonymous && response.len == 0)
		return -EACCES;
	if (!s->login.anonymous) {
		struct wire_blob temp = {response.data + PROOF_BYTES, response.len - PROOF_BYTES};

		if (!ntlm_client_blob_decode(temp, &blob))
			return -EBADMSG;
		err = verify_proof(s, nt_hash, base);
	}
	if (!err)
		err = exchange_key(s, base);
	explicit_bzero(base, sizeof(base));
	if (!err && blob.av_flags & NTLM_AV_FLAG_MIC)
		err = check_mic(s);
	if (!err)
		err = ntlm_security_init(&s->security, s->authenticate.flags, s->key, true);
	if (!err)
		s->state = NTLM_SERVER_VERIFIED;
	return err;
}

const uint8_t *ntlm_server_key(const struct ntlm_server *s)
{
	return s->state == NTLM_SERVER_VERIFIED ? s->key : NULL;
}

struct ntlm_security *ntlm_server_security(struct ntlm_server *s)
{
	bool signs = s->state == NTLM_SERVER_VERIFIED &&
		     s->authenticate.flags & NTLM_EXTENDED_SESSIONSECURITY;

	return signs ? &s->security : NULL;
}
