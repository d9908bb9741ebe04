/* SPDX-License-Identifier: Apache-2.0 */
/* Completion queues and queue pairs: what is asked of the device. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/fake/verbs_private.h"

/* ---- completion queues ---- */

struct ibv_comp_channel *fake_create_comp_channel(struct ibv_context *context)
{
	struct fake_completions *c;

	LOCK();
	if (fake_object_fails()) {
		UNLOCK();
		return NULL;
	}
	c = fake_new(sizeof(*c));
	c->base.context = context;
	c->base.fd = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	list_init(&c->cqs);
	fab.counts.completions++;
	UNLOCK();
	return &c->base;
}

int fake_destroy_comp_channel(struct ibv_comp_channel *base)
{
	struct fake_completions *c = container_of(base, struct fake_completions, base);

	LOCK();
	if (!list_empty(&c->cqs))
		fake_breach("a completion channel destroyed before its queue");
	fab.counts.completions--;
	UNLOCK();
	close(base->fd);
	free(c);
	return 0;
}

struct ibv_cq *fake_create_cq(struct ibv_context *context, int entries, void *cq_context,
			      struct ibv_comp_channel *channel)
{
	struct fake_cq *cq;

	LOCK();
	if (fake_object_fails()) {
		UNLOCK();
		return NULL;
	}
	cq = fake_new(sizeof(*cq));
	cq->base.context = context;
	cq->base.cq_context = cq_context;
	cq->channel = container_of(channel, struct fake_completions, base);
	cq->cap = (unsigned)entries;
	cq->wc = fake_new(cq->cap * sizeof(*cq->wc));
	list_init(&cq->node);
	fab.counts.cqs++;
	UNLOCK();
	return &cq->base;
}

static bool qp_uses(const struct fake_qp *qp, const struct fake_cq *cq)
{
	return qp->send_cq == cq || qp->receive_cq == cq;
}

int fake_destroy_cq(struct ibv_cq *base)
{
	struct fake_cq *cq = container_of(base, struct fake_cq, base);

	LOCK();
	if (cq->unacked)
		fake_breach("a completion queue destroyed with events that are not acknowledged");
	list_for_each (n, &fab.qps) {
		if (qp_uses(container_of(n, struct fake_qp, node), cq))
			fake_breach("a completion queue destroyed before its queue pair");
	}
	list_del(&cq->node);
	fab.counts.cqs--;
	UNLOCK();
	free(cq->wc);
	free(cq);
	return 0;
}

/* Only what completes after this makes an event, as on real devices. */
int fake_req_notify_cq(struct ibv_cq *base)
{
	LOCK();
	container_of(base, struct fake_cq, base)->armed = true;
	UNLOCK();
	return 0;
}

int fake_get_cq_event(struct ibv_comp_channel *base, struct ibv_cq **out)
{
	struct fake_completions *c = container_of(base, struct fake_completions, base);
	struct fake_cq *cq;

	LOCK();
	if (!fake_fd_take(base->fd)) {
		UNLOCK();
		errno = EAGAIN;
		return -1;
	}
	cq = container_of(list_pop(&c->cqs), struct fake_cq, node);
	cq->signalled = false;
	cq->unacked++;
	*out = &cq->base;
	UNLOCK();
	return 0;
}

void fake_ack_cq_events(struct ibv_cq *base, unsigned count)
{
	LOCK();
	container_of(base, struct fake_cq, base)->unacked -= count;
	UNLOCK();
}

static void cq_push(struct fake_cq *cq, struct ibv_wc wc)
{
	if (cq->count == cq->cap) {
		fake_breach("a completion queue overflows");
		return;
	}
	cq->wc[(cq->head + cq->count++) % cq->cap] = wc;
	if (!cq->armed || cq->signalled)
		return;
	cq->armed = false;
	cq->signalled = true;
	fab.counts.wakes++;
	list_push(&cq->channel->cqs, &cq->node);
	fake_fd_signal(cq->channel->base.fd);
}

static struct fake_qp *qp_find(uint32_t number)
{
	list_for_each (n, &fab.qps) {
		if (container_of(n, struct fake_qp, node)->base.qp_num == number)
			return container_of(n, struct fake_qp, node);
	}
	return NULL;
}

/* A polled completion gives its place in the send queue back, and those of the requests before it
 * that made none: pkey_index has their count. */
