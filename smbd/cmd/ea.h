/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes between the wire and the file system, for CREATE (ExtA), QUERY_INFO and
 * SET_INFO (FileFullEaInformation). Thread: a request's fiber. Errors: NTSTATUS.
 */
#ifndef SMBD_CMD_EA_H
#define SMBD_CMD_EA_H

#include "smbd/session/request.h"
#include "smbd/wire/blob.h"
#include "smbd/wire/ntstatus.h"

struct vfs_node;
struct wr;

/* A list as clients send it, to be set: checked, on the request's pool. EA_LIST_INCONSISTENT: it is
 * no list; INVALID_EA_NAME; ACCESS_DENIED: a name that is not for clients. */
struct ea_list {
	struct vfs_ea *eas;
	unsigned count;
};

NT_WARN_UNUSED struct nt_status ea_list_decode(struct request *req, struct wire_blob wire,
					       struct ea_list *list);
NT_WARN_UNUSED struct nt_status ea_list_set(struct vfs_node *node, const struct ea_list *list);

/* All that the file has; or those that `names` (a FILE_GET_EA_INFORMATION list) asks for.
 * NO_EAS_ON_FILE. */
NT_WARN_UNUSED struct nt_status ea_query(struct request *req, struct vfs_node *node,
					 struct wire_blob names, bool single, struct wr *w);

/* FileEaInformation: the bytes that FileFullEaInformation would take. */
NT_WARN_UNUSED struct nt_status ea_bytes(struct request *req, struct vfs_node *node,
					 uint32_t *bytes);

#endif
