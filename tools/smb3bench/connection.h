/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection with its session and tree, as the options ask for. Thread: main's. Errors: false,
 * and result->error says why.
 */
#ifndef TOOLS_SMB3BENCH_CONNECTION_H
#define TOOLS_SMB3BENCH_CONNECTION_H

#include "smbd/auth/client.h"
#include "tools/client/client.h"
#include "tools/client/keeper.h"
#include "tools/smb3bench/bench.h"

#define BENCH_CHANNELS_MAX 32 /* of a session */

struct bench_connection {
	struct guid client_guid;        /* each connection is another client */
	struct client_channel *channel; /* the first */
	struct client_channel *channels[BENCH_CHANNELS_MAX];
	struct client_session *session;
	struct client_keeper *keeper; /* NULL: the channels are what was asked for */
	struct client_login login;
	struct auth_credentials who;
	struct client_tree tree;
	struct smb2_file_id file;
	bool opened;
	bool found_rdma;              /* where that was looked for */
	uint32_t max_read, max_write; /* of the payload, by RDMA where that is used */
	uint32_t max_inline;          /* of what a message carries */
};

/* The first error stands. Always false. */
bool bench_fail(struct bench_result *result, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
bool bench_check(struct bench_result *result, struct nt_status status, const char *what);

void bench_client_config(const struct bench_options *o, struct client_config *config);
bool bench_connect(struct client *client, const struct bench_options *o, struct bench_connection *c,
		   struct bench_result *result);
/* The session; its first channel goes with the client. */
void bench_disconnect(struct bench_connection *c);
/* What became of its channels. */
void bench_channels(const struct bench_options *o, struct bench_connection *c,
		    struct bench_result *result);

/* Whether READ and WRITE go by RDMA: asked for, and nothing is signed, for what is placed by RDMA
 * would not be. */
bool bench_by_rdma(const struct bench_options *o, const struct bench_result *result);
/* Or it was found on the way. */
bool bench_connection_by_rdma(const struct bench_options *o, const struct bench_connection *c,
			      const struct bench_result *result);

#endif
