/* SPDX-License-Identifier: Apache-2.0 */
/* The client's thread, its channels, and what blocks on them. */
#include <errno.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdma/connect.h"
#include "smbd/wire/empty.h"
#include "tcp/connect.h"
#include "tools/client/private.h"
#include "transport/base/clock.h"

#define CLIENT_POOL_BYTES (256u << 20)
#define CLIENT_WINDOWS    512 /* opened or closed at once */

/* ---- the thread ---- */

int client_create(const struct client_config *config, struct client **out)
{
	struct reactor_config rc = {.name = "client", .cpu = -1};
	struct client *c = calloc(1, sizeof(*c));
	struct direct_devices_config dc = {.verbs = &verbs_real};
	struct buf_pool_config pc = {.region_added = direct_devices_region_added};
	int err = -ENOMEM;

	if (!c)
		return -ENOMEM;
	if (config)
		c->config = *config;
	pc.bytes = c->config.pool_bytes ? c->config.pool_bytes : CLIENT_POOL_BYTES;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->changed, NULL);
	list_init(&c->channels);
	list_init(&c->sessions);
	if (c->config.verbs)
		dc.verbs = c->config.verbs;
	c->devices = pc.user = direct_devices_create(&dc);
	if (!c->devices)
		goto free_client;
	c->pool = buf_pool_create(&pc);
	if (!c->pool)
		goto destroy_devices;
	c->reactor = reactor_create(&rc);
	if (!c->reactor) {
		err = -errno;
		goto destroy_pool;
	}
	err = reactor_start(c->reactor);
	if (err)
		goto destroy_reactor;
	*out = c;
	return 0;

destroy_reactor:
	reactor_destroy(c->reactor);
destroy_pool:
	buf_pool_destroy(c->pool);
destroy_devices:
	direct_devices_destroy(c->devices);
free_client:
	free(c);
	return err;
}

struct reactor *client_reactor(const struct client *c)
{
	return c->reactor;
}

struct client_command {
	struct reactor_post post;
	void (*fn)(void *arg);
	void *arg;
	sem_t done;
};

static void client_command_run(struct reactor_post *post)
{
	struct client_command *cmd = container_of(post, struct client_command, post);

	cmd->fn(cmd->arg);
	sem_post(&cmd->done);
}

void client_run(struct client *c, void (*fn)(void *arg), void *arg)
{
	struct client_command cmd = {.post.run = client_command_run, .fn = fn, .arg = arg};

	sem_init(&cmd.done, 0, 0);
	reactor_post(c->reactor, &cmd.post);
	while (sem_wait(&cmd.done) != 0)
		;
	sem_destroy(&cmd.done);
}

struct timespec client_deadline(const struct client *c)
{
	uint64_t ms = c->config.timeout_ms ? c->config.timeout_ms : CLIENT_TIMEOUT_MS;
	uint64_t ns = clock_real_ns() + ms * NS_PER_MS;

	return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_SEC),
				 .tv_nsec = (long)(ns % NS_PER_SEC)};
}

bool client_wait_change(struct client *c, const struct timespec *until)
{
	return pthread_cond_timedwait(&c->changed, &c->lock, until) == 0;
}

/* ---- connecting ---- */

static unsigned client_timeout_ms(const struct client *c)
{
	return c->config.timeout_ms ? c->config.timeout_ms : CLIENT_TIMEOUT_MS;
}

static unsigned client_dial_ms(const struct client *c)
{
	return c->config.dial_ms ? c->config.dial_ms : client_timeout_ms(c);
}

struct client_dial {
	struct tcp_connect tcp;
	struct direct_connect direct;
	struct client *client;
	struct client_channel *ch;
	int err;
	sem_t done;
};

/* The dial is its caller's again when the semaphore is posted. */
static void client_dialled(struct client_dial *d, struct channel *ch, bool direct, int err)
{
	d->err = err;
	if (ch) {
		d->ch = client_adopt(d->client, ch);
		d->err = d->ch ? 0 : -ENOMEM;
		if (d->ch)
			d->ch->direct = direct;
		else if (direct)
			channel_close(ch, -ENOMEM);
	}
	sem_post(&d->done);
}

static void client_tcp_done(struct tcp_connect *connect, struct channel *ch, int err)
{
	client_dialled(container_of(connect, struct client_dial, tcp), ch, false, err);
}

static void client_tcp_start(void *arg)
{
	struct client_dial *d = arg;
	struct client *c = d->client;

	d->tcp.reactor = c->reactor;
	d->tcp.pool = c->pool;
	d->tcp.done = client_tcp_done;
	d->tcp.timeout_ms = client_dial_ms(c);
	tcp_config_default(&d->tcp.config);
	memcpy(d->tcp.config.congestion, c->config.congestion, sizeof(c->config.congestion));
	tcp_connect_start(&d->tcp);
}

