/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake/direct_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transport/reactor/reactor.h"

int direct_server_prepare(void **state)
{
	struct direct_server *s = calloc(1, sizeof(*s));

	echo_init(&s->echo);
	direct_config_default(&s->config);
	s->config.close_timeout_ms = 200;
	*state = s;
	return 0;
}

static void many_addresses(struct direct_server *s)
{
	static const uint32_t hosts[] = {INADDR_LOOPBACK, INADDR_LOOPBACK + 1, 0, 0x0a000001};

	for (unsigned i = 0; i < 4; i++) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)&s->addresses[i];

		v4->sin_family = AF_INET;
		v4->sin_addr.s_addr = htonl(hosts[i]);
	}
	*(struct sockaddr_in6 *)&s->addresses[2] =
		(struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
}

void direct_server_start(struct direct_server *s)
{
	struct reactor_config rc = {.name = "server", .cpu = -1};
	struct direct_devices_config dc;
	struct buf_pool_config pc = {.bytes = 32u << 20, .region_bytes = 16u << 20};
	struct sockaddr_in v4 = {.sin_family = AF_INET,
				 .sin_port = htons(DIRECT_PORT),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct direct_listener_config config = {.addresses = &s->address,
						.address_count = 1,
						.reactors = &s->reactor,
						.reactor_count = 1,
						.source = s->source,
						.look_ms = s->look_ms,
						.acceptor = &s->echo.acceptor,
						.channel = s->config};

	fake_verbs_start(&s->fabric);
	memset(&dc, 0, sizeof(dc));
	dc.verbs = &verbs_fake;
	memcpy(&s->address, &v4, sizeof(v4));
	if (s->many) {
		many_addresses(s);
		config.addresses = s->addresses;
		config.address_count = 4;
	}
	s->devices = config.devices = direct_devices_create(&dc);
	pc.region_added = direct_devices_region_added;
	pc.user = s->devices;
	s->reactor = reactor_create(&rc);
	s->pool = config.pool = buf_pool_create(&pc);
	assert_int_equal(direct_listener_create(&config, &s->listener), 0);
	assert_int_equal(reactor_start(s->reactor), 0);
}

/* Every client is gone. Nothing may be left: of queues and regions the fabric knows, of buffers the
 * pool. */
int direct_server_finish(void **state)
{
	struct direct_server *s = *state;
	struct direct_listener_stats stats = {.channels = 1};
	struct buf_pool_stats bufs;

	if (!s->listener) {
		free(s);
		return 0;
	}
	for (unsigned i = 0; i < 5000 && stats.channels; i++) {
		direct_listener_stats(s->listener, &stats);
		usleep(2000);
	}
	if (stats.channels)
		return -1;
	direct_listener_stop(s->listener);
	reactor_stop(s->reactor);
	direct_listener_destroy(s->listener);
	direct_devices_destroy(s->devices);
	buf_pool_stats(s->pool, &bufs);
	if (bufs.bufs_out)
		return -1;
	buf_pool_destroy(s->pool);
	reactor_destroy(s->reactor);
	fake_verbs_stop();
	free(s);
	return 0;
}

/* Connected, negotiated, and with `granted` credits given to the server by an empty message. */
struct direct_peer *direct_server_friend(struct direct_server *s, uint16_t granted)
{
	struct direct_negotiate_req req = direct_peer_request();
	struct direct_negotiate_rsp rsp;
	struct direct_peer *p = direct_peer_connect(&s->address, 255);

	assert_true(direct_peer_negotiate(p, &req, &rsp));
	assert_int_equal(rsp.status, 0);
	if (granted)
		assert_true(direct_peer_data(p, granted, NULL, 0, 0));
	return p;
}

const uint8_t *direct_server_pattern(void)
{
	static uint8_t bytes[1u << 20];

	for (size_t i = 0; !bytes[1] && i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + (i >> 8));
	return bytes;
}

/* Sends a message of len bytes in fragments of at most `part`, and takes the echo. */
void direct_server_echo(struct direct_peer *p, uint32_t len, uint32_t part)
{
	const uint8_t *bytes = direct_server_pattern();
	struct direct_data out;
	unsigned credits = 0;
	uint32_t at = 0;

	while (at < len) {
		uint32_t n = len - at < part ? len - at : part;

		assert_true(direct_peer_await_credit(p));
		assert_true(direct_peer_data(p, at ? 0 : 10, bytes + at, n, len - at - n));
		at += n;
	}
	for (at = 0; at < len; at += out.len) {
		assert_true(direct_peer_next_payload(p, &out, &credits));
		assert_int_equal(out.remaining, len - at - out.len);
		assert_memory_equal(out.bytes, bytes + at, out.len);
	}
}

/* The server ends the connection because of the message; err is what its user is told. */
void direct_server_dies(struct direct_server *s, struct direct_peer *p, int err)
{
	assert_true(direct_peer_gone(p));
	direct_peer_close(p);
	assert_true(echo_wait(&s->echo.closed, 1));
	assert_int_equal(atomic_load(&s->echo.last_err), err);
}
