/* SPDX-License-Identifier: Apache-2.0 */
/* No name leads out of the root: by links, by renames meanwhile, by the node of what was moved. */
#include "tests/unit/smbd/vfs/fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#include "smbd/vfs/name.h"

/* root/ beside outside/secret; links of every kind in root/ */
static void plant(const struct fixture *f)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/outside", f->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	strcat(path, "/secret");
	close(open(path, O_CREAT | O_WRONLY, 0644));
	local_dir(f, "d");
	local_file(f, "d/inside", "");
	assert_int_equal(symlink("../outside", local(f, "up")), 0);
	assert_int_equal(symlink("../outside/secret", local(f, "up-file")), 0);
	assert_int_equal(symlink("../../outside", local(f, "d/up-up")), 0);
	assert_int_equal(symlink("d/../../outside", local(f, "through")), 0);
	snprintf(path, sizeof(path), "%s/outside", f->dir);
	assert_int_equal(symlink(path, local(f, "absolute")), 0);
	assert_int_equal(symlink("/", local(f, "slash")), 0);
	assert_int_equal(symlink("/proc/self/root", local(f, "magic")), 0);
	assert_int_equal(symlink("d", local(f, "to-d")), 0);
	assert_int_equal(symlink("../d/inside", local(f, "d/back")), 0);
	assert_int_equal(symlink("nowhere", local(f, "dangling")), 0);
	assert_int_equal(symlink("loop", local(f, "loop")), 0);
}

static void test_links_beneath(void **state)
{
	static const char *const out[] = {
		"up",       "up/secret",       "up-file", "d/up-up",          "through",
		"absolute", "absolute/secret", "slash",   "slash/etc/passwd", "magic",
		"loop"};
	struct fixture *f = *state;
	struct vfs_create create = {0};
	struct vfs_node *node;

	plant(f);
	for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++)
		assert_int_equal(lookup_error(f, out[i]), -ELOOP);
	assert_int_equal(lookup_error(f, "dangling"), -ENOENT);
	vfs_node_close(lookup(f, "to-d/inside"));
	vfs_node_close(lookup(f, "TO-D/INSIDE"));
	vfs_node_close(lookup(f, "d/back"));
	/* and nothing is made out there, or through a dangling link */
	assert_int_equal(vfs_create(f->share, f->cred, "up/new", &create, &node), -ELOOP);
	assert_int_equal(vfs_create(f->share, f->cred, "UP/new", &create, &node), -ELOOP);
	assert_int_equal(vfs_create(f->share, f->cred, "dangling", &create, &node), -EEXIST);
	create.directory = true;
	assert_int_equal(vfs_create(f->share, f->cred, "absolute/new", &create, &node), -ELOOP);
	node = lookup(f, "d/inside");
	assert_int_equal(vfs_node_rename(node, "d/inside", "up/moved", true, NULL, NULL), -ELOOP);
	assert_int_equal(vfs_node_link(node, "up/linked", true), -ELOOP);
	vfs_node_close(node);
}

static void link_into(const struct fixture *f, const char *target, const char *link)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", f->root, target);
	assert_int_equal(symlink(path, local(f, link)), 0);
}

/* Absolute links that stay inside are followed, also one through another; no other is. */
static void test_absolute_inside(void **state)
{
	struct fixture *f = *state;
	struct vfs_create create = {0};
	struct vfs_node *node;

	plant(f);
	link_into(f, "/d", "abs-d");
	link_into(f, "/d/inside", "abs-file");
	link_into(f, "/abs-d/inside", "twice");
	link_into(f, "//", "abs-root");
	link_into(f, "/../outside/secret", "sneaky");
	link_into(f, "-not/d", "beside"); /* begins like the root */
	link_into(f, "/round", "round");
	link_into(f, "/up/secret", "by-up");
	vfs_node_close(lookup(f, "abs-d"));
	vfs_node_close(lookup(f, "abs-d/inside"));
	vfs_node_close(lookup(f, "ABS-D/INSIDE"));
	vfs_node_close(lookup(f, "abs-file"));
	vfs_node_close(lookup(f, "twice"));
	vfs_node_close(lookup(f, "abs-root"));
	vfs_node_close(lookup(f, "abs-root/d/inside"));
	assert_int_equal(lookup_error(f, "sneaky"), -ELOOP);
	assert_int_equal(lookup_error(f, "beside"), -ELOOP);
	assert_int_equal(lookup_error(f, "round"), -ELOOP);
	assert_int_equal(lookup_error(f, "by-up"), -ELOOP);
	assert_int_equal(lookup_error(f, "abs-d/missing"), -ENOENT);
	assert_int_equal(vfs_create(f->share, f->cred, "abs-d/new", &create, &node), 0);
	assert_true(local_exists(f, "d/new"));
	assert_int_equal(vfs_node_unlink(node, "abs-d/new"), 0);
	vfs_node_close(node);
}

