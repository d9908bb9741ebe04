/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NTLM as a mechanism: whose password it is, and what becomes of those who have none. [MS-NLMP] 3.2
 * leaves that to the server; guests are Samba's `map to guest`.
 */
#include <errno.h>
#include <string.h>

#include "smbd/auth/accounts.h"
#include "smbd/auth/mech.h"
#include "smbd/auth/ntlm.h"
#include "smbd/auth/spnego.h"
#include "transport/base/log.h"

#define GUEST_ACCOUNT "nobody"

struct ntlm_mech {
	const struct auth_config *config;
	const char *peer;
	struct ntlm_server *server;
	struct ntlm_login login;
	bool challenged;
	bool keyed; /* the client proved that it has the key that we have */
};

static void *mech_create(TALLOC_CTX *mem, const struct auth_config *config, const char *peer)
{
	struct ntlm_mech *m = talloc_zero(mem, struct ntlm_mech);

	if (!m)
		return NULL;
	m->config = config;
	m->peer = peer;
	m->server = ntlm_server_create(m, config);
	if (!m->server)
		TALLOC_FREE(m);
	return m;
}

static int result_destructor(struct auth_result *result)
{
	explicit_bzero(result->session_key, sizeof(result->session_key));
	return 0;
}

/* Everything but the key. */
static struct auth_result *result_make(struct ntlm_mech *m, const char *system_user,
				       enum identity_kind kind)
{
	struct auth_result *result = talloc_zero(m, struct auth_result);
	int err;

	if (!result)
		return NULL;
	talloc_set_destructor(result, result_destructor);
	result->user = talloc_strdup(result, system_user);
	result->domain = talloc_strdup(result, m->login.domain);
	result->workstation = talloc_strdup(result, m->login.workstation);
	result->is_guest = kind == IDENTITY_GUEST;
	result->is_anonymous = kind == IDENTITY_ANONYMOUS;
	err = identity_lookup(m->config->identities, result, system_user, kind, &result->unix_user);
	if (!err && result->user && result->domain && result->workstation)
		return result;
	if (err == -ENOENT)
		log_err("login from %s refused: this system has no user %s", m->peer, system_user);
	else if (err)
		log_err("login from %s refused: user %s: %s", m->peer, system_user, strerror(-err));
	talloc_free(result);
	return NULL;
}

static const char *guest_account(const struct auth_config *config)
{
	return config->guest_account ? config->guest_account : GUEST_ACCOUNT;
}

static struct nt_status refuse(const struct ntlm_mech *m, struct nt_status status, const char *why)
{
	log_notice("login of '%s' in domain '%s' from %s refused: %s", m->login.user,
		   m->login.domain, m->peer, why);
	return status;
}

static struct nt_status become_guest(struct ntlm_mech *m, struct auth_result **result)
{
	*result = result_make(m, guest_account(m->config), IDENTITY_GUEST);
	if (!*result)
		return STATUS_LOGON_FAILURE;
	log_info("login of '%s' in domain '%s' from %s becomes guest", m->login.user,
		 m->login.domain, m->peer);
	return STATUS_SUCCESS;
}

static void result_key(struct ntlm_mech *m, struct auth_result *result)
{
	memcpy(result->session_key, ntlm_server_key(m->server), NTLM_KEY_BYTES);
	result->session_key_len = NTLM_KEY_BYTES;
	m->keyed = true;
}

/* Nobody proves nothing, but both sides have a key of zeros, or one sent under it. */
static struct nt_status login_anonymous(struct ntlm_mech *m, struct auth_result **result)
{
	if (!m->config->allow_anonymous)
		return refuse(m, STATUS_ACCESS_DENIED, "anonymous logins are not allowed");
	if (ntlm_server_verify(m->server, NULL) != 0)
		return refuse(m, STATUS_INVALID_PARAMETER, "malformed message");
	*result = result_make(m, guest_account(m->config), IDENTITY_ANONYMOUS);
	if (!*result)
		return STATUS_LOGON_FAILURE;
	result_key(m, *result);
	return STATUS_SUCCESS;
}

static struct nt_status bad_user(struct ntlm_mech *m, struct auth_result **result)
{
	if (m->config->map_to_guest != AUTH_MAP_NEVER)
		return become_guest(m, result);
	return refuse(m, STATUS_LOGON_FAILURE, "no such account");
}

static struct nt_status bad_password(struct ntlm_mech *m, struct auth_result **result)
{
	if (m->config->map_to_guest == AUTH_MAP_BAD_PASSWORD)
		return become_guest(m, result);
	return refuse(m, STATUS_LOGON_FAILURE, "wrong password");
}

