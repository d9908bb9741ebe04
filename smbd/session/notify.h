/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that no request asked for: breaks of oplocks and leases ([MS-SMB2] 3.3.4.6, 3.3.4.7).
 * Hides which of the session's channels, or, of a lease, of all its client's, takes one: the best
 * that is live, of equals the oldest (rank.h), as Windows has it; and that a break
 * that was sent is not a break that was delivered (protocol-facts 18): when the channel is lost, or
 * its peer's machine stays silent, the next best takes it too. So a client may see one twice; the
 * second answer to it fails, as it would to a break that came late. They are not signed, and name
 * no session.
 *
 * Thread: any. Ownership: the body is copied; the session is held until the message is away.
 */
#ifndef SMBD_SESSION_NOTIFY_H
#define SMBD_SESSION_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connection;
struct session;

#define NOTIFY_BODY_BYTES_MAX 64

/* False: the session has no channel (any more), or there is no memory. Does not suspend. */
bool session_notify(struct session *session, uint16_t command, const void *body, size_t len);

/* The same on any session of the session's client, by its ClientGuid, and user: a lease is the
 * client's. */
bool client_notify(struct session *session, uint16_t command, const void *body, size_t len);

/* ---- of the session layer: on the connection's reactor ---- */

/* Look after what was sent on it, and not delivered yet. */
void notify_poll(struct connection *conn);
/* Its channel has closed: what was not delivered goes elsewhere. */
void notify_closed(struct connection *conn);

#endif
