/* SPDX-License-Identifier: Apache-2.0 */
/* A share and its root directory, which may go and come back under it; and small things of all. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <talloc.h>

#include "smbd/vfs/impl.h"
#include "transport/base/clock.h"
#include "transport/base/log.h"
#include "transport/fiber/fiber.h"

#define ROOT_LOOK_NS NS_PER_SEC

struct counters counters;

const char *proc_fd_path(int fd, char buf[PROC_FD_MAX])
{
	snprintf(buf, PROC_FD_MAX, "/proc/self/fd/%d", fd);
	return buf;
}

int vfs_run(int (*fn)(void *arg), void *arg)
{
	return fiber_offload(fn, arg);
}

void vfs_counters(struct vfs_counters *out)
{
	out->dir_scans = atomic_load(&counters.dir_scans);
	out->dir_reads = atomic_load(&counters.dir_reads);
	out->index_hits = atomic_load(&counters.index_hits);
	out->id_switches = atomic_load(&counters.id_switches);
	out->cached_opens = atomic_load(&counters.cached_opens);
}

void root_put(struct root *root)
{
	if (root && atomic_fetch_sub(&root->refs, 1) == 1) {
		close(root->fd);
		free(root);
	}
}

static int root_open(const char *path, struct root **out)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), err;
	struct root *root = NULL;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0) {
		err = -errno;
		goto close_fd;
	}
	root = malloc(sizeof(*root));
	if (!root) {
		err = -ENOMEM;
		goto close_fd;
	}
	*root = (struct root){.refs = 1, .fd = fd, .dev = st.st_dev, .ino = st.st_ino};
	*out = root;
	return 0;
close_fd:
	close(fd);
	return err;
}

/* Does the path still lead to the root we have? The mutex is held. */
static int root_look(struct vfs_share *share)
{
	struct root *fresh = NULL;
	struct stat st;
	int err = 0;

	share->checked_ns = clock_mono_ns();
	if (share->root && stat(share->path, &st) == 0 && st.st_dev == share->root->dev &&
	    st.st_ino == share->root->ino)
		return 0;
	err = root_open(share->path, &fresh);
	if (share->root && err)
		log_warning("%s: the share's folder is gone: %s", share->path, strerror(-err));
	else if (!share->root && !err && !share->options.frozen)
		log_info("%s: the share's folder is here", share->path);
	root_put(share->root);
	share->root = fresh;
	return err;
}

static bool is_fresh(const struct vfs_share *share)
{
	return share->root && clock_mono_ns() - share->checked_ns < ROOT_LOOK_NS;
}

bool root_is_fresh(struct vfs_share *share)
{
	bool fresh;

	pthread_mutex_lock(&share->mutex);
	fresh = is_fresh(share);
	pthread_mutex_unlock(&share->mutex);
	return fresh;
}

struct root *root_get(struct vfs_share *share, bool look, int *err)
{
	struct root *root = NULL;

	*err = 0;
	pthread_mutex_lock(&share->mutex);
	if (look || !is_fresh(share))
		root_look(share);
	if (share->root) {
		root = share->root;
		atomic_fetch_add(&root->refs, 1);
	} else {
		*err = -ENODEV;
	}
	pthread_mutex_unlock(&share->mutex);
	return root;
}

static void masks_default(struct vfs_share_options *o)
{
	if (!o->create_mask)
		o->create_mask = 0744;
	if (!o->directory_mask)
		o->directory_mask = 0755;
}

int vfs_share_open(const char *path, const struct vfs_share_options *options,
		   struct vfs_share **out)
{
	struct vfs_share *share = calloc(1, sizeof(*share));
	char *cwd = path[0] == '/' ? NULL : getcwd(NULL, 0);
	int err;

	if (!share)
		goto out_of_memory;
	if (path[0] == '/')
		share->path = strdup(path);
	else if (cwd && asprintf(&share->path, "%s/%s", cwd, path) < 0)
		share->path = NULL;
	free(cwd);
	cwd = NULL;
	if (!share->path)
		goto out_of_memory;
	share->refs = 1;
	share->options = *options;
	masks_default(&share->options);
	share->options.snapshots = (struct vfs_snapshot_options){0};
	if (options->snapshots.dir && *options->snapshots.dir) {
		share->snapshots = snapshots_copy(&options->snapshots);
		if (!share->snapshots)
			goto out_of_memory;
	}
	pthread_mutex_init(&share->mutex, NULL);
	err = root_look(share);
	if (err == -ENOTDIR) {
		vfs_share_put(share);
		return err;
	}
	*out = share;
	return 0;
out_of_memory:
	free(cwd);
	if (share)
		free(share->path);
	free(share);
	return -ENOMEM;
}

struct vfs_share *vfs_share_get(struct vfs_share *share)
{
	atomic_fetch_add(&share->refs, 1);
	return share;
}

void vfs_share_put(struct vfs_share *share)
{
	if (!share || atomic_fetch_sub(&share->refs, 1) != 1)
		return;
	root_put(share->root);
	pthread_mutex_destroy(&share->mutex);
	talloc_free(share->snapshots);
	free(share->path);
	free(share);
}

const char *vfs_share_path(const struct vfs_share *share)
{
	return share->path;
}

const struct vfs_share_options *vfs_share_options(const struct vfs_share *share)
{
	return &share->options;
}

struct check_job {
	struct vfs_share *share;
	struct vfs_cred *cred;
};

static int check_job(void *arg)
{
	struct check_job *job = arg;
	struct root *root;
	int err;

	root = root_get(job->share, true, &err);
	if (!root)
		return err;
	err = cred_enter(job->cred);
	if (!err) {
		if (syscall(SYS_faccessat2, root->fd, "", X_OK, AT_EACCESS | AT_EMPTY_PATH) != 0)
			err = -errno;
		cred_leave();
	}
	root_put(root);
	return err;
}

int vfs_share_check(struct vfs_share *share, struct vfs_cred *cred)
{
	struct check_job job = {share, cred};

	return vfs_run(check_job, &job);
}
