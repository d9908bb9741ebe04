/* SPDX-License-Identifier: Apache-2.0 */
/* Reparse points as they are stored: Samba's are read, ours are Samba's, and none is walked
 * through.
 */
#include "tests/unit/smbd/vfs/fixture.h"

#include <sys/xattr.h>

#include "smbd/wire/fscc/attributes.h"

#define XATTR "user.SmbReparse"

/* A symbolic link to "x", relative. */
static const uint8_t link_bytes[] = {0x0c, 0, 0, 0xa0, 16, 0, 0, 0, 0,   0, 2,   0,
				     2,    0, 2, 0,    1,  0, 0, 0, 'x', 0, 'x', 0};
/* Version 5, as Samba writes it: attributes 0x420, created at 0. */
static const uint8_t dos_bytes[] = {0,    0, 5, 0, 5, 0, 0, 0, 1, 0, 0, 0,
				    0x20, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
#define TAG 0xa000000cu

static struct vfs_node *make_link(struct fixture *f, const char *path, bool directory)
{
	struct vfs_node *node = make(f, path, directory);

	assert_int_equal(vfs_node_set_reparse(node, link_bytes, sizeof(link_bytes)), 0);
	return node;
}

static void test_stored(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node = make_link(f, "l", false);
	uint8_t bytes[64], *data;
	struct vfs_stat st;
	size_t len;

	assert_int_equal(getxattr(local(f, "l"), XATTR, bytes, sizeof(bytes)), sizeof(link_bytes));
	assert_memory_equal(bytes, link_bytes, sizeof(link_bytes));
	assert_int_equal(vfs_node_stat(node, &st), 0);
	assert_true(st.attributes & FILE_ATTRIBUTE_REPARSE_POINT);
	assert_int_equal(st.reparse_tag, TAG);
	assert_int_equal(vfs_node_reparse(node, node, &data, &len), 0);
	assert_int_equal(len, sizeof(link_bytes));
	assert_int_equal(vfs_node_set_reparse(node, NULL, 0), 0);
	assert_int_equal(vfs_node_reparse(node, node, &data, &len), -ENODATA);
	assert_true(getxattr(local(f, "l"), XATTR, bytes, sizeof(bytes)) < 0);
	assert_int_equal(vfs_node_close(node), 0);
}

static void test_samba_s(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node;

	local_file(f, "s", "");
	assert_int_equal(setxattr(local(f, "s"), XATTR, link_bytes, sizeof(link_bytes), 0), 0);
	/* of no account without the attribute */
	node = lookup(f, "s");
	assert_false(node->stat.attributes & FILE_ATTRIBUTE_REPARSE_POINT);
	assert_int_equal(vfs_node_close(node), 0);
	assert_int_equal(setxattr(local(f, "s"), "user.DOSATTRIB", dos_bytes, sizeof(dos_bytes), 0),
			 0);
	node = lookup(f, "s");
	assert_int_equal(node->stat.attributes,
			 FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_ARCHIVE);
	assert_int_equal(node->stat.reparse_tag, TAG);
	assert_int_equal(vfs_node_close(node), 0);
	/* nor the attribute without what makes sense */
	assert_int_equal(setxattr(local(f, "s"), XATTR, link_bytes, 5, 0), 0);
	node = lookup(f, "s");
	assert_int_equal(node->stat.attributes, FILE_ATTRIBUTE_ARCHIVE);
	assert_int_equal(vfs_node_close(node), 0);
}

static void test_not_walked_through(void **state)
{
	const struct vfs_create create = {0};
	struct fixture *f = *state;
	struct vfs_node *folder = make_link(f, "l", true), *file = make(f, "f", false), *made;
	char *real;

	assert_int_equal(lookup_error(f, "l/x"), -EREMOTE);
	assert_int_equal(lookup_error(f, "L/x"), -EREMOTE);
	assert_int_equal(vfs_create(f->share, f->cred, "l/x", &create, &made), -EREMOTE);
	assert_int_equal(vfs_node_rename(file, "f", "l/x", false, NULL, &real), -EREMOTE);
	assert_int_equal(vfs_node_link(file, "l/x", false), -EREMOTE);
	assert_int_equal(vfs_node_unlink(folder, "l"), 0);
	assert_false(local_exists(f, "l"));
	assert_int_equal(vfs_node_close(folder), 0);
	assert_int_equal(vfs_node_close(file), 0);
}

/* A copy may have lost the data, which can be too much for another file system. */
static void test_walked_through_without_data(void **state)
{
	const struct vfs_create create = {0};
	struct fixture *f = *state;
	struct vfs_node *made;

	local_dir(f, "d");
	assert_int_equal(setxattr(local(f, "d"), "user.DOSATTRIB", dos_bytes, sizeof(dos_bytes), 0),
			 0);
	assert_int_equal(lookup_error(f, "d/x"), -ENOENT);
	assert_int_equal(vfs_create(f->share, f->cred, "d/x", &create, &made), 0);
	assert_int_equal(vfs_node_close(made), 0);
}

static void test_refused(void **state)
{
	const struct vfs_share_options options = {.ea_support = true};
	struct fixture *f = *state;
	struct vfs_share *bare;
	struct vfs_node *node;

	node = lookup(f, "");
	assert_int_equal(vfs_node_set_reparse(node, link_bytes, sizeof(link_bytes)), -EACCES);
	assert_int_equal(vfs_node_close(node), 0);
	assert_int_equal(mkfifo(local(f, "p"), 0644), 0);
	node = lookup(f, "p");
	assert_int_equal(node->stat.reparse_tag, 0x80000014u);
	assert_int_equal(vfs_node_set_reparse(node, link_bytes, sizeof(link_bytes)), -EACCES);
	assert_int_equal(vfs_node_close(node), 0);
	local_file(f, "f", "");
	assert_int_equal(vfs_share_open(f->root, &options, &bare), 0);
	assert_int_equal(vfs_lookup(bare, f->cred, "f", &node), 0);
	assert_int_equal(vfs_node_set_reparse(node, link_bytes, sizeof(link_bytes)), -EOPNOTSUPP);
	assert_int_equal(vfs_node_close(node), 0);
	vfs_share_put(bare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_stored, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_samba_s, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_not_walked_through, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(test_walked_through_without_data, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(test_refused, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
