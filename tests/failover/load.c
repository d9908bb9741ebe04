/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/failover/load.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smbd/wire/read.h"
#include "tools/client/private.h"
#include "transport/base/clock.h"

#define LOAD_BLOCKS     48u
#define LOAD_BLOCK_MAX  (256u << 10)
#define LOAD_DEPTH_MAX  64u
#define LOAD_END_SEC    300 /* for all that is under way: longer than any timeout of the client */
#define LOAD_WRITE_ODDS 5   /* of 10 */
#define LOAD_LOCAL_ODDS 3   /* of 10 writes */

static const uint32_t block_sizes[] = {512, 4096, 4096, 16384, 65536, 65536, LOAD_BLOCK_MAX, 40960};

struct load_block {
	uint64_t
		state; /* acknowledged: generation * 2, + 1 when changed behind the server's back */
	uint64_t generation; /* the last one that was begun */
	bool busy;
};

struct load_slot {
	struct client_request rq;
	struct load *load;
	unsigned block;
	bool active;
	uint64_t marked_ns; /* 0: not */
	unsigned kind;
	uint64_t *bytes;
};

struct load {
	struct load_config config;
	struct load_report *report;
	struct client *client;
	uint64_t random;
	int fd;
	struct load_block blocks[LOAD_BLOCKS];
	struct load_slot slots[LOAD_DEPTH_MAX];
	uint64_t *expected; /* of one block */
	atomic_bool stopping, failed;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned running; /* under lock */
};

/* ---- the bytes ---- */

static uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= 0x7fb5d329728ea185ull;
	x ^= x >> 27;
	x *= 0x81dadef4bc2dd44dull;
	return x ^ x >> 33;
}

static uint64_t chance(struct load *l)
{
	return mix(l->random += 0x9e3779b97f4a7c15ull);
}

static uint32_t block_size(unsigned block)
{
	return block_sizes[block % (sizeof(block_sizes) / sizeof(block_sizes[0]))];
}

static uint64_t block_offset(unsigned block)
{
	return (uint64_t)block * LOAD_BLOCK_MAX;
}

/* The first two words say what it is, for who has to find out what went wrong. */
static void block_fill(const struct load *l, uint64_t *to, unsigned block, uint64_t state)
{
	uint64_t base = mix(l->config.seed ^ mix(state << 8 | block));

	to[0] = l->config.seed << 8 | block;
	to[1] = state;
	for (unsigned i = 2; i < block_size(block) / 8; i++)
		to[i] = base + i * 0x9e3779b97f4a7c15ull;
}

static void load_wrong(struct load *l, const char *what, unsigned block, const char *why)
{
	if (!l->report->wrong[0])
		snprintf(l->report->wrong, sizeof(l->report->wrong),
			 "%s of block %u (%u bytes, generation %llu): %s", what, block,
			 block_size(block), (unsigned long long)l->blocks[block].state / 2, why);
	atomic_store(&l->failed, true);
}

/* Whether it is what was acknowledged last. */
static bool block_judge(struct load *l, const char *what, unsigned block, const uint64_t *got)
{
	uint64_t state = l->blocks[block].state;
	unsigned at = 0, words = block_size(block) / 8;
	char why[128];

	block_fill(l, l->expected, block, state);
	if (memcmp(got, l->expected, block_size(block)) == 0)
		return true;
	while (got[at] == l->expected[at] && at < words)
		at++;
	if (at < 2 && got[0] == l->expected[0] && got[1] == (state & ~1ull))
		snprintf(why, sizeof(why), "was written a second time");
	else if (at < 2 && got[0] == l->expected[0])
		snprintf(why, sizeof(why), "has generation %llu%s", (unsigned long long)got[1] / 2,
			 got[1] & 1 ? ", changed" : "");
	else
		snprintf(why, sizeof(why), "other bytes from %u on", at * 8);
	load_wrong(l, what, block, why);
	return false;
}

/* ---- the requests, on the reactor ---- */

static void slot_next(struct load_slot *s);

