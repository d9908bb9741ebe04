/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The RDMA devices of the machine, and the pool's registrations with them. Hides attributes, which
 * devices are used and why others are not (the log says it, with the remedy), protection domains
 * and memory regions: every region of the pool is registered once with every device, when the one
 * or the other appears; nothing is registered on the data path.
 *
 * Thread: any (a mutex); direct_device_lkey() takes no lock. Ownership: direct_devices owns devices
 * and registrations; it is made before the pool, whose region_added it is, and destroyed after the
 * last channel is gone and before the pool is. Errors: negative errno.
 */
#ifndef RDMA_DEVICE_H
#define RDMA_DEVICE_H

#include <stdbool.h>

#include "rdma/verbs_api.h"
#include "transport/buf/buf.h"

struct direct_device;
struct direct_devices;

struct direct_devices_config {
	const struct verbs_api *verbs;
	const char *const *names; /* the devices to use, as "mlx5_0"; outlives this */
	unsigned name_count;      /* 0: all */
	unsigned regions_max;     /* 0: a default. What the pool grows beyond is refused */
	size_t memory_bytes;      /* all that the pool may take: a device that can't have as much
				     locked is not used; 0: unknown */
};

struct direct_devices *direct_devices_create(const struct direct_devices_config *config);
void direct_devices_destroy(struct direct_devices *devices);

const struct verbs_api *direct_devices_verbs(const struct direct_devices *devices);

/* For buf_pool_config: region_added, with the devices as user. */
int direct_devices_region_added(void *devices, const struct buf_region *region);

/* Opens every device that can be used. How many there are; tells the log about the others. */
unsigned direct_devices_scan(struct direct_devices *devices);

/* The device of a connection, opened if need be. NULL: it is not to be used. */
struct direct_device *direct_devices_find(struct direct_devices *devices,
					  struct ibv_context *context);

/* What a device can do, as far as it matters here. */
struct direct_device {
	const struct verbs_api *verbs;
	struct ibv_context *context;
	struct ibv_pd *pd;
	const char *name;
	bool iwarp;
	bool send_invalidate;
	unsigned wr_max, cqe_max;       /* of a queue pair, of a completion queue */
	unsigned sge_max, sge_read_max; /* of a send or write, of a read */
	unsigned read_out_max;          /* reads we may have under way: initiator depth */
	unsigned read_in_max;           /* reads of the peer: responder resources */
};

uint32_t direct_device_lkey(const struct direct_device *device, const struct buf_region *region);

/* Bits a second of a port; 0: unknown. */
uint64_t direct_device_speed(const struct direct_device *device, uint8_t port);

struct direct_devices_stats {
	unsigned devices;
	unsigned registrations; /* now: regions times devices */
};

void direct_devices_stats(struct direct_devices *devices, struct direct_devices_stats *stats);

#endif
