/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/process/process.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "transport/base/clock.h"
#include "transport/base/log.h"

#define FILES_WANTED 1048576
#define BEAT_NS      (30 * NS_PER_SEC) /* without a watchdog */

/* ---- to the background ---- */

/* The parent waits until the server serves, or does not. */
static void background_wait(int fd)
{
	char ok = 0;

	_exit(read(fd, &ok, 1) == 1 ? 0 : 1);
}

int process_background(struct process_parent *parent)
{
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return -1;
	child = fork();
	if (child < 0)
		return -1;
	if (child > 0) {
		close(fds[1]);
		background_wait(fds[0]);
	}
	close(fds[0]);
	parent->fd = fds[1];
	return setsid() < 0 ? -1 : 0;
}

/* A terminal is no place for the log of a background process. */
static void leave_terminal(const char *directory)
{
	char path[PATH_MAX];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), log = -1;

	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
	}
	if (isatty(STDERR_FILENO)) {
		snprintf(path, sizeof(path), "%s/smb3d.log", directory);
		log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		dup2(log >= 0 ? log : null, STDERR_FILENO);
	}
	if (log >= 0)
		close(log);
	if (null >= 0)
		close(null);
}

void process_ready(struct process_parent *parent, const char *directory)
{
	sd_notify(0, "READY=1");
	if (parent->fd < 0)
		return;
	leave_terminal(directory);
	(void)!write(parent->fd, "1", 1);
	close(parent->fd);
	parent->fd = -1;
}

/* ---- limits ---- */

/* To `wanted` where that is permitted, else to what the hard limit allows. */
static void raise_limit(int resource, rlim_t wanted)
{
	struct rlimit limit, all = {wanted, wanted};

	if (getrlimit(resource, &limit) != 0 || limit.rlim_cur >= wanted)
		return;
	if (limit.rlim_max < wanted && setrlimit(resource, &all) == 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(resource, &limit);
}

void process_raise_limits(void)
{
	raise_limit(RLIMIT_NOFILE, FILES_WANTED);
	raise_limit(RLIMIT_MEMLOCK, RLIM_INFINITY);
}

/* ---- while it runs ---- */

static void signals_wanted(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

void process_signals_block(void)
{
	sigset_t set;

	signals_wanted(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static uint64_t watchdog_ns(void)
{
	uint64_t usec = 0;

	return sd_watchdog_enabled(0, &usec) > 0 ? usec * NS_PER_US / 2 : 0;
}

void process_serve(struct process_user *user)
{
	uint64_t beat = watchdog_ns(), ns = beat ? beat : BEAT_NS;
	const struct timespec timeout = {(time_t)(ns / NS_PER_SEC), (long)(ns % NS_PER_SEC)};
	char text[256];
	sigset_t set;

	signals_wanted(&set);
	for (;;) {
		int number = sigtimedwait(&set, NULL, &timeout);

		if (number == SIGTERM || number == SIGINT)
			break;
		if (number == SIGHUP)
			user->reload(user);
		if (beat)
			sd_notify(0, "WATCHDOG=1");
		user->status(user, text, sizeof(text));
		sd_notifyf(0, "STATUS=%s", text);
	}
	log_notice("ending");
	sd_notify(0, "STOPPING=1");
}

void process_reloading(void)
{
	sd_notify(0, "RELOADING=1");
}

void process_reloaded(void)
{
	sd_notify(0, "READY=1");
}
