/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/cmd/security.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <talloc.h>

#include "smbd/auth/identity.h"
#include "smbd/conf/conf.h"
#include "smbd/security/posix.h"
#include "smbd/session/session.h"
#include "smbd/session/tree.h"
#include "smbd/vfs/name.h"
#include "smbd/vfs/vfs.h"
#include "smbd/wire/access.h"
#include "smbd/wire/query_info.h"

/* ---- who ---- */

static const struct session_user *worker(const struct request *req)
{
	return req->tree->user ? req->tree->user : req->user;
}

struct token security_token(const struct request *req)
{
	const struct session_user *user = worker(req);

	if (!user->unix_user)
		return (struct token){.count = 0};
	return (struct token){.sids = user->unix_user->sids,
			      .count = user->unix_user->sid_count,
			      .privileges = user->unix_user->uid == 0 ? PRIVILEGE_ALL : 0};
}

static bool id_of(const struct posix_map *map, const struct sid *sid, struct posix_id *id)
{
	id->group = false;
	if (identity_uid_of_sid(sid, &id->id))
		return true;
	id->group = true;
	return identity_gid_of_sid(sid, &id->id);
}

static struct sid sid_of(const struct posix_map *map, bool group, uint32_t id)
{
	return group ? identity_sid_of_gid(id) : identity_sid_of_uid(id);
}

static const struct posix_map map = {.id_of = id_of, .sid_of = sid_of};

/* ---- POSIX ACLs, ours and Linux's ---- */

static void acl_of_linux(const struct vfs_acl *in, struct posix_acl *out)
{
	uint16_t mask = 7;

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < in->count; i++)
		if (in->entries[i].tag == VFS_ACL_MASK)
			mask = in->entries[i].perm;
	for (unsigned i = 0; i < in->count; i++) {
		const struct vfs_acl_entry *e = &in->entries[i];
		uint8_t perm = (uint8_t)(e->perm & mask);

		if (e->tag == VFS_ACL_USER_OBJ)
			out->owner = (uint8_t)e->perm;
		else if (e->tag == VFS_ACL_GROUP_OBJ)
			out->group = perm;
		else if (e->tag == VFS_ACL_OTHER)
			out->other = (uint8_t)e->perm;
		else if (e->tag != VFS_ACL_MASK && out->count < POSIX_IDS_MAX)
			out->named[out->count++] =
				(struct posix_id){e->tag == VFS_ACL_GROUP, e->id, perm};
	}
}

static void linux_add(struct vfs_acl *acl, uint16_t tag, uint16_t perm, uint32_t id)
{
	acl->entries[acl->count++] = (struct vfs_acl_entry){tag, perm, id};
}

static void linux_add_named(struct vfs_acl *out, const struct posix_acl *in, bool group)
{
	for (unsigned i = 0; i < in->count; i++)
		if (in->named[i].group == group)
			linux_add(out, group ? VFS_ACL_GROUP : VFS_ACL_USER, in->named[i].perm,
				  in->named[i].id);
}

static void acl_to_linux(const struct posix_acl *in, struct vfs_acl *out)
{
	uint16_t mask = in->group;

	out->count = 0;
	for (unsigned i = 0; i < in->count; i++)
		mask |= in->named[i].perm;
	linux_add(out, VFS_ACL_USER_OBJ, in->owner, UINT32_MAX);
	linux_add_named(out, in, false);
	linux_add(out, VFS_ACL_GROUP_OBJ, in->group, UINT32_MAX);
	linux_add_named(out, in, true);
	if (in->count)
		linux_add(out, VFS_ACL_MASK, mask, UINT32_MAX);
	linux_add(out, VFS_ACL_OTHER, in->other, UINT32_MAX);
}

/* ---- asking ---- */

static struct nt_status security_made(struct request *req, struct vfs_node *node,
				      struct security_descriptor *sd)
{
	struct posix_acl acl;
	struct vfs_acl linux_acl;
	struct vfs_stat st;
	int err = vfs_node_acl(node, &linux_acl);

