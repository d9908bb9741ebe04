/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/file/lease_table.h"

#include <assert.h>
#include <string.h>

static struct list_node *bucket_of(struct lease_table *t, const struct lease_id *id)
{
	uint64_t h = 0, part;

	for (size_t at = 0; at < sizeof(id->key.bytes); at += sizeof(part)) {
		memcpy(&part, &id->key.bytes[at], sizeof(part));
		h = (h ^ part) * 0x9e3779b97f4a7c15ull;
		memcpy(&part, &id->client.bytes[at], sizeof(part));
		h = (h ^ part) * 0x9e3779b97f4a7c15ull;
	}
	return &t->buckets[(h ^ h >> 32) % LEASE_BUCKETS];
}

static struct lease_entry *entry_find(struct lease_table *t, const struct lease_id *id)
{
	list_for_each (n, bucket_of(t, id)) {
		struct lease_entry *entry = container_of(n, struct lease_entry, node);

		if (lease_id_equal(&entry->id, id))
			return entry;
	}
	return NULL;
}

void lease_table_init(struct lease_table *t)
{
	pthread_mutex_init(&t->mutex, NULL);
	for (unsigned i = 0; i < LEASE_BUCKETS; i++)
		list_init(&t->buckets[i]);
}

void lease_table_fini(struct lease_table *t)
{
	for (unsigned i = 0; i < LEASE_BUCKETS; i++)
		assert(list_empty(&t->buckets[i]));
	pthread_mutex_destroy(&t->mutex);
}

bool lease_table_find(struct lease_table *t, const struct lease_id *id, struct vfs_id *file)
{
	struct lease_entry *entry;

	pthread_mutex_lock(&t->mutex);
	entry = entry_find(t, id);
	if (entry)
		*file = entry->file;
	pthread_mutex_unlock(&t->mutex);
	return entry != NULL;
}

bool lease_table_add(struct lease_table *t, struct lease_entry *entry)
{
	bool added;

	pthread_mutex_lock(&t->mutex);
	added = !entry_find(t, &entry->id);
	if (added)
		list_push(bucket_of(t, &entry->id), &entry->node);
	pthread_mutex_unlock(&t->mutex);
	return added;
}

void lease_table_move(struct lease_table *t, struct lease_entry *entry, const struct vfs_id *file)
{
	pthread_mutex_lock(&t->mutex);
	entry->file = *file;
	pthread_mutex_unlock(&t->mutex);
}

void lease_table_remove(struct lease_table *t, struct lease_entry *entry)
{
	pthread_mutex_lock(&t->mutex);
	list_del(&entry->node);
	pthread_mutex_unlock(&t->mutex);
}
