/* SPDX-License-Identifier: Apache-2.0 */
/* Previous versions: which there are, and the share's folder as one of them has it. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <talloc.h>

#include "smbd/vfs/impl.h"
#include "transport/base/log.h"

#define YEAR_10000  253402300800 /* what an @GMT token cannot say any more */
#define PARENTS_MAX 64           /* directories between the share and its mount point */

static bool is_set(const char *s)
{
	return s && *s;
}

struct vfs_snapshot_options *snapshots_copy(const struct vfs_snapshot_options *from)
{
	struct vfs_snapshot_options *to = talloc_memdup(NULL, from, sizeof(*from));

	if (!to)
		return NULL;
	to->dir = talloc_strdup(to, from->dir);
	to->mountpoint = talloc_strdup(to, is_set(from->mountpoint) ? from->mountpoint : "");
	to->basedir = talloc_strdup(to, is_set(from->basedir) ? from->basedir : "");
	to->format = talloc_strdup(to, is_set(from->format) ? from->format : "");
	if (to->dir && to->mountpoint && to->basedir && to->format)
		return to;
	talloc_free(to);
	return NULL;
}

/* ---- names and times ---- */

/* The format is the administrator's: that strftime() takes anything is why it may be. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

/* The name that a snapshot of this time has; false: too long. */
static bool name_of(const struct vfs_snapshot_options *o, time_t when, char name[NAME_MAX + 1])
{
	struct tm tm;

	if (!(o->localtime ? localtime_r(&when, &tm) : gmtime_r(&when, &tm)))
		return false;
	return strftime(name, NAME_MAX + 1, o->format, &tm) > 0;
}

#pragma GCC diagnostic pop

/* The time that a name says: only if that time's name is this one, so that it can be opened. */
static bool time_of(const struct vfs_snapshot_options *o, const char *name, time_t *when)
{
	struct tm tm = {.tm_mday = 1, .tm_isdst = -1};
	char again[NAME_MAX + 1];
	const char *end = strptime(name, o->format, &tm);

	if (!end || *end)
		return false;
	*when = o->localtime ? mktime(&tm) : timegm(&tm);
	return *when > 0 && *when < YEAR_10000 && name_of(o, *when, again) &&
	       strcmp(name, again) == 0;
}

/* ---- places, as the process ---- */

/* The folder itself, by its real name; NULL: it is not there. */
static char *real_path(void *ctx, const char *path)
{
	char real[PATH_MAX];

	return realpath(path, real) ? talloc_strdup(ctx, real) : NULL;
}

/* The topmost directory above `path`, a real one, that is on the same file system. */
static char *mountpoint_of(void *ctx, const char *path)
{
	char *at = talloc_strdup(ctx, path), *slash;
	struct stat st, up;

	if (!at || stat(at, &st) != 0)
		return NULL;
	for (unsigned i = 0; i < PARENTS_MAX && at[1]; i++) {
		slash = strrchr(at, '/');
		if (stat(slash == at ? "/" : talloc_strndup(ctx, at, (size_t)(slash - at)), &up) !=
			    0 ||
		    up.st_dev != st.st_dev)
			return at;
		slash[slash == at] = '\0';
	}
	return at;
}

struct places {
	char *dir;  /* of the snapshots */
	char *rest; /* from a snapshot's top to the share's folder: "" or "/..." */
};

static int places_find(const struct vfs_share *share, void *ctx, struct places *out)
{
	const struct vfs_snapshot_options *o = share->snapshots;
	char *path = real_path(ctx, share->path), *mount, *base;
	size_t n;

	if (!path)
		return -ENOENT;
	mount = is_set(o->mountpoint) ? real_path(ctx, o->mountpoint) : mountpoint_of(ctx, path);
	base = is_set(o->basedir) ? real_path(ctx, o->basedir) : mount;
	if (!mount || !base)
		return -ENOENT;
	n = strcmp(base, "/") == 0 ? 0 : strlen(base);
	if (strncmp(path, base, n) != 0 || (path[n] != '/' && path[n] != '\0'))
		return -ENOENT; /* no part of what the snapshots are of */
	out->rest = talloc_strdup(ctx, strcmp(path + n, "/") == 0 ? "" : path + n);
	out->dir = o->dir[0] == '/' ? talloc_strdup(ctx, o->dir)
				    : talloc_asprintf(ctx, "%s/%s", mount, o->dir);
	return out->rest && out->dir ? 0 : -ENOMEM;
}

