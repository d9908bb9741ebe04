/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is what is read what was written? Rounds of a WRITE and a READ of some length, at some offset,
 * each in one of the ways that there are: in the message, by RDMA with 1, 2 or 5 descriptors, with
 * and without remote invalidation. Every way is taken with every length of the list; after that
 * chance chooses, until the bound.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smbd/wire/negotiate.h"
#include "tools/smb3bench/connection.h"
#include "transport/base/clock.h"

#define VERIFY_MAX    (8u << 20)
#define VERIFY_SLACK  4096u /* of memory: so that nothing has to be aligned */
#define VERIFY_OFFSET (64u << 20)
#define VERIFY_ROUNDS 100 /* if nothing bounds it */

struct way {
	unsigned descriptors; /* 0: in the message */
	bool invalidate;
};

static const struct way ways[] = {{0, false}, {1, false}, {1, true}, {2, false},
				  {2, true},  {5, false}, {5, true}};

#define WAYS (sizeof(ways) / sizeof(ways[0]))

static const uint32_t lengths[] = {1,
				   2,
				   5,
				   511,
				   4095,
				   4096,
				   4097,
				   65535,
				   65536,
				   65537,
				   (1u << 20) - 1,
				   1u << 20,
				   3000001,
				   (8u << 20) - 1,
				   8u << 20};

#define LENGTHS (sizeof(lengths) / sizeof(lengths[0]))

struct verify {
	const struct bench_options *options;
	struct bench_result *result;
	struct client *client;
	struct bench_connection connection;
	struct way ways[WAYS]; /* those that there are */
	unsigned way_count;
	struct client_memory *memory; /* NULL: nothing goes by RDMA */
	uint8_t *bytes;               /* of it, or in its place */
	uint8_t *wanted;
	uint64_t random;
};

static uint64_t verify_random(struct verify *v)
{
	v->random ^= v->random << 13;
	v->random ^= v->random >> 7;
	v->random ^= v->random << 17;
	return v->random;
}

static bool way_is_open(const struct verify *v, const struct way *way)
{
	if (way->descriptors == 0)
		return true;
	return v->memory && (!way->invalidate || v->result->dialect >= SMB2_DIALECT_302);
}

/* ---- moving ---- */

static bool moved_right(struct verify *v, const struct way *way, const char *what, uint32_t len,
			uint64_t offset, struct nt_status status, const struct client_moved *moved)
{
	if (!nt_success(status) || moved->bytes != len)
		return bench_fail(v->result,
				  "%s of %u bytes at %llu, %u descriptors%s: %s, %u bytes", what,
				  len, (unsigned long long)offset, way->descriptors,
				  way->invalidate ? ", invalidated" : "", nt_status_name(status),
				  moved->bytes);
	if (moved->invalidated != way->invalidate)
		return bench_fail(v->result, "%s of %u bytes: its token was %sinvalidated", what,
				  len, moved->invalidated ? "" : "not ");
	return true;
}

/* In messages: as many as it takes. */
static struct nt_status move_inline(struct verify *v, uint64_t offset, uint8_t *at, uint32_t len,
				    bool write, struct client_moved *moved)
{
	const struct bench_connection *c = &v->connection;
	struct nt_status status = STATUS_SUCCESS;

	*moved = (struct client_moved){0};
	while (moved->bytes < len && nt_success(status)) {
		uint32_t n = len - moved->bytes, done = 0;
		uint64_t from = offset + moved->bytes;

		n = n < c->max_inline ? n : c->max_inline;
		status = write ? client_file_write(&c->tree, c->file, from, at, n, &done)
			       : client_file_read(&c->tree, c->file, from, at, n, &done);
		moved->bytes += done;
		at += done;
		if (done != n)
			break;
	}
	return status;
}

static bool move(struct verify *v, const struct way *way, size_t at, uint64_t offset, uint32_t len,
		 bool write)
{
	const struct client_remote remote = {.memory = v->memory,
					     .offset = at,
					     .len = len,
					     .descriptors = way->descriptors,
					     .invalidate = way->invalidate};
	const struct bench_connection *c = &v->connection;
	struct client_moved moved;
	struct nt_status status;

	if (way->descriptors)
		status = client_file_remote(&c->tree, c->file, offset, write, &remote, &moved);
	else
		status = move_inline(v, offset, v->bytes + at, len, write, &moved);
	return moved_right(v, way, write ? "WRITE" : "READ", len, offset, status, &moved);
}

/* ---- a round ---- */

static void fill(struct verify *v, uint8_t *to, uint32_t len)
{
	for (uint32_t i = 0; i < len; i += 8) {
		uint64_t word = verify_random(v);

		memcpy(to + i, &word, len - i < 8 ? len - i : 8);
	}
}