static void slot_over(struct load_slot *s)
{
	struct load *l = s->load;

	s->active = false;
	pthread_mutex_lock(&l->lock);
	l->running--;
	pthread_cond_signal(&l->changed);
	pthread_mutex_unlock(&l->lock);
}

static bool load_odds(struct load *l, unsigned of_ten)
{
	return chance(l) % 10 < of_ten;
}

/* What the server will have to leave alone from now on. */
static void block_change(struct load *l, unsigned block)
{
	uint32_t len = block_size(block);

	block_fill(l, l->expected, block, ++l->blocks[block].state);
	if (pwrite(l->fd, l->expected, len, (off_t)block_offset(block)) != (ssize_t)len)
		load_wrong(l, "a change", block, strerror(errno));
	l->report->changed++;
}

static void slot_written(struct load_slot *s)
{
	struct load *l = s->load;

	l->blocks[s->block].state = l->blocks[s->block].generation * 2;
	l->report->writes++;
	if (load_odds(l, LOAD_LOCAL_ODDS))
		block_change(l, s->block);
}

static void slot_read(struct load_slot *s)
{
	struct smb2_read_response out;
	struct rd r = client_reply(&s->rq);

	s->load->report->reads++;
	if (!smb2_read_response_decode(&r, &out) || out.data.len != block_size(s->block)) {
		load_wrong(s->load, "a READ", s->block, "is short");
		return;
	}
	memcpy(s->bytes, out.data.data, out.data.len);
	(void)block_judge(s->load, "a READ", s->block, s->bytes);
}

static void slot_paused(struct load_slot *s)
{
	struct load_report *r = s->load->report;
	uint64_t us = (clock_mono_ns() - s->marked_ns) / 1000;

	if (r->pauses[s->kind] < LOAD_PAUSES)
		r->pause_us[s->kind][r->pauses[s->kind]] = (uint32_t)us;
	r->pauses[s->kind]++;
	r->resent++;
	s->marked_ns = 0;
	s->kind = 0;
}

static void slot_failed(struct load_slot *s, struct nt_status status)
{
	const struct client_request *rq = &s->rq;
	char why[128];

	snprintf(why, sizeof(why), "%s (%s) while %u channels live", nt_status_name(status),
		 rq->err ? strerror(-rq->err) : "the server's",
		 client_session_channels(rq->session));
	load_wrong(s->load, rq->header.command == SMB2_WRITE ? "a WRITE" : "a READ", s->block, why);
}

static void slot_done(struct client_request *rq)
{
	struct load_slot *s = container_of(rq, struct load_slot, rq);
	struct nt_status status = client_request_status(rq);

	if (s->marked_ns)
		slot_paused(s);
	if (!nt_success(status))
		slot_failed(s, status);
	else if (rq->header.command == SMB2_WRITE)
		slot_written(s);
	else
		slot_read(s);
	client_request_fini(rq);
	s->load->blocks[s->block].busy = false;
	slot_next(s);
}

static void slot_begin_write(struct load_slot *s)
{
	struct load *l = s->load;
	struct load_block *b = &l->blocks[s->block];
	const struct smb2_write_request in = {.length = block_size(s->block),
					      .offset = block_offset(s->block),
					      .file_id = l->config.file};

	client_tree_request(&s->rq, l->config.tree, SMB2_WRITE);
	block_fill(l, s->bytes, s->block, ++b->generation * 2);
	smb2_write_request_encode(&s->rq.w, &in);
	s->rq.payload = (struct slice){.data = s->bytes, .len = in.length};
}

static void slot_begin_read(struct load_slot *s)
{
	const struct smb2_read_request in = {.padding = SMB2_READ_RESPONSE_DATA_OFFSET,
					     .length = block_size(s->block),
					     .offset = block_offset(s->block),
					     .file_id = s->load->config.file};

	client_tree_request(&s->rq, s->load->config.tree, SMB2_READ);
	s->rq.payload_max = in.length;
	smb2_read_request_encode(&s->rq.w, &in);
}

