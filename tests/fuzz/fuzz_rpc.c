/* SPDX-License-Identifier: Apache-2.0 */
/* A pipe and what a client writes into it: the first byte chooses the pipe and the sizes of writes
 * and reads. */
#include <stdlib.h>

#include "smbd/rpc/rpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void shares(const struct rpc_env *env, void (*one)(void *arg, const struct rpc_share *share),
		   void *arg)
{
	static const struct rpc_share list[] = {
		{.name = "data", .comment = "r\xc3\xa9sum\xc3\xa9", .path = "/srv/data"},
		{.name = "\xff", .comment = "", .path = ""}, /* not UTF-8 */
		{.name = "IPC$", .comment = "", .path = "", .type = RPC_SHARE_IPC},
	};

	for (unsigned i = 0; i < 60; i++)
		one(arg, &list[i % 3]);
}

/* Where the PDU that begins here ends, by what it says; so that one write is one message, as
 * clients do, unless the first byte says otherwise. */
static size_t message_len(const uint8_t *data, size_t left, uint8_t how)
{
	size_t n = how & 2 ? 7 : left >= 10 ? (size_t)data[8] | (size_t)data[9] << 8 : left;

	return n && n < left ? n : left;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rpc_env env = {
		.server_name = "S", .server_comment = "", .workgroup = "W", .shares = shares};
	struct rpc_pipe *pipe = NULL;
	uint8_t how = size ? data[0] : 0, buf[8192];
	size_t cap = how & 4 ? 13 : sizeof(buf), n, off = 1;

	if (!nt_success(rpc_pipe_open(NULL, how & 1 ? "wkssvc" : "srvsvc", &env, &pipe)))
		abort();
	while (off < size) {
		n = message_len(data + off, size - off, how);
		if (!nt_success(rpc_pipe_write(pipe, data + off, n)))
			break;
		off += n;
		while (rpc_pipe_readable(pipe)) {
			size_t before = rpc_pipe_readable(pipe);
			struct nt_status status = rpc_pipe_read(pipe, buf, cap, &n);

			if (n != (before < cap ? before : cap) || nt_error(status))
				abort();
		}
	}
	talloc_free(pipe);
	return 0;
}
