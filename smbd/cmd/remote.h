/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channel and channel information of READ and WRITE: the client's memory that the payload goes to
 * or comes from by RDMA ([MS-SMB2] 3.3.5.12, 3.3.5.13; [MS-SMBD] 2.2.3.1).
 *
 * Thread: the request's fiber. Ownership: what is decoded is the request's. Errors: NTSTATUS.
 */
#ifndef SMBD_CMD_REMOTE_H
#define SMBD_CMD_REMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "smbd/session/request.h"
#include "smbd/wire/blob.h"
#include "smbd/wire/ntstatus.h"

/* Whether the payload goes by RDMA at all: the dialect knows channels, and one is asked for. */
bool remote_wanted(const struct request *req, uint32_t channel);

/*
 * Sets req->remote to memory for exactly `bytes`. The open is held. INVALID_PARAMETER: no such
 * channel here; the descriptors are malformed or describe less.
 */
NT_WARN_UNUSED struct nt_status remote_take(struct request *req, uint32_t channel,
					    struct wire_blob info, uint32_t bytes);

/* The token of the first descriptor; false: the channel asks for no invalidation. */
bool remote_token(uint32_t channel, struct wire_blob info, uint32_t *token);

#endif
