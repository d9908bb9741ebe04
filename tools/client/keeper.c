/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread looks at what there is, does one thing about it (asks, dials, lets go), and looks
 * again; when there is nothing to do it sleeps until a channel dies or something is due.
 */
#include "tools/client/keeper.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/client/private.h"
#include "transport/base/clock.h"

#define KEEPER_QUERY_MS       600000
#define KEEPER_BACKOFF_MIN_MS 1000
#define KEEPER_BACKOFF_MAX_MS 60000
#define KEEPER_LINGER_NS      (20 * NS_PER_MS) /* until a worse channel is asked again */
#define KEEPER_PATHS_MAX      (2 * CLIENT_INTERFACES_MAX + 1)

/* A channel that is bound, and what it goes over. */
struct kept {
	struct client_channel *ch;
	struct sockaddr_storage to;
	bool direct;
	bool ours;
	bool idle;
	bool leaving; /* we let it go */
	uint64_t bound_ns;
	uint64_t quality; /* by the latest answers; 0: the server does not tell of it any more */
	unsigned local, remote;
};

/* What did not work, and when to try it again. */
struct penalty {
	struct sockaddr_storage to;
	bool direct;
	uint64_t until_ns, wait_ns;
};

struct client_keeper {
	struct client *client;
	struct client_session *session;
	struct client_tree tree;
	struct client_keeper_config config;
	pthread_t thread;
	bool joined;

	/* the thread's */
	struct client_interface remote[CLIENT_INTERFACES_MAX];
	unsigned remote_count;
	struct client_path paths[KEEPER_PATHS_MAX];
	unsigned path_count;
	struct penalty penalties[KEEPER_PATHS_MAX];
	unsigned penalty_count;
	struct kept kept[CLIENT_CHANNELS];
	unsigned kept_count;
	uint64_t query_due_ns, query_wait_ns;
	uint64_t best; /* quality */

	/* under the client's lock */
	bool stop;
	struct client_keeper_status status;
};

/* ---- status ---- */

/* Something happens: what the status says is not so any more. */
static void status_add(struct client_keeper *k, unsigned *counter)
{
	pthread_mutex_lock(&k->client->lock);
	++*counter;
	k->status.settled = false;
	pthread_mutex_unlock(&k->client->lock);
}

static void status_error(struct client_keeper *k, const char *what, const char *why)
{
	pthread_mutex_lock(&k->client->lock);
	snprintf(k->status.error, sizeof(k->status.error), "%.30s: %.60s", what, why);
	pthread_mutex_unlock(&k->client->lock);
}

static void status_set(struct client_keeper *k, bool settled)
{
	unsigned channels = 0, direct = 0, idle = 0;

	for (unsigned i = 0; i < k->kept_count; i++) {
		idle += k->kept[i].idle;
		channels += !k->kept[i].idle;
		direct += !k->kept[i].idle && k->kept[i].direct;
	}
	pthread_mutex_lock(&k->client->lock);
	k->status.channels = channels;
	k->status.direct = direct;
	k->status.idle = idle;
	k->status.quality = k->best;
	k->status.settled = settled;
	pthread_cond_broadcast(&k->client->changed);
	pthread_mutex_unlock(&k->client->lock);
}

/* ---- what was refused ---- */

static struct penalty *penalty_of(struct client_keeper *k, const struct sockaddr_storage *to,
				  bool direct)
{
	for (unsigned i = 0; i < k->penalty_count; i++) {
		struct penalty *p = &k->penalties[i];

		if (p->direct == direct && channel_address_same_host(&p->to, to))
			return p;
	}
	return NULL;
}

static bool is_barred(struct client_keeper *k, const struct client_path *path)
{
	const struct penalty *p = penalty_of(k, &path->to, path->direct);

	return p && clock_mono_ns() < p->until_ns;
}

/* Twice as long as the last time. Of more paths than there is room for, the first is forgotten. */
static void bar(struct client_keeper *k, const struct sockaddr_storage *to, bool direct)
{
	uint64_t least = k->config.backoff_min_ms * NS_PER_MS;
	uint64_t most = k->config.backoff_max_ms * NS_PER_MS;
	struct penalty *p = penalty_of(k, to, direct);

	if (!p) {
		p = &k->penalties[k->penalty_count < KEEPER_PATHS_MAX ? k->penalty_count++ : 0];
		*p = (struct penalty){.to = *to, .direct = direct};
	}
	p->wait_ns = p->wait_ns ? p->wait_ns * 2 : least;
	if (p->wait_ns > most)
		p->wait_ns = most;
	p->until_ns = clock_mono_ns() + p->wait_ns;
}

static void unbar(struct client_keeper *k, const struct kept *kept)
{
	struct penalty *p = penalty_of(k, &kept->to, kept->direct);

	if (p)
		*p = k->penalties[--k->penalty_count];
}

