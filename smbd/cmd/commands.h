/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all commands, for the server: [MS-SMB2] 2.2.1 and 3.3.5. Constant. */
#ifndef SMBD_CMD_COMMANDS_H
#define SMBD_CMD_COMMANDS_H

#include "smbd/session/request.h"

extern const struct command_table commands;

#endif
