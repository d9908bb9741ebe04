/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper against a real server, by TCP and, over the fake fabric, by RDMA. What interfaces the
 * server tells of, and which of its addresses take connections, is the test's to say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>

#include "rdma/listener.h"
#include "smbd/auth/client.h"
#include "smbd/session/connection.h"
#include "smbd/session/request.h"
#include "smbd/wire/fsctl.h"
#include "tests/fake/verbs.h"
#include "tests/fake/world.h"
#include "tools/client/keeper.h"
#include "tools/client/private.h"

#define GBIT 1000000000ull

static struct world *world;
static struct client *client;
static struct client_channel *first;
static struct client_session *session;
static struct client_tree tree;
static struct client_keeper *keeper;

static void assert_status(struct nt_status got, struct nt_status want)
{
	assert_string_equal(nt_status_name(got), nt_status_name(want));
}

/* ---- what the server tells of, and lets in ---- */

static struct {
	pthread_mutex_t mutex;
	struct fsctl_network_interface list[8];
	unsigned count;
	bool refuse_direct, refuse[256]; /* by the last byte of the address */
	struct channel_acceptor acceptor, *server;
	struct nt_status (*ioctl)(struct request *req);
} net = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static struct sockaddr_storage loopback(uint8_t last)
{
	const struct sockaddr_in v4 = {.sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(0x7f000000u | last)};
	struct sockaddr_storage out = {0};

	memcpy(&out, &v4, sizeof(v4));
	return out;
}

static void tell(unsigned i, uint8_t last, uint64_t speed, uint32_t capability)
{
	pthread_mutex_lock(&net.mutex);
	net.list[i] = (struct fsctl_network_interface){.if_index = i + 1,
						       .capability = capability,
						       .link_speed = speed,
						       .address = loopback(last)};
	if (net.count <= i)
		net.count = i + 1;
	pthread_mutex_unlock(&net.mutex);
}

static void refuse(uint8_t last, bool is)
{
	pthread_mutex_lock(&net.mutex);
	net.refuse[last] = is;
	pthread_mutex_unlock(&net.mutex);
}

static void refuse_direct(bool is)
{
	pthread_mutex_lock(&net.mutex);
	net.refuse_direct = is;
	pthread_mutex_unlock(&net.mutex);
}

static struct nt_status ioctl_of_test(struct request *req)
{
	struct smb2_ioctl_request in;
	struct smb2_ioctl_response out = {.ctl_code = FSCTL_QUERY_NETWORK_INTERFACE_INFO};
	struct rd r = req->in;
	struct nt_status status;
	size_t last = SIZE_MAX;

	if (!smb2_ioctl_request_decode(&r, &in) ||
	    in.ctl_code != FSCTL_QUERY_NETWORK_INTERFACE_INFO)
		return net.ioctl(req);
	status = request_payload_get(req, 4096);
	if (nt_error(status))
		return status;
	pthread_mutex_lock(&net.mutex);
	for (unsigned i = 0; i < net.count; i++)
		fsctl_network_interface_encode(&req->payload, &net.list[i], &last);
	pthread_mutex_unlock(&net.mutex);
	out.file_id = in.file_id;
	out.output = WIRE_BLOB(NULL, req->payload.len);
	smb2_ioctl_response_encode(&req->out, &out);
	return STATUS_SUCCESS;
}

static void commands_of_test(struct command_table *table)
{
	net.ioctl = table->by_number[SMB2_IOCTL].handle;
	table->by_number[SMB2_IOCTL].handle = ioctl_of_test;
}

static int accepted_of_test(struct channel_acceptor *acceptor, struct channel *ch)
{
	const struct sockaddr_in *local = (const struct sockaddr_in *)&ch->link.local;
	bool refused;

	pthread_mutex_lock(&net.mutex);
	refused = ch->link.rdma ? net.refuse_direct
				: net.refuse[ntohl(local->sin_addr.s_addr) & 0xff];
	pthread_mutex_unlock(&net.mutex);
	return refused ? -ECONNREFUSED : net.server->accepted(net.server, ch);
}

static struct channel_acceptor *acceptor_of_test(struct channel_acceptor *server)
{
	net.server = server;
	net.acceptor.accepted = accepted_of_test;
	return &net.acceptor;
}

/* Every interface of ours can all. */
static bool locate(const struct client_locator *l, const struct sockaddr_storage *to,
		   struct client_interface *out)
{
	*out = (struct client_interface){.if_index = 1, .rss = true, .rdma = true};
	return true;
}

