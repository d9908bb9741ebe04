/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conformance suite: every clause of transport/channel.h as a named test, run over each
 * transport of fixtures[]. A clause is a function over a connected pair of ends, each on a reactor
 * of its own; the test thread tells an end what to do and waits for what it sees. The ends check by
 * themselves what holds always: callbacks on the right thread, none inside a call, none after
 * closed(), each op done once, sends in order.
 *
 * A transport joins by a struct transport_fixture. What it has not, its limits say, and the clause
 * checks that it is absent.
 */
#ifndef TESTS_CONFORMANCE_HARNESS_H
#define TESTS_CONFORMANCE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <cmocka.h>
#include <pthread.h>

#include "transport/buf/buf.h"
#include "transport/channel.h"
#include "transport/reactor/reactor.h"

struct pair;

enum remote_access { REMOTE_READ = 1, REMOTE_WRITE = 2 };

struct transport_fixture {
	const char *name;
	const char *needs; /* runs only where this is in the environment; NULL: anywhere */
	/* Before end i gets its pool: what the transport wants of that. May be NULL. */
	void (*pool)(struct pair *pair, unsigned i, struct buf_pool_config *config);
	/* Connect pair->end[0] and [1]: their acceptors are called, soon. 0 or -errno. Bounds that
	 * the clauses count on: msg_bytes at least 1 MiB, slices at least 4, unreleased
	 * CONF_UNRELEASED, an orderly close waits CONF_CLOSE_MS at most. */
	int (*connect)(struct pair *pair);
	/* What connect() made beyond the channels; after both are gone and the reactors stopped. */
	void (*disconnect)(struct pair *pair);
	/* Let the peer of ch at this memory. NULL where limits.remote_bytes is 0. */
	struct remote_slice (*expose)(struct channel *ch, void *base, uint32_t len,
				      unsigned access);
	bool (*exposed)(struct channel *ch, uint32_t token);
};

extern const struct transport_fixture *const fixtures[]; /* NULL ends it */

#define CONF_UNRELEASED 8
#define CONF_CLOSE_MS   300
#define CONF_POOL_BYTES (24u << 20)
#define CONF_GOT_MAX    256

/* A message as it came. */
struct got {
	struct channel_msg *msg; /* NULL: released */
	uint8_t *bytes;          /* a copy */
	size_t head_len, len;
	bool body_aligned, body_in_pool;
};

struct end {
	struct channel_acceptor acceptor;
	struct pair *pair;
	struct reactor *reactor;
	struct buf_pool *pool;
	struct channel *ch;

	/* how to behave; under lock (END_SET) but refuse */
	int refuse;      /* accepted() gives this */
	bool hold;       /* keep messages; else released in message() */
	size_t head_len; /* what split() says; 0: all */
	void (*on_message)(struct end *e);
	void (*on_done)(struct end *e);

	/* what happened; under lock */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct got got[CONF_GOT_MAX];
	unsigned got_count;
	unsigned done_count, send_order;
	unsigned submitted; /* sends */
	unsigned splits;
	size_t split_have, split_total;
	bool accepted, closed;
	int closed_err;
	char broken[160]; /* the first breach */
	bool in_call;
};

struct pair {
	const struct transport_fixture *fixture;
	struct end end[2];
	void *fixture_state;
};

/* A send, or a pull, with bytes of its own. */
struct op {
	struct channel_send send;
	struct channel_pull pull;
	struct slice slices[64];
	struct remote_slice remote[16];
	struct end *end;
	uint8_t *bytes;
	size_t len;
	unsigned submitted; /* as the n-th send of its end */
	unsigned done;      /* times */
	int err;
};

/* ---- the test's thread ---- */

void pair_open(struct pair *p, const struct transport_fixture *fixture);
/* Waits for both ends to be accepted. */
void pair_ready(struct pair *p);
void pair_shut(struct pair *p);

/* The end's callbacks so far have returned; what the test did so far is seen by the next. */
void end_sync(struct end *e);
/* Run fn on the end's reactor, and wait until it has. */
void end_run(struct end *e, void (*fn)(struct end *e, void *arg), void *arg);

/* Waits for cond, an expression over the end `e`; fails the test after a long time. */
#define END_WAIT(e, cond)                                                                     \
	do {                                                                                  \
		bool end_wait_ok_ = true;                                                     \
		pthread_mutex_lock(&(e)->lock);                                               \
		while (end_wait_ok_ && !(cond))                                               \
			end_wait_ok_ = end_wait_change(e);                                    \
		pthread_mutex_unlock(&(e)->lock);                                             \
		if (!end_wait_ok_)                                                            \
			fail_msg("end %d waits in vain for: %s", (int)((e) - (e)->pair->end), \
				 #cond);                                                      \
	} while (0)

bool end_wait_change(struct end *e);

#define END_SET(e, assignment)                    \
	do {                                      \
		pthread_mutex_lock(&(e)->lock);   \
		(e)->assignment;                  \
		pthread_mutex_unlock(&(e)->lock); \
	} while (0)

unsigned end_got_count(struct end *e);

/* A send of len patterned bytes; the seed makes the pattern. */
struct op *op_send(struct end *e, uint32_t seed, size_t len);
/* The same in `count` slices of uneven length. */
void op_slice(struct op *op, unsigned count);
struct op *op_pull(struct end *e, size_t len);
void op_free(struct op *op);

void end_submit(struct end *e, struct op *const *ops, unsigned count); /* in one turn */
void end_submit_one(struct end *e, struct op *op);
void end_close(struct end *e, int why);
void end_release(struct end *e, unsigned index);
void end_release_all(struct end *e);

/* One message from e to its peer and one back: what was sent before has had its chance. Ends with
 * nothing recorded of it but that the counts go up. */
void pair_ping(struct end *from);

void pattern_fill(uint8_t *p, uint32_t seed, size_t len);
bool pattern_is(const uint8_t *p, uint32_t seed, size_t len);
void assert_got(struct end *e, unsigned index, uint32_t seed, size_t len);

/* ---- on the reactor, in a hook ---- */
void end_call_send(struct end *e, struct op *op);
void end_call_pull(struct end *e, struct op *op);
void end_call_close(struct end *e, int why);
void end_call_release(struct end *e, unsigned index);

/* ---- the clauses ---- */

struct clause {
	const char *name;
	void (*check)(struct pair *p);
};

extern const struct clause clauses_message[], clauses_receive[], clauses_close[], clauses_remote[];

#endif
