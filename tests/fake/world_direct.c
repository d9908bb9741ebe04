/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake/world_direct.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the above */
#include <cmocka.h>
#include <netinet/in.h>

static struct direct_devices *devices_for(struct buf_pool_config *pool)
{
	const struct direct_devices_config config = {.verbs = &verbs_fake};
	struct direct_devices *devices = direct_devices_create(&config);

	assert_non_null(devices);
	pool->region_added = direct_devices_region_added;
	pool->user = devices;
	return devices;
}

struct world_direct *world_direct_create(const struct fake_verbs_config *fabric,
					 struct buf_pool_config *pool)
{
	const struct sockaddr_in v4 = {.sin_family = AF_INET,
				       .sin_port = htons(DIRECT_PORT),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct buf_pool_config peers = {.bytes = 32u << 20};
	struct world_direct *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	fake_verbs_start(fabric);
	memcpy(&d->address, &v4, sizeof(v4));
	direct_config_default(&d->channel);
	d->channel.close_timeout_ms = 200;
	d->devices[0] = devices_for(pool);
	d->devices[1] = devices_for(&peers);
	d->peer_pool = buf_pool_create(&peers);
	assert_non_null(d->peer_pool);
	return d;
}

void world_direct_listen(struct world_direct *d, struct reactor *const *reactors,
			 unsigned reactor_count, struct buf_pool *pool,
			 struct channel_acceptor *acceptor)
{
	const struct direct_listener_config config = {.addresses = &d->address,
						      .address_count = 1,
						      .reactors = reactors,
						      .reactor_count = reactor_count,
						      .pool = pool,
						      .devices = d->devices[0],
						      .acceptor = acceptor,
						      .channel = d->channel};

	assert_int_equal(direct_listener_create(&config, &d->listener), 0);
}

void world_direct_connect(struct world_direct *d, struct direct_connect *connect)
{
	connect->pool = d->peer_pool;
	connect->devices = d->devices[1];
	connect->config = d->channel;
	connect->address = d->address;
	assert_int_equal(direct_connect_start(connect), 0);
}

void world_direct_destroy(struct world_direct *d)
{
	direct_listener_stop(d->listener);
	direct_listener_destroy(d->listener);
	for (unsigned i = 0; i < 2; i++)
		direct_devices_destroy(d->devices[i]);
	buf_pool_destroy(d->peer_pool); /* asserts that nothing is out */
	fake_verbs_stop();
	free(d);
}
