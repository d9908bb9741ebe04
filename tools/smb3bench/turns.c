/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is measured one step after the other, each waited for: the break of a lease, and the listing
 * of a directory.
 */
#include <stdlib.h>
#include <string.h>

#include "smbd/wire/break.h"
#include "smbd/wire/fscc/dir_info.h"
#include "tools/smb3bench/connection.h"
#include "transport/base/clock.h"

#define LEASE_ALL (SMB2_LEASE_READ_CACHING | SMB2_LEASE_HANDLE_CACHING | SMB2_LEASE_WRITE_CACHING)

struct turns {
	const struct bench_options *options;
	struct bench_result *result;
	struct bench_progress *progress;
	uint64_t begun_ns;
	uint8_t *buffer;           /* of a listing */
	struct client *clients[2]; /* each is another to the server */
	struct bench_connection connections[2];
};

static bool turns_over(const struct turns *t, uint64_t turn)
{
	const struct bench_options *o = t->options;

	return atomic_load(&t->progress->stop) || (o->count && turn >= o->count) ||
	       (o->seconds && clock_mono_ns() - t->begun_ns >= o->seconds * NS_PER_SEC);
}

static void turns_count(struct turns *t, uint64_t begun_ns, uint64_t ops, uint64_t bytes)
{
	histogram_add(&t->result->latency, clock_mono_ns() - begun_ns);
	t->result->ops = atomic_fetch_add(&t->progress->ops, ops) + ops;
	t->result->bytes = atomic_fetch_add(&t->progress->bytes, bytes) + bytes;
}

/* ---- the break of a lease ---- */

static struct smb2_create_request shared_open(const struct smb2_lease *lease)
{
	struct smb2_create_request in = {.impersonation_level = SMB2_IMPERSONATION_IMPERSONATION,
					 .desired_access = FILE_READ_DATA | FILE_READ_ATTRIBUTES,
					 .file_attributes = FILE_ATTRIBUTE_NORMAL,
					 .share_access = FILE_SHARE_READ | FILE_SHARE_WRITE |
							 FILE_SHARE_DELETE,
					 .create_disposition = FILE_OPEN_IF,
					 .create_options = FILE_NON_DIRECTORY_FILE};

	if (lease) {
		in.requested_oplock_level = SMB2_OPLOCK_LEVEL_LEASE;
		in.contexts.present = SMB2_CREATE_REQUEST_LEASE;
		in.contexts.lease = *lease;
	}
	return in;
}

/* The holder is told, and gives up what he is asked to. */
static bool break_answer(struct turns *t)
{
	const struct bench_connection *holder = &t->connections[0];
	struct smb2_lease_break_notification told;
	struct client_request rq;
	struct nt_status status;
	struct rd r;
	size_t len;
	uint8_t *pdu = client_unsolicited(holder->channel, &len);
	bool decoded;

	if (!pdu)
		return bench_fail(t->result, "no break came: does the server give leases?");
	r = rd_init(pdu, len);
	rd_skip(&r, SMB2_HEADER_SIZE);
	decoded = smb2_lease_break_notification_decode(&r, &told);
	free(pdu);
	if (!decoded)
		return bench_fail(t->result, "what came unasked is no break of a lease");
	client_tree_request(&rq, &holder->tree, SMB2_OPLOCK_BREAK);
	smb2_lease_break_ack_encode(
		&rq.w, &(struct smb2_lease_break_ack){.lease_key = told.lease_key,
						      .lease_state = told.new_lease_state});
	status = client_call(&rq);
	client_request_fini(&rq);
	return bench_check(t->result, status, "OPLOCK_BREAK");
}

/* One holds all that a lease gives; the other's CREATE is measured, from its beginning to its
 * answer. */