static void client_direct_done(struct direct_connect *connect, struct channel *ch, int err)
{
	client_dialled(container_of(connect, struct client_dial, direct), ch, true, err);
}

static void client_direct_start(void *arg)
{
	struct client_dial *d = arg;
	struct client *c = d->client;

	d->direct.reactor = c->reactor;
	d->direct.pool = c->pool;
	d->direct.devices = c->devices;
	d->direct.done = client_direct_done;
	d->direct.timeout_ms = client_dial_ms(c);
	direct_config_default(&d->direct.config);
	d->direct.config.window_depth = CLIENT_WINDOWS;
	d->err = direct_connect_start(&d->direct);
	if (d->err)
		sem_post(&d->done);
}

static int client_dial(struct client *c, void (*start)(void *arg),
		       const struct sockaddr_storage *to, struct client_channel **out)
{
	struct client_dial d = {.client = c};

	d.tcp.address = d.direct.address = *to;
	sem_init(&d.done, 0, 0);
	client_run(c, start, &d);
	while (sem_wait(&d.done) != 0)
		;
	sem_destroy(&d.done);
	*out = d.ch;
	return d.err;
}

/* Each address of the host, until one answers. */
static int client_call_up(struct client *c, const char *host, uint16_t port,
			  void (*start)(void *arg), struct client_channel **out)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list, *a;
	char service[8];
	int err = -EHOSTUNREACH;

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(host, service, &hints, &list) != 0)
		return -EHOSTUNREACH;
	for (a = list; a; a = a->ai_next) {
		struct sockaddr_storage to = {0};

		memcpy(&to, a->ai_addr, a->ai_addrlen);
		err = client_dial(c, start, &to, out);
		if (!err)
			break;
	}
	freeaddrinfo(list);
	if (!err)
		snprintf((*out)->host, sizeof((*out)->host), "%s", host);
	return err;
}

int client_connect(struct client *c, const char *host, uint16_t port, struct client_channel **out)
{
	return client_call_up(c, host, port, client_tcp_start, out);
}

int client_connect_direct(struct client *c, const char *host, uint16_t port,
			  struct client_channel **out)
{
	return client_call_up(c, host, port, client_direct_start, out);
}

int client_connect_address(struct client *c, const struct sockaddr_storage *to, bool direct,
			   struct client_channel **out)
{
	return client_dial(c, direct ? client_direct_start : client_tcp_start, to, out);
}

/* ---- disconnecting ---- */

static void client_close(void *arg)
{
	struct client_channel *ch = arg;

	if (!ch->closed)
		channel_close(ch->ch, -ESHUTDOWN);
}

void client_cut(struct client_channel *ch)
{
	client_run(ch->client, client_close, ch);
}

static void client_forget(void *arg)
{
	struct client_channel *ch = arg;
	struct list_node *n;

	list_del(&ch->node);
	reactor_timer_fini(ch->client->reactor, &ch->retry);
	client_silence_fini(ch);
	while ((n = list_pop(&ch->news)) != NULL)
		free(container_of(n, struct client_news, node));
}

void client_disconnect(struct client_channel *ch)
{
	struct client *c;

	if (!ch)
		return;
	c = ch->client;
	client_run(c, client_close, ch);
	pthread_mutex_lock(&c->lock);
	while (!ch->over)
		pthread_cond_wait(&c->changed, &c->lock);
	pthread_mutex_unlock(&c->lock);
	client_run(c, client_forget, ch);
	if (ch->negotiate) {
		client_request_fini(ch->negotiate);
		free(ch->negotiate);
	}
	free(ch);
}

void client_destroy(struct client *c)
{
	if (!c)
		return;
	while (!list_empty(&c->channels))
		client_disconnect(
			container_of(list_first(&c->channels), struct client_channel, node));
	reactor_stop(c->reactor);
	direct_devices_destroy(c->devices); /* registrations, before what is registered */
	buf_pool_destroy(c->pool);
	reactor_destroy(c->reactor);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->changed);
	free(c);
}

bool client_connected(struct client_channel *ch, int *err)
{
	bool open;

	pthread_mutex_lock(&ch->client->lock);
	open = !ch->closed;
	if (err)
		*err = ch->err;
	pthread_mutex_unlock(&ch->client->lock);
	return open;
}

bool client_wait_closed(struct client_channel *ch)
{
	struct client *c = ch->client;
	struct timespec until = client_deadline(c);
	bool closed;

	pthread_mutex_lock(&c->lock);
	while (!ch->over && client_wait_change(c, &until))
		;
	closed = ch->over;
	pthread_mutex_unlock(&c->lock);
	return closed;
}

