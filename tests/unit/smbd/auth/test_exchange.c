/* SPDX-License-Identifier: Apache-2.0 */
/* Whole logins in memory: who is let in as what, which mechanism is chosen, and who signs the list.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smbd/auth/accounts.h"
#include "smbd/auth/auth.h"
#include "smbd/auth/client.h"
#include "smbd/auth/ntlm_crypto.h"
#include "smbd/auth/ntlm_message.h"
#include "smbd/auth/spnego.h"
#include "smbd/wire/dtyp.h"

/* Accounts' users must be there for a server that runs as root: these are in every passwd(5). */
#define USER     "daemon"
#define DISABLED "bin"
#define EMPTY    "sys"
#define STRANGER "smb3d-no-such-user"
#define PASSWORD "p\xc3\xa4ssword"

static struct auth_config config;
static char accounts_path[64];

static int setup(void **state)
{
	struct account a;

	strcpy(accounts_path, "/tmp/smb3d-exchange-XXXXXX");
	close(mkstemp(accounts_path));
	config = (struct auth_config){
		.netbios_name = "SERVER",
		.accounts = accounts_create(NULL, accounts_path),
		.identities = identities_create(NULL),
	};
	if (account_init(&a, USER, 1) || account_set_password(&a, PASSWORD) ||
	    accounts_add(config.accounts, &a, NULL) || account_init(&a, DISABLED, 2) ||
	    account_set_password(&a, PASSWORD))
		return -1;
	a.disabled = true;
	if (accounts_add(config.accounts, &a, NULL) || account_init(&a, EMPTY, 3))
		return -1;
	a.no_password = true;
	if (accounts_add(config.accounts, &a, NULL) || account_init(&a, STRANGER, 4) ||
	    account_set_password(&a, PASSWORD))
		return -1;
	return accounts_add(config.accounts, &a, NULL);
}

static int teardown(void **state)
{
	char lock[80];

	snprintf(lock, sizeof(lock), "%s.lock", accounts_path);
	unlink(lock);
	unlink(accounts_path);
	talloc_free(config.accounts);
	talloc_free(config.identities);
	return 0;
}

static int reset(void **state)
{
	config.map_to_guest = AUTH_MAP_NEVER;
	config.allow_anonymous = false;
	config.guest_account = NULL;
	return 0;
}

/* One login; the status that it ended with. The caller frees *mem. */
static struct nt_status login(TALLOC_CTX *mem, const char *user, const char *password, bool bare,
			      struct auth_result **result, struct auth_client **client)
{
	struct auth_credentials who = {.user = user, .domain = "DOM", .password = password};
	struct auth_exchange *x = auth_exchange_create(mem, &config, "test");
	struct nt_status status = STATUS_MORE_PROCESSING_REQUIRED, mine;
	struct auth_token token = {0};

	who.bare = bare;
	*result = NULL;
	*client = auth_client_create(mem, &who);
	while (nt_equal(status, STATUS_MORE_PROCESSING_REQUIRED)) {
		mine = auth_client_step(*client, token.data, token.len, &token);
		assert_true(nt_equal(mine, STATUS_MORE_PROCESSING_REQUIRED) ||
			    (bare && nt_equal(mine, STATUS_SUCCESS)));
		status = auth_exchange_step(x, token.data, token.len, &token);
		assert_null(nt_equal(status, STATUS_SUCCESS) ? NULL : auth_exchange_take(x, mem));
	}
	if (nt_equal(status, STATUS_SUCCESS)) {
		if (!bare)
			assert_true(
				nt_equal(auth_client_step(*client, token.data, token.len, &token),
					 STATUS_SUCCESS));
		*result = auth_exchange_take(x, mem);
		assert_non_null(*result);
		assert_null(auth_exchange_take(x, mem));
	}
	/* whatever the end was, there is nothing after it */
	assert_true(nt_equal(auth_exchange_step(x, "x", 1, &token), STATUS_INVALID_PARAMETER));
	assert_int_equal(token.len, 0);
	talloc_free(x);
	return status;
}

