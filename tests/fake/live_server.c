/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake/live_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the above */
#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smbd/auth/client.h"

static const char *live_bin(void)
{
	const char *bin = getenv("SMB3D_BIN");

	return bin ? bin : "build/asan/bin";
}

/* A port that was free a moment ago. */
static uint16_t live_port(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	close(fd);
	return ntohs(in.sin_port);
}

static void live_configure(const struct live_server *s, const char *global)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/share", s->dir);
	assert_int_equal(mkdir(path, 0777), 0);
	snprintf(path, sizeof(path), "%s/smb.conf", s->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f,
		"[global]\n"
		"smb ports = %u\ninterfaces = 127.0.0.1\nbind interfaces only = yes\n"
		"smb passwd file = %s/accounts\nstate directory = %s\npid directory = %s\n"
		"log level = 1\n%s\n"
		"[" LIVE_SHARE "]\npath = %s/share\nread only = no\n",
		s->port, s->dir, s->dir, s->dir, global ? global : "", s->dir);
	assert_int_equal(fclose(f), 0);
}

static void live_account(const struct live_server *s)
{
	char command[400];
	FILE *f;

	snprintf(command, sizeof(command),
		 "%s/smb3ctl --config %s/smb.conf user add %s >%s/ctl.log 2>&1", live_bin(), s->dir,
		 s->user, s->dir);
	f = popen(command, "w");
	assert_non_null(f);
	fprintf(f, "%s\n", LIVE_PASSWORD);
	assert_int_equal(pclose(f), 0);
}

static void live_exec(const struct live_server *s)
{
	char program[128], config[128], log[128];
	int fd;

	snprintf(program, sizeof(program), "%s/smb3d", live_bin());
	snprintf(config, sizeof(config), "%s/smb.conf", s->dir);
	snprintf(log, sizeof(log), "%s/log", s->dir);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, 2);
	dup2(fd, 1);
	execl(program, program, "--config", config, "--foreground", (char *)NULL);
	_exit(127);
}

static bool live_answers(const struct live_server *s)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				 .sin_port = htons(s->port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0;

	close(fd);
	return ok;
}

void live_server_start(struct live_server *s, const char *global)
{
	struct passwd *me = getpwuid(getuid());

	memset(s, 0, sizeof(*s));
	assert_non_null(me);
	snprintf(s->user, sizeof(s->user), "%s", me->pw_name);
	snprintf(s->dir, sizeof(s->dir), "/tmp/smb3d-live-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	s->port = live_port();
	live_configure(s, global);
	live_account(s);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0)
		live_exec(s);
	for (unsigned i = 0; i < 1000 && !live_answers(s); i++) {
		assert_int_equal(waitpid(s->pid, NULL, WNOHANG), 0);
		usleep(20000);
	}
}

void live_server_stop(struct live_server *s)
{
	char command[160];
	int status = 0;

	kill(s->pid, SIGTERM);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	if (status) {
		snprintf(command, sizeof(command), "sed 's/^/# /' %s/log >&2", s->dir);
		(void)!system(command);
	}
	assert_int_equal(status, 0);
	snprintf(command, sizeof(command), "rm -rf %s", s->dir);
	(void)!system(command);
}

struct client_channel *live_connect(const struct live_server *s, struct client *c)
{
	struct client_channel *ch = NULL;

	assert_int_equal(client_connect(c, "127.0.0.1", s->port, &ch), 0);
	assert_true(nt_success(client_negotiate(ch, NULL, NULL)));
	return ch;
}

void live_login(const struct live_server *s, struct client *c, bool sign, struct live_login *out)
{
	const struct auth_credentials who = {
		.user = s->user, .domain = "", .password = LIVE_PASSWORD, .workstation = "TEST"};
	const struct client_login login = {.who = &who,
					   .sign = sign,
					   .security_mode = sign ? SMB2_NEGOTIATE_SIGNING_REQUIRED
								 : SMB2_NEGOTIATE_SIGNING_ENABLED};
	struct nt_status status;

	memset(out, 0, sizeof(*out));
	out->channel = live_connect(s, c);
	status = client_login(out->channel, &login, &out->session);
	assert_string_equal(nt_status_name(status), "STATUS_SUCCESS");
	status = client_tree_connect(out->session, LIVE_SHARE, &out->tree);
	assert_string_equal(nt_status_name(status), "STATUS_SUCCESS");
}

void live_logout(struct live_login *login)
{
	if (client_connected(login->channel, NULL))
		(void)!nt_success(client_logoff(login->session));
	else
		client_session_free(login->session);
	client_disconnect(login->channel);
}
