/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/net/links.h"

#include <errno.h>
#include <linux/ethtool_netlink.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <rdma/rdma_netlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>

#include "transport/base/log.h"

#define RDMA_DEVICES_MAX 64
#define RDMA_PORT_ACTIVE 4 /* IB_PORT_ACTIVE */

struct net_link *net_link_find(const struct net_links *all, unsigned index)
{
	for (unsigned i = 0; i < all->count; i++)
		if (all->links[i].index == index)
			return &all->links[i];
	return NULL;
}

/* ---- rtnetlink ---- */

static bool is_ipoib_of_device(const struct net_link *link)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/net/%s/device/infiniband", link->name);
	return access(path, F_OK) == 0;
}

/* The other end of a veth is not beneath it, and what is in another namespace is not seen here. */
static int lower_of(struct rtnl_link *link)
{
	const char *kind = rtnl_link_get_type(link);
	int32_t netns;

	if (rtnl_link_get_link_netnsid(link, &netns) == 0 || (kind && strcmp(kind, "veth") == 0))
		return 0;
	return rtnl_link_get_link(link);
}

static void link_fill(struct net_link *to, struct rtnl_link *from)
{
	unsigned flags = rtnl_link_get_flags(from);
	const char *name = rtnl_link_get_name(from);
	int lower = lower_of(from), master = rtnl_link_get_master(from);

	to->index = (unsigned)rtnl_link_get_ifindex(from);
	snprintf(to->name, sizeof(to->name), "%s", name ? name : "");
	to->lower = lower > 0 ? (unsigned)lower : 0;
	to->master = master > 0 ? (unsigned)master : 0;
	to->loopback = flags & IFF_LOOPBACK;
	to->running = (flags & IFF_UP) && (flags & IFF_RUNNING);
	/* netdevs of InfiniBand are not named in the RDMA subsystem's list of ports */
	to->rdma = rtnl_link_get_arptype(from) == ARPHRD_INFINIBAND && is_ipoib_of_device(to);
}

static int links_read(struct nl_sock *sock, struct net_links *all)
{
	struct nl_cache *cache;
	int err = rtnl_link_alloc_cache(sock, AF_UNSPEC, &cache);

	if (err < 0)
		return -EIO;
	all->links = talloc_zero_array(all, struct net_link, (unsigned)nl_cache_nitems(cache) + 1);
	for (struct nl_object *o = nl_cache_get_first(cache); o && all->links;
	     o = nl_cache_get_next(o)) {
		struct rtnl_link *link = (struct rtnl_link *)o;

		struct net_link *to = net_link_find(all, (unsigned)rtnl_link_get_ifindex(link));

		/* a bridge's ports come a second time, in the bridge's own family */
		if (!to)
			to = &all->links[all->count++];
		else if (rtnl_link_get_family(link) != AF_UNSPEC)
			continue;
		link_fill(to, link);
	}
	nl_cache_free(cache);
	return all->links ? 0 : -ENOMEM;
}

/* Another host's address of a point-to-point link is the peer; ours is `local`. */
static bool address_fill(struct net_address *to, struct rtnl_addr *from)
{
	struct nl_addr *local = rtnl_addr_get_local(from);
	unsigned flags = rtnl_addr_get_flags(from);
	socklen_t len = sizeof(to->address);

	if (!local || nl_addr_fill_sockaddr(local, (struct sockaddr *)&to->address, &len) != 0 ||
	    (to->address.ss_family != AF_INET && to->address.ss_family != AF_INET6))
		return false;
	to->index = (unsigned)rtnl_addr_get_ifindex(from);
	to->tentative =
		(flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) && !(flags & IFA_F_OPTIMISTIC);
	return true;
}

