/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake/world.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <pthread.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <talloc.h>

#include "smbd/cmd/commands.h"
#include "smbd/cmd/service.h"
#include "smbd/conf/conf.h"
#include "smbd/crypto/sign.h"
#include "smbd/session/server.h"
#include "tcp/listener.h"
#include "tests/fake/mem_channel.h"
#include "tests/fake/world_direct.h"
#include "transport/buf/buf.h"
#include "transport/fiber/fiber.h"
#include "transport/reactor/reactor.h"

#define REACTORS_MAX 8 /* of the server; one more is the peers' */
#define WAIT_SEC     10

/* of "secret" */
#define NT_HASH "878D8014606CDA29677A44EFA1353FC7"

struct world {
	char directory[64];
	struct buf_pool *pool;
	struct reactor *reactors[REACTORS_MAX + 1]; /* the server's, and the peers' */
	unsigned reactor_count;                     /* the server's */
	unsigned next_reactor;                      /* for the next peer */
	struct service *service;
	struct command_table commands;
	struct server *server;
	struct channel_acceptor *acceptor;
	struct tcp_listener *listener; /* when first asked for */
	struct world_direct *direct;   /* NULL: there is no fabric */
	unsigned peers;                /* connected */
};

/* ---- the server ---- */

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

const char *world_user(void)
{
	const struct passwd *pw = getpwuid(getuid());

	return pw ? pw->pw_name : "nobody";
}

static void write_accounts(struct world *w)
{
	char path[128], line[256];

	snprintf(path, sizeof(path), "%s/smbpasswd", w->directory);
	snprintf(line, sizeof(line), "%s:%u:%032d:%s:[U          ]:LCT-65A0B1C2:\n", world_user(),
		 getuid(), 0, NT_HASH);
	memset(strchr(strchr(line, ':') + 1, ':') + 1, 'X', 32);
	write_file(path, line);
}

static struct conf *load_conf(struct world *w, const struct world_config *config)
{
	const char *settings = config ? config->settings : NULL;
	char text[2048], path[128];
	struct conf *conf;

	snprintf(text, sizeof(text),
		 "[global]\n"
		 "state directory = %s/state\n"
		 "pid directory = %s/state\n"
		 "smb passwd file = %s/smbpasswd\n"
		 "map to guest = bad user\n"
		 "guest account = %s\n"
		 "%s\n"
		 "[share]\npath = %s/data\nread only = no\n"
		 "[public]\npath = %s/data\nguest ok = yes\n",
		 w->directory, w->directory, w->directory, world_user(), settings ? settings : "",
		 w->directory, w->directory);
	snprintf(path, sizeof(path), "%s/smb.conf", w->directory);
	write_file(path, text);
	if (config && config->shares) {
		FILE *more = fopen(path, "a");

		assert_non_null(more);
		config->shares(more, w->directory);
		fclose(more);
	}
	conf = conf_load(NULL, path, NULL);
	assert_non_null(conf);
	return conf;
}

