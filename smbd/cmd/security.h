/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The security of files, between the requests, the descriptors that are stored and the permissions
 * of POSIX: what a user may do with a file, what a new file gets, and how a descriptor is asked and
 * set. A file without a stored descriptor has one made of its owner, group and ACL, and is checked
 * as the kernel does.
 *
 * Thread: a request's fiber; most calls may suspend. Memory: the request's pool. Errors: NTSTATUS.
 */
#ifndef SMBD_CMD_SECURITY_H
#define SMBD_CMD_SECURITY_H

#include "smbd/security/security.h"
#include "smbd/session/request.h"
#include "smbd/wire/ntstatus.h"

struct handle;
struct smb2_set_info_request;
struct vfs_node;

/* Who works on the request's tree. */
struct token security_token(const struct request *req);

/* All that the node's user may do with it through this tree. */
NT_WARN_UNUSED struct nt_status access_maximal(struct request *req, struct vfs_node *node,
					       uint32_t *maximal);

/* The file's descriptor; *stored: it is not just what its permissions amount to. */
NT_WARN_UNUSED struct nt_status security_of_node(struct request *req, struct vfs_node *node,
						 struct security_descriptor *sd, bool *stored);

/* [MS-SMB2] 3.3.5.21.3: the parts that info names. The open's rights have been checked. */
NT_WARN_UNUSED struct nt_status security_set(struct request *req, struct vfs_node *node,
					     const struct security_descriptor *change,
					     uint32_t info);

/* SET_INFO of a descriptor, with all its checks. */
NT_WARN_UNUSED struct nt_status set_security(struct request *req, struct handle *h,
					     const struct smb2_set_info_request *set);

/* Is the entry shown in listings of the directory? With `hide unreadable` not one that by its
 * descriptor the user may not read in every way; the vfs has looked at its permissions. */
bool security_may_list(struct request *req, struct vfs_node *directory, const char *name);

/* The directory that `path` is in or will be. */
struct security_parent {
	bool stored; /* it has a descriptor; without one the kernel decides */
	struct security_descriptor sd;
};

/* ACCESS_DENIED: by its descriptor no file, or directory, may be added to it. */
NT_WARN_UNUSED struct nt_status security_add_allowed(struct request *req, const char *path,
						     bool directory,
						     struct security_parent *parent);

/* ACCESS_DENIED: what stands at the path has a descriptor, and by that it may not be deleted. */
NT_WARN_UNUSED struct nt_status security_replace_allowed(struct request *req, struct vfs_node *node,
							 const char *path);

/* What is made in it gets a descriptor from it: nobody is to open it before that. */
bool security_is_inherited(struct request *req, const struct security_parent *parent);

/* What was just made in it inherits; creator (NULL: none) is what the client wants it to have. */
NT_WARN_UNUSED struct nt_status security_new(struct request *req, struct vfs_node *node,
					     const struct security_parent *parent,
					     const struct security_descriptor *creator);

#endif
