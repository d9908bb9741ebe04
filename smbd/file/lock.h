/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte-range locks of one file: [MS-FSA] 2.1.5.8 (lock), 2.1.5.9 (unlock), 2.1.4.10 (what conflicts
 * with what). Who holds which range, who waits for one, and what of it a local process is to see.
 * A state machine: it knows no file, request or thread, and so runs in a simulator as it does here.
 *
 * Thread: none; the owner of the set serialises every call on it. Nothing suspends.
 * Ownership: an owner or a wait is the caller's and stays where it is until lock_owner_end(), or
 * until it is decided; entries are the set's. Units: bytes. Errors: struct nt_status.
 */
#ifndef SMBD_FILE_LOCK_H
#define SMBD_FILE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "smbd/file/lock_tree.h"
#include "smbd/wire/ntstatus.h"

/* Of one owner: what a client may have us remember. */
#define LOCKS_MAX (1u << 20)

/* What local processes are to see of a range, as POSIX has locks. */
enum lock_map { LOCK_MAP_NONE, LOCK_MAP_SHARED, LOCK_MAP_EXCLUSIVE };

struct lock_owner {
	/*
	 * Make [first, last] be so for this owner, inside whichever call changed it; NULL: nobody
	 * is told. False: a local process has a lock in the way; the range is as it was, or partly
	 * changed. To lower what is there always succeeds.
	 */
	bool (*map)(struct lock_owner *owner, uint64_t first, uint64_t last, enum lock_map to);

	/* the set's */
	struct list_node held; /* of lock_entry.of_owner */
	unsigned count;
	bool mapped;
};

struct lock_set {
	struct lock_entry *shared, *exclusive;
	struct lock_entry *inert; /* of {0, 0}, which conflicts with nothing but can be unlocked */
	struct list_node waits;   /* oldest first */
	unsigned count;
};

struct lock_range {
	uint64_t offset, length;
	bool exclusive;
};

/* A lock that waits until it is granted. */
struct lock_wait {
	struct lock_owner *owner;
	struct lock_range range;
	/* Inside the call that decided it, once; status has been set. */
	void (*decided)(struct lock_wait *wait);
	struct nt_status status; /* PENDING until then */
	struct list_node node;   /* the set's */
};

void lock_set_init(struct lock_set *set);
bool lock_set_is_empty(const struct lock_set *set);

void lock_owner_init(struct lock_owner *owner, bool (*map)(struct lock_owner *owner, uint64_t first,
							   uint64_t last, enum lock_map to));
/* All its waits end with RANGE_NOT_LOCKED, as Windows and Samba have it for a CLOSE. */
void lock_owner_interrupt(struct lock_set *set, struct lock_owner *owner);
/* That, and all its locks go; who waited for them gets his. */
void lock_owner_end(struct lock_set *set, struct lock_owner *owner);

/* All of them, or none. LOCK_NOT_GRANTED; INVALID_LOCK_RANGE: beyond the last offset that there is;
 * INSUFFICIENT_RESOURCES. */
NT_WARN_UNUSED struct nt_status lock_take(struct lock_set *set, struct lock_owner *owner,
					  const struct lock_range *ranges, unsigned count);

/* Likewise one, but where lock_take() says LOCK_NOT_GRANTED this says PENDING, and wait->decided()
 * will be called. Those who wait are granted in the order they came, each as soon as it can be: a
 * new lock that conflicts with nothing that is held does not wait behind one that does. */
NT_WARN_UNUSED struct nt_status lock_take_or_wait(struct lock_set *set, struct lock_wait *wait);

/* Try again what waits: for a lock of a local process, whose end nobody tells us. */
void lock_wait_retry(struct lock_set *set, struct lock_wait *wait);
/* Decided with CANCELLED, unless it is decided already. */
void lock_wait_cancel(struct lock_set *set, struct lock_wait *wait);

/* The exact range: an exclusive lock before a shared one. RANGE_NOT_LOCKED; INVALID_LOCK_RANGE. */
NT_WARN_UNUSED struct nt_status lock_drop(struct lock_set *set, struct lock_owner *owner,
					  uint64_t offset, uint64_t length);

/* May the owner read, or write? Its own shared lock stands in the way of writing. */
bool lock_io_conflicts(const struct lock_set *set, const struct lock_owner *owner, uint64_t offset,
		       uint64_t length, bool write);
/* The same of one lock, which is the owner's: would it stand in the way of what `by` does? */
bool lock_range_excludes(const struct lock_range *range, const struct lock_owner *owner,
			 const struct lock_owner *by, uint64_t offset, uint64_t length, bool write);

#endif