uint8_t *client_unsolicited(struct client_channel *ch, size_t *len)
{
	struct client *c = ch->client;
	struct timespec until = client_deadline(c);
	struct client_news *news = NULL;
	uint8_t *bytes = NULL;

	pthread_mutex_lock(&c->lock);
	while (list_empty(&ch->news) && !ch->closed && client_wait_change(c, &until))
		;
	if (!list_empty(&ch->news))
		news = container_of(list_pop(&ch->news), struct client_news, node);
	pthread_mutex_unlock(&c->lock);
	if (!news)
		return NULL;
	bytes = malloc(news->len);
	if (bytes)
		memcpy(bytes, news->bytes, news->len);
	*len = news->len;
	free(news);
	return bytes;
}

/* ---- raw bytes ---- */

struct client_raw {
	struct channel_send send;
	struct slice slice;
	struct client_channel *ch;
	int err;
	sem_t done;
};

static void client_raw_done(struct channel_send *send, int err)
{
	struct client_raw *raw = container_of(send, struct client_raw, send);

	raw->err = err;
	sem_post(&raw->done);
}

static void client_raw_start(void *arg)
{
	struct client_raw *raw = arg;

	if (raw->ch->closed)
		client_raw_done(&raw->send, -ECONNRESET);
	else
		channel_send(raw->ch->ch, &raw->send);
}

int client_send_raw(struct client_channel *ch, const void *bytes, size_t len)
{
	struct client_raw raw = {.slice = {.data = (void *)bytes, .len = len}, .ch = ch};

	raw.send.msg = &raw.slice;
	raw.send.msg_count = 1;
	raw.send.done = client_raw_done;
	sem_init(&raw.done, 0, 0);
	client_run(ch->client, client_raw_start, &raw);
	while (sem_wait(&raw.done) != 0)
		;
	sem_destroy(&raw.done);
	return raw.err;
}

/* ---- calls ---- */

static void client_called(struct client_request *rq)
{
	struct client *c = rq->client;

	pthread_mutex_lock(&c->lock);
	rq->finished = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

struct client_submission {
	struct client_request *const *rqs;
	unsigned count;
};

static void client_submit_posted(void *arg)
{
	struct client_submission *s = arg;

	client_submit_compound(s->rqs, s->count);
}

static void client_begin_all(struct client_request *const *rqs, unsigned count)
{
	struct client_submission s = {rqs, count};

	for (unsigned i = 0; i < count; i++) {
		rqs[i]->done = client_called;
		rqs[i]->finished = false;
	}
	client_run(rqs[0]->client, client_submit_posted, &s);
}

void client_begin(struct client_request *rq)
{
	client_begin_all(&rq, 1);
}

static void client_give_up(void *arg)
{
	struct client_request *rq = arg;

	if (!rq->finished && !rq->channel->closed)
		channel_close(rq->channel->ch, -ETIMEDOUT);
}

/* The request is lent until it is done: when the time is over the channel has to go, and the next
 * one if it went there. */
struct nt_status client_wait(struct client_request *rq)
{
	struct client *c = rq->client;
	bool finished = false;

	while (!finished) {
		struct timespec until = client_deadline(c);

		pthread_mutex_lock(&c->lock);
		while (!rq->finished && client_wait_change(c, &until))
			;
		finished = rq->finished;
		pthread_mutex_unlock(&c->lock);
		if (!finished)
			client_run(c, client_give_up, rq);
	}
	return client_request_status(rq);
}

struct nt_status client_call(struct client_request *rq)
{
	client_begin(rq);
	return client_wait(rq);
}

void client_call_compound(struct client_request *const *rqs, unsigned count)
{
	client_begin_all(rqs, count);
	for (unsigned i = 0; i < count; i++)
		(void)!nt_success(client_wait(rqs[i]));
}

bool client_wait_interim(struct client_request *rq)
{
	struct client *c = rq->client;
	struct timespec until = client_deadline(c);
	bool interim;

	pthread_mutex_lock(&c->lock);
	while (!rq->interim && !rq->finished && client_wait_change(c, &until))
		;
	interim = rq->interim && !rq->finished;
	pthread_mutex_unlock(&c->lock);
	return interim;
}

/* [MS-SMB2] 3.2.4.24: the MessageId of what is cancelled, its AsyncId if it has one. */
void client_cancel(struct client_request *target)
{
	struct client_request rq;

	client_request_init(&rq, target->channel, target->session, target->header.tree_id,
			    SMB2_CANCEL);
	rq.keep = CLIENT_KEEP_MESSAGE_ID | CLIENT_KEEP_CREDITS | CLIENT_NO_REPLY;
	rq.header.message_id = target->header.message_id;
	pthread_mutex_lock(&target->channel->client->lock);
	if (target->interim) {
		rq.header.flags |= SMB2_FLAGS_ASYNC_COMMAND;
		rq.header.async_id = target->async_id;
	}
	pthread_mutex_unlock(&target->channel->client->lock);
	smb2_empty_encode(&rq.w);
	(void)!nt_success(client_call(&rq));
	client_request_fini(&rq);
}
