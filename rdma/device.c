/* SPDX-License-Identifier: Apache-2.0 */
#include "rdma/device.h"

#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "transport/base/log.h"

#define DEVICES_MAX     16
#define DEVICES_REGIONS 256

struct device_entry {
	struct direct_device device;
	struct ibv_mr *_Atomic *mrs; /* by region index */
};

struct direct_devices {
	struct direct_devices_config config;
	pthread_mutex_t lock;
	const struct buf_region **regions; /* by index; regions_max */
	struct device_entry *entries[DEVICES_MAX];
	unsigned count;
	struct ibv_context *unused[DEVICES_MAX]; /* said so already */
	unsigned unused_count;
};

struct direct_devices *direct_devices_create(const struct direct_devices_config *config)
{
	struct direct_devices *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->config = *config;
	if (!d->config.regions_max)
		d->config.regions_max = DEVICES_REGIONS;
	d->regions = calloc(d->config.regions_max, sizeof(struct buf_region *));
	if (!d->regions) {
		free(d);
		return NULL;
	}
	pthread_mutex_init(&d->lock, NULL);
	return d;
}

const struct verbs_api *direct_devices_verbs(const struct direct_devices *d)
{
	return d->config.verbs;
}

/* ---- registrations ---- */

/* Local write is all that our side of RDMA needs; but on iWARP the sink of a read is written to by
 * the peer. */
static int device_access(const struct direct_device *device)
{
	return IBV_ACCESS_LOCAL_WRITE | (device->iwarp ? IBV_ACCESS_REMOTE_WRITE : 0);
}

static void device_say_unregistered(const struct direct_device *device, int err)
{
	if (err == ENOMEM || err == EPERM)
		log_warning(
			"%s: memory can't be registered: the limit of locked memory is too low: "
			"raise LimitMEMLOCK= of the service (ulimit -l)",
			device->name);
	else
		log_warning("%s: memory can't be registered: %s", device->name, strerror(err));
}

static int device_register(struct device_entry *e, const struct buf_region *region)
{
	struct direct_device *device = &e->device;
	struct ibv_mr *mr;

	if (atomic_load(&e->mrs[region->index]))
		return 0;
	mr = device->verbs->reg_mr(device->pd, region->base, region->len, device_access(device));
	if (!mr) {
		int err = errno;

		device_say_unregistered(device, err);
		return -err;
	}
	atomic_store(&e->mrs[region->index], mr);
	return 0;
}

static void device_deregister(struct device_entry *e, unsigned index)
{
	struct ibv_mr *mr = atomic_exchange(&e->mrs[index], NULL);

	if (mr)
		e->device.verbs->dereg_mr(mr);
}

int direct_devices_region_added(void *user, const struct buf_region *region)
{
	struct direct_devices *d = user;
	int err = 0;

	if (region->index >= d->config.regions_max)
		return -ENOSPC;
	pthread_mutex_lock(&d->lock);
	for (unsigned i = 0; i < d->count && !err; i++)
		err = device_register(d->entries[i], region);
	for (unsigned i = 0; err && i < d->count; i++)
		device_deregister(d->entries[i], region->index);
	if (!err)
		d->regions[region->index] = region;
	pthread_mutex_unlock(&d->lock);
	return err;
}

uint32_t direct_device_lkey(const struct direct_device *device, const struct buf_region *region)
{
	const struct device_entry *e = container_of(device, struct device_entry, device);

	return atomic_load_explicit(&e->mrs[region->index], memory_order_acquire)->lkey;
}

/* ---- locked memory ---- */

static bool memory_is_unlimited(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	return syscall(SYS_capget, &header, data) == 0 && data[0].effective & 1u << CAP_IPC_LOCK;
}

/* Is all that the pool may become lockable for one device more? Else the pool could not grow one
 * day, for everybody. */
static bool memory_suffices(const struct direct_devices *d, const char *name)
{
	rlim_t wanted = (rlim_t)d->config.memory_bytes * (d->count + 1);
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
	    limit.rlim_cur >= wanted || memory_is_unlimited())
		return true;
	log_warning(
		"%s: not used: %llu MiB of memory have to be locked and %llu may be: set "
		"LimitMEMLOCK=infinity in the service (ulimit -l), or lower 'smb3d: buffer memory'",
		name, (unsigned long long)wanted >> 20, (unsigned long long)limit.rlim_cur >> 20);
	return false;
}

/* ---- devices ---- */

static unsigned at_least(int value, unsigned least)
{
	return value > (int)least ? (unsigned)value : least;
}

