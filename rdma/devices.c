/* SPDX-License-Identifier: Apache-2.0 */
/* All devices: which there are, which are used, who holds them, what happens to them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rdma/device_private.h"
#include "rdma/notes.h"
#include "transport/base/log.h"

#define DEVICES_MAX      16
#define DEVICES_REGIONS  256
#define OUT_OF_REACH_MAX 8
#define NOTE_ALL         "SMB Direct" /* the note that is of no device */

struct direct_devices {
	struct direct_devices_config config;
	pthread_mutex_t lock;
	const struct buf_region **regions; /* by index; regions_max */
	struct direct_device *list[DEVICES_MAX];
	unsigned count;
	struct notes notes;
	uint64_t channels_ended;
	struct channel_counters ended;
	char out_of_reach[OUT_OF_REACH_MAX][64], now_out_of_reach[OUT_OF_REACH_MAX][64];
	bool looked;             /* once at least */
	struct reactor *reactor; /* that watches */
	struct direct_devices_watch *watch;
};

struct direct_devices *direct_devices_create(const struct direct_devices_config *config)
{
	struct direct_devices *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->config = *config;
	if (!d->config.regions_max)
		d->config.regions_max = DEVICES_REGIONS;
	if (!d->config.sysfs)
		d->config.sysfs = "/sys";
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

static const char *register_why(int err)
{
	return err == -ENOMEM || err == -EPERM
		       ? "the limit of locked memory is too low: set LimitMEMLOCK=infinity in the "
			 "service (ulimit -l)"
		       : strerror(-err);
}

int direct_devices_region_added(void *user, const struct buf_region *region)
{
	struct direct_devices *d = user;
	int err = 0;

	if (region->index >= d->config.regions_max)
		return -ENOSPC;
	pthread_mutex_lock(&d->lock);
	for (unsigned i = 0; i < d->count && !err; i++) {
		err = direct_device_register(d->list[i], region);
		if (err)
			notes_say(&d->notes, d->list[i]->name, LOG_LEVEL_WARNING,
				  "memory can't be registered: %s", register_why(err));
	}
	for (unsigned i = 0; err && i < d->count; i++)
		direct_device_deregister(d->list[i], region->index);
	if (!err)
		d->regions[region->index] = region;
	pthread_mutex_unlock(&d->lock);
	return err;
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
static bool memory_suffices(struct direct_devices *d, const char *name)
{
	rlim_t wanted = (rlim_t)d->config.memory_bytes * (d->count + 1);
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
	    limit.rlim_cur >= wanted || memory_is_unlimited())
		return true;
	notes_say(&d->notes, name, LOG_LEVEL_WARNING,
		  "not used: %llu MiB of memory have to be locked, and %llu may be: set "
		  "LimitMEMLOCK=infinity in the service (ulimit -l), or lower 'smb3d: buffer "
		  "memory'",
		  (unsigned long long)wanted >> 20, (unsigned long long)limit.rlim_cur >> 20);
	return false;
}

/* ---- what happens to a device ---- */

static void devices_changed(struct direct_devices *d)
{
	if (d->watch)
		d->watch->changed(d->watch);
}

static void device_unwatch(struct direct_device *device)
{
	if (device->watched)
		reactor_watch_delete(device->devices->reactor, &device->watch);
	device->watched = false;
}

static void device_event(struct direct_device *device, const struct ibv_async_event *event)
{
	switch (event->event_type) {
	case IBV_EVENT_PORT_ACTIVE:
		log_notice("%s: port %d is active", device->name, event->element.port_num);
		break;
	case IBV_EVENT_PORT_ERR:
		log_warning("%s: port %d is down", device->name, event->element.port_num);
		atomic_fetch_add(&device->link_news, 1);
		break;
	case IBV_EVENT_DEVICE_FATAL:
		log_warning("%s: it has failed: its connections end", device->name);
		atomic_store(&device->failed, true);
		break;
	case IBV_EVENT_CQ_ERR: /* whose it is tells by silence */
		log_warning("%s: a completion queue has failed", device->name);
		atomic_fetch_add(&device->link_news, 1);
		break;
	case IBV_EVENT_GID_CHANGE:
	case IBV_EVENT_LID_CHANGE:
	case IBV_EVENT_PKEY_CHANGE:
	case IBV_EVENT_CLIENT_REREGISTER:
		break;
	default: /* of a queue pair: its requests tell */
		return;
	}
	devices_changed(device->devices);
}

static void device_ready(struct reactor_watch *watch, uint32_t events)
{
	struct direct_device *device = container_of(watch, struct direct_device, watch);
	struct ibv_async_event event;

	errno = 0;
	while (device->verbs->get_async_event(device->context, &event) == 0) {
		struct ibv_async_event copy = event;

		device->verbs->ack_async_event(&event);
		device_event(device, &copy);
		errno = 0;
	}
	if (errno == EAGAIN || errno == EINTR)
		return;
	/* the driver took the device away */
	device_unwatch(device);
	atomic_store(&device->failed, true);
	devices_changed(device->devices);
}

static void device_watch(struct direct_device *device)
{
	int fd = device->context->async_fd;

	if (!device->devices->reactor || device->watched || device->gone || fd < 0)
		return;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	device->watch = (struct reactor_watch){.fd = fd, .ready = device_ready};
	device->watched = reactor_watch_add(device->devices->reactor, &device->watch, EPOLLIN) == 0;
}

void direct_devices_watch(struct direct_devices *d, struct reactor *reactor,
			  struct direct_devices_watch *watch)
{
	pthread_mutex_lock(&d->lock);
	for (unsigned i = 0; !watch && i < d->count; i++)
		device_unwatch(d->list[i]);
	d->reactor = watch ? reactor : NULL;
	d->watch = watch;
	for (unsigned i = 0; i < d->count; i++)
		device_watch(d->list[i]);
	pthread_mutex_unlock(&d->lock);
}

/* ---- devices come ---- */

static bool device_named(const struct direct_devices *d, const char *name)
{
	for (unsigned i = 0; i < d->config.name_count; i++) {
		if (strcmp(d->config.names[i], name) == 0)
			return true;
	}
	return d->config.name_count == 0;
}

static int device_register_all(struct direct_devices *d, struct direct_device *device)
{
	int err = 0;

	for (unsigned i = 0; i < d->config.regions_max && !err; i++)
		err = d->regions[i] ? direct_device_register(device, d->regions[i]) : 0;
	return err;
}

/* True: it is ours now. */
static bool device_add(struct direct_devices *d, struct ibv_context *context)
{
	struct direct_device *device =
		direct_device_new(d->config.verbs, context, d->config.regions_max);
	const char *why;
	int err;

	if (!device)
		return false;
	why = direct_device_open(device);
	err = why ? 0 : device_register_all(d, device);
	if (err)
		why = register_why(err);
	if (why) {
		notes_say(&d->notes, device->name, LOG_LEVEL_WARNING, "not used: %s", why);
		direct_device_free(device, d->config.regions_max);
		return false;
	}
	device->devices = d;
	d->list[d->count++] = device;
	device_watch(device);
	log_info("%s: %s, %u reads at once, %s remote invalidation", device->name, device->kind,
		 device->read_out_max, device->send_invalidate ? "with" : "without");
	return true;
}

static bool device_try(struct direct_devices *d, struct ibv_context *context)
{
	const char *name = context->device->name;

	if (!device_named(d, name))
		notes_say(&d->notes, name, LOG_LEVEL_INFO,
			  "not used: 'smb direct devices' names others");
	else if (d->count == DEVICES_MAX)
		notes_say(&d->notes, name, LOG_LEVEL_WARNING, "not used: there are %d already",
			  DEVICES_MAX);
	else if (memory_suffices(d, name))
		return device_add(d, context);
	return false;
}

static struct direct_device *device_of(const struct direct_devices *d,
				       const struct ibv_context *context)
{
	for (unsigned i = 0; i < d->count; i++) {
		if (d->list[i]->context == context)
			return d->list[i];
	}
	return NULL;
}

/* ---- devices go ---- */

static void device_forget(struct direct_devices *d, struct direct_device *device)
{
	unsigned i = 0;

	while (d->list[i] != device)
		i++;
	d->list[i] = d->list[--d->count];
}

/* Off the list, not under the mutex: this takes time. */
static void device_close(struct direct_devices *d, struct direct_device *device)
{
	struct ibv_context *context = device->context;
	bool gone = device->gone;

	if (gone)
		log_notice("%s: given back", device->name);
	direct_device_free(device, d->config.regions_max);
	d->config.verbs->put_device(context, gone);
}

static void device_gone(struct direct_device *device)
{
	if (device->gone)
		return;
	log_warning("%s: it goes away: its connections end", device->name);
	device->gone = true;
	atomic_store(&device->failed, true);
	device_unwatch(device);
}

void direct_device_removed(struct direct_device *device)
{
	pthread_mutex_lock(&device->devices->lock);
	device_gone(device);
	pthread_mutex_unlock(&device->devices->lock);
}

/* One that is gone and that nobody holds, taken off the list. */
static struct direct_device *devices_take_gone(struct direct_devices *d)
{
	for (unsigned i = 0; i < d->count; i++) {
		struct direct_device *device = d->list[i];

		if (device->gone && device->users == 0) {
			device_forget(d, device);
			return device;
		}
	}
	return NULL;
}

static void devices_close_gone(struct direct_devices *d)
{
	struct direct_device *device;

	do {
		pthread_mutex_lock(&d->lock);
		device = devices_take_gone(d);
		pthread_mutex_unlock(&d->lock);
		if (device)
			device_close(d, device);
	} while (device);
}

/* ---- looking ---- */

static bool listed(struct ibv_context *const *list, unsigned count, const char *name)
{
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(list[i]->device->name, name) == 0)
			return true;
	}
	return false;
}

