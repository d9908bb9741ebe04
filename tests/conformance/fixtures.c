/* SPDX-License-Identifier: Apache-2.0 */
/* The transports that the suite runs over. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "rdma/connect.h"
#include "rdma/listener.h"
#include "rdma/verbs_api.h"
#include "tcp/connect.h"
#include "tcp/listener.h"
#include "tests/conformance/harness.h"
#include "tests/fake/fault_channel.h"
#include "tests/fake/mem_channel.h"
#include "tests/fake/verbs.h"

static void mem_pair_config(struct mem_config *config)
{
	mem_config_default(config);
	config->limits.unreleased = CONF_UNRELEASED;
	config->close_timeout_ms = CONF_CLOSE_MS;
	config->pulls_reversed = true;
}

static int mem_pair_connect(struct pair *p)
{
	struct mem_config config;
	struct mem_end ends[2];

	mem_pair_config(&config);
	for (unsigned i = 0; i < 2; i++)
		ends[i] = (struct mem_end){p->end[i].reactor, p->end[i].pool, &p->end[i].acceptor};
	return mem_connect(&config, ends);
}

static struct remote_slice mem_expose(struct channel *ch, void *base, uint32_t len, unsigned access)
{
	return mem_register(ch, base, len,
			    (access & REMOTE_READ ? MEM_REMOTE_READ : 0) |
				    (access & REMOTE_WRITE ? MEM_REMOTE_WRITE : 0));
}

static const struct transport_fixture mem_fixture = {
	.name = "mem",
	.connect = mem_pair_connect,
	.expose = mem_expose,
	.exposed = mem_registered,
};

/* ---- mem, wrapped in a channel that delays everything a little ---- */

static int fault_pair_connect(struct pair *p)
{
	const struct fault_plan plan = {.seed = 5, .delay_in_us = 200, .delay_out_us = 200};
	struct fault_acceptor *f = calloc(2, sizeof(*f));
	struct mem_config config;
	struct mem_end ends[2];

	mem_pair_config(&config);
	for (unsigned i = 0; i < 2; i++) {
		fault_acceptor_init(&f[i], &plan, &p->end[i].acceptor);
		ends[i] = (struct mem_end){p->end[i].reactor, p->end[i].pool, &f[i].acceptor};
	}
	p->fixture_state = f;
	return mem_connect(&config, ends);
}

static void fault_pair_disconnect(struct pair *p)
{
	free(p->fixture_state);
}

static struct remote_slice fault_expose(struct channel *ch, void *base, uint32_t len,
					unsigned access)
{
	return mem_expose(fault_inner(ch), base, len, access);
}

static bool fault_exposed(struct channel *ch, uint32_t token)
{
	return mem_registered(fault_inner(ch), token);
}

static const struct transport_fixture fault_fixture = {
	.name = "fault",
	.connect = fault_pair_connect,
	.disconnect = fault_pair_disconnect,
	.expose = fault_expose,
	.exposed = fault_exposed,
};

/* ---- tcp over loopback: end 0 connects to end 1 ---- */

struct tcp_state {
	struct tcp_listener *listener;
	struct tcp_connect connect;
	struct end *end;
};

static void tcp_pair_config(struct tcp_config *config)
{
	tcp_config_default(config);
	config->unreleased = CONF_UNRELEASED;
	config->close_timeout_ms = CONF_CLOSE_MS;
}

/* A peer that refuses may be faster than our hearing of the connection: then the channel is closed
 * before it was there. */
static void tcp_connected(struct tcp_connect *connect, struct channel *ch, int err)
{
	struct end *e = container_of(connect, struct tcp_state, connect)->end;

	if (ch) {
		e->acceptor.accepted(&e->acceptor, ch);
		return;
	}
	pthread_mutex_lock(&e->lock);
	e->accepted = e->closed = true;
	e->closed_err = err;
	pthread_cond_broadcast(&e->changed);
	pthread_mutex_unlock(&e->lock);
}

static void tcp_start(struct end *e, void *arg)
{
	tcp_connect_start(arg);
}

static int tcp_pair_connect_to(struct pair *p, const struct sockaddr_storage *address)
{
	struct tcp_listener_config config = {.addresses = address,
					     .address_count = 1,
					     .reactors = &p->end[1].reactor,
					     .reactor_count = 1,
					     .pool = p->end[1].pool,
					     .acceptor = &p->end[1].acceptor};
	struct tcp_state *s = calloc(1, sizeof(*s));
	int err;

	tcp_pair_config(&config.channel);
	config.channel.read_waits_for_sends = true;
	err = tcp_listener_create(&config, &s->listener, NULL);
	if (err) {
		free(s);
		return err;
	}
	p->fixture_state = s;
	s->end = &p->end[0];
	s->connect.reactor = p->end[0].reactor;
	s->connect.pool = p->end[0].pool;
	s->connect.done = tcp_connected;
	tcp_pair_config(&s->connect.config);
	tcp_listener_address(s->listener, 0, &s->connect.address);
	end_run(s->end, tcp_start, &s->connect);
	return 0;
}

