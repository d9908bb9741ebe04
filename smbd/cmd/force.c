/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/cmd/force.h"

#include <errno.h>
#include <grp.h>
#include <string.h>

#include <talloc.h>

#include "smbd/auth/auth.h"
#include "smbd/auth/identity.h"
#include "smbd/conf/conf.h"
#include "smbd/session/session.h"
#include "smbd/vfs/vfs.h"
#include "transport/base/log.h"

#define GROUP_BYTES 65536

static void forced_release(struct session_user *user)
{
	vfs_cred_put(user->cred);
	talloc_free(user);
}

/* 0 and the number; -ENOENT: no such group. */
static int group_number(void *mem, const char *name, gid_t *gid)
{
	char *buf = talloc_size(mem, GROUP_BYTES);
	struct group gr, *found = NULL;
	int err;

	if (!buf)
		return -ENOMEM;
	err = -getgrnam_r(name, &gr, buf, GROUP_BYTES, &found);
	if (!err && !found)
		err = -ENOENT;
	if (!err)
		*gid = gr.gr_gid;
	talloc_free(buf);
	return err;
}

/* The primary group; "+name" is for those who are in it. */
static int forced_group(struct session_user *made, const char *name, gid_t *gid)
{
	*gid = made->unix_user->gid;
	if (!*name)
		return 0;
	if (*name == '+' && !identity_in_group(made->unix_user, name + 1))
		return 0;
	return group_number(made, name + (*name == '+'), gid);
}

/* The user's own primary group becomes one of the others. */
static struct vfs_cred *forced_cred(const struct unix_user *user, gid_t gid)
{
	gid_t *groups = talloc_array(NULL, gid_t, user->group_count + 1);
	struct vfs_cred *cred = NULL;

	if (groups) {
		groups[0] = user->gid;
		for (unsigned i = 0; i < user->group_count; i++)
			groups[i + 1] = user->groups[i];
		cred = vfs_cred_new(user->uid, gid, groups, user->group_count + 1);
	}
	talloc_free(groups);
	return cred;
}

static int forced_fill(struct session_user *made, const struct auth_config *auth, const char *name,
		       const char *group)
{
	enum identity_kind kind = made->guest ? IDENTITY_GUEST : IDENTITY_USER;
	int err = identity_lookup(auth->identities, made, name, kind, &made->unix_user);
	gid_t gid;

	if (!err)
		err = forced_group(made, group, &gid);
	if (err)
		return err;
	made->name = talloc_strdup(made, made->unix_user->name);
	made->domain = "";
	made->cred = forced_cred(made->unix_user, gid);
	return made->name && made->cred ? 0 : -ENOMEM;
}

struct nt_status force_user(const struct conf *conf, const struct conf_share *share,
			    const struct auth_config *auth, const struct session_user *user,
			    struct session_user **out)
{
	bool guest_only = share->guest_only && share->guest_ok;
	struct session_user *made;
	const char *name;
	int err = -ENOENT;

	*out = NULL;
	if (!guest_only && !*share->force_user && !*share->force_group)
		return STATUS_SUCCESS;
	made = talloc_zero(NULL, struct session_user);
	if (!made)
		return STATUS_INSUFFICIENT_RESOURCES;
	atomic_init(&made->refs, 1);
	made->release = forced_release;
	made->guest = guest_only || user->guest;
	if (*share->force_user)
		name = conf_expand(made, conf, share->force_user, share->name, user->name);
	else if (guest_only)
		name = auth->guest_account;
	else
		name = user->unix_user ? user->unix_user->name : NULL;
	if (name)
		err = forced_fill(made, auth, name, share->force_group);
	if (!err) {
		*out = made;
		return STATUS_SUCCESS;
	}
	log_warning("share %s: force user %s, force group %s: %s", share->name,
		    name ? name : share->force_user, share->force_group, strerror(-err));
	forced_release(made);
	return err == -ENOMEM ? STATUS_INSUFFICIENT_RESOURCES : STATUS_ACCESS_DENIED;
}