static void make_directory(struct world *w)
{
	char path[128];

	snprintf(w->directory, sizeof(w->directory), "/tmp/smb3d-world-XXXXXX");
	assert_non_null(mkdtemp(w->directory));
	snprintf(path, sizeof(path), "%s/data", w->directory);
	assert_int_equal(mkdir(path, 0777), 0);
	snprintf(path, sizeof(path), "%s/state", w->directory);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void start_server(struct world *w, const struct conf *conf,
			 void (*change)(struct server_config *config))
{
	struct server_config config = {
		.guid = "0123456789abcde",
		.min_dialect = (uint16_t)conf->server_min_protocol,
		.max_dialect = (uint16_t)conf->server_max_protocol,
		.signing_required = conf->server_signing == CONF_SIGNING_MANDATORY,
		.max_transact = 1 << 20,
		.max_read = 1 << 20,
		.max_write = 1 << 20,
		.max_credits = conf->smb2_max_credits,
		.max_connections = 64,
		.max_sessions = 64,
		.max_opens = 64,
		.max_channels = conf->channels,
		.multi_channel = conf->multi_channel,
		.leases = conf->smb2_leases,
		.directory_leases = conf->smb2_leases,
		.pool = w->pool,
		.commands = &w->commands,
		.service = w->service,
	};

	if (change)
		change(&config);
	w->server = server_create(&config);
	assert_non_null(w->server);
}

struct world *world_create(const struct world_config *config)
{
	struct buf_pool_config pool = {.bytes = config && config->pool_bytes ? config->pool_bytes
									     : 64u << 20};
	struct world *w = calloc(1, sizeof(*w));
	struct conf *conf;

	assert_non_null(w);
	make_directory(w);
	write_accounts(w);
	conf = load_conf(w, config);
	w->commands = commands;
	if (config && config->commands)
		config->commands(&w->commands);
	if (config && config->fabric)
		w->direct = world_direct_create(config->fabric, &pool);
	w->pool = buf_pool_create(&pool);
	assert_non_null(w->pool);
	w->service = service_create(conf);
	assert_non_null(w->service);
	start_server(w, conf, config ? config->server : NULL);
	w->acceptor = &w->server->acceptor;
	if (config && config->acceptor)
		w->acceptor = config->acceptor(w->acceptor);
	assert_int_equal(fiber_workers_start(2), 0);
	w->reactor_count = config && config->reactors ? config->reactors : 1;
	assert_true(w->reactor_count <= REACTORS_MAX);
	for (unsigned i = 0; i <= w->reactor_count; i++) {
		const struct reactor_config reactor = {.name = "world", .cpu = -1};

		w->reactors[i] = reactor_create(&reactor);
		assert_non_null(w->reactors[i]);
	}
	if (w->direct)
		world_direct_listen(w->direct, w->reactors, w->reactor_count, w->pool, w->acceptor);
	for (unsigned i = 0; i <= w->reactor_count; i++)
		assert_int_equal(reactor_start(w->reactors[i]), 0);
	return w;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void wait_connections(struct world *w, unsigned most)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	for (unsigned i = 0; i < WAIT_SEC * 1000; i++) {
		if (world_counts(w).connections <= most)
			return;
		nanosleep(&pause, NULL);
	}
	fail_msg("the server keeps a dead connection");
}

void world_destroy(struct world *w)
{
	struct world_counts counts;

	wait_connections(w, 0); /* a client may be gone before the server is rid of it */
	counts = world_counts(w);
	if (w->listener)
		tcp_listener_stop(w->listener);
	assert_int_equal(counts.sessions, 0);
	assert_int_equal(counts.trees, 0);
	assert_int_equal(counts.opens, 0);
	for (unsigned i = 0; i <= w->reactor_count; i++)
		reactor_stop(w->reactors[i]);
	fiber_workers_stop();
	if (w->listener)
		tcp_listener_destroy(w->listener);
	if (w->direct)
		world_direct_destroy(w->direct);
	for (unsigned i = 0; i <= w->reactor_count; i++)
		reactor_destroy(w->reactors[i]);
	server_destroy(w->server);
	service_destroy(w->service);
	buf_pool_destroy(w->pool);
	nftw(w->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(w);
}

void world_pool_stats(struct world *w, struct buf_pool_stats *stats)
{
	buf_pool_stats(w->pool, stats);
}

unsigned world_bufs_out(struct world *w)
{
	struct buf_pool_stats stats;

	world_pool_stats(w, &stats);
	return (unsigned)stats.bufs_out;
}

const char *world_directory(const struct world *w)
{
	return w->directory;
}

struct service *world_service(const struct world *w)
{
	return w->service;
}

struct world_counts world_counts(struct world *w)
{
	return (struct world_counts){
		.connections = atomic_load(&w->server->connection_count),
		.sessions = atomic_load(&w->server->session_count),
		.trees = atomic_load(&w->server->tree_count),
		.opens = atomic_load(&w->server->open_count),
	};
}

void world_wait_counts(struct world *w, unsigned sessions, unsigned trees, unsigned opens)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	struct world_counts now;

	for (unsigned i = 0; i < WAIT_SEC * 1000; i++) {
		now = world_counts(w);
		if (now.sessions == sessions && now.trees == trees && now.opens == opens)
			return;
		nanosleep(&pause, NULL);
	}
	fail_msg("%u sessions, %u trees, %u opens stay", now.sessions, now.trees, now.opens);
}

/* ---- a peer's end ---- */

struct received {
	struct list_node node;
	size_t len;
	uint8_t bytes[];
};

struct peer_channel {
	struct channel_acceptor acceptor;
	struct channel *ch; /* on its reactor only */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct list_node received;
	bool accepted, closed;
	bool asked; /* to close: the last post that names this */
};

struct sending {
	struct reactor_post post;
	struct channel_send send;
	struct slice slice;
	struct peer_channel *end;
	uint8_t bytes[];
};

static struct reactor *peers_reactor(const struct world *w)
{
	return w->reactors[w->reactor_count];
}

static void end_signal(struct peer_channel *end, bool *what)
{
	pthread_mutex_lock(&end->mutex);
	*what = true;
	pthread_cond_broadcast(&end->changed);
	pthread_mutex_unlock(&end->mutex);
}

static size_t end_split(struct channel *ch, const uint8_t *first, size_t have, size_t total)
{
	return total;
}

static void end_message(struct channel *ch, struct channel_msg *msg)
{
	struct peer_channel *end = ch->user;
	struct received *r = malloc(sizeof(*r) + msg->head_len);

	r->len = msg->head_len;
	memcpy(r->bytes, msg->head, msg->head_len);
	channel_release(ch, msg);
	pthread_mutex_lock(&end->mutex);
	list_push(&end->received, &r->node);
	pthread_cond_broadcast(&end->changed);
	pthread_mutex_unlock(&end->mutex);
}

static void end_closed(struct channel *ch, int err)
{
	struct peer_channel *end = ch->user;

	end->ch = NULL;
	end_signal(end, &end->closed);
}

static const struct channel_user end_user = {end_split, end_message, end_closed};

static int end_accepted(struct channel_acceptor *acceptor, struct channel *ch)
{
	struct peer_channel *end = container_of(acceptor, struct peer_channel, acceptor);

	end->ch = ch;
	ch->user = end;
	ch->user_ops = &end_user;
	end_signal(end, &end->accepted);
	return 0;
}

/* With the mutex held, until `*what`; fails the test after a while. */
static void end_wait(struct peer_channel *end, const bool *what, bool or_message)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_SEC;
	while (!*what && !(or_message && !list_empty(&end->received)))
		if (pthread_cond_timedwait(&end->changed, &end->mutex, &until) == ETIMEDOUT) {
			pthread_mutex_unlock(&end->mutex);
			fail_msg("the server neither answers nor closes");
		}
}

