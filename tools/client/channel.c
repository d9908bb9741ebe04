/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One channel's requests: message ids, credits, signatures, and which answer belongs to which.
 * On the client's reactor.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smbd/wire/read.h"
#include "tools/client/private.h"

static void client_pump(struct client_channel *ch);

/* ---- requests ---- */

void client_request_init(struct client_request *rq, struct client_channel *ch,
			 struct client_session *session, uint32_t tree_id, uint16_t command)
{
	memset(rq, 0, offsetof(struct client_request, bytes));
	rq->channel = ch;
	rq->client = ch->client;
	rq->session = session;
	rq->header.command = command;
	rq->header.tree_id = tree_id;
	rq->header.process_id = 0xfeff;
	rq->w = wr_init(rq->bytes, sizeof(rq->bytes));
	wr_zero(&rq->w, SMB2_HEADER_SIZE);
	rq->copy = NULL;
	rq->copy_size = 0;
	rq->next = NULL;
	list_init(&rq->node);
	rq->sent = rq->replied = rq->finished = rq->replayed = false;
	rq->lock_bucket = 0;
	rq->window_count = 0;
	rq->remote.memory = NULL;
	rq->encoded_for = NULL;
}

void client_request_fini(struct client_request *rq)
{
	free(rq->copy);
	rq->copy = NULL;
	rq->copy_size = 0;
}

struct rd client_reply(const struct client_request *rq)
{
	struct rd r = rd_init(rq->pdu, rq->pdu_len);

	rd_skip(&r, SMB2_HEADER_SIZE);
	return r;
}

struct nt_status client_request_status(const struct client_request *rq)
{
	if (rq->err == -EBADMSG)
		return STATUS_ACCESS_DENIED;
	return rq->err ? STATUS_CONNECTION_DISCONNECTED : rq->reply.status;
}

static void client_finish(struct client_request *rq, int err)
{
	if (!rq->err)
		rq->err = err;
	list_del(&rq->node);
	client_remote_end(rq);
	rq->channel->busy--;
	if (rq->roams) {
		if (client_roam_again(rq, err) || client_roam_refused(rq))
			return;
		client_replay_end(rq);
	}
	if (rq->remote.memory)
		client_remote_done(rq);
	rq->done(rq);
}

/* Each of the list, and of a message that was not sent yet, all. */
static void client_finish_all(struct list_node *list, int err)
{
	struct list_node *n;

	while ((n = list_first(list)) != NULL) {
		struct client_request *rq = container_of(n, struct client_request, node), *next;
		bool unsent = !rq->sent;

		do {
			next = unsent ? rq->next : NULL;
			client_finish(rq, err);
			rq = next;
		} while (rq);
	}
}

/* ---- out ---- */

static unsigned client_charge(const struct client_request *rq)
{
	size_t max = rq->payload_max > rq->payload.len ? rq->payload_max : rq->payload.len;

	if (rq->keep & CLIENT_KEEP_CREDITS)
		return rq->header.credit_charge;
	if (!rq->channel->large_mtu) /* [MS-SMB2] 3.2.4.1.5 */
		return 0;
	return max ? 1 + (unsigned)((max - 1) / 65536) : 1;
}

static unsigned client_cost(const struct client_request *rq)
{
	unsigned charge = client_charge(rq);

	return charge ? charge : 1;
}

static void client_fill_header(struct client_request *rq)
{
	struct client_channel *ch = rq->channel;
	unsigned want = ch->client->config.credits ? ch->client->config.credits : CLIENT_CREDITS;
	unsigned cost = client_cost(rq);

	if (!(rq->keep & CLIENT_KEEP_MESSAGE_ID)) {
		rq->header.message_id = ch->next_message_id;
		ch->next_message_id += cost;
	}
	if (!(rq->keep & CLIENT_KEEP_CREDITS)) {
		rq->header.credit_charge = (uint16_t)client_charge(rq);
		ch->credits -= cost < ch->credits ? cost : ch->credits;
		rq->header.credits =
			(uint16_t)(cost + (ch->credits < want ? want - ch->credits : 0));
	}
	if (!(rq->keep & CLIENT_KEEP_SESSION_ID) && rq->session)
		rq->header.session_id = rq->session->id;
	if (rq->roams && rq->session) /* [MS-SMB2] 3.2.4.1.5 */
		rq->header.channel_sequence = rq->session->channel_sequence;
}

