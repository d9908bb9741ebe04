/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine of oplocks and leases under seeded schedules: clients in memory open, write, close,
 * answer, answer late or never, on several files, one critical section of the server after the
 * other, in every order that several reactors could bring them. Time is the simulation's. What must
 * hold is looked at after each step:
 *   - no two opens that exclude each other by their share modes;
 *   - who caches writes is alone, but for opens that only look;
 *   - who waits has somebody to wait for, and that one a deadline; and he is woken;
 *   - what a client believes that it may cache is what the server thinks, once it has been told;
 *   - a write leaves no read cache but the writer's;
 *   - nothing is left when all is closed.
 *
 * SIM_SEED and SIM_STEPS run one schedule, and as long as wanted; a failure says its seed.
 */
#include "smbd/file/private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <talloc.h>

#include "smbd/wire/access.h"
#include "smbd/wire/create.h"
#include "transport/base/log.h"

#define CLIENTS  4
#define FILES    3
#define OPENS    6 /* a client */
#define KEYS     4 /* a client's leases; each is of one file */
#define MESSAGES 64
#define LOOKS    (SYNCHRONIZE | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | READ_CONTROL)
#define NEVER    UINT64_MAX
#define OWED     4096

/* What a client knows of one of its leases or oplocks. */
struct belief {
	uint32_t state;
	uint16_t epoch;
	uint64_t serial; /* which one it is: what is told of a former one under that key is void */
	bool lost;       /* it did not answer in time: the server thinks otherwise */
	bool told;       /* a break that it has not answered */
	uint32_t to;
};

enum { FREE, WAITING, OPEN };

struct sim_open {
	int state;
	struct sim_client *client;
	unsigned file, key; /* key KEYS: none */
	struct file_open o;
	struct vfs_node node;
	struct belief belief; /* of an oplock */

	/* while it waits */
	struct file *at;
	uint64_t changes, deadline_ns;
};

struct sim_client {
	unsigned index, held;
	struct sim_open opens[OPENS];
	struct belief keys[KEYS];
	struct oplock_notice inbox[MESSAGES];
	unsigned first, count;
};

static struct sim {
	uint64_t seed, random, now_ns, serial;
	struct file_table *table;
	struct sim_client clients[CLIENTS];
	struct list_node unsent; /* collected under the mutex, not sent yet */
	uint64_t
		owed[OWED]; /* serials of those that a write has left untrue, until they are gone */
	uint64_t waits, breaks, lates, grants;
} sim;

