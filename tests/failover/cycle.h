/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CREATE of a new file, LOCK, unlock, CLOSE which deletes it, again and again: each of which fails
 * when it is done twice. Hides the thread that does so. Thread: another.
 */
#ifndef TESTS_FAILOVER_CYCLE_H
#define TESTS_FAILOVER_CYCLE_H

#include "tools/client/client.h"

struct cycle;

/* name: what its files' names begin with. NULL: no memory. */
struct cycle *cycle_start(const struct client_tree *tree, const char *name);
/* Waits for its end, and adds to `done`. NULL: all was well; else what was not, good until the next
 * call. */
const char *cycle_stop(struct cycle *c, uint64_t *done);

#endif
