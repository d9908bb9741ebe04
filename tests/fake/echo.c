/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake/echo.h"

#include <stdlib.h>
#include <unistd.h>

struct echo_reply {
	struct channel_send send;
	struct slice slices[2];
	struct channel *ch;
	struct channel_msg *msg; /* released by the last reply to it */
};

static size_t echo_split(struct channel *ch, const uint8_t *first, size_t have, size_t total)
{
	struct echo *e = ch->user;

	return e->head_len ? e->head_len : total;
}

static void echo_done(struct channel_send *send, int err)
{
	struct echo_reply *r = container_of(send, struct echo_reply, send);
	struct echo *e = r->ch->user;

	if (!err) {
		e->answered = r->ch;
		atomic_store(&e->answered_to, send->position);
	}
	atomic_fetch_add(&e->done, 1);
	if (r->msg)
		channel_release(r->ch, r->msg);
	free(r);
}

static void echo_answer(struct channel *ch, struct channel_msg *msg, bool last)
{
	struct echo_reply *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	r->slices[0] = (struct slice){.data = (void *)msg->head, .len = msg->head_len};
	r->slices[1] = msg->body;
	r->send.msg = r->slices;
	r->send.msg_count = msg->body.len ? 2 : 1;
	r->send.done = echo_done;
	r->ch = ch;
	r->msg = last ? msg : NULL;
	channel_send(ch, &r->send);
}

static void echo_message(struct channel *ch, struct channel_msg *msg)
{
	struct echo *e = ch->user;
	unsigned n = e->answers ? e->answers : 1;

	atomic_fetch_add(&e->messages, 1);
	if (e->mute) {
		channel_release(ch, msg);
		return;
	}
	if (e->hold && e->held_count + 1 < e->hold) {
		e->held[e->held_count++] = msg;
		return;
	}
	for (unsigned i = 0; i < e->held_count; i++)
		echo_answer(ch, e->held[i], true);
	e->held_count = 0;
	while (n--)
		echo_answer(ch, msg, n == 0);
}

static void echo_closed(struct channel *ch, int err)
{
	struct echo *e = ch->user;

	while (e->held_count)
		channel_release(ch, e->held[--e->held_count]);
	atomic_store(&e->last_err, err);
	atomic_fetch_add(&e->closed, 1);
}

static const struct channel_user echo_user = {echo_split, echo_message, echo_closed};

static int echo_accepted(struct channel_acceptor *acceptor, struct channel *ch)
{
	struct echo *e = container_of(acceptor, struct echo, acceptor);

	ch->user_ops = &echo_user;
	ch->user = e;
	atomic_store(&e->last_reactor, (uintptr_t)ch->reactor);
	atomic_fetch_add(&e->accepted, 1);
	return atomic_load(&e->refuse);
}

void echo_init(struct echo *e)
{
	*e = (struct echo){.acceptor.accepted = echo_accepted};
}

bool echo_wait(atomic_uint *count, unsigned n)
{
	for (unsigned i = 0; i < 5000 && atomic_load(count) < n; i++)
		usleep(2000);
	return atomic_load(count) >= n;
}
