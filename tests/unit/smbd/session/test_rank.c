/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a session's channels get by their quality: breaks (rank_best(), of fabricated channels) and
 * credits; who is put out when a session is full; and on which reactors they are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <string.h>

#include "smbd/crypto/sign.h"
#include "smbd/session/connection.h"
#include "smbd/session/rank.h"
#include "smbd/session/server.h"
#include "smbd/session/session.h"
#include "smbd/wire/empty.h"
#include "smbd/wire/session.h"
#include "tests/fake/world.h"
#include "transport/base/clock.h"

#define GBIT    1000000000ull
#define CREDITS 4096u

#define assert_status(got, wanted) assert_string_equal(nt_status_name(got), nt_status_name(wanted))

/* ---- which is best ---- */

static struct server server;
static struct session session;
static struct connection conns[3];
static struct session_channel channels[3];

static int fabricate(void **state)
{
	memset(&session, 0, sizeof(session));
	server.config.notify_silence_ns = 300 * NS_PER_MS;
	session.server = &server;
	pthread_mutex_init(&session.mutex, NULL);
	list_init(&session.channels);
	for (unsigned i = 0; i < 3; i++) {
		struct sockaddr_in *local = (struct sockaddr_in *)&conns[i].link.local;

		memset(&conns[i], 0, sizeof(conns[i]));
		local->sin_family = AF_INET;
		local->sin_addr.s_addr = htonl(0x0a000001 + i);
		conns[i].channel_id = i + 1;
		channels[i] = (struct session_channel){
			.session = &session, .conn = &conns[i], .established = true};
		list_push(&session.channels, &channels[i].node);
	}
	return 0;
}

static int forget(void **state)
{
	pthread_mutex_destroy(&session.mutex);
	return 0;
}

static unsigned best(void)
{
	return (unsigned)(rank_best(&session, NULL, 0) - channels);
}

/* TCP does not know its link; the host does. */
static void host_knows_links(void **state)
{
	assert_int_equal(best(), 0);
	rank_address_known(&session, &conns[0].link.local, GBIT, false);
	rank_address_known(&session, &conns[1].link.local, 10 * GBIT, false);
	assert_int_equal(best(), 1);
	assert_true(atomic_load(&conns[0].inferior));
	assert_false(atomic_load(&conns[1].inferior));
	rank_address_known(&session, &conns[2].link.local, GBIT, true);
	assert_int_equal(best(), 2);
	assert_true(atomic_load(&conns[1].inferior));
	rank_address_known(&session, &conns[2].link.local, 0, false);
	assert_int_equal(best(), 1);
	/* a device's own word stands */
	conns[0].link.rdma = true;
	rank_address_known(&session, &conns[0].link.local, 100 * GBIT, true);
	assert_int_equal(best(), 1);
}

static void trouble_is_remembered(void **state)
{
	rank_address_known(&session, &conns[1].link.local, 10 * GBIT, false);
	assert_int_equal(best(), 1);
	rank_delivered(&channels[1], NS_PER_SEC / 2); /* once is nothing */
	assert_int_equal(best(), 1);
	rank_delivered(&channels[1], NS_PER_SEC / 2);
	rank_delivered(&channels[1], NS_PER_SEC / 2);
	assert_int_not_equal(best(), 1);
	/* it is still the better link */
	assert_true(atomic_load(&conns[0].inferior) == atomic_load(&conns[2].inferior));
	for (unsigned i = 0; i < 8; i++)
		rank_delivered(&channels[1], NS_PER_MS);
	assert_int_equal(best(), 1);
	/* what was long ago is forgotten */
	for (unsigned i = 0; i < 8; i++)
		rank_delivered(&channels[1], NS_PER_SEC);
	assert_int_not_equal(best(), 1);
	channels[1].latency_at_ns -= 61 * NS_PER_SEC;
	assert_int_equal(best(), 1);
}

/* Of those alike the quickest; the silent ones last of all. */
static void quick_before_slow(void **state)
{
	for (unsigned i = 0; i < 8; i++)
		rank_delivered(&channels[0], 120 * NS_PER_MS);
	assert_int_equal(best(), 1);
	rank_silent(&channels[1]);
	rank_silent(&channels[2]);
	assert_int_equal(best(), 0);
	atomic_store(&conns[1].totals.heard_ns, clock_mono_ns() + 1);
	rank_delivered(&channels[1], 0);
	rank_delivered(&channels[1], 0);
	assert_int_equal(best(), 1);
}

