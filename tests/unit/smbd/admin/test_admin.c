/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "smbd/admin/admin.h"
#include "smbd/admin/interfaces.h"
#include "smbd/admin/json.h"
#include "transport/base/list.h"
#include "transport/reactor/reactor.h"

/* ---- a server ---- */

struct server {
	struct admin_source source;
	struct reactor *reactor;
	struct admin *admin;
	char dir[200];
	atomic_uint opens;
	atomic_int reload_result, interfaces_result;
	atomic_uint reloads, shutdowns;
};

static void status(struct admin_source *source, struct admin_report *report)
{
	struct server *s = container_of(source, struct server, source);
	const struct admin_open open = {.session_id = 7, .share = "s", .path = "a\"\xff/b"};

	for (unsigned i = 0; i < s->opens; i++)
		admin_report_open(report, &open);
	admin_report_server(report, &(struct admin_server){.sessions = 1, .opens = s->opens});
	admin_report_session(report, &(struct admin_session){.id = UINT64_MAX,
							     .user = "bob",
							     .client = "::1",
							     .dialect = 0x311,
							     .signing = true});
	admin_report_channel(report, &(struct admin_channel){.session_id = 7, .transport = "tcp"});
	admin_report_channel(report, &(struct admin_channel){.session_id = 7, .transport = "rdma"});
}

static int interfaces(struct admin_source *source, FILE *out)
{
	struct server *s = container_of(source, struct server, source);
	struct net_interface list[2] = {
		{.name = "eth\"0", .if_index = 7, .bits_per_sec = 25000000000, .rdma = true},
		{.name = "lo", .speed_assumed = true, .rss = true, .why = NET_LOOPBACK},
	};
	const struct net_interfaces all = {list, 2};

	((struct sockaddr_in *)&list[0].address)->sin_addr.s_addr = htonl(0xc0000201);
	list[0].address.ss_family = AF_INET;
	list[1].address.ss_family = AF_INET6;
	admin_interfaces_write(out, &all);
	return s->interfaces_result;
}

static int reload(struct admin_source *source, char *why, size_t cap)
{
	struct server *s = container_of(source, struct server, source);

	atomic_fetch_add(&s->reloads, 1);
	if (s->reload_result)
		snprintf(why, cap, "smb.conf:3: no");
	return s->reload_result;
}

static void end(struct admin_source *source)
{
	atomic_fetch_add(&container_of(source, struct server, source)->shutdowns, 1);
}

static int start(void **state)
{
	struct reactor_config config = {.name = "admin", .cpu = -1};
	struct server *s = calloc(1, sizeof(*s));

	s->source = (struct admin_source){status, interfaces, reload, end};
	strcpy(s->dir, "/tmp/test_admin.XXXXXX");
	if (!mkdtemp(s->dir))
		return -1;
	/* longer than a socket's path may be */
	for (unsigned i = 0; i < 5; i++) {
		strcat(s->dir, "/a-folder-with-a-long-name");
		if (mkdir(s->dir, 0700) < 0)
			return -1;
	}
	s->reactor = reactor_create(&config);
	if (!s->reactor || admin_start(s->reactor, s->dir, &s->source, &s->admin) < 0)
		return -1;
	*state = s;
	return reactor_start(s->reactor);
}

static int stop(void **state)
{
	struct server *s = *state;
	char cmd[256];

	reactor_stop(s->reactor);
	if (s->admin)
		admin_stop(s->admin);
	reactor_destroy(s->reactor);
	snprintf(cmd, sizeof(cmd), "rm -r %.22s", s->dir);
	free(s);
	return system(cmd);
}

/* ---- a client ---- */

