/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breaks find a way ([MS-SMB2] 3.3.4.6, 3.3.4.7; protocol-facts 18): the best live channel takes
 * them, and the next one when that is lost or silent. FLUSH stands in as what has a break of an
 * oplock sent, LOCK for that of a lease; the channels are wrapped, to be silenced and cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "smbd/session/notify.h"
#include "smbd/session/rank.h"
#include "smbd/session/server.h"
#include "smbd/session/session.h"
#include "smbd/wire/empty.h"
#include "tests/fake/fault_channel.h"
#include "tests/fake/world.h"
#include "transport/base/clock.h"

#define CHANNELS   3
#define BODY_BYTES 24
#define SILENCE_NS (50 * NS_PER_MS)

static struct world *world;
static struct peer peer[CHANNELS];
static struct msg msg;
static struct reply reply;

#define assert_status(got, wanted) assert_string_equal(nt_status_name(got), nt_status_name(wanted))

/* ---- the channels, as they come ---- */

static struct {
	struct channel_acceptor acceptor, *server;
	struct channel_link links[CHANNELS]; /* of the next ones, in order */
	struct channel *channels[CHANNELS];
	unsigned count;
} wrap;

static int wrap_accepted(struct channel_acceptor *acceptor, struct channel *inner)
{
	static const struct fault_plan plan = {.seed = 1};
	struct channel *ch = fault_wrap(inner, &plan);

	ch->link = wrap.links[wrap.count % CHANNELS];
	wrap.channels[wrap.count++ % CHANNELS] = ch;
	return wrap.server->accepted(wrap.server, ch);
}

static struct channel_acceptor *wrap_acceptor(struct channel_acceptor *server)
{
	wrap.server = server;
	wrap.acceptor.accepted = wrap_accepted;
	return &wrap.acceptor;
}

struct hurting {
	struct reactor_post post;
	void (*how)(struct channel *ch);
	struct channel *ch;
	_Atomic bool done;
};

static void hurting_run(struct reactor_post *post)
{
	struct hurting *h = container_of(post, struct hurting, post);

	h->how(h->ch);
	h->done = true;
}

static void hurt(unsigned i, void (*how)(struct channel *ch))
{
	struct hurting h = {.post.run = hurting_run, .how = how, .ch = wrap.channels[i]};

	reactor_post(h.ch->reactor, &h.post);
	while (!h.done)
		usleep(100);
}

/* ---- the server ---- */

static struct nt_status send_break(struct request *req)
{
	uint8_t body[BODY_BYTES] = {BODY_BYTES};

	bool sent;

