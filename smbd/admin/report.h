/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to `status`, put together while the source tells it. Internal to admin/. */
#ifndef SMBD_ADMIN_REPORT_H
#define SMBD_ADMIN_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "smbd/admin/admin.h"

#define REPORT_OPENS_MAX 10000 /* what is beyond is only counted */

struct admin_report;

/* NULL: no memory. */
struct admin_report *report_begin(void);
/* Write it as members of an object that was begun ("..."), and free it. false: no memory. */
bool report_end(struct admin_report *report, FILE *out);

#endif
