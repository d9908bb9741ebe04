/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is sent again on another channel when the answer is lost with its own ([MS-SMB2] 3.2.7.1,
 * 3.2.5.12 and others): which commands may be, as what, and what the answers mean then. Hides the
 * lock sequences of each open. On the client's reactor.
 */
#include <stdlib.h>
#include <string.h>

#include "smbd/wire/close.h"
#include "tools/client/private.h"

#define LOCK_BUCKETS 64 /* [MS-SMB2] 2.2.26; index 0 says: none */

enum replay { REPLAY_NEVER, REPLAY_AS_IT_WAS, REPLAY_FLAGGED };

struct client_lock_sequences {
	struct list_node node; /* of the session */
	struct smb2_file_id id;
	uint8_t number[LOCK_BUCKETS]; /* the last one used */
	uint64_t busy;                /* buckets of requests under way */
};

/* The body, as its caller encoded it. */
static struct rd body_of(const struct client_request *rq)
{
	struct rd r = rd_init(rq->bytes, rq->w.len);

	rd_skip(&r, SMB2_HEADER_SIZE);
	return r;
}

/* ---- LOCK ---- */

static struct client_lock_sequences *locks_find(struct client_session *s, struct smb2_file_id id)
{
	list_for_each (n, &s->locks) {
		struct client_lock_sequences *l =
			container_of(n, struct client_lock_sequences, node);

		if (memcmp(&l->id, &id, sizeof(id)) == 0)
			return l;
	}
	return NULL;
}

static struct client_lock_sequences *locks_get(struct client_session *s, struct smb2_file_id id)
{
	struct client_lock_sequences *l = locks_find(s, id);

	if (l)
		return l;
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->id = id;
	list_push(&s->locks, &l->node);
	return l;
}

/* [MS-SMB2] 3.2.4.19: a bucket that no other LOCK of the open uses, and its next number. */
static void lock_number(struct client_request *rq)
{
	struct rd r = body_of(rq);
	struct smb2_lock_request lock;
	struct client_lock_sequences *l;
	struct wr w = wr_init(rq->bytes + SMB2_HEADER_SIZE + 4, 4);
	unsigned i;

	if (!smb2_lock_request_decode(&r, &lock) || lock.lock_sequence_index)
		return;
	l = locks_get(rq->session, lock.file_id);
	if (!l || !~l->busy)
		return;
	i = (unsigned)__builtin_ctzll(~l->busy);
	l->busy |= 1ull << i;
	l->number[i] = (l->number[i] + 1) & 0xf;
	wr_u32(&w, (i + 1) << 4 | l->number[i]);
	rq->lock_bucket = (uint8_t)(i + 1);
}

static void lock_over(struct client_request *rq)
{
	struct rd r = body_of(rq);
	struct smb2_lock_request lock;
	struct client_lock_sequences *l;

	if (!rq->lock_bucket || !smb2_lock_request_decode(&r, &lock))
		return;
	l = locks_find(rq->session, lock.file_id);
	if (l)
		l->busy &= ~(1ull << (rq->lock_bucket - 1));
	rq->lock_bucket = 0;
}

static bool lock_is_numbered(const struct client_request *rq)
{
	struct rd r = body_of(rq);
	struct smb2_lock_request lock;

	return smb2_lock_request_decode(&r, &lock) && lock.lock_sequence_index;
}

static void locks_free(struct client_lock_sequences *l)
{
	list_del(&l->node);
	free(l);
}

static void close_over(struct client_request *rq)
{
	struct rd r = body_of(rq);
	struct smb2_close_request in;
	struct client_lock_sequences *l = NULL;

	if (smb2_close_request_decode(&r, &in))
		l = locks_find(rq->session, in.file_id);
	if (l)
		locks_free(l);
}

void client_replay_free(struct client_session *s)
{
	struct list_node *n;

	while ((n = list_first(&s->locks)) != NULL)
		locks_free(container_of(n, struct client_lock_sequences, node));
}

