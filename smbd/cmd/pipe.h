/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named pipes of IPC$, [MS-SMB2] 3.3.5.9 and others where they speak of pipes: an open of its own
 * kind (OPEN_PIPE) over smbd/rpc. The file commands hand over what is a pipe's.
 *
 * Thread: the request's fiber. Errors: NTSTATUS.
 */
#ifndef SMBD_CMD_PIPE_H
#define SMBD_CMD_PIPE_H

#include <stddef.h>
#include <stdint.h>

#include "smbd/session/request.h"
#include "smbd/wire/create.h"
#include "smbd/wire/ntstatus.h"

/* CREATE on IPC$, with the reply. OBJECT_NAME_NOT_FOUND: no such pipe. */
NT_WARN_UNUSED struct nt_status pipe_create(struct request *req,
					    const struct smb2_create_request *create);

/* At most `bytes` of the next message into req->payload; *len says how many. BUFFER_OVERFLOW: the
 * message goes on. PIPE_EMPTY: there is none. */
NT_WARN_UNUSED struct nt_status pipe_read(struct request *req, uint32_t bytes, size_t *len);
NT_WARN_UNUSED struct nt_status pipe_write(struct request *req, const struct slice *data);

/* FSCTL_PIPE_TRANSCEIVE: write one message, read one, as pipe_read(). */
NT_WARN_UNUSED struct nt_status pipe_transceive(struct request *req, struct wire_blob in,
						uint32_t max_out, size_t *len);

/* Bytes that a read would find now. */
size_t pipe_readable(struct request *req);

#endif
