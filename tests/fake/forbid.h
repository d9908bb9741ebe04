/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel that has not got something: from here on this process (and what it forks) gets an errno
 * for one system call. For a forked child, since there is no way back.
 */
#ifndef TESTS_FAKE_FORBID_H
#define TESTS_FAKE_FORBID_H

/* arg: which argument must have the (32-bit) value; -1: any call. 0, or -errno where seccomp itself
 * cannot be used. */
int forbid_syscall(int number, int arg, unsigned value, int err);

#endif