static int addresses_read(struct nl_sock *sock, struct net_links *all)
{
	struct nl_cache *cache;
	int err = rtnl_addr_alloc_cache(sock, &cache);

	if (err < 0)
		return -EIO;
	all->addresses =
		talloc_zero_array(all, struct net_address, (unsigned)nl_cache_nitems(cache) + 1);
	for (struct nl_object *o = nl_cache_get_first(cache); o && all->addresses;
	     o = nl_cache_get_next(o))
		if (address_fill(&all->addresses[all->address_count], (struct rtnl_addr *)o))
			all->address_count++;
	nl_cache_free(cache);
	return all->addresses ? 0 : -ENOMEM;
}

static int route_read(struct net_links *all)
{
	struct nl_sock *sock = nl_socket_alloc();
	int err = sock ? 0 : -ENOMEM;

	if (!err && nl_connect(sock, NETLINK_ROUTE) < 0)
		err = -EIO;
	if (!err)
		err = links_read(sock, all);
	if (!err)
		err = addresses_read(sock, all);
	nl_socket_free(sock);
	return err;
}

/* ---- a dump: its answers go to `valid`, its end to us ---- */

struct dump {
	struct net_links *all;
	unsigned devices[RDMA_DEVICES_MAX];
	unsigned device_count;
};

static int dump_run(struct nl_sock *sock, struct nl_msg *msg, nl_recvmsg_msg_cb_t valid,
		    struct dump *dump)
{
	int err;

	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, valid, dump);
	err = nl_send_auto(sock, msg);
	nlmsg_free(msg);
	return err < 0 ? err : nl_recvmsgs_default(sock);
}

/* ---- ethtool's netlink: which link an answer is about, its speed, its queues ---- */

static struct net_link *ethtool_link(const struct dump *dump, struct nlattr *header)
{
	struct nlattr *a =
		header ? nla_find(nla_data(header), nla_len(header), ETHTOOL_A_HEADER_DEV_INDEX)
		       : NULL;

	return a && nla_len(a) >= 4 ? net_link_find(dump->all, nla_get_u32(a)) : NULL;
}

static struct nlattr *ethtool_attr(struct nl_msg *msg, int type)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);

	if (!genlmsg_valid_hdr(h, 0))
		return NULL;
	return nla_find(genlmsg_attrdata(nlmsg_data(h), 0), genlmsg_attrlen(nlmsg_data(h), 0),
			type);
}

static int speed_seen(struct nl_msg *msg, void *arg)
{
	struct net_link *link = ethtool_link(arg, ethtool_attr(msg, ETHTOOL_A_LINKMODES_HEADER));
	struct nlattr *speed = ethtool_attr(msg, ETHTOOL_A_LINKMODES_SPEED);

	if (link && speed && nla_len(speed) >= 4 && nla_get_u32(speed) != UINT32_MAX) {
		link->has_speed = true;
		link->bits_per_sec = nla_get_u32(speed) * 1000000ull;
	}
	return NL_OK;
}

static int queues_seen(struct nl_msg *msg, void *arg)
{
	static const int kinds[] = {ETHTOOL_A_CHANNELS_RX_COUNT, ETHTOOL_A_CHANNELS_COMBINED_COUNT};
	struct net_link *link = ethtool_link(arg, ethtool_attr(msg, ETHTOOL_A_CHANNELS_HEADER));

	for (unsigned i = 0; link && i < 2; i++) {
		struct nlattr *count = ethtool_attr(msg, kinds[i]);

		if (count && nla_len(count) >= 4)
			link->rx_queues += nla_get_u32(count);
	}
	return NL_OK;
}

static int ethtool_dump(struct nl_sock *sock, int family, uint8_t command, int header,
			nl_recvmsg_msg_cb_t seen, struct dump *dump)
{
	struct nl_msg *msg = nlmsg_alloc();
	struct nlattr *nest;

	if (!msg)
		return -NLE_NOMEM;
	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, NLM_F_DUMP, command,
		    ETHTOOL_GENL_VERSION);
	nest = nla_nest_start(msg, header);
	if (nest)
		nla_nest_end_keep_empty(msg, nest);
	return dump_run(sock, msg, seen, dump);
}

