/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a share has work instead of whoever logged in: `guest only`, `force user`, `force group`.
 *
 * Thread: any; blocks on the system's databases. Ownership: the result is counted. Errors:
 * ACCESS_DENIED when the configuration names nobody, which is logged.
 */
#ifndef SMBD_CMD_FORCE_H
#define SMBD_CMD_FORCE_H

#include "smbd/wire/ntstatus.h"

struct auth_config;
struct conf;
struct conf_share;
struct session_user;

/* *out: NULL when the user works as itself. */
NT_WARN_UNUSED struct nt_status force_user(const struct conf *conf, const struct conf_share *share,
					   const struct auth_config *auth,
					   const struct session_user *user,
					   struct session_user **out);

#endif
