/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/file/oplock.h"

#include <inttypes.h>

#include <talloc.h>

#include "smbd/file/private.h"
#include "smbd/wire/access.h"
#include "transport/base/log.h"

/* What an operation lets the others keep, and what they have that it waits for. [MS-FSA] 2.1.4.12
 * by way of what Windows does: who caches reads, or handles that nobody needs, is not waited for.
 */
static const struct {
	uint32_t allowed, waits_for;
} rules[] = {
	[OPLOCK_OPEN] = {SMB2_LEASE_READ_CACHING | SMB2_LEASE_HANDLE_CACHING,
			 SMB2_LEASE_WRITE_CACHING},
	[OPLOCK_OPEN_CONFLICT] = {SMB2_LEASE_READ_CACHING | SMB2_LEASE_WRITE_CACHING,
				  SMB2_LEASE_HANDLE_CACHING},
	[OPLOCK_OVERWRITE] = {SMB2_LEASE_NONE, SMB2_LEASE_WRITE_CACHING},
	[OPLOCK_CHANGED] = {SMB2_LEASE_NONE, SMB2_LEASE_NONE},
	[OPLOCK_DIRECTORY] = {SMB2_LEASE_NONE, SMB2_LEASE_NONE},
	[OPLOCK_HANDLE] = {SMB2_LEASE_READ_CACHING | SMB2_LEASE_WRITE_CACHING,
			   SMB2_LEASE_HANDLE_CACHING},
};

/* Looking breaks no oplock; nor does reading a descriptor break a lease. */
#define ACCESS_LOOKS       (SYNCHRONIZE | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES)
#define ACCESS_LOOKS_LEASE (ACCESS_LOOKS | READ_CONTROL)

static struct oplock *oplock_of(const struct list_node *n)
{
	return container_of(n, struct oplock, node);
}

/* Any of them stands for all: they are one client's. */
static struct file_open *holder_of(const struct oplock *o)
{
	return container_of(list_first(&o->opens), struct file_open, node_in_oplock);
}

/* ---- what is told ---- */

static void notice_add(struct file_table *table, struct file *file, struct oplock *o,
		       const struct oplock_tell *tell, struct list_node *notices)
{
	const struct file_open *holder = holder_of(o);
	struct oplock_notice *n = talloc_zero(NULL, struct oplock_notice);

	if (!n) {
		log_err("no memory to break an oplock: taken away untold");
		oplock_state_drop(&o->s);
		return;
	}
	*n = (struct oplock_notice){
		.client = holder->client,
		.lease = o->s.lease,
		.id = holder->id,
		.key = o->lease.id.key,
		.from = tell->from,
		.to = tell->to,
		.epoch = o->v2 ? tell->epoch : 0,
		.ack_required = tell->ack_required,
		.file = file->id,
		.serial = o->serial,
	};
	table->breaker->hold(n->client);
	list_push(notices, &n->node);
}

/* ---- one oplock ---- */

static uint64_t answer_until(const struct file_table *table)
{
	return table->now_ns() + atomic_load(&table->break_timeout_ns);
}

static void oplock_free(struct file_table *table, struct oplock *o)
{
	if (o->directory)
		atomic_fetch_sub(&table->directory_leases, 1);
	if (o->s.lease)
		lease_table_remove(&table->leases, &o->lease);
	list_del(&o->node);
	talloc_free(o);
}

/* Its state may have changed from `before`: counts, and wakes who waits for less. */
static void oplock_came_down(struct file_table *table, struct file *file, struct oplock *o,
			     uint32_t before, bool was_breaking)
{
	if (before && !o->s.state)
		atomic_fetch_sub(&file->oplock_count, 1);
	if (o->s.state != before || o->s.breaking != was_breaking)
		file_stir(file);
	if (!o->s.lease && !o->s.state) {
		holder_of(o)->oplock = NULL;
		list_del(&holder_of(o)->node_in_oplock);
		oplock_free(table, o);
	}
}

