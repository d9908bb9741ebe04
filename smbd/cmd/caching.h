/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Oplocks and leases between CREATE, OPLOCK_BREAK and the engine in smbd/file: what a request asks
 * for, what its answer says, how a holder is told of a break. Hides where dialects differ.
 *
 * Thread: a request's fiber; the breaker's calls come on any thread.
 */
#ifndef SMBD_CMD_CACHING_H
#define SMBD_CMD_CACHING_H

#include "smbd/file/file.h"
#include "smbd/session/request.h"
#include "smbd/wire/create.h"

/* Tells holders over their session; file_open.client is a struct session. */
extern const struct file_breaker caching_breaker;

/* [MS-SMB2] 3.3.5.9, 3.3.5.9.8, 3.3.5.9.11: what the request asks for, as far as dialect and share
 * let it. */
void caching_request(const struct request *req, const struct smb2_create_request *in,
		     struct oplock_request *want);

/* The answer's oplock level, and its lease. */
void caching_reply(const struct smb2_create_request *in, const struct file_open *open,
		   struct smb2_create_response *out);

/* For the time of a wait for somebody's break, which a CANCEL ends. */
void caching_wait_begin(struct request *req, struct file_wait *wait);
void caching_wait_end(struct request *req);

#endif
