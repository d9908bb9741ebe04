/* SPDX-License-Identifier: Apache-2.0 */
/* The client's requests on a channel in memory whose other end is scripted: what goes out, and
 * which answer comes to whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <cmocka.h>
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "smbd/wire/empty.h"
#include "tests/fake/mem_channel.h"
#include "tools/client/private.h"

/* The server's end. It runs on the client's reactor; what it has seen is read when the client has
 * its answers. */
struct script {
	struct channel_acceptor acceptor, client_acceptor;
	struct client *client;
	struct client_channel *cc;
	struct channel *ch;
	sem_t ready;

	uint16_t grant; /* credits with each answer */
	unsigned hold;  /* answer only when so many have come, the last first */
	bool pending;   /* an interim answer first; the final one after a CANCEL */
	bool silent;    /* no answer */
	bool close;     /* instead of an answer */
	bool nonsense;  /* instead of an answer */
	bool joined;    /* one message of answers for one of requests */
	struct smb2_header seen[64];
	unsigned seen_count;
	size_t last_len;
	unsigned answered; /* of seen */
};

static void answer_sent(struct channel_send *send, int err)
{
	free((void *)send->msg->data);
	free((void *)send->msg);
	free(send);
}

static void answer_bytes(struct script *s, const void *bytes, size_t len)
{
	struct channel_send *send = calloc(1, sizeof(*send));
	struct slice *slice = calloc(1, sizeof(*slice));

	slice->data = malloc(len);
	slice->len = len;
	memcpy(slice->data, bytes, len);
	send->msg = slice;
	send->msg_count = 1;
	send->done = answer_sent;
	channel_send(s->ch, send);
}

static size_t answer_make(struct script *s, const struct smb2_header *rq, struct nt_status status,
			  uint8_t *to, bool more)
{
	struct smb2_header h = *rq;
	struct wr w = wr_init(to, 80);

	h.flags = SMB2_FLAGS_SERVER_TO_REDIR | (rq->flags & SMB2_FLAGS_RELATED_OPERATIONS);
	h.status = status;
	h.credits = s->grant;
	h.next_command = more ? 72 : 0;
	if (nt_equal(status, STATUS_PENDING)) {
		h.flags |= SMB2_FLAGS_ASYNC_COMMAND;
		h.async_id = 0x1234;
	}
	smb2_header_encode(&w, &h);
	smb2_empty_encode(&w);
	if (more)
		wr_align(&w, 8);
	return w.len;
}

static void answer(struct script *s, const struct smb2_header *rq, struct nt_status status)
{
	uint8_t bytes[80];

	answer_bytes(s, bytes, answer_make(s, rq, status, bytes, false));
}

static void script_answer(struct script *s, unsigned first)
{
	uint8_t bytes[16 * 72];
	size_t len = 0;

	if (s->joined) {
		for (unsigned i = first; i < s->seen_count; i++)
			len += answer_make(s, &s->seen[i], STATUS_SUCCESS, bytes + len,
					   i + 1 < s->seen_count);
		answer_bytes(s, bytes, len);
		return;
	}
	if (s->seen_count - s->answered < s->hold)
		return;
	for (unsigned i = s->seen_count; i-- > s->answered;)
		answer(s, &s->seen[i], STATUS_SUCCESS);
	s->answered = s->seen_count;
}

static void script_pending(struct script *s)
{
	const struct smb2_header *last = &s->seen[s->seen_count - 1];

	if (last->command == SMB2_CANCEL)
		answer(s, &s->seen[s->seen_count - 2], STATUS_CANCELLED);
	else
		answer(s, last, STATUS_PENDING);
}