static void check_refused(const char *user, const char *password, struct nt_status want)
{
	for (int bare = 0; bare < 2; bare++) {
		TALLOC_CTX *mem = talloc_new(NULL);
		struct auth_client *client;
		struct auth_result *result;

		assert_int_equal(login(mem, user, password, bare, &result, &client).value,
				 want.value);
		assert_null(result);
		talloc_free(mem);
	}
}

static bool has_sid(const struct unix_user *user, const struct sid *sid)
{
	for (unsigned i = 0; i < user->sid_count; i++)
		if (sid_equal(&user->sids[i], sid))
			return true;
	return false;
}

static void check_accepted(const char *user, const char *password, bool guest, bool anonymous,
			   const char *name)
{
	for (int bare = 0; bare < 2; bare++) {
		TALLOC_CTX *mem = talloc_new(NULL);
		struct auth_client *client;
		struct auth_result *result;

		assert_int_equal(login(mem, user, password, bare, &result, &client).value, 0);
		assert_int_equal(result->is_guest, guest);
		assert_int_equal(result->is_anonymous, anonymous);
		assert_string_equal(result->user, name);
		assert_string_equal(result->domain, anonymous ? "" : "DOM");
		assert_int_equal(result->session_key_len, guest ? 0 : NTLM_KEY_BYTES);
		if (!guest)
			assert_memory_equal(result->session_key, auth_client_session_key(client),
					    NTLM_KEY_BYTES);
		assert_int_equal(has_sid(result->unix_user, &sid_guests), guest);
		assert_int_equal(has_sid(result->unix_user, &sid_anonymous), anonymous);
		assert_int_equal(has_sid(result->unix_user, &sid_authenticated_users),
				 !guest && !anonymous);
		if (geteuid() == 0)
			assert_int_equal(result->unix_user->uid, getpwnam(name)->pw_uid);
		else
			assert_int_equal(result->unix_user->uid, geteuid());
		talloc_free(mem);
	}
}

static void test_user(void **state)
{
	check_accepted(USER, PASSWORD, false, false, USER);
	check_accepted("DAEMON", PASSWORD, false, false, USER);
	check_refused(USER, "wrong", STATUS_LOGON_FAILURE);
	check_refused(USER, "", STATUS_LOGON_FAILURE);
	check_refused("nobody-here", PASSWORD, STATUS_LOGON_FAILURE);
	check_refused("", PASSWORD, STATUS_LOGON_FAILURE);
}

/* That an account is disabled is for those to know who know its password. */
static void test_disabled(void **state)
{
	check_refused(DISABLED, PASSWORD, STATUS_ACCOUNT_DISABLED);
	check_refused(DISABLED, "wrong", STATUS_LOGON_FAILURE);
}

static void test_no_password(void **state)
{
	check_refused(EMPTY, "", STATUS_LOGON_FAILURE);
	check_refused(EMPTY, PASSWORD, STATUS_LOGON_FAILURE);
}

/* Root's server needs a user of the system behind the account. Any other has itself. */
static void test_no_system_user(void **state)
{
	if (geteuid() == 0)
		check_refused(STRANGER, PASSWORD, STATUS_LOGON_FAILURE);
	else
		check_accepted(STRANGER, PASSWORD, false, false, STRANGER);
}

/* `restrict anonymous` and `map to guest`, each with each kind of login. */
static void test_anonymous(void **state)
{
	for (int map = AUTH_MAP_NEVER; map <= AUTH_MAP_BAD_PASSWORD; map++) {
		config.map_to_guest = (enum auth_map_guest)map;
		config.allow_anonymous = false;
		check_refused(NULL, NULL, STATUS_ACCESS_DENIED);
		config.allow_anonymous = true;
		check_accepted(NULL, NULL, false, true, "nobody");
	}
}

