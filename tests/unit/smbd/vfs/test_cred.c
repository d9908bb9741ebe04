/* SPDX-License-Identifier: Apache-2.0 */
/* Work is done as the user, when the process is root; and the thread is itself again after. */
#include "tests/unit/smbd/vfs/fixture.h"

#include <pthread.h>
#include <sys/syscall.h>

enum { USER = 54321, OTHER = 54322, GROUP = 54400 };

static int root_setup(void **state)
{
	struct fixture *f;

	fixture_setup(state);
	f = *state;
	assert_int_equal(chmod(f->root, 0777), 0);
	return 0;
}

static void need_root(void)
{
	if (getuid() != 0)
		skip();
}

static struct vfs_cred *user(uid_t uid, gid_t group)
{
	return vfs_cred_new(uid, uid, &group, group ? 1 : 0);
}

static int lookup_as(const struct fixture *f, struct vfs_cred *cred, const char *path,
		     struct vfs_node **node)
{
	return vfs_lookup(f->share, cred, path, node);
}

static void test_is_itself_again(void **state)
{
	struct fixture *f = *state;
	struct vfs_create create = {0};
	struct vfs_cred *cred;
	struct vfs_node *node;

	need_root();
	cred = user(USER, GROUP);
	assert_int_equal(vfs_create(f->share, cred, "mine", &create, &node), 0);
	assert_int_equal(node->stat.uid, USER);
	assert_int_equal(node->stat.gid, USER);
	vfs_node_close(node);
	assert_int_equal(syscall(SYS_geteuid), 0);
	assert_int_equal(syscall(SYS_getegid), 0);
	local_file(f, "root's", "");
	node = lookup(f, "root's");
	assert_int_equal(node->stat.uid, 0);
	assert_int_equal(node->stat.gid, 0);
	vfs_node_close(node);
	vfs_cred_put(cred);
}

static void test_denied(void **state)
{
	struct fixture *f = *state;
	struct vfs_create create = {0};
	struct vfs_cred *cred;
	struct vfs_node *node;

	need_root();
	cred = user(USER, 0);
	local_dir(f, "closed");
	local_file(f, "closed/f", "");
	local_file(f, "readable", "");
	local_file(f, "secret", "");
	assert_int_equal(chmod(local(f, "closed"), 0700), 0);
	assert_int_equal(chmod(local(f, "secret"), 0600), 0);
	assert_int_equal(lookup_as(f, cred, "closed/f", &node), -EACCES);
	assert_int_equal(lookup_as(f, cred, "CLOSED/F", &node), -EACCES);
	assert_int_equal(vfs_create(f->share, cred, "closed/g", &create, &node), -EACCES);
	assert_int_equal(lookup_as(f, cred, "readable", &node), 0);
	assert_int_equal(vfs_node_open(node, true, true), -EACCES);
	assert_int_equal(vfs_node_open(node, true, false), 0);
	assert_int_equal(vfs_node_rename(node, "readable", "closed/moved", false, NULL, NULL),
			 -EACCES);
	assert_int_equal(vfs_node_link(node, "closed/linked", false), -EACCES);
	vfs_node_close(node);
	assert_int_equal(lookup_as(f, cred, "secret", &node), 0);
	assert_int_equal(vfs_node_open(node, true, false), -EACCES);
	vfs_node_close(node);
	assert_int_equal(chmod(f->root, 0700), 0);
	assert_int_equal(vfs_share_check(f->share, cred), -EACCES);
	assert_int_equal(vfs_share_check(f->share, f->cred), 0);
	vfs_cred_put(cred);
}

static void test_groups(void **state)
{
	struct fixture *f = *state;
	struct vfs_cred *in, *out;
	struct vfs_node *node;

	need_root();
	in = user(USER, GROUP);
	out = user(USER, 0);
	local_file(f, "shared", "");
	assert_int_equal(chown(local(f, "shared"), 0, GROUP), 0);
	assert_int_equal(chmod(local(f, "shared"), 0660), 0);
	for (unsigned i = 0; i < 3; i++) { /* the groups change with the user, each time */
		assert_int_equal(lookup_as(f, in, "shared", &node), 0);
		assert_int_equal(vfs_node_open(node, true, true), 0);
		vfs_node_close(node);
		assert_int_equal(lookup_as(f, out, "shared", &node), 0);
		assert_int_equal(vfs_node_open(node, true, true), -EACCES);
		vfs_node_close(node);
	}
	vfs_cred_put(in);
	vfs_cred_put(out);
}

