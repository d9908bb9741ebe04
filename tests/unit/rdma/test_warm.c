/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A warmed channel allocates nothing, whatever a request makes it do: answer in line, answer after
 * a push, pull.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdma/connect.h"
#include "tests/fake/direct_server.h"
#include "tests/fake/malloc_count.h"
#include "transport/buf/buf.h"
#include "transport/reactor/reactor.h"

#define DEPTH  4u
#define HEAD   80u
#define REMOTE (64u * 1024)

/* What a request is, and what the server does with it. */
struct load {
	size_t request;        /* bytes of the message */
	size_t in_line;        /* payload of the answer, in the pool */
	size_t pushed, pulled; /* before the answer */
	unsigned warm, rounds; /* requests */
};

/* A request's place on the server. */
struct place {
	struct channel_send send;
	struct channel_pull pull;
	struct slice slices[2], bulk;
	struct remote_slice remote;
	struct channel *ch;
	bool busy;
};

static struct {
	struct load load;
	struct direct_connect connect;
	struct reactor_post post;
	struct channel *ch;
	struct buf *data;
	struct place places[DEPTH];
	struct channel_send requests[DEPTH];
	struct slice request;
	unsigned sent, answered;
	unsigned long mallocs, mallocs_warm;
	atomic_uint closed;
} w;

static uint8_t remote[REMOTE], bytes[REMOTE];
static uint32_t remote_key;

static size_t user_split(struct channel *ch, const uint8_t *first, size_t have, size_t total)
{
	return total < 120 ? total : 120;
}

static void user_closed(struct channel *ch, int err)
{
	atomic_fetch_add(&w.closed, 1);
}

/* ---- the server's side ---- */

static void answered(struct channel_send *send, int err)
{
	container_of(send, struct place, send)->busy = false;
}

static void answer(struct place *p)
{
	p->slices[0] = (struct slice){.data = bytes, .len = HEAD};
	p->slices[1] = buf_slice(w.data, 0, w.load.in_line);
	p->bulk = buf_slice(w.data, 0, w.load.pushed);
	p->remote = (struct remote_slice){(uintptr_t)remote, remote_key, (uint32_t)w.load.pushed};
	p->send = (struct channel_send){.msg = p->slices,
					.msg_count = w.load.in_line ? 2 : 1,
					.push = &p->bulk,
					.push_count = w.load.pushed > 0,
					.push_to = &p->remote,
					.push_to_count = w.load.pushed > 0,
					.done = answered};
	channel_send(p->ch, &p->send);
}

static void pulled(struct channel_pull *pull, int err)
{
	if (!err)
		answer(container_of(pull, struct place, pull));
}

static void serve(struct channel *ch, struct channel_msg *msg)
{
	struct place *p = w.places;

	while (p->busy)
		p++;
	assert_true(p < w.places + DEPTH);
	channel_release(ch, msg);
	p->busy = true;
	p->ch = ch;
	if (!w.load.pulled) {
		answer(p);
		return;
	}
	p->bulk = buf_slice(w.data, 0, w.load.pulled);
	p->remote = (struct remote_slice){(uintptr_t)remote, remote_key, (uint32_t)w.load.pulled};
	p->pull = (struct channel_pull){
		.from = &p->remote, .from_count = 1, .to = &p->bulk, .to_count = 1, .done = pulled};
	channel_pull(ch, &p->pull);
}

static const struct channel_user server_user = {user_split, serve, user_closed};

static int accepted(struct channel_acceptor *acceptor, struct channel *ch)
{
	ch->user_ops = &server_user;
	return 0;
}

/* ---- the client's side ---- */

static void asked(struct channel_send *send, int err)
{
	send->transport = NULL;
}

static void ask(void)
{
	struct channel_send *send = &w.requests[w.sent++ % DEPTH];

	*send = (struct channel_send){.msg = &w.request, .msg_count = 1, .done = asked};
	channel_send(w.ch, send);
}

