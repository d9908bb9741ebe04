/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/sequence.h"

#include <assert.h>
#include <stddef.h>

/* All requests of all channels of a session are fewer. */
#define COUNT_BITS 24
#define COUNT_MASK ((1u << COUNT_BITS) - 1)

static uint64_t pack(struct sequence_counts c)
{
	assert(c.outstanding <= COUNT_MASK && c.outstanding_before <= COUNT_MASK);
	return (uint64_t)c.channel_sequence << (2 * COUNT_BITS) |
	       (uint64_t)c.outstanding_before << COUNT_BITS | c.outstanding;
}

static struct sequence_counts unpack(uint64_t word)
{
	return (struct sequence_counts){
		.channel_sequence = (uint16_t)(word >> (2 * COUNT_BITS)),
		.outstanding_before = (uint32_t)(word >> COUNT_BITS) & COUNT_MASK,
		.outstanding = (uint32_t)word & COUNT_MASK,
	};
}

void sequence_init(struct channel_sequence *s, uint16_t channel_sequence)
{
	atomic_init(&s->word, pack((struct sequence_counts){.channel_sequence = channel_sequence}));
}

struct sequence_counts sequence_counts(const struct channel_sequence *s)
{
	return unpack(atomic_load(&s->word));
}

/* [MS-SMB2] 3.3.5.2.10: up to half of all numbers ahead is newer, the other half is older. */
static bool is_newer(uint16_t number, uint16_t than)
{
	return number != than && (uint16_t)(number - than) <= 0x7fff;
}

static enum sequence_verdict begin(struct sequence_counts *c, uint16_t number, bool replay)
{
	if (is_newer(number, c->channel_sequence)) {
		c->outstanding_before += c->outstanding;
		c->outstanding = 0;
		c->channel_sequence = number;
	} else if (number != c->channel_sequence) {
		return SEQUENCE_STALE;
	}
	/* the first try may still be under way: a replay of it waits its turn */
	if (replay && c->outstanding_before > 0)
		return SEQUENCE_UNCOUNTED;
	c->outstanding++;
	return SEQUENCE_COUNTED;
}

enum sequence_verdict sequence_begin(struct channel_sequence *s, uint16_t channel_sequence,
				     bool replay)
{
	uint64_t former = atomic_load(&s->word);
	enum sequence_verdict verdict;
	struct sequence_counts c;

	do {
		c = unpack(former);
		verdict = begin(&c, channel_sequence, replay);
	} while (!atomic_compare_exchange_weak(&s->word, &former, pack(c)));
	return verdict;
}

/* 3.3.4.1. A number that came round again while one was outstanding counts with those before. */
static void end(struct sequence_counts *c, uint16_t number)
{
	if (number == c->channel_sequence && c->outstanding > 0)
		c->outstanding--;
	else if (c->outstanding_before > 0)
		c->outstanding_before--;
}

void sequence_end(struct channel_sequence *s, uint16_t channel_sequence)
{
	uint64_t former = atomic_load(&s->word);
	struct sequence_counts c;

	do {
		c = unpack(former);
		end(&c, channel_sequence);
	} while (!atomic_compare_exchange_weak(&s->word, &former, pack(c)));
}

/* ---- LOCK ---- */

/* [MS-SMB2] 3.3.5.14; NULL: no valid index */
static _Atomic uint8_t *number_of(struct lock_sequences *s, uint32_t lock_sequence)
{
	uint32_t index = lock_sequence >> 4;

	return index >= 1 && index <= LOCK_SEQUENCES ? &s->number[index - 1] : NULL;
}

bool lock_sequence_is_replay(struct lock_sequences *s, uint32_t lock_sequence)
{
	uint8_t number = (uint8_t)(lock_sequence & 0xf) + 1;
	_Atomic uint8_t *known = number_of(s, lock_sequence);

	if (!known)
		return false;
	if (atomic_load(known) == number)
		return true;
	atomic_store(known, 0);
	return false;
}

void lock_sequence_done(struct lock_sequences *s, uint32_t lock_sequence)
{
	_Atomic uint8_t *known = number_of(s, lock_sequence);

	if (known)
		atomic_store(known, (uint8_t)(lock_sequence & 0xf) + 1);
}
