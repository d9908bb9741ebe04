/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/cmd/service.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <talloc.h>

#include "smbd/auth/accounts.h"
#include "smbd/auth/auth.h"
#include "smbd/auth/identity.h"
#include "smbd/cmd/caching.h"
#include "smbd/cmd/force.h"
#include "smbd/conf/conf.h"
#include "smbd/file/file.h"
#include "smbd/file/file_notify.h"
#include "smbd/net/interfaces.h"
#include "smbd/net/match.h"
#include "smbd/rpc/rpc.h"
#include "smbd/session/connection.h"
#include "smbd/session/request.h"
#include "smbd/session/server.h"
#include "smbd/session/session.h"
#include "smbd/vfs/vfs.h"
#include "smbd/wire/access.h"
#include "smbd/wire/dtyp.h"
#include "transport/base/clock.h"
#include "transport/base/log.h"

/* [MS-SMB2] 2.2.10 MaximalAccess of who may read, and of who may do anything. */
#define ACCESS_READ_ONLY  (FILE_GENERIC_READ | FILE_GENERIC_EXECUTE)
#define ACCESS_READ_WRITE FILE_ALL_ACCESS

struct snapshot;

/* A share of one configuration. Its references are the configuration's. */
struct disk {
	struct share share;
	struct snapshot *snapshot;
	atomic_uint trees;
	bool own; /* of one user (%U in its path): goes with its only tree */
};

/* A configuration in force, or that was while some tree was connected. */
struct snapshot {
	atomic_uint refs;
	struct conf *conf;
	struct disk ipc;
	unsigned count;
	struct disk *disks; /* as conf.shares */
};

struct service {
	pthread_mutex_t mutex;
	struct snapshot *current;
	struct accounts *accounts;
	struct auth_config auth;
	struct file_table *files;
	const struct net_rdma *rdma;
};

/* ---- snapshots ---- */