static void take(struct channel *ch, struct channel_msg *msg)
{
	channel_release(ch, msg);
	w.answered++;
	if (w.answered == w.load.warm)
		w.mallocs_warm = malloc_count_thread();
	if (w.answered == w.load.rounds) {
		w.mallocs = malloc_count_thread();
		channel_close(ch, 0);
	} else if (w.sent < w.load.rounds) {
		ask();
	}
}

static const struct channel_user client_user = {user_split, take, user_closed};

static void connected(struct direct_connect *connect, struct channel *ch, int err)
{
	assert_non_null(ch);
	ch->user_ops = &client_user;
	w.ch = ch;
	for (unsigned i = 0; i < DEPTH; i++)
		ask();
}

static void begin(struct reactor_post *post)
{
	w.data = buf_get(w.connect.pool, REMOTE);
	assert_non_null(w.data);
	memset(w.data->data, 0, REMOTE);
	assert_int_equal(direct_connect_start(&w.connect), 0);
}

static void run(struct direct_server *s, const struct load *load)
{
	const char *rounds =
		getenv("SMB3D_ROUNDS"); /* fewer or more, for who counts instructions */
	struct fake_verbs_counts counts;

	memset(&w, 0, sizeof(w));
	w.load = *load;
	w.load.warm = 300;
	w.load.rounds = rounds ? (unsigned)atoi(rounds) : 1500;
	s->echo.acceptor.accepted = accepted;
	s->fabric.read_depth = 4;
	direct_server_start(s);
	remote_key =
		fake_verbs_expose(remote, sizeof(remote), FAKE_REMOTE_READ | FAKE_REMOTE_WRITE);
	w.request = (struct slice){.data = bytes, .len = load->request};
	w.connect.reactor = s->reactor;
	w.connect.pool = s->pool;
	w.connect.devices = s->devices;
	w.connect.config = s->config;
	w.connect.address = s->address;
	w.connect.done = connected;
	w.post.run = begin;
	reactor_post(s->reactor, &w.post);
	assert_true(echo_wait(&w.closed, 2));
	assert_int_equal(w.answered, w.load.rounds);
	fake_verbs_counts(&counts);
	if (getenv("SMB3D_ONLY"))
		printf("# a request: %.1f sends, %.1f bells, %.1f completions\n",
		       (double)counts.sends / w.answered, (double)counts.bells / w.answered,
		       (double)counts.completed / w.answered);
	if (counts.sends > 10 * w.answered) { /* most of a message goes in chains, unsignalled */
		assert_true(counts.completed < counts.sends / 3);
		assert_true(counts.bells < counts.sends / 2);
	}
	if (malloc_counted() && w.mallocs_warm)
		assert_int_equal(w.mallocs, w.mallocs_warm);
	buf_put(s->pool, w.data);
}

static void small_requests(void **state)
{
	const struct load load = {.request = 120};

	run(*state, &load);
}

static void reads_in_line(void **state)
{
	const struct load load = {.request = 120, .in_line = 60000};

	run(*state, &load);
}

static void writes_in_line(void **state)
{
	const struct load load = {.request = 60000};

	run(*state, &load);
}

static void reads_by_push(void **state)
{
	const struct load load = {.request = 120, .pushed = 65536};

	run(*state, &load);
}

static void writes_by_pull(void **state)
{
	const struct load load = {.request = 120, .pulled = 65536};

	run(*state, &load);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIRECT_CASE(small_requests), DIRECT_CASE(reads_in_line),
		DIRECT_CASE(writes_in_line), DIRECT_CASE(reads_by_push),
		DIRECT_CASE(writes_by_pull),
	};
	const char *only = getenv("SMB3D_ONLY");

	if (only)
		cmocka_set_test_filter(only);
	return cmocka_run_group_tests_name("rdma/warm", tests, NULL, NULL);
}
