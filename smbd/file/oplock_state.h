/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One oplock or lease, as a machine: what it lets its holder cache, and how that is taken back. No
 * lock, no clock, no I/O: whoever holds it says what happened and gets told what to send. So tests
 * and the simulator drive it as the server does.
 *
 * Both kinds are the same bits, SMB2_LEASE_* of wire/create_context.h ([MS-FSA] 2.1.1.10): level II
 * is R, exclusive RW, batch RWH. What differs is how they break: an oplock goes to R or to nothing,
 * in one step; a lease goes bit by bit and counts its changes (epoch).
 *
 * Thread: the owner's. Units: nanoseconds. Sections: [MS-SMB2] 3.3.4.6, 3.3.4.7, 3.3.5.22;
 * [MS-FSA] 2.1.4.12, 2.1.5.18, 2.1.5.19.
 */
#ifndef SMBD_FILE_OPLOCK_STATE_H
#define SMBD_FILE_OPLOCK_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "smbd/wire/ntstatus.h"

struct oplock_state {
	bool lease;
	uint32_t state;
	uint16_t epoch;

	bool breaking;     /* the holder was told, and must answer */
	uint32_t to;       /* what it was told to come down to */
	uint32_t required; /* what it must come down to in the end: told when it has answered */
	uint64_t deadline_ns;
};

/* What its holder is to be told. */
struct oplock_tell {
	uint32_t from, to;
	uint16_t epoch;
	bool ack_required;
};

/* Can that be cached together? [MS-FSA] 2.1.5.18: without R there is nothing. */
uint32_t oplock_state_valid(uint32_t state);

/* It may keep no more than `allowed`. True: tell the holder. What is only R is gone at once; the
 * rest stays until the holder has answered, or the deadline passed. */
bool oplock_state_break(struct oplock_state *o, uint32_t allowed, uint64_t deadline_ns,
			struct oplock_tell *tell);

/* The holder answers that it came down to `state`. True: it is to be told of another step. */
bool oplock_state_ack(struct oplock_state *o, uint32_t state, uint64_t deadline_ns,
		      struct oplock_tell *tell, struct nt_status *status);

/* The holder did not answer, or cannot be told: it has nothing any more. */
void oplock_state_drop(struct oplock_state *o);

/* A holder opens again under the key of its lease. True: it has what it asks for from now on. */
bool oplock_state_upgrade(struct oplock_state *o, uint32_t wanted, uint32_t grantable);

#endif