/* ---- credits ---- */

static struct world *world;
static struct peer peers[6];
static struct msg msg;
static struct reply reply;

static void server_of_test(struct server_config *config)
{
	config->max_credits = CREDITS;
	config->max_channels = 4;
	config->bind_ns = 1;
}

/* As TCP: it knows nothing of its link. */
static struct channel_acceptor plain, *real;

static int plain_accepted(struct channel_acceptor *acceptor, struct channel *ch)
{
	ch->link.rss = ch->link.rdma = false;
	ch->link.bits_per_sec = 0;
	return real->accepted(real, ch);
}

static struct channel_acceptor *plain_acceptor(struct channel_acceptor *acceptor)
{
	real = acceptor;
	plain.accepted = plain_accepted;
	return &plain;
}

static void make_world(unsigned reactors, void (*commands)(struct command_table *table),
		       void (*config)(struct server_config *config))
{
	world = world_create(&(struct world_config){.reactors = reactors,
						    .server = config,
						    .commands = commands,
						    .acceptor = plain_acceptor});
}

/* FLUSH stands in for what tells the host's knowledge of this very connection. */
static struct nt_status say_speed(struct request *req)
{
	pthread_mutex_lock(&req->session->mutex);
	rank_connection_known(req->conn, (req->process_id & 0xff) * GBIT, false);
	rank_refresh(req->session);
	pthread_mutex_unlock(&req->session->mutex);
	smb2_empty_encode(&req->out);
	return STATUS_SUCCESS;
}

static void commands_speed(struct command_table *table)
{
	table->by_number[SMB2_FLUSH] =
		(struct command){"FLUSH", say_speed, COMMAND_SESSION, NULL, 0};
}

static void link_is(struct peer *p, uint32_t gbit)
{
	msg_begin(p, &msg, SMB2_FLUSH);
	put_empty(&msg);
	msg_set_u32(&msg, 32, gbit); /* the header's ProcessId */
	assert_status(peer_finish(p, &msg, &reply), STATUS_SUCCESS);
}

/* All that one may hold, less the one that the question costs. */
static unsigned credits_asked(struct peer *p)
{
	unsigned got = 0;

	for (unsigned i = 0; i < 3; i++) {
		msg_begin(p, &msg, SMB2_ECHO);
		put_empty(&msg);
		msg_set_u16(&msg, 14, UINT16_MAX); /* CreditRequest */
		assert_status(peer_finish(p, &msg, &reply), STATUS_SUCCESS);
		got += reply.header.credits;
	}
	return got;
}

/* The best may have all, an inferior one fewer, but it works; and all when the best is gone. */
static void best_gets_credits(void **state)
{
	make_world(2, commands_speed, server_of_test);
	peer_start(world, &peers[0], SMB2_DIALECT_311);
	peer_bind(world, &peers[1], &peers[0]);
	link_is(&peers[0], 1);
	link_is(&peers[1], 10);
	assert_in_range(credits_asked(&peers[0]), 1, CREDITS / 8);
	assert_in_range(credits_asked(&peers[1]), CREDITS / 2, CREDITS);
	for (unsigned i = 0; i < 600; i++)
		assert_status(peer_echo(&peers[0]), STATUS_SUCCESS);
	peer_close(&peers[1]);
	assert_in_range(credits_asked(&peers[0]), CREDITS / 2, CREDITS);
	peer_close(&peers[0]);
	world_destroy(world);
}

/* ---- a session that is full ---- */

/* The first leg of a bind, and no more. */
static struct nt_status begin_bind(struct peer *p, const struct peer *first)
{
	static const char token[] =
		"NTLMSSP\0\1\0\0\0\7\2\x08\xa0"
		"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

