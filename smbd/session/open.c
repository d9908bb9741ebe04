/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/open.h"

#include <assert.h>

#include <talloc.h>

#include "smbd/session/server.h"
#include "smbd/session/session.h"
#include "smbd/session/tree.h"
#include "transport/base/log.h"

/* ---- identity: volatile = generation and slot of the session's table, persistent = a number of
 * the server that is not used again ---- */

static uint32_t volatile_slot(uint64_t volatile_id)
{
	return (uint32_t)volatile_id;
}

static uint32_t volatile_generation(uint64_t volatile_id)
{
	return (uint32_t)(volatile_id >> 32);
}

static bool server_open_count(struct server *server)
{
	if (atomic_fetch_add(&server->open_count, 1) < server->config.max_opens)
		return true;
	atomic_fetch_sub(&server->open_count, 1);
	return false;
}

struct nt_status open_reserve(struct session *session, struct tree *tree,
			      const struct open_ops *ops, size_t size, struct open **out)
{
	struct server *server = session->server;
	uint32_t slot, generation;
	struct open *open;
	int err;

	assert(size >= sizeof(*open));
	if (!server_open_count(server))
		return STATUS_TOO_MANY_OPENED_FILES;
	open = talloc_zero_size(NULL, size);
	if (!open)
		goto uncount;
	talloc_set_name_const(open, "struct open");
	pthread_mutex_lock(&session->mutex);
	err = id_table_reserve(&session->opens, &slot, &generation);
	pthread_mutex_unlock(&session->mutex);
	if (err)
		goto free_open;
	open->id.volatile_id = (uint64_t)generation << 32 | slot;
	open->id.persistent_id = atomic_fetch_add(&server->next_persistent_id, 1);
	open->slot = slot;
	open->ops = ops;
	open->session = session;
	open->tree = tree;
	tree_get(tree);
	session_get(session);
	*out = open;
	return STATUS_SUCCESS;

free_open:
	talloc_free(open);
uncount:
	atomic_fetch_sub(&server->open_count, 1);
	return STATUS_TOO_MANY_OPENED_FILES;
}

/* Its identity may be used again from here. */
static void open_free(struct open *open)
{
	struct session *session = open->session;

	pthread_mutex_lock(&session->mutex);
	id_table_free(&session->opens, open->slot);
	if (open->closing) {
		open->tree->ending--;
		session->ending--;
	}
	fiber_cond_broadcast(&session->changed);
	pthread_mutex_unlock(&session->mutex);
	atomic_fetch_sub(&session->server->open_count, 1);
	tree_put(open->tree);
	talloc_free(open);
	session_put(session);
}

void open_discard(struct open *open)
{
	assert(open->refs == 0);
	claim_drop(open);
	open_free(open);
}

struct nt_status open_publish(struct open *open)
{
	struct session *session = open->session;
	struct nt_status status = STATUS_SUCCESS;

	pthread_mutex_lock(&session->mutex);
	if (session->state == SESSION_ENDED) {
		status = STATUS_USER_SESSION_DELETED;
	} else if (!open->tree->published) {
		status = STATUS_NETWORK_NAME_DELETED;
	} else {
		open->refs = 2; /* the table's and the caller's */
		open->tree->opens++;
		id_table_set(&session->opens, open->slot, open);
	}
	pthread_mutex_unlock(&session->mutex);
	return status;
}

struct open *open_find(struct session *session, const struct tree *tree, struct smb2_file_id id)
{
	struct open *open;

	pthread_mutex_lock(&session->mutex);
	open = id_table_find(&session->opens, volatile_slot(id.volatile_id),
			     volatile_generation(id.volatile_id));
	if (open && (open->closing || open->id.persistent_id != id.persistent_id ||
		     (tree && open->tree != tree)))
		open = NULL;
	if (open)
		open->refs++;
	pthread_mutex_unlock(&session->mutex);
	return open;
}

void open_get(struct open *open)
{
	pthread_mutex_lock(&open->session->mutex);
	open->refs++;
	pthread_mutex_unlock(&open->session->mutex);
}

