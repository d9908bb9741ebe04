/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults, each at a seeded place: a request that fails, a post that is refused, the end of the
 * connection, the removal of the device, no memory for an object. Two of our own ends talk
 * meanwhile; whatever happens, every op is done once, closed() comes, and nothing is left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rdma/connect.h"
#include "rdma/listener.h"
#include "tests/fake/echo.h"
#include "tests/fake/verbs.h"
#include "transport/buf/buf.h"
#include "transport/reactor/reactor.h"

#define SENDS 12
#define SEEDS 25

struct world {
	struct direct_devices *devices;
	struct buf_pool *pool;
	struct reactor *reactor;
	struct echo echo;
	struct direct_listener *listener;
	struct direct_connect connect;
	struct reactor_post post;

	/* the client's, on the reactor */
	struct channel *ch;
	struct channel_send sends[SENDS];
	struct slice slices[SENDS], pushes[SENDS];
	struct remote_slice to[SENDS];
	struct channel_pull pull;
	struct slice pull_to;
	struct remote_slice from;
	atomic_uint done, submitted, ended, echoes;

	/* the client closes at its n-th callback; 0: when all is done */
	unsigned callbacks, close_at;
	int close_why;
};

static struct world *the_world;

static void client_called(void)
{
	struct world *w = the_world;

	if (++w->callbacks == w->close_at)
		channel_close(w->ch, w->close_why);
}

static uint8_t text[60000], remote[100000], local[30000];

static void client_message(struct channel *ch, struct channel_msg *msg)
{
	struct world *w = ch->user;

	client_called();
	channel_release(ch, msg);
	if (atomic_fetch_add(&w->echoes, 1) + 1 == SENDS)
		channel_close(ch, 0);
}

static size_t client_split(struct channel *ch, const uint8_t *first, size_t have, size_t total)
{
	return 100;
}

static void client_closed(struct channel *ch, int err)
{
	struct world *w = ch->user;

	atomic_fetch_add(&w->ended, 1);
}

static const struct channel_user client_user = {client_split, client_message, client_closed};

static void count_send(struct channel_send *send, int err)
{
	atomic_fetch_add(&the_world->done, 1);
	client_called();
}

static void count_pull(struct channel_pull *pull, int err)
{
	atomic_fetch_add(&the_world->done, 1);
	client_called();
}

static void client_talk(struct world *w)
{
	uint32_t key =
		fake_verbs_expose(remote, sizeof(remote), FAKE_REMOTE_READ | FAKE_REMOTE_WRITE);

	w->from = (struct remote_slice){(uintptr_t)remote, key, sizeof(local)};
	w->pull_to = (struct slice){.data = local, .len = sizeof(local)};
	w->pull = (struct channel_pull){
		.from = &w->from, .from_count = 1, .to = &w->pull_to, .to_count = 1};
	w->pull.done = count_pull;
	channel_pull(w->ch, &w->pull);
	for (unsigned i = 0; i < SENDS; i++) {
		w->slices[i] = (struct slice){.data = text, .len = 1 + i * 5000};
		w->pushes[i] = (struct slice){.data = text, .len = 20000};
		w->to[i] = (struct remote_slice){(uintptr_t)remote + 40000, key, 20000};
		w->sends[i] = (struct channel_send){.msg = &w->slices[i],
						    .msg_count = 1,
						    .push = &w->pushes[i],
						    .push_count = i % 3 == 0,
						    .push_to = &w->to[i],
						    .push_to_count = i % 3 == 0,
						    .done = count_send};
		channel_send(w->ch, &w->sends[i]);
	}
	atomic_store(&w->submitted, SENDS + 1);
}

static void client_connected(struct direct_connect *connect, struct channel *ch, int err)
{
	struct world *w = container_of(connect, struct world, connect);

	if (!ch) {
		atomic_fetch_add(&w->ended, 1);
		return;
	}
	ch->user_ops = &client_user;
	ch->user = w;
	w->ch = ch;
	client_talk(w);
}

static void client_start(struct reactor_post *post)
{
	struct world *w = container_of(post, struct world, post);

	assert_int_equal(direct_connect_start(&w->connect), 0);
}

