/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other side of auth.h, for our client library and tests: NTLMv2 as initiator, in SPNEGO or
 * bare. Thread: one at a time. Ownership: talloc. Errors: struct nt_status.
 */
#ifndef SMBD_AUTH_CLIENT_H
#define SMBD_AUTH_CLIENT_H

#include <stdbool.h>

#include <talloc.h>

#include "smbd/auth/auth.h"

/* Borrowed during auth_client_create() only. Strings are UTF-8. */
struct auth_credentials {
	const char *user; /* NULL: anonymous */
	const char *domain;
	const char *password;
	const char *workstation;
	bool bare; /* NTLMSSP without SPNEGO */
};

struct auth_client;

struct auth_client *auth_client_create(TALLOC_CTX *mem, const struct auth_credentials *who);

/* The first call has no input (or the server's hint, which is read for its mechanisms). SUCCESS:
 * there is nothing more to send; *out may hold a last token. *out lives until the next step. */
struct nt_status auth_client_step(struct auth_client *c, const void *in, size_t in_len,
				  struct auth_token *out) NT_WARN_UNUSED;

/* After the AUTHENTICATE was made. 16 bytes of key; NULL before. */
const uint8_t *auth_client_session_key(const struct auth_client *c);

#endif
