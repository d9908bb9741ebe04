/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes that are under way against byte-range locks, on several reactors: [MS-FSA]
 * 2.1.5.3, 2.1.5.4 and 2.1.5.8. Seeded; the order is the machine's. For TSan too. */
#include "tests/unit/smbd/vfs/fixture.h"

#include <stdatomic.h>

#include "smbd/file/file_io.h"
#include "smbd/file/file_lock.h"
#include "smbd/file/oplock.h"
#include "smbd/wire/access.h"
#include "smbd/wire/create.h"
#include "transport/fiber/fiber.h"

enum { REACTORS = 3, FIBERS = 4 /* a reactor */, CELLS = 8, ROUNDS = 2000 };

/* Two fibers use each, of which one locks: so that it knows which lock it gives back. */
enum { OPENS = REACTORS * FIBERS / 2 };

static struct fixture fixture;
static struct file_table *table;
static struct file_open opens[OPENS]; /* of one file */
static struct reactor *reactors[REACTORS];
static atomic_uint running, broken;

struct worker {
	struct fiber_task task;
	struct file_open *open;
	unsigned index, random;
};

static struct worker workers[REACTORS * FIBERS];

/* ---- what is under way, as those who do it say ---- */

static atomic_uint reads[CELLS][OPENS], writes[CELLS][OPENS], all_writes;
static atomic_uint refused, granted, appended, handed;

static unsigned any(struct worker *w, unsigned below)
{
	w->random = w->random * 1664525 + 1013904223;
	return (w->random >> 16) % below;
}

static void linger(struct worker *w)
{
	for (unsigned i = any(w, 4); i > 0; i--)
		fiber_yield();
}

static void expect(bool condition)
{
	if (!condition)
		atomic_fetch_add(&broken, 1);
}

static void do_io(struct worker *w)
{
	unsigned from = any(w, CELLS), len = 1 + any(w, CELLS - from), of = w->index / 2;
	enum file_io_kind kind = any(w, 8) == 0 ? FILE_IO_APPEND : any(w, 2);
	struct file_io io;

	if (!nt_success(file_io_begin(w->open, kind, from, len, &io))) {
		atomic_fetch_add(&refused, 1);
		return;
	}
	if (kind != FILE_IO_READ)
		atomic_fetch_add(&all_writes, 1);
	for (unsigned i = from; i < from + len; i++)
		atomic_fetch_add(kind == FILE_IO_READ ? &reads[i][of] : &writes[i][of], 1);
	linger(w);
	if (kind == FILE_IO_APPEND) {
		expect(atomic_load(&all_writes) == 1);
		atomic_fetch_add(&appended, 1);
	}
	for (unsigned i = from; i < from + len; i++)
		atomic_fetch_sub(kind == FILE_IO_READ ? &reads[i][of] : &writes[i][of], 1);
	if (kind != FILE_IO_READ)
		atomic_fetch_sub(&all_writes, 1);
	file_io_end(&io);
}

static void look(struct worker *w, const struct lock_range *r)
{
	unsigned of = w->index / 2;

	for (uint64_t i = r->offset; i < r->offset + r->length; i++) {
		for (unsigned o = 0; o < OPENS; o++) {
			bool mine = o == of;

			expect((r->exclusive && mine) || atomic_load(&writes[i][o]) == 0);
			expect(!r->exclusive || mine || atomic_load(&reads[i][o]) == 0);
		}
	}
}

static void do_lock(struct worker *w)
{
	unsigned from = any(w, CELLS);
	struct lock_range r = {from, 1 + any(w, CELLS - from), any(w, 2)};
	struct file_lock_wait wait;
	struct nt_status status;

	if (any(w, 2)) {
		status = file_lock(w->open, &r, 1);
	} else {
		status = file_lock_begin(w->open, &r, &wait);
		if (nt_equal(status, STATUS_PENDING)) {
			status = file_lock_await(&wait);
			atomic_fetch_add(&handed, 1);
		}
	}
	if (!nt_success(status))
		return;
	atomic_fetch_add(&granted, 1);
	look(w, &r);
	linger(w);
	look(w, &r);
	expect(nt_success(file_unlock(w->open, r.offset, r.length)));
}

static void leave(void)
{
	if (atomic_fetch_sub(&running, 1) == 1)
		reactor_stop(reactors[0]);
}

static void work(struct fiber_task *task)
{
	struct worker *w = container_of(task, struct worker, task);

	for (unsigned i = 0; i < ROUNDS; i++) {
		if (w->index % 2 || any(w, 2))
			do_io(w);
		else
			do_lock(w);
		if (any(w, 8) == 0)
			fiber_yield();
	}
	leave();
}

static void spawn(unsigned reactor, unsigned open, unsigned index,
		  void (*fn)(struct fiber_task *task))
{
	struct worker *w = &workers[index];

	*w = (struct worker){
		.task.fn = fn, .open = &opens[open], .index = index, .random = index + 1};
	atomic_fetch_add(&running, 1);
	fiber_spawn(reactors[reactor], &w->task);
}

static void run(unsigned count)
{
	for (unsigned i = 1; i < count; i++)
		assert_int_equal(reactor_start(reactors[i]), 0);
	reactor_run(reactors[0]);
	assert_int_equal(atomic_load(&broken), 0);
}

static void locks_and_io_exclude_each_other(void **state)
{
	for (unsigned i = 0; i < REACTORS * FIBERS; i++)
		spawn(i % REACTORS, i / 2, i, work);
	run(REACTORS);
	assert_true(atomic_load(&refused) && atomic_load(&granted) && atomic_load(&appended));
	assert_true(atomic_load(&handed) > 0);
}

/* ---- one after the other ---- */

