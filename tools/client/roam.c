/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which channel of its session a request goes by, and what happens to it when that channel dies.
 * On the client's reactor.
 */
#include <errno.h>

#include "tools/client/private.h"
#include "transport/base/clock.h"

/* How long to wait after a refusal: the server is still busy with the first try. */
#define ROAM_RETRY_NS (5 * NS_PER_MS)

static bool moves_data(const struct client_request *rq)
{
	return rq->header.command == SMB2_READ || rq->header.command == SMB2_WRITE;
}

/* The living channel with least under way, the next in turn of those alike; NULL: all are dead. */
static struct client_channel *roam_choose(struct client_session *s)
{
	struct client_channel *best = NULL;
	unsigned begin = s->turn, at = begin;

	for (unsigned i = 0; i < s->channel_count; i++) {
		unsigned n = (begin + i) % s->channel_count;
		const struct client_binding *b = &s->channels[n];

		if (!b->established || b->channel->closed ||
		    (best && b->channel->busy >= best->busy))
			continue;
		best = b->channel;
		at = n;
	}
	s->turn = at + 1;
	return best;
}

void client_roam(struct client_request *rq)
{
	struct client_channel *ch;

	if (!moves_data(rq) && !rq->channel->closed)
		return;
	ch = roam_choose(rq->session);
	if (ch)
		rq->channel = ch;
}

/* [MS-SMB2] 3.2.6.1: once for each channel that is lost with requests under way. */
static void roam_lost(struct client_session *s, const struct client_channel *ch)
{
	for (unsigned i = 0; i < s->channel_count; i++) {
		struct client_binding *b = &s->channels[i];

		if (b->channel == ch && !b->lost) {
			b->lost = true;
			s->channel_sequence++;
		}
	}
}

static void roam_reset(struct client_request *rq)
{
	rq->err = 0;
	rq->sent = rq->replied = rq->interim = false;
	rq->header.flags &= ~SMB2_FLAGS_SIGNED;
}

/* Others than READ and WRITE go again only if they were never sent. */
bool client_roam_again(struct client_request *rq, int err)
{
	if (!err || rq->err == -EBADMSG || !rq->channel->closed)
		return false;
	if (rq->sent) {
		roam_lost(rq->session, rq->channel);
		if (!moves_data(rq))
			return false;
		/* 3.2.4.1.5 */
		if (rq->header.command == SMB2_WRITE)
			rq->header.flags |= SMB2_FLAGS_REPLAY_OPERATION;
	}
	if (!roam_choose(rq->session))
		return false;
	roam_reset(rq);
	client_submit(rq);
	return true;
}

/* [MS-SMB2] 3.3.5.2.10 refuses a WRITE of before a channel was lost that comes after, and a replay
 * while the first try is under way. Neither was done, and time mends both. */
bool client_roam_refused(struct client_request *rq)
{
	struct client_channel *ch = rq->channel;
	uint64_t now = clock_mono_ns(), ms = CLIENT_TIMEOUT_MS;

	if (rq->err || rq->header.command != SMB2_WRITE || !rq->session->channel_sequence ||
	    !nt_equal(rq->reply.status, STATUS_FILE_NOT_AVAILABLE))
		return false;
	if (rq->client->config.timeout_ms)
		ms = rq->client->config.timeout_ms;
	if (!rq->retry_until_ns)
		rq->retry_until_ns = now + ms * NS_PER_MS;
	if (now > rq->retry_until_ns || ch->closed)
		return false;
	roam_reset(rq);
	if (list_empty(&ch->refused))
		reactor_timer_set(ch->client->reactor, &ch->retry, ROAM_RETRY_NS);
	list_push(&ch->refused, &rq->node);
	return true;
}

void client_roam_retry(struct reactor_timer *timer)
{
	struct client_channel *ch = container_of(timer, struct client_channel, retry);
	struct list_node again, *n;

	list_init(&again);
	list_splice(&again, &ch->refused);
	while ((n = list_pop(&again)) != NULL)
		client_submit(container_of(n, struct client_request, node));
}
