/* SPDX-License-Identifier: Apache-2.0 */
/* One client asks for much and takes nothing of it: the others are served, out of what is left of
 * the buffer pool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <cmocka.h>
#include <semaphore.h>
#include <stdlib.h>

#include "smbd/auth/client.h"
#include "smbd/wire/create.h"
#include "smbd/wire/read.h"
#include "tests/fake/live_server.h"
#include "transport/reactor/reactor.h"

#define READS 60 /* of 1 MiB: far more than the pool, and than sockets hold */
#define MIB   (1u << 20)

static struct live_server server;
static struct client *greedy, *other;

static int start(void **state)
{
	const struct client_config many = {.credits = 4000};

	live_server_start(&server, "smb3d:buffer memory = 16M\n");
	return client_create(&many, &greedy) || client_create(NULL, &other);
}

static int stop(void **state)
{
	client_destroy(greedy);
	client_destroy(other);
	live_server_stop(&server);
	return 0;
}

static void assert_status(struct nt_status got, struct nt_status want)
{
	assert_string_equal(nt_status_name(got), nt_status_name(want));
}

struct flood {
	struct reactor_post post;
	struct client_request *rqs;
	sem_t stopped, go, done;
	unsigned replies;
};

/* The first answer stops the client's thread. */
static void flood_done(struct client_request *rq)
{
	struct flood *f = rq->user;

	if (f->replies++ == 0) {
		sem_post(&f->stopped);
		sem_wait(&f->go);
	}
	sem_post(&f->done);
}

static void flood_run(struct reactor_post *post)
{
	struct flood *f = container_of(post, struct flood, post);

	for (unsigned i = 0; i < READS; i++)
		client_submit(&f->rqs[i]);
}

static void flood_begin(struct flood *f, const struct live_login *l, struct smb2_file_id id)
{
	const struct smb2_read_request in = {.length = MIB, .file_id = id};

	*f = (struct flood){.post.run = flood_run, .rqs = calloc(READS, sizeof(*f->rqs))};
	sem_init(&f->stopped, 0, 0);
	sem_init(&f->go, 0, 0);
	sem_init(&f->done, 0, 0);
	for (unsigned i = 0; i < READS; i++) {
		client_tree_request(&f->rqs[i], &l->tree, SMB2_READ);
		smb2_read_request_encode(&f->rqs[i].w, &in);
		f->rqs[i].payload_max = MIB;
		f->rqs[i].done = flood_done;
		f->rqs[i].user = f;
	}
	reactor_post(client_reactor(greedy), &f->post);
	sem_wait(&f->stopped);
}

static void flood_end(struct flood *f, struct nt_status last)
{
	sem_post(&f->go);
	for (unsigned i = 0; i < READS; i++)
		sem_wait(&f->done);
	assert_status(client_request_status(&f->rqs[READS - 1]), last);
	for (unsigned i = 0; i < READS; i++) {
		client_request_fini(&f->rqs[i]);
	}
	free(f->rqs);
}

static void others_are_served(void **state)
{
	struct smb2_file_id id, theirs;
	uint8_t *bytes = calloc(1, MIB);
	struct live_login l, m;
	struct flood flood;
	uint32_t n;

	/* signed: answers take buffers of the pool */
	live_login(&server, greedy, true, &l);
	live_login(&server, other, true, &m);
	assert_status(client_file_open(&l.tree, "much", FILE_OPEN_IF, &id), STATUS_SUCCESS);
	assert_status(client_file_write(&l.tree, id, 0, bytes, MIB, &n), STATUS_SUCCESS);
	flood_begin(&flood, &l, id);
	assert_status(client_file_open(&m.tree, "theirs", FILE_OPEN_IF, &theirs), STATUS_SUCCESS);
	for (unsigned i = 0; i < 4; i++) {
		assert_status(client_file_write(&m.tree, theirs, 0, bytes, MIB, &n),
			      STATUS_SUCCESS);
		assert_status(client_file_read(&m.tree, theirs, 0, bytes, MIB, &n), STATUS_SUCCESS);
		assert_int_equal(n, MIB);
	}
	assert_status(client_file_close(&m.tree, theirs), STATUS_SUCCESS);
	flood_end(&flood, STATUS_SUCCESS);
	assert_status(client_file_close(&l.tree, id), STATUS_SUCCESS);
	live_logout(&m);
	live_logout(&l);
	free(bytes);
}

/* [MS-SMB2] 3.3.5.5.3: who comes back does not wait for what his lost connection did not take. */
static void comes_back(bool sign)
{
	const struct auth_credentials who = {.user = server.user,
					     .domain = "",
					     .password = LIVE_PASSWORD,
					     .workstation = "TEST"};
	struct client_login login = {.who = &who};
	uint8_t *bytes = calloc(1, MIB);
	struct smb2_file_id id;
	struct live_login l, m = {0};
	struct flood flood;
	uint32_t n;

	live_login(&server, greedy, sign, &l);
	assert_status(client_file_open(&l.tree, "much", FILE_OPEN_IF, &id), STATUS_SUCCESS);
	assert_status(client_file_write(&l.tree, id, 0, bytes, MIB, &n), STATUS_SUCCESS);
	flood_begin(&flood, &l, id);
	login.previous_session_id = client_session_id(l.session);
	m.channel = live_connect(&server, other);
	assert_status(client_login(m.channel, &login, &m.session), STATUS_SUCCESS);
	flood_end(&flood, STATUS_CONNECTION_DISCONNECTED);
	live_logout(&m);
	live_logout(&l);
	free(bytes);
}

static void comes_back_signed(void **state)
{
	comes_back(true);
}

static void comes_back_unsigned(void **state)
{
	comes_back(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(others_are_served),
		cmocka_unit_test(comes_back_signed),
		cmocka_unit_test(comes_back_unsigned),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
