/* SPDX-License-Identifier: Apache-2.0 */
/* The Workstation Service Remote Protocol [MS-WKST]: who this machine is. */
#include "smbd/rpc/interface.h"

/* NetrWkstaGetInfo, [MS-WKST] 3.2.4.1. Levels over 100 are for administrators. */
static uint32_t wksta_get_info(struct rpc_call *call)
{
	const struct rpc_env *env = call->env;
	struct ndr_out *out = &call->out;
	uint32_t level;

	ndr_skip_unique_string(&call->in);
	level = ndr_u32(&call->in);
	if (!rd_ok(&call->in))
		return RPC_FAULT_BAD_STUB;
	if (!rpc_call_answer(call, 64 + ndr_string_size(env->server_name) +
					   ndr_string_size(env->workgroup)))
		return RPC_FAULT_NO_MEMORY;
	ndr_put_u32(out, level);
	if (level == 100) {
		ndr_put_pointer(out, true);
		ndr_put_u32(out, 500); /* platform: NT */
		ndr_put_pointer(out, true);
		ndr_put_pointer(out, true);
		ndr_put_u32(out, 6);
		ndr_put_u32(out, 1);
		ndr_put_string(out, env->server_name);
		ndr_put_string(out, env->workgroup);
	} else if (level == 101 || level == 102 || level == 502) {
		ndr_put_pointer(out, false);
	}
	ndr_put_u32(out, level == 100                   ? WERR_OK
			 : level == 101 || level == 102 ? WERR_ACCESS_DENIED
							: WERR_INVALID_LEVEL);
	return 0;
}

static const struct rpc_operation operations[] = {
	{0, wksta_get_info},
};

/* 6bffd098-a112-3610-9833-46c3f87e345a 1.0 */
const struct rpc_interface rpc_wkssvc = {
	.pipe = "wkssvc",
	.uuid = {{0x98, 0xd0, 0xff, 0x6b, 0x12, 0xa1, 0x10, 0x36, 0x98, 0x33, 0x46, 0xc3, 0xf8,
		  0x7e, 0x34, 0x5a}},
	.major = 1,
	.operations = operations,
	.operation_count = sizeof(operations) / sizeof(operations[0]),
};
