/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/claim.h"

#include <assert.h>
#include <string.h>

#include "smbd/session/open.h"
#include "smbd/session/server.h"
#include "smbd/session/session.h"

void claim_table_init(struct claim_table *table)
{
	pthread_mutex_init(&table->mutex, NULL);
	for (unsigned i = 0; i < CLAIM_BUCKETS; i++)
		list_init(&table->buckets[i]);
}

void claim_table_fini(struct claim_table *table)
{
	for (unsigned i = 0; i < CLAIM_BUCKETS; i++)
		assert(list_empty(&table->buckets[i]));
	pthread_mutex_destroy(&table->mutex);
}

/* Guids are random. */
static struct list_node *bucket_of(struct claim_table *table, const struct guid *create_guid)
{
	return &table->buckets[create_guid->bytes[0] % CLAIM_BUCKETS];
}

/* Under the table's mutex. */
static struct open *find(struct claim_table *table, const uint8_t client_guid[16],
			 const struct guid *create_guid)
{
	list_for_each (n, bucket_of(table, create_guid)) {
		struct claim *claim = container_of(n, struct claim, node);

		if (memcmp(claim->client_guid, client_guid, 16) == 0 &&
		    guid_equal(&claim->create_guid, create_guid))
			return container_of(claim, struct open, claim);
	}
	return NULL;
}

/* Under the table's mutex, so it is there. Only its own session gets it back. */
static struct nt_status answer(struct open *existing, const struct session *session, bool replay)
{
	if (!replay || existing->session != session)
		return STATUS_DUPLICATE_OBJECTID;
	return open_try_get(existing) ? STATUS_SUCCESS : STATUS_FILE_NOT_AVAILABLE;
}

struct nt_status open_claim(struct open *open, const uint8_t client_guid[16],
			    const struct guid *create_guid, bool replay, struct open **existing)
{
	struct claim_table *table = &open->session->server->claims;
	struct nt_status status = STATUS_SUCCESS;
	struct open *found;

	assert(!atomic_load(&open->claim.made));
	pthread_mutex_lock(&table->mutex);
	found = find(table, client_guid, create_guid);
	if (found) {
		status = answer(found, open->session, replay);
	} else {
		memcpy(open->claim.client_guid, client_guid, 16);
		open->claim.create_guid = *create_guid;
		atomic_store(&open->claim.made, true);
		list_push(bucket_of(table, create_guid), &open->claim.node);
	}
	pthread_mutex_unlock(&table->mutex);
	*existing = nt_success(status) ? found : NULL;
	return status;
}

void claim_drop(struct open *open)
{
	struct claim_table *table = &open->session->server->claims;

	if (!atomic_load(&open->claim.made) || !atomic_exchange(&open->claim.made, false))
		return;
	pthread_mutex_lock(&table->mutex);
	list_del(&open->claim.node);
	pthread_mutex_unlock(&table->mutex);
}
