/* SPDX-License-Identifier: Apache-2.0 */
/* What goes by which name: FileRenameInformation, FileLinkInformation, [MS-FSA] 2.1.5.15.11 and
 * 2.1.5.15.6. */
#include "smbd/file/private.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <talloc.h>

#include "smbd/file/file_notify.h"
#include "smbd/wire/access.h"
#include "smbd/wire/create.h"

struct moved {
	const struct vfs_id *id;
	const char *from, *to;
	size_t from_len;
};

static bool below_each(struct file *file, struct file_open *o, void *arg)
{
	const struct moved *m = arg;

	return file_path_is_below(o->path, m->from, m->from_len);
}

/* *path goes by the new name, if it went by the old one. Out of memory: it stays, and the vfs finds
 * the name by the descriptor when it needs it. */
static void move_path(char **path, const struct moved *m, bool itself)
{
	char *moved;

	if (!*path || !(file_path_is_below(*path, m->from, m->from_len) ||
			(itself && strcmp(*path, m->from) == 0)))
		return;
	moved = talloc_asprintf(NULL, "%s%s", m->to, *path + m->from_len);
	if (!moved)
		return;
	talloc_free(*path);
	*path = moved;
}

static bool moved_each(struct file *file, struct file_open *o, void *arg)
{
	const struct moved *m = arg;
	bool itself = vfs_id_same_file(&file->id, m->id);

	move_path(&o->path, m, itself);
	move_path(&file->delete_path, m, itself);
	return false;
}

/* A file has nothing below it: only its own opens are looked at. */
static void file_moved(struct file *file, const struct vfs_share *share, const struct moved *m)
{
	pthread_mutex_lock(&file->shard->mutex);
	list_for_each (n, &file->opens) {
		struct file_open *o = container_of(n, struct file_open, node_in_file);

		if (o->node->share == share)
			move_path(&o->path, m, true);
	}
	move_path(&file->delete_path, m, true);
	pthread_mutex_unlock(&file->shard->mutex);
}

/* Anybody who has it open stands in the way: ask as if to own it alone; and until it is replaced,
 * nobody else gets in. */
static struct nt_status target_hold(struct file_table *table, const struct vfs_id *id,
				    struct file **held)
{
	struct shard *shard = shard_of(table, id);
	struct nt_status status = STATUS_ACCESS_DENIED;
	struct file *file;

	pthread_mutex_lock(&shard->mutex);
	file = file_find(shard, id);
	if (file && (file->deleting || !list_empty(&file->opens) || !list_empty(&file->streams)))
		goto unlock;
	if (!file)
		file = file_make(shard, id);
	status = file ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
	if (file) {
		file->deleting = true;
		file_pin(file);
	}
	*held = file;
unlock:
	pthread_mutex_unlock(&shard->mutex);
	return status;
}

/* It was replaced, or not. */
static void target_release(struct file *held)
{
	struct shard *shard = held ? held->shard : NULL;

	if (!held)
		return;
	pthread_mutex_lock(&shard->mutex);
	held->deleting = false;
	file_removed(held);
	pthread_mutex_unlock(&shard->mutex);
}

/* What stands at the new name, [MS-FSA] 2.1.5.15.11: may it be replaced? */
static struct nt_status target_allowed(struct file_table *table, const struct file_open *open,
				       const char *new_path, bool replace, struct file **held)
{
	struct nt_status status = STATUS_SUCCESS;
	struct vfs_node *target;
	int err = vfs_lookup(open->node->share, open->node->cred, new_path, &target);

	if (err)
		return err == -ENOENT || err == -ELOOP ? STATUS_SUCCESS : nt_status_from_errno(err);
	if (vfs_id_equal(&target->id, &open->node->id))
		; /* itself: its case, or another of its links */
	else if (!replace)
		status = STATUS_OBJECT_NAME_COLLISION;
	else if (target->stat.directory || (target->stat.attributes & FILE_ATTRIBUTE_READONLY))
		status = STATUS_ACCESS_DENIED;
	else
		status = target_hold(table, &target->id, held);
	(void)vfs_node_close(target); /* O_PATH: nothing to lose */
	return status;
}

/* Windows opens the directory that takes the name, to add to it, and shares it for all but
 * deletion: who has it open otherwise stands in the way. */
static struct nt_status parent_allowed(struct file_table *table, const struct file_open *open,
				       const char *new_path)
{
	uint32_t add = open->node->stat.directory ? FILE_ADD_SUBDIRECTORY : FILE_ADD_FILE;
	struct vfs_id parent;
	int err = vfs_parent(open->node->share, open->node->cred, new_path, &parent);

	if (err)
		return err == -EBUSY ? STATUS_ACCESS_DENIED : nt_status_from_errno(err);
	return file_open_check(table, &parent, add, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL);
}

/* held: what is about to be replaced, for target_release(); or NULL. */
static struct nt_status name_allowed(struct file_table *table, const struct file_open *open,
				     const char *new_path, bool replace, struct file **held)
{
	struct nt_status status = parent_allowed(table, open, new_path);

	*held = NULL;
	return nt_error(status) ? status : target_allowed(table, open, new_path, replace, held);
}

static struct nt_status name_status(int err)
{
	return err == -EISDIR || err == -EBUSY ? STATUS_ACCESS_DENIED : nt_status_from_errno(err);
}