static void cq_polled(const struct ibv_wc *wc)
{
	struct fake_qp *qp = qp_find(wc->qp_num);

	if (!qp || wc->opcode & IBV_WC_RECV)
		return;
	qp->sq_unpolled -= wc->pkey_index;
	if (wc->opcode == IBV_WC_RDMA_READ)
		qp->reads_unpolled--;
}

int fake_poll_cq(struct ibv_cq *base, int count, struct ibv_wc *wc)
{
	struct fake_cq *cq = container_of(base, struct fake_cq, base);
	int n = 0;

	LOCK();
	for (; n < count && cq->count; n++) {
		wc[n] = cq->wc[cq->head];
		cq->head = (cq->head + 1) % cq->cap;
		cq->count--;
		cq_polled(&wc[n]);
	}
	UNLOCK();
	return n;
}

/* ---- queue pairs ---- */

int fake_create_qp(struct rdma_cm_id *base, struct ibv_pd *pd, struct ibv_qp_init_attr *attr)
{
	struct fake_qp *qp;

	LOCK();
	if (fake_object_fails()) {
		UNLOCK();
		return -1;
	}
	if (attr->cap.max_send_wr > fab.config.wr_max ||
	    attr->cap.max_recv_wr > fab.config.wr_max ||
	    attr->cap.max_send_sge > fab.config.sge_max)
		fake_breach("create_qp() beyond the device's limits");
	qp = fake_new(sizeof(*qp));
	qp->base.context = base->verbs;
	qp->base.pd = pd;
	qp->base.qp_num = ++fab.next_qpn;
	qp->id = container_of(base, struct fake_id, base);
	qp->send_cq = container_of(attr->send_cq, struct fake_cq, base);
	qp->receive_cq = container_of(attr->recv_cq, struct fake_cq, base);
	qp->cap = attr->cap;
	qp->sq = fake_new(qp->cap.max_send_wr * sizeof(*qp->sq));
	qp->rq = fake_new(qp->cap.max_recv_wr * sizeof(*qp->rq));
	list_push(&fab.qps, &qp->node);
	base->qp = &qp->base;
	fab.counts.qps++;
	UNLOCK();
	return 0;
}

void fake_destroy_qp(struct rdma_cm_id *base)
{
	struct fake_qp *qp = container_of(base->qp, struct fake_qp, base);

	LOCK();
	list_del(&qp->node);
	base->qp = NULL;
	fab.counts.qps--;
	UNLOCK();
	free(qp->sq);
	free(qp->rq);
	free(qp);
}

static enum ibv_wc_opcode wc_opcode(enum ibv_wr_opcode op)
{
	return op == IBV_WR_RDMA_READ    ? IBV_WC_RDMA_READ
	       : op == IBV_WR_RDMA_WRITE ? IBV_WC_RDMA_WRITE
	       : op == IBV_WR_BIND_MW    ? IBV_WC_BIND_MW
	       : op == IBV_WR_LOCAL_INV  ? IBV_WC_LOCAL_INV
					 : IBV_WC_SEND;
}

/* What was held back goes before what is new. */
static void qp_push_late(struct fake_qp *qp)
{
	if (qp->is_late)
		cq_push(qp->send_cq, qp->late);
	qp->is_late = false;
}

void fake_qp_complete_send(struct fake_qp *qp, enum ibv_wc_status status)
{
	const struct fake_wr *w = &qp->sq[qp->sq_head];
	struct ibv_wc wc = {.wr_id = w->wr.wr_id,
			    .status = status,
			    .opcode = wc_opcode(w->wr.opcode),
			    .qp_num = qp->base.qp_num};

	qp->sq_head = (qp->sq_head + 1) % qp->cap.max_send_wr;
	qp->sq_count--;
	qp->sq_quiet++;
	if (status == IBV_WC_SUCCESS && !(w->wr.send_flags & IBV_SEND_SIGNALED))
		return;
	wc.pkey_index = (uint16_t)qp->sq_quiet;
	qp->sq_quiet = 0;
	fab.counts.completed++;
	qp_push_late(qp);
	qp->late = wc;
	qp->is_late = true;
	if (!fab.config.late_sends || status != IBV_WC_SUCCESS || wc.opcode != IBV_WC_SEND)
		qp_push_late(qp);
}

