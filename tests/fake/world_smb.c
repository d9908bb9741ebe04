/* SPDX-License-Identifier: Apache-2.0 */
/* The peers' side of SMB2, written out: what a client must say so that the test comes to its point.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <talloc.h>

#include "smbd/auth/client.h"
#include "smbd/crypto/kdf.h"
#include "smbd/crypto/sign.h"
#include "smbd/wire/close.h"
#include "smbd/wire/create.h"
#include "smbd/wire/empty.h"
#include "smbd/wire/read.h"
#include "smbd/wire/session.h"
#include "smbd/wire/tree.h"
#include "smbd/wire/utf16.h"
#include "smbd/wire/write.h"
#include "tests/fake/world.h"

/* ---- messages ---- */

static void put_header(struct peer *p, struct msg *m, uint16_t command, uint32_t flags)
{
	struct smb2_header header = {
		.credit_charge = 1,
		.command = command,
		.credits = 8,
		.flags = flags,
		.message_id = p->message_id++,
		.process_id = 0xfeff,
		.tree_id = p->tree_id,
		.session_id = p->session_id,
	};

	m->at = m->w.len;
	smb2_header_encode(&m->w, &header);
}

void msg_begin(struct peer *p, struct msg *m, uint16_t command)
{
	m->w = wr_init(m->bytes, sizeof(m->bytes));
	put_header(p, m, command, 0);
}

void msg_next(struct peer *p, struct msg *m, uint16_t command, uint32_t flags)
{
	size_t former = m->at;

	wr_align(&m->w, 8);
	wr_u32_at(&m->w, former + SMB2_HEADER_OFFSET_NEXT_COMMAND, (uint32_t)(m->w.len - former));
	put_header(p, m, command, flags);
}

void msg_set_u16(struct msg *m, size_t header_offset, uint16_t v)
{
	wr_u16_at(&m->w, m->at + header_offset, v);
}

void msg_set_u32(struct msg *m, size_t header_offset, uint32_t v)
{
	wr_u32_at(&m->w, m->at + header_offset, v);
}

void msg_set_u64(struct msg *m, size_t header_offset, uint64_t v)
{
	msg_set_u32(m, header_offset, (uint32_t)v);
	msg_set_u32(m, header_offset + 4, (uint32_t)(v >> 32));
}

static uint32_t u32_at(const uint8_t *bytes, size_t off)
{
	struct rd r = rd_init(bytes + off, 4);

	return rd_u32(&r);
}

static void sign_one(struct peer *p, uint8_t *pdu, size_t len)
{
	const struct iovec iov = {pdu, len};
	uint32_t flags = u32_at(pdu, SMB2_HEADER_OFFSET_FLAGS) | SMB2_FLAGS_SIGNED;
	struct wr w = wr_init(pdu, len);

	w.len = len;
	wr_u32_at(&w, SMB2_HEADER_OFFSET_FLAGS, flags);
	assert_int_equal(signer_sign(p->signer, &iov, 1), 0);
}

void msg_sign(struct peer *p, struct msg *m)
{
	size_t at = 0, next;

	if (!p->signer)
		return;
	do {
		next = u32_at(m->bytes, at + SMB2_HEADER_OFFSET_NEXT_COMMAND);
		sign_one(p, m->bytes + at, next ? next : m->w.len - at);
		at += next;
	} while (next);
}

void msg_send(struct peer *p, struct msg *m)
{
	assert_true(wr_ok(&m->w));
	msg_sign(p, m);
	peer_send(p, m->bytes, m->w.len);
}

/* ---- replies ---- */

static void reply_decode(struct peer *p, struct reply *r, size_t at)
{
	size_t len = r->len - at, next;

	r->rd = rd_init(r->bytes + at, len);
	assert_true(smb2_header_decode(&r->rd, &r->header));
	next = r->header.next_command;
	r->next = next ? at + next : 0;
	if (next)
		r->rd.len = next;
	r->signature_ok = false;
	if (p->signer && r->header.flags & SMB2_FLAGS_SIGNED) {
		const struct iovec iov = {r->bytes + at, next ? next : len};

		r->signature_ok = signer_verify(p->signer, &iov, 1) == 0;
	}
}

void reply_recv(struct peer *p, struct reply *r)
{
	r->len = peer_recv(p, r->bytes, sizeof(r->bytes));
	r->next = 0;
	if (r->len)
		reply_decode(p, r, 0);
}

