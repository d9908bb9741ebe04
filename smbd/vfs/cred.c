/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking a user's identity, one thread at a time, by the raw system calls: glibc's would change
 * every thread. The effective ids are what is switched: that also drops the effective capabilities
 * while the user is not root, which a switch of the fsuid would leave partly there.
 *
 * The supplementary groups stay behind when the thread is itself again: root's permissions do not
 * depend on them, and the next request of the same user finds them in place.
 */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "smbd/vfs/impl.h"
#include "transport/base/log.h"
#include "transport/fiber/fiber.h"

#define KEEP ((uid_t)-1)

static _Atomic uint64_t next_serial = 1;

static _Thread_local struct {
	uint64_t groups_serial; /* whose groups the thread has; 0: not known */
	bool uid, gid;          /* what leave has to take back */
} self;

struct vfs_cred *vfs_cred_new(uid_t uid, gid_t gid, const gid_t *groups, unsigned group_count)
{
	struct vfs_cred *cred = malloc(sizeof(*cred) + group_count * sizeof(gid_t));

	if (!cred)
		return NULL;
	cred->refs = 1;
	cred->serial = atomic_fetch_add(&next_serial, 1);
	cred->uid = uid;
	cred->gid = gid;
	cred->group_count = group_count;
	if (group_count)
		memcpy(cred->groups, groups, group_count * sizeof(gid_t));
	return cred;
}

struct vfs_cred *vfs_cred_get(struct vfs_cred *cred)
{
	__atomic_fetch_add(&cred->refs, 1, __ATOMIC_RELAXED);
	return cred;
}

void vfs_cred_put(struct vfs_cred *cred)
{
	if (cred && __atomic_sub_fetch(&cred->refs, 1, __ATOMIC_ACQ_REL) == 0)
		free(cred);
}

static bool process_is_root(void)
{
	static _Atomic int known; /* 1: not root, 2: root */
	int k = atomic_load_explicit(&known, memory_order_relaxed);

	if (!k) { /* the real id: the effective one may be a user's by now */
		k = getuid() == 0 ? 2 : 1;
		atomic_store_explicit(&known, k, memory_order_relaxed);
	}
	return k == 2;
}

uid_t cred_uid(const struct vfs_cred *cred)
{
	return process_is_root() ? cred->uid : getuid();
}

static bool is_self(const struct vfs_cred *cred)
{
	return !process_is_root() || (cred->uid == 0 && cred->gid == 0);
}

static bool keep_identity;

void vfs_keep_identity(void)
{
	keep_identity = true;
}

bool cred_is_for_reactors(const struct vfs_cred *cred)
{
	return !keep_identity || is_self(cred);
}

int cred_run(const struct vfs_cred *cred, int (*fn)(void *arg), void *arg)
{
	return cred_is_for_reactors(cred) ? fn(arg) : vfs_run(fn, arg);
}

int cred_enter(const struct vfs_cred *cred)
{
	if (is_self(cred))
		return 0;
	if (keep_identity && fiber_self()) {
		log_err("a reactor would have become user %u", (unsigned)cred->uid);
		return -EPERM;
	}
	if (self.groups_serial != cred->serial) {
		self.groups_serial = 0;
		if (syscall(SYS_setgroups, cred->group_count, cred->groups) != 0)
			return -EPERM;
		self.groups_serial = cred->serial;
		count(&counters.id_switches);
	}
	if (syscall(SYS_setresgid, KEEP, cred->gid, KEEP) != 0)
		return -EPERM;
	self.gid = true;
	if (syscall(SYS_setresuid, KEEP, cred->uid, KEEP) != 0) {
		cred_leave();
		return -EPERM;
	}
	self.uid = true;
	return 0;
}

void cred_leave(void)
{
	if (self.uid && syscall(SYS_setresuid, KEEP, 0, KEEP) != 0)
		abort();
	self.uid = false;
	if (self.gid && syscall(SYS_setresgid, KEEP, 0, KEEP) != 0)
		abort();
	self.gid = false;
}

/* Data is read and written by the process itself, on its ring: without these it is held to the
 * limits a user would be. They must leave the permitted set too: a return to root takes from it. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	uint32_t drop = 1u << CAP_SYS_RESOURCE | 1u << CAP_FSETID;

	if (syscall(SYS_capget, &header, data) != 0)
		return -errno;
	data[0].effective &= ~drop;
	data[0].permitted &= ~drop;
	return syscall(SYS_capset, &header, data) == 0 ? 0 : -errno;
}

int vfs_init(void)
{
	umask(0);
	return process_is_root() ? drop_capabilities() : 0;
}
