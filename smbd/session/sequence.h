/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What keeps a change from being made twice when a client that lost a channel asks again on
 * another: the channel sequence of an open with the counts of its outstanding requests
 * ([MS-SMB2] 3.3.5.2.10, 3.3.4.1), and its lock sequences (3.3.5.14). Private to struct open and
 * the commands that name it.
 *
 * Thread: any; lock-free, so that READ and WRITE on several channels do not meet here.
 * Ownership: part of the open.
 */
#ifndef SMBD_SESSION_SEQUENCE_H
#define SMBD_SESSION_SEQUENCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Open.ChannelSequence, Open.OutstandingRequestCount (of this sequence), and
 * Open.OutstandingPreRequestCount (of those before), in one word. */
struct channel_sequence {
	_Atomic uint64_t word;
};

enum sequence_verdict {
	SEQUENCE_STALE, /* a change must not be made; what changes nothing may go on, uncounted */
	SEQUENCE_UNCOUNTED, /* likewise: it is of this sequence, but older ones are not done */
	SEQUENCE_COUNTED    /* go on; sequence_end() when it is done */
};

void sequence_init(struct channel_sequence *s, uint16_t channel_sequence);
/* A request with this sequence number in its header, and whether with FLAGS_REPLAY_OPERATION. */
enum sequence_verdict sequence_begin(struct channel_sequence *s, uint16_t channel_sequence,
				     bool replay);
/* One that was counted is done: answered, or its channel is lost and it has ended. */
void sequence_end(struct channel_sequence *s, uint16_t channel_sequence);

/* For tests and status. */
struct sequence_counts {
	uint16_t channel_sequence;
	uint32_t outstanding, outstanding_before;
};
struct sequence_counts sequence_counts(const struct channel_sequence *s);

/* Open.LockSequenceArray: by index 1 to 64, the number of the last LOCK done under it. */
#define LOCK_SEQUENCES 64

struct lock_sequences {
	_Atomic uint8_t number[LOCK_SEQUENCES]; /* number + 1; 0: not valid */
};

/*
 * Of a LOCK request's LockSequence field (2.2.26: number in the low 4 bits, index above). True:
 * that LOCK was done already, answer SUCCESS and do nothing. False: do it, and when it has
 * succeeded say lock_sequence_done(). Indexes out of range are never replays.
 */
bool lock_sequence_is_replay(struct lock_sequences *s, uint32_t lock_sequence);
void lock_sequence_done(struct lock_sequences *s, uint32_t lock_sequence);

#endif
