/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/admin/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <talloc.h>

#include "smbd/admin/json.h"
#include "smbd/admin/report.h"
#include "transport/base/clock.h"
#include "transport/base/list.h"
#include "transport/base/log.h"
#include "transport/reactor/reactor.h"

#define CLIENTS_MAX   8
#define REQUEST_BYTES 1024
#define IDLE_NS       (10 * NS_PER_SEC)

struct admin_client {
	struct admin *admin; /* NULL: free */
	struct reactor_watch watch;
	struct reactor_timer idle;
	char in[REQUEST_BYTES];
	size_t in_len;
	char *out; /* malloc'ed by open_memstream; NULL: nothing to send */
	size_t out_len, out_off;
};

struct admin {
	struct reactor *reactor;
	struct admin_source *source;
	struct reactor_watch watch;
	int directory_fd;
	ino_t inode; /* of our socket: one that came later is not ours to remove */
	struct admin_client clients[CLIENTS_MAX];
};

/* ---- the address ---- */

/* Through the open directory, since a socket's path may have but 107 bytes. */
static socklen_t socket_address(int directory_fd, struct sockaddr_un *a)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	snprintf(a->sun_path, sizeof(a->sun_path), "/proc/self/fd/%d/%s", directory_fd,
		 ADMIN_SOCKET_NAME);
	return sizeof(*a);
}

static int socket_connect(int directory_fd, int flags)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0), err;
	struct sockaddr_un a;
	socklen_t len = socket_address(directory_fd, &a);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&a, len) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int admin_connect(const char *directory)
{
	int directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

	if (directory_fd < 0)
		return -errno;
	fd = socket_connect(directory_fd, 0);
	close(directory_fd);
	return fd;
}

/* ---- clients ---- */

static void client_close(struct admin_client *c)
{
	struct reactor *r = c->admin->reactor;

	reactor_watch_delete(r, &c->watch);
	reactor_timer_fini(r, &c->idle);
	close(c->watch.fd);
	free(c->out);
	memset(c, 0, sizeof(*c));
}

static void client_idle(struct reactor_timer *timer)
{
	client_close(container_of(timer, struct admin_client, idle));
}

/* false: the client is gone. */
static bool client_send(struct admin_client *c)
{
	struct reactor *r = c->admin->reactor;
	ssize_t n;

	while (c->out) {
		n = send(c->watch.fd, c->out + c->out_off, c->out_len - c->out_off, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < 0)
			goto gone;
		c->out_off += (size_t)n;
		if (c->out_off == c->out_len) {
			free(c->out);
			c->out = NULL;
		}
		reactor_timer_set(r, &c->idle, IDLE_NS);
	}
	/* one thing at a time: no request is read before the answer to the last one is sent */
	if (reactor_watch_modify(r, &c->watch, c->out ? EPOLLOUT : EPOLLIN) == 0)
		return true;
gone:
	client_close(c);
	return false;
}

static void put_failure(FILE *out, const char *why)
{
	fputs(",\"ok\":false,\"error\":", out);
	json_put_string(out, why);
}

static void answer_status(struct admin *a, FILE *out)
{
	struct admin_report *report = report_begin();

	if (!report) {
		put_failure(out, "out of memory");
		return;
	}
	a->source->status(a->source, report);
	fputs(",\"ok\":true", out);
	if (!report_end(report, out))
		fputs(",\"error\":\"out of memory\"", out);
}

static void answer_interfaces(struct admin *a, FILE *out)
{
	char *text = NULL;
	size_t len = 0;
	FILE *array = open_memstream(&text, &len);
	int err = array ? a->source->interfaces(a->source, array) : -ENOMEM;

	if (array && fclose(array) != 0 && !err)
		err = -ENOMEM;
	if (err)
		put_failure(out, strerror(-err));
	else
		fprintf(out, ",\"ok\":true,\"interfaces\":%s", text);
	free(text);
}

static void answer_reload(struct admin *a, FILE *out)
{
	char why[512] = "";

	if (a->source->reload(a->source, why, sizeof(why)) == 0)
		fputs(",\"ok\":true", out);
	else
		put_failure(out, *why ? why : "the configuration could not be loaded");
}

/* Answer one line; true: then the server ends. */
static bool answer(struct admin *a, const char *line, size_t len, FILE *out)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct json *request = json_parse(mem, line, len);
	const char *command = json_get_string(request, "command");
	uint64_t version = json_get_number(request, "version");
	bool end = false;

	fprintf(out, "{\"version\":%d", ADMIN_PROTOCOL_VERSION);
	if (!request)
		put_failure(out, "that is not a line of JSON");
	else if (version != ADMIN_PROTOCOL_VERSION)
		put_failure(out, "this server speaks version 1 of the control protocol");
	else if (strcmp(command, "status") == 0)
		answer_status(a, out);
	else if (strcmp(command, "interfaces") == 0)
		answer_interfaces(a, out);
	else if (strcmp(command, "reload") == 0)
		answer_reload(a, out);
	else if ((end = strcmp(command, "shutdown") == 0))
		fputs(",\"ok\":true", out);
	else
		put_failure(out, "no such command");
	fputs("}\n", out);
	talloc_free(mem);
	return end;
}

