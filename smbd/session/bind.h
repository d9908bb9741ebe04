/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binding a session to one more connection ([MS-SMB2] 3.3.5.5, step 4): which SESSION_SETUP may.
 * Who authenticates on it is the handler's to see to.
 *
 * Thread: the connection's reactor, in the request's fiber.
 */
#ifndef SMBD_SESSION_BIND_H
#define SMBD_SESSION_BIND_H

#include "smbd/wire/ntstatus.h"

struct request;

/*
 * Of a SESSION_SETUP with the BINDING flag, first leg or later: find its session in the whole
 * server and check that it may be bound here. On success the request holds the channel, which is
 * the session's and the connection's, and is not established yet. On failure it may hold one that
 * only signs the reply.
 */
NT_WARN_UNUSED struct nt_status session_bind(struct request *req);

#endif