static bool client_signs(const struct client_request *rq)
{
	const struct client_session *s = rq->session;

	if (!s || (rq->keep & CLIENT_NO_SIGN))
		return false;
	/* [MS-SMB2] 3.2.4.1.1; 3.2.5.5: 3.1.1 wants the TREE_CONNECT signed in any case */
	return s->sign || (rq->keep & CLIENT_SIGN) ||
	       (rq->channel->dialect == SMB2_DIALECT_311 &&
		rq->header.command == SMB2_TREE_CONNECT);
}

static void client_sign(struct client_request *rq, const struct iovec *iov, unsigned count)
{
	struct signer *signer = rq->session && client_signs(rq)
					? client_session_signer(rq->session, rq->channel)
					: NULL;

	if (signer && signer_sign(signer, iov, count) != 0)
		rq->err = -EIO;
	if (rq->keep & CLIENT_BAD_SIGNATURE)
		rq->bytes[SMB2_HEADER_OFFSET_SIGNATURE] ^= 0xff;
	if (rq->preauth && preauth_update(rq->preauth, iov, count) != 0)
		rq->err = -EIO;
}

/* One PDU into slices; how many. */
static unsigned client_encode(struct client_request *rq, struct slice *slices)
{
	static const uint8_t zeros[8];
	size_t len = rq->w.len + rq->payload.len, pad = rq->next ? -len & 7 : 0;
	struct wr header = wr_init(rq->bytes, SMB2_HEADER_SIZE);
	struct iovec iov[3];
	unsigned n = 0;

	client_fill_header(rq);
	if (rq->next && !(rq->keep & CLIENT_KEEP_NEXT))
		rq->header.next_command = (uint32_t)(len + pad);
	if (client_signs(rq) && client_session_signer(rq->session, rq->channel))
		rq->header.flags |= SMB2_FLAGS_SIGNED;
	smb2_header_encode(&header, &rq->header);
	slices[n++] = (struct slice){.data = rq->bytes, .len = rq->w.len};
	if (rq->payload.len)
		slices[n++] = rq->payload;
	if (pad)
		slices[n++] = (struct slice){.data = (void *)zeros, .len = pad};
	for (unsigned i = 0; i < n; i++)
		iov[i] = (struct iovec){slices[i].data, slices[i].len};
	client_sign(rq, iov, n);
	return n;
}

static void client_sent(struct channel_send *send, int err)
{
	struct client_request *rq = container_of(send, struct client_request, send), *next;

	for (; rq; rq = next) {
		next = rq->next;
		rq->sent = true;
		if (rq->replied || (rq->keep & CLIENT_NO_REPLY))
			client_finish(rq, err);
	}
}

static void client_transmit(struct client_request *first)
{
	struct client_channel *ch = first->channel;
	unsigned n = 0;

	client_silence_begin(ch);
	for (struct client_request *rq = first; rq; rq = rq->next) {
		assert(wr_ok(&rq->w));
		n += client_encode(rq, first->slices + n);
		list_push(&ch->outstanding, &rq->node);
	}
	first->send =
		(struct channel_send){.msg = first->slices, .msg_count = n, .done = client_sent};
	channel_send(ch->ch, &first->send);
}

static bool client_affords(const struct client_request *first)
{
	unsigned cost = 0;

	for (const struct client_request *rq = first; rq; rq = rq->next)
		cost += rq->keep & CLIENT_KEEP_CREDITS ? 0 : client_cost(rq);
	return cost <= first->channel->credits || cost == 0;
}

/* What waits for credits goes out, in order. */
static void client_pump(struct client_channel *ch)
{
	struct list_node *n;

	while ((n = list_first(&ch->waiting)) != NULL) {
		struct client_request *rq = container_of(n, struct client_request, node);

		if (!client_affords(rq))
			return;
		list_del(n);
		client_transmit(rq);
	}
}

/* Not what is said of one channel, nor what hangs together. */
static bool client_may_roam(const struct client_request *rq, unsigned count)
{
	return rq->roams && count == 1 && rq->session &&
	       !(rq->keep & (CLIENT_KEEP_MESSAGE_ID | CLIENT_KEEP_CREDITS));
}

void client_submit_compound(struct client_request *const *rqs, unsigned count)
{
	struct client_channel *ch;

	assert(count <= CLIENT_COMPOUND_MAX);
	for (unsigned i = 0; i < count; i++) {
		rqs[i]->next = i + 1 < count ? rqs[i + 1] : NULL;
		rqs[i]->roams = client_may_roam(rqs[i], count);
	}
	if (rqs[0]->roams)
		client_roam(rqs[0]);
	if (rqs[0]->roams && client_roam_unsent(rqs[0]))
		return;
	ch = rqs[0]->channel;
	ch->busy += count;
	if (ch->closed || rqs[0]->err) {
		for (unsigned i = 0; i < count; i++)
			client_finish(rqs[i], -ECONNRESET);
		return;
	}
	if (rqs[0]->keep & CLIENT_KEEP_CREDITS) {
		client_transmit(rqs[0]);
		return;
	}
	list_push(&ch->waiting, &rqs[0]->node);
	client_pump(ch);
}

