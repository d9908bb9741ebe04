/* SPDX-License-Identifier: Apache-2.0 */
/* What another spelling costs: reads of the directory are counted, not time. */
#include "tests/unit/smbd/vfs/fixture.h"

#include "smbd/vfs/impl.h"
#include "smbd/vfs/name.h"

static uint64_t scans(void)
{
	struct vfs_counters c;

	vfs_counters(&c);
	return c.dir_scans;
}

static uint64_t reads(void)
{
	struct vfs_counters c;

	vfs_counters(&c);
	return c.dir_reads;
}

static void test_100000_entries(void **state)
{
	enum { ENTRIES = 100000 };
	struct fixture *f = *state;
	uint64_t scanned, read_calls;
	char name[64];
	int dir;

	local_dir(f, "big");
	dir = open(local(f, "big"), O_RDONLY | O_DIRECTORY);
	for (unsigned i = 0; i < ENTRIES; i++) {
		snprintf(name, sizeof(name), "Entry-%06u.dat", i);
		close(openat(dir, name, O_CREAT | O_WRONLY, 0644));
	}
	close(dir);
	scanned = scans();
	/* the exact name needs no index at all */
	vfs_node_close(lookup(f, "big/Entry-000077.dat"));
	assert_int_equal(scans() - scanned, 0);
	/* the first other spelling reads the directory, and no other after it does */
	vfs_node_close(lookup(f, "big/ENTRY-099999.DAT"));
	assert_int_equal(scans() - scanned, 1);
	read_calls = reads();
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "big/eNTRY-%06u.dat", i * 49);
		vfs_node_close(lookup(f, name));
		snprintf(name, sizeof(name), "big/missing-%06u.dat", i);
		assert_int_equal(lookup_error(f, name), -ENOENT);
	}
	/* nor does what we change ourselves */
	for (unsigned i = 0; i < 500; i++) {
		struct vfs_node *node;

		snprintf(name, sizeof(name), "big/New-%06u.dat", i);
		node = make(f, name, false);
		snprintf(name, sizeof(name), "big/NEW-%06u.DAT", i);
		vfs_node_close(lookup(f, name));
		assert_int_equal(vfs_node_unlink(node, node->path), 0);
		assert_int_equal(lookup_error(f, name), -ENOENT);
		vfs_node_close(node);
	}
	assert_int_equal(scans() - scanned, 1);
	assert_int_equal(reads() - read_calls, 0);
}

/* Too many to keep their names: what is not there costs no read; what is there in another spelling
 * costs one; and it is right about changes. */
static void test_too_many_names(void **state)
{
	enum { ENTRIES = 5000 };
	struct fixture *f = *state;
	uint64_t scanned, read_calls;
	char name[64];

	index_limit(128 << 10);
	for (unsigned i = 0; i < ENTRIES; i++) {
		snprintf(name, sizeof(name), "Entry-%06u.dat", i);
		local_file(f, name, "");
	}
	scanned = scans();
	assert_int_equal(lookup_error(f, "missing"), -ENOENT);
	assert_int_equal(scans() - scanned, 1);
	read_calls = reads();
	for (unsigned i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "missing-%06u", i);
		assert_int_equal(lookup_error(f, name), -ENOENT);
	}
	assert_int_equal(reads() - read_calls, 0);
	vfs_node_close(lookup(f, "ENTRY-000007.dat"));
	assert_int_equal(scans() - scanned, 2);
	local_file(f, "Added", "");
	vfs_node_close(lookup(f, "ADDED"));
	assert_int_equal(unlink(local(f, "Added")), 0);
	assert_int_equal(lookup_error(f, "ADDED"), -ENOENT);
	/* so many went that it is read again */
	for (unsigned i = 0; i < ENTRIES / 2 + 2; i++) {
		snprintf(name, sizeof(name), "Entry-%06u.dat", i);
		assert_int_equal(unlink(local(f, name)), 0);
	}
	assert_int_equal(lookup_error(f, "ENTRY-000007.dat"), -ENOENT);
	read_calls = reads();
	assert_int_equal(lookup_error(f, "ENTRY-000008.dat"), -ENOENT);
	assert_int_equal(reads() - read_calls, 0);
	/* too many for that, too */
	index_limit(1 << 10);
	vfs_node_close(lookup(f, "ENTRY-004999.dat"));
	assert_int_equal(lookup_error(f, "missing"), -ENOENT);
	index_limit(0);
}