static void test_guest(void **state)
{
	config.map_to_guest = AUTH_MAP_BAD_USER;
	check_accepted("nobody-here", "x", true, false, "nobody");
	check_accepted(USER, PASSWORD, false, false, USER);
	check_refused(USER, "wrong", STATUS_LOGON_FAILURE);
	check_refused(NULL, NULL, STATUS_ACCESS_DENIED);
	check_refused(DISABLED, PASSWORD, STATUS_ACCOUNT_DISABLED);

	config.map_to_guest = AUTH_MAP_BAD_PASSWORD;
	config.guest_account = DISABLED;
	check_accepted("nobody-here", "x", true, false, DISABLED);
	check_accepted(USER, "wrong", true, false, DISABLED);
	check_accepted(USER, PASSWORD, false, false, USER);
	check_refused(DISABLED, PASSWORD, STATUS_ACCOUNT_DISABLED);
	check_refused(EMPTY, "", STATUS_LOGON_FAILURE);
}

static void test_guest_without_account(void **state)
{
	if (geteuid() != 0)
		skip();
	config.map_to_guest = AUTH_MAP_BAD_USER;
	config.guest_account = "smb3d-no-such-user";
	check_refused("nobody-here", "x", STATUS_LOGON_FAILURE);
}

/* A file that can't be trusted lets nobody in, and makes nobody a guest. */
static void test_bad_accounts_file(void **state)
{
	config.map_to_guest = AUTH_MAP_BAD_USER;
	assert_int_equal(chmod(accounts_path, 0644), 0);
	check_refused(USER, PASSWORD, STATUS_LOGON_FAILURE);
	check_refused("nobody-here", "x", STATUS_LOGON_FAILURE);
	assert_int_equal(chmod(accounts_path, 0600), 0);
	check_accepted(USER, PASSWORD, false, false, USER);
}

/* Without assertions, which cmocka allows on its own thread only. */
static bool login_quietly(void)
{
	struct auth_credentials who = {.user = USER, .domain = "DOM", .password = PASSWORD};
	TALLOC_CTX *mem = talloc_new(NULL);
	struct auth_client *c = auth_client_create(mem, &who);
	struct auth_exchange *x = auth_exchange_create(mem, &config, "test");
	struct nt_status status = STATUS_MORE_PROCESSING_REQUIRED, mine;
	struct auth_token token = {0};
	bool in;

	while (nt_equal(status, STATUS_MORE_PROCESSING_REQUIRED)) {
		mine = auth_client_step(c, token.data, token.len, &token);
		if (!nt_equal(mine, STATUS_MORE_PROCESSING_REQUIRED))
			break;
		status = auth_exchange_step(x, token.data, token.len, &token);
	}
	in = nt_equal(status, STATUS_SUCCESS) && auth_exchange_take(x, mem);
	talloc_free(mem);
	return in;
}

static void *log_in_often(void *arg)
{
	unsigned *count = arg;

	for (int i = 0; i < 20; i++)
		*count += login_quietly();
	return NULL;
}

/* Steps run on workers, several at once: exchanges share the accounts and identities alone. */
static void test_threads(void **state)
{
	unsigned counts[4] = {0};
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_in_often, &counts[i]), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(counts[i], 20);
	}
}

/* ---- SPNEGO, with a client made by hand ---- */

struct hand {
	TALLOC_CTX *mem;
	struct auth_exchange *x;
	struct ntlm_client *ntlm;
	uint8_t list_bytes[128];
	struct wire_blob list;
	struct auth_token out;
	struct spnego_response reply;
};

