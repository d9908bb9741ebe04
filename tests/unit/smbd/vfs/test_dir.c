/* SPDX-License-Identifier: Apache-2.0 */
/* Enumeration. */
#include "tests/unit/smbd/vfs/fixture.h"

#include "smbd/vfs/name.h"

static struct vfs_dir *open_dir(struct vfs_node *node, const char *pattern)
{
	uint8_t wire[512];
	struct vfs_dir *dir;

	assert_int_equal(vfs_dir_open(node, wire, wide(pattern, wire), &dir), 0);
	return dir;
}

/* All names, sorted, with a space after each. */
static char *list(struct vfs_dir *dir)
{
	const struct vfs_dirent *e;
	char *names[64], *all = talloc_strdup(NULL, "");
	unsigned n = 0;
	int got;

	while ((got = vfs_dir_next(dir, &e)) > 0) {
		assert_true(n < 64);
		names[n++] = talloc_strdup(all, e->name);
	}
	assert_int_equal(got, 0);
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = i + 1; k < n; k++)
			if (strcmp(names[i], names[k]) > 0) {
				char *swap = names[i];

				names[i] = names[k];
				names[k] = swap;
			}
	for (unsigned i = 0; i < n; i++)
		all = talloc_asprintf_append(all, "%s ", names[i]);
	return all;
}

static void lists(struct vfs_node *node, const char *pattern, const char *expected)
{
	struct vfs_dir *dir = open_dir(node, pattern);
	char *all = list(dir);

	assert_string_equal(all, expected);
	talloc_free(all);
	vfs_dir_close(dir);
}

static void test_patterns(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *root = lookup(f, "");

	local_file(f, "a.txt", "");
	local_file(f, "B.TXT", "");
	local_file(f, "c", "");
	local_dir(f, "d");
	lists(root, "", ". .. B.TXT a.txt c d ");
	lists(root, "*", ". .. B.TXT a.txt c d ");
	lists(root, "*.txt", "B.TXT a.txt ");
	lists(root, "?", ". c d ");
	lists(root, "<", "c d "); /* the last dot of "." is none that it takes */
	lists(root, "A.TXT", "a.txt ");
	lists(root, "c", "c ");
	lists(root, "nothing", "");
	lists(root, "x*", "");
	lists(root, ".", ". ");
	lists(root, "..", ".. ");
	vfs_node_close(root);
}

static void test_entries(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *root = lookup(f, ""), *node;
	const struct vfs_dirent *e;
	struct vfs_dir *dir = open_dir(root, "*");
	uint8_t wire[16];

	node = make(f, "f", false);
	assert_int_equal(vfs_node_set_eof(node, 1234), 0);
	assert_int_equal(vfs_node_stat(node, &node->stat), 0);
	assert_int_equal(vfs_dir_next(dir, &e), 1);
	assert_string_equal(e->name, ".");
	assert_true(vfs_id_equal(&e->stat.id, &root->id));
	assert_int_equal(e->wire_len, 2);
	assert_memory_equal(e->wire, wire, wide(".", wire));
	assert_int_equal(vfs_dir_next(dir, &e), 1);
	assert_string_equal(e->name, "..");
	assert_true(vfs_id_equal(&e->stat.id, &root->id)); /* nothing is known above the root */
	assert_memory_equal(e->wire, wire, wide("..", wire));
	assert_int_equal(vfs_dir_next(dir, &e), 1);
	assert_true(vfs_id_equal(&e->stat.id, &node->id));
	assert_int_equal(e->stat.size, 1234);
	assert_int_equal(e->stat.attributes, FILE_ATTRIBUTE_ARCHIVE);
	assert_int_equal(vfs_dir_next(dir, &e), 0);
	assert_int_equal(vfs_dir_next(dir, &e), 0);
	vfs_dir_close(dir);
	vfs_node_close(node);
	vfs_node_close(root);
}

