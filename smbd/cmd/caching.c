/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/cmd/caching.h"

#include <string.h>

#include "smbd/conf/conf.h"
#include "smbd/session/connection.h"
#include "smbd/session/notify.h"
#include "smbd/session/session.h"
#include "smbd/session/tree.h"
#include "smbd/wire/break.h"
#include "smbd/wire/header.h"
#include "smbd/wire/negotiate.h"

/* ---- asking ---- */

static uint32_t state_of_level(uint8_t level)
{
	switch (level) {
	case SMB2_OPLOCK_LEVEL_II:
		return OPLOCK_LEVEL_II;
	case SMB2_OPLOCK_LEVEL_EXCLUSIVE:
		return OPLOCK_EXCLUSIVE;
	case SMB2_OPLOCK_LEVEL_BATCH:
		return OPLOCK_BATCH;
	default:
		return SMB2_LEASE_NONE;
	}
}

static uint8_t level_of_state(uint32_t state)
{
	switch (state) {
	case OPLOCK_BATCH:
		return SMB2_OPLOCK_LEVEL_BATCH;
	case OPLOCK_EXCLUSIVE:
		return SMB2_OPLOCK_LEVEL_EXCLUSIVE;
	case OPLOCK_LEVEL_II:
		return SMB2_OPLOCK_LEVEL_II;
	default:
		return SMB2_OPLOCK_LEVEL_NONE;
	}
}

static void request_lease(const struct request *req, const struct smb2_lease *lease,
			  struct oplock_request *want)
{
	const struct negotiated *n = &req->conn->negotiated;

	/* 3.3.5.9.11: version 2 is of the 3.x family */
	if (!(n->server_capabilities & SMB2_GLOBAL_CAP_LEASING) ||
	    (lease->version == 2 && n->dialect < SMB2_DIALECT_300))
		return;
	want->lease = true;
	want->directory = n->server_capabilities & SMB2_GLOBAL_CAP_DIRECTORY_LEASING;
	want->state = lease->lease_state & (SMB2_LEASE_READ_CACHING | SMB2_LEASE_HANDLE_CACHING |
					    SMB2_LEASE_WRITE_CACHING);
	want->id.key = lease->lease_key;
	if (lease->version != 2)
		return;
	want->v2 = true;
	want->epoch = lease->epoch;
	want->has_parent = lease->lease_flags & SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET;
	want->parent_key = lease->parent_lease_key;
}

void caching_request(const struct request *req, const struct smb2_create_request *in,
		     struct oplock_request *want)
{
	const struct conf_share *conf = req->tree->share->conf;

	memset(want, 0, sizeof(*want));
	want->alone = !conf->level2_oplocks;
	memcpy(want->id.client.bytes, req->session->client_guid, sizeof(want->id.client.bytes));
	if (!conf->oplocks)
		return;
	if (in->requested_oplock_level != SMB2_OPLOCK_LEVEL_LEASE)
		want->state = state_of_level(in->requested_oplock_level);
	else if (in->contexts.present & SMB2_CREATE_REQUEST_LEASE)
		request_lease(req, &in->contexts.lease, want);
}

/* ---- answering ---- */

void caching_reply(const struct smb2_create_request *in, const struct file_open *open,
		   struct smb2_create_response *out)
{
	const struct oplock_grant *granted = &open->granted;
	struct smb2_lease *lease = &out->contexts.lease;

	if (!granted->lease) {
		out->oplock_level = level_of_state(granted->state);
		return;
	}
	out->oplock_level = SMB2_OPLOCK_LEVEL_LEASE;
	out->contexts.present |= SMB2_CREATE_REQUEST_LEASE;
	lease->version = granted->v2 ? 2 : 1;
	lease->lease_key = in->contexts.lease.lease_key;
	lease->lease_state = granted->state;
	if (granted->breaking)
		lease->lease_flags |= SMB2_LEASE_FLAG_BREAK_IN_PROGRESS;
	if (!granted->v2)
		return;
	lease->epoch = granted->epoch;
	if (open->want.has_parent) {
		lease->lease_flags |= SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET;
		lease->parent_lease_key = open->want.parent_key;
	}
}

/* ---- waiting ---- */

static void wait_cancel(struct request *req, void *arg)
{
	file_wait_cancel(arg);
}

void caching_wait_begin(struct request *req, struct file_wait *wait)
{
	memset(wait, 0, sizeof(*wait));
	request_cancel_set(req, wait_cancel, wait);
}

void caching_wait_end(struct request *req)
{
	request_cancel_clear(req);
}

/* ---- telling ---- */

static void breaker_hold(void *client)
{
	session_get(client);
}

static void breaker_drop(void *client)
{
	session_put(client);
}

/* [MS-SMB2] 3.3.4.6, 3.3.4.7 */
static bool breaker_notify(const struct oplock_notice *notice)
{
	uint8_t body[NOTIFY_BODY_BYTES_MAX];
	struct wr w = wr_init(body, sizeof(body));

	if (notice->lease) {
		const struct smb2_lease_break_notification lease = {
			.new_epoch = notice->epoch,
			.flags = notice->ack_required ? SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED
						      : 0,
			.lease_key = notice->key,
			.current_lease_state = notice->from,
			.new_lease_state = notice->to,
		};

		smb2_lease_break_notification_encode(&w, &lease);
	} else {
		const struct smb2_oplock_break oplock = {.oplock_level = level_of_state(notice->to),
							 .file_id = notice->id};

		smb2_oplock_break_encode(&w, &oplock);
	}
	return notice->lease ? client_notify(notice->client, SMB2_OPLOCK_BREAK, body, w.len)
			     : session_notify(notice->client, SMB2_OPLOCK_BREAK, body, w.len);
}

const struct file_breaker caching_breaker = {
	.hold = breaker_hold, .drop = breaker_drop, .notify = breaker_notify};