static void hand_begin(struct hand *h, const struct wire_blob *oids, unsigned count)
{
	struct wr w = wr_init(h->list_bytes, sizeof(h->list_bytes));

	h->mem = talloc_new(NULL);
	h->x = auth_exchange_create(h->mem, &config, "test");
	h->ntlm = ntlm_client_create(h->mem, USER, "DOM", PASSWORD, "WS");
	spnego_mechs_encode(&w, oids, count);
	h->list = WIRE_BLOB(h->list_bytes, w.len);
}

static void hand_end(struct hand *h)
{
	talloc_free(h->mem);
}

static struct nt_status hand_step(struct hand *h, const uint8_t *token, size_t len)
{
	struct nt_status status = auth_exchange_step(h->x, token, len, &h->out);

	if (nt_equal(status, STATUS_SUCCESS) || nt_equal(status, STATUS_MORE_PROCESSING_REQUIRED))
		assert_true(spnego_response_decode(WIRE_BLOB(h->out.data, h->out.len), &h->reply));
	else
		assert_int_equal(h->out.len, 0);
	return status;
}

static struct nt_status hand_init(struct hand *h, const void *token, size_t token_len)
{
	struct spnego_init init = {.mech_list = h->list, .has_token = token != NULL};
	uint8_t bytes[1024];
	struct wr w = wr_init(bytes, sizeof(bytes));

	init.token = WIRE_BLOB(token, token_len);
	spnego_init_encode(&w, &init);
	assert_true(wr_ok(&w));
	return hand_step(h, bytes, w.len);
}

static struct nt_status hand_respond(struct hand *h, struct auth_token token, const uint8_t *mic)
{
	struct spnego_response response = {.state = SPNEGO_NO_STATE};
	uint8_t bytes[2048];
	struct wr w = wr_init(bytes, sizeof(bytes));

	response.has_token = token.len != 0;
	response.token = WIRE_BLOB(token.data, token.len);
	response.has_mic = mic != NULL;
	response.mic = WIRE_BLOB(mic, 16);
	spnego_response_encode(&w, &response);
	assert_true(wr_ok(&w));
	return hand_step(h, bytes, w.len);
}

/* The client's AUTHENTICATE for the challenge in the last reply, and its MIC of the list. */
static struct auth_token hand_authenticate(struct hand *h, uint8_t mic[16])
{
	struct auth_token token;

	assert_int_equal(
		ntlm_client_authenticate(h->ntlm, h->reply.token.data, h->reply.token.len, &token),
		0);
	assert_int_equal(ntlm_sign(ntlm_client_security(h->ntlm), h->list.data, h->list.len, mic),
			 0);
	return token;
}

static void hand_check_mic(struct hand *h)
{
	assert_true(h->reply.has_mic);
	assert_int_equal(ntlm_verify(ntlm_client_security(h->ntlm), h->list.data, h->list.len,
				     h->reply.mic.data, h->reply.mic.len),
			 0);
}

/* Our one mechanism is the client's first: its optimistic token is answered at once, and without
 * its MIC there is none of ours. */
static void test_first_choice(void **state)
{
	struct auth_token negotiate, authenticate;
	struct hand h;
	uint8_t mic[16];

	hand_begin(&h, &spnego_oid_ntlm, 1);
	assert_int_equal(ntlm_client_negotiate(h.ntlm, &negotiate), 0);
	assert_int_equal(hand_init(&h, negotiate.data, negotiate.len).value,
			 STATUS_MORE_PROCESSING_REQUIRED.value);
	assert_int_equal(h.reply.state, SPNEGO_INCOMPLETE);
	assert_true(h.reply.has_mech && wire_blob_equal(h.reply.mech, spnego_oid_ntlm));
	assert_true(h.reply.has_token);
	authenticate = hand_authenticate(&h, mic);
	assert_int_equal(hand_respond(&h, authenticate, NULL).value, 0);
	assert_int_equal(h.reply.state, SPNEGO_COMPLETED);
	assert_false(h.reply.has_mic || h.reply.has_token || h.reply.has_mech);
	hand_end(&h);
}