static void script_message(struct channel *ch, struct channel_msg *msg)
{
	struct script *s = ch->user;
	unsigned first = s->seen_count;
	size_t at = 0;

	s->last_len = msg->head_len;
	while (at < msg->head_len && s->seen_count < 64) {
		struct rd r = rd_init(msg->head + at, msg->head_len - at);
		struct smb2_header h;

		if (!smb2_header_decode(&r, &h))
			break;
		s->seen[s->seen_count++] = h;
		if (!h.next_command)
			break;
		at += h.next_command;
	}
	channel_release(ch, msg);
	if (s->close)
		channel_close(ch, 0);
	else if (s->nonsense)
		answer_bytes(s, "this is not an SMB2 header, but it is long enough to be one....",
			     64);
	else if (s->pending)
		script_pending(s);
	else if (!s->silent)
		script_answer(s, first);
}

static size_t script_split(struct channel *ch, const uint8_t *first, size_t have, size_t total)
{
	return total;
}

static void script_closed(struct channel *ch, int err)
{
	struct script *s = ch->user;

	s->ch = NULL;
}

static const struct channel_user script_user = {script_split, script_message, script_closed};

static int script_accepted(struct channel_acceptor *acceptor, struct channel *ch)
{
	struct script *s = container_of(acceptor, struct script, acceptor);

	s->ch = ch;
	ch->user_ops = &script_user;
	ch->user = s;
	sem_post(&s->ready);
	return 0;
}

static int client_accepted(struct channel_acceptor *acceptor, struct channel *ch)
{
	struct script *s = container_of(acceptor, struct script, client_acceptor);

	s->cc = client_adopt(s->client, ch);
	sem_post(&s->ready);
	return 0;
}

static struct client_channel *script_open(struct script *s)
{
	struct client_config config = {.timeout_ms = 10000};
	struct mem_config mem;
	struct mem_end ends[2];

	memset(s, 0, sizeof(*s));
	s->acceptor.accepted = script_accepted;
	s->client_acceptor.accepted = client_accepted;
	s->grant = 1;
	sem_init(&s->ready, 0, 0);
	assert_int_equal(client_create(&config, &s->client), 0);
	mem_config_default(&mem);
	mem.limits.slices = 64;
	ends[0] = (struct mem_end){s->client->reactor, s->client->pool, &s->client_acceptor};
	ends[1] = (struct mem_end){s->client->reactor, s->client->pool, &s->acceptor};
	assert_int_equal(mem_connect(&mem, ends), 0);
	sem_wait(&s->ready);
	sem_wait(&s->ready);
	return s->cc;
}

static void script_nothing(void *arg)
{
}

static void script_shut(struct script *s)
{
	struct client_channel *ch = s->cc;

	client_disconnect(ch);
	for (unsigned i = 0; i < 4; i++)
		client_run(s->client, script_nothing, NULL);
	client_destroy(s->client);
	sem_destroy(&s->ready);
}

static void echo_init_rq(struct client_request *rq, struct client_channel *ch)
{
	client_request_init(rq, ch, NULL, 0, SMB2_ECHO);
	smb2_empty_encode(&rq->w);
}

static void ids_and_credits(void **state)
{
	struct script s;
	struct client_channel *ch = script_open(&s);

	for (unsigned i = 0; i < 5; i++)
		assert_true(nt_success(client_echo(ch, NULL)));
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(s.seen[i].message_id, i);
		assert_int_equal(s.seen[i].command, SMB2_ECHO);
		assert_true(s.seen[i].credits >= 1);
	}
	assert_int_equal(client_credits(ch), 1); /* one for each that was spent */
	script_shut(&s);
}

/* [MS-SMB2] 3.2.4.1.5: a request of several credits takes as many ids. */
static void charges(void **state)
{
	struct client_request rq;
	struct script s;
	struct client_channel *ch = script_open(&s);

	s.grant = 100;
	assert_true(nt_success(client_echo(ch, NULL)));
	ch->large_mtu = true;
	ch->dialect = SMB2_DIALECT_311;
	for (unsigned i = 0; i < 3; i++) {
		echo_init_rq(&rq, ch);
		rq.payload_max = i * 65536 + 1;
		assert_true(nt_success(client_call(&rq)));
		client_request_fini(&rq);
	}
	assert_int_equal(s.seen[1].credit_charge, 1);
	assert_int_equal(s.seen[2].credit_charge, 2);
	assert_int_equal(s.seen[3].credit_charge, 3);
	assert_int_equal(s.seen[1].message_id, 1);
	assert_int_equal(s.seen[2].message_id, 2);
	assert_int_equal(s.seen[3].message_id, 4);
	script_shut(&s);
}