void client_submit(struct client_request *rq)
{
	client_submit_compound(&rq, 1);
}

/* ---- in ---- */

/* The data of a READ stays apart: it lands on a page of the pool. */
static size_t client_split(struct channel *ch, const uint8_t *first, size_t have, size_t total)
{
	struct rd r = rd_init(first, have);
	struct smb2_header h;

	if (smb2_header_decode(&r, &h) && h.command == SMB2_READ &&
	    nt_equal(h.status, STATUS_SUCCESS) && h.next_command == 0 &&
	    (h.flags & SMB2_FLAGS_SERVER_TO_REDIR))
		return SMB2_READ_RESPONSE_DATA_OFFSET;
	return total;
}

static struct client_request *client_find(struct client_channel *ch, uint64_t message_id)
{
	list_for_each (n, &ch->outstanding) {
		struct client_request *rq = container_of(n, struct client_request, node);

		if (rq->header.message_id == message_id && !(rq->keep & CLIENT_NO_REPLY))
			return rq;
	}
	return NULL;
}

static void client_keep_copy(struct client_request *rq)
{
	size_t len = rq->pdu_len + rq->reply_body.len;

	if (rq->copy_size < len) {
		free(rq->copy);
		rq->copy = malloc(len);
		rq->copy_size = rq->copy ? len : 0;
	}
	if (!rq->copy) {
		rq->err = -ENOMEM;
		return;
	}
	memcpy(rq->copy, rq->pdu, rq->pdu_len);
	if (rq->reply_body.len)
		memcpy(rq->copy + rq->pdu_len, rq->reply_body.data, rq->reply_body.len);
	rq->pdu = rq->copy;
	rq->pdu_len = len;
	rq->reply_body = (struct slice){.data = NULL};
}

/* Who has the session no more has no key for it: servers send the signature back that they got. */
static bool client_is_gone(const struct client_request *rq, const struct iovec *iov)
{
	const uint8_t *pdu = iov[0].iov_base;

	return nt_equal(rq->reply.status, STATUS_USER_SESSION_DELETED) &&
	       memcmp(pdu + SMB2_HEADER_OFFSET_SIGNATURE, rq->bytes + SMB2_HEADER_OFFSET_SIGNATURE,
		      SIGN_SIGNATURE_BYTES) == 0;
}

static void client_check(struct client_request *rq, const struct iovec *iov, unsigned count)
{
	struct signer *signer =
		rq->session ? client_session_signer(rq->session, rq->channel) : NULL;

	rq->reply_signed = rq->reply.flags & SMB2_FLAGS_SIGNED;
	if ((rq->keep & CLIENT_NEW_KEY) && nt_equal(rq->reply.status, STATUS_SUCCESS))
		signer = NULL;
	if (rq->reply_signed && signer && signer_verify(signer, iov, count) != 0 &&
	    !client_is_gone(rq, iov))
		rq->err = -EBADMSG;
	/* [MS-SMB2] 3.2.5.4 and 3.2.5.3: not the last response of a session setup */
	if (rq->preauth &&
	    (rq->reply.command == SMB2_NEGOTIATE ||
	     nt_equal(rq->reply.status, STATUS_MORE_PROCESSING_REQUIRED)) &&
	    preauth_update(rq->preauth, iov, count) != 0)
		rq->err = -EIO;
}

