/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/credits.h"

#include "smbd/session/connection.h"
#include "smbd/session/server.h"

#define INFERIOR_SHARE 8
#define INFERIOR_LEAST 256u

uint32_t credits_charged(const struct connection *conn, uint16_t charge)
{
	/* [MS-SMB2] 3.3.5.2.3 */
	return conn->negotiated.supports_multi_credit && charge ? charge : 1;
}

bool credits_cover(const struct connection *conn, uint16_t charge, uint64_t payload_bytes)
{
	return credits_for(payload_bytes) <= credits_charged(conn, charge);
}

static uint32_t credits_limit(const struct connection *conn)
{
	uint32_t all = conn->server->config.max_credits, few = all / INFERIOR_SHARE;

	if (!atomic_load_explicit(&conn->inferior, memory_order_relaxed))
		return all;
	if (few < INFERIOR_LEAST)
		few = INFERIOR_LEAST;
	return few < all ? few : all;
}

uint16_t credits_grant(struct connection *conn, uint16_t requested)
{
	window_limit(&conn->window, credits_limit(conn));
	return window_grant(&conn->window, requested);
}