static void waits_for_credits(void **state)
{
	struct client_request rqs[4];
	struct script s;
	struct client_channel *ch = script_open(&s);

	s.hold = 1;
	for (unsigned i = 0; i < 4; i++) {
		echo_init_rq(&rqs[i], ch);
		client_begin(&rqs[i]);
	}
	for (unsigned i = 0; i < 4; i++) {
		assert_true(nt_success(client_wait(&rqs[i])));
		assert_int_equal(rqs[i].header.message_id, i);
		client_request_fini(&rqs[i]);
	}
	assert_int_equal(s.seen_count, 4);
	script_shut(&s);
}

static void out_of_order(void **state)
{
	struct client_request rqs[3];
	struct script s;
	struct client_channel *ch = script_open(&s);

	s.grant = 10;
	assert_true(nt_success(client_echo(ch, NULL)));
	s.hold = 3;
	for (unsigned i = 0; i < 3; i++) {
		echo_init_rq(&rqs[i], ch);
		client_begin(&rqs[i]);
	}
	for (unsigned i = 0; i < 3; i++) {
		assert_true(nt_success(client_wait(&rqs[i])));
		assert_int_equal(rqs[i].reply.message_id, rqs[i].header.message_id);
		client_request_fini(&rqs[i]);
	}
	script_shut(&s);
}

static void pending_and_cancel(void **state)
{
	struct client_request rq;
	struct script s;
	struct client_channel *ch = script_open(&s);

	s.pending = true;
	echo_init_rq(&rq, ch);
	client_begin(&rq);
	assert_true(client_wait_interim(&rq));
	assert_int_equal(rq.async_id, 0x1234);
	client_cancel(&rq);
	assert_true(nt_equal(client_wait(&rq), STATUS_CANCELLED));
	assert_int_equal(s.seen[1].command, SMB2_CANCEL);
	assert_int_equal(s.seen[1].message_id, s.seen[0].message_id);
	assert_int_equal(s.seen[1].async_id, 0x1234);
	assert_true(s.seen[1].flags & SMB2_FLAGS_ASYNC_COMMAND);
	client_request_fini(&rq);
	script_shut(&s);
}

static void compounds(void **state)
{
	struct client_request rqs[3], *list[3] = {&rqs[0], &rqs[1], &rqs[2]};
	struct script s;
	struct client_channel *ch = script_open(&s);

	s.grant = 10;
	assert_true(nt_success(client_echo(ch, NULL)));
	s.joined = true;
	for (unsigned i = 0; i < 3; i++) {
		echo_init_rq(&rqs[i], ch);
		if (i)
			rqs[i].header.flags |= SMB2_FLAGS_RELATED_OPERATIONS;
	}
	client_call_compound(list, 3);
	assert_int_equal(s.seen_count, 4);
	assert_int_equal(s.last_len, 72 + 72 + 68); /* [MS-SMB2] 3.2.4.1.4: 8-aligned */
	assert_int_equal(s.seen[1].next_command, 72);
	assert_int_equal(s.seen[3].next_command, 0);
	assert_false(s.seen[1].flags & SMB2_FLAGS_RELATED_OPERATIONS);
	assert_true(s.seen[2].flags & SMB2_FLAGS_RELATED_OPERATIONS);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(nt_success(client_request_status(&rqs[i])));
		assert_int_equal(rqs[i].reply.message_id, 1 + i);
		client_request_fini(&rqs[i]);
	}
	script_shut(&s);
}

