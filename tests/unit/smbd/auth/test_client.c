/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side where the server is the one that misbehaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "smbd/auth/client.h"
#include "smbd/auth/ntlm.h"
#include "smbd/auth/spnego.h"

static const struct auth_config config = {.netbios_name = "SERVER"};

struct talk {
	TALLOC_CTX *mem;
	struct auth_client *client;
	struct ntlm_server *server;
	struct auth_token out;
	struct wire_blob mech_list; /* as the client sent it */
};

static void talk_begin(struct talk *t)
{
	struct auth_credentials who = {.user = "user", .password = "secret"};

	t->mem = talloc_new(NULL);
	t->client = auth_client_create(t->mem, &who);
	t->server = ntlm_server_create(t->mem, &config);
}

static struct nt_status talk_step(struct talk *t, const struct spnego_response *r)
{
	uint8_t bytes[1024];
	struct wr w = wr_init(bytes, sizeof(bytes));

	spnego_response_encode(&w, r);
	assert_true(wr_ok(&w));
	return auth_client_step(t->client, bytes, w.len, &t->out);
}

/* To where the client has sent its AUTHENTICATE, and the server believed it. */
static void talk_authenticate(struct talk *t)
{
	struct spnego_response r = {.state = SPNEGO_INCOMPLETE, .has_token = true}, reply;
	struct auth_token challenge;
	struct spnego_init init;
	struct ntlm_login who;
	uint8_t hash[NTLM_HASH_BYTES];

	assert_int_equal(auth_client_step(t->client, NULL, 0, &t->out).value,
			 STATUS_MORE_PROCESSING_REQUIRED.value);
	assert_true(spnego_init_decode(WIRE_BLOB(t->out.data, t->out.len), &init));
	t->mech_list = WIRE_BLOB(talloc_memdup(t->mem, init.mech_list.data, init.mech_list.len),
				 init.mech_list.len);
	assert_int_equal(
		ntlm_server_negotiate(t->server, init.token.data, init.token.len, &challenge), 0);
	r.token = WIRE_BLOB(challenge.data, challenge.len);
	assert_null(auth_client_session_key(t->client));
	assert_int_equal(talk_step(t, &r).value, STATUS_MORE_PROCESSING_REQUIRED.value);
	assert_true(spnego_response_decode(WIRE_BLOB(t->out.data, t->out.len), &reply));
	assert_int_equal(
		ntlm_server_authenticate(t->server, reply.token.data, reply.token.len, &who), 0);
	assert_int_equal(ntlm_hash_password("secret", hash), 0);
	assert_int_equal(ntlm_server_verify(t->server, hash), 0);
	assert_true(reply.has_mic);
	assert_int_equal(ntlm_verify(ntlm_server_security(t->server), t->mech_list.data,
				     t->mech_list.len, reply.mic.data, reply.mic.len),
			 0);
}

static void test_server_mic(void **state)
{
	struct spnego_response r = {.state = SPNEGO_COMPLETED, .has_mic = true};
	uint8_t mic[NTLM_SIGNATURE_BYTES];

	for (int bend = 0; bend < 2; bend++) {
		struct talk t;

		talk_begin(&t);
		talk_authenticate(&t);
		assert_int_equal(ntlm_sign(ntlm_server_security(t.server), t.mech_list.data,
					   t.mech_list.len, mic),
				 0);
		mic[7] ^= bend;
		r.mic = WIRE_BLOB_ARRAY(mic);
		assert_int_equal(talk_step(&t, &r).value, bend ? STATUS_ACCESS_DENIED.value : 0);
		assert_int_equal(talk_step(&t, &r).value, STATUS_INVALID_PARAMETER.value);
		talloc_free(t.mem);
	}
}

static void test_not_completed(void **state)
{
	static const enum spnego_state states[] = {SPNEGO_REJECT, SPNEGO_INCOMPLETE,
						   SPNEGO_NO_STATE};

	for (unsigned i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		struct spnego_response r = {.state = states[i]};
		struct talk t;

		talk_begin(&t);
		talk_authenticate(&t);
		assert_int_equal(talk_step(&t, &r).value, STATUS_INVALID_PARAMETER.value);
		talloc_free(t.mem);
	}
}

/* A server that ends without a word, or without a MIC because we are its guest. */
static void test_silent_end(void **state)
{
	struct spnego_response r = {.state = SPNEGO_COMPLETED};
	struct talk t;

	talk_begin(&t);
	talk_authenticate(&t);
	assert_int_equal(auth_client_step(t.client, NULL, 0, &t.out).value, 0);
	talloc_free(t.mem);
	talk_begin(&t);
	talk_authenticate(&t);
	assert_int_equal(talk_step(&t, &r).value, 0);
	talloc_free(t.mem);
}

static void test_bad_challenge(void **state)
{
	static const uint8_t junk[] = "no challenge";
	struct spnego_response bad[] = {
		{.state = SPNEGO_REJECT, .has_token = true},
		{.state = SPNEGO_INCOMPLETE},
		{.state = SPNEGO_INCOMPLETE, .has_token = true, .token = WIRE_BLOB_ARRAY(junk)},
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct talk t;

		talk_begin(&t);
		assert_int_equal(auth_client_step(t.client, NULL, 0, &t.out).value,
				 STATUS_MORE_PROCESSING_REQUIRED.value);
		assert_int_equal(talk_step(&t, &bad[i]).value, STATUS_INVALID_PARAMETER.value);
		assert_int_equal(t.out.len, 0);
		assert_null(auth_client_session_key(t.client));
		talloc_free(t.mem);
	}
}

/* The hint of a server that has Kerberos alone, ours, and one that is none. */
static void test_hints(void **state)
{
	uint8_t list[64], bytes[256];
	struct wr l = wr_init(list, sizeof(list)), w = wr_init(bytes, sizeof(bytes));
	struct auth_token hint;
	struct talk t;

	spnego_mechs_encode(&l, &spnego_oid_krb5, 1);
	spnego_hint_encode(&w, WIRE_BLOB(list, l.len));
	talk_begin(&t);
	assert_int_equal(auth_client_step(t.client, bytes, w.len, &t.out).value,
			 STATUS_NOT_SUPPORTED.value);
	assert_int_equal(auth_client_step(t.client, bytes, 5, &t.out).value,
			 STATUS_INVALID_PARAMETER.value);
	assert_int_equal(auth_hint(&config, t.mem, &hint).value, 0);
	assert_int_equal(auth_client_step(t.client, hint.data, hint.len, &t.out).value,
			 STATUS_MORE_PROCESSING_REQUIRED.value);
	talloc_free(t.mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server_mic), cmocka_unit_test(test_not_completed),
		cmocka_unit_test(test_silent_end), cmocka_unit_test(test_bad_challenge),
		cmocka_unit_test(test_hints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
