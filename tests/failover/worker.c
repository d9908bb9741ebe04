/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/failover/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smbd/auth/client.h"
#include "tests/failover/cycle.h"
#include "tests/failover/links.h"
#include "transport/base/clock.h"

#define WORKER_POOL       (48u << 20)
#define WORKER_REDIALS    200   /* of one session */
#define WORKER_LULL_US    12000 /* between cuts, at most */
#define WORKER_SILENCE_US 60000 /* until the client gives up, at most */
#define WORKER_LONG_ODDS  16    /* one silence in so many is long */
#define WORKER_LONG_US    400000
#define WORKER_ALONE_ODDS 64 /* one in so many is the client's to find out */

struct session {
	struct worker *worker;
	struct links *links;
	struct client *client;
	struct client_channel *now[WORKER_CHANNELS_MAX]; /* each over its link */
	struct client_channel *first;                    /* the session's, which stays */
	unsigned redials;
	bool signs;
	struct client_session *session;
	struct client_tree tree;
	struct smb2_file_id file;
	struct load *load;
	struct cycle *cycle;
	uint64_t random;
	char name[64], path[512];
};

struct cut {
	unsigned at; /* of now[] */
	enum cut_kind kind;
	bool alone; /* nobody tells the client */
};

const char *cut_name(enum cut_kind kind)
{
	static const char *const names[CUT_KINDS] = {
		"reset by the client", "aborted here",   "aborted there", "link down here",
		"link down there",     "silence",        "answers lost",  "requests lost",
		"half-open",           "silence, short", "found out"};

	return names[kind];
}

static unsigned chance(struct session *s, unsigned below)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return (unsigned)((s->random >> 11) % below);
}

static bool wrong(struct session *s, const char *what, const char *why)
{
	struct load_report *r = &s->worker->report;

	if (!r->wrong[0])
		snprintf(r->wrong, sizeof(r->wrong), "%s: %s", what, why);
	return false;
}

static bool check(struct session *s, struct nt_status status, const char *what)
{
	return nt_success(status) || wrong(s, what, nt_status_name(status));
}

static bool check_err(struct session *s, int err, const char *what)
{
	return err >= 0 || wrong(s, what, strerror(-err));
}

/* ---- sessions ---- */

static unsigned link_of(const struct session *s, unsigned at)
{
	return s->worker->number * s->worker->config.channels + at;
}

static bool dial(struct session *s, unsigned at)
{
	char address[LINK_ADDRESS_TEXT];
	struct client_channel *ch;
	int err = client_connect(s->client, link_address(link_of(s, at), address),
				 s->worker->config.port, &ch);

	if (!check_err(s, err, "connect"))
		return false;
	s->now[at] = ch;
	if (!s->first)
		s->first = ch;
	return check(s, client_negotiate(ch, NULL, NULL), "NEGOTIATE");
}

static bool login(struct session *s, unsigned at)
{
	const struct worker_config *c = &s->worker->config;
	const struct auth_credentials who = {
		.user = c->user, .domain = "", .password = c->password, .workstation = "FAILOVER"};
	const struct client_login in = {.who = &who, .sign = s->signs};

	if (!dial(s, at))
		return false;
	if (s->session)
		return check(s, client_bind(s->now[at], &in, s->session), "bind");
	return check(s, client_login(s->now[at], &in, &s->session), "login");
}

static bool session_open(struct session *s)
{
	const struct worker_config *c = &s->worker->config;

	for (unsigned i = 0; i < c->channels; i++) {
		if (!login(s, i))
			return false;
	}
	snprintf(s->name, sizeof(s->name), "cuts-%u-%u", s->worker->number, s->worker->sessions);
	snprintf(s->path, sizeof(s->path), "%.400s/%s", c->folder, s->name);
	return check(s, client_tree_connect(s->session, c->share, &s->tree), "TREE_CONNECT") &&
	       check(s, client_file_open(&s->tree, s->name, FILE_CREATE, &s->file), "CREATE");
}