/* Answer the first line of what came; false: none is whole, or the client is gone. */
static bool client_serve(struct admin_client *c)
{
	char *newline = memchr(c->in, '\n', c->in_len);
	struct admin *a = c->admin;
	size_t len;
	FILE *out;
	bool end;

	if (!newline) {
		if (c->in_len == sizeof(c->in))
			client_close(c);
		return false;
	}
	len = (size_t)(newline - c->in);
	out = open_memstream(&c->out, &c->out_len);
	if (!out) {
		client_close(c);
		return false;
	}
	end = answer(a, c->in, len, out);
	c->out_off = 0;
	c->in_len -= len + 1;
	memmove(c->in, newline + 1, c->in_len);
	if (fclose(out) != 0)
		client_close(c);
	else
		(void)client_send(c);
	if (end) {
		/* who asked waits for the end of the connection, which is then the server's */
		if (c->admin)
			reactor_timer_cancel(a->reactor, &c->idle);
		a->source->shutdown(a->source);
	}
	return c->admin != NULL;
}

static void client_ready(struct reactor_watch *watch, uint32_t epoll_events)
{
	struct admin_client *c = container_of(watch, struct admin_client, watch);
	ssize_t n;

	if (c->out) {
		if (!client_send(c))
			return;
		goto serve;
	}
	n = recv(watch->fd, c->in + c->in_len, sizeof(c->in) - c->in_len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	c->in_len += (size_t)n;
serve:
	while (!c->out && client_serve(c))
		;
}

/* ---- the listener ---- */

static bool peer_may(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static int client_open(struct admin *a, int fd)
{
	struct admin_client *c = a->clients;
	int err;

	while (c < a->clients + CLIENTS_MAX && c->admin)
		c++;
	if (c == a->clients + CLIENTS_MAX)
		return -EBUSY;
	c->watch = (struct reactor_watch){.fd = fd, .ready = client_ready};
	err = reactor_timer_init(a->reactor, &c->idle, client_idle);
	if (err)
		return err;
	err = reactor_watch_add(a->reactor, &c->watch, EPOLLIN);
	if (err) {
		reactor_timer_fini(a->reactor, &c->idle);
		return err;
	}
	reactor_timer_set(a->reactor, &c->idle, IDLE_NS);
	c->admin = a;
	return 0;
}

static void listener_ready(struct reactor_watch *watch, uint32_t epoll_events)
{
	struct admin *a = container_of(watch, struct admin, watch);
	int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (!peer_may(fd)) {
		log_warning("control socket: a peer of another user was turned away");
		close(fd);
	} else if (client_open(a, fd) < 0) {
		close(fd);
	}
}

/* Bind in the directory; removes what a dead server left. */
static int listener_bind(struct admin *a, int fd)
{
	struct sockaddr_un address;
	socklen_t len = socket_address(a->directory_fd, &address);
	struct stat st;
	int live;

	if (fchmod(fd, 0600) < 0) /* Linux makes the name with the mode of the socket */
		return -errno;
	live = socket_connect(a->directory_fd, SOCK_NONBLOCK);
	if (live >= 0)
		close(live);
	if (live >= 0 || live == -EAGAIN)
		return -EADDRINUSE;
	if (live == -ECONNREFUSED && unlinkat(a->directory_fd, ADMIN_SOCKET_NAME, 0) < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address, len) < 0)
		return -errno;
	if (fstatat(a->directory_fd, ADMIN_SOCKET_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0)
		a->inode = st.st_ino;
	return listen(fd, CLIENTS_MAX) < 0 ? -errno : 0;
}

int admin_start(struct reactor *r, const char *directory, struct admin_source *source,
		struct admin **admin)
{
	struct admin *a = calloc(1, sizeof(*a));
	int err = -ENOMEM;

	if (!a)
		return err;
	a->reactor = r;
	a->source = source;
	a->watch.ready = listener_ready;
	a->directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	err = -errno;
	if (a->directory_fd < 0)
		goto free_admin;
	a->watch.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	err = -errno;
	if (a->watch.fd < 0)
		goto close_directory;
	err = listener_bind(a, a->watch.fd);
	if (err < 0)
		goto close_socket;
	err = reactor_watch_add(r, &a->watch, EPOLLIN);
	if (err < 0)
		goto unlink_socket;
	*admin = a;
	return 0;
unlink_socket:
	unlinkat(a->directory_fd, ADMIN_SOCKET_NAME, 0);
close_socket:
	close(a->watch.fd);
close_directory:
	close(a->directory_fd);
free_admin:
	free(a);
	return err;
}

void admin_stop(struct admin *a)
{
	struct stat st;

	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (a->clients[i].admin)
			client_close(&a->clients[i]);
	reactor_watch_delete(a->reactor, &a->watch);
	if (fstatat(a->directory_fd, ADMIN_SOCKET_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_ino == a->inode)
		unlinkat(a->directory_fd, ADMIN_SOCKET_NAME, 0);
	close(a->watch.fd);
	close(a->directory_fd);
	free(a);
}
