/* SPDX-License-Identifier: Apache-2.0 */
/* The client's sessions of several channels, against a real server: binding, spreading, and what
 * becomes of requests whose channel is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smbd/auth/client.h"
#include "tests/fake/live_server.h"
#include "tools/client/private.h"

#define BLOCK    65536u
#define BLOCKS   64u
#define CHANNELS 4u
#define CUTS     60u

static struct live_server server;
static struct client *client;

struct bound {
	struct live_login login;
	struct client_channel *more[CLIENT_CHANNELS];
	unsigned count;
	struct smb2_file_id file;
};

static void assert_status(struct nt_status got, struct nt_status want)
{
	assert_string_equal(nt_status_name(got), nt_status_name(want));
}

static int start(void **state)
{
	live_server_start(&server, NULL);
	return client_create(NULL, &client);
}

static int stop(void **state)
{
	client_destroy(client);
	live_server_stop(&server);
	return 0;
}

static struct nt_status try_bind(struct bound *b, const char *password)
{
	const struct auth_credentials who = {
		.user = server.user, .domain = "", .password = password};
	const struct client_login login = {.who = &who};

	b->more[b->count] = live_connect(&server, client);
	return client_bind(b->more[b->count++], &login, b->login.session);
}

static void open_bound(struct bound *b, bool sign, const char *name)
{
	memset(b, 0, sizeof(*b));
	live_login(&server, client, sign, &b->login);
	for (unsigned i = 1; i < CHANNELS; i++)
		assert_status(try_bind(b, LIVE_PASSWORD), STATUS_SUCCESS);
	assert_int_equal(client_session_channels(b->login.session), CHANNELS);
	assert_status(client_file_open(&b->login.tree, name, FILE_OVERWRITE_IF, &b->file),
		      STATUS_SUCCESS);
}

static void close_bound(struct bound *b)
{
	assert_status(client_file_close(&b->login.tree, b->file), STATUS_SUCCESS);
	assert_status(client_logoff(b->login.session), STATUS_SUCCESS);
	client_disconnect(b->login.channel);
	while (b->count)
		client_disconnect(b->more[--b->count]);
}

static void fill(uint8_t *to, unsigned block, unsigned round)
{
	memset(to, (int)(block * 7 + round * 31 + 1), BLOCK);
}

static void begin_write(struct client_request *rq, const struct bound *b, unsigned block,
			uint8_t *bytes)
{
	const struct smb2_write_request in = {
		.length = BLOCK, .offset = (uint64_t)block * BLOCK, .file_id = b->file};

	client_tree_request(rq, &b->login.tree, SMB2_WRITE);
	smb2_write_request_encode(&rq->w, &in);
	rq->payload = (struct slice){.data = bytes, .len = BLOCK};
	client_begin(rq);
}

static void begin_read(struct client_request *rq, const struct bound *b, unsigned block)
{
	const struct smb2_read_request in = {.padding = SMB2_READ_RESPONSE_DATA_OFFSET,
					     .length = BLOCK,
					     .offset = (uint64_t)block * BLOCK,
					     .file_id = b->file};

	client_tree_request(rq, &b->login.tree, SMB2_READ);
	rq->payload_max = BLOCK;
	smb2_read_request_encode(&rq->w, &in);
	client_begin(rq);
}

static void end_read(struct client_request *rq, const uint8_t *want)
{
	struct smb2_read_response out;
	struct rd r;

	assert_status(client_wait(rq), STATUS_SUCCESS);
	r = client_reply(rq);
	assert_true(smb2_read_response_decode(&r, &out));
	assert_int_equal(out.data.len, BLOCK);
	assert_memory_equal(out.data.data, want, BLOCK);
	client_request_fini(rq);
}

static struct client_request rqs[BLOCKS];
static uint8_t bytes[BLOCKS][BLOCK];

static unsigned channels_used(void)
{
	unsigned used = 0;

	for (unsigned i = 0; i < BLOCKS; i++) {
		unsigned before = 0;

		for (unsigned j = 0; j < i; j++)
			before += rqs[j].channel == rqs[i].channel;
		used += !before;
	}
	return used;
}

static void write_all(const struct bound *b, unsigned round)
{
	for (unsigned i = 0; i < BLOCKS; i++) {
		fill(bytes[i], i, round);
		begin_write(&rqs[i], b, i, bytes[i]);
	}
}

static void wait_all(void)
{
	for (unsigned i = 0; i < BLOCKS; i++) {
		assert_status(client_wait(&rqs[i]), STATUS_SUCCESS);
		client_request_fini(&rqs[i]);
	}
}

static void spreads(bool sign)
{
	struct bound b;

	open_bound(&b, sign, "spread");
	write_all(&b, 0);
	wait_all();
	assert_int_equal(channels_used(), CHANNELS);
	for (unsigned i = 0; i < BLOCKS; i++)
		begin_read(&rqs[i], &b, i);
	for (unsigned i = 0; i < BLOCKS; i++)
		end_read(&rqs[i], bytes[i]);
	assert_int_equal(channels_used(), CHANNELS);
	close_bound(&b);
}

static void spreads_unsigned(void **state)
{
	spreads(false);
}

static void spreads_signed(void **state)
{
	spreads(true);
}

/* [MS-SMB2] 3.3.5.5.2: who cannot log in cannot bind; the session is as before. */
static void refused_bind(void **state)
{
	struct bound b;

	open_bound(&b, true, "refused");
	assert_status(try_bind(&b, "wrong"), STATUS_LOGON_FAILURE);
	write_all(&b, 1);
	wait_all();
	assert_int_equal(channels_used(), CHANNELS);
	close_bound(&b);
}

