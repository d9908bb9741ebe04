/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/credits.h"

#include "smbd/session/connection.h"

uint32_t credits_charged(const struct connection *conn, uint16_t charge)
{
	/* [MS-SMB2] 3.3.5.2.3 */
	return conn->negotiated.supports_multi_credit && charge ? charge : 1;
}

bool credits_cover(const struct connection *conn, uint16_t charge, uint64_t payload_bytes)
{
	return credits_for(payload_bytes) <= credits_charged(conn, charge);
}

uint16_t credits_grant(struct connection *conn, uint16_t requested)
{
	return window_grant(&conn->window, requested);
}