/* Was it out of reach at the last look too? Who is just coming or going is so for a moment. */
static bool out_of_reach_for_long(struct direct_devices *d, const char *name, unsigned index)
{
	bool long_so = !d->looked;

	for (unsigned i = 0; i < OUT_OF_REACH_MAX; i++)
		long_so |= strcmp(d->out_of_reach[i], name) == 0;
	if (index < OUT_OF_REACH_MAX)
		snprintf(d->now_out_of_reach[index], sizeof(d->now_out_of_reach[0]), "%.63s", name);
	return long_so;
}

/* The kernel has them, and user space does not see them. */
static void devices_out_of_reach(struct direct_devices *d, struct ibv_context *const *list,
				 unsigned count)
{
	unsigned found = 0;
	char path[256];
	struct dirent *entry;
	DIR *dir;

	memset(d->now_out_of_reach, 0, sizeof(d->now_out_of_reach));

	snprintf(path, sizeof(path), "%s/class/infiniband", d->config.sysfs);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' || listed(list, count, entry->d_name))
			continue;
		if (!out_of_reach_for_long(d, entry->d_name, found++))
			continue;
		notes_say(&d->notes, entry->d_name, LOG_LEVEL_WARNING,
			  "not used: it can't be opened: load the module ib_uverbs (modprobe "
			  "ib_uverbs), install its driver for user space (ibverbs-providers)");
	}
	if (dir)
		closedir(dir);
	memcpy(d->out_of_reach, d->now_out_of_reach, sizeof(d->out_of_reach));
	d->looked = true;
}