/* A client that hopes for Kerberos: its token for that is set aside, NTLM chosen, and the choice
 * must be signed. [RFC4178] 5 */
static void downgrade_begin(struct hand *h)
{
	const struct wire_blob oids[] = {spnego_oid_ms_krb5, spnego_oid_krb5, spnego_oid_ntlm};
	struct auth_token negotiate;

	hand_begin(h, oids, 3);
	assert_int_equal(hand_init(h, "a ticket", 8).value, STATUS_MORE_PROCESSING_REQUIRED.value);
	assert_int_equal(h->reply.state, SPNEGO_REQUEST_MIC);
	assert_true(h->reply.has_mech && wire_blob_equal(h->reply.mech, spnego_oid_ntlm));
	assert_false(h->reply.has_token);
	assert_int_equal(ntlm_client_negotiate(h->ntlm, &negotiate), 0);
	assert_int_equal(hand_respond(h, negotiate, NULL).value,
			 STATUS_MORE_PROCESSING_REQUIRED.value);
	assert_false(h->reply.has_mech);
}

static void test_downgrade_signed(void **state)
{
	struct auth_token authenticate;
	struct hand h;
	uint8_t mic[16];

	downgrade_begin(&h);
	authenticate = hand_authenticate(&h, mic);
	assert_int_equal(hand_respond(&h, authenticate, mic).value, 0);
	assert_int_equal(h.reply.state, SPNEGO_COMPLETED);
	hand_check_mic(&h);
	assert_non_null(auth_exchange_take(h.x, h.mem));
	hand_end(&h);
}

/* A client that leaves its MIC for later gets ours, and one more turn. */
static void test_downgrade_signed_late(void **state)
{
	struct auth_token authenticate, none = {0};
	struct hand h;
	uint8_t mic[16];

	downgrade_begin(&h);
	authenticate = hand_authenticate(&h, mic);
	assert_int_equal(hand_respond(&h, authenticate, NULL).value,
			 STATUS_MORE_PROCESSING_REQUIRED.value);
	assert_int_equal(h.reply.state, SPNEGO_INCOMPLETE);
	hand_check_mic(&h);
	assert_null(auth_exchange_take(h.x, h.mem));
	assert_int_equal(hand_respond(&h, none, mic).value, 0);
	assert_int_equal(h.reply.state, SPNEGO_COMPLETED);
	assert_false(h.reply.has_mic);
	assert_non_null(auth_exchange_take(h.x, h.mem));
	hand_end(&h);
}

static void test_downgrade_unsigned(void **state)
{
	struct auth_token authenticate, none = {0};
	struct hand h;
	uint8_t mic[16];

	downgrade_begin(&h);
	authenticate = hand_authenticate(&h, mic);
	assert_int_equal(hand_respond(&h, authenticate, NULL).value,
			 STATUS_MORE_PROCESSING_REQUIRED.value);
	assert_int_equal(hand_respond(&h, none, NULL).value, STATUS_INVALID_PARAMETER.value);
	assert_null(auth_exchange_take(h.x, h.mem));
	hand_end(&h);
}

/* An AUTHENTICATE as from before extended session security: good proof, no MIC, no way to sign. */
static struct auth_token old_authenticate(struct hand *h)
{
	static const uint8_t temp[32] = {1, 1};
	static uint8_t message[512], response[48];
	uint8_t hash[16], owf[16], base[16];
	struct ntlm_authenticate a = {.flags = NTLM_UNICODE | NTLM_NTLM};
	struct wr w = wr_init(message, sizeof(message));
	struct ntlm_challenge challenge;

