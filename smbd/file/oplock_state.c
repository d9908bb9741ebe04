/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/file/oplock_state.h"

#include "smbd/wire/create_context.h"

uint32_t oplock_state_valid(uint32_t state)
{
	return state & SMB2_LEASE_READ_CACHING ? state : SMB2_LEASE_NONE;
}

/* What it comes down to when it may keep no more than that. */
static uint32_t state_within(const struct oplock_state *o, uint32_t allowed)
{
	if (!o->lease)
		allowed &= SMB2_LEASE_READ_CACHING;
	return oplock_state_valid(o->state & allowed);
}

/* [MS-SMB2] 3.3.4.6, 3.3.4.7: who only reads has nothing to write back, and is not waited for. */
static void state_tell(struct oplock_state *o, uint32_t to, uint64_t deadline_ns,
		       struct oplock_tell *tell)
{
	bool ack = o->state != SMB2_LEASE_READ_CACHING;

	*tell = (struct oplock_tell){
		.from = o->state, .to = to, .epoch = o->epoch, .ack_required = ack};
	o->breaking = ack;
	o->to = to;
	o->deadline_ns = deadline_ns;
	if (!ack)
		o->state = to;
}

bool oplock_state_break(struct oplock_state *o, uint32_t allowed, uint64_t deadline_ns,
			struct oplock_tell *tell)
{
	uint32_t to = state_within(o, allowed);

	if (!(o->state & ~allowed))
		return false;
	if (o->breaking) {
		/* one at a time: the rest is told when it has answered. As Windows does, the epoch
		 * does not count that step. */
		o->required &= to;
		return false;
	}
	o->epoch++;
	o->required = to;
	state_tell(o, to, deadline_ns, tell);
	return true;
}

/* It has answered; was that all? A lease comes down in steps, as Windows' do: handles first, what
 * was read last. */
static bool state_continue(struct oplock_state *o, uint64_t deadline_ns, struct oplock_tell *tell)
{
	uint32_t next = o->required;

	o->breaking = false;
	if (!(o->state & ~o->required))
		return false;
	if (o->state != SMB2_LEASE_READ_CACHING)
		next |= SMB2_LEASE_READ_CACHING;
	state_tell(o, next & o->state, deadline_ns, tell);
	return true;
}

bool oplock_state_ack(struct oplock_state *o, uint32_t state, uint64_t deadline_ns,
		      struct oplock_tell *tell, struct nt_status *status)
{
	/* 3.3.5.22.2; of oplocks 3.3.5.22.1, where Windows answers for both cases this */
	if (!o->breaking) {
		*status = o->lease ? STATUS_UNSUCCESSFUL : STATUS_INVALID_OPLOCK_PROTOCOL;
		return false;
	}
	if (state & ~o->to) {
		*status = STATUS_REQUEST_NOT_ACCEPTED;
		if (o->lease)
			return false;
		*status = STATUS_INVALID_OPLOCK_PROTOCOL;
		oplock_state_drop(o);
		return false;
	}
	*status = STATUS_SUCCESS;
	o->state = oplock_state_valid(state);
	return state_continue(o, deadline_ns, tell);
}

void oplock_state_drop(struct oplock_state *o)
{
	o->state = SMB2_LEASE_NONE;
	o->breaking = false;
}

bool oplock_state_upgrade(struct oplock_state *o, uint32_t wanted, uint32_t grantable)
{
	/* [MS-SMB2] 3.3.5.9.8: never down, never sideways, and all or nothing */
	if (o->breaking || (o->state & wanted) != o->state || grantable != wanted ||
	    wanted == o->state)
		return false;
	o->state = wanted;
	o->epoch++;
	return true;
}
