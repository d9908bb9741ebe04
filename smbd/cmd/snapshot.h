/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Previous versions, as requests name them: by the time in a TWrp context, or by an @GMT token in
 * the name. Thread: a request's fiber; suspends. Errors: NTSTATUS.
 */
#ifndef SMBD_CMD_SNAPSHOT_H
#define SMBD_CMD_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "smbd/wire/ntstatus.h"

struct name;
struct request;
struct vfs_share;

/* for strftime() and strptime(), in UTC */
#define SNAPSHOT_TOKEN_FORMAT "@GMT-%Y.%m.%d-%H.%M.%S"
#define SNAPSHOT_TOKEN_CHARS  24

/* Take the first token out of the name, wherever it stands, and say its time. Does not suspend. */
bool snapshot_take_token(struct name *name, time_t *when);

/*
 * The version that is meant: when is a FILETIME, 0 for none. On a share with previous versions a
 * token is taken out of the name, wherever it stands, and wins. *previous: a reference; NULL: the
 * present. OBJECT_NAME_NOT_FOUND: there is no such version.
 */
NT_WARN_UNUSED struct nt_status snapshot_find(struct request *req, uint64_t when, struct name *name,
					      struct vfs_share **previous);

#endif
