/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of file/ share and nobody else sees: the table of inodes that somebody has open.
 * Everything in a struct file but its first fields is under its shard's mutex.
 */
#ifndef SMBD_FILE_PRIVATE_H
#define SMBD_FILE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "smbd/file/file.h"
#include "smbd/file/lock.h"
#include "smbd/file/notify.h"
#include "smbd/file/oplock_state.h"
#include "transport/base/clock.h"
#include "transport/fiber/fiber.h"

#define SHARDS  64
#define BUCKETS 64 /* a shard */

/* [MS-SMB2] 3.3.2.1 */
#define OPLOCK_TIMEOUT_NS (35 * NS_PER_SEC)

struct shard {
	struct file_table *table;
	pthread_mutex_t mutex;
	struct list_node buckets[BUCKETS];
	unsigned opens;
};

struct file_table {
	const struct file_breaker *breaker;
	uint64_t (*now_ns)(void); /* clock_mono_ns(), but in a simulation */
	_Atomic uint64_t break_timeout_ns;
	_Atomic uint64_t oplock_serial;
	atomic_uint directory_leases; /* while there are none, nobody asks for parents */
	struct lease_table leases;
	struct shard shards[SHARDS];
	struct notify notify;
};

/* One stream of an inode that somebody has open; the unnamed one is here as long as any is. */
struct file {
	struct list_node node; /* in its bucket */
	struct shard *shard;
	struct vfs_id id;

	struct list_node opens;   /* of file_open.node_in_file */
	struct list_node streams; /* of file_open.node_in_base; of the unnamed stream only */
	bool delete_pending;
	bool deleting;    /* the last open is removing it: no new ones, and it is going */
	bool moving;      /* this stream's name comes or goes: new ones wait */
	bool facts_taken; /* file_facts_begin(); of the unnamed stream */
	struct fiber_cond facts_free; /* or not */

	/* Who asked for the deletion, and under which name: the open may be gone when it happens.
	 */
	struct vfs_cred *delete_cred;
	bool delete_trusted; /* as the node of who asked was */
	char *delete_path;
	bool delete_has_parent; /* and for which lease of the directory */
	struct guid delete_parent_key;

	struct list_node oplocks;  /* of oplock.node */
	atomic_uint oplock_count;  /* that cache anything: looked at under no lock */
	struct fiber_cond changed; /* an open or an oplock went, or came down */
	uint64_t changes;          /* so many times */
	unsigned pins;             /* kept by so many though nobody has it open */

	struct lock_set locks;

	/* Of file_io.c; the first two are read and the counts kept under no mutex. */
	atomic_uint io_watched;     /* locks and io_watchers: while 0, I/O is counted only */
	atomic_uint io_counts[2];   /* by whether it writes: in flight, and not in ios */
	struct list_node ios;       /* of file_io.node */
	struct file_io *appender;   /* who alone may write now */
	unsigned io_watchers;       /* who waits for I/O to end, or appends */
	uint64_t io_listed;         /* so many ever were in ios */
	struct fiber_cond io_ended; /* some of it */
};

struct shard *shard_of(struct file_table *table, const struct vfs_id *id);

/* The shard's mutex is held. NULL: nobody has it open. */
struct file *file_find(struct shard *shard, const struct vfs_id *id);

/* Run each() on every open of the share, shard by shard, under its mutex, until it returns true. */
bool file_each_open(struct file_table *table, const struct vfs_share *share,
		    bool (*each)(struct file *file, struct file_open *o, void *arg), void *arg);

/* Is it below the directory, whose path is n bytes? */
bool file_path_is_below(const char *path, const char *dir, size_t n);

/* ---- under the shard's mutex ---- */

/* A new entry, which nobody has open; NULL: out of memory. */
struct file *file_make(struct shard *shard, const struct vfs_id *id);

void file_pin(struct file *file);
void file_unpin(struct file *file); /* it may be gone then */

