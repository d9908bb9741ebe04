/* SPDX-License-Identifier: Apache-2.0 */
/* Finding, making, opening; data; times and attributes. */
#include "tests/unit/smbd/vfs/fixture.h"

#include <sys/xattr.h>

static void test_root(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node = lookup(f, "");

	assert_true(node->stat.directory);
	assert_string_equal(node->path, "");
	assert_true(node->stat.attributes & FILE_ATTRIBUTE_DIRECTORY);
	vfs_node_close(node);
}

static void test_missing(void **state)
{
	struct fixture *f = *state;

	local_dir(f, "d");
	local_file(f, "f", "");
	assert_int_equal(lookup_error(f, "x"), -ENOENT);
	assert_int_equal(lookup_error(f, "d/x"), -ENOENT);
	assert_int_equal(lookup_error(f, "x/y"), -ENOTDIR);
	assert_int_equal(lookup_error(f, "d/x/y"), -ENOTDIR);
	assert_int_equal(lookup_error(f, "f/x"), -ENOTDIR);
}

static void test_other_spellings(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node;

	local_dir(f, "Dir");
	local_dir(f, "Dir/Sub");
	local_file(f, "Dir/Sub/File.TXT", "x");
	node = lookup(f, "dir/SUB/file.txt");
	assert_string_equal(node->path, "Dir/Sub/File.TXT");
	vfs_node_close(node);
	/* the exact one wins over others */
	local_file(f, "Dir/Sub/FILE.txt", "y");
	node = lookup(f, "Dir/Sub/FILE.txt");
	assert_string_equal(node->path, "Dir/Sub/FILE.txt");
	vfs_node_close(node);
	/* and among others, always the same */
	node = lookup(f, "Dir/Sub/file.TXT");
	assert_string_equal(node->path, "Dir/Sub/FILE.txt");
	vfs_node_close(node);
}

static void test_case_sensitive(void **state)
{
	static const struct vfs_share_options options = {.case_sensitive = true};
	struct vfs_create create = {0};
	struct fixture f;
	struct vfs_node *node;

	fixture_open(&f, &options);
	vfs_node_close(make(&f, "File", false));
	assert_int_equal(lookup_error(&f, "file"), -ENOENT);
	assert_int_equal(lookup_error(&f, "x/file"), -ENOTDIR);
	assert_int_equal(vfs_create(f.share, f.cred, "file", &create, &node), 0);
	vfs_node_close(node);
	fixture_close(&f);
}

static void test_create(void **state)
{
	struct fixture *f = *state;
	struct vfs_create create = {.attributes = FILE_ATTRIBUTE_HIDDEN};
	struct vfs_node *node, *dir = make(f, "Dir", true), *again;

	assert_true(dir->stat.directory);
	assert_int_equal(dir->stat.attributes, FILE_ATTRIBUTE_DIRECTORY);
	assert_int_equal(dir->stat.mode & 07777, 0755);
	assert_int_equal(vfs_create(f->share, f->cred, "dir/a", &create, &node), 0);
	assert_string_equal(node->path, "Dir/a");
	assert_true(vfs_id_equal(&node->parent, &dir->id));
	assert_int_equal(node->stat.attributes, FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_ARCHIVE);
	assert_int_equal(node->stat.mode & 07777, 0644);
	assert_true(node->can_read && node->can_write);
	assert_int_equal(vfs_create(f->share, f->cred, "Dir/A", &create, &again), -EEXIST);
	assert_int_equal(vfs_create(f->share, f->cred, "DIR", &create, &again), -EEXIST);
	assert_int_equal(vfs_create(f->share, f->cred, "", &create, &again), -EEXIST);
	assert_int_equal(vfs_create(f->share, f->cred, "no/a", &create, &again), -ENOTDIR);
	assert_int_equal(vfs_create(f->share, f->cred, "Dir/a/b", &create, &again), -ENOTDIR);
	vfs_node_close(node);
	vfs_node_close(dir);
	/* what it is is stored: found anew it is the same */
	node = lookup(f, "dir/A");
	assert_int_equal(node->stat.attributes, FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_ARCHIVE);
	vfs_node_close(node);
}

