/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message ids that a client may use ([MS-SMB2] 3.3.1.1 CommandSequenceWindow, 3.3.5.2.3): each
 * id once, in any order within the window, whose free width is what the client holds in credits.
 *
 * Thread: that of the owner. Ownership: the bitmap is part of the struct: no allocation. Units:
 * ids.
 */
#ifndef SMBD_SESSION_WINDOW_H
#define SMBD_SESSION_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/* Ids from the oldest unused one to the newest granted one. */
#define WINDOW_MAX 16384u

struct window {
	uint64_t low;                   /* the oldest id that was not used */
	uint64_t high;                  /* one over the newest that may be */
	uint32_t credits;               /* granted and not used */
	uint32_t limit;                 /* most credits a client may hold; at most WINDOW_MAX / 2 */
	uint64_t used[WINDOW_MAX / 64]; /* bit id % WINDOW_MAX */
};

/* Begins with id 0 and one credit. */
void window_init(struct window *w, uint32_t limit);

/* Use the ids [id, id + charge). False: one of them is outside the window or was used before; then
 * nothing changed. A charge of 0 counts as 1 ([MS-SMB2] 3.3.5.2.3). */
bool window_use(struct window *w, uint64_t id, uint32_t charge);

/* Another limit from now on: who holds more keeps them. */
void window_limit(struct window *w, uint32_t limit);

/* Grant up to `want` new ids: what limits allow, at least one if the client would hold none.
 * Returns how many. */
uint16_t window_grant(struct window *w, uint32_t want);

#endif
