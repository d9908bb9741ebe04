/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads on few files: what sharing promises holds, and nothing is left over. For TSan too.
 */
#include "tests/unit/smbd/vfs/fixture.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "smbd/file/file.h"
#include "smbd/wire/access.h"
#include "smbd/wire/create.h"

enum { THREADS = 4, ROUNDS = 400, FILES = 3, RACES = 4000 /* for windows that are short */ };

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

static struct fixture fixture;
static struct file_table *table;
static atomic_uint broken;

/* What a CREATE does: find or make, then enter. */
static bool open_file(const char *path, uint32_t access, uint32_t sharing, struct file_open *o)
{
	struct vfs_create create = {0};
	struct vfs_node *node;

	if (vfs_lookup(fixture.share, fixture.cred, path, &node) != 0 &&
	    vfs_create(fixture.share, fixture.cred, path, &create, &node) != 0)
		return false;
	*o = (struct file_open){.node = node, .access = access, .sharing = sharing};
	if (nt_success(file_open_add(table, o, NULL)))
		return true;
	vfs_node_close(node);
	return false;
}

/* Who has a file alone is the only one to count it. */
static atomic_int owners[FILES];

static void *own(void *arg)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned n = i % FILES;
		struct file_open o;
		char path[16];

		snprintf(path, sizeof(path), "own%u", n);
		if (!open_file(path, FILE_WRITE_DATA, 0, &o))
			continue;
		if (atomic_fetch_add(&owners[n], 1) != 0)
			atomic_fetch_add(&broken, 1);
		(void)file_delete_pending(table, &o.node->id);
		atomic_fetch_sub(&owners[n], 1);
		(void)file_close(table, &o);
	}
	return NULL;
}

/* Open, rename, delete: all at once on the same names. */
static void *shuffle(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg * 7919 + 1;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct file_open o;
		char from[16], to[16], *path;
		struct nt_status status;

		seed = seed * 1664525 + 1013904223;
		snprintf(from, sizeof(from), "d/n%u", (seed >> 16) % FILES);
		snprintf(to, sizeof(to), "D/N%u", (seed >> 20) % FILES);
		if (!open_file(from, FILE_READ_DATA | DELETE, SHARE_ALL, &o))
			continue;
		status = file_rename(table, &o, to, (seed >> 24) % 2);
		path = file_open_path(table, &o, NULL);
		if (nt_success(status) && strncmp(path, "d/N", 3) != 0)
			atomic_fetch_add(&broken, 1);
		talloc_free(path);
		if ((seed >> 25) % 2 && nt_error(file_delete_set(table, &o, true)))
			atomic_fetch_add(&broken, 1);
		o.delete_on_close |= (seed >> 26) % 2;
		(void)file_close(table, &o);
	}
	return NULL;
}

/* What is open is not replaced under who has it. */
static atomic_uint replaced;

static void *replace(void *arg)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct file_open o;
		struct stat st;

		if (!open_file("target", FILE_READ_DATA, SHARE_ALL, &o))
			continue;
		if (fstat(o.node->fd, &st) == 0 && st.st_nlink > 0) { /* not found just before */
			for (unsigned spin = 0; spin < 50; spin++)
				sched_yield();
			if (fstat(o.node->fd, &st) == 0 && st.st_nlink == 0)
				atomic_fetch_add(&broken, 1);
		}
		(void)file_close(table, &o);
		if (!open_file((uintptr_t)arg % 2 ? "source" : "other", DELETE, SHARE_ALL, &o))
			continue;
		if (nt_success(file_rename(table, &o, "target", true)))
			atomic_fetch_add(&replaced, 1);
		(void)file_close(table, &o);
	}
	return NULL;
}

/* One marks an empty directory for deletion while another makes a file in it, as CREATE does. At
 * most one of them is told that it went well. */
static pthread_barrier_t barrier;
static bool made, marked;

static bool make_in_directory(void)
{
	struct vfs_create create = {0};
	struct file_open o = {.access = FILE_READ_DATA, .sharing = SHARE_ALL};
	bool stays;

	if (vfs_create(fixture.share, fixture.cred, "fill/f", &create, &o.node) != 0)
		return false;
	if (!nt_success(file_open_add(table, &o, NULL))) {
		vfs_node_close(o.node);
		return false;
	}
	stays = !file_delete_pending(table, &o.node->parent);
	o.delete_on_close = o.delete_if_alone = !stays;
	(void)file_close(table, &o);
	return stays;
}

static void *make_files(void *arg)
{
	for (unsigned i = 0; i < RACES; i++) {
		pthread_barrier_wait(&barrier);
		made = make_in_directory();
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void test_mark_and_make(void **state)
{
	struct file_open dir;
	pthread_t maker;

	local_dir(&fixture, "fill");
	assert_true(open_file("fill", DELETE, SHARE_ALL, &dir));
	pthread_barrier_init(&barrier, NULL, 2);
	assert_int_equal(pthread_create(&maker, NULL, make_files, NULL), 0);
	for (unsigned i = 0; i < RACES; i++) {
		pthread_barrier_wait(&barrier);
		marked = nt_success(file_delete_set(table, &dir, true));
		pthread_barrier_wait(&barrier);
		assert_false(marked && made);
		assert_int_equal(local_exists(&fixture, "fill/f"), made);
		if (made)
			assert_int_equal(unlink(local(&fixture, "fill/f")), 0);
		assert_true(nt_success(file_delete_set(table, &dir, false)));
	}
	pthread_join(maker, NULL);
	pthread_barrier_destroy(&barrier);
	(void)file_close(table, &dir);
}

static void run(void *(*fn)(void *))
{
	pthread_t threads[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fn, (void *)i), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&broken), 0);
	assert_int_equal(file_table_count(table), 0);
}

static void test_owners(void **state)
{
	run(own);
}

static void test_replace(void **state)
{
	run(replace);
	assert_true(atomic_load(&replaced) > 0);
}

static void test_shuffle(void **state)
{
	local_dir(&fixture, "d");
	run(shuffle);
}

static int setup(void **state)
{
	static const struct vfs_share_options options = FIXTURE_OPTIONS;

	fixture_open(&fixture, &options);
	table = file_table_new(NULL);
	return table ? 0 : -1;
}

static int teardown(void **state)
{
	file_table_free(table);
	fixture_close(&fixture);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_shuffle),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_mark_and_make),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