/* Nothing beside what is asked for may change, of the file's bytes or of ours. */
static bool verify_round(struct verify *v, const struct way *out, const struct way *in,
			 uint32_t len)
{
	uint64_t offset = verify_random(v) % VERIFY_OFFSET;
	size_t at = verify_random(v) % VERIFY_SLACK, back = verify_random(v) % VERIFY_SLACK;

	fill(v, v->wanted, len);
	memcpy(v->bytes + at, v->wanted, len);
	if (!move(v, out, at, offset, len, true))
		return false;
	memset(v->bytes, 0xa5, VERIFY_MAX + 2 * VERIFY_SLACK);
	if (!move(v, in, back, offset, len, false))
		return false;
	if (memcmp(v->bytes + back, v->wanted, len) != 0 || (back && v->bytes[back - 1] != 0xa5) ||
	    v->bytes[back + len] != 0xa5)
		return bench_fail(
			v->result,
			"%u bytes at %llu, written with %u descriptors and read with %u, are "
			"others",
			len, (unsigned long long)offset, out->descriptors, in->descriptors);
	v->result->ops += 2;
	v->result->bytes += 2ull * len;
	return true;
}

static uint32_t bounded(const struct verify *v, const struct way *a, const struct way *b,
			uint32_t len)
{
	const struct bench_connection *c = &v->connection;
	unsigned least = a->descriptors > b->descriptors ? a->descriptors : b->descriptors;

	if (a->descriptors && len > c->max_write)
		len = c->max_write;
	if (b->descriptors && len > c->max_read)
		len = c->max_read;
	return len < least ? least : len;
}

static bool verify_pair(struct verify *v, uint64_t out, uint64_t in, uint32_t len)
{
	const struct way *a = &v->ways[out % v->way_count], *b = &v->ways[in % v->way_count];

	return verify_round(v, a, b, bounded(v, a, b, len));
}

/* Any length, of any magnitude. */
static uint32_t some_length(struct verify *v)
{
	return 1 + (uint32_t)(verify_random(v) % (VERIFY_MAX >> verify_random(v) % 23));
}

static bool verify_rounds(struct verify *v, struct bench_progress *progress)
{
	const struct bench_options *o = v->options;
	uint64_t begun = clock_mono_ns(),
		 rounds = o->count || o->seconds ? o->count : VERIFY_ROUNDS;

	for (unsigned l = 0; l < LENGTHS; l++)
		for (unsigned w = 0; w < v->way_count && !atomic_load(&progress->stop); w++)
			if (!verify_pair(v, w, w + l, lengths[l]))
				return false;
	for (uint64_t i = 0; !atomic_load(&progress->stop); i++) {
		if (rounds ? i >= rounds : clock_mono_ns() - begun >= o->seconds * NS_PER_SEC)
			return true;
		if (!verify_pair(v, verify_random(v), verify_random(v), some_length(v)))
			return false;
	}
	return bench_fail(v->result, "interrupted");
}

/* ---- before and after ---- */

static bool verify_prepare(struct verify *v)
{
	const struct bench_options *o = v->options;
	struct bench_connection *c = &v->connection;
	size_t room = VERIFY_MAX + 2 * VERIFY_SLACK;
	int err = 0;

	if (!bench_connect(v->client, o, c, v->result) ||
	    !bench_check(v->result,
			 client_file_open(&c->tree, o->file, FILE_OVERWRITE_IF, &c->file), o->file))
		return false;
	c->opened = true;
	v->wanted = malloc(VERIFY_MAX);
	if (bench_connection_by_rdma(o, c, v->result)) {
		err = client_memory_create(v->client, room, &v->memory);
		v->bytes = err ? NULL : client_memory_bytes(v->memory);
	} else {
		v->bytes = malloc(room);
	}
	for (unsigned i = 0; i < WAYS; i++) {
		if (way_is_open(v, &ways[i]))
			v->ways[v->way_count++] = ways[i];
	}
	return (v->wanted && v->bytes) ||
	       bench_fail(v->result, "memory: %s", strerror(err ? -err : ENOMEM));
}

static void verify_clean(struct verify *v)
{
	struct bench_connection *c = &v->connection;

	if (c->opened && client_connected(c->channel, NULL)) {
		(void)!nt_success(client_file_close(&c->tree, c->file));
		if (!v->options->keep)
			(void)!nt_success(client_file_delete(&c->tree, v->options->file));
	}
	if (v->memory)
		client_memory_destroy(v->memory);
	else
		free(v->bytes);
	free(v->wanted);
	bench_disconnect(c);
}

bool bench_verify(const struct bench_options *options, struct bench_result *result,
		  struct bench_progress *progress)
{
	struct verify v = {.options = options, .result = result};
	struct client_config config = {0};
	uint64_t begun = clock_mono_ns();
	int err;

	memset(result, 0, sizeof(*result));
	v.random = options->seed * 0x9e3779b97f4a7c15ull + 88172645463325252ull;
	bench_client_config(options, &config);
	err = client_create(&config, &v.client);
	if (err)
		return bench_fail(result, "client: %s", strerror(-err));
	if (verify_prepare(&v))
		verify_rounds(&v, progress);
	bench_channels(options, &v.connection, result);
	verify_clean(&v);
	client_destroy(v.client);
	result->ns = clock_mono_ns() - begun;
	return !result->error[0];
}
