/* SPDX-License-Identifier: Apache-2.0 */
/* rename, link, unlink; and where a node's name is. */
#include "tests/unit/smbd/vfs/fixture.h"

#include <pthread.h>
#include <stdatomic.h>

static void renamed(struct vfs_node *node, const char *path, const char *new_path, bool replace,
		    const char *expected)
{
	char *real = NULL;

	assert_int_equal(vfs_node_rename(node, path, new_path, replace, NULL, &real), 0);
	assert_string_equal(real, expected);
	talloc_free(real);
}

static int rename_error(struct vfs_node *node, const char *new_path, bool replace)
{
	char *real = NULL;
	int err = vfs_node_rename(node, node->path, new_path, replace, NULL, &real);

	talloc_free(real);
	return err;
}

static void is_at(struct vfs_node *node, const char *expected)
{
	char *path;

	assert_int_equal(vfs_node_path(node, NULL, &path), 0);
	assert_string_equal(path, expected);
	talloc_free(path);
}

static void test_rename(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node, *dir = make(f, "Dir", true);

	node = make(f, "a", false);
	renamed(node, "a", "b", false, "b");
	renamed(node, "b", "dir/c", false, "Dir/c");
	is_at(node, "Dir/c");
	assert_true(local_exists(f, "Dir/c"));
	assert_false(local_exists(f, "a") || local_exists(f, "b"));
	/* a directory with what is in it */
	renamed(dir, "Dir", "Other", false, "Other");
	is_at(node, "Other/c");
	/* the caller's name is old: the kernel's is used */
	renamed(node, "Dir/c", "Other/d", false, "Other/d");
	vfs_node_close(node);
	vfs_node_close(dir);
}

static void test_rename_case_only(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node = make(f, "readme", false);

	renamed(node, "readme", "README", false, "README");
	assert_true(local_exists(f, "README"));
	assert_false(local_exists(f, "readme"));
	renamed(node, "README", "README", false, "README"); /* to itself */
	vfs_node_close(node);
}

static void test_rename_refused(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node = make(f, "a", false), *dir = make(f, "d", true);

	vfs_node_close(make(f, "Taken", false));
	assert_int_equal(rename_error(node, "taken", false), -EEXIST);
	assert_int_equal(rename_error(node, "d", false), -EEXIST);
	assert_int_equal(rename_error(node, "d", true), -EISDIR);
	assert_int_equal(rename_error(node, "no/a", false), -ENOTDIR);
	assert_int_equal(rename_error(node, "Taken/a", false), -ENOTDIR);
	assert_int_equal(rename_error(dir, "d/sub", false), -EINVAL);
	assert_int_equal(rename_error(node, "", true), -EISDIR);
	assert_true(local_exists(f, "a") && local_exists(f, "Taken"));
	vfs_node_close(node);
	vfs_node_close(dir);
	node = lookup(f, "");
	assert_int_equal(rename_error(node, "x", false), -EBUSY);
	vfs_node_close(node);
}

static void test_rename_replaces(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node = make(f, "a", false), *found;

	local_file(f, "Target", "old");
	renamed(node, "a", "TARGET", true, "TARGET");
	assert_true(local_exists(f, "TARGET"));
	assert_false(local_exists(f, "Target") || local_exists(f, "a"));
	found = lookup(f, "target");
	assert_true(vfs_id_equal(&found->id, &node->id));
	vfs_node_close(found);
	/* another link of itself: one of the two names is left */
	assert_int_equal(link(local(f, "TARGET"), local(f, "link")), 0);
	assert_int_equal(vfs_node_rename(node, "TARGET", "link", false, NULL, NULL), -EEXIST);
	renamed(node, "TARGET", "link", true, "link");
	assert_false(local_exists(f, "TARGET"));
	assert_true(local_exists(f, "link"));
	vfs_node_close(node);
}

static void test_unlink_by_identity(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node = make(f, "a", false);

	/* somebody else's file has the name by now, and ours another */
	assert_int_equal(rename(local(f, "a"), local(f, "b")), 0);
	local_file(f, "a", "not ours");
	assert_int_equal(vfs_node_unlink(node, "a"), 0);
	assert_true(local_exists(f, "a"));
	assert_false(local_exists(f, "b"));
	assert_int_equal(vfs_node_unlink(node, "a"), -ESTALE);
	assert_true(local_exists(f, "a"));
	vfs_node_close(node);
	/* a name that only looks like the kernel's word for "gone" */
	node = make(f, "x", false);
	assert_int_equal(unlink(local(f, "x")), 0);
	local_file(f, "x (deleted)", "");
	assert_int_equal(vfs_node_unlink(node, "x"), -ESTALE);
	assert_true(local_exists(f, "x (deleted)"));
	vfs_node_close(node);
}

static void test_unlink_directory(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *dir = make(f, "d", true);

	assert_int_equal(vfs_node_is_empty(dir), 0);
	local_file(f, "d/f", "");
	assert_int_equal(vfs_node_is_empty(dir), -ENOTEMPTY);
	assert_int_equal(vfs_node_unlink(dir, "d"), -ENOTEMPTY);
	assert_int_equal(unlink(local(f, "d/f")), 0);
	assert_int_equal(vfs_node_unlink(dir, "d"), 0);
	assert_false(local_exists(f, "d"));
	vfs_node_close(dir);
	dir = lookup(f, "");
	assert_int_equal(vfs_node_unlink(dir, ""), -EBUSY);
	vfs_node_close(dir);
}

