/* SPDX-License-Identifier: Apache-2.0 */
/* Devices: what they can do, their ports, and how they come, go and tell of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/fake/verbs_private.h"

static void device_appear(unsigned i)
{
	struct fake_device *d = fake_new(sizeof(*d));

	d->device.node_type = i ? IBV_NODE_RNIC : IBV_NODE_CA;
	snprintf(d->device.name, sizeof(d->device.name), "fake%u", i);
	d->context.device = &d->device;
	d->context.async_fd = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE | EFD_NONBLOCK);
	d->port_down = fab.config.port_down && i == 0;
	d->no_pd = fab.config.no_pd && i == 0;
	fab.device[i] = d;
}

static void device_free(struct fake_device *d)
{
	close(d->context.async_fd);
	free(d);
}

void fake_devices_start(void)
{
	for (unsigned i = 0; i < FAKE_DEVICES; i++) {
		fab.device[i] = NULL;
		if (!(fab.config.absent & 1u << i))
			device_appear(i);
	}
}

void fake_devices_stop(void)
{
	struct fake_device *gone;

	for (unsigned i = 0; i < FAKE_DEVICES; i++) {
		if (fab.device[i] && fab.device[i]->refs)
			fake_breach("a device is not given back");
		if (fab.device[i])
			device_free(fab.device[i]);
	}
	while ((gone = fab.gone) != NULL) {
		fab.gone = gone->next;
		if (gone->refs)
			fake_breach("a device that went is not given back");
		device_free(gone);
	}
}

struct fake_device *fake_device_of(struct ibv_context *context)
{
	return container_of(context, struct fake_device, context);
}

struct ibv_context *fake_device_context(unsigned i)
{
	return fab.device[i] ? &fab.device[i]->context : NULL;
}

/* ---- for tests ---- */

static void device_vanish(unsigned i)
{
	struct fake_device *d = fab.device[i];

	fab.device[i] = NULL;
	list_for_each (n, &fab.ids) {
		struct fake_id *id = container_of(n, struct fake_id, node);

		if (id->base.verbs == &d->context)
			fake_event_push(id, NULL, RDMA_CM_EVENT_DEVICE_REMOVAL, 0);
	}
	d->gone = true;
	fake_fd_signal(d->context.async_fd);
	fab.counts.held += d->refs > 0;
	d->next = fab.gone;
	fab.gone = d;
}

void fake_verbs_present(unsigned device, bool present)
{
	LOCK();
	if (!present && fab.device[device])
		device_vanish(device);
	else if (present && !fab.device[device])
		device_appear(device);
	UNLOCK();
}

void fake_verbs_async(unsigned device, int type)
{
	struct fake_device *d;

	LOCK();
	d = fab.device[device];
	if (type == IBV_EVENT_PORT_ERR || type == IBV_EVENT_PORT_ACTIVE)
		d->port_down = type == IBV_EVENT_PORT_ERR;
	d->events[d->event_count++ % FAKE_ASYNC] = type;
	fake_fd_signal(d->context.async_fd);
	UNLOCK();
}

void fake_verbs_move_address(unsigned device)
{
	LOCK();
	list_for_each (n, &fab.ids) {
		struct fake_id *id = container_of(n, struct fake_id, node);

		if (id->base.verbs == fake_device_context(device))
			fake_event_push(id, NULL, RDMA_CM_EVENT_ADDR_CHANGE, 0);
	}
	UNLOCK();
}

/* ---- the calls ---- */

struct ibv_context **fake_get_devices(int *count)
{
	struct ibv_context **list = fake_new((FAKE_DEVICES + 1) * sizeof(*list));

	LOCK();
	*count = 0;
	for (unsigned i = 0; i < FAKE_DEVICES; i++) {
		if (!fab.device[i])
			continue;
		fab.device[i]->refs++;
		list[(*count)++] = &fab.device[i]->context;
	}
	UNLOCK();
	if (*count)
		return list;
	free((void *)list);
	return NULL;
}

void fake_put_device(struct ibv_context *context, bool gone)
{
	struct fake_device *d = fake_device_of(context);

	LOCK();
	if (d->gone != gone)
		fake_breach("a device given back as what it is not");
	d->refs--;
	fab.counts.held -= d->gone && d->refs == 0;
	UNLOCK();
}

int fake_get_async_event(struct ibv_context *context, struct ibv_async_event *event)
{
	struct fake_device *d = fake_device_of(context);
	int err = EIO;

	LOCK();
	if (!d->gone)
		err = fake_fd_take(context->async_fd) ? 0 : EAGAIN;
	if (!err) {
		*event = (struct ibv_async_event){
			.element.port_num = 1,
			.event_type = (enum ibv_event_type)d->events[d->event_at++ % FAKE_ASYNC]};
	}
	UNLOCK();
	errno = err;
	return err ? -1 : 0;
}

void fake_ack_async_event(struct ibv_async_event *event)
{
}

int fake_query_device(struct ibv_context *context, struct ibv_device_attr *attr)
{
	*attr = (struct ibv_device_attr){
		.max_qp_wr = (int)fab.config.wr_max,
		.max_cqe = 1 << 16,
		.max_sge = (int)fab.config.sge_max,
		.max_sge_rd = (int)fab.config.sge_read_max,
		.max_qp_rd_atom = (int)fab.config.read_depth,
		.max_qp_init_rd_atom = (int)fab.config.read_depth,
		.phys_port_cnt = 1,
		.device_cap_flags =
			fab.config.no_invalidate
				? 0
				: IBV_DEVICE_MEM_MGT_EXTENSIONS | IBV_DEVICE_MEM_WINDOW_TYPE_2B,
	};
	return 0;
}

int fake_query_port(struct ibv_context *context, uint8_t port, struct ibv_port_attr *attr)
{
	bool down;

	if (port != 1)
		return EINVAL;
	LOCK();
	down = fake_device_of(context)->port_down;
	UNLOCK();
	*attr = (struct ibv_port_attr){.state = down ? IBV_PORT_DOWN : IBV_PORT_ACTIVE,
				       .active_speed = 32, /* 25 Gbit/s a lane */
				       .active_width = 2}; /* 4 lanes */
	return 0;
}
