/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's end of an SMB Direct connection, by hand: sends any bytes as a message, and sees
 * each message that comes. Keeps no rules but those it is told to. Over the fake fabric; blocking,
 * on the test's thread. Fails the test on what takes longer than ten seconds.
 */
#ifndef TESTS_FAKE_DIRECT_PEER_H
#define TESTS_FAKE_DIRECT_PEER_H

#include <netinet/in.h>
#include <stdbool.h>

#include "rdma/codec.h"

struct direct_peer;

struct direct_peer *direct_peer_connect(const struct sockaddr_storage *to, unsigned receives);
/* Likewise; the other says an initiator depth and responder resources of one. */
struct direct_peer *direct_peer_connect_depth(const struct sockaddr_storage *to, unsigned receives,
					      uint8_t initiator_depth, uint8_t responder_resources);
void direct_peer_close(struct direct_peer *p);

/* How many RDMA reads at once the server says that it makes. */
unsigned direct_peer_depth(const struct direct_peer *p);

/* The raw message. False: the connection is gone. */
bool direct_peer_send(struct direct_peer *p, const void *bytes, size_t len);
/* Waits for one; its receive is posted again. -1: the connection is gone instead. */
int direct_peer_receive(struct direct_peer *p, uint8_t *bytes, size_t cap);
/* Waits for the end; or only looks. */
bool direct_peer_gone(struct direct_peer *p);
bool direct_peer_is_gone(struct direct_peer *p);
/* Receives are not posted again from here on. */
void direct_peer_withhold(struct direct_peer *p);
/* Whether a message came that was not received yet, after a while. */
bool direct_peer_quiet(struct direct_peer *p, unsigned ms);

/* ---- by the protocol ---- */

/* A request as Windows sends it. */
struct direct_negotiate_req direct_peer_request(void);
/* Sends it and decodes the answer; false: gone. */
bool direct_peer_negotiate(struct direct_peer *p, const struct direct_negotiate_req *req,
			   struct direct_negotiate_rsp *rsp);
/* A fragment with len bytes; direct_peer_data_of: with every field. */
bool direct_peer_data(struct direct_peer *p, uint16_t granted, const void *bytes, uint32_t len,
		      uint32_t remaining);
bool direct_peer_data_of(struct direct_peer *p, const struct direct_data *header,
			 const void *bytes);
/* In the middle of a message: takes empty messages until one more may be sent. False: gone. */
bool direct_peer_await_credit(struct direct_peer *p);
/* The next message, decoded; false: gone. out->bytes are valid until the next call. */
bool direct_peer_next(struct direct_peer *p, struct direct_data *out);
/* The next with payload; credits of the empty ones are added up. */
bool direct_peer_next_payload(struct direct_peer *p, struct direct_data *out, unsigned *credits);

#endif
