/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NTLMv2 against published values: [MS-NLMP] 4.2.4 ("User", "Domain", "Password"), and a login of a
 * Windows client at a Windows server with its MIC and both mechListMICs (Microsoft's blog, see
 * tests/fake/ms_blog_311.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "smbd/auth/ntlm_crypto.h"
#include "smbd/auth/ntlm_message.h"
#include "smbd/auth/ntlm_server.h"
#include "tests/fake/hex.h"
#include "tests/fake/ms_blog_311.h"

static const struct auth_config config = {.netbios_name = "SERVER", .dns_name = "server.example"};

static void assert_hex(const void *got, size_t len, const char *expected)
{
	uint8_t want[1024];

	assert_int_equal(unhex(expected, want, sizeof(want)), len);
	assert_memory_equal(got, want, len);
}

/* ---- [MS-NLMP] 4.2 ---- */

static void test_rc4(void **state)
{
	/* [RFC6229], 40-bit and 128-bit keys, first 16 bytes of the stream */
	static const uint8_t key[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
	uint8_t zeros[16] = {0}, out[16];
	struct rc4 rc4;

	rc4_init(&rc4, key, 5);
	rc4_crypt(&rc4, zeros, out, 16);
	assert_hex(out, 16, "b2396305f03dc027ccc3524a0a1118a8");
	rc4_init(&rc4, key, 16);
	rc4_crypt(&rc4, zeros, out, 5);
	rc4_crypt(&rc4, zeros, out + 5, 11);
	assert_hex(out, 16, "9ac7cc9a609d1ef7b2932899cde41b97");
}

/* 4.2.4.1.1 NTOWFv2, 4.2.4.1.3 temp, 4.2.4.2.2 NTProofStr, 4.2.4.1.2 SessionBaseKey,
 * 4.2.4.2.3 EncryptedRandomSessionKey */
static void test_nlmp_ntlmv2(void **state)
{
	uint8_t domain[64], challenge[8], temp[128], hash[16], owf[16], proof[16], base[16];
	struct wire_blob domain_blob =
		WIRE_BLOB(domain, unhex("44006f006d00610069006e00", domain, sizeof(domain)));
	struct wire_blob temp_blob = WIRE_BLOB(
		temp, unhex("01010000000000000000000000000000aaaaaaaaaaaaaaaa00000000"
			    "02000c0044006f006d00610069006e0001000c00530065007200760065007200"
			    "0000000000000000",
			    temp, sizeof(temp)));
	uint8_t random[16], encrypted[16];
	struct ntlm_client_blob blob;
	struct rc4 rc4;

	assert_int_equal(ntlm_hash_password("Password", hash), 0);
	assert_hex(hash, 16, "a4f49c406510bdcab6824ee7c30fd852");
	assert_int_equal(ntlm_owf(hash, "User", domain_blob, owf), 0);
	assert_hex(owf, 16, "0c868a403bfd7a93a3001ef22ef02e3f");
	unhex("0123456789abcdef", challenge, 8);
	assert_int_equal(ntlm_proof(owf, challenge, temp_blob, proof, base), 0);
	assert_hex(proof, 16, "68cd0ab851e51c96aabc927bebef6a1c");
	assert_hex(base, 16, "8de40ccadbc14a82f15cb0ad0de95ca3");
	memset(random, 0x55, sizeof(random));
	rc4_init(&rc4, base, 16);
	rc4_crypt(&rc4, random, encrypted, 16);
	assert_hex(encrypted, 16, "c5dad2544fc9799094ce1ce90bc9d03e");
	assert_true(ntlm_client_blob_decode(temp_blob, &blob));
	assert_hex(blob.challenge, 8, "aaaaaaaaaaaaaaaa");
}

/* 4.2.4.4: keys from the random session key 55..55. The signature is the one of the sealed
 * "Plaintext": the same key stream first encrypts the 18 bytes. */
static void test_nlmp_session_security(void **state)
{
	uint8_t key[16], plain[18], sealed[18], signature[NTLM_SIGNATURE_BYTES];
	struct ntlm_security client;

	memset(key, 0x55, sizeof(key));
	assert_int_equal(ntlm_security_init(&client, 0xe2088233, key, false), 0);
	assert_hex(client.out.sign_key, 16, "4788dc861b4782f35d43fd98fe1a2d39");
	assert_hex(client.out.seal_key, 16, "59f600973cc4960a25480a7c196e4c58");
	assert_hex(client.in.sign_key, 16, "d04d6f10741041d1d246d64188d7a8ad");
	assert_hex(client.in.seal_key, 16, "9355f3a957c1583d25c4c2f11e40390e");
	unhex("50006c00610069006e007400650078007400", plain, sizeof(plain));
	rc4_crypt(&client.out.seal, plain, sealed, sizeof(plain));
	assert_hex(sealed, 18, "54e50165bf1936dc996020c1811b0f06fb5f");
	assert_int_equal(ntlm_sign(&client, plain, sizeof(plain), signature), 0);
	assert_hex(signature, 16, "010000007fb38ec5c55d497600000000");
}

/* [MS-SPNG] 3.3.5.1: after the mechListMICs the key streams begin anew, the sequence goes on. */
static void test_security_reset(void **state)
{
	uint8_t key[16] = {1}, first[16], second[16], stream[8], again[8], zeros[8] = {0};
	struct ntlm_security a, b;

	assert_int_equal(ntlm_security_init(&a, NTLM_KEY_EXCH | NTLM_128, key, false), 0);
	assert_int_equal(ntlm_security_init(&b, NTLM_KEY_EXCH | NTLM_128, key, true), 0);
	struct rc4 fresh = a.out.seal;
	assert_int_equal(ntlm_sign(&a, "x", 1, first), 0);
	assert_int_equal(ntlm_verify(&b, "x", 1, first, 16), 0);
	ntlm_security_reset(&a);
	ntlm_security_reset(&b);
	assert_int_equal(a.out.sequence, 1);
	struct rc4 reset = a.out.seal;
	rc4_crypt(&fresh, zeros, stream, sizeof(stream));
	rc4_crypt(&reset, zeros, again, sizeof(again));
	assert_memory_equal(stream, again, sizeof(stream));
	assert_int_equal(ntlm_sign(&a, "x", 1, second), 0);
	assert_memory_not_equal(first, second, 16);
	/* nor is a signature good twice, or short by a byte */
	assert_int_equal(ntlm_verify(&b, "x", 1, second, 16), 0);
	assert_int_equal(ntlm_verify(&b, "x", 1, second, 16), -EACCES);
	assert_int_equal(ntlm_verify(&b, "x", 1, second, 15), -EACCES);
}

/* Uppercase is Unicode's, and a password's code points beyond the first plane count twice. */
static void test_unicode(void **state)
{
	struct wire_blob none = {0};
	uint8_t hash[16], a[16], b[16];

	/* MD4 of the UTF-16LE of "pä\U0001f600", by PyCryptodome */
	assert_int_equal(ntlm_hash_password("p\xc3\xa4\xf0\x9f\x98\x80", hash), 0);
	assert_hex(hash, 16, "832ec202c5badcd52a644d8a1a9c5182");
	assert_int_equal(ntlm_hash_password("\xff", hash), -EILSEQ);
	assert_int_equal(ntlm_owf(hash, "j\xc3\xbcrgen\xc3\x9f", none, a), 0);
	assert_int_equal(ntlm_owf(hash, "J\xc3\x9cRGEN\xc3\x9f", none, b), 0);
	assert_memory_equal(a, b, 16);
	assert_int_equal(ntlm_owf(hash, "JURGEN\xc3\x9f", none, b), 0);
	assert_memory_not_equal(a, b, 16);
}

/* ---- the Windows login ---- */

struct recorded {
	uint8_t negotiate[64], challenge[256], authenticate[512];
	size_t negotiate_len, challenge_len, authenticate_len;
	uint8_t server_mic[16];
};

static void load_recorded(struct recorded *r)
{
	uint8_t message[1024];
	size_t len;

	/* where the NTLM messages are inside their SPNEGO tokens: header 64, fixed part, SPNEGO */
	len = unhex(MS_BLOG_SETUP1_REQUEST, message, sizeof(message));
	r->negotiate_len = len - 122;
	memcpy(r->negotiate, message + 122, r->negotiate_len);
	len = unhex(MS_BLOG_SETUP1_RESPONSE, message, sizeof(message));
	r->challenge_len = len - 103;
	memcpy(r->challenge, message + 103, r->challenge_len);
	len = unhex(MS_BLOG_SETUP2_REQUEST, message, sizeof(message));
	r->authenticate_len = 0x1a6;
	memcpy(r->authenticate, message + 109, r->authenticate_len);
	len = unhex(MS_BLOG_SETUP2_RESPONSE, message, sizeof(message));
	memcpy(r->server_mic, message + len - 16, 16);
}

/* A server that sent the recorded challenge. */
static struct ntlm_server *recorded_server(struct recorded *r)
{
	struct ntlm_server *s = ntlm_server_create(NULL, &config);
	struct ntlm_challenge challenge;

	assert_true(ntlm_challenge_decode(r->challenge, r->challenge_len, &challenge));
	s->state = NTLM_SERVER_CHALLENGED;
	memcpy(s->challenge, challenge.challenge, sizeof(s->challenge));
	s->negotiate_message.data = r->negotiate;
	s->negotiate_message.len = r->negotiate_len;
	s->challenge_message.data = r->challenge;
	s->challenge_message.len = r->challenge_len;
	return s;
}

static void test_windows_login(void **state)
{
	static const char mech_list[] = "300C060A2B06010401823702020A";
	uint8_t hash[16], list[16], mic[16], client_mic[16];
	size_t list_len = unhex(mech_list, list, sizeof(list));
	struct recorded r;
	struct ntlm_server *s;
	struct ntlm_login who;

	load_recorded(&r);
	s = recorded_server(&r);
	assert_int_equal(ntlm_server_authenticate(s, r.authenticate, r.authenticate_len, &who), 0);
	assert_string_equal(who.user, "administrator");
	assert_string_equal(who.domain, "SUT311");
	assert_string_equal(who.workstation, "DRIVER311");
	assert_false(who.anonymous);
	assert_null(ntlm_server_key(s));
	assert_int_equal(ntlm_hash_password("Password01!", hash), 0);
	assert_int_equal(ntlm_server_verify(s, hash), 0);
	assert_hex(ntlm_server_key(s), 16, MS_BLOG_SESSION_KEY);

	unhex("0100000063775A9A5FD97F0600000000", client_mic, sizeof(client_mic));
	assert_int_equal(ntlm_verify(ntlm_server_security(s), list, list_len, client_mic, 16), 0);
	assert_int_equal(ntlm_sign(ntlm_server_security(s), list, list_len, mic), 0);
	assert_memory_equal(mic, r.server_mic, 16);
	talloc_free(s);
}

/* Any bit of the three messages changed, and the login fails: the MIC covers all of them. */
static void check_tampered(struct recorded *r, uint8_t *byte)
{
	struct ntlm_server *s;
	struct ntlm_login who;
	uint8_t hash[16];
	int err;

	assert_int_equal(ntlm_hash_password("Password01!", hash), 0);
	*byte ^= 1;
	s = ntlm_server_create(NULL, &config);
	s->state = NTLM_SERVER_CHALLENGED;
	memcpy(s->challenge, r->challenge + 24, sizeof(s->challenge));
	s->negotiate_message.data = r->negotiate;
	s->negotiate_message.len = r->negotiate_len;
	s->challenge_message.data = r->challenge;
	s->challenge_message.len = r->challenge_len;
	err = ntlm_server_authenticate(s, r->authenticate, r->authenticate_len, &who);
	if (!err)
		err = ntlm_server_verify(s, hash);
	assert_true(err == -EACCES || err == -EBADMSG || err == -EPROTONOSUPPORT);
	assert_null(ntlm_server_key(s));
	assert_null(ntlm_server_security(s));
	talloc_free(s);
	*byte ^= 1;
}

static void test_windows_login_tampered(void **state)
{
	struct recorded r;

	load_recorded(&r);
	for (size_t i = 0; i < r.negotiate_len; i++)
		check_tampered(&r, &r.negotiate[i]);
	for (size_t i = 0; i < r.challenge_len; i++)
		check_tampered(&r, &r.challenge[i]);
	for (size_t i = 0; i < r.authenticate_len; i++)
		check_tampered(&r, &r.authenticate[i]);
}

/* ---- codecs ---- */

/* Each message, cut at every byte: refused, or decoded from what is there. */
static void test_truncated(void **state)
{
	struct recorded r;
	struct ntlm_login who;

	load_recorded(&r);
	for (size_t n = 0; n < r.negotiate_len; n++) {
		struct ntlm_server *s = ntlm_server_create(NULL, &config);
		uint8_t *copy = talloc_memdup(s, r.negotiate, n);
		struct auth_token out;

		/* 16 bytes are enough: old clients send no more */
		assert_int_equal(ntlm_server_negotiate(s, copy, n, &out), n < 16 ? -EBADMSG : 0);
		talloc_free(s);
	}
	for (size_t n = 0; n < r.authenticate_len; n++) {
		struct ntlm_server *s = recorded_server(&r);
		uint8_t *copy = talloc_memdup(s, r.authenticate, n);

		assert_int_equal(ntlm_server_authenticate(s, copy, n, &who), -EBADMSG);
		talloc_free(s);
	}
	for (size_t n = 0; n < r.challenge_len; n++) {
		struct ntlm_client *c = ntlm_client_create(NULL, "u", "d", "p", "w");
		uint8_t *copy = talloc_memdup(c, r.challenge, n);
		struct auth_token out;

		assert_int_equal(ntlm_client_negotiate(c, &out), 0);
		assert_int_equal(ntlm_client_authenticate(c, copy, n, &out), -EBADMSG);
		talloc_free(c);
	}
}

static void test_out_of_order(void **state)
{
	struct recorded r;
	struct ntlm_login who;
	struct auth_token out;
	uint8_t hash[16] = {0};
	struct ntlm_server *s;

	load_recorded(&r);
	s = ntlm_server_create(NULL, &config);
	assert_int_equal(ntlm_server_verify(s, hash), -EBADMSG);
	assert_int_equal(ntlm_server_negotiate(s, r.negotiate, r.negotiate_len, &out), -EBADMSG);
	talloc_free(s);
	s = ntlm_server_create(NULL, &config);
	assert_int_equal(ntlm_server_authenticate(s, r.authenticate, r.authenticate_len, &who),
			 -EBADMSG);
	talloc_free(s);
	s = recorded_server(&r);
	assert_int_equal(ntlm_server_negotiate(s, r.negotiate, r.negotiate_len, &out), -EBADMSG);
	talloc_free(s);
}

static void test_unicode_is_required(void **state)
{
	struct ntlm_server *s = ntlm_server_create(NULL, &config);
	struct ntlm_negotiate negotiate = {.flags = NTLM_OEM | NTLM_NTLM};
	struct auth_token out;
	uint8_t message[64];
	struct wr w = wr_init(message, sizeof(message));

	ntlm_negotiate_encode(&w, &negotiate);
	assert_int_equal(ntlm_server_negotiate(s, message, w.len, &out), -EOPNOTSUPP);
	talloc_free(s);
}

/* [MS-NLMP] 3.2.5.1.1: what the challenge says about the server. */
static void test_challenge(void **state)
{
	static const uint16_t order[] = {NTLM_AV_NB_DOMAIN, NTLM_AV_NB_COMPUTER, NTLM_AV_DNS_DOMAIN,
					 NTLM_AV_DNS_COMPUTER, NTLM_AV_TIMESTAMP};
	struct ntlm_server *s = ntlm_server_create(NULL, &config);
	struct ntlm_challenge challenge;
	struct wire_blob value;
	struct auth_token out;
	struct recorded r;
	uint16_t id;
	struct rd av;

	load_recorded(&r);
	assert_int_equal(ntlm_server_negotiate(s, r.negotiate, r.negotiate_len, &out), 0);
	assert_true(ntlm_challenge_decode(out.data, out.len, &challenge));
	/* the client's 0xe2088297 without OEM and LM_KEY, as Windows' own answer */
	assert_int_equal(challenge.flags, 0xe28a8215);
	assert_hex(challenge.target_name.data, challenge.target_name.len,
		   "530045005200560045005200");
	av = wire_blob_rd(challenge.target_info);
	for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		assert_true(ntlm_av_next(&av, &id, &value));
		assert_int_equal(id, order[i]);
		if (id == NTLM_AV_NB_COMPUTER)
			assert_hex(value.data, value.len, "530045005200560045005200");
		if (id == NTLM_AV_TIMESTAMP)
			assert_int_equal(value.len, 8);
	}
	assert_false(ntlm_av_next(&av, &id, &value));
	assert_true(rd_ok(&av));
	talloc_free(s);
}

/* ---- both sides of ours ---- */

struct pair {
	struct ntlm_server *server;
	struct ntlm_client *client;
	struct ntlm_login who;
	struct auth_token negotiate, challenge, authenticate;
};

static void pair_begin(struct pair *p, const char *user, const char *password)
{
	p->server = ntlm_server_create(NULL, &config);
	p->client = ntlm_client_create(NULL, user, "Dom\xc3\xa4ne", password, "ws");
	assert_int_equal(ntlm_client_negotiate(p->client, &p->negotiate), 0);
	assert_int_equal(ntlm_server_negotiate(p->server, p->negotiate.data, p->negotiate.len,
					       &p->challenge),
			 0);
	assert_int_equal(ntlm_client_authenticate(p->client, p->challenge.data, p->challenge.len,
						  &p->authenticate),
			 0);
}

static int pair_authenticate(struct pair *p)
{
	return ntlm_server_authenticate(p->server, p->authenticate.data, p->authenticate.len,
					&p->who);
}

static void pair_end(struct pair *p)
{
	talloc_free(p->server);
	talloc_free(p->client);
}

static void test_pair(void **state)
{
	uint8_t hash[16], mic[16];
	struct pair p;

	assert_int_equal(ntlm_hash_password("secret", hash), 0);
	pair_begin(&p, "\xc3\xa4nne", "secret");
	assert_int_equal(pair_authenticate(&p), 0);
	assert_string_equal(p.who.user, "\xc3\xa4nne");
	assert_string_equal(p.who.domain, "Dom\xc3\xa4ne");
	assert_int_equal(ntlm_server_verify(p.server, hash), 0);
	assert_memory_equal(ntlm_server_key(p.server), ntlm_client_key(p.client), 16);
	assert_int_equal(ntlm_sign(ntlm_client_security(p.client), "list", 4, mic), 0);
	assert_int_equal(ntlm_verify(ntlm_server_security(p.server), "list", 4, mic, 16), 0);
	assert_int_equal(ntlm_sign(ntlm_server_security(p.server), "list", 4, mic), 0);
	assert_int_equal(ntlm_verify(ntlm_client_security(p.client), "list", 4, mic, 16), 0);
	pair_end(&p);

	pair_begin(&p, "user", "Secret");
	assert_int_equal(pair_authenticate(&p), 0);
	assert_int_equal(ntlm_server_verify(p.server, hash), -EACCES);
	pair_end(&p);
}

static void test_pair_anonymous(void **state)
{
	uint8_t hash[16] = {0};
	struct pair p;

	pair_begin(&p, NULL, NULL);
	assert_int_equal(pair_authenticate(&p), 0);
	assert_true(p.who.anonymous);
	assert_int_equal(ntlm_server_verify(p.server, NULL), 0);
	assert_memory_equal(ntlm_server_key(p.server), ntlm_client_key(p.client), 16);
	pair_end(&p);

	/* a hash for nobody, or no hash for somebody, is the caller's mistake and no login */
	pair_begin(&p, NULL, NULL);
	assert_int_equal(pair_authenticate(&p), 0);
	assert_int_equal(ntlm_server_verify(p.server, hash), -EBADMSG);
	pair_end(&p);
	pair_begin(&p, "user", "secret");
	assert_int_equal(pair_authenticate(&p), 0);
	assert_int_equal(ntlm_server_verify(p.server, NULL), -EBADMSG);
	pair_end(&p);
}

/* An AUTHENTICATE of the test's own making, from the client's with one thing changed. */
static int authenticate_changed(struct pair *p, void (*change)(struct ntlm_authenticate *a))
{
	struct ntlm_authenticate a;
	uint8_t message[2048];
	struct wr w = wr_init(message, sizeof(message));

	assert_true(ntlm_authenticate_decode(p->authenticate.data, p->authenticate.len, &a));
	change(&a);
	ntlm_authenticate_encode(&w, &a);
	assert_true(wr_ok(&w));
	return ntlm_server_authenticate(p->server, message, w.len, &p->who);
}

static void use_ntlmv1(struct ntlm_authenticate *a)
{
	a->nt_response.len = 24;
}

static void use_lm_only(struct ntlm_authenticate *a)
{
	a->nt_response.len = 0;
}

static void drop_key(struct ntlm_authenticate *a)
{
	a->session_key.len = 0;
}

static void short_key(struct ntlm_authenticate *a)
{
	a->session_key.len = 15;
}

/* NTLMv1's response is refused as such; LM's alone, or none, is no proof of anything. */
static void test_v1_refused(void **state)
{
	uint8_t hash[16];
	struct pair p;

	pair_begin(&p, "user", "secret");
	assert_int_equal(authenticate_changed(&p, use_ntlmv1), -EPROTONOSUPPORT);
	pair_end(&p);
	assert_int_equal(ntlm_hash_password("secret", hash), 0);
	pair_begin(&p, "user", "secret");
	assert_int_equal(authenticate_changed(&p, use_lm_only), 0);
	assert_false(p.who.anonymous);
	assert_int_equal(ntlm_server_verify(p.server, hash), -EACCES);
	pair_end(&p);
}

/* The message that crashes gss-ntlmssp: KEY_EXCH with an empty EncryptedRandomSessionKey. */
static void test_empty_session_key(void **state)
{
	uint8_t hash[16];
	struct pair p;

	assert_int_equal(ntlm_hash_password("secret", hash), 0);
	pair_begin(&p, "user", "secret");
	assert_int_equal(authenticate_changed(&p, drop_key), 0);
	assert_int_equal(ntlm_server_verify(p.server, hash), -EBADMSG);
	pair_end(&p);
	pair_begin(&p, "user", "secret");
	assert_int_equal(authenticate_changed(&p, short_key), 0);
	assert_int_equal(ntlm_server_verify(p.server, hash), -EBADMSG);
	pair_end(&p);
	pair_begin(&p, NULL, NULL);
	assert_int_equal(authenticate_changed(&p, drop_key), 0);
	assert_int_equal(ntlm_server_verify(p.server, NULL), 0);
	assert_non_null(ntlm_server_key(p.server));
	pair_end(&p);
}

/* A response whose target information has no end, or that is no NTLMv2 response at all. */
static void test_bad_response(void **state)
{
	uint8_t temp[64] = {1, 1};
	struct ntlm_client_blob blob;

	/* 28 bytes, then MsvAvEOL */
	assert_true(ntlm_client_blob_decode(WIRE_BLOB(temp, 32), &blob));
	for (size_t n = 0; n < 32; n++)
		assert_false(ntlm_client_blob_decode(WIRE_BLOB(temp, n), &blob));
	temp[28] = NTLM_AV_FLAGS;
	temp[30] = 4;
	assert_false(ntlm_client_blob_decode(WIRE_BLOB(temp, 36), &blob));
	assert_true(ntlm_client_blob_decode(WIRE_BLOB(temp, 40), &blob));
	temp[30] = 3;
	assert_false(ntlm_client_blob_decode(WIRE_BLOB(temp, 40), &blob));
	temp[30] = 4;
	temp[0] = 2;
	assert_false(ntlm_client_blob_decode(WIRE_BLOB(temp, 40), &blob));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rc4),
		cmocka_unit_test(test_nlmp_ntlmv2),
		cmocka_unit_test(test_nlmp_session_security),
		cmocka_unit_test(test_security_reset),
		cmocka_unit_test(test_unicode),
		cmocka_unit_test(test_windows_login),
		cmocka_unit_test(test_windows_login_tampered),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_unicode_is_required),
		cmocka_unit_test(test_challenge),
		cmocka_unit_test(test_pair),
		cmocka_unit_test(test_pair_anonymous),
		cmocka_unit_test(test_v1_refused),
		cmocka_unit_test(test_empty_session_key),
		cmocka_unit_test(test_bad_response),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
