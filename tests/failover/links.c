/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/failover/links.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/neighbour.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LINK_SOCKETS 64   /* aborted at once */
#define LINK_UP_MS   5000 /* for the carrier */

/* The kernel's, of which the C library's <netinet/tcp.h> has no mask. */
#define LINK_TCP_STATES (1u << TCP_ESTABLISHED | 1u << TCP_CLOSE_WAIT | 1u << TCP_FIN_WAIT1)

struct link_end {
	struct nl_sock *route, *diag;
	int ioctl_fd;
};

struct links {
	struct link_end ends[2];
};

static const char *link_name(unsigned n, enum link_side side, char name[IFNAMSIZ])
{
	snprintf(name, IFNAMSIZ, "cut-%c%u", side == LINK_CLIENT ? 'c' : 's', n);
	return name;
}

static in_addr_t link_ip(unsigned n, enum link_side side)
{
	return htonl(10u << 24 | 77u << 16 | n << 8 | (side == LINK_CLIENT ? 1 : 2));
}

const char *link_address(unsigned n, char *text)
{
	snprintf(text, LINK_ADDRESS_TEXT, "10.77.%u.2", n & 255);
	return text;
}

/* ---- sockets, each in its namespace ---- */

static int end_open(struct link_end *end)
{
	end->route = nl_socket_alloc();
	end->diag = nl_socket_alloc();
	end->ioctl_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (!end->route || !end->diag || end->ioctl_fd < 0)
		return -ENOMEM;
	if (nl_connect(end->route, NETLINK_ROUTE) < 0 ||
	    nl_connect(end->diag, NETLINK_SOCK_DIAG) < 0)
		return -EPROTO;
	return 0;
}

static void end_close(struct link_end *end)
{
	nl_socket_free(end->route);
	nl_socket_free(end->diag);
	if (end->ioctl_fd >= 0)
		close(end->ioctl_fd);
}

static int end_open_there(struct link_end *end, const char *namespace)
{
	int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), err = -errno;
	int there = open(namespace, O_RDONLY | O_CLOEXEC);

	if (there < 0)
		err = -errno;
	if (here >= 0 && there >= 0) {
		err = setns(there, CLONE_NEWNET) < 0 ? -errno : end_open(end);
		if (setns(here, CLONE_NEWNET) < 0)
			abort(); /* everything else would happen in the wrong one */
	}
	if (here >= 0)
		close(here);
	if (there >= 0)
		close(there);
	return err;
}

int links_open(const char *server, struct links **out)
{
	struct links *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->ends[LINK_CLIENT].ioctl_fd = l->ends[LINK_SERVER].ioctl_fd = -1;
	err = end_open(&l->ends[LINK_CLIENT]);
	if (!err)
		err = end_open_there(&l->ends[LINK_SERVER], server);
	if (err) {
		links_close(l);
		return err;
	}
	*out = l;
	return 0;
}

void links_close(struct links *l)
{
	if (!l)
		return;
	end_close(&l->ends[LINK_CLIENT]);
	end_close(&l->ends[LINK_SERVER]);
	free(l);
}

/* ---- up and down ---- */

static int link_flags(struct links *l, unsigned n, enum link_side side, struct ifreq *ifr)
{
	memset(ifr, 0, sizeof(*ifr));
	link_name(n, side, ifr->ifr_name);
	return ioctl(l->ends[side].ioctl_fd, SIOCGIFFLAGS, ifr) < 0 ? -errno : 0;
}

int link_set_up(struct links *l, unsigned n, enum link_side side, bool up)
{
	struct ifreq ifr;
	int err = link_flags(l, n, side, &ifr);

	if (err)
		return err;
	ifr.ifr_flags = (short)(up ? ifr.ifr_flags | IFF_UP : ifr.ifr_flags & ~IFF_UP);
	if (ioctl(l->ends[side].ioctl_fd, SIOCSIFFLAGS, &ifr) < 0)
		return -errno;
	for (unsigned ms = 0; up && ms < LINK_UP_MS; ms++) {
		err = link_flags(l, n, side, &ifr);
		if (err || (ifr.ifr_flags & IFF_RUNNING))
			break;
		usleep(1000);
	}
	if (!up || err)
		return err;
	/* the neighbour went with the interface */
	return link_set_lost(l, n, side, false);
}

