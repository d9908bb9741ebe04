/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reparse points: [MS-FSCC] 2.1.2, of FSCTL_GET/SET/DELETE_REPARSE_POINT. Conventions: blob.h.
 */
#ifndef SMBD_WIRE_FSCC_REPARSE_H
#define SMBD_WIRE_FSCC_REPARSE_H

#include "smbd/wire/blob.h"
#include "smbd/wire/fscc/attributes.h"
#include "smbd/wire/guid.h"

/* 2.1.2.2 and 2.1.2.3. A tag without Microsoft's bit has the GUID form. */
#define IO_REPARSE_TAG_MICROSOFT 0x80000000u

struct reparse_data {
	uint32_t reparse_tag;
	struct guid reparse_guid; /* GUID form only */
	struct wire_blob data;
};

bool reparse_data_decode(struct rd *r, struct reparse_data *out);
void reparse_data_encode(struct wr *w, const struct reparse_data *in);

/* 2.1.2.4 symbolic link (with flags) and 2.1.2.5 mount point (without): the data of their tags. */
struct reparse_link {
	uint32_t flags; /* SYMLINK_FLAG_RELATIVE of error.h */
	struct wire_blob substitute_name;
	struct wire_blob print_name;
};

bool reparse_symlink_decode(struct rd *r, struct reparse_link *out);
void reparse_symlink_encode(struct wr *w, const struct reparse_link *in);
bool reparse_mount_point_decode(struct rd *r, struct reparse_link *out);
void reparse_mount_point_encode(struct wr *w, const struct reparse_link *in);

/* 2.1.2.6 NFS: special files of a POSIX client. */
#define NFS_SPECFILE_LNK  0x00000000014b4e4cull
#define NFS_SPECFILE_CHR  0x0000000000524843ull
#define NFS_SPECFILE_BLK  0x00000000004b4c42ull
#define NFS_SPECFILE_FIFO 0x000000004f464946ull
#define NFS_SPECFILE_SOCK 0x000000004b434f53ull

struct reparse_nfs {
	uint64_t type;
	uint32_t major; /* CHR and BLK */
	uint32_t minor;
	struct wire_blob target; /* LNK: UTF-16LE */
};

bool reparse_nfs_decode(struct rd *r, struct reparse_nfs *out);
void reparse_nfs_encode(struct wr *w, const struct reparse_nfs *in);

#endif
