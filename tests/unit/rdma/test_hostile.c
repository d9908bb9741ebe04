/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that keep no rule: random messages at random points of a connection, by seed; some that
 * are nearly right, since those get furthest. Beside them an honest client, whose service must not
 * suffer. The fixture sees to it that nothing is left of any: no buffer, no region, no queue.
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

#include "tests/fake/direct_server.h"

#define SEEDS 300u
#define STEPS 60u

static uint32_t rng;

static uint32_t toss(uint32_t below)
{
	rng = rng * 1664525u + 1013904223u;
	return (rng >> 8) % below;
}

/* One of the values at which code errs. */
static uint32_t edge(void)
{
	static const uint32_t edges[] = {
		0,          1,           2,           7,          8,        20,
		24,         127,         128,         255,        1340,     1364,
		8192,       65535,       65536,       131072,     1u << 20, (1u << 20) + 1,
		0x7fffffff, 0x80000000u, 0xfffffff0u, 0xffffffffu};

	return edges[toss(sizeof(edges) / sizeof(edges[0]))];
}

static void hostile_negotiate(struct direct_peer *p)
{
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_negotiate_rsp rsp;

	switch (toss(12)) {
	case 0:
		req.min_version = (uint16_t)edge();
		req.max_version = (uint16_t)edge();
		break;
	case 1:
		req.credits_requested = (uint16_t)edge();
		req.preferred_send_size = edge();
		break;
	case 2:
		req.max_receive_size = edge();
		req.max_fragmented_size = edge();
		break;
	default:
		break;
	}
	if (toss(30) == 0)
		direct_peer_send(p, &req, toss(20)); /* too short */
	else
		direct_peer_negotiate(p, &req, &rsp);
}

/* A data transfer with every field possibly wrong, and a length of its own. */
static void hostile_bytes(struct direct_peer *p)
{
	uint8_t message[1364];
	struct wr w = wr_init(message, sizeof(message));

	memset(message, 0x5a, sizeof(message));
	wr_u16(&w, (uint16_t)(toss(4) ? 255 : edge()));
	wr_u16(&w, (uint16_t)(toss(4) ? toss(10) : edge()));
	wr_u16(&w, (uint16_t)(toss(3) ? 0 : edge()));
	wr_u16(&w, (uint16_t)edge());
	wr_u32(&w, toss(2) ? 0 : edge());
	wr_u32(&w, toss(4) ? 24 : edge());
	wr_u32(&w, toss(2) ? toss(1340) : edge());
	direct_peer_send(p, message, toss(6) ? 24 + toss(1341) : toss(24));
}

/* Nearly right: what a message says fits with itself, but perhaps not with the one before. */
static void hostile_fragment(struct direct_peer *p, uint32_t *left)
{
	uint32_t n = *left ? 1 + toss(*left < 1340 ? *left : 1340) : 1 + toss(1340);
	struct direct_data header = {.credits_requested = (uint16_t)(1 + toss(300)),
				     .credits_granted = (uint16_t)toss(4),
				     .flags = (uint16_t)toss(2),
				     .len = n};

	if (!*left)
		*left = n + (toss(2) ? toss(5000) : 0);
	*left -= n;
	header.remaining = *left;
	if (toss(60) == 0)
		header.remaining += toss(3);
	direct_peer_data_of(p, &header, direct_server_pattern());
}

static void hostile_empty(struct direct_peer *p)
{
	struct direct_data header = {.credits_requested = (uint16_t)(1 + toss(300)),
				     .credits_granted = (uint16_t)toss(6),
				     .flags = (uint16_t)toss(2)};

	direct_peer_data_of(p, &header, NULL);
}

static void hostile_step(struct direct_peer *p, uint32_t *left)
{
	uint8_t bytes[8192];

	switch (toss(12)) {
	case 0:
		if (toss(4) == 0)
			hostile_bytes(p);
		break;
	case 1:
	case 2:
		hostile_empty(p);
		break;
	case 3:
		if (!direct_peer_quiet(p, 1))
			direct_peer_receive(p, bytes, sizeof(bytes));
		break;
	case 4:
		if (toss(10) == 0)
			hostile_negotiate(p);
		break;
	default:
		hostile_fragment(p, left);
		break;
	}
}

static void hostile_life(struct direct_server *s, uint32_t seed)
{
	struct direct_peer *p;
	uint32_t left = 0;

	rng = seed * 2654435761u + 1;
	p = direct_peer_connect(&s->address, 1 + toss(255));
	if (toss(16))
		hostile_negotiate(p);
	for (unsigned i = toss(STEPS); i && !direct_peer_is_gone(p); i--)
		hostile_step(p, &left);
	direct_peer_close(p);
}