/* Who waits at it looks again. */
void file_stir(struct file *file);
/* What its entry was kept for is over: that, and unpinned. */
void file_removed(struct file *file);

/* file_open_add() without its waiting. RETRY: wait at open->file. */
NT_WARN_UNUSED struct nt_status file_open_try(struct file_table *table, struct file_open *open,
					      struct list_node *notices);

/* file_close() without what it calls the vfs for. *file and *base: what is to be removed, or NULL.
 */
void file_open_leave(struct file_table *table, struct file_open *open, struct file **file,
		     struct file **base, struct list_node *notices);

/* Could both be open together? [MS-FSA] 2.1.5.1.2.2. */
bool file_open_conflict(const struct file_open *a, const struct file_open *b);

/* ---- oplock.c, under the shard's mutex. Notices go to the list, for oplock_notices_send() ---- */

enum oplock_operation {
	OPLOCK_OPEN,
	OPLOCK_OPEN_CONFLICT, /* it would be a sharing violation */
	OPLOCK_OVERWRITE,     /* an open that cuts off what is there */
	OPLOCK_CHANGED,       /* data was changed */
	OPLOCK_DIRECTORY,     /* what is in a directory was changed */
	OPLOCK_HANDLE         /* the name is to be changed or deleted */
};

/* One oplock, or one lease with all its opens. */
struct oplock {
	struct list_node node; /* of its file */
	struct oplock_state s;
	bool directory;
	bool alone, v2;         /* as struct oplock_request has them */
	struct list_node opens; /* of file_open.node_in_oplock */
	struct lease_entry lease;
	uint64_t serial; /* never used again */
};

/* Break what stands in the way of `by` (NULL: nobody's). True: wait at the file, then look again.
 */
bool oplocks_break(struct file_table *table, struct file *file, enum oplock_operation op,
		   const struct file_open *by, struct list_node *notices);

/* May a lease of that key be this file's? INVALID_PARAMETER: it is another one's. */
NT_WARN_UNUSED struct nt_status oplocks_check(struct file_table *table,
					      const struct oplock_request *want,
					      const struct vfs_id *file);

/* The open is among the file's: what of its wish can it have? */
void oplocks_grant(struct file_table *table, struct file *file, struct file_open *open);
/* It closes. */
void oplocks_leave(struct file_table *table, struct file *file, struct file_open *open);

/* Who did not answer in time has lost what he had. */
void oplocks_expire(struct file_table *table, struct file *file);

/* When the next one's time is over; UINT64_MAX: nobody is waited for. */
uint64_t oplocks_deadline_ns(const struct file *file);

/* Under no mutex. */
void oplock_notices_send(struct file_table *table, struct list_node *notices);

/* Suspend till the file changes or a deadline passes. The mutex is released meanwhile, and the
 * notices are sent. False: called off. */
bool oplocks_wait(struct file_table *table, struct file *file, struct file_wait *wait,
		  struct list_node *notices);

/* ---- file_lock.c, under the shard's mutex: an open is entered, or about to leave ---- */

void file_locks_begin(struct file_open *open);
void file_locks_end(struct file_open *open);

/* ---- file_io.c, under the shard's mutex ---- */

/* The number of locks has changed. */
void file_io_watch(struct file *file);
/* The open has been given these: suspend, the mutex released meanwhile, until no I/O that they
 * exclude is under way. What begins now finds them in its way, so this ends. */
void file_io_drain(struct file_open *open, const struct lock_range *ranges, unsigned count);
/* Till what writes to the file now has ended; not what begins meanwhile. Suspends: pin the file. */
void file_io_settle(struct file *file);

/* Of file_notify.c: with the mutex held, when a directory is to go, or is not any more. */
void file_notify_deleting(struct file *file, bool deleting);
/* Under no mutex, before the open leaves. */
void file_notify_end(struct file_table *table, struct file_open *open);
/* From and to as paths in the share. */
void file_notify_renamed(struct file_table *table, const struct vfs_node *node, const char *from,
			 const char *to);

#endif
