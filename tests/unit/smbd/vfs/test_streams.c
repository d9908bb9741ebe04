/* SPDX-License-Identifier: Apache-2.0 */
/* Named streams and extended attributes, and that Samba would find them where it keeps its own. */
#include "tests/unit/smbd/vfs/fixture.h"

#include <sys/syscall.h>
#include <sys/xattr.h>

/* A file system without extended attributes, while it is so. */
static bool no_xattrs;

ssize_t listxattr(const char *path, char *list, size_t size)
{
	if (no_xattrs) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return syscall(SYS_listxattr, path, list, size);
}

static ssize_t put(struct vfs_node *node, off_t off, const char *text)
{
	struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};

	return vfs_node_pwritev(node, &iov, 1, off, false);
}

static ssize_t get(struct vfs_node *node, off_t off, char *buf, size_t len)
{
	struct iovec iov = {buf, len};

	return vfs_node_preadv(node, &iov, 1, off);
}

static struct vfs_node *stream(const struct fixture *f, const char *path, const char *name)
{
	struct vfs_node *node = lookup(f, path);

	assert_int_equal(vfs_node_stream_open(node, name, false), 0);
	assert_int_equal(vfs_node_open(node, true, true), 0);
	return node;
}

static void assert_value(const struct fixture *f, const char *path, const char *name,
			 const char *value, size_t len)
{
	char buf[64];

	assert_int_equal(getxattr(local(f, path), name, buf, sizeof(buf)), len);
	assert_memory_equal(buf, value, len);
}

static void test_bytes(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node = make(f, "f", false);
	struct vfs_stat st;
	char buf[16];

	assert_int_equal(vfs_node_stream_open(node, "Zone", false), -ENOENT);
	assert_int_equal(vfs_node_stream_open(node, "Zone", true), 0);
	assert_value(f, "f", "user.DosStream.Zone:$DATA", "", 1); /* its one byte more */
	assert_int_equal(put(node, 0, "hello"), 5);
	assert_value(f, "f", "user.DosStream.Zone:$DATA", "hello", 6);
	assert_int_equal(put(node, 7, "x"), 1);
	assert_value(f, "f", "user.DosStream.Zone:$DATA", "hello\0\0x", 9);
	assert_int_equal(vfs_node_stat(node, &st), 0);
	assert_int_equal(st.size, 8);
	assert_int_equal(get(node, 3, buf, 3), 3);
	assert_memory_equal(buf, "lo\0", 3);
	assert_int_equal(get(node, 6, buf, 16), 2);
	assert_int_equal(get(node, 8, buf, 16), 0);
	assert_int_equal(get(node, 800, buf, 16), 0);
	assert_int_equal(vfs_node_set_eof(node, 2), 0);
	assert_int_equal(vfs_node_set_eof(node, 4), 0);
	assert_value(f, "f", "user.DosStream.Zone:$DATA", "he\0\0", 5);
	assert_int_equal(vfs_node_set_alloc(node, 1000), 0);
	assert_int_equal(vfs_node_set_alloc(node, 1), 0);
	assert_value(f, "f", "user.DosStream.Zone:$DATA", "h", 2);
	assert_int_equal(vfs_node_fsync(node, false), 0);
	vfs_node_close(node);
	node = lookup(f, "f"); /* the file itself has nothing of it */
	assert_int_equal(node->stat.size, 0);
	vfs_node_close(node);
}

static void test_too_large(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node = make(f, "f", false);
	struct vfs_stat st;

	assert_int_equal(vfs_node_stream_open(node, "s", true), 0);
	assert_int_equal(put(node, 0, "keep"), 4);
	assert_int_equal(put(node, 65535, "x"), -ENOSPC);
	assert_int_equal(put(node, INT64_MAX, "x"), -ENOSPC);
	assert_int_equal(vfs_node_set_eof(node, 65536), -ENOSPC);
	assert_int_equal(vfs_node_set_eof(node, UINT64_MAX), -ENOSPC);
	assert_int_equal(vfs_node_stat(node, &st), 0);
	assert_int_equal(st.size, 4);
	vfs_node_close(node);
}

static void test_names(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node = make(f, "f", false), *other, *dir = make(f, "d", true);
	char name[300];
	struct vfs_id id;

	assert_int_equal(vfs_node_stream_open(node, "Stream One", true), 0);
	other = stream(f, "f", "sTREAM oNE"); /* any case; the spelling stays */
	assert_string_equal(other->stream, "Stream One");
	assert_true(vfs_id_equal(&other->id, &node->id));
	vfs_node_stream_id(other, "stream one", &id);
	assert_true(vfs_id_equal(&other->id, &id));
	vfs_node_close(other);
	other = lookup(f, "f");
	assert_false(vfs_id_equal(&other->id, &node->id));
	assert_true(vfs_id_same_file(&other->id, &node->id));
	assert_int_equal(vfs_node_stream_open(other, "STREAM ONE", true), -EEXIST);
	memset(name, 'n', sizeof(name));
	name[255 - 15 - 6] = '\0';
	assert_int_equal(vfs_node_stream_open(other, name, true), 0);
	vfs_node_close(other);
	other = lookup(f, "f");
	name[255 - 15 - 6] = 'n';
	name[255 - 15 - 5] = '\0';
	assert_int_equal(vfs_node_stream_open(other, name, true), -ENAMETOOLONG);
	vfs_node_close(other);

	/* directories have them too, and are none then */
	assert_int_equal(vfs_node_stream_open(dir, "s", true), 0);
	assert_false(dir->stat.directory);
	assert_int_equal(put(dir, 0, "in a directory"), 14);
	vfs_node_close(dir);
	vfs_node_close(node);
}