static void test_create_masks(void **state)
{
	static const struct vfs_share_options options = {.create_mask = 0640,
							 .directory_mask = 0750,
							 .force_create_mode = 0001,
							 .force_directory_mode = 02000};
	struct fixture f;
	struct vfs_node *node;

	fixture_open(&f, &options);
	node = make(&f, "f", false);
	assert_int_equal(node->stat.mode & 07777, 0641);
	vfs_node_close(node);
	node = make(&f, "d", true);
	assert_int_equal(node->stat.mode & 0777, 0750);
	vfs_node_close(node);
	/* what will get a descriptor lets nobody in before that, a directory its owner neither */
	for (unsigned i = 0; i < 2; i++) {
		const struct vfs_create create = {.directory = i, .closed = true};

		assert_int_equal(vfs_create(f.share, f.cred, i ? "cd" : "cf", &create, &node), 0);
		assert_int_equal(node->stat.mode & 0777, 0600);
		vfs_node_close(node);
	}
	fixture_close(&f);
}

static void test_data(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node = make(f, "f", false), *reader;
	char a[3] = "abc", b[5] = "defgh", got[16] = {0};
	struct iovec out[2] = {{a, 3}, {b, 5}}, in = {got, sizeof(got)};
	struct vfs_stat st;

	assert_int_equal(vfs_node_pwritev(node, out, 2, 2, false), 8);
	assert_int_equal(vfs_node_pwritev(node, out, 1, 10, true), 3);
	assert_int_equal(vfs_node_preadv(node, &in, 1, 0), 13);
	assert_memory_equal(got, "\0\0abcdefghabc", 13);
	assert_int_equal(vfs_node_preadv(node, &in, 1, 13), 0);
	assert_int_equal(vfs_node_fsync(node, false), 0);
	assert_int_equal(vfs_node_set_eof(node, 5), 0);
	assert_int_equal(vfs_node_stat(node, &st), 0);
	assert_int_equal(st.size, 5);
	assert_int_equal(vfs_node_set_alloc(node, 1 << 20), 0);
	assert_int_equal(vfs_node_stat(node, &st), 0);
	assert_int_equal(st.size, 5);
	assert_true(st.alloc >= 1 << 20);
	assert_int_equal(vfs_node_set_alloc(node, 3), 0);
	assert_int_equal(vfs_node_stat(node, &st), 0);
	assert_int_equal(st.size, 3);
	assert_int_equal(vfs_node_set_eof(node, UINT64_MAX), -EINVAL);

	reader = lookup(f, "f");
	assert_int_equal(vfs_node_preadv(reader, &in, 1, 0), -EBADF);
	assert_int_equal(vfs_node_open(reader, true, false), 0);
	assert_int_equal(vfs_node_preadv(reader, &in, 1, 0), 3);
	assert_int_equal(vfs_node_pwritev(reader, out, 2, 0, false), -EBADF);
	assert_int_equal(vfs_node_set_eof(reader, 0), -EBADF);
	assert_int_equal(fcntl(reader->fd, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(vfs_node_close(reader), 0);
	assert_int_equal(vfs_node_close(node), 0);
}

/* The node is the inode: what happens to the name meanwhile is nothing to it. */
static void test_open_follows_inode(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node;
	char got[4] = {0};
	struct iovec in = {got, 4};

	local_file(f, "a", "old");
	node = lookup(f, "a");
	assert_int_equal(rename(local(f, "a"), local(f, "b")), 0);
	local_file(f, "a", "new");
	assert_int_equal(vfs_node_open(node, true, false), 0);
	assert_int_equal(vfs_node_preadv(node, &in, 1, 0), 3);
	assert_string_equal(got, "old");
	vfs_node_close(node);
}

static void test_special_files(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node;

	assert_int_equal(mkfifo(local(f, "fifo"), 0666), 0);
	node = lookup(f, "fifo"); /* does not hang */
	assert_int_equal(vfs_node_open(node, true, false), -EACCES);
	vfs_node_close(node);
}

static void test_attributes(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node = make(f, "f", false);
	struct vfs_stat st;

	assert_int_equal(
		vfs_node_set_attributes(node, FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_SYSTEM), 0);
	assert_int_equal(vfs_node_stat(node, &st), 0);
	assert_int_equal(st.attributes, FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_SYSTEM);
	assert_int_equal(vfs_node_set_attributes(node, FILE_ATTRIBUTE_NORMAL), 0);
	assert_int_equal(vfs_node_stat(node, &st), 0);
	assert_int_equal(st.attributes, FILE_ATTRIBUTE_NORMAL);
	/* what can't be set is left out */
	assert_int_equal(vfs_node_set_attributes(node, FILE_ATTRIBUTE_DIRECTORY |
							       FILE_ATTRIBUTE_REPARSE_POINT),
			 0);
	assert_int_equal(vfs_node_stat(node, &st), 0);
	assert_int_equal(st.attributes, FILE_ATTRIBUTE_NORMAL);
	vfs_node_close(node);
}

static void test_attributes_without_store(void **state)
{
	static const struct vfs_share_options options = {.hide_dot_files = true};
	struct fixture f;
	struct vfs_node *node;
	struct vfs_stat st;

	fixture_open(&f, &options);
	local_file(&f, ".dot", "");
	local_file(&f, "ro", "");
	assert_int_equal(chmod(local(&f, "ro"), 0444), 0);
	node = lookup(&f, ".dot");
	assert_int_equal(node->stat.attributes, FILE_ATTRIBUTE_HIDDEN);
	assert_int_equal(
		vfs_node_set_attributes(node, FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_SYSTEM), 0);
	assert_int_equal(vfs_node_stat(node, &st), 0);
	assert_int_equal(st.attributes, FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_READONLY);
	vfs_node_close(node);
	node = lookup(&f, "ro");
	assert_int_equal(node->stat.attributes, FILE_ATTRIBUTE_READONLY);
	assert_int_equal(vfs_node_set_attributes(node, FILE_ATTRIBUTE_ARCHIVE), 0);
	assert_int_equal(vfs_node_stat(node, &st), 0);
	assert_int_equal(st.attributes, FILE_ATTRIBUTE_NORMAL);
	vfs_node_close(node);
	fixture_close(&f);
}

/* A dot that hides a name hides it as long as the name has it, and is not stored. */
static void test_dot_is_not_stored(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node = make(f, ".a", false);

	assert_true(node->stat.attributes & FILE_ATTRIBUTE_HIDDEN);
	vfs_node_close(node);
	assert_int_equal(rename(local(f, ".a"), local(f, "a")), 0);
	node = lookup(f, "a");
	assert_int_equal(node->stat.attributes, FILE_ATTRIBUTE_ARCHIVE);
	vfs_node_close(node);
}

static void test_reads_samba(void **state)
{
	static const uint8_t value[] = {0x00, 0x00, 0x05, 0x00, 0x05, 0x00, 0x00, 0x00,
					0x11, 0x00, 0x00, 0x00, 0x27, 0x00, 0x00, 0x00,
					0x00, 0x05, 0xb5, 0x7d, 0x96, 0x8d, 0xc0, 0x01};
	struct fixture *f = *state;
	struct vfs_node *node;

	local_file(f, "a", "");
	if (setxattr(local(f, "a"), "user.DOSATTRIB", value, sizeof(value), 0) != 0)
		skip(); /* no user attributes on this file system */
	node = lookup(f, "a");
	assert_int_equal(node->stat.attributes, 0x27);
	assert_int_equal(node->stat.btime.tv_sec, 981173106); /* 2001-02-03 04:05:06 UTC */
	vfs_node_close(node);
}

static void test_times(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node = make(f, "f", false);
	struct vfs_times t = {.set = VFS_TIME_BIRTH | VFS_TIME_ACCESS | VFS_TIME_WRITE,
			      .btime = {.tv_sec = 1000000000},
			      .atime = {.tv_sec = 2000000000, .tv_nsec = 100},
			      .mtime = {.tv_sec = 1500000000, .tv_nsec = 999999900}};
	struct vfs_id id = node->id;

	assert_int_equal(vfs_node_set_times(node, &t), 0);
	vfs_node_close(node);
	node = lookup(f, "f");
	assert_int_equal(node->stat.btime.tv_sec, 1000000000);
	assert_int_equal(node->stat.atime.tv_sec, 2000000000);
	assert_int_equal(node->stat.atime.tv_nsec, 100);
	assert_int_equal(node->stat.mtime.tv_sec, 1500000000);
	assert_int_equal(node->stat.mtime.tv_nsec, 999999900);
	assert_true(vfs_id_equal(&node->id, &id)); /* the birth a client sees is not the identity */
	vfs_node_close(node);
}

/* [MS-FSA] 2.1.5.15.2: a time set through an open is held against that open's writes. */
static void test_held_times(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *holder = make(f, "f", false), *other = lookup(f, "f");
	struct vfs_times t = {.set = VFS_TIME_WRITE, .mtime = {.tv_sec = 1000000000}};
	struct iovec out = {(char[]){"x"}, 1};
	struct vfs_stat st;

	assert_int_equal(vfs_node_open(other, true, true), 0);
	assert_int_equal(vfs_node_set_times(holder, &t), 0);
	assert_int_equal(vfs_node_pwritev(holder, &out, 1, 0, false), 1);
	assert_int_equal(vfs_node_set_eof(holder, 100), 0);
	assert_int_equal(vfs_node_stat(other, &st), 0);
	assert_int_equal(st.mtime.tv_sec, 1000000000);
	/* another open's writes count */
	assert_int_equal(vfs_node_pwritev(other, &out, 1, 0, false), 1);
	assert_int_equal(vfs_node_stat(other, &st), 0);
	assert_true(st.mtime.tv_sec > 1000000000);
	/* -1: hold what is; -2: let go */
	assert_int_equal(vfs_node_set_times(other, &(struct vfs_times){.hold = VFS_TIME_WRITE}), 0);
	assert_int_equal(vfs_node_set_times(holder, &t), 0);
	assert_int_equal(vfs_node_set_times(holder, &(struct vfs_times){.release = VFS_TIME_WRITE}),
			 0);
	assert_int_equal(vfs_node_pwritev(holder, &out, 1, 0, false), 1);
	assert_int_equal(vfs_node_stat(other, &st), 0);
	assert_true(st.mtime.tv_sec > 1000000000);
	vfs_node_close(holder);
	vfs_node_close(other);
}

/* A change time that was set is shown, to all, until the file changes; held, it outlives that. */
static void test_change_time(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node = make(f, "f", false), *other = lookup(f, "f");
	struct vfs_times t = {.set = VFS_TIME_CHANGE | VFS_TIME_WRITE,
			      .ctime = {.tv_sec = 4000000000},
			      .mtime = {.tv_sec = 1000000000}};
	struct iovec out = {(char[]){"x"}, 1};
	struct vfs_stat st;

	assert_int_equal(vfs_node_set_times(node, &t), 0);
	assert_int_equal(vfs_node_stat(other, &st), 0);
	assert_int_equal(st.ctime.tv_sec, 4000000000);
	/* by this open, it is held: against writing and setting attributes */
	assert_int_equal(vfs_node_pwritev(node, &out, 1, 0, false), 1);
	assert_int_equal(vfs_node_set_attributes(node, FILE_ATTRIBUTE_SYSTEM), 0);
	t.set = VFS_TIME_ACCESS;
	assert_int_equal(vfs_node_set_times(node, &t), 0);
	assert_int_equal(vfs_node_stat(other, &st), 0);
	assert_int_equal(st.ctime.tv_sec, 4000000000);
	/* whoever else changes it shows */
	assert_int_equal(chmod(local(f, "f"), 0600), 0);
	assert_int_equal(vfs_node_stat(other, &st), 0);
	assert_true(st.ctime.tv_sec < 4000000000 && st.ctime.tv_sec > 1000000000);
	assert_int_equal(vfs_node_pwritev(node, &out, 1, 0, false), 1);
	assert_int_equal(vfs_node_stat(other, &st), 0);
	assert_int_equal(st.ctime.tv_sec, 4000000000);
	assert_int_equal(vfs_node_set_times(node, &(struct vfs_times){.release = VFS_TIME_CHANGE}),
			 0);
	assert_int_equal(vfs_node_pwritev(node, &out, 1, 0, false), 1);
	assert_int_equal(vfs_node_stat(other, &st), 0);
	assert_true(st.ctime.tv_sec < 4000000000);
	vfs_node_close(node);
	vfs_node_close(other);
}

static void test_access(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node = make(f, "f", false);
	unsigned may;

	assert_int_equal(vfs_node_access(node, &may), 0);
	assert_int_equal(may & ~VFS_MAY_EXECUTE,
			 VFS_MAY_READ | VFS_MAY_WRITE | VFS_MAY_DELETE | VFS_MAY_OWN);
	vfs_node_close(node);
	node = lookup(f, "");
	assert_int_equal(vfs_node_access(node, &may), 0);
	assert_false(may & VFS_MAY_DELETE); /* the root stays */
	vfs_node_close(node);
}

/* Not as root, everything is done as the process itself, whoever the user is. */
static void test_as_itself(void **state)
{
	struct fixture *f = *state;
	struct vfs_create create = {0};
	struct vfs_cred *cred;
	struct vfs_node *node;
	unsigned may;

	if (getuid() == 0)
		skip();
	cred = vfs_cred_new(getuid() + 1, getgid() + 1, NULL, 0);
	assert_int_equal(vfs_create(f->share, cred, "f", &create, &node), 0);
	assert_int_equal(node->stat.uid, getuid());
	assert_int_equal(vfs_node_access(node, &may), 0);
	assert_int_equal(may, VFS_MAY_READ | VFS_MAY_WRITE | VFS_MAY_DELETE | VFS_MAY_OWN);
	vfs_node_close(node);
	vfs_cred_put(cred);
}

static void test_space_and_streams(void **state)
{
	struct fixture *f = *state;
	struct vfs_node *node = make(f, "f", false), *dir = make(f, "d", true);
	struct vfs_stream *stream;
	unsigned count;
	struct vfs_space space;

	assert_int_equal(vfs_node_space(node, &space), 0);
	assert_true(space.block_bytes >= 512 && space.blocks >= space.blocks_free);
	assert_true(space.blocks_free >= space.blocks_avail && space.name_bytes == 255);
	assert_int_equal(vfs_node_set_eof(node, 77), 0);
	assert_int_equal(vfs_node_streams(node, node, &stream, &count), 0);
	assert_int_equal(count, 1);
	assert_string_equal(stream[0].name, "");
	assert_int_equal(stream[0].size, 77);
	assert_int_equal(vfs_node_streams(dir, dir, &stream, &count), 0);
	assert_int_equal(count, 0);
	vfs_node_close(node);
	vfs_node_close(dir);
}

/* Paths that are longer than one system call takes. */
static void test_long_path(void **state)
{
	struct fixture *f = *state;
	char *path = malloc(20000);
	struct vfs_node *node;
	size_t n = 0;

	for (unsigned depth = 0; depth < 40; depth++) {
		n += (size_t)sprintf(path + n, "%s%0200u", depth ? "/" : "", depth);
		vfs_node_close(make(f, path, true));
	}
	assert_true(n > PATH_MAX);
	sprintf(path + n, "/File");
	vfs_node_close(make(f, path, false));
	node = lookup(f, path);
	vfs_node_close(node);
	sprintf(path + n, "/fILE");
	node = lookup(f, path);
	assert_string_equal(node->path + n, "/File");
	assert_int_equal(vfs_node_unlink(node, node->path), 0);
	vfs_node_close(node);
	assert_int_equal(lookup_error(f, path), -ENOENT);
	free(path);
}

static void test_vanishing_root(void **state)
{
	struct fixture *f = *state;
	char away[96];

	snprintf(away, sizeof(away), "%s-away", f->root);
	vfs_node_close(make(f, "f", false));
	assert_int_equal(vfs_share_check(f->share, f->cred), 0);
	/* moved away: noticed at the latest when a tree is connected */
	assert_int_equal(rename(f->root, away), 0);
	assert_int_equal(vfs_share_check(f->share, f->cred), -ENODEV);
	assert_int_equal(lookup_error(f, "f"), -ENODEV);
	assert_int_equal(rename(away, f->root), 0);
	assert_int_equal(vfs_share_check(f->share, f->cred), 0);
	vfs_node_close(lookup(f, "f"));
	/* removed: noticed at once */
	assert_int_equal(unlink(local(f, "f")), 0);
	assert_int_equal(rmdir(f->root), 0);
	assert_int_equal(lookup_error(f, "f"), -ENODEV);
	assert_int_equal(lookup_error(f, "d/f"), -ENODEV);
	assert_int_equal(lookup_error(f, ""), -ENODEV);
	/* and back, another inode */
	assert_int_equal(mkdir(f->root, 0755), 0);
	assert_int_equal(lookup_error(f, "f"), -ENOENT);
	vfs_node_close(make(f, "f", false));
}

static void test_share_of_a_file(void **state)
{
	static const struct vfs_share_options options = FIXTURE_OPTIONS;
	struct fixture *f = *state;
	struct vfs_share *share;

	local_file(f, "f", "");
	assert_int_equal(vfs_share_open(local(f, "f"), &options, &share), -ENOTDIR);
	assert_int_equal(vfs_share_open(local(f, "not there"), &options, &share), 0);
	assert_int_equal(vfs_share_check(share, f->cred), -ENODEV);
	vfs_share_put(share);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_root),
		TEST(test_missing),
		TEST(test_other_spellings),
		cmocka_unit_test(test_case_sensitive),
		TEST(test_create),
		cmocka_unit_test(test_create_masks),
		TEST(test_data),
		TEST(test_open_follows_inode),
		TEST(test_special_files),
		TEST(test_attributes),
		cmocka_unit_test(test_attributes_without_store),
		TEST(test_dot_is_not_stored),
		TEST(test_reads_samba),
		TEST(test_times),
		TEST(test_held_times),
		TEST(test_change_time),
		TEST(test_access),
		TEST(test_as_itself),
		TEST(test_space_and_streams),
		TEST(test_long_path),
		TEST(test_vanishing_root),
		TEST(test_share_of_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