static struct nt_status good_password(struct ntlm_mech *m, const struct account *account,
				      struct auth_result **result)
{
	if (account->disabled)
		return refuse(m, STATUS_ACCOUNT_DISABLED, "the account is disabled");
	*result = result_make(m, account->name, IDENTITY_USER);
	if (!*result)
		return STATUS_LOGON_FAILURE;
	result_key(m, *result);
	log_info("login of '%s' in domain '%s' from %s", account->name, m->login.domain, m->peer);
	return STATUS_SUCCESS;
}

/* Who has no account, or no password, is verified all the same, against a hash that no password has
 * been seen to give: time does not tell which accounts there are. */
static struct nt_status login_user(struct ntlm_mech *m, struct auth_result **result)
{
	static const uint8_t nobody[NTLM_HASH_BYTES] = {0};
	struct account account = {0};
	struct accounts_error error;
	struct nt_status status;
	int lookup = accounts_lookup(m->config->accounts, m->login.user, &account, &error);
	bool usable = !lookup && account.has_nt_hash && !account.no_password;
	int verified = ntlm_server_verify(m->server, usable ? account.nt_hash : nobody);

	if (verified == -EBADMSG)
		status = refuse(m, STATUS_INVALID_PARAMETER, "malformed message");
	else if (lookup == -ENOENT)
		status = bad_user(m, result);
	else if (lookup)
		status = refuse(m, STATUS_LOGON_FAILURE, error.text);
	else if (!usable)
		status = refuse(m, STATUS_LOGON_FAILURE, "the account has no password");
	else if (verified == -EACCES)
		status = bad_password(m, result);
	else if (verified)
		status = refuse(m, STATUS_INTERNAL_ERROR, strerror(-verified));
	else
		status = good_password(m, &account, result);
	explicit_bzero(&account, sizeof(account));
	return status;
}

static struct nt_status mech_step(void *state, struct wire_blob in, struct auth_token *out,
				  struct auth_result **result)
{
	struct ntlm_mech *m = state;
	int err;

	if (!m->challenged) {
		m->challenged = true;
		err = ntlm_server_negotiate(m->server, in.data, in.len, out);
		if (err == -ENOMEM)
			return STATUS_NO_MEMORY;
		return err ? STATUS_INVALID_PARAMETER : STATUS_MORE_PROCESSING_REQUIRED;
	}
	err = ntlm_server_authenticate(m->server, in.data, in.len, &m->login);
	if (err == -EPROTONOSUPPORT) {
		log_notice("login from %s refused: NTLMv1", m->peer);
		return STATUS_LOGON_FAILURE;
	}
	if (err)
		return err == -ENOMEM ? STATUS_NO_MEMORY : STATUS_INVALID_PARAMETER;
	return m->login.anonymous ? login_anonymous(m, result) : login_user(m, result);
}

static int mech_sign(void *state, struct wire_blob mech_list, struct auth_token *mic)
{
	struct ntlm_mech *m = state;
	struct ntlm_security *security = m->keyed ? ntlm_server_security(m->server) : NULL;
	uint8_t *signature;

	*mic = (struct auth_token){0};
	if (!m->keyed)
		return 0;
	if (!security)
		return -EOPNOTSUPP;
	signature = talloc_size(m, NTLM_SIGNATURE_BYTES);
	if (!signature)
		return -ENOMEM;
	*mic = (struct auth_token){signature, NTLM_SIGNATURE_BYTES};
	return ntlm_sign(security, mech_list.data, mech_list.len, signature);
}

static int mech_verify(void *state, struct wire_blob mech_list, struct wire_blob mic)
{
	struct ntlm_mech *m = state;
	struct ntlm_security *security = m->keyed ? ntlm_server_security(m->server) : NULL;

	if (!security)
		return -EOPNOTSUPP;
	return ntlm_verify(security, mech_list.data, mech_list.len, mic.data, mic.len);
}

static void mech_mic_done(void *state)
{
	struct ntlm_mech *m = state;
	struct ntlm_security *security = ntlm_server_security(m->server);

	if (security)
		ntlm_security_reset(security);
}

static const struct wire_blob *const mech_oids[] = {&spnego_oid_ntlm};

const struct auth_mech auth_mech_ntlm = {
	.name = "NTLM",
	.oids = mech_oids,
	.oid_count = 1,
	.create = mech_create,
	.step = mech_step,
	.sign = mech_sign,
	.verify = mech_verify,
	.mic_done = mech_mic_done,
};