/* The first channel has the tree; without it everything else goes on too. */
static void first_channel_dies(void **state)
{
	struct bound b;

	open_bound(&b, true, "first");
	client_cut(b.login.channel);
	assert_true(client_wait_closed(b.login.channel));
	assert_int_equal(client_session_channels(b.login.session), CHANNELS - 1);
	write_all(&b, 2);
	wait_all();
	close_bound(&b);
}

static void last_channel_dies(void **state)
{
	struct bound b;

	open_bound(&b, false, "last");
	write_all(&b, 3);
	client_cut(b.login.channel);
	while (b.count)
		client_cut(b.more[--b.count]);
	b.count = CHANNELS - 1;
	for (unsigned i = 0; i < CHANNELS; i++)
		assert_true(client_wait_closed(i ? b.more[i - 1] : b.login.channel));
	for (unsigned i = 0; i < BLOCKS; i++) { /* the first may have been in time */
		struct nt_status status = client_wait(&rqs[i]);

		if (!nt_success(status))
			assert_status(status, STATUS_CONNECTION_DISCONNECTED);
		client_request_fini(&rqs[i]);
	}
	assert_int_equal(client_session_channels(b.login.session), 0);
	client_session_free(b.login.session);
	client_disconnect(b.login.channel);
	while (b.count)
		client_disconnect(b.more[--b.count]);
}

static uint64_t chance(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static struct client_channel *nth_channel(const struct bound *b, unsigned n)
{
	return n ? b->more[n - 1] : b->login.channel;
}

static void compare_file(const char *name)
{
	static uint8_t got[BLOCK];
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/share/%s", server.dir, name);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	for (unsigned i = 0; i < BLOCKS; i++) {
		assert_int_equal(pread(fd, got, BLOCK, (off_t)i * BLOCK), BLOCK);
		assert_memory_equal(got, bytes[i], BLOCK);
	}
	close(fd);
}

/* One session: all its channels but one are cut at random moments of a load. Every write that was
 * acknowledged is there, the last one of each block, and no error is seen. How many had requests
 * under way. */
static unsigned cut_session(uint64_t *seed, bool sign)
{
	struct bound b;
	unsigned lost;

	open_bound(&b, sign, "cut");
	write_all(&b, 0);
	wait_all();
	for (unsigned alive = CHANNELS; alive > 1; alive--) {
		struct client_channel *victim;
		unsigned at = (unsigned)(chance(seed) % BLOCKS);

		do
			victim = nth_channel(&b, (unsigned)(chance(seed) % CHANNELS));
		while (!client_connected(victim, NULL));
		for (unsigned i = 0; i < BLOCKS; i++) {
			if (i % 2)
				begin_read(&rqs[i], &b, i);
			else {
				fill(bytes[i], i, alive + (unsigned)(*seed % 97));
				begin_write(&rqs[i], &b, i, bytes[i]);
			}
			if (i == at)
				client_cut(victim);
		}
		for (unsigned i = 0; i < BLOCKS; i++) {
			if (i % 2)
				end_read(&rqs[i], bytes[i]);
			else
				assert_status(client_wait(&rqs[i]), STATUS_SUCCESS);
			client_request_fini(&rqs[i]);
		}
	}
	assert_int_equal(client_session_channels(b.login.session), 1);
	lost = b.login.session->channel_sequence;
	compare_file("cut");
	close_bound(&b);
	return lost;
}

/* [MS-SMB2] 3.2.4.1.5, 3.2.6.1, 3.3.5.2.10 */
static void survives_cuts(void **state)
{
	uint64_t seed = 0x5eed1234567ull;
	unsigned lost = 0;

	for (unsigned cuts = 0; cuts < CUTS; cuts += CHANNELS - 1)
		lost += cut_session(&seed, cuts % 2);
	assert_in_range(lost, 1, CUTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spreads_unsigned),  cmocka_unit_test(spreads_signed),
		cmocka_unit_test(refused_bind),      cmocka_unit_test(first_channel_dies),
		cmocka_unit_test(last_channel_dies), cmocka_unit_test(survives_cuts),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