static bool break_turn(struct turns *t, uint64_t turn)
{
	struct bench_connection *holder = &t->connections[0], *other = &t->connections[1];
	struct smb2_lease lease = {.version = 1, .lease_state = LEASE_ALL};
	struct smb2_create_request in;
	struct smb2_create_response held, out;
	struct client_request rq;
	struct nt_status status;
	uint64_t begun_ns;
	struct rd r;
	bool ok;

	memcpy(lease.lease_key.bytes, &turn, sizeof(turn));
	lease.lease_key.bytes[15] = 1;
	in = shared_open(&lease);
	if (!bench_check(t->result, client_file_create(&holder->tree, t->options->file, &in, &held),
			 "CREATE"))
		return false;
	in = shared_open(NULL);
	begun_ns = clock_mono_ns();
	client_file_create_request(&rq, &other->tree, t->options->file, &in);
	client_begin(&rq);
	ok = break_answer(t);
	status = client_wait(&rq);
	r = client_reply(&rq);
	ok = ok && bench_check(t->result, status, "CREATE that breaks") &&
	     (smb2_create_response_decode(&r, &out) ||
	      bench_fail(t->result, "a CREATE response cannot be read"));
	turns_count(t, begun_ns, 1, 0);
	client_request_fini(&rq);
	return ok &&
	       bench_check(t->result, client_file_close(&other->tree, out.file_id), "CLOSE") &&
	       bench_check(t->result, client_file_close(&holder->tree, held.file_id), "CLOSE");
}

/* ---- the listing of a directory ---- */

static unsigned list_entries(const uint8_t *bytes, size_t len)
{
	struct rd r = rd_init(bytes, len);
	struct dir_info info;
	unsigned n = 0;

	while (dir_info_next(&r, FileIdBothDirectoryInformation, &info))
		n++;
	return n;
}

/* The whole of it; an operation is an entry, and what is timed is one request. */
static bool list_turn(struct turns *t, uint64_t turn)
{
	struct bench_connection *c = &t->connections[0];
	struct smb2_create_request in = shared_open(NULL);
	struct smb2_query_directory_request list = {.file_information_class =
							    FileIdBothDirectoryInformation,
						    .output_buffer_length = t->options->block};
	struct smb2_create_response dir;
	struct nt_status status;
	size_t got;

	(void)turn;
	in.create_disposition = FILE_OPEN;
	in.create_options = FILE_DIRECTORY_FILE;
	if (!bench_check(t->result, client_file_create(&c->tree, t->options->file, &in, &dir),
			 t->options->file))
		return false;
	list.file_id = dir.file_id;
	for (;;) {
		uint64_t begun_ns = clock_mono_ns();

		status = client_file_list(&c->tree, &list, "*", t->buffer,
					  list.output_buffer_length, &got);
		if (!nt_success(status) || atomic_load(&t->progress->stop))
			break;
		turns_count(t, begun_ns, list_entries(t->buffer, got), got);
	}
	if (nt_success(status) || nt_equal(status, STATUS_NO_MORE_FILES))
		status = client_file_close(&c->tree, dir.file_id);
	return bench_check(t->result, status, "QUERY_DIRECTORY");
}

/* ---- before and after ---- */

static bool turns_prepare(struct turns *t)
{
	const struct bench_options *o = t->options;
	struct client_config config = {0};
	unsigned clients = o->op == BENCH_BREAK ? 2 : 1;
	int err;

	bench_client_config(o, &config);
	for (unsigned i = 0; i < clients; i++) {
		err = client_create(&config, &t->clients[i]);
		if (err)
			return bench_fail(t->result, "client: %s", strerror(-err));
		if (!bench_connect(t->clients[i], o, &t->connections[i], t->result))
			return false;
	}
	t->buffer = malloc(o->block);
	return t->buffer || bench_fail(t->result, "out of memory");
}

static void turns_clean(struct turns *t)
{
	struct bench_connection *c = &t->connections[0];

	if (t->options->op == BENCH_BREAK && !t->options->keep && c->session &&
	    client_session_channels(c->session))
		(void)!nt_success(client_file_delete(&c->tree, t->options->file));
	for (unsigned i = 0; i < 2; i++) {
		if (t->clients[i]) {
			bench_disconnect(&t->connections[i]);
			client_destroy(t->clients[i]);
		}
	}
	free(t->buffer);
}

bool bench_turns(const struct bench_options *options, struct bench_result *result,
		 struct bench_progress *progress)
{
	struct turns t = {.options = options, .result = result, .progress = progress};
	bool (*turn)(struct turns *, uint64_t) =
		options->op == BENCH_BREAK ? break_turn : list_turn;

	memset(result, 0, sizeof(*result));
	if (turns_prepare(&t)) {
		t.begun_ns = clock_mono_ns();
		for (uint64_t i = 0; !turns_over(&t, i) && turn(&t, i); i++)
			;
		result->ns = clock_mono_ns() - t.begun_ns;
	}
	turns_clean(&t);
	return !result->error[0];
}
