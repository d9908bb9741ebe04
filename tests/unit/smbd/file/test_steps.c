/* SPDX-License-Identifier: Apache-2.0 */
/* What looks and then acts is one step to everybody else, though it waits for the disk between. One
 * reactor whose only worker is kept busy: so a call stops where it would wait. */
#include "tests/unit/smbd/vfs/fixture.h"

#include <semaphore.h>

#include "smbd/file/file.h"
#include "smbd/wire/access.h"
#include "smbd/wire/create.h"
#include "transport/fiber/fiber.h"

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

static struct fixture *f;
static struct file_table *table;
static struct reactor *reactor;
static struct fiber_task tasks[4];
static unsigned running;
static sem_t go;
static struct file_open a, b;
static struct nt_status renamed, opened;
static bool done, in_order;

static int worker_waits(void *arg)
{
	return sem_wait(&go);
}

static void leave(void)
{
	if (--running == 0)
		reactor_stop(reactor);
}

static void keep_busy(struct fiber_task *task)
{
	(void)fiber_offload(worker_waits, NULL);
	leave();
}

static void run(void (*const fns[])(struct fiber_task *task), unsigned count)
{
	const struct reactor_config config = {.name = "test", .fibers_max = 8, .cpu = -1};

	done = in_order = false;
	sem_init(&go, 0, 0);
	assert_int_equal(fiber_workers_start(1), 0);
	reactor = reactor_create(&config);
	assert_non_null(reactor);
	running = count;
	for (unsigned i = 0; i < count; i++) {
		tasks[i].fn = fns[i];
		fiber_spawn(reactor, &tasks[i]);
	}
	reactor_run(reactor);
	fiber_workers_stop();
	reactor_destroy(reactor);
	sem_destroy(&go);
	assert_true(in_order);
}

/* ---- a stream's new name, [MS-FSA] 2.1.5.15.11 ---- */

static void stream_node(const char *name, bool create, struct file_open *o)
{
	*o = (struct file_open){
		.node = lookup(f, "f"), .access = FILE_READ_DATA | DELETE, .sharing = SHARE_ALL};
	assert_int_equal(vfs_node_stream_open(o->node, name, create), 0);
}

static void rename_stream(struct fiber_task *task)
{
	renamed = file_stream_rename(table, &a, "new", false);
	done = true;
	leave();
}

static void open_stream(struct fiber_task *task)
{
	opened = file_open_add(table, &b, NULL);
	in_order = done; /* not before the name is another one's */
	leave();
}

/* Everybody else is as far as he gets. */
static void let_go(struct fiber_task *task)
{
	sem_post(&go);
	leave();
}

static void who_opens_a_stream_waits_for_its_rename(const char *name, const char *wanted)
{
	static void (*const fns[])(struct fiber_task * task) = {keep_busy, rename_stream,
								open_stream, let_go};

	local_file(f, "f", "");
	stream_node("old", true, &a);
	assert_true(nt_success(file_open_add(table, &a, NULL)));
	stream_node("old", false, &b);
	if (strcmp(name, "old") != 0) /* as if it had been there when it was looked up */
		vfs_node_stream_id(b.node, name, &b.node->id);
	run(fns, 4);
	assert_string_equal(nt_status_name(renamed), "STATUS_SUCCESS");
	assert_string_equal(nt_status_name(opened), wanted);
	(void)vfs_node_close(b.node);
	/* the name is free again, and the new one is taken */
	stream_node("old", true, &b);
	b.sharing = 0;
	assert_true(nt_success(file_open_add(table, &b, NULL)));
	(void)file_close(table, &b);
	stream_node("NEW", false, &b);
	b.sharing = 0;
	assert_string_equal(nt_status_name(file_open_add(table, &b, NULL)),
			    "STATUS_SHARING_VIOLATION");
	(void)vfs_node_close(b.node);
	(void)file_close(table, &a);
}

static void test_old_name(void **state)
{
	who_opens_a_stream_waits_for_its_rename("old", "STATUS_RETRY");
}

static void test_new_name(void **state)
{
	who_opens_a_stream_waits_for_its_rename("new", "STATUS_RETRY");
}

/* ---- what is read, and stored anew ---- */

static void facts_first(struct fiber_task *task)
{
	file_facts_begin(&a);
	(void)fiber_offload(worker_waits, NULL);
	done = true;
	file_facts_end(&a);
	leave();
}

static void facts_second(struct fiber_task *task)
{
	file_facts_begin(&b);
	in_order = done;
	file_facts_end(&b);
	leave();
}

static void test_facts(void **state)
{
	static void (*const fns[])(struct fiber_task * task) = {facts_first, facts_second, let_go};

	local_file(f, "f", "");
	a = (struct file_open){.node = lookup(f, "f"), .sharing = SHARE_ALL};
	assert_true(nt_success(file_open_add(table, &a, NULL)));
	stream_node("s", true, &b); /* facts are its file's */
	assert_true(nt_success(file_open_add(table, &b, NULL)));
	run(fns, 3);
	(void)file_close(table, &b);
	(void)file_close(table, &a);
}

static int setup(void **state)
{
	table = file_table_new(NULL);
	if (fixture_setup(state) != 0)
		return -1;
	f = *state;
	return 0;
}

static int teardown(void **state)
{
	assert_int_equal(file_table_count(table), 0);
	file_table_free(table);
	return fixture_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_old_name, setup, teardown),
		cmocka_unit_test_setup_teardown(test_new_name, setup, teardown),
		cmocka_unit_test_setup_teardown(test_facts, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
