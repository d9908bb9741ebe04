/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line, and the one line that tells the operator what is wrong. Any thread.
 */
#ifndef SMBD_PROCESS_OPTIONS_H
#define SMBD_PROCESS_OPTIONS_H

#include <stdbool.h>

struct options {
	const char *program; /* as it was called */
	const char *config;
	bool foreground;
	bool testparm;
	int log_level; /* -1: as configured */
};

/* -1: go on; else the exit code. */
int options_parse(int argc, char **argv, struct options *options);

/* "smb3d: ..." on standard error. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
