/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which messages must be signed, and that they are ([MS-SMB2] 3.3.5.2.4, 3.3.4.1.1). Private to
 * smbd/session. Thread: the connection's reactor; nothing here suspends.
 */
#ifndef SMBD_SESSION_SIGNING_H
#define SMBD_SESSION_SIGNING_H

#include <stdbool.h>
#include <sys/uio.h>

#include "smbd/wire/ntstatus.h"

struct request;
struct signer;

/* Verify the request's signature, or that it needs none. ACCESS_DENIED otherwise. */
NT_WARN_UNUSED struct nt_status signing_check(struct request *req);

/* Does the signature stand, by this signer? Of a request that has FLAGS_SIGNED. */
bool signing_verify(struct request *req, struct signer *signer);

/* Must the reply be signed? Known once the handler has returned. */
bool signing_wanted(const struct request *req);

/* Sign a reply, its header first; FLAGS_SIGNED is set in it already. Negative errno: it must not
 * be sent. */
int signing_sign(struct request *req, const struct iovec *iov, unsigned count);

#endif