static int dial(struct server *s)
{
	int fd = admin_connect(s->dir);

	assert_true(fd >= 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* The next line; NULL: the connection was closed. */
static struct json *hear(TALLOC_CTX *mem, int fd)
{
	static char line[4u << 20];
	size_t n = 0;

	while (recv(fd, line + n, 1, 0) == 1 && line[n] != '\n')
		assert_true(++n < sizeof(line));
	return n ? json_parse(mem, line, n) : NULL;
}

static bool closed(int fd)
{
	char c;

	return recv(fd, &c, 1, 0) <= 0;
}

static bool ok(const struct json *v)
{
	const struct json *b = json_get(v, "ok", JSON_BOOL);

	assert_non_null(b);
	assert_int_equal(json_get_number(v, "version"), 1);
	return b->number;
}

static void expect_error(struct server *s, const char *line, const char *error)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	int fd = dial(s);
	struct json *v;

	say(fd, line);
	v = hear(mem, fd);
	assert_false(ok(v));
	assert_string_equal(json_get_string(v, "error"), error);
	close(fd);
	talloc_free(mem);
}

/* ---- tests ---- */

static void test_status(void **state)
{
	struct server *s = *state;
	TALLOC_CTX *mem = talloc_new(NULL);
	int fd = dial(s);
	const struct json *v, *item;

	s->opens = 2;
	say(fd, "{\"version\":1,\"command\":\"status\"}\n");
	v = hear(mem, fd);
	assert_true(ok(v));
	assert_int_equal(json_get_number(json_get(v, "server", JSON_OBJECT), "opens"), 2);
	item = json_get(v, "sessions", JSON_ARRAY)->first;
	assert_true(json_get_number(item, "id") == UINT64_MAX);
	assert_string_equal(json_get_string(item, "user"), "bob");
	assert_int_equal(json_get_number(item, "dialect"), 0x311);
	assert_int_equal(json_get(item, "signing", JSON_BOOL)->number, 1);
	assert_int_equal(json_get(item, "encryption", JSON_BOOL)->number, 0);
	item = json_get(v, "channels", JSON_ARRAY)->first;
	assert_string_equal(json_get_string(item->next, "transport"), "rdma");
	item = json_get(v, "opens", JSON_ARRAY)->first;
	assert_string_equal(json_get_string(item->next, "path"), "a\"\xef\xbf\xbd/b");
	close(fd);
	talloc_free(mem);
}

/* More than a socket buffer holds, read slowly, and a bound on what is told. */
static void test_long_status(void **state)
{
	struct server *s = *state;
	TALLOC_CTX *mem = talloc_new(NULL);
	int fd = dial(s), other = dial(s);
	const struct json *v;

	s->opens = 12345;
	say(fd, "{\"version\":1,\"command\":\"status\"}\n{\"version\":1,\"command\":\"x\"}\n");
	say(other, "{\"version\":1,\"command\":\"reload\"}\n");
	assert_true(ok(hear(mem, other))); /* meanwhile */
	v = hear(mem, fd);
	assert_true(ok(v));
	assert_int_equal(json_get_number(v, "opens_left_out"), 2345);
	assert_false(ok(hear(mem, fd))); /* the second request came with the first */
	close(fd);
	close(other);
	talloc_free(mem);
}

static void test_interfaces(void **state)
{
	struct server *s = *state;
	TALLOC_CTX *mem = talloc_new(NULL);
	const struct json *one;
	int fd = dial(s);

	say(fd, "{\"version\":1,\"command\":\"interfaces\"}\n");
	one = json_get(hear(mem, fd), "interfaces", JSON_ARRAY)->first;
	assert_string_equal(json_get_string(one, "name"), "eth\"0");
	assert_string_equal(json_get_string(one, "address"), "192.0.2.1");
	assert_int_equal(json_get_number(one, "bits_per_sec"), 25000000000);
	assert_true(json_get(one, "rdma", JSON_BOOL)->number);
	assert_true(json_get(one, "told", JSON_BOOL)->number);
	one = one->next;
	assert_string_equal(json_get_string(one, "address"), "::");
	assert_false(json_get(one, "told", JSON_BOOL)->number);
	assert_string_equal(json_get_string(one, "why"), "of this host alone");
	assert_null(one->next);
	talloc_free(mem);
	s->interfaces_result = -ENOMEM;
	expect_error(s, "{\"version\":1,\"command\":\"interfaces\"}\n", "Cannot allocate memory");
	close(fd);
}

static void test_reload(void **state)
{
	struct server *s = *state;
	TALLOC_CTX *mem = talloc_new(NULL);
	int fd = dial(s);

	say(fd, "{\"version\":1,\"comm");
	say(fd, "and\":\"reload\"}\n");
	assert_true(ok(hear(mem, fd)));
	assert_int_equal(s->reloads, 1);
	s->reload_result = -EINVAL;
	expect_error(s, "{\"version\":1,\"command\":\"reload\"}\n", "smb.conf:3: no");
	assert_int_equal(s->reloads, 2);
	close(fd);
	talloc_free(mem);
}

static void test_shutdown(void **state)
{
	struct server *s = *state;
	TALLOC_CTX *mem = talloc_new(NULL);
	int fd = dial(s);

	say(fd, "{\"version\":1,\"command\":\"shutdown\"}\n");
	assert_true(ok(hear(mem, fd)));
	say(fd, "{\"version\":1,\"command\":\"x\"}\n"); /* served until the server is gone */
	assert_false(ok(hear(mem, fd)));
	assert_int_equal(s->shutdowns, 1);
	close(fd);
	talloc_free(mem);
}

static void test_bad_requests(void **state)
{
	struct server *s = *state;
	char line[2048];
	int fd;

	expect_error(s, "hello\n", "that is not a line of JSON");
	expect_error(s, "\n", "that is not a line of JSON");
	expect_error(s, "[]\n", "this server speaks version 1 of the control protocol");
	expect_error(s, "{\"version\":2,\"command\":\"status\"}\n",
		     "this server speaks version 1 of the control protocol");
	expect_error(s, "{\"version\":1,\"command\":5}\n", "no such command");
	/* a line that does not end */
	memset(line, 'x', sizeof(line));
	fd = dial(s);
	(void)!send(fd, line, sizeof(line), MSG_NOSIGNAL);
	assert_true(closed(fd));
	close(fd);
}

static void test_clients_are_bounded(void **state)
{
	struct server *s = *state;
	TALLOC_CTX *mem = talloc_new(NULL);
	int fds[9];

	for (unsigned i = 0; i < 9; i++)
		fds[i] = dial(s);
	assert_true(closed(fds[8]));
	say(fds[7], "{\"version\":1,\"command\":\"reload\"}\n");
	assert_true(ok(hear(mem, fds[7])));
	close(fds[0]);
	say(fds[1], "{\"version\":1,\"command\":\"reload\"}\n"); /* the close was seen before */
	assert_true(ok(hear(mem, fds[1])));
	close(fds[8]);
	fds[8] = dial(s);
	say(fds[8], "{\"version\":1,\"command\":\"reload\"}\n");
	assert_true(ok(hear(mem, fds[8])));
	for (unsigned i = 1; i < 9; i++)
		close(fds[i]);
	talloc_free(mem);
}

static void test_socket(void **state)
{
	struct server *s = *state;
	struct admin *second;
	struct stat st;
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", s->dir, ADMIN_SOCKET_NAME);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(admin_start(s->reactor, s->dir, &s->source, &second), -EADDRINUSE);
	assert_int_equal(admin_start(s->reactor, "/no/such", &s->source, &second), -ENOENT);
	assert_int_equal(admin_connect("/no/such"), -ENOENT);

	reactor_stop(s->reactor);
	admin_stop(s->admin);
	s->admin = NULL;
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(admin_connect(s->dir), -ENOENT);
}

static void test_stale_socket(void **state)
{
	struct server *s = *state;
	struct admin *old = s->admin;
	char path[256], kept[256];
	int fd;

	/* what a server that was killed leaves: the name, and nobody who listens */
	snprintf(path, sizeof(path), "%s/%s", s->dir, ADMIN_SOCKET_NAME);
	snprintf(kept, sizeof(kept), "%s/kept", s->dir);
	reactor_stop(s->reactor);
	assert_int_equal(link(path, kept), 0);
	admin_stop(old);
	assert_int_equal(rename(kept, path), 0);
	assert_int_equal(admin_connect(s->dir), -ECONNREFUSED);
	assert_int_equal(admin_start(s->reactor, s->dir, &s->source, &s->admin), 0);
	fd = dial(s);
	close(fd);
}

/* Only root can try to be another user. */
static void test_peer(void **state)
{
	struct server *s = *state;
	char path[256];
	int result;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	snprintf(path, sizeof(path), "%s/%s", s->dir, ADMIN_SOCKET_NAME);
	assert_int_equal(chmod(path, 0666), 0);
	for (char *slash = strchr(path + 5, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		assert_int_equal(chmod(path, 0755), 0);
		*slash = '/';
	}
	pid = fork();
	if (pid == 0) {
		int fd = setuid(65534) < 0 ? -1 : admin_connect(s->dir);

		_exit(fd < 0 ? 2 : !closed(fd));
	}
	assert_int_equal(waitpid(pid, &result, 0), pid);
	assert_int_equal(result, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_status, start, stop),
		cmocka_unit_test_setup_teardown(test_long_status, start, stop),
		cmocka_unit_test_setup_teardown(test_interfaces, start, stop),
		cmocka_unit_test_setup_teardown(test_reload, start, stop),
		cmocka_unit_test_setup_teardown(test_shutdown, start, stop),
		cmocka_unit_test_setup_teardown(test_bad_requests, start, stop),
		cmocka_unit_test_setup_teardown(test_clients_are_bounded, start, stop),
		cmocka_unit_test_setup_teardown(test_socket, start, stop),
		cmocka_unit_test_setup_teardown(test_stale_socket, start, stop),
		cmocka_unit_test_setup_teardown(test_peer, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
