/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each connection has `depth` slots; a slot has one request under way, and begins the next from its
 * done(). Counting and timing is on the reactor's thread.
 */
#include "tools/smb3bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smbd/wire/close.h"
#include "smbd/wire/fscc/class.h"
#include "smbd/wire/write.h"
#include "tools/client/client.h"
#include "tools/smb3bench/connection.h"
#include "transport/base/clock.h"
#include "transport/reactor/reactor.h"

#define BENCH_TICK_US 200000

struct bench;

enum bench_step { STEP_CREATE, STEP_QUERY, STEP_CLOSE };

struct bench_slot {
	struct client_request rq;
	struct bench *bench;
	struct bench_connection *connection;
	struct client_memory *memory; /* of its READs and WRITEs by RDMA; NULL: in messages */
	unsigned number;
	uint64_t begun_ns;
	uint64_t random;
	enum bench_step step; /* BENCH_METADATA, BENCH_OPEN */
	struct smb2_file_id file;
	unsigned files;
	uint32_t bytes; /* that the request moves */
};

struct bench {
	const struct bench_options *options;
	struct bench_result *result;
	struct bench_progress *progress;
	struct client *client;
	struct bench_connection *connections;
	struct bench_slot *slots;
	unsigned slot_count;
	uint8_t *payload;
	uint64_t next_block; /* sequential */
	uint64_t begun_ops;
	atomic_uint running; /* slots */
};

const char *bench_op_name(enum bench_op op)
{
	static const char *const names[] = {"read", "write", "mixed", "metadata",
					    "open", "break", "list",  "verify"};

	return names[op];
}

const char *bench_dialect_name(uint16_t dialect)
{
	switch (dialect) {
	case SMB2_DIALECT_202:
		return "2.0.2";
	case SMB2_DIALECT_210:
		return "2.1";
	case SMB2_DIALECT_300:
		return "3.0";
	case SMB2_DIALECT_302:
		return "3.0.2";
	default:
		return "3.1.1";
	}
}

/* ---- the load, on the reactor ---- */

static uint64_t slot_random(struct bench_slot *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random;
}

static uint64_t slot_offset(struct bench_slot *s)
{
	struct bench *b = s->bench;
	uint64_t blocks = b->options->size / b->options->block;
	uint64_t block = b->options->random ? slot_random(s) : b->next_block++;

	return block % blocks * b->options->block;
}

static struct client_remote slot_remote(const struct bench_slot *s)
{
	const struct bench_options *o = s->bench->options;

	return (struct client_remote){.memory = s->memory,
				      .len = o->block,
				      .descriptors = o->descriptors,
				      .invalidate = o->invalidate};
}

/* What cannot be described cannot be asked for: the load ends with it. */
static void slot_described(struct bench_slot *s, int err)
{
	if (err)
		bench_fail(s->bench->result, "memory cannot be described: %s", strerror(-err));
}

static void slot_read(struct bench_slot *s)
{
	const struct client_remote remote = slot_remote(s);
	const struct smb2_read_request in = {.padding = SMB2_READ_RESPONSE_DATA_OFFSET,
					     .length = s->bench->options->block,
					     .offset = slot_offset(s),
					     .file_id = s->connection->file};

	client_tree_request(&s->rq, &s->connection->tree, SMB2_READ);
	s->bytes = in.length;
	if (s->memory) {
		slot_described(s, client_remote_read(&s->rq, &in, &remote));
		return;
	}
	smb2_read_request_encode(&s->rq.w, &in);
	s->rq.payload_max = in.length;
}

static void slot_write(struct bench_slot *s)
{
	const struct client_remote remote = slot_remote(s);
	struct bench *b = s->bench;
	const struct smb2_write_request in = {.length = b->options->block,
					      .offset = slot_offset(s),
					      .file_id = s->connection->file};

	client_tree_request(&s->rq, &s->connection->tree, SMB2_WRITE);
	s->bytes = in.length;
	if (s->memory) {
		slot_described(s, client_remote_write(&s->rq, &in, &remote));
		return;
	}
	smb2_write_request_encode(&s->rq.w, &in);
	s->rq.payload = (struct slice){.data = b->payload, .len = in.length};
}

