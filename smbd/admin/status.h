/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What there is to tell of the session layer, for admin_source.status. Thread: any; looks at shared
 * state under its mutexes, and suspends nobody for long.
 */
#ifndef SMBD_ADMIN_STATUS_H
#define SMBD_ADMIN_STATUS_H

#include "smbd/admin/admin.h"

struct server;

void admin_status_report(struct server *server, struct admin_report *report);

#endif
