/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handlers of what is not about files: connections, sessions, trees, ECHO and IOCTL. For the
 * table that main.c gives to the server; request.h says what a handler is.
 */
#ifndef SMBD_CMD_SESSION_COMMANDS_H
#define SMBD_CMD_SESSION_COMMANDS_H

#include "smbd/session/request.h"

struct nt_status cmd_negotiate(struct request *req);
struct nt_status cmd_session_setup(struct request *req);
struct nt_status cmd_logoff(struct request *req);
struct nt_status cmd_tree_connect(struct request *req);
struct nt_status cmd_tree_disconnect(struct request *req);
struct nt_status cmd_echo(struct request *req);
struct nt_status cmd_ioctl(struct request *req);

/* Payload bytes for the check of the credit charge, [MS-SMB2] 3.3.5.2.5. */
uint32_t cmd_ioctl_payload(struct rd in);

#endif