static void test_list_rename_remove(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node = make(f, "f", false), *a, *b;
	struct vfs_stream *streams;
	unsigned count;

	assert_int_equal(vfs_node_set_eof(node, 9), 0);
	a = lookup(f, "f");
	assert_int_equal(vfs_node_stream_open(a, "a", true), 0);
	assert_int_equal(put(a, 0, "one"), 3);
	b = lookup(f, "f");
	assert_int_equal(vfs_node_stream_open(b, "b", true), 0);
	assert_int_equal(vfs_node_streams(node, node, &streams, &count), 0);
	assert_int_equal(count, 3);
	assert_string_equal(streams[0].name, "");
	assert_int_equal(streams[0].size, 9);
	assert_int_equal(vfs_node_stream_rename(a, "B", false), -EEXIST);
	assert_int_equal(vfs_node_stream_rename(a, "A", false), 0); /* its own case */
	assert_string_equal(a->stream, "A");
	assert_int_equal(vfs_node_stream_rename(a, "B", true), 0);
	assert_value(f, "f", "user.DosStream.B:$DATA", "one", 4);
	assert_int_equal(vfs_node_streams(node, node, &streams, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(vfs_node_stream_unlink(a), 0);
	assert_int_equal(vfs_node_stream_unlink(a), -ENOENT);
	assert_int_equal(put(a, 0, "x"), -ENOENT);
	assert_int_equal(vfs_node_stream_open(b, "again", true), 0);
	assert_int_equal(vfs_node_streams_unlink(node), 0);
	assert_int_equal(vfs_node_streams(node, node, &streams, &count), 0);
	assert_int_equal(count, 1);
	vfs_node_close(a);
	vfs_node_close(b);
	vfs_node_close(node);
}

/* A client that renames on and on does not have us keep ever more names for it. */
static void test_remove_without_xattrs(void **state)
{
	struct vfs_node *node = make(*state, "f", false);

	no_xattrs = true;
	assert_int_equal(vfs_node_streams_unlink(node), 0);
	no_xattrs = false;
	vfs_node_close(node);
}

static void test_renames_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node = make(f, "f", false);
	size_t blocks;
	int err = 0;

	assert_int_equal(vfs_node_stream_open(node, "a", true), 0);
	blocks = talloc_total_blocks(node);
	for (unsigned i = 0; !err && i < 10000; i++)
		err = vfs_node_stream_rename(node, i % 2 ? "a" : "b", false);
	assert_int_equal(err, -ENOSPC);
	assert_true(talloc_total_blocks(node) < blocks + 2000);
	vfs_node_close(node);
}

static void set(struct vfs_node *node, const char *name, const char *value, int result)
{
	const struct vfs_ea ea = {name, (const uint8_t *)value, strlen(value)};

	assert_int_equal(vfs_node_set_eas(node, &ea, 1), result);
}

static void test_eas(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node = make(f, "f", false), *s = lookup(f, "f");
	struct vfs_ea *eas;
	unsigned count;

	assert_int_equal(vfs_node_stream_open(s, "hidden", true), 0);
	assert_int_equal(vfs_node_eas(node, node, &eas, &count), 0);
	assert_int_equal(count, 0); /* neither DOS attributes nor streams */
	set(node, "Colour", "red", 0);
	assert_value(f, "f", "user.Colour", "red", 3);
	set(node, "COLOUR", "blue", 0);
	assert_int_equal(vfs_node_eas(node, node, &eas, &count), 0);
	assert_int_equal(count, 1);
	assert_string_equal(eas[0].name, "Colour");
	assert_int_equal(eas[0].len, 4);
	assert_memory_equal(eas[0].value, "blue", 4);
	set(node, "colour", "", 0);
	set(node, "colour", "", 0); /* not there is as good */
	assert_int_equal(vfs_node_eas(node, node, &eas, &count), 0);
	assert_int_equal(count, 0);
	set(node, "DosAttrib", "x", -EACCES);
	set(node, "DosStream.x", "x", -EACCES);
	set(node, "a*b", "x", -EINVAL);
	set(node, "", "x", -EINVAL);
	vfs_node_close(s);
	vfs_node_close(node);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bytes, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_too_large, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_names, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_list_rename_remove, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(test_remove_without_xattrs, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(test_renames_are_bounded, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(test_eas, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
