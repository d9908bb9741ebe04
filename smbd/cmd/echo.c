/* SPDX-License-Identifier: Apache-2.0 */
/* ECHO, [MS-SMB2] 3.3.5.17. */
#include "smbd/cmd/session_commands.h"
#include "smbd/wire/empty.h"

struct nt_status cmd_echo(struct request *req)
{
	if (!smb2_empty_decode(&req->in))
		return STATUS_INVALID_PARAMETER;
	smb2_empty_encode(&req->out);
	return STATUS_SUCCESS;
}