/* The server's sides of connections that it does not know to be dead: as a firewall does that has
 * heard of it. */
static void session_clear(struct session *s)
{
	for (unsigned i = 0; i < s->worker->config.channels; i++)
		(void)link_abort(s->links, link_of(s, i), LINK_SERVER);
}

static void session_close(struct session *s)
{
	if (s->load && !load_failed(s->load))
		(void)(check(s, client_file_close(&s->tree, s->file), "CLOSE") &&
		       check(s, client_logoff(s->session), "LOGOFF"));
	else
		client_session_free(s->session);
	for (unsigned i = 0; i < s->worker->config.channels; i++) {
		if (s->now[i] != s->first)
			client_disconnect(s->now[i]);
	}
	client_disconnect(s->first);
	session_clear(s);
	if (s->load && !s->worker->report.wrong[0] && load_verify(s->load))
		unlink(s->path);
	load_free(s->load);
}

/* ---- cuts ---- */

static bool is_silent(enum cut_kind kind)
{
	return kind >= CUT_DOWN_HERE;
}

static int silence(struct session *s, unsigned n, enum cut_kind kind, bool on)
{
	int err = 0;

	switch (kind) {
	case CUT_DOWN_HERE:
		return link_set_up(s->links, n, LINK_CLIENT, !on);
	case CUT_DOWN_THERE:
		return link_set_up(s->links, n, LINK_SERVER, !on);
	default:
		if (kind != CUT_DEAF)
			err = link_set_lost(s->links, n, LINK_CLIENT, on);
		if (!err && kind != CUT_MUTE)
			err = link_set_lost(s->links, n, LINK_SERVER, on);
		return err;
	}
}

/* Where the kernel cannot, the client does. */
static int aborted(struct session *s, const struct cut *cut, enum link_side side)
{
	int err = link_abort(s->links, link_of(s, cut->at), side);

	if (err != -EOPNOTSUPP)
		return err;
	s->worker->unsupported++;
	client_cut(s->now[cut->at]);
	return 0;
}

static int cut_now(struct session *s, const struct cut *cut, bool alone)
{
	load_mark(s->load, s->now[cut->at], alone ? CUT_ALONE : cut->kind);
	switch (cut->kind) {
	case CUT_CLIENT:
		client_cut(s->now[cut->at]);
		return 0;
	case CUT_ABORT_HERE:
		return aborted(s, cut, LINK_CLIENT);
	case CUT_ABORT_THERE:
		return aborted(s, cut, LINK_SERVER);
	default:
		return silence(s, link_of(s, cut->at), cut->kind, true);
	}
}

/* The client has waited long enough; then the link works again. */
static int cut_mend(struct session *s, const struct cut *cut)
{
	int err = 0;

	if (!is_silent(cut->kind))
		return 0;
	if (cut->kind == CUT_HALF_OPEN)
		err = aborted(s, cut, LINK_SERVER);
	else if (cut->alone && !client_wait_closed(s->now[cut->at]))
		err = -ETIMEDOUT;
	else if (cut->kind != CUT_BLIP)
		client_cut(s->now[cut->at]);
	if (err < 0)
		return err;
	return silence(s, link_of(s, cut->at), cut->kind, false);
}

static bool redial(struct session *s, const struct cut *cut)
{
	if (cut->kind == CUT_BLIP)
		return true;
	/* as clients do from time to time: what waits for answers only would never know */
	if (cut->kind == CUT_HALF_OPEN)
		(void)!nt_success(client_echo(s->now[cut->at], s->session));
	if (!client_wait_closed(s->now[cut->at]))
		return wrong(s, cut_name(cut->kind), "the client does not notice");
	if (s->now[cut->at] != s->first)
		client_disconnect(s->now[cut->at]);
	s->now[cut->at] = NULL;
	s->redials++;
	return login(s, cut->at);
}