static void test_links(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *root = lookup(f, ""), *node;
	const struct vfs_dirent *e;
	struct vfs_dir *dir;

	local_dir(f, "d");
	local_file(f, "d/f", "12345");
	assert_int_equal(symlink("f", local(f, "d/link")), 0);
	assert_int_equal(symlink("../d", local(f, "d/self")), 0);
	assert_int_equal(symlink("/etc/passwd", local(f, "d/out")), 0);
	assert_int_equal(symlink("nowhere", local(f, "d/dangling")), 0);
	node = lookup(f, "d");
	lists(node, "*", ". .. f link self ");
	dir = open_dir(node, "link");
	assert_int_equal(vfs_dir_next(dir, &e), 1);
	assert_int_equal(e->stat.size, 5); /* what it leads to */
	vfs_dir_close(dir);
	vfs_node_close(node);
	vfs_node_close(root);
}

enum { MANY = 1000 };

static void fill(const struct fixture *f)
{
	char name[32];

	local_dir(f, "many");
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "many/%04u", i);
		local_file(f, name, "");
	}
}

static unsigned number(const struct vfs_dirent *e)
{
	return (unsigned)atoi(e->name);
}

/* Unread, restart, and going on from a position or a name: each entry once, none left out. */
static void test_resume(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node;
	unsigned char seen[MANY] = {0};
	const struct vfs_dirent *e;
	struct vfs_dir *dir;
	unsigned count = 0;
	uint8_t wire[32];

	fill(f);
	node = lookup(f, "many");
	dir = open_dir(node, "0*");
	while (vfs_dir_next(dir, &e) > 0) {
		char last[32];

		if (count % 7 == 3) { /* it did not fit */
			vfs_dir_unread(dir);
			assert_int_equal(vfs_dir_next(dir, &e), 1);
		}
		assert_int_equal(seen[number(e)]++, 0);
		strcpy(last, e->name);
		if (count % 31 == 5) {
			assert_int_equal(vfs_dir_seek(dir, e->position), 0);
		} else if (count % 31 == 9) {
			assert_int_equal(vfs_dir_seek_name(dir, wire, wide(last, wire)), 0);
		} else if (count % 31 == 11) {
			assert_int_equal(vfs_dir_seek_name(dir, wire, wide("gone", wire)), -ENOENT);
		} else if (count % 31 == 13) { /* with one pending, too */
			int got = vfs_dir_next(dir, &e);

			if (got > 0) {
				vfs_dir_unread(dir);
				assert_int_equal(vfs_dir_seek_name(dir, wire, wide("gone", wire)),
						 -ENOENT);
			}
		}
		count++;
	}
	assert_int_equal(count, MANY);
	assert_int_equal(vfs_dir_restart(dir), 0);
	for (count = 0; vfs_dir_next(dir, &e) > 0; count++)
		;
	assert_int_equal(count, MANY);
	vfs_dir_close(dir);
	vfs_node_close(node);
}

/* What is gone when a request begins is not in its answer, whatever was gathered before. */
static void test_pause(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node;
	const struct vfs_dirent *e;
	struct vfs_dir *dir;
	unsigned first, left = 10;
	char name[32];

	fill(f);
	node = lookup(f, "many");
	dir = open_dir(node, "0*");
	assert_int_equal(vfs_dir_next(dir, &e), 1);
	first = number(e);
	assert_int_equal(vfs_dir_next(dir, &e), 1);
	vfs_dir_unread(dir);
	assert_int_equal(vfs_dir_pause(dir), 0);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "many/%04u", i);
		if (i % 100)
			assert_int_equal(unlink(local(f, name)), 0);
	}
	left -= first % 100 == 0;
	for (; left; left--) { /* each by a request of its own */
		assert_int_equal(vfs_dir_next(dir, &e), 1);
		assert_int_equal(number(e) % 100, 0);
		assert_int_equal(vfs_dir_pause(dir), 0);
	}
	assert_int_equal(vfs_dir_next(dir, &e), 0);
	vfs_dir_close(dir);
	vfs_node_close(node);
}

