/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CHANGE_NOTIFY, [MS-FSA] 2.1.5.10 and 2.1.4.1: who watches which directory, what happened there
 * that he has not been told, and who waits to be told. A registry of watches by the directory's
 * path; it knows no file, request or fiber.
 *
 * Paths here are absolute, as the operating system has them, so that shares within each other see
 * each other's changes. Thread: any; one mutex, under which nothing blocks and everything is
 * called back. Ownership: watches and waits are the caller's; events the watch's, then the wait's.
 * They are kept as the answer has them, in one piece, so that they take no more than that.
 * Units: bytes on the wire. Errors: struct nt_status.
 */
#ifndef SMBD_FILE_NOTIFY_H
#define SMBD_FILE_NOTIFY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smbd/wire/change_notify.h"
#include "smbd/wire/ntstatus.h"
#include "transport/base/list.h"

/* Most that is kept of what happened between two requests on one open, whatever it asked for. */
#define NOTIFY_BYTES_MAX 65536u

#define NOTIFY_BUCKETS 256

struct notify_kernel;
struct notify_root;

/* What happened: FILE_NOTIFY_INFORMATION, [MS-FSCC] 2.7.1, one after the other. */
struct notify_events {
	uint8_t *bytes; /* talloc; NULL: none */
	size_t len;
	size_t last; /* where the last one is */
};

struct notify {
	pthread_mutex_t mutex;
	struct list_node buckets[NOTIFY_BUCKETS]; /* of notify_watch.node */
	atomic_uint watches;                      /* read without the mutex: 0, nobody cares */
	struct notify_kernel *kernel;             /* notify_kernel.h; NULL: none */
};

/* A directory that an open watches; what for is settled by its first request. */
struct notify_watch {
	struct list_node node;
	char *path; /* talloc; NULL: not in use */
	size_t path_len;
	uint32_t filter; /* FILE_NOTIFY_CHANGE_* */
	bool tree;
	size_t bytes_max;            /* more is an overflow */
	struct notify_events events; /* not told yet */
	bool overflow;
	struct nt_status ended;     /* SUCCESS: it goes on. Answers all further requests */
	struct list_node waits;     /* oldest first */
	struct notify_root *kernel; /* local processes are watched too: of file_notify.c */
};

struct notify_wait {
	struct list_node node;
	struct nt_status status;     /* PENDING; NOTIFY_ENUM_DIR: too much happened, go and look */
	struct notify_events events; /* with SUCCESS */
	/* Once, with the mutex held. */
	void (*decided)(struct notify_wait *wait);
};

/* What happened to one name. */
struct notify_change {
	uint32_t action;
	const char *path;
	uint32_t filter;  /* who watches for any of these is told */
	uint32_t without; /* but not who watches for any of these */
};

void notify_init(struct notify *n);
void notify_fini(struct notify *n); /* no watches are left */

/* Whether to take the trouble of telling. */
static inline bool notify_is_wanted(struct notify *n)
{
	return atomic_load_explicit(&n->watches, memory_order_relaxed) > 0;
}

void notify_watch_init(struct notify_watch *watch);
static inline bool notify_watch_is_active(const struct notify_watch *watch)
{
	return watch->path != NULL;
}

/* Begin to watch; for one that does a no-op, and *begun false. INSUFFICIENT_RESOURCES. */
NT_WARN_UNUSED struct nt_status notify_watch_begin(struct notify *n, struct notify_watch *watch,
						   const char *path, uint32_t filter, bool tree,
						   size_t bytes_max, bool *begun);
/* It goes by this path. INSUFFICIENT_RESOURCES. */
NT_WARN_UNUSED struct nt_status notify_watch_place(struct notify *n, struct notify_watch *watch,
						   const char *path);
/* Answer who waits, and who comes later, with this. */
void notify_watch_end(struct notify *n, struct notify_watch *watch, struct nt_status status);
/* DELETE_PENDING is not so any more. */
void notify_watch_resume(struct notify *n, struct notify_watch *watch);
/* It goes: nobody waits any more. */
void notify_watch_fini(struct notify *n, struct notify_watch *watch);

/* What happened since the last one, if anything; else PENDING, and wait->decided() will be called,
 * unless it is cancelled. */
NT_WARN_UNUSED struct nt_status notify_wait_begin(struct notify *n, struct notify_watch *watch,
						  struct notify_wait *wait);
void notify_wait_cancel(struct notify *n, struct notify_wait *wait);
void notify_wait_clear(struct notify_wait *wait); /* frees its events */

/*
 * Tell of changes in the order given; those of one call come in one answer. They are of names in
 * one directory.
 */
void notify_tell(struct notify *n, const struct notify_change *changes, unsigned count);
/* The same of what others did on this machine. */
void notify_tell_local(struct notify *n, const struct notify_change *changes, unsigned count);
/* Nobody knows what happened: all are to look for themselves. */
void notify_overflow(struct notify *n);

/* A directory has another name: so has what is watched there and below. */
void notify_moved(struct notify *n, const char *from, const char *to);

#endif