static uint32_t allowed_of(const struct oplock *o, uint32_t allowed)
{
	if (o->alone && (o->s.state & ~allowed & SMB2_LEASE_WRITE_CACHING))
		return SMB2_LEASE_NONE;
	return allowed;
}

/* True: it has to answer. */
static bool oplock_break(struct file_table *table, struct file *file, struct oplock *o,
			 uint32_t allowed, struct list_node *notices)
{
	uint32_t before = o->s.state;
	bool was_breaking = o->s.breaking, breaking;
	struct oplock_tell tell;

	if (oplock_state_break(&o->s, allowed_of(o, allowed), answer_until(table), &tell))
		notice_add(table, file, o, &tell, notices);
	breaking = o->s.breaking;
	oplock_came_down(table, file, o, before, was_breaking);
	return breaking;
}

static void oplock_lost(struct file_table *table, struct file *file, struct oplock *o)
{
	uint32_t before = o->s.state;
	bool was_breaking = o->s.breaking;

	oplock_state_drop(&o->s);
	oplock_came_down(table, file, o, before, was_breaking);
}

/* ---- who stands in whose way ---- */

/* The same client's, under the same key: it keeps its caches true itself. Who names a directory's
 * lease as the parent of his own is taken at his word, whatever client he is: as Windows does. */
static bool is_own(const struct oplock *o, enum oplock_operation op, const struct file_open *by)
{
	if (!by)
		return false;
	if (op == OPLOCK_DIRECTORY)
		return o->s.lease && by->want.has_parent &&
		       guid_equal(&o->lease.id.key, &by->want.parent_key);
	if (o->s.lease)
		return by->want.lease && lease_id_equal(&o->lease.id, &by->want.id);
	/* one who may write what he caches knows; level II is told of its own write too */
	return by->oplock == o && (op != OPLOCK_CHANGED || (o->s.state & SMB2_LEASE_WRITE_CACHING));
}

static bool only_looks(const struct oplock *o, enum oplock_operation op, const struct file_open *by)
{
	return op == OPLOCK_OPEN && o->s.lease && !(by->access & ~ACCESS_LOOKS_LEASE);
}

/* Does `by` wait for it? Who has begun to wait does so until the holder is through with all its
 * steps, and who comes meanwhile joins him unless he breaks more himself: as Windows does. */
static bool oplock_holds_back(const struct oplock *o, enum oplock_operation op,
			      const struct file_open *by)
{
	if (op == OPLOCK_CHANGED || op == OPLOCK_DIRECTORY)
		return false;
	if (o->s.state & rules[op].waits_for)
		return true;
	return o->s.breaking && ((by && by->waited) || !(o->s.state & ~rules[op].allowed));
}

bool oplocks_break(struct file_table *table, struct file *file, enum oplock_operation op,
		   const struct file_open *by, struct list_node *notices)
{
	bool wait = false, held;

	for (struct list_node *n = file->oplocks.next, *next; n != &file->oplocks; n = next) {
		struct oplock *o = oplock_of(n);

		next = n->next;
		if (is_own(o, op, by) || only_looks(o, op, by))
			continue;
		held = oplock_holds_back(o, op, by);
		if (oplock_break(table, file, o, rules[op].allowed, notices) && held)
			wait = true;
	}
	return wait;
}

/* ---- granting, [MS-FSA] 2.1.5.18 ---- */

struct others {
	bool write;  /* somebody caches writes */
	bool handle; /* some lease caches handles */
	bool level;  /* somebody has an oplock, of the old kind */
	bool any;    /* somebody has the file open, or had something on it: not alone */
};

static struct others others_of(const struct file *file, const struct file_open *open)
{
	struct others others = {.any = false};

