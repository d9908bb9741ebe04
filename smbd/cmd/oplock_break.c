/* SPDX-License-Identifier: Apache-2.0 */
/* OPLOCK_BREAK: a holder answers a break, [MS-SMB2] 3.3.5.22. */
#include <string.h>

#include "smbd/cmd/file_commands.h"
#include "smbd/cmd/handle.h"
#include "smbd/cmd/service.h"
#include "smbd/file/oplock.h"
#include "smbd/session/connection.h"
#include "smbd/session/session.h"
#include "smbd/wire/break.h"
#include "smbd/wire/create.h"
#include "smbd/wire/negotiate.h"

/* Any other level than these two is more than it was told to come down to. */
static uint32_t state_of_answer(uint8_t level)
{
	if (level == SMB2_OPLOCK_LEVEL_NONE)
		return SMB2_LEASE_NONE;
	return level == SMB2_OPLOCK_LEVEL_II ? OPLOCK_LEVEL_II : OPLOCK_BATCH;
}

/* 3.3.5.22.1 */
static struct nt_status oplock_answer(struct request *req)
{
	struct smb2_oplock_break in;
	struct nt_status status;
	struct handle *h;

	if (!smb2_oplock_break_decode(&req->in, &in))
		return STATUS_INVALID_PARAMETER;
	status = handle_get(req, in.file_id, &h);
	if (!nt_success(status))
		return status;
	if (in.oplock_level == SMB2_OPLOCK_LEVEL_LEASE)
		return STATUS_INVALID_PARAMETER;
	status = oplock_ack(h->files, &h->file, state_of_answer(in.oplock_level));
	if (nt_success(status))
		smb2_oplock_break_encode(&req->out, &in);
	return status;
}

/* 3.3.5.22.2 */
static struct nt_status lease_answer(struct request *req)
{
	struct smb2_lease_break_ack in;
	struct nt_status status;
	struct lease_id id;

	if (!smb2_lease_break_ack_decode(&req->in, &in))
		return STATUS_INVALID_PARAMETER;
	if (!(req->conn->negotiated.server_capabilities & SMB2_GLOBAL_CAP_LEASING))
		return STATUS_NOT_SUPPORTED;
	memcpy(id.client.bytes, req->session->client_guid, sizeof(id.client.bytes));
	id.key = in.lease_key;
	status = oplock_lease_ack(service_files(req), &id, in.lease_state);
	if (nt_success(status)) {
		in.flags = 0;
		in.lease_duration = 0;
		smb2_lease_break_ack_encode(&req->out, &in);
	}
	return status;
}

struct nt_status cmd_oplock_break(struct request *req)
{
	switch (smb2_break_form(&req->in)) {
	case SMB2_BREAK_OPLOCK:
		return oplock_answer(req);
	case SMB2_BREAK_LEASE_ACK:
		return lease_answer(req);
	default:
		return STATUS_INVALID_PARAMETER;
	}
}
