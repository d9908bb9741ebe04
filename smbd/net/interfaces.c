/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/net/interfaces.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "smbd/net/match.h"

#define BENEATH_MAX 8 /* a VLAN on a bridge on a bond on a VLAN ...: deeper is a loop */

static const struct sockaddr *generic(const struct sockaddr_storage *address)
{
	return (const struct sockaddr *)address;
}

const char *net_why_text(enum net_why why)
{
	static const char *const text[] = {
		[NET_TOLD] = "",
		[NET_DENIED] = "in \"multichannel deny\"",
		[NET_NOT_ALLOWED] = "not in \"multichannel allow\"",
		[NET_NOT_AN_INTERFACE] = "not in \"interfaces\"",
		[NET_LOOPBACK] = "of this host alone",
		[NET_LINK_LOCAL] = "link-local",
		[NET_TENTATIVE] = "not yet known to be unique",
		[NET_DOWN] = "the link is down",
		[NET_NO_SPEED] = "the link says that its speed is zero",
	};

	return text[why];
}

/* ---- the operator's will ---- */

static const struct conf_interface *item_for(const struct conf_interfaces *list, const char *link,
					     const struct sockaddr_storage *address)
{
	for (unsigned i = 0; i < list->count; i++)
		if (net_item_matches(&list->items[i], link, generic(address)))
			return &list->items[i];
	return NULL;
}

static enum net_why policy(const struct conf *conf, const char *link,
			   const struct sockaddr_storage *address)
{
	if (item_for(&conf->multichannel_deny, link, address))
		return NET_DENIED;
	if (conf->multichannel_allow.count && !item_for(&conf->multichannel_allow, link, address))
		return NET_NOT_ALLOWED;
	if (conf->interfaces.count && !item_for(&conf->interfaces, link, address))
		return NET_NOT_AN_INTERFACE;
	return NET_TOLD;
}

bool net_address_may_bind(const struct conf *conf, const struct net_links *links,
			  const struct sockaddr_storage *local)
{
	const struct net_link *link = NULL;

	for (unsigned i = 0; i < links->address_count && !link; i++)
		if (net_address_equal(generic(&links->addresses[i].address), generic(local)))
			link = net_link_find(links, links->addresses[i].index);
	return policy(conf, link ? link->name : "", local) == NET_TOLD;
}

/* ---- what a link can, by what is beneath it ---- */

struct ability {
	uint64_t bits_per_sec;
	bool has_speed;
	bool rss, rdma;
};

static struct ability ability_of(const struct net_links *all, const struct net_link *link,
				 unsigned depth);

/* A bond's kernel driver knows its mode and says the speed; if it does not, its ports' sum is the
 * best guess. All of a bond's ports must do RDMA, else a failover would end it. */
static struct ability ability_of_ports(const struct net_links *all, const struct net_link *link,
				       unsigned depth)
{
	struct ability sum = {.rdma = true};
	unsigned ports = 0;

	for (unsigned i = 0; i < all->count; i++) {
		struct ability port;

		if (all->links[i].master != link->index)
			continue;
		port = ability_of(all, &all->links[i], depth + 1);
		ports++;
		sum.rdma &= port.rdma;
		if (!all->links[i].running)
			continue;
		sum.rss |= port.rss;
		sum.has_speed |= port.has_speed;
		sum.bits_per_sec += port.bits_per_sec;
	}
	sum.rdma &= ports > 0;
	return sum;
}

static struct ability ability_of(const struct net_links *all, const struct net_link *link,
				 unsigned depth)
{
	struct ability own = {link->bits_per_sec, link->has_speed, link->rx_queues > 1, link->rdma};
	const struct net_link *lower = link->lower ? net_link_find(all, link->lower) : NULL;
	struct ability beneath;

	if (depth == BENEATH_MAX)
		return own;
	beneath = lower ? ability_of(all, lower, depth + 1) : ability_of_ports(all, link, depth);
	own.rdma |= beneath.rdma;
	own.rss |= link->rx_queues == 0 && beneath.rss;
	if (!own.has_speed) {
		own.has_speed = beneath.has_speed;
		own.bits_per_sec = beneath.bits_per_sec;
	}
	return own;
}

/* ---- one address ---- */

static bool is_link_local(const struct sockaddr_storage *address)
{
	const uint8_t *a = net_address_bytes(generic(address));

	if (address->ss_family == AF_INET)
		return a[0] == 169 && a[1] == 254;
	return a[0] == 0xfe && (a[1] & 0xc0) == 0x80;
}

