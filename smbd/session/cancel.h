/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending requests early: CANCEL ([MS-SMB2] 3.3.5.16), the end of a session, the end of a
 * connection. A request that waits in a way that can be ended says so with request_cancel_set();
 * any other just finishes. Private to smbd/session. Thread: the connection's reactor.
 */
#ifndef SMBD_SESSION_CANCEL_H
#define SMBD_SESSION_CANCEL_H

#include <stdbool.h>
#include <stdint.h>

struct connection;
struct session;
struct smb2_header;

/* A CANCEL came. Nothing answers it; it is no error if there is nothing to cancel. */
void cancel_message(struct connection *conn, const struct smb2_header *header);

void cancel_session(struct connection *conn, const struct session *session);
void cancel_all(struct connection *conn);

#endif
