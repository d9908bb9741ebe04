/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be chosen about an SMB Direct channel: bounds and times. Plain values, copied by who is
 * given them. A device that cannot do as much gets less.
 */
#ifndef RDMA_CONFIG_H
#define RDMA_CONFIG_H

#include <stdint.h>

struct direct_config {
	/* [MS-SMBD] 3.1.1.1. 255 credits of 1364 bytes are what Windows and Linux use. */
	unsigned receive_credits;  /* ReceiveCreditMax */
	unsigned send_credits;     /* SendCreditTarget: what is asked of the peer */
	uint32_t send_bytes;       /* MaxSendSize: at least 128, as the next */
	uint32_t receive_bytes;    /* MaxReceiveSize */
	uint32_t fragmented_bytes; /* MaxFragmentedReceiveSize; at most what a pool buffer holds */
	uint32_t remote_bytes;     /* MaxReadWriteSize: the largest push or pull */

	unsigned unreleased;   /* messages the user may hold */
	unsigned send_slots;   /* sends under way at once */
	unsigned write_depth;  /* RDMA writes under way at once */
	unsigned window_depth; /* windows being opened or closed at once; 0: there are none */
	unsigned read_depth;   /* RDMA reads under way at once, either way; at most 16 */

	unsigned negotiate_timeout_ms; /* from the connection to the end of the negotiation */
	unsigned keepalive_ms;         /* of silence, after which an answer is asked for ... */
	unsigned keepalive_timeout_ms; /* ... that has to come within this time */
	unsigned
		stall_timeout_ms; /* how long a peer may give no credit for what waits to be sent */
	unsigned close_timeout_ms; /* how long an orderly close waits for what was sent */
};

void direct_config_default(struct direct_config *config);

#endif
