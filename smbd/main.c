/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The composition root: reads the options and the configuration, makes everything, in the order in
 * which it can fail, and takes it down again.
 *
 * Threads: main waits for signals; reactors and workers do the work. What goes wrong at start is
 * one line that says what to do about it, and exit code 1 (2: wrong options).
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <talloc.h>

#include "smbd/admin/admin.h"
#include "smbd/admin/interfaces.h"
#include "smbd/admin/status.h"
#include "smbd/cmd/commands.h"
#include "smbd/cmd/service.h"
#include "smbd/conf/conf.h"
#include "smbd/conf/state.h"
#include "smbd/process/options.h"
#include "smbd/process/process.h"
#include "smbd/session/server.h"
#include "smbd/transports/transports.h"
#include "smbd/vfs/vfs.h"
#include "transport/base/clock.h"
#include "transport/base/log.h"
#include "transport/buf/buf.h"
#include "transport/fiber/fiber.h"
#include "transport/reactor/reactor.h"

#define DRAIN_SEC 10 /* requests in flight get this long when the server ends */
#define ABORT_SEC 5  /* and what has not ended then, this long to be cut */

/* ---- what there is ---- */

struct app {
	struct options options;
	struct conf *conf; /* as of the start; reloads go to the service */
	struct pid_file pid_file;
	struct process_parent parent;
	struct process_user user;

	struct buf_pool *pool;
	struct reactor **reactors;
	unsigned reactor_count, reactors_started;
	bool workers;
	struct service *service;
	struct server *server;
	struct transports *transports;
	struct admin *admin;
	struct admin_source admin_source;
	pthread_mutex_t reload_mutex;
};

static enum log_level log_level_of(const struct options *o, const struct conf *conf)
{
	if (o->log_level < 0)
		return conf->log_level;
	return o->log_level > LOG_LEVEL_DEBUG ? LOG_LEVEL_DEBUG : (enum log_level)o->log_level;
}

/* ---- configuration ---- */

static void report_stderr(struct conf_reporter *reporter, bool warning, const char *line)
{
	fprintf(stderr, "smb3d: %s%s\n", warning ? "warning: " : "", line);
}

static struct conf_reporter reporter = {report_stderr};

static int load_conf(struct app *app)
{
	struct conf_reporter *to = &reporter;

	app->conf = conf_load(NULL, app->options.config, to);
	if (!app->conf)
		return -1;
	if (app->options.testparm) {
		conf_dump(stdout, app->conf, false);
		return 0;
	}
	return conf_make_directories(app->conf, to);
}

/* ---- files of its own ---- */

static int take_pid_file(struct app *app)
{
	pid_t holder;
	int err = pid_file_lock(&app->pid_file, app->conf->pid_directory, &holder);

	if (err == -EEXIST)
		complain(
			"already running as process %ld (%s): stop it, or choose another 'pid "
			"directory' in %s",
			(long)holder, app->pid_file.path, app->options.config);
	else if (err)
		complain("%s: %s: choose another 'pid directory' in %s", app->pid_file.path,
			 strerror(-err), app->options.config);
	return err;
}

static int load_guid(struct app *app, uint8_t guid[16])
{
	int err = state_guid(app->conf->state_directory, guid);

	if (err)
		complain("%s/server.guid: %s: choose another 'state directory' in %s",
			 app->conf->state_directory, strerror(-err), app->options.config);
	return err;
}

/* ---- making it ---- */

static unsigned cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? (unsigned)n : 1;
}

static int reactors_create(struct app *app)
{
	unsigned count = app->conf->reactors ? app->conf->reactors : cores();
	char name[16];

	if (count > REACTOR_MAX / 2)
		count = REACTOR_MAX / 2;
	app->reactors = talloc_zero_array(NULL, struct reactor *, count);
	for (; app->reactor_count < count; app->reactor_count++) {
		const struct reactor_config config = {.name = name, .cpu = -1};

		snprintf(name, sizeof(name), "smb3d-%u", app->reactor_count);
		app->reactors[app->reactor_count] = reactor_create(&config);
		if (!app->reactors[app->reactor_count]) {
			complain("no event loop: %s", strerror(errno));
			return -1;
		}
	}
	return 0;
}

static int transports_begin(struct app *app)
{
	const struct transports_config config = {.options = &app->options, .conf = app->conf};

	app->transports = transports_create(&config);
	if (!app->transports) {
		complain("cannot begin to serve: %s", strerror(ENOMEM));
		return -1;
	}
	if (transports_has_direct(app->transports))
		vfs_keep_identity();
	return 0;
}

