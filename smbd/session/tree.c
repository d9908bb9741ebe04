/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/tree.h"

#include <assert.h>

#include <talloc.h>

#include "smbd/session/open.h"
#include "smbd/session/server.h"
#include "smbd/session/session.h"

/* TreeId = generation << 16 | slot + 1: neither 0 nor all ones, which related compounds use. */
#define TREE_SLOTS_MAX 0xfffeu

static uint32_t tree_id(uint32_t slot, uint32_t generation)
{
	static_assert(SESSION_TREES_MAX <= TREE_SLOTS_MAX, "a slot has 16 bits");
	return generation << 16 | (slot + 1);
}

/* Of the object with this slot; the generation has only its low bits in the id. Session's mutex. */
static struct tree *tree_at(struct session *session, uint32_t id)
{
	uint32_t slot = (id & 0xffff) - 1;
	struct tree *tree =
		slot < session->trees.capacity ? session->trees.slots[slot].object : NULL;

	return tree && tree->id == id ? tree : NULL;
}

struct nt_status tree_create(struct session *session, struct share *share, struct tree **out)
{
	struct tree *tree = talloc_zero(NULL, struct tree);
	uint32_t generation;
	int err = -1;

	if (tree) {
		pthread_mutex_lock(&session->mutex);
		err = id_table_reserve(&session->trees, &tree->slot, &generation);
		pthread_mutex_unlock(&session->mutex);
	}
	if (err) {
		talloc_free(tree);
		share->release(share);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	tree->id = tree_id(tree->slot, generation);
	tree->share = share;
	tree->session = session;
	session_get(session);
	atomic_init(&tree->refs, 1);
	atomic_fetch_add(&session->server->tree_count, 1);
	*out = tree;
	return STATUS_SUCCESS;
}

struct nt_status tree_publish(struct tree *tree)
{
	struct session *session = tree->session;
	struct nt_status status = STATUS_SUCCESS;

	pthread_mutex_lock(&session->mutex);
	if (session->state == SESSION_ENDED) {
		status = STATUS_USER_SESSION_DELETED;
	} else {
		tree->published = true;
		tree_get(tree);
		id_table_set(&session->trees, tree->slot, tree);
	}
	pthread_mutex_unlock(&session->mutex);
	return status;
}

struct tree *tree_find(struct session *session, uint32_t id)
{
	struct tree *tree;

	pthread_mutex_lock(&session->mutex);
	tree = tree_at(session, id);
	if (tree)
		tree_get(tree);
	pthread_mutex_unlock(&session->mutex);
	return tree;
}

void tree_get(struct tree *tree)
{
	atomic_fetch_add(&tree->refs, 1);
}

void tree_put(struct tree *tree)
{
	struct session *session = tree->session;

	if (atomic_fetch_sub(&tree->refs, 1) != 1)
		return;
	pthread_mutex_lock(&session->mutex);
	id_table_free(&session->trees, tree->slot);
	pthread_mutex_unlock(&session->mutex);
	atomic_fetch_sub(&session->server->tree_count, 1);
	tree->share->release(tree->share);
	session_user_put(tree->user);
	talloc_free(tree);
	session_put(session);
}

/* Under the session's mutex: off the table, whose reference is the caller's. */
static bool tree_take(struct tree *tree)
{
	if (!tree->published)
		return false;
	tree->published = false;
	id_table_set(&tree->session->trees, tree->slot, NULL);
	return true;
}

struct nt_status tree_disconnect(struct tree *tree)
{
	struct session *session = tree->session;
	bool ours;

	pthread_mutex_lock(&session->mutex);
	ours = tree_take(tree);
	pthread_mutex_unlock(&session->mutex);
	if (!ours)
		return STATUS_NETWORK_NAME_DELETED;
	opens_end(session, tree);
	tree_put(tree);
	return STATUS_SUCCESS;
}

void trees_end(struct session *session)
{
	struct tree *tree;
	uint32_t slot = 0;

	pthread_mutex_lock(&session->mutex);
	while ((tree = id_table_next(&session->trees, &slot)) != NULL) {
		(void)tree_take(tree);
		pthread_mutex_unlock(&session->mutex);
		tree_put(tree);
		pthread_mutex_lock(&session->mutex);
	}
	pthread_mutex_unlock(&session->mutex);
}

unsigned trees_count(struct session *session)
{
	unsigned count;

	pthread_mutex_lock(&session->mutex);
	count = session->trees.used;
	pthread_mutex_unlock(&session->mutex);
	return count;
}