	list_for_each (n, &file->oplocks) {
		const struct oplock *o = oplock_of(n);

		if (is_own(o, OPLOCK_OPEN, open))
			continue;
		others.any = true;
		others.write |= o->s.state & SMB2_LEASE_WRITE_CACHING;
		others.level |= !o->s.lease;
		others.handle |= o->s.lease && (o->s.state & SMB2_LEASE_HANDLE_CACHING);
	}
	list_for_each (n, &file->opens) {
		const struct file_open *x = container_of(n, struct file_open, node_in_file);

		if (x == open || !(x->access & ~ACCESS_LOOKS) ||
		    (x->oplock && is_own(x->oplock, OPLOCK_OPEN, open)))
			continue;
		others.any = true;
	}
	return others;
}

/* Directories have no data that could be written later. */
static uint32_t wanted_of(const struct file_open *open)
{
	uint32_t state = open->want.state;

	return open->node->stat.directory ? state & ~SMB2_LEASE_WRITE_CACHING : state;
}

static uint32_t grantable(const struct file *file, const struct file_open *open)
{
	const struct oplock_request *want = &open->want;
	struct others others = others_of(file, open);
	uint32_t state = oplock_state_valid(wanted_of(open));

	if (others.write)
		return SMB2_LEASE_NONE;
	if (others.any)
		state &= ~SMB2_LEASE_WRITE_CACHING;
	/* what is shared is neither shared where that is not wanted, nor beside byte-range locks */
	if (!(state & SMB2_LEASE_WRITE_CACHING) && (want->alone || file->locks.count))
		return SMB2_LEASE_NONE;
	if (want->lease)
		return others.level ? state & ~SMB2_LEASE_HANDLE_CACHING : state;
	if (others.handle)
		return SMB2_LEASE_NONE;
	return state & SMB2_LEASE_WRITE_CACHING ? state : state & SMB2_LEASE_READ_CACHING;
}

static struct oplock *lease_in(const struct file *file, const struct lease_id *id)
{
	list_for_each (n, &file->oplocks) {
		struct oplock *o = oplock_of(n);

		if (o->s.lease && lease_id_equal(&o->lease.id, id))
			return o;
	}
	return NULL;
}

static void oplock_attach(struct file *file, struct file_open *open, struct oplock *o)
{
	list_push(&o->opens, &open->node_in_oplock);
	open->oplock = o;
	open->granted = (struct oplock_grant){
		.state = o->s.state,
		.lease = o->s.lease,
		.v2 = o->v2,
		.breaking = o->s.breaking,
		.epoch = o->s.epoch,
	};
}

static struct oplock *oplock_new(struct file_table *table, struct file *file,
				 const struct oplock_request *want, bool directory, uint32_t state)
{
	struct oplock *o = talloc_zero(NULL, struct oplock);

	if (!o)
		return NULL;
	o->s.lease = want->lease;
	o->s.state = state;
	/* 3.3.5.9.11: what the client counted, and this is a change */
	o->s.epoch = (uint16_t)(want->epoch + (state != SMB2_LEASE_NONE));
	o->alone = want->alone;
	o->v2 = want->v2;
	o->lease.id = want->id;
	o->lease.file = file->id;
	o->serial = atomic_fetch_add(&table->oplock_serial, 1) + 1;
	list_init(&o->opens);
	list_init(&o->lease.node);
	if (want->lease && !lease_table_add(&table->leases, &o->lease)) {
		talloc_free(o);
		return NULL;
	}
	o->directory = directory;
	if (directory)
		atomic_fetch_add(&table->directory_leases, 1);
	list_push(&file->oplocks, &o->node);
	if (state)
		atomic_fetch_add(&file->oplock_count, 1);
	return o;
}

struct nt_status oplocks_check(struct file_table *table, const struct oplock_request *want,
			       const struct vfs_id *file)
{
	struct vfs_id other;

	if (!want->lease || !lease_table_find(&table->leases, &want->id, &other) ||
	    (file && vfs_id_equal(&other, file)))
		return STATUS_SUCCESS;
	return STATUS_INVALID_PARAMETER;
}