static void slot_next(struct load_slot *s)
{
	struct load *l = s->load;

	if (atomic_load(&l->stopping) || atomic_load(&l->failed)) {
		slot_over(s);
		return;
	}
	do
		s->block = (unsigned)(chance(l) % LOAD_BLOCKS);
	while (l->blocks[s->block].busy); /* there are more blocks than slots */
	l->blocks[s->block].busy = true;
	if (!l->blocks[s->block].generation || load_odds(l, LOAD_WRITE_ODDS))
		slot_begin_write(s);
	else
		slot_begin_read(s);
	s->active = true;
	s->rq.done = slot_done;
	client_submit(&s->rq);
}

static void load_begin(void *arg)
{
	struct load *l = arg;

	for (unsigned i = 0; i < l->config.depth; i++)
		slot_next(&l->slots[i]);
}

struct load_marking {
	struct load *load;
	const struct client_channel *channel;
	unsigned kind;
};

static void load_mark_posted(void *arg)
{
	const struct load_marking *m = arg;

	for (unsigned i = 0; i < m->load->config.depth; i++) {
		struct load_slot *s = &m->load->slots[i];

		if (!s->active || s->rq.channel != m->channel)
			continue;
		if (!s->marked_ns)
			s->marked_ns = clock_mono_ns();
		if (m->kind > s->kind) /* it may be hit again before it is done */
			s->kind = m->kind;
	}
}

/* ---- for the other thread ---- */

struct load *load_start(const struct load_config *config)
{
	struct load *l = calloc(1, sizeof(*l));

	if (!l)
		goto fail;
	l->config = *config;
	l->report = config->report;
	l->client = config->tree->channel->client;
	l->random = config->seed;
	l->fd = open(config->path, O_RDWR | O_CLOEXEC);
	l->expected = malloc(LOAD_BLOCK_MAX);
	l->running = config->depth;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->changed, NULL);
	for (unsigned i = 0; i < config->depth; i++) {
		l->slots[i].load = l;
		l->slots[i].bytes = malloc(LOAD_BLOCK_MAX);
		if (!l->slots[i].bytes)
			goto fail;
	}
	if (l->fd < 0 || !l->expected)
		goto fail;
	client_run(l->client, load_begin, l);
	return l;

fail:
	snprintf(config->report->wrong, sizeof(config->report->wrong), "%s: %s", config->path,
		 strerror(errno));
	load_free(l);
	return NULL;
}

void load_mark(struct load *l, const struct client_channel *ch, unsigned kind)
{
	struct load_marking m = {l, ch, kind};

	client_run(l->client, load_mark_posted, &m);
}

bool load_failed(const struct load *l)
{
	return atomic_load(&l->failed);
}

void load_stop(struct load *l)
{
	uint64_t ns = clock_real_ns() + LOAD_END_SEC * NS_PER_SEC;
	struct timespec until = {.tv_sec = (time_t)(ns / NS_PER_SEC)};
	int err = 0;

	atomic_store(&l->stopping, true);
	pthread_mutex_lock(&l->lock);
	while (l->running && !err)
		err = pthread_cond_timedwait(&l->changed, &l->lock, &until);
	pthread_mutex_unlock(&l->lock);
	if (err) {
		fprintf(stderr, "%u requests never end\n", l->running);
		abort();
	}
}

bool load_verify(struct load *l)
{
	uint64_t *got = l->slots[0].bytes;

	for (unsigned i = 0; i < LOAD_BLOCKS; i++) {
		uint32_t len = block_size(i);

		if (!l->blocks[i].state)
			continue;
		if (pread(l->fd, got, len, (off_t)block_offset(i)) != (ssize_t)len)
			load_wrong(l, "the end", i, "is not in the file");
		else
			(void)block_judge(l, "the end", i, got);
	}
	return !load_failed(l);
}

void load_free(struct load *l)
{
	if (!l)
		return;
	for (unsigned i = 0; i < l->config.depth; i++)
		free(l->slots[i].bytes);
	free(l->expected);
	if (l->fd >= 0)
		close(l->fd);
	free(l);
}