static void client_interim(struct client_request *rq, const struct smb2_header *h)
{
	struct client *c = rq->channel->client;

	pthread_mutex_lock(&c->lock);
	rq->interim = true;
	rq->async_id = h->async_id;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

static void client_answer(struct client_channel *ch, const struct smb2_header *h,
			  const uint8_t *pdu, size_t len, struct slice body)
{
	struct client_request *rq = client_find(ch, h->message_id);
	struct iovec iov[2] = {{(void *)pdu, len}, {body.data, body.len}};

	ch->credits += h->credits;
	if (!rq)
		return;
	if (nt_equal(h->status, STATUS_PENDING) && (h->flags & SMB2_FLAGS_ASYNC_COMMAND)) {
		client_interim(rq, h);
		return;
	}
	rq->reply = *h;
	rq->pdu = pdu;
	rq->pdu_len = len;
	rq->reply_body = body;
	rq->replied = true;
	client_check(rq, iov, body.len ? 2 : 1);
	if (!(rq->keep & CLIENT_NO_COPY) || !rq->sent)
		client_keep_copy(rq);
	if (rq->sent)
		client_finish(rq, 0);
}

static void client_news_add(struct client_channel *ch, const uint8_t *pdu, size_t len)
{
	struct client_news *news = malloc(sizeof(*news) + len);

	if (!news)
		return;
	news->len = len;
	memcpy(news->bytes, pdu, len);
	pthread_mutex_lock(&ch->client->lock);
	list_push(&ch->news, &news->node);
	pthread_cond_broadcast(&ch->client->changed);
	pthread_mutex_unlock(&ch->client->lock);
}

/* The PDUs of a message, one after the other. False: it is not what a server sends. */
static bool client_dispatch(struct client_channel *ch, const struct channel_msg *msg)
{
	size_t at = 0, len;

	do {
		struct rd r = rd_init(msg->head + at, msg->head_len - at);
		struct smb2_header h;

		if (!smb2_header_decode(&r, &h) || !(h.flags & SMB2_FLAGS_SERVER_TO_REDIR))
			return false;
		len = h.next_command ? h.next_command : msg->head_len - at;
		if (len < SMB2_HEADER_SIZE || len > msg->head_len - at)
			return false;
		if (h.message_id == SMB2_MESSAGE_ID_UNSOLICITED)
			client_news_add(ch, msg->head + at, len);
		else
			client_answer(ch, &h, msg->head + at, len, msg->body);
		at += len;
	} while (at < msg->head_len);
	return true;
}

static void client_message(struct channel *channel, struct channel_msg *msg)
{
	struct client_channel *ch = channel->user;

	client_silence_heard(ch);
	if (!client_dispatch(ch, msg))
		channel_close(channel, -EPROTO);
	channel_release(channel, msg);
	if (!ch->closed)
		client_pump(ch);
}

static void client_closed(struct channel *channel, int err)
{
	struct client_channel *ch = channel->user;
	struct client *c = ch->client;

	client_roam_lost(ch);
	pthread_mutex_lock(&c->lock);
	ch->closed = true;
	ch->err = err;
	pthread_mutex_unlock(&c->lock);
	client_finish_all(&ch->outstanding, err ? err : -ECONNRESET);
	client_finish_all(&ch->waiting, err ? err : -ECONNRESET);
	reactor_timer_cancel(c->reactor, &ch->retry);
	reactor_timer_cancel(c->reactor, &ch->silence);
	while (!list_empty(&ch->refused)) {
		struct list_node *n = list_pop(&ch->refused);

		client_submit(container_of(n, struct client_request, node));
	}
	client_remote_closed(ch);
	pthread_mutex_lock(&c->lock);
	ch->over = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

static const struct channel_user client_user = {
	.split = client_split,
	.message = client_message,
	.closed = client_closed,
};

struct client_channel *client_adopt(struct client *c, struct channel *channel)
{
	struct client_channel *ch = calloc(1, sizeof(*ch));

	if (!ch)
		return NULL;
	ch->client = c;
	ch->ch = channel;
	if (reactor_timer_init(c->reactor, &ch->retry, client_roam_retry) != 0)
		goto free_channel;
	if (client_silence_init(ch) != 0)
		goto fini_retry;
	list_init(&ch->refused);
	ch->credits = 1; /* [MS-SMB2] 3.2.5.1: for the NEGOTIATE */
	list_init(&ch->waiting);
	list_init(&ch->outstanding);
	list_init(&ch->news);
	list_init(&ch->memory);
	list_init(&ch->windows);
	list_push(&c->channels, &ch->node);
	channel->user_ops = &client_user;
	channel->user = ch;
	return ch;

fini_retry:
	reactor_timer_fini(c->reactor, &ch->retry);
free_channel:
	free(ch);
	return NULL;
}

struct credits_question {
	struct client_channel *ch;
	unsigned credits;
};

static void client_credits_posted(void *arg)
{
	struct credits_question *q = arg;

	q->credits = q->ch->credits;
}

unsigned client_credits(struct client_channel *ch)
{
	struct credits_question q = {.ch = ch};

	client_run(ch->client, client_credits_posted, &q);
	return q.credits;
}

size_t client_message_max(const struct client_channel *ch)
{
	return ch->ch->limits.msg_bytes;
}

uint16_t client_dialect(const struct client_channel *ch)
{
	return ch->dialect;
}