struct nt_status oplock_request_check(struct file_table *table, const struct oplock_request *want)
{
	return oplocks_check(table, want, NULL);
}

void oplocks_grant(struct file_table *table, struct file *file, struct file_open *open)
{
	const struct oplock_request *want = &open->want;
	struct oplock *o;
	uint32_t state;

	open->oplock = NULL;
	open->granted = (struct oplock_grant){0};
	list_init(&open->node_in_oplock);
	if (!table->breaker || (!want->lease && !want->state))
		return;
	if (open->node->stat.directory && !(want->lease && want->directory))
		return;
	state = grantable(file, open);
	o = want->lease ? lease_in(file, &want->id) : NULL;
	if (o) {
		bool had = o->s.state;

		if (oplock_state_upgrade(&o->s, wanted_of(open), state) && !had)
			atomic_fetch_add(&file->oplock_count, 1);
	} else if (want->lease || state) {
		o = oplock_new(table, file, want, open->node->stat.directory, state);
	}
	if (o)
		oplock_attach(file, open, o);
}

void oplocks_leave(struct file_table *table, struct file *file, struct file_open *open)
{
	struct oplock *o = open->oplock;

	file_stir(file);
	if (!o)
		return;
	list_del(&open->node_in_oplock);
	open->oplock = NULL;
	if (!list_empty(&o->opens))
		return;
	if (o->s.state)
		atomic_fetch_sub(&file->oplock_count, 1);
	oplock_free(table, o);
}

/* ---- time ---- */

static void log_unanswered(const struct file *file, const struct oplock *o)
{
	const struct file_open *holder = holder_of(o);

	log_warning(
		"%s: a client did not answer the break of its %s from %s%s%s in time: taken "
		"away",
		holder->path, o->s.lease ? "lease" : "oplock",
		o->s.state & SMB2_LEASE_READ_CACHING ? "R" : "",
		o->s.state & SMB2_LEASE_WRITE_CACHING ? "W" : "",
		o->s.state & SMB2_LEASE_HANDLE_CACHING ? "H" : "");
}

void oplocks_expire(struct file_table *table, struct file *file)
{
	uint64_t now_ns = table->now_ns();

	for (struct list_node *n = file->oplocks.next, *next; n != &file->oplocks; n = next) {
		struct oplock *o = oplock_of(n);

		next = n->next;
		if (!o->s.breaking || now_ns < o->s.deadline_ns)
			continue;
		log_unanswered(file, o);
		oplock_lost(table, file, o);
	}
}

uint64_t oplocks_deadline_ns(const struct file *file)
{
	uint64_t earliest = UINT64_MAX;

	list_for_each (n, &file->oplocks) {
		const struct oplock *o = oplock_of(n);

		if (o->s.breaking && o->s.deadline_ns < earliest)
			earliest = o->s.deadline_ns;
	}
	return earliest;
}

void oplock_timeout_set(struct file_table *table, uint64_t timeout_ns)
{
	atomic_store(&table->break_timeout_ns, timeout_ns);
}

/* ---- waiting ---- */

/* Until then, at most: an answer may also be late because nobody is left who would give it. */
static uint64_t wait_ns(const struct file_table *table, const struct file *file)
{
	uint64_t deadline = oplocks_deadline_ns(file), now_ns = table->now_ns();

	if (deadline == UINT64_MAX)
		deadline = answer_until(table);
	return deadline > now_ns ? deadline - now_ns : 1;
}

bool oplocks_wait(struct file_table *table, struct file *file, struct file_wait *wait,
		  struct list_node *notices)
{
	struct file_wait nobody = {.cancelled = false};
	pthread_mutex_t *mutex = &file->shard->mutex;
	uint64_t changes = file->changes;
	bool cancelled;

