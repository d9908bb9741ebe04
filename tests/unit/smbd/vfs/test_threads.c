/* SPDX-License-Identifier: Apache-2.0 */
/* Several at once on one inode, or through one node: what is read and stored anew is one step, and
 * what a node is does not flicker. For TSan too. */
#include "tests/unit/smbd/vfs/fixture.h"

#include <pthread.h>
#include <stdatomic.h>

enum { ROUNDS = 1500 };

static pthread_barrier_t barrier;
static struct vfs_node *node; /* of this round */
static struct fixture *f;

/* One round of the other thread, between two meetings. */
static void *other_runs(void *arg)
{
	void (*round)(void) = *(void (**)(void))arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&barrier);
		round();
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void meet(void)
{
	pthread_barrier_wait(&barrier);
}

static pthread_t other_begin(void (**round)(void))
{
	pthread_t other;

	pthread_barrier_init(&barrier, NULL, 2);
	assert_int_equal(pthread_create(&other, NULL, other_runs, round), 0);
	return other;
}

static void other_end(pthread_t other)
{
	pthread_join(other, NULL);
	pthread_barrier_destroy(&barrier);
}

/* ---- a stream that is written while all are removed ---- */

static void write_stream(void)
{
	struct iovec iov = {(char[]){"hello"}, 5};
	ssize_t n = vfs_node_pwritev(node, &iov, 1, 0, false);

	if (n != 5 && n != -ENOENT)
		abort();
}

static void test_removed_streams_stay_removed(void **state)
{
	void (*round)(void) = write_stream;
	pthread_t other = other_begin(&round);
	struct vfs_stream *streams;
	struct vfs_node *file;
	unsigned count;

	f = *state;
	local_file(f, "f", "");
	for (unsigned i = 0; i < ROUNDS; i++) {
		node = lookup(f, "f");
		file = lookup(f, "f");
		assert_int_equal(vfs_node_stream_open(node, "s", true), 0);
		meet();
		assert_int_equal(vfs_node_streams_unlink(file), 0);
		meet();
		assert_int_equal(vfs_node_streams(file, NULL, &streams, &count), 0);
		assert_int_equal(count, 1); /* the unnamed one */
		talloc_free(streams);
		vfs_node_close(file);
		vfs_node_close(node);
	}
	other_end(other);
}

/* ---- attributes and the birth time, which are stored together ---- */

static void set_birth(void)
{
	struct vfs_times times = {.set = VFS_TIME_BIRTH, .btime = {.tv_sec = 1000000000}};

	if (vfs_node_set_times(node, &times) != 0)
		abort();
}

static void test_attributes_and_birth(void **state)
{
	struct vfs_times before = {.set = VFS_TIME_BIRTH, .btime = {.tv_sec = 900000000}};
	void (*round)(void) = set_birth;
	pthread_t other = other_begin(&round);
	struct vfs_stat st;

	f = *state;
	local_file(f, "f", "");
	node = lookup(f, "f");
	for (unsigned i = 0; i < ROUNDS; i++) {
		assert_int_equal(vfs_node_set_attributes(node, FILE_ATTRIBUTE_ARCHIVE), 0);
		assert_int_equal(vfs_node_set_times(node, &before), 0);
		meet();
		assert_int_equal(vfs_node_set_attributes(node, FILE_ATTRIBUTE_SYSTEM), 0);
		meet();
		assert_int_equal(vfs_node_stat(node, &st), 0);
		assert_int_equal(st.attributes, FILE_ATTRIBUTE_SYSTEM);
		assert_int_equal(st.btime.tv_sec, 1000000000);
	}
	other_end(other);
	vfs_node_close(node);
}

/* ---- a directory's stream is no directory, not even while it is asked about ---- */

static void ask_and_set(void)
{
	struct vfs_times times = {.hold = VFS_TIME_WRITE};

	if (vfs_node_set_attributes(node, FILE_ATTRIBUTE_HIDDEN) != 0 ||
	    vfs_node_set_times(node, &times) != 0)
		abort();
}

static void test_directory_stream(void **state)
{
	void (*round)(void) = ask_and_set;
	pthread_t other = other_begin(&round);
	struct iovec iov = {(char[]){"x"}, 1};

	f = *state;
	local_dir(f, "d");
	node = lookup(f, "d");
	assert_int_equal(vfs_node_stream_open(node, "s", true), 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		meet();
		for (unsigned k = 0; k < 20; k++)
			assert_false(*(volatile bool *)&node->stat.directory);
		assert_int_equal(vfs_node_pwritev(node, &iov, 1, 0, false), 1);
		meet();
	}
	other_end(other);
	vfs_node_close(node);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_removed_streams_stay_removed, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(test_attributes_and_birth, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(test_directory_stream, fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