static void slot_create(struct bench_slot *s)
{
	const struct smb2_create_request in = {
		.impersonation_level = SMB2_IMPERSONATION_IMPERSONATION,
		.desired_access = FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | DELETE,
		.file_attributes = FILE_ATTRIBUTE_NORMAL,
		.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		.create_disposition = FILE_OPEN_IF,
		.create_options = FILE_NON_DIRECTORY_FILE | FILE_DELETE_ON_CLOSE};
	char name[320];

	snprintf(name, sizeof(name), "%s.%u.%u", s->bench->options->file, s->number, s->files++);
	client_file_create_request(&s->rq, &s->connection->tree, name, &in);
}

/* A file that is there. */
static void slot_open(struct bench_slot *s)
{
	const struct bench_options *o = s->bench->options;
	const struct smb2_create_request in = {
		.impersonation_level = SMB2_IMPERSONATION_IMPERSONATION,
		.desired_access = FILE_READ_DATA | FILE_READ_ATTRIBUTES,
		.file_attributes = FILE_ATTRIBUTE_NORMAL,
		.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		.create_disposition = FILE_OPEN,
		.create_options = FILE_NON_DIRECTORY_FILE};
	char name[320];

	snprintf(name, sizeof(name), "%s", o->file);
	if (o->files)
		snprintf(name, sizeof(name), "%s.%u", o->file,
			 (unsigned)(slot_random(s) % o->files));
	client_file_create_request(&s->rq, &s->connection->tree, name, &in);
}

static void slot_query(struct bench_slot *s)
{
	const struct smb2_query_info_request in = {.info_type = SMB2_0_INFO_FILE,
						   .file_info_class = FileNetworkOpenInformation,
						   .output_buffer_length = 1024,
						   .file_id = s->file};

	client_tree_request(&s->rq, &s->connection->tree, SMB2_QUERY_INFO);
	smb2_query_info_request_encode(&s->rq.w, &in);
}

static void slot_close(struct bench_slot *s)
{
	const struct smb2_close_request in = {.file_id = s->file};

	client_tree_request(&s->rq, &s->connection->tree, SMB2_CLOSE);
	smb2_close_request_encode(&s->rq.w, &in);
}

/* Requests that open and close, instead of reading and writing one file. */
static bool on_names(const struct bench_options *o)
{
	return o->op == BENCH_METADATA || o->op == BENCH_OPEN;
}

static void slot_done(struct client_request *rq);

static void slot_build(struct bench_slot *s)
{
	const struct bench_options *o = s->bench->options;
	bool read = o->op == BENCH_READ ||
		    (o->op == BENCH_MIXED && slot_random(s) % 100 < o->read_percent);

	s->bytes = 0;
	if (on_names(o) && s->step == STEP_CLOSE)
		slot_close(s);
	else if (o->op == BENCH_OPEN)
		slot_open(s);
	else if (o->op == BENCH_METADATA && s->step == STEP_CREATE)
		slot_create(s);
	else if (o->op == BENCH_METADATA)
		slot_query(s);
	else if (read)
		slot_read(s);
	else
		slot_write(s);
	s->rq.done = slot_done;
	s->rq.keep = CLIENT_NO_COPY;
}

static bool bench_over(const struct bench *b)
{
	return atomic_load_explicit(&b->progress->stop, memory_order_relaxed) ||
	       b->result->error[0] || (b->options->count && b->begun_ops >= b->options->count);
}

/* A file that was made is closed, also when the load is over. */
static void slot_next(struct bench_slot *s)
{
	struct bench *b = s->bench;

	if (bench_over(b) && (s->step == STEP_CREATE || b->result->error[0])) {
		atomic_fetch_sub(&b->running, 1);
		return;
	}
	b->begun_ops++;
	slot_build(s);
	if (b->result->error[0]) {
		atomic_fetch_sub(&b->running, 1);
		return;
	}
	s->begun_ns = clock_mono_ns();
	client_submit(&s->rq);
}