static int tcp_pair_connect(struct pair *p)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_storage address = {0};

	memcpy(&address, &v4, sizeof(v4));
	return tcp_pair_connect_to(p, &address);
}

static void tcp_pair_disconnect(struct pair *p)
{
	struct tcp_state *s = p->fixture_state;

	tcp_listener_destroy(s->listener);
	free(s);
}

static const struct transport_fixture tcp_fixture = {
	.name = "tcp",
	.connect = tcp_pair_connect,
	.disconnect = tcp_pair_disconnect,
};

/* ---- SMB Direct over the fake fabric: end 0 connects to end 1 ---- */

#define CONF_EXPOSED         64
#define CONF_DEVICE_CLOSE_MS 15000 /* a device that an emulator emulates is slow */

struct rdma_state {
	const struct verbs_api *verbs;
	struct direct_devices *devices[2];
	struct direct_listener *listener;
	struct direct_connect connect;
	struct end *end;
	int started;
	struct ibv_mr *exposed[CONF_EXPOSED]; /* of a real device */
	unsigned exposed_count;
};

static void rdma_pair_state(struct pair *p, unsigned i, struct buf_pool_config *config,
			    const struct verbs_api *verbs)
{
	struct direct_devices_config dc = {.verbs = verbs};
	struct rdma_state *s = p->fixture_state;

	if (!s)
		s = p->fixture_state = calloc(1, sizeof(*s));
	s->verbs = verbs;
	s->devices[i] = direct_devices_create(&dc);
	config->region_added = direct_devices_region_added;
	config->user = s->devices[i];
}

static void rdma_pair_fabric(struct pair *p, unsigned i, struct buf_pool_config *config,
			     const struct fake_verbs_config *fabric)
{
	if (!p->fixture_state)
		fake_verbs_start(fabric);
	rdma_pair_state(p, i, config, &verbs_fake);
}

/* As small as devices are: three entries, one read. */
static void rdma_pair_pool(struct pair *p, unsigned i, struct buf_pool_config *config)
{
	struct fake_verbs_config fabric = {.seed = 1};

	rdma_pair_fabric(p, i, config, &fabric);
}

/* One that gathers much, reads much, and knows no remote invalidation. */
static void rdma_wide_pool(struct pair *p, unsigned i, struct buf_pool_config *config)
{
	struct fake_verbs_config fabric = {.seed = 2,
					   .sge_max = 16,
					   .sge_read_max = 16,
					   .read_depth = 16,
					   .no_invalidate = true,
					   .late_established = true};

	rdma_pair_fabric(p, i, config, &fabric);
}

static void rdma_pair_config(struct direct_config *config, const struct rdma_state *s)
{
	direct_config_default(config);
	config->unreleased = CONF_UNRELEASED;
	config->close_timeout_ms = s->verbs == &verbs_fake ? CONF_CLOSE_MS : CONF_DEVICE_CLOSE_MS;
}

static void rdma_connected(struct direct_connect *connect, struct channel *ch, int err)
{
	struct rdma_state *s = container_of(connect, struct rdma_state, connect);

	if (ch && s->end->acceptor.accepted(&s->end->acceptor, ch) != 0)
		channel_close(ch, -EPERM);
}

static void rdma_start(struct end *e, void *arg)
{
	struct rdma_state *s = arg;

	s->started = direct_connect_start(&s->connect);
}

static int rdma_pair_connect_to(struct pair *p, in_addr_t ip)
{
	struct sockaddr_in v4 = {
		.sin_family = AF_INET, .sin_port = htons(DIRECT_PORT), .sin_addr.s_addr = ip};
	struct sockaddr_storage address = {0};
	struct rdma_state *s = p->fixture_state;
	struct direct_listener_config config = {.addresses = &address,
						.address_count = 1,
						.reactors = &p->end[1].reactor,
						.reactor_count = 1,
						.pool = p->end[1].pool,
						.devices = s->devices[1],
						.acceptor = &p->end[1].acceptor};
	int err;

	memcpy(&address, &v4, sizeof(v4));
	rdma_pair_config(&config.channel, s);
	err = direct_listener_create(&config, &s->listener);
	if (err)
		return err;
	s->end = &p->end[0];
	s->connect.reactor = p->end[0].reactor;
	s->connect.pool = p->end[0].pool;
	s->connect.devices = s->devices[0];
	s->connect.done = rdma_connected;
	s->connect.address = address;
	rdma_pair_config(&s->connect.config, s);
	end_run(s->end, rdma_start, s);
	return s->started;
}

static int rdma_pair_connect(struct pair *p)
{
	return rdma_pair_connect_to(p, htonl(INADDR_LOOPBACK));
}