static void test_unlink_symlink(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node;

	local_file(f, "target", "");
	assert_int_equal(symlink("target", local(f, "link")), 0);
	node = lookup(f, "link");
	assert_int_equal(vfs_node_unlink(node, "link"), 0);
	assert_false(local_exists(f, "link"));
	assert_true(local_exists(f, "target"));
	vfs_node_close(node);
}

static void test_link(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node = make(f, "a", false), *dir = make(f, "d", true);
	struct vfs_stat st;

	assert_int_equal(vfs_node_link(node, "d/b", false), 0);
	assert_int_equal(vfs_node_stat(node, &st), 0);
	assert_int_equal(st.links, 2);
	local_file(f, "Other", "x");
	assert_int_equal(vfs_node_link(node, "other", false), -EEXIST);
	assert_int_equal(vfs_node_link(node, "other", true), 0);
	assert_true(local_exists(f, "other"));
	assert_int_equal(vfs_node_link(node, "d", true), -EISDIR);
	assert_int_equal(vfs_node_link(dir, "e", false), -EISDIR);
	assert_int_equal(vfs_node_stat(node, &st), 0);
	assert_int_equal(st.links, 3);
	vfs_node_close(node);
	vfs_node_close(dir);
}

/* ---- races: whatever others do, a node is renamed, deleted or ESTALE; never something else ----
 */

struct racer {
	struct fixture *f;
	atomic_bool stop;
};

static void *swap_names(void *arg)
{
	struct racer *r = arg;
	char a[PATH_MAX], b[PATH_MAX];

	strcpy(a, local(r->f, "a"));
	strcpy(b, local(r->f, "b"));
	while (!atomic_load(&r->stop))
		renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
	return NULL;
}

static void test_race_with_local_renames(void **state)
{
	struct fixture *f = *state;
	struct racer r = {.f = f};
	unsigned done = 0;
	pthread_t thread;
	struct stat st;

	local_file(f, "a", "a");
	local_file(f, "b", "b");
	assert_int_equal(pthread_create(&thread, NULL, swap_names, &r), 0);
	for (unsigned i = 0; i < 2000; i++) {
		struct vfs_node *node = lookup(f, i % 2 ? "A" : "b");
		char *path = NULL;
		int err = vfs_node_path(node, NULL, &path);

		assert_true(err == 0 || err == -ESTALE);
		if (!err) {
			assert_true(strcmp(path, "a") == 0 || strcmp(path, "b") == 0);
			done++;
		}
		talloc_free(path);
		vfs_node_close(node);
	}
	atomic_store(&r.stop, true);
	pthread_join(thread, NULL);
	assert_true(done > 0);
	assert_int_equal(stat(local(f, "a"), &st), 0);
	assert_int_equal(stat(local(f, "b"), &st), 0);
}

/* Two who make the same name in two spellings: one of them does. */
static void *make_many(void *arg)
{
	struct racer *r = arg;
	static _Atomic unsigned turn;
	unsigned me = atomic_fetch_add(&turn, 1) % 2;
	uintptr_t made = 0;

	for (unsigned i = 0; i < 300; i++) {
		struct vfs_create create = {.directory = i % 2};
		struct vfs_node *node;
		char name[16];

		snprintf(name, sizeof(name), me ? "NAME%u" : "name%u", i);
		if (vfs_create(r->f->share, r->f->cred, name, &create, &node) == 0) {
			vfs_node_close(node);
			made++;
		}
	}
	return (void *)made;
}

static void test_race_of_spellings(void **state)
{
	struct racer r = {.f = *state};
	pthread_t threads[2];
	uintptr_t made = 0;

	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, make_many, &r), 0);
	for (unsigned i = 0; i < 2; i++) {
		void *n;

		pthread_join(threads[i], &n);
		made += (uintptr_t)n;
	}
	assert_int_equal(made, 300);
}

/* One deletes a file while another takes its name: the other's file is not the one that goes. */
struct pair {
	pthread_barrier_t start;
	struct vfs_node *victim, *mover;
};

static void *delete_victim(void *arg)
{
	struct pair *p = arg;

	pthread_barrier_wait(&p->start);
	(void)vfs_node_unlink(p->victim, "x");
	return NULL;
}

static void test_race_of_unlink_and_rename(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 300; i++) {
		struct pair p = {.victim = make(f, "x", false), .mover = make(f, "y", false)};
		struct vfs_node *found;
		pthread_t thread;

		pthread_barrier_init(&p.start, NULL, 2);
		assert_int_equal(pthread_create(&thread, NULL, delete_victim, &p), 0);
		pthread_barrier_wait(&p.start);
		assert_int_equal(vfs_node_rename(p.mover, "y", "x", true, NULL, NULL), 0);
		pthread_join(thread, NULL);
		found = lookup(f, "x");
		assert_true(vfs_id_equal(&found->id, &p.mover->id));
		assert_int_equal(vfs_node_unlink(found, "x"), 0);
		vfs_node_close(found);
		vfs_node_close(p.victim);
		vfs_node_close(p.mover);
		pthread_barrier_destroy(&p.start);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_rename),
		TEST(test_rename_case_only),
		TEST(test_rename_refused),
		TEST(test_rename_replaces),
		TEST(test_unlink_by_identity),
		TEST(test_unlink_directory),
		TEST(test_unlink_symlink),
		TEST(test_link),
		TEST(test_race_with_local_renames),
		TEST(test_race_of_spellings),
		TEST(test_race_of_unlink_and_rename),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
