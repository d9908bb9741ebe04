/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A load on one file whose every byte is known: READs and WRITEs of blocks, many at once, no two of
 * the same block. A block's bytes follow from its session, number and generation, and each WRITE is
 * a new generation. After some acknowledgements the file's block is changed behind the server's
 * back: whatever is written there a second time then shows. Hides the requests and the judgement.
 *
 * Thread: the load runs on the client's reactor; all functions are for another thread. Errors: the
 * first wrong thing is kept as a line of text.
 */
#ifndef TESTS_FAILOVER_LOAD_H
#define TESTS_FAILOVER_LOAD_H

#include "tools/client/client.h"

struct load;
struct load_report;

struct load_config {
	const struct client_tree *tree;
	struct smb2_file_id file;
	const char *path; /* of the file, where the server has it */
	uint64_t seed;    /* also of the bytes */
	unsigned depth;
	struct load_report *report;
};

#define LOAD_KINDS  16 /* of cuts */
#define LOAD_PAUSES 16384

/* What all loads of a thread came to. */
struct load_report {
	uint64_t writes, reads, changed; /* `changed`: behind the server's back */
	uint64_t resent;                 /* were under way on a channel that was cut */
	uint64_t cycles;                 /* cycle.h's */
	uint64_t pauses[LOAD_KINDS];     /* how many; the first ones are kept */
	uint32_t pause_us[LOAD_KINDS][LOAD_PAUSES];
	char wrong[256]; /* empty: nothing */
};

/* NULL and report->wrong: no memory, or the file cannot be opened. Goes on until load_stop(). */
struct load *load_start(const struct load_config *config);

/* The channel is cut now, in this way: how long its requests take from here on is their pause. Of
 * one that is hit twice, the pause is of the higher kind. */
void load_mark(struct load *l, const struct client_channel *ch, unsigned kind);

/* True: something was wrong. */
bool load_failed(const struct load *l);

/* No more requests; waits for those under way. */
void load_stop(struct load *l);

/* Of one that was stopped: each block of the file is as it was acknowledged last. */
bool load_verify(struct load *l);
void load_free(struct load *l);

#endif
