/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RDMA reads and writes of the server's end, with a client that exposes its memory by hand: what it
 * may have under way, and what it invalidates.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/direct_server.h"
#include "transport/reactor/reactor.h"

#define PIECES 5u
#define PIECE  3000u

/* What the client asks for: PIECES of its memory are fetched, or filled. */
struct wish {
	bool fill, invalidate;
	struct remote_slice pieces[PIECES];
};

/* The server's: one at a time. */
static struct {
	struct wish wish;
	struct channel *ch;
	struct channel_pull pull;
	struct channel_send send;
	struct slice local, text;
	atomic_uint closed;
	atomic_int err;
} user;

static char done[] = "done", fail[] = "fail";
static uint8_t local[PIECES * PIECE], memory[PIECES][PIECE];

static void user_done(struct channel_send *send, int err)
{
}

static void user_answer(int err)
{
	user.text = (struct slice){.data = err ? fail : done, .len = 4};
	user.send = (struct channel_send){.msg = &user.text,
					  .msg_count = 1,
					  .invalidate = user.wish.invalidate,
					  .invalidate_token = user.wish.pieces[0].token,
					  .done = user_done};
	if (user.wish.fill) {
		user.send.push = &user.local;
		user.send.push_count = 1;
		user.send.push_to = user.wish.pieces;
		user.send.push_to_count = PIECES;
	}
	channel_send(user.ch, &user.send);
}

static void user_pulled(struct channel_pull *pull, int err)
{
	user_answer(err);
}

static void user_message(struct channel *ch, struct channel_msg *msg)
{
	if (msg->head_len == sizeof(user.wish))
		memcpy(&user.wish, msg->head, sizeof(user.wish));
	channel_release(ch, msg);
	user.ch = ch;
	user.local = (struct slice){.data = local, .len = sizeof(local)};
	if (user.wish.fill) {
		user_answer(0);
		return;
	}
	user.pull = (struct channel_pull){.from = user.wish.pieces,
					  .from_count = PIECES,
					  .to = &user.local,
					  .to_count = 1,
					  .done = user_pulled};
	channel_pull(ch, &user.pull);
}

static size_t user_split(struct channel *ch, const uint8_t *first, size_t have, size_t total)
{
	return total;
}

static void user_closed(struct channel *ch, int err)
{
	atomic_store(&user.err, err);
	atomic_fetch_add(&user.closed, 1);
}

static const struct channel_user user_ops = {user_split, user_message, user_closed};

static int accepted(struct channel_acceptor *acceptor, struct channel *ch)
{
	ch->user_ops = &user_ops;
	return 0;
}

static void begin(struct direct_server *s)
{
	atomic_store(&user.closed, 0);
	s->echo.acceptor.accepted = accepted;
	direct_server_start(s);
}

static struct wish wish(bool fill)
{
	struct wish wish = {.fill = fill};

	for (unsigned i = 0; i < PIECES; i++) {
		uint32_t key = fake_verbs_expose(memory[i], PIECE,
						 fill ? FAKE_REMOTE_WRITE : FAKE_REMOTE_READ);

		wish.pieces[i] = (struct remote_slice){(uintptr_t)memory[i], key, PIECE};
	}
	memset(fill ? (void *)memory : local, 0, sizeof(local));
	memcpy(fill ? local : (void *)memory, direct_server_pattern(), sizeof(local));
	return wish;
}

static void ask(struct direct_peer *p, const struct wish *wish)
{
	struct direct_data out;
	unsigned credits = 0;

	assert_true(direct_peer_data(p, 2, wish, sizeof(*wish), 0));
	assert_true(direct_peer_next_payload(p, &out, &credits));
	assert_int_equal(out.len, 4);
	assert_memory_equal(out.bytes, "done", 4);
	assert_memory_equal(memory, local, sizeof(local));
	assert_memory_equal(local, direct_server_pattern(), sizeof(local));
}

static struct direct_peer *peer_of_depth(struct direct_server *s, uint8_t depth)
{
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_peer *p = direct_peer_connect_depth(&s->address, 255, depth, depth);
	struct direct_negotiate_rsp rsp;

	assert_true(direct_peer_negotiate(p, &req, &rsp));
	return p;
}

/* Facts 9, 27: the smaller of what both ends can do; never nothing, with which every read would
 * hang. The fabric sees to it that no more reads are under way. */
static void fact_9_initiator_depth(void **state)
{
	static const uint8_t asked[] = {0, 1, 2, 4, 5, 32, 255}, want[] = {1, 1, 2, 4, 4, 4, 4};
	struct direct_server *s = *state;

	s->fabric.read_depth = 4;
	begin(s);
	for (unsigned i = 0; i < sizeof(asked); i++) {
		struct direct_peer *p = peer_of_depth(s, asked[i]);
		struct wish w = wish(false);

		assert_int_equal(direct_peer_depth(p), want[i]);
		ask(p, &w);
		direct_peer_close(p);
	}
}

