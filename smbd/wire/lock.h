/* SPDX-License-Identifier: Apache-2.0 */
/* LOCK: [MS-SMB2] 2.2.26; the response is empty.h's. Conventions: blob.h. */
#ifndef SMBD_WIRE_LOCK_H
#define SMBD_WIRE_LOCK_H

#include "smbd/wire/blob.h"
#include "smbd/wire/file_id.h"

#define SMB2_LOCKFLAG_SHARED_LOCK      0x00000001u
#define SMB2_LOCKFLAG_EXCLUSIVE_LOCK   0x00000002u
#define SMB2_LOCKFLAG_UNLOCK           0x00000004u
#define SMB2_LOCKFLAG_FAIL_IMMEDIATELY 0x00000010u

#define SMB2_LOCK_ELEMENT_SIZE 24

struct smb2_lock_element {
	uint64_t offset;
	uint64_t length;
	uint32_t flags;
};

struct smb2_lock_request {
	uint16_t lock_count;          /* at least 1 */
	uint8_t lock_sequence_number; /* 4 bits */
	uint32_t lock_sequence_index; /* 28 bits */
	struct smb2_file_id file_id;
	struct wire_blob locks; /* lock_count elements, decoded by smb2_lock_request_element() */
};

bool smb2_lock_request_decode(struct rd *r, struct smb2_lock_request *out);
struct smb2_lock_element smb2_lock_request_element(const struct smb2_lock_request *req, unsigned i);

/* in->locks is ignored: lock_count elements are written from the array. */
void smb2_lock_request_encode(struct wr *w, const struct smb2_lock_request *in,
			      const struct smb2_lock_element *elements);

#endif
