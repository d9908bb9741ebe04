/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What local processes do in watched directories, by inotify, told to the registry of notify.h.
 * Hides inotify's descriptors, that a tree is watched directory by directory, and that what this
 * server does itself comes back from the kernel: that was told already, and is left out.
 *
 * Thread: any; it has one of its own, begun with the first watch, which reads events and walks
 * trees. Ownership: the registry's. Errors: what cannot be watched is logged once; clients then are
 * told of what goes through this server only.
 */
#ifndef SMBD_FILE_NOTIFY_KERNEL_H
#define SMBD_FILE_NOTIFY_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

struct notify;
struct notify_kernel;
struct notify_root;

/* How many directories at most, over all watches. NULL: no memory. */
struct notify_kernel *notify_kernel_new(struct notify *n, unsigned max);
void notify_kernel_free(struct notify_kernel *k);

/* Watch the directory that fd is (any descriptor of it), which goes by that path; tree: with all
 * below it. The directory itself is watched when this returns, the tree a little later. NULL: it
 * cannot be. */
struct notify_root *notify_kernel_add(struct notify_kernel *k, int fd, const char *path, bool tree);
void notify_kernel_remove(struct notify_kernel *k, struct notify_root *root);
/* A directory got another name through this server. */
void notify_kernel_moved(struct notify_kernel *k, const char *from, const char *to);

/* This server did so itself, just now: action is FILE_ACTION_*. */
void notify_kernel_own(struct notify_kernel *k, uint32_t action, const char *path);

#endif
