/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NTLM, each message where it belongs. The first byte says what the rest is: 0 a NEGOTIATE, 1 an
 * AUTHENTICATE for a server that sent a fixed challenge, 2 a CHALLENGE for our client, 3 a token of
 * SPNEGO for a fresh exchange, 4 one for an exchange that waits for the AUTHENTICATE. Nobody gets
 * in but as nobody.
 */
#include <stdlib.h>
#include <string.h>

#include "smbd/auth/accounts.h"
#include "smbd/auth/ntlm_server.h"
#include "transport/base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct auth_config config = {.netbios_name = "SERVER"};

static void require(bool truth)
{
	if (!truth)
		abort();
}

static void fuzz_negotiate(TALLOC_CTX *mem, const uint8_t *data, size_t size)
{
	struct ntlm_server *s = ntlm_server_create(mem, &config);
	struct ntlm_challenge challenge;
	struct auth_token out;

	if (ntlm_server_negotiate(s, data, size, &out) == 0)
		require(ntlm_challenge_decode(out.data, out.len, &challenge));
}

static void fuzz_authenticate(TALLOC_CTX *mem, const uint8_t *data, size_t size)
{
	static const uint8_t hash[NTLM_HASH_BYTES] = {0x87, 0x8d, 0x80};
	struct ntlm_server *s = ntlm_server_create(mem, &config);
	struct ntlm_login who;

	s->state = NTLM_SERVER_CHALLENGED;
	memset(s->challenge, 0x11, sizeof(s->challenge));
	s->negotiate_message.data = talloc_zero_size(s, 1);
	s->challenge_message.data = talloc_zero_size(s, 1);
	if (ntlm_server_authenticate(s, data, size, &who) != 0)
		return;
	require(who.user && who.domain && who.workstation);
	if (ntlm_server_verify(s, who.anonymous ? NULL : hash) == 0)
		require(who.anonymous && ntlm_server_key(s));
}

static void fuzz_challenge(TALLOC_CTX *mem, const uint8_t *data, size_t size)
{
	struct ntlm_client *c = ntlm_client_create(mem, "user", "DOM", "secret", "WS");
	struct ntlm_authenticate a;
	struct auth_token out;

	require(ntlm_client_negotiate(c, &out) == 0);
	if (ntlm_client_authenticate(c, data, size, &out) == 0)
		require(ntlm_authenticate_decode(out.data, out.len, &a) && a.has_mic);
}

static void fuzz_exchange(TALLOC_CTX *mem, const uint8_t *data, size_t size, bool challenged)
{
	static const uint8_t negotiate[32] = "NTLMSSP\0\1\0\0\0\x15\x82\x08\xe2";
	struct auth_exchange *x;
	struct auth_result *result;
	struct nt_status status;
	struct auth_token out;

	x = auth_exchange_create(mem, &config, "fuzz");
	if (challenged)
		require(nt_equal(auth_exchange_step(x, negotiate, sizeof(negotiate), &out),
				 STATUS_MORE_PROCESSING_REQUIRED));
	status = auth_exchange_step(x, data, size, &out);
	result = auth_exchange_take(x, mem);
	require(!result == !nt_equal(status, STATUS_SUCCESS));
	if (result)
		require(result->is_guest || result->is_anonymous);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	TALLOC_CTX *mem = talloc_new(NULL);

	if (!config.accounts) {
		log_set_level(LOG_LEVEL_ERR);
		config.accounts = accounts_create(NULL, "/nonexistent/smbpasswd");
		config.identities = identities_create(NULL);
		config.allow_anonymous = true;
		config.map_to_guest = AUTH_MAP_BAD_PASSWORD;
	}
	if (size)
		switch (data[0]) {
		case 0:
			fuzz_negotiate(mem, data + 1, size - 1);
			break;
		case 1:
			fuzz_authenticate(mem, data + 1, size - 1);
			break;
		case 2:
			fuzz_challenge(mem, data + 1, size - 1);
			break;
		case 3:
		case 4:
			fuzz_exchange(mem, data + 1, size - 1, data[0] == 4);
			break;
		default:
			break;
		}
	talloc_free(mem);
	return 0;
}