bool reply_next(struct peer *p, struct reply *r)
{
	if (!r->next)
		return false;
	assert_int_equal(r->next % 8, 0);
	reply_decode(p, r, r->next);
	return true;
}

/* Of the next reply. */
static struct nt_status reply_status(struct peer *p, struct reply *r)
{
	reply_recv(p, r);
	if (p->may_be_cut && r->len == 0)
		return STATUS_CONNECTION_DISCONNECTED;
	assert_int_not_equal(r->len, 0);
	return r->header.status;
}

struct nt_status peer_call(struct peer *p, struct msg *m, struct reply *r)
{
	msg_send(p, m);
	return reply_status(p, r);
}

struct nt_status peer_finish(struct peer *p, struct msg *m, struct reply *r)
{
	struct nt_status status = peer_call(p, m, r);

	while (nt_equal(status, STATUS_PENDING))
		status = reply_status(p, r);
	return status;
}

/* ---- bodies ---- */

void put_empty(struct msg *m)
{
	smb2_empty_encode(&m->w);
}

void put_create(struct msg *m, const char *name, uint32_t access, uint32_t disposition)
{
	uint8_t utf16[512];
	ssize_t n = utf8_to_utf16(name, strlen(name), utf16, sizeof(utf16));
	struct smb2_create_request create = {
		.impersonation_level = SMB2_IMPERSONATION_IMPERSONATION,
		.desired_access = access,
		.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		.create_disposition = disposition,
		.name = {utf16, (size_t)n},
	};

	assert_true(n >= 0);
	smb2_create_request_encode(&m->w, &create);
}

void put_close(struct msg *m, struct smb2_file_id id)
{
	const struct smb2_close_request close = {.file_id = id};

	smb2_close_request_encode(&m->w, &close);
}

void put_write(struct msg *m, struct smb2_file_id id, uint64_t offset, const void *data,
	       uint32_t len)
{
	const struct smb2_write_request write = {.length = len, .offset = offset, .file_id = id};

	smb2_write_request_encode(&m->w, &write);
	m->w.len = m->at + SMB2_WRITE_REQUEST_HEAD_SIZE;
	wr_bytes(&m->w, data, len);
}

void put_read(struct msg *m, struct smb2_file_id id, uint64_t offset, uint32_t len)
{
	const struct smb2_read_request read = {.length = len, .offset = offset, .file_id = id};

	smb2_read_request_encode(&m->w, &read);
}

/* ---- NEGOTIATE ---- */

static void preauth_take(struct peer *p, const uint8_t *bytes, size_t len)
{
	const struct iovec iov = {(void *)(uintptr_t)bytes, len};

	if (p->dialect == SMB2_DIALECT_311)
		assert_int_equal(preauth_update(p->preauth, &iov, 1), 0);
}

void put_negotiate(struct peer *p, struct msg *m, uint16_t dialect)
{
	struct smb2_negotiate_request in = {
		.security_mode = SMB2_NEGOTIATE_SIGNING_ENABLED,
		.capabilities = PEER_CAPABILITIES,
		.client_guid = {{p->guid ? p->guid : 1, 2, 3, 4}},
		.dialects = {1, {dialect}},
	};

	in.contexts.present = SMB2_HAS_PREAUTH_INTEGRITY | (p->gmac ? SMB2_HAS_SIGNING : 0);
	in.contexts.hash_algorithms = (struct smb2_id_list){1, {SMB2_PREAUTH_INTEGRITY_SHA512}};
	in.contexts.salt = WIRE_BLOB("pepper", 6);
	in.contexts.signing_algorithms = (struct smb2_id_list){
		3, {SMB2_SIGNING_HMAC_SHA256, SMB2_SIGNING_AES_CMAC, SMB2_SIGNING_AES_GMAC}};
	smb2_negotiate_request_encode(&m->w, &in);
}

static void negotiated(struct peer *p, struct reply *r)
{
	struct smb2_negotiate_response out;

	preauth_take(p, r->bytes, r->len);
	assert_true(smb2_negotiate_response_decode(&r->rd, &out));
	assert_int_equal(out.dialect_revision, p->dialect);
}

struct nt_status peer_try_negotiate(struct peer *p, uint16_t dialect)
{
	struct reply *r = malloc(sizeof(*r));
	struct msg *m = malloc(sizeof(*m));
	struct nt_status status;

	p->dialect = dialect;
	p->preauth = calloc(1, sizeof(*p->preauth));
	msg_begin(p, m, SMB2_NEGOTIATE);
	put_negotiate(p, m, dialect);
	preauth_take(p, m->bytes, m->w.len);
	status = peer_call(p, m, r);
	if (nt_success(status))
		negotiated(p, r);
	free(m);
	free(r);
	return status;
}