static int pool_create(struct app *app)
{
	struct buf_pool_config config = {.bytes = app->conf->buffer_bytes};

	transports_use_pool(app->transports, &config);
	app->pool = buf_pool_create(&config);
	if (app->pool)
		return 0;
	complain("no memory for buffers: %s: lower 'smb3d: buffer memory' in %s", strerror(errno),
		 app->options.config);
	return -1;
}

static int workers_start(struct app *app)
{
	unsigned count = app->conf->workers ? app->conf->workers : 4 * cores();
	int err = fiber_workers_start(count < 4 ? 4 : count);

	if (err)
		complain("no worker threads: %s", strerror(-err));
	app->workers = !err;
	return err;
}

static int service_start(struct app *app)
{
	struct conf *conf = conf_load(NULL, app->options.config, NULL);
	char text[512];
	int err;

	app->service = conf ? service_create(conf) : NULL;
	if (!app->service) {
		complain("cannot begin to serve: %s", strerror(errno));
		return -1;
	}
	err = service_check_accounts(app->service, text, sizeof(text));
	if (err)
		complain(
			"%s: nobody could log in; correct or remove the file ('smb passwd file' "
			"in %s)",
			text, app->options.config);
	return err;
}

static int server_start(struct app *app)
{
	const struct conf *conf = app->conf;
	struct server_config config = {
		.min_dialect = (uint16_t)conf->server_min_protocol,
		.max_dialect = (uint16_t)conf->server_max_protocol,
		.signing_required = conf->server_signing == CONF_SIGNING_MANDATORY,
		.multi_channel = conf->multi_channel,
		.leases = conf->smb2_leases,
		.directory_leases = conf->smb2_leases && conf->smb3_directory_leases != CONF_NO,
		.idle_ns = (uint64_t)conf->deadtime_min * 60 * NS_PER_SEC,
		.max_transact = conf->smb2_max_trans,
		.max_read = conf->smb2_max_read,
		.max_write = conf->smb2_max_write,
		.max_credits = conf->smb2_max_credits,
		.max_connections = conf->connections,
		.max_sessions = conf->sessions,
		.max_opens = conf->max_open_files,
		.max_channels = conf->channels,
		.pool = app->pool,
		.commands = &commands,
		.service = app->service,
	};

	if (load_guid(app, config.guid) != 0)
		return -1;
	app->server = server_create(&config);
	if (!app->server)
		complain("cannot begin to serve: %s", strerror(errno));
	return app->server ? 0 : -1;
}

static int listen_start(struct app *app)
{
	const struct transports_listen listen = {
		.reactors = app->reactors,
		.reactor_count = app->reactor_count,
		.pool = app->pool,
		.acceptor = &app->server->acceptor,
	};

	service_rdma_set(app->service, transports_rdma(app->transports));
	return transports_listen(app->transports, &listen);
}

static int reactors_start(struct app *app)
{
	for (; app->reactors_started < app->reactor_count; app->reactors_started++) {
		int err = reactor_start(app->reactors[app->reactors_started]);

		if (err) {
			complain("no thread: %s", strerror(-err));
			return err;
		}
	}
	return 0;
}

/* ---- while it runs ---- */

struct reload_report {
	struct conf_reporter reporter;
	char *why;
	size_t cap;
};

static void reload_report(struct conf_reporter *r, bool warning, const char *line)
{
	struct reload_report *report = container_of(r, struct reload_report, reporter);

	if (warning)
		log_warning("%s", line);
	else
		log_err("%s", line);
	if (!warning && report->why[0] == '\0')
		snprintf(report->why, report->cap, "%s", line);
}

static int reload(struct app *app, char *why, size_t cap)
{
	struct reload_report report = {{reload_report}, why, cap};
	struct conf *conf;
	int err;

	why[0] = '\0';
	pthread_mutex_lock(&app->reload_mutex);
	process_reloading();
	conf = conf_reload(NULL, app->options.config, &report.reporter);
	if (conf) {
		log_set_level(log_level_of(&app->options, conf));
		err = service_reload(app->service, conf);
	} else {
		err = -EINVAL;
	}
	process_reloaded();
	pthread_mutex_unlock(&app->reload_mutex);
	if (err)
		log_err("not reloaded: what was in force stays so");
	else
		log_notice("reloaded %s", app->options.config);
	return err;
}

static int admin_reload(struct admin_source *source, char *why, size_t cap)
{
	return reload(container_of(source, struct app, admin_source), why, cap);
}

static void admin_status(struct admin_source *source, struct admin_report *report)
{
	struct app *app = container_of(source, struct app, admin_source);

	admin_status_report(app->server, report);
	transports_report(app->transports, report);
}

static int admin_interfaces(struct admin_source *source, FILE *out)
{
	struct app *app = container_of(source, struct app, admin_source);
	struct net_interfaces *all = service_interfaces(NULL, app->service, NULL);
	int err = all ? 0 : -errno;

	if (all)
		admin_interfaces_write(out, all);
	talloc_free(all);
	return err;
}