/* ---- what there is ---- */

static bool is_over(struct client_keeper *k, const struct kept *kept)
{
	bool over;

	pthread_mutex_lock(&k->client->lock);
	over = kept->ch->over;
	pthread_mutex_unlock(&k->client->lock);
	return over;
}

/* One that died as soon as it was bound is not dialled again at once. */
static void bury(struct client_keeper *k, unsigned i)
{
	struct kept dead = k->kept[i];

	k->kept[i] = k->kept[--k->kept_count];
	if (dead.leaving) {
		client_disconnect(dead.ch);
		return;
	}
	if (clock_mono_ns() - dead.bound_ns < k->config.backoff_min_ms * NS_PER_MS)
		bar(k, &dead.to, dead.direct);
	else
		unbar(k, &dead);
	if (dead.ours)
		client_disconnect(dead.ch);
	status_add(k, &k->status.lost);
	/* what was lost may be of a network that is gone, and will be back */
	k->query_due_ns = 0;
	k->query_wait_ns = k->config.backoff_min_ms * NS_PER_MS;
}

static void bury_all(struct client_keeper *k)
{
	for (unsigned i = k->kept_count; i-- > 0;)
		if (is_over(k, &k->kept[i]))
			bury(k, i);
}

static void rate(struct client_keeper *k, struct kept *kept)
{
	kept->quality = 0;
	for (unsigned i = 0; i < k->path_count; i++) {
		const struct client_path *p = &k->paths[i];

		if (p->direct != kept->direct || !channel_address_same_host(&p->to, &kept->to))
			continue;
		kept->quality = p->quality;
		kept->local = p->local;
		kept->remote = p->remote;
		return;
	}
}

/* ---- asking ---- */

/* Where the session began is a way, too, though the worst if the server does not tell of it. */
static void make_paths(struct client_keeper *k)
{
	const struct client_channel *first = k->session->channel;
	struct client_path last = {
		.to = first->ch->link.peer, .direct = first->direct, .channels = 1};

	k->path_count = client_paths_make(k->remote, k->remote_count, k->config.transport,
					  k->config.locator, k->paths, KEEPER_PATHS_MAX - 1);
	for (unsigned i = 0; i < k->path_count; i++)
		if (channel_address_same_host(&k->paths[i].to, &last.to))
			return;
	k->paths[k->path_count++] = last;
}

/* Soon again after a loss, then later and later. */
static void query_later(struct client_keeper *k)
{
	uint64_t most = k->config.query_ms * NS_PER_MS;

	if (k->query_wait_ns > most)
		k->query_wait_ns = most;
	k->query_due_ns = clock_mono_ns() + k->query_wait_ns;
	k->query_wait_ns *= 2;
}

static void query(struct client_keeper *k)
{
	struct client_interface *list = calloc(CLIENT_INTERFACES_MAX, sizeof(*list));
	struct nt_status status = STATUS_NO_MEMORY;
	unsigned count = 0;

	if (list)
		status = client_interfaces_query(&k->tree, list, CLIENT_INTERFACES_MAX, &count);
	query_later(k);
	if (nt_success(status) && count) {
		memcpy(k->remote, list, count * sizeof(*list));
		k->remote_count = count;
	}
	if (!nt_success(status))
		status_error(k, "interfaces", nt_status_name(status));
	free(list);
	make_paths(k);
	status_add(k, &k->status.queries);
}

/* ---- judging ---- */

static bool is_same_way(const struct client_path *path, const struct client_path *other)
{
	return path->local == other->local && path->remote == other->remote &&
	       path->direct == other->direct;
}

/* Of the addresses of one interface only the first that is not barred counts. */
static bool is_candidate(struct client_keeper *k, unsigned at)
{
	const struct client_path *path = &k->paths[at];

	if (path->quality != k->best || is_barred(k, path))
		return false;
	for (unsigned i = 0; i < at; i++)
		if (is_same_way(&k->paths[i], path) && !is_barred(k, &k->paths[i]))
			return false;
	return true;
}

static unsigned kept_on(const struct client_keeper *k, const struct client_path *path)
{
	unsigned n = 0;

	for (unsigned i = 0; i < k->kept_count; i++) {
		const struct kept *one = &k->kept[i];

		n += one->direct == path->direct && one->local == path->local &&
		     one->remote == path->remote && one->quality == path->quality;
	}
	return n;
}

static unsigned kept_best(const struct client_keeper *k)
{
	unsigned n = 0;

	for (unsigned i = 0; i < k->kept_count; i++)
		n += k->kept[i].quality == k->best;
	return n;
}

