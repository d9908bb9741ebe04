/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fabric's inside, for the files of tests/fake/verbs*.c only: its objects, its lock, and the
 * calls of the table. Everything but the calls of the table is under the lock.
 */
#ifndef TESTS_FAKE_VERBS_PRIVATE_H
#define TESTS_FAKE_VERBS_PRIVATE_H

#include <pthread.h>

#include "rdma/verbs_api.h"
#include "tests/fake/verbs.h"
#include "transport/base/list.h"

#define FAKE_EXPOSED 4100
#define FAKE_SGE_MAX 16
#define FAKE_DEVICES 2
#define FAKE_ASYNC   64

struct fake_device {
	struct ibv_device device;
	struct ibv_context context;
	struct fake_device *next; /* of those that went, which live on as long as the fabric */
	unsigned refs;            /* whoever has it open */
	bool gone;                /* from the machine */
	bool port_down, no_pd;
	int events[FAKE_ASYNC];
	unsigned event_count, event_at;
};

struct fake_events { /* an rdma_event_channel */
	struct rdma_event_channel base;
	struct list_node events;
};

struct fake_event {
	struct rdma_cm_event base;
	struct list_node node;
};

struct fake_id {
	struct rdma_cm_id base;
	struct list_node node; /* of all ids */
	struct fake_id *peer;  /* while connected, or asked for */
	bool listening, connected;
	unsigned unacked;
	struct rdma_conn_param param; /* of the connect() */
	bool established_late;
};

struct fake_completions { /* an ibv_comp_channel */
	struct ibv_comp_channel base;
	struct list_node cqs; /* with an event */
};

struct fake_cq {
	struct ibv_cq base;
	struct list_node node;
	struct fake_completions *channel;
	struct ibv_wc *wc;
	unsigned cap, head, count, unacked;
	bool armed, signalled;
};

struct fake_mr {
	struct ibv_mr base;
	struct list_node node;
};

struct fake_exposed {
	uint8_t *base;
	uint32_t len, rkey;
	unsigned access;
	bool region; /* of a whole registration: can't be invalidated */
};

/* Keys of windows; those of all else count up from 1. */
#define FAKE_MW_KEYS 0x80000000u

struct fake_wr {
	struct ibv_send_wr wr;
	struct ibv_sge sge[FAKE_SGE_MAX];
};

struct fake_recv {
	uint64_t wr_id;
	struct ibv_sge sge;
};

struct fake_qp {
	struct ibv_qp base;
	struct list_node node; /* of all queue pairs */
	struct fake_id *id;
	struct fake_cq *send_cq, *receive_cq;
	struct ibv_qp_cap cap;
	bool error;
	struct fake_wr *sq;
	struct fake_recv *rq;
	unsigned sq_head, sq_count, rq_head, rq_count;
	unsigned sq_unpolled, reads_unpolled;
	struct ibv_wc late; /* of a send, when wr_id is in use */
	bool is_late;
	unsigned sq_quiet; /* done since the last completion */
	unsigned depth;
};

struct fake_fabric {
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_t thread;
	bool running;
	struct fake_verbs_config config;
	struct fake_verbs_counts counts;
	uint32_t rng;
	uint32_t next_key, next_mw;
	uint32_t next_qpn;
	uint16_t next_port;
	unsigned posts, objects, registrations;
	struct list_node ids, qps, mrs;
	struct fake_exposed exposed[FAKE_EXPOSED];
	struct fake_device *device[FAKE_DEVICES]; /* NULL: not there */
	struct fake_device *gone;
};

extern struct fake_fabric fab;

#define LOCK()   pthread_mutex_lock(&fab.lock)
#define UNLOCK() pthread_mutex_unlock(&fab.lock)

/* ---- verbs.c ---- */
/* A call that no device would take. */
void fake_breach(const char *what);
uint32_t fake_random(void);
void *fake_new(size_t size);
/* The fault is now; errno is set. */
bool fake_object_fails(void);
void fake_fd_signal(int fd);
/* One event less; false: there is none. */
bool fake_fd_take(int fd);

/* ---- verbs_cm.c ---- */
struct rdma_event_channel *fake_create_event_channel(void);
void fake_destroy_event_channel(struct rdma_event_channel *channel);
/* To the id's channel, or to its listener's. */
void fake_event_push(struct fake_id *id, struct fake_id *listen_id, enum rdma_cm_event_type type,
		     int status);