	peer_connect(world, p);
	peer_negotiate(p, SMB2_DIALECT_311);
	p->session_id = first->session_id;
	assert_int_equal(
		signer_create(SIGN_AES_CMAC, SIGN_ROLE_CLIENT, first->session_key, &p->signer), 0);
	msg_begin(p, &msg, SMB2_SESSION_SETUP);
	put_session_setup(&msg, token, sizeof(token) - 1, 0);
	msg.bytes[SMB2_HEADER_SIZE + 2] = SMB2_SESSION_FLAG_BINDING;
	return peer_finish(p, &msg, &reply);
}

static void server_of_patience(struct server_config *config)
{
	server_of_test(config);
	config->bind_ns = 3600 * NS_PER_SEC;
}

static void fill(void)
{
	peer_start(world, &peers[0], SMB2_DIALECT_311);
	for (unsigned i = 1; i < 4; i++)
		assert_status(begin_bind(&peers[i], &peers[0]), STATUS_MORE_PROCESSING_REQUIRED);
}

static void empty(unsigned count)
{
	while (count)
		peer_close(&peers[--count]);
	world_destroy(world);
}

/* Who began to bind and stopped makes room, oldest first; who is bound does not. */
static void half_bound_makes_room(void **state)
{
	make_world(2, NULL, server_of_test);
	fill();
	peer_bind(world, &peers[4], &peers[0]);
	assert_status(peer_echo(&peers[0]), STATUS_SUCCESS);
	assert_status(peer_echo(&peers[4]), STATUS_SUCCESS);
	for (unsigned i = 2; i < 4; i++) { /* two places are left to take over */
		peer_close(&peers[i]);
		peer_bind(world, &peers[i], &peers[0]);
	}
	peer_connect(world, &peers[5]);
	peer_negotiate(&peers[5], SMB2_DIALECT_311);
	assert_status(peer_try_bind(&peers[5], &peers[0], world_user(), WORLD_PASSWORD),
		      STATUS_INSUFFICIENT_RESOURCES);
	empty(6);
}

static void bind_may_take_its_time(void **state)
{
	make_world(2, NULL, server_of_patience);
	fill();
	peer_connect(world, &peers[4]);
	peer_negotiate(&peers[4], SMB2_DIALECT_311);
	assert_status(peer_try_bind(&peers[4], &peers[0], world_user(), WORLD_PASSWORD),
		      STATUS_INSUFFICIENT_RESOURCES);
	empty(5);
}

/* ---- reactors ---- */

static struct reactor *seen[4];
static _Atomic unsigned seen_count;

static struct nt_status say_reactor(struct request *req)
{
	unsigned i = atomic_fetch_add(&seen_count, 1);

	seen[i % 4] = req->conn->reactor;
	smb2_empty_encode(&req->out);
	return STATUS_SUCCESS;
}

static void commands_reactor(struct command_table *table)
{
	table->by_number[SMB2_FLUSH] =
		(struct command){"FLUSH", say_reactor, COMMAND_SESSION, NULL, 0};
}

/* Four channels of a session, by TCP: each on another reactor. */
static void channels_spread(void **state)
{
	make_world(4, commands_reactor, NULL);
	peer_connect_tcp(world, &peers[0]);
	peer_begin(&peers[0], SMB2_DIALECT_311);
	for (unsigned i = 1; i < 4; i++) {
		peer_connect_tcp(world, &peers[i]);
		peer_negotiate(&peers[i], SMB2_DIALECT_311);
		assert_status(peer_try_bind(&peers[i], &peers[0], world_user(), WORLD_PASSWORD),
			      STATUS_SUCCESS);
	}
	atomic_store(&seen_count, 0);
	for (unsigned i = 0; i < 4; i++) {
		msg_begin(&peers[i], &msg, SMB2_FLUSH);
		put_empty(&msg);
		assert_status(peer_finish(&peers[i], &msg, &reply), STATUS_SUCCESS);
		for (unsigned j = 0; j < i; j++)
			assert_ptr_not_equal(seen[i], seen[j]);
	}
	empty(4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(host_knows_links, fabricate, forget),
		cmocka_unit_test_setup_teardown(trouble_is_remembered, fabricate, forget),
		cmocka_unit_test_setup_teardown(quick_before_slow, fabricate, forget),
		cmocka_unit_test(best_gets_credits),
		cmocka_unit_test(half_bound_makes_room),
		cmocka_unit_test(bind_may_take_its_time),
		cmocka_unit_test(channels_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