static void slot_step(struct bench_slot *s)
{
	struct smb2_create_response out;
	struct rd r;

	if (!on_names(s->bench->options))
		return;
	if (s->step == STEP_CREATE) {
		r = client_reply(&s->rq);
		if (smb2_create_response_decode(&r, &out))
			s->file = out.file_id;
		else
			bench_fail(s->bench->result, "a CREATE response cannot be read");
	}
	if (s->step == STEP_CREATE)
		s->step = s->bench->options->op == BENCH_OPEN ? STEP_CLOSE : STEP_QUERY;
	else
		s->step = s->step == STEP_CLOSE ? STEP_CREATE : STEP_CLOSE;
}

/* Bytes of a READ. */
static size_t slot_got(const struct bench_slot *s)
{
	return s->memory ? s->rq.moved : s->rq.reply_body.len;
}

static void slot_done(struct client_request *rq)
{
	struct bench_slot *s = container_of(rq, struct bench_slot, rq);
	struct bench *b = s->bench;
	struct nt_status status = client_request_status(rq);

	histogram_add(&b->result->latency, clock_mono_ns() - s->begun_ns);
	if (!nt_success(status))
		bench_fail(b->result, "%s: %s", smb2_command_name(rq->header.command),
			   rq->err ? strerror(-rq->err) : nt_status_name(status));
	else if (rq->header.command == SMB2_READ && slot_got(s) != s->bytes)
		bench_fail(b->result, "READ: %zu bytes instead of %u", slot_got(s), s->bytes);
	else
		slot_step(s);
	atomic_fetch_add_explicit(&b->progress->ops, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&b->progress->bytes, s->bytes, memory_order_relaxed);
	client_request_fini(rq);
	slot_next(s);
}

/* ---- before and after ---- */

/* What will be read has to be there; what is written is better not a hole. */
static bool bench_fill(struct bench *b, struct bench_connection *c)
{
	const struct bench_options *o = b->options;

	for (uint64_t at = 0; at < o->size;) {
		uint64_t left = o->size - at;
		uint32_t most = o->block < c->max_inline ? o->block : c->max_inline;
		uint32_t n = left < most ? (uint32_t)left : most, written;

		if (!bench_check(b->result,
				 client_file_write(&c->tree, c->file, at, b->payload, n, &written),
				 "WRITE"))
			return false;
		if (!written)
			return bench_fail(b->result, "WRITE: nothing was written");
		at += written;
		if (atomic_load(&b->progress->stop))
			return bench_fail(b->result, "interrupted");
	}
	return true;
}

/* Each slot's memory, when payload goes by RDMA. */
static bool bench_expose(struct bench *b)
{
	const struct bench_options *o = b->options;

	for (unsigned i = 0; i < b->slot_count; i++) {
		struct bench_slot *s = &b->slots[i];
		int err;

		if (!bench_connection_by_rdma(o, s->connection, b->result))
			continue;
		err = client_memory_create(b->client, o->block, &s->memory);
		if (err)
			return bench_fail(b->result, "memory: %s", strerror(-err));
		memcpy(client_memory_bytes(s->memory), b->payload, o->block);
	}
	return true;
}

static bool bench_prepare(struct bench *b)
{
	const struct bench_options *o = b->options;

	for (unsigned i = 0; i < o->connections; i++) {
		struct bench_connection *c = &b->connections[i];

		if (!bench_connect(b->client, o, c, b->result))
			return false;
		if (o->op == BENCH_METADATA || (o->op == BENCH_OPEN && (o->files || i)))
			continue;
		if (!bench_check(b->result,
				 client_file_open(&c->tree, o->file, FILE_OPEN_IF, &c->file),
				 o->file))
			return false;
		c->opened = true;
		if (i == 0 && o->op < BENCH_METADATA && !bench_fill(b, c))
			return false;
	}
	return bench_expose(b);
}

