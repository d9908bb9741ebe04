/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the server is still there, for channels whose client wants to know sooner than TCP does
 * (client_config.silence_ms). While answers are owed and nothing comes, an ECHO asks: what waits
 * for long, a CHANGE_NOTIFY or a LOCK, is no reason to cut a channel. On the client's reactor.
 */
#include <errno.h>
#include <stdlib.h>

#include "smbd/wire/empty.h"
#include "tools/client/private.h"
#include "transport/base/clock.h"

#define SILENCE_LOOKS 4 /* in the time; after half of them, an ECHO */

static uint64_t silence_ns(const struct client_channel *ch)
{
	return ch->client->config.silence_ms * NS_PER_MS;
}

static void silence_watch(struct client_channel *ch)
{
	ch->watched = true;
	reactor_timer_set(ch->client->reactor, &ch->silence, silence_ns(ch) / SILENCE_LOOKS);
}

static void echo_done(struct client_request *rq)
{
	rq->channel->echoing = false;
	client_request_fini(rq);
}

/* Without a credit there is none: who holds them all back is as good as dead. */
static void echo_send(struct client_channel *ch)
{
	if (ch->echoing || !ch->credits || !ch->dialect)
		return;
	ch->echoing = true;
	client_request_init(ch->echo, ch, NULL, 0, SMB2_ECHO);
	smb2_empty_encode(&ch->echo->w);
	ch->echo->done = echo_done;
	client_submit(ch->echo);
}

/* By looks, not by the clock: who did not run for a while himself has not listened. */
static void silence_look(struct reactor_timer *timer)
{
	struct client_channel *ch = container_of(timer, struct client_channel, silence);

	ch->watched = false;
	if (ch->closed || list_empty(&ch->outstanding))
		return;
	if (++ch->quiet_looks > SILENCE_LOOKS) {
		channel_close(ch->ch, -ETIMEDOUT);
		return;
	}
	if (ch->quiet_looks > SILENCE_LOOKS / 2)
		echo_send(ch);
	silence_watch(ch);
}

int client_silence_init(struct client_channel *ch)
{
	int err = reactor_timer_init(ch->client->reactor, &ch->silence, silence_look);

	if (err || !ch->client->config.silence_ms)
		return err;
	ch->echo = calloc(1, sizeof(*ch->echo));
	if (ch->echo)
		return 0;
	reactor_timer_fini(ch->client->reactor, &ch->silence);
	return -ENOMEM;
}

void client_silence_fini(struct client_channel *ch)
{
	reactor_timer_fini(ch->client->reactor, &ch->silence);
	free(ch->echo);
}

void client_silence_begin(struct client_channel *ch)
{
	if (!ch->echo || !list_empty(&ch->outstanding))
		return;
	ch->quiet_looks = 0;
	if (!ch->watched)
		silence_watch(ch);
}

void client_silence_heard(struct client_channel *ch)
{
	ch->quiet_looks = 0;
}
