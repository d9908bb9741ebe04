/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, protection domains, registered memory, and what peers expose of theirs. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/verbs_private.h"

struct ibv_context **fake_get_devices(int *count)
{
	struct ibv_context **list = fake_new(3 * sizeof(*list));

	list[0] = &fab.context[0];
	list[1] = &fab.context[1];
	*count = 2;
	return list;
}

void fake_free_devices(struct ibv_context **list)
{
	free((void *)list);
}

int fake_query_device(struct ibv_context *context, struct ibv_device_attr *attr)
{
	*attr = (struct ibv_device_attr){
		.max_qp_wr = (int)fab.config.wr_max,
		.max_cqe = 1 << 16,
		.max_sge = (int)fab.config.sge_max,
		.max_sge_rd = (int)fab.config.sge_read_max,
		.max_qp_rd_atom = (int)fab.config.read_depth,
		.max_qp_init_rd_atom = (int)fab.config.read_depth,
		.phys_port_cnt = 1,
		.device_cap_flags = fab.config.no_invalidate ? 0 : IBV_DEVICE_MEM_MGT_EXTENSIONS,
	};
	return 0;
}

int fake_query_port(struct ibv_context *context, uint8_t port, struct ibv_port_attr *attr)
{
	bool down = fab.config.port_down && context == &fab.context[0];

	if (port != 1)
		return EINVAL;
	*attr = (struct ibv_port_attr){.state = down ? IBV_PORT_DOWN : IBV_PORT_ACTIVE,
				       .active_speed = 32, /* 25 Gbit/s a lane */
				       .active_width = 2}; /* 4 lanes */
	return 0;
}

struct ibv_pd *fake_alloc_pd(struct ibv_context *context)
{
	struct ibv_pd *pd;

	if (fab.config.no_pd && context == &fab.context[0]) {
		errno = ENOMEM;
		return NULL;
	}
	pd = fake_new(sizeof(*pd));
	pd->context = context;
	LOCK();
	fab.counts.pds++;
	UNLOCK();
	return pd;
}

int fake_dealloc_pd(struct ibv_pd *pd)
{
	LOCK();
	list_for_each (n, &fab.mrs) {
		if (container_of(n, struct fake_mr, node)->base.pd == pd)
			fake_breach("a protection domain freed before its regions");
	}
	fab.counts.pds--;
	UNLOCK();
	free(pd);
	return 0;
}

struct ibv_mr *fake_reg_mr(struct ibv_pd *pd, void *base, size_t len, int access)
{
	struct fake_mr *mr = NULL;

	LOCK();
	if (fab.config.fail_mr && ++fab.registrations == fab.config.fail_mr) {
		errno = ENOMEM;
	} else {
		mr = fake_new(sizeof(*mr));
		mr->base = (struct ibv_mr){.context = pd->context,
					   .pd = pd,
					   .addr = base,
					   .length = len,
					   .lkey = ++fab.next_key};
		list_push(&fab.mrs, &mr->node);
		fab.counts.mrs++;
	}
	UNLOCK();
	return mr ? &mr->base : NULL;
}

int fake_dereg_mr(struct ibv_mr *base)
{
	struct fake_mr *mr = container_of(base, struct fake_mr, base);

	LOCK();
	list_del(&mr->node);
	fab.counts.mrs--;
	UNLOCK();
	free(mr);
	return 0;
}

uint32_t fake_verbs_expose(void *base, uint32_t len, unsigned access)
{
	uint32_t key = 0;

	LOCK();
	for (unsigned i = 0; i < FAKE_EXPOSED && !key; i++) {
		struct fake_exposed *e = &fab.exposed[i];

		if (!e->rkey) {
			key = ++fab.next_key;
			*e = (struct fake_exposed){base, len, key, access};
		}
	}
	UNLOCK();
	assert(key);
	return key;
}

struct fake_exposed *fake_exposed_find(uint32_t rkey)
{
	for (unsigned i = 0; rkey && i < FAKE_EXPOSED; i++) {
		if (fab.exposed[i].rkey == rkey)
			return &fab.exposed[i];
	}
	return NULL;
}

bool fake_verbs_exposed(uint32_t rkey)
{
	bool found;

	LOCK();
	found = fake_exposed_find(rkey) != NULL;
	UNLOCK();
	return found;
}

void fake_verbs_unexpose_all(void)
{
	LOCK();
	memset(fab.exposed, 0, sizeof(fab.exposed));
	UNLOCK();
}
