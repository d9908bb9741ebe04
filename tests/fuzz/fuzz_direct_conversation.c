/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole connection of SMB Direct with a server over the fake fabric: whatever a client sends, the
 * server lives, and in the end nothing is left of it. Input: messages, each after its u16 length,
 * the first is the negotiation; a length of 0xFFFF stands for taking what the server has sent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/fake/direct_server.h"
#include "transport/base/cursor.h"
#include "transport/base/log.h"

#define MESSAGE_MAX 8192u

static void *state;

/* Nothing is left of any of them. */
static void finish(void)
{
	if (direct_server_finish(&state) != 0)
		abort();
}

static struct direct_server *server(void)
{
	if (state)
		return state;
	log_set_level(LOG_LEVEL_ERR);
	direct_server_prepare(&state);
	((struct direct_server *)state)->config.receive_credits = 40;
	((struct direct_server *)state)->echo.head_len = 112;
	direct_server_start(state);
	atexit(finish);
	return state;
}

static void take(struct direct_peer *p)
{
	uint8_t bytes[MESSAGE_MAX];

	if (!direct_peer_quiet(p, 2))
		direct_peer_receive(p, bytes, sizeof(bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct direct_server *s = server();
	struct direct_peer *p = direct_peer_connect(&s->address, 40);
	struct rd r = rd_init(data, size);

	while (rd_left(&r) >= 2 && !direct_peer_is_gone(p)) {
		size_t len = rd_u16(&r);

		if (len == 0xffff) {
			take(p);
			continue;
		}
		len = len < rd_left(&r) ? len : rd_left(&r);
		len = len < MESSAGE_MAX ? len : MESSAGE_MAX;
		direct_peer_send(p, rd_bytes(&r, len), len);
	}
	direct_peer_close(p);
	return 0;
}