/* Changes of others on this machine are seen at once, and without reading again. */
static void test_local_changes(void **state)
{
	struct fixture *f = *state;
	uint64_t before;

	local_file(f, "One", "");
	assert_int_equal(lookup_error(f, "TWO"), -ENOENT);
	before = scans();
	for (unsigned i = 0; i < 200; i++) {
		local_file(f, "Two", "");
		vfs_node_close(lookup(f, "TWO"));
		assert_int_equal(rename(local(f, "Two"), local(f, "Three")), 0);
		assert_int_equal(lookup_error(f, "TWO"), -ENOENT);
		vfs_node_close(lookup(f, "THREE"));
		assert_int_equal(unlink(local(f, "Three")), 0);
		assert_int_equal(lookup_error(f, "THREE"), -ENOENT);
		local_dir(f, "Four");
		vfs_node_close(lookup(f, "FOUR"));
		assert_int_equal(rmdir(local(f, "Four")), 0);
	}
	assert_int_equal(scans(), before);
}

/* What inotify tells of an exchange is two moves. */
static void test_exchange(void **state)
{
	struct fixture *f = *state;

	local_file(f, "One", "1");
	local_file(f, "Two", "22");
	vfs_node_close(lookup(f, "ONE"));
	for (unsigned i = 0; i < 3; i++) {
		struct vfs_node *node;

		assert_int_equal(renameat2(AT_FDCWD, local(f, "One"), AT_FDCWD, local(f, "Two"),
					   RENAME_EXCHANGE),
				 0);
		node = lookup(f, "TWO");
		assert_int_equal(node->stat.size, i % 2 ? 2 : 1);
		vfs_node_close(node);
		vfs_node_close(lookup(f, "ONE"));
	}
}

/* A directory that goes and comes again under one name is another. */
static void test_directory_made_anew(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 20; i++) {
		local_dir(f, "d");
		local_file(f, i % 2 ? "d/Odd" : "d/Even", "");
		vfs_node_close(lookup(f, i % 2 ? "D/ODD" : "D/EVEN"));
		assert_int_equal(lookup_error(f, i % 2 ? "D/EVEN" : "D/ODD"), -ENOENT);
		assert_int_equal(unlink(local(f, i % 2 ? "d/Odd" : "d/Even")), 0);
		assert_int_equal(rmdir(local(f, "d")), 0);
	}
}

/* More directories than are kept: the bound holds, the answers stay right. */
static void test_many_directories(void **state)
{
	struct fixture *f = *state;
	char name[64];

	for (unsigned i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "d%u", i);
		local_dir(f, name);
		strcat(name, "/File");
		local_file(f, name, "");
	}
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 600; i++) {
			snprintf(name, sizeof(name), "D%u/FILE", i);
			vfs_node_close(lookup(f, name));
		}
}

/* More events than the queue holds: all is forgotten, and read again. */
static void test_overflow(void **state)
{
	struct fixture *f = *state;
	uint64_t before;
	unsigned limit = 0;
	FILE *max = fopen("/proc/sys/fs/inotify/max_queued_events", "r");

	if (!max || fscanf(max, "%u", &limit) != 1 || limit > 100000)
		skip();
	fclose(max);
	local_file(f, "Last", "");
	vfs_node_close(lookup(f, "LAST"));
	for (unsigned i = 0; i < limit / 2 + 10; i++) {
		local_file(f, i % 2 ? "a" : "b", "");
		assert_int_equal(unlink(local(f, i % 2 ? "a" : "b")), 0);
	}
	assert_int_equal(rename(local(f, "Last"), local(f, "Moved")), 0); /* this event is lost */
	before = scans();
	vfs_node_close(lookup(f, "MOVED"));
	assert_int_equal(lookup_error(f, "LAST"), -ENOENT);
	assert_int_equal(scans() - before, 1);
}

/* Names that differ by case only, made behind our back: each is reached by its own spelling. */
static void test_collisions(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node;

	local_file(f, "name", "");
	local_file(f, "Name", "");
	local_file(f, "NAME", "");
	node = lookup(f, "Name");
	assert_string_equal(node->path, "Name");
	vfs_node_close(node);
	node = lookup(f, "nAME");
	assert_string_equal(node->path, "NAME");
	vfs_node_close(node);
	assert_int_equal(unlink(local(f, "NAME")), 0);
	node = lookup(f, "nAME");
	assert_string_equal(node->path, "Name");
	vfs_node_close(node);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_100000_entries),      TEST(test_local_changes),    TEST(test_exchange),
		TEST(test_directory_made_anew), TEST(test_many_directories), TEST(test_overflow),
		TEST(test_collisions),          TEST(test_too_many_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
