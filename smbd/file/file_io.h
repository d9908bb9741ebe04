/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing of open files, as far as others must know of it: whoever is granted a
 * byte-range lock shall not see what was begun before it land after it, nor who has waited for an
 * oplock to be given back; and who may only append tests for the end and writes there as one step.
 *
 * Hides how that costs next to nothing while nobody has a lock on the file: I/O is then counted
 * only, under no mutex; once somebody has one, its range is listed.
 *
 * Thread: any; file_io_begin() may suspend, behind one that appends. Between begin and end the
 * caller may suspend, but holds at most one that writes, for such may wait for each other.
 * Ownership: a struct file_io is the caller's and stays where it is meanwhile. Errors: NTSTATUS.
 */
#ifndef SMBD_FILE_FILE_IO_H
#define SMBD_FILE_FILE_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "smbd/file/file.h"

enum file_io_kind {
	FILE_IO_READ,
	FILE_IO_WRITE,
	FILE_IO_APPEND /* nobody else writes to the file from begin to end */
};

struct file_io {
	struct file_open *open;
	uint64_t offset, length;
	enum file_io_kind kind;
	bool listed;
	struct list_node node; /* of its file, if listed */
	uint64_t number;       /* among those that were */
};

/* [MS-FSA] 2.1.5.3, 2.1.5.4: FILE_LOCK_CONFLICT if somebody's lock is in the way of reading or
 * writing there: nothing has begun then. */
struct nt_status file_io_begin(struct file_open *open, enum file_io_kind kind, uint64_t offset,
			       uint64_t length, struct file_io *io) NT_WARN_UNUSED;
void file_io_end(struct file_io *io);

/* Nobody had a lock on the file when this began, so that what is read may also be read a little
 * later, when it is sent. */
static inline bool file_io_is_unwatched(const struct file_io *io)
{
	return !io->listed;
}

#endif