/* The wire has what the caller said, however wrong. */
static void overrides(void **state)
{
	struct client_request rq;
	struct script s;
	struct client_channel *ch = script_open(&s);

	s.silent = true;
	echo_init_rq(&rq, ch);
	rq.keep = CLIENT_KEEP_MESSAGE_ID | CLIENT_KEEP_CREDITS | CLIENT_KEEP_SESSION_ID |
		  CLIENT_BAD_SIGNATURE | CLIENT_NO_REPLY;
	rq.header.message_id = 0xabcdef;
	rq.header.credit_charge = 77;
	rq.header.credits = 0;
	rq.header.session_id = 42;
	rq.header.command = 0x4711;
	(void)!nt_success(client_call(&rq));
	client_request_fini(&rq);
	assert_int_equal(client_send_raw(ch, s.seen, 1), 0);
	assert_int_equal(s.seen[0].message_id, 0xabcdef);
	assert_int_equal(s.seen[0].credit_charge, 77);
	assert_int_equal(s.seen[0].credits, 0);
	assert_int_equal(s.seen[0].session_id, 42);
	assert_int_equal(s.seen[0].command, 0x4711);
	assert_int_equal(s.seen[0].signature[0], 0xff);
	assert_int_equal(s.last_len, 1);
	script_shut(&s);
}

static void server_gone(void **state)
{
	struct client_request rqs[3];
	struct script s;
	struct client_channel *ch = script_open(&s);
	int err = 0;

	s.silent = true;
	for (unsigned i = 0; i < 2; i++) { /* one under way, one that waits for credits */
		echo_init_rq(&rqs[i], ch);
		client_begin(&rqs[i]);
	}
	s.close = true;
	echo_init_rq(&rqs[2], ch);
	rqs[2].keep = CLIENT_KEEP_CREDITS | CLIENT_KEEP_MESSAGE_ID;
	rqs[2].header.message_id = 99;
	client_begin(&rqs[2]);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(nt_equal(client_wait(&rqs[i]), STATUS_CONNECTION_DISCONNECTED));
		client_request_fini(&rqs[i]);
	}
	assert_true(client_wait_closed(ch));
	assert_false(client_connected(ch, &err));
	assert_int_equal(err, -ECONNRESET);
	assert_true(nt_equal(client_echo(ch, NULL), STATUS_CONNECTION_DISCONNECTED));
	script_shut(&s);
}

static void nonsense(void **state)
{
	struct script s;
	struct client_channel *ch = script_open(&s);
	int err = 0;

	s.nonsense = true;
	assert_true(nt_equal(client_echo(ch, NULL), STATUS_CONNECTION_DISCONNECTED));
	assert_true(client_wait_closed(ch));
	client_connected(ch, &err);
	assert_int_equal(err, -EPROTO);
	script_shut(&s);
}

static void send_news(void *arg)
{
	struct script *s = arg;
	struct smb2_header h = {.command = SMB2_OPLOCK_BREAK,
				.message_id = SMB2_MESSAGE_ID_UNSOLICITED};

	answer(s, &h, STATUS_SUCCESS);
}

static void unsolicited(void **state)
{
	struct smb2_header h;
	struct script s;
	struct client_channel *ch = script_open(&s);
	uint8_t *pdu;
	size_t len;
	struct rd r;

	client_run(s.client, send_news, &s);
	pdu = client_unsolicited(ch, &len);
	assert_non_null(pdu);
	r = rd_init(pdu, len);
	assert_true(smb2_header_decode(&r, &h));
	assert_int_equal(h.command, SMB2_OPLOCK_BREAK);
	free(pdu);
	script_shut(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_and_credits),    cmocka_unit_test(charges),
		cmocka_unit_test(waits_for_credits),  cmocka_unit_test(out_of_order),
		cmocka_unit_test(pending_and_cancel), cmocka_unit_test(compounds),
		cmocka_unit_test(overrides),          cmocka_unit_test(server_gone),
		cmocka_unit_test(nonsense),           cmocka_unit_test(unsolicited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
