/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The RDMA devices of the machine, and the pool's registrations with them. Hides attributes, which
 * devices are used and why others are not (the log says it once, with the remedy), devices that
 * come and go, protection domains and memory regions: every region of the pool is registered once
 * with every device, when the one or the other appears; nothing is registered on the data path.
 *
 * Thread: any (a mutex) but where it says otherwise; direct_device_lkey() takes no lock.
 * Ownership: direct_devices owns devices and registrations; it is made before the pool, whose
 * region_added it is, and destroyed after the last channel is gone and before the pool is. A device
 * that goes away is closed when nobody holds it any more: its driver may be waiting for that.
 * Errors: negative errno.
 */
#ifndef RDMA_DEVICE_H
#define RDMA_DEVICE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "rdma/verbs_api.h"
#include "transport/buf/buf.h"
#include "transport/reactor/reactor.h"

struct direct_device;
struct direct_devices;

struct direct_devices_config {
	const struct verbs_api *verbs;
	const char *const *names; /* the devices to use, as "mlx5_0"; outlives this */
	unsigned name_count;      /* 0: all */
	unsigned regions_max;     /* 0: a default. What the pool grows beyond is refused */
	size_t memory_bytes;      /* all that the pool may take: a device that can't have as much
				   * locked is not used; 0: unknown */
	const char *sysfs;        /* NULL: "/sys". Where devices without user space access show */
};

struct direct_devices *direct_devices_create(const struct direct_devices_config *config);
void direct_devices_destroy(struct direct_devices *devices);

const struct verbs_api *direct_devices_verbs(const struct direct_devices *devices);

/* For buf_pool_config: region_added, with the devices as user. */
int direct_devices_region_added(void *devices, const struct buf_region *region);

/* Looks what there is now: opens every device that can be used, gives up what went away. How many
 * can be used. On the reactor that watches, if one does. */
unsigned direct_devices_scan(struct direct_devices *devices);

/* Hears of what happens to devices: on the reactor, which is stopped before the watch ends. */
struct direct_devices_watch {
	void (*changed)(struct direct_devices_watch *watch);
};

/* On the reactor, or while it does not run. NULL ends it. */
void direct_devices_watch(struct direct_devices *devices, struct reactor *reactor,
			  struct direct_devices_watch *watch);

/* After a look: tells the log of devices that are of no use for want of a port or an address. */
void direct_devices_judge(struct direct_devices *devices);

/* Likewise of something else that they need. */
void direct_devices_say(struct direct_devices *devices, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* What a device can do, as far as it matters here. */
struct direct_device {
	const struct verbs_api *verbs;
	struct ibv_context *context;
	struct ibv_pd *pd;
	const char *name;
	const char *kind; /* "InfiniBand", "RoCE", "iWARP" */
	bool iwarp;
	bool send_invalidate;
	bool windows;                   /* memory windows of type 2 */
	int numa_node;                  /* -1: unknown */
	unsigned wr_max, cqe_max;       /* of a queue pair, of a completion queue */
	unsigned sge_max, sge_read_max; /* of a send or write, of a read */
	unsigned read_out_max;          /* reads we may have under way: initiator depth */
	unsigned read_in_max;           /* reads of the peer: responder resources */

	/* for channels, on any thread */
	atomic_bool failed;               /* it carries nothing any more */
	atomic_uint link_news;            /* counts: its peers may be out of reach */
	atomic_uint addresses;            /* listened on; the listener's */
	atomic_uint channels;             /* now */
	atomic_uint_fast64_t errors, rnr; /* requests that failed; of them, for want of a receive */

	/* the devices' own */
	struct direct_devices *devices;
	struct ibv_mr *_Atomic *mrs; /* by region index */
	struct reactor_watch watch;  /* of asynchronous events */
	bool watched;
	unsigned users; /* whoever got it */
	bool gone;      /* from the machine: closed with the last user */
};

/* The device of a connection, with a reference to it. NULL: it is not to be used. */
struct direct_device *direct_device_get(struct direct_devices *devices,
					struct ibv_context *context);
void direct_device_put(struct direct_device *device);

/* One of its channels has ended, having carried so much. */
void direct_device_count(struct direct_device *device, const struct channel_counters *counters);

/* The connection manager says that it goes away. On the reactor that watches. */
void direct_device_removed(struct direct_device *device);

uint32_t direct_device_lkey(const struct direct_device *device, const struct buf_region *region);

/* Bits a second of a port; 0: unknown. */
uint64_t direct_device_speed(const struct direct_device *device, uint8_t port);

struct direct_devices_stats {
	unsigned devices;
	unsigned registrations; /* now: regions times devices */
	uint64_t channels_ended;
	struct channel_counters ended; /* what those carried, all together */
	char why[224];                 /* nothing is listened on; empty: something is */
};

void direct_devices_stats(struct direct_devices *devices, struct direct_devices_stats *stats);

/* For whoever shows status. */
struct direct_device_status {
	const char *name;
	const char *kind;     /* "" if it is not used */
	const char *not_used; /* why; NULL: it is used */
	uint64_t bits_per_sec;
	unsigned addresses, channels, registrations;
	uint64_t errors, rnr;
};

/* Under the mutex: must not call the devices. */
void direct_devices_each(struct direct_devices *devices,
			 void (*one)(const struct direct_device_status *status, void *arg),
			 void *arg);

#endif
