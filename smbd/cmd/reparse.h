/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reparse points on the way of a CREATE: the client is told where the first one leads, and comes
 * again with another name. Thread: a request's fiber; suspends. Errors: NTSTATUS.
 */
#ifndef SMBD_CMD_REPARSE_H
#define SMBD_CMD_REPARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smbd/wire/blob.h"
#include "smbd/wire/ntstatus.h"

struct reparse_data;
struct request;
struct vfs_cred;
struct vfs_node;
struct vfs_share;

/* A node's buffer, which must be one as a whole: false if it is none, or has more after it. */
bool reparse_decode(const uint8_t *data, size_t len, struct reparse_data *out);

/* The node is one: STOPPED_ON_SYMLINK with the link and how many bytes of the name are unparsed
 * ([MS-SMB2] 2.2.2.2.1); IO_REPARSE_TAG_NOT_HANDLED for any other kind. */
NT_WARN_UNUSED struct nt_status reparse_stop(struct request *req, struct vfs_node *node,
					     size_t unparsed_bytes);

/* The path leads to nothing: because one of its directories is one? Then as above, else `status`.
 * wire: the name as the client sent it. */
NT_WARN_UNUSED struct nt_status reparse_stop_within(struct request *req, struct vfs_share *share,
						    struct vfs_cred *cred, const char *path,
						    struct wire_blob wire, struct nt_status status);

#endif
