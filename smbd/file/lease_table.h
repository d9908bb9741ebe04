/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which file each lease of each client is of ([MS-SMB2] 3.3.1.4 GlobalLeaseTableList): a client
 * names a lease by a key of its own choice, in requests that name no file, and may use one key for
 * one file only. Hides the hash. The lease itself hangs on its file (oplock.c).
 *
 * Thread: any; a short mutex that is the last one to be taken. Ownership: an entry is a lease's,
 * from lease_table_add() to lease_table_remove().
 */
#ifndef SMBD_FILE_LEASE_TABLE_H
#define SMBD_FILE_LEASE_TABLE_H

#include <pthread.h>
#include <stdbool.h>

#include "smbd/vfs/vfs.h"
#include "smbd/wire/guid.h"
#include "transport/base/list.h"

#define LEASE_BUCKETS 4096

struct lease_id {
	struct guid client; /* ClientGuid */
	struct guid key;
};

static inline bool lease_id_equal(const struct lease_id *a, const struct lease_id *b)
{
	return guid_equal(&a->client, &b->client) && guid_equal(&a->key, &b->key);
}

struct lease_entry {
	struct list_node node;
	struct lease_id id;
	struct vfs_id file;
};

struct lease_table {
	pthread_mutex_t mutex;
	struct list_node buckets[LEASE_BUCKETS];
};

void lease_table_init(struct lease_table *t);
void lease_table_fini(struct lease_table *t); /* empty: asserts it */

/* The file that it is of; false: there is no such lease. */
bool lease_table_find(struct lease_table *t, const struct lease_id *id, struct vfs_id *file);

/* entry->id and ->file are set. False: the client has a lease of that key already. */
bool lease_table_add(struct lease_table *t, struct lease_entry *entry);
/* It is another file's now. */
void lease_table_move(struct lease_table *t, struct lease_entry *entry, const struct vfs_id *file);
void lease_table_remove(struct lease_table *t, struct lease_entry *entry);

#endif