void fake_qp_complete_recv(struct fake_qp *qp, enum ibv_wc_status status, uint32_t len,
			   uint32_t invalidated)
{
	const struct fake_recv *r = &qp->rq[qp->rq_head];

	qp->rq_head = (qp->rq_head + 1) % qp->cap.max_recv_wr;
	qp->rq_count--;
	cq_push(qp->receive_cq, (struct ibv_wc){.wr_id = r->wr_id,
						.status = status,
						.opcode = IBV_WC_RECV,
						.byte_len = len,
						.wc_flags = invalidated ? IBV_WC_WITH_INV : 0,
						.invalidated_rkey = invalidated,
						.qp_num = qp->base.qp_num});
	qp_push_late(qp);
}

/* Error state: everything posted is flushed. */
void fake_qp_fail(struct fake_qp *qp)
{
	qp->error = true;
	while (qp->rq_count)
		fake_qp_complete_recv(qp, IBV_WC_WR_FLUSH_ERR, 0, 0);
	while (qp->sq_count)
		fake_qp_complete_send(qp, IBV_WC_WR_FLUSH_ERR);
}

static bool post_fails(void)
{
	return fab.config.fail_post && ++fab.posts == fab.config.fail_post;
}

static int qp_check_send(const struct fake_qp *qp, const struct ibv_send_wr *wr)
{
	unsigned sge_max =
		wr->opcode == IBV_WR_RDMA_READ ? fab.config.sge_read_max : fab.config.sge_max;

	if (qp->sq_unpolled == qp->cap.max_send_wr) {
		fake_breach("a send queue overflows");
		return ENOMEM;
	}
	if (wr->num_sge > (int)sge_max || wr->num_sge > FAKE_SGE_MAX) {
		fake_breach("too many scatter/gather entries");
		return EINVAL;
	}
	if (wr->opcode == IBV_WR_RDMA_READ && qp->reads_unpolled == qp->depth)
		fake_breach("more RDMA reads than the initiator depth");
	if (wr->opcode == IBV_WR_BIND_MW) { /* of a window with the key that it has now */
		if (wr->bind_mw.mw->rkey != wr->bind_mw.mw->handle)
			fake_breach("a memory window is bound by a key that it has not");
		wr->bind_mw.mw->handle = wr->bind_mw.rkey;
	}
	if (wr->opcode == IBV_WR_SEND_WITH_INV && fab.config.no_invalidate) {
		fake_breach("a device without remote invalidation is asked for it");
		return EINVAL;
	}
	return 0;
}

static int qp_add_send(struct fake_qp *qp, const struct ibv_send_wr *wr)
{
	int err = post_fails() ? ENOMEM : qp_check_send(qp, wr);
	struct fake_wr *w;

	if (err)
		return err;
	w = &qp->sq[(qp->sq_head + qp->sq_count++) % qp->cap.max_send_wr];
	w->wr = *wr;
	if (wr->num_sge)
		memcpy(w->sge, wr->sg_list, (size_t)wr->num_sge * sizeof(w->sge[0]));
	qp->sq_unpolled++;
	qp->reads_unpolled += wr->opcode == IBV_WR_RDMA_READ;
	if ((unsigned)wr->num_sge > fab.counts.largest_sge)
		fab.counts.largest_sge = (unsigned)wr->num_sge;
	if (qp->error)
		fake_qp_fail(qp);
	return 0;
}

int fake_post_send(struct ibv_qp *base, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	struct fake_qp *qp = container_of(base, struct fake_qp, base);
	int err = 0;

	LOCK();
	fab.counts.bells++;
	for (; wr && !err; wr = wr->next) {
		*bad = wr;
		err = qp_add_send(qp, wr);
	}
	pthread_cond_signal(&fab.work);
	UNLOCK();
	return err;
}

static int qp_add_recv(struct fake_qp *qp, const struct ibv_recv_wr *wr)
{
	if (post_fails() || qp->rq_count == qp->cap.max_recv_wr)
		return ENOMEM;
	qp->rq[(qp->rq_head + qp->rq_count++) % qp->cap.max_recv_wr] =
		(struct fake_recv){wr->wr_id, wr->sg_list[0]};
	return 0;
}

int fake_post_recv(struct ibv_qp *base, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	struct fake_qp *qp = container_of(base, struct fake_qp, base);
	int err = 0;

	LOCK();
	for (; wr && !err; wr = wr->next) {
		*bad = wr;
		err = qp_add_recv(qp, wr);
	}
	if (qp->error)
		fake_qp_fail(qp);
	UNLOCK();
	return err;
}