/* ---- silence: frames for a machine that is not there ---- */

int link_set_lost(struct links *l, unsigned n, enum link_side side, bool lost)
{
	uint8_t mac[6] = {0x02, 0x77, lost ? 0xff : 0, 0, (uint8_t)n, side == LINK_CLIENT ? 2 : 1};
	in_addr_t ip = link_ip(n, side == LINK_CLIENT ? LINK_SERVER : LINK_CLIENT);
	struct rtnl_neigh *neigh = rtnl_neigh_alloc();
	struct nl_addr *dst = nl_addr_build(AF_INET, &ip, sizeof(ip));
	struct nl_addr *lladdr = nl_addr_build(AF_LLC, mac, sizeof(mac));
	struct ifreq ifr = {0};
	int err = -ENOMEM;

	if (!neigh || !dst || !lladdr)
		goto out;
	link_name(n, side, ifr.ifr_name);
	if (ioctl(l->ends[side].ioctl_fd, SIOCGIFINDEX, &ifr) < 0) {
		err = -errno;
		goto out;
	}
	rtnl_neigh_set_ifindex(neigh, ifr.ifr_ifindex);
	rtnl_neigh_set_dst(neigh, dst);
	rtnl_neigh_set_lladdr(neigh, lladdr);
	rtnl_neigh_set_state(neigh, rtnl_neigh_str2state("permanent"));
	err = rtnl_neigh_add(l->ends[side].route, neigh, NLM_F_CREATE | NLM_F_REPLACE);
	err = err < 0 ? -EPROTO : 0;
out:
	if (neigh)
		rtnl_neigh_put(neigh);
	nl_addr_put(dst);
	nl_addr_put(lladdr);
	return err;
}

/* ---- resets ---- */

struct link_victims {
	in_addr_t local, remote;
	struct inet_diag_sockid ids[LINK_SOCKETS];
	unsigned count;
};

static int link_found(struct nl_msg *msg, void *arg)
{
	const struct inet_diag_msg *sock = nlmsg_data(nlmsg_hdr(msg));
	struct link_victims *v = arg;

	if (nlmsg_datalen(nlmsg_hdr(msg)) >= (int)sizeof(*sock) &&
	    sock->id.idiag_src[0] == v->local && sock->id.idiag_dst[0] == v->remote &&
	    v->count < LINK_SOCKETS)
		v->ids[v->count++] = sock->id;
	return NL_OK;
}

static int link_find(struct link_end *end, struct link_victims *v)
{
	struct inet_diag_req_v2 rq = {.sdiag_family = AF_INET,
				      .sdiag_protocol = IPPROTO_TCP,
				      .idiag_states = LINK_TCP_STATES};

	nl_socket_modify_cb(end->diag, NL_CB_VALID, NL_CB_CUSTOM, link_found, v);
	if (nl_send_simple(end->diag, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &rq, sizeof(rq)) < 0 ||
	    nl_recvmsgs_default(end->diag) < 0)
		return -EPROTO;
	return 0;
}

int link_abort(struct links *l, unsigned n, enum link_side side)
{
	enum link_side other = side == LINK_CLIENT ? LINK_SERVER : LINK_CLIENT;
	struct link_victims v = {.local = link_ip(n, side), .remote = link_ip(n, other)};
	struct link_end *end = &l->ends[side];
	int err = link_find(end, &v), done = 0;

	for (unsigned i = 0; !err && i < v.count; i++) {
		struct inet_diag_req_v2 rq = {.sdiag_family = AF_INET,
					      .sdiag_protocol = IPPROTO_TCP,
					      .idiag_states = LINK_TCP_STATES,
					      .id = v.ids[i]};

		if (nl_send_simple(end->diag, SOCK_DESTROY, NLM_F_ACK, &rq, sizeof(rq)) < 0)
			return -EPROTO;
		switch (nl_wait_for_ack(end->diag)) {
		case 0:
			done++;
			break;
		case -NLE_OPNOTSUPP:
			err = -EOPNOTSUPP;
			break;
		default: /* it was quicker */
			break;
		}
	}
	return err ? err : done;
}