static enum net_why why_of(const struct conf *conf, const struct net_link *link,
			   const struct net_address *address, const struct net_interface *i)
{
	enum net_why why = policy(conf, link->name, &address->address);

	if (why != NET_TOLD)
		return why;
	if (link->loopback && !item_for(&conf->interfaces, link->name, &address->address))
		return NET_LOOPBACK;
	if (is_link_local(&address->address))
		return NET_LINK_LOCAL;
	if (address->tentative)
		return NET_TENTATIVE;
	if (!link->running)
		return NET_DOWN;
	return i->bits_per_sec == 0 ? NET_NO_SPEED : NET_TOLD;
}

/* What the operator says of the link stands above what the kernel says. */
static void override(struct net_interface *i, const struct conf_interface *item)
{
	if (item->if_index)
		i->if_index = item->if_index;
	if (item->bits_per_sec) {
		i->bits_per_sec = item->bits_per_sec;
		i->speed_assumed = false;
	}
	if (item->has_capability) {
		i->rss = item->rss;
		i->rdma = item->rdma;
	}
}

static bool interface_fill(struct net_interface *to, const struct conf *conf,
			   const struct net_links *links, const struct net_address *address,
			   const struct net_rdma *rdma)
{
	const struct net_link *link = net_link_find(links, address->index);
	const struct conf_interface *item;
	struct ability ability;

	if (!link) /* it went between the two dumps */
		return false;
	ability = ability_of(links, link, 0);
	memcpy(to->name, link->name, sizeof(to->name));
	to->if_index = link->index;
	to->address = address->address;
	to->speed_assumed = !ability.has_speed;
	to->bits_per_sec = ability.has_speed ? ability.bits_per_sec : NET_SPEED_ASSUMED;
	to->rss = ability.rss;
	to->rdma = ability.rdma;
	item = item_for(&conf->interfaces, link->name, &address->address);
	if (item)
		override(to, item);
	to->rdma &= rdma && rdma->listens(rdma, &to->address);
	to->why = why_of(conf, link, address, to);
	return true;
}

/* Clients rank RDMA over RSS over speed; those that take the first of the list shall do no worse.
 */
static int compare(const void *a, const void *b)
{
	const struct net_interface *x = a, *y = b;

	if (x->rdma != y->rdma)
		return x->rdma ? -1 : 1;
	if (x->rss != y->rss)
		return x->rss ? -1 : 1;
	if (x->bits_per_sec != y->bits_per_sec)
		return x->bits_per_sec > y->bits_per_sec ? -1 : 1;
	if (x->if_index != y->if_index)
		return x->if_index < y->if_index ? -1 : 1;
	if (x->address.ss_family != y->address.ss_family)
		return x->address.ss_family == AF_INET ? -1 : 1;
	return memcmp(net_address_bytes(generic(&x->address)),
		      net_address_bytes(generic(&y->address)),
		      x->address.ss_family == AF_INET ? 4 : 16);
}

struct net_interfaces *net_interfaces_make(TALLOC_CTX *mem, const struct conf *conf,
					   const struct net_links *links,
					   const struct net_rdma *rdma)
{
	struct net_interfaces *all = talloc_zero(mem, struct net_interfaces);

	if (all)
		all->list = talloc_zero_array(all, struct net_interface, links->address_count + 1);
	if (!all || !all->list) {
		talloc_free(all);
		return NULL;
	}
	for (unsigned i = 0; i < links->address_count; i++)
		if (interface_fill(&all->list[all->count], conf, links, &links->addresses[i], rdma))
			all->count++;
	qsort(all->list, all->count, sizeof(all->list[0]), compare);
	return all;
}

/*
 * The address that a client came in on is always told: it works. If the operator does not let it
 * out, it is all that is told: on a cluster's moving address nobody learns of the others, and
 * nobody binds there.
 */
void net_interfaces_tell(struct net_interfaces *all, const struct sockaddr_storage *local)
{
	bool alone = false;
	unsigned kept = 0;

	for (unsigned i = 0; i < all->count; i++)
		if (net_address_equal(generic(&all->list[i].address), generic(local)))
			alone = all->list[i].why != NET_TOLD && all->list[i].why <= NET_POLICY;
	for (unsigned i = 0; i < all->count; i++) {
		struct net_interface *one = &all->list[i];
		bool came_in = net_address_equal(generic(&one->address), generic(local));

		if (one->if_index == 0) /* 3.3.5.15.11 */
			continue;
		if (came_in || (!alone && one->why == NET_TOLD))
			all->list[kept++] = *one;
	}
	all->count = kept;
}
