/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What arrives, as far as the order of arrival matters: which protocol, headers, message ids,
 * CANCEL; then an exchange in a fiber ([MS-SMB2] 3.3.5.2, 3.3.5.2.3). Private to smbd/session.
 * Thread: the connection's reactor.
 */
#ifndef SMBD_SESSION_RECEIVE_H
#define SMBD_SESSION_RECEIVE_H

#include <stddef.h>
#include <stdint.h>

struct channel;
struct channel_msg;
struct connection;

/* Takes the message over. 0; or a negative errno: the peer broke the protocol, close it. */
int receive_message(struct connection *conn, struct channel_msg *msg);

/* channel_user.split() */
size_t receive_split(struct channel *ch, const uint8_t *first, size_t have, size_t total);

#endif