static void snapshot_put(struct snapshot *s)
{
	if (atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	for (unsigned i = 0; i < s->count; i++)
		if (s->disks[i].share.vfs)
			vfs_share_put(s->disks[i].share.vfs);
	talloc_free(s);
}

static struct snapshot *snapshot_get(struct service *service)
{
	struct snapshot *s;

	pthread_mutex_lock(&service->mutex);
	s = service->current;
	atomic_fetch_add(&s->refs, 1);
	pthread_mutex_unlock(&service->mutex);
	return s;
}

static void disk_release(struct share *share)
{
	struct disk *disk = container_of(share, struct disk, share);
	struct snapshot *s = disk->snapshot;

	atomic_fetch_sub(&disk->trees, 1);
	if (disk->own) {
		vfs_share_put(disk->share.vfs);
		talloc_free(disk);
	}
	snapshot_put(s);
}

/* Samba's attribute is one that only root may write; others keep theirs where they may. */
static const char *ntacl_name(const struct conf_share *conf)
{
	if (!conf->nt_acl_support)
		return NULL;
	return geteuid() == 0 ? "security.NTACL" : "user.NTACL";
}

static int disk_open(const struct conf_share *conf, const char *path, struct vfs_share **vfs)
{
	static const enum vfs_snapshot_sort sorts[] = {
		[CONF_SHADOW_DESC] = VFS_SNAPSHOT_DESC,
		[CONF_SHADOW_ASC] = VFS_SNAPSHOT_ASC,
		[CONF_SHADOW_UNSORTED] = VFS_SNAPSHOT_UNSORTED,
	};
	const struct vfs_share_options options = {
		.case_sensitive = conf->case_sensitive == CONF_YES,
		.symlinks = conf->wide_links        ? VFS_SYMLINKS_WIDE
			    : conf->follow_symlinks ? VFS_SYMLINKS_BENEATH
						    : VFS_SYMLINKS_NONE,
		.create_mask = conf->create_mask,
		.directory_mask = conf->directory_mask,
		.force_create_mode = conf->force_create_mode,
		.force_directory_mode = conf->force_directory_mode,
		.hide_dot_files = conf->hide_dot_files,
		.hide_unreadable = conf->hide_unreadable,
		.store_dos_attributes = conf->store_dos_attributes,
		.ea_support = conf->ea_support,
		.ntacl_name = ntacl_name(conf),
		.snapshots = {.dir = conf->shadow_snapdir,
			      .mountpoint = conf->shadow_mountpoint,
			      .basedir = conf->shadow_basedir,
			      .format = conf->shadow_format,
			      .localtime = conf->shadow_localtime,
			      .sort = sorts[conf->shadow_sort]},
	};

	return vfs_share_open(path, &options, vfs);
}

/* Does the path depend on who connects? conf_expand() leaves such substitutions as they are. */
static bool path_is_users(const char *path)
{
	return strstr(path, "%U") || strstr(path, "%u");
}

static void disk_init(struct disk *disk, struct snapshot *s, const struct conf_share *conf)
{
	char *path = conf_expand(s, s->conf, conf->path, conf->name, NULL);
	int err = path ? 0 : -ENOMEM;

	disk->snapshot = s;
	disk->share.name = conf->name;
	disk->share.conf = conf;
	disk->share.release = disk_release;
	if (!err && !path_is_users(path))
		err = disk_open(conf, path, &disk->share.vfs);
	if (err)
		log_warning("share %s: %s: %s", conf->name, conf->path, strerror(-err));
}

/* Takes conf over, also on failure. */
static struct snapshot *snapshot_create(struct conf *conf)
{
	struct snapshot *s = talloc_zero(NULL, struct snapshot);

	if (s)
		s->disks = talloc_zero_array(s, struct disk, conf->share_count);
	if (!s || !s->disks) {
		talloc_free(s);
		talloc_free(conf);
		return NULL;
	}
	s->conf = talloc_steal(s, conf);
	s->count = conf->share_count;
	atomic_init(&s->refs, 1);
	s->ipc.snapshot = s;
	s->ipc.share = (struct share){.name = "IPC$", .ipc = true, .release = disk_release};
	for (unsigned i = 0; i < s->count; i++)
		disk_init(&s->disks[i], s, conf->shares[i]);
	return s;
}

/* ---- the service ---- */

static void auth_init(struct service *service, const struct conf *conf)
{
	static const enum auth_map_guest map[] = {
		[CONF_MAP_NEVER] = AUTH_MAP_NEVER,
		[CONF_MAP_BAD_USER] = AUTH_MAP_BAD_USER,
		[CONF_MAP_BAD_PASSWORD] = AUTH_MAP_BAD_PASSWORD,
	};

	service->auth = (struct auth_config){
		.netbios_name = talloc_strdup(service, conf->netbios_name),
		.map_to_guest = map[conf->map_to_guest],
		.allow_anonymous = conf->restrict_anonymous < 2,
		.guest_account = talloc_strdup(service, conf->guest_account),
		.accounts = service->accounts,
		.identities = identities_create(service),
	};
}

/* Without it users are not known by the SIDs that Samba gave them; else nothing needs it. */
static void machine_init(const struct conf *conf)
{
	struct sid machine;
	int err = identity_machine_sid(conf->state_directory, &machine);

	if (err)
		log_info("%s/machine.sid: %s", conf->state_directory, strerror(-err));
	else
		identity_set_machine(&machine);
}

struct service *service_create(struct conf *conf)
{
	struct service *service = talloc_zero(NULL, struct service);

	if (!service)
		goto free_conf;
	service->accounts = accounts_create(service, conf->smb_passwd_file);
	if (!service->accounts)
		goto free_service;
	auth_init(service, conf);
	machine_init(conf);
	service->files = file_table_new(&caching_breaker);
	if (service->files)
		oplock_timeout_set(service->files, conf->oplock_break_timeout_sec * NS_PER_SEC);
	if (!service->auth.netbios_name || !service->auth.identities || !service->files ||
	    file_notify_kernel(service->files, conf->notify_watches) != 0)
		goto free_service;
	pthread_mutex_init(&service->mutex, NULL);
	service->current = snapshot_create(conf);
	if (service->current)
		return service;
	pthread_mutex_destroy(&service->mutex);
	file_table_free(service->files);
	talloc_free(service);
	return NULL;

free_service:
	if (service->files)
		file_table_free(service->files);
	talloc_free(service);
free_conf:
	talloc_free(conf);
	errno = ENOMEM;
	return NULL;
}

void service_destroy(struct service *service)
{
	snapshot_put(service->current);
	file_table_free(service->files);
	pthread_mutex_destroy(&service->mutex);
	talloc_free(service);
}

int service_check_accounts(struct service *service, char *text, size_t cap)
{
	struct accounts_error error = {""};
	int err = accounts_load(service->accounts, &error);

	snprintf(text, cap, "%s", error.text);
	return err;
}

int service_reload(struct service *service, struct conf *conf)
{
	struct snapshot *s = snapshot_create(conf), *former;

	if (!s)
		return -ENOMEM;
	pthread_mutex_lock(&service->mutex);
	former = service->current;
	service->current = s;
	pthread_mutex_unlock(&service->mutex);
	snapshot_put(former);
	return 0;
}

struct service *service_of(const struct request *req)
{
	return req->conn->server->config.service;
}

struct file_table *service_files(const struct request *req)
{
	return service_of(req)->files;
}

const struct auth_config *service_auth(const struct request *req)
{
	return &service_of(req)->auth;
}

/* ---- finding a share ---- */

struct share_user {
	struct conf_user conf;
	const struct session_user *user;
};

static bool in_group(const struct conf_user *conf, const char *group)
{
	const struct session_user *user = container_of(conf, const struct share_user, conf)->user;

	return user->unix_user && identity_in_group(user->unix_user, group);
}

/* What the lists say of who logged in; where everybody is guest, of the guest. */
static enum conf_access access_of(const struct conf_share *share, const struct session_user *user,
				  const struct session_user *forced)
{
	const struct session_user *listed =
		forced && share->guest_only && share->guest_ok ? forced : user;
	const struct share_user who = {
		.conf = {.name = listed->name,
			 .guest = listed->guest || listed->anonymous,
			 .in_group = in_group},
		.user = listed,
	};

	return conf_share_access(share, &who.conf);
}

/* A share whose path names the user: one of its own for this tree. */
static struct disk *disk_for_user(struct snapshot *s, const struct conf_share *conf,
				  const struct session_user *user)
{
	struct disk *disk = talloc_zero(NULL, struct disk);
	char *path;

	if (!disk)
		return NULL;
	path = conf_expand(disk, s->conf, conf->path, conf->name, user->name);
	if (!path || disk_open(conf, path, &disk->share.vfs) != 0) {
		talloc_free(disk);
		return NULL;
	}
	disk->snapshot = s;
	disk->own = true;
	disk->share.name = conf->name;
	disk->share.conf = conf;
	disk->share.release = disk_release;
	return disk;
}

static struct disk *disk_find(struct snapshot *s, const char *name)
{
	for (unsigned i = 0; i < s->count; i++)
		if (strcasecmp(s->disks[i].share.name, name) == 0)
			return &s->disks[i];
	return NULL;
}

static struct nt_status root_status(int err)
{
	/* what an administrator took away is no share any more, as far as clients go */
	if (err == -ENODEV || err == -ENOENT)
		return STATUS_BAD_NETWORK_NAME;
	return nt_status_from_errno(err);
}

/* Counts the tree on success. */
static struct nt_status disk_connect(struct snapshot *s, struct disk *disk,
				     const struct session_user *user, struct service_share *out)
{
	const struct session_user *worker = out->user ? out->user : user;
	const struct conf_share *conf = disk->share.conf;
	enum conf_access access;
	int err;

	access = access_of(conf, user, out->user);
	if (access == CONF_ACCESS_NONE || conf->smb_encrypt == CONF_ENCRYPT_REQUIRED)
		return STATUS_ACCESS_DENIED;
	if (!disk->share.vfs)
		disk = disk_for_user(s, conf, user);
	if (!disk)
		return STATUS_BAD_NETWORK_NAME;
	/* whom the folder keeps out learns it at its first open: 3.3.5.7 asks the share alone */
	err = vfs_share_check(disk->share.vfs, worker->cred);
	if (err == -EACCES)
		err = 0;
	/* [MS-SMB2] 3.3.5.7 CurrentUses */
	if (atomic_fetch_add(&disk->trees, 1) >= conf->max_connections && conf->max_connections)
		err = -EUSERS;
	if (err) {
		atomic_fetch_add(&s->refs, 1); /* of the release */
		disk_release(&disk->share);
		return err == -EUSERS ? STATUS_REQUEST_NOT_ACCEPTED : root_status(err);
	}
	out->share = &disk->share;
	out->read_only = access == CONF_ACCESS_READ;
	out->maximal_access = out->read_only ? ACCESS_READ_ONLY : ACCESS_READ_WRITE;
	return STATUS_SUCCESS;
}

struct nt_status service_share_find(struct service *service, const char *name,
				    const struct session_user *user, struct service_share *out)
{
	struct snapshot *s = snapshot_get(service);
	struct nt_status status;
	struct disk *disk;

	out->user = NULL;
	if (strcasecmp(name, "IPC$") == 0) {
		atomic_fetch_add(&s->ipc.trees, 1);
		*out = (struct service_share){.share = &s->ipc.share,
					      .maximal_access = ACCESS_READ_WRITE};
		return STATUS_SUCCESS;
	}
	disk = disk_find(s, name);
	status = STATUS_BAD_NETWORK_NAME;
	if (disk && disk->share.conf->available)
		status = force_user(s->conf, disk->share.conf, &service->auth, user, &out->user);
	if (nt_success(status))
		status = disk_connect(s, disk, user, out);
	if (nt_error(status)) {
		session_user_put(out->user);
		snapshot_put(s);
	}
	return status;
}

/* ---- the listing ---- */

struct listing {
	struct rpc_env env;
	struct snapshot *snapshot;
	bool *kept_from; /* its user, of each share */
};

/* "access based share enum": those who cannot connect do not see it. */
static bool is_kept_from(struct service *service, const struct snapshot *s,
			 const struct conf_share *share, const struct session_user *user)
{
	struct session_user *forced = NULL;
	bool kept;

	if (!share->access_based_share_enum)
		return false;
	kept = !nt_success(force_user(s->conf, share, &service->auth, user, &forced)) ||
	       access_of(share, user, forced) == CONF_ACCESS_NONE;
	session_user_put(forced);
	return kept;
}

static void list_disk(const struct disk *disk, void (*one)(void *, const struct rpc_share *),
		      void *arg)
{
	const struct conf_share *conf = disk->share.conf;
	const struct rpc_share share = {
		.name = conf->name,
		.comment = conf->comment,
		.path = "",
		.type = RPC_SHARE_DISK,
		.flags = (uint32_t)conf->csc_policy << 4,
		.max_users = conf->max_connections,
		.users = atomic_load(&disk->trees),
	};

	one(arg, &share);
}

static void list(const struct rpc_env *env, bool hidden,
		 void (*one)(void *, const struct rpc_share *), void *arg)
{
	const struct listing *listing = container_of(env, const struct listing, env);
	const struct snapshot *s = listing->snapshot;
	const struct rpc_share ipc = {
		.name = "IPC$",
		.comment = "IPC Service",
		.path = "",
		.type = RPC_SHARE_IPC | RPC_SHARE_SPECIAL,
		.users = atomic_load(&s->ipc.trees),
	};

	for (unsigned i = 0; i < s->count; i++)
		if (s->conf->shares[i]->available &&
		    (hidden || (s->conf->shares[i]->browseable && !listing->kept_from[i])))
			list_disk(&s->disks[i], one, arg);
	one(arg, &ipc);
}

static void list_shown(const struct rpc_env *env, void (*one)(void *, const struct rpc_share *),
		       void *arg)
{
	list(env, false, one, arg);
}

static void list_all(const struct rpc_env *env, void (*one)(void *, const struct rpc_share *),
		     void *arg)
{
	list(env, true, one, arg);
}

static int listing_free(struct listing *listing)
{
	snapshot_put(listing->snapshot);
	return 0;
}

const struct rpc_env *service_rpc_env(void *talloc_ctx, struct service *service,
				      const struct session_user *user)
{
	struct listing *listing = talloc_zero(talloc_ctx, struct listing);
	const struct conf *conf;

	if (!listing)
		return NULL;
	listing->snapshot = snapshot_get(service);
	talloc_set_destructor(listing, listing_free);
	conf = listing->snapshot->conf;
	listing->kept_from = talloc_array(listing, bool, listing->snapshot->count + 1);
	if (!listing->kept_from) {
		talloc_free(listing);
		return NULL;
	}
	for (unsigned i = 0; i < listing->snapshot->count; i++)
		listing->kept_from[i] =
			is_kept_from(service, listing->snapshot, conf->shares[i], user);
	listing->env = (struct rpc_env){
		.server_name = conf->netbios_name,
		.server_comment = conf->server_string,
		.workgroup = conf->workgroup,
		.shares = list_shown,
		.all_shares = list_all,
	};
	return &listing->env;
}

/* ---- the network ---- */

void service_rdma_set(struct service *service, const struct net_rdma *rdma)
{
	service->rdma = rdma;
}

struct net_interfaces *service_interfaces(void *talloc_ctx, struct service *service,
					  const struct sockaddr_storage *local)
{
	struct net_interfaces *all = NULL;
	struct net_links *links;
	struct snapshot *s;
	int err = net_links_read(talloc_ctx, &links);

	if (!err) {
		s = snapshot_get(service);
		all = net_interfaces_make(talloc_ctx, s->conf, links, service->rdma);
		snapshot_put(s);
		talloc_free(links);
		err = all ? 0 : -ENOMEM;
	}
	if (all && local)
		net_interfaces_tell(all, local);
	errno = -err;
	return all;
}

static void link_find(const struct net_interfaces *all, const struct sockaddr_storage *local,
		      struct service_link *link)
{
	for (unsigned i = 0; i < all->count; i++) {
		const struct net_interface *one = &all->list[i];

		if (net_address_equal((const struct sockaddr *)&one->address,
				      (const struct sockaddr *)local))
			*link = (struct service_link){one->speed_assumed ? 0 : one->bits_per_sec,
						      one->rss};
	}
}

bool service_may_bind(struct service *service, const struct sockaddr_storage *local,
		      struct service_link *link)
{
	struct net_interfaces *all;
	struct net_links *links;
	struct snapshot *s;
	bool may;

	*link = (struct service_link){0};
	if (net_links_read(NULL, &links) != 0)
		return false;
	s = snapshot_get(service);
	may = net_address_may_bind(s->conf, links, local);
	all = may ? net_interfaces_make(links, s->conf, links, service->rdma) : NULL;
	if (all)
		link_find(all, local, link);
	snapshot_put(s);
	talloc_free(links);
	return may;
}