void peer_negotiate(struct peer *p, uint16_t dialect)
{
	assert_int_equal(peer_try_negotiate(p, dialect).value, STATUS_SUCCESS.value);
}

/* ---- SESSION_SETUP ---- */

static enum sign_algorithm algorithm_of(const struct peer *p)
{
	if (p->dialect < SMB2_DIALECT_300)
		return SIGN_HMAC_SHA256;
	return p->dialect == SMB2_DIALECT_311 && p->gmac ? SIGN_AES_GMAC : SIGN_AES_CMAC;
}

static void make_signer(struct peer *p, const struct preauth *preauth, const uint8_t *secret)
{
	assert_int_equal(kdf_derive(KDF_KEY_SIGNING, p->dialect, secret, KDF_SESSION_KEY_BYTES,
				    preauth, p->key, sizeof(p->key)),
			 0);
	signer_destroy(p->signer);
	assert_int_equal(signer_create(algorithm_of(p), SIGN_ROLE_CLIENT, p->key, &p->signer), 0);
}

static void put_setup(struct msg *m, const void *token, size_t len, uint64_t previous,
		      uint8_t flags)
{
	const struct smb2_session_setup_request setup = {
		.flags = flags,
		.security_mode = SMB2_NEGOTIATE_SIGNING_ENABLED,
		.security_buffer = WIRE_BLOB(token, len),
		.previous_session_id = previous,
	};

	smb2_session_setup_request_encode(&m->w, &setup);
}

void put_session_setup(struct msg *m, const void *token, size_t len, uint64_t previous)
{
	put_setup(m, token, len, previous, 0);
}

/* A request of 3.1.1 that is signed goes into the hash as it is sent, with its signature. */
static struct nt_status setup_leg(struct peer *p, const struct auth_token *token, uint64_t previous,
				  uint8_t flags, struct msg *m, struct reply *r)
{
	msg_begin(p, m, SMB2_SESSION_SETUP);
	put_setup(m, token->data, token->len, previous, flags);
	msg_sign(p, m);
	preauth_take(p, m->bytes, m->w.len);
	peer_send(p, m->bytes, m->w.len);
	return reply_status(p, r);
}

static struct nt_status setup_legs(struct peer *p, struct auth_client *auth, uint64_t previous,
				   uint8_t flags, struct msg *m, struct reply *r)
{
	struct preauth connection = *p->preauth;
	struct smb2_session_setup_response out;
	struct nt_status status;
	struct auth_token token;
	bool keyed = !p->signer || flags & SMB2_SESSION_FLAG_BINDING;

	(void)!nt_success(auth_client_step(auth, NULL, 0, &token));
	for (;;) {
		status = setup_leg(p, &token, previous, flags, m, r);
		if (r->len)
			p->session_id = r->header.session_id;
		if (!nt_equal(status, STATUS_MORE_PROCESSING_REQUIRED))
			break;
		preauth_take(p, r->bytes, r->len);
		assert_true(smb2_session_setup_response_decode(&r->rd, &out));
		(void)!nt_success(auth_client_step(auth, out.security_buffer.data,
						   out.security_buffer.len, &token));
	}
	if (nt_success(status) && keyed) {
		assert_true(smb2_session_setup_response_decode(&r->rd, &out));
		p->session_flags = out.session_flags;
		if (!out.session_flags)
			make_signer(p, p->preauth, auth_client_session_key(auth));
		if (!(flags & SMB2_SESSION_FLAG_BINDING))
			memcpy(p->session_key, p->key, sizeof(p->key));
	}
	*p->preauth = connection;
	return status;
}

/* The last reply of an authenticated session is signed: protocol-facts 24. */
static void check_final_signature(struct peer *p, const struct reply *r)
{
	const struct iovec iov = {(void *)(uintptr_t)r->bytes, r->len};

	assert_true(r->header.flags & SMB2_FLAGS_SIGNED);
	assert_int_equal(signer_verify(p->signer, &iov, 1), 0);
}

static struct nt_status try_setup(struct peer *p, const char *user, const char *password,
				  uint64_t previous, uint8_t flags)
{
	const struct auth_credentials who = {.user = user, .domain = "", .password = password};
	struct auth_client *auth = auth_client_create(NULL, &who);
	struct reply *r = malloc(sizeof(*r));
	struct msg *m = malloc(sizeof(*m));
	struct nt_status status;

	assert_non_null(auth);
	status = setup_legs(p, auth, previous, flags, m, r);
	if (nt_success(status) && p->signer)
		check_final_signature(p, r);
	talloc_free(auth);
	free(m);
	free(r);
	return status;
}

