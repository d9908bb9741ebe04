/* SPDX-License-Identifier: Apache-2.0 */
/* SMB2_FILEID, [MS-SMB2] 2.2.14.1: names an open. Pure values, any thread. */
#ifndef SMBD_WIRE_FILE_ID_H
#define SMBD_WIRE_FILE_ID_H

#include "transport/base/cursor.h"

struct smb2_file_id {
	uint64_t persistent_id;
	uint64_t volatile_id;
};

/* In a related compound request: the file of the request before ([MS-SMB2] 3.3.5.2.7.2). */
#define SMB2_FILE_ID_RELATED ((struct smb2_file_id){~0ull, ~0ull})

static inline bool smb2_file_id_equal(struct smb2_file_id a, struct smb2_file_id b)
{
	return a.persistent_id == b.persistent_id && a.volatile_id == b.volatile_id;
}

static inline bool smb2_file_id_is_related(struct smb2_file_id id)
{
	return smb2_file_id_equal(id, SMB2_FILE_ID_RELATED);
}

static inline struct smb2_file_id smb2_file_id_decode(struct rd *r)
{
	struct smb2_file_id id;

	id.persistent_id = rd_u64(r);
	id.volatile_id = rd_u64(r);
	return id;
}

static inline void smb2_file_id_encode(struct wr *w, struct smb2_file_id id)
{
	wr_u64(w, id.persistent_id);
	wr_u64(w, id.volatile_id);
}

#endif
