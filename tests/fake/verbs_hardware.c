/* SPDX-License-Identifier: Apache-2.0 */
/* The hardware: a thread that carries out what send queues hold. */
#include <string.h>

#include "tests/fake/verbs_private.h"

static bool local_ok(const struct fake_qp *qp, const struct ibv_sge *sge)
{
	list_for_each (n, &fab.mrs) {
		const struct ibv_mr *mr = &container_of(n, struct fake_mr, node)->base;
		uint64_t off = sge->addr - (uintptr_t)mr->addr;

		if (mr->lkey == sge->lkey)
			return mr->pd == qp->base.pd && sge->addr >= (uintptr_t)mr->addr &&
			       off <= mr->length && sge->length <= mr->length - off;
	}
	return false;
}

static uint32_t wr_bytes(const struct fake_wr *w)
{
	uint32_t n = 0;

	for (int i = 0; i < w->wr.num_sge; i++)
		n += w->sge[i].length;
	return n;
}

static void *sge_at(const struct ibv_sge *sge)
{
	return (void *)(uintptr_t)sge->addr; /* as the verbs have it */
}

static enum ibv_wc_status run_send(struct fake_qp *qp, struct fake_qp *peer,
				   const struct fake_wr *w)
{
	struct fake_recv *r = &peer->rq[peer->rq_head];
	uint32_t len = wr_bytes(w), at = 0;
	struct fake_exposed *e;

	if (!peer->rq_count) {
		fab.counts.rnr++;
		return IBV_WC_RNR_RETRY_EXC_ERR;
	}
	if (len > r->sge.length || !local_ok(peer, &r->sge))
		return IBV_WC_REM_INV_REQ_ERR;
	if (w->wr.opcode == IBV_WR_SEND_WITH_INV) {
		e = fake_exposed_find(w->wr.invalidate_rkey);
		if (!e || e->region)
			return IBV_WC_REM_INV_REQ_ERR;
		e->rkey = 0;
		fab.counts.invalidations++;
	}
	for (int i = 0; i < w->wr.num_sge; i++) {
		memcpy((uint8_t *)sge_at(&r->sge) + at, sge_at(&w->sge[i]), w->sge[i].length);
		at += w->sge[i].length;
	}
	fake_qp_complete_recv(peer, IBV_WC_SUCCESS, len,
			      w->wr.opcode == IBV_WR_SEND_WITH_INV ? w->wr.invalidate_rkey : 0);
	fab.counts.sends++;
	if (peer->id->established_late) {
		peer->id->established_late = false;
		fake_event_push(peer->id, NULL, RDMA_CM_EVENT_ESTABLISHED, 0);
	}
	return IBV_WC_SUCCESS;
}

static enum ibv_wc_status run_remote(const struct fake_wr *w)
{
	const struct fake_exposed *e = fake_exposed_find(w->wr.wr.rdma.rkey);
	bool write = w->wr.opcode == IBV_WR_RDMA_WRITE;
	uint64_t off = e ? w->wr.wr.rdma.remote_addr - (uintptr_t)e->base : 0;
	uint32_t len = wr_bytes(w);

	if (!e || !(e->access & (write ? FAKE_REMOTE_WRITE : FAKE_REMOTE_READ)) || off > e->len ||
	    len > e->len - off)
		return IBV_WC_REM_ACCESS_ERR;
	for (int i = 0; i < w->wr.num_sge; i++) {
		if (write)
			memcpy(e->base + off, sge_at(&w->sge[i]), w->sge[i].length);
		else
			memcpy(sge_at(&w->sge[i]), e->base + off, w->sge[i].length);
		off += w->sge[i].length;
	}
	*(write ? &fab.counts.writes : &fab.counts.reads) += 1;
	return IBV_WC_SUCCESS;
}

static enum ibv_wc_status run_request(struct fake_qp *qp, struct fake_qp *peer)
{
	const struct fake_wr *w = &qp->sq[qp->sq_head];

	for (int i = 0; i < w->wr.num_sge; i++) {
		if (!local_ok(qp, &w->sge[i])) {
			fake_breach("memory that is not registered");
			return IBV_WC_LOC_PROT_ERR;
		}
	}
	if (!peer || peer->error)
		return IBV_WC_RETRY_EXC_ERR;
	if (fab.config.fail_wr && fab.counts.requests == fab.config.fail_wr)
		return IBV_WC_RETRY_EXC_ERR;
	if (w->wr.opcode == IBV_WR_BIND_MW)
		return fake_mw_bind(qp->base.pd, &w->wr) ? IBV_WC_SUCCESS : IBV_WC_MW_BIND_ERR;
	if (w->wr.opcode == IBV_WR_LOCAL_INV)
		return fake_mw_invalidate(w->wr.invalidate_rkey) ? IBV_WC_SUCCESS
								 : IBV_WC_LOC_QP_OP_ERR;
	if (w->wr.opcode == IBV_WR_RDMA_READ || w->wr.opcode == IBV_WR_RDMA_WRITE)
		return run_remote(w);
	return run_send(qp, peer, w);
}

/* Faults that come between requests. */
static void run_faults(struct fake_qp *qp)
{
	if (fab.counts.requests == fab.config.disconnect && qp->id->peer) {
		fake_event_push(qp->id, NULL, RDMA_CM_EVENT_DISCONNECTED, 0);
		fake_id_part(qp->id);
	}
	if (fab.counts.requests == fab.config.removal)
		fake_event_push(qp->id, NULL, RDMA_CM_EVENT_DEVICE_REMOVAL, 0);
}

static void run_one(struct fake_qp *qp)
{
	struct fake_qp *peer = fake_id_qp(qp->id->connected ? qp->id->peer : NULL);
	enum ibv_wc_status status;

	fab.counts.requests++;
	status = run_request(qp, peer);
	fake_qp_complete_send(qp, status);
	if (status != IBV_WC_SUCCESS) {
		fake_qp_fail(qp);
		if (peer)
			fake_qp_fail(peer);
	}
	run_faults(qp);
}

static struct fake_qp *pick(void)
{
	unsigned count = 0, which;

	list_for_each (n, &fab.qps)
		count += container_of(n, struct fake_qp, node)->sq_count > 0;
	if (!count)
		return NULL;
	which = fake_random() % count;
	list_for_each (n, &fab.qps) {
		struct fake_qp *qp = container_of(n, struct fake_qp, node);

		if (qp->sq_count && which-- == 0)
			return qp;
	}
	return NULL;
}

void *fake_hardware(void *arg)
{
	LOCK();
	while (fab.running) {
		struct fake_qp *qp = pick();

		if (!qp) {
			pthread_cond_wait(&fab.work, &fab.lock);
			continue;
		}
		run_one(qp);
		if (fake_random() % 16 == 0) { /* let others post and poll */
			UNLOCK();
			LOCK();
		}
	}
	UNLOCK();
	return NULL;
}
