/* SPDX-License-Identifier: Apache-2.0 */
#include "tcp/peers.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/list.h"

#define PEERS_BUCKETS 1024

struct tcp_peer {
	struct list_node node;
	uint8_t address[16];
	unsigned channels;
};

struct tcp_peers {
	pthread_mutex_t lock;
	uint64_t seed; /* so that nobody can choose addresses that share a bucket */
	struct list_node buckets[PEERS_BUCKETS];
};

struct tcp_peers *tcp_peers_create(void)
{
	struct tcp_peers *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	pthread_mutex_init(&p->lock, NULL);
	p->seed = (uint64_t)random() << 32 ^ (uintptr_t)p;
	for (unsigned i = 0; i < PEERS_BUCKETS; i++)
		list_init(&p->buckets[i]);
	return p;
}

void tcp_peers_destroy(struct tcp_peers *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < PEERS_BUCKETS; i++) {
		list_for_each_safe (n, &p->buckets[i])
			free(container_of(n, struct tcp_peer, node));
	}
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static void peer_key(const struct sockaddr_storage *address, uint8_t key[16])
{
	memset(key, 0, 16);
	if (address->ss_family == AF_INET6)
		memcpy(key, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
	else
		memcpy(key, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
}

static struct list_node *peer_bucket(struct tcp_peers *p, const uint8_t key[16])
{
	uint64_t hash = p->seed;

	for (unsigned i = 0; i < 16; i++)
		hash = (hash ^ key[i]) * 0x100000001b3ull;
	return &p->buckets[(hash >> 32) % PEERS_BUCKETS];
}

static struct tcp_peer *peer_find(struct list_node *bucket, const uint8_t key[16])
{
	list_for_each (n, bucket) {
		struct tcp_peer *peer = container_of(n, struct tcp_peer, node);

		if (memcmp(peer->address, key, 16) == 0)
			return peer;
	}
	return NULL;
}

static int peer_count(struct list_node *bucket, const uint8_t key[16], unsigned max)
{
	struct tcp_peer *peer = peer_find(bucket, key);

	if (peer && max && peer->channels >= max)
		return -EMFILE;
	if (!peer) {
		peer = calloc(1, sizeof(*peer));
		if (!peer)
			return -ENOMEM;
		memcpy(peer->address, key, 16);
		list_push(bucket, &peer->node);
	}
	peer->channels++;
	return 0;
}

int tcp_peers_add(struct tcp_peers *p, const struct sockaddr_storage *address, unsigned max)
{
	uint8_t key[16];
	int err;

	peer_key(address, key);
	pthread_mutex_lock(&p->lock);
	err = peer_count(peer_bucket(p, key), key, max);
	pthread_mutex_unlock(&p->lock);
	return err;
}

void tcp_peers_remove(struct tcp_peers *p, const struct sockaddr_storage *address)
{
	struct tcp_peer *peer;
	uint8_t key[16];

	peer_key(address, key);
	pthread_mutex_lock(&p->lock);
	peer = peer_find(peer_bucket(p, key), key);
	if (peer && --peer->channels == 0) {
		list_del(&peer->node);
		free(peer);
	}
	pthread_mutex_unlock(&p->lock);
}
