/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte-range locks of open files: lock.h's engine under the file's mutex, with fibers that wait.
 * Who is told that a lock is his may rely on it: what others began to read or write there before
 * (file_io.h) is over.
 *
 * Thread: any; file_lock_await() in a fiber. What may grant a lock suspends while others' I/O ends,
 * the rest does not. Ownership: a struct file_lock_wait is the caller's, and stays until its await
 * has returned. Errors: NTSTATUS.
 */
#ifndef SMBD_FILE_FILE_LOCK_H
#define SMBD_FILE_FILE_LOCK_H

#include "smbd/file/file.h"
#include "smbd/file/lock.h"
#include "transport/fiber/fiber.h"

/* lock_take(): all or none, without waiting for other locks. */
struct nt_status file_lock(struct file_open *open, const struct lock_range *ranges,
			   unsigned count) NT_WARN_UNUSED;

/* lock_drop() */
struct nt_status file_unlock(struct file_open *open, uint64_t offset,
			     uint64_t length) NT_WARN_UNUSED;

struct file_lock_wait {
	struct lock_wait wait;
	struct file_open *open;
	struct fiber_cond decided;
};

/* Begin to wait for a range: PENDING, or decided at once. RANGE_NOT_LOCKED: the open is ending. */
struct nt_status file_lock_begin(struct file_open *open, const struct lock_range *range,
				 struct file_lock_wait *w) NT_WARN_UNUSED;
/* Of one that was PENDING: how it ended. */
struct nt_status file_lock_await(struct file_lock_wait *w) NT_WARN_UNUSED;
/* Any thread, until file_lock_await() has returned. */
void file_lock_cancel(struct file_lock_wait *w);

/* Whoever waits through this open stops, with RANGE_NOT_LOCKED, and nobody begins any more: it is
 * about to be closed, which also unlocks. */
void file_lock_interrupt(struct file_open *open);

#endif