static void seeded(struct direct_server *s, size_t head_len)
{
	struct direct_peer *honest;

	s->echo.head_len = head_len;
	s->config.receive_credits = 40;
	s->config.negotiate_timeout_ms = 3000; /* of those who say nothing */
	s->config.unreleased = 3;
	direct_server_start(s);
	honest = direct_server_friend(s, 100);
	for (uint32_t seed = 0; seed < SEEDS; seed++) {
		hostile_life(s, seed * 2 + (head_len != 0));
		if (seed % 16 == 0)
			direct_server_echo(honest, 3000, 1000);
	}
	direct_server_echo(honest, 3000, 1000);
	direct_peer_close(honest);
	assert_true(atomic_load(&s->echo.messages) > SEEDS); /* it went beyond the negotiation */
	printf("# %u channels, %u messages\n", atomic_load(&s->echo.accepted),
	       atomic_load(&s->echo.messages));
}

static void whole_messages(void **state)
{
	seeded(*state, 0);
}

static void messages_with_a_body(void **state)
{
	seeded(*state, 112);
}

/* ---- one rule each ---- */

/* 3.1.5.8 adds up what it grants us: as many as a message can grant are believed, but not more at a
 * time than any queue has receives. */
static void grants_without_end(void **state)
{
	struct direct_server *s = *state;
	struct direct_data out;
	struct direct_peer *p;
	unsigned credits = 0;

	direct_server_start(s);
	p = direct_server_friend(s, 0);
	assert_true(direct_peer_data(p, 65535, "x", 1, 0));
	assert_true(direct_peer_next_payload(p, &out, &credits));
	assert_true(direct_peer_data(p, 1, NULL, 0, 0)); /* the answer has cost one */
	assert_false(direct_peer_is_gone(p));
	direct_peer_data(p, 65535, NULL, 0, 0);
	direct_server_dies(s, p, -EPROTO);
}

/* We were told of credits that are none: our send meets no receive, and the connection is over. */
static void grants_that_lie(void **state)
{
	struct direct_server *s = *state;
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_negotiate_rsp rsp;
	struct direct_peer *p;

	direct_server_start(s);
	p = direct_peer_connect(&s->address, 1);
	direct_peer_withhold(p);
	assert_true(direct_peer_negotiate(p, &req, &rsp));
	for (unsigned i = 0; i < 8 && !direct_peer_is_gone(p); i++)
		direct_peer_data(p, 10, "hello", 5, 0);
	direct_server_dies(s, p, -ECONNRESET);
}

/* The peer asks for an answer with every message, and gives no credit for any. */
static void keepalives_without_credit(void **state)
{
	struct direct_server *s = *state;
	struct direct_data ask = {.credits_requested = 255, .flags = DIRECT_RESPONSE_REQUESTED};
	struct direct_peer *p;

	s->config.receive_credits = 8;
	direct_server_start(s);
	p = direct_server_friend(s, 0);
	for (unsigned i = 0; i < 8; i++)
		assert_true(direct_peer_data_of(p, &ask, NULL));
	direct_peer_data_of(p, &ask, NULL);
	direct_server_dies(s, p, -EPROTO);
}

/* A second negotiation on an open connection is a data transfer that makes no sense. */
static void negotiates_twice(void **state)
{
	struct direct_server *s = *state;
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_negotiate_rsp rsp;
	struct direct_peer *p;

	direct_server_start(s);
	p = direct_server_friend(s, 5);
	assert_false(direct_peer_negotiate(p, &req, &rsp));
	direct_server_dies(s, p, -EPROTO);
}

/* A message that never ends, and then the connection does. */
static void leaves_in_the_middle(void **state)
{
	struct direct_server *s = *state;

	direct_server_start(s);
	for (unsigned i = 0; i < 10; i++) {
		struct direct_peer *p = direct_server_friend(s, 10);

		for (unsigned j = 0; j < i; j++)
			assert_true(direct_peer_data(p, 0, direct_server_pattern(), 1000,
						     100000 - 1000 * j - 1000));
		direct_peer_close(p);
	}
	assert_true(echo_wait(&s->echo.closed, 10));
	assert_int_equal(atomic_load(&s->echo.messages), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIRECT_CASE(whole_messages),
		DIRECT_CASE(messages_with_a_body),
		DIRECT_CASE(grants_without_end),
		DIRECT_CASE(grants_that_lie),
		DIRECT_CASE(keepalives_without_credit),
		DIRECT_CASE(negotiates_twice),
		DIRECT_CASE(leaves_in_the_middle),
	};

	return cmocka_run_group_tests_name("rdma/hostile", tests, NULL, NULL);
}
