/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The open of a file or directory, as the file commands share it: made by CREATE, found by a
 * FileId, ended by CLOSE. Hides how an open's identity (session/), its place among the opens of the
 * inode (file/) and its descriptor (vfs/) hang together.
 *
 * Thread: a request's fiber. Ownership: a handle is its struct open's. Errors: NTSTATUS.
 */
#ifndef SMBD_CMD_HANDLE_H
#define SMBD_CMD_HANDLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "smbd/file/file.h"
#include "smbd/session/open.h"
#include "smbd/session/request.h"
#include "smbd/vfs/vfs.h"
#include "smbd/wire/blob.h"
#include "smbd/wire/file_id.h"
#include "smbd/wire/ntstatus.h"

struct handle {
	struct open open; /* first */
	struct file_table *files;
	struct file_open file; /* file.node is the open file */

	/* fixed once open */
	bool write_through; /* FILE_WRITE_THROUGH */
	uint32_t action;    /* what its CREATE did: FILE_CREATED and the like */

	/* Kept for the client, not used: FilePositionInformation, FileModeInformation. The position
	 * follows READ and WRITE; in Windows only for synchronous opens, [MS-FSA] 2.1.5.3. */
	atomic_ullong position;
	atomic_uint mode;

	/* What was written through it, for who watches: up to where, so far as that was told. */
	atomic_ullong written_to;

	/* QUERY_DIRECTORY, between open_enter() and open_leave() */
	struct vfs_dir *dir;
	bool dir_answered; /* an entry was returned since the scan began */

	/* likewise, QUERY_INFO of quotas: the uid that the scan goes on with */
	uint64_t quota_next;
};

extern const struct open_ops handle_ops;

/* [MS-FSA] MAXFILESIZE: NTFS's, as that is the file system that we say we are. */
#define HANDLE_FILE_BYTES_MAX 0xfffffff0000ull

/* The file or directory that the FileId names, held by the request. FILE_CLOSED: none;
 * INVALID_DEVICE_REQUEST: it names a pipe. */
NT_WARN_UNUSED struct nt_status handle_get(struct request *req, struct smb2_file_id id,
					   struct handle **out);

/* Tell who watches that it was written up to `end`: of the first write through this open, and of
 * each that goes beyond those before it. */
void handle_written(struct handle *h, uint64_t end);

/* ACCESS_DENIED unless the open was granted at least one of the bits. */
NT_WARN_UNUSED struct nt_status handle_need(const struct handle *h, uint32_t any_of);

static inline bool handle_is_directory(const struct handle *h)
{
	return h->file.node->stat.directory;
}

/* Its present name from the share's root as UTF-16LE, with '\' before the first component if
 * `rooted`; on the request's pool. */
NT_WARN_UNUSED struct nt_status handle_wire_name(struct request *req, struct handle *h, bool rooted,
						 struct wire_blob *name);

/* ---- a file's facts as the protocol has them ---- */
struct handle_times {
	uint64_t creation, access, write, change; /* FILETIME */
};

struct handle_times handle_times(const struct vfs_stat *st);

#endif
