/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread with a client of its own: one session after the other, each of several channels over
 * links that are this worker's, under load; and cuts. Hides what a cut is and how it is mended.
 * Thread: each worker its own. Errors: report.wrong.
 */
#ifndef TESTS_FAILOVER_WORKER_H
#define TESTS_FAILOVER_WORKER_H

#include <stdatomic.h>

#include "tests/failover/load.h"

enum cut_kind {
	CUT_CLIENT,      /* the client resets the connection */
	CUT_ABORT_HERE,  /* it is aborted at the client's side, with a reset to both */
	CUT_ABORT_THERE, /* at the server's */
	CUT_DOWN_HERE,   /* the interface goes down at the client's side */
	CUT_DOWN_THERE,
	CUT_SILENCE,   /* what is sent is lost, both ways, and nobody is told */
	CUT_DEAF,      /* answers are lost; requests arrive */
	CUT_MUTE,      /* requests are lost */
	CUT_HALF_OPEN, /* the server knows nothing of the connection any more, the client does not
			  know */
	CUT_BLIP,      /* silence that ends before anybody gives up: no cut */
	CUT_ALONE, /* pauses only: of what was cut together with one that the client had to find out
		    */
	CUT_KINDS
};

const char *cut_name(enum cut_kind kind);

#define WORKER_CHANNELS_MAX 8

struct worker_config {
	const char *server; /* the path of its network namespace */
	const char *user, *password, *share;
	const char *folder; /* of the share */
	uint16_t port;
	unsigned channels; /* of a session */
	unsigned depth;
	unsigned silence_ms; /* when the client looks whether the server is there; 0: never */
	uint64_t seed;
	uint64_t until_ns;      /* of clock_mono_ns() */
	atomic_uint *cuts_left; /* of all workers together */
};

struct worker {
	struct worker_config config;
	unsigned number;
	unsigned sessions, cuts[CUT_KINDS];
	unsigned unsupported; /* aborts, by this kernel */
	struct load_report report;
};

/* Until the cuts or the time are over, or something is wrong. */
void *worker_run(void *worker);

#endif