static void admin_shutdown(struct admin_source *source)
{
	kill(getpid(), SIGTERM);
}

static int admin_begin(struct app *app)
{
	int err;

	app->admin_source = (struct admin_source){.status = admin_status,
						  .interfaces = admin_interfaces,
						  .reload = admin_reload,
						  .shutdown = admin_shutdown};
	err = admin_start(app->reactors[0], app->conf->pid_directory, &app->admin_source,
			  &app->admin);
	if (err)
		complain("no control socket in %s: %s: choose another 'pid directory' in %s",
			 app->conf->pid_directory, strerror(-err), app->options.config);
	return err;
}

static void process_reload(struct process_user *user)
{
	char why[512];

	(void)reload(container_of(user, struct app, user), why, sizeof(why));
}

static void process_status(struct process_user *user, char *text, size_t cap)
{
	const struct server *server = container_of(user, struct app, user)->server;

	snprintf(text, cap, "%u connections, %u sessions, %u open files",
		 atomic_load(&server->connection_count), atomic_load(&server->session_count),
		 atomic_load(&server->open_count));
}

/* ---- the end ---- */

static bool wait_drained(struct server *server, unsigned sec)
{
	const struct timespec pause = {.tv_nsec = 10 * NS_PER_MS};
	uint64_t until = clock_mono_ns() + sec * NS_PER_SEC;

	while (!server_drained(server)) {
		if (clock_mono_ns() >= until)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

/* What is in flight is finished, in bounded time. False: something could not be ended; then memory
 * is left to the kernel. */
static bool drain(struct app *app)
{
	if (app->transports)
		transports_stop(app->transports);
	if (!app->server || app->reactors_started == 0)
		return true;
	server_drain(app->server);
	if (wait_drained(app->server, DRAIN_SEC))
		return true;
	log_warning("requests are still in flight: connections are cut");
	server_abort(app->server);
	return wait_drained(app->server, ABORT_SEC);
}

static void stop_threads(struct app *app)
{
	for (unsigned i = app->reactors_started; i-- > 0;)
		reactor_stop(app->reactors[i]);
	if (app->workers)
		fiber_workers_stop();
	app->reactors_started = 0;
}

static void destroy(struct app *app)
{
	if (app->admin)
		admin_stop(app->admin);
	transports_destroy(app->transports);
	for (unsigned i = 0; i < app->reactor_count; i++)
		reactor_destroy(app->reactors[i]);
	talloc_free(app->reactors);
	if (app->server)
		server_destroy(app->server);
	if (app->service)
		service_destroy(app->service);
	if (app->pool)
		buf_pool_destroy(app->pool);
}

static int start(struct app *app)
{
	if (take_pid_file(app) != 0)
		return -1;
	log_open(log_level_of(&app->options, app->conf));
	process_raise_limits();
	if (vfs_init() != 0 || transports_begin(app) != 0 || pool_create(app) != 0 ||
	    reactors_create(app) != 0 || service_start(app) != 0 || server_start(app) != 0 ||
	    listen_start(app) != 0 || admin_begin(app) != 0)
		return -1;
	/* threads last: nothing that failed has to be told to them */
	if (workers_start(app) != 0)
		return -1;
	return reactors_start(app);
}

static int run(struct app *app)
{
	bool drained;
	int err;

	if (!app->options.foreground && process_background(&app->parent) != 0) {
		complain("cannot go to the background: %s", strerror(errno));
		return 1;
	}
	process_signals_block();
	err = start(app);
	if (!err) {
		if (pid_file_write(&app->pid_file) != 0)
			log_warning("%s could not be written", app->pid_file.path);
		log_notice("smb3d %s serves %u shares", SMB3D_VERSION, app->conf->share_count);
		process_ready(&app->parent, app->conf->state_directory);
		process_serve(&app->user);
	}
	drained = drain(app);
	stop_threads(app);
	pid_file_remove(&app->pid_file);
	if (!drained)
		log_err("some requests did not end");
	else
		destroy(app);
	return err || !drained ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct app app = {.pid_file = {.fd = -1},
			  .parent = {.fd = -1},
			  .user = {process_reload, process_status}};
	int code = options_parse(argc, argv, &app.options);

	if (code >= 0)
		return code;
	/* talloc's own start is not safe against threads: once here, before there are any */
	talloc_free(talloc_new(NULL));
	pthread_mutex_init(&app.reload_mutex, NULL);
	if (load_conf(&app) != 0)
		return 1;
	code = app.options.testparm ? 0 : run(&app);
	talloc_free(app.conf);
	return code;
}