static void rdma_device_disconnect(struct pair *p)
{
	struct rdma_state *s = p->fixture_state;

	direct_listener_destroy(s->listener);
	while (s->exposed_count)
		s->verbs->dereg_mr(s->exposed[--s->exposed_count]);
	for (unsigned i = 0; i < 2; i++)
		direct_devices_destroy(s->devices[i]);
	free(s);
}

static void rdma_pair_disconnect(struct pair *p)
{
	rdma_device_disconnect(p);
	fake_verbs_stop();
}

static struct remote_slice rdma_expose(struct channel *ch, void *base, uint32_t len,
				       unsigned access)
{
	uint32_t key = fake_verbs_expose(base, len,
					 (access & REMOTE_READ ? FAKE_REMOTE_READ : 0) |
						 (access & REMOTE_WRITE ? FAKE_REMOTE_WRITE : 0));

	return (struct remote_slice){.offset = (uintptr_t)base, .token = key, .length = len};
}

static bool rdma_exposed(struct channel *ch, uint32_t token)
{
	return fake_verbs_exposed(token);
}

static const struct transport_fixture rdma_fixture = {
	.name = "rdma",
	.pool = rdma_pair_pool,
	.connect = rdma_pair_connect,
	.disconnect = rdma_pair_disconnect,
	.expose = rdma_expose,
	.exposed = rdma_exposed,
};

static const struct transport_fixture rdma_wide_fixture = {
	.name = "rdma-wide",
	.pool = rdma_wide_pool,
	.connect = rdma_pair_connect,
	.disconnect = rdma_pair_disconnect,
	.expose = rdma_expose,
	.exposed = rdma_exposed,
};

/* ---- over a real device, the one that has the address which SMB3D_RDMA_ADDRESS says ---- */

/* What is exposed here is registered memory, and only windows may be invalidated by the peer. */
static int rdma_device_query(struct ibv_context *context, struct ibv_device_attr *attr)
{
	int err = verbs_real.query_device(context, attr);

	attr->device_cap_flags &= ~(unsigned)IBV_DEVICE_MEM_MGT_EXTENSIONS;
	return err;
}

static void rdma_device_pool(struct pair *p, unsigned i, struct buf_pool_config *config)
{
	static struct verbs_api verbs;

	verbs = verbs_real;
	verbs.query_device = rdma_device_query;
	rdma_pair_state(p, i, config, &verbs);
}

static int rdma_device_connect(struct pair *p)
{
	struct in_addr ip;

	if (inet_pton(AF_INET, getenv("SMB3D_RDMA_ADDRESS"), &ip) != 1)
		return -EINVAL;
	return rdma_pair_connect_to(p, ip.s_addr);
}

/* The device of the channel, as its end has it open. */
static struct direct_device *rdma_device_of(struct channel *ch)
{
	struct end *e = ch->user;
	struct rdma_state *s = e->pair->fixture_state;
	struct direct_device *device = NULL;
	int count = 0;
	struct ibv_context **list = s->verbs->get_devices(&count);

	for (int i = 0; i < count; i++) {
		if (strcmp(list[i]->device->name, ch->link.device) == 0)
			device = direct_device_get(s->devices[e - e->pair->end], list[i]);
		s->verbs->put_device(list[i], false);
	}
	free((void *)list);
	return device;
}

static struct remote_slice rdma_device_expose(struct channel *ch, void *base, uint32_t len,
					      unsigned access)
{
	struct rdma_state *s = ((struct end *)ch->user)->pair->fixture_state;
	struct direct_device *device = rdma_device_of(ch);
	struct ibv_mr *mr;

	assert_non_null(device);
	assert_true(s->exposed_count < CONF_EXPOSED);
	mr = s->verbs->reg_mr(device->pd, base, len,
			      IBV_ACCESS_LOCAL_WRITE |
				      (access & REMOTE_READ ? IBV_ACCESS_REMOTE_READ : 0) |
				      (access & REMOTE_WRITE ? IBV_ACCESS_REMOTE_WRITE : 0));
	assert_non_null(mr);
	s->exposed[s->exposed_count++] = mr;
	direct_device_put(device);
	return (struct remote_slice){.offset = (uintptr_t)base, .token = mr->rkey, .length = len};
}

static bool rdma_device_exposed(struct channel *ch, uint32_t token)
{
	return true;
}

static const struct transport_fixture rdma_device_fixture = {
	.name = "rdma-device",
	.needs = "SMB3D_RDMA_ADDRESS",
	.pool = rdma_device_pool,
	.connect = rdma_device_connect,
	.disconnect = rdma_device_disconnect,
	.expose = rdma_device_expose,
	.exposed = rdma_device_exposed,
};

const struct transport_fixture *const fixtures[] = {
	&mem_fixture,       &fault_fixture,       &tcp_fixture, &rdma_fixture,
	&rdma_wide_fixture, &rdma_device_fixture, NULL};
