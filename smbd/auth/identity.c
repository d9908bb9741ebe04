/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/auth/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smbd/crypto/rand.h"
#include "smbd/wire/dtyp.h"
#include "transport/base/clock.h"
#include "transport/base/list.h"

#define CACHE_AGE_NS (60 * NS_PER_SEC)
#define CACHE_MAX    1024
#define GROUPS_MAX   65536
#define NSS_BYTES    16384

#define AUTHORITY_UNIX 22 /* S-1-22-1-uid, S-1-22-2-gid */
#define UNIX_USERS     1
#define UNIX_GROUPS    2

#define RID_USERS 513  /* "None", or Domain Users */
#define RID_FIRST 1000 /* of the algorithm: even ones are users */

/* What the system says about a name; what kind of login it is comes on top. */
struct cached_user {
	struct list_node node; /* newest last */
	uint64_t until_ns;
	struct unix_user *user; /* without SIDs */
};

struct identities {
	pthread_mutex_t lock;
	struct list_node cache;
	unsigned count;
};

/* ---- SIDs ---- */

static const struct sid sid_unix_users = SID_INIT(AUTHORITY_UNIX, UNIX_USERS);
static const struct sid sid_unix_groups = SID_INIT(AUTHORITY_UNIX, UNIX_GROUPS);

struct sid identity_sid_of_uid(uid_t uid)
{
	return (struct sid)SID_INIT(AUTHORITY_UNIX, UNIX_USERS, uid);
}

struct sid identity_sid_of_gid(gid_t gid)
{
	return (struct sid)SID_INIT(AUTHORITY_UNIX, UNIX_GROUPS, gid);
}

static struct sid machine; /* no sub-authorities: not known */

void identity_set_machine(const struct sid *sid)
{
	machine = *sid;
}

static struct sid sid_of_rid(uint32_t rid)
{
	struct sid sid = machine;

	sid.sub_authority[sid.sub_authority_count++] = rid;
	return sid;
}

/* Of this machine, and of the algorithm. */
static bool rid_of_sid(const struct sid *sid, uint32_t kind, uint32_t *id)
{
	uint32_t rid;

	if (!machine.sub_authority_count || !sid_in_domain(sid, &machine, &rid) ||
	    rid < RID_FIRST || rid % 2 != kind)
		return false;
	*id = (rid - RID_FIRST) / 2;
	return true;
}

bool identity_uid_of_sid(const struct sid *sid, uid_t *uid)
{
	if (rid_of_sid(sid, 0, uid))
		return true;
	return sid_in_domain(sid, &sid_unix_users, uid) && *uid != (uid_t)-1;
}

bool identity_gid_of_sid(const struct sid *sid, gid_t *gid)
{
	if (rid_of_sid(sid, 1, gid))
		return true;
	return sid_in_domain(sid, &sid_unix_groups, gid) && *gid != (gid_t)-1;
}

/* [MS-DTYP] 2.5.3.1: a token's own SIDs, then those that everybody of its kind has. */
static int add_sids(struct unix_user *user, enum identity_kind kind)
{
	const struct sid *const extra[] = {
		&sid_everyone,
		&sid_network,
		kind == IDENTITY_USER    ? &sid_authenticated_users
		: kind == IDENTITY_GUEST ? &sid_guests
					 : &sid_anonymous,
	};
	struct sid *sids = talloc_array(user, struct sid, 2 * user->group_count + 9);
	unsigned n = 0;

	if (!sids)
		return -ENOMEM;
	sids[n++] = identity_sid_of_uid(user->uid);
	sids[n++] = identity_sid_of_gid(user->gid);
	for (unsigned i = 0; i < user->group_count; i++)
		if (user->groups[i] != user->gid)
			sids[n++] = identity_sid_of_gid(user->groups[i]);
	for (unsigned i = 0; i < sizeof(extra) / sizeof(extra[0]); i++)
		sids[n++] = *extra[i];
	if (kind == IDENTITY_USER)
		sids[n++] = sid_users;
	if (machine.sub_authority_count) {
		sids[n++] = sid_of_rid(2 * user->uid + RID_FIRST);
		sids[n++] = sid_of_rid(2 * user->gid + RID_FIRST + 1);
		if (kind == IDENTITY_USER)
			sids[n++] = sid_of_rid(RID_USERS);
		for (unsigned i = 0; i < user->group_count; i++)
			if (user->groups[i] != user->gid)
				sids[n++] = sid_of_rid(2 * user->groups[i] + RID_FIRST + 1);
	}
	user->sids = sids;
	user->sid_count = n;
	return 0;
}

