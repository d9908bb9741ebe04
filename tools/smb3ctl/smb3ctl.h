/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smb3ctl: the administrator's tool. One thread, one command a run. Messages go to stderr, one line
 * each, and say what to do; functions return the exit status.
 */
#ifndef TOOLS_SMB3CTL_SMB3CTL_H
#define TOOLS_SMB3CTL_SMB3CTL_H

#include "smbd/conf/conf.h"

/* Exit statuses. */
enum { CTL_OK = 0, CTL_FAILED = 1, CTL_USAGE = 2 };

int ctl_user(const struct conf *conf, int argc, char **argv);
int ctl_status(const struct conf *conf, int argc, char **argv);
int ctl_interfaces(const struct conf *conf, int argc, char **argv);
int ctl_reload(const struct conf *conf, int argc, char **argv);
int ctl_stop(const struct conf *conf, int argc, char **argv);

/* Complain, and return `status`. */
int ctl_fail(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