#define CHECK(what)                                                                     \
	do {                                                                            \
		if (!(what))                                                            \
			fail_msg("seed %llu: %s", (unsigned long long)sim.seed, #what); \
	} while (0)

static uint32_t rnd(uint32_t n)
{
	sim.random ^= sim.random << 13;
	sim.random ^= sim.random >> 7;
	sim.random ^= sim.random << 17;
	return (uint32_t)(sim.random >> 32) % n;
}

static uint64_t sim_now_ns(void)
{
	return sim.now_ns;
}

/* ---- the breaker: messages on their way ---- */

static void sim_hold(void *client)
{
	((struct sim_client *)client)->held++;
}

static void sim_drop(void *client)
{
	((struct sim_client *)client)->held--;
}

static struct sim_open *open_by_id(struct sim_client *c, struct smb2_file_id id)
{
	for (unsigned i = 0; i < OPENS; i++)
		if (c->opens[i].state == OPEN && c->opens[i].o.id.persistent_id == id.persistent_id)
			return &c->opens[i];
	return NULL;
}

static unsigned key_of(const struct oplock_notice *n)
{
	return n->key.bytes[0];
}

static struct belief *belief_of(struct sim_client *c, const struct oplock_notice *n)
{
	struct sim_open *open;

	if (n->lease)
		return &c->keys[key_of(n)];
	open = open_by_id(c, n->id);
	return open ? &open->belief : NULL;
}

static bool sim_notify(const struct oplock_notice *notice)
{
	struct sim_client *c = notice->client;
	struct belief *belief;

	sim.breaks++;
	CHECK(notice->from != notice->to && !(notice->to & ~notice->from));
	CHECK(notice->ack_required == (notice->from != SMB2_LEASE_READ_CACHING));
	if (rnd(200) != 0 && c->count < MESSAGES) {
		c->inbox[(c->first + c->count++) % MESSAGES] = *notice;
		return true;
	}
	/* cannot be told: a client without a connection; it has to think that all is lost */
	belief = belief_of(c, notice);
	if (belief && belief->serial == notice->serial)
		belief->lost = true;
	return false;
}

static const struct file_breaker sim_breaker = {sim_hold, sim_drop, sim_notify};

/* ---- what must hold ---- */

static struct file *sim_file(unsigned index)
{
	const struct vfs_id id = {.dev = 1, .ino = index + 1};

	return file_find(shard_of(sim.table, &id), &id);
}

static void check_shares(const struct file *file)
{
	list_for_each (n, &file->opens)
		for (struct list_node *m = n->next; m != &file->opens; m = m->next)
			CHECK(!file_open_conflict(container_of(n, struct file_open, node_in_file),
						  container_of(m, struct file_open, node_in_file)));
}

static void check_alone(const struct file *file, const struct oplock *writer)
{
	list_for_each (n, &file->oplocks) {
		const struct oplock *o = container_of(n, struct oplock, node);

		CHECK(o == writer || !o->s.state);
	}
	list_for_each (n, &file->opens) {
		const struct file_open *o = container_of(n, struct file_open, node_in_file);

		CHECK(o->oplock == writer || !(o->access & ~LOOKS));
	}
}

static void check_file(const struct file *file)
{
	unsigned caching = 0;

	check_shares(file);
	list_for_each (n, &file->oplocks) {
		const struct oplock *o = container_of(n, struct oplock, node);

		caching += o->s.state != 0;
		CHECK(!list_empty(&o->opens));
		CHECK(oplock_state_valid(o->s.state) == o->s.state);
		CHECK(o->s.lease || o->s.state);
		if (!o->s.state)
			sim.owed[o->serial % OWED] = 0;
		CHECK(o->s.breaking || sim.owed[o->serial % OWED] != o->serial);
		if (o->s.breaking) {
			CHECK(o->s.deadline_ns <= sim.now_ns + OPLOCK_TIMEOUT_NS);
			CHECK(!(o->s.required & ~o->s.state) && !(o->s.to & ~o->s.state));
			CHECK(o->s.state != SMB2_LEASE_READ_CACHING);
		}
		if (o->s.state & SMB2_LEASE_WRITE_CACHING)
			check_alone(file, o);
	}
	CHECK(caching == atomic_load(&file->oplock_count));
}

static bool in_flight(uint64_t serial)
{
	list_for_each (n, &sim.unsent)
		if (container_of(n, struct oplock_notice, node)->serial == serial)
			return true;
	for (unsigned i = 0; i < CLIENTS; i++) {
		const struct sim_client *c = &sim.clients[i];

		for (unsigned k = 0; k < c->count; k++)
			if (c->inbox[(c->first + k) % MESSAGES].serial == serial)
				return true;
	}
	return false;
}

/* A client that has heard of everything believes what the server knows. */
static void check_beliefs(const struct file *file)
{
	list_for_each (n, &file->opens) {
		const struct sim_open *open = container_of(
			container_of(n, struct file_open, node_in_file), const struct sim_open, o);
		const struct belief *b =
			open->key < KEYS ? &open->client->keys[open->key] : &open->belief;
		const struct oplock *o = open->o.oplock;

		if (b->lost || in_flight(b->serial))
			continue;
		CHECK(b->state == (o ? o->s.state : 0));
		CHECK(b->told == (o && o->s.breaking));
	}
}

/* ---- what clients do ---- */

static void began(struct sim_open *open)
{
	struct sim_client *c = open->client;
	const struct oplock_grant *granted = &open->o.granted;
	struct belief *b = open->key < KEYS ? &c->keys[open->key] : &open->belief;

	open->state = OPEN;
	sim.grants += granted->state != 0;
	if (!granted->lease) {
		*b = (struct belief){.state = granted->state};
		b->serial = open->o.oplock ? open->o.oplock->serial : 0;
		return;
	}
	CHECK(open->key < KEYS);
	if (open->o.oplock->opens.next->next == &open->o.oplock->opens)
		*b = (struct belief){.serial = open->o.oplock->serial}; /* a new one */
	b->state = granted->state;
	b->epoch = granted->epoch;
	if (!granted->breaking && !in_flight(b->serial))
		b->lost = b->told = false;
}

static void try_open(struct sim_open *open)
{
	struct nt_status status;

	status = file_open_try(sim.table, &open->o, &sim.unsent);
	if (open->at) {
		/* what let it go on must have woken it */
		CHECK(nt_equal(status, STATUS_RETRY) || open->at->changes != open->changes ||
		      sim.now_ns >= open->deadline_ns);
		file_unpin(open->at);
		open->at = NULL;
	}
	open->state = FREE;
	if (nt_success(status)) {
		began(open);
	} else if (nt_equal(status, STATUS_RETRY)) {
		open->state = WAITING;
		open->o.waited = true;
		open->at = open->o.file;
		open->changes = open->at->changes;
		open->deadline_ns = oplocks_deadline_ns(open->at);
		file_pin(open->at);
		sim.waits++;
		CHECK(open->deadline_ns != NEVER && open->deadline_ns > sim.now_ns);
	} else {
		CHECK(nt_equal(status, STATUS_SHARING_VIOLATION));
	}
}

static uint32_t random_state(void)
{
	static const uint32_t states[] = {0,
					  OPLOCK_LEVEL_II,
					  OPLOCK_EXCLUSIVE,
					  OPLOCK_BATCH,
					  SMB2_LEASE_READ_CACHING | SMB2_LEASE_HANDLE_CACHING,
					  OPLOCK_BATCH};

	return states[rnd(6)];
}

static void begin_open(struct sim_client *c)
{
	static const uint32_t access[] = {FILE_READ_DATA,
					  FILE_READ_DATA | FILE_WRITE_DATA,
					  FILE_WRITE_DATA,
					  FILE_READ_ATTRIBUTES,
					  FILE_READ_ATTRIBUTES | READ_CONTROL,
					  FILE_READ_DATA | FILE_WRITE_DATA | DELETE};
	struct sim_open *open = &c->opens[rnd(OPENS)];

	if (open->state != FREE)
		return;
	*open = (struct sim_open){.client = c, .file = rnd(FILES), .key = KEYS};
	open->node.id = (struct vfs_id){.dev = 1, .ino = open->file + 1};
	open->o = (struct file_open){
		.node = &open->node,
		.access = access[rnd(6)],
		.sharing = rnd(3) ? FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE : rnd(8),
		.overwrites = rnd(8) == 0,
		.client = c,
		.id.persistent_id = ++sim.serial,
		.path = (char *)(uintptr_t) "simulated",
	};
	open->o.want.state = random_state();
	open->o.want.id.client.bytes[0] = (uint8_t)c->index;
	if (rnd(2)) {
		open->key = rnd(KEYS);
		open->file = open->key % FILES;
		open->node.id.ino = open->file + 1;
		open->o.want.lease = open->o.want.v2 = true;
		open->o.want.id.key.bytes[0] = (uint8_t)open->key;
		open->o.want.epoch = c->keys[open->key].epoch;
	}
	try_open(open);
}

static void close_open(struct sim_open *open)
{
	struct file *file, *base;

	if (open->state == WAITING) { /* called off */
		file_unpin(open->at);
		open->at = NULL;
	} else if (open->state == OPEN) {
		file_open_leave(sim.table, &open->o, &file, &base, &sim.unsent);
		CHECK(!file && !base);
	}
	open->state = FREE;
}

static void answer(struct sim_client *c, struct belief *b, struct sim_open *open, unsigned key)
{
	const struct lease_id id = {.client.bytes[0] = (uint8_t)c->index,
				    .key.bytes[0] = (uint8_t)key};
	uint32_t state = rnd(10) ? b->to : SMB2_LEASE_NONE;
	struct nt_status status;

	if (!b->told)
		return;
	b->told = false;
	b->state = state;
	status = open ? oplock_ack(sim.table, &open->o, state)
		      : oplock_lease_ack(sim.table, &id, state);
	CHECK(nt_success(status) || b->lost || sim.lates > 0 ||
	      nt_equal(status, STATUS_OBJECT_NAME_NOT_FOUND));
}

static void answer_any(struct sim_client *c)
{
	unsigned which = rnd(KEYS + OPENS);

	if (which < KEYS)
		answer(c, &c->keys[which], NULL, which);
	else if (c->opens[which - KEYS].state == OPEN)
		answer(c, &c->opens[which - KEYS].belief, &c->opens[which - KEYS], 0);
}

/* [MS-SMB2] 3.2.5.19: what is older than what it knows already is ignored. */
static void receive(struct sim_client *c)
{
	const struct oplock_notice *n = &c->inbox[c->first];
	struct belief *b;

	if (c->count == 0)
		return;
	c->first = (c->first + 1) % MESSAGES;
	c->count--;
	b = belief_of(c, n);
	if (!b || b->lost || b->serial != n->serial ||
	    (n->lease && (int16_t)(n->epoch - b->epoch) < 0))
		return;
	b->epoch = n->epoch;
	if (!n->ack_required) {
		b->state = n->to;
		return;
	}
	b->told = true;
	b->to = n->to;
}

static void write_through(struct sim_open *open)
{
	if (open->state != OPEN || !(open->o.access & FILE_WRITE_DATA))
		return;
	(void)oplocks_break(sim.table, open->o.file, OPLOCK_CHANGED, &open->o, &sim.unsent);
	list_for_each (n, &open->o.file->oplocks) {
		const struct oplock *o = container_of(n, struct oplock, node);

		CHECK(o == open->o.oplock || !o->s.state || (o->s.breaking && !o->s.required));
		if (o != open->o.oplock && o->s.state)
			sim.owed[o->serial % OWED] = o->serial;
	}
}

static void want_handles(struct sim_open *open)
{
	if (open->state != OPEN)
		return;
	(void)oplocks_break(sim.table, open->o.file, OPLOCK_HANDLE, &open->o, &sim.unsent);
}

/* Time is over for who has not answered: he knows it, for his own clock says so. */
static void pass_timeout(void)
{
	sim.now_ns += OPLOCK_TIMEOUT_NS;
	sim.lates++;
	for (unsigned i = 0; i < FILES; i++) {
		struct file *file = sim_file(i);

		if (!file)
			continue;
		list_for_each (n, &file->opens) {
			struct sim_open *open =
				container_of(container_of(n, struct file_open, node_in_file),
					     struct sim_open, o);
			struct belief *b =
				open->key < KEYS ? &open->client->keys[open->key] : &open->belief;

			if (open->o.oplock && open->o.oplock->s.breaking)
				*b = (struct belief){
					.lost = true, .epoch = b->epoch, .serial = b->serial};
		}
		oplocks_expire(sim.table, file);
	}
}

static void step(void)
{
	struct sim_client *c = &sim.clients[rnd(CLIENTS)];
	struct sim_open *open = &c->opens[rnd(OPENS)];
	unsigned what = rnd(100);

	if (what < 25)
		begin_open(c);
	else if (what < 40 && open->state == WAITING)
		try_open(open);
	else if (what < 55)
		receive(c);
	else if (what < 70)
		answer_any(c);
	else if (what < 80)
		close_open(open);
	else if (what < 86)
		write_through(open);
	else if (what < 89)
		want_handles(open);
	else if (what < 99)
		sim.now_ns += rnd(1000) * NS_PER_US;
	else if (rnd(20) == 0)
		pass_timeout();
	if (rnd(2))
		oplock_notices_send(sim.table, &sim.unsent);
}

static void check_all(void)
{
	for (unsigned i = 0; i < FILES; i++) {
		const struct file *file = sim_file(i);

		if (!file)
			continue;
		check_file(file);
		check_beliefs(file);
	}
}

/* ---- a schedule ---- */

/* Nothing new begins: whoever waits gets in, or is refused, for every deadline passes. */
static void let_all_in(void)
{
	bool waiting = true;

	for (unsigned rounds = 0; waiting; rounds++) {
		CHECK(rounds <= CLIENTS * OPENS + 1);
		waiting = false;
		pass_timeout();
		for (unsigned i = 0; i < CLIENTS * OPENS; i++) {
			struct sim_open *open = &sim.clients[i / OPENS].opens[i % OPENS];

			if (open->state != WAITING)
				continue;
			try_open(open);
			waiting |= open->state == WAITING;
		}
		oplock_notices_send(sim.table, &sim.unsent);
	}
}

static void run_schedule(uint64_t seed, unsigned steps)
{
	memset(&sim, 0, sizeof(sim));
	sim.seed = seed;
	sim.random = seed * 0x9e3779b97f4a7c15ull + 1;
	sim.now_ns = NS_PER_SEC;
	list_init(&sim.unsent);
	for (unsigned i = 0; i < CLIENTS; i++)
		sim.clients[i].index = i;
	sim.table = file_table_new(&sim_breaker);
	sim.table->now_ns = sim_now_ns;
	for (unsigned i = 0; i < steps; i++) {
		step();
		check_all();
	}
	let_all_in();
	for (unsigned i = 0; i < CLIENTS * OPENS; i++)
		close_open(&sim.clients[i / OPENS].opens[i % OPENS]);
	oplock_notices_send(sim.table, &sim.unsent);
	for (unsigned i = 0; i < FILES; i++)
		CHECK(!sim_file(i));
	for (unsigned i = 0; i < CLIENTS; i++)
		CHECK(sim.clients[i].held == 0);
	CHECK(file_table_count(sim.table) == 0);
	/* the schedule was worth it */
	CHECK(steps < 10000 || (sim.waits > 100 && sim.breaks > 100 && sim.grants > 100));
	file_table_free(sim.table); /* asserts that there are no leases */
}

static void test_schedules(void **state)
{
	const char *seed = getenv("SIM_SEED"), *steps = getenv("SIM_STEPS");

	log_set_level(LOG_LEVEL_ERR); /* who does not answer is logged, as often as it happens */
	if (seed) {
		run_schedule(strtoull(seed, NULL, 0), steps ? (unsigned)atoi(steps) : 100000);
		return;
	}
	for (uint64_t i = 1; i <= 20; i++)
		run_schedule(i, 50000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_schedules)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