static struct peer_channel *end_create(struct world *w, struct peer *p)
{
	struct peer_channel *end = calloc(1, sizeof(*end));

	memset(p, 0, sizeof(*p));
	p->end = end;
	p->world = w;
	end->acceptor.accepted = end_accepted;
	pthread_mutex_init(&end->mutex, NULL);
	pthread_cond_init(&end->changed, NULL);
	list_init(&end->received);
	return end;
}

static void end_wait_accepted(struct peer_channel *end)
{
	pthread_mutex_lock(&end->mutex);
	end_wait(end, &end->accepted, false);
	pthread_mutex_unlock(&end->mutex);
}

void peer_connect(struct world *w, struct peer *p)
{
	struct peer_channel *end = end_create(w, p);
	struct mem_end ends[2] = {
		{w->reactors[w->next_reactor++ % w->reactor_count], w->pool, w->acceptor},
		{peers_reactor(w), w->pool, &end->acceptor}};
	struct mem_config config;

	mem_config_default(&config);
	config.limits.remote_bytes = 0;
	config.limits.remote_slices = 0;
	config.limits.msg_bytes = 2u << 20;
	assert_int_equal(mem_connect(&config, ends), 0);
	w->peers++;
	end_wait_accepted(end);
}

/* ---- by SMB Direct ---- */

struct connecting {
	struct reactor_post post;
	struct direct_connect connect;
	struct world_direct *direct;
	struct peer_channel *end;
};

static void connecting_done(struct direct_connect *connect, struct channel *ch, int err)
{
	struct connecting *c = container_of(connect, struct connecting, connect);

	if (ch)
		end_accepted(&c->end->acceptor, ch);
	free(c);
}

static void connecting_run(struct reactor_post *post)
{
	struct connecting *c = container_of(post, struct connecting, post);

	world_direct_connect(c->direct, &c->connect);
}

void peer_connect_direct(struct world *w, struct peer *p)
{
	struct peer_channel *end = end_create(w, p);
	struct connecting *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->direct = w->direct;
	c->end = end;
	c->post.run = connecting_run;
	c->connect.reactor = peers_reactor(w);
	c->connect.done = connecting_done;
	reactor_post(peers_reactor(w), &c->post);
	w->peers++;
	end_wait_accepted(end);
}

/* ---- over TCP ---- */

static struct sockaddr_storage listen_address(struct world *w)
{
	const struct sockaddr_in any = {.sin_family = AF_INET};
	struct sockaddr_storage address = {0};
	struct tcp_listener_config config = {
		.addresses = &address,
		.address_count = 1,
		.reactors = w->reactors,
		.reactor_count = w->reactor_count,
		.pool = w->pool,
		.acceptor = w->acceptor,
	};