static const struct client_locator locator = {locate};

/* ---- a session with a keeper ---- */

static const struct fake_verbs_config fabric = {.seed = 1};
static struct auth_credentials who = {.domain = "", .password = WORLD_PASSWORD};
static const struct client_login login = {.who = &who};

static int setup(void **state)
{
	const struct client_config config = {.verbs = &verbs_fake};
	struct sockaddr_storage to = loopback(1);

	net.count = 0;
	net.refuse_direct = false;
	memset(net.refuse, 0, sizeof(net.refuse));
	world = world_create(&(struct world_config){.fabric = &fabric,
						    .reactors = 2,
						    .commands = commands_of_test,
						    .acceptor = acceptor_of_test});
	assert_int_equal(client_create(&config, &client), 0);
	((struct sockaddr_in *)&to)->sin_port = htons(world_tcp_port(world));
	assert_int_equal(client_connect_address(client, &to, false, &first), 0);
	assert_status(client_negotiate(first, NULL, NULL), STATUS_SUCCESS);
	who.user = world_user();
	assert_status(client_login(first, &login, &session), STATUS_SUCCESS);
	assert_status(client_tree_connect(session, "share", &tree), STATUS_SUCCESS);
	return 0;
}

static int teardown(void **state)
{
	client_keeper_stop(keeper);
	assert_status(client_logoff(session), STATUS_SUCCESS);
	client_keeper_destroy(keeper);
	client_destroy(client);
	world_destroy(world);
	return 0;
}

static void keep(struct client_keeper_config config)
{
	config.login = &login;
	config.port = world_tcp_port(world);
	config.direct_port = DIRECT_PORT;
	config.locator = &locator;
	config.backoff_min_ms = 20;
	config.backoff_max_ms = 100;
	assert_int_equal(client_keeper_start(&tree, &config, &keeper), 0);
}

struct wish {
	unsigned channels, direct, idle, lost;
};

static bool is_so(const struct client_keeper_status *s, void *arg)
{
	const struct wish *w = arg;

	return s->settled && s->channels == w->channels && s->direct == w->direct &&
	       s->idle == w->idle && s->lost >= w->lost;
}

static struct client_keeper_status becomes(struct wish wish)
{
	struct client_keeper_status status;

	if (!client_keeper_wait(keeper, is_so, &wish, &status))
		fail_msg("%u channels, %u by RDMA, %u idle, %u lost: %s", status.channels,
			 status.direct, status.idle, status.lost, status.error);
	return status;
}

/* Which channels take READs: those by RDMA, those to this address. */
struct takers {
	unsigned direct, to, all;
	uint8_t last;
};

static void takers_posted(void *arg)
{
	struct takers *t = arg;

	for (unsigned i = 0; i < session->channel_count; i++) {
		const struct client_binding *b = &session->channels[i];
		const struct sockaddr_storage to = loopback(t->last);

		if (b->idle)
			continue;
		t->all++;
		t->direct += b->channel->direct;
		t->to += !b->channel->direct &&
			 channel_address_same_host(&b->channel->ch->link.peer, &to);
	}
}

static struct takers takers(uint8_t last)
{
	struct takers t = {.last = last};

	client_run(client, takers_posted, &t);
	return t;
}

/* What a client does all the time: nothing of the coming and going is seen. */
static void work(void)
{
	struct smb2_file_id id;
	uint8_t got[4096], bytes[4096];
	uint32_t n;

	memset(bytes, 'w', sizeof(bytes));
	assert_status(client_file_open(&tree, "work", FILE_OVERWRITE_IF, &id), STATUS_SUCCESS);
	for (unsigned i = 0; i < 8; i++) {
		assert_status(client_file_write(&tree, id, i * 4096, bytes, 4096, &n),
			      STATUS_SUCCESS);
		assert_status(client_file_read(&tree, id, i * 4096, got, 4096, &n), STATUS_SUCCESS);
		assert_memory_equal(got, bytes, 4096);
	}
	assert_status(client_file_close(&tree, id), STATUS_SUCCESS);
}

struct cutting {
	bool direct;
	unsigned cut;
};

static void cut_posted(void *arg)
{
	struct cutting *c = arg;

	for (unsigned i = 0; i < session->channel_count; i++) {
		struct client_channel *ch = session->channels[i].channel;

		if (ch->direct == c->direct && ch != first) {
			channel_close(ch->ch, -ESHUTDOWN);
			c->cut++;
		}
	}
}