	assert_true(ntlm_challenge_decode(h->reply.token.data, h->reply.token.len, &challenge));
	assert_int_equal(ntlm_hash_password(PASSWORD, hash), 0);
	assert_int_equal(ntlm_owf(hash, USER, a.domain, owf), 0);
	memcpy(response + 16, temp, sizeof(temp));
	assert_int_equal(
		ntlm_proof(owf, challenge.challenge, WIRE_BLOB_ARRAY(temp), response, base), 0);
	a.user = WIRE_BLOB("d\0a\0e\0m\0o\0n", 12);
	a.nt_response = WIRE_BLOB_ARRAY(response);
	ntlm_authenticate_encode(&w, &a);
	assert_true(wr_ok(&w));
	return (struct auth_token){message, w.len};
}

/* It gets in where NTLM was its first choice, and not where a signature must prove that. */
static void test_no_session_security(void **state)
{
	struct auth_token negotiate;
	struct hand h;

	hand_begin(&h, &spnego_oid_ntlm, 1);
	assert_int_equal(ntlm_client_negotiate(h.ntlm, &negotiate), 0);
	assert_int_equal(hand_init(&h, negotiate.data, negotiate.len).value,
			 STATUS_MORE_PROCESSING_REQUIRED.value);
	assert_int_equal(hand_respond(&h, old_authenticate(&h), NULL).value, 0);
	hand_end(&h);
	downgrade_begin(&h);
	assert_int_equal(hand_respond(&h, old_authenticate(&h), NULL).value,
			 STATUS_ACCESS_DENIED.value);
	hand_end(&h);
}

/* Somebody on the way took Kerberos out of the list: the client signed what it had sent. */
static void test_list_tampered(void **state)
{
	const struct wire_blob oids[] = {spnego_oid_krb5, spnego_oid_ntlm};
	struct auth_token negotiate, authenticate;
	uint8_t mic[16], full[64];
	struct wr w = wr_init(full, sizeof(full));
	struct hand h;

	hand_begin(&h, &spnego_oid_ntlm, 1);
	assert_int_equal(ntlm_client_negotiate(h.ntlm, &negotiate), 0);
	assert_int_equal(hand_init(&h, negotiate.data, negotiate.len).value,
			 STATUS_MORE_PROCESSING_REQUIRED.value);
	spnego_mechs_encode(&w, oids, 2);
	h.list = WIRE_BLOB(full, w.len);
	authenticate = hand_authenticate(&h, mic);
	assert_int_equal(hand_respond(&h, authenticate, mic).value, STATUS_ACCESS_DENIED.value);
	assert_null(auth_exchange_take(h.x, h.mem));
	hand_end(&h);
}

/* Our mechanism first, but no token for it yet. */
static void test_no_optimistic_token(void **state)
{
	struct auth_token negotiate;
	struct hand h;

	hand_begin(&h, &spnego_oid_ntlm, 1);
	assert_int_equal(hand_init(&h, NULL, 0).value, STATUS_MORE_PROCESSING_REQUIRED.value);
	assert_int_equal(h.reply.state, SPNEGO_INCOMPLETE);
	assert_int_equal(ntlm_client_negotiate(h.ntlm, &negotiate), 0);
	assert_int_equal(hand_respond(&h, negotiate, NULL).value,
			 STATUS_MORE_PROCESSING_REQUIRED.value);
	assert_true(h.reply.has_token);
	hand_end(&h);
}

static void test_no_common_mechanism(void **state)
{
	struct hand h;

	hand_begin(&h, &spnego_oid_krb5, 1);
	assert_int_equal(hand_init(&h, "a ticket", 8).value, STATUS_LOGON_FAILURE.value);
	hand_end(&h);
}

static void test_client_rejects(void **state)
{
	static const uint8_t reject[] = {0xa1, 7, 0x30, 5, 0xa0, 3, 0x0a, 1, 2};
	struct auth_token negotiate;
	struct hand h;

	hand_begin(&h, &spnego_oid_ntlm, 1);
	assert_int_equal(ntlm_client_negotiate(h.ntlm, &negotiate), 0);
	assert_int_equal(hand_init(&h, negotiate.data, negotiate.len).value,
			 STATUS_MORE_PROCESSING_REQUIRED.value);
	assert_int_equal(hand_step(&h, reject, sizeof(reject)).value, STATUS_LOGON_FAILURE.value);
	hand_end(&h);
}

