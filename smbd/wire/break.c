/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/break.h"

#define OPLOCK_SIZE             24
#define LEASE_ACK_SIZE          36
#define LEASE_NOTIFICATION_SIZE 44

enum smb2_break_form smb2_break_form(const struct rd *r)
{
	struct rd peek = *r;

	switch (rd_u16(&peek)) {
	case OPLOCK_SIZE:
		return SMB2_BREAK_OPLOCK;
	case LEASE_ACK_SIZE:
		return SMB2_BREAK_LEASE_ACK;
	case LEASE_NOTIFICATION_SIZE:
		return SMB2_BREAK_LEASE_NOTIFICATION;
	default:
		return SMB2_BREAK_MALFORMED;
	}
}

bool smb2_oplock_break_decode(struct rd *r, struct smb2_oplock_break *out)
{
	wire_structure_size(r, OPLOCK_SIZE);
	out->oplock_level = rd_u8(r);
	rd_skip(r, 5);
	out->file_id = smb2_file_id_decode(r);
	return rd_ok(r);
}

void smb2_oplock_break_encode(struct wr *w, const struct smb2_oplock_break *in)
{
	wr_u16(w, OPLOCK_SIZE);
	wr_u8(w, in->oplock_level);
	wr_zero(w, 5);
	smb2_file_id_encode(w, in->file_id);
}

bool smb2_lease_break_notification_decode(struct rd *r, struct smb2_lease_break_notification *out)
{
	wire_structure_size(r, LEASE_NOTIFICATION_SIZE);
	out->new_epoch = rd_u16(r);
	out->flags = rd_u32(r);
	out->lease_key = guid_decode(r);
	out->current_lease_state = rd_u32(r);
	out->new_lease_state = rd_u32(r);
	rd_skip(r, 12); /* BreakReason, AccessMaskHint, ShareMaskHint: reserved */
	return rd_ok(r);
}

void smb2_lease_break_notification_encode(struct wr *w,
					  const struct smb2_lease_break_notification *in)
{
	wr_u16(w, LEASE_NOTIFICATION_SIZE);
	wr_u16(w, in->new_epoch);
	wr_u32(w, in->flags);
	guid_encode(w, &in->lease_key);
	wr_u32(w, in->current_lease_state);
	wr_u32(w, in->new_lease_state);
	wr_zero(w, 12);
}

bool smb2_lease_break_ack_decode(struct rd *r, struct smb2_lease_break_ack *out)
{
	wire_structure_size(r, LEASE_ACK_SIZE);
	rd_skip(r, 2);
	out->flags = rd_u32(r);
	out->lease_key = guid_decode(r);
	out->lease_state = rd_u32(r);
	out->lease_duration = rd_u64(r);
	return rd_ok(r);
}

void smb2_lease_break_ack_encode(struct wr *w, const struct smb2_lease_break_ack *in)
{
	wr_u16(w, LEASE_ACK_SIZE);
	wr_u16(w, 0);
	wr_u32(w, in->flags);
	guid_encode(w, &in->lease_key);
	wr_u32(w, in->lease_state);
	wr_u64(w, in->lease_duration);
}

bool smb2_notification_decode(struct rd *r, struct smb2_notification *out)
{
	wire_structure_size(r, 4);
	rd_skip(r, 2);
	out->notification_type = rd_u32(r);
	return rd_ok(r);
}

void smb2_notification_encode(struct wr *w, const struct smb2_notification *in)
{
	wr_u16(w, 4);
	wr_u16(w, 0);
	wr_u32(w, in->notification_type);
	wr_u32(w, 0); /* SMB2_NOTIFY_SESSION_CLOSED.Reserved */
}