struct nt_status peer_try_setup(struct peer *p, const char *user, const char *password,
				uint64_t previous)
{
	return try_setup(p, user, password, previous, 0);
}

struct nt_status peer_try_login(struct peer *p, const char *user, const char *password)
{
	return peer_try_setup(p, user, password, 0);
}

void peer_login(struct peer *p)
{
	struct nt_status status = peer_try_login(p, world_user(), WORLD_PASSWORD);

	assert_string_equal(nt_status_name(status), "STATUS_SUCCESS");
	assert_non_null(p->signer);
}

struct nt_status peer_try_bind(struct peer *p, const struct peer *first, const char *user,
			       const char *password)
{
	bool keyed = first->signer;

	p->session_id = first->session_id;
	p->tree_id = first->tree_id;
	signer_destroy(p->signer);
	p->signer = NULL;
	if (keyed)
		assert_int_equal(signer_create(algorithm_of(first), SIGN_ROLE_CLIENT,
					       first->session_key, &p->signer),
				 0);
	memmove(p->session_key, first->session_key, sizeof(p->session_key));
	return try_setup(p, user, password, 0, SMB2_SESSION_FLAG_BINDING);
}

void peer_bind(struct world *w, struct peer *p, const struct peer *first)
{
	struct nt_status status;

	peer_connect(w, p);
	p->gmac = first->gmac;
	p->guid = first->guid;
	peer_negotiate(p, first->dialect);
	status = peer_try_bind(p, first, world_user(), WORLD_PASSWORD);
	assert_string_equal(nt_status_name(status), "STATUS_SUCCESS");
}

/* ---- the rest ---- */

struct nt_status peer_tree_connect(struct peer *p, const char *share)
{
	struct smb2_tree_connect_request in = {0};
	struct reply *r = malloc(sizeof(*r));
	struct msg *m = malloc(sizeof(*m));
	struct nt_status status;
	uint8_t utf16[256];
	char path[120];

	snprintf(path, sizeof(path), "\\\\server\\%s", share);
	in.path = WIRE_BLOB(utf16, (size_t)utf8_to_utf16(path, strlen(path), utf16, 256));
	msg_begin(p, m, SMB2_TREE_CONNECT);
	smb2_tree_connect_request_encode(&m->w, &in);
	status = peer_call(p, m, r);
	if (nt_success(status))
		p->tree_id = r->header.tree_id;
	free(m);
	free(r);
	return status;
}

void peer_begin(struct peer *p, uint16_t dialect)
{
	peer_negotiate(p, dialect);
	peer_login(p);
	assert_int_equal(peer_tree_connect(p, "share").value, STATUS_SUCCESS.value);
}

void peer_start(struct world *w, struct peer *p, uint16_t dialect)
{
	peer_connect(w, p);
	peer_begin(p, dialect);
}

static struct nt_status simple_call(struct peer *p, struct msg *m, struct reply *r)
{
	struct nt_status status = peer_finish(p, m, r);

	free(m);
	return status;
}

struct nt_status peer_echo(struct peer *p)
{
	struct reply *r = malloc(sizeof(*r));
	struct msg *m = malloc(sizeof(*m));
	struct nt_status status;

	msg_begin(p, m, SMB2_ECHO);
	put_empty(m);
	status = simple_call(p, m, r);
	free(r);
	return status;
}

struct nt_status peer_create(struct peer *p, const char *name, struct smb2_file_id *id)
{
	struct reply *r = malloc(sizeof(*r));
	struct msg *m = malloc(sizeof(*m));
	struct smb2_create_response out;
	struct nt_status status;

	msg_begin(p, m, SMB2_CREATE);
	put_create(m, name, FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE, FILE_OPEN_IF);
	status = simple_call(p, m, r);
	if (nt_success(status)) {
		assert_true(smb2_create_response_decode(&r->rd, &out));
		*id = out.file_id;
	}
	free(r);
	return status;
}

struct nt_status peer_close_file(struct peer *p, struct smb2_file_id id)
{
	struct reply *r = malloc(sizeof(*r));
	struct msg *m = malloc(sizeof(*m));
	struct nt_status status;

	msg_begin(p, m, SMB2_CLOSE);
	put_close(m, id);
	status = simple_call(p, m, r);
	free(r);
	return status;
}
