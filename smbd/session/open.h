/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open ([MS-SMB2] 3.3.1.10): what a FileId names. Here: its identity, who holds it, and that its
 * end comes once, when nobody uses it. What it is an open *of* (a file, a directory, a pipe)
 * belongs to the handler that made it: it embeds struct open as its first member and gives the ops.
 *
 * Thread: any reactor; the table is under the session's mutex, the fields below "fixed" never
 * change after open_publish(). Ownership: talloc, one root per open. The table holds one reference,
 * each request that works on it another. Whoever takes it out of the table (CLOSE, the end of its
 * tree, session or connection) waits for the others in a fiber, calls ops->end() and frees it.
 * Errors: NTSTATUS.
 */
#ifndef SMBD_SESSION_OPEN_H
#define SMBD_SESSION_OPEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smbd/session/claim.h"
#include "smbd/session/sequence.h"
#include "smbd/wire/file_id.h"
#include "smbd/wire/ntstatus.h"

struct open;
struct session;
struct tree;

enum open_kind { OPEN_FILE, OPEN_PIPE };

struct open_ops {
	enum open_kind kind;
	/* In a fiber, once, when no request uses the open any more: close what is under it, with
	 * all that hangs on that (delete on close). The struct is freed after it. The status is
	 * what CLOSE answers: what could not be written or deleted. */
	struct nt_status (*end)(struct open *open);
	/* On any thread, under no lock, before the wait for the other users: wake whoever waits in
	 * them for long. NULL: nobody does. */
	void (*interrupt)(struct open *open);
};

struct open {
	/* fixed */
	struct smb2_file_id id;
	const struct open_ops *ops;
	struct session *session;
	struct tree *tree;       /* held */
	uint32_t granted_access; /* set by the maker before open_publish() */
	const char *name;        /* likewise: for status; UTF-8, talloc on the open */

	struct claim claim; /* of its CreateGuid */

	/* of the requests on it; lock themselves. `sequence` is request_open_get()'s, `locks`
	 * LOCK's */
	struct channel_sequence sequence;
	struct lock_sequences locks;

	/* private, under the session's mutex */
	unsigned refs;
	bool closing;
	bool entered; /* somebody is between open_enter() and open_leave() */
	uint32_t slot;
};

/*
 * A new open of `size` bytes (zeroed but for struct open) with an identity that nobody can find
 * yet. TOO_MANY_OPENED_FILES: the server's or the session's bound. So a CREATE reserves first, and
 * touches the file system after.
 */
NT_WARN_UNUSED struct nt_status open_reserve(struct session *session, struct tree *tree,
					     const struct open_ops *ops, size_t size,
					     struct open **out);

/* Of one that was not published; ops->end() is not called. */
void open_discard(struct open *open);

/* It can be found from here. The caller has a reference of its own: give it to the request with
 * request_open_set(). USER_SESSION_DELETED, NETWORK_NAME_DELETED: session or tree ended meanwhile;
 * nothing was published, and the caller ends what it made and discards. */
NT_WARN_UNUSED struct nt_status open_publish(struct open *open);

/* In the session and, unless NULL, in the tree; a reference. NULL: none (any more). */
struct open *open_find(struct session *session, const struct tree *tree, struct smb2_file_id id);
void open_get(struct open *open); /* by who holds one */
/* By who knows that it is there. False: it is not published yet, or ends. */
bool open_try_get(struct open *open);
void open_put(struct open *open);

/* In a fiber: take it out of the table, wait for its other users, end it. The caller's reference
 * goes. FILE_CLOSED: somebody else is at it already (the reference goes too). */
NT_WARN_UNUSED struct nt_status open_close(struct open *open);

/* Is it, its tree or its session being ended, rather than a request on it cancelled? Any thread. */
bool open_is_ending(struct open *open);

/* One fiber at a time, over suspensions: for state of an open that requests change in turn (the
 * position of a directory, a pipe). The caller holds a reference. */
void open_enter(struct open *open);
void open_leave(struct open *open);

/* In a fiber: end all of the session, or of one tree of it, and no new ones can be published
 * meanwhile (the session has ended, the tree is off its table). Those that somebody else is ending
 * already are waited for. */
void opens_end(struct session *session, const struct tree *tree);

/* How many there are; and one() for each, under the session's mutex. NULL: count. */
unsigned opens_each(struct session *session, void (*one)(const struct open *open, void *arg),
		    void *arg);

#endif
