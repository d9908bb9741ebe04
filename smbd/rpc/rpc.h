/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DCE/RPC over named pipes ([C706] 12, [MS-RPCE] 2.2.2): what is behind \PIPE\srvsvc and
 * \PIPE\wkssvc, so that clients list shares. Hides PDUs, fragments, NDR and the interfaces; knows
 * no session and no share but through struct rpc_env.
 *
 * Thread: a pipe has no lock; calls on one pipe are serialised by the caller. Nothing blocks.
 * Ownership: the pipe hangs on the caller's talloc context; talloc_free() closes it. Bounded: one
 * request and one response at a time. The env is borrowed while the pipe lives.
 * Errors: the NTSTATUS that a READ, WRITE or FSCTL_PIPE_TRANSCEIVE answers with.
 */
#ifndef SMBD_RPC_RPC_H
#define SMBD_RPC_RPC_H

#include <stddef.h>
#include <stdint.h>

#include <talloc.h>

#include "smbd/wire/ntstatus.h"

/* [MS-SRVS] 2.2.2.4 */
#define RPC_SHARE_DISK    0x00000000u
#define RPC_SHARE_IPC     0x00000003u
#define RPC_SHARE_SPECIAL 0x80000000u

struct rpc_share {
	const char *name;
	const char *comment;
	const char *path; /* the server's; empty: not told */
	uint32_t type;
	uint32_t flags;     /* SHI1005 bits: caching as ShareFlags of [MS-SMB2] 2.2.10 */
	uint32_t max_users; /* 0: any number */
	uint32_t users;     /* connected now */
};

/* What the interfaces tell. Strings are UTF-8. */
struct rpc_env {
	const char *server_name; /* as in NetBIOS */
	const char *server_comment;
	const char *workgroup;

	/* Call one() for each share that this client may see listed, IPC$ included; what it is
	 * given is borrowed for the call. Must give the same order every time. */
	void (*shares)(const struct rpc_env *env,
		       void (*one)(void *arg, const struct rpc_share *share), void *arg);
	/* As shares(), also those that are not listed: NetrShareGetInfo finds them by name. NULL:
	 * only those that shares() gives. */
	void (*all_shares)(const struct rpc_env *env,
			   void (*one)(void *arg, const struct rpc_share *share), void *arg);
};

struct rpc_pipe;

/* name as in CREATE on IPC$ ("srvsvc"), without regard to case. OBJECT_NAME_NOT_FOUND: no such
 * pipe. */
NT_WARN_UNUSED struct nt_status rpc_pipe_open(TALLOC_CTX *mem, const char *name,
					      const struct rpc_env *env, struct rpc_pipe **pipe);

/* Bytes of a PDU, whole or in parts. PIPE_BUSY: an answer was not read yet. PIPE_DISCONNECTED: the
 * peer broke the protocol, now or earlier. */
NT_WARN_UNUSED struct nt_status rpc_pipe_write(struct rpc_pipe *pipe, const uint8_t *data,
					       size_t len);

/* One message, which is one PDU. BUFFER_OVERFLOW: it did not fit, the rest comes with the next
 * read. PIPE_EMPTY: nothing to read. */
NT_WARN_UNUSED struct nt_status rpc_pipe_read(struct rpc_pipe *pipe, uint8_t *buf, size_t cap,
					      size_t *len);

/* [MS-FSCC] 2.3.47 FSCTL_PIPE_TRANSCEIVE: write one message, read one. */
NT_WARN_UNUSED struct nt_status rpc_pipe_transceive(struct rpc_pipe *pipe, const uint8_t *in,
						    size_t in_len, uint8_t *out, size_t out_cap,
						    size_t *out_len);

/* What a read would give now: bytes left of the message at hand. For FilePipeLocalInformation and
 * FSCTL_PIPE_PEEK. */
size_t rpc_pipe_readable(const struct rpc_pipe *pipe);

#endif
