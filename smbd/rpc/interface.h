/* SPDX-License-Identifier: Apache-2.0 */
/* What is behind a pipe: an interface with its operations. Internal to rpc/. */
#ifndef SMBD_RPC_INTERFACE_H
#define SMBD_RPC_INTERFACE_H

#include "smbd/rpc/ndr.h"
#include "smbd/rpc/rpc.h"
#include "smbd/wire/guid.h"

/* [C706] appendix E, and a Win32 error that Windows uses as a fault's status. */
#define RPC_FAULT_OP_RANGE   0x1c010002u
#define RPC_FAULT_UNKNOWN_IF 0x1c010003u
#define RPC_FAULT_PROTOCOL   0x1c01000bu
#define RPC_FAULT_NO_MEMORY  0x1c00001du
#define RPC_FAULT_BAD_STUB   0x000006f7u
#define RPC_FAULT_ACCESS     0x00000005u

/* Win32 and NERR results ([MS-ERREF] 2.2) */
#define WERR_OK                 0u
#define WERR_ACCESS_DENIED      5u
#define WERR_MORE_DATA          234u
#define WERR_INVALID_LEVEL      124u
#define NERR_NET_NAME_NOT_FOUND 2310u

struct rpc_call {
	TALLOC_CTX *mem; /* goes when the call is over */
	const struct rpc_env *env;
	struct rd in; /* the stub */
	/* on success; allocated on mem by rpc_call_answer() */
	struct ndr_out out;
};

/* Room for an answer of at most `size` bytes. */
bool rpc_call_answer(struct rpc_call *call, size_t size);

struct rpc_operation {
	uint16_t number;
	/* 0, or the status of a fault. The operation's own result is in its answer. */
	uint32_t (*run)(struct rpc_call *call);
};

struct rpc_interface {
	const char *pipe;
	struct guid uuid;
	uint16_t major, minor;
	const struct rpc_operation *operations;
	unsigned operation_count;
};

extern const struct rpc_interface rpc_srvsvc;
extern const struct rpc_interface rpc_wkssvc;

#endif