	memcpy(&address, &any, sizeof(any));
	tcp_config_default(&config.channel);
	if (!w->listener)
		assert_int_equal(tcp_listener_create(&config, &w->listener, NULL), 0);
	tcp_listener_address(w->listener, 0, &address);
	((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

uint16_t world_tcp_port(struct world *w)
{
	const struct sockaddr_storage address = listen_address(w);

	return ntohs(((const struct sockaddr_in *)&address)->sin_port);
}

void peer_connect_tcp(struct world *w, struct peer *p)
{
	const struct sockaddr_storage address = listen_address(w);
	const struct timeval limit = {.tv_sec = WAIT_SEC};

	memset(p, 0, sizeof(*p));
	p->world = w;
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(p->fd >= 0);
	setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(
		connect(p->fd, (const struct sockaddr *)&address, sizeof(struct sockaddr_in)), 0);
	w->peers++;
}

static void tcp_send(struct peer *p, const void *msg, size_t len)
{
	const uint8_t frame[4] = {0, (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};

	assert_int_equal(send(p->fd, frame, 4, MSG_NOSIGNAL | MSG_MORE), 4);
	assert_int_equal(send(p->fd, msg, len, MSG_NOSIGNAL), len);
}

/* All of it. A ring of ours may interrupt the thread that made it. False: closed, or too late. */
static bool tcp_recv_all(int fd, uint8_t *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = recv(fd, buf, len, MSG_WAITALL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		buf += n;
		len -= (size_t)n;
	}
	return true;
}

static size_t tcp_recv(struct peer *p, uint8_t *buf, size_t cap)
{
	uint8_t frame[4];
	size_t len;

	if (!tcp_recv_all(p->fd, frame, 4))
		return 0;
	len = (size_t)frame[1] << 16 | (size_t)frame[2] << 8 | frame[3];
	assert_true(len <= cap);
	assert_true(tcp_recv_all(p->fd, buf, len));
	return len;
}

static void sending_done(struct channel_send *send, int err)
{
	free(container_of(send, struct sending, send));
}

static void sending_run(struct reactor_post *post)
{
	struct sending *s = container_of(post, struct sending, post);

	if (s->end->ch)
		channel_send(s->end->ch, &s->send);
	else
		free(s);
}

void peer_send(struct peer *p, const void *msg, size_t len)
{
	struct sending *s;

	if (!p->end) {
		tcp_send(p, msg, len);
		return;
	}
	s = calloc(1, sizeof(*s) + len);
	memcpy(s->bytes, msg, len);
	s->slice = (struct slice){.data = s->bytes, .len = len};
	s->send = (struct channel_send){.msg = &s->slice, .msg_count = 1, .done = sending_done};
	s->end = p->end;
	s->post.run = sending_run;
	reactor_post(peers_reactor(p->world), &s->post);
}

size_t peer_recv(struct peer *p, uint8_t *buf, size_t cap)
{
	struct peer_channel *end = p->end;
	struct received *r = NULL;
	struct list_node *n;
	size_t len = 0;

	if (!end)
		return tcp_recv(p, buf, cap);
	pthread_mutex_lock(&end->mutex);
	end_wait(end, &end->closed, true);
	n = list_pop(&end->received);
	pthread_mutex_unlock(&end->mutex);
	if (n) {
		r = container_of(n, struct received, node);
		assert_true(r->len <= cap);
		len = r->len;
		memcpy(buf, r->bytes, len);
		free(r);
	}
	return len;
}

struct closing {
	struct reactor_post post;
	struct peer_channel *end;
};

static void closing_run(struct reactor_post *post)
{
	struct closing *c = container_of(post, struct closing, post);

	if (c->end->ch)
		channel_close(c->end->ch, -ECANCELED);
	end_signal(c->end, &c->end->asked);
	free(c);
}

static void end_close(struct world *w, struct peer_channel *end)
{
	struct closing *c = calloc(1, sizeof(*c));

	c->end = end;
	c->post.run = closing_run;
	reactor_post(peers_reactor(w), &c->post);
	pthread_mutex_lock(&end->mutex);
	end_wait(end, &end->asked, false);
	end_wait(end, &end->closed, false);
	pthread_mutex_unlock(&end->mutex);
}

static void end_free(struct peer_channel *end)
{
	while (!list_empty(&end->received))
		free(container_of(list_pop(&end->received), struct received, node));
	pthread_cond_destroy(&end->changed);
	pthread_mutex_destroy(&end->mutex);
	free(end);
}

void peer_close(struct peer *p)
{
	if (p->end)
		end_close(p->world, p->end);
	else
		close(p->fd);
	wait_connections(p->world, --p->world->peers);
	if (p->end)
		end_free(p->end);
	signer_destroy(p->signer);
	free(p->preauth);
	memset(p, 0, sizeof(*p));
}
