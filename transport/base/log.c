/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static atomic_int log_max = LOG_LEVEL_NOTICE;
static bool log_to_journal;
static _Thread_local const char *log_thread_context;

/* syslog priorities of our levels, for the journal's "<N>" prefix */
static const int log_priority[] = {3, 4, 5, 6, 7};
static const char *const log_name[] = {"error", "warning", "notice", "info", "debug"};

void log_open(enum log_level max)
{
	log_to_journal = getenv("JOURNAL_STREAM") != NULL;
	log_set_level(max);
}

void log_set_level(enum log_level max)
{
	atomic_store_explicit(&log_max, (int)max, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&log_max, memory_order_relaxed);
}

const char *log_context(const char *text)
{
	const char *former = log_thread_context;

	log_thread_context = text;
	return former;
}

static size_t log_prefix(char *line, size_t cap, enum log_level level)
{
	struct timespec now;
	struct tm tm;
	size_t n;

	if (log_to_journal)
		return (size_t)snprintf(line, cap, "<%d>", log_priority[level]);
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	n = strftime(line, cap, "%F %T", &tm);
	n += (size_t)snprintf(line + n, cap - n, ".%03ld %s: ", now.tv_nsec / 1000000,
			      log_name[level]);
	return n;
}

/* Control characters would let a peer's file name forge a second line. */
static void log_escape(char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = '?';
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char line[2048];
	size_t cap = sizeof(line) - 1; /* room for the newline */
	size_t n = log_prefix(line, cap, level);
	size_t start = n;
	va_list ap;

	if (log_thread_context)
		n += (size_t)snprintf(line + n, cap - n, "[%s] ", log_thread_context);
	if (n < cap) {
		va_start(ap, fmt);
		n += (size_t)vsnprintf(line + n, cap - n, fmt, ap);
		va_end(ap);
	}
	if (n > cap - 1)
		n = cap - 1;
	log_escape(line + start, n - start);
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return; /* nobody to tell */
}
