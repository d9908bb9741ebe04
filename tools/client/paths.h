/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Over which interfaces of both ends a session's channels should go, as Windows has it: RDMA over
 * RSS over neither, then speed, which is that of the slower end; only what is alike and best is
 * used at a time ([MS-SMB2] 3.2.5.14.11, where it is left to the client). Hides the FSCTL and where
 * Linux tells of its interfaces.
 *
 * Thread: any; client_interfaces_query() blocks. Plain values. Units: bits per second.
 */
#ifndef TOOLS_CLIENT_PATHS_H
#define TOOLS_CLIENT_PATHS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "smbd/wire/ntstatus.h"

struct client_tree;

#define CLIENT_INTERFACES_MAX 128

struct client_interface {
	unsigned if_index;
	bool rss, rdma;
	uint64_t bits_per_sec;           /* 0: unknown */
	struct sockaddr_storage address; /* port 0 */
};

/* [MS-SMB2] 3.2.4.20.10: the server's, by any channel of the session. Those beyond `max` are left
 * out. */
NT_WARN_UNUSED struct nt_status client_interfaces_query(const struct client_tree *tree,
							struct client_interface *list, unsigned max,
							unsigned *count);

/* Which of our interfaces leads there. False: none. */
struct client_locator {
	bool (*locate)(const struct client_locator *locator, const struct sockaddr_storage *to,
		       struct client_interface *out);
};

/* Asks the kernel's routes. */
extern const struct client_locator client_locator_kernel;

enum client_transport { CLIENT_TCP, CLIENT_DIRECT, CLIENT_AUTO /* RDMA where both ends have it */ };

struct client_path {
	struct sockaddr_storage to; /* port 0 */
	bool direct;                /* SMB Direct */
	unsigned local, remote;     /* IfIndex */
	uint64_t quality;           /* more is better; as good as another: used together */
	unsigned channels;          /* Windows makes so many: 2 by RDMA, 4 with RSS, else 1 */
};

/* Best first; how many, at most `max`. */
unsigned client_paths_make(const struct client_interface *remote, unsigned count,
			   enum client_transport transport, const struct client_locator *locator,
			   struct client_path *out, unsigned max);

#endif