/* ---- listing ---- */

struct list_job {
	struct vfs_share *share;
	void *ctx;
	time_t *times;
	unsigned count;
};

static int ascending(const void *a, const void *b)
{
	time_t x = *(const time_t *)a, y = *(const time_t *)b;

	return (x > y) - (x < y);
}

static int descending(const void *a, const void *b)
{
	return ascending(b, a);
}

static int list_names(struct list_job *job, DIR *dir)
{
	const struct dirent *entry;
	time_t when, *grown;

	while (job->count < VFS_SNAPSHOTS_MAX && (entry = readdir(dir))) {
		if (!time_of(job->share->snapshots, entry->d_name, &when))
			continue;
		grown = talloc_realloc(job->ctx, job->times, time_t, job->count + 1);
		if (!grown)
			return -ENOMEM;
		job->times = grown;
		job->times[job->count++] = when;
	}
	return 0;
}

static int list_job(void *arg)
{
	struct list_job *job = arg;
	const struct vfs_snapshot_options *o = job->share->snapshots;
	void *ctx = talloc_new(NULL);
	struct places places;
	int err = ctx ? places_find(job->share, ctx, &places) : -ENOMEM;
	DIR *dir = err ? NULL : opendir(places.dir);

	if (dir) {
		err = list_names(job, dir);
		closedir(dir);
	} else if (!err) {
		err = -errno;
		log_info("%s: its previous versions in %s: %s", job->share->path, places.dir,
			 strerror(errno));
	}
	if (job->count && o->sort != VFS_SNAPSHOT_UNSORTED)
		qsort(job->times, job->count, sizeof(*job->times),
		      o->sort == VFS_SNAPSHOT_ASC ? ascending : descending);
	talloc_free(ctx);
	return err == -ENOENT || err == -ENOTDIR ? 0 : err;
}

int vfs_snapshots(struct vfs_share *share, void *ctx, time_t **times, unsigned *count)
{
	struct list_job job = {.share = share, .ctx = ctx};
	int err = share->snapshots ? vfs_run(list_job, &job) : 0;

	*times = job.times;
	*count = job.count;
	return err;
}

/* ---- opening ---- */

struct snapshot_job {
	struct vfs_share *share, *snapshot;
	time_t when;
};

static int snapshot_job(void *arg)
{
	struct snapshot_job *job = arg;
	struct vfs_share_options options = job->share->options;
	void *ctx = talloc_new(NULL);
	char name[NAME_MAX + 1], *path;
	struct places places;
	struct stat st;
	int err = ctx ? places_find(job->share, ctx, &places) : -ENOMEM;

	if (!err && !name_of(job->share->snapshots, job->when, name))
		err = -ENOENT;
	if (err)
		goto free_ctx;
	path = talloc_asprintf(ctx, "%s/%s%s", places.dir, name, places.rest);
	options.frozen = true;
	if (!path)
		err = -ENOMEM;
	else if (stat(path, &st) != 0)
		err = -errno;
	else
		err = vfs_share_open(path, &options, &job->snapshot);
free_ctx:
	talloc_free(ctx);
	return err == -ENOTDIR ? -ENOENT : err;
}

int vfs_snapshot_open(struct vfs_share *share, time_t when, struct vfs_share **snapshot)
{
	struct snapshot_job job = {.share = share, .when = when};
	int err = share->snapshots ? vfs_run(snapshot_job, &job) : -ENOENT;

	*snapshot = job.snapshot;
	return err;
}
