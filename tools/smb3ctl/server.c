/* SPDX-License-Identifier: Apache-2.0 */
/* The running server, over its control socket: smb3ctl status|reload|stop. */
#include "tools/smb3ctl/smb3ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "smbd/admin/admin.h"
#include "smbd/admin/json.h"

#define ANSWER_BYTES_MAX (64u << 20)
#define ANSWER_SEC       30
#define STOP_SEC         120 /* a server that drains takes its time */

static int server_connect(const struct conf *conf, int *fd)
{
	struct timeval timeout = {.tv_sec = ANSWER_SEC};

	*fd = admin_connect(conf->pid_directory);
	if (*fd == -ENOENT || *fd == -ECONNREFUSED)
		return ctl_fail(CTL_FAILED,
				"no server runs with this configuration (nobody answers in %s)",
				conf->pid_directory);
	if (*fd < 0)
		return ctl_fail(CTL_FAILED, "%s/%s: %s", conf->pid_directory, ADMIN_SOCKET_NAME,
				strerror(-*fd));
	setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	return CTL_OK;
}

/* Send the command; the line that answers it, in mem, with its newline; NULL: none came. */
static char *exchange(TALLOC_CTX *mem, int fd, const char *command)
{
	char *answer = talloc_asprintf(mem, "{\"version\":%d,\"command\":\"%s\"}\n",
				       ADMIN_PROTOCOL_VERSION, command);
	size_t cap = 4096, len = 0;
	ssize_t n;

	if (!answer || send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
		return NULL;
	do {
		cap *= 2;
		answer = talloc_realloc(mem, answer, char, cap);
		while (answer && len < cap - 1 &&
		       (n = recv(fd, answer + len, cap - 1 - len, 0)) > 0) {
			len += (size_t)n;
			if (answer[len - 1] == '\n') {
				answer[len] = 0;
				return answer;
			}
		}
	} while (answer && len == cap - 1 && cap < ANSWER_BYTES_MAX);
	return NULL;
}

/* The same, and complain unless the server says that it went well. *root hangs on mem. */
static int ask(TALLOC_CTX *mem, int fd, const char *command, char **line, struct json **root)
{
	const struct json *ok;

	*line = exchange(mem, fd, command);
	if (!*line)
		return ctl_fail(CTL_FAILED, "the server did not answer: is it busy or ending?");
	*root = json_parse(mem, *line, strlen(*line));
	ok = json_get(*root, "ok", JSON_BOOL);
	if (!ok)
		return ctl_fail(CTL_FAILED, "the server's answer makes no sense");
	if (!ok->number)
		return ctl_fail(CTL_FAILED, "%s", json_get_string(*root, "error"));
	return CTL_OK;
}

/* ---- status ---- */

static const char *dialect_name(uint64_t dialect)
{
	switch (dialect) {
	case CONF_PROTOCOL_SMB2_02:
		return "2.0.2";
	case CONF_PROTOCOL_SMB2_10:
		return "2.1";
	case CONF_PROTOCOL_SMB3_00:
		return "3.0";
	case CONF_PROTOCOL_SMB3_02:
		return "3.0.2";
	case CONF_PROTOCOL_SMB3_11:
		return "3.1.1";
	default:
		return "?";
	}
}

/* "12.3G": what fits a column. */
static const char *amount(uint64_t bytes, char buf[16])
{
	static const char unit[] = "BKMGTPE";
	double v = (double)bytes;
	unsigned u = 0;

	for (; v >= 1024 && u < 6; u++)
		v /= 1024;
	snprintf(buf, 16, u ? "%.1f%c" : "%.0f%c", v, unit[u]);
	return buf;
}

static uint64_t number(const struct json *v, const char *key)
{
	return json_get_number(v, key);
}

static bool truth(const struct json *v, const char *key)
{
	const struct json *b = json_get(v, key, JSON_BOOL);

	return b && b->number;
}

static const struct json *first_of(const struct json *root, const char *key)
{
	const struct json *array = json_get(root, key, JSON_ARRAY);

	return array ? array->first : NULL;
}

static void print_server(const struct json *s)
{
	char used[16], total[16];

	printf("up %" PRIu64 " s, %" PRIu64 " connections, %" PRIu64 " sessions, %" PRIu64
	       " trees, %" PRIu64 " opens; buffers %s of %s, waited for %" PRIu64 " times\n",
	       number(s, "uptime_sec"), number(s, "connections"), number(s, "sessions"),
	       number(s, "trees"), number(s, "opens"), amount(number(s, "buffer_bytes_used"), used),
	       amount(number(s, "buffer_bytes"), total), number(s, "buffer_waits"));
}

static void print_sessions(const struct json *v)
{
	if (v)
		printf("\n%-18s %-20s %-40s %-7s %-9s %5s %6s\n", "SESSION", "USER", "CLIENT",
		       "DIALECT", "SECURITY", "TREES", "OPENS");
	for (; v; v = v->next)
		printf("0x%016" PRIx64 " %-20s %-40s %-7s %-9s %5" PRIu64 " %6" PRIu64 "\n",
		       number(v, "id"), json_get_string(v, "user"), json_get_string(v, "client"),
		       dialect_name(number(v, "dialect")),
		       truth(v, "encryption") ? "encrypted"
		       : truth(v, "signing")  ? "signed"
					      : "-",
		       number(v, "trees"), number(v, "opens"));
}

/* "25G" of bits per second, with "?" where that is a guess; "-": unknown. */
static const char *speed(const struct json *v, char buf[32])
{
	uint64_t mbit = number(v, "bits_per_sec") / 1000000;
	const char *guess = truth(v, "speed_assumed") ? "?" : "";

	if (!mbit)
		snprintf(buf, 32, "-");
	else if (mbit % 1000)
		snprintf(buf, 32, "%" PRIu64 "M%s", mbit, guess);
	else
		snprintf(buf, 32, "%" PRIu64 "G%s", mbit / 1000, guess);
	return buf;
}

/* "200/255": what we may send and what the peer may; "-": the transport counts none. */
static const char *credits(const struct json *v, char buf[32])
{
	uint64_t ours = number(v, "send_credits"), theirs = number(v, "receive_credits");

	if (ours || theirs)
		snprintf(buf, 32, "%" PRIu64 "/%" PRIu64, ours, theirs);
	else
		snprintf(buf, 32, "-");
	return buf;
}

static void print_channels(const struct json *v)
{
	char rate[32], credit[32], in[16], out[16], pulled[16], pushed[16];

	if (v)
		printf("\n%-18s %-5s %-10s %-44s %6s %-8s %9s %8s %8s %8s %8s %7s\n", "CHANNEL OF",
		       "KIND", "DEVICE", "PEER", "SPEED", "STATE", "CREDITS", "IN", "OUT", "PULLED",
		       "PUSHED", "INVALID");
	for (; v; v = v->next)
		printf("0x%016" PRIx64 " %-5s %-10s %-44s %6s %-8s %9s %8s %8s %8s %8s %7" PRIu64
		       "\n",
		       number(v, "session_id"), json_get_string(v, "transport"),
		       json_get_string(v, "device"), json_get_string(v, "peer"), speed(v, rate),
		       json_get_string(v, "state"), credits(v, credit),
		       amount(number(v, "bytes_in"), in), amount(number(v, "bytes_out"), out),
		       amount(number(v, "bytes_pulled"), pulled),
		       amount(number(v, "bytes_pushed"), pushed), number(v, "invalidations"));
}

/* What the channels that are, and those that were, moved by RDMA. */
static uint64_t rdma_sum(const struct json *root, const char *key, const char *ended_key)
{
	uint64_t sum = number(json_get(root, "rdma", JSON_OBJECT), ended_key);

	for (const struct json *v = first_of(root, "channels"); v; v = v->next)
		if (strcmp(json_get_string(v, "transport"), "rdma") == 0)
			sum += number(v, key);
	return sum;
}

/* "Is RDMA really in use?" in one line. */
static void print_rdma(const struct json *root)
{
	const struct json *rdma = json_get(root, "rdma", JSON_OBJECT);
	uint64_t all = 0, direct = 0;
	char pulled[16], pushed[16];

	for (const struct json *v = first_of(root, "channels"); v; v = v->next) {
		all++;
		direct += strcmp(json_get_string(v, "transport"), "rdma") == 0;
	}
	if (!truth(rdma, "enabled"))
		printf("SMB Direct: off: %s\n", json_get_string(rdma, "why"));
	else if (direct)
		printf("SMB Direct: in use: %" PRIu64 " of %" PRIu64 " channels", direct, all);
	else if (number(rdma, "addresses"))
		printf("SMB Direct: not in use: listens on %" PRIu64
		       " addresses, but no client is "
		       "there by RDMA",
		       number(rdma, "addresses"));
	else
		printf("SMB Direct: not in use: %s", json_get_string(rdma, "why"));
	if (!truth(rdma, "enabled"))
		return;
	printf("; since the start %" PRIu64
	       " channels, %s read from and %s written to clients' "
	       "memory\n",
	       number(rdma, "accepted"),
	       amount(rdma_sum(root, "bytes_pulled", "ended_bytes_pulled"), pulled),
	       amount(rdma_sum(root, "bytes_pushed", "ended_bytes_pushed"), pushed));
}

static void print_devices(const struct json *v)
{
	char rate[32];

	if (v)
		printf("\n%-16s %-10s %6s %9s %8s %10s %7s %5s  %s\n", "RDMA DEVICE", "KIND",
		       "SPEED", "ADDRESSES", "CHANNELS", "REGISTERED", "ERRORS", "RNR", "NOTE");
	for (; v; v = v->next)
		printf("%-16s %-10s %6s %9" PRIu64 " %8" PRIu64 " %10" PRIu64 " %7" PRIu64
		       " %5" PRIu64 "  %s\n",
		       json_get_string(v, "name"), json_get_string(v, "kind"), speed(v, rate),
		       number(v, "addresses"), number(v, "channels"), number(v, "registrations"),
		       number(v, "errors"), number(v, "rnr"), json_get_string(v, "note"));
}

static void print_opens(const struct json *v, uint64_t left_out)
{
	if (v)
		printf("\n%-18s %-10s %s\n", "OPEN OF", "ACCESS", "FILE");
	for (; v; v = v->next)
		printf("0x%016" PRIx64 " 0x%08" PRIx64 " %s/%s\n", number(v, "session_id"),
		       number(v, "access"), json_get_string(v, "share"),
		       json_get_string(v, "path"));
	if (left_out)
		printf("and %" PRIu64 " more\n", left_out);
}

static void print_status(const struct json *root)
{
	print_server(json_get(root, "server", JSON_OBJECT));
	print_rdma(root);
	print_sessions(first_of(root, "sessions"));
	print_channels(first_of(root, "channels"));
	print_devices(first_of(root, "devices"));
	print_opens(first_of(root, "opens"), number(root, "opens_left_out"));
}

/* Ask, and show the answer: as it came, or by `print`. */
static int show(const struct conf *conf, const char *name, int argc, char **argv,
		void (*print)(const struct json *root))
{
	bool raw = argc == 1 && strcmp(argv[0], "--json") == 0;
	struct json *root = NULL;
	char *line = NULL;
	TALLOC_CTX *mem;
	int fd, status;

	if (argc && !raw)
		return ctl_fail(CTL_USAGE, "usage: smb3ctl %s [--json]", name);
	mem = talloc_new(NULL);
	status = server_connect(conf, &fd);
	if (status != CTL_OK)
		goto free_mem;
	status = ask(mem, fd, name, &line, &root);
	if (status == CTL_OK && raw)
		fputs(line, stdout);
	else if (status == CTL_OK)
		print(root);
	close(fd);
free_mem:
	talloc_free(mem);
	return status;
}

int ctl_status(const struct conf *conf, int argc, char **argv)
{
	return show(conf, "status", argc, argv, print_status);
}

/* ---- interfaces ---- */

static const char *abilities(const struct json *v)
{
	static const char *const text[2][2] = {{"-", "RDMA"}, {"RSS", "RSS,RDMA"}};

	return text[truth(v, "rss")][truth(v, "rdma")];
}

static void print_interfaces(const struct json *root)
{
	char buf[32];

	printf("%-16s %5s %-40s %8s %-9s %s\n", "INTERFACE", "INDEX", "ADDRESS", "SPEED", "CAN",
	       "TOLD");
	for (const struct json *v = first_of(root, "interfaces"); v; v = v->next)
		printf("%-16s %5" PRIu64 " %-40s %8s %-9s %s%s\n", json_get_string(v, "name"),
		       number(v, "if_index"), json_get_string(v, "address"), speed(v, buf),
		       abilities(v), truth(v, "told") ? "yes" : "no: ", json_get_string(v, "why"));
}

int ctl_interfaces(const struct conf *conf, int argc, char **argv)
{
	return show(conf, "interfaces", argc, argv, print_interfaces);
}

/* ---- reload and stop ---- */

static int command(const struct conf *conf, const char *name, int *fd)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct json *root = NULL;
	char *line = NULL;
	int status = server_connect(conf, fd);

	if (status == CTL_OK) {
		status = ask(mem, *fd, name, &line, &root);
		if (status != CTL_OK)
			close(*fd);
	}
	talloc_free(mem);
	return status;
}

int ctl_reload(const struct conf *conf, int argc, char **argv)
{
	int fd, status;

	if (argc)
		return ctl_fail(CTL_USAGE, "usage: smb3ctl reload");
	status = command(conf, "reload", &fd);
	if (status == CTL_OK)
		close(fd);
	return status;
}

int ctl_stop(const struct conf *conf, int argc, char **argv)
{
	struct timeval timeout = {.tv_sec = STOP_SEC};
	int fd, status;
	ssize_t n;
	char c;

	if (argc)
		return ctl_fail(CTL_USAGE, "usage: smb3ctl stop");
	status = command(conf, "shutdown", &fd);
	if (status != CTL_OK)
		return status;
	/* the server's end of the connection goes when the server does */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	do
		n = recv(fd, &c, 1, 0);
	while (n > 0);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		status = ctl_fail(CTL_FAILED, "the server has not ended within %d seconds",
				  STOP_SEC);
	close(fd);
	return status;
}
