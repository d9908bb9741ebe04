/* SPDX-License-Identifier: Apache-2.0 */
/* A share on a fresh folder, and few words for what tests of the file system do all the time. */
#ifndef TESTS_UNIT_SMBD_VFS_FIXTURE_H
#define TESTS_UNIT_SMBD_VFS_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <talloc.h>

#include "smbd/vfs/vfs.h"

#define FIXTURE_OPTIONS                                                                  \
	{                                                                                \
		.hide_dot_files = true, .store_dos_attributes = true, .ea_support = true \
	}

struct fixture {
	char dir[64];  /* holds root/, and what must not be reached from it */
	char root[80]; /* the share */
	struct vfs_share *share;
	struct vfs_cred *cred; /* ourselves */
};

static inline void fixture_open(struct fixture *f, const struct vfs_share_options *options)
{
	const char *tmp = getenv("VFS_TEST_DIR"); /* another file system */

	assert_int_equal(vfs_init(), 0);
	snprintf(f->dir, sizeof(f->dir), "%s/vfs-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(chmod(f->dir, 0755), 0);
	snprintf(f->root, sizeof(f->root), "%s/root", f->dir);
	assert_int_equal(mkdir(f->root, 0755), 0);
	assert_int_equal(vfs_share_open(f->root, options, &f->share), 0);
	f->cred = vfs_cred_new(geteuid(), getegid(), NULL, 0);
}

static inline void fixture_close(struct fixture *f)
{
	char command[128];

	vfs_share_put(f->share);
	vfs_cred_put(f->cred);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
	assert_int_equal(system(command), 0);
}

static inline int fixture_setup(void **state)
{
	static const struct vfs_share_options options = FIXTURE_OPTIONS;
	struct fixture *f = calloc(1, sizeof(*f));

	fixture_open(f, &options);
	*state = f;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	fixture_close(*state);
	free(*state);
	return 0;
}

/* ---- behind the server's back ---- */

static inline const char *local(const struct fixture *f, const char *path)
{
	static _Thread_local char buf[4][PATH_MAX];
	static _Thread_local unsigned next;
	char *b = buf[next++ % 4];

	snprintf(b, PATH_MAX, "%s/%s", f->root, path);
	return b;
}

static inline void local_file(const struct fixture *f, const char *path, const char *text)
{
	int fd = open(local(f, path), O_CREAT | O_WRONLY | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static inline void local_dir(const struct fixture *f, const char *path)
{
	assert_int_equal(mkdir(local(f, path), 0755), 0);
}

static inline bool local_exists(const struct fixture *f, const char *path)
{
	struct stat st;

	return lstat(local(f, path), &st) == 0;
}

/* ---- through the vfs ---- */

static inline struct vfs_node *lookup(const struct fixture *f, const char *path)
{
	struct vfs_node *node = NULL;
	int err = vfs_lookup(f->share, f->cred, path, &node);

	if (err)
		print_error("lookup %s: %s\n", path, strerror(-err));
	assert_int_equal(err, 0);
	return node;
}

static inline int lookup_error(const struct fixture *f, const char *path)
{
	struct vfs_node *node = NULL;
	int err = vfs_lookup(f->share, f->cred, path, &node);

	if (!err)
		vfs_node_close(node);
	return err;
}

static inline struct vfs_node *make(const struct fixture *f, const char *path, bool directory)
{
	struct vfs_create create = {.directory = directory};
	struct vfs_node *node = NULL;

	assert_int_equal(vfs_create(f->share, f->cred, path, &create, &node), 0);
	return node;
}

/* An ASCII string as UTF-16LE; returns its bytes. */
static inline size_t wide(const char *s, uint8_t *out)
{
	size_t n = 0;

	for (; *s; s++) {
		out[n++] = (uint8_t)*s;
		out[n++] = 0;
	}
	return n;
}

#endif
