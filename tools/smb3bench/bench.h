/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A load on one share: what is asked for, running it, and what came of it. Hides connections,
 * sessions and the files it works on. Thread: main's; the load itself runs on the client's reactor.
 */
#ifndef TOOLS_SMB3BENCH_BENCH_H
#define TOOLS_SMB3BENCH_BENCH_H

#include <stdatomic.h>
#include <stdbool.h>

#include "smbd/wire/ntstatus.h"
#include "tools/smb3bench/histogram.h"

struct verbs_api;

enum bench_op {
	BENCH_READ,
	BENCH_WRITE,
	BENCH_MIXED,
	BENCH_METADATA,
	BENCH_OPEN,
	BENCH_BREAK,
	BENCH_LIST,
	BENCH_VERIFY
};

struct bench_options {
	char host[256];
	uint16_t port;
	char share[128];
	char user[256], password[256], domain[256];
	bool anonymous;

	enum bench_op op;
	uint32_t block; /* bytes of a READ or WRITE */
	uint64_t size;  /* bytes of the file */
	unsigned depth; /* requests under way on a connection */
	unsigned connections;
	unsigned channels;     /* of each connection's session; 0: 1, or with `discover` as many as
				* Windows makes */
	bool discover;         /* over which interfaces, and whether by RDMA if that is `either` */
	unsigned read_percent; /* of BENCH_MIXED */
	bool random;
	bool keep; /* the file */
	char file[256];
	unsigned files; /* of BENCH_OPEN: FILE.0, FILE.1 and so on are there; 0: just FILE */

	unsigned seconds; /* 0: no bound */
	uint64_t count;   /* requests in all; 0: no bound */
	bool sign;
	uint16_t dialect; /* the highest */
	char congestion[16];

	bool direct;          /* by SMB Direct, from the first channel on */
	bool either;          /* by SMB Direct where there is, beginning with TCP */
	uint16_t direct_port; /* 0: port */
	unsigned silence_ms;  /* after which a server is taken for dead; 0: a default */
	unsigned query_ms;    /* from one question for interfaces to the next; 0: a default */
	unsigned descriptors; /* of memory, in a request; 0: the payload is in the messages */
	bool invalidate;      /* they are, by the server */
	const struct verbs_api *verbs; /* NULL: the libraries */
	uint64_t seed;                 /* of BENCH_VERIFY */
	bool json, quiet;
};

struct bench_result {
	struct histogram latency;
	uint64_t ops, bytes, ns;
	uint16_t dialect;
	bool signing;
	unsigned channels, channels_direct; /* of a session, at the end */
	unsigned lost, dialled; /* channels of all sessions; those that were discovered */
	char error[256];        /* empty: none */
};

/* What is so far; read while it runs. */
struct bench_progress {
	atomic_uint_fast64_t ops, bytes;
	atomic_bool stop; /* set to end it early */
};

/* "read" and so on. */
const char *bench_op_name(enum bench_op op);
const char *bench_dialect_name(uint16_t dialect);

/* Of BENCH_VERIFY: writes and reads back, and compares. result->ops and ->bytes say how much;
 * false: result->error says what was wrong. */
bool bench_verify(const struct bench_options *options, struct bench_result *result,
		  struct bench_progress *progress);

/* Of BENCH_BREAK and BENCH_LIST: each step is waited for. */
bool bench_turns(const struct bench_options *options, struct bench_result *result,
		 struct bench_progress *progress);

/* Runs to its bound. False: result->error says why it did not. tick() is called some times a second
 * with the time since the load began. */
bool bench_run(const struct bench_options *options, struct bench_result *result,
	       struct bench_progress *progress,
	       void (*tick)(const struct bench_options *options, struct bench_progress *progress,
			    double seconds));

#endif
