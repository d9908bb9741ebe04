/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all clients share about one inode while anybody has it open: who has it open and how (share
 * modes), whether it is to be deleted, and the name each open goes by. Leases, oplocks, byte-range
 * locks and change notify are kept here too (issue D).
 *
 * Hides the table: inodes hashed to shards, one mutex each. Thread: any. Lock order: session ->
 * shard; one shard at a time; no shard mutex is held over a suspension, a vfs call or a callback.
 * file_close(), file_rename(), file_link(), file_stream_rename() and file_delete_set() call the vfs
 * and so may suspend, file_open_add() and file_facts_begin() may wait; the others do not.
 *
 * Ownership: struct file_open is embedded in whoever's open it is; it is the table's from a
 * successful file_open_add() to file_close(), and stays where it is meanwhile. The node is the
 * open's own, and is closed by file_close(). struct file is the table's.
 *
 * Errors: struct nt_status. Sections: [MS-FSA] 2.1.5.1.2.2 (sharing), 2.1.5.5 (close),
 * 2.1.5.15.3 (disposition), 2.1.5.15.11 (rename); [MS-SMB2] 3.3.5.9.
 */
#ifndef SMBD_FILE_FILE_H
#define SMBD_FILE_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "smbd/file/lock.h"
#include "smbd/file/notify.h"
#include "smbd/file/oplock.h"
#include "smbd/vfs/vfs.h"
#include "smbd/wire/ntstatus.h"
#include "transport/base/list.h"

struct file;
struct file_table;

struct file_open {
	/* set by the caller before file_open_add(), constant after */
	struct vfs_node *node;
	uint32_t access;      /* granted, of wire/access.h; generic bits already resolved */
	uint32_t sharing;     /* FILE_SHARE_* of wire/create.h */
	bool delete_on_close; /* [MS-SMB2] FILE_DELETE_ON_CLOSE: takes effect when this open closes
			       */
	bool delete_if_alone; /* but not from under others who have it open then */
	bool kernel_notify;   /* who watches through it is told of local processes too */
	bool posix_locks;     /* local processes are to see its byte-range locks */
	bool overwrites;      /* what is there is cut off: asks for writing, and breaks more; under
			       * the shard's mutex, until file_overwritten() */
	struct oplock_request want;
	void *client;           /* whom to tell of breaks: for file_breaker */
	struct smb2_file_id id; /* as the client names it */

	struct oplock_grant granted; /* set by file_open_add(), constant after */

	/* the table's */
	struct file *file;
	struct list_node node_in_file;
	struct file *base; /* of a named stream: the unnamed one's; else NULL */
	struct list_node node_in_base;
	char *path; /* under the shard's mutex: see file_open_path() */
	struct oplock *oplock;
	struct list_node node_in_oplock;
	atomic_bool changed; /* data, through it: its directory's entry follows when it closes */
	bool waited;         /* in file_open_add(), for a break */
	struct lock_owner locks; /* file_lock.h */
	bool locks_ended;
	struct notify_watch notify; /* file_notify.h */
};

/* NULL if out of memory. breaker is borrowed; without one (NULL) nothing is granted. */
struct file_table *file_table_new(const struct file_breaker *breaker);
void file_table_free(struct file_table *table);      /* no opens are left */
unsigned file_table_count(struct file_table *table); /* opens, for status */

/*
 * Enter an open of open->node, if what others have open allows: SHARING_VIOLATION, or
 * DELETE_PENDING when the file is to be deleted, or INSUFFICIENT_RESOURCES. Each stream of a file
 * is shared by itself, but to delete the file is to delete all of them. Opens that only look
 * (attributes, synchronize, security) neither conflict nor are conflicted with. Its name is
 * node->path. An oplock or lease in its way is broken first; when that took time, the name may
 * stand for something else meanwhile: RETRY, look it up anew. CANCELLED: called off. wait may be
 * NULL.
 */
struct nt_status file_open_add(struct file_table *table, struct file_open *open,
			       struct file_wait *wait) NT_WARN_UNUSED;

/* What was there is cut off: others need not let write for that any more. */
void file_overwritten(struct file_open *open);

/* Would a new open be let in? The same answers, nothing entered; for a caller that must know before
 * it truncates. `self` (may be NULL) is left out of account. */
struct nt_status file_open_check(struct file_table *table, const struct vfs_id *id, uint32_t access,
				 uint32_t sharing, const struct file_open *self) NT_WARN_UNUSED;

/*
 * Leave, and close the node. The last open of a file that is to be deleted deletes it, as the user
 * who asked for that; others who try to open it meanwhile get DELETE_PENDING. The status is of what
 * could not be written or deleted; the open is gone in any case.
 */
struct nt_status file_close(struct file_table *table, struct file_open *open);

/* Is the file, or the directory that a new name would go into, to be deleted? */
bool file_delete_pending(struct file_table *table, const struct vfs_id *id);

/* For FileStandardInformation and the like: also true when asked by the open that closes last. */
bool file_open_delete_pending(struct file_open *open);

/*
 * FileDispositionInformation: mark or unmark. The caller has checked for DELETE access.
 * CANNOT_DELETE: read-only; DIRECTORY_NOT_EMPTY; the root: ACCESS_DENIED.
 */
struct nt_status file_delete_set(struct file_table *table, struct file_open *open,
				 bool pending) NT_WARN_UNUSED;

/*
 * FileRenameInformation within the share; new_path as struct name has it. The caller has checked
 * for DELETE access. ACCESS_DENIED: something below the directory is open, or the target to replace
 * is open, read-only or a directory; OBJECT_NAME_COLLISION; SHARING_VIOLATION: the new parent
 * directory is open by somebody who does not let it be written or deleted in. Every open of the
 * file under the old name, and of what is below a directory, goes by the new name afterwards.
 */
struct nt_status file_rename(struct file_table *table, struct file_open *open, const char *new_path,
			     bool replace) NT_WARN_UNUSED;

/* FileLinkInformation: another name for the open's file. The same answers. */
struct nt_status file_link(struct file_table *table, struct file_open *open, const char *new_path,
			   bool replace) NT_WARN_UNUSED;

/* The same of a named stream, within its file; `stream` as struct name has it. SHARING_VIOLATION:
 * somebody else has it open; ACCESS_DENIED: somebody has the one to be replaced. Who opens either
 * meanwhile waits, and looks for it anew. */
struct nt_status file_stream_rename(struct file_table *table, struct file_open *open,
				    const char *stream, bool replace) NT_WARN_UNUSED;

/* Between these nobody else changes what the caller read of the file, and sets anew: suspends until
 * it is his turn. Not twice by one fiber. */
void file_facts_begin(struct file_open *open);
void file_facts_end(struct file_open *open);

/* The open's present name, from the root of its share, talloc'ed on ctx; NULL if out of memory. */
char *file_open_path(struct file_table *table, struct file_open *open, void *talloc_ctx);

#endif