static unsigned cut_all(bool direct)
{
	struct cutting c = {.direct = direct};

	client_run(client, cut_posted, &c);
	return c.cut;
}

/* ---- payload by RDMA, wherever it goes ---- */

#define SHOTS      8
#define SHOT_BYTES 65536u

static struct shots {
	struct client_request rqs[SHOTS];
	struct client_memory *memory[SHOTS];
	struct smb2_file_id id;
	uint16_t command;
	bool invalidate, cut;
	sem_t done;
} shots;

static void shot_done(struct client_request *rq)
{
	sem_post(&shots.done);
}

/* All at once; then the channels by RDMA are cut, if they are to be: nothing is answered yet. */
static void shots_posted(void *arg)
{
	struct cutting c = {.direct = true};

	for (unsigned i = 0; i < SHOTS; i++) {
		struct client_request *rq = &shots.rqs[i];
		const struct client_remote remote = {.memory = shots.memory[i],
						     .len = SHOT_BYTES,
						     .descriptors = 2,
						     .invalidate = shots.invalidate};

		client_tree_request(rq, &tree, shots.command);
		if (shots.command == SMB2_WRITE)
			assert_int_equal(client_remote_write(rq,
							     &(struct smb2_write_request){
								     .file_id = shots.id,
								     .offset = i * SHOT_BYTES},
							     &remote),
					 0);
		else
			assert_int_equal(client_remote_read(rq,
							    &(struct smb2_read_request){
								    .file_id = shots.id,
								    .offset = i * SHOT_BYTES},
							    &remote),
					 0);
		rq->done = shot_done;
		client_submit(rq);
	}
	if (shots.cut)
		cut_posted(&c);
}

static void shoot(uint16_t command, bool cut)
{
	shots.command = command;
	shots.cut = cut;
	client_run(client, shots_posted, NULL);
	for (unsigned i = 0; i < SHOTS; i++)
		while (sem_wait(&shots.done) != 0)
			;
	for (unsigned i = 0; i < SHOTS; i++) {
		assert_status(client_request_status(&shots.rqs[i]), STATUS_SUCCESS);
		assert_int_equal(shots.rqs[i].moved, SHOT_BYTES);
		client_request_fini(&shots.rqs[i]);
	}
}

static void work_by_rdma(bool cut_write, bool cut_read, bool invalidate)
{
	static uint8_t fill;

	shots.invalidate = invalidate;
	sem_init(&shots.done, 0, 0);
	assert_status(client_file_open(&tree, "shots", FILE_OVERWRITE_IF, &shots.id),
		      STATUS_SUCCESS);
	for (unsigned i = 0; i < SHOTS; i++) {
		assert_int_equal(client_memory_create(client, SHOT_BYTES, &shots.memory[i]), 0);
		memset(client_memory_bytes(shots.memory[i]), ++fill, SHOT_BYTES);
	}
	shoot(SMB2_WRITE, cut_write);
	for (unsigned i = 0; i < SHOTS; i++)
		memset(client_memory_bytes(shots.memory[i]), 0, SHOT_BYTES);
	shoot(SMB2_READ, cut_read);
	for (unsigned i = 0; i < SHOTS; i++) {
		const uint8_t *bytes = client_memory_bytes(shots.memory[i]);

		for (unsigned j = 0; j < SHOT_BYTES; j++)
			assert_int_equal(bytes[j], (uint8_t)(fill - SHOTS + 1 + i));
		client_memory_destroy(shots.memory[i]);
	}
	assert_status(client_file_close(&tree, shots.id), STATUS_SUCCESS);
	sem_destroy(&shots.done);
}

/* ---- the cases ---- */

/* TCP first, the question, then RDMA alone; and back, while that is gone. */
static void as_windows_does(void **state)
{
	struct client_keeper_status s;

	tell(0, 1, 10 * GBIT, FSCTL_NETWORK_INTERFACE_RDMA_CAPABLE);
	tell(1, 2, 100 * GBIT, FSCTL_NETWORK_INTERFACE_RSS_CAPABLE);
	keep((struct client_keeper_config){.transport = CLIENT_AUTO});
	becomes((struct wish){.channels = 2, .direct = 2, .idle = 1});
	work();
	assert_int_equal(takers(1).all, 2);
	assert_int_equal(takers(1).direct, 2);
	work_by_rdma(false, false, true);

	refuse_direct(true);
	assert_int_equal(cut_all(true), 2);
	becomes((struct wish){.channels = 4, .idle = 1, .lost = 2}); /* RSS */
	work();
	work_by_rdma(false, false, true); /* in messages */
	assert_int_equal(takers(2).to, 4);

	refuse_direct(false);
	s = becomes((struct wish){.channels = 2, .direct = 2, .idle = 1});
	work();
	assert_int_equal(takers(1).direct, 2);
	assert_true(s.queries > 1); /* it asks when one is lost */
}

