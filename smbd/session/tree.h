/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree connect ([MS-SMB2] 3.3.1.9): one session's use of one share.
 *
 * Thread: any reactor; the table is under the session's mutex, the fields below "fixed" never
 * change. Ownership: the session's table holds one reference, each request and each open another;
 * the last one releases the share.
 */
#ifndef SMBD_SESSION_TREE_H
#define SMBD_SESSION_TREE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "smbd/wire/ntstatus.h"

struct conf_share;
struct session;
struct session_user;
struct vfs_share;

/*
 * A share as it was when somebody connected to it: shared by its trees, immutable; a reload makes
 * new ones for new trees. Made and released by smbd/cmd.
 */
struct share {
	const char *name;
	bool ipc; /* IPC$: pipes, no files; then conf and vfs are NULL */
	const struct conf_share *conf;
	struct vfs_share *vfs;
	void (*release)(struct share *share); /* one reference less; any thread */
};

struct tree {
	/* fixed */
	uint32_t id;
	struct share *share; /* held */
	struct session *session;
	struct session_user *user; /* held: whom the share has work instead; NULL: nobody else */
	uint32_t maximal_access;   /* [MS-SMB2] 2.2.10: no open gets more than this */
	bool read_only;            /* the user may not change anything here */

	/* private */
	atomic_uint refs;
	bool published;
	uint32_t slot;
	unsigned opens;  /* under the session's mutex */
	unsigned ending; /* opens that are off the table and not freed yet; likewise */
};

/* Not found until tree_publish(). Takes over the reference on the share, also on failure.
 * INSUFFICIENT_RESOURCES: too many trees in this session. */
NT_WARN_UNUSED struct nt_status tree_create(struct session *session, struct share *share,
					    struct tree **out);
/* The caller keeps its own reference. USER_SESSION_DELETED: the session ended meanwhile. */
NT_WARN_UNUSED struct nt_status tree_publish(struct tree *tree);

/* A reference; NULL: none (any more). */
struct tree *tree_find(struct session *session, uint32_t id);
void tree_get(struct tree *tree);
void tree_put(struct tree *tree);

/* In a fiber: take it out of the table and end all its opens. The caller's reference stays.
 * NETWORK_NAME_DELETED: somebody else did. */
NT_WARN_UNUSED struct nt_status tree_disconnect(struct tree *tree);

/* In a fiber, of a session that has ended: all of them. */
void trees_end(struct session *session);

/* How many there are. */
unsigned trees_count(struct session *session);

#endif
