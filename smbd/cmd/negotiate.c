/* SPDX-License-Identifier: Apache-2.0 */
/* NEGOTIATE, [MS-SMB2] 3.3.5.3 (from SMB1) and 3.3.5.4. */
#include "smbd/wire/negotiate.h"

#include <errno.h>
#include <string.h>

#include "smbd/auth/auth.h"
#include "smbd/cmd/service.h"
#include "smbd/cmd/session_commands.h"
#include "smbd/crypto/rand.h"
#include "smbd/session/connection.h"
#include "smbd/session/server.h"
#include "smbd/wire/nttime.h"
#include "transport/base/clock.h"
#include "transport/base/log.h"

#define SMALL_MTU 65536u

/* ---- the dialect ---- */

static bool dialect_enabled(const struct server_config *config, uint16_t dialect)
{
	return dialect >= config->min_dialect && dialect <= config->max_dialect;
}

/* The greatest that both have; 0: none. */
static uint16_t choose_dialect(const struct server_config *config,
			       const struct smb2_id_list *offered)
{
	static const uint16_t known[] = {SMB2_DIALECT_311, SMB2_DIALECT_302, SMB2_DIALECT_300,
					 SMB2_DIALECT_210, SMB2_DIALECT_202};

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (dialect_enabled(config, known[i]) && smb2_id_list_has(offered, known[i]))
			return known[i];
	return 0;
}

/* ---- what holds for a dialect ---- */

static void set_limits(struct negotiated *n, const struct server_config *config)
{
	n->supports_multi_credit = n->dialect != SMB2_DIALECT_202;
	n->max_transact = n->supports_multi_credit ? config->max_transact : SMALL_MTU;
	n->max_read = n->supports_multi_credit ? config->max_read : SMALL_MTU;
	n->max_write = n->supports_multi_credit ? config->max_write : SMALL_MTU;
}

static void set_capabilities(struct negotiated *n, const struct server_config *config)
{
	n->server_security_mode = SMB2_NEGOTIATE_SIGNING_ENABLED;
	if (config->signing_required)
		n->server_security_mode |= SMB2_NEGOTIATE_SIGNING_REQUIRED;
	n->server_capabilities = 0;
	if (n->supports_multi_credit)
		n->server_capabilities |= SMB2_GLOBAL_CAP_LARGE_MTU;
	if (n->dialect >= SMB2_DIALECT_210 && config->leases)
		n->server_capabilities |= SMB2_GLOBAL_CAP_LEASING;
	if (n->dialect < SMB2_DIALECT_300)
		return;
	/* 3.3.5.4: these only to a client that said it can */
	if (config->directory_leases)
		n->server_capabilities |=
			n->client_capabilities & SMB2_GLOBAL_CAP_DIRECTORY_LEASING;
	if (config->multi_channel)
		n->server_capabilities |= n->client_capabilities & SMB2_GLOBAL_CAP_MULTI_CHANNEL;
}

static void set_dialect(struct negotiated *n, const struct server_config *config, uint16_t dialect)
{
	n->dialect = dialect;
	n->sign_algorithm = dialect < SMB2_DIALECT_300 ? SIGN_HMAC_SHA256 : SIGN_AES_CMAC;
	n->sign_algorithm_negotiated = false;
	set_limits(n, config);
	set_capabilities(n, config);
}

/* ---- 3.1.1: contexts ---- */

