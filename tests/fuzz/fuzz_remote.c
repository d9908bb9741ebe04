/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffer descriptors of a READ or WRITE as the server takes them: what is accepted describes
 * exactly what was asked for, within the client's address space; the rest is refused. The input:
 * the length that is asked for, the channel, then the channel information.
 */
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include "smbd/cmd/remote.h"
#include "smbd/session/connection.h"
#include "smbd/session/exchange.h"
#include "smbd/session/open.h"
#include "smbd/session/session.h"
#include "smbd/wire/negotiate.h"
#include "smbd/wire/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct request *req, uint32_t bytes)
{
	uint64_t sum = 0;

	if (req->remote_count == 0 || req->remote_count > req->conn->limits.remote_slices)
		abort();
	for (unsigned i = 0; i < req->remote_count; i++) {
		const struct remote_slice *s = &req->remote[i];

		if (s->offset + s->length < s->offset)
			abort();
		sum += s->length;
	}
	if (sum != bytes)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct open_ops file = {.kind = OPEN_FILE};
	static struct connection conn = {
		.limits = {.remote_bytes = 8 << 20, .remote_slices = 4096},
		.negotiated = {.dialect = SMB2_DIALECT_311},
	};
	static struct session session;
	static struct open open = {.ops = &file};
	static struct exchange x;
	struct request *req = &x.first;
	struct rd r = rd_init(data, size);
	uint32_t bytes = rd_u32(&r), channel = rd_u8(&r), token = 0, first = 0;
	struct wire_blob info;
	bool asked;

	if (!rd_ok(&r))
		return 0;
	info = WIRE_BLOB(data + r.off, rd_left(&r));
	memset(req, 0, sizeof(*req));
	req->conn = &conn;
	req->session = &session;
	req->open = &open;
	req->exchange = &x;
	asked = remote_token(channel, info, &token);
	if (nt_success(remote_take(req, channel, info, bytes))) {
		check(req, bytes);
		first = req->remote[0].token;
		if (channel != SMB2_CHANNEL_RDMA_V1 && channel != SMB2_CHANNEL_RDMA_V1_INVALIDATE)
			abort();
		if (asked != (channel == SMB2_CHANNEL_RDMA_V1_INVALIDATE) ||
		    (asked && first != token))
			abort();
	}
	talloc_free(req->pool);
	return 0;
}
