/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our side of an authentication over a pipe, for auth_interop.py: one token a line, in hexadecimal.
 *
 *     auth_peer server ACCOUNTS [anonymous] [guest] [bad-password]
 *     auth_peer client USER DOMAIN PASSWORD [bare]     ("" for USER: anonymous)
 *     auth_peer hint
 *
 * reads tokens ("-" for an empty one) and answers each with one of
 *
 *     MORE TOKEN
 *     OK TOKEN|- KEY|- KIND USER      KIND: user, guest, anonymous; the client's is "client"
 *     FAIL STATUS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include "smbd/auth/accounts.h"
#include "smbd/auth/auth.h"
#include "smbd/auth/client.h"
#include "tests/fake/hex.h"
#include "transport/base/log.h"

#define LINE_MAX_BYTES (2 * AUTH_TOKEN_MAX + 64)

static void print_hex(const void *data, size_t len)
{
	const uint8_t *bytes = data;

	printf(" ");
	for (size_t i = 0; i < len; i++)
		printf("%02x", bytes[i]);
	if (!len)
		printf("-");
}

/* 0: answered, go on; 1: that was the last answer. */
static int answer(struct nt_status status, struct auth_token out)
{
	if (nt_equal(status, STATUS_MORE_PROCESSING_REQUIRED)) {
		printf("MORE");
		print_hex(out.data, out.len);
		printf("\n");
		fflush(stdout);
		return 0;
	}
	if (!nt_equal(status, STATUS_SUCCESS)) {
		printf("FAIL %s\n", nt_status_name(status));
	} else {
		printf("OK");
		print_hex(out.data, out.len);
	}
	return 1;
}

/* The next token, exactly as long as it is; NULL at the end of the input. */
static uint8_t *next_token(TALLOC_CTX *mem, size_t *len)
{
	static char line[LINE_MAX_BYTES];
	uint8_t *token;

	if (!fgets(line, sizeof(line), stdin))
		return NULL;
	token = talloc_size(mem, strlen(line) / 2 + 1);
	*len = line[0] == '-' ? 0 : unhex(line, token, strlen(line) / 2 + 1);
	return token;
}

static int serve(const char *path, int optc, char **optv)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct auth_config config = {
		.netbios_name = "SMB3D",
		.dns_name = "smb3d.example",
		.dns_domain = "example",
		.accounts = accounts_create(mem, path),
		.identities = identities_create(mem),
	};
	struct auth_exchange *x = auth_exchange_create(mem, &config, "a pipe");
	struct auth_result *result;
	struct nt_status status;
	struct auth_token out;
	uint8_t *token;
	size_t len;

	for (int i = 0; i < optc; i++) {
		config.allow_anonymous |= strcmp(optv[i], "anonymous") == 0;
		if (strcmp(optv[i], "guest") == 0)
			config.map_to_guest = AUTH_MAP_BAD_USER;
		if (strcmp(optv[i], "bad-password") == 0)
			config.map_to_guest = AUTH_MAP_BAD_PASSWORD;
	}
	while ((token = next_token(mem, &len)) != NULL) {
		status = auth_exchange_step(x, token, len, &out);
		if (!answer(status, out))
			continue;
		result = auth_exchange_take(x, mem);
		if (result) {
			print_hex(result->session_key, result->session_key_len);
			printf(" %s %s\n",
			       result->is_anonymous ? "anonymous"
			       : result->is_guest   ? "guest"
						    : "user",
			       result->user);
		}
		break;
	}
	talloc_free(mem);
	return 0;
}

static int login(char **argv, int optc)
{
	struct auth_credentials who = {
		.user = argv[0][0] ? argv[0] : NULL,
		.domain = argv[1],
		.password = argv[2],
		.workstation = "PEER",
		.bare = optc > 0,
	};
	struct auth_client *c = auth_client_create(NULL, &who);
	struct nt_status status;
	struct auth_token out;
	uint8_t *token;
	size_t len;

	while ((token = next_token(c, &len)) != NULL) {
		status = auth_client_step(c, token, len, &out);
		if (!answer(status, out))
			continue;
		if (nt_equal(status, STATUS_SUCCESS)) {
			print_hex(auth_client_session_key(c), 16);
			printf(" client %s\n", argv[0]);
		}
		break;
	}
	talloc_free(c);
	return 0;
}

static int hint(void)
{
	struct auth_config config = {.netbios_name = "SMB3D"};
	TALLOC_CTX *mem = talloc_new(NULL);
	struct auth_token out;

	if (nt_success(auth_hint(&config, mem, &out)))
		answer(STATUS_MORE_PROCESSING_REQUIRED, out);
	talloc_free(mem);
	return 0;
}

int main(int argc, char **argv)
{
	log_open(LOG_LEVEL_DEBUG);
	if (argc >= 3 && strcmp(argv[1], "server") == 0)
		return serve(argv[2], argc - 3, argv + 3);
	if (argc >= 5 && strcmp(argv[1], "client") == 0)
		return login(argv + 2, argc - 5);
	if (argc == 2 && strcmp(argv[1], "hint") == 0)
		return hint();
	fprintf(stderr, "usage: auth_peer server|client|hint ...\n");
	return 2;
}