	if (!wait)
		wait = &nobody;
	file_pin(file);
	wait->file = file;
	pthread_mutex_unlock(mutex);
	oplock_notices_send(table, notices);
	pthread_mutex_lock(mutex);
	while (file->changes == changes && !wait->cancelled) {
		if (fiber_cond_wait(&file->changed, mutex, wait_ns(table, file)) != 0)
			oplocks_expire(table, file);
	}
	wait->file = NULL;
	cancelled = wait->cancelled;
	file_unpin(file);
	return !cancelled;
}

void file_wait_cancel(struct file_wait *wait)
{
	struct file *file = wait->file; /* of a fiber of this thread, which does not run */

	wait->cancelled = true;
	if (!file)
		return;
	pthread_mutex_lock(&file->shard->mutex);
	fiber_cond_broadcast(&file->changed);
	pthread_mutex_unlock(&file->shard->mutex);
}

/* ---- what others do ---- */

static void data_changed(struct file_table *table, struct file_open *open, enum oplock_operation op)
{
	struct list_node notices = LIST_INIT(notices);
	struct file *file = open->file;

	if (atomic_load(&table->directory_leases) > 0)
		atomic_store(&open->changed, true);
	/* the change is made; who gets a cache after this look reads it changed */
	if (atomic_load(&file->oplock_count) == 0)
		return;
	pthread_mutex_lock(&file->shard->mutex);
	(void)oplocks_break(table, file, op, open, &notices);
	pthread_mutex_unlock(&file->shard->mutex);
	oplock_notices_send(table, &notices);
}

void oplock_data_changed(struct file_table *table, struct file_open *open)
{
	data_changed(table, open, OPLOCK_CHANGED);
}

void oplock_data_cut(struct file_table *table, struct file_open *open)
{
	data_changed(table, open, OPLOCK_OVERWRITE);
}

static void directory_changed(struct file_table *table, const struct vfs_id *directory,
			      const struct file_open *by)
{
	struct shard *shard = shard_of(table, directory);
	struct list_node notices = LIST_INIT(notices);
	struct file *file;

	pthread_mutex_lock(&shard->mutex);
	file = file_find(shard, directory);
	if (file)
		(void)oplocks_break(table, file, OPLOCK_DIRECTORY, by, &notices);
	pthread_mutex_unlock(&shard->mutex);
	oplock_notices_send(table, &notices);
}

void oplock_directory_changed(struct file_table *table, const struct vfs_id *directory,
			      const struct file_open *by)
{
	if (atomic_load(&table->directory_leases) > 0)
		directory_changed(table, directory, by);
}

void oplock_ask_handles(struct file_table *table, const struct file_open *by)
{
	struct list_node notices = LIST_INIT(notices);
	struct file *file = by->file;

	if (atomic_load(&file->oplock_count) == 0)
		return;
	pthread_mutex_lock(&file->shard->mutex);
	(void)oplocks_break(table, file, OPLOCK_HANDLE, by, &notices);
	pthread_mutex_unlock(&file->shard->mutex);
	oplock_notices_send(table, &notices);
}

struct nt_status oplock_break_handles(struct file_table *table, const struct vfs_id *id,
				      const struct file_open *by, struct file_wait *wait)
{
	struct shard *shard = shard_of(table, id);
	struct list_node notices = LIST_INIT(notices);
	struct nt_status status = STATUS_SUCCESS;
	struct file *file;

	pthread_mutex_lock(&shard->mutex);
	while (nt_success(status) && (file = file_find(shard, id)) != NULL) {
		oplocks_expire(table, file);
		if (!oplocks_break(table, file, OPLOCK_HANDLE, by, &notices))
			break;
		if (!oplocks_wait(table, file, wait, &notices))
			status = STATUS_CANCELLED;
	}
	pthread_mutex_unlock(&shard->mutex);
	oplock_notices_send(table, &notices);
	return status;
}

/* ---- answers ---- */

/*
 * A client may give back an oplock right behind the WRITEs of what it had kept, without waiting for
 * their answers, as Linux does. Who waits for the oplock is to see what they write. He has
 * answered, so they may take longer than he might have: returns until when that was. Pins the file.
 */