/* What lives, or may be tried. */
static void judge(struct client_keeper *k)
{
	k->best = 0;
	for (unsigned i = 0; i < k->kept_count; i++) {
		rate(k, &k->kept[i]);
		if (k->kept[i].quality > k->best)
			k->best = k->kept[i].quality;
	}
	for (unsigned i = 0; i < k->path_count; i++)
		if (k->paths[i].quality > k->best && !is_barred(k, &k->paths[i]))
			k->best = k->paths[i].quality;
}

/* The path that should have one channel more; NULL: none. */
static const struct client_path *wanted(struct client_keeper *k)
{
	const struct client_path *found = NULL;
	unsigned most = k->config.channels ? k->config.channels : CLIENT_KEEPER_CHANNELS;
	unsigned least = UINT32_MAX;

	if (kept_best(k) >= most || k->kept_count == CLIENT_CHANNELS)
		return NULL;
	for (unsigned i = 0; i < k->path_count; i++) {
		unsigned on;

		if (!is_candidate(k, i))
			continue;
		on = kept_on(k, &k->paths[i]);
		if (on >= least || (!k->config.channels && on >= k->paths[i].channels))
			continue;
		found = &k->paths[i];
		least = on;
	}
	return found;
}

/* ---- doing ---- */

static struct sockaddr_storage with_port(const struct sockaddr_storage *to, uint16_t port)
{
	struct sockaddr_storage out = *to;

	((struct sockaddr_in *)&out)->sin_port = htons(port); /* both families have it there */
	return out;
}

static struct nt_status bind_channel(struct client_keeper *k, struct client_channel *ch)
{
	struct smb2_negotiate_request in;
	struct smb2_negotiate_response out;
	struct nt_status status;

	client_negotiate_default(&in, k->session->channel->dialect);
	in.client_guid = k->session->channel->client_guid;
	status = client_negotiate(ch, &in, &out);
	return nt_success(status) ? client_bind(ch, k->config.login, k->session) : status;
}

static bool dial_path(struct client_keeper *k, const struct client_path *path,
		      struct client_channel **ch)
{
	uint16_t port = path->direct ? k->config.direct_port : k->config.port;
	struct sockaddr_storage to = with_port(&path->to, port);
	struct nt_status status;
	int err = client_connect_address(k->client, &to, path->direct, ch);

	if (err) {
		status_error(k, path->direct ? "connect by RDMA" : "connect", strerror(-err));
		return false;
	}
	status = bind_channel(k, *ch);
	if (nt_success(status))
		return true;
	status_error(k, "bind", nt_status_name(status));
	client_disconnect(*ch);
	return false;
}

static void dial(struct client_keeper *k, const struct client_path *path)
{
	struct client_channel *ch;

	status_add(k, &k->status.dialled);
	if (!dial_path(k, path, &ch)) {
		status_add(k, &k->status.failed);
		bar(k, &path->to, path->direct);
		return;
	}
	k->kept[k->kept_count++] = (struct kept){.ch = ch,
						 .to = path->to,
						 .direct = path->direct,
						 .ours = true,
						 .bound_ns = clock_mono_ns(),
						 .quality = path->quality,
						 .local = path->local,
						 .remote = path->remote};
}

struct settlement {
	struct client_keeper *keeper;
	bool let_go;  /* of what is worse */
	bool waiting; /* for one that is busy */
};

static struct client_binding *binding_of(const struct client_keeper *k, const struct kept *kept)
{
	for (unsigned i = 0; i < k->session->channel_count; i++)
		if (k->session->channels[i].channel == kept->ch)
			return &k->session->channels[i];
	return NULL;
}

/* On the reactor. What is under way on a worse channel is finished there. */
static void settle_posted(void *arg)
{
	struct settlement *s = arg;
	struct client_keeper *k = s->keeper;
	struct client_binding *b;

	for (unsigned i = 0; i < k->kept_count; i++) {
		struct kept *one = &k->kept[i];

		one->idle = one->quality < k->best && kept_best(k);
		b = binding_of(k, one);
		if (!b) /* it has just died */
			continue;
		b->idle = one->idle;
		if (!s->let_go || !one->idle || !one->ours || one->leaving)
			continue;
		if (one->ch->busy) {
			s->waiting = true;
			continue;
		}
		one->leaving = true;
		channel_close(one->ch->ch, -ESHUTDOWN);
	}
}

static bool settle(struct client_keeper *k, bool complete)
{
	struct settlement s = {.keeper = k, .let_go = complete && !k->config.keep_inferior};

	client_run(k->client, settle_posted, &s);
	status_set(k, complete);
	return s.waiting;
}

/* When there is something to do again. */
static uint64_t next_due(const struct client_keeper *k)
{
	uint64_t due = k->query_due_ns, now = clock_mono_ns();

	for (unsigned i = 0; i < k->penalty_count; i++)
		if (k->penalties[i].until_ns > now && k->penalties[i].until_ns < due)
			due = k->penalties[i].until_ns;
	return due;
}