int fake_get_cm_event(struct rdma_event_channel *channel, struct rdma_cm_event **out);
int fake_ack_cm_event(struct rdma_cm_event *event);
int fake_create_id(struct rdma_event_channel *channel, struct rdma_cm_id **out, void *context);
int fake_migrate_id(struct rdma_cm_id *base, struct rdma_event_channel *channel);
/* The peer is told that it is alone. */
void fake_id_part(struct fake_id *id);
int fake_destroy_id(struct rdma_cm_id *base);
int fake_bind_addr(struct rdma_cm_id *id, struct sockaddr *address);
int fake_listen(struct rdma_cm_id *base, int backlog);
int fake_resolve_addr(struct rdma_cm_id *base, struct sockaddr *to, int timeout_ms);
int fake_resolve_route(struct rdma_cm_id *base, int timeout_ms);
int fake_connect(struct rdma_cm_id *base, struct rdma_conn_param *param);
int fake_accept(struct rdma_cm_id *base, struct rdma_conn_param *param);
/* NULL: it has none. */
struct fake_qp *fake_id_qp(struct fake_id *id);
int fake_reject(struct rdma_cm_id *base);
int fake_disconnect(struct rdma_cm_id *base);

/* ---- verbs_device.c ---- */
void fake_devices_start(void);
void fake_devices_stop(void);
struct fake_device *fake_device_of(struct ibv_context *context);
/* NULL: it is not there. */
struct ibv_context *fake_device_context(unsigned device);
struct ibv_context **fake_get_devices(int *count);
void fake_put_device(struct ibv_context *context, bool gone);
int fake_get_async_event(struct ibv_context *context, struct ibv_async_event *event);
void fake_ack_async_event(struct ibv_async_event *event);
int fake_query_device(struct ibv_context *context, struct ibv_device_attr *attr);
int fake_query_port(struct ibv_context *context, uint8_t port, struct ibv_port_attr *attr);

/* ---- verbs_memory.c ---- */
struct ibv_pd *fake_alloc_pd(struct ibv_context *context);
int fake_dealloc_pd(struct ibv_pd *pd);
struct ibv_mr *fake_reg_mr(struct ibv_pd *pd, void *base, size_t len, int access);
int fake_dereg_mr(struct ibv_mr *base);
struct ibv_mw *fake_alloc_mw(struct ibv_pd *pd, enum ibv_mw_type type);
int fake_dealloc_mw(struct ibv_mw *base);
/* A work request on a window; false: a device would fail it. */
bool fake_mw_bind(const struct ibv_pd *pd, const struct ibv_send_wr *wr);
bool fake_mw_invalidate(uint32_t rkey);
/* NULL: nobody exposes that. */
struct fake_exposed *fake_exposed_find(uint32_t rkey);

/* ---- verbs_queue.c ---- */
struct ibv_comp_channel *fake_create_comp_channel(struct ibv_context *context);
int fake_destroy_comp_channel(struct ibv_comp_channel *base);
struct ibv_cq *fake_create_cq(struct ibv_context *context, int entries, void *cq_context,
			      struct ibv_comp_channel *channel);
int fake_destroy_cq(struct ibv_cq *base);
int fake_req_notify_cq(struct ibv_cq *base);
int fake_get_cq_event(struct ibv_comp_channel *base, struct ibv_cq **out);
void fake_ack_cq_events(struct ibv_cq *base, unsigned count);
int fake_poll_cq(struct ibv_cq *base, int count, struct ibv_wc *wc);
int fake_create_qp(struct rdma_cm_id *base, struct ibv_pd *pd, struct ibv_qp_init_attr *attr);
void fake_destroy_qp(struct rdma_cm_id *base);
/* The request at the head of the queue is through. */
void fake_qp_complete_send(struct fake_qp *qp, enum ibv_wc_status status);
void fake_qp_complete_recv(struct fake_qp *qp, enum ibv_wc_status status, uint32_t len,
			   uint32_t invalidated);
/* Error state: what is posted is flushed. */
void fake_qp_fail(struct fake_qp *qp);
int fake_post_send(struct ibv_qp *base, struct ibv_send_wr *wr, struct ibv_send_wr **bad);
int fake_post_recv(struct ibv_qp *base, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad);

/* ---- verbs_hardware.c ---- */
/* The thread, till the fabric is not running. */
void *fake_hardware(void *arg);

#endif