	if (!err)
		err = vfs_node_stat(node, &st);
	if (err)
		return nt_status_from_errno(err);
	acl_of_linux(&linux_acl, &acl);
	if (!posix_to_descriptor(request_pool(req), &map, &acl, st.uid, st.gid, S_ISDIR(st.mode),
				 sd))
		return STATUS_INSUFFICIENT_RESOURCES;
	return STATUS_SUCCESS;
}

struct nt_status security_of_node(struct request *req, struct vfs_node *node,
				  struct security_descriptor *sd, bool *stored)
{
	int err = vfs_node_descriptor(node, request_pool(req), sd);

	*stored = err == 0;
	if (err == -ENODATA)
		return security_made(req, node, sd);
	return nt_status_from_errno(err);
}

/*
 * What permission bits stand for where no descriptor is stored. Who may read a file may execute it:
 * the x bit is rarely set on files that Windows wrote, as Samba's "acl allow execute always" has
 * it.
 */
static uint32_t access_of_posix(unsigned may, bool directory)
{
	uint32_t access = FILE_READ_ATTRIBUTES | READ_CONTROL | SYNCHRONIZE;

	if (may & VFS_MAY_READ)
		access |= FILE_GENERIC_READ | (directory ? 0 : FILE_EXECUTE);
	if (may & VFS_MAY_WRITE)
		access |= FILE_GENERIC_WRITE | FILE_DELETE_CHILD;
	if (may & VFS_MAY_EXECUTE)
		access |= FILE_GENERIC_EXECUTE;
	if (may & VFS_MAY_DELETE)
		access |= DELETE;
	if (may & VFS_MAY_OWN)
		access |= WRITE_DAC | WRITE_OWNER | FILE_WRITE_ATTRIBUTES | FILE_WRITE_EA;
	return access;
}

static int parent_lookup(struct request *req, const char *path, struct vfs_node **node)
{
	char *parent = talloc_strdup(request_pool(req), path);
	size_t len;

	if (!parent)
		return -ENOMEM;
	name_leaf(path, &len);
	parent[len] = '\0';
	return vfs_lookup(req->tree->share->vfs, worker(req)->cred, parent, node);
}

/* [MS-FSA] 2.1.5.1.2.1: who may delete the directory's children may delete this. */
static bool parent_lets_delete(struct request *req, struct vfs_node *node,
			       const struct token *token)
{
	struct security_descriptor sd;
	struct vfs_node *parent;
	unsigned may = 0;
	bool lets;
	int err;

	if (!*node->path || parent_lookup(req, node->path, &parent) != 0)
		return false;
	err = vfs_node_descriptor(parent, request_pool(req), &sd);
	if (!err)
		lets = security_maximal(&sd, token) & FILE_DELETE_CHILD;
	else
		lets = vfs_node_access(node, &may) == 0 && (may & VFS_MAY_DELETE);
	(void)vfs_node_close(parent); /* O_PATH: nothing to lose */
	return lets;
}

static uint32_t access_of_descriptor(struct request *req, struct vfs_node *node,
				     const struct security_descriptor *sd)
{
	struct token token = security_token(req);
	uint32_t maximal;

	node->trusted = true;
	if (token.privileges == PRIVILEGE_ALL)
		return FILE_ALL_ACCESS | ACCESS_SYSTEM_SECURITY;
	/* what a listing of the directory shows is asked of the file too */
	maximal = security_maximal(sd, &token) | FILE_READ_ATTRIBUTES;
	if (!(maximal & DELETE) && parent_lets_delete(req, node, &token))
		maximal |= DELETE;
	return maximal;
}

struct nt_status access_maximal(struct request *req, struct vfs_node *node, uint32_t *maximal)
{
	struct security_descriptor sd;
	unsigned may;
	int err = vfs_node_descriptor(node, request_pool(req), &sd);

