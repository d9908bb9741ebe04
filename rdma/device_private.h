/* SPDX-License-Identifier: Apache-2.0 */
/* Between device.c and devices.c. Under the devices' mutex, or before anybody else knows it. */
#ifndef RDMA_DEVICE_PRIVATE_H
#define RDMA_DEVICE_PRIVATE_H

#include "rdma/device.h"

/* Of a context, which it does not own. NULL: no memory. */
struct direct_device *direct_device_new(const struct verbs_api *verbs, struct ibv_context *context,
					unsigned regions_max);
/* Its attributes and a protection domain; NULL, or why it can't be used. */
const char *direct_device_open(struct direct_device *device);
/* With its registrations. */
void direct_device_free(struct direct_device *device, unsigned regions_max);

int direct_device_register(struct direct_device *device, const struct buf_region *region);
void direct_device_deregister(struct direct_device *device, unsigned index);

/* The first port that is active; 0: none. */
uint8_t direct_device_port(const struct direct_device *device);

#endif
