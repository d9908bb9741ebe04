/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real smb3d, as a process with a directory and a port of its own, for tests that speak to it
 * with the client library. Hides its configuration, its one account (whoever runs the test, with
 * LIVE_PASSWORD) and the waiting for its start. The programs are in SMB3D_BIN.
 *
 * Thread: the test's. A failure to start is a failed assertion.
 */
#ifndef TESTS_FAKE_LIVE_SERVER_H
#define TESTS_FAKE_LIVE_SERVER_H

#include <stdint.h>
#include <sys/types.h>

#include "tools/client/client.h"

#define LIVE_PASSWORD "correct horse"
#define LIVE_SHARE    "share"

struct live_server {
	char dir[64]; /* with share/ in it */
	char user[64];
	uint16_t port;
	pid_t pid;
};

/* `global`: more lines of [global]; may be NULL. */
void live_server_start(struct live_server *s, const char *global);
/* Ends it, and checks that it ended well: a sanitizer's finding or a crash is a failed assertion.
 */
void live_server_stop(struct live_server *s);

/* A connection that has negotiated with the default; and one that has logged in to the share too.
 */
struct live_login {
	struct client_channel *channel;
	struct client_session *session;
	struct client_tree tree;
};

struct client_channel *live_connect(const struct live_server *s, struct client *c);
void live_login(const struct live_server *s, struct client *c, bool sign, struct live_login *out);
void live_logout(struct live_login *login);

#endif