/* The client's list is in its order of preference, ours is: what costs least first. */
static void choose_signing(struct negotiated *n, const struct smb2_negotiate_contexts *in)
{
	static const uint16_t ours[] = {SMB2_SIGNING_AES_GMAC, SMB2_SIGNING_AES_CMAC,
					SMB2_SIGNING_HMAC_SHA256};

	if (!(in->present & SMB2_HAS_SIGNING))
		return;
	for (unsigned i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (smb2_id_list_has(&in->signing_algorithms, ours[i])) {
			n->sign_algorithm = (enum sign_algorithm)ours[i];
			n->sign_algorithm_negotiated = true;
			return;
		}
}

/* What was offered and is not in the answer (ciphers, compression, RDMA transforms) is not there
 * yet: issue E. */
static struct nt_status answer_contexts(struct negotiated *n,
					const struct smb2_negotiate_contexts *in,
					struct smb2_negotiate_contexts *out, uint8_t salt[32])
{
	if (!(in->present & SMB2_HAS_PREAUTH_INTEGRITY))
		return STATUS_INVALID_PARAMETER;
	if (!smb2_id_list_has(&in->hash_algorithms, SMB2_PREAUTH_INTEGRITY_SHA512))
		return STATUS_SMB_NO_PREAUTH_INTEGRITY_HASH_OVERLAP;
	if (rand_fill(salt, 32) != 0)
		return STATUS_INSUFFICIENT_RESOURCES;
	out->present = SMB2_HAS_PREAUTH_INTEGRITY;
	out->hash_algorithms = (struct smb2_id_list){1, {SMB2_PREAUTH_INTEGRITY_SHA512}};
	out->salt = WIRE_BLOB(salt, 32);
	choose_signing(n, in);
	if (n->sign_algorithm_negotiated) {
		out->present |= SMB2_HAS_SIGNING;
		out->signing_algorithms = (struct smb2_id_list){1, {(uint16_t)n->sign_algorithm}};
	}
	return STATUS_SUCCESS;
}

/* ---- the reply ---- */

static struct nt_status reply(struct request *req, struct smb2_negotiate_response *out)
{
	const struct negotiated *n = &req->conn->negotiated;
	struct auth_token hint;
	struct nt_status status;

	status = auth_hint(service_auth(req), request_pool(req), &hint);
	if (nt_error(status))
		return status;
	out->security_mode = n->server_security_mode;
	out->dialect_revision = n->dialect;
	memcpy(out->server_guid.bytes, req->conn->server->config.guid, 16);
	out->capabilities = n->server_capabilities;
	out->max_transact_size = n->max_transact;
	out->max_read_size = n->max_read;
	out->max_write_size = n->max_write;
	out->system_time = nttime_from_ns(clock_real_ns());
	out->security_buffer = WIRE_BLOB(hint.data, hint.len);
	smb2_negotiate_response_encode(&req->out, out);
	return STATUS_SUCCESS;
}

static void remember_client(struct negotiated *n, const struct smb2_negotiate_request *in)
{
	memcpy(n->client_guid, in->client_guid.bytes, sizeof(n->client_guid));
	n->client_capabilities = in->capabilities;
	n->client_security_mode = in->security_mode;
}

/* ---- SMB1: [MS-SMB2] 3.3.5.3 ---- */

static struct nt_status negotiate_smb1(struct request *req)
{
	struct connection *conn = req->conn;
	const struct server_config *config = &conn->server->config;
	struct smb2_negotiate_response out = {0};
	struct smb1_negotiate_request in;

	if (!smb1_negotiate_request_decode(&req->in, &in))
		goto disconnect;
	if (in.smb2_wildcard && config->max_dialect >= SMB2_DIALECT_210) {
		set_dialect(&conn->negotiated, config, SMB2_DIALECT_WILDCARD);
		/* 3.3.5.3.1: the real ones follow with the real NEGOTIATE */
		conn->negotiated.max_transact = SMALL_MTU;
		conn->negotiated.max_read = SMALL_MTU;
		conn->negotiated.max_write = SMALL_MTU;
		conn->negotiated.server_capabilities = 0;
	} else if (in.smb2_002 && dialect_enabled(config, SMB2_DIALECT_202)) {
		set_dialect(&conn->negotiated, config, SMB2_DIALECT_202);
	} else {
		goto disconnect; /* 3.3.5.3: we have no SMB1 to offer */
	}
	return reply(req, &out);

disconnect:
	log_info("an SMB1 client offers no dialect of SMB2");
	connection_close(conn, -EPROTO);
	return STATUS_NOT_SUPPORTED;
}

/* ---- SMB2 ---- */

static struct nt_status negotiate_smb2(struct request *req)
{
	struct connection *conn = req->conn;
	const struct server_config *config = &conn->server->config;
	struct smb2_negotiate_response out = {0};
	struct smb2_negotiate_request in;
	struct negotiated n = {0};
	struct nt_status status;
	uint16_t dialect;
	uint8_t salt[32];

	if (!smb2_negotiate_request_decode(&req->in, &in) || in.dialects.count == 0)
		return STATUS_INVALID_PARAMETER;
	dialect = choose_dialect(config, &in.dialects);
	if (dialect == 0)
		return STATUS_NOT_SUPPORTED;
	remember_client(&n, &in);
	set_dialect(&n, config, dialect);
	if (dialect == SMB2_DIALECT_311) {
		status = answer_contexts(&n, &in.contexts, &out.contexts, salt);
		if (nt_error(status))
			return status;
		n.preauth = PREAUTH_INIT;
		if (connection_preauth_request(req, &n.preauth) != 0)
			return STATUS_INSUFFICIENT_RESOURCES;
	}
	conn->negotiated = n;
	return reply(req, &out);
}

struct nt_status cmd_negotiate(struct request *req)
{
	uint16_t dialect = req->conn->negotiated.dialect;

	/* 3.3.5.3, 3.3.5.4: once is all there is; a second one ends the connection */
	if (dialect != 0 && (req->smb1 || dialect != SMB2_DIALECT_WILDCARD)) {
		connection_close(req->conn, -EPROTO);
		return STATUS_INVALID_PARAMETER;
	}
	return req->smb1 ? negotiate_smb1(req) : negotiate_smb2(req);
}
