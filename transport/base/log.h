/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one line an event, to stderr or to the journal, with a level, and in the context of the
 * connection that the calling code works for. Any thread; a line is written whole or not at all.
 * A failed write is ignored. Text from the network is escaped: no line can be forged by a peer.
 *
 * Levels are those of syslog: err: an operator must act; warning: something degraded; notice: start
 * and stop; info: a connection, a session; debug: a request.
 */
#ifndef TRANSPORT_BASE_LOG_H
#define TRANSPORT_BASE_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* Before threads start. stderr that is connected to the journal (JOURNAL_STREAM) gets "<N>"
 * priority prefixes instead of time stamps. */
void log_open(enum log_level max);
void log_set_level(enum log_level max);
bool log_enabled(enum log_level level);

/* The context put before each line of this thread, e.g. a channel's name; NULL for none. Borrowed:
 * the text must live until the next call. Fibers save and restore it across a suspension.
 * Returns the former one. */
const char *log_context(const char *text);

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_at(level, ...)                            \
	do {                                          \
		if (log_enabled(level))               \
			log_line(level, __VA_ARGS__); \
	} while (0)

#define log_err(...)     log_at(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_at(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
