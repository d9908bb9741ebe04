/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quotas of users, by quotactl_fd(2), which needs no device's name (Linux 5.14). Done as the
 * process: who may ask about whom is decided here.
 */
#include <errno.h>
#include <linux/dqblk_xfs.h>
#include <linux/quota.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "smbd/vfs/impl.h"

#define LIMIT_UNIT 1024 /* bytes, of a limit: QIF_DQBLKSIZE */

static int quota_kernel(int fd, unsigned cmd, unsigned id, void *addr)
{
	return syscall(SYS_quotactl_fd, fd, cmd, id, addr) == 0 ? 0 : -errno;
}

int (*quota_call)(int fd, unsigned cmd, unsigned id, void *addr) = quota_kernel;

/* One code for "no quotas here". */
static int control(int fd, unsigned cmd, unsigned id, void *addr)
{
	int err = quota_call(fd, QCMD(cmd, USRQUOTA), id, addr);

	return err == -ENOSYS || err == -EINVAL || err == -ENODEV || err == -ENOTBLK ? -EOPNOTSUPP
										     : err;
}

static bool is_root(const struct vfs_node *node)
{
	return cred_uid(node->cred) == 0;
}

struct quota_job {
	struct vfs_node *node;
	uid_t uid;
	struct vfs_quota *out;
	struct vfs_quota_state *state;
};

/* What both kernel structs of a user's quota have, in bytes; no limit is UINT64_MAX. */
static uint64_t limit_of(uint64_t units)
{
	return units && units <= UINT64_MAX / LIMIT_UNIT ? units * LIMIT_UNIT : UINT64_MAX;
}

static uint64_t units_of(uint64_t bytes)
{
	/* nothing at all cannot be said: zero means no limit */
	return bytes == UINT64_MAX   ? 0
	       : bytes <= LIMIT_UNIT ? 1
				     : bytes / LIMIT_UNIT + (bytes % LIMIT_UNIT != 0);
}

/* ---- is there any? ---- */

static int state_job(void *arg)
{
	struct quota_job *job = arg;
	struct fs_quota_stat stat = {.qs_version = FS_QSTAT_VERSION};
	int err = control(job->node->fd, Q_XGETQSTAT, 0, &stat);

	if (err)
		return err;
	job->state->tracked = stat.qs_flags & FS_QUOTA_UDQ_ACCT;
	job->state->enforced = stat.qs_flags & FS_QUOTA_UDQ_ENFD;
	return job->state->tracked ? 0 : -EOPNOTSUPP;
}

int vfs_node_quota_state(struct vfs_node *node, struct vfs_quota_state *state)
{
	struct quota_job job = {.node = node, .state = state};

	*state = (struct vfs_quota_state){0};
	return vfs_run(state_job, &job);
}

/* ---- a user's ---- */

int quota_get(int fd, uid_t uid, struct vfs_quota *out)
{
	struct if_dqblk block = {0};
	int err = control(fd, Q_GETQUOTA, uid, &block);

	if (err && err != -ENOENT) /* ENOENT: of XFS, for who owns nothing */
		return err == -ESRCH ? -EOPNOTSUPP : err;
	*out = (struct vfs_quota){.uid = uid,
				  .used = block.dqb_curspace,
				  .soft = limit_of(block.dqb_bsoftlimit),
				  .hard = limit_of(block.dqb_bhardlimit)};
	return 0;
}

static int get_job(void *arg)
{
	struct quota_job *job = arg;

	return quota_get(job->node->fd, job->uid, job->out);
}

int vfs_node_quota(struct vfs_node *node, uid_t uid, struct vfs_quota *quota)
{
	struct quota_job job = {.node = node, .uid = uid, .out = quota};

	return uid == cred_uid(node->cred) || is_root(node) ? vfs_run(get_job, &job) : -EPERM;
}

static int next_job(void *arg)
{
	struct quota_job *job = arg;
	struct if_nextdqblk block = {0};
	int err = control(job->node->fd, Q_GETNEXTQUOTA, job->uid, &block);

	if (err)
		return err == -ESRCH ? -ENOENT : err;
	*job->out = (struct vfs_quota){.uid = block.dqb_id,
				       .used = block.dqb_curspace,
				       .soft = limit_of(block.dqb_bsoftlimit),
				       .hard = limit_of(block.dqb_bhardlimit)};
	return 0;
}

int vfs_node_quota_next(struct vfs_node *node, uid_t from, struct vfs_quota *quota)
{
	struct quota_job job = {.node = node, .uid = from, .out = quota};
	uid_t self = cred_uid(node->cred);

	if (is_root(node))
		return vfs_run(next_job, &job);
	job.uid = self; /* all that may be seen */
	return from <= self ? vfs_run(get_job, &job) : -ENOENT;
}

static int set_job(void *arg)
{
	struct quota_job *job = arg;
	struct if_dqblk block = {.dqb_bsoftlimit = units_of(job->out->soft),
				 .dqb_bhardlimit = units_of(job->out->hard),
				 .dqb_valid = QIF_BLIMITS};
	int err = control(job->node->fd, Q_SETQUOTA, job->out->uid, &block);

	return err == -ESRCH ? -EOPNOTSUPP : err;
}

int vfs_node_set_quota(struct vfs_node *node, const struct vfs_quota *quota)
{
	struct vfs_quota copy = *quota;
	struct quota_job job = {.node = node, .out = &copy};

	if (node_is_frozen(node))
		return -EROFS;
	return is_root(node) ? vfs_run(set_job, &job) : -EPERM;
}