/* Kernels before 5.6 have none: then nothing is known of speeds, and the operator says it. */
static void ethtool_read(struct net_links *all)
{
	struct nl_sock *sock = nl_socket_alloc();
	struct dump dump = {.all = all};
	int family, err;

	if (!sock)
		return;
	if (nl_connect(sock, NETLINK_GENERIC) < 0)
		goto free_sock;
	family = genl_ctrl_resolve(sock, ETHTOOL_GENL_NAME);
	if (family < 0)
		goto free_sock;
	err = ethtool_dump(sock, family, ETHTOOL_MSG_LINKMODES_GET, ETHTOOL_A_LINKMODES_HEADER,
			   speed_seen, &dump);
	if (err < 0)
		log_debug("speeds of the links: %s", nl_geterror(err));
	err = ethtool_dump(sock, family, ETHTOOL_MSG_CHANNELS_GET, ETHTOOL_A_CHANNELS_HEADER,
			   queues_seen, &dump);
	if (err < 0)
		log_debug("queues of the links: %s", nl_geterror(err));
free_sock:
	nl_socket_free(sock);
}

/* ---- the RDMA subsystem's netlink: the netdevs of active ports ---- */

static struct nlattr *rdma_attr(struct nl_msg *msg, int type)
{
	return nlmsg_find_attr(nlmsg_hdr(msg), 0, type);
}

static int device_seen(struct nl_msg *msg, void *arg)
{
	struct nlattr *index = rdma_attr(msg, RDMA_NLDEV_ATTR_DEV_INDEX);
	struct dump *dump = arg;

	if (index && nla_len(index) >= 4 && dump->device_count < RDMA_DEVICES_MAX)
		dump->devices[dump->device_count++] = nla_get_u32(index);
	return NL_OK;
}

static int port_seen(struct nl_msg *msg, void *arg)
{
	struct nlattr *index = rdma_attr(msg, RDMA_NLDEV_ATTR_NDEV_INDEX);
	struct nlattr *state = rdma_attr(msg, RDMA_NLDEV_ATTR_PORT_STATE);
	const struct dump *dump = arg;
	struct net_link *link;

	if (!index || !state || nla_len(index) < 4 || nla_len(state) < 1 ||
	    nla_get_u8(state) != RDMA_PORT_ACTIVE)
		return NL_OK;
	link = net_link_find(dump->all, nla_get_u32(index));
	if (link)
		link->rdma = true;
	return NL_OK;
}

static int rdma_dump(struct nl_sock *sock, int command, const unsigned *device,
		     nl_recvmsg_msg_cb_t seen, struct dump *dump)
{
	struct nl_msg *msg =
		nlmsg_alloc_simple(RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, command), NLM_F_DUMP);

	if (!msg)
		return -NLE_NOMEM;
	if (device)
		nla_put_u32(msg, RDMA_NLDEV_ATTR_DEV_INDEX, *device);
	return dump_run(sock, msg, seen, dump);
}

/* No such netlink family: no RDMA subsystem in this kernel. */
static void rdma_read(struct net_links *all)
{
	struct nl_sock *sock = nl_socket_alloc();
	struct dump dump = {.all = all};
	int err;

	if (!sock)
		return;
	if (nl_connect(sock, NETLINK_RDMA) < 0)
		goto free_sock;
	err = rdma_dump(sock, RDMA_NLDEV_CMD_GET, NULL, device_seen, &dump);
	for (unsigned i = 0; i < dump.device_count && err >= 0; i++)
		err = rdma_dump(sock, RDMA_NLDEV_CMD_PORT_GET, &dump.devices[i], port_seen, &dump);
	if (err < 0)
		log_debug("netdevs of the RDMA devices: %s", nl_geterror(err));
free_sock:
	nl_socket_free(sock);
}

int net_links_read(TALLOC_CTX *mem, struct net_links **out)
{
	struct net_links *all = talloc_zero(mem, struct net_links);
	int err = all ? route_read(all) : -ENOMEM;

	if (err) {
		talloc_free(all);
		return err;
	}
	ethtool_read(all);
	rdma_read(all);
	*out = all;
	return 0;
}
