/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IOCTL's codes, by subject: each handler works on a decoded request and writes its output to
 * req->payload. Internal to the ioctl files.
 */
#ifndef SMBD_CMD_IOCTL_H
#define SMBD_CMD_IOCTL_H

#include "smbd/cmd/handle.h"
#include "smbd/session/request.h"
#include "smbd/wire/ioctl.h"

struct ioctl {
	const struct smb2_ioctl_request *in;
};

/* ioctl_range.c: holes and zeros, [MS-FSCC] 2.3 */
struct nt_status ioctl_set_sparse(struct request *req, const struct ioctl *ioctl);
struct nt_status ioctl_zero_data(struct request *req, const struct ioctl *ioctl);
struct nt_status ioctl_allocated_ranges(struct request *req, const struct ioctl *ioctl);
struct nt_status ioctl_trim(struct request *req, const struct ioctl *ioctl);

/* ioctl_copy.c: copies that the server makes, [MS-SMB2] 3.3.5.15.5 to 3.3.5.15.7, [MS-FSCC] 2.3.7
 */
struct nt_status ioctl_resume_key(struct request *req, const struct ioctl *ioctl);
struct nt_status ioctl_copychunk(struct request *req, const struct ioctl *ioctl);
struct nt_status ioctl_duplicate_extents(struct request *req, const struct ioctl *ioctl);

/* ioctl_volume.c: what a file or its volume is, without its data */
struct nt_status ioctl_get_compression(struct request *req, const struct ioctl *ioctl);
struct nt_status ioctl_set_compression(struct request *req, const struct ioctl *ioctl);
struct nt_status ioctl_object_id(struct request *req, const struct ioctl *ioctl);

/* ioctl_reparse.c: [MS-FSA] 2.1.5.10.14, 2.1.5.10.37 and 2.1.5.10.4 */
struct nt_status ioctl_get_reparse(struct request *req, const struct ioctl *ioctl);
struct nt_status ioctl_set_reparse(struct request *req, const struct ioctl *ioctl);
struct nt_status ioctl_delete_reparse(struct request *req, const struct ioctl *ioctl);

/* ioctl_snapshot.c: previous versions, [MS-SMB2] 3.3.5.15.1 */
struct nt_status ioctl_snapshots(struct request *req, const struct ioctl *ioctl);

/* A file, not a directory, whose open was granted one of the rights. */
NT_WARN_UNUSED struct nt_status ioctl_file(struct request *req, const struct ioctl *ioctl,
					   uint32_t any_of, struct handle **out);

#endif