static const struct lock_range all = {0, CELLS, true}, part = {0, 1, true};
static struct file_io first;
static bool first_over, second_waits;

static void write_first(struct fiber_task *task)
{
	expect(nt_success(file_io_begin(&opens[0], FILE_IO_WRITE, 4, 1, &first)));
	while (!second_waits)
		fiber_yield();
	fiber_yield();
	first_over = true;
	file_io_end(&first);
	leave();
}

static void lock_second(struct fiber_task *task)
{
	second_waits = true;
	expect(nt_success(file_lock(&opens[1], &all, 1)));
	expect(first_over);
	expect(nt_success(file_unlock(&opens[1], all.offset, all.length)));
	leave();
}

/* A write that began before the lock was asked for is over when it is granted. */
static void a_lock_waits_for_a_write(void **state)
{
	first_over = second_waits = false;
	spawn(0, 0, 0, write_first);
	spawn(0, 1, 1, lock_second);
	run(1);
}

static void hold_and_write(struct fiber_task *task)
{
	expect(nt_success(file_lock(&opens[0], &all, 1)));
	expect(nt_success(file_io_begin(&opens[0], FILE_IO_WRITE, 0, 1, &first)));
	while (!second_waits)
		fiber_yield();
	expect(nt_success(file_unlock(&opens[0], all.offset, all.length)));
	fiber_yield();
	first_over = true;
	file_io_end(&first);
	leave();
}

static void wait_second(struct fiber_task *task)
{
	struct file_lock_wait wait;

	expect(nt_equal(file_lock_begin(&opens[1], &part, &wait), STATUS_PENDING));
	second_waits = true;
	expect(nt_success(file_lock_await(&wait)));
	expect(first_over);
	expect(nt_success(file_unlock(&opens[1], part.offset, part.length)));
	leave();
}

/* Who unlocks while he writes hands the lock on, but not before he has written. */
static void a_lock_that_was_waited_for_waits_for_a_write(void **state)
{
	first_over = second_waits = false;
	spawn(0, 0, 0, hold_and_write);
	spawn(0, 1, 1, wait_second);
	run(1);
}

static void append_second(struct fiber_task *task)
{
	struct file_io io;

	second_waits = true;
	expect(nt_success(file_io_begin(&opens[1], FILE_IO_APPEND, 100, 1, &io)));
	expect(first_over);
	file_io_end(&io);
	leave();
}

/* The end does not move between an append's test for it and its write. */
static void an_append_waits_for_a_write(void **state)
{
	first_over = second_waits = false;
	spawn(0, 0, 0, write_first);
	spawn(0, 1, 1, append_second);
	run(1);
}

static bool third_writes, acknowledged;

static void ack_second(struct fiber_task *task)
{
	second_waits = true;
	expect(nt_equal(oplock_ack(table, &opens[0], 0), STATUS_INVALID_OPLOCK_PROTOCOL));
	expect(first_over && third_writes);
	acknowledged = true;
	leave();
}

static void write_third(struct fiber_task *task)
{
	struct file_io io;

	while (!second_waits)
		fiber_yield();
	expect(nt_success(file_io_begin(&opens[0], FILE_IO_WRITE, 0, 1, &io)));
	third_writes = true;
	while (!acknowledged)
		fiber_yield();
	file_io_end(&io);
	leave();
}

/* An oplock is given back behind what was being written, but not behind what came later. */
static void an_acknowledgement_waits_for_a_write(void **state)
{
	first_over = second_waits = third_writes = acknowledged = false;
	spawn(0, 0, 0, write_first);
	spawn(0, 0, 1, ack_second);
	spawn(0, 0, 2, write_third);
	run(1);
}

/* ---- the file ---- */

static void open_file(struct file_open *o)
{
	struct vfs_create create = {0};

	*o = (struct file_open){
		.access = FILE_READ_DATA | FILE_WRITE_DATA,
		.sharing = FILE_SHARE_READ | FILE_SHARE_WRITE,
	};
	if (vfs_lookup(fixture.share, fixture.cred, "f", &o->node) != 0)
		assert_int_equal(vfs_create(fixture.share, fixture.cred, "f", &create, &o->node),
				 0);
	assert_true(nt_success(file_open_add(table, o, NULL)));
}

static int setup(void **state)
{
	const struct reactor_config config = {.name = "test", .fibers_max = 8, .cpu = -1};

	for (unsigned i = 0; i < REACTORS; i++)
		if (!(reactors[i] = reactor_create(&config)))
			return -1;
	for (unsigned i = 0; i < OPENS; i++)
		open_file(&opens[i]);
	return 0;
}

static int teardown(void **state)
{
	for (unsigned i = 0; i < REACTORS; i++)
		reactor_stop(reactors[i]);
	for (unsigned i = 0; i < REACTORS; i++)
		reactor_destroy(reactors[i]);
	for (unsigned i = 0; i < OPENS; i++)
		(void)file_close(table, &opens[i]);
	return file_table_count(table) == 0 ? 0 : -1;
}

static int group_setup(void **state)
{
	static const struct vfs_share_options options = FIXTURE_OPTIONS;

	fixture_open(&fixture, &options);
	table = file_table_new(NULL);
	return table ? 0 : -1;
}

static int group_teardown(void **state)
{
	file_table_free(table);
	fixture_close(&fixture);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_lock_waits_for_a_write, setup, teardown),
		cmocka_unit_test_setup_teardown(a_lock_that_was_waited_for_waits_for_a_write, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_append_waits_for_a_write, setup, teardown),
		cmocka_unit_test_setup_teardown(an_acknowledgement_waits_for_a_write, setup,
						teardown),
		cmocka_unit_test_setup_teardown(locks_and_io_exclude_each_other, setup, teardown),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
