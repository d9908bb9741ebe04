/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where to listen: what `interfaces`, `bind interfaces only` and the ports come to on this machine
 * now. Hides the enumeration of interfaces.
 *
 * Thread: any. Errors: negative errno.
 */
#ifndef SMBD_NET_LISTEN_H
#define SMBD_NET_LISTEN_H

#include <sys/socket.h>

#include "smbd/conf/conf.h"

#define LISTEN_ADDRESSES_MAX 256

struct listen_addresses {
	struct sockaddr_storage list[LISTEN_ADDRESSES_MAX]; /* with ports, each once */
	unsigned count;
};

/* -ENODEV: `interfaces` names nothing that this machine has. */
int listen_addresses_find(const struct conf *conf, const struct conf_ports *ports,
			  struct listen_addresses *out);

/* An address of the machine, with port 0, and its interface. */
struct local_address {
	struct sockaddr_storage address;
	unsigned if_index;
	bool rss; /* it receives in several queues */
};

struct local_addresses {
	struct local_address list[LISTEN_ADDRESSES_MAX];
	unsigned count;
};

/* The addresses of interfaces that are up which `interfaces` and `bind interfaces only` let be
 * listened on, one by one. Those of the loopback only if they are named. None is no error. */
int local_addresses_find(const struct conf *conf, struct local_addresses *out);

/* "192.0.2.1" of one of them, and its port. */
const char *listen_address_text(const struct sockaddr_storage *address, char text[64],
				unsigned *port);

#endif