static void fact_27_depth_of_linux(void **state)
{
	struct direct_server *s = *state;
	struct direct_peer *p;
	struct wish w;

	s->fabric.read_depth = 64;
	begin(s);
	p = peer_of_depth(s, 32);
	assert_in_range(direct_peer_depth(p), 1, 32);
	w = wish(false);
	ask(p, &w);
	direct_peer_close(p);
}

/* Fact 12: each descriptor is read by itself, one after the other if there is but one at a time. */
static void fact_12_reads_in_chunks(void **state)
{
	struct direct_server *s = *state;
	struct fake_verbs_counts counts;
	struct direct_peer *p;
	struct wish w;

	s->fabric.read_depth = 1;
	begin(s);
	p = peer_of_depth(s, 1);
	w = wish(false);
	ask(p, &w);
	fake_verbs_counts(&counts);
	assert_int_equal(counts.reads, PIECES);
	direct_peer_close(p);
}

/* Fact 10: one token goes with the answer, the first; the others stay. */
static void fact_10_invalidates_one(void **state)
{
	struct direct_server *s = *state;
	struct direct_peer *p;
	struct wish w;

	begin(s);
	p = peer_of_depth(s, 1);
	w = wish(true);
	w.invalidate = true;
	ask(p, &w);
	assert_false(fake_verbs_exposed(w.pieces[0].token));
	for (unsigned i = 1; i < PIECES; i++)
		assert_true(fake_verbs_exposed(w.pieces[i].token));
	direct_peer_close(p);
}

static void fact_10_not_unless_asked(void **state)
{
	struct direct_server *s = *state;
	struct direct_peer *p;
	struct wish w;

	begin(s);
	p = peer_of_depth(s, 1);
	w = wish(true);
	ask(p, &w);
	assert_true(fake_verbs_exposed(w.pieces[0].token));
	direct_peer_close(p);
}

/* A device that can't: the fabric would take it for a breach. */
static void fact_10_not_unless_able(void **state)
{
	struct direct_server *s = *state;
	struct direct_peer *p;
	struct wish w;

	s->fabric.no_invalidate = true;
	begin(s);
	p = peer_of_depth(s, 1);
	w = wish(true);
	w.invalidate = true;
	ask(p, &w);
	assert_true(fake_verbs_exposed(w.pieces[0].token));
	direct_peer_close(p);
}

/* A descriptor that lies ends the connection, not the server; the next connection is served. */
static void lie(struct direct_server *s, void (*how)(struct wish *wish), bool fill)
{
	struct direct_peer *p = peer_of_depth(s, 1);
	struct wish w = wish(fill);

	how(&w);
	assert_true(direct_peer_data(p, 2, &w, sizeof(w), 0));
	assert_true(direct_peer_gone(p));
	direct_peer_close(p);
	p = peer_of_depth(s, 1);
	w = wish(fill);
	ask(p, &w);
	direct_peer_close(p);
	fake_verbs_unexpose_all();
}

static void lie_token(struct wish *w)
{
	w->pieces[2].token ^= 0x55;
}

static void lie_length(struct wish *w)
{
	w->pieces[2].length++;
	w->pieces[3].length--;
}

static void lie_offset(struct wish *w)
{
	w->pieces[4].offset -= 1;
}

static void lie_wrap(struct wish *w)
{
	w->pieces[0].offset = UINT64_MAX - 1000;
}

static void lie_rights(struct wish *w)
{
	w->fill = !w->fill;
}

static void descriptors_that_lie(void **state)
{
	static void (*const lies[])(struct wish *) = {lie_token, lie_length, lie_offset, lie_wrap,
						      lie_rights};
	struct direct_server *s = *state;

	begin(s);
	for (unsigned i = 0; i < 2 * sizeof(lies) / sizeof(lies[0]); i++)
		lie(s, lies[i / 2], i % 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIRECT_CASE(fact_9_initiator_depth),   DIRECT_CASE(fact_27_depth_of_linux),
		DIRECT_CASE(fact_12_reads_in_chunks),  DIRECT_CASE(fact_10_invalidates_one),
		DIRECT_CASE(fact_10_not_unless_asked), DIRECT_CASE(fact_10_not_unless_able),
		DIRECT_CASE(descriptors_that_lie),
	};

	return cmocka_run_group_tests_name("rdma/readwrite", tests, NULL, NULL);
}