static void bench_clean(struct bench *b)
{
	for (unsigned i = b->options->connections; i-- > 0;) {
		struct bench_connection *c = &b->connections[i];

		if (c->opened && client_session_channels(c->session)) {
			(void)!nt_success(client_file_close(&c->tree, c->file));
			if (i == 0 && !b->options->keep)
				(void)!nt_success(client_file_delete(&c->tree, b->options->file));
		}
	}
	for (unsigned i = 0; b->slots && i < b->slot_count; i++)
		client_memory_destroy(b->slots[i].memory);
	for (unsigned i = b->options->connections; i-- > 0;)
		bench_disconnect(&b->connections[i]);
}

struct bench_start {
	struct reactor_post post;
	struct bench *bench;
};

static void bench_start(struct reactor_post *post)
{
	struct bench *b = container_of(post, struct bench_start, post)->bench;

	for (unsigned i = 0; i < b->slot_count; i++)
		slot_next(&b->slots[i]);
}

static void bench_load(struct bench *b,
		       void (*tick)(const struct bench_options *, struct bench_progress *, double))
{
	struct bench_start start = {.post.run = bench_start, .bench = b};
	uint64_t begun = clock_mono_ns(), now = begun;
	uint64_t limit = b->options->seconds * NS_PER_SEC;

	atomic_store(&b->running, b->slot_count);
	reactor_post(client_reactor(b->client), &start.post);
	while (atomic_load(&b->running)) {
		uint64_t left = limit && now - begun < limit ? limit - (now - begun) : 0;

		if (limit && !left)
			atomic_store(&b->progress->stop, true);
		usleep(limit && left && left / 1000 < BENCH_TICK_US ? (useconds_t)(left / 1000 + 1)
								    : BENCH_TICK_US / 20);
		now = clock_mono_ns();
		tick(b->options, b->progress, (double)(now - begun) / NS_PER_SEC);
	}
	b->result->ns = now - begun;
	b->result->ops = atomic_load(&b->progress->ops);
	b->result->bytes = atomic_load(&b->progress->bytes);
}

static bool bench_allocate(struct bench *b)
{
	const struct bench_options *o = b->options;

	b->slot_count = o->connections * o->depth;
	b->connections = calloc(o->connections, sizeof(*b->connections));
	b->slots = calloc(b->slot_count, sizeof(*b->slots));
	b->payload = malloc(o->block);
	if (!b->connections || !b->slots || !b->payload)
		return bench_fail(b->result, "out of memory");
	for (uint32_t i = 0; i < o->block; i++)
		b->payload[i] = (uint8_t)(i * 2654435761u >> 11);
	for (unsigned i = 0; i < b->slot_count; i++) {
		b->slots[i].bench = b;
		b->slots[i].connection = &b->connections[i % o->connections];
		b->slots[i].number = i;
		b->slots[i].random = i * 0x9e3779b97f4a7c15ull + 88172645463325252ull;
	}
	return true;
}

bool bench_run(const struct bench_options *options, struct bench_result *result,
	       struct bench_progress *progress,
	       void (*tick)(const struct bench_options *, struct bench_progress *, double))
{
	struct bench b = {.options = options, .result = result, .progress = progress};
	struct client_config config = {0};
	int err;

	memset(result, 0, sizeof(*result));
	bench_client_config(options, &config);
	err = client_create(&config, &b.client);
	if (err)
		return bench_fail(b.result, "client: %s", strerror(-err));
	if (bench_allocate(&b) && bench_prepare(&b))
		bench_load(&b, tick);
	for (unsigned i = 0; b.connections && i < options->connections; i++)
		bench_channels(options, &b.connections[i], result);
	if (b.connections)
		bench_clean(&b);
	client_destroy(b.client);
	free(b.connections);
	free(b.slots);
	free(b.payload);
	return !result->error[0];
}