static void devices_look(struct direct_devices *d, struct ibv_context *const *list, unsigned count)
{
	for (unsigned i = 0; i < d->count; i++) {
		bool there = false;

		for (unsigned k = 0; k < count; k++)
			there |= list[k] == d->list[i]->context;
		if (!there)
			device_gone(d->list[i]);
	}
	for (unsigned i = 0; i < count; i++) { /* each with a reference */
		if (device_of(d, list[i]) || !device_try(d, list[i]))
			d->config.verbs->put_device(list[i], false);
	}
}

static unsigned devices_used(const struct direct_devices *d)
{
	unsigned used = 0;

	for (unsigned i = 0; i < d->count; i++)
		used += !atomic_load(&d->list[i]->failed);
	return used;
}

unsigned direct_devices_scan(struct direct_devices *d)
{
	int count = 0;
	struct ibv_context **list = d->config.verbs->get_devices(&count);
	unsigned used;

	pthread_mutex_lock(&d->lock);
	notes_begin(&d->notes);
	devices_out_of_reach(d, list, list ? (unsigned)count : 0);
	devices_look(d, list, list ? (unsigned)count : 0);
	used = devices_used(d);
	pthread_mutex_unlock(&d->lock);
	free((void *)list);
	devices_close_gone(d);
	return used;
}

void direct_devices_judge(struct direct_devices *d)
{
	unsigned listening = 0;

	pthread_mutex_lock(&d->lock);
	for (unsigned i = 0; i < d->count; i++) {
		struct direct_device *device = d->list[i];

		listening += atomic_load(&device->addresses) > 0;
		if (atomic_load(&device->failed))
			notes_say(&d->notes, device->name, LOG_LEVEL_WARNING,
				  "not used: it has failed: it is used again once its driver has "
				  "reset it");
		else if (!direct_device_port(device))
			notes_say(&d->notes, device->name, LOG_LEVEL_WARNING,
				  "of no use: no port is active: set its network interface up "
				  "(`rdma link` names it)");
		else if (!atomic_load(&device->addresses))
			notes_say(&d->notes, device->name, LOG_LEVEL_WARNING,
				  "of no use: no address that may be listened on is on it: give "
				  "its network interface one (`rdma link` names it)");
	}
	if (!listening)
		notes_say(&d->notes, NOTE_ALL, LOG_LEVEL_NOTICE,
			  "no RDMA device can be used: serving TCP only%s",
			  d->count ? ""
				   : " (is the driver's module loaded? `rdma link` lists devices)");
	notes_end(&d->notes);
	pthread_mutex_unlock(&d->lock);
}

