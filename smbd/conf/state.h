/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server keeps on disk about itself: its GUID in the state directory, the pid file that
 * says it runs. Hides the files. Thread: main's. Errors: negative errno.
 */
#ifndef SMBD_CONF_STATE_H
#define SMBD_CONF_STATE_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

/* ServerGuid, [MS-SMB2] 3.3.1.5: made once, never zero, the same over restarts, for clients compare
 * it over their connections. */
int state_guid(const char *state_directory, uint8_t guid[16]);

struct pid_file {
	char path[PATH_MAX];
	int fd; /* -1: not ours */
};

/* -EEXIST: a server has it; *holder is its pid, or 0. The path is set in any case. */
int pid_file_lock(struct pid_file *file, const char *pid_directory, pid_t *holder);
/* This process's number. */
int pid_file_write(const struct pid_file *file);
/* Removes it, if it is ours. */
void pid_file_remove(struct pid_file *file);

#endif