/* ---- what no client sends ---- */

static void test_refused_tokens(void **state)
{
	static uint8_t huge[AUTH_TOKEN_MAX + 1];
	struct auth_token out;
	TALLOC_CTX *mem = talloc_new(NULL);
	struct auth_exchange *x;

	x = auth_exchange_create(mem, &config, NULL);
	assert_int_equal(auth_exchange_step(x, NULL, 0, &out).value,
			 STATUS_INVALID_PARAMETER.value);
	x = auth_exchange_create(mem, &config, "test");
	memcpy(huge, "NTLMSSP\0\1\0\0\0\1\0\0\0", 16);
	assert_int_equal(auth_exchange_step(x, huge, sizeof(huge), &out).value,
			 STATUS_INVALID_PARAMETER.value);
	x = auth_exchange_create(mem, &config, "test");
	assert_int_equal(auth_exchange_step(x, huge, AUTH_TOKEN_MAX, &out).value,
			 STATUS_MORE_PROCESSING_REQUIRED.value);
	/* a second NEGOTIATE where an AUTHENTICATE belongs */
	assert_int_equal(auth_exchange_step(x, huge, AUTH_TOKEN_MAX, &out).value,
			 STATUS_INVALID_PARAMETER.value);
	talloc_free(mem);
}

/* Every token of a login, cut at every byte, is refused. */
static void test_truncated(void **state)
{
	for (int at = 0; at < 2; at++) {
		for (size_t cut = 0;; cut++) {
			struct auth_credentials who = {.user = USER, .password = PASSWORD};
			TALLOC_CTX *mem = talloc_new(NULL);
			struct auth_client *c = auth_client_create(mem, &who);
			struct auth_exchange *x = auth_exchange_create(mem, &config, "test");
			struct auth_token token = {0};
			struct nt_status status = STATUS_SUCCESS;
			bool whole = false;

			for (int i = 0; i <= at; i++) {
				(void)!nt_success(
					auth_client_step(c, token.data, token.len, &token));
				whole = cut >= token.len;
				if (i == at && !whole) {
					token.data = talloc_memdup(mem, token.data, cut);
					token.len = cut;
				}
				status = auth_exchange_step(x, token.data, token.len, &token);
			}
			if (!whole)
				assert_int_equal(status.value, STATUS_INVALID_PARAMETER.value);
			talloc_free(mem);
			if (whole)
				break;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_user, reset),
		cmocka_unit_test_setup(test_disabled, reset),
		cmocka_unit_test_setup(test_no_password, reset),
		cmocka_unit_test_setup(test_no_system_user, reset),
		cmocka_unit_test_setup(test_anonymous, reset),
		cmocka_unit_test_setup(test_guest, reset),
		cmocka_unit_test_setup(test_guest_without_account, reset),
		cmocka_unit_test_setup(test_bad_accounts_file, reset),
		cmocka_unit_test_setup(test_threads, reset),
		cmocka_unit_test_setup(test_first_choice, reset),
		cmocka_unit_test_setup(test_downgrade_signed, reset),
		cmocka_unit_test_setup(test_downgrade_signed_late, reset),
		cmocka_unit_test_setup(test_downgrade_unsigned, reset),
		cmocka_unit_test_setup(test_no_session_security, reset),
		cmocka_unit_test_setup(test_list_tampered, reset),
		cmocka_unit_test_setup(test_no_optimistic_token, reset),
		cmocka_unit_test_setup(test_no_common_mechanism, reset),
		cmocka_unit_test_setup(test_client_rejects, reset),
		cmocka_unit_test_setup(test_refused_tokens, reset),
		cmocka_unit_test_setup(test_truncated, reset),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