/* One thing; when the next one is due. */
static uint64_t keeper_step(struct client_keeper *k)
{
	const struct client_path *path;

	bury_all(k);
	if (!k->kept_count) { /* the session is gone, and cannot be had again */
		status_set(k, true);
		return UINT64_MAX;
	}
	if (clock_mono_ns() >= k->query_due_ns)
		query(k);
	judge(k);
	path = wanted(k);
	if (path) {
		dial(k, path);
		judge(k);
	}
	if (settle(k, !path))
		return clock_mono_ns() + KEEPER_LINGER_NS;
	return path ? 0 : next_due(k);
}

/* ---- the thread ---- */

/* Under the client's lock. */
static bool has_news(const struct client_keeper *k)
{
	for (unsigned i = 0; i < k->kept_count; i++)
		if (k->kept[i].ch->over)
			return true;
	return k->stop;
}

static struct timespec real_time(uint64_t mono_ns)
{
	uint64_t now = clock_mono_ns(), ns = mono_ns > now ? mono_ns - now : 0;

	if (ns > 3600 * NS_PER_SEC)
		ns = 3600 * NS_PER_SEC;
	ns += clock_real_ns();
	return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_SEC),
				 .tv_nsec = (long)(ns % NS_PER_SEC)};
}

static bool keeper_sleep(struct client_keeper *k, uint64_t due_ns)
{
	struct timespec until = real_time(due_ns);
	bool stop;

	pthread_mutex_lock(&k->client->lock);
	while (due_ns && !has_news(k) && client_wait_change(k->client, &until))
		;
	stop = k->stop;
	pthread_mutex_unlock(&k->client->lock);
	return !stop;
}

static void *keeper_run(void *arg)
{
	struct client_keeper *k = arg;

	while (keeper_sleep(k, keeper_step(k)))
		;
	return NULL;
}

static void config_default(struct client_keeper_config *c)
{
	if (!c->query_ms)
		c->query_ms = KEEPER_QUERY_MS;
	if (!c->backoff_min_ms)
		c->backoff_min_ms = KEEPER_BACKOFF_MIN_MS;
	if (c->backoff_max_ms < c->backoff_min_ms)
		c->backoff_max_ms = c->backoff_min_ms > KEEPER_BACKOFF_MAX_MS
					    ? c->backoff_min_ms
					    : KEEPER_BACKOFF_MAX_MS;
	if (!c->locator)
		c->locator = &client_locator_kernel;
}

int client_keeper_start(const struct client_tree *tree, const struct client_keeper_config *config,
			struct client_keeper **out)
{
	struct client_keeper *k = calloc(1, sizeof(*k));
	struct client_channel *first = tree->session->channel;
	int err;

	if (!k)
		return -ENOMEM;
	k->client = tree->session->client;
	k->session = tree->session;
	k->tree = *tree;
	k->config = *config;
	config_default(&k->config);
	k->query_wait_ns = k->config.query_ms * NS_PER_MS;
	atomic_store(&k->session->many, true);
	k->kept[k->kept_count++] =
		(struct kept){.ch = first, .to = first->ch->link.peer, .direct = first->direct};
	err = -pthread_create(&k->thread, NULL, keeper_run, k);
	if (err)
		free(k);
	else
		*out = k;
	return err;
}

void client_keeper_stop(struct client_keeper *k)
{
	if (k->joined)
		return;
	pthread_mutex_lock(&k->client->lock);
	k->stop = true;
	pthread_cond_broadcast(&k->client->changed);
	pthread_mutex_unlock(&k->client->lock);
	pthread_join(k->thread, NULL);
	k->joined = true;
}

void client_keeper_destroy(struct client_keeper *k)
{
	if (!k)
		return;
	client_keeper_stop(k);
	for (unsigned i = 0; i < k->kept_count; i++)
		if (k->kept[i].ours)
			client_disconnect(k->kept[i].ch);
	free(k);
}

void client_keeper_status(struct client_keeper *k, struct client_keeper_status *status)
{
	pthread_mutex_lock(&k->client->lock);
	*status = k->status;
	pthread_mutex_unlock(&k->client->lock);
}

bool client_keeper_wait(struct client_keeper *k,
			bool (*is)(const struct client_keeper_status *status, void *arg), void *arg,
			struct client_keeper_status *status)
{
	struct timespec until = client_deadline(k->client);
	bool found;

	pthread_mutex_lock(&k->client->lock);
	do
		found = is(&k->status, arg);
	while (!found && client_wait_change(k->client, &until));
	*status = k->status;
	pthread_mutex_unlock(&k->client->lock);
	return found;
}
