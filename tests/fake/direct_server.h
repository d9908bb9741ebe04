/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server of SMB Direct over the fake fabric, which echoes each message, for tests that speak to
 * it by hand (direct_peer.h). direct_server_prepare() and direct_server_finish() are a cmocka
 * test's setup and teardown; between the first and direct_server_start() the test chooses the
 * fabric, the channel's config and the echo.
 */
#ifndef TESTS_FAKE_DIRECT_SERVER_H
#define TESTS_FAKE_DIRECT_SERVER_H

#include "rdma/listener.h"
#include "tests/fake/direct_peer.h"
#include "tests/fake/echo.h"
#include "tests/fake/verbs.h"

struct direct_server {
	struct fake_verbs_config fabric;
	struct direct_config config;
	struct direct_devices *devices;
	struct reactor *reactor;
	struct buf_pool *pool;
	struct echo echo;
	struct direct_listener *listener;
	struct sockaddr_storage address;
	bool many; /* listens on all of: RoCE, iWARP, RoCE by IPv6, no device */
	struct sockaddr_storage addresses[4];
	struct direct_address_source *source; /* instead of those, if it is there */
	unsigned look_ms;
};

int direct_server_prepare(void **state);
void direct_server_start(struct direct_server *s);
/* Every client is gone. Nothing may be left: of queues and regions the fabric knows, of buffers the
 * pool. */
int direct_server_finish(void **state);

#define DIRECT_CASE(name) \
	cmocka_unit_test_setup_teardown(name, direct_server_prepare, direct_server_finish)

/* Connected, negotiated, and with `granted` credits given to the server by an empty message. */
struct direct_peer *direct_server_friend(struct direct_server *s, uint16_t granted);
/* 1 MiB of it. */
const uint8_t *direct_server_pattern(void);
/* Sends a message of len bytes in fragments of at most `part`, and takes the echo. */
void direct_server_echo(struct direct_peer *p, uint32_t len, uint32_t part);
/* The server ends the connection because of the message; err is what its user is told. */
void direct_server_dies(struct direct_server *s, struct direct_peer *p, int err);

#endif