static bool is_better(const struct client_keeper_status *s, void *arg)
{
	return s->settled && s->quality > *(const uint64_t *)arg && s->channels == 2;
}

/* What was under way by RDMA goes again by RDMA, or by TCP, whatever is left. */
static void rdma_is_lost(void **state)
{
	tell(0, 1, 10 * GBIT, FSCTL_NETWORK_INTERFACE_RDMA_CAPABLE);
	keep((struct client_keeper_config){.transport = CLIENT_AUTO});
	for (unsigned i = 1; i <= 4; i++) {
		becomes((struct wish){.channels = 2, .direct = 2, .idle = 1, .lost = 2 * (i - 1)});
		work_by_rdma(i % 2, i % 2 == 0, i > 2);
	}
	becomes((struct wish){.channels = 2, .direct = 2, .idle = 1, .lost = 8});
	work_by_rdma(false, false, false);
}

/* What takes no connection now is tried again, and used when it does. */
static void better_comes_back(void **state)
{
	struct client_keeper_status s;
	uint64_t quality;

	tell(0, 2, 10 * GBIT, 0);
	tell(1, 3, GBIT, 0);
	refuse(2, true);
	keep((struct client_keeper_config){.transport = CLIENT_TCP, .channels = 2});
	s = becomes((struct wish){.channels = 2, .idle = 1});
	assert_true(s.failed > 0);
	assert_int_equal(takers(3).to, 2);
	work();
	quality = s.quality;
	refuse(2, false);
	assert_true(client_keeper_wait(keeper, is_better, &quality, &s));
	becomes((struct wish){.channels = 2, .idle = 1});
	assert_int_equal(takers(2).to, 2);
	work();
}

/* The first address takes part if it is as good as the others. */
static void lost_is_dialled_again(void **state)
{
	tell(0, 1, GBIT, FSCTL_NETWORK_INTERFACE_RSS_CAPABLE);
	keep((struct client_keeper_config){.transport = CLIENT_TCP});
	becomes((struct wish){.channels = 4});
	for (unsigned i = 1; i <= 12; i++) {
		assert_int_equal(cut_all(false), 3);
		work();
		becomes((struct wish){.channels = 4, .lost = 3 * i});
	}
}

static bool has_asked(const struct client_keeper_status *s, void *arg)
{
	return s->queries >= *(const unsigned *)arg;
}

/* What is new is heard of when its time has come. */
static void asks_again(void **state)
{
	struct client_keeper_status s;
	unsigned queries = 3;

	tell(0, 1, GBIT, 0);
	keep((struct client_keeper_config){.transport = CLIENT_TCP, .query_ms = 30});
	becomes((struct wish){.channels = 1});
	assert_true(client_keeper_wait(keeper, has_asked, &queries, &s));
	assert_int_equal(s.channels, 1);
	assert_int_equal(s.dialled, 0);
	tell(1, 2, 10 * GBIT, 0);
	becomes((struct wish){.channels = 1, .idle = 1});
	assert_int_equal(takers(2).to, 1);
	work();
}

/* A server that tells nothing of use is reached as it was reached. */
static void nothing_is_told(void **state)
{
	keep((struct client_keeper_config){.transport = CLIENT_TCP, .channels = 3});
	becomes((struct wish){.channels = 3});
	assert_int_equal(takers(1).to, 3);
	work();
}

/* What was let go stays bound if that is wanted. */
static void inferior_is_kept(void **state)
{
	tell(0, 2, 10 * GBIT, 0);
	tell(1, 3, GBIT, 0);
	refuse(2, true);
	keep((struct client_keeper_config){
		.transport = CLIENT_TCP, .channels = 2, .keep_inferior = true});
	becomes((struct wish){.channels = 2, .idle = 1});
	refuse(2, false);
	becomes((struct wish){.channels = 2, .idle = 3});
	assert_int_equal(takers(2).to, 2);
	assert_int_equal(client_session_channels(session), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(as_windows_does, setup, teardown),
		cmocka_unit_test_setup_teardown(rdma_is_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(better_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(lost_is_dialled_again, setup, teardown),
		cmocka_unit_test_setup_teardown(asks_again, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(inferior_is_kept, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
