/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The links between the client's network namespace and the server's, and what can happen to them.
 * Link n is a veth pair, LINK_CLIENT_NAME 10.77.n.1 here and LINK_SERVER_NAME 10.77.n.2 there, with
 * neighbours that never age. Hides netlink.
 *
 * Thread: one at a time uses what links_open() gave it. Errors: negative errno.
 */
#ifndef TESTS_FAILOVER_LINKS_H
#define TESTS_FAILOVER_LINKS_H

#include <stdbool.h>

struct links;

enum link_side { LINK_CLIENT, LINK_SERVER };

/* server: the path of its namespace. */
int links_open(const char *server, struct links **out);
void links_close(struct links *l);

/* The server's address on it. */
const char *link_address(unsigned n, char *text);
#define LINK_ADDRESS_TEXT 16

/* The interface itself, at one side. Up: waits until the link has a carrier. */
int link_set_up(struct links *l, unsigned n, enum link_side side, bool up);
/* What this side sends is lost from now on, and nobody is told; or is not lost any more. */
int link_set_lost(struct links *l, unsigned n, enum link_side side, bool lost);
/* This side's TCP connections over it are aborted, as by a firewall with a reset to both. How many
 * there were; -EOPNOTSUPP: not with this kernel. */
int link_abort(struct links *l, unsigned n, enum link_side side);

#endif
