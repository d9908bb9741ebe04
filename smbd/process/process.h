/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of the process: to the background, its limits, signals, and what systemd is told. Hides
 * fork, rlimits, sd_notify. Knows nothing of what is served.
 *
 * Thread: main's.
 */
#ifndef SMBD_PROCESS_PROCESS_H
#define SMBD_PROCESS_PROCESS_H

#include <stddef.h>

/* Who is waiting at a terminal for the server to serve. */
struct process_parent {
	int fd; /* -1: nobody */
};

/* Go on as a child; the parent waits for process_ready() and ends with it, or with failure. */
int process_background(struct process_parent *parent);

/* It serves: tells the service manager and the parent. A log that would go to the parent's terminal
 * goes to a file in `directory`. */
void process_ready(struct process_parent *parent, const char *directory);

/* As many files, and as much locked memory, as may be. */
void process_raise_limits(void);

/* Block the signals that process_serve() waits for: before there are threads. */
void process_signals_block(void);

struct process_user {
	void (*reload)(struct process_user *user);
	/* One line on what it does, for the service manager. */
	void (*status)(struct process_user *user, char *text, size_t cap);
};

/* Until somebody wants it to end. */
void process_serve(struct process_user *user);

/* For process_user.reload: around it. */
void process_reloading(void);
void process_reloaded(void);

#endif