/* False: it was not even possible to listen, or to have memory. */
static bool world_begin(struct world *w, const struct fake_verbs_config *fabric)
{
	struct reactor_config rc = {.name = "world", .cpu = -1};
	struct direct_devices_config dc = {.verbs = &verbs_fake};
	struct buf_pool_config pc = {.bytes = 16u << 20, .region_bytes = 8u << 20};
	struct sockaddr_storage address = {0};
	struct sockaddr_in v4 = {.sin_family = AF_INET,
				 .sin_port = htons(DIRECT_PORT),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct direct_listener_config config = {.addresses = &address,
						.address_count = 1,
						.reactors = &w->reactor,
						.reactor_count = 1,
						.acceptor = &w->echo.acceptor};

	the_world = w;
	memcpy(&address, &v4, sizeof(v4));
	echo_init(&w->echo);
	fake_verbs_start(fabric);
	w->devices = config.devices = w->connect.devices = direct_devices_create(&dc);
	w->reactor = w->connect.reactor = reactor_create(&rc);
	pc.region_added = direct_devices_region_added;
	pc.user = w->devices;
	w->pool = config.pool = w->connect.pool = buf_pool_create(&pc);
	direct_config_default(&config.channel);
	if (fabric->fail_wr || fabric->fail_post || fabric->fail_object) { /* not seen by both */
		config.channel.negotiate_timeout_ms = 300;
		config.channel.stall_timeout_ms = 500;
	}
	config.channel.close_timeout_ms = 200;
	w->connect.config = config.channel;
	w->connect.address = address;
	w->connect.done = client_connected;
	w->post.run = client_start;
	if (direct_listener_create(&config, &w->listener) != 0)
		return false;
	assert_int_equal(reactor_start(w->reactor), 0);
	return true;
}

static void world_end(struct world *w)
{
	struct direct_listener_stats stats = {.channels = 1};

	for (unsigned i = 0; w->listener && i < 5000 && stats.channels; i++) {
		direct_listener_stats(w->listener, &stats);
		usleep(1000);
	}
	if (w->listener)
		assert_int_equal(stats.channels, 0);
	reactor_stop(w->reactor);
	direct_listener_destroy(w->listener);
	direct_devices_destroy(w->devices);
	buf_pool_destroy(w->pool); /* asserts that every buffer is back */
	reactor_destroy(w->reactor);
	fake_verbs_stop();
}

static unsigned world_run_closed(const struct fake_verbs_config *fabric, unsigned close_at,
				 int close_why)
{
	struct world *w = calloc(1, sizeof(*w));
	unsigned echoes;

	w->close_at = close_at;
	w->close_why = close_why;
	if (world_begin(w, fabric)) {
		reactor_post(w->reactor, &w->post);
		assert_true(echo_wait(&w->ended, 1));
		assert_int_equal(atomic_load(&w->done), atomic_load(&w->submitted));
	}
	world_end(w);
	echoes = atomic_load(&w->echoes);
	free(w);
	return echoes;
}

static unsigned world_run(const struct fake_verbs_config *fabric)
{
	return world_run_closed(fabric, 0, 0);
}

static void without_a_fault(void **state)
{
	struct fake_verbs_config fabric = {.seed = 1};

	assert_int_equal(world_run(&fabric), SENDS);
}

/* Where the n-th request, or post, is in the life of the connection: spread over all of it. */
static unsigned place(unsigned seed)
{
	return 1 + seed * seed * 7 / 5;
}

static void a_request_fails(void **state)
{
	unsigned whole = 0;

	for (unsigned seed = 0; seed < SEEDS; seed++) {
		struct fake_verbs_config fabric = {.seed = seed, .fail_wr = place(seed)};

		whole += world_run(&fabric) == SENDS;
	}
	assert_in_range(whole, 0, SEEDS / 2); /* the faults did happen */
}

static void a_post_is_refused(void **state)
{
	unsigned whole = 0;

	for (unsigned seed = 0; seed < SEEDS; seed++) {
		struct fake_verbs_config fabric = {.seed = seed, .fail_post = 3 * place(seed)};

		whole += world_run(&fabric) == SENDS;
	}
	assert_in_range(whole, 0, SEEDS / 2);
}

static void the_connection_ends(void **state)
{
	unsigned whole = 0;

	for (unsigned seed = 0; seed < SEEDS; seed++) {
		struct fake_verbs_config fabric = {.seed = seed, .disconnect = place(seed)};

		whole += world_run(&fabric) == SENDS;
	}
	assert_in_range(whole, 0, SEEDS / 2);
}

static void the_device_goes_away(void **state)
{
	unsigned whole = 0;

	for (unsigned seed = 0; seed < SEEDS; seed++) {
		struct fake_verbs_config fabric = {.seed = seed, .removal = place(seed)};

		whole += world_run(&fabric) == SENDS;
	}
	assert_in_range(whole, 0, SEEDS / 2);
}

static void no_memory_for_an_object(void **state)
{
	unsigned whole = 0;

	for (unsigned n = 1; n < 18; n++) {
		struct fake_verbs_config fabric = {.seed = n, .fail_object = n};

		whole += world_run(&fabric) == SENDS;
	}
	assert_in_range(whole, 1, 5); /* beyond the last object all is well */
}

/* From each callback, orderly or at once, with events in the usual and in the unusual order; some
 * lose the connection or the device at the same time. */
static void the_user_closes(void **state)
{
	for (unsigned n = 1; n <= 2 * SENDS + 1; n++) {
		for (unsigned how = 0; how < 8; how++) {
			struct fake_verbs_config fabric = {.seed = n,
							   .late_established = how & 1,
							   .late_sends = how & 2,
							   .disconnect = n % 5 == 1 ? 20 * n : 0,
							   .removal = n % 5 == 2 ? 20 * n : 0};

			world_run_closed(&fabric, n, how & 4 ? -EIO : 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_fault),      cmocka_unit_test(a_request_fails),
		cmocka_unit_test(a_post_is_refused),    cmocka_unit_test(the_connection_ends),
		cmocka_unit_test(the_device_goes_away), cmocka_unit_test(no_memory_for_an_object),
		cmocka_unit_test(the_user_closes),
	};

	return cmocka_run_group_tests_name("rdma/faults", tests, NULL, NULL);
}
