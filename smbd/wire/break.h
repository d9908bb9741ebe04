/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OPLOCK_BREAK in all its forms, [MS-SMB2] 2.2.23 to 2.2.25, and the server's notification 2.2.44.
 * The forms are told apart by StructureSize. Conventions: blob.h.
 */
#ifndef SMBD_WIRE_BREAK_H
#define SMBD_WIRE_BREAK_H

#include "smbd/wire/blob.h"
#include "smbd/wire/file_id.h"
#include "smbd/wire/guid.h"

#define SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED 0x00000001u

enum smb2_break_form {
	SMB2_BREAK_MALFORMED,
	SMB2_BREAK_OPLOCK,    /* 24 bytes: notification, acknowledgment and response alike */
	SMB2_BREAK_LEASE_ACK, /* 36: acknowledgment and response alike */
	SMB2_BREAK_LEASE_NOTIFICATION, /* 44: from the server only */
};

/* By StructureSize at r, which is not moved. */
enum smb2_break_form smb2_break_form(const struct rd *r);

/* 2.2.23.1, 2.2.24.1, 2.2.25.1 */
struct smb2_oplock_break {
	uint8_t oplock_level;
	struct smb2_file_id file_id;
};

/* 2.2.23.2 */
struct smb2_lease_break_notification {
	uint16_t new_epoch;
	uint32_t flags;
	struct guid lease_key;
	uint32_t current_lease_state;
	uint32_t new_lease_state;
};

/* 2.2.24.2, 2.2.25.2 */
struct smb2_lease_break_ack {
	uint32_t flags;
	struct guid lease_key;
	uint32_t lease_state;
	uint64_t lease_duration;
};

bool smb2_oplock_break_decode(struct rd *r, struct smb2_oplock_break *out);
void smb2_oplock_break_encode(struct wr *w, const struct smb2_oplock_break *in);
bool smb2_lease_break_notification_decode(struct rd *r, struct smb2_lease_break_notification *out);
void smb2_lease_break_notification_encode(struct wr *w,
					  const struct smb2_lease_break_notification *in);
bool smb2_lease_break_ack_decode(struct rd *r, struct smb2_lease_break_ack *out);
void smb2_lease_break_ack_encode(struct wr *w, const struct smb2_lease_break_ack *in);

/* 2.2.44.1 SMB2_SERVER_TO_CLIENT_NOTIFICATION */
#define SMB2_NOTIFY_SESSION_CLOSED 0x00000000u

struct smb2_notification {
	uint32_t notification_type;
};

bool smb2_notification_decode(struct rd *r, struct smb2_notification *out);
void smb2_notification_encode(struct wr *w, const struct smb2_notification *in);

#endif
