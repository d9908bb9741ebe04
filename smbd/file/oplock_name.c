/* SPDX-License-Identifier: Apache-2.0 */
/* Names and caches: handles that are cached where a name is to change ([MS-FSA] 2.1.5.15.11,
 * 2.1.5.15.6), and leases of the directories that names are in (2.1.4.12). */
#include <string.h>

#include <talloc.h>

#include "smbd/file/private.h"
#include "smbd/wire/access.h"
#include "smbd/wire/create.h"

struct below {
	const struct file_open *by;
	const char *dir;
	size_t dir_len;
	struct vfs_id found;
};

/* One that keeps an open for later that nobody needs now, perhaps. */
static bool below_caches(struct file *file, struct file_open *o, void *arg)
{
	struct below *below = arg;
	const struct oplock *oplock = o->oplock;

	if (!oplock || !(oplock->s.state & SMB2_LEASE_HANDLE_CACHING) ||
	    !file_path_is_below(o->path, below->dir, below->dir_len))
		return false;
	below->found = file->id;
	return true;
}

static struct nt_status break_below(struct file_table *table, const struct file_open *open,
				    const char *path, struct file_wait *wait)
{
	struct below below = {.by = open, .dir = path, .dir_len = strlen(path)};
	struct nt_status status = STATUS_SUCCESS;

	while (nt_success(status) && file_each_open(table, open->node->share, below_caches, &below))
		status = oplock_break_handles(table, &below.found, NULL, wait);
	return status;
}

static struct nt_status break_target(struct file_table *table, const struct file_open *open,
				     const char *new_path, struct file_wait *wait)
{
	struct vfs_node *target;
	struct nt_status status;

	if (vfs_lookup(open->node->share, open->node->cred, new_path, &target) != 0)
		return STATUS_SUCCESS; /* nothing there, or the rename will say what is wrong */
	status = vfs_id_equal(&target->id, &open->node->id)
			 ? STATUS_SUCCESS
			 : oplock_break_handles(table, &target->id, open, wait);
	(void)vfs_node_close(target); /* O_PATH: nothing to lose */
	return status;
}

/* The directory that takes the name, where somebody keeps it open in a way that a rename or a link
 * would not share with him: he may close. */
static struct nt_status break_parent(struct file_table *table, const struct file_open *open,
				     const char *new_path, struct file_wait *wait)
{
	uint32_t add = open->node->stat.directory ? FILE_ADD_SUBDIRECTORY : FILE_ADD_FILE;
	struct vfs_id parent;

	if (atomic_load(&table->directory_leases) == 0 ||
	    vfs_parent(open->node->share, open->node->cred, new_path, &parent) != 0 ||
	    !nt_equal(
		    file_open_check(table, &parent, add, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL),
		    STATUS_SHARING_VIOLATION))
		return STATUS_SUCCESS;
	return oplock_break_handles(table, &parent, open, wait);
}

struct nt_status oplock_break_names(struct file_table *table, struct file_open *open,
				    const char *new_path, bool link, bool replace,
				    struct file_wait *wait)
{
	char *path = link ? NULL : file_open_path(table, open, NULL);
	struct nt_status status = STATUS_SUCCESS;

	if (!link && !path)
		return STATUS_INSUFFICIENT_RESOURCES;
	if (!link)
		status = oplock_break_handles(table, &open->node->id, open, wait);
	if (!link && nt_success(status) && open->node->stat.directory)
		status = break_below(table, open, path, wait);
	if (nt_success(status))
		status = break_parent(table, open, new_path, wait);
	if (nt_success(status) && replace)
		status = break_target(table, open, new_path, wait);
	talloc_free(path);
	return status;
}

/* ---- leases of directories ---- */

void oplock_name_changed(struct file_table *table, struct vfs_share *share, struct vfs_cred *cred,
			 const char *path, const struct file_open *by)
{
	struct vfs_id parent;

	if (atomic_load(&table->directory_leases) > 0 && *path &&
	    vfs_parent(share, cred, path, &parent) == 0)
		oplock_directory_changed(table, &parent, by);
}

void oplock_entry_changed(struct file_table *table, struct file_open *open)
{
	char *path;

	if (atomic_load(&table->directory_leases) == 0)
		return;
	atomic_store(&open->changed, false); /* what was written so far is told with it */
	path = file_open_path(table, open, NULL);
	if (path)
		oplock_name_changed(table, open->node->share, open->node->cred, path, open);
	talloc_free(path);
}