void direct_devices_say(struct direct_devices *d, const char *name, const char *fmt, ...)
{
	char text[160];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	pthread_mutex_lock(&d->lock);
	notes_say(&d->notes, name, LOG_LEVEL_WARNING, "%s", text);
	pthread_mutex_unlock(&d->lock);
}

/* ---- holding ---- */

struct direct_device *direct_device_get(struct direct_devices *d, struct ibv_context *context)
{
	struct direct_device *device;

	pthread_mutex_lock(&d->lock);
	device = context ? device_of(d, context) : NULL;
	if (!device && context && !d->watch) { /* nobody looks from time to time */
		pthread_mutex_unlock(&d->lock);
		direct_devices_scan(d);
		pthread_mutex_lock(&d->lock);
		device = device_of(d, context);
	}
	if (device && atomic_load(&device->failed))
		device = NULL;
	if (device)
		device->users++;
	pthread_mutex_unlock(&d->lock);
	return device;
}

static void counters_add(struct channel_counters *to, const struct channel_counters *more)
{
	to->msgs_in += more->msgs_in;
	to->msgs_out += more->msgs_out;
	to->bytes_in += more->bytes_in;
	to->bytes_out += more->bytes_out;
	to->bytes_pulled += more->bytes_pulled;
	to->bytes_pushed += more->bytes_pushed;
	to->invalidations += more->invalidations;
}

void direct_device_count(struct direct_device *device, const struct channel_counters *counters)
{
	struct direct_devices *d = device->devices;

	pthread_mutex_lock(&d->lock);
	d->channels_ended++;
	counters_add(&d->ended, counters);
	pthread_mutex_unlock(&d->lock);
	atomic_fetch_sub(&device->channels, 1);
}

void direct_device_put(struct direct_device *device)
{
	struct direct_devices *d = device->devices;
	bool last;

	pthread_mutex_lock(&d->lock);
	last = --device->users == 0 && device->gone;
	if (last)
		device_forget(d, device);
	pthread_mutex_unlock(&d->lock);
	if (last)
		device_close(d, device);
}

void direct_devices_destroy(struct direct_devices *d)
{
	if (!d)
		return;
	while (d->count) {
		struct direct_device *device = d->list[--d->count];

		device_unwatch(device);
		device_close(d, device);
	}
	pthread_mutex_destroy(&d->lock);
	free((void *)d->regions);
	free(d);
}

/* ---- showing ---- */

static unsigned device_registrations(const struct direct_devices *d,
				     const struct direct_device *device)
{
	unsigned count = 0;

	for (unsigned r = 0; r < d->config.regions_max; r++)
		count += atomic_load(&device->mrs[r]) != NULL;
	return count;
}

void direct_devices_stats(struct direct_devices *d, struct direct_devices_stats *stats)
{
	const struct note *note;

	pthread_mutex_lock(&d->lock);
	*stats = (struct direct_devices_stats){
		.devices = d->count, .channels_ended = d->channels_ended, .ended = d->ended};
	note = notes_find(&d->notes, NOTE_ALL);
	if (note)
		snprintf(stats->why, sizeof(stats->why), "%s", note->text);
	for (unsigned i = 0; i < d->count; i++)
		stats->registrations += device_registrations(d, d->list[i]);
	pthread_mutex_unlock(&d->lock);
}

static void device_status(struct direct_devices *d, const struct direct_device *device,
			  struct direct_device_status *out)
{
	const struct note *note = notes_find(&d->notes, device->name);

	*out = (struct direct_device_status){
		.name = device->name,
		.kind = device->kind,
		.not_used = note ? note->text : NULL,
		.bits_per_sec = direct_device_speed(device, direct_device_port(device)),
		.addresses = atomic_load(&device->addresses),
		.channels = atomic_load(&device->channels),
		.registrations = device_registrations(d, device),
		.errors = atomic_load(&device->errors),
		.rnr = atomic_load(&device->rnr),
	};
}

void direct_devices_each(struct direct_devices *d,
			 void (*one)(const struct direct_device_status *status, void *arg),
			 void *arg)
{
	struct direct_device_status status;

	pthread_mutex_lock(&d->lock);
	for (unsigned i = 0; i < d->count; i++) {
		device_status(d, d->list[i], &status);
		one(&status, arg);
	}
	for (unsigned i = 0; i < NOTES_MAX; i++) {
		const struct note *note = &d->notes.notes[i];
		bool told = note->name[0] == '\0' || strcmp(note->name, NOTE_ALL) == 0;

		for (unsigned k = 0; k < d->count; k++)
			told |= strcmp(d->list[k]->name, note->name) == 0;
		if (told)
			continue;
		status = (struct direct_device_status){
			.name = note->name, .kind = "", .not_used = note->text};
		one(&status, arg);
	}
	pthread_mutex_unlock(&d->lock);
}
