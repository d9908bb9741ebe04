/* SPDX-License-Identifier: Apache-2.0 */
/* Previous versions: which are found, by which of their names, and that nothing changes them. */
#include "tests/unit/smbd/vfs/fixture.h"

#include <time.h>

#define OLD 1577934245 /* 2020-01-02 03:04:05 UTC */
#define NEW 1609556645 /* 2021-01-02 03:04:05 UTC */

static const char old_name[] = "@GMT-2020.01.02-03.04.05";
static const char new_name[] = "@GMT-2021.01.02-03.04.05";

/* The share is root/data; root/snap holds copies of root. */
static void make_version(struct fixture *f, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "snap/%s", name);
	local_dir(f, path);
	snprintf(path, sizeof(path), "snap/%s/data", name);
	local_dir(f, path);
	snprintf(path, sizeof(path), "snap/%s/data/file", name);
	local_file(f, path, text);
}

static struct vfs_share *share_with(struct fixture *f, struct vfs_snapshot_options snapshots)
{
	struct vfs_share_options options = FIXTURE_OPTIONS;
	struct vfs_share *share;

	snapshots.mountpoint = f->root;
	options.snapshots = snapshots;
	assert_int_equal(vfs_share_open(local(f, "data"), &options, &share), 0);
	return share;
}

static int setup(void **state)
{
	struct fixture *f;

	fixture_setup(state);
	f = *state;
	local_dir(f, "data");
	local_dir(f, "snap");
	return 0;
}

static const struct vfs_snapshot_options usual = {.dir = "snap",
						  .format = "@GMT-%Y.%m.%d-%H.%M.%S"};

static void times_are(struct vfs_share *share, unsigned count, time_t first, time_t last)
{
	void *ctx = talloc_new(NULL);
	time_t *times;
	unsigned n;

	assert_int_equal(vfs_snapshots(share, ctx, &times, &n), 0);
	assert_int_equal(n, count);
	if (count) {
		assert_int_equal(times[0], first);
		assert_int_equal(times[count - 1], last);
	}
	talloc_free(ctx);
}

static void test_listing(void **state)
{
	struct vfs_snapshot_options options = usual;
	struct fixture *f = *state;
	struct vfs_share *share = share_with(f, options);

	times_are(share, 0, 0, 0);
	make_version(f, new_name, "b");
	make_version(f, old_name, "a");
	make_version(f, "@GMT-2020.01.02", "c");
	make_version(f, "@GMT-2020.13.02-03.04.05", "d");
	make_version(f, "@GMT-2020.1.2-03.04.05", "its time has another name");
	make_version(f, "@GMT-2020.01.02-03.04.05.bak", "e");
	times_are(share, 2, NEW, OLD);
	vfs_share_put(share);
	options.sort = VFS_SNAPSHOT_ASC;
	share = share_with(f, options);
	times_are(share, 2, OLD, NEW);
	vfs_share_put(share);
	options.dir = "nowhere";
	share = share_with(f, options);
	times_are(share, 0, 0, 0);
	vfs_share_put(share);
	options.dir = "";
	share = share_with(f, options);
	times_are(share, 0, 0, 0);
	vfs_share_put(share);
}

static void reads(struct fixture *f, struct vfs_share *share, time_t when, const char *text)
{
	struct vfs_share *snapshot;
	struct vfs_node *node;
	char bytes[32] = "";
	struct iovec iov = {bytes, sizeof(bytes) - 1};

	assert_int_equal(vfs_snapshot_open(share, when, &snapshot), 0);
	assert_int_equal(vfs_lookup(snapshot, f->cred, "FILE", &node), 0);
	vfs_share_put(snapshot); /* the node keeps it */
	assert_int_equal(vfs_node_open(node, true, true), 0);
	assert_int_equal(vfs_node_preadv(node, &iov, 1, 0), strlen(text));
	assert_string_equal(bytes, text);
	assert_int_equal(vfs_node_close(node), 0);
}

static int open_error(struct vfs_share *share, time_t when)
{
	struct vfs_share *snapshot;

	return vfs_snapshot_open(share, when, &snapshot);
}

static void test_opening(void **state)
{
	struct fixture *f = *state;
	struct vfs_share *share = share_with(f, usual);

	make_version(f, old_name, "then");
	local_dir(f, "snap/@GMT-2021.01.02-03.04.05"); /* without the share's folder */
	reads(f, share, OLD, "then");
	assert_int_equal(open_error(share, OLD + 1), -ENOENT);
	assert_int_equal(open_error(share, NEW), -ENOENT);
	assert_int_equal(open_error(share, -1), -ENOENT);
	assert_int_equal(open_error(f->share, OLD), -ENOENT); /* which has none */
	vfs_share_put(share);
}

