/* SPDX-License-Identifier: Apache-2.0 */
/* The program itself, run as an administrator would. */
#include <pthread.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "smbd/admin/admin.h"
#include "smbd/admin/interfaces.h"
#include "smbd/auth/accounts.h"
#include "transport/base/list.h"
#include "transport/reactor/reactor.h"

static char dir[64], config[96];
static char said[65536]; /* stdout and stderr */

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int setup(void **state)
{
	char text[512];

	strcpy(dir, "/tmp/test_smb3ctl.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(config, sizeof(config), "%s/smb.conf", dir);
	/* the share's folder is not there: that must not keep anybody from administering */
	snprintf(text, sizeof(text),
		 "[global]\nstate directory = %s/state\npid directory = %s/pid\n"
		 "[s]\npath = %s/gone\n",
		 dir, dir, dir);
	write_file(config, text);
	return 0;
}

static int teardown(void **state)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

/* Run with what a shell would make of `args`; the exit status. */
static int ctl(const char *input, const char *args)
{
	const char *bin = getenv("SMB3D_BIN");
	char cmd[1024];
	size_t n;
	FILE *p;

	assert_non_null(bin);
	snprintf(cmd, sizeof(cmd), "printf '%s' | timeout 60 %s/smb3ctl --config %s %s 2>&1", input,
		 bin, config, args);
	p = popen(cmd, "r");
	assert_non_null(p);
	n = fread(said, 1, sizeof(said) - 1, p);
	said[n] = 0;
	return WEXITSTATUS(pclose(p));
}

static void expect(int status, const char *input, const char *args, const char *text)
{
	int got = ctl(input, args);

	if (got != status || !strstr(said, text))
		fail_msg("smb3ctl %s: %d, \"%s\"", args, got, said);
}

static bool account_get(const char *name, struct account *out)
{
	char path[96];
	struct accounts *a;
	int err;

	snprintf(path, sizeof(path), "%s/state/smbpasswd", dir);
	a = accounts_create(NULL, path);
	err = accounts_lookup(a, name, out, NULL);
	talloc_free(a);
	return err == 0;
}

static bool has_password(const char *name, const char *password)
{
	struct account got, want;

	if (!account_get(name, &got))
		return false;
	assert_int_equal(account_init(&want, name, 0), 0);
	assert_int_equal(account_set_password(&want, password), 0);
	return got.has_nt_hash && memcmp(got.nt_hash, want.nt_hash, ACCOUNT_HASH_BYTES) == 0;
}

/* ---- accounts ---- */

static void test_user(void **state)
{
	struct account a;
	struct stat st;
	char path[96];

	expect(0, "se cret\\n", "user add bob", "");
	assert_true(has_password("bob", "se cret"));
	snprintf(path, sizeof(path), "%s/state/smbpasswd", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	expect(0, "x", "user add al", ""); /* a last line needs no end */
	assert_true(has_password("al", "x"));
	expect(1, "y\\n", "user add bob", "there is an account \"bob\" already");
	assert_true(has_password("bob", "se cret"));

	expect(0, "new\\r\\nsecond line\\n", "user passwd BOB", "");
	assert_true(has_password("bob", "new"));
	expect(0, "", "user disable bob", "");
	assert_true(account_get("bob", &a) && a.disabled);
	expect(0, "", "user list", "bob                      disabled");
	assert_non_null(strstr(said, "al                       enabled"));
	expect(0, "", "user enable bob", "");
	assert_true(account_get("bob", &a) && !a.disabled);
	assert_true(has_password("bob", "new"));
	expect(0, "", "user del bob", "");
	assert_false(account_get("bob", &a));
	assert_true(account_get("al", &a));
}

static void test_user_errors(void **state)
{
	char path[96];

	expect(1, "", "user add bob", "no password was given");
	expect(1, "\\n", "user add bob", "must not be empty");
	expect(1, "a\\377\\n", "user add bob", "not UTF-8");
	expect(1, "a\\000b\\n", "user add bob", "not text");
	expect(2, "x\\n", "user add a:b", "cannot be the name of an account");
	expect(2, "", "user add", "usage: smb3ctl user add NAME");
	expect(2, "", "user list x", "usage: smb3ctl user list");
	expect(2, "", "user frob x", "usage: smb3ctl user add|passwd");
	expect(1, "x\\n", "user passwd nobody-of-that-name", "there is no account");
	expect(1, "", "user del nobody-of-that-name", "there is no account");
	expect(0, "", "user list", "");
	assert_string_equal(said, "");

	expect(0, "x\\n", "user add bob", "");
	snprintf(path, sizeof(path), "%s/state/smbpasswd", dir);
	write_file(path, "nonsense\n");
	expect(1, "", "user list", "smbpasswd");
	expect(1, "x\\n", "user add al", "smbpasswd");
}

/* On a terminal: each line of `typed` answers a prompt, the last one all that come after (TSan
 * tells a program of its signals later than the kernel does). */
static int on_terminal(const char *typed)
{
	char bin[256];
	size_t n = 0;
	int fd, status;
	pid_t pid = forkpty(&fd, NULL, NULL, NULL);

	if (pid == 0) {
		snprintf(bin, sizeof(bin), "%s/smb3ctl", getenv("SMB3D_BIN"));
		alarm(60);
		execl(bin, "smb3ctl", "--config", config, "user", "add", "bob", (char *)NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	while (n < sizeof(said) - 1 && read(fd, said + n, 1) == 1) {
		said[++n] = 0;
		if (n < 10 || strcmp(said + n - 2, ": ") != 0 || strstr(said, "smb3ctl: "))
			continue;
		assert_true(write(fd, typed, strcspn(typed, "\n") + 1) > 0);
		typed += strcspn(typed, "\n") + 1;
	}
	/* in this order: a terminal that closes hangs up on who is still on his way out */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(fd);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_terminal(void **state)
{
	struct account a;

	assert_int_equal(on_terminal("hidden\nhidden\n"), 0);
	assert_null(strstr(said, "hidden"));
	assert_non_null(strstr(said, "New password: "));
	assert_non_null(strstr(said, "Once more: "));
	assert_true(has_password("bob", "hidden"));

	expect(0, "", "user del bob", "");
	assert_int_equal(on_terminal("hidden\nhiden\n"), 1);
	assert_non_null(strstr(said, "different"));
	assert_false(account_get("bob", &a));
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SIGNALS_COME_LATE  /* TSan's own handler runs later than the kernel's signal: not in time \
			    */
#endif
#endif

#ifndef SIGNALS_COME_LATE
static void test_terminal_interrupt(void **state)
{
	assert_int_equal(on_terminal("\003\n"), 1); /* Ctrl-C */
	assert_non_null(strstr(said, "interrupted: nothing was changed"));
}
#endif

/* ---- the running server ---- */

struct server {
	struct admin_source source;
	struct reactor *reactor;
	struct admin *admin;
	atomic_int reload_result;
	atomic_uint reloads;
};

/* What the server tells; under the mutex, since the test changes it while the server runs. */
static pthread_mutex_t telling = PTHREAD_MUTEX_INITIALIZER;
static struct admin_rdma server_rdma;
static bool server_no_channels;

static void tell(const struct admin_rdma *rdma, bool no_channels)
{
	pthread_mutex_lock(&telling);
	server_rdma = *rdma;
	server_no_channels = no_channels;
	pthread_mutex_unlock(&telling);
}

static void server_channels(struct admin_report *report)
{
	admin_report_channel(report, &(struct admin_channel){.session_id = 0x1234,
							     .transport = "tcp",
							     .peer = "192.0.2.7:50000",
							     .bytes_in = 2048});
	admin_report_channel(report, &(struct admin_channel){.session_id = 0x1234,
							     .transport = "rdma",
							     .device = "mlx5_0",
							     .peer = "192.0.2.7:50001",
							     .state = "open",
							     .bits_per_sec = 100000000000,
							     .send_credits = 200,
							     .receive_credits = 255,
							     .bytes_pulled = 3072,
							     .bytes_pushed = 1024,
							     .invalidations = 9});
}

static void server_status(struct admin_source *source, struct admin_report *report)
{
	admin_report_server(report, &(struct admin_server){.uptime_sec = 5,
							   .sessions = 1,
							   .buffers_total = 64u << 20,
							   .buffers_used = 1536});
	admin_report_session(report, &(struct admin_session){.id = 0x1234,
							     .user = "bob",
							     .client = "192.0.2.7",
							     .dialect = 0x302,
							     .encryption = true,
							     .opens = 3});
	pthread_mutex_lock(&telling);
	if (!server_no_channels)
		server_channels(report);
	admin_report_rdma(report, &server_rdma);
	pthread_mutex_unlock(&telling);
	admin_report_device(report, &(struct admin_device){.name = "mlx5_0",
							   .kind = "RoCE",
							   .bits_per_sec = 100000000000,
							   .registrations = 4,
							   .errors = 6,
							   .rnr = 5});
	admin_report_device(report,
			    &(struct admin_device){.name = "rxe9", .note = "not used: why"});
	admin_report_open(report,
			  &(struct admin_open){.session_id = 0x1234, .share = "s", .path = "a/b"});
}

static int server_interfaces(struct admin_source *source, FILE *out)
{
	struct net_interface list[3] = {
		{.name = "ib0",
		 .if_index = 7,
		 .bits_per_sec = 56000000000,
		 .rss = true,
		 .rdma = true},
		{.name = "eth0", .if_index = 8, .bits_per_sec = 2500000000},
		{.name = "lo",
		 .bits_per_sec = 1000000000,
		 .speed_assumed = true,
		 .why = NET_LOOPBACK},
	};
	const struct net_interfaces all = {list, 3};

	for (unsigned i = 0; i < 3; i++)
		list[i].address.ss_family = AF_INET;
	admin_interfaces_write(out, &all);
	return 0;
}

static int server_reload(struct admin_source *source, char *why, size_t cap)
{
	struct server *s = container_of(source, struct server, source);

	atomic_fetch_add(&s->reloads, 1);
	snprintf(why, cap, "smb.conf:3: no");
	return s->reload_result;
}

static void server_shutdown(struct admin_source *source)
{
	reactor_stop(container_of(source, struct server, source)->reactor);
}

static struct server server;

static void server_start(void)
{
	struct reactor_config reactor_config = {.name = "admin", .cpu = -1};
	char pid[96];

	server.source = (struct admin_source){server_status, server_interfaces, server_reload,
					      server_shutdown};
	server.reload_result = 0;
	server.reactor = reactor_create(&reactor_config);
	assert_non_null(server.reactor);
	snprintf(pid, sizeof(pid), "%s/pid", dir);
	(void)mkdir(pid, 0755);
	assert_int_equal(admin_start(server.reactor, pid, &server.source, &server.admin), 0);
}

static void server_end(void)
{
	admin_stop(server.admin);
	reactor_destroy(server.reactor);
}

static void test_status(void **state)
{
	server_start();
	assert_int_equal(reactor_start(server.reactor), 0);
	expect(0, "", "status",
	       "up 5 s, 0 connections, 1 sessions, 0 trees, 0 opens; buffers 1.5K of 64.0M");
	assert_non_null(strstr(said, "0x0000000000001234 bob "));
	assert_non_null(strstr(said, " 3.0.2   encrypted "));
	assert_non_null(strstr(said, " 192.0.2.7:50000 "));
	assert_non_null(strstr(said, " 2.0K "));
	assert_non_null(strstr(said, " s/a/b\n"));
	expect(0, "", "status --json", "{\"version\":1,\"ok\":true,\"server\":{\"uptime_sec\":5,");
	expect(2, "", "status -x", "usage: smb3ctl status [--json]");
	reactor_stop(server.reactor);
	server_end();
}

/* "Is RDMA really in use?" */
static void test_status_rdma(void **state)
{
	struct admin_rdma rdma = {
		.enabled = true, .addresses = 2, .accepted = 3, .ended = 2, .bytes_pushed = 1024};

	tell(&rdma, false);
	server_start();
	assert_int_equal(reactor_start(server.reactor), 0);
	expect(0, "", "status",
	       "SMB Direct: in use: 1 of 2 channels; since the start 3 channels, 3.0K read from "
	       "and 2.0K written to clients' memory\n");
	assert_non_null(strstr(said, "rdma  mlx5_0     192.0.2.7:50001 "));
	assert_non_null(strstr(said, " 100G open       200/255 "));
	assert_non_null(strstr(said, " 3.0K     1.0K       9\n"));
	assert_non_null(strstr(said, "mlx5_0           RoCE         100G "));
	assert_non_null(strstr(said, "          4       6     5  \n"));
	assert_non_null(strstr(said, "  not used: why\n"));
	expect(0, "", "status --json", "\"rdma\":{\"enabled\":true,\"why\":\"\",\"addresses\":2,");
	assert_non_null(strstr(said, "\"state\":\"open\",\"bits_per_sec\":100000000000,"));
	assert_non_null(strstr(said, "\"devices\":[{\"name\":\"mlx5_0\",\"kind\":\"RoCE\","));
	tell(&rdma, true);
	expect(0, "", "status",
	       "SMB Direct: not in use: listens on 2 addresses, but no client is there by RDMA");
	rdma.addresses = 0;
	rdma.why = "no RDMA device";
	tell(&rdma, true);
	expect(0, "", "status", "SMB Direct: not in use: no RDMA device; since the start 3 ");
	rdma.enabled = false;
	rdma.why = "smb direct = no";
	tell(&rdma, true);
	expect(0, "", "status", "SMB Direct: off: smb direct = no\n");
	tell(&rdma, false);
	reactor_stop(server.reactor);
	server_end();
}

static void test_interfaces(void **state)
{
	server_start();
	assert_int_equal(reactor_start(server.reactor), 0);
	expect(0, "", "interfaces", "ib0                  7 0.0.0.0 ");
	assert_non_null(strstr(said, " 56G RSS,RDMA  yes\n"));
	assert_non_null(strstr(said, " 2500M -         yes\n"));
	assert_non_null(strstr(said, " 1G? -         no: of this host alone\n"));
	expect(0, "", "interfaces --json", "\"bits_per_sec\":56000000000,");
	expect(2, "", "interfaces all", "usage: smb3ctl interfaces [--json]");
	reactor_stop(server.reactor);
	server_end();
}

static void test_reload(void **state)
{
	server_start();
	assert_int_equal(reactor_start(server.reactor), 0);
	server.reloads = 0;
	expect(0, "", "reload", "");
	server.reload_result = -1;
	expect(1, "", "reload", "smb3ctl: smb.conf:3: no");
	assert_int_equal(server.reloads, 2);
	reactor_stop(server.reactor);
	server_end();
}

/* stop waits for the end, which is the end of the server's sockets. */
static void test_stop(void **state)
{
	pid_t pid;
	int status;

	pid = fork();
	if (pid == 0) {
		server_start();
		reactor_run(server.reactor);
		server_end();
		_exit(7);
	}
	while (ctl("", "status") != 0)
		;
	expect(0, "", "stop", "");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 7);
	expect(1, "", "stop", "no server runs with this configuration");
	expect(1, "", "status", "no server runs with this configuration");
	expect(1, "", "reload", "no server runs with this configuration");
}

/* ---- the rest ---- */

static void test_usage(void **state)
{
	expect(0, "", "--help", "user add NAME");
	expect(0, "", "--version", "smb3ctl " SMB3D_VERSION "\n");
	expect(2, "", "", "usage: smb3ctl");
	expect(2, "", "frob", "no command \"frob\"");
	expect(2, "", "--frob", "unrecognized option");
	strcat(config, ".none");
	expect(1, "", "user list", "cannot read");
}

static void test_bad_config(void **state)
{
	write_file(config, "[global]\nsmb prts = 1\n");
	expect(1, "", "user list",
	       "smb.conf:2: unknown parameter \"smb prts\": did you mean \"smb ports\"?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_user, setup, teardown),
		cmocka_unit_test_setup_teardown(test_user_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_terminal, setup, teardown),
#ifndef SIGNALS_COME_LATE
		cmocka_unit_test_setup_teardown(test_terminal_interrupt, setup, teardown),
#endif
		cmocka_unit_test_setup_teardown(test_status, setup, teardown),
		cmocka_unit_test_setup_teardown(test_status_rdma, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interfaces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reload, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_usage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_config, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
