/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credits ([MS-SMB2] 3.3.1.2, 3.3.5.2.5): what a request must have paid for its size, and how many
 * its reply grants. Private to smbd/session. Pure but for the connection's window.
 */
#ifndef SMBD_SESSION_CREDITS_H
#define SMBD_SESSION_CREDITS_H

#include <stdbool.h>
#include <stdint.h>

#define CREDIT_BYTES 65536u

struct connection;

/* What `bytes` of payload cost; none costs 1. */
static inline uint32_t credits_for(uint64_t bytes)
{
	return bytes ? (uint32_t)((bytes - 1) / CREDIT_BYTES + 1) : 1;
}

/* Ids that a request takes: its charge, if the connection supports more than one. */
uint32_t credits_charged(const struct connection *conn, uint16_t charge);

/* Does the charge cover so much payload? */
bool credits_cover(const struct connection *conn, uint16_t charge, uint64_t payload_bytes);

/* What the reply to a request for `requested` grants: taken from the window. A connection whose
 * session has a better one holds an eighth of what that may, but enough for the largest READ. */
uint16_t credits_grant(struct connection *conn, uint16_t requested);

#endif
