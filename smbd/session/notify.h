/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that no request asked for: breaks of oplocks and leases ([MS-SMB2] 3.3.4.6, 3.3.4.7).
 * Hides which of the session's channels takes it, and that a channel may be lost meanwhile: then
 * the next one does. They are not signed, and name no session.
 *
 * Thread: any. Ownership: the body is copied; the session is held until the message is away.
 */
#ifndef SMBD_SESSION_NOTIFY_H
#define SMBD_SESSION_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;

#define NOTIFY_BODY_BYTES_MAX 64

/* False: the session has no channel (any more), or there is no memory. Does not suspend. */
bool session_notify(struct session *session, uint16_t command, const void *body, size_t len);

#endif