/* What the snapshots are of is the share's folder itself, or does not hold it. */
static void test_basedir(void **state)
{
	struct vfs_snapshot_options options = usual;
	struct fixture *f = *state;
	struct vfs_share *share;

	options.basedir = local(f, "data");
	local_dir(f, "snap/@GMT-2020.01.02-03.04.05");
	local_file(f, "snap/@GMT-2020.01.02-03.04.05/file", "top");
	share = share_with(f, options);
	reads(f, share, OLD, "top");
	vfs_share_put(share);
	options.basedir = local(f, "snap");
	share = share_with(f, options);
	times_are(share, 0, 0, 0);
	assert_int_equal(open_error(share, OLD), -ENOENT);
	vfs_share_put(share);
}

/* Midnight of a summer's day that has 25 hours of names elsewhere. */
static void test_localtime(void **state)
{
	struct vfs_snapshot_options options = {
		.dir = "snap", .format = "%Y-%m-%d", .localtime = true};
	struct fixture *f = *state;
	struct vfs_share *share;
	const char *was = getenv("TZ");
	char *tz = was ? strdup(was) : NULL;

	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	make_version(f, "2020-07-01", "summer");
	share = share_with(f, options);
	times_are(share, 1, 1593554400, 1593554400); /* 22:00 the day before in UTC */
	reads(f, share, 1593554400, "summer");
	assert_int_equal(open_error(share, 1593561600 + 86400), -ENOENT);
	vfs_share_put(share);
	if (tz)
		setenv("TZ", tz, 1);
	else
		unsetenv("TZ");
	free(tz);
	tzset();
}

static void test_frozen(void **state)
{
	const struct vfs_create create = {0};
	const struct vfs_times times = {.set = VFS_TIME_WRITE, .mtime.tv_sec = 1};
	const struct vfs_ea ea = {"a", (const uint8_t *)"b", 1};
	const struct vfs_range range = {0, 1};
	const struct vfs_protection protection = {-1, 0, NULL, NULL};
	char x[] = "x";
	struct iovec iov = {x, 1};
	struct fixture *f = *state;
	struct vfs_share *share = share_with(f, usual), *snapshot;
	struct vfs_node *node, *made;
	struct vfs_space space;
	char *real;

	make_version(f, old_name, "then");
	assert_int_equal(vfs_snapshot_open(share, OLD, &snapshot), 0);
	assert_int_equal(vfs_create(snapshot, f->cred, "made", &create, &made), -EROFS);
	assert_int_equal(vfs_lookup(snapshot, f->cred, "file", &node), 0);
	assert_int_equal(vfs_node_open(node, true, true), 0);
	assert_int_equal(vfs_node_pwritev(node, &iov, 1, 0, false), -EROFS);
	assert_int_equal(vfs_node_set_eof(node, 0), -EROFS);
	assert_int_equal(vfs_node_set_alloc(node, 0), -EROFS);
	assert_int_equal(vfs_node_zero(node, &range, true), -EROFS);
	assert_int_equal(vfs_node_copy(node, &range, node, 1), -EROFS);
	assert_int_equal(vfs_node_clone(node, &range, node, 1), -EROFS);
	assert_int_equal(vfs_node_set_sparse(node, true), -EROFS);
	assert_int_equal(vfs_node_set_attributes(node, FILE_ATTRIBUTE_HIDDEN), -EROFS);
	assert_int_equal(vfs_node_set_times(node, &times), -EROFS);
	assert_int_equal(vfs_node_set_eas(node, &ea, 1), -EROFS);
	assert_int_equal(vfs_node_protect(node, &protection), -EROFS);
	assert_int_equal(vfs_node_streams_unlink(node), -EROFS);
	assert_int_equal(vfs_node_stream_open(node, "s", true), -EROFS);
	assert_int_equal(vfs_node_rename(node, "file", "other", false, NULL, &real), -EXDEV);
	assert_int_equal(vfs_node_link(node, "other", false), -EXDEV);
	assert_int_equal(vfs_node_unlink(node, "file"), -EROFS);
	assert_int_equal(vfs_node_space(node, &space), 0);
	assert_true(space.read_only);
	assert_int_equal(vfs_node_close(node), 0);
	vfs_share_put(snapshot);
	reads(f, share, OLD, "then");
	vfs_share_put(share);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_listing, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_opening, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_basedir, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_localtime, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_frozen, setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
