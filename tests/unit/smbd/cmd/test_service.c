/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration promises of a share and of connections, seen by clients. Whoever becomes
 * somebody else needs a server that is root: such tests are skipped where it is not. */
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <talloc.h>

#include "smbd/cmd/service.h"
#include "smbd/rpc/rpc.h"
#include "smbd/session/server.h"
#include "smbd/session/session.h"
#include "smbd/wire/fscc/dir_info.h"
#include "smbd/wire/utf16.h"
#include "tests/fake/files.h"
#include "transport/base/clock.h"

static struct world *world;
static struct peer peer;
static gid_t other_group;

static void make_folder(const char *directory, const char *name, mode_t mode)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert_int_equal(mkdir(path, mode), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/* A group that nobody is not in. */
static const char *a_group(void)
{
	const struct group *gr = getgrnam("daemon");

	assert_non_null(gr);
	other_group = gr->gr_gid;
	return gr->gr_name;
}

static void add_shares(FILE *conf, const char *directory)
{
	const char *d = directory;

	make_folder(d, "all", 0777);
	make_folder(d, "late", 0777);
	assert_int_equal(chmod(d, 0755), 0); /* mkdtemp() lets nobody in */
	fprintf(conf, "[forced]\npath = %s/all\nread only = no\nforce user = nobody\n", d);
	fprintf(conf, "[group]\npath = %s/all\nread only = no\nforce group = %s\n", d, a_group());
	fprintf(conf, "[plus]\npath = %s/all\nread only = no\nforce user = nobody\n", d);
	fprintf(conf, "force group = +%s\n", a_group());
	fprintf(conf, "[guests]\npath = %s/all\nread only = no\nguest ok = yes\n", d);
	/* who is the guest account itself could not come then */
	fprintf(conf, "guest only = yes\ninvalid users = %s\n",
		strcmp(world_user(), "nobody") == 0 ? "" : world_user());
	fprintf(conf, "[unknown]\npath = %s/all\nforce user = nobody-has-this-name\n", d);
	fprintf(conf, "[nogroup]\npath = %s/all\nforce group = no-such-group\n", d);
	fprintf(conf, "[hidden]\npath = %s/all\nforce user = nobody\nhide unreadable = yes\n", d);
	fprintf(conf, "[sealed]\npath = %s/all\nsmb encrypt = required\n", d);
	fprintf(conf, "[late]\npath = %s/late\n", d);
	fprintf(conf, "[theirs]\npath = %s/all\nvalid users = somebody-else\n", d);
	fprintf(conf, "access based share enum = yes\n");
	fprintf(conf, "[known]\npath = %s/all\nvalid users = somebody-else\n", d);
	fprintf(conf, "[mine]\npath = %s/all\nvalid users = %s\n", d, world_user());
	fprintf(conf, "access based share enum = yes\n");
}

static int setup(void **state)
{
	world = world_create(
		&(struct world_config){.settings = "guest account = nobody", .shares = add_shares});
	peer_start(world, &peer, SMB2_DIALECT_311);
	return 0;
}

static int teardown(void **state)
{
	peer_close(&peer);
	world_destroy(world);
	return 0;
}

static void connect_to(const char *share)
{
	assert_status(peer_tree_connect(&peer, share), STATUS_SUCCESS);
}

static struct stat made(const char *name)
{
	char path[256];
	struct stat st;

	assert_status(file_try(&peer, name, FILE_GENERIC_WRITE, FILE_CREATE, 0), STATUS_SUCCESS);
	snprintf(path, sizeof(path), "%s/all/%s", world_directory(world), name);
	assert_int_equal(stat(path, &st), 0);
	return st;
}

static void need_root(void)
{
	if (getuid() != 0)
		skip();
}

static void test_force_user(void **state)
{
	const struct passwd *nobody;
	struct stat st;

	need_root();
	connect_to("forced");
	st = made("by-forced");
	nobody = getpwnam("nobody");
	assert_int_equal(st.st_uid, nobody->pw_uid);
	assert_int_equal(st.st_gid, nobody->pw_gid);
	/* the files of whoever logged in are not its any more */
	connect_to("share");
	file_close_ok(&peer, file_open(&peer, "mine", FILE_GENERIC_WRITE, FILE_CREATE, 0));
}

static void test_force_group(void **state)
{
	struct stat st;

	need_root();
	connect_to("group");
	st = made("by-group");
	assert_int_equal(st.st_uid, getuid());
	assert_int_equal(st.st_gid, other_group);
}

/* "+group" is for those who are in it, and nobody is not */
static void test_force_group_of_members(void **state)
{
	need_root();
	connect_to("plus");
	assert_int_equal(made("by-plus").st_gid, getpwnam("nobody")->pw_gid);
}

/* Everybody is guest: also for the lists, which would have turned the user away. */
static void test_guest_only(void **state)
{
	connect_to("guests");
	if (getuid() == 0)
		assert_int_equal(made("by-guest").st_uid, getpwnam("nobody")->pw_uid);
}

static void test_nobody_to_become(void **state)
{
	need_root();
	assert_status(peer_tree_connect(&peer, "unknown"), STATUS_ACCESS_DENIED);
	assert_status(peer_tree_connect(&peer, "nogroup"), STATUS_ACCESS_DENIED);
}

static void test_encryption_is_not_pretended(void **state)
{
	assert_status(peer_tree_connect(&peer, "sealed"), STATUS_ACCESS_DENIED);
}

static bool listed(const char *pattern, const char *wanted)
{
	struct smb2_file_id id = file_open(&peer, "", FILE_LIST_DIRECTORY, FILE_OPEN, 0);
	struct dir_info info;
	struct wire_blob data;
	char name[256];
	bool found = false;

	while (nt_success(file_list(&peer, id, FileNamesInformation, 0, pattern, 60000, &data))) {
		struct rd r = wire_blob_rd(data);

		while (dir_info_next(&r, FileNamesInformation, &info)) {
			assert_true(utf16_to_utf8(info.file_name, name, sizeof(name)) >= 0);
			found = found || strcmp(name, wanted) == 0;
		}
		assert_true(rd_ok(&r));
	}
	file_close_ok(&peer, id);
	return found;
}

static void test_hide_unreadable(void **state)
{
	char path[256];
	int fd;

	need_root();
	snprintf(path, sizeof(path), "%s/all/secret", world_directory(world));
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	connect_to("forced");
	assert_true(listed("*", "secret"));
	connect_to("hidden");
	assert_false(listed("*", "secret"));
	assert_false(listed("secret", "secret"));
	assert_true(listed("*", "."));
	/* hidden, not gone */
	assert_status(file_try(&peer, "secret", FILE_READ_DATA, FILE_OPEN, 0),
		      STATUS_ACCESS_DENIED);
	assert_int_equal(chmod(path, 0644), 0);
	assert_true(listed("*", "secret"));
}

/* Whose folder is gone is no share, until it is back. */
struct shown {
	const char *name;
	bool found;
};

static void look_for(void *arg, const struct rpc_share *share)
{
	struct shown *shown = arg;

	shown->found |= strcmp(share->name, shown->name) == 0;
}

static bool share_is_listed(const struct rpc_env *env, const char *name)
{
	struct shown shown = {.name = name};

	env->shares(env, look_for, &shown);
	return shown.found;
}

static void test_access_based_share_enum(void **state)
{
	const struct session_user user = {.name = world_user()};
	void *ctx = talloc_new(NULL);
	const struct rpc_env *env = service_rpc_env(ctx, world_service(world), &user);

	assert_non_null(env);
	assert_true(share_is_listed(env, "mine"));
	assert_false(share_is_listed(env, "theirs"));
	assert_true(share_is_listed(env, "known"));
	assert_true(share_is_listed(env, "IPC$"));
	talloc_free(ctx);
}

static void test_folder_gone_and_back(void **state)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/late", world_directory(world));
	connect_to("late");
	assert_int_equal(rmdir(path), 0);
	assert_status(peer_tree_connect(&peer, "late"), STATUS_BAD_NETWORK_NAME);
	assert_int_equal(mkdir(path, 0777), 0);
	connect_to("late");
}

