/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a connection costs: pool buffers and what the reactor's thread allocates for it. The
 * device's own queues are not counted. docs/architecture.md states the numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/direct_server.h"
#include "tests/fake/malloc_count.h"
#include "transport/buf/buf.h"
#include "transport/reactor/reactor.h"

#define PEERS 8u

struct sample {
	struct reactor_post post;
	size_t bytes;
	atomic_uint done;
};

static void sample_take(struct reactor_post *post)
{
	struct sample *s = container_of(post, struct sample, post);

	if (malloc_counted())
		s->bytes = malloc_bytes_thread() - fake_verbs_allocated_thread();
	atomic_store(&s->done, 1);
}

/* Bytes in use for connections, by the reactor's thread and of the pool. */
static size_t in_use(struct direct_server *s)
{
	struct sample sample = {.post.run = sample_take};
	struct buf_pool_stats stats;

	reactor_post(s->reactor, &sample.post);
	assert_true(echo_wait(&sample.done, 1));
	buf_pool_stats(s->pool, &stats);
	return sample.bytes + stats.bufs_out * BUF_SMALL_BYTES;
}

/* [MS-SMBD] 3.1.1.1 with the numbers of Windows: 255 credits are asked for, 8192 bytes taken. */
static void an_idle_connection(void **state)
{
	struct direct_server *s = *state;
	struct direct_peer *peers[PEERS];
	size_t before, each;

	direct_server_start(s);
	before = in_use(s);
	for (unsigned i = 0; i < PEERS; i++)
		peers[i] = direct_server_friend(s, 100);
	each = (in_use(s) - before) / PEERS;
	printf("# an idle connection: %zu KiB\n", each / 1024);
	assert_in_range(each, 32u << 10, 112u << 10);
	for (unsigned i = 0; i < PEERS; i++)
		direct_peer_close(peers[i]);
}

/* A message as long as they may be; `credits` are what the peer has before, and after. */
static void send_longest(struct direct_server *s, struct direct_peer *p, unsigned *credits)
{
	const uint32_t len = s->config.fragmented_bytes;
	struct direct_data out;

	for (uint32_t at = 0, n; at < len; at += n, --*credits) {
		n = len - at < 1340 ? len - at : 1340;
		while (*credits == 0) {
			assert_true(direct_peer_next(p, &out));
			*credits += out.credits_granted;
		}
		assert_true(direct_peer_data(p, 1, direct_server_pattern() + at, n, len - at - n));
	}
	while (!direct_peer_quiet(p, 20)) {
		assert_true(direct_peer_next(p, &out));
		*credits += out.credits_granted;
	}
}

/* The peer has need of all the credits it asked for, and is given them. */
static void a_busy_connection(void **state)
{
	struct direct_server *s = *state;
	unsigned credits = 30; /* after friend()'s empty message */
	struct direct_peer *p;
	size_t before, each;

	s->echo.mute = true;
	direct_server_start(s);
	before = in_use(s);
	p = direct_server_friend(s, 200);
	send_longest(s, p, &credits);
	assert_true(echo_wait(&s->echo.messages, 1));
	assert_in_range(credits, 255 - 63, 255);
	each = in_use(s) - before;
	printf("# a connection that has all its credits: %zu KiB\n", each / 1024);
	assert_in_range(each, 128u << 10, 512u << 10);
	direct_peer_close(p);
}

/* Fact 7: a message of MaxFragmentedSize needs no more than a few receives: what came is in a pool
 * buffer, and its receives are posted again. */
static void fact_7_fragmented_size_is_backed(void **state)
{
	struct direct_server *s = *state;
	unsigned credits = 3;
	struct direct_peer *p;

	s->echo.mute = true;
	s->config.receive_credits = 4;
	direct_server_start(s);
	p = direct_server_friend(s, 255);
	send_longest(s, p, &credits);
	assert_true(echo_wait(&s->echo.messages, 1));
	direct_peer_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIRECT_CASE(an_idle_connection),
		DIRECT_CASE(a_busy_connection),
		DIRECT_CASE(fact_7_fragmented_size_is_backed),
	};

	return cmocka_run_group_tests_name("rdma/memory", tests, NULL, NULL);
}
