/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of file/ share and nobody else sees: the table of inodes that somebody has open.
 * Everything in a struct file but its first fields is under its shard's mutex.
 */
#ifndef SMBD_FILE_PRIVATE_H
#define SMBD_FILE_PRIVATE_H

#include <pthread.h>

#include "smbd/file/file.h"

#define SHARDS  64
#define BUCKETS 64 /* a shard */

struct shard {
	pthread_mutex_t mutex;
	struct list_node buckets[BUCKETS];
	unsigned opens;
};

struct file_table {
	const struct file_breaker *breaker;
	struct shard shards[SHARDS];
};

/* One stream of an inode that somebody has open; the unnamed one is here as long as any is. */
struct file {
	struct list_node node; /* in its bucket */
	struct shard *shard;
	struct vfs_id id;

	struct list_node opens;   /* of file_open.node_in_file */
	struct list_node streams; /* of file_open.node_in_base; of the unnamed stream only */
	bool delete_pending;
	bool deleting; /* the last open is removing it: no new ones, and it is going */

	/* Who asked for the deletion, and under which name: the open may be gone when it happens.
	 */
	struct vfs_cred *delete_cred;
	char *delete_path;
};

struct shard *shard_of(struct file_table *table, const struct vfs_id *id);

/* The shard's mutex is held. NULL: nobody has it open. */
struct file *file_find(struct shard *shard, const struct vfs_id *id);

#endif
