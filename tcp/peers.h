/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many channels each peer address has. Any thread (a mutex). An address without channels takes
 * no room. The port does not count.
 */
#ifndef TCP_PEERS_H
#define TCP_PEERS_H

#include <stdbool.h>
#include <sys/socket.h>

struct tcp_peers;

struct tcp_peers *tcp_peers_create(void);
void tcp_peers_destroy(struct tcp_peers *peers);

/* One more from this address: 0, -EMFILE when it has `max` already (0: no limit), or -ENOMEM. */
int tcp_peers_add(struct tcp_peers *peers, const struct sockaddr_storage *address, unsigned max);
void tcp_peers_remove(struct tcp_peers *peers, const struct sockaddr_storage *address);

#endif
