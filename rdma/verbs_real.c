/* SPDX-License-Identifier: Apache-2.0 */
/* The table over libibverbs and librdmacm. Wrapped is what is a macro or an inline function there.
 */
#include "rdma/verbs_api.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int real_create_id(struct rdma_event_channel *channel, struct rdma_cm_id **id, void *context)
{
	return rdma_create_id(channel, id, context, RDMA_PS_TCP);
}

static int real_resolve_addr(struct rdma_cm_id *id, struct sockaddr *to, int timeout_ms)
{
	return rdma_resolve_addr(id, NULL, to, timeout_ms);
}

static int real_reject(struct rdma_cm_id *id)
{
	return rdma_reject(id, NULL, 0);
}

static void context_detach(int fd, int null)
{
	if (fd >= 0 && null >= 0)
		dup3(null, fd, O_CLOEXEC);
}

/*
 * rdma_free_devices() takes a list of any of them, so each is given back when it is time. The
 * driver of a device that goes may wait until nobody has its files open (rxe and siw do); but
 * librdmacm keeps the context of the last device that went. So what is open is no longer the
 * device; librdmacm may close it as often as it likes.
 */
static void real_put_device(struct ibv_context *context, bool gone)
{
	struct ibv_context **one = malloc(2 * sizeof(*one));
	int null;

	if (gone) {
		null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		context_detach(context->async_fd, null);
		context_detach(context->cmd_fd, null);
		if (null >= 0)
			close(null);
	}
	if (!one)
		return;
	one[0] = context;
	one[1] = NULL;
	rdma_free_devices(one);
}

static int real_query_port(struct ibv_context *context, uint8_t port, struct ibv_port_attr *attr)
{
	return ibv_query_port(context, port, attr);
}

static struct ibv_mr *real_reg_mr(struct ibv_pd *pd, void *base, size_t len, int access)
{
	return ibv_reg_mr(pd, base, len, access);
}

static struct ibv_mw *real_alloc_mw(struct ibv_pd *pd, enum ibv_mw_type type)
{
	return ibv_alloc_mw(pd, type);
}

static int real_dealloc_mw(struct ibv_mw *mw)
{
	return ibv_dealloc_mw(mw);
}

static struct ibv_cq *real_create_cq(struct ibv_context *context, int entries, void *cq_context,
				     struct ibv_comp_channel *channel)
{
	return ibv_create_cq(context, entries, cq_context, channel, 0);
}

static int real_req_notify_cq(struct ibv_cq *cq)
{
	return ibv_req_notify_cq(cq, 0);
}

static int real_get_cq_event(struct ibv_comp_channel *channel, struct ibv_cq **cq)
{
	void *context;

	return ibv_get_cq_event(channel, cq, &context);
}

static int real_poll_cq(struct ibv_cq *cq, int count, struct ibv_wc *wc)
{
	return ibv_poll_cq(cq, count, wc);
}

static int real_post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	return ibv_post_send(qp, wr, bad);
}

static int real_post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	return ibv_post_recv(qp, wr, bad);
}

const struct verbs_api verbs_real = {
	.create_event_channel = rdma_create_event_channel,
	.destroy_event_channel = rdma_destroy_event_channel,
	.get_cm_event = rdma_get_cm_event,
	.ack_cm_event = rdma_ack_cm_event,
	.create_id = real_create_id,
	.destroy_id = rdma_destroy_id,
	.migrate_id = rdma_migrate_id,
	.bind_addr = rdma_bind_addr,
	.listen = rdma_listen,
	.resolve_addr = real_resolve_addr,
	.resolve_route = rdma_resolve_route,
	.connect = rdma_connect,
	.accept = rdma_accept,
	.reject = real_reject,
	.disconnect = rdma_disconnect,
	.get_devices = rdma_get_devices,
	.put_device = real_put_device,
	.get_async_event = ibv_get_async_event,
	.ack_async_event = ibv_ack_async_event,
	.query_device = ibv_query_device,
	.query_port = real_query_port,
	.alloc_pd = ibv_alloc_pd,
	.dealloc_pd = ibv_dealloc_pd,
	.reg_mr = real_reg_mr,
	.dereg_mr = ibv_dereg_mr,
	.alloc_mw = real_alloc_mw,
	.dealloc_mw = real_dealloc_mw,
	.create_comp_channel = ibv_create_comp_channel,
	.destroy_comp_channel = ibv_destroy_comp_channel,
	.create_cq = real_create_cq,
	.destroy_cq = ibv_destroy_cq,
	.req_notify_cq = real_req_notify_cq,
	.get_cq_event = real_get_cq_event,
	.ack_cq_events = ibv_ack_cq_events,
	.poll_cq = real_poll_cq,
	.create_qp = rdma_create_qp,
	.destroy_qp = rdma_destroy_qp,
	.post_send = real_post_send,
	.post_recv = real_post_recv,
};