static void test_seek_around_the_dots(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *root = lookup(f, "");
	const struct vfs_dirent *e;
	struct vfs_dir *dir = open_dir(root, "*");
	uint64_t dot, dotdot;

	local_file(f, "f", "");
	vfs_dir_next(dir, &e);
	dot = e->position;
	vfs_dir_next(dir, &e);
	dotdot = e->position;
	assert_int_equal(vfs_dir_seek(dir, dot), 0);
	assert_int_equal(vfs_dir_next(dir, &e), 1);
	assert_string_equal(e->name, "..");
	assert_int_equal(vfs_dir_seek(dir, dotdot), 0);
	assert_int_equal(vfs_dir_next(dir, &e), 1);
	assert_string_equal(e->name, "f");
	vfs_dir_close(dir);
	vfs_node_close(root);
}

/* While names come and go, those that stay are seen, once. */
static void test_modified_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node;
	unsigned char seen[MANY] = {0};
	const struct vfs_dirent *e;
	struct vfs_dir *dir;
	unsigned step = 0;
	char name[32];
	int got;

	fill(f);
	node = lookup(f, "many");
	dir = open_dir(node, "*");
	while ((got = vfs_dir_next(dir, &e)) > 0) {
		if (e->name[0] == '0')
			seen[number(e)]++;
		/* the odd ones go from the end, others come */
		snprintf(name, sizeof(name), "many/%04u", MANY - 1 - 2 * step);
		if (2 * step < MANY)
			unlink(local(f, name));
		snprintf(name, sizeof(name), "many/new%u", step++);
		if (step < 500)
			local_file(f, name, "");
	}
	assert_int_equal(got, 0);
	for (unsigned i = 0; i < MANY; i++)
		assert_true(seen[i] <= 1);
	for (unsigned i = 0; i < MANY; i += 2)
		assert_int_equal(seen[i], 1);
	vfs_dir_close(dir);
	vfs_node_close(node);
}

static void test_removed_directory(void **state)
{
	struct fixture *f = *state;
	const struct vfs_dirent *e;
	struct vfs_node *node;
	struct vfs_dir *dir;

	local_dir(f, "d");
	node = lookup(f, "d");
	dir = open_dir(node, "x*");
	assert_int_equal(rmdir(local(f, "d")), 0);
	assert_int_equal(vfs_dir_next(dir, &e), 0);
	vfs_dir_close(dir);
	vfs_node_close(node);
}

/* Names that SMB cannot say come mapped, and are found by what they were listed as. */
static void test_unsayable_names(void **state)
{
	static const char *const names[] = {"a:b",      "c*",          "trailing.",  "trailing ",
					    "\xff\xfe", "line\nbreak", "back\\slash"};
	struct fixture *f = *state;
	struct vfs_node *root = lookup(f, ""), *found;
	struct vfs_dir *dir = open_dir(root, "");
	const struct vfs_dirent *e;
	unsigned count = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		local_file(f, names[i], "");
	while (vfs_dir_next(dir, &e) > 0) {
		struct name *name;

		if (e->name[0] == '.')
			continue;
		assert_int_equal(name_parse(NULL, e->wire, e->wire_len, &name).value, 0);
		assert_string_equal(name->path, e->name);
		found = lookup(f, name->path);
		assert_true(vfs_id_equal(&found->id, &e->stat.id));
		vfs_node_close(found);
		talloc_free(name);
		count++;
	}
	assert_int_equal(count, sizeof(names) / sizeof(names[0]));
	vfs_dir_close(dir);
	vfs_node_close(root);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_patterns),
		TEST(test_entries),
		TEST(test_links),
		TEST(test_resume),
		TEST(test_pause),
		TEST(test_seek_around_the_dots),
		TEST(test_modified_meanwhile),
		TEST(test_removed_directory),
		TEST(test_unsayable_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
