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

static struct client_binding *binding_of(struct client_session *s, const struct client_channel *ch)
{
	for (unsigned i = 0; i < s->channel_count; i++) {
		if (s->channels[i].channel == ch)
			return &s->channels[i];
	}
	return NULL;
}

static bool is_better(const struct client_binding *a, const struct client_binding *b)
{
	if (a->idle != b->idle)
		return b->idle;
	return a->channel->busy < b->channel->busy;
}

/* The living channel with least under way, the next in turn of those alike; one that is kept idle
 * only if there is no other. NULL: all are dead. */
static struct client_channel *roam_choose(struct client_session *s)
{
	const struct client_binding *best = NULL;
	unsigned begin = s->turn, at = begin;

	for (unsigned i = 0; i < s->channel_count; i++) {
		unsigned n = (begin + i) % s->channel_count;
		const struct client_binding *b = &s->channels[n];

		if (!b->established || b->channel->closed || (best && !is_better(b, best)))
			continue;
		best = b;
		at = n;
	}
	s->turn = at + 1;
	return best ? best->channel : NULL;
}

/* What moves no data stays where it is as long as that is right; what is encoded for a channel, as
 * long as that lives. */
static bool stays(const struct client_request *rq)
{
	const struct client_binding *b = binding_of(rq->session, rq->channel);

	if (rq->channel->closed)
		return false;
	if (rq->encoded_for)
		return rq->encoded_for == rq->channel;
	return !moves_data(rq) && !(b && b->idle);
}

void client_roam_choose(struct client_request *rq)
{
	struct client_channel *ch = roam_choose(rq->session);

	if (ch)
		rq->channel = ch;
}

/* Where windows are scarce, the first try had them: go without. */
static void encode_again(struct client_request *rq)
{
	rq->err = client_remote_encode(rq);
	if (rq->err == -EAGAIN || rq->err == -EOPNOTSUPP) {
		rq->remote.invalidate = false;
		rq->err = client_remote_encode(rq);
	}
}

void client_roam(struct client_request *rq)
{
	if (!stays(rq))
		client_roam_choose(rq);
	if (rq->remote.memory && rq->encoded_for != rq->channel)
		encode_again(rq);
	client_replay_prepare(rq);
}

/* [MS-SMB2] 3.2.7.1 */
void client_roam_lost(struct client_channel *ch)
{
	list_for_each (n, &ch->client->sessions) {
		struct client_session *s = container_of(n, struct client_session, node);
		const struct client_binding *b = binding_of(s, ch);

		if (b && b->established)
			s->channel_sequence++;
		client_session_leave(s, ch);
	}
}

static void roam_reset(struct client_request *rq)
{
	rq->err = 0;
	rq->sent = rq->replied = rq->interim = false;
	rq->header.flags &= ~SMB2_FLAGS_SIGNED;
	rq->encoded_for = NULL; /* its windows are closed */
}

/* What changed while nobody listened is not known: whoever asked has to look himself. */
static bool notify_lost(struct client_request *rq)
{
	if (rq->header.command != SMB2_CHANGE_NOTIFY)
		return false;
	roam_reset(rq);
	rq->pdu = NULL;
	rq->pdu_len = 0;
	rq->reply_body = (struct slice){.data = NULL};
	rq->reply = rq->header;
	rq->reply.status = STATUS_NOTIFY_ENUM_DIR;
	return true;
}

bool client_roam_again(struct client_request *rq, int err)
{
	if (!err || rq->err == -EBADMSG || !rq->channel->closed || !roam_choose(rq->session))
		return false;
	if (rq->sent && (notify_lost(rq) || !client_replay_begin(rq)))
		return false;
	roam_reset(rq);
	client_submit(rq);
	return true;
}

/* Again after a while, or when the channel dies; not for ever. */
static bool wait_for_turn(struct client_request *rq)
{
	struct client_channel *ch = rq->channel;
	uint64_t now = clock_mono_ns(), ms = CLIENT_TIMEOUT_MS;

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

/* [MS-SMB2] 3.3.5.2.10 refuses a change of before a channel was lost that comes after, and a replay
 * while the first try is under way; 3.2.5.12 and others: send it again. Time mends both. */
bool client_roam_refused(struct client_request *rq)
{
	return client_replay_is_refused(rq) && client_replay_begin(rq) && wait_for_turn(rq);
}

bool client_roam_unsent(struct client_request *rq)
{
	return rq->err && rq->remote.memory && wait_for_turn(rq);
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