/* ---- which, and how ---- */

static bool has_create_guid(const struct client_request *rq)
{
	struct rd r = body_of(rq);
	struct smb2_create_request in;

	return smb2_create_request_decode(&r, &in) &&
	       (in.contexts.present & SMB2_CREATE_DURABLE_HANDLE_REQUEST_V2);
}

static bool begins_anew(const struct client_request *rq)
{
	struct rd r = body_of(rq);
	struct smb2_query_directory_request in;

	return smb2_query_directory_request_decode(&r, &in) &&
	       (in.flags & (SMB2_RESTART_SCANS | SMB2_REOPEN));
}

static enum replay replay_of(const struct client_request *rq)
{
	switch (rq->header.command) {
	case SMB2_NEGOTIATE:
	case SMB2_SESSION_SETUP:
	case SMB2_CANCEL:
		return REPLAY_NEVER;
	case SMB2_CREATE: /* the server knows it again by its CreateGuid only */
		return has_create_guid(rq) ? REPLAY_FLAGGED : REPLAY_NEVER;
	case SMB2_WRITE:
	case SMB2_SET_INFO:
	case SMB2_IOCTL:
		return REPLAY_FLAGGED;
	case SMB2_LOCK:
		return lock_is_numbered(rq) ? REPLAY_FLAGGED : REPLAY_NEVER;
	case SMB2_QUERY_DIRECTORY: /* what the lost answer listed does not come again */
		return begins_anew(rq) ? REPLAY_AS_IT_WAS : REPLAY_NEVER;
	default: /* done twice is as good as once */
		return REPLAY_AS_IT_WAS;
	}
}

void client_replay_prepare(struct client_request *rq)
{
	if (rq->header.command == SMB2_LOCK && !rq->lock_bucket &&
	    atomic_load(&rq->session->many) && rq->channel->dialect >= SMB2_DIALECT_300)
		lock_number(rq);
}

bool client_replay_begin(struct client_request *rq)
{
	enum replay how = replay_of(rq);

	if (how == REPLAY_NEVER)
		return false;
	if (how == REPLAY_FLAGGED)
		rq->header.flags |= SMB2_FLAGS_REPLAY_OPERATION;
	rq->replayed = true;
	return true;
}

/* ---- what the answers mean ---- */

/* Neither was anything done, nor is anything wrong: [MS-SMB2] 3.3.5.2.10, 3.3.5.9.10. */
bool client_replay_is_refused(const struct client_request *rq)
{
	if (rq->err || !nt_equal(rq->reply.status, STATUS_FILE_NOT_AVAILABLE))
		return false;
	switch (rq->header.command) {
	case SMB2_WRITE:
	case SMB2_SET_INFO:
	case SMB2_IOCTL:
		return rq->session->channel_sequence != 0;
	case SMB2_CREATE:
		return rq->replayed;
	default:
		return false;
	}
}

/* What is gone, because it was done the first time. */
static bool was_done(const struct client_request *rq)
{
	switch (rq->header.command) {
	case SMB2_CLOSE:
		return nt_equal(rq->reply.status, STATUS_FILE_CLOSED);
	case SMB2_TREE_DISCONNECT:
		return nt_equal(rq->reply.status, STATUS_NETWORK_NAME_DELETED);
	case SMB2_LOGOFF:
		return nt_equal(rq->reply.status, STATUS_USER_SESSION_DELETED);
	default:
		return false;
	}
}

void client_replay_end(struct client_request *rq)
{
	if (rq->replayed && !rq->err && was_done(rq))
		rq->reply.status = STATUS_SUCCESS;
	if (rq->header.command == SMB2_LOCK)
		lock_over(rq);
	else if (rq->header.command == SMB2_CLOSE && !rq->err && nt_success(rq->reply.status))
		close_over(rq);
}
