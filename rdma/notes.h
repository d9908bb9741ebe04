/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why things are not used: one reason for each name, told to the log when it changes, not with
 * every look. Thread: none of its own.
 */
#ifndef RDMA_NOTES_H
#define RDMA_NOTES_H

#include <stdbool.h>

#include "transport/base/log.h"

#define NOTES_MAX 32

struct note {
	char name[64]; /* empty: free */
	char text[224];
	bool said; /* in this round */
};

struct notes {
	struct note notes[NOTES_MAX];
};

/* "NAME: TEXT", unless that is what was said last of it. */
void notes_say(struct notes *notes, const char *name, enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* NULL: there is none. */
struct note *notes_find(struct notes *notes, const char *name);

/* A round of looking at everything: at its end, what was not said again is over. */
void notes_begin(struct notes *notes);
void notes_end(struct notes *notes);

#endif