/* Windows does not move a file away under its streams. */
static bool streams_are_open(struct file_open *open)
{
	struct shard *shard = open->file->shard;
	bool are;

	pthread_mutex_lock(&shard->mutex);
	are = !list_empty(&open->file->streams);
	pthread_mutex_unlock(&shard->mutex);
	return are;
}

struct nt_status file_rename(struct file_table *table, struct file_open *open, const char *new_path,
			     bool replace)
{
	struct vfs_node *node = open->node;
	char *from = file_open_path(table, open, NULL), *to = NULL;
	struct moved moved = {.id = &node->id, .from = from};
	struct nt_status status = STATUS_INSUFFICIENT_RESOURCES;
	struct file *held;

	if (!from)
		return status;
	moved.from_len = strlen(from);
	status = STATUS_ACCESS_DENIED;
	if (!moved.from_len)
		goto free_from; /* the root */
	if (node->stat.directory && file_each_open(table, node->share, below_each, &moved))
		goto free_from;
	if (streams_are_open(open))
		goto free_from;
	status = name_allowed(table, open, new_path, replace, &held);
	if (nt_error(status))
		goto free_from;
	status = name_status(vfs_node_rename(node, from, new_path, replace, NULL, &to));
	target_release(held);
	moved.to = to;
	if (nt_success(status) && node->stat.directory)
		file_each_open(table, node->share, moved_each, &moved);
	else if (nt_success(status))
		file_moved(open->file, node->share, &moved);
	if (nt_success(status)) {
		file_notify_renamed(table, node, from, to);
		oplock_name_changed(table, node->share, node->cred, from, open);
		oplock_name_changed(table, node->share, node->cred, new_path, open);
	}
	talloc_free(to);
free_from:
	talloc_free(from);
	return status;
}

struct nt_status file_link(struct file_table *table, struct file_open *open, const char *new_path,
			   bool replace)
{
	struct nt_status status;
	struct file *held;

	if (open->node->stat.directory)
		return STATUS_FILE_IS_A_DIRECTORY;
	status = name_allowed(table, open, new_path, replace, &held);
	if (nt_error(status))
		return status;
	status = name_status(vfs_node_link(open->node, new_path, replace));
	target_release(held);
	if (nt_error(status))
		return status;
	file_notify_path(table, open->node->share, new_path, FILE_ACTION_ADDED,
			 FILE_NOTIFY_CHANGE_FILE_NAME);
	oplock_name_changed(table, open->node->share, open->node->cred, new_path, open);
	return status;
}

/* ---- streams ---- */

/* The shard's mutex is held. */
static struct nt_status stream_rename_allowed(struct shard *shard, const struct file_open *open,
					      const struct vfs_id *to, bool replace)
{
	const struct file *file = open->file;

	if (file->moving || file->opens.next->next != &file->opens)
		return STATUS_SHARING_VIOLATION;
	if (vfs_id_equal(&file->id, to) || !file_find(shard, to))
		return STATUS_SUCCESS;
	return replace ? STATUS_ACCESS_DENIED : STATUS_OBJECT_NAME_COLLISION;
}

/* Nobody enters the stream, nor the one that it becomes, until stream_arrive(). *target: what
 * stands for that meanwhile; NULL: it is the same one. */
static struct nt_status stream_depart(struct shard *shard, struct file_open *open,
				      const struct vfs_id *to, bool replace, struct file **target)
{
	struct nt_status status;

	*target = NULL;
	pthread_mutex_lock(&shard->mutex);
	status = stream_rename_allowed(shard, open, to, replace);
	if (nt_success(status) && !vfs_id_equal(&open->file->id, to)) {
		*target = file_make(shard, to);
		status = *target ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
	}
	if (*target) {
		file_pin(*target);
		(*target)->moving = true;
	}
	if (nt_success(status))
		open->file->moving = true;
	pthread_mutex_unlock(&shard->mutex);
	return status;
}

/* moved: both change places (in one bucket: the hash is the file's). Who waited looks anew. */
static void stream_arrive(struct file_table *table, struct file_open *open, struct file *target,
			  bool moved)
{
	struct file *file = open->file;
	struct shard *shard = file->shard;

	pthread_mutex_lock(&shard->mutex);
	if (target && moved) {
		struct vfs_id from = file->id;

		file->id = target->id;
		target->id = from;
		list_for_each (n, &file->oplocks)
			lease_table_move(&table->leases,
					 &container_of(n, struct oplock, node)->lease, &file->id);
	}
	file->moving = false;
	file_stir(file);
	if (target) {
		target->moving = false;
		file_removed(target);
	}
	pthread_mutex_unlock(&shard->mutex);
}

struct nt_status file_stream_rename(struct file_table *table, struct file_open *open,
				    const char *stream, bool replace)
{
	struct shard *shard = open->file->shard;
	struct nt_status status;
	struct file *target;
	struct vfs_id to;

	vfs_node_stream_id(open->node, stream, &to);
	status = stream_depart(shard, open, &to, replace, &target);
	if (nt_error(status))
		return status;
	status = nt_status_from_errno(vfs_node_stream_rename(open->node, stream, replace));
	stream_arrive(table, open, target, nt_success(status));
	return status;
}
