/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fabric in memory behind rdma/verbs_api.h: two devices as small as real ones come ("fake0",
 * RoCE, every local address but 127.0.0.2, which is that of "fake1", iWARP). A thread is the
 * hardware: it takes work requests from send queues, of which queue by a seeded choice, each queue
 * in order, and completes them in order. What a device would refuse is refused: keys, rights,
 * bounds, depths, scatter/gather entries; a send without a receive ends both queue pairs (rnr_retry
 * 0), as does any failed request; the rest is flushed.
 *
 * There is one fabric: start it, stop it; stopping asserts that every object was destroyed.
 * Thread: any.
 */
#ifndef TESTS_FAKE_VERBS_H
#define TESTS_FAKE_VERBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct verbs_api;

struct fake_verbs_config {
	uint32_t seed;
	unsigned sge_max;      /* of a send or write; 0: 3 */
	unsigned sge_read_max; /* of a read; 0: 1 */
	unsigned read_depth;   /* initiator depth, responder resources; 0: 1 */
	unsigned wr_max;       /* of a queue; 0: 1024 */
	bool no_invalidate;    /* a device without SEND_WITH_INV */
	bool late_sends;       /* complete only after the next receive of their end */
	bool late_established; /* the passive side's event comes after its first receive */
	bool port_down, no_pd; /* of fake0 */
	unsigned absent;       /* bits: devices that are not there yet */

	/* faults; 0: none. The n-th of its kind since the start, by everybody */
	unsigned fail_wr;     /* completes with an error */
	unsigned fail_post;   /* post_send() or post_recv() gives ENOMEM */
	unsigned disconnect;  /* both ends of its connection are told, at the n-th request */
	unsigned removal;     /* the device goes away, likewise */
	unsigned fail_object; /* the making of a queue, a channel, an id fails */
	unsigned fail_mr;     /* reg_mr() gives ENOMEM */
};

struct fake_verbs_counts {
	unsigned ids, events, completions, cqs, qps, pds, mrs, mws; /* now */
	unsigned requests;                                          /* ever executed */
	unsigned sends, writes, reads, invalidations;               /* ever, that succeeded */
	unsigned bells, completed; /* ever: calls of post_send(), completions of requests */
	unsigned wakes;            /* ever: events of completion queues */
	unsigned rnr;              /* sends that met no receive */
	unsigned held;        /* devices that went and that somebody has open: their drivers wait */
	unsigned breaches;    /* calls that no device would take: read below */
	unsigned largest_sge; /* entries in one request */
	char breach[128];     /* the first */
};

void fake_verbs_start(const struct fake_verbs_config *config);
/* Asserts that nothing is left and nothing was breached. */
void fake_verbs_stop(void);
void fake_verbs_counts(struct fake_verbs_counts *counts);
/* Bytes that the calls of this thread have cost so far, freed or not: a device's, not the caller's.
 */
size_t fake_verbs_allocated_thread(void);

/* A device comes, or goes: whoever has it open is told. Device 0 is fake0. */
void fake_verbs_present(unsigned device, bool present);
/* An event of the device, an enum ibv_event_type; port events set the port's state. */
void fake_verbs_async(unsigned device, int type);

/* The addresses of the device move to another network interface. */
void fake_verbs_move_address(unsigned device);

/* From now on: the n-th request to come fails, or, politely, has both ends of its connection told
 * that it is over. 0: none. */
void fake_verbs_fault_in(unsigned n, bool politely);

/* Memory that a peer may reach, as an application would register it. */
enum { FAKE_REMOTE_READ = 1, FAKE_REMOTE_WRITE = 2 };
uint32_t fake_verbs_expose(void *base, uint32_t len, unsigned access);
bool fake_verbs_exposed(uint32_t rkey);
void fake_verbs_unexpose_all(void);

extern const struct verbs_api verbs_fake;

#endif
