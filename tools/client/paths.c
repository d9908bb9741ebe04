/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/client/paths.h"

#include <dirent.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smbd/wire/fsctl.h"
#include "tools/client/client.h"

#define ANSWER_BYTES (CLIENT_INTERFACES_MAX * FSCTL_NETWORK_INTERFACE_ENTRY_SIZE)

#define QUALITY_RDMA  (1ull << 63)
#define QUALITY_RSS   (1ull << 62)
#define QUALITY_SPEED (QUALITY_RSS - 1)

/* ---- the server's ---- */

static unsigned interfaces_decode(struct rd r, struct client_interface *list, unsigned max)
{
	struct fsctl_network_interface one;
	unsigned n = 0;

	while (n < max && fsctl_network_interface_next(&r, &one)) {
		if (one.address.ss_family == AF_UNSPEC)
			continue;
		list[n++] = (struct client_interface){
			.if_index = one.if_index,
			.rss = one.capability & FSCTL_NETWORK_INTERFACE_RSS_CAPABLE,
			.rdma = one.capability & FSCTL_NETWORK_INTERFACE_RDMA_CAPABLE,
			.bits_per_sec = one.link_speed,
			.address = one.address};
	}
	return n;
}

struct nt_status client_interfaces_query(const struct client_tree *tree,
					 struct client_interface *list, unsigned max,
					 unsigned *count)
{
	const struct smb2_ioctl_request in = {.ctl_code = FSCTL_QUERY_NETWORK_INTERFACE_INFO,
					      .file_id = {UINT64_MAX, UINT64_MAX},
					      .max_output_response = ANSWER_BYTES,
					      .flags = SMB2_0_IOCTL_IS_FSCTL};
	uint8_t *answer = malloc(ANSWER_BYTES);
	struct nt_status status = STATUS_NO_MEMORY;
	size_t got;

	*count = 0;
	if (!answer)
		return status;
	status = client_file_ioctl(tree, &in, answer, ANSWER_BYTES, &got);
	if (nt_success(status))
		*count = interfaces_decode(rd_init(answer, got), list, max);
	free(answer);
	return status;
}

/* ---- our own ---- */

static socklen_t address_bytes(sa_family_t family)
{
	return family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

/* The source address that the kernel would take. */
static bool route_source(const struct sockaddr_storage *to, struct sockaddr_storage *from)
{
	struct sockaddr_storage any = *to;
	socklen_t len = sizeof(*from);
	int fd = socket(to->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok;

	if (fd < 0)
		return false;
	((struct sockaddr_in *)&any)->sin_port = htons(445); /* both families have it there */
	memset(from, 0, sizeof(*from));
	ok = connect(fd, (struct sockaddr *)&any, address_bytes(to->ss_family)) == 0 &&
	     getsockname(fd, (struct sockaddr *)from, &len) == 0;
	close(fd);
	return ok;
}

static bool name_of(const struct sockaddr_storage *address, char name[IFNAMSIZ])
{
	struct ifaddrs *all;
	bool found = false;

	if (getifaddrs(&all) != 0)
		return false;
	for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
		struct sockaddr_storage one = {0};

		if (!i->ifa_addr ||
		    (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		memcpy(&one, i->ifa_addr, address_bytes(i->ifa_addr->sa_family));
		found = channel_address_same_host(&one, address);
		if (found)
			snprintf(name, IFNAMSIZ, "%s", i->ifa_name);
	}
	freeifaddrs(all);
	return found;
}

static uint64_t speed_of(const char *name)
{
	char path[64];
	long megabits = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/net/%s/speed", name);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%ld", &megabits) != 1)
		megabits = 0;
	fclose(f);
	return megabits > 0 ? (uint64_t)megabits * 1000000 : 0;
}

static bool has_queues(const char *name)
{
	unsigned queues = 0;
	struct dirent *e;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/class/net/%s/queues", name);
	dir = opendir(path);
	if (!dir)
		return false;
	while ((e = readdir(dir)) != NULL)
		queues += strncmp(e->d_name, "rx-", 3) == 0;
	closedir(dir);
	return queues > 1;
}

/* The first address of an RDMA port says which netdev it is of. */
static bool port_is_of(const char *device, const char *name)
{
	char path[400], netdev[IFNAMSIZ + 1] = "";
	bool same;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/infiniband/%s/ports/1/gid_attrs/ndevs/0", device);
	f = fopen(path, "re");
	if (!f)
		return false;
	same = fgets(netdev, sizeof(netdev), f) != NULL;
	fclose(f);
	netdev[strcspn(netdev, "\n")] = '\0';
	return same && strcmp(netdev, name) == 0;
}

static bool has_rdma(const char *name)
{
	DIR *dir = opendir("/sys/class/infiniband");
	bool found = false;
	struct dirent *e;

	if (!dir)
		return false;
	while (!found && (e = readdir(dir)) != NULL)
		found = e->d_name[0] != '.' && port_is_of(e->d_name, name);
	closedir(dir);
	return found;
}

static bool kernel_locate(const struct client_locator *locator, const struct sockaddr_storage *to,
			  struct client_interface *out)
{
	char name[IFNAMSIZ];

	*out = (struct client_interface){.if_index = 0};
	if (!route_source(to, &out->address) || !name_of(&out->address, name))
		return false;
	out->if_index = if_nametoindex(name);
	out->rss = has_queues(name);
	out->rdma = has_rdma(name);
	out->bits_per_sec = speed_of(name);
	return true;
}

const struct client_locator client_locator_kernel = {kernel_locate};

/* ---- both ---- */

static uint64_t slower(const struct client_interface *a, const struct client_interface *b)
{
	uint64_t speed = a->bits_per_sec;

	if (!speed || (b->bits_per_sec && b->bits_per_sec < speed))
		speed = b->bits_per_sec;
	return speed < QUALITY_SPEED ? speed : QUALITY_SPEED;
}

static struct client_path path_between(const struct client_interface *local,
				       const struct client_interface *remote, bool direct)
{
	bool rss = local->rss && remote->rss;

	return (struct client_path){.to = remote->address,
				    .direct = direct,
				    .local = local->if_index,
				    .remote = remote->if_index,
				    .quality = (direct ? QUALITY_RDMA : 0) |
					       (rss ? QUALITY_RSS : 0) | slower(local, remote),
				    .channels = direct ? 2
						: rss  ? 4
						       : 1};
}

static int by_quality(const void *a, const void *b)
{
	const struct client_path *x = a, *y = b;

	if (x->quality != y->quality)
		return x->quality > y->quality ? -1 : 1;
	if (x->remote != y->remote)
		return x->remote < y->remote ? -1 : 1;
	return (x->to.ss_family != AF_INET) - (y->to.ss_family != AF_INET);
}

unsigned client_paths_make(const struct client_interface *remote, unsigned count,
			   enum client_transport transport, const struct client_locator *locator,
			   struct client_path *out, unsigned max)
{
	struct client_interface local;
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++) {
		if (!locator->locate(locator, &remote[i].address, &local))
			continue;
		if (transport != CLIENT_TCP && remote[i].rdma && local.rdma && n < max)
			out[n++] = path_between(&local, &remote[i], true);
		if (transport != CLIENT_DIRECT && n < max)
			out[n++] = path_between(&local, &remote[i], false);
	}
	qsort(out, n, sizeof(*out), by_quality);
	return n;
}