static void test_access(void **state)
{
	struct fixture *f = *state;
	struct vfs_cred *cred;
	struct vfs_node *node;
	unsigned may;

	need_root();
	cred = user(USER, 0);
	local_file(f, "f", "");
	assert_int_equal(chmod(local(f, "f"), 0604), 0);
	assert_int_equal(lookup_as(f, cred, "f", &node), 0);
	assert_int_equal(vfs_node_access(node, &may), 0);
	assert_int_equal(may, VFS_MAY_READ | VFS_MAY_DELETE);
	assert_int_equal(chmod(f->root, 01777), 0); /* sticky: only its owner's to delete */
	assert_int_equal(vfs_node_access(node, &may), 0);
	assert_int_equal(may, VFS_MAY_READ);
	assert_int_equal(chown(local(f, "f"), USER, USER), 0);
	assert_int_equal(vfs_node_stat(node, &node->stat), 0);
	assert_int_equal(vfs_node_access(node, &may), 0);
	assert_int_equal(may, VFS_MAY_READ | VFS_MAY_WRITE | VFS_MAY_DELETE | VFS_MAY_OWN);
	vfs_node_close(node);
	vfs_cred_put(cred);
}

/* FILE_WRITE_ATTRIBUTES is not POSIX's ownership: who may write may set them; who may not can't. */
static void test_attributes_of_others(void **state)
{
	struct vfs_times t = {.set = VFS_TIME_WRITE | VFS_TIME_BIRTH,
			      .btime = {.tv_sec = 1000000000},
			      .mtime = {.tv_sec = 1000000000}};
	struct fixture *f = *state;
	struct vfs_cred *cred;
	struct vfs_node *node;

	need_root();
	cred = user(USER, 0);
	local_file(f, "f", "");
	assert_int_equal(chmod(local(f, "f"), 0666), 0);
	assert_int_equal(lookup_as(f, cred, "f", &node), 0);
	assert_int_equal(vfs_node_set_times(node, &t), 0);
	assert_int_equal(vfs_node_set_attributes(node, FILE_ATTRIBUTE_HIDDEN), 0);
	assert_int_equal(chmod(local(f, "f"), 0644), 0);
	assert_true(vfs_node_set_times(node, &t) < 0);
	assert_true(vfs_node_set_attributes(node, FILE_ATTRIBUTE_NORMAL) < 0);
	/* an owner may, although the mode forbids him to write */
	assert_int_equal(chown(local(f, "f"), USER, USER), 0);
	assert_int_equal(chmod(local(f, "f"), 0400), 0);
	assert_int_equal(vfs_node_set_attributes(node, FILE_ATTRIBUTE_SYSTEM), 0);
	/* and all see them, who may not read the data */
	vfs_node_close(node);
	vfs_cred_put(cred);
	cred = user(OTHER, 0);
	assert_int_equal(lookup_as(f, cred, "f", &node), 0);
	assert_int_equal(node->stat.attributes, FILE_ATTRIBUTE_SYSTEM);
	vfs_node_close(node);
	vfs_cred_put(cred);
}

/* Data is written by the process itself, yet a set-id bit goes as if a user had written. */
static void test_no_capability_left(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node;
	struct iovec out = {(char[]){"x"}, 1};
	struct stat st;

	need_root();
	local_file(f, "f", "");
	assert_int_equal(chmod(local(f, "f"), 04777), 0);
	node = lookup(f, "f");
	assert_int_equal(vfs_node_open(node, true, true), 0);
	assert_int_equal(vfs_node_pwritev(node, &out, 1, 0, false), 1);
	assert_int_equal(stat(local(f, "f"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0777);
	vfs_node_close(node);
}

struct worker {
	struct fixture *f;
	uid_t uid;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct vfs_cred *cred = user(w->uid, 0);
	struct vfs_create create = {0};
	uintptr_t wrong = 0;

	for (unsigned i = 0; i < 200; i++) {
		struct vfs_node *node;
		char name[32];

		snprintf(name, sizeof(name), "%u-%u", (unsigned)w->uid, i);
		if (vfs_create(w->f->share, cred, name, &create, &node) != 0) {
			wrong++;
			continue;
		}
		wrong += node->stat.uid != w->uid;
		vfs_node_close(node);
	}
	vfs_cred_put(cred);
	return (void *)wrong;
}

/* The ids are the thread's own. */
static void test_threads(void **state)
{
	struct worker workers[4];
	pthread_t threads[4];

	need_root();
	for (unsigned i = 0; i < 4; i++) {
		workers[i] = (struct worker){*state, USER + i};
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	assert_int_equal(syscall(SYS_geteuid), 0);
}

/* The same user again costs no change of groups. */
static void test_unchanged_costs_little(void **state)
{
	struct fixture *f = *state;
	struct vfs_counters before, after;
	struct vfs_cred *cred;
	struct vfs_node *node;

	need_root();
	cred = user(USER, GROUP);
	local_file(f, "f", "");
	vfs_counters(&before);
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(lookup_as(f, cred, "f", &node), 0);
		vfs_node_close(node);
	}
	vfs_counters(&after);
	assert_int_equal(after.id_switches - before.id_switches, 1);
	vfs_cred_put(cred);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, root_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_is_itself_again),
		TEST(test_denied),
		TEST(test_groups),
		TEST(test_access),
		TEST(test_attributes_of_others),
		TEST(test_no_capability_left),
		TEST(test_threads),
		TEST(test_unchanged_costs_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
