/* SPDX-License-Identifier: Apache-2.0 */
/* What multichannel clients are told of the host's network, and why not of the rest, as a JSON
 * array for admin_source.interfaces. Thread: any. */
#ifndef SMBD_ADMIN_INTERFACES_H
#define SMBD_ADMIN_INTERFACES_H

#include <stdio.h>

#include "smbd/net/interfaces.h"

void admin_interfaces_write(FILE *out, const struct net_interfaces *all);

#endif
