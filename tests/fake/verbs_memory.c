/* SPDX-License-Identifier: Apache-2.0 */
/* Protection domains, registered memory, and what peers expose of theirs. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/verbs_private.h"

struct ibv_pd *fake_alloc_pd(struct ibv_context *context)
{
	struct ibv_pd *pd;

	if (fake_device_of(context)->no_pd) {
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
