/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CreateGuid of a CREATE with a DH2Q context: so that the CREATE that a client sends again on
 * another channel, because it lost the answer, gets the open that it has made, and no second one
 * ([MS-SMB2] 3.3.5.9.10). Hides the table, by client and guid, of all opens of the server that have
 * one.
 *
 * Thread: any. Lock order: the table, then a session. Ownership: an open's claim is part of it,
 * from open_claim() to its end.
 */
#ifndef SMBD_SESSION_CLAIM_H
#define SMBD_SESSION_CLAIM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "smbd/wire/guid.h"
#include "smbd/wire/ntstatus.h"
#include "transport/base/list.h"

struct open;

#define CLAIM_BUCKETS 256

struct claim_table {
	pthread_mutex_t mutex;
	struct list_node buckets[CLAIM_BUCKETS];
};

struct claim {
	atomic_bool made;
	struct list_node node;
	uint8_t client_guid[16];
	struct guid create_guid;
};

void claim_table_init(struct claim_table *table);
void claim_table_fini(struct claim_table *table); /* nothing is left in it: asserts it */

/*
 * Claim the guid for an open that is reserved, and not published yet. SUCCESS: it is this one's
 * now; or, when *existing is not NULL (a reference), this is a replay, and that is the answer.
 * DUPLICATE_OBJECTID: another open has it, and this is no replay, or one in another session.
 * FILE_NOT_AVAILABLE: a replay, but the first try is still under way.
 */
NT_WARN_UNUSED struct nt_status open_claim(struct open *open, const uint8_t client_guid[16],
					   const struct guid *create_guid, bool replay,
					   struct open **existing);

/* The open ends, or was never published; or its client has named it, and so has its answer:
 * Open.IsReplayEligible is no more (smbtorture's replay6 has it so of Windows). No-op without. */
void claim_drop(struct open *open);

#endif