static void test_links_none(void **state)
{
	static const struct vfs_share_options options = {.symlinks = VFS_SYMLINKS_NONE};
	struct fixture f;

	fixture_open(&f, &options);
	plant(&f);
	assert_int_equal(lookup_error(&f, "to-d"), -ELOOP);
	assert_int_equal(lookup_error(&f, "to-d/inside"), -ELOOP);
	assert_int_equal(lookup_error(&f, "up/secret"), -ELOOP);
	vfs_node_close(lookup(&f, "d/inside"));
	fixture_close(&f);
}

static void test_links_wide(void **state)
{
	static const struct vfs_share_options options = {.symlinks = VFS_SYMLINKS_WIDE};
	struct fixture f;

	fixture_open(&f, &options);
	plant(&f);
	vfs_node_close(lookup(&f, "up/secret"));
	vfs_node_close(lookup(&f, "absolute/SECRET"));
	vfs_node_close(lookup(&f, "to-d/inside"));
	fixture_close(&f);
}

/* Whatever bytes a client sends: what name_parse() lets through has no "..", and no way out. */
static void test_parsed_names_stay(void **state)
{
	static const uint16_t alphabet[] = {'.',    '\\', '/',    0xf029, 0xf026,
					    0xf7af, 'a',  0xf02f, 0x2e};
	struct fixture *f = *state;
	uint32_t seed = 4711;

	plant(f);
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t wire[16];
		size_t len = 1 + round % 8;
		struct name *name;

		for (size_t i = 0; i < len; i++) {
			uint16_t u;

			seed = seed * 1664525 + 1013904223;
			u = alphabet[(seed >> 20) % (sizeof(alphabet) / sizeof(alphabet[0]))];
			wire[2 * i] = (uint8_t)u;
			wire[2 * i + 1] = (uint8_t)(u >> 8);
		}
		if (nt_error(name_parse(NULL, wire, 2 * len, &name)))
			continue;
		for (char *c = strtok(name->path, "/"); c; c = strtok(NULL, "/"))
			assert_true(strcmp(c, ".") != 0 && strcmp(c, "..") != 0);
		talloc_free(name);
	}
}

/* ---- races ---- */

struct racer {
	struct fixture *f;
	atomic_bool stop;
};

/* d/e/f is moved out of the root and back, and a link takes turns with a directory. */
static void *move_about(void *arg)
{
	struct racer *r = arg;
	char in[PATH_MAX], out[PATH_MAX], swap[PATH_MAX], link[PATH_MAX];

	strcpy(in, local(r->f, "d/e"));
	snprintf(out, sizeof(out), "%s/outside/e", r->f->dir);
	strcpy(swap, local(r->f, "swap"));
	strcpy(link, local(r->f, "link"));
	while (!atomic_load(&r->stop)) {
		rename(in, out);
		renameat2(AT_FDCWD, swap, AT_FDCWD, link, RENAME_EXCHANGE);
		rename(out, in);
	}
	return NULL;
}

static void never_secret(struct fixture *f, const char *path)
{
	struct vfs_node *node;
	struct stat secret;
	char out[PATH_MAX];

	snprintf(out, sizeof(out), "%s/outside/secret", f->dir);
	assert_int_equal(stat(out, &secret), 0);
	if (vfs_lookup(f->share, f->cred, path, &node) != 0)
		return;
	assert_int_not_equal(node->id.ino, secret.st_ino);
	vfs_node_close(node);
}

static void test_racing_renames(void **state)
{
	struct fixture *f = *state;
	struct racer r = {.f = f};
	pthread_t thread;

	plant(f);
	local_dir(f, "d/e");
	local_dir(f, "d/e/f");
	local_dir(f, "swap");
	/* harmless while d/e is in, the secret when ".." is taken outside */
	assert_int_equal(symlink("../../secret", local(f, "d/e/f/evil")), 0);
	assert_int_equal(symlink("../outside", local(f, "link")), 0);
	assert_int_equal(pthread_create(&thread, NULL, move_about, &r), 0);
	for (unsigned i = 0; i < 3000; i++) {
		never_secret(f, "d/e/f/evil");
		never_secret(f, "D/E/F/EVIL");
		never_secret(f, "swap/secret");
		never_secret(f, "link/SECRET");
	}
	atomic_store(&r.stop, true);
	pthread_join(thread, NULL);
}

/* A directory that was moved out is not a way to what is around it there. */
static void test_moved_out(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *dir;
	char out[PATH_MAX], *path;

	plant(f);
	dir = lookup(f, "d");
	snprintf(out, sizeof(out), "%s/outside/d", f->dir);
	assert_int_equal(rename(local(f, "d"), out), 0);
	assert_int_equal(vfs_node_path(dir, NULL, &path), -ESTALE);
	assert_int_equal(vfs_node_unlink(dir, "d"), -ESTALE);
	assert_int_equal(lookup_error(f, "d/inside"), -ENOTDIR);
	vfs_node_close(dir);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_links_beneath),
		TEST(test_absolute_inside),
		cmocka_unit_test(test_links_none),
		cmocka_unit_test(test_links_wide),
		TEST(test_parsed_names_stay),
		TEST(test_racing_renames),
		TEST(test_moved_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
