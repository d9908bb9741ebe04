/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handlers of the file commands, for the table that main.c gives to the server. Each reads
 * req->in, writes req->out and returns the status; request.h says how. A handler that serves pipes
 * too looks at the open's kind.
 */
#ifndef SMBD_CMD_FILE_COMMANDS_H
#define SMBD_CMD_FILE_COMMANDS_H

#include "smbd/session/request.h"

struct nt_status cmd_create(struct request *req);
struct nt_status cmd_close(struct request *req);
struct nt_status cmd_flush(struct request *req);
struct nt_status cmd_read(struct request *req);
struct nt_status cmd_write(struct request *req);
struct nt_status cmd_lock(struct request *req);
struct nt_status cmd_change_notify(struct request *req);
struct nt_status cmd_query_directory(struct request *req);
struct nt_status cmd_query_info(struct request *req);
struct nt_status cmd_set_info(struct request *req);
struct nt_status cmd_oplock_break(struct request *req);

/* Payload bytes for the check of the credit charge, [MS-SMB2] 3.3.5.2.5. */
uint32_t cmd_read_payload(struct rd in);
uint32_t cmd_write_payload(struct rd in);
uint32_t cmd_query_directory_payload(struct rd in);
uint32_t cmd_query_info_payload(struct rd in);
uint32_t cmd_change_notify_payload(struct rd in);
uint32_t cmd_set_info_payload(struct rd in);

/* The token that the reply to a SMB2_CHANNEL_RDMA_V1_INVALIDATE request invalidates. */
bool cmd_read_invalidates(struct rd in, uint32_t *token);
bool cmd_write_invalidates(struct rd in, uint32_t *token);

#endif
