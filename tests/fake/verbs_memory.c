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

static uint32_t expose(const struct fake_exposed *what)
{
	for (unsigned i = 0; i < FAKE_EXPOSED; i++) {
		if (!fab.exposed[i].rkey) {
			fab.exposed[i] = *what;
			return what->rkey;
		}
	}
	return 0;
}

static unsigned remote_access(int access)
{
	return (access & IBV_ACCESS_REMOTE_READ ? FAKE_REMOTE_READ : 0) |
	       (access & IBV_ACCESS_REMOTE_WRITE ? FAKE_REMOTE_WRITE : 0);
}

static uint32_t expose_region(const struct ibv_mr *mr, int access)
{
	return expose(&(struct fake_exposed){.base = mr->addr,
					     .len = (uint32_t)mr->length,
					     .rkey = mr->lkey,
					     .access = remote_access(access),
					     .region = true});
}

static void unexpose(uint32_t rkey)
{
	struct fake_exposed *e = fake_exposed_find(rkey);

	if (e)
		e->rkey = 0;
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
		if (access & (IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE))
			mr->base.rkey = expose_region(&mr->base, access);
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
	unexpose(base->rkey);
	UNLOCK();
	free(mr);
	return 0;
}

uint32_t fake_verbs_expose(void *base, uint32_t len, unsigned access)
{
	uint32_t key;

	LOCK();
	key = expose(&(struct fake_exposed){
		.base = base, .len = len, .rkey = ++fab.next_key, .access = access});
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

/* ---- windows: keys of their own, apart from those above ---- */

struct ibv_mw *fake_alloc_mw(struct ibv_pd *pd, enum ibv_mw_type type)
{
	struct ibv_mw *mw = fake_new(sizeof(*mw));

	LOCK();
	*mw = (struct ibv_mw){.context = pd->context,
			      .pd = pd,
			      .rkey = FAKE_MW_KEYS | fab.next_mw++ << 8,
			      .type = type};
	mw->handle = mw->rkey;
	fab.counts.mws++;
	UNLOCK();
	return mw;
}

static struct fake_exposed *window_find(uint32_t rkey)
{
	struct fake_exposed *e = fake_exposed_find(rkey);

	return e && !e->region && rkey & FAKE_MW_KEYS ? e : NULL;
}

int fake_dealloc_mw(struct ibv_mw *mw)
{
	LOCK();
	unexpose(mw->handle);
	fab.counts.mws--;
	UNLOCK();
	free(mw);
	return 0;
}

/* The window must be free: none of its keys is in use. */
static bool window_free(uint32_t rkey)
{
	for (unsigned i = 0; i < FAKE_EXPOSED; i++) {
		if (fab.exposed[i].rkey >> 8 == rkey >> 8)
			return false;
	}
	return true;
}

bool fake_mw_bind(const struct ibv_pd *pd, const struct ibv_send_wr *wr)
{
	const struct ibv_mw_bind_info *info = &wr->bind_mw.bind_info;
	uint64_t off = info->addr - (uintptr_t)info->mr->addr;
	unsigned access = remote_access((int)info->mw_access_flags);

	if (info->mr->pd != pd || info->length == 0 || off > info->mr->length ||
	    info->length > info->mr->length - off || !window_free(wr->bind_mw.rkey))
		return false;
	return expose(&(struct fake_exposed){.base = (uint8_t *)info->mr->addr + off,
					     .len = (uint32_t)info->length,
					     .rkey = wr->bind_mw.rkey,
					     .access = access}) != 0;
}

bool fake_mw_invalidate(uint32_t rkey)
{
	struct fake_exposed *e = window_find(rkey);

	if (e)
		e->rkey = 0;
	return e != NULL;
}
