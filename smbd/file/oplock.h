/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Oplocks and leases of open files: who may cache what of a file, and how that is taken back when
 * somebody else does what the caches must know of. An open asks for one in file_open_add() and
 * loses it with file_close(); in between it breaks. Hides who stands in whose way
 * ([MS-FSA] 2.1.4.12), the steps of a break (oplock_state.h), the table of leases (lease_table.h),
 * and the waiting.
 *
 * Thread: any; under the mutex of the file's shard, but for the notices, which are sent under none.
 * What waits suspends its fiber, until the holder has answered, closed, or let the time pass.
 * Ownership: an oplock is its opens'. Units: nanoseconds. Errors: struct nt_status.
 */
#ifndef SMBD_FILE_OPLOCK_H
#define SMBD_FILE_OPLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "smbd/file/lease_table.h"
#include "smbd/vfs/vfs.h"
#include "smbd/wire/create_context.h"
#include "smbd/wire/file_id.h"
#include "smbd/wire/guid.h"
#include "smbd/wire/ntstatus.h"

struct file;
struct file_open;
struct file_table;
struct oplock;

/* As oplocks have it: [MS-FSA] 2.1.5.18. */
#define OPLOCK_LEVEL_II  SMB2_LEASE_READ_CACHING
#define OPLOCK_EXCLUSIVE (SMB2_LEASE_READ_CACHING | SMB2_LEASE_WRITE_CACHING)
#define OPLOCK_BATCH     (OPLOCK_EXCLUSIVE | SMB2_LEASE_HANDLE_CACHING)

/* What an open asks for. All zero: nothing. */
struct oplock_request {
	uint32_t state; /* SMB2_LEASE_*: RWH, ... */
	bool lease;     /* by key, shared by all opens under it; else an oplock of this open */
	bool alone;     /* only what nobody shares (`level2 oplocks = no`) */
	bool directory; /* of a directory too, which the dialect must know */

	/* of a lease. The client also where it is none: who it is for a directory's lease */
	struct lease_id id;
	bool v2;
	uint16_t epoch; /* of version 2, as the client counted it */
	bool has_parent;
	struct guid
		parent_key; /* the client's lease of the directory, which it keeps true itself */
};

/* What it got, as of the open. */
struct oplock_grant {
	uint32_t state;
	bool lease;    /* there is one, though perhaps with nothing to cache */
	bool v2;       /* as it was when the lease began, whatever this open asked in */
	bool breaking; /* SMB2_LEASE_FLAG_BREAK_IN_PROGRESS */
	uint16_t epoch;
};

/* A holder is to be told to come down, [MS-SMB2] 2.2.23. */
struct oplock_notice {
	void *client; /* file_open.client, of one of its opens */
	bool lease;
	struct smb2_file_id id; /* an oplock's open */
	struct guid key;        /* a lease's */
	uint32_t from, to;
	uint16_t epoch; /* 0 in version 1 */
	bool ack_required;

	/* private */
	struct list_node node;
	struct vfs_id file;
	uint64_t serial;
};

/* How holders are told. `client` is what file_open.client says; hold() and drop() count it, for it
 * is told with no lock held: the open may be gone by then. */
struct file_breaker {
	void (*hold)(void *client); /* under the shard's mutex */
	void (*drop)(void *client);
	/* May not suspend. False: there is no way to tell it; then it has lost what it held. */
	bool (*notify)(const struct oplock_notice *notice);
};

/* Somebody who waits for a break, and may be called off (CANCEL, the end of the connection). All on
 * one reactor. Zeroed to begin with. */
struct file_wait {
	bool cancelled;
	struct file *file; /* private: what it waits at; NULL: it does not */
};

void file_wait_cancel(struct file_wait *wait);

/* How long a holder has to answer, from the next break on. 35 s, as Windows, unless set. */
void oplock_timeout_set(struct file_table *table, uint64_t timeout_ns);

/* May a lease of that key be of a file that is not there yet? INVALID_PARAMETER: it is of another
 * one, [MS-SMB2] 3.3.5.9.8. */
NT_WARN_UNUSED struct nt_status oplock_request_check(struct file_table *table,
						     const struct oplock_request *want);

/* The data changed through `open` (written, cut, locked): nobody else's cache is true any more, nor
 * that of a level II oplock of its own. After the change, before it is answered. Does not wait. */
void oplock_data_changed(struct file_table *table, struct file_open *open);

/* The same of an open that cut off what was there: it knows, and keeps what it was granted. */
void oplock_data_cut(struct file_table *table, struct file_open *open);

/* What is in the directory changed, through `by` (NULL: nobody's): leases of it end, but those of
 * the key that `by` has named as its parent's. Does not wait. */
void oplock_directory_changed(struct file_table *table, const struct vfs_id *directory,
			      const struct file_open *by);

/* The same for the directory that a path in the share is in, and for that of the open's own name.
 * These may suspend. */
void oplock_name_changed(struct file_table *table, struct vfs_share *share, struct vfs_cred *cred,
			 const char *path, const struct file_open *by);
void oplock_entry_changed(struct file_table *table, struct file_open *open);

/* `by` wants a name changed or gone: whoever caches handles lets go of them, and may close. Waits.
 * CANCELLED: called off. */
NT_WARN_UNUSED struct nt_status oplock_break_handles(struct file_table *table,
						     const struct vfs_id *id,
						     const struct file_open *by,
						     struct file_wait *wait);

/* Only begin with it, for the file that `by` has open: who is asked what comes next on the same
 * connection is asked for his handles before, as in Windows. Does not wait. */
void oplock_ask_handles(struct file_table *table, const struct file_open *by);

/* The same of all that a rename of the open's file to new_path has in its way: the file, what is
 * open below a directory, the directory of the new name, and what is to be replaced. For a link
 * only the latter two. */
NT_WARN_UNUSED struct nt_status oplock_break_names(struct file_table *table, struct file_open *open,
						   const char *new_path, bool link, bool replace,
						   struct file_wait *wait);

/* [MS-SMB2] 3.3.5.22.1: the open's oplock came down to `state` (R or nothing). This and the next
 * suspend while the file is being written to: what was written before is there then. */
NT_WARN_UNUSED struct nt_status oplock_ack(struct file_table *table, struct file_open *open,
					   uint32_t state);

/* 3.3.5.22.2. OBJECT_NAME_NOT_FOUND: the client has no lease of that key. */
NT_WARN_UNUSED struct nt_status oplock_lease_ack(struct file_table *table,
						 const struct lease_id *id, uint32_t state);

#endif
