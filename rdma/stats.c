/* SPDX-License-Identifier: Apache-2.0 */
/* What a channel is doing, for whoever shows status. */
#include "rdma/private.h"

void direct_stats(const struct channel *ch, struct channel_stats *stats)
{
	static const char *const states[] = {
		[DIRECT_NEGOTIATING] = "opening", [DIRECT_REFUSING] = "opening",
		[DIRECT_ANSWERED] = "opening",    [DIRECT_OPEN] = "open",
		[DIRECT_CLOSING] = "closing",     [DIRECT_DRAINING] = "ending",
		[DIRECT_ENDED] = "ending",        [DIRECT_CLOSED] = "ending",
	};
	const struct direct_channel *c = container_of(ch, const struct direct_channel, ch);

	*stats = (struct channel_stats){.state = states[c->state],
					.send_credits = c->send_credits,
					.receive_credits = c->granted};
}
