/* SPDX-License-Identifier: Apache-2.0 */
/* One device: what it can do, its protection domain, its registrations. devices.c: all of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdma/device_private.h"

/* ---- registrations ---- */

/* Local write is all that our side of RDMA needs; but on iWARP the sink of a read is written to by
 * the peer. */
static int device_access(const struct direct_device *device)
{
	return IBV_ACCESS_LOCAL_WRITE | (device->iwarp ? IBV_ACCESS_REMOTE_WRITE : 0);
}

int direct_device_register(struct direct_device *device, const struct buf_region *region)
{
	struct ibv_mr *mr;

	if (atomic_load(&device->mrs[region->index]))
		return 0;
	mr = device->verbs->reg_mr(device->pd, region->base, region->len, device_access(device));
	if (!mr)
		return errno ? -errno : -EIO;
	atomic_store(&device->mrs[region->index], mr);
	return 0;
}

void direct_device_deregister(struct direct_device *device, unsigned index)
{
	struct ibv_mr *mr = atomic_exchange(&device->mrs[index], NULL);

	if (mr)
		device->verbs->dereg_mr(mr);
}

uint32_t direct_device_lkey(const struct direct_device *device, const struct buf_region *region)
{
	return atomic_load_explicit(&device->mrs[region->index], memory_order_acquire)->lkey;
}

/* ---- attributes ---- */

static unsigned at_least(int value, unsigned least)
{
	return value > (int)least ? (unsigned)value : least;
}

static const char *device_kind(const struct direct_device *device)
{
	struct ibv_port_attr attr;

	if (device->iwarp)
		return "iWARP";
	if (device->verbs->query_port(device->context, 1, &attr) == 0 &&
	    attr.link_layer == IBV_LINK_LAYER_INFINIBAND)
		return "InfiniBand";
	return "RoCE";
}

static int device_numa_node(const struct direct_device *device)
{
	char path[IBV_SYSFS_PATH_MAX + 32];
	int node = -1;
	FILE *in;

	snprintf(path, sizeof(path), "%s/device/numa_node", device->context->device->ibdev_path);
	in = fopen(path, "re");
	if (!in)
		return -1;
	if (fscanf(in, "%d", &node) != 1)
		node = -1;
	fclose(in);
	return node;
}

static int device_query(struct direct_device *device)
{
	struct ibv_device_attr attr;
	int err = device->verbs->query_device(device->context, &attr);

	if (err)
		return err > 0 ? -err : err;
	device->kind = device_kind(device);
	device->numa_node = device_numa_node(device);
	device->send_invalidate = attr.device_cap_flags & IBV_DEVICE_MEM_MGT_EXTENSIONS;
	device->windows = attr.device_cap_flags &
			  (IBV_DEVICE_MEM_WINDOW_TYPE_2A | IBV_DEVICE_MEM_WINDOW_TYPE_2B);
	device->wr_max = at_least(attr.max_qp_wr, 1);
	device->cqe_max = at_least(attr.max_cqe, 1);
	device->sge_max = at_least(attr.max_sge, 1);
	device->sge_read_max = at_least(attr.max_sge_rd, 1);
	if (device->sge_read_max > device->sge_max)
		device->sge_read_max = device->sge_max;
	device->read_out_max = at_least(attr.max_qp_init_rd_atom, 1);
	device->read_in_max = at_least(attr.max_qp_rd_atom, 1);
	return 0;
}

/* The first port that is active; 0: none. */
uint8_t direct_device_port(const struct direct_device *device)
{
	struct ibv_port_attr attr;

	for (uint8_t port = 1; !device->verbs->query_port(device->context, port, &attr); port++) {
		if (attr.state == IBV_PORT_ACTIVE)
			return port;
		if (port == 255)
			break;
	}
	return 0;
}

uint64_t direct_device_speed(const struct direct_device *device, uint8_t port)
{
	/* 10^8 bits a second for each lane, by the bit of active_speed */
	static const unsigned lanes[] = {25, 50, 100, 100, 140, 250, 500, 1000};
	static const unsigned widths[] = {1, 4, 8, 12, 2};
	struct ibv_port_attr attr;
	unsigned speed = 0, width = 1;

	if (device->verbs->query_port(device->context, port, &attr))
		return 0;
	for (unsigned i = 0; i < sizeof(lanes) / sizeof(lanes[0]); i++)
		speed = attr.active_speed & 1u << i ? lanes[i] : speed;
	for (unsigned i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
		width = attr.active_width & 1u << i ? widths[i] : width;
	return (uint64_t)speed * width * 100000000u;
}

/* ---- birth and death ---- */

struct direct_device *direct_device_new(const struct verbs_api *verbs, struct ibv_context *context,
					unsigned regions_max)
{
	struct direct_device *device = calloc(1, sizeof(*device));

	if (!device)
		return NULL;
	device->verbs = verbs;
	device->context = context;
	device->name = context->device->name;
	device->iwarp = context->device->node_type == IBV_NODE_RNIC;
	device->mrs = calloc(regions_max, sizeof(*device->mrs));
	if (device->mrs)
		return device;
	free(device);
	return NULL;
}

const char *direct_device_open(struct direct_device *device)
{
	if (device_query(device) != 0)
		return "its attributes can't be had: look at the kernel's log";
	device->pd = device->verbs->alloc_pd(device->context);
	return device->pd ? NULL : "it gives no protection domain: are its resources used up?";
}

void direct_device_free(struct direct_device *device, unsigned regions_max)
{
	for (unsigned i = 0; i < regions_max; i++)
		direct_device_deregister(device, i);
	if (device->pd)
		device->verbs->dealloc_pd(device->pd);
	free((void *)device->mrs);
	free(device);
}
