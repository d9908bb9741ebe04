/* SPDX-License-Identifier: Apache-2.0 */
/* A medium that is full, or read-only: said, and nothing half-made is left. Needs root, to mount.
 */
#include "tests/unit/smbd/vfs/fixture.h"

#include <sched.h>
#include <sys/mount.h>

static int setup(void **state)
{
	struct fixture *f;

	fixture_setup(state);
	f = *state;
	if (getuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("tmpfs", f->root, "tmpfs", 0, "size=256k,nr_inodes=20,mode=0777") == 0)
		assert_int_equal(vfs_share_check(f->share, f->cred), 0);
	else
		f->dir[0] = '\0'; /* can't: skip */
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->dir[0])
		assert_int_equal(umount2(f->root, MNT_DETACH), 0);
	else
		snprintf(f->dir, sizeof(f->dir), "%.*s", (int)strlen(f->root) - 5, f->root);
	return fixture_teardown(state);
}

static void need_mount(const struct fixture *f)
{
	if (!f->dir[0])
		skip();
}

static void test_full(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node;
	static char block[64 * 1024];
	struct iovec out = {block, sizeof(block)};
	struct vfs_stat st;
	struct vfs_create create = {.alloc = 10 << 20};
	ssize_t n = 0;
	off_t off = 0;

	need_mount(f);
	node = make(f, "f", false);
	while ((n = vfs_node_pwritev(node, &out, 1, off, false)) > 0)
		off += n;
	assert_int_equal(n, -ENOSPC);
	/* what was acknowledged is there */
	assert_int_equal(vfs_node_stat(node, &st), 0);
	assert_true(st.size >= (uint64_t)off);
	assert_int_equal(vfs_node_set_alloc(node, 10 << 20), -ENOSPC);
	assert_int_equal(vfs_node_unlink(node, "f"), 0);
	vfs_node_close(node);
	/* room that was asked for and isn't there: no file is left behind */
	assert_int_equal(vfs_create(f->share, f->cred, "g", &create, &node), -ENOSPC);
	assert_false(local_exists(f, "g"));
}

static void test_no_inodes(void **state)
{
	struct fixture *f = *state;
	struct vfs_create create = {0};
	struct vfs_node *node;
	char name[16];
	int err = 0;

	need_mount(f);
	for (unsigned i = 0; i < 40 && !err; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		create.directory = i % 2;
		err = vfs_create(f->share, f->cred, name, &create, &node);
		if (!err)
			vfs_node_close(node);
	}
	assert_int_equal(err, -ENOSPC);
}

static void test_read_only(void **state)
{
	struct vfs_times t = {.set = VFS_TIME_WRITE};
	struct fixture *f = *state;
	struct vfs_create create = {0};
	struct vfs_space space;
	struct vfs_node *node;

	need_mount(f);
	local_file(f, "f", "data");
	assert_int_equal(mount(NULL, f->root, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	assert_int_equal(vfs_create(f->share, f->cred, "g", &create, &node), -EROFS);
	create.directory = true;
	assert_int_equal(vfs_create(f->share, f->cred, "g", &create, &node), -EROFS);
	node = lookup(f, "f");
	assert_int_equal(vfs_node_open(node, true, true), -EROFS);
	assert_int_equal(vfs_node_open(node, true, false), 0);
	assert_int_equal(vfs_node_set_times(node, &t), -EROFS);
	assert_int_equal(vfs_node_set_attributes(node, FILE_ATTRIBUTE_READONLY), -EROFS);
	assert_int_equal(vfs_node_rename(node, "f", "g", false, NULL, NULL), -EROFS);
	assert_int_equal(vfs_node_link(node, "g", false), -EROFS);
	assert_int_equal(vfs_node_unlink(node, "f"), -EROFS);
	assert_int_equal(vfs_node_space(node, &space), 0);
	assert_true(space.read_only);
	vfs_node_close(node);
}

/* Another file system under a share: another device, which rename and link say. */
static void test_across_devices(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node;

	need_mount(f);
	local_dir(f, "other");
	assert_int_equal(mount("tmpfs", local(f, "other"), "tmpfs", 0, "mode=0777"), 0);
	node = make(f, "f", false);
	assert_int_equal(vfs_node_rename(node, "f", "other/f", false, NULL, NULL), -EXDEV);
	assert_int_equal(vfs_node_link(node, "other/f", false), -EXDEV);
	vfs_node_close(node);
	node = make(f, "OTHER/g", false);
	assert_int_equal(vfs_node_unlink(node, "other/g"), 0);
	vfs_node_close(node);
	assert_int_equal(umount2(local(f, "other"), MNT_DETACH), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_full),
		TEST(test_no_inodes),
		TEST(test_read_only),
		TEST(test_across_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
