/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/signing.h"

#include "smbd/crypto/sign.h"
#include "smbd/session/connection.h"
#include "smbd/session/request.h"
#include "smbd/session/session.h"
#include "smbd/wire/header.h"

bool signing_verify(struct request *req, struct signer *signer)
{
	struct iovec iov[2] = {
		{.iov_base = (void *)(uintptr_t)req->in.data, .iov_len = req->in.len},
		{.iov_base = req->in_body.data, .iov_len = req->in_body.len},
	};

	return signer_verify(signer, iov, req->in_body.len ? 2 : 1) == 0;
}

struct nt_status signing_check(struct request *req)
{
	struct session_channel *channel = req->channel;

	if (!channel)
		return STATUS_SUCCESS; /* whether it may be without a session is asked elsewhere */
	if (req->flags & SMB2_FLAGS_SIGNED) {
		/* a session that is being set up has no key yet */
		if (!channel->signer && req->command == SMB2_SESSION_SETUP)
			return STATUS_SUCCESS;
		if (!channel->signer || !signing_verify(req, channel->signer))
			return STATUS_ACCESS_DENIED;
		return STATUS_SUCCESS;
	}
	if (channel->signer && req->session->signing_required)
		return STATUS_ACCESS_DENIED;
	return STATUS_SUCCESS;
}

bool signing_wanted(const struct request *req)
{
	const struct session_channel *channel = req->channel;

	if (!channel || !channel->signer)
		return false;
	/* The last reply of a SESSION_SETUP proves to the client that nobody stood between
	 * (protocol-facts 24): signed whatever was agreed. */
	return req->flags & SMB2_FLAGS_SIGNED || req->session->signing_required ||
	       (req->command == SMB2_SESSION_SETUP && nt_success(req->status));
}

int signing_sign(struct request *req, const struct iovec *iov, unsigned count)
{
	return signer_sign(req->channel->signer, iov, count);
}
