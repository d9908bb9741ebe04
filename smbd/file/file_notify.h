/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Change notify of open directories: notify.h's registry with the paths of opens and with fibers
 * that wait. What changes a file tells it here, after it is done; nothing is done, and no path
 * looked up, while nobody watches.
 *
 * Thread: any; file_notify_await() in a fiber. The others do not suspend. Ownership: a struct
 * file_notify_wait is the caller's and stays until its await has returned. Errors: NTSTATUS.
 */
#ifndef SMBD_FILE_FILE_NOTIFY_H
#define SMBD_FILE_FILE_NOTIFY_H

#include "smbd/file/file.h"
#include "smbd/file/notify.h"
#include "transport/fiber/fiber.h"

/* ---- who watches ---- */

struct file_notify_wait {
	struct notify_wait wait; /* its events are the answer's */
	struct file_table *table;
	struct fiber_cond decided;
};

/*
 * [MS-FSA] 2.1.5.10. SUCCESS: there are events; PENDING: wait for them. NOTIFY_ENUM_DIR: more
 * happened than was kept; NOTIFY_CLEANUP: the open is ending; DELETE_PENDING: the directory is to
 * go. filter, tree and bytes_max are settled by the first request on the open.
 */
NT_WARN_UNUSED struct nt_status file_notify_begin(struct file_table *table, struct file_open *open,
						  uint32_t filter, bool tree, size_t bytes_max,
						  struct file_notify_wait *w);
NT_WARN_UNUSED struct nt_status file_notify_await(struct file_notify_wait *w);
void file_notify_cancel(struct file_notify_wait *w);
void file_notify_clear(struct file_notify_wait *w);

/* Whoever waits through this open is answered NOTIFY_CLEANUP: it is about to be closed. */
void file_notify_interrupt(struct file_table *table, struct file_open *open);

/* Watch what local processes do too, for opens with kernel_notify: at most so many directories.
 * Before the first open. 0 or -ENOMEM. */
int file_notify_kernel(struct file_table *table, unsigned max);

/* ---- what happens ---- */

/* action: FILE_ACTION_*, filter: FILE_NOTIFY_CHANGE_*, all that apply. The open's present name, or
 * a path in the share. */
void file_notify(struct file_table *table, struct file_open *open, uint32_t action,
		 uint32_t filter);
void file_notify_path(struct file_table *table, const struct vfs_share *share, const char *path,
		      uint32_t action, uint32_t filter);

/* The filter for a name that appears or goes. */
static inline uint32_t file_notify_name_filter(bool directory)
{
	return directory ? FILE_NOTIFY_CHANGE_DIR_NAME : FILE_NOTIFY_CHANGE_FILE_NAME;
}

#endif