static int device_query(struct direct_device *device)
{
	struct ibv_device_attr attr;
	int err = device->verbs->query_device(device->context, &attr);

	if (err)
		return err > 0 ? -err : err;
	device->send_invalidate = attr.device_cap_flags & IBV_DEVICE_MEM_MGT_EXTENSIONS;
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

static bool device_has_port(const struct direct_device *device)
{
	struct ibv_port_attr attr;

	for (uint8_t port = 1; !device->verbs->query_port(device->context, port, &attr); port++) {
		if (attr.state == IBV_PORT_ACTIVE)
			return true;
		if (port == 255)
			break;
	}
	return false;
}

static void device_close(struct direct_devices *d, struct device_entry *e)
{
	const struct verbs_api *verbs = e->device.verbs;

	for (unsigned i = 0; e->mrs && i < d->config.regions_max; i++)
		device_deregister(e, i);
	if (e->device.pd)
		verbs->dealloc_pd(e->device.pd);
	free((void *)e->mrs);
	free(e);
}

static int device_open(struct direct_devices *d, struct device_entry *e)
{
	struct direct_device *device = &e->device;
	int err = device_query(device);

	if (err) {
		log_warning("%s: not used: its attributes can't be had: %s", device->name,
			    strerror(-err));
		return err;
	}
	if (!device_has_port(device))
		log_notice("%s: no port is active: set the network interface on it up",
			   device->name);
	device->pd = device->verbs->alloc_pd(device->context);
	if (!device->pd) {
		err = -errno;
		log_warning("%s: not used: no protection domain: %s", device->name, strerror(-err));
		return err;
	}
	for (unsigned i = 0; i < d->config.regions_max && !err; i++)
		err = d->regions[i] ? device_register(e, d->regions[i]) : 0;
	return err;
}

static struct device_entry *device_add(struct direct_devices *d, struct ibv_context *context)
{
	struct device_entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->device.verbs = d->config.verbs;
	e->device.context = context;
	e->device.name = context->device->name;
	e->device.iwarp = context->device->node_type == IBV_NODE_RNIC;
	e->mrs = calloc(d->config.regions_max, sizeof(*e->mrs));
	if (!e->mrs || device_open(d, e) != 0) {
		device_close(d, e);
		return NULL;
	}
	log_info("%s: %s, %u reads at once, %s remote invalidation", e->device.name,
		 e->device.iwarp ? "iWARP" : "RoCE or InfiniBand", e->device.read_out_max,
		 e->device.send_invalidate ? "with" : "without");
	d->entries[d->count++] = e;
	return e;
}

static bool device_named(const struct direct_devices *d, const struct ibv_context *context)
{
	for (unsigned i = 0; i < d->config.name_count; i++) {
		if (strcmp(d->config.names[i], context->device->name) == 0)
			return true;
	}
	return d->config.name_count == 0;
}

/* Once for each, whether it can be used: what failed is not tried with every connection. */
static struct device_entry *device_try(struct direct_devices *d, struct ibv_context *context)
{
	struct device_entry *e = NULL;

	for (unsigned i = 0; i < d->count; i++) {
		if (d->entries[i]->device.context == context)
			return d->entries[i];
	}
	for (unsigned i = 0; i < d->unused_count; i++) {
		if (d->unused[i] == context)
			return NULL;
	}
	if (!device_named(d, context))
		log_info("%s: not used: smb.conf names others", context->device->name);
	else if (d->count < DEVICES_MAX && memory_suffices(d, context->device->name))
		e = device_add(d, context);
	if (!e && d->unused_count < DEVICES_MAX)
		d->unused[d->unused_count++] = context;
	return e;
}

struct direct_device *direct_devices_find(struct direct_devices *d, struct ibv_context *context)
{
	struct device_entry *e;

	pthread_mutex_lock(&d->lock);
	e = context ? device_try(d, context) : NULL;
	pthread_mutex_unlock(&d->lock);
	return e ? &e->device : NULL;
}

unsigned direct_devices_scan(struct direct_devices *d)
{
	int count = 0;
	struct ibv_context **list = d->config.verbs->get_devices(&count);
	unsigned used;

	for (int i = 0; list && i < count; i++)
		direct_devices_find(d, list[i]);
	if (list)
		d->config.verbs->free_devices(list);
	pthread_mutex_lock(&d->lock);
	used = d->count;
	pthread_mutex_unlock(&d->lock);
	if (!used)
		log_notice(
			"no RDMA device can be used: serving TCP only (is the driver's module "
			"loaded? `rdma link` lists devices)");
	return used;
}

void direct_devices_destroy(struct direct_devices *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < d->count; i++)
		device_close(d, d->entries[i]);
	pthread_mutex_destroy(&d->lock);
	free((void *)d->regions);
	free(d);
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

void direct_devices_stats(struct direct_devices *d, struct direct_devices_stats *stats)
{
	*stats = (struct direct_devices_stats){0};
	pthread_mutex_lock(&d->lock);
	stats->devices = d->count;
	for (unsigned i = 0; i < d->count; i++) {
		for (unsigned r = 0; r < d->config.regions_max; r++)
			stats->registrations += atomic_load(&d->entries[i]->mrs[r]) != NULL;
	}
	pthread_mutex_unlock(&d->lock);
}
