/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/cmd/commands.h"

#include "smbd/cmd/file_commands.h"
#include "smbd/cmd/session_commands.h"
#include "smbd/wire/header.h"

#define IN_TREE (COMMAND_SESSION | COMMAND_TREE)
#define ON_FILE (IN_TREE | COMMAND_FILE)

/* clang-format off */
const struct command_table commands = {.by_number = {
	[SMB2_NEGOTIATE] = {"NEGOTIATE", cmd_negotiate, 0, NULL, 36},
	[SMB2_SESSION_SETUP] = {"SESSION_SETUP", cmd_session_setup, 0, NULL, 25},
	[SMB2_LOGOFF] = {"LOGOFF", cmd_logoff, COMMAND_SESSION, NULL, 4},
	[SMB2_TREE_CONNECT] = {"TREE_CONNECT", cmd_tree_connect, COMMAND_SESSION, NULL, 9},
	[SMB2_TREE_DISCONNECT] = {"TREE_DISCONNECT", cmd_tree_disconnect, IN_TREE, NULL, 4},
	[SMB2_CREATE] = {"CREATE", cmd_create, IN_TREE, NULL, 57},
	[SMB2_CLOSE] = {"CLOSE", cmd_close, ON_FILE, NULL, 24},
	[SMB2_FLUSH] = {"FLUSH", cmd_flush, ON_FILE, NULL, 24},
	[SMB2_READ] = {"READ", cmd_read, ON_FILE, cmd_read_payload, 49, cmd_read_invalidates},
	[SMB2_WRITE] = {"WRITE", cmd_write, ON_FILE, cmd_write_payload, 49, cmd_write_invalidates},
	[SMB2_LOCK] = {"LOCK", cmd_lock, ON_FILE, NULL, 48},
	[SMB2_IOCTL] = {"IOCTL", cmd_ioctl, ON_FILE, cmd_ioctl_payload, 57},
	[SMB2_ECHO] = {"ECHO", cmd_echo, 0, NULL, 4},
	[SMB2_QUERY_DIRECTORY] = {"QUERY_DIRECTORY", cmd_query_directory, ON_FILE, cmd_query_directory_payload, 33},
	[SMB2_CHANGE_NOTIFY] = {"CHANGE_NOTIFY", cmd_change_notify, ON_FILE, cmd_change_notify_payload, 32},
	[SMB2_QUERY_INFO] = {"QUERY_INFO", cmd_query_info, ON_FILE, cmd_query_info_payload, 41},
	[SMB2_SET_INFO] = {"SET_INFO", cmd_set_info, ON_FILE, cmd_set_info_payload, 33},
	[SMB2_OPLOCK_BREAK] = {"OPLOCK_BREAK", cmd_oplock_break, ON_FILE, NULL, 0},
}};
/* clang-format on */