/* ---- the system ---- */

static int read_groups(struct unix_user *user)
{
	gid_t *groups = NULL;
	int count = 64, room;

	do {
		room = count;
		groups = talloc_realloc(user, groups, gid_t, (unsigned)room);
		if (!groups)
			return -ENOMEM;
		if (getgrouplist(user->name, user->gid, groups, &count) >= 0) {
			user->groups = groups;
			user->group_count = (unsigned)count;
			return 0;
		}
	} while (count > room && count <= GROUPS_MAX);
	return -EOVERFLOW;
}

static int ask_system(TALLOC_CTX *mem, const char *name, struct unix_user **out)
{
	struct unix_user *user = talloc_zero(mem, struct unix_user);
	struct passwd pw, *found = NULL;
	char *buf = user ? talloc_array(user, char, NSS_BYTES) : NULL;
	int err = buf ? getpwnam_r(name, &pw, buf, NSS_BYTES, &found) : ENOMEM;

	if (err || !found) {
		/* "not there" has many names in getpwnam(3) */
		bool absent = !err || err == ENOENT || err == ESRCH || err == EBADF || err == EPERM;

		talloc_free(user);
		return absent ? -ENOENT : -err;
	}
	user->uid = pw.pw_uid;
	user->gid = pw.pw_gid;
	user->name = talloc_strdup(user, pw.pw_name);
	talloc_free(buf);
	err = user->name ? read_groups(user) : -ENOMEM;
	if (err) {
		talloc_free(user);
		return err;
	}
	*out = user;
	return 0;
}

/* A server without root's rights can be nobody but itself. */
static int ask_self(TALLOC_CTX *mem, const char *name, struct unix_user **out)
{
	struct unix_user *user = talloc_zero(mem, struct unix_user);
	int count = getgroups(0, NULL);
	gid_t *groups = user && count >= 0 ? talloc_array(user, gid_t, (unsigned)count + 1) : NULL;

	if (groups)
		count = getgroups(count, groups);
	if (groups && count >= 0)
		user->name = talloc_strdup(user, name);
	if (!user || !user->name) {
		talloc_free(user);
		return -ENOMEM;
	}
	user->uid = geteuid();
	user->gid = getegid();
	user->groups = groups;
	user->group_count = (unsigned)count;
	*out = user;
	return 0;
}

/* ---- the cache ---- */

static int identities_destructor(struct identities *ids)
{
	pthread_mutex_destroy(&ids->lock);
	return 0;
}

struct identities *identities_create(TALLOC_CTX *mem)
{
	struct identities *ids = talloc_zero(mem, struct identities);

	if (!ids)
		return NULL;
	list_init(&ids->cache);
	if (pthread_mutex_init(&ids->lock, NULL) != 0) {
		talloc_free(ids);
		return NULL;
	}
	talloc_set_destructor(ids, identities_destructor);
	return ids;
}

static struct unix_user *user_copy(TALLOC_CTX *mem, const struct unix_user *from)
{
	struct unix_user *user = talloc_memdup(mem, from, sizeof(*from));

	if (!user)
		return NULL;
	user->name = talloc_strdup(user, from->name);
	/* one more, for memdup of nothing is NULL */
	user->groups = talloc_array(user, gid_t, from->group_count + 1);
	if (!user->name || !user->groups) {
		talloc_free(user);
		return NULL;
	}
	memcpy((gid_t *)user->groups, from->groups, from->group_count * sizeof(gid_t));
	return user;
}

static void cache_drop(struct identities *ids, struct cached_user *c)
{
	list_del(&c->node);
	ids->count--;
	talloc_free(c);
}

/* With the lock. Old entries go first; they stand first. */
static struct cached_user *cache_find(struct identities *ids, const char *name)
{
	uint64_t now = clock_mono_ns();

