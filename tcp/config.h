/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be chosen about a TCP channel: bounds and times. Plain values, copied by who is given
 * them. tcp_config_default() is right for a server on a LAN or a WAN.
 */
#ifndef TCP_CONFIG_H
#define TCP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

struct tcp_config {
	size_t msg_bytes;    /* largest message, either way; at most TCP_MSG_BYTES_MAX */
	unsigned unreleased; /* messages the user may hold before reading stops */
	bool file_slices;    /* offer limits.file_slices: sendfile(2) */

	/* A frame that has begun gets this long, and as much again for each 64 KiB of it that came;
	 * so does a new connection for its first byte. 0: for ever. */
	unsigned frame_timeout_ms;
	/* How long a peer may take nothing of what waits to be sent. 0: for ever. */
	unsigned stall_timeout_ms;
	/* How long an orderly close waits for the peer to take what was sent. */
	unsigned close_timeout_ms;

	/* A server takes no new requests from a peer that does not read its answers. Never on both
	 * ends of a connection: each would wait for the other. */
	bool read_waits_for_sends;

	unsigned keepalive_idle_s; /* TCP_KEEPIDLE; 0: no keepalive */
	unsigned keepalive_interval_s;
	unsigned keepalive_probes;
	unsigned user_timeout_ms; /* TCP_USER_TIMEOUT; 0: the system's */
	int send_buffer_bytes;    /* SO_SNDBUF; 0: the system's */
	int recv_buffer_bytes;    /* SO_RCVBUF; 0: the system's */
	char congestion[16];      /* TCP_CONGESTION; empty: the system's */
};

/* What the 24-bit length of a frame and the largest pool buffer allow. */
#define TCP_MSG_BYTES_MAX (8u * 1024 * 1024 + 60 * 1024)

void tcp_config_default(struct tcp_config *config);

#endif