static uint64_t writes_first(struct file_table *table, struct file *file, struct oplock *o)
{
	uint64_t due_ns = 0;

	if (o && o->s.breaking) {
		due_ns = o->s.deadline_ns;
		o->s.deadline_ns = answer_until(table);
	}
	file_pin(file);
	file_io_settle(file);
	return due_ns;
}

static struct nt_status answer(struct file_table *table, struct file *file, struct oplock *o,
			       uint32_t state, uint64_t due_ns, struct list_node *notices)
{
	uint32_t before = o->s.state;
	bool was_breaking = o->s.breaking;
	struct nt_status status;
	struct oplock_tell tell;

	if (oplock_state_ack(&o->s, state, answer_until(table), &tell, &status))
		notice_add(table, file, o, &tell, notices);
	if (nt_error(status) && o->s.breaking && due_ns) /* that was no answer */
		o->s.deadline_ns = due_ns;
	oplock_came_down(table, file, o, before, was_breaking);
	return status;
}

struct nt_status oplock_ack(struct file_table *table, struct file_open *open, uint32_t state)
{
	struct nt_status status = STATUS_INVALID_OPLOCK_PROTOCOL;
	struct list_node notices = LIST_INIT(notices);
	struct file *file = open->file;
	struct shard *shard = file->shard;
	uint64_t due_ns;

	pthread_mutex_lock(&shard->mutex);
	due_ns = writes_first(table, file, open->oplock);
	if (open->oplock && open->oplock->s.lease)
		status = STATUS_INVALID_PARAMETER;
	else if (open->oplock)
		status = answer(table, file, open->oplock, state, due_ns, &notices);
	file_unpin(file);
	pthread_mutex_unlock(&shard->mutex);
	oplock_notices_send(table, &notices);
	return status;
}

struct nt_status oplock_lease_ack(struct file_table *table, const struct lease_id *id,
				  uint32_t state)
{
	struct nt_status status = STATUS_OBJECT_NAME_NOT_FOUND;
	struct list_node notices = LIST_INIT(notices);
	struct vfs_id file_id;
	struct shard *shard;
	struct file *file;
	struct oplock *o;
	uint64_t due_ns;

	if (!lease_table_find(&table->leases, id, &file_id))
		return status;
	shard = shard_of(table, &file_id);
	pthread_mutex_lock(&shard->mutex);
	file = file_find(shard, &file_id);
	if (file) {
		due_ns = writes_first(table, file, lease_in(file, id));
		o = lease_in(file, id);
		if (o)
			status = answer(table, file, o, state, due_ns, &notices);
		file_unpin(file);
	}
	pthread_mutex_unlock(&shard->mutex);
	oplock_notices_send(table, &notices);
	return status;
}

/* Nobody can be told: nobody will answer. */
static void notice_failed(struct file_table *table, const struct oplock_notice *notice)
{
	struct shard *shard = shard_of(table, &notice->file);
	struct file *file;

	pthread_mutex_lock(&shard->mutex);
	file = file_find(shard, &notice->file);
	for (struct list_node *n = file ? file->oplocks.next : NULL; n && n != &file->oplocks;
	     n = n->next) {
		struct oplock *o = oplock_of(n);

		if (o->serial != notice->serial)
			continue;
		if (o->s.breaking)
			oplock_lost(table, file, o);
		break;
	}
	pthread_mutex_unlock(&shard->mutex);
}

void oplock_notices_send(struct file_table *table, struct list_node *notices)
{
	struct list_node *node;

	while ((node = list_pop(notices)) != NULL) {
		struct oplock_notice *n = container_of(node, struct oplock_notice, node);

		if (!table->breaker->notify(n) && n->ack_required)
			notice_failed(table, n);
		table->breaker->drop(n->client);
		talloc_free(n);
	}
}