	list_for_each_safe (n, &ids->cache) {
		struct cached_user *c = container_of(n, struct cached_user, node);

		if (c->until_ns <= now)
			cache_drop(ids, c);
		else if (strcmp(c->user->name, name) == 0)
			return c;
	}
	return NULL;
}

/* With the lock. No memory: then it is not cached. */
static void cache_add(struct identities *ids, const struct unix_user *user)
{
	struct cached_user *c;

	if (cache_find(ids, user->name))
		return;
	if (ids->count >= CACHE_MAX)
		cache_drop(ids, container_of(list_first(&ids->cache), struct cached_user, node));
	c = talloc_zero(ids, struct cached_user);
	if (!c)
		return;
	c->user = user_copy(c, user);
	if (!c->user) {
		talloc_free(c);
		return;
	}
	c->until_ns = clock_mono_ns() + CACHE_AGE_NS;
	list_push(&ids->cache, &c->node);
	ids->count++;
}

/* The lock is not held while the system is asked: that can take as long as a directory server. */
static int cached_ask(struct identities *ids, TALLOC_CTX *mem, const char *name,
		      struct unix_user **out)
{
	struct unix_user *user = NULL;
	struct cached_user *c;
	int err = 0;

	pthread_mutex_lock(&ids->lock);
	c = cache_find(ids, name);
	if (c) {
		user = user_copy(mem, c->user);
		err = user ? 0 : -ENOMEM;
	}
	pthread_mutex_unlock(&ids->lock);
	if (!c) {
		err = ask_system(mem, name, &user);
		if (!err) {
			pthread_mutex_lock(&ids->lock);
			cache_add(ids, user);
			pthread_mutex_unlock(&ids->lock);
		}
	}
	*out = user;
	return err;
}

int identity_lookup(struct identities *ids, TALLOC_CTX *mem, const char *name,
		    enum identity_kind kind, const struct unix_user **out)
{
	struct unix_user *user;
	int err;

	if (geteuid() == 0)
		err = cached_ask(ids, mem, name, &user);
	else
		err = ask_self(mem, name, &user);
	if (err)
		return err;
	err = add_sids(user, kind);
	if (err) {
		talloc_free(user);
		return err;
	}
	*out = user;
	return 0;
}

bool identity_in_group(const struct unix_user *user, const char *group)
{
	char buf[NSS_BYTES];
	struct group gr, *found = NULL;

	if (getgrnam_r(group, &gr, buf, sizeof(buf), &found) != 0 || !found)
		return false;
	if (user->gid == gr.gr_gid)
		return true;
	for (unsigned i = 0; i < user->group_count; i++)
		if (user->groups[i] == gr.gr_gid)
			return true;
	return false;
}

/* ---- this machine's SID ---- */

static int machine_sid_read(const char *path, struct sid *out)
{
	char text[SID_TEXT_SIZE + 1];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (!sid_parse(text, out) || out->identifier_authority != 5 ||
	    out->sub_authority_count != 4 || out->sub_authority[0] != 21)
		return -EINVAL;
	return 0;
}

/* Written aside and linked into place: of two that make one, both end with the same. */
static int machine_sid_write(const char *path, const struct sid *sid)
{
	char temp[PATH_MAX], text[SID_TEXT_SIZE];
	int fd, err = 0;

	if (snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >= (int)sizeof(temp))
		return -ENAMETOOLONG;
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (dprintf(fd, "%s\n", sid_format(sid, text)) < 0 || fsync(fd) < 0)
		err = -errno;
	close(fd);
	if (!err && link(temp, path) < 0 && errno != EEXIST)
		err = -errno;
	unlink(temp);
	return err;
}

int identity_machine_sid(const char *state_dir, struct sid *out)
{
	char path[PATH_MAX];
	uint32_t x[3];
	struct sid made;
	int err;

	if (snprintf(path, sizeof(path), "%s/machine.sid", state_dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	err = machine_sid_read(path, out);
	if (err != -ENOENT)
		return err;
	if (rand_fill(x, sizeof(x)) != 0)
		return -EIO;
	made = (struct sid)SID_INIT(5, 21, x[0], x[1], x[2]);
	err = machine_sid_write(path, &made);
	return err ? err : machine_sid_read(path, out);
}