/* Some channels, but not all; mostly one. How many. */
static unsigned choose(struct session *s, struct cut *cuts)
{
	unsigned channels = s->worker->config.channels, first = chance(s, channels);
	unsigned count = chance(s, 3) ? 1 : 1 + chance(s, channels - 1);

	for (unsigned i = 0; i < count; i++) {
		cuts[i] = (struct cut){.at = (first + i) % channels,
				       .kind = (enum cut_kind)chance(s, CUT_ALONE)};
		if (cuts[i].kind >= CUT_DOWN_HERE && cuts[i].kind < CUT_HALF_OPEN)
			cuts[i].alone =
				s->worker->config.silence_ms && !chance(s, WORKER_ALONE_ODDS);
	}
	return count;
}

static void lull(struct session *s, const struct cut *cuts, unsigned count)
{
	unsigned most = WORKER_SILENCE_US;
	bool silent = false;

	for (unsigned i = 0; i < count; i++)
		silent |= is_silent(cuts[i].kind);
	if (!silent)
		return;
	if (chance(s, WORKER_LONG_ODDS) == 0)
		most = WORKER_LONG_US;
	usleep(chance(s, most));
}

static bool cut_some(struct session *s)
{
	struct cut cuts[WORKER_CHANNELS_MAX];
	unsigned count = choose(s, cuts), alone = 0;

	for (unsigned i = 0; i < count; i++)
		alone += cuts[i].alone;
	s->worker->cuts[CUT_ALONE] += alone;
	usleep(chance(s, WORKER_LULL_US));
	for (unsigned i = 0; i < count; i++) {
		if (!check_err(s, cut_now(s, &cuts[i], alone), cut_name(cuts[i].kind)))
			return false;
		s->worker->cuts[cuts[i].kind]++;
		if (cuts[i].kind != CUT_BLIP)
			atomic_fetch_sub(s->worker->config.cuts_left, 1);
	}
	lull(s, cuts, count);
	for (unsigned i = 0; i < count; i++) {
		if (!check_err(s, cut_mend(s, &cuts[i]), "mending"))
			return false;
	}
	for (unsigned i = 0; i < count; i++) {
		if (!redial(s, &cuts[i]))
			return false;
	}
	return true;
}

static bool is_over(const struct worker *w)
{
	return w->report.wrong[0] || (int)atomic_load(w->config.cuts_left) <= 0 ||
	       clock_mono_ns() > w->config.until_ns;
}

static void session_run(struct session *s)
{
	const struct worker_config *c = &s->worker->config;
	struct load_report *r = &s->worker->report;
	const char *why = NULL;

	s->load = load_start(&(struct load_config){.tree = &s->tree,
						   .file = s->file,
						   .path = s->path,
						   .seed = s->random,
						   .depth = c->depth,
						   .report = r});
	s->cycle = cycle_start(&s->tree, s->name);
	while (s->load && s->cycle && !is_over(s->worker) && s->redials < WORKER_REDIALS &&
	       !load_failed(s->load) && cut_some(s))
		;
	if (s->cycle)
		why = cycle_stop(s->cycle, &r->cycles);
	if (s->load)
		load_stop(s->load);
	if (why)
		wrong(s, "once", why);
}

void *worker_run(void *arg)
{
	struct worker *w = arg;
	struct session begin = {.worker = w,
				.random = w->config.seed * 2654435761u + w->number + 1};
	const struct client_config config = {.pool_bytes = WORKER_POOL,
					     .silence_ms = w->config.silence_ms};

	if (!check_err(&begin, links_open(w->config.server, &begin.links), "netlink"))
		return NULL;
	if (check_err(&begin, client_create(&config, &begin.client), "client")) {
		do {
			struct session *s = malloc(sizeof(*s));

			*s = begin;
			s->signs = w->sessions % 2;
			if (session_open(s))
				session_run(s);
			session_close(s);
			begin.random = s->random;
			w->sessions++;
			free(s);
		} while (!is_over(w));
		client_destroy(begin.client);
	}
	links_close(begin.links);
	return NULL;
}
