/* SPDX-License-Identifier: Apache-2.0 */
/* The server's state, for ntlm_server.c and for tests that replay a recorded exchange. */
#ifndef SMBD_AUTH_NTLM_SERVER_H
#define SMBD_AUTH_NTLM_SERVER_H

#include "smbd/auth/ntlm_crypto.h"
#include "smbd/auth/ntlm_message.h"

enum ntlm_server_state {
	NTLM_SERVER_NEW,
	NTLM_SERVER_CHALLENGED,
	NTLM_SERVER_ASKED, /* AUTHENTICATE decoded, not verified */
	NTLM_SERVER_VERIFIED,
	NTLM_SERVER_DEAD,
};

struct ntlm_server {
	const struct auth_config *config;
	enum ntlm_server_state state;
	uint8_t challenge[NTLM_CHALLENGE_BYTES];

	/* whole messages, for the MIC; ours to change */
	struct {
		uint8_t *data;
		size_t len;
	} negotiate_message, challenge_message, authenticate_message;

	struct ntlm_authenticate authenticate; /* into authenticate_message */
	struct ntlm_login login;
	uint8_t key[NTLM_KEY_BYTES]; /* ExportedSessionKey */
	struct ntlm_security security;
};

#endif