	body[4] = (uint8_t)req->message_id;
	smb2_empty_encode(&req->out);
	sent = req->command == SMB2_LOCK
		       ? client_notify(req->session, SMB2_OPLOCK_BREAK, body, sizeof(body))
		       : session_notify(req->session, SMB2_OPLOCK_BREAK, body, sizeof(body));
	return sent ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static void commands_of_test(struct command_table *table)
{
	table->by_number[SMB2_FLUSH] =
		(struct command){"FLUSH", send_break, COMMAND_SESSION, NULL, 0};
	table->by_number[SMB2_LOCK] =
		(struct command){"LOCK", send_break, COMMAND_SESSION, NULL, 0};
}

static void server_of_test(struct server_config *config)
{
	config->notify_silence_ns = SILENCE_NS;
}

static int setup_world(void **state)
{
	world = world_create(&(struct world_config){
		.reactors = 3,
		.commands = commands_of_test,
		.server = server_of_test,
		.acceptor = wrap_acceptor,
	});
	return 0;
}

static int teardown_world(void **state)
{
	world_destroy(world);
	return 0;
}

static const struct channel_link slow_rdma = {.bits_per_sec = 1000000000ull, .rdma = true};
static const struct channel_link fast_rss = {.bits_per_sec = 100000000000ull, .rss = true};
static const struct channel_link plain = {.bits_per_sec = 400000000000ull};

/* Worst first: 0 is plain, 1 has RSS, 2 is RDMA. */
static int setup(void **state)
{
	wrap.count = 0;
	wrap.links[0] = plain;
	wrap.links[1] = fast_rss;
	wrap.links[2] = slow_rdma;
	peer_start(world, &peer[0], SMB2_DIALECT_311);
	for (unsigned i = 1; i < CHANNELS; i++)
		peer_bind(world, &peer[i], &peer[0]);
	return 0;
}

static int teardown(void **state)
{
	for (unsigned i = 0; i < CHANNELS; i++)
		if (peer[i].world)
			peer_close(&peer[i]);
	world_wait_counts(world, 0, 0, 0);
	return 0;
}

/* ---- */

static void ask_for(struct peer *p, uint16_t command)
{
	msg_begin(p, &msg, command);
	put_empty(&msg);
	msg_send(p, &msg);
}

static void ask_for_break(struct peer *p)
{
	ask_for(p, SMB2_FLUSH);
}

static void expect_answer(struct peer *p)
{
	reply_recv(p, &reply);
	assert_int_equal(reply.header.command, SMB2_FLUSH);
	assert_status(reply.header.status, STATUS_SUCCESS);
}

static void expect_break(struct peer *p)
{
	reply_recv(p, &reply);
	assert_int_equal(reply.header.command, SMB2_OPLOCK_BREAK);
	assert_int_equal(reply.len, SMB2_HEADER_SIZE + BODY_BYTES);
	/* neither signed nor of a session */
	assert_int_equal(reply.header.flags, SMB2_FLAGS_SERVER_TO_REDIR);
	assert_int_equal(reply.header.message_id, UINT64_MAX);
	assert_int_equal(reply.header.session_id, 0);
	assert_int_equal(reply.header.tree_id, 0);
}

/* Nothing but the answers of one's own requests comes. */
static void expect_nothing(struct peer *p)
{
	assert_status(peer_echo(p), STATUS_SUCCESS);
}

static void test_rank(void **state)
{
	const struct channel_link slow = {.bits_per_sec = 1}, unknown = {0};

	assert_true(rank_of_link(&slow_rdma) > rank_of_link(&fast_rss));
	assert_true(rank_of_link(&fast_rss) > rank_of_link(&plain));
	assert_true(rank_of_link(&plain) > rank_of_link(&slow));
	assert_true(rank_of_link(&slow) > rank_of_link(&unknown));
}

static void test_best_channel_takes_it(void **state)
{
	for (unsigned i = 0; i < 3; i++) {
		ask_for_break(&peer[0]);
		expect_answer(&peer[0]);
		expect_break(&peer[2]);
	}
	expect_nothing(&peer[0]);
	expect_nothing(&peer[1]);
	/* wherever it was caused */
	peer_close(&peer[2]);
	ask_for_break(&peer[0]);
	expect_answer(&peer[0]);
	expect_break(&peer[1]);
	peer_close(&peer[1]);
	ask_for_break(&peer[0]);
	reply_recv(&peer[0], &reply); /* either may be first */
	reply_recv(&peer[0], &reply);
}

static void test_fact_18_silence_moves_it_on(void **state)
{
	hurt(2, fault_silence);
	ask_for_break(&peer[0]);
	expect_answer(&peer[0]);
	expect_break(&peer[1]);
	expect_nothing(&peer[0]);
	/* it is remembered: what is silent is not first any more */
	hurt(1, fault_silence);
	ask_for_break(&peer[0]);
	reply_recv(&peer[0], &reply);
	reply_recv(&peer[0], &reply);
	assert_int_equal(reply.header.command, SMB2_OPLOCK_BREAK);
}

static void test_fact_18_loss_moves_it_on(void **state)
{
	hurt(2, fault_silence);
	ask_for_break(&peer[0]);
	expect_answer(&peer[0]);
	/* it was sent there, as far as that channel knows */
	hurt(2, fault_cut);
	expect_break(&peer[1]);
	expect_nothing(&peer[0]);
}

/* All are silent but that which all came by: nobody waits for ever, and nothing is left of it. */
static void test_all_silent(void **state)
{
	for (unsigned i = 1; i < CHANNELS; i++)
		hurt(i, fault_silence);
	for (unsigned i = 0; i < 8; i++)
		ask_for_break(&peer[0]);
	for (unsigned i = 0; i < 16; i++)
		reply_recv(&peer[0], &reply);
	hurt(0, fault_silence);
	usleep(SILENCE_NS / 1000);
}

/* Breaks from all sides while channels go: every one arrives on one that stays. */
static void test_cut_at_random(void **state)
{
	unsigned asked = 64, breaks[CHANNELS] = {0}, answers = 0;

	for (unsigned i = 0; i < asked; i++) {
		ask_for_break(&peer[0]);
		if (i == 16)
			hurt(2, fault_cut);
		if (i == 32)
			hurt(1, fault_silence);
		if (i == 48)
			hurt(1, fault_cut);
	}
	while (breaks[0] == 0 || answers < asked) {
		reply_recv(&peer[0], &reply);
		assert_int_not_equal(reply.len, 0);
		if (reply.header.command == SMB2_OPLOCK_BREAK)
			breaks[0]++;
		else
			answers++;
	}
	for (unsigned i = 1; i < CHANNELS; i++)
		for (;;) {
			reply_recv(&peer[i], &reply);
			if (!reply.len)
				break;
			breaks[i]++;
		}
	/* what the cut ones did not get, 0 has got or gets */
	while (breaks[0] + breaks[1] + breaks[2] < asked) {
		reply_recv(&peer[0], &reply);
		assert_int_equal(reply.header.command, SMB2_OPLOCK_BREAK);
		breaks[0]++;
	}
}

/* The answer and the break, in either order. */
static void expect_both(struct peer *p, uint16_t command)
{
	bool answered;

	reply_recv(p, &reply);
	answered = reply.header.command == command;
	if (!answered)
		assert_int_equal(reply.header.command, SMB2_OPLOCK_BREAK);
	reply_recv(p, &reply);
	assert_int_equal(reply.header.command, answered ? SMB2_OPLOCK_BREAK : command);
}

/* 3.3.4.7: a lease is its client's, whichever session it came by. Of equal channels the oldest
 * takes the break, as in Windows. */
static void test_lease_of_another_session(void **state)
{
	struct peer *first = &peer[0], *second = &peer[1], *other = &peer[2];

	wrap.count = 0;
	for (unsigned i = 0; i < CHANNELS; i++)
		wrap.links[i] = plain;
	peer_start(world, first, SMB2_DIALECT_311);
	peer_start(world, second, SMB2_DIALECT_311);
	peer_connect(world, other);
	other->guid = 2;
	peer_begin(other, SMB2_DIALECT_311);
	ask_for(second, SMB2_LOCK);
	expect_break(first);
	reply_recv(second, &reply);
	assert_int_equal(reply.header.command, SMB2_LOCK);
	expect_nothing(second);
	/* an oplock is its open's, and so its session's */
	ask_for_break(second);
	expect_both(second, SMB2_FLUSH);
	/* what the first does not take, the other has */
	hurt(0, fault_silence);
	ask_for(second, SMB2_LOCK);
	expect_both(second, SMB2_LOCK);
	expect_nothing(other);
}

/* A ClientGuid is no secret: who else says it, a guest here, is told nothing. */
static void test_lease_of_another_user(void **state)
{
	struct peer *stranger = &peer[0], *holder = &peer[1];

	wrap.count = 0;
	for (unsigned i = 0; i < CHANNELS; i++)
		wrap.links[i] = plain;
	peer_connect(world, stranger);
	peer_negotiate(stranger, SMB2_DIALECT_311);
	assert_status(peer_try_login(stranger, "stranger", "x"), STATUS_SUCCESS);
	peer_start(world, holder, SMB2_DIALECT_311);
	ask_for(holder, SMB2_LOCK);
	expect_both(holder, SMB2_LOCK);
	expect_nothing(stranger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rank),
		cmocka_unit_test_setup_teardown(test_best_channel_takes_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fact_18_silence_moves_it_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fact_18_loss_moves_it_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_silent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_at_random, setup, teardown),
		cmocka_unit_test_teardown(test_lease_of_another_session, teardown),
		cmocka_unit_test_teardown(test_lease_of_another_user, teardown),
	};

	return cmocka_run_group_tests(tests, setup_world, teardown_world);
}