bool open_try_get(struct open *open)
{
	bool there;

	pthread_mutex_lock(&open->session->mutex);
	there = open->refs > 0 && !open->closing;
	if (there)
		open->refs++;
	pthread_mutex_unlock(&open->session->mutex);
	return there;
}

void open_put(struct open *open)
{
	struct session *session = open->session;

	pthread_mutex_lock(&session->mutex);
	assert(open->refs > 1 || !open->closing);
	open->refs--;
	if (open->closing)
		fiber_cond_broadcast(&session->changed);
	pthread_mutex_unlock(&session->mutex);
}

/* The caller has the only right to end it: `closing` is set. One reference is the caller's. */
static struct nt_status open_end(struct open *open)
{
	struct session *session = open->session;
	struct nt_status status;

	claim_drop(open);
	if (open->ops->interrupt)
		open->ops->interrupt(open);
	pthread_mutex_lock(&session->mutex);
	while (open->refs > 1)
		(void)fiber_cond_wait(&session->changed, &session->mutex, 0);
	pthread_mutex_unlock(&session->mutex);
	status = open->ops->end(open);
	open_free(open);
	return status;
}

/* Under the session's mutex. Nobody finds it any more; the table's reference is the caller's. */
static void open_take(struct open *open)
{
	id_table_set(&open->session->opens, open->slot, NULL);
	open->closing = true;
	open->tree->opens--;
	open->tree->ending++;
	open->session->ending++;
}

struct nt_status open_close(struct open *open)
{
	struct session *session = open->session;

	pthread_mutex_lock(&session->mutex);
	if (open->closing) {
		pthread_mutex_unlock(&session->mutex);
		open_put(open);
		return STATUS_FILE_CLOSED;
	}
	open_take(open);
	open->refs--; /* of two, the table's and the caller's, one stays */
	pthread_mutex_unlock(&session->mutex);
	return open_end(open);
}

bool open_is_ending(struct open *open)
{
	struct session *session = open->session;
	bool ending;

	pthread_mutex_lock(&session->mutex);
	ending = open->closing || !open->tree->published || session->state == SESSION_ENDED;
	pthread_mutex_unlock(&session->mutex);
	return ending;
}

void opens_end(struct session *session, const struct tree *tree)
{
	struct nt_status status;
	struct open *open;
	uint32_t slot;

	pthread_mutex_lock(&session->mutex);
	for (slot = 0; (open = id_table_next(&session->opens, &slot)) != NULL; slot++) {
		if (tree && open->tree != tree)
			continue;
		open_take(open);
		pthread_mutex_unlock(&session->mutex);
		status = open_end(open);
		if (!nt_success(status))
			log_warning("an open ended with %s", nt_status_name(status));
		pthread_mutex_lock(&session->mutex);
	}
	/* those that a CLOSE is ending meanwhile */
	while ((tree ? tree->ending : session->ending) > 0)
		(void)fiber_cond_wait(&session->changed, &session->mutex, 0);
	pthread_mutex_unlock(&session->mutex);
}

unsigned opens_each(struct session *session, void (*one)(const struct open *open, void *arg),
		    void *arg)
{
	struct open *open;
	unsigned count = 0;

	pthread_mutex_lock(&session->mutex);
	for (uint32_t slot = 0; (open = id_table_next(&session->opens, &slot)) != NULL; slot++) {
		count++;
		if (one)
			one(open, arg);
	}
	pthread_mutex_unlock(&session->mutex);
	return count;
}

void open_enter(struct open *open)
{
	struct session *session = open->session;

	pthread_mutex_lock(&session->mutex);
	while (open->entered)
		(void)fiber_cond_wait(&session->changed, &session->mutex, 0);
	open->entered = true;
	pthread_mutex_unlock(&session->mutex);
}

void open_leave(struct open *open)
{
	struct session *session = open->session;

	pthread_mutex_lock(&session->mutex);
	open->entered = false;
	fiber_cond_broadcast(&session->changed);
	pthread_mutex_unlock(&session->mutex);
}