	if (!err) {
		*maximal = access_of_descriptor(req, node, &sd);
	} else {
		if (err != -ENODATA)
			return nt_status_from_errno(err);
		err = vfs_node_access(node, &may);
		if (err)
			return nt_status_from_errno(err);
		*maximal = access_of_posix(may, node->stat.directory);
		if (security_token(req).privileges & PRIVILEGE_SECURITY)
			*maximal |= ACCESS_SYSTEM_SECURITY;
	}
	*maximal &= req->tree->maximal_access | ACCESS_SYSTEM_SECURITY;
	return STATUS_SUCCESS;
}

bool security_may_list(struct request *req, struct vfs_node *directory, const char *name)
{
	const uint32_t need = FILE_GENERIC_READ & ~SYNCHRONIZE;
	struct token token = security_token(req);
	struct security_descriptor sd;
	struct vfs_node *node;
	bool shown = true;
	char *path;

	if (!req->tree->share->conf->hide_unreadable || token.privileges == PRIVILEGE_ALL ||
	    strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	path = talloc_asprintf(NULL, "%s%s%s", directory->path, *directory->path ? "/" : "", name);
	if (!path || vfs_lookup(directory->share, directory->cred, path, &node) != 0) {
		talloc_free(path);
		return true;
	}
	if (vfs_node_descriptor(node, path, &sd) == 0)
		shown = (security_maximal(&sd, &token) & need) == need;
	talloc_free(path);
	(void)vfs_node_close(node); /* O_PATH: nothing to lose */
	return shown;
}

/* ---- setting ---- */

/* Ownership is taken, not given: to somebody else it goes by privilege alone. */
static struct nt_status owner_allowed(const struct token *token,
				      const struct security_descriptor *sd,
				      const struct security_descriptor *change)
{
	if (!change->has_owner || (sd->has_owner && sid_equal(&sd->owner, &change->owner)))
		return STATUS_SUCCESS;
	if (token_has(token, &change->owner) || (token->privileges & PRIVILEGE_RESTORE))
		return STATUS_SUCCESS;
	return STATUS_INVALID_OWNER;
}

static struct nt_status group_allowed(const struct token *token,
				      const struct security_descriptor *change)
{
	struct posix_id id;

	/* one that is none here is kept, and makes nobody anything */
	if (!change->has_group || !id_of(&map, &change->group, &id) ||
	    token_has(token, &change->group) || (token->privileges & PRIVILEGE_RESTORE))
		return STATUS_SUCCESS;
	return STATUS_ACCESS_DENIED;
}

/* Keep it, with what it amounts to in POSIX beside it. */
static struct nt_status security_store(struct vfs_node *node, const struct security_descriptor *sd,
				       bool closed)
{
	struct vfs_protection to = {.uid = (uid_t)-1, .gid = (gid_t)-1, .sd = sd, .closed = closed};
	struct posix_acl posix;
	struct vfs_acl acl;
	struct posix_id id;
	struct vfs_stat st;
	int err = vfs_node_stat(node, &st);

	if (err)
		return nt_status_from_errno(err);
	posix_of_descriptor(&map, sd, S_ISDIR(st.mode), &posix);
	acl_to_linux(&posix, &acl);
	to.acl = &acl;
	if (sd->has_owner && id_of(&map, &sd->owner, &id) && !id.group && id.id != st.uid)
		to.uid = id.id;
	if (sd->has_group && id_of(&map, &sd->group, &id) && id.group && id.id != st.gid)
		to.gid = id.id;
	err = vfs_node_protect(node, &to);
	if (!err)
		node->trusted = true;
	return nt_status_from_errno(err);
}

struct nt_status security_set(struct request *req, struct vfs_node *node,
			      const struct security_descriptor *change, uint32_t info)
{
	struct token token = security_token(req);
	struct security_descriptor sd, merged;
	struct nt_status status;
	bool stored;

	status = security_of_node(req, node, &sd, &stored);
	if (nt_success(status) && (info & OWNER_SECURITY_INFORMATION))
		status = owner_allowed(&token, &sd, change);
	if (nt_success(status) && (info & GROUP_SECURITY_INFORMATION))
		status = group_allowed(&token, change);
	if (!nt_success(status))
		return status;
	if (!security_merge(request_pool(req), &sd, change, info, &merged))
		return STATUS_INSUFFICIENT_RESOURCES;
	return security_store(node, &merged, false);
}

/* ---- making ---- */

struct nt_status security_add_allowed(struct request *req, const char *path, bool directory,
				      struct security_parent *parent)
{
	const uint32_t need = directory ? FILE_ADD_SUBDIRECTORY : FILE_ADD_FILE;
	struct token token = security_token(req);
	struct vfs_node *node;
	int err = parent_lookup(req, path, &node);
	bool shut;

	parent->stored = false;
	if (err)
		return STATUS_SUCCESS; /* who makes it finds out what is wrong with the path */
	err = vfs_node_descriptor(node, request_pool(req), &parent->sd);
	/* that nobody may enter: the kernel will say no, or else it is being made, and what it
	 * inherits is not there yet */
	shut = !(node->stat.mode & 0111) && token.privileges != PRIVILEGE_ALL;
	(void)vfs_node_close(node); /* O_PATH: nothing to lose */
	if (err)
		return err != -ENODATA ? nt_status_from_errno(err)
		       : shut          ? STATUS_ACCESS_DENIED
				       : STATUS_SUCCESS;
	parent->stored = true;
	if (token.privileges == PRIVILEGE_ALL || (security_maximal(&parent->sd, &token) & need))
		return STATUS_SUCCESS;
	return STATUS_ACCESS_DENIED;
}

struct nt_status security_replace_allowed(struct request *req, struct vfs_node *node,
					  const char *path)
{
	struct nt_status status = STATUS_SUCCESS;
	struct vfs_node *target;
	uint32_t maximal = 0;

	if (vfs_lookup(node->share, node->cred, path, &target) != 0)
		return STATUS_SUCCESS; /* nothing there, or what the rename will say */
	if (!vfs_id_same_file(&target->id, &node->id))
		status = access_maximal(req, target, &maximal);
	/* without a descriptor the kernel decides */
	if (nt_success(status) && target->trusted && !(maximal & DELETE))
		status = STATUS_ACCESS_DENIED;
	(void)vfs_node_close(target); /* O_PATH: nothing to lose */
	return status;
}

/* The parts that a creator gave. */
static uint32_t parts_of(const struct security_descriptor *sd)
{
	return (sd->has_owner ? OWNER_SECURITY_INFORMATION : 0) |
	       (sd->has_group ? GROUP_SECURITY_INFORMATION : 0) |
	       (sd->control & SECURITY_DESCRIPTOR_DP ? DACL_SECURITY_INFORMATION : 0) |
	       (sd->has_sacl ? SACL_SECURITY_INFORMATION : 0);
}

bool security_is_inherited(struct request *req, const struct security_parent *parent)
{
	return parent->stored && security_token(req).count >= 2;
}

struct nt_status security_new(struct request *req, struct vfs_node *node,
			      const struct security_parent *parent,
			      const struct security_descriptor *creator)
{
	struct token token = security_token(req);
	struct security_descriptor sd;
	struct nt_status status;

	if (security_is_inherited(req, parent)) {
		if (!security_inherit(request_pool(req), &parent->sd, &token, node->stat.directory,
				      &sd))
			return STATUS_INSUFFICIENT_RESOURCES;
		status = security_store(node, &sd, true);
		if (!nt_success(status))
			return status;
	}
	return creator ? security_set(req, node, creator, parts_of(creator)) : STATUS_SUCCESS;
}