/* ---- deadtime ---- */

static void short_deadtime(struct server_config *config)
{
	config->idle_ns = 500 * NS_PER_MS;
}

/* Two connections of one dead time: the one that keeps a file open outlives the one that does not.
 * It is long enough to log in on a busy machine. */
static void test_deadtime(void **state)
{
	struct world *w = world_create(&(struct world_config){.server = short_deadtime});
	struct reply *r = malloc(sizeof(*r));
	struct smb2_file_id id;
	struct peer p, q;

	peer_start(w, &p, SMB2_DIALECT_311);
	id = file_open(&p, "held", FILE_GENERIC_WRITE, FILE_OPEN_IF, 0);
	peer_connect(w, &q);
	for (unsigned i = 0; i < 3; i++) { /* and that of another, three times */
		reply_recv(&q, r);
		assert_int_equal(r->len, 0);
		peer_close(&q);
		peer_connect(w, &q);
	}
	peer_close(&q);
	file_close_ok(&p, id);
	reply_recv(&p, r);
	assert_int_equal(r->len, 0);
	peer_close(&p);
	free(r);
	world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_force_user),
		cmocka_unit_test(test_force_group),
		cmocka_unit_test(test_force_group_of_members),
		cmocka_unit_test(test_guest_only),
		cmocka_unit_test(test_nobody_to_become),
		cmocka_unit_test(test_encryption_is_not_pretended),
		cmocka_unit_test(test_hide_unreadable),
		cmocka_unit_test(test_access_based_share_enum),
		cmocka_unit_test(test_folder_gone_and_back),
	};
	const struct CMUnitTest connections[] = {cmocka_unit_test(test_deadtime)};

	return cmocka_run_group_tests(tests, setup, teardown) +
	       cmocka_run_group_tests(connections, NULL, NULL);
}
